"""Head `auto`: compares heads on the user's own labels and takes one, or several together that it cannot tell apart.

The comparison sees training data only: inner folds of whole groups, each head with all choices of its own inside them.
So it is made at the number of labels that there is, and no sample judges a head that knows its group.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ..folds import class_folds, value_folds
from .build import TOGETHER, HeadRequest, fit_single
from .inner import INNER_FOLDS, thinned
from .recipe import Recipe

Float = NDArray[np.float64]
Parts = list[tuple[NDArray[np.int64], NDArray[np.int64]]]
"""(training, test) indices of each fold."""
CLASS_HEADS = ("linear", "trees", "mlp")
"""Compared, and all taken where there are too few groups to compare anything: straight borders, steps and bends. Of the
single heads and means tried, their mean lost least on sets that are not reported (pixels of Germany, series of
Rondonia, favelas, drawn classes); neighbours, prototypes, forests and kernels were not clearly better anywhere."""
VALUE_HEADS = ("linear", "trees", "knn")
"""The same for values, their median; by wealth in Togo and a set that comes with scikit-learn."""
COLUMN_HEADS = ("ridge", "linear-log", "trees", "boosting")
"""The same for values from columns of numbers, such as statistics of images: lines that go on, and trees that bend."""
FEWEST_GROUPS = 20
"""With fewer groups held out, a comparison is mostly luck, and following it cost more than it brought."""
NOISE = 2.0
"""Standard errors within which a head is not clearly worse: the mean of several forgives one that is a little worse."""
MOST_COMPARED, FEWEST_COMPARED, MOST_NUMBERS = 1000, 200, 500_000
"""Samples in a comparison, and samples times features: what bounds its time, whatever the number of labels."""
NEGLIGIBLE = 0.02
"""Share of the best head's loss that is worth nothing even where it is certain."""


@dataclass(frozen=True)
class Comparison:
    """Loss of H heads on samples that they do not know."""

    mean: Float
    """(H,)"""
    error: Float
    """(H,) standard error of the mean over groups."""
    gap: Float
    """(H,) loss above the best head's."""
    gap_error: Float
    """(H,) standard error of that difference, head by head on the same samples."""

    def within_noise(self) -> NDArray[np.int64]:
        """Heads that are not clearly worse than the best."""
        return np.flatnonzero(self.gap <= np.maximum(NOISE * self.gap_error, NEGLIGIBLE * self.mean.min()))


def compare(losses: Float, weights: Float, groups: NDArray[np.integer]) -> Comparison:
    """Means and standard errors that respect groups: samples of one group are as good as one draw.

    Args:
        losses: (H, N) float64 of each head on each sample.
        weights: (N,) float64.
        groups: (N,).
    """
    share = weights / weights.sum()
    mean = losses @ share
    best = int(mean.argmin())
    _, members = np.unique(groups, return_inverse=True)
    count = int(members.max()) + 1

    def error(rows: Float) -> Float:
        off = (rows - (rows @ share)[:, None]) * share
        sums = np.stack([np.bincount(members, weights=row, minlength=count) for row in off])
        return np.asarray(np.sqrt((sums**2).sum(axis=1) * count / max(count - 1, 1)))

    return Comparison(mean, error(losses), mean - mean[best], error(losses - losses[best]))


@dataclass(frozen=True)
class _Some:
    """The samples that heads are compared on."""

    X: NDArray[Any]
    y: NDArray[Any]
    groups: NDArray[np.int64]


