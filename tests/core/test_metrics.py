import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from quadrat.core.metrics.build import evaluate, function_of
from quadrat.core.metrics.calibration import reliability
from quadrat.core.metrics.classes import confusion, per_class
from quadrat.core.metrics.interval import class_intervals, value_intervals
from quadrat.core.metrics.registry import METRICS

pytestmark = pytest.mark.same_without_torch

CLASS = [card for card in METRICS.values() if card.target == "class" and card.needs == "labels"]
VALUE = [card for card in METRICS.values() if card.target == "value"]
labels = st.integers(2, 40).flatmap(
    lambda n: st.tuples(hnp.arrays(int, n, elements=st.integers(1, 4)), hnp.arrays(int, n, elements=st.integers(1, 4)))
)
numbers = st.integers(3, 40).flatmap(
    lambda n: st.tuples(*[hnp.arrays(float, n, elements=st.integers(-50, 50).map(float))] * 2)
)


@pytest.mark.parametrize("card", CLASS, ids=lambda card: card.name)
@settings(deadline=None, max_examples=20)
@given(labels, st.randoms())
def test_class_metrics_keep_their_range_and_ignore_order(card, pair, random):
    truth, said = pair
    score = function_of(card)(truth, said)
    if math.isfinite(score):
        assert card.lowest - 1e-9 <= score <= card.perfect + 1e-9
    order = random.sample(range(len(truth)), len(truth))
    assert function_of(card)(truth[order], said[order]) == pytest.approx(score, nan_ok=True)
    if len(np.unique(truth)) > 1:
        assert function_of(card)(truth, truth) == pytest.approx(card.perfect)


@pytest.mark.parametrize("card", VALUE, ids=lambda card: card.name)
@settings(deadline=None, max_examples=20)
@given(numbers)
def test_value_metrics_keep_their_range(card, pair):
    truth, said = pair
    score = function_of(card)(truth, said)
    if not math.isfinite(score):
        assert np.ptp(truth) == 0
        return
    if card.greater_is_better:
        assert card.lowest - 1e-9 <= score <= card.perfect + 1e-9
    else:
        assert score >= card.perfect
    if np.ptp(truth):
        assert function_of(card)(truth, truth) == pytest.approx(card.perfect, abs=1e-9)


TRUTH = np.repeat([1, 1, 2, 2, 3], [30, 10, 5, 45, 10])
SAID = np.repeat([1, 2, 1, 2, 1], [30, 10, 5, 45, 10])
"""30 of 40 ones, 45 of 50 twos and no three are found."""


def test_worked_example():
    scores = evaluate("class", TRUTH, SAID)
    assert scores["accuracy"] == pytest.approx(0.75)
    assert scores["balanced_accuracy"] == pytest.approx((0.75 + 0.9 + 0) / 3)
    expected = 0.4 * 0.45 + 0.5 * 0.55
    assert scores["kappa"] == pytest.approx((0.75 - expected) / (1 - expected))
    f1 = (2 * 30 / (40 + 45), 2 * 45 / (50 + 55), 0)
    assert scores["f1_macro"] == pytest.approx(np.mean(f1))


def test_confusion_has_truth_in_rows():
    table = confusion(TRUTH, SAID, [1, 2, 3])
    np.testing.assert_array_equal(table, [[30, 10, 0], [5, 45, 0], [10, 0, 0]])
    rows = per_class(TRUTH, SAID, [1, 2, 3])
    assert rows[0]["recall"] == pytest.approx(30 / 40)
    assert rows[0]["precision"] == pytest.approx(30 / 45)
    assert [row["support"] for row in rows] == [40, 50, 10]


def test_calibration_of_a_head_that_is_as_sure_as_it_is_right():
    confidence = np.repeat([0.55, 0.75, 0.95], 1000)
    shares = np.stack([confidence, 1 - confidence], axis=1)
    rng = np.random.default_rng(0)
    column = np.where(rng.random(3000) < confidence, 0, 1)
    scores = evaluate("class", column + 1, np.ones(3000, int), shares, np.array([1, 2]))
    assert scores["calibration_error"] < 0.03
    wrong = evaluate("class", 2 - column, np.ones(3000, int), shares, np.array([1, 2]))
    assert wrong["calibration_error"] > 0.4


