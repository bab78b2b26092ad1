"""What an assessment tells beyond schemes: regions, guard distance, curve, prevalence, calibration, cancel."""

import csv
import io
import json
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from quadrat.core.crossval import inner_groups
from quadrat.core.errors import BadInput, BadJob, Cancelled
from quadrat.core.heads.recipe import Recipe
from quadrat.core.jobs.fewshot import AssessHead
from quadrat.core.labelcount import bounds
from quadrat.core.labels import load_samples
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.tests.core import fields

pytestmark = pytest.mark.same_without_torch


@pytest.fixture
def job(tmp_path, make_raster):
    """A job on the small scene; `frame` may be changed."""

    def make(frame=None, **values):
        path = tmp_path / "labels.gpkg"
        (fields.labels() if frame is None else frame).to_file(path)
        raster = make_raster("scene.tif", fields.scene(values.pop("noise", 1.0)), dtype="float32")
        given = {"labels": str(path), "field": "kind", "embedding": raster, "output": str(tmp_path / "r.html")}
        quick = {"repeats": 1, "folds": 2, "curve_draws": 0, "calibration": "none", "head": "prototype"}
        return AssessHead.from_dict(given | quick | values)

    return make


@pytest.fixture
def assess(job):
    def go(frame=None, **values):
        asked = job(frame, **values)
        run_job(asked, Progress())
        return json.loads(Path(asked.output).with_suffix(".json").read_text()), Path(asked.output).read_text()

    return go


def scheme(numbers, name):
    return next(one for one in numbers["schemes"] if one["name"] == name)


def north_and_south():
    """Wood only in the north."""
    frame = fields.labels()
    frame["part"] = np.where(np.arange(len(frame)) % 5 < 3, "North", "South")
    return frame[~((frame.kind == "wood") & (frame.part == "South"))]


def test_regions_test_one_another_and_unknown_classes_count_as_errors(assess):
    numbers, page = assess(north_and_south(), region_field="part")
    found = scheme(numbers, "regions")["regions"]
    assert found["only_in"] == [{"class": "wood", "region": "North"}]
    north, south = found["rows"]
    assert (north["region"], north["trained_on"], north["unseen"], north["unseen_samples"]) == (
        "North", ["South"], ["wood"], 48,
    )  # fmt: skip
    assert north["scores"]["accuracy"] <= 2 / 3
    assert north["scores_seen"]["accuracy"] > 0.9
    assert south["unseen"] == []
    assert south["absent"] == ["wood"]
    assert south["scores"]["accuracy"] > 0.9
    assert [step["title"] for step in numbers["fall"]][-2:] == ["North", "South"]
    assert "wood occurs in North only" in page
    assert "taught by South only" in page


def test_a_region_field_with_one_region_is_a_sentence(assess):
    with pytest.raises(BadInput, match="holds only 'x'"):
        assess(fields.labels().assign(part="x"), region_field="part")
    with pytest.raises(BadInput, match=r"no field 'prat'. Did you mean 'part'"):
        assess(fields.labels().assign(part="x"), region_field="prat")


def test_regions_of_values(assess):
    numbers, page = assess(north_and_south(), region_field="part", field="amount", target="value", head="linear")
    rows = scheme(numbers, "regions")["regions"]["rows"]
    assert [row["region"] for row in rows] == ["North", "South"]
    assert "rmse" in rows[0]["scores"]
    assert "From region to region" in page


def test_guard_distance_is_kept_and_told(assess):
    numbers, page = assess(guard_m=85.0, folds=5)
    guard = scheme(numbers, "groups")["guard"]
    assert guard["distance_m"] == 85
    assert guard["left_out"] > 0
    assert scheme(numbers, "random")["guard"] is None
    assert "nearer than 85 m to a test sample were left out" in page
    with pytest.raises(BadJob):
        assess(guard_m=-1.0)


def test_a_guard_that_leaves_nothing_is_told_and_random_folds_remain(assess):
    numbers, _ = assess(guard_m=1e6)
    assert [one["name"] for one in numbers["schemes"]] == ["random"]
    assert "guard distance of 1,000,000 m" in numbers["left_out"][0]["reason"]
    assert not numbers["headline"]["honest"]