class _Auto(BaseEstimator):  # type: ignore[misc]
    """What choosing among heads for classes and for values have in common."""

    wants_groups = True
    _target = "class"
    _what = ""
    _middle = "mean"
    heads: tuple[str, ...]
    seed: int
    own_units: bool
    threads: int

    def _choose(self, X: Any, y: Any, groups: Any, balance: bool) -> Self:
        """Compare, say what came of it, and fit what is taken to everything."""
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        few = thinned(y, groups, self.seed, _most(X.shape[1]))
        some = _Some(X[few], y[few], groups[few])
        parts = self._parts(some) if len(self.heads) > 1 else []
        held = np.sort(np.concatenate([test for _, test in parts])) if parts else np.empty(0, dtype=np.int64)
        count = len(np.unique(some.groups[held]))
        if count < FEWEST_GROUPS:
            taken = list(self.heads)
            self.choice_ = _usual(self._middle, taken, count)
        else:
            losses = np.stack([self._losses(name, some, parts, balance)[held] for name in self.heads])
            weights = compute_sample_weight("balanced", some.y[held]) if balance else np.ones(len(held))
            found = compare(losses, weights, some.groups[held])
            taken = [self.heads[at] for at in found.within_noise()]
            how = f"{self._what} on {len(parts)} inner folds of {count} groups"
            self.choice_ = _chosen(self._middle, self.heads, taken, found, how)
        fitted = fit_single(self._recipe(TOGETHER.join(taken), balance), X, y, groups, self.threads)
        self.best_estimator_ = fitted.estimator
        self.choice_["fitted"] = fitted.choice
        return self

    def _recipe(self, name: str, balance: bool) -> Recipe:
        return Recipe(name, self._target, balance, self.seed, self.own_units)

    def _losses(self, name: str, some: "_Some", parts: Parts, balance: bool) -> Float:
        """(N,) loss of a head on each sample when its fold is held out; NaN where it never is."""
        recipe, losses = self._recipe(name, balance), np.full(len(some.y), np.nan)
        for training, test in parts:
            X, y, groups = some.X[training], some.y[training], some.groups[training]
            estimator = fit_single(recipe, X, y, groups, self.threads).estimator
            losses[test] = self._loss(estimator, some.X[test], some.y[test], some.y)
        return losses

    def predict(self, X: Any) -> NDArray[Any]:
        """Class or value of each row of X."""
        check_is_fitted(self)
        return np.asarray(self.best_estimator_.predict(validate_data(self, X, reset=False)))


class AutoClassifier(ClassifierMixin, _Auto):
    """Chooses among heads for classes by their quadratic loss (Brier score) on inner folds of whole groups.

    Args:
        heads: tuple of str. Names of heads; all are taken where nothing can be compared.
        balance: bool. Each class weighs the same, in fits and in the comparison.
        seed: int. Decides folds and fits.
        own_units: bool. As in `scaler_for`.
        threads: int. For heads that can use several; the result does not depend on it.

    Attributes:
        best_estimator_: the chosen head, or a Committee of several, fitted on everything.
        choice_: dict. `head` (names joined by `+`), `chosen_by` (a sentence), `scores` (mean loss and its standard
            error by head), `within_noise` (heads not clearly worse than the best).
        classes_: ndarray of shape (n_classes,)
    """

    _what = "quadratic loss of the probabilities"

    def __init__(
        self,
        heads: tuple[str, ...] = CLASS_HEADS,
        balance: bool = True,
        seed: int = 0,
        own_units: bool = True,
        threads: int = 1,
    ) -> None:
        self.heads = heads
        self.balance = balance
        self.seed = seed
        self.own_units = own_units
        self.threads = threads

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit to X of shape (n_samples, n_features); samples of one group are never split by inner folds."""
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64])
        check_classification_targets(y)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise ValueError("Classifier can't train when only one class is present.")
        return self._choose(X, y, groups, self.balance)

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Probability of each class: (n_samples, n_classes)."""
        check_is_fitted(self)
        return np.asarray(self.best_estimator_.predict_proba(validate_data(self, X, reset=False)))

    def _parts(self, some: _Some) -> Parts:
        codes = np.unique(some.y, return_inverse=True)[1]
        folds = class_folds(codes, some.groups, INNER_FOLDS, self.seed, every_class=False)
        parts = folds.parts() if folds else []
        return [(training, test) for training, test in parts if len(test) and len(np.unique(codes[training])) > 1]

    def _loss(self, estimator: Any, X: Any, y: Any, everything: Any) -> Float:
        classes = np.unique(everything)
        found = np.zeros((len(y), len(classes)))
        found[:, np.searchsorted(classes, estimator.classes_)] = estimator.predict_proba(X)
        found[np.arange(len(y)), np.searchsorted(classes, y)] -= 1
        return np.asarray((found**2).sum(axis=1))


