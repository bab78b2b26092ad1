"""Calibrated probabilities: 80 % shall mean 80 %, learnt on samples that the head did not know.

A map is taken only when it lowers the log-loss of samples that were held out of the fit of the map, too.
"""

from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .heldout import HeldOut, hold_out
from .maps import FLOOR, METHODS, Map, apply_map, fit_map

Float = NDArray[np.float64]
Int = NDArray[np.int64]

PLATT_GROUPS = 20
"""Groups of the rarest class from which on two numbers a class are learnt."""
ISOTONIC_GROUPS, ISOTONIC_SAMPLES = 200, 1000
"""Isotonic curves overfit below about a thousand cases (Niculescu-Mizil and Caruana 2005), and cells of one group are
hardly more than one case."""
ACCURACY_LOST = 0.005
"""A map that changes the order of classes must not cost more than this share of right samples."""
STANDARD_ERRORS = 1.0
"""By which the log-loss must fall, counted over groups: one lucky group is no reason to change anything."""


@dataclass
class Learnt:
    """What the held-out samples taught."""

    method: str
    """The map that is taken, or `none`."""
    numbers: Map = field(default_factory=dict)
    probabilities: Float | None = None
    """(N, K) held-out probabilities, each calibrated by a map that was learnt without its fold; None: none held out."""
    facts: dict[str, Any] = field(default_factory=dict)
    """Plain JSON values."""

    @property
    def sentence(self) -> str:
        """For the log."""
        return str(self.facts["why"])


def allowed(groups: int, samples: int) -> tuple[str, ...]:
    """Maps that can be learnt from so many groups and samples of the rarest class, the plainest first."""
    if groups < PLATT_GROUPS:
        return METHODS[:1]
    return METHODS if groups >= ISOTONIC_GROUPS and samples >= ISOTONIC_SAMPLES else METHODS[:2]


def learn(method: str, held: HeldOut | None, codes: Int, groups: Int, balanced: bool) -> Learnt:
    """The map to take.

    Args:
        method: `auto`, `none` or one of `METHODS`.
        held: held-out samples, or None when there can be none.
        codes: (N,) column of the true class.
        groups: (N,) int64.
        balanced: each class weighs the same, as in the fit of the head: then probabilities are those of equally common
            classes, and the class shown stays the balanced decision. Else they refer to the frequencies of the labels.
    """
    facts: dict[str, Any] = {"asked": method, "method": "none", "classes_as": "equal" if balanced else "labels"}
    if held is None or held.probabilities is None:
        why = "Probabilities are not calibrated: too few groups of labels to hold any back."
        return Learnt("none", facts=facts | {"why": why})
    at = held.at
    trial = _Trial(held.probabilities[at], codes[at], groups[at], held.fold[at], balanced)
    facts |= {"folds": len(held.heads), "groups": len(np.unique(groups[at])), "samples": len(at)}
    wanted = trial.candidates(method)
    before = trial.losses(trial.shares)
    found = {name: trial.cross_fitted(name) for name in wanted}
    losses = {name: trial.losses(shares) for name, shares in found.items() if trial.keeps_accuracy(shares)}
    facts |= {"error_before": trial.error(trial.shares), "log_loss_before": before}
    best = min(losses, key=lambda name: losses[name], default="none")
    if best == "none" or not trial.is_better(found[best]):
        facts |= {"error_after": facts["error_before"], "log_loss_after": before, "why": _kept(method, wanted, facts)}
        return Learnt("none", {}, held.probabilities, facts)
    probabilities = held.probabilities.copy()
    probabilities[at] = found[best]
    facts |= {"method": best, "error_after": trial.error(found[best]), "log_loss_after": losses[best]}
    return Learnt(best, trial.fit(best), probabilities, facts | {"why": _taken(facts, trial.rarest)})


def _kept(method: str, wanted: tuple[str, ...], facts: dict[str, Any]) -> str:
    error = f"expected calibration error {100 * facts['error_before']:.1f} %"
    if method == "none":
        return f"Probabilities are left as the head gives them ({error} on {facts['groups']} groups kept apart)."
    return f"Probabilities are left as the head gives them: {' and '.join(wanted)} made them no better ({error})."


def _taken(facts: dict[str, Any], rarest: tuple[int, int]) -> str:
    return (
        f"Probabilities calibrated ({facts['method']}; the rarest class has {rarest[0]} groups and {rarest[1]} samples "
        f"to learn from): expected calibration error {100 * facts['error_before']:.1f} % before, "
        f"{100 * facts['error_after']:.1f} % after, on groups kept apart."
    )


