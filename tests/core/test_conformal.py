import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mapie.classification import SplitConformalClassifier
from quadrat.core import conformal
from quadrat.core.errors import EngineTooSmall
from scipy.stats import beta
from sklearn.base import BaseEstimator, ClassifierMixin

pytestmark = pytest.mark.same_without_torch


class PassThrough(ClassifierMixin, BaseEstimator):
    """Features are the probabilities."""

    def __init__(self, n=3):
        self.n = n

    def fit(self, X=None, y=None):
        self.classes_, self.is_fitted_ = np.arange(self.n), True
        return self

    def predict_proba(self, X):
        return X

    def predict(self, X):
        return X.argmax(1)


def draw(n, seed, k=3):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(k) * 0.7, n)
    return shares, (shares.cumsum(1) < rng.random((n, 1))).sum(1)


@pytest.mark.parametrize("coverage", [0.6, 0.8, 0.9, 0.95])
def test_sets_are_those_of_mapie_where_every_group_is_one_sample(coverage):
    shares, codes = draw(137, 0)
    fresh, _ = draw(500, 1)
    theirs = SplitConformalClassifier(PassThrough().fit(), confidence_level=coverage, conformity_score="lac")
    sets = theirs.conformalize(shares, codes).predict_set(fresh)[1][:, :, 0]
    ours = conformal.calibrate(shares, codes, np.arange(137), coverage)
    assert ours.n_groups == 137
    sets[np.arange(500), fresh.argmax(1)] = True  # an empty set says nothing: the likeliest class is always in ours
    np.testing.assert_array_equal(conformal.members_of(fresh, ours.threshold), sets)


def test_group_quantile_by_hand():
    # Three groups and one to come: each weighs a quarter. Group 0 has four cells of 1/16 each.
    scores = np.array([0.1, 0.2, 0.3, 0.9, 0.5, 0.6])
    members = np.array([0, 0, 0, 0, 1, 2])
    assert conformal.group_quantile(scores, members, 3 / 16) == 0.3
    assert conformal.group_quantile(scores, members, 3 / 16 + 0.01) == 0.5
    assert conformal.group_quantile(scores, members, 0.6) == 0.6
    assert conformal.group_quantile(scores, members, 0.75) == 0.9
    assert conformal.group_quantile(scores, members, 0.76) is None


@pytest.mark.parametrize(("coverage", "groups"), [(0.5, 1), (0.8, 4), (0.9, 9), (0.95, 19), (0.99, 99)])
def test_fewest_groups(coverage, groups):
    assert conformal.fewest_groups(coverage) == groups
    shares, codes = draw(groups, 0)
    assert conformal.calibrate(shares, codes, np.arange(groups), coverage) is not None
    if groups > 1:
        assert conformal.calibrate(shares[1:], codes[1:], np.arange(groups - 1), coverage) is None


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10**6), coverage=st.floats(0.5, 0.9))
def test_order_and_numbering_do_not_matter_and_more_coverage_means_larger_sets(seed, coverage):
    shares, codes = draw(80, seed)
    groups = np.random.default_rng(seed).integers(0, 25, 80)
    first = conformal.calibrate(shares, codes, groups, coverage)
    turn = np.random.default_rng(seed + 1).permutation(80)
    again = conformal.calibrate(shares[turn], codes[turn], 7 - 3 * groups[turn], coverage)
    if first is None:
        assert again is None
        return
    assert again.threshold == first.threshold
    wider = conformal.calibrate(shares, codes, groups, min(coverage + 0.03, 0.95))
    assert wider is None or wider.threshold >= first.threshold
    sets = conformal.members_of(shares, first.threshold)
    assert sets[np.arange(80), shares.argmax(1)].all()
    assert first.reached >= coverage - 1e-9
    assert conformal.Conformal.from_dict(first.to_dict()) == first


def test_marginal_coverage_varies_as_a_beta_distribution():
    """Independent samples: the coverage of one calibration draw follows a known law, with the right mean."""
    found, n = [], 49
    for seed in range(2000):
        shares, codes = draw(n, seed)
        scores = 1 - shares[np.arange(n), codes]
        threshold = conformal.group_quantile(scores, np.arange(n), 0.9)
        fresh, truth = draw(400, 10**6 + seed)
        found.append((1 - fresh[np.arange(400), truth] <= threshold).mean())
    law = beta(45, 5)  # n + 1 - k and k with k = floor(50 * 0.1)
    assert np.mean(found) == pytest.approx(law.mean(), abs=0.005)
    assert np.std(found) == pytest.approx(np.sqrt(law.var() + 0.9 * 0.1 / 400), rel=0.08)


def villages(count, seed, cells=(1, 60)):
    """Groups whose cells are right or wrong together: scores around a level of the group."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(*cells, count)
    level = rng.beta(2, 5, count)
    members = np.repeat(np.arange(count), sizes)
    return np.clip(level[members] + rng.normal(0, 0.05, len(members)), 0, 1), members


def test_whole_groups_cover_where_single_cells_do_not():
    covered = {"groups": [], "cells": []}
    for seed in range(2000):
        scores, members = villages(19, seed)
        fresh = villages(1, 10**6 + seed)[0][0]
        covered["groups"].append(fresh <= conformal.group_quantile(scores, members, 0.9))
        covered["cells"].append(fresh <= np.quantile(scores, 0.9))
    assert 0.885 < np.mean(covered["groups"]) < 0.96
    assert np.mean(covered["cells"]) < np.mean(covered["groups"]) - 0.02


def test_a_head_that_is_right_more_often_than_asked_leaves_nothing_unsure():
    shares = np.tile([[0.96, 0.04]], (50, 1))
    found = conformal.calibrate(shares, np.zeros(50, int), np.arange(50), 0.9)
    assert "no place" in found.sentence
    assert found.alone == 1
    assert not conformal.unsure(np.array([[0.51, 0.49]]), found.threshold).any()
    shares, codes = draw(300, 3)
    found = conformal.calibrate(shares, codes, np.arange(300), 0.95)
    assert found.threshold > 0.5
    assert "second class reaches" in found.sentence
    split = conformal.unsure(np.array([[0.98, 0.01, 0.01], [0.4, 0.4, 0.2]]), found.threshold)
    np.testing.assert_array_equal(split, [False, True])


def test_an_engine_without_mapie_is_a_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "mapie.conformity_scores", None)
    shares, codes = draw(30, 0)
    with pytest.raises(EngineTooSmall, match="mapie"):
        conformal.calibrate(shares, codes, np.arange(30), 0.9)
