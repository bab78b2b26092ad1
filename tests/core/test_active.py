"""Contract of the strategies that choose what to label; whoever adds one gets these tests for nothing."""

import functools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.active.disagreement import committee
from quadrat.core.active.pool import Known, Pool, Taught, strategy, suggest
from quadrat.core.active.registry import DEFAULT_STRATEGY, STRATEGIES
from quadrat.core.active.spread import Spread
from quadrat.core.errors import BadJob, Cancelled
from quadrat.core.heads.build import fit_head
from quadrat.core.heads.recipe import Recipe
from quadrat.core.progress import Progress
from quadrat.tests.core import quickheads

pytestmark = pytest.mark.same_without_torch

EVERY = pytest.mark.parametrize("name", STRATEGIES)
CENTRES = np.array([[6, 0, 0, 0], [0, 6, 0, 0], [0, 0, 6, 0], [0, 0, 0, 6]], np.float32)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Committees of quick members."""
    quickheads.few_trees(monkeypatch, 10)
    quickheads.few_settings(monkeypatch)


def blobs(counts, seed=0):
    """Vectors about four centres, their class, and places of which each class has a strip of its own."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    X = (CENTRES[y] + rng.normal(0, 1, (len(y), 4))).astype(np.float32)
    xy = np.stack([rng.random(len(y)) * 1000, 300.0 * y + rng.random(len(y)) * 250], axis=1)
    return X, y, xy


@functools.cache
def pool_of(counts=(80, 80, 80, 20), taught=True, seed=0, known=0):
    """A pool; with labels it has heads and known places."""
    X, y, xy = blobs(counts, seed)
    rows = np.array([int(np.flatnonzero(y == value)[place]) for place in range(3) for value in np.unique(y)])
    shares, labels = None, None
    if taught:
        labels = Taught(X[rows], y[rows].astype(np.int64), np.arange(len(rows)), True)
        head = fit_head(Recipe("linear", "class"), labels.X, labels.y, labels.groups).estimator
        shares = head.predict_proba(X).astype(np.float32)
    rows = rows[:known]
    return Pool(X, X, xy, Known(X[rows], np.arange(len(rows)), xy[rows]), seed, shares, labels)


def indices(found):
    return [pick.index for pick in found.picks]


@EVERY
def test_card_is_whole(name):
    card = STRATEGIES[name]
    assert re.fullmatch("[a-z]+", name)
    assert card.title and card.summary.endswith(".")
    assert callable(strategy(name))


def test_the_default_needs_nothing():
    card = STRATEGIES[DEFAULT_STRATEGY]
    assert not card.needs_head
    assert not card.needs_labels


@EVERY
@pytest.mark.parametrize("count", [1, 7, 40])
def test_distinct_places_apart_and_from_known_ones(name, count):
    pool = pool_of(known=12)
    found = suggest(name, pool, count, 20.0, Progress())
    chosen = indices(found)
    assert len(set(chosen)) == len(chosen) == count
    assert not found.notes
    there = np.concatenate([pool.xy[chosen], pool.known.xy])
    gaps = np.linalg.norm(there[:, None] - there[None], axis=2)
    gaps[count:, count:] = np.inf
    np.fill_diagonal(gaps, np.inf)
    assert gaps.min() >= 20.0 - 1e-6
    assert all(pick.why for pick in found.picks)


@EVERY
def test_same_seed_same_places_whatever_the_order(name):
    pool = pool_of(known=4)
    first = indices(suggest(name, pool, 15, 20.0, Progress()))
    assert first == indices(suggest(name, pool, 15, 20.0, Progress()))
    turned = np.random.default_rng(5).permutation(len(pool.X))
    other = Pool(pool.X[turned], pool.Z[turned], pool.xy[turned], pool.known, 0, pool.shares[turned], pool.taught)
    assert [int(turned[index]) for index in indices(suggest(name, other, 15, 20.0, Progress()))] == first


@pytest.mark.parametrize("name", ["random", "typical", "mix"])
def test_another_seed_other_places(name):
    first, second = (indices(suggest(name, pool_of(taught=False, seed=0), 10, 0.0, Progress())) for _ in range(2))
    assert first == second
    pool = pool_of(taught=False)
    moved = Pool(pool.X, pool.Z, pool.xy, pool.known, 3)
    assert indices(suggest(name, moved, 10, 0.0, Progress())) != first or name != "random"


@EVERY
def test_spacing_that_does_not_fit_is_lowered_and_said(name):
    found = suggest(name, pool_of(), 60, 500.0, Progress())
    assert len(set(indices(found))) == 60
    assert any("spacing of 500" in note and "lowered" in note for note in found.notes)


@EVERY
@pytest.mark.parametrize("size", [1, 2, 5])
def test_fewer_candidates_than_wanted(name, size):
    full = pool_of()
    few = Pool(full.X[:size], full.Z[:size], full.xy[:size], full.known, 0, full.shares[:size], full.taught)
    found = suggest(name, few, 20, 10.0, Progress())
    assert sorted(indices(found)) == list(range(size))
    assert any(f"only {size} places" in note for note in found.notes)


