"""Draw sample and Estimate area on maps that leave places open: 'unsure' is a stratum, and no class."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from quadrat.core.conformal import UNSURE
from quadrat.core.errors import BadInput
from quadrat.core.estimation import stratified
from quadrat.core.estimation.evidence import Evidence
from quadrat.tests.core.samplework import NAMES, fill, name_classes, rewrite, scene

OPEN = 4


@pytest.fixture
def doubtful(make_raster):
    """Truth, map and path of a map with a fourth value for places that it leaves open."""
    truth, shown = scene()
    rng = np.random.default_rng(5)
    shown = np.where(rng.random(shown.shape) < np.where(shown == truth, 0.1, 0.6), OPEN, shown).astype(np.uint8)
    path = make_raster("open.tif", shown[None], nodata=0)
    name_unsure(path)
    return truth, shown, path


def name_unsure(path):
    """The sidecar of 'Apply head' with unsure places."""
    name_classes(path, {**NAMES, OPEN: UNSURE})
    sidecar = Path(f"{path}.quadrat.json")
    content = json.loads(sidecar.read_text(encoding="utf-8"))
    content["facts"]["unsure"] = {"coverage": 0.9}
    sidecar.write_text(json.dumps(content), encoding="utf-8")


def test_unsure_places_are_a_stratum_and_no_class(doubtful, draw, estimate):
    truth, shown, path = doubtful
    sample, facts, _ = draw(map=path, size=900, seed=2)
    assert [(s["name"], s["unsure"]) for s in facts["design"]["strata"]][-1] == (UNSURE, True)
    fill(sample, truth)
    numbers, log, page = estimate(sample, of_class="wood")
    assert [row["name"] for row in numbers["rows"]] == list(NAMES.values())
    for row, value in zip(numbers["rows"], NAMES, strict=True):
        assert row["share"]["low"] < (truth == value).mean() < row["share"]["high"]
        assert row["counted"] == pytest.approx(0.01 * (shown == value).sum())
    named = shown != OPEN
    overall = numbers["accuracy"]["overall"]
    assert overall["low"] < (truth == shown)[named].mean() < overall["high"]
    assert len(numbers["accuracy"]["users"]) == len(numbers["accuracy"]["counts"]) == 3
    for found, value in zip(numbers["accuracy"]["producers"], NAMES, strict=True):
        assert found["low"] < (shown == value)[named & (truth == value)].mean() < found["high"]
    parts = [*numbers["accuracy"]["matrix"], numbers["accuracy"]["unsure"]["matrix"]]
    assert np.sum(parts) == pytest.approx(1)
    assert sum(numbers["accuracy"]["unsure"]["counts"]) == numbers["in_stratum"][-1]
    assert any("leaves open, and no class" in line for line in log)
    assert "without the unsure ones" in numbers["sentences"][1]
    assert "neither as right nor as wrong" in page


@pytest.mark.parametrize("design", ["simple", "stratified"])
def test_another_map_with_unsure_places(doubtful, draw, estimate, make_raster, design):
    """A sample that was drawn without them, from a map that names all or over the whole area."""
    truth, shown, path = doubtful
    first = make_raster("all.tif", scene()[1][None], nodata=0)
    name_classes(first)
    sample, *_ = draw(map=first, size=900, design=design)
    fill(sample, truth)
    numbers, *_ = estimate(sample, map=path)
    assert numbers["estimator"] == ("prediction" if design == "simple" else "stratified")
    assert [row["name"] for row in numbers["rows"]] == list(NAMES.values())
    overall = numbers["accuracy"]["overall"]
    assert overall["low"] < (truth == shown)[shown != OPEN].mean() < overall["high"]
    assert numbers["unsure"] == pytest.approx((shown == OPEN).mean())
    if design == "simple":
        with pytest.raises(BadInput, match="leaves labelled places open"):
            estimate(sample, map=path, estimator="matrix")


def test_unsure_is_no_answer_either(doubtful, draw, estimate):
    truth, _, path = doubtful
    sample, *_ = draw(map=path, size=300)
    frame = fill(sample, truth)
    frame.loc[frame["order"] > 280, "reference"] = "Unsure"
    rewrite(sample, frame)
    numbers, *_ = estimate(sample)
    assert numbers["labelled"] == 280
    assert len(numbers["rows"]) == 3
    assert any("20 places are answered 'unsure'" in note for note in numbers["notes"])
    frame["reference"] = UNSURE
    rewrite(sample, frame)
    with pytest.raises(BadInput, match="Label them first"):
        estimate(sample)


def test_a_class_that_people_call_unsure_stays_one(draw, estimate, make_raster):
    """Nothing beside the map says that it leaves places open."""
    truth, shown = scene()
    names = {1: "water", 2: "wood", 3: UNSURE}
    path = make_raster("named.tif", shown[None], nodata=0)
    name_classes(path, names)
    sample, *_ = draw(map=path, size=200)
    fill(sample, truth, names)
    numbers, *_ = estimate(sample)
    assert [row["name"] for row in numbers["rows"]] == list(names.values())
    assert numbers["unsure"] == 0


def test_more_places_are_drawn_where_more_is_open(doubtful, draw):
    """Half of what lies in open places may be of any class; the rest is expected to be right."""
    *_, path = doubtful
    _, known, _ = draw(map=path, half_width_percent=3, minimum=2)
    Path(f"{path}.quadrat.json").unlink()
    _, unknown, _ = draw(map=path, half_width_percent=3, minimum=2)
    assert known["places"] > unknown["places"]


def test_predictions_of_units_may_be_unsure(estimate, tmp_path):
    rng = np.random.default_rng(3)
    real = np.where(rng.random(2000) < 0.3, "coral", "other")
    said = np.where(rng.random(2000) < 0.1, UNSURE, real)
    frame = pd.DataFrame({"said": said, "reference": np.where(np.arange(2000) < 300, real, None)})
    path = str(tmp_path / "units.csv")
    frame.to_csv(path, index=False)
    numbers, *_ = estimate(path, design="simple", prediction_field="said")
    assert {row["name"] for row in numbers["rows"]} == {"coral", "other"}
    coral = next(row for row in numbers["rows"] if row["name"] == "coral")
    assert coral["share"]["low"] < (real == "coral").mean() < coral["share"]["high"]
    assert numbers["estimator"] == "prediction"


def test_accuracy_of_the_rest_is_that_of_the_strata_that_name_a_class():
    """The same whether the open places were drawn or not."""
    stratum, truth = np.array([0] * 10 + [1] * 10 + [2] * 10), np.array([0] * 8 + [1] * 2 + [1] * 9 + [0] + [0, 1] * 5)
    Y = np.eye(2)[truth]
    whole = Evidence(stratum, Y, np.array([0.3, 0.5, 0.2]), np.array([300.0, 500, 200]), ("a", "b"), ("a", "b", "?"))
    part = Evidence(stratum[:20], Y[:20], np.array([0.375, 0.625]), np.array([300.0, 500]), ("a", "b"), ("a", "b"))
    found, wanted = stratified.accuracy(whole, stratum, 2), stratified.accuracy(part, stratum[:20], 2)
    np.testing.assert_allclose(found.overall, wanted.overall)
    np.testing.assert_allclose(found.users, wanted.users)
    np.testing.assert_allclose(found.producers, wanted.producers)
    assert found.matrix.shape == (3, 2)
    assert found.matrix.sum() == pytest.approx(1)
