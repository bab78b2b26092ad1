import functools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from quadrat.core.heads import heldout, maps
from quadrat.core.heads.build import UNBALANCED, fit_head
from quadrat.core.heads.calibration import Calibrated, _Trial, allowed, expected_error, learn
from quadrat.core.heads.heldout import HeldOut, hold_out
from quadrat.core.heads.linear import USUAL_STRENGTH
from quadrat.core.heads.maps import apply_map, fit_map
from quadrat.core.heads.recipe import Recipe
from quadrat.core.heads.registry import HEADS
from quadrat.core.heads.storage import load_head, save_head
from quadrat.tests.core import quickheads
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.utils.estimator_checks import parametrize_with_checks

pytestmark = pytest.mark.same_without_torch

CLASS_HEADS = [name for name, card in HEADS.items() if "class" in card.targets and name != "auto"]


@pytest.fixture
def quick(monkeypatch):
    """Few trees, rounds and settings."""
    quickheads.few_trees(monkeypatch)
    quickheads.few_settings(monkeypatch)


@pytest.mark.parametrize("head", ["linear", "linear+trees"])
@pytest.mark.usefixtures("quick")
def test_the_map_is_learnt_for_the_strength_that_was_chosen(head):
    """Each group has its own fingerprint, so a stronger penalty than the usual one is the best."""
    rng, groups = np.random.default_rng(0), np.repeat(np.arange(24), 5)
    y = np.where(np.arange(24) % 2, 1, 2)[groups]
    prints = rng.normal(size=(24, 40))[groups]
    X = np.concatenate([(y[:, None] - 1.5) * 0.8 + rng.normal(size=(120, 1)), prints], axis=1).astype(np.float32)
    fitted = fit_head(Recipe(head, "class", calibration="auto"), X, y, groups)
    strength = fitted.choice.get("linear", fitted.choice)["strength"]
    assert strength != USUAL_STRENGTH and len(fitted.held_out.heads) == heldout.HELD_OUT_FOLDS
    for held in fitted.held_out.heads:
        pipeline = held.members_[0] if head != "linear" else held
        fold = len(y) - np.bincount(fitted.held_out.fold + 1)[1:]
        assert np.isclose(1 / (pipeline[-1].C * fold), strength).any()


@parametrize_with_checks([Calibrated()])
def test_keeps_scikit_learns_contract(estimator, check, monkeypatch):
    monkeypatch.setattr(heldout, "HELD_OUT_FOLDS", 2)
    check(estimator)


def blobs(n=300, k=3, spread=1.5, seed=0):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k + 1
    X = (rng.normal(size=(n, 8)) * spread + np.eye(k, 8)[y - 1] * 2).astype(np.float32)
    return X, y, np.arange(n) // k


def overstated(n, k=3, power=4.0, seed=0, prior=None):
    """Probabilities that are right, the same raised to a power, and classes drawn after the right ones."""
    rng = np.random.default_rng(seed)
    right = rng.dirichlet(np.ones(k) * 0.8, n)
    if prior is not None:
        right = right * prior
        right /= right.sum(1, keepdims=True)
    codes = (right.cumsum(1) < rng.random((n, 1))).sum(1)
    loud = right**power
    return right, loud / loud.sum(1, keepdims=True), codes


def held_of(shares, groups, folds=5):
    return HeldOut(groups % folds, [None] * folds, shares)


class PassThrough(ClassifierMixin, BaseEstimator):
    """Features are log-probabilities, for scikit-learn's own calibration."""

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def decision_function(self, X):
        return X[:, 1] - X[:, 0] if X.shape[1] == 2 else X

    def predict(self, X):
        return self.classes_[X.argmax(1)]


