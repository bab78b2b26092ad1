"""Linear heads: logistic regression for classes, ridge for values, with regularisation chosen by inner folds."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .build import HeadRequest
from .inner import NEGLIGIBLE_LOSS, inner_class_folds, inner_value_folds, log_loss_of, settle, thinned
from .scaling import CutScaler, scaler_for

STRENGTHS = (10.0, 1.0, 0.1, 0.01, 0.001, 1e-4, 1e-5)
"""Penalty for each sample, strongest first: C = 1 / (strength * N), so a strength means the same for any N."""
USUAL_STRENGTH = 0.01
"""Good as a rule, and taken unless inner folds clearly say otherwise."""
PUBLISHED_ALPHAS = tuple(2.0**power for power in range(-5, 35, 3))
"""Of africa_poverty (Yeh et al. 2020, doi:10.1038/s41467-020-16185-w); the least error of groups left out counts."""
NEWTON_PARAMETERS = 150
"""Up to so many coefficients Newton's method is quicker and more exact than L-BFGS."""


def build(request: HeadRequest) -> Any:
    """Unfitted linear head."""
    if request.target == "class":
        return LogisticFolds(request.balance, request.seed, request.own_units, request.strength)
    return RidgeFolds(request.seed, request.own_units, request.strength)


def build_logs(request: HeadRequest) -> Any:
    """Unfitted ridge on logarithms."""
    if not request.own_units:
        return RidgeFolds(request.seed, request.own_units, request.strength)
    return RidgeFolds(request.seed, logs=True, alphas=PUBLISHED_ALPHAS)


def build_published(request: HeadRequest) -> Any:
    """Unfitted ridge whose strength is searched as Yeh et al. 2020 did."""
    return RidgeFolds(request.seed, own_units=True, alphas=PUBLISHED_ALPHAS)


