"""Several heads that decide together: committees and balanced ensembles."""

import functools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.heads.build import fit_head, fit_single
from quadrat.core.heads.committee import Committee, ValueCommittee
from quadrat.core.heads.ensemble import FEWEST, BalancedEnsemble, balanced_parts
from quadrat.core.heads.recipe import Recipe
from quadrat.core.heads.storage import load_head, save_head
from quadrat.core.jobs.fewshot import TrainHead
from quadrat.tests.core import quickheads
from sklearn.utils.estimator_checks import parametrize_with_checks

pytestmark = pytest.mark.same_without_torch


@parametrize_with_checks(
    [Committee(), Committee(combine="vote"), ValueCommittee(), BalancedEnsemble("prototype", members=3)]
)
def test_our_estimators_keep_scikit_learns_contract(estimator, check, monkeypatch):
    quickheads.few_settings(monkeypatch)
    quickheads.usual_settings(monkeypatch)
    check(estimator)


@pytest.fixture
def quick(monkeypatch):
    """Few trees, rounds and settings."""
    quickheads.few_trees(monkeypatch)
    quickheads.few_settings(monkeypatch)


@functools.cache
def alone(head):
    """A head that is no ensemble, fitted to lopsided samples as they are."""
    return fit_single(Recipe(head, "class", balance=False), *lopsided()).estimator


def lopsided(n=2000, share=0.03, seed=0):
    """A rare class that overlaps with a common one: (X, y, groups)."""
    rng = np.random.default_rng(seed)
    y = (rng.random(n) < share).astype(np.int64) + 1
    X = rng.normal(size=(n, 4)) + 1.2 * (y[:, None] - 1)
    return X.astype(np.float32), y, np.arange(n) // 2


def recall_and_precision(estimator, X, y):
    said = estimator.predict(X)
    hit = ((said == 2) & (y == 2)).sum()
    return hit / (y == 2).sum(), hit / max((said == 2).sum(), 1)


@pytest.mark.parametrize(
    ("head", "sampling", "combine"),
    [
        ("knn", "draws", "mean"),
        ("knn", "split", "vote"),
        ("forest-small", "draws", "vote"),
        ("forest-small", "split", "mean"),
    ],
)
def test_finds_more_of_the_rare_class_and_better_than_chance_at_natural_prevalence(head, sampling, combine):
    Z, truth, _ = lopsided(n=3000, seed=1)
    recipe = Recipe(head, "class", balance=False, ensemble=sampling, members=5, combine=combine)
    together = fit_head(recipe, *lopsided()).estimator
    before, after = (recall_and_precision(estimator, Z, truth) for estimator in (alone(head), together))
    assert after[0] > before[0] + 0.3
    assert after[0] > 0.75
    share = (truth == 2).mean()
    assert 3 * share < after[1] < before[1]  # precision is paid with, and stays far above chance


@pytest.mark.usefixtures("quick")
def test_members_see_balanced_classes_so_rare_ones_are_overstated():
    X, y, groups = lopsided()
    Z, truth, _ = lopsided(n=6000, seed=1)
    recipe = Recipe("linear", "class", balance=False)
    plain = fit_head(recipe, X, y, groups).estimator.predict_proba(Z)[:, 1].mean()
    shifted = fit_head(replace(recipe, ensemble="draws"), X, y, groups).estimator.predict_proba(Z)[:, 1].mean()
    share = (truth == 2).mean()
    assert plain == pytest.approx(share, abs=0.01)
    assert shifted > 3 * share


@pytest.mark.usefixtures("quick")
def test_same_file_on_any_number_of_threads_and_the_same_to_the_bit_when_loaded(tmp_path):
    X, y, groups = lopsided(150, 0.1)
    files = []
    for number, threads in enumerate((1, 3)):
        fitted = fit_head(Recipe("trees", "class", ensemble="split", members=3), X, y, groups, threads)
        path = tmp_path / f"{number}.qhead"
        save_head(str(path), {}, fitted.estimator)
        files.append(path.read_bytes())
    assert files[0] == files[1]
    np.testing.assert_array_equal(load_head(str(path))[1].predict_proba(X), fitted.estimator.predict_proba(X))