def test_temperature_is_that_of_scikit_learn(monkeypatch):
    monkeypatch.setattr(maps, "FLOORS", (1e-20,))
    _, loud, codes = overstated(600)
    numbers = fit_map("temperature", loud, codes, np.ones(600), 10**9)
    assert numbers["power"] == pytest.approx(0.25, abs=0.04)
    log = np.log(loud)
    theirs = CalibratedClassifierCV(FrozenEstimator(PassThrough().fit(log, codes)), method="temperature").fit(
        log, codes
    )
    assert numbers["power"] == pytest.approx(theirs.calibrated_classifiers_[0].calibrators[0].beta_, rel=1e-3)
    raised = loud ** numbers["power"]
    np.testing.assert_allclose(apply_map(numbers, loud), raised / raised.sum(1, keepdims=True), atol=1e-3)


def test_platt_is_that_of_scikit_learn():
    _, loud, codes = overstated(900, k=2)
    numbers = fit_map("platt", loud, codes, np.ones(900), 900)
    log = np.log(np.maximum(loud, maps.FLOOR))
    theirs = CalibratedClassifierCV(FrozenEstimator(PassThrough().fit(log, codes)), method="sigmoid").fit(log, codes)
    np.testing.assert_allclose(apply_map(numbers, loud), theirs.predict_proba(log), atol=0.02)


@pytest.mark.parametrize("method", maps.METHODS)
def test_every_map_brings_overstated_probabilities_back(method):
    _, loud, codes = overstated(3000)
    truth, again, fresh = overstated(3000, seed=1)
    numbers = fit_map(method, loud, codes, np.ones(3000), 3000)
    mapped = apply_map(numbers, again)
    even = np.ones(3000)
    assert expected_error(again, fresh, even) > 0.15
    assert expected_error(mapped, fresh, even) < 0.03
    assert log_loss(fresh, mapped) < log_loss(fresh, truth) + 0.03


@functools.cache
def learnt_map(method):
    _, loud, codes = overstated(200, k=4)
    return fit_map(method, loud, codes, np.ones(200), 200)


@pytest.mark.parametrize("method", maps.METHODS)
@settings(deadline=None, max_examples=30)
@given(table=arrays.arrays(np.float64, (7, 4), elements=st.floats(0, 1)))
def test_mapped_rows_are_probabilities(method, table):
    numbers = learnt_map(method)
    table[:, 0] += table.sum(1) == 0
    shares = table / table.sum(1, keepdims=True)
    mapped = apply_map(numbers, shares)
    assert (mapped >= 0).all()
    np.testing.assert_allclose(mapped.sum(1), 1)
    if method == "temperature":  # one power for all classes: none overtakes another
        np.testing.assert_array_equal(mapped[np.arange(7), shares.argmax(1)], mapped.max(1))


def test_two_groups_that_are_right_claim_no_certainty():
    shares = np.tile([[0.7, 0.3]], (40, 1))
    few = apply_map(fit_map("temperature", shares, np.zeros(40, int), np.ones(40), 2), shares)[0, 0]
    many = apply_map(fit_map("temperature", shares, np.zeros(40, int), np.ones(40), 40), shares)[0, 0]
    assert few == pytest.approx(1 - 1 / 4, abs=0.01)
    assert many == pytest.approx(1 - 1 / 42, abs=0.01)


def test_expected_error_by_hand():
    shares = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    # 0.9: one of two right, gap 0.4; 0.6: one of two right, gap 0.1
    assert expected_error(shares, np.array([0, 1, 0, 0]), np.ones(4)) == pytest.approx(0.25)
    # the wrong one at 0.9 weighs three times: 1.9 / 4 at 0.9 wrong
    weighted = expected_error(shares, np.array([0, 1, 0, 0]), np.array([1.0, 3, 1, 1]))
    assert weighted == pytest.approx((abs(4 * 0.9 - 1) + abs(2 * 0.6 - 1)) / 6)


def test_the_number_of_groups_decides_what_may_be_learnt():
    assert allowed(19, 10**6) == ("temperature",)
    assert allowed(20, 20) == ("temperature", "platt")
    assert allowed(10**3, 10**4) == maps.METHODS


