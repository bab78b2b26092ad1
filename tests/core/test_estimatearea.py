"""Draw sample and Estimate area from end to end, on real files."""

import json
import os
import re
import threading
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
from quadrat.core.cellarea import CellAreas
from quadrat.core.errors import BadInput, BadJob, Cancelled, Stale, Unwritable
from quadrat.core.grid import Grid, Window
from quadrat.core.jobs.estimate import DrawSample, EstimateArea
from quadrat.core.jobs.fewshot import ApplyHead, TrainHead
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.core.sidecar import read_sidecar
from quadrat.tests.core import fields
from rasterio.transform import Affine
from scipy.ndimage import gaussian_filter

NAMES = {1: "water", 2: "wood", 3: "reed"}


def scene(height=180, width=240, seed=0):
    """Truth and a map of it with errors: (h, w) of 1, 2 and, rarely, 3."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=(height, width)), 9)
    field /= field.std()
    truth = np.where(field < -0.3, 1, np.where(field < 1.7, 2, 3)).astype(np.uint8)
    noisy = field + 0.5 * gaussian_filter(rng.normal(size=(height, width)), 2) * 5
    return truth, np.where(noisy < -0.5, 1, np.where(noisy < 1.6, 2, 3)).astype(np.uint8)


def name_classes(path, names=NAMES):
    """The sidecar that 'Apply head' writes beside a class map."""
    classes = [{"value": value, "name": name, "colour": "#4477aa"} for value, name in names.items()]
    content = {"format": 1, "version": "0", "job": {"job": "applyhead"}, "inputs": {}, "facts": {"classes": classes}}
    Path(f"{path}.quadrat.json").write_text(json.dumps(content), encoding="utf-8")


@pytest.fixture
def world(make_raster):
    """Truth as an array, and the path of its map, 10 m cells in UTM."""
    truth, shown = scene()
    path = make_raster("carte 場.tif", shown[None], nodata=0)
    name_classes(path)
    return truth, path


@pytest.fixture
def draw(tmp_path):
    """Draw a sample; gives its path, the facts and the log."""

    def go(name="sample é.gpkg", progress=None, **values):
        log, path = [], str(tmp_path / name)
        job = DrawSample.from_dict({"job": "drawsample", "output": path} | values)
        result = run_job(job, progress or Progress(log=lambda level, text: log.append(text)))
        return path, result.facts, log

    return go


@pytest.fixture
def estimate(tmp_path):
    """Estimate; gives the numbers, the log and the page."""

    def go(sample, name="r.html", **values):
        log, path = [], tmp_path / name
        job = EstimateArea.from_dict({"job": "estimatearea", "sample": sample, "output": str(path)} | values)
        run_job(job, Progress(log=lambda level, text: log.append(text)))
        return json.loads(path.with_suffix(".json").read_text(encoding="utf-8")), log, path.read_text(encoding="utf-8")

    return go


def places(path):
    return pyogrio.read_dataframe(f"{path}", layer=0)


def designed(path):
    return pyogrio.read_dataframe(path, layer="design")


def cells(frame):
    return np.array([[int(n) - 1 for n in re.fullmatch(r"r(\d+)c(\d+)", place).groups()] for place in frame["place"]])


def rewrite(path, frame):
    """The sample as QGIS leaves it after editing: the layer changed, the table of the design as it was."""
    design = designed(path)
    os.remove(path)
    pyogrio.write_dataframe(frame, path, layer=Path(path).stem, driver="GPKG")
    pyogrio.write_dataframe(design, path, layer="design", driver="GPKG", append=True)


def fill(path, truth, names=NAMES, only=None, field="reference"):
    """Label the sample as a person would, in place; `only` says which rows, by order."""
    frame = places(path)
    at = cells(frame)
    said = [names[int(value)] for value in truth[at[:, 0], at[:, 1]]]
    frame[field] = [s if only is None or only(o) else None for s, o in zip(said, frame["order"], strict=True)]
    rewrite(path, frame)
    return frame


class TestDrawing:
    def test_a_stratified_sample(self, world, draw):
        _, path = world
        sample, facts, log = draw(map=path, size=200, minimum=40)
        frame, design = places(sample), designed(sample)
        with rasterio.open(path) as file:
            shown = file.read(1)
        at = cells(frame)
        assert list(frame.columns) == ["place", "order", "reference", "geometry"]  # nothing tells the class
        assert frame["order"].tolist() == list(range(1, len(frame) + 1))
        assert frame["reference"].isna().all()
        assert frame.crs.to_epsg() == 32722
        np.testing.assert_allclose(frame.geometry.x, 600_000 + 10 * (at[:, 1] + 0.5))
        np.testing.assert_allclose(frame.geometry.y, 9_000_000 - 10 * (at[:, 0] + 0.5))
        np.testing.assert_array_equal(design["stratum"], shown[at[:, 0], at[:, 1]])
        assert len(set(frame["place"])) == len(frame)
        strata = facts["design"]["strata"]
        for stratum in strata:
            count = int((shown == stratum["value"]).sum())
            assert stratum["count"] == count
            assert stratum["area_m2"] == pytest.approx(100 * count)
            assert stratum["drawn"] == (design["stratum"] == stratum["value"]).sum() >= 40
        assert design["weight"].sum() == pytest.approx(shown.size)
        assert design["stands_for_ha"].sum() == pytest.approx(shown.size / 100)
        assert design["stratum_name"].unique().tolist() != []
        assert any("drawn at random" in line for line in log)
        assert read_sidecar(sample)["facts"]["result"] == "places"

    def test_the_class_can_be_shown(self, world, draw):
        sample, *_ = draw(map=world[1], size=100, blind=False)
        assert {"stratum", "stratum_name", "weight"} <= set(places(sample).columns)

    def test_seeds_decide_and_a_larger_sample_holds_the_smaller(self, world, draw):
        first, again, other = (set(places(draw(map=world[1], size=150, seed=s)[0])["place"]) for s in (1, 1, 2))
        larger = set(places(draw(map=world[1], size=400, seed=1)[0])["place"])
        assert first == again
        assert len(first & other) < 0.2 * len(first)
        assert first < larger

    def test_equal_jobs_are_equal_files(self, world, draw, tmp_path):
        draw(map=world[1], size=100)
        before = (tmp_path / "sample é.gpkg").read_bytes()
        draw(map=world[1], size=100)
        assert (tmp_path / "sample é.gpkg").read_bytes() == before

    def test_the_first_places_are_spread_over_strata(self, world, draw):
        sample, facts, _ = draw(map=world[1], size=300, minimum=60)
        design = designed(sample)
        share = np.array([s["drawn"] for s in facts["design"]["strata"]]) / len(design)
        for m in (60, 120, 200):
            first = np.bincount(design["stratum"][:m], minlength=4)[1:]
            assert np.abs(first - m * share).max() <= 3

    def test_every_cell_is_as_likely(self, make_raster, draw):
        path = make_raster("small.tif", np.ones((1, 6, 7)), nodata=0)
        hits = np.zeros((6, 7))
        for seed in range(120):
            at = cells(places(draw(map=path, size=8, design="simple", seed=seed)[0]))
            hits[at[:, 0], at[:, 1]] += 1
        assert hits.sum() == 120 * 8
        spread = ((hits - 120 * 8 / 42) ** 2 / (120 * 8 / 42)).sum()  # chi square with 41 degrees of freedom
        assert 12 < spread < 75

    def test_automatic_size_follows_the_half_width(self, world, draw):
        sizes = [draw(map=world[1], half_width_percent=half, minimum=20)[1]["places"] for half in (10, 5, 2.5)]
        assert sizes == sorted(sizes)
        assert 3 < sizes[2] / sizes[1] < 4.5
        assert draw(map=world[1], half_width_percent=5, design="simple")[1]["places"] == pytest.approx(384, abs=8)

    def test_only_inside_polygons(self, world, draw, make_polygons):
        inside = make_polygons([(600_000, 8_999_000, 600_800, 9_000_000)])
        sample, facts, _ = draw(map=world[1], size=60, minimum=5, mask=inside)
        assert (places(sample).geometry.x < 600_800).all()
        assert sum(s["count"] for s in facts["design"]["strata"]) == 80 * 100

    def test_holes_are_never_drawn(self, make_raster, draw):
        _, shown = scene()
        holes = np.zeros(shown.shape, bool)
        holes[:, :120] = True
        sample, facts, _ = draw(map=make_raster("h.tif", shown[None], missing="nodata", nodata=0, holes=holes), size=80)
        assert (cells(places(sample))[:, 1] >= 120).all()
        assert sum(s["count"] for s in facts["design"]["strata"]) == (~holes).sum()

    def test_an_enlarged_sample_keeps_its_labels(self, world, draw, tmp_path):
        truth, path = world
        small, *_ = draw("small.gpkg", map=path, size=120, minimum=20, seed=3)
        labelled = fill(small, truth)
        large, *_ = draw("large.gpkg", map=path, size=300, minimum=20, seed=3, earlier=small)
        frame = places(large)
        assert frame["place"].tolist()[:120] == labelled["place"].tolist()
        assert frame["reference"].tolist()[:120] == labelled["reference"].tolist()
        assert frame["reference"][120:].isna().all()
        with pytest.raises(Stale, match="another seed"):
            draw("x.gpkg", map=path, size=300, minimum=20, seed=4, earlier=small)
        with pytest.raises(BadInput, match="at least as many places"):
            draw("x.gpkg", map=path, size=60, minimum=10, seed=3, earlier=small)

    def test_degrees_are_drawn_by_area(self, make_raster, draw):
        """From the equator to 80 degrees north: half of the cells, but far more of the area, lie below 40."""
        path = make_raster("d.tif", np.ones((1, 160, 50)), crs="EPSG:4326", nodata=0,
                           transform=Affine(0.5, 0, 0, 0, -0.5, 80))  # fmt: skip
        sample, facts, _ = draw(map=path, size=2000, design="simple")
        south = (places(sample).geometry.y < 40).mean()
        share = np.sin(np.radians(40)) / np.sin(np.radians(80))
        assert south == pytest.approx(share, abs=4 * np.sqrt(share * (1 - share) / 2000) + 0.01)
        with open_raster(path) as reader:
            areas = CellAreas(reader.grid).of(reader.grid.whole)
        assert facts["design"]["strata"][0]["area_m2"] == pytest.approx(50 * areas.sum())
        assert "ellipsoid" in facts["design"]["note"]

    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ({}, "either a map or a table"),
            ({"map": "MAP", "units": "x.csv"}, "not both"),
            ({"map": "MAP", "output": "s.csv"}, "must be a .gpkg"),
            ({"map": "MAP", "size": 3}, "too few for 3 strata"),
            ({"map": "nowhere.tif"}, "no file nowhere.tif"),
        ],
    )
    def test_bad_jobs_are_sentences(self, world, draw, values, sentence):
        values = {name: world[1] if value == "MAP" else value for name, value in values.items()}
        with pytest.raises((BadJob, BadInput), match=sentence):
            draw(**values)

    def test_bad_maps_are_sentences(self, make_raster, draw, tmp_path):
        with pytest.raises(BadInput, match="has 3 bands"):
            draw(map=make_raster("rgb.tif"))
        fractions = make_raster("f.tif", np.full((1, 5, 5), 0.25), dtype="float32")
        with pytest.raises(BadInput, match=r"holds 0.25, which is no class.*'simple'"):
            draw(map=fractions)
        assert draw(map=fractions, design="simple", size=5)[1]["places"] == 5
        with pytest.raises(BadInput, match="no valid cell"):
            draw(map=make_raster("e.tif", np.zeros((1, 5, 5)), nodata=0))
        with pytest.raises(BadInput, match="more than 1000 different"):
            draw(map=make_raster("many.tif", np.arange(1600).reshape(1, 40, 40), dtype="uint16"))
        with pytest.raises(Unwritable, match="no folder"):
            draw("nowhere/s.gpkg", map=fractions)
        assert not list(tmp_path.glob("*.part*"))

    def test_cancel_is_heard(self, world, draw, tmp_path):
        stop = threading.Event()
        stop.set()
        with pytest.raises(Cancelled):
            draw(map=world[1], progress=Progress(cancelled=stop))
        assert not (tmp_path / "sample é.gpkg").exists()


class TestArea:
    def test_the_truth_lies_inside_and_counting_would_have_misled(self, world, draw, estimate):
        truth, path = world
        sample, *_ = draw(map=path, size=900, seed=1)
        fill(sample, truth)
        numbers, log, page = estimate(sample, of_class="WOOD")
        assert numbers["kind"] == "area"
        assert numbers["unit"] == "ha"
        assert numbers["estimator"] == "stratified"
        with rasterio.open(path) as file:
            shown = file.read(1)
        for row, (value, name) in zip(numbers["rows"], NAMES.items(), strict=True):
            assert row["name"] == name
            real, counted = 0.01 * (truth == value).sum(), 0.01 * (shown == value).sum()
            assert row["shown"]["low"] < real < row["shown"]["high"]
            assert row["counted"] == pytest.approx(counted)
            assert row["shown"]["value"] == pytest.approx(432 * row["share"]["value"])
        wood = numbers["rows"][numbers["headline"]]
        assert wood["name"] == "wood"
        assert re.match(
            r"wood covers \d+(\.\d)? ha \(95 % interval: \d+(\.\d)? to \d+(\.\d)?\)", numbers["sentences"][0]
        )
        assert "Counting pixels would have said" in numbers["sentences"][1]
        assert numbers["sentences"][0] in log
        overall = numbers["accuracy"]["overall"]
        assert overall["low"] < (truth == shown).mean() < overall["high"]
        assert "Reference (columns)" in page
        assert "Map (rows)" in page

    def test_rows_of_the_table_are_the_map(self, make_raster, draw, estimate):
        """All that the map shows as 1 is 2 in truth, and never the other way round."""
        shown = np.repeat([[1, 2]], 50, axis=0).repeat(40, axis=1)
        path = make_raster("a.tif", shown[None], nodata=0)
        sample, *_ = draw(map=path, size=60, minimum=20)
        fill(sample, np.full(shown.shape, 2), {2: "2"})
        numbers, *_ = estimate(sample)
        assert numbers["accuracy"]["counts"][0] == [0, 30]
        assert numbers["accuracy"]["counts"][1] == [0, 30]
        users, producers = ([row["value"] for row in numbers["accuracy"][name]] for name in ("users", "producers"))
        assert users == [0, 1]
        assert producers == [None, 0.5]

    def test_files_beside_the_report(self, world, draw, estimate, tmp_path):
        truth, path = world
        sample, *_ = draw(map=path, size=120)
        fill(sample, truth)
        _, _, page = estimate(sample, of_class="wood")
        table = pd.read_csv(tmp_path / "r.csv")
        assert table["name"].tolist() == list(NAMES.values())
        assert table["value (ha)"].sum() == pytest.approx(432)
        assert not re.search(r"<script|https?://(?!www\.w3)|src=", page)
        sidecar = read_sidecar(str(tmp_path / "r.html"))
        assert sidecar["facts"]["result"] == "report"
        before = (tmp_path / "r.html").read_bytes()
        estimate(sample, of_class="wood")
        assert (tmp_path / "r.html").read_bytes() == before

    def test_names_from_files_are_escaped(self, make_raster, draw, estimate):
        truth, shown = scene(40, 40)
        path = make_raster("a.tif", shown[None], nodata=0)
        evil = {value: f"<b>{name}&" for value, name in NAMES.items()}
        name_classes(path, evil)
        sample, *_ = draw(map=path, size=60, minimum=10)
        fill(sample, truth, evil)
        _, _, page = estimate(sample)
        assert "<b>w" not in page
        assert "&lt;b&gt;wood&amp;" in page

    def test_the_first_so_many_are_a_valid_sample_and_gaps_are_told(self, world, draw, estimate):
        truth, path = world
        sample, *_ = draw(map=path, size=300, minimum=60)
        fill(sample, truth, only=lambda order: order <= 150)
        numbers, _, _ = estimate(sample)
        assert numbers["labelled"] == 150
        assert any("valid smaller sample" in note for note in numbers["notes"])
        fill(sample, truth, only=lambda order: order % 3)
        numbers, log, _ = estimate(sample)
        assert numbers["labelled"] == 200
        assert any("in between" in note for note in numbers["notes"])
        assert any("in between" in line for line in log)

    def test_classes_that_the_map_lacks_and_slips_of_the_pen(self, world, draw, estimate):
        truth, path = world
        sample, *_ = draw(map=path, size=200)
        names = {1: "Water ", 2: "wood", 3: "reeds"}
        fill(sample, np.where(truth == 2, np.where(np.arange(240) % 9 == 0, 4, 2), truth), {**names, 4: "cloud"})
        numbers, *_ = estimate(sample)
        assert [row["name"] for row in numbers["rows"]][:3] == ["water", "wood", "reed"]
        assert {row["name"] for row in numbers["rows"][3:]} == {"cloud", "reeds"}
        assert any("If 'reed' is meant" in note for note in numbers["notes"])
        assert any("not on the map: " in note and "cloud" in note for note in numbers["notes"])
        assert sum(row["share"]["value"] for row in numbers["rows"]) == pytest.approx(1)
        assert len(numbers["accuracy"]["counts"]) == 3

    def test_codes_do_as_names(self, world, draw, estimate):
        truth, path = world
        sample, *_ = draw(map=path, size=200)
        by_name = fill(sample, truth) is not None and estimate(sample)[0]
        fill(sample, truth, {1: "1", 2: "2", 3: "3"})
        assert estimate(sample)[0]["rows"] == by_name["rows"]

    def test_moved_points_still_stand_for_their_cells(self, world, draw, estimate):
        truth, path = world
        sample, *_ = draw(map=path, size=200, design="simple")
        before = fill(sample, truth) is not None and estimate(sample)[0]
        frame = places(sample)
        frame.geometry = frame.geometry.translate(300)
        rewrite(sample, frame)
        after = estimate(sample)[0]
        assert after["rows"] == before["rows"]
        assert any("200 points were moved" in note for note in after["notes"])

    def test_a_simple_sample_with_the_map_is_surer_than_without(self, world, draw, estimate, tmp_path):
        truth, path = world
        sample, *_ = draw(map=path, size=400, design="simple")
        fill(sample, truth)
        helped, *_ = estimate(sample)
        assert helped["estimator"] == "prediction"
        plain, *_ = estimate(sample, estimator="stratified")
        for a, b, value in zip(helped["rows"], plain["rows"], NAMES, strict=True):
            assert a["share"]["se"] < b["share"]["se"]
            assert a["share"]["low"] < (truth == value).mean() < a["share"]["high"]
        corrected, *_ = estimate(sample, estimator="matrix")
        assert any("Condition number" in note for note in corrected["notes"])
        os.remove(path)
        alone, *_ = estimate(sample)
        assert alone["estimator"] == "stratified"
        assert alone["rows"][0]["counted"] is None
        with pytest.raises(BadInput, match="needs a prediction"):
            estimate(sample, estimator="prediction")

    def test_another_map_is_judged_by_the_same_sample(self, world, draw, estimate, make_raster):
        truth, path = world
        sample, *_ = draw(map=path, size=500)
        fill(sample, truth)
        better = np.where(np.random.default_rng(0).random(truth.shape) < 0.03, 1, truth)
        other = make_raster("better.tif", better[None], nodata=0)
        name_classes(other)
        own, *_ = estimate(sample)
        new, *_ = estimate(sample, map=other)
        assert [r["share"]["value"] for r in new["rows"]] == pytest.approx([r["share"]["value"] for r in own["rows"]])
        found = new["accuracy"]["overall"]
        assert found["low"] < (better == truth).mean() < found["high"]
        assert found["value"] > own["accuracy"]["overall"]["value"]
        assert new["rows"][0]["counted"] == pytest.approx(0.01 * (better == 1).sum())

    def test_a_design_that_is_only_stated(self, world, draw, estimate, tmp_path):
        truth, path = world
        sample, *_ = draw(map=path, size=300)
        fill(sample, truth)
        recorded, *_ = estimate(sample)
        bare = str(tmp_path / "bare.gpkg")
        places(sample)[["reference", "geometry"]].to_crs(4326).to_file(bare)
        with pytest.raises(BadInput, match="how it was drawn"):
            estimate(bare)
        stated, *_ = estimate(bare, design="stratified", map=path)
        for a, b in zip(stated["rows"], recorded["rows"], strict=True):
            assert a["share"] == b["share"]
        assert "nothing beside the sample proves it" in " ".join(
            estimate(bare, design="stratified", map=path)[2].split()
        )

    def test_area_in_degrees_is_true_area(self, make_raster, draw, estimate):
        shown = np.repeat([[1], [2]], 80, axis=0).repeat(50, axis=1)
        path = make_raster("d.tif", shown[None], crs="EPSG:4326", nodata=0, transform=Affine(0.5, 0, 0, 0, -0.5, 80))
        name_classes(path)
        sample, *_ = draw(map=path, size=100, minimum=40)
        fill(sample, shown)
        numbers, *_ = estimate(sample)
        south = np.sin(np.radians(40)) / np.sin(np.radians(80))
        assert numbers["unit"] == "km²"
        assert numbers["rows"][1]["share"]["value"] == pytest.approx(south, abs=0.003)  # on a sphere; ours is not one
        sphere = 6371.0072**2 * np.radians(25) * np.sin(np.radians(80))
        assert numbers["area_m2"] / 1e6 == pytest.approx(sphere, rel=0.003)

    def test_without_crs_there_are_shares_and_no_areas(self, make_raster, draw, estimate):
        truth, shown = scene(60, 60)
        path = make_raster("p.tif", shown[None], crs=None, nodata=0)
        sample, *_ = draw(map=path, size=90, minimum=10)
        fill(sample, truth, {1: "1", 2: "2", 3: "3"})
        numbers, *_ = estimate(sample)
        assert numbers["kind"] == "share"
        assert re.match(r"1 makes up \d+(\.\d)? % of the map", numbers["sentences"][0])

    def test_enough_and_more(self, world, draw, estimate):
        truth, path = world
        sample, *_ = draw(map=path, size=200)
        fill(sample, truth)
        now = estimate(sample, half_width_percent=40)[0]
        assert "enough" in now["sentences"][-1]
        row = estimate(sample, half_width_percent=1)[0]["rows"][1]
        assert row["more"] == pytest.approx(200 * ((100 * row["half"]) ** 2 - 1), rel=0.15)


class TestRefusals:
    def test_chosen_places(self, world, draw, estimate, tmp_path):
        with pytest.raises(BadJob, match=r"no probability sample.*Draw sample"):
            EstimateArea.from_dict({"job": "estimatearea", "sample": "a", "output": "b", "design": "chosen"})
        sample, *_ = draw(map=world[1], size=60)
        fill(sample, world[0])
        sidecar = Path(f"{sample}.quadrat.json")
        content = json.loads(sidecar.read_text(encoding="utf-8"))
        content["job"]["job"] = "suggestlabels"
        sidecar.write_text(json.dumps(content), encoding="utf-8")
        for design in ("recorded", "simple", "stratified"):
            with pytest.raises(BadInput, match=r"suggestlabels.*no probability sample"):
                estimate(sample, design=design, map=world[1])

    def test_a_map_taught_with_the_same_sample(self, make_raster, draw, estimate, tmp_path):
        truth = fields.truth()
        embedding = make_raster("e.tif", fields.scene(), dtype="float32")
        first = make_raster("first.tif", np.where(truth > 0, truth, 0)[None], nodata=0)
        sample, *_ = draw("s.gpkg", map=first, size=90, minimum=10)
        fill(sample, truth, {k + 1: name for k, name in enumerate(fields.NAMES)})
        head, path = str(tmp_path / "h.qhead"), str(tmp_path / "m.tif")
        run_job(TrainHead(labels=sample, field="reference", embedding=embedding, output=head), Progress())
        run_job(ApplyHead(head=head, embedding=embedding, output=path), Progress())
        with pytest.raises(BadInput, match="trained on these very labels"):
            estimate(sample, map=path)
        later, *_ = draw("later.gpkg", map=path, size=90, minimum=10, seed=5)  # drawn from the map: no circle
        fill(later, truth, {k + 1: name for k, name in enumerate(fields.NAMES)})
        assert estimate(later)[0]["labelled"] == 90

    def test_bad_samples_are_sentences(self, world, draw, estimate, tmp_path):
        truth, path = world
        sample, *_ = draw(map=path, size=100)
        with pytest.raises(BadInput, match=r"None of the .* places"):
            estimate(sample)
        with pytest.raises(BadInput, match="Did you mean 'reference'"):
            estimate(sample, field="referense")
        fill(sample, truth)
        with pytest.raises(BadInput, match="says its sidecar"):
            estimate(sample, design="simple")
        with pytest.raises(BadInput, match="No place is labelled 'sand'"):
            estimate(sample, of_class="sand")
        with pytest.raises(BadInput, match="not a number"):
            estimate(sample, target="value")
        with pytest.raises(BadJob, match=r"must be a \.html"):
            estimate(sample, name="r.txt")
        fill(sample, truth, only=lambda order: order < 5)
        with pytest.raises(BadInput, match="fewer than two labels"):
            estimate(sample)
        assert not list(tmp_path.glob("r.*"))

    def test_a_lost_design_is_found_on_the_map_or_told(self, world, draw, estimate):
        truth, path = world
        sample, *_ = draw(map=path, size=150)
        frame = fill(sample, truth)
        before = estimate(sample)[0]["rows"]
        os.remove(sample)
        pyogrio.write_dataframe(frame, sample, layer="edited", driver="GPKG")
        assert estimate(sample)[0]["rows"] == before
        os.remove(path)
        with pytest.raises(BadInput, match="Give that map"):
            estimate(sample)

    def test_a_damaged_sidecar_is_a_sentence(self, world, draw, estimate):
        sample, *_ = draw(map=world[1], size=60)
        sidecar = Path(f"{sample}.quadrat.json")
        content = json.loads(sidecar.read_text(encoding="utf-8"))
        del content["facts"]["design"]["strata"][0]["count"]
        sidecar.write_text(json.dumps(content), encoding="utf-8")
        with pytest.raises(BadInput, match="not hold a whole design"):
            estimate(sample)


class TestValues:
    def test_the_mean_of_a_value_map(self, make_raster, draw, estimate):
        rng = np.random.default_rng(0)
        truth = 20 + 5 * gaussian_filter(rng.normal(size=(90, 110)), 4) * 8
        shown = truth + 3 + rng.normal(0, 2, truth.shape)
        path = make_raster("v.tif", shown[None], dtype="float32")
        sample, *_ = draw(map=path, size=150, design="simple")
        fill(sample, np.arange(truth.size).reshape(truth.shape), dict(enumerate(truth.ravel())))
        numbers, *_ = estimate(sample, target="value", value_unit="t/ha")
        row = numbers["rows"][0]
        assert numbers["kind"] == "mean"
        assert row["share"]["low"] < truth.mean() < row["share"]["high"]
        assert row["counted"] == pytest.approx(shown.mean(), rel=1e-5)
        assert not row["share"]["low"] < row["counted"] < row["share"]["high"]
        assert re.match(r"The mean of reference is \d+\.\d+ t/ha \(95 % interval", numbers["sentences"][0])
        assert "too much" in numbers["sentences"][1]
        plain = estimate(sample, target="value", estimator="stratified")[0]["rows"][0]
        assert row["half"] < plain["half"]


class TestUnits:
    @pytest.fixture
    def photos(self, tmp_path):
        """300 photos of 20 points in two zones; true classes, and predictions with errors."""
        rng = np.random.default_rng(1)
        rows = []
        for photo in range(300):
            cover = rng.beta(1, 2 if photo < 200 else 6)
            real = rng.random(20) < cover
            said = np.where(rng.random(20) < 0.15, ~real, real)
            rows += [
                (f"P{photo:03d}", "deep" if photo < 200 else "shallow", r, s) for r, s in zip(real, said, strict=True)
            ]
        frame = pd.DataFrame(rows, columns=["photo", "zone", "real", "said"])
        for name in ("real", "said"):
            frame[name] = np.where(frame[name], "coral", "other")
        path = str(tmp_path / "points.csv")
        frame.drop(columns="real").to_csv(path, index=False)
        return frame, path

    def drawn(self, sample, frame, field="reference"):
        table = pyogrio.read_dataframe(sample, layer=0)
        real = frame.groupby("photo")["real"].apply(list).to_dict()
        table[field] = [
            real[place][k] for place, k in zip(table["place"], table.groupby("place").cumcount(), strict=True)
        ]
        rewrite(sample, table)
        return table

    def test_photos_are_drawn_whole_and_are_the_unit(self, photos, draw, estimate):
        frame, path = photos
        sample, facts, _ = draw(units=path, unit_field="photo", size=60)
        table = self.drawn(sample, frame)
        assert facts["places"] == 60
        assert len(table) == 60 * 20
        assert table.groupby("place").size().eq(20).all()
        numbers, *_ = estimate(sample)
        assert numbers["labelled"] == 60
        assert numbers["population"] == 300
        coral = next(row for row in numbers["rows"] if row["name"] == "coral")
        assert coral["share"]["low"] < (frame["real"] == "coral").mean() < coral["share"]["high"]
        as_points = np.sqrt(coral["share"]["value"] * (1 - coral["share"]["value"]) / 1200)
        assert coral["share"]["se"] > 1.3 * as_points  # points of one photo are not independent
        assert "of the 300 units" in numbers["sentences"][0]

    def test_predictions_of_all_photos_narrow_the_interval(self, photos, draw, estimate):
        frame, path = photos
        sample, *_ = draw(units=path, unit_field="photo", size=60)
        self.drawn(sample, frame)
        plain, *_ = estimate(sample, of_class="coral")
        helped, *_ = estimate(sample, of_class="coral", prediction_field="said")
        a, b = (n["rows"][n["headline"]] for n in (plain, helped))
        assert helped["estimator"] == "prediction"
        assert b["half"] < 0.8 * a["half"]
        assert b["share"]["low"] < (frame["real"] == "coral").mean() < b["share"]["high"]
        assert b["counted"] == pytest.approx(100 * (frame["said"] == "coral").mean())
        wider, *_ = estimate(sample, of_class="coral", prediction_field="said", population="beyond")
        assert wider["rows"][wider["headline"]]["half"] > b["half"]
        assert "larger whole" in wider["sentences"][0]

    def test_strata_of_units(self, photos, draw, estimate):
        frame, path = photos
        sample, facts, _ = draw(units=path, unit_field="photo", stratum_field="zone", size=60, minimum=20)
        assert [(s["name"], s["count"]) for s in facts["design"]["strata"]] == [("deep", 200), ("shallow", 100)]
        self.drawn(sample, frame)
        numbers, *_ = estimate(sample, of_class="coral")
        row = numbers["rows"][numbers["headline"]]
        assert row["share"]["low"] < (frame["real"] == "coral").mean() < row["share"]["high"]
        assert numbers["in_stratum"] == [s["drawn"] for s in facts["design"]["strata"]]

    def test_one_table_partly_labelled(self, photos, estimate, tmp_path):
        frame, _ = photos
        rng = np.random.default_rng(4)
        chosen = {f"P{k:03d}" for k in rng.choice(300, 80, replace=False)}
        frame = frame.assign(reference=np.where(frame["photo"].isin(chosen), frame["real"], ""))
        path = str(tmp_path / "t.csv")
        frame.to_csv(path, index=False)
        values = {"design": "simple", "unit_field": "photo", "of_class": "coral"}
        numbers, *_ = estimate(path, **values, prediction_field="said")
        row = numbers["rows"][numbers["headline"]]
        assert (numbers["labelled"], numbers["population"]) == (80, 300)
        assert row["share"]["low"] < (frame["real"] == "coral").mean() < row["share"]["high"]
        weighed, *_ = estimate(path, **values, prediction_field="said", unit_weight="by-rows")
        other = weighed["rows"][weighed["headline"]]
        assert other["share"]["value"] == pytest.approx(row["share"]["value"], abs=1e-6)  # as many rows in each photo
        only = str(tmp_path / "only.csv")
        frame[frame["reference"] != ""].to_csv(only, index=False)
        alone, *_ = estimate(only, **values)
        assert alone["beyond"]
        assert any("larger whole" in note for note in alone["notes"])

    def test_unequal_units_by_rows(self, estimate, tmp_path):
        rng = np.random.default_rng(0)
        sizes = rng.integers(1, 40, 400)
        village = np.repeat(np.arange(400), sizes)
        value = 10 + 0.2 * sizes[village] + rng.normal(0, 2, len(village))
        known = np.isin(village, rng.choice(400, 120, replace=False))
        frame = pd.DataFrame({"village": village, "reference": np.where(known, value, np.nan)})
        path = str(tmp_path / "v.csv")
        frame.to_csv(path, index=False)
        values = {"design": "simple", "unit_field": "village", "target": "value"}
        alike, by_rows = (estimate(path, **values, unit_weight=w)[0]["rows"][0]["share"] for w in ("alike", "by-rows"))
        means = pd.Series(value).groupby(village).mean()
        assert alike["low"] < means.mean() < alike["high"]
        assert by_rows["low"] < value.mean() < by_rows["high"]
        assert by_rows["value"] > alike["value"] + 0.5  # larger villages have larger values

    def test_polygons_are_units_too(self, make_polygons, draw, estimate):
        squares = [(i, 0, i + 1, 1) for i in range(90)]
        path = make_polygons(squares, kind=["roof" if i % 3 else "yard" for i in range(90)])
        sample, *_ = draw(units=path, size=40)
        table = places(sample)
        assert isinstance(table, gpd.GeoDataFrame)
        assert table.geom_type.eq("Polygon").all()
        table["reference"] = table["kind"]
        rewrite(sample, table)
        numbers, *_ = estimate(sample)
        roof = next(row for row in numbers["rows"] if row["name"] == "roof")
        assert roof["share"]["low"] < 2 / 3 < roof["share"]["high"]

    def test_bad_tables_are_sentences(self, photos, draw, estimate, tmp_path):
        frame, path = photos
        with pytest.raises(BadInput, match="has no field 'foto'"):
            draw(units=path, unit_field="foto")
        mixed = frame.assign(zone=np.where(np.arange(len(frame)) % 2, "deep", "shallow"))
        mixed.to_csv(tmp_path / "m.csv", index=False)
        with pytest.raises(BadInput, match="lies in two strata"):
            draw(units=str(tmp_path / "m.csv"), unit_field="photo", stratum_field="zone")
        frame.assign(photo=frame["photo"].where(np.arange(len(frame)) != 7)).to_csv(tmp_path / "g.csv", index=False)
        with pytest.raises(BadInput, match="no entry in 'photo'"):
            draw(units=str(tmp_path / "g.csv"), unit_field="photo")
        holed = frame.assign(reference=np.where(np.arange(len(frame)) < 900, frame["real"], ""))
        holed["said"] = holed["said"].where(holed["photo"] != "P250", "")
        holed.to_csv(tmp_path / "h.csv", index=False)
        with pytest.raises(BadInput, match="have no prediction"):
            estimate(str(tmp_path / "h.csv"), design="simple", unit_field="photo", prediction_field="said")
        with pytest.raises(BadInput, match="needs the stratum field"):
            estimate(str(tmp_path / "h.csv"), design="stratified", unit_field="photo")
        with pytest.raises(BadJob, match="not both"):
            estimate(str(tmp_path / "h.csv"), prediction_field="said", map="m.tif")


class TestCellAreas:
    def test_a_globe_of_cells_is_the_earth(self):
        from pyproj import CRS

        areas = CellAreas(Grid(Affine(0.5, 0, -180, 0, -0.5, 90), CRS(4326).to_wkt(), 360, 720))
        assert 720 * areas.of(Window(0, 0, 360, 720)).sum() == pytest.approx(510_065_621.724e6, rel=1e-9)

    def test_a_web_map_shows_far_too_much_in_the_north(self):
        from pyproj import CRS, Transformer

        x, y = Transformer.from_crs(4326, 3857, always_xy=True).transform(10, 60)
        areas = CellAreas(Grid(Affine(10, 0, x, 0, -10, y), CRS(3857).to_wkt(), 100, 100))
        assert areas.of(Window(50, 50, 1, 1))[0, 0] == pytest.approx(25, rel=0.01)
        assert "4.0" in areas.note

    @pytest.mark.parametrize(("epsg", "cell_m2"), [(32722, 100.0), (3035, 100.0), (2263, 100 * 0.3048006096**2)])
    def test_usual_projections_are_taken_at_their_word(self, epsg, cell_m2):
        from pyproj import CRS

        areas = CellAreas(Grid(Affine(10, 0, 500_000, 0, -10, 900_000), CRS(epsg).to_wkt(), 50, 50))
        assert areas.of(Window(3, 3, 2, 2)).mean() == pytest.approx(cell_m2, rel=0.002 if epsg == 3035 else 1e-6)
