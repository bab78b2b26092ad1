"""Nearest prototype: the mean vector of each class, and how near a vector is to each of them."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import pairwise_distances
from sklearn.pipeline import make_pipeline
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .build import HeadRequest
from .inner import inner_class_folds, log_loss_of, settle, thinned
from .scaling import scaler_for

SHARPNESS = tuple(10.0 ** (e / 2) for e in range(-4, 5))
"""Tried inverse temperatures, relative to one over the spread about the prototypes."""


def build(request: HeadRequest) -> Any:
    """Unfitted prototype head for classes."""
    return PrototypeFolds(balance=request.balance, seed=request.seed, own_units=request.own_units)


class Prototype(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Class of the nearest mean; probabilities fall off with the squared Euclidean distance.

    Args:
        sharpness: float. How quickly, relative to the mean squared distance of samples from their own prototype.
        balance: bool. All classes are equally likely beforehand; else as frequent as in training.

    Attributes:
        prototypes_: ndarray of shape (n_classes, n_features)
        scale_: float. Squared distance that counts as one.
        log_prior_: ndarray of shape (n_classes,)
        classes_: ndarray of shape (n_classes,)

    Source: Snell et al. 2017, arXiv:1703.05175
    """

    def __init__(self, sharpness: float = 1.0, balance: bool = True) -> None:
        self.sharpness = sharpness
        self.balance = balance

    def fit(self, X: Any, y: Any) -> Self:
        """Fit to X of shape (n_samples, n_features)."""
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64])
        check_classification_targets(y)
        self.classes_, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
        if len(self.classes_) < 2:
            raise ValueError("Classifier can't train when only one class is present.")
        X = X.astype(np.float64)
        self.prototypes_ = np.stack([X[codes == k].mean(axis=0) for k in range(len(self.classes_))])
        spread = ((X - self.prototypes_[codes]) ** 2).sum(axis=1).mean()
        # One sample a class has no spread about its mean: take a share of the distance between the means instead.
        between = pairwise_distances(self.prototypes_, metric="sqeuclidean")
        floor = between[np.triu_indices(len(counts), 1)].mean() / 8
        self.scale_ = float(max(spread, floor * 1e-3) if len(X) > len(counts) else floor) or 1.0
        weight = np.ones(len(counts)) if self.balance else counts
        self.log_prior_ = np.log(weight / weight.sum())
        return self

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Log of the odds up to a constant for each row: (n_samples, n_classes), or (n_samples,) for two classes."""
        scores = self._scores(X)
        return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: Any) -> NDArray[Any]:
        """Class of each row of X."""
        scores = self._scores(X)
        return np.asarray(self.classes_[scores.argmax(axis=1)])

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Probability of each class: (n_samples, n_classes)."""
        return np.asarray(softmax(self._scores(X), axis=1))

    def _scores(self, X: Any) -> NDArray[Any]:
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float32, np.float64]).astype(np.float64)
        # |x|^2 is the same for all classes and left out, which keeps the score linear in x.
        distance = (self.prototypes_**2).sum(axis=1) - 2 * X @ self.prototypes_.T
        return np.asarray(self.log_prior_ - distance * (self.sharpness / self.scale_))


class PrototypeFolds(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """`Prototype` on scaled features, its sharpness chosen by log-loss on inner folds of whole groups.

    Args:
        balance: bool. All classes are equally likely beforehand.
        seed: int. Decides the inner folds.
        own_units: bool. As in `scaler_for`.

    Attributes:
        best_estimator_: Pipeline. A scaler and Prototype, fitted on everything.
        choice_: dict. The sharpness, and how it was found.
        classes_: ndarray of shape (n_classes,)
    """

    wants_groups = True

    def __init__(self, balance: bool = True, seed: int = 0, own_units: bool = True) -> None:
        self.balance = balance
        self.seed = seed
        self.own_units = own_units

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit to X of shape (n_samples, n_features); samples of one group are never split by inner folds."""
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64])
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("Classifier can't train when only one class is present.")
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        sharpness, by = self._settle(X, codes, groups)
        self.best_estimator_ = make_pipeline(scaler_for(self.own_units), Prototype(sharpness, self.balance))
        self.best_estimator_.fit(X, y)
        self.choice_ = {"sharpness": float(f"{sharpness:.3g}"), "chosen_by": by}
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Class of each row of X."""
        check_is_fitted(self)
        return np.asarray(self.best_estimator_.predict(validate_data(self, X, reset=False)))

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Probability of each class: (n_samples, n_classes)."""
        check_is_fitted(self)
        return np.asarray(self.best_estimator_.predict_proba(validate_data(self, X, reset=False)))

    def _settle(self, X: Any, codes: Any, groups: Any) -> tuple[float, str]:
        few = thinned(codes, groups, self.seed)
        X, codes = X[few], codes[few]
        folds = inner_class_folds(codes, groups[few], self.seed)
        return settle(
            folds, SHARPNESS, 1.0, "log-loss",
            lambda a, b, tried: self._losses(X[a], codes[a], X[b], codes[b], tried),
        )  # fmt: skip

    def _losses(self, X: Any, y: Any, X_test: Any, y_test: Any, tried: Sequence[float]) -> NDArray[np.float64]:
        model = make_pipeline(scaler_for(self.own_units), Prototype(1.0, self.balance)).fit(X, y)
        known = np.isin(y_test, y)
        head: Prototype = model[-1]
        scores = head._scores(model[0].transform(X_test[known])) - head.log_prior_
        probabilities = [np.exp(log_softmax(head.log_prior_ + scores * sharpness, axis=1)) for sharpness in tried]
        return np.asarray([log_loss_of(y_test[known], p, head.classes_, None) for p in probabilities])