def test_right_probabilities_are_left_alone():
    right, _, codes = overstated(600)
    learnt = learn("auto", held_of(right, np.arange(600)), codes, np.arange(600), False)
    assert learnt.facts["log_loss_after"] <= learnt.facts["log_loss_before"]
    if learnt.method == "none":
        assert "no better" in learnt.sentence
        np.testing.assert_array_equal(learnt.probabilities, right)
    shuffled = np.random.default_rng(0).permutation(codes)
    hopeless = learn("isotonic", held_of(np.full((600, 3), 1 / 3), np.arange(600)), shuffled, np.arange(600), False)
    assert hopeless.method == "none"
    assert hopeless.numbers == {}
    assert "left as the head gives them" in hopeless.sentence


def test_overstated_probabilities_are_mended_and_it_is_said():
    _, loud, codes = overstated(600)
    learnt = learn("auto", held_of(loud, np.arange(600)), codes, np.arange(600), False)
    assert learnt.method in ("temperature", "platt")
    assert learnt.facts["error_after"] < 0.06 < 0.15 < learnt.facts["error_before"]
    assert learnt.facts["log_loss_after"] < learnt.facts["log_loss_before"]
    assert "before" in learnt.sentence


@pytest.mark.parametrize("method", maps.METHODS)
def test_no_sample_is_mapped_by_what_was_learnt_from_it(method):
    """The classes of one fold are told otherwise: only the other folds are mapped otherwise."""
    _, loud, codes = overstated(300)
    fold = np.arange(300) % 5
    mine = fold == 2
    other = np.where(mine, (codes + 1) % 3, codes)
    first, second = (_Trial(loud, y, np.arange(300), fold, False).cross_fitted(method) for y in (codes, other))
    np.testing.assert_array_equal(first[mine], second[mine])
    assert not np.array_equal(first[~mine], second[~mine])


def test_balanced_calibration_keeps_equal_priors_and_the_decision():
    """The head gives right probabilities for equal classes, too loudly; 95 % of the labels are of one class."""
    rng = np.random.default_rng(0)
    _, loud, codes = overstated(20_000, k=2, power=3)
    kept = (codes == 0) | (rng.random(len(codes)) < 1 / 19)
    loud, codes = loud[kept], codes[kept]
    groups = np.arange(len(codes))
    assert 0.04 < codes.mean() < 0.06
    balanced = learn("platt", held_of(loud, groups), codes, groups, True)
    natural = learn("platt", held_of(loud, groups), codes, groups, False)
    assert balanced.facts["classes_as"] == "equal"
    assert natural.facts["classes_as"] == "labels"
    weight = np.where(codes == 1, 1 / codes.mean(), 1 / (1 - codes.mean()))
    assert expected_error(balanced.probabilities, codes, weight) < 0.03
    assert expected_error(natural.probabilities, codes, np.ones(len(codes))) < 0.02
    # the balanced map moves hardly any decision, the natural one gives up most of the rare class
    assert (balanced.probabilities.argmax(1) == loud.argmax(1)).mean() > 0.98
    rare = codes == 1
    assert (balanced.probabilities[rare].argmax(1) == 1).mean() > 0.7
    assert (natural.probabilities[rare].argmax(1) == 1).mean() < 0.4


@pytest.mark.parametrize("head", ["linear", "knn"])
@pytest.mark.usefixtures("quick")
def test_a_fitted_head_says_to_which_frequencies_its_probabilities_refer(head):
    X, y, groups = blobs(n=120)
    fitted = fit_head(Recipe(head, "class", True, calibration="temperature"), X, y, groups)
    assert fitted.calibration["classes_as"] == ("labels" if head in UNBALANCED else "equal")
    fitted = fit_head(Recipe(head, "class", False, calibration="temperature"), X, y, groups)
    assert fitted.calibration["classes_as"] == "labels"