class _Trial:
    """Held-out samples (n rows), and what maps do to them."""

    def __init__(self, shares: Float, codes: Int, groups: Int, fold: Int, balanced: bool) -> None:
        self.shares, self.codes, self.groups, self.fold = shares, codes, groups, fold
        self.weight = compute_sample_weight("balanced", codes) if balanced else np.ones(len(codes))
        present = np.unique(codes)
        self.complete = len(present) == shares.shape[1]
        self.rarest = (
            min(len(np.unique(groups[codes == k])) for k in present),
            int(np.bincount(codes)[present].min()),
        )

    def candidates(self, method: str) -> tuple[str, ...]:
        if method == "none":
            return ()
        if method != "auto":
            return (method,)
        # A class that was never held out cannot have numbers of its own.
        return allowed(*self.rarest) if self.complete else METHODS[:1]

    def fit(self, method: str, at: NDArray[np.bool_] | None = None) -> Map:
        at = np.ones(len(self.codes), dtype=bool) if at is None else at
        count = len(np.unique(self.groups[at]))
        return fit_map(method, self.shares[at], self.codes[at], self.weight[at], count)

    def cross_fitted(self, method: str) -> Float:
        mapped = np.empty_like(self.shares)
        for number in np.unique(self.fold):
            test = self.fold == number
            mapped[test] = apply_map(self.fit(method, ~test), self.shares[test])
        return mapped

    def losses(self, shares: Float) -> float:
        return float(np.average(log_losses(shares, self.codes), weights=self.weight))

    def is_better(self, shares: Float) -> bool:
        """True when the log-loss falls by more than the noise that so few groups leave in it."""
        gain = self.weight * (log_losses(self.shares, self.codes) - log_losses(shares, self.codes))
        members = np.unique(self.groups, return_inverse=True)[1]
        of_group, weight = np.bincount(members, gain), np.bincount(members, self.weight)
        mean = of_group.sum() / weight.sum()
        noise = np.sqrt(((of_group - mean * weight) ** 2).sum()) / weight.sum()
        return bool(mean > STANDARD_ERRORS * noise)

    def error(self, shares: Float) -> float:
        return expected_error(shares, self.codes, self.weight)

    def keeps_accuracy(self, shares: Float) -> bool:
        before, after = (
            np.average(one.argmax(axis=1) == self.codes, weights=self.weight) for one in (self.shares, shares)
        )
        return bool(after >= before - ACCURACY_LOST)


def log_losses(shares: Float, codes: NDArray[np.int64]) -> Float:
    """(n,) in nats."""
    return np.asarray(-np.log(np.maximum(shares[np.arange(len(codes)), codes], FLOOR)))


def expected_error(shares: Float, codes: NDArray[np.int64], weight: Float, bins: int = 10) -> float:
    """Expected calibration error of the class shown, 0..1, in bins of equal width.

    Args:
        shares: (n, K).
        codes: (n,) column of the true class.
        weight: (n,) of each sample; balanced weights give the error where all classes are equally common.
        bins: number of bins.

    Source: Naeini et al. 2015, doi:10.1609/aaai.v29i1.9602
    """
    confidence, right = shares.max(axis=1), shares.argmax(axis=1) == codes
    number = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gaps = np.bincount(number, weight * (confidence - right), minlength=bins)
    return float(np.abs(gaps).sum() / weight.sum())


class Calibrated(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier whose probabilities go through a map that was learnt out of fold.

    Args:
        estimator: classifier with `predict_proba`; None: logistic regression.
        method: str. `auto`, `none` or one of `METHODS`.
        balance: bool. Probabilities are those of equally common classes; else of classes as frequent as in training.
        seed: int. Decides the folds.

    Attributes:
        estimator_: the classifier, fitted on everything.
        method_: str. The map that was taken; `none` when nothing was better than no map.
        map_: dict of arrays.
        classes_: ndarray of shape (n_classes,)
    """

    def __init__(self, estimator: Any = None, method: str = "auto", balance: bool = True, seed: int = 0) -> None:
        self.estimator = estimator
        self.method = method
        self.balance = balance
        self.seed = seed

    @classmethod
    def of(cls, estimator: Any, method: str, numbers: Map) -> Self:
        """A fitted classifier and a fitted map put together."""
        made = cls(method=method)
        made.estimator_, made.method_, made.map_ = estimator, method, numbers
        made.classes_ = np.asarray(estimator.classes_)
        made.n_features_in_ = int(estimator.n_features_in_)
        return made

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit to X of shape (n_samples, n_features); samples of one group are held out together."""
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64])
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("Classifier can't train when only one class is present.")
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        weights = "balanced" if self.balance else None
        model = LogisticRegression(class_weight=weights) if self.estimator is None else self.estimator
        held = hold_out("class", lambda X, y, groups: clone(model).fit(X, y), X, codes, groups, self.seed, 1)
        learnt = learn(self.method, held, codes, groups, self.balance)
        self.estimator_ = clone(model).fit(X, y)
        self.method_, self.map_ = learnt.method, learnt.numbers
        return self

    def predict_proba(self, X: Any) -> Float:
        """Calibrated probability of each class: (n_samples, n_classes)."""
        shares = self.uncalibrated_proba(X)
        return apply_map(self.map_, shares)

    def predict(self, X: Any) -> NDArray[Any]:
        """The class of highest calibrated probability of each row of X."""
        shares = self.predict_proba(X)
        return np.asarray(self.classes_[shares.argmax(axis=1)])

    def uncalibrated_proba(self, X: Any) -> Float:
        """What the classifier says itself: (n_samples, n_classes)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float32, np.float64])
        return np.asarray(self.estimator_.predict_proba(X), dtype=np.float64)