@EVERY
def test_equal_vectors_and_no_places(name):
    full = pool_of()
    same = np.ones_like(full.X)
    pool = Pool(same, same, None, Known(same[:0], np.empty(0, np.int64)), 0, np.full((len(same), 4), 0.25, np.float32),
                full.taught)  # fmt: skip
    assert len(set(indices(suggest(name, pool, 9, 100.0, Progress())))) == 9


@EVERY
def test_what_is_needed_is_asked_for_in_a_sentence(name):
    card = STRATEGIES[name]
    if card.needs_head or card.needs_labels:
        with pytest.raises(BadJob, match=f"'{name}' needs"):
            suggest(name, pool_of(taught=False), 5, 0.0, Progress())
    else:
        assert len(indices(suggest(name, pool_of(taught=False), 5, 0.0, Progress()))) == 5


@EVERY
def test_stops_when_asked(name):
    import threading

    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        suggest(name, pool_of(), 20, 0.0, Progress(cancelled=stop))


@pytest.mark.parametrize("name", ["typical", "coverage", "mix"])
def test_the_first_places_find_every_class_even_a_rare_one(name):
    X, y, xy = blobs((300, 300, 300, 30))
    pool = Pool(X, X, xy, Known(X[:0], np.empty(0, np.int64), xy[:0]))
    assert set(y[indices(suggest(name, pool, 4, 0.0, Progress()))]) == {0, 1, 2, 3}


@pytest.mark.parametrize("name", ["typical", "coverage"])
def test_what_is_labelled_is_not_asked_again(name):
    X, y, xy = blobs((200, 200, 200, 200))
    rows = np.flatnonzero(y != 2)[::60]
    pool = Pool(X, X, xy, Known(X[rows], np.arange(len(rows)), xy[rows]))
    assert y[indices(suggest(name, pool, 1, 0.0, Progress()))[0]] == 2


def test_one_odd_vector_is_no_centre():
    X, _, xy = blobs((200, 200, 200, 0))
    X[7] = 500.0
    pool = Pool(X, X, xy, Known(X[:0], np.empty(0, np.int64), xy[:0]))
    assert 7 not in indices(suggest("coverage", pool, 10, 0.0, Progress()))


@pytest.mark.parametrize("name", ["margin", "disagreement"])
def test_classes_come_in_turn(name):
    pool = pool_of((100, 100, 100, 100))
    chosen = indices(suggest(name, pool, 8, 0.0, Progress()))
    assert np.bincount(pool.predicted[chosen], minlength=4).tolist() == [2, 2, 2, 2]


def test_small_margins_come_first():
    pool = pool_of()
    two = np.sort(pool.shares, axis=1)[:, -2:]
    margin = two[:, 1] - two[:, 0]
    chosen = indices(suggest("margin", pool, 8, 0.0, Progress()))
    assert np.median(margin[chosen]) < np.quantile(margin, 0.25)
    assert margin[chosen[:4]].min() == margin.min()


def test_the_committee_is_asked_where_it_does_not_agree(monkeypatch):
    monkeypatch.undo()  # the members as they are
    pool = pool_of()
    shares = committee(pool.taught, pool.X, 0, Progress())
    assert shares.shape == (12, len(pool.X), 4)
    np.testing.assert_allclose(shares.sum(axis=2), 1, atol=1e-5)
    votes = shares.argmax(axis=2)
    against = (votes != shares.mean(axis=0).argmax(axis=1)).mean(axis=0)
    chosen = indices(suggest("disagreement", pool, 8, 0.0, Progress()))
    assert against[chosen].mean() > 3 * against.mean()


def test_the_mixture_turns_from_typical_to_margin():
    pool = pool_of(taught=False)
    assert indices(suggest("mix", pool, 6, 0.0, Progress())) == indices(suggest("typical", pool, 6, 0.0, Progress()))
    few = pool_of()
    whys = [pick.why for pick in suggest("mix", few, 6, 0.0, Progress()).picks]
    assert sum("apart" in why for why in whys) == 3
    assert sum("typical" in why for why in whys) == 3
    many = Taught(np.tile(few.taught.X, (5, 1)), np.tile(few.taught.y, 5), np.arange(60), True)
    pool = Pool(few.X, few.Z, few.xy, few.known, 0, few.shares, many)
    assert all("apart" in pick.why for pick in suggest("mix", pool, 6, 0.0, Progress()).picks)


@given(st.integers(1, 60), st.floats(0, 400), st.integers(0, 2**31 - 1))
@settings(max_examples=60, deadline=None)
def test_spread_keeps_its_promise(count, spacing, seed):
    rng = np.random.default_rng(seed)
    xy = rng.random((60, 2)) * 300
    spread = Spread(xy, 60, spacing, xy[:0])
    while len(spread.taken) < count and spread.ready():
        spread.take(int(np.flatnonzero(spread.open)[0]))
    assert len(set(spread.taken)) == count
    gaps = np.linalg.norm(xy[spread.taken][:, None] - xy[spread.taken][None], axis=2) + np.eye(count) * 1e9
    assert gaps.min() >= spread.spacing * (1 - 1e-6)
    assert bool(spread.notes(count)) == (spread.spacing < spacing)
