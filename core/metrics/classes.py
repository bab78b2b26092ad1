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


def calibration_error(
    y_true: Values, probabilities: NDArray[np.floating], weights: NDArray[np.floating] | None = None
) -> float:
    """Mean gap between the confidence of the class shown and the share that is right, in ten bins.

    Args:
        y_true: (N,) column of the true class in `probabilities`; -1 for a class that has none.
        probabilities: (N, K) float.
        weights: (N,) of the samples; None: all alike.

    Source: Guo et al. 2017, arXiv:1706.04599
    """
    bins = reliability(y_true, probabilities, weights=weights)
    return float(sum(row.weight * abs(row.confidence - row.right) for row in bins))


def confusion(y_true: Values, y_pred: Values, classes: list[int]) -> NDArray[np.int64]:
    """(K, K) int64 counts: rows are the truth, columns the prediction."""
    return np.asarray(confusion_matrix(y_true, y_pred, labels=classes), dtype=np.int64)


def per_class(y_true: Values, y_pred: Values, classes: list[int]) -> list[dict[str, float | int]]:
    """Precision (user's accuracy), recall (producer's accuracy), F1 and support of each class, in order."""
    rows = zip(*precision_recall_fscore_support(y_true, y_pred, labels=classes, zero_division=0), strict=True)
    return [{"precision": float(p), "recall": float(r), "f1": float(f), "support": int(n)} for p, r, f, n in rows]


def at_shares(table: NDArray[Any], shares: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """Precision of each class, and accuracy, where classes are as common as stated instead of as in the test.

    How often each class is found and mistaken does not depend on how common it is; how often a class shown is right
    does.

    Args:
        table: (K, K) confusion counts, truth in rows; rows without samples are left out.
        shares: (K,) of the classes, sum 1.

    Returns:
        (K,) precision, NaN for a class that is never shown; and the accuracy.
    """
    counts = np.asarray(table, dtype=np.float64)
    total = counts.sum(axis=1, keepdims=True)
    tested = total[:, 0] > 0
    weights = np.where(tested, shares, 0)
    rows = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0) * (weights / weights.sum())[:, None]
    shown, hits = rows.sum(axis=0), np.diag(rows)
    return np.divide(hits, shown, out=np.full(len(shares), np.nan), where=shown > 0), float(hits.sum())
