"""Levels and differences against plain loops; folds as the authors deal them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.poverty.indicator import evolution
from quadrat.core.poverty.teaching import rotation

pytestmark = pytest.mark.same_without_torch


def made(seed, places=12, dates=5, gaps=0.2):
    rng = np.random.default_rng(seed)
    truth = np.round(rng.gamma(1.0, 2.0, (places, dates)), 1)
    truth[: places // 4] = 0.0
    said = truth + rng.normal(size=truth.shape)
    truth[rng.random(truth.shape) < gaps] = np.nan
    return truth, said


def brute_r2(truth, said):
    truth, said = np.array(truth), np.array(said)
    total = ((truth - truth.mean()) ** 2).sum()
    return np.nan if total == 0 else 1 - ((truth - said) ** 2).sum() / total


@given(st.integers(0, 10_000), st.integers(1, 4), st.booleans())
def test_differences_are_those_of_a_plain_loop(seed, apart, lit):
    truth, said = made(seed)
    times = [2000, 2001, 2002, 2003, 2004]
    found = evolution.differences(truth, said, times, apart, lit)
    assert set(found) == {(i, i + apart) for i in range(5 - apart)}
    for (i, j), one in found.items():
        t, s = [], []
        for place in range(len(truth)):
            change = truth[place, j] - truth[place, i]
            if np.isfinite(change) and (not lit or change != 0):
                t.append(change)
                s.append(said[place, j] - said[place, i])
        assert one.count == len(t)
        if len(t) >= 2:
            errors = np.abs(np.array(t) - s)
            np.testing.assert_allclose([one.mae, one.dis], [errors.mean(), errors.std()], atol=1e-12)
            np.testing.assert_allclose(one.r2, brute_r2(t, s), atol=1e-9)


@given(st.integers(0, 10_000))
def test_matrix_holds_levels_on_the_diagonal_and_differences_above(seed):
    truth, said = made(seed)
    found = evolution.matrix(truth, said)
    assert np.isnan(found[np.tril_indices(5, -1)]).all()
    np.testing.assert_equal(np.diag(found), [one.r2 for one in evolution.levels(truth, said)])
    for i, j in evolution.pairs(range(5)):
        np.testing.assert_equal(found[i, j], evolution.differences(truth, said, range(5), j - i)[i, j].r2)


def test_dark_places_flatter():
    rng = np.random.default_rng(0)
    truth = np.zeros((100, 3))
    truth[:10] = rng.uniform(5, 6, (10, 3))
    said = truth.copy()
    said[:10] = 5.5
    every, lit = evolution.levels(truth, said), evolution.levels(truth, said, lit=True)
    assert all(one.r2 > 0.9 for one in every)
    assert all(one.r2 < 0.1 and one.count == 10 for one in lit)


def test_errors_of_two_years_add_up_in_their_difference():
    """A level told well each year, with errors of its own each year, tells a small change worse than no change does."""
    rng = np.random.default_rng(1)
    truth = rng.normal(size=(500, 1)) + 0.1 * np.arange(4) * rng.normal(size=(500, 1))
    said = truth + rng.normal(0, 0.4, truth.shape)
    assert min(one.r2 for one in evolution.levels(truth, said)) > 0.8
    assert max(one.r2 for one in evolution.differences(truth, said, range(4), 1).values()) < -5


def test_mean_over_dates_then_over_folds():
    Score = evolution.Score
    folds = [[Score(1.0, 0.2, 0, 9), Score(3.0, 0.4, 0, 9)], [Score(4.0, np.nan, 0, 9)], [evolution.NONE]]
    found = evolution.over_folds(folds)
    assert found.mae == (3.0, 1.0)  # of 2 and 4, population standard deviation
    assert found.r2 == (pytest.approx(0.3), 0.0)
    assert found.folds == 2


def test_years_apart_are_counted_in_years_and_not_in_dates():
    times = [2000, 2001, 2004, 2005]
    assert evolution.pairs(times, 1) == [(0, 1), (2, 3)]
    assert evolution.pairs(times, 4) == [(0, 2), (1, 3)]
    assert len(evolution.pairs(times)) == 6


def test_by_fold_leaves_out_what_is_in_none():
    truth, said = np.arange(6.0)[:, None], np.zeros((6, 1))
    found = evolution.by_fold(truth, said, np.array([0, 0, 1, 1, -1, -1]), evolution.levels)
    assert [one[0].count for one in found] == [2, 2]
    assert found[1][0].mae == 2.5


def test_mean_matrix_skips_folds_that_say_nothing():
    found = evolution.mean_matrix([np.array([[1.0, np.nan]]), np.array([[3.0, np.nan]]), np.array([[np.nan, np.nan]])])
    np.testing.assert_array_equal(found, [[2.0, np.nan]])


@given(st.integers(6, 200), st.integers(0, 50))
def test_five_turns_test_all_but_the_validation_cells_once(count, seed):
    found = list(rotation.turns(count, seed))
    assert len(found) == 5
    for turn in found:
        everyone = np.concatenate([turn.training, turn.validation, turn.test])
        np.testing.assert_array_equal(np.sort(everyone), np.arange(count))
        np.testing.assert_array_equal(turn.validation, found[0].validation)
    tested = np.concatenate([turn.test for turn in found])
    np.testing.assert_array_equal(np.sort(np.concatenate([tested, found[0].validation])), np.arange(count))
    sizes = [len(turn.test) for turn in found] + [len(found[0].validation)]
    assert max(sizes) - min(sizes) <= 1


def test_too_few_cells_to_deal_out():
    with pytest.raises(ValueError, match="5 cells cannot be dealt out to 6 folds"):
        list(rotation.turns(5, 0))


def test_the_published_region_apart_holds_868_cells():
    rows, cols = np.meshgrid(np.arange(0, 5000, 32), np.arange(0, 8000, 32), indexing="ij")
    assert rotation.in_rectangle(rows.ravel(), cols.ravel(), (1900, 2800), (4900, 5900)).sum() == 868
