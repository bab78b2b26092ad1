import math
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.errors import Cancelled
from quadrat.core.heads.recipe import Recipe
from quadrat.core.learningcurve import Curve, click_order, curve, grouped, labels_needed
from quadrat.core.progress import Progress

pytestmark = pytest.mark.same_without_torch


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, 6)), min_size=5, max_size=120), st.integers(0, 9))
def test_clicks_are_all_cells_once_and_each_class_first(cells, seed):
    y, groups = np.array(cells).T
    order = click_order("class", y, groups, [seed])
    assert sorted(order) == list(range(len(y)))
    kinds = len(np.unique(y))
    assert len(np.unique(y[order[:kinds]])) == kinds


def test_clicks_keep_the_proportions_and_take_turns_among_groups():
    y = np.repeat([1, 2], [300, 100])
    groups = np.repeat(np.arange(20), 20)
    order = click_order("class", y, groups, [3])
    for n in (20, 40, 100, 200):
        assert abs((y[order[:n]] == 2).sum() - n / 4) <= 2
        ones = groups[order[:n]][y[order[:n]] == 1]
        counts = np.bincount(ones, minlength=15)[:15]
        assert counts.max() - counts.min() <= 1


def test_clicks_on_values_take_turns_among_groups():
    groups = np.repeat(np.arange(10), 7)
    order = click_order("value", np.arange(70.0), groups, [0])
    assert (np.bincount(groups[order[:20]], minlength=10) == 2).all()


def test_labels_needed_is_straight_over_the_logarithm():
    sizes, scores = np.array([10, 100, 1000]), np.array([0.5, 0.7, 0.8])
    assert labels_needed(sizes, scores, 0.6) == pytest.approx(10**1.5)
    assert labels_needed(sizes, scores, 0.75) == pytest.approx(10**2.5)
    assert labels_needed(sizes, scores, 0.4) == 10
    assert labels_needed(sizes, scores, 0.81) == math.inf


def test_a_dip_does_not_bring_a_score_nearer():
    sizes = np.array([10, 20, 40, 80])
    assert labels_needed(sizes, np.array([0.5, 0.8, 0.6, 0.9]), 0.75) > 40
    assert labels_needed(sizes, np.array([0.5, np.nan, 0.6, 0.9]), 0.55) == pytest.approx(20)
    assert labels_needed(sizes, np.full(4, np.nan), 0.5) == math.inf


def test_share_of_the_full_score_has_a_spread_over_draws():
    rng = np.random.default_rng(0)
    mean = np.array([0.4, 0.6, 0.75, 0.8])
    table = mean + rng.normal(0, 0.03, (10, 4))
    made = Curve(np.array([5, 10, 50, 200]), {"accuracy": table}, 0)
    needed, low, high = made.needed_for_share("accuracy", 0.95)
    assert 10 < low <= needed <= high <= 200
    assert made.still_rising("accuracy") > 0
    flat = Curve(made.sizes, {"accuracy": np.full((3, 4), 0.7)}, 0)
    assert flat.still_rising("accuracy") == 0
    assert flat.needed_for_share("accuracy", 0.95) == (5, 5, 5)
    worthless = Curve(made.sizes, {"r2": np.full((3, 4), -0.1)}, 0)
    assert worthless.needed_for_share("r2", 0.95)[0] == math.inf


def blobs(n_groups=30, cells=20, leak=2.0, seed=0):
    """Two classes; cells of one group are alike beyond their class."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(n_groups), cells)
    y = groups % 2 + 1
    X = (
        np.where(y[:, None] == 1, 1.0, -1.0)
        + leak * rng.normal(size=(n_groups, 6))[groups]
        + rng.normal(size=(len(y), 6))
    )
    return X.astype(np.float32), y, groups


def test_curve_rises_and_random_folds_leak():
    X, y, groups = blobs()
    recipe = Recipe("knn", "class")
    honest = curve(X, y, groups, grouped("class", y, lambda draw: groups, 2, 0), recipe, 2)
    everyone = np.arange(len(y))
    random = curve(X, y, groups, grouped("class", y, lambda draw: everyone, 2, 0), recipe, 2)
    assert honest.sizes.tolist() == [5, 10, 25, 50, 100, 300]
    assert honest.scores["accuracy"].shape == (2, 6)
    assert honest.fits == 2 * 2 * 6
    assert random.full("accuracy") > honest.full("accuracy") + 0.1
    assert random.mean("accuracy")[-1] > random.mean("accuracy")[0] + 0.1
    assert (np.diff(honest.band("accuracy"), axis=0) >= 0).all()


def test_all_labels_give_the_score_of_an_assessment():
    """The last point of the curve is the head that folds fit, on the same test samples."""
    from quadrat.core.folds import class_folds
    from quadrat.core.heads.build import fit_head
    from sklearn.metrics import accuracy_score

    X, y, groups = blobs(10, 8)
    recipe = Recipe("prototype", "class", calibration="platt")
    folds = class_folds(y, groups, 3, 0)
    said = np.empty_like(y)
    for training, test in folds.parts():
        head = fit_head(recipe.uncalibrated(), X[training], y[training], groups[training]).estimator
        said[test] = head.classes_[head.predict_proba(X[test]).argmax(axis=1)]
    made = curve(X, y, groups, grouped("class", y, lambda draw: groups, 3, 0), recipe, 1, (10,))
    assert made.full("accuracy") == accuracy_score(y, said)


def test_values_and_threads():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 4)).astype(np.float32)
    y = X @ np.array([1.0, 2.0, 0.0, 0.0]) + rng.normal(size=120)
    groups = np.arange(120) // 4
    split = grouped("value", y, lambda draw: groups, 2, 0)
    one = curve(X, y, groups, split, Recipe("linear", "value"), 2, (10,))
    two = curve(X, y, groups, split, Recipe("linear", "value"), 2, (10,), threads=2)
    np.testing.assert_array_equal(one.scores["r2"], two.scores["r2"])
    assert one.mean("r2")[-1] > one.mean("r2")[0]


def test_nothing_to_keep_apart_is_no_curve():
    X, y, _ = blobs(2, 10)
    split = grouped("class", y, lambda draw: np.zeros(len(y), np.int64), 5, 0)
    assert curve(X, y, np.zeros(len(y), np.int64), split, Recipe("knn", "class")) is None


def test_cancel_answers_within_a_second():
    X, y, groups = blobs(40, 60)
    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    started = time.monotonic()
    with pytest.raises(Cancelled):
        curve(
            X, y, groups, grouped("class", y, lambda draw: groups, 5, 0), Recipe("forest", "class"), 20,
            progress=Progress(cancelled=stop),
        )  # fmt: skip
    assert time.monotonic() - started < 2.5