def test_reliability_counts_everything_once():
    shares = np.array([[1.0, 0.0], [0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])
    bins = reliability(np.array([0, 1, 0, 1]), shares)
    assert [(row.low, row.count) for row in bins] == [(0.5, 1), (0.8, 1), (0.9, 2)]
    assert bins[-1].confidence == pytest.approx(0.95)
    assert bins[-1].right == pytest.approx(0.5)


def test_a_class_unknown_to_the_head_counts_as_wrong():
    shares = np.array([[0.9, 0.1], [0.9, 0.1]])
    scores = evaluate("class", np.array([1, 7]), np.array([1, 1]), shares, np.array([1, 2]))
    assert scores["calibration_error"] == pytest.approx(0.4)


def test_r2_and_pearson_differ_by_bias():
    truth = np.arange(10.0)
    scores = evaluate("value", truth, 2 * truth + 5)
    assert scores["pearson_r2"] == pytest.approx(1)
    assert scores["r2"] < 0
    assert scores["mae"] == pytest.approx(9.5)


def test_interval_draws_groups_not_cells():
    """Ten polygons of 100 cells, each all right or all wrong: as uncertain as ten throws of a coin."""
    groups = np.repeat(np.arange(10), 100)
    truth = np.where(groups % 2, 1, 2)
    said = np.where(groups < 7, truth, 3 - truth)
    low, high = class_intervals(truth, said, groups, [1, 2])["accuracy"]
    assert low < 0.45
    assert high > 0.9
    low, high = class_intervals(truth, said, np.arange(1000), [1, 2])["accuracy"]
    assert high - low < 0.08


def test_interval_is_never_a_point():
    truth = np.repeat([1, 2], 50)
    low, high = class_intervals(truth, truth, np.arange(100) // 10, [1, 2])["accuracy"]
    assert high == 1
    assert 0.6 < low < 0.8


def polygons(rng, count, likeness, varied=False):
    """Truth, prediction and group of cells in polygons of two classes; `likeness` is how alike cells of one are."""
    sizes = np.clip(rng.lognormal(3, 0.8, count), 2, 300).astype(int) if varied else np.full(count, 20)
    of_class = np.arange(count) % 2 + 1
    mean, strength = np.where(of_class == 1, 0.9, 0.7), (1 - likeness) / likeness
    right = rng.beta(mean * strength, (1 - mean) * strength)
    groups = np.repeat(np.arange(count), sizes)
    truth = of_class[groups]
    return truth, np.where(rng.random(len(groups)) < right[groups], truth, 3 - truth), groups


@pytest.mark.parametrize("count", [6, 20])
@pytest.mark.parametrize("likeness", [0.1, 0.5])
def test_interval_covers_with_few_groups(count, likeness):
    """Of 150 samples some 95 % hold the truth; drawing six groups again held it in 80 %."""
    rng = np.random.default_rng(5)
    held = np.zeros(2)
    for _ in range(150):
        bounds = class_intervals(*polygons(rng, count, likeness), [1, 2])
        held += [low <= 0.8 <= high for low, high in (bounds["accuracy"], bounds["balanced_accuracy"])]
    assert (held / 150 >= 0.93).all()


def test_one_group_has_no_interval():
    low, high = class_intervals(np.array([1, 2]), np.array([1, 1]), np.zeros(2, int), [1, 2])["accuracy"]
    assert math.isnan(low) and math.isnan(high)


def test_value_interval_covers_with_few_groups():
    """Mean absolute error of a normal error of each village and each house."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(10), 12)
    held = 0
    for _ in range(150):
        error = rng.normal(size=10)[groups] + rng.normal(size=120)
        truth = rng.normal(size=120)
        low, high = value_intervals(truth, truth + error, groups)["rmse"]
        held += low <= np.sqrt(2) <= high
    assert held / 150 >= 0.92


def test_value_interval_holds_the_score():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=300) + 1000
    said = truth + rng.normal(size=300) * 0.5
    scores = evaluate("value", truth, said)
    bounds = value_intervals(truth, said, np.arange(300) // 3)
    for name, (low, high) in bounds.items():
        assert low < scores[name] < high
    assert bounds["r2"][1] - bounds["r2"][0] < 0.2
