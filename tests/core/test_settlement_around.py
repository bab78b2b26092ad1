"""What is said of cells averaged with those around them, and numbers ranked within a city."""

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.errors import BadInput
from quadrat.core.jobs.settlement.methods import MapSettlement, TrainSettlement
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.settlement.methods import parts
from quadrat.core.settlement.methods.fitting import Cells, FittedParts, Plan, fit_parts
from quadrat.core.settlement.methods.heldout import scores
from quadrat.core.settlement.methods.ranks import ranked_by_zone
from quadrat.core.settlement.methods.smoothing import smoothed, weights_around
from quadrat.tests.core.cities import made_city

pytestmark = pytest.mark.same_without_torch


@pytest.fixture(autouse=True)
def quick_parts(monkeypatch):
    monkeypatch.setattr(parts, "TREES", 12)


def line(count, step=100.0):
    return np.stack([np.arange(count) * step, np.zeros(count)], axis=1)


def test_weights_by_hand():
    near = weights_around(line(4), 100.0).toarray()
    assert near[0] == pytest.approx([1.0, np.exp(-0.5), np.exp(-2.0), np.exp(-4.5)])
    assert weights_around(line(9), 100.0).toarray()[0, 4:].sum() == 0, "three deviations away nothing counts"


def test_what_is_said_is_averaged_in_log_odds():
    found = smoothed(np.array([0.9, 0.1]), weights_around(line(2, 0.001), 100.0))
    assert found == pytest.approx([0.5, 0.5])
    alone = smoothed(np.array([0.3, 0.8]), weights_around(line(2, 1e6), 100.0))
    assert alone == pytest.approx([0.3, 0.8])


def test_a_distance_that_memory_would_not_hold_is_a_sentence(monkeypatch):
    monkeypatch.setattr("quadrat.core.settlement.methods.smoothing.MOST_PAIRS", 60)
    assert weights_around(line(9), 100.0).nnz <= 60
    with pytest.raises(BadInput, match="smaller distance"):
        weights_around(line(9), 1000.0)


def test_gaps_neither_get_nor_give():
    found = smoothed(np.array([0.9, np.nan, 0.9]), weights_around(line(3), 100.0))
    assert np.isnan(found[1]) and found[[0, 2]] == pytest.approx([0.9, 0.9])


class _Says:
    """A classifier that says the first number."""

    def predict_proba(self, X):
        return np.stack([1 - X[:, 0], X[:, 0]], axis=1).astype(np.float64)


def test_cells_that_were_learnt_from_are_not_averaged_into_a_test():
    said = np.array([[0.2], [0.99], [0.2], [0.99]], np.float32)
    neighbours = np.full((4, 9), -1)
    cells = Cells(said, np.zeros((4, 0), np.float32), neighbours, near=weights_around(line(4), 100.0))
    fitted = FittedParts({"forest-features": [_Says()]}, None)
    names, test = ("forest-features",), np.array([0, 2])
    apart = fitted.say(names, cells, test, np.array([1, 3]))["forest-features"][0]
    assert apart == pytest.approx([0.2, 0.2])
    together = fitted.say(names, cells, test)["forest-features"][0]
    assert (together > 0.4).all()


def test_asking_of_some_cells_is_asking_of_all():
    rng = np.random.default_rng(0)
    said = rng.random((30, 1)).astype(np.float32)
    cells = Cells(said, np.zeros((30, 0), np.float32), np.full((30, 9), -1), near=weights_around(line(30), 150.0))
    fitted = FittedParts({"forest-features": [_Says()]}, None)
    whole = fitted.say(("forest-features",), cells, np.arange(30))["forest-features"][0]
    few = np.array([7, 3, 29])
    assert fitted.say(("forest-features",), cells, few)["forest-features"][0] == pytest.approx(whole[few])


def test_averaging_helps_where_favelas_are_patches():
    city = made_city(40, 40, features=8, zones=1)
    numbers = city[[f"emb_{k}" for k in range(1, 9)]].to_numpy(np.float32)
    y = (city["label"] == "favela").to_numpy(np.int64)
    xy = np.stack([city.centroid.x, city.centroid.y], axis=1)
    half = np.arange(1600) % 40 < 20
    training, test = np.flatnonzero(half), np.flatnonzero(~half)
    found = {}
    for name, near in (("alone", None), ("averaged", weights_around(xy, 150.0))):
        cells = Cells(numbers, np.zeros((1600, 0), np.float32), np.full((1600, 9), -1), near=near)
        fitted = fit_parts(Plan(("forest-features",)), cells, training, y[training], training, Progress())
        ranked = fitted.say(("forest-features",), cells, test, training)["forest-features"][0]
        found[name] = max(scores(y[test] == 1, ranked >= cut)["iou"] for cut in np.linspace(0.05, 0.95, 37))
    assert found["averaged"] > found["alone"] + 0.05


@given(st.floats(0.1, 10), st.floats(-5, 5))
def test_ranks_forget_gain_and_offset_of_each_zone(gain, offset):
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(40, 3)).astype(np.float32)
    zone = np.repeat([1, 2], 20)
    moved = numbers.copy()
    moved[20:] = moved[20:] * np.float32(gain) + np.float32(offset)
    found = ranked_by_zone(numbers, zone)
    assert ranked_by_zone(moved, zone) == pytest.approx(found, abs=1e-5)
    assert found[:20].mean(axis=0) == pytest.approx(np.zeros(3), abs=1e-5)
    assert found[:20].std(axis=0) == pytest.approx(np.ones(3), abs=0.01)


def test_ranks_share_and_keep_gaps():
    found = ranked_by_zone(np.array([[1.0], [1.0], [3.0], [np.nan]], np.float32), np.zeros(4, np.int64))
    assert found[0] == found[1] < found[2] and np.isnan(found[3])
    assert found[:3].mean() == pytest.approx(0, abs=1e-6)


def test_both_are_kept_in_the_file_and_used_in_the_map(tmp_path):
    one, other = made_city(20, 20), made_city(20, 20, seed=3)
    columns = [name for name in other if name.startswith("emb_")]
    other[columns] = other[columns] * 3 + 7  # another season
    paths = {name: str(tmp_path / f"{name}.gpkg") for name in ("one", "other", "plain", "ranked")}
    one.to_file(paths["one"])
    other.to_file(paths["other"])
    found = {}
    for name, ranks in (("plain", False), ("ranked", True)):
        methods = str(tmp_path / f"{name}.qmethods")
        asked = {"cells": paths["one"], "methods": ["forest-features"], "ranks": ranks, "smooth_m": 150.0 * ranks}
        run_job(TrainSettlement.from_dict({**asked, "block_size_m": 600.0, "output": methods}), Progress())
        run_job(
            MapSettlement.from_dict({"methods": methods, "cells": paths["other"], "output": paths[name]}), Progress()
        )
        table = gpd.read_file(paths[name])
        found[name] = scores((other["label"] == "favela").to_numpy(), (table["class"] == "favela").to_numpy())["f1"]
    assert found["ranked"] > found["plain"] + 0.1