class LogisticFolds(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Logistic regression on scaled features; log-loss on inner folds of whole groups chooses the strength.

    Args:
        balance: bool. Each class weighs the same.
        seed: int. Decides the inner folds.
        own_units: bool. As in `scaler_for`.
        strength: float or None. One of `STRENGTHS` to take; None: chosen.

    Attributes:
        best_estimator_: Pipeline. A scaler and LogisticRegression, fitted on everything.
        choice_: dict. The strength, and how it was found.
        classes_: ndarray of shape (n_classes,)
    """

    wants_groups = True

    def __init__(
        self, balance: bool = True, seed: int = 0, own_units: bool = True, strength: float | None = None
    ) -> None:
        self.balance = balance
        self.seed = seed
        self.own_units = own_units
        self.strength = strength

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit to X of shape (n_samples, n_features); samples of one group are never split by inner folds."""
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64])
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("Classifier can't train when only one class is present.")
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        strength, by = (self.strength, "given") if self.strength else self._settle(X, codes, groups)
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

    def _settle(self, X: Any, codes: Any, groups: Any) -> tuple[float, str]:
        few = thinned(codes, groups, self.seed)
        X, codes = X[few], codes[few]
        folds = inner_class_folds(codes, groups[few], self.seed)
        # `fit` has looked at X and y once; these are dozens of small fits on parts of them.
        with config_context(assume_finite=True, skip_parameter_validation=True):
            return settle(
                folds, STRENGTHS, USUAL_STRENGTH, "log-loss",
                lambda a, b, strengths: self._losses(X[a], codes[a], X[b], codes[b], strengths),
            )  # fmt: skip

    def _logistic(self, strength: float, shape: tuple[int, ...], n_classes: int) -> LogisticRegression:
        small = (shape[1] + 1) * n_classes <= NEWTON_PARAMETERS
        return LogisticRegression(
            C=1.0 / (strength * shape[0]),
            class_weight="balanced" if self.balance else None,
            solver="newton-cholesky" if small else "lbfgs",
            max_iter=200 if small else 1000,
        )

    def _losses(self, X: Any, y: Any, X_test: Any, y_test: Any, strengths: Sequence[float]) -> NDArray[np.float64]:
        """Log-loss of each strength, from the strongest on; each starts from the solution of the one before."""
        scaler = scaler_for(self.own_units).fit(X)
        X, X_test = scaler.transform(X), scaler.transform(X_test)
        known = np.isin(y_test, y)
        X_test, y_test = X_test[known], y_test[known]
        weight, weight_test = (compute_sample_weight("balanced", of) if self.balance else None for of in (y, y_test))
        losses = np.full(len(strengths), np.inf)
        # The weights of the classes are given as those of samples, so that they are counted once and not at each fit.
        model = self._logistic(strengths[0], X.shape, len(np.unique(y))).set_params(warm_start=True, class_weight=None)
        for number, strength in enumerate(strengths):
            model.set_params(C=1.0 / (strength * len(y)))
            model.fit(X, y, sample_weight=weight)
            losses[number] = log_loss_of(y_test, model.predict_proba(X_test), model.classes_, weight_test)
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
        strength: float or None. One of `STRENGTHS` to take; None: chosen.
        logs: bool. As in `scaler_for`.
        alphas: tuple of float. Penalties to choose among by the least error alone; empty: strengths, carefully.

    Attributes:
        best_estimator_: Pipeline. A scaler and Ridge, fitted on everything.
        choice_: dict. The strength, and how it was found.
    """

    wants_groups = True

    def __init__(
        self,
        seed: int = 0,
        own_units: bool = True,
        strength: float | None = None,
        logs: bool = False,
        alphas: tuple[float, ...] = (),
    ) -> None:
        self.seed = seed
        self.own_units = own_units
        self.strength = strength
        self.logs = logs
        self.alphas = alphas

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit to X of shape (n_samples, n_features); samples of one group are never split by inner folds."""
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64], y_numeric=True)
        y = y.astype(np.float64)
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        strength, by = (self.strength, "given") if self.strength else self._settle(X, y, groups)
        self.best_estimator_: Pipeline = make_pipeline(self._scaler(), Ridge(alpha=strength * len(y)))
        self.best_estimator_.fit(X, y)
        self.choice_ = {"strength": float(f"{strength:.3g}"), "chosen_by": by}
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Value for each row of X."""
        check_is_fitted(self)
        return np.asarray(self.best_estimator_.predict(validate_data(self, X, reset=False)))

    def _settle(self, X: Any, y: Any, groups: Any) -> tuple[float, str]:
        few = thinned(y, groups, self.seed)
        count, X, y = len(y), X[few], y[few]
        folds = inner_value_folds(y, groups[few], self.seed)
        if self.alphas and folds is not None:
            rows = [
                _ridge_losses(self._scaler(), X[a], y[a], X[b], y[b], [alpha / len(a) for alpha in self.alphas])
                for a, b in folds.parts()
            ]
            best = self.alphas[int(np.mean(rows, axis=0).argmin())]
            return best / count, f"least squared error on {folds.count} inner folds of whole groups"
        return settle(
            folds, STRENGTHS, USUAL_STRENGTH, "squared error",
            lambda a, b, strengths: _ridge_losses(self._scaler(), X[a], y[a], X[b], y[b], strengths),
        )  # fmt: skip

    def _scaler(self) -> StandardScaler:
        if self.alphas and not self.logs:
            return CutScaler()
        return scaler_for(self.own_units, self.logs)


def _ridge_losses(
    scaler: StandardScaler, X: Any, y: Any, X_test: Any, y_test: Any, strengths: Sequence[float]
) -> NDArray[np.float64]:
    """Mean squared error on the test part as a share of the variance, for each strength: (S,)."""
    scaler = scaler.fit(X)
    mean = y.mean()
    u, s, vt = np.linalg.svd(scaler.transform(X).astype(np.float64), full_matrices=False)
    target = u.T @ (y - mean)
    basis = scaler.transform(X_test).astype(np.float64) @ vt.T
    alphas = np.asarray(strengths)[:, None] * len(y)
    predicted = mean + (target * s / (s**2 + alphas)) @ basis.T
    return np.asarray(((predicted - y_test) ** 2).mean(axis=1) / (y.var() or 1.0))