def test_precision_at_stated_shares(assess):
    """A third of the fields look like wood; where wood is rare, most of what is shown as wood is then field."""
    frame = fields.labels()
    numbers, page = assess(frame, noise=3.0, prevalence="wood=0.01, lake=0.01")
    stated = {row["name"]: row for row in numbers["prevalence"]["per_class"]}
    assert stated["field"]["share"] == pytest.approx(0.98)
    table, names = np.array(scheme(numbers, "groups")["confusion"]), [c["name"] for c in numbers["classes"]]
    rows = table / table.sum(axis=1, keepdims=True)
    shares = np.array([stated[name]["share"] for name in names])
    wood = names.index("wood")
    expected = shares[wood] * rows[wood, wood] / (shares @ rows[:, wood])
    assert stated["wood"]["precision"] == pytest.approx(expected)
    assert expected < scheme(numbers, "groups")["per_class"][wood]["precision"]
    assert "At the stated shares" in page
    with pytest.raises(BadJob, match=r"no class 'woods'. Did you mean 'wood'"):
        assess(frame, prevalence="woods=0.1")
    with pytest.raises(BadJob, match="no sense for values"):
        assess(frame, prevalence="1=0.1", field="amount", target="value", head="linear")


def test_curve_stands_in_page_numbers_and_csv(assess, tmp_path):
    numbers, page = assess(curve_draws=2)
    found = numbers["curve"]
    assert [one["scheme"] for one in found["curves"]] == ["groups", "random"]
    first = found["curves"][0]
    assert first["labels"] == [5, 10, 25, 50, 120]
    assert len(first["draws"]) == 2
    assert found["needed"] <= 120
    assert "How many labels are enough?" in page
    rows = list(csv.DictReader(io.StringIO((tmp_path / "r.csv").read_text())))
    assert sum(row["table"] == "curve draw" and row["scheme"] == "groups" for row in rows) == 10
    without, page = assess()
    assert without["curve"] is None
    assert "How many labels" not in page


def test_calibration_before_and_after_stand_side_by_side(assess):
    frame = fields.labels(per_class=10)
    numbers, page = assess(frame, noise=4.0, calibration="temperature")
    groups = scheme(numbers, "groups")
    assert groups["classes_as"] == "equal"
    assert "calibration_error_before" in groups
    assert sum(row["weight"] for row in groups["reliability_before"]) == pytest.approx(1)
    assert "before calibration" in page
    assert sum(row["weight"] for row in groups["reliability"]) == pytest.approx(1)
    assert groups["conformal"]["wanted"] == 0.9
    assert 0.7 < groups["conformal"]["found"] <= 1
    assert 1 <= groups["conformal"]["mean_size"] <= 3
    assert "wanted to hold the right one in 90 % of places" in page


def test_fewer_draws_where_a_head_takes_long_and_it_is_said():
    quick = bounds(Recipe("knn", "class"), 400, 5, 10)
    assert (quick.draws, quick.sentence) == (10, "")
    slow = bounds(Recipe("auto", "class"), 4000, 5, 10)
    assert 3 <= slow.draws < 10
    assert "instead of 10" in slow.sentence
    ensemble = bounds(Recipe("forest", "class", ensemble="draws", members=50), 4000, 5, 10)
    assert ensemble.draws == 3
    assert len(ensemble.sizes) < len(quick.sizes)


def test_heads_choose_for_places_they_have_not_seen(job):
    """Polygons stay whole; points are put into blocks, so that neighbours do not judge each other."""
    samples = load_samples(job(), Progress())
    np.testing.assert_array_equal(inner_groups(samples, 0), samples.groups)
    frame = fields.labels(per_class=8)
    frame["geometry"] = frame.geometry.centroid
    points = load_samples(job(frame), Progress())
    assert not points.grouped
    assert 2 <= len(np.unique(inner_groups(points, 0))) < len(points.y)


def test_cancel_is_heard_within_the_curve(job):
    asked = job(curve_draws=100)
    stop, told = threading.Event(), []

    def report(fraction, remaining, text):
        if "Learning curve" in text:
            told.append(time.monotonic())
            stop.set()

    with pytest.raises(Cancelled):
        run_job(asked, Progress(report=report, cancelled=stop))
    assert time.monotonic() - told[0] < 5
    assert not Path(asked.output).exists()
    assert not Path(asked.output).with_suffix(".csv").exists()
