"""Tests of an indicator: a region that nothing is learnt from, random places beside squares, and trivial answers."""

from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import quadrat.core.heads.storage  # noqa: F401 - skops asks for torch when it is imported
import rasterio
import shapely
from quadrat.core.errors import BadInput, BadJob, Cancelled
from quadrat.core.pipelines.registry import run_job
from quadrat.core.poverty.indicator import tested
from quadrat.core.poverty.indicator.ensemble import Held, load_ensemble
from quadrat.core.poverty.indicator.evolution import score
from quadrat.core.progress import Progress

from .test_trainseries import CELL, CRS, NORTH, PIXEL_M, SIDE, WEST, asked, images, network, survey_of

STEP = CELL * PIXEL_M
CORNER = (WEST, WEST + 6 * STEP, NORTH - 6 * STEP, NORTH)
"""36 of 576 cells; squares and guard are 4 km."""
MIDDLE = f"{WEST + 10_000},{WEST + 14_000},{NORTH - 14_000},{NORTH - 10_000}"
EXTENT = "{},{},{},{}".format(*CORNER)


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A run with all tests, and what it said."""
    folder = tmp_path_factory.mktemp("both")
    series, proxy, light = images(folder)
    lines = []
    job = asked(folder, series, proxy=proxy, held_extent=EXTENT, beside_random="auto", models=3)
    facts = run_job(job, Progress(log=lambda level, text: lines.append(text))).facts
    return folder, job, facts, load_ensemble(str(folder / "m.qseries")), light, lines


def in_corner(xy, by=0.0):
    """Middles of cells in the corner, or nearer to one there than so many metres."""
    middles = np.array([[WEST + (c + 0.5) * STEP, NORTH - (r + 0.5) * STEP] for r in range(6) for c in range(6)])
    return np.hypot(*(xy[:, None] - middles[None]).T).min(axis=0) <= max(by, 1.0)


def test_nothing_near_a_held_out_region_is_learnt_from(both):
    _, _, facts, model, light, lines = both
    assert list(model.tests) == list(facts["tests"]) == ["blocks", "random", "region"]
    assert model.held is model.tests["blocks"]
    for name in ("blocks", "random"):
        held = model.tests[name]
        assert not in_corner(held.xy, 0.99 * 4000.0).any()
        assert len(held.xy) == facts["places"] == len(np.unique(held.xy, axis=0))
    region = model.tests["region"]
    assert len(region.xy) == 3 * 36 and in_corner(region.xy).all()
    np.testing.assert_array_equal(np.bincount(region.turn), [36, 36, 36])
    np.testing.assert_allclose(np.sort(region.truth[:36].ravel()), np.sort(light[:, :6, :6].ravel()), rtol=1e-5)
    assert (region.said[:36] != region.said[36:72]).any()
    assert (facts["tests"]["region"]["places"], facts["tests"]["region"]["values"]) == (36, 36 * 4)
    assert facts["tests"]["region"]["per_year"]["all"]["folds"] == 3
    left_out = 576 - 36 - facts["places"]
    assert any(f"{left_out} others lie nearer than 4 km to these and are left out." in line for line in lines)
    assert left_out > 30


def proxy_with(folder, path, change):
    """Write the light, changed in place."""
    with rasterio.open(folder / "light.tif") as file:
        data, kind, names = file.read(), file.profile, file.descriptions
    change(data)
    with rasterio.open(path, "w", **kind) as file:
        file.write(data)
        file.descriptions = names
    return str(path)


def test_values_of_the_region_and_beside_it_change_no_model(both, tmp_path):
    folder, job, _, model, _, _ = both

    def brighter(data):
        data[:, :8, :8] += 1000 * np.random.default_rng(0).random((4, 8, 8)).astype(np.float32)  # 2 km beyond, too

    changed = proxy_with(folder, tmp_path / "light.tif", brighter)
    run_job(replace(job, proxy=changed, output=str(tmp_path / "m.qseries")), Progress())
    again = load_ensemble(str(tmp_path / "m.qseries"))
    for one, other in zip(model.members, again.members, strict=True):
        np.testing.assert_array_equal(one[-1].coef_, other[-1].coef_)
    np.testing.assert_array_equal(model.tests["region"].said, again.tests["region"].said)
    np.testing.assert_array_equal(model.tests["random"].said, again.tests["random"].said)


def test_random_places_are_told_by_models_of_their_own(both):
    _, _, facts, model, _, lines = both
    blocks, random = model.tests["blocks"], model.tests["random"]
    np.testing.assert_array_equal(blocks.truth, random.truth)
    assert len(np.unique(random.block)) == len(random.block)
    np.testing.assert_array_equal(np.bincount(random.turn + 1)[1:], [-(-facts["places"] // 6)] * 3)
    together = [len(np.unique(random.turn[blocks.block == block])) for block in np.unique(blocks.block)]
    assert max(together) > 1  # squares are torn apart
    assert len(model.members) == 3  # none of the random ones is kept
    order = ("kept apart in squares", "In the held-out region (36 places", "whose neighbours were in training")
    at = [next(n for n, line in enumerate(lines) if text in line) for text in order]
    assert at == sorted(at)


def test_trivial_answers_come_from_what_each_model_learnt(both):
    _, _, facts, model, _, _ = both
    for name in ("blocks", "random", "region"):
        held = model.tests[name]
        lessons = model.tests["blocks"] if name == "region" else held
        told, truth = [], []
        for turn in range(3):
            mine, learnt = held.turn == turn, lessons.turn != turn
            told.append(np.broadcast_to(lessons.truth[learnt].mean(axis=0), held.truth[mine].shape))
            truth.append(held.truth[mine])
        expected = score(np.concatenate(truth).ravel(), np.concatenate(told).ravel())
        scores = facts["tests"][name]["baselines"]
        assert scores["mean"]["mae"] == pytest.approx(expected.mae)
        assert scores["mean"]["r2"] == pytest.approx(expected.r2)
        assert set(scores) == {"mean", "unchanged"}
        change = np.concatenate([one[:, 1:] - one[:, :-1] for one in truth])
        assert scores["unchanged"]["differences"]["1"]["all"]["mae"] == pytest.approx(np.abs(change).mean(), rel=0.02)
        assert scores["unchanged"]["mae"] is None


def test_means_of_regions_by_date():
    """Region 0 has nothing at the second date, region 1 is known to no model, and one place is of no region."""
    truth = np.array([[1.0, np.nan], [3.0, np.nan], [10.0, 20.0], [5.0, 6.0], [7.0, 8.0]])
    turn, region = np.array([-1, 0, 1, 1, -1]), np.array([0, 0, 1, -1, -1])
    held = Held(truth, truth, turn, np.arange(5), np.full((5, 2), np.nan), region)
    found = tested.trivial(held, held, 2)
    np.testing.assert_allclose(found["mean"][1], [23 / 4, 34 / 3])
    np.testing.assert_allclose(found["regions"][1], [1.0, 1.0])
    np.testing.assert_allclose(found["mean"][2], [11 / 3, 8.0])
    np.testing.assert_allclose(found["regions"][2], found["mean"][2])
    np.testing.assert_allclose(found["regions"][3], found["mean"][3])
    assert np.isnan(found["mean"][0]).all()
    assert "regions" not in tested.trivial(held, held, 1)


def test_dark_places_are_scored_apart():
    rng = np.random.default_rng(0)
    truth = np.concatenate([np.zeros((50, 3)), rng.gamma(2, 3, (20, 3))])
    held = Held(truth, truth + rng.normal(0, 1, truth.shape), np.arange(70) % 2, np.arange(70), np.zeros((70, 2)),
                np.full(70, -1))  # fmt: skip
    scores = tested.all_tested({"blocks": held}, ["2000", "2001", "2002"])["blocks"]
    lit = Held(*(array[50:] for array in held.arrays().values()))
    alone = tested.all_tested({"blocks": lit}, ["2000", "2001", "2002"])["blocks"]
    assert scores["per_year"]["lit"] == alone["per_year"]["all"] == alone["per_year"]["lit"]
    assert scores["per_year"]["lit"]["mae"] != scores["per_year"]["all"]["mae"]
    assert scores["years"][1]["lit"] == alone["years"][1]["all"]
    assert scores["matrix"]["lit"][0][2] == alone["matrix"]["all"][0][2]
    assert np.mean([one["all"]["r2"] for one in scores["years"]]) == pytest.approx(scores["per_year"]["all"]["r2"])
    for t in range(3):
        assert scores["matrix"]["all"][t][t] == pytest.approx(scores["years"][t]["all"]["r2"])


def test_a_model_that_tells_nothing_is_called_so():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(60, 2))
    held = Held(truth, -truth, np.arange(60) % 5, np.arange(60), np.zeros((60, 2)), np.full(60, -1))
    facts = {"title": "Ridge", "indicator": "wealth", "predicted": "survey", "headline": "blocks", "guard_m": 20_000.0,
             "block_size_m": 20_000.0, "tests": tested.all_tested({"blocks": held}, ["2000", "2001"])}  # fmt: skip
    said = tested.sentences(facts)
    assert said[1] == "That is no better than the same answer everywhere: do not rely on maps of this model."
    assert "worse than no change at all, by" in said[-1]


@pytest.mark.parametrize("how", ["mean", "draws"])
def test_a_survey_with_regions_and_polygons_to_hold_out(tmp_path, how):
    series, _, light = images(tmp_path)
    survey = survey_of(tmp_path, light, count=200, regions=True)
    box = gpd.GeoDataFrame(geometry=[shapely.box(CORNER[0], CORNER[2], CORNER[1], CORNER[3])], crs=CRS)
    box.to_crs(3857).to_file(tmp_path / "région.gpkg")
    job = asked(tmp_path, series, survey=survey, displacement=how, held_area=str(tmp_path / "région.gpkg"),
                block_size_m=2000.0, models=2, beside_random="yes")  # fmt: skip
    facts = run_job(job, Progress()).facts
    model = load_ensemble(str(tmp_path / "m.qseries"))
    assert facts["regions"] == model.facts["regions"] == ["east", "west"]
    assert facts["guard_m"] == 2000.0
    region = model.tests["region"]
    west = region.xy[:, 0] < WEST + SIDE * PIXEL_M / 2
    assert in_corner(region.xy, STEP).all() and (region.region == np.where(west, 1, 0)).all()
    blocks = model.tests["blocks"]
    assert np.hypot(*(blocks.xy[:, None] - region.xy[None]).T).min() > 1990.0
    known = np.isfinite(region.truth) & np.isfinite(region.said)
    assert known[:, [0, 3]].any(axis=0).all() and not known[:, 1].any()
    means = facts["tests"]["blocks"]["baselines"]
    assert means["regions"]["mae"] < means["mean"]["mae"]
    assert means["regions"]["differences"] == {} and "the mean of each region by" in facts["sentences"][0]


def test_a_guard_is_as_wide_as_places_were_displaced(tmp_path):
    """Rural places are displaced by up to 10 km: nothing in a raster of 24 km is 20 km away from its middle."""
    series, _, light = images(tmp_path)
    survey = survey_of(tmp_path, light, urban="R")
    job = asked(tmp_path, series, survey=survey, displacement="off", held_extent=MIDDLE, block_size_m=2000.0)
    with pytest.raises(BadInput, match="0 places are left to learn from outside the held-out region"):
        run_job(job, Progress())


@pytest.mark.parametrize(
    ("more", "error", "sentence"),
    [
        ({"held_extent": EXTENT, "held_area": "x.gpkg"}, BadJob, "one held-out region"),
        ({"held_extent": "0,1,0,1"}, BadInput, "No place lies inside the held-out extent"),
        ({"held_extent": "0,9e9,0,9e9"}, BadInput, "nothing is left to learn from"),
        ({"held_area": "none.gpkg"}, BadInput, "There is no file"),
        ({"held_extent": MIDDLE, "block_size_m": 2e4}, BadInput, "outside the held-out region; 12 are needed"),
        ({"apart": "random", "beside_random": "yes"}, BadJob, "at random places already"),
    ],
)
def test_what_cannot_be_held_out_gets_a_sentence(both, tmp_path, more, error, sentence):
    _, job, _, _, _, _ = both
    with pytest.raises(error, match=sentence):
        run_job(replace(job, **{"held_extent": "", "output": str(tmp_path / "m.qseries"), **more}), Progress())


def no_values(data):
    data[:, :6, :6] = -1


def same_elsewhere(data):
    data[:, 6:] = data[:, :, 6:] = 7


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (no_values, "None of the cells in the held-out region has a value"),
        (same_elsewhere, "values of 'light' are 7, so nothing can be learnt"),
    ],
)
def test_values_that_no_test_can_use_get_a_sentence(both, tmp_path, change, sentence):
    folder, job, _, _, _, _ = both
    proxy = proxy_with(folder, tmp_path / "light.tif", change)
    with pytest.raises(BadInput, match=sentence):
        run_job(replace(job, proxy=proxy, output=str(tmp_path / "m.qseries")), Progress())


def test_transformers_are_tested_there_too_and_go_on_where_they_were(tmp_path):
    """A run that is stopped in its last network, of the test at random places, comes to the very same numbers."""
    pytest.importorskip("torch")
    series, proxy, _ = images(tmp_path)
    lines = []
    job = network(
        tmp_path, series, proxy=proxy, held_extent=EXTENT, beside_random="yes", epochs=2, method="s", models=1
    )

    def stop(level, text):
        lines.append(text)
        if "thrown away" in "".join(lines) and "Model 1 of 1. Epoch 1" in text:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        run_job(job, Progress(log=stop))
    assert len(list(tmp_path.glob(".m.qseries.turn*"))) == 2
    run_job(job, Progress())
    assert not list(tmp_path.glob(".m.qseries*"))
    gone_on = load_ensemble(str(tmp_path / "m.qseries"))
    assert list(gone_on.tests) == ["blocks", "random", "region"]
    run_job(replace(job, output=str(tmp_path / "again.qseries")), Progress())
    again = load_ensemble(str(tmp_path / "again.qseries"))
    for name, held in again.tests.items():
        np.testing.assert_array_equal(held.said, gone_on.tests[name].said)
    run_job(replace(job, beside_random="auto", epochs=1), Progress(log=lambda level, text: lines.append(text)))
    assert list(load_ensemble(str(tmp_path / "m.qseries")).tests) == ["blocks", "region"]
    assert any("takes as many transformers again" in line for line in lines)
