"""How well values agree with the truth. Pure functions of two (N,) float arrays."""

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score

Values = NDArray[np.floating]


def r2(y_true: Values, y_pred: Values) -> float:
    """Share of variance explained; NaN when the truth does not vary."""
    if len(y_true) < 2 or np.ptp(y_true) == 0:
        return float("nan")
    return float(r2_score(y_true, y_pred))


def pearson_r2(y_true: Values, y_pred: Values) -> float:
    """Squared Pearson correlation; 0 when the prediction does not vary, NaN when the truth does not."""
    if len(y_true) < 2 or np.ptp(y_true) == 0:
        return float("nan")
    if np.ptp(y_pred) == 0:
        return 0.0
    return float(np.corrcoef(y_true, y_pred)[0, 1] ** 2)


def mae(y_true: Values, y_pred: Values) -> float:
    """Mean absolute error, in the unit of the values."""
    return float(mean_absolute_error(y_true, y_pred))


def rmse(y_true: Values, y_pred: Values) -> float:
    """Root mean squared error, in the unit of the values."""
    return float(np.sqrt(mean_squared_error(y_true, y_pred)))
