"""How well classes agree with the truth. Pure functions of arrays; (y_true, y_pred) are (N,) class values.

Averages over classes run over the classes that occur in the truth.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    cohen_kappa_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
    recall_score,
)

from .calibration import reliability

Values = NDArray[Any]


def accuracy(y_true: Values, y_pred: Values) -> float:
    """Share that is right."""
    return float(accuracy_score(y_true, y_pred))


def balanced_accuracy(y_true: Values, y_pred: Values) -> float:
    """Mean over classes of the share that is found."""
    return float(recall_score(y_true, y_pred, labels=np.unique(y_true), average="macro", zero_division=0))


def f1_macro(y_true: Values, y_pred: Values) -> float:
    """F1, averaged over classes."""
    return float(f1_score(y_true, y_pred, labels=np.unique(y_true), average="macro", zero_division=0))


def kappa(y_true: Values, y_pred: Values) -> float:
    """Agreement beyond chance; NaN when truth and prediction are one and the same class throughout.

    Source: Cohen 1960, doi:10.1177/001316446002000104
    """
    if len(np.union1d(y_true, y_pred)) < 2:
        return float("nan")
    return float(cohen_kappa_score(y_true, y_pred))


def calibration_error(y_true: Values, probabilities: NDArray[np.floating]) -> float:
    """Mean gap between the confidence of the class shown and the share that is right, in ten bins.

    Args:
        y_true: (N,) column of the true class in `probabilities`; -1 for a class that has none.
        probabilities: (N, K) float.

    Source: Guo et al. 2017, arXiv:1706.04599
    """
    bins = reliability(y_true, probabilities)
    total = sum(row.count for row in bins)
    return float(sum(row.count * abs(row.confidence - row.right) for row in bins) / total)


def confusion(y_true: Values, y_pred: Values, classes: list[int]) -> NDArray[np.int64]:
    """(K, K) int64 counts: rows are the truth, columns the prediction."""
    return np.asarray(confusion_matrix(y_true, y_pred, labels=classes), dtype=np.int64)


def per_class(y_true: Values, y_pred: Values, classes: list[int]) -> list[dict[str, float | int]]:
    """Precision (user's accuracy), recall (producer's accuracy), F1 and support of each class, in order."""
    rows = zip(*precision_recall_fscore_support(y_true, y_pred, labels=classes, zero_division=0), strict=True)
    return [{"precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)} for p, r, f, n in rows]
