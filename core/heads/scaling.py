"""How features are brought to one footing before a head looks at them."""

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

FARTHEST = 8.0
"""Standard deviations beyond which a feature counts as no farther."""


def scaler_for(own_units: bool, logs: bool = False) -> StandardScaler:
    """Each feature by its own spread where units differ; all by one common spread for the dimensions of an embedding.

    Principal components of an embedding differ in variance for a reason: to bring the last of 64 to the size of the
    first blows up noise. On polygons of the shipped sample that were kept apart, balanced accuracy of the linear head
    with 64 components was 86 % with one common scale and 37 % with each feature's own; on plain bands 73 % and 78 %.
    Measured by tests/benchmarks/bench_heads.py on the scene that the choice was made with.

    With `logs` features of different units are brought to logarithms first; see `LogScaler`.
    """
    if not own_units:
        return CommonScaler()
    return LogScaler() if logs else StandardScaler()


class CommonScaler(StandardScaler):  # type: ignore[misc]
    """Takes each feature's mean away and divides all by one number, the root of their mean variance."""

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn means and spread of X of shape (n_samples, n_features)."""
        super().fit(X, y, sample_weight)
        common = float(np.sqrt(self.var_.mean()))
        self.scale_: NDArray[np.float64] = np.full(len(self.var_), common if common > 0 else 1.0)
        return self


class CutScaler(StandardScaler):  # type: ignore[misc]
    """Standardises each feature, and cuts what lies far beyond the rest.

    A feature that hardly varies in training and is another elsewhere, such as the rare bins of a histogram, would be
    taken for a hundred deviations: nothing counts as more than `FARTHEST`.
    """

    def transform(self, X: Any, copy: bool | None = None) -> NDArray[np.float64]:
        """(n_samples, n_features) float64 within `FARTHEST` of 0."""
        return np.asarray(np.clip(super().transform(np.asarray(X, np.float64), copy), -FARTHEST, FARTHEST))


class LogScaler(CutScaler):
    """As `CutScaler`, on log(1 + x / m) of features that are never negative.

    Light at night, people and distances span powers of ten: a line through their logarithms holds beyond the places
    that were seen, where one through the numbers themselves runs away. m is the middle magnitude of a feature, so that
    units do not matter.
    """

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn magnitudes, means and spread of X of shape (n_samples, n_features)."""
        X = np.asarray(X, np.float64)
        logged = (X >= 0).all(axis=0) & (X > 0).any(axis=0)
        self.middle_: NDArray[np.float64] = np.zeros(X.shape[1])
        self.middle_[logged] = np.nanmedian(np.where(X > 0, X, np.nan)[:, logged], axis=0)
        super().fit(self._logs(X), y, sample_weight)
        return self

    def transform(self, X: Any, copy: bool | None = None) -> NDArray[np.float64]:
        """(n_samples, n_features) float64 within `FARTHEST` of 0."""
        found: NDArray[np.float64] = super().transform(self._logs(X), copy)
        return found

    def _logs(self, X: Any) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.array(X, np.float64)
        logged = self.middle_ > 0
        some = found[:, logged]
        found[:, logged] = np.sign(some) * np.log1p(np.abs(some) / self.middle_[logged])
        return found
