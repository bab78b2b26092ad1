import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.folds import (
    TRAINING_ONLY,
    class_folds,
    make_folds,
    metres,
    spatial_blocks,
    value_folds,
)

pytestmark = pytest.mark.same_without_torch


@st.composite
def polygons(draw):
    """Classes and groups of cells, each group of one class, as polygons are."""
    of_class = draw(st.lists(st.integers(1, 4), min_size=4, max_size=20))
    sizes = draw(st.lists(st.integers(1, 9), min_size=len(of_class), max_size=len(of_class)))
    y = np.repeat(of_class, sizes)
    groups = np.repeat(np.arange(len(of_class)) * 7 + 3, sizes)
    order = np.random.default_rng(draw(st.integers(0, 99))).permutation(len(y))
    return y[order], groups[order]


@settings(deadline=None)
@given(polygons(), st.integers(2, 6), st.integers(0, 5))
def test_class_folds_keep_groups_whole_and_classes_in_training(labels, wish, seed):
    y, groups = labels
    folds = class_folds(y, groups, wish, seed)
    per_class = {c: len(np.unique(groups[y == c])) for c in np.unique(y)}
    testable = [c for c, n in per_class.items() if n >= 2]
    if len(testable) < 2:
        assert folds is None
        return
    assert folds.count == min(wish, min(per_class[c] for c in testable))
    assert set(folds.untested) == {c for c, n in per_class.items() if n < 2}
    assert folds.gaps == 0
    for group in np.unique(groups):
        assert len(np.unique(folds.fold[groups == group])) == 1
    tested = np.zeros(len(y), int)
    for training, test in folds.parts():
        assert len(test)
        assert not set(groups[training]) & set(groups[test])
        assert set(y[training]) == set(y)
        tested[test] += 1
    np.testing.assert_array_equal(tested, np.isin(y, testable).astype(int))
    assert (folds.fold[~np.isin(y, testable)] == TRAINING_ONLY).all()


def test_class_folds_deal_each_class_evenly():
    y = np.repeat([1, 2], 50)
    folds = class_folds(y, np.arange(100), 5, seed=3)
    for value in (1, 2):
        assert (np.bincount(folds.fold[y == value]) == 10).all()


def test_class_folds_depend_on_the_seed_alone():
    y, groups = np.repeat([1, 2, 3], 30), np.arange(90) // 3
    again = class_folds(y, groups, 5, 1).fold
    np.testing.assert_array_equal(class_folds(y, groups, 5, 1).fold, again)
    assert (class_folds(y, groups, 5, 2).fold != again).any()


def test_groups_of_many_classes_still_leave_every_class_in_training():
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(12), 20)
    y = rng.integers(1, 4, 240)
    folds = class_folds(y, groups, 5, 0)
    assert folds.gaps == 0
    assert folds.count == 5


@pytest.mark.parametrize("y", [[1, 1, 1, 1], [1, 1, 1, 2]])
def test_no_class_folds_without_two_testable_classes(y):
    assert class_folds(np.array(y), np.arange(4), 5, 0) is None


@settings(deadline=None)
@given(st.integers(2, 40), st.integers(2, 6), st.integers(0, 3))
def test_value_folds_keep_groups_whole_and_span_the_values(n_groups, wish, seed):
    groups = np.repeat(np.arange(n_groups), 3)
    y = groups + np.tile([0.0, 0.1, 0.2], n_groups)
    folds = value_folds(y, groups, wish, seed)
    assert folds.count == min(wish, n_groups)
    assert (folds.fold.reshape(-1, 3) == folds.fold[::3, None]).all()
    counts = np.bincount(folds.fold[::3], minlength=folds.count)
    assert counts.max() - counts.min() <= 1
    means = [y[folds.fold == k].mean() for k in range(folds.count)]
    assert np.ptp(means) <= folds.count + 1


def test_make_folds_follows_the_target():
    groups = np.arange(6)
    assert make_folds("value", np.ones(6), groups, 3, 0).count == 3
    assert make_folds("class", np.ones(6), groups, 3, 0) is None
    assert make_folds("value", np.ones(6), np.zeros(6, int), 3, 0) is None


def test_blocks_keep_groups_whole_and_neighbours_together():
    xy = np.stack(np.meshgrid(np.arange(100.0), np.arange(100.0)), -1).reshape(-1, 2)
    groups = np.arange(len(xy))
    block = spatial_blocks(xy, groups, 25.0, seed=1)
    assert 16 <= len(np.unique(block)) <= 25
    for number in np.unique(block):
        assert np.ptp(xy[block == number], axis=0).max() < 25
    pairs = np.arange(len(xy)) // 500
    block = spatial_blocks(xy, pairs, 25.0, seed=1)
    for pair in np.unique(pairs):
        assert len(np.unique(block[pairs == pair])) == 1


def test_blocks_are_laid_elsewhere_by_another_seed():
    xy = np.random.default_rng(0).random((500, 2)) * 100
    a, b = (spatial_blocks(xy, np.arange(500), 20.0, seed) for seed in (0, 1))
    same_in_a, same_in_b = a[:, None] == a[None], b[:, None] == b[None]
    assert (same_in_a != same_in_b).any()


def test_degrees_become_metres_also_across_180_degrees():
    xy = np.array([[179.99, 60.0], [-179.99, 60.0], [179.99, 60.01]])
    there = metres(xy, is_geographic=True)
    assert there[1, 0] - there[0, 0] == pytest.approx(0.02 * 111_195 * 0.5, rel=0.01)
    assert there[2, 1] - there[0, 1] == pytest.approx(0.01 * 111_195, rel=0.01)


def test_feet_become_metres():
    np.testing.assert_allclose(metres(np.array([[10.0, 20.0]]), False, 0.3048), [[3.048, 6.096]])


def test_no_fold_is_empty_where_groups_hold_several_classes():
    # Classes 1 to 3 share their groups with classes that no other group has, which are never tested.
    y = np.array([1, 2, 3, 4, 1, 2, 3, 5, 1, 2, 3])
    groups = np.array([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2])
    folds = class_folds(np.append(y, 1), np.append(groups, 3), 5, 0)
    assert folds.count == 2
    assert all(len(training) and len(test) for training, test in folds.parts())


@settings(deadline=None, max_examples=300)
@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), min_size=4, max_size=40), st.integers(0, 5))
def test_folds_of_mixed_groups_can_all_be_tested(cells, seed):
    y, groups = np.array(cells).T
    folds = class_folds(y, groups, 5, seed)
    for training, test in folds.parts() if folds else ():
        assert len(test)
        assert not set(groups[training]) & set(groups[test])


def test_a_class_that_only_shares_groups_with_untestable_ones_is_listed_as_untested():
    """Class 3 has two groups, but each also holds a class that no other group has: neither can be tested."""
    y = np.array([1, 1, 1, 2, 2, 2, 3, 4, 3, 5])
    groups = np.array([0, 1, 2, 3, 4, 5, 6, 6, 7, 7])
    folds = class_folds(y, groups, 3, 0)
    assert folds.untested == (3, 4, 5)
    tested = np.concatenate([test for _, test in folds.parts()])
    assert set(y[tested]) == {1, 2}