class AutoRegressor(RegressorMixin, _Auto):
    """Chooses among heads for values by their squared error on inner folds of whole groups.

    Args:
        heads: tuple of str. Names of heads; all are taken where nothing can be compared.
        seed: int. Decides folds and fits.
        own_units: bool. As in `scaler_for`.
        threads: int. For heads that can use several; the result does not depend on it.

    Attributes:
        best_estimator_: the chosen head, or a ValueCommittee of several, fitted on everything.
        choice_: dict. As in `AutoClassifier`.
    """

    _target = "value"
    _what = "squared error as a share of the variance"
    _middle = "median"

    def __init__(
        self, heads: tuple[str, ...] = VALUE_HEADS, seed: int = 0, own_units: bool = True, threads: int = 1
    ) -> None:
        self.heads = heads
        self.seed = seed
        self.own_units = own_units
        self.threads = threads

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit to X of shape (n_samples, n_features); samples of one group are never split by inner folds."""
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64], y_numeric=True)
        return self._choose(X, y.astype(np.float64), groups, False)

    def _parts(self, some: _Some) -> Parts:
        folds = value_folds(some.y, some.groups, INNER_FOLDS, self.seed)
        return folds.parts() if folds else []

    def _loss(self, estimator: Any, X: Any, y: Any, everything: Any) -> Float:
        return np.asarray((estimator.predict(X) - y) ** 2 / (everything.var() or 1.0))


def build(request: HeadRequest) -> Any:
    """Unfitted choice among heads."""
    if request.target == "class":
        return AutoClassifier(
            balance=request.balance, seed=request.seed, own_units=request.own_units, threads=request.threads
        )
    return AutoRegressor(seed=request.seed, own_units=request.own_units, threads=request.threads)


def build_columns(request: HeadRequest) -> Any:
    """Unfitted choice among heads for columns of numbers."""
    return AutoRegressor(COLUMN_HEADS, request.seed, request.own_units, request.threads)


def _most(features: int) -> int:
    return max(FEWEST_COMPARED, min(MOST_COMPARED, MOST_NUMBERS // features))


def _usual(middle: str, taken: list[str], count: int) -> dict[str, Any]:
    groups = f"only {count} groups could be held out" if count else "no group could be held out"
    sentence = f"The {middle} of {_listed(taken)}, good as a rule: {groups}, too few to compare heads."
    return {"head": TOGETHER.join(taken), "chosen_by": sentence, "scores": {}, "within_noise": []}


def _chosen(middle: str, heads: tuple[str, ...], taken: list[str], found: Comparison, how: str) -> dict[str, Any]:
    scores = {
        name: [round(float(mean), 4), round(float(error), 4)]
        for name, mean, error in zip(heads, found.mean, found.error, strict=True)
    }
    order = np.argsort(found.mean, kind="stable")
    best, second = heads[order[0]], int(order[1])
    if len(taken) == 1:
        sentence = (
            f"{best}: its {how} is {scores[best][0]:.3f}; the next, {heads[second]}, has {found.mean[second]:.3f}, "
            f"more than the noise of ±{NOISE * found.gap_error[second]:.3f} between them."
        )
    else:
        sentence = (
            f"The {middle} of {_listed(taken)}: they lie within the noise of the best, {best} ({scores[best][0]:.3f} "
            f"{how})."
        )
    return {"head": TOGETHER.join(taken), "chosen_by": sentence, "scores": scores, "within_noise": taken}


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
