"""Assess from end to end: schemes side by side, leaks, intervals, page and numbers."""

import json
from html.parser import HTMLParser
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from quadrat.core.crossval import LeftOut, schemes_for
from quadrat.core.errors import BadInput, BadJob, Unwritable
from quadrat.core.jobs.fewshot import AssessHead
from quadrat.core.labels import load_samples
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.sidecar import read_sidecar
from quadrat.tests.core import fields

pytestmark = pytest.mark.same_without_torch


@pytest.fixture
def raster(make_raster):
    return make_raster("scene.tif", fields.scene(), dtype="float32", names=("f", "l", "w", "n"))


@pytest.fixture
def assess(tmp_path, raster):
    """Assess; gives the result, the numbers beside the report and the page."""

    def go(frame=None, name="r.html", **values):
        path = tmp_path / "labels.gpkg"
        (fields.labels() if frame is None else frame).to_file(path)
        job = {
            "job": "assesshead",
            "labels": str(path),
            "field": "kind",
            "embedding": raster,
            "repeats": 1,
            "folds": 2,
            "curve_draws": 0,
            "calibration": "none",
        }
        quick = "linear" if values.get("target") == "value" else "prototype"
        job = AssessHead.from_dict(job | {"output": str(tmp_path / name), "head": quick} | values)
        result = run_job(job, Progress())
        return result, json.loads(Path(job.output).with_suffix(".json").read_text()), Path(job.output).read_text()

    return go


def scheme(numbers, name):
    return next(item for item in numbers["schemes"] if item["name"] == name)


def test_three_schemes_side_by_side(assess, tmp_path):
    result, numbers, _ = assess(repeats=2, folds=3)
    assert [item["name"] for item in numbers["schemes"]] == ["groups", "blocks", "random"]
    assert numbers["headline"]["scheme"] == "groups"
    assert numbers["headline"]["honest"]
    for item in numbers["schemes"]:
        assert item["metrics"]["accuracy"]["mean"] > 0.95
        assert len(item["metrics"]["accuracy"]["values"]) == 2
        assert item["tested"] == 240
        assert np.sum(item["confusion"]) == 480
    assert scheme(numbers, "groups")["folds"] == 3
    assert result.facts["schemes"]["groups"]["scores"]["accuracy"] > 0.95
    assert result.facts["headline"] == numbers["headline"]
    assert read_sidecar(str(tmp_path / "r.html"))["facts"]["result"] == "report"
    assert sorted(path.name for path in tmp_path.glob("r.*")) == ["r.csv", "r.html", "r.html.quadrat.json", "r.json"]


def fingerprinted(make_raster, seed=0):
    """A raster in which every polygon has a colour of its own and classes mean nothing."""
    frame = fields.labels(size=5)
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 0.05, (4, fields.HEIGHT, fields.WIDTH))
    for shape in frame.geometry:
        left, top = (shape.bounds[0] - fields.WEST) / 10, (fields.NORTH - shape.bounds[3]) / 10
        values[:, int(top) : int(top) + 5, int(left) : int(left) + 5] += rng.normal(0, 3, (4, 1, 1))
    return make_raster("prints.tif", values, dtype="float32"), frame


def test_leakage_is_seen_and_named(assess, make_raster):
    """What only recognises polygons again is perfect on random folds and worthless on polygons kept apart."""
    path, frame = fingerprinted(make_raster)
    _, numbers, page = assess(frame, embedding=path, head="knn", repeats=2, folds=5)
    assert scheme(numbers, "random")["metrics"]["accuracy"]["mean"] > 0.98
    assert scheme(numbers, "groups")["metrics"]["accuracy"]["mean"] < 0.65
    assert scheme(numbers, "blocks")["metrics"]["accuracy"]["mean"] < 0.65
    assert numbers["headline"]["leakage"] > 0.3
    assert "leakage, not skill" in page
    assert "Add labels in new places" in page


