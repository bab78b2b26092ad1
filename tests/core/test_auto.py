"""Choosing among heads on the user's own labels."""

import numpy as np
import pytest
from quadrat.core.heads import auto
from quadrat.core.heads.auto import CLASS_HEADS, FEWEST_GROUPS, AutoClassifier, AutoRegressor, compare
from quadrat.core.heads.build import fit_head, fit_single
from quadrat.core.heads.recipe import Recipe
from quadrat.tests.core import quickheads
from sklearn.utils.estimator_checks import parametrize_with_checks

pytestmark = pytest.mark.same_without_torch


@parametrize_with_checks([AutoClassifier(("prototype", "knn")), AutoRegressor(("linear", "knn"))])
def test_our_estimators_keep_scikit_learns_contract(estimator, check, monkeypatch):
    quickheads.few_settings(monkeypatch)
    quickheads.usual_settings(monkeypatch)
    check(estimator)


@pytest.fixture
def quick(monkeypatch):
    """Few trees and few rounds."""
    quickheads.few_trees(monkeypatch)


def rings(n=300, seed=0):
    """Two classes that no straight line divides."""
    rng = np.random.default_rng(seed)
    y = rng.integers(1, 3, n)
    X = rng.normal(size=(n, 2))
    X *= (y / np.linalg.norm(X, axis=1) + rng.normal(0, 0.1, n))[:, None]
    return X.astype(np.float32), y, np.arange(n)


@pytest.mark.usefixtures("quick")
def test_leaves_out_what_is_clearly_worse_and_says_so():
    X, y, groups = rings(150)
    choice = fit_head(Recipe("auto", "class"), X, y, groups).choice
    assert "linear" not in choice["head"].split("+")
    assert "linear" not in choice["within_noise"]
    means = {name: mean for name, (mean, error) in choice["scores"].items()}
    assert min(means, key=means.get) in choice["head"].split("+")
    assert means["linear"] > 1.5 * min(means.values())
    assert "5 inner folds of 150 groups" in choice["chosen_by"]


@pytest.mark.usefixtures("quick")
def test_takes_values_too():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 6)).astype(np.float32)
    y = X @ np.array([3.0, -2, 0, 0, 1, 0]) + rng.normal(0, 0.1, 120)
    fitted = fit_head(Recipe("auto", "value"), X, y, np.arange(120))
    assert fitted.choice["head"] == "linear"
    assert "more than the noise" in fitted.choice["chosen_by"]
    np.testing.assert_array_equal(
        fitted.estimator.predict(X), fit_head(Recipe("linear", "value"), X, y, np.arange(120)).estimator.predict(X)
    )


@pytest.mark.usefixtures("quick")
def test_too_few_groups_take_what_is_good_as_a_rule():
    X, y, _ = rings(60)
    groups = y * 2 + np.arange(60) % 2  # two of each class
    choice = fit_head(Recipe("auto", "class"), X, y, groups).choice
    assert choice["head"] == "+".join(CLASS_HEADS)
    assert "only 4 groups could be held out, too few" in choice["chosen_by"]
    assert choice["scores"] == {}
    assert len(np.unique(groups)) < FEWEST_GROUPS


def test_compares_with_whole_groups(monkeypatch):
    """Neighbours recognise a group by its fingerprint; that is worth nothing where the group is new."""
    quickheads.usual_settings(monkeypatch)
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 10)
    y = (np.arange(30) % 2 + 1)[groups]
    prints = rng.normal(size=(30, 20))[groups] * 3
    X = np.concatenate([(y[:, None] - 1.5) * 2 + rng.normal(size=(300, 1)), prints], axis=1).astype(np.float32)
    heads = ("prototype", "knn")
    by_group = AutoClassifier(heads).fit(X, y, groups).choice_["scores"]["knn"][0]
    by_cell = AutoClassifier(heads).fit(X, y).choice_["scores"]["knn"][0]
    assert by_group > by_cell + 0.2


def test_copies_of_a_sample_in_its_group_make_nothing_surer():
    rng = np.random.default_rng(0)
    losses = rng.random((3, 40))
    once = compare(losses, np.ones(40), np.arange(40))
    copied = compare(np.repeat(losses, 25, axis=1), np.ones(1000), np.repeat(np.arange(40), 25))
    np.testing.assert_allclose(once.error, copied.error)
    np.testing.assert_allclose(once.gap_error, copied.gap_error)
    np.testing.assert_allclose(once.error, losses.std(axis=1, ddof=1) / np.sqrt(40), rtol=1e-10)
    assert once.gap.min() == 0


def test_the_comparison_does_not_grow_with_the_labels(monkeypatch):
    seen = []

    def spy(recipe, X, y, groups, threads=1):
        seen.append((recipe.head, len(y)))
        return fit_single(Recipe("prototype", "class"), X, y, groups, threads)

    monkeypatch.setattr(auto, "fit_single", spy)
    monkeypatch.setattr(auto, "MOST_COMPARED", 300)
    X, y, groups = rings(900)
    AutoClassifier().fit(X, y, groups)
    assert max(count for _, count in seen[:-1]) <= 300
    assert seen[-1][1] == 900


@pytest.mark.usefixtures("quick")
def test_the_seed_decides_threads_do_not_and_the_name_of_the_choice_fits_the_same_again(monkeypatch):
    quickheads.few_settings(monkeypatch)
    X, y, groups = rings(60)
    first = fit_head(Recipe("auto", "class", seed=1), X, y, groups, 1)
    second = fit_head(Recipe("auto", "class", seed=1), X, y, groups, 3)
    assert first.choice == second.choice
    shares = first.estimator.predict_proba(X)
    np.testing.assert_array_equal(shares, second.estimator.predict_proba(X))
    again = fit_head(Recipe(first.choice["head"], "class", seed=1), X, y, groups)
    np.testing.assert_array_equal(shares, again.estimator.predict_proba(X))
