"""How far a score could lie from the truth, given how few independent groups it was tested on.

Cells of one polygon are not independent, so groups are left out one at a time, not cells.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

Float = NDArray[np.float64]
LEVEL = 0.95
Z = 1.959964
EDGE = 1e-3
"""Shares nearer to 0 or 1 are drawn to this, so that their logit stays finite."""
FEW = 4
"""Groups with any error (or any success) below which their spread cannot be seen; then Wilson's interval holds, which
counts each group as one observation. With 4, at least 94 % were covered where 3 gave 92 %."""

HIDDEN_TAILS = 10.0
"""Few groups seldom show the heavy tails of squared errors: their kurtosis is raised by this part of a group each. With
it 5 to 20 groups cover 93 % and more, without it some cover 90 %."""


def class_intervals(
    y_true: NDArray[Any], y_pred: NDArray[Any], groups: NDArray[np.integer], classes: list[int]
) -> dict[str, tuple[float, float]]:
    """Intervals of accuracy, balanced accuracy and F1 at level `LEVEL`; NaN with fewer than two groups.

    Args:
        y_true: (N,) class values.
        y_pred: (N,) class values.
        groups: (N,) group numbers.
        classes: the K class values.

    Source: jackknife over clusters, Cameron and Miller 2015, doi:10.3368/jhr.50.2.317; degrees of freedom after
        Satterthwaite 1946, doi:10.2307/3002019; Wilson 1927, doi:10.1080/01621459.1927.10502953
    """
    k = len(classes)
    numbers, members = np.unique(groups, return_inverse=True)
    table = np.zeros((len(numbers), k, k))
    np.add.at(table, (members, np.searchsorted(classes, y_true), np.searchsorted(classes, y_pred)), 1)
    total = table.sum(axis=0)
    scores, without = _class_scores(total[None]), _class_scores(total - table)
    hits = np.trace(table, axis1=1, axis2=2)
    erring, right = int((hits < table.sum(axis=(1, 2))).sum()), int((hits > 0).sum())
    found = {}
    for name, score in scores.items():
        low, high = _share_interval(float(score[0]), without[name])
        if min(erring, right) < FEW and np.isfinite(low):
            bottom, top = _wilson(float(score[0]), len(numbers))
            low, high = min(low, bottom), max(high, top)
        found[name] = (low, high)
    return found


def value_intervals(y_true: Float, y_pred: Float, groups: NDArray[np.integer]) -> dict[str, tuple[float, float]]:
    """Intervals of R2, MAE and RMSE; arguments and sources as `class_intervals`."""
    members = np.unique(groups, return_inverse=True)[1]
    centred, error = y_true - y_true.mean(), y_pred - y_true
    columns = [np.ones_like(error), centred, centred**2, np.abs(error), error**2]
    table = np.stack([np.bincount(members, weights=column) for column in columns], axis=1).astype(np.float64)
    total = table.sum(axis=0)
    scores, without = _value_scores(total[None]), _value_scores(total - table)
    found = {}
    tails = 1 + HIDDEN_TAILS / len(table)
    # Errors vary by factors, so their logarithm is near normal; what R2 leaves unexplained is such an error, too.
    for name in ("mae", "rmse"):
        low, high = _bounds(np.log(scores[name][0]), np.log(without[name]), tails)
        found[name] = (float(np.exp(low)), float(np.exp(high)))
    low, high = _bounds(np.log1p(-scores["r2"][0]), np.log1p(-without["r2"]), tails)
    return {"r2": (float(1 - np.exp(high)), float(1 - np.exp(low))), **found}


def _class_scores(tables: Float) -> dict[str, Float]:
    """Of (n, K, K) confusion tables; averages run over the classes that a table holds."""
    hits, truth, shown = np.diagonal(tables, axis1=1, axis2=2), tables.sum(axis=2), tables.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where(truth > 0, hits / truth, np.nan)
        f1 = np.where(truth > 0, 2 * hits / (truth + shown), np.nan)
        accuracy = hits.sum(axis=1) / truth.sum(axis=1)
    held = (truth > 0).any(axis=1)
    out = {
        "accuracy": accuracy,
        "balanced_accuracy": np.full(len(tables), np.nan),
        "f1_macro": np.full(len(tables), np.nan),
    }
    out["balanced_accuracy"][held] = np.nanmean(recall[held], axis=1)
    out["f1_macro"][held] = np.nanmean(f1[held], axis=1)
    return out


def _value_scores(sums: Float) -> dict[str, Float]:
    """Of (n, 5) sums of 1, value, its square, absolute and squared error."""
    n, first, second, absolute, squared = sums.T
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = second / n - (first / n) ** 2
        return {
            "r2": np.where(variance > 0, 1 - (squared / n) / variance, np.nan),
            "mae": absolute / n,
            "rmse": np.sqrt(squared / n),
        }


def _share_interval(score: float, without: Float) -> tuple[float, float]:
    """Bounds of a share, on the logit scale, so that they stay inside 0..1."""
    at = min(max(score, EDGE), 1 - EDGE)
    slope = 1 / (at * (1 - at))
    low, high = _bounds(np.log(at / (1 - at)), np.log(at / (1 - at)) + slope * (without - score))
    return float(1 / (1 + np.exp(-low))), float(1 / (1 + np.exp(-high)))


def _bounds(score: float, without: Float, tails: float = 1.0) -> tuple[float, float]:
    """Student interval from the scores with each group left out.

    The variance of few groups is itself uncertain, the more so when few of them carry it: the degrees of freedom follow
    the kurtosis of what each group contributes, times `tails`.
    """
    known = without[np.isfinite(without)]
    count = len(known)
    if count < 2 or not np.isfinite(score):
        return float("nan"), float("nan")
    squares = (known - score) ** 2
    error = np.sqrt((count - 1) / count * squares.sum())
    kurtosis = tails * count * (squares**2).sum() / max(squares.sum() ** 2, 1e-300)
    freedom = min(max(2 * count / max(kurtosis - 1, 1e-9), 1.0), count - 1.0)
    reach = float(student.ppf((1 + LEVEL) / 2, freedom)) * error
    return score - reach, score + reach


def _wilson(share: float, count: int) -> tuple[float, float]:
    middle = (share + Z**2 / (2 * count)) / (1 + Z**2 / count)
    reach = Z / (1 + Z**2 / count) * np.sqrt(share * (1 - share) / count + Z**2 / (4 * count**2))
    low, high = float(max(middle - reach, 0)), float(min(middle + reach, 1))
    return (low if share > 0 else 0.0), (high if share < 1 else 1.0)
