"""Dimensions of an embedding and variables with units, side by side on one footing."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data


class BlockScaler(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Divides the dimensions of an embedding by one common spread, and every other column by its own.

    So principal components keep their order (see `core/heads/scaling.py`), and a variable weighs as much as a usual
    dimension.

    Args:
        features: int. How many of the first columns are dimensions of an embedding.

    Attributes:
        mean_: ndarray of shape (n_features,)
        scale_: ndarray of shape (n_features,)
    """

    def __init__(self, features: int = 0) -> None:
        self.features = features

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn means and spreads of X of shape (n_samples, n_features)."""
        X = validate_data(self, X, dtype=[np.float32, np.float64]).astype(np.float64)
        self.mean_ = X.mean(axis=0)
        variance = X.var(axis=0)
        if self.features:
            variance[: self.features] = variance[: self.features].mean()
        self.scale_ = np.where(variance > 0, np.sqrt(variance), 1.0)
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        """(n_samples, n_features) float32."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float32, np.float64])
        return np.asarray((X - self.mean_) / self.scale_, dtype=np.float32)