def test_confusion_is_not_transposed(assess, make_raster):
    """Two fifths of the lake look like wood, and no wood looks like lake."""
    values = fields.scene(noise=0.3)
    odd = (fields.truth() == 2) & (np.random.default_rng(0).random(fields.truth().shape) < 0.4)
    values[1:3, odd] = values[2:0:-1, odd]
    _, numbers, _ = assess(embedding=make_raster("odd.tif", values, dtype="float32"), balance=False)
    table = np.array(scheme(numbers, "groups")["confusion"])
    names = [entry["name"] for entry in numbers["classes"]]
    lake, wood = names.index("lake"), names.index("wood")
    assert table[lake, wood] > 15
    assert table[wood, lake] == 0
    rows = scheme(numbers, "groups")["per_class"]
    assert rows[lake]["recall"] < 0.8
    assert rows[lake]["precision"] == 1
    assert rows[wood]["recall"] == 1
    assert table.sum(axis=1).tolist() == [80, 80, 80]


def test_points_put_blocks_first(assess):
    frame = fields.labels(per_class=8)
    frame["geometry"] = frame.geometry.centroid
    _, numbers, page = assess(frame)
    assert [item["name"] for item in numbers["schemes"]] == ["blocks", "random"]
    assert numbers["headline"]["scheme"] == "blocks"
    assert numbers["left_out"][0]["name"] == "groups"
    assert "single point" in page


def test_block_size_and_degrees(assess, raster, tmp_path):
    frame = fields.labels()
    _, numbers, _ = assess(frame, block_size_m=150.0)
    assert "150 m" in scheme(numbers, "blocks")["sentence"]
    path = tmp_path / "l.gpkg"
    frame.to_file(path)
    samples = load_samples(AssessHead(labels=str(path), field="kind", embedding=raster), Progress())
    geographic = gpd.GeoSeries(gpd.points_from_xy(*samples.xy.T), crs=32722).to_crs(4326)
    import dataclasses

    degrees = dataclasses.replace(
        samples, xy=np.stack([geographic.x, geographic.y], axis=1), crs=geographic.crs.to_wkt()
    )
    both = [next(s for s in schemes_for("class", one, 0.0, 0)[0] if s.name == "blocks") for one in (samples, degrees)]
    sides = [float(s.sentence.split()[2].replace(",", "")) for s in both]
    assert sides[0] == pytest.approx(sides[1], rel=0.02)
    assert len(np.unique(both[0].groups(0))) == len(np.unique(both[1].groups(0)))


def test_few_polygons_few_folds(assess):
    frame = fields.labels(per_class=5)
    frame = frame[~((frame.kind == "wood") & (frame.index % 5 > 1))]
    _, numbers, page = assess(frame, folds=5)
    assert scheme(numbers, "groups")["folds"] == 2
    assert "wood (2)" in page


def test_a_class_with_one_polygon_is_named_and_not_tested(assess):
    frame = fields.labels(per_class=4)
    frame = frame[~((frame.kind == "wood") & (frame.index % 4 > 0))]
    _, numbers, page = assess(frame)
    groups = scheme(numbers, "groups")
    assert groups["untested"] == ["wood"]
    assert groups["tested"] == 8 * 16
    assert groups["per_class"][2]["support"] == 0
    assert "Add polygons of wood" in page


def test_one_polygon_a_class_is_cut_by_blocks_and_says_so(assess):
    _, numbers, page = assess(fields.labels(per_class=1, size=12))
    assert numbers["left_out"][0]["name"] == "groups"
    assert numbers["headline"]["scheme"] == "blocks"
    assert "they are cut" in page
    frame = fields.labels(per_class=1, size=12).assign(village=["x", "y", "z"])
    _, numbers, page = assess(frame, group_field="village")
    assert numbers["headline"]["scheme"] == "random"
    assert not numbers["headline"]["honest"]
    assert numbers["headline"]["leakage"] is None
    assert "No honest test was possible" in page


def test_labels_too_few_for_anything_are_a_sentence(assess, tmp_path):
    with pytest.raises(BadInput, match="too few to test anything"):
        assess(fields.labels(per_class=1, size=1))
    assert not (tmp_path / "r.html").exists()


def test_values(assess):
    result, numbers, page = assess(field="amount", target="value", folds=5)
    metrics = scheme(numbers, "groups")["metrics"]
    assert set(metrics) == {"r2", "pearson_r2", "mae", "rmse"}
    assert metrics["r2"]["mean"] > 0.9
    assert metrics["r2"]["low"] < metrics["r2"]["mean"] <= metrics["r2"]["high"]
    assert "variance" in page
    assert "Estimated" in page
    assert result.facts["headline"]["metric"] == "r2"


