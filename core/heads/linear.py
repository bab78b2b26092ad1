"""Linear heads: logistic regression for classes, ridge for values, with regularisation chosen by inner folds."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .build import HeadRequest
from .inner import NEGLIGIBLE_LOSS, inner_class_folds, inner_value_folds, settle, thinned
from .scaling import scaler_for

STRENGTHS = (10.0, 1.0, 0.1, 0.01, 0.001, 1e-4, 1e-5)
"""Penalty for each sample, strongest first: C = 1 / (strength * N), so a strength means the same for any N."""
USUAL_STRENGTH = 0.01
"""Good as a rule, and taken unless inner folds clearly say otherwise."""
NEWTON_PARAMETERS = 150
"""Up to so many coefficients Newton's method is quicker and more exact than L-BFGS."""


def build(request: HeadRequest) -> Any:
    """Unfitted linear head."""
    if request.target == "class":
        return LogisticFolds(balance=request.balance, seed=request.seed, own_units=request.own_units)
    return RidgeFolds(seed=request.seed, own_units=request.own_units)


class LogisticFolds(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression on scaled features; log-loss on inner folds of whole groups chooses the strength.

    Args:
        balance: bool. Each class weighs the same.
        seed: int. Decides the inner folds.
        own_units: bool. As in `scaler_for`.

    Attributes:
        best_estimator_: Pipeline. A scaler and LogisticRegression, fitted on everything.
        choice_: dict. The strength, and how it was found.
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
        few = thinned(y, groups, self.seed)
        folds = inner_class_folds(codes[few], groups[few], self.seed)
        strength, by = settle(
            folds, STRENGTHS, USUAL_STRENGTH, "log-loss",
            lambda a, b: self._losses(X[few[a]], codes[few[a]], X[few[b]], codes[few[b]]),
        )  # fmt: skip
        logistic = self._logistic(strength, X.shape, len(self.classes_))
        self.best_estimator_ = make_pipeline(scaler_for(self.own_units), logistic)
        self.best_estimator_.fit(X, y)
        self.choice_ = {"strength": float(f"{strength:.3g}"), "chosen_by": by}
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Class of each row of X."""
        check_is_fitted(self)
        return np.asarray(self.best_estimator_.predict(validate_data(self, X, reset=False)))

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Probability of each class: (n_samples, n_classes)."""
        check_is_fitted(self)
        return np.asarray(self.best_estimator_.predict_proba(validate_data(self, X, reset=False)))

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Signed distance from the border of each class."""
        check_is_fitted(self)
        return np.asarray(self.best_estimator_.decision_function(validate_data(self, X, reset=False)))

    def _logistic(self, strength: float, shape: tuple[int, ...], n_classes: int) -> LogisticRegression:
        small = (shape[1] + 1) * n_classes <= NEWTON_PARAMETERS
        return LogisticRegression(
            C=1.0 / (strength * shape[0]),
            class_weight="balanced" if self.balance else None,
            solver="newton-cholesky" if small else "lbfgs",
            max_iter=200 if small else 1000,
        )

    def _losses(self, X: Any, y: Any, X_test: Any, y_test: Any) -> NDArray[np.float64]:
        """Log-loss of each strength, from the strongest on; each starts from the solution of the one before."""
        scaler = scaler_for(self.own_units).fit(X)
        X, X_test = scaler.transform(X), scaler.transform(X_test)
        known = np.isin(y_test, y)
        weight = compute_sample_weight("balanced", y_test[known]) if self.balance else None
        losses = np.full(len(STRENGTHS), np.inf)
        model = self._logistic(STRENGTHS[0], X.shape, len(np.unique(y))).set_params(warm_start=True)
        for number, strength in enumerate(STRENGTHS):
            model.set_params(C=1.0 / (strength * len(y)))
            model.fit(X, y)
            losses[number] = log_loss(
                y_test[known], model.predict_proba(X_test[known]), sample_weight=weight, labels=model.classes_
            )
            if strength < USUAL_STRENGTH and losses[number] > 1.2 * losses.min() + NEGLIGIBLE_LOSS:
                losses[number:] = losses[number]  # weaker penalties only get worse from here
                break
        return losses


class RidgeFolds(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Ridge regression on scaled features; squared error on inner folds of whole groups chooses the strength.

    One singular value decomposition a fold serves every strength.

    Args:
        seed: int. Decides the inner folds.
        own_units: bool. As in `scaler_for`.

    Attributes:
        best_estimator_: Pipeline. A scaler and Ridge, fitted on everything.
        choice_: dict. The strength, and how it was found.
    """

    wants_groups = True

    def __init__(self, seed: int = 0, own_units: bool = True) -> None:
        self.seed = seed
        self.own_units = own_units

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit to X of shape (n_samples, n_features); samples of one group are never split by inner folds."""
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64], y_numeric=True)
        y = y.astype(np.float64)
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        few = thinned(y, groups, self.seed)
        folds = inner_value_folds(y[few], groups[few], self.seed)
        strength, by = settle(
            folds, STRENGTHS, USUAL_STRENGTH, "squared error",
            lambda a, b: _ridge_losses(X[few[a]], y[few[a]], X[few[b]], y[few[b]], self.own_units),
        )  # fmt: skip
        self.best_estimator_: Pipeline = make_pipeline(scaler_for(self.own_units), Ridge(alpha=strength * len(y)))
        self.best_estimator_.fit(X, y)
        self.choice_ = {"strength": float(f"{strength:.3g}"), "chosen_by": by}
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Value for each row of X."""
        check_is_fitted(self)
        return np.asarray(self.best_estimator_.predict(validate_data(self, X, reset=False)))


def _ridge_losses(X: Any, y: Any, X_test: Any, y_test: Any, own_units: bool) -> NDArray[np.float64]:
    """Mean squared error on the test part as a share of the variance, for each of `STRENGTHS`: (S,)."""
    scaler = scaler_for(own_units).fit(X)
    mean = y.mean()
    u, s, vt = np.linalg.svd(scaler.transform(X).astype(np.float64), full_matrices=False)
    target = u.T @ (y - mean)
    basis = scaler.transform(X_test).astype(np.float64) @ vt.T
    alphas = np.asarray(STRENGTHS)[:, None] * len(y)
    predicted = mean + (target * s / (s**2 + alphas)) @ basis.T
    return np.asarray(((predicted - y_test) ** 2).mean(axis=1) / (y.var() or 1.0))
