"""How features are brought to one footing before a head looks at them."""

from typing import Any, Self

import numpy as np
from sklearn.preprocessing import StandardScaler


def scaler_for(own_units: bool) -> StandardScaler:
    """Full standardisation for features of different units, half of it for the dimensions of an embedding.

    Principal components of an embedding differ in variance for a reason: to bring the last of 64 to the size of the
    first blows up noise. Tried on two rasters with 64 components and 2 to 5 polygons a class: balanced accuracy 0.28
    to 0.95 fully standardised, 0.76 to 1.00 half; on plain bands full standardisation is better by up to 0.03.
    """
    return StandardScaler() if own_units else SoftScaler()


class SoftScaler(StandardScaler):  # type: ignore[misc]
    """Divides by the geometric mean of a feature's own spread and the spread common to all.

    A feature with a hundredth of the common variance keeps a tenth of it.
    """

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Learn mean and spread of X of shape (n_samples, n_features)."""
        super().fit(X, y, sample_weight)
        own = np.sqrt(self.var_)
        common = np.sqrt(self.var_.mean())
        self.scale_ = np.where(own > 0, np.sqrt(own * common), 1.0)
        return self
