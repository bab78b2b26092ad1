"""Agreement of labels in a tree: by hand, against hiclass, and where it must equal accuracy."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.metrics.hierarchical import NOTHING, agreement, lineage, parts, set_agreement
from quadrat.core.reef.tree import LabelTree
from quadrat.tests.core.reeftrees import nested, rio

pytestmark = pytest.mark.same_without_torch


@functools.cache
def numbered(tree):
    """Numbers of labels by code, and the lineage."""
    numbers = {code: number for number, code in enumerate(tree)}
    return numbers, lineage([[numbers[code] for code in tree.path(label)] for label in tree])


def scores(tree, true, predicted):
    numbers, above = numbered(tree)
    told = [numbers[code] if code else NOTHING for code in predicted]
    found = agreement(np.array([numbers[code] for code in true]), np.array(told), above)
    return found.precision, found.recall, found.f


def test_by_hand():
    tree = LabelTree(nested("Corals{Hard{FAV,POA},Soft},Sand,"))
    # A and B share Corals, Hard of three each; the second is right; the third shares nothing (1 of 3).
    assert scores(tree, ["FAV", "Soft", "POA"], ["POA", "Soft", "Sand"]) == pytest.approx((4 / 6, 4 / 8, 8 / 14))
    # Stopping early at "Hard" is never wrong, and misses a third.
    assert scores(tree, ["FAV", "POA"], ["Hard", "Hard"]) == pytest.approx((1, 4 / 6, 0.8))
    assert scores(tree, ["FAV", "Sand"], ["", "Sand"]) == pytest.approx((1, 1 / 4, 0.4))


def test_as_hiclass():
    # hiclass 5.0.8, metrics.precision, recall, f1 of the paths padded with empty cells; the same draws.
    tree = rio()
    codes, rng = list(tree), np.random.default_rng(7)
    true = rng.choice(codes, 300)
    predicted = np.where(rng.random(300) < 0.5, true, rng.choice(codes, 300))
    expected = (0.5738758029978587, 0.5648050579557429, 0.5693043016463091)
    assert scores(tree, true, predicted) == pytest.approx(expected, abs=1e-15)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=30))
def test_accuracy_where_there_are_no_branches(pairs):
    true, predicted = np.array(pairs).T
    found = agreement(true, predicted, lineage([[label] for label in range(5)]))
    assert found.precision == found.recall == pytest.approx((true == predicted).mean())
    assert found.f == pytest.approx(found.precision)


@given(st.lists(st.tuples(st.integers(0, 96), st.integers(-1, 96)), min_size=1, max_size=20))
def test_sets_of_one_and_sums_of_parts(pairs):
    true, predicted = np.array(pairs).T
    above = numbered(rio())[1]
    one = agreement(true, predicted, above)
    sets = np.zeros((2, len(true), 97), bool)
    sets[0, np.arange(len(true)), true] = True
    said = predicted != NOTHING
    sets[1, np.flatnonzero(said), predicted[said]] = True
    assert repr(set_agreement(*sets, above)) == repr(one)
    shared, a, b = (part.sum() for part in parts(true, predicted, above))
    assert shared <= min(a, b)
    weighted = agreement(np.tile(true, 2), np.tile(predicted, 2), above, np.repeat([0.0, 3.0], len(true)))
    assert weighted.recall == pytest.approx(one.recall)


def test_sets_count_shared_ancestors_once():
    tree = LabelTree(nested("Corals{Hard{FAV,POA},Soft},Sand,"))
    numbers, above = numbered(tree)
    true, predicted = np.zeros((1, len(tree)), bool), np.zeros((1, len(tree)), bool)
    true[0, numbers["FAV"]] = predicted[0, [numbers["FAV"], numbers["POA"]]] = True
    found = set_agreement(true, predicted, above)
    assert (found.precision, found.recall) == pytest.approx((3 / 4, 1))