@pytest.mark.parametrize("head", [head for head in CLASS_HEADS if head not in ("forest", "trees")])  # as forest-small
@pytest.mark.usefixtures("quick")
def test_calibrated_heads_save_predict_what_they_show_and_lose_no_accuracy(head, tmp_path):
    X, y, groups = blobs(n=150)
    Z, truth, _ = blobs(n=900, seed=5)
    fitted = fit_head(Recipe(head, "class", calibration="temperature"), X, y, groups)
    path = str(tmp_path / "a.qhead")
    save_head(path, {}, fitted.estimator)
    _, again = load_head(path)
    shares = again.predict_proba(Z)
    np.testing.assert_array_equal(shares, fitted.estimator.predict_proba(Z))
    np.testing.assert_array_equal(again.predict(Z), again.classes_[shares.argmax(1)])
    plain = fit_head(Recipe(head, "class"), X, y, groups).estimator
    assert (again.predict(Z) == truth).mean() >= (plain.predict(Z) == truth).mean() - 0.005
    if fitted.calibration["method"] != "none":
        np.testing.assert_allclose(again.uncalibrated_proba(Z), plain.predict_proba(Z), atol=1e-6)


@pytest.mark.usefixtures("quick")
def test_same_map_on_any_number_of_threads():
    X, y, groups = blobs(n=120)
    one, two = (fit_head(Recipe("prototype", "class", calibration="auto"), X, y, groups, n).estimator for n in (1, 2))
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


def test_too_few_groups_are_left_uncalibrated_and_it_is_said():
    X, y, _ = blobs(n=60)
    fitted = fit_head(Recipe("linear", "class", calibration="auto"), X, y, y)
    assert fitted.held_out is None
    assert fitted.calibration["method"] == "none"
    assert "too few groups" in fitted.calibration["why"]
    assert not isinstance(fitted.estimator, Calibrated)
    model = Calibrated().fit(X, y, groups=y)
    assert model.method_ == "none"


def test_groups_are_held_out_whole():
    """Each group has its own fingerprint: only folds that keep groups whole see how little the head knows."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(30), 10)
    y = np.where(np.arange(30) % 2, 1, 2)[groups]
    prints = rng.normal(size=(30, 40))[groups] * 2
    X = np.concatenate([(y[:, None] - 1.5) * 0.8 + rng.normal(size=(300, 1)), prints], axis=1).astype(np.float32)
    model = LogisticRegression(C=100, max_iter=500)
    whole = Calibrated(model, "temperature").fit(X, y, groups)
    cells = Calibrated(model, "temperature").fit(X, y)
    assert whole.predict_proba(X).max(1).mean() < cells.predict_proba(X).max(1).mean() - 0.1


def test_held_out_heads_never_saw_the_group():
    X, y, groups = blobs(n=120)
    seen = []

    def fit(X, y, groups):
        seen.append(set(groups))
        return LogisticRegression().fit(X, y)

    held = hold_out("class", fit, X, y, groups, 0, 1)
    assert len(held.heads) == 5
    assert set(held.fold) == {0, 1, 2, 3, 4}
    for number, known in enumerate(seen):
        assert not known & set(groups[held.fold == number])
        np.testing.assert_allclose(
            held.probabilities[held.fold == number], held.heads[number].predict_proba(X[held.fold == number])
        )


@pytest.mark.usefixtures("quick")
def test_a_class_of_one_group_is_never_held_out_and_its_curve_not_learnt():
    X, y, groups = blobs(n=240)
    groups = np.where(y == 3, 0, groups + 1)
    fitted = fit_head(Recipe("prototype", "class", calibration="auto"), X, y, groups)
    assert (fitted.held_out.fold[y == 3] == -1).all()
    assert fitted.calibration["method"] in ("none", "temperature")
    shares = fitted.estimator.predict_proba(X)
    assert np.isfinite(shares).all()
    assert (fitted.estimator.predict(X)[y == 3] == 3).mean() > 0.3