counts = st.lists(st.integers(1, 60), min_size=2, max_size=5)


@given(counts, st.sampled_from(["draws", "split"]), st.integers(2, 12), st.integers(0, 5))
def test_parts_are_balanced_and_waste_nothing_rare(sizes, sampling, members, seed):
    codes = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    size = max(min(sizes), FEWEST)
    parts = balanced_parts(codes, sampling, size, members, seed)
    assert 1 <= len(parts) <= members
    for part in parts:
        assert len(np.unique(part)) == len(part)
        drawn = np.bincount(codes[part], minlength=len(sizes))
        assert (drawn <= size).all()
        assert (drawn >= np.minimum(sizes, size) // 2 + (np.minimum(sizes, size) > 0) * 1 - 1).all()
        if sampling == "draws":
            np.testing.assert_array_equal(drawn, np.minimum(sizes, size))
        for rare in np.flatnonzero(np.array(sizes) <= size):
            assert set(np.flatnonzero(codes == rare)) <= set(part)


@given(counts, st.integers(2, 12))
def test_split_shares_no_sample_of_the_most_common_class(sizes, members):
    codes = np.repeat(np.arange(len(sizes)), sizes)
    size = max(min(sizes), FEWEST)
    parts = balanced_parts(codes, "split", size, members, 0)
    most = int(np.argmax(sizes))
    used = np.concatenate([part[codes[part] == most] for part in parts])
    assert len(np.unique(used)) == len(used)
    assert len(used) == min(sizes[most], len(parts) * size)


def test_votes_are_shares_and_ties_fall_to_the_surer_side():
    class Fixed:
        classes_ = np.array([1, 2])
        n_features_in_ = 2

        def __init__(self, row):
            self.row = row

        def predict_proba(self, X):
            return np.tile(self.row, (len(X), 1))

    members = [Fixed([0.9, 0.1]), Fixed([0.4, 0.6])]
    X = np.zeros((1, 2), np.float32)
    np.testing.assert_allclose(Committee.of(members).predict_proba(X), [[0.65, 0.35]])
    votes = Committee.of(members, "vote")
    np.testing.assert_allclose(votes.predict_proba(X), [[0.5, 0.5]], atol=1e-5)
    assert votes.predict(X) == [1]
    votes = Committee.of([*members, Fixed([0.45, 0.55])], "vote")
    np.testing.assert_allclose(votes.predict_proba(X), [[1 / 3, 2 / 3]], atol=1e-5)


@pytest.mark.usefixtures("quick")
def test_names_joined_are_the_mean_of_what_the_heads_say():
    X, y, groups = lopsided(300, 0.3)
    found = [fit_head(Recipe(name, "class"), X, y, groups).estimator.predict_proba(X) for name in ("linear", "trees")]
    together = fit_head(Recipe("linear+trees", "class"), X, y, groups).estimator
    np.testing.assert_allclose(together.predict_proba(X), np.mean(found, axis=0))
    values = fit_head(Recipe("linear+trees", "value"), X, y * 1.5, groups).estimator
    assert np.corrcoef(values.predict(X), y)[0, 1] > 0.7


def test_says_when_there_is_nothing_to_balance():
    X, y, groups = lopsided(300, 0.5)
    y[:150], y[150:] = 1, 2
    fitted = fit_head(Recipe("linear", "class", ensemble="draws"), X, y, groups)
    assert fitted.choice["members"] == 1
    assert "as many samples" in fitted.notes[0]


@pytest.mark.usefixtures("quick")
def test_auto_chooses_once_for_all_members():
    X, y, groups = lopsided(200, 0.1)
    fitted = fit_head(Recipe("auto", "class", ensemble="draws", members=3), X, y, groups)
    assert fitted.choice["chosen_by"] == fitted.choice["member"]["chosen_by"]
    assert len(fitted.estimator.members_) == 3
    kinds = {tuple(type(one).__name__ for one in getattr(m, "members_", [m])) for m in fitted.estimator.members_}
    assert len(kinds) == 1


def test_values_have_no_balanced_ensemble():
    job = replace(TrainHead.example(), target="value", ensemble="draws")
    assert "A balanced ensemble is for classes" in job.problem()