def test_a_group_field_joins_polygons(assess):
    frame = fields.labels()
    frame["village"] = np.arange(len(frame)) % 5
    _, numbers, _ = assess(frame, group_field="village", folds=5)
    groups = scheme(numbers, "groups")
    assert groups["groups"] == 5
    assert groups["folds"] == 5
    assert "village" in groups["title"]


def test_table_without_places_has_no_blocks_and_no_map(assess, tmp_path):
    rng = np.random.default_rng(0)
    kind = np.repeat(["a", "b"], 40)
    frame = pd.DataFrame({"kind": kind, "f": rng.normal(size=80) + 3 * (kind == "a"), "plot": np.arange(80) // 4})
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    table = {"labels": str(path), "embedding": "", "feature_fields": ["f"], "group_field": "plot"}
    _, numbers, page = assess(**table)
    assert [item["name"] for item in numbers["schemes"]] == ["groups", "random"]
    assert "not known where the samples lie" in page
    assert "<h2>Where</h2>" not in page


class Checker(HTMLParser):
    """Collects what a page asks for from outside, and whether its tags are balanced."""

    VOID = ("meta", "br", "img", "link", "hr")

    def __init__(self):
        super().__init__()
        self.open, self.outside, self.tags = [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.outside += [value for name, value in attributes if name in ("src", "href", "data", "xlink:href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def checked(page):
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    return checker


def test_page_is_whole_and_asks_for_nothing(assess):
    _, _, page = assess(curve_draws=1)
    checker = checked(page)
    assert checker.outside == []
    assert "script" not in checker.tags
    assert "@import" not in page
    assert "url(" not in page
    assert "prefers-color-scheme:dark" in page
    assert "@media print" in page
    assert checker.tags.count("svg") == 6
    assert len(page) < 300_000


def test_text_of_users_is_escaped(assess, tmp_path):
    frame = fields.labels().rename(columns={"kind": "<b>&\"'"})
    frame["<b>&\"'"] = frame["<b>&\"'"].replace("lake", "<script>alert('x')</script>")
    _, numbers, page = assess(frame, field="<b>&\"'")
    assert "<script>alert('x')</script>" in [entry["name"] for entry in numbers["classes"]]
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert checked(page).tags.count("svg") == 5, "no curve"


def test_same_job_same_bytes(assess, tmp_path):
    first = assess()[2]
    numbers = (tmp_path / "r.json").read_bytes()
    again = assess(threads=1)[1]
    assert again["schemes"] == json.loads(numbers)["schemes"]
    assert assess()[2] == first
    assert (tmp_path / "r.json").read_bytes() == numbers


def test_report_that_cannot_be_written_is_a_sentence(assess):
    with pytest.raises(BadJob, match=r"must be a \.html file"):
        assess(name="r.pdf")
    with pytest.raises(Unwritable):
        assess(name="none/r.html")


def test_training_reports_the_very_score_of_assessment(assess, tmp_path, raster):
    from quadrat.core.jobs.fewshot import TrainHead

    _, numbers, _ = assess(folds=5)
    job = TrainHead(
        labels=str(tmp_path / "labels.gpkg"),
        field="kind",
        embedding=raster,
        output=str(tmp_path / "a.qhead"),
        head="prototype",
        calibration="none",
    )
    tested = run_job(job, Progress()).facts["tested"]
    assert tested["scores"]["accuracy"] == scheme(numbers, "groups")["metrics"]["accuracy"]["mean"]


def test_schemes_of_samples_in_one_place(tmp_path):
    frame = pd.DataFrame({"kind": list("abab"), "f": [1, 2, 3, 4.0], "x": [5.0] * 4, "y": [6.0] * 4})
    path = tmp_path / "t.csv"
    frame.to_csv(path, index=False)
    job = AssessHead(labels=str(path), field="kind", feature_fields=("f",))
    _, left_out = schemes_for("class", load_samples(job, Progress()), 0.0, 0)
    assert LeftOut("blocks", "Spatial blocks", "All samples lie in one place.") in left_out


def test_the_numbers_never_replace_labels_of_the_same_name(tmp_path, raster):
    path = tmp_path / "site.json"
    fields.labels().to_file(path, driver="GeoJSON")
    before = path.read_bytes()
    job = {"labels": str(path), "field": "kind", "embedding": raster, "output": str(tmp_path / "site.html")}
    with pytest.raises(BadJob, match="numbers beside the report"):
        run_job(AssessHead.from_dict(job), Progress())
    assert path.read_bytes() == before
