"""How far a score could lie from the truth, given how few independent groups it was tested on.

Cells of one polygon are not independent, so the groups are drawn again, not the cells. With fewer than about ten
groups such an interval is too narrow; who shows it must say so.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
DRAWS = 1000
LEVEL = 0.95
Z = 1.959964
EDGE = 1e-9


def class_intervals(
    y_true: NDArray[Any], y_pred: NDArray[Any], groups: NDArray[np.integer], classes: list[int], seed: int
) -> dict[str, tuple[float, float]]:
    """Intervals of accuracy, balanced accuracy and F1 by drawing whole groups with replacement, at level `LEVEL`.

    Args:
        y_true: (N,) class values.
        y_pred: (N,) class values.
        groups: (N,) group numbers.
        classes: the K class values.
        seed: decides the draws.

    Source: Field and Welsh 2007, doi:10.1111/j.1467-9868.2007.00593.x (cluster bootstrap)
    """
    k = len(classes)
    numbers, members = np.unique(groups, return_inverse=True)
    table = np.zeros((len(numbers), k, k))
    np.add.at(table, (members, np.searchsorted(classes, y_true), np.searchsorted(classes, y_pred)), 1)
    drawn = _drawn(table.reshape(len(numbers), -1), seed).reshape(-1, k, k)
    hits = np.diagonal(drawn, axis1=1, axis2=2)
    truth, shown = drawn.sum(axis=2), drawn.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where(truth > 0, hits / truth, np.nan)
        f1 = np.where(truth > 0, 2 * hits / (truth + shown), np.nan)
    scores = {
        "accuracy": hits.sum(axis=1) / truth.sum(axis=1),
        "balanced_accuracy": np.nanmean(recall, axis=1),
        "f1_macro": np.nanmean(f1, axis=1),
    }
    return {name: _widened(_interval(values), len(numbers)) for name, values in scores.items()}


def value_intervals(
    y_true: Float, y_pred: Float, groups: NDArray[np.integer], seed: int
) -> dict[str, tuple[float, float]]:
    """Intervals of R2, MAE and RMSE by drawing whole groups with replacement; arguments as `class_intervals`."""
    members = np.unique(groups, return_inverse=True)[1]
    centred, error = y_true - y_true.mean(), y_pred - y_true
    columns = [np.ones_like(error), centred, centred**2, np.abs(error), error**2]
    table = np.stack([np.bincount(members, weights=column) for column in columns], axis=1).astype(np.float64)
    n, first, second, absolute, squared = _drawn(table, seed).T
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = second / n - (first / n) ** 2
        explained = np.where(variance > 0, 1 - (squared / n) / variance, np.nan)
    return {
        "r2": _interval(explained),
        "mae": _interval(absolute / n),
        "rmse": _interval(np.sqrt(squared / n)),
    }


def _drawn(table: Float, seed: int) -> Float:
    """Sums over groups drawn with replacement: (DRAWS, columns)."""
    rng = np.random.default_rng([seed, 3])
    weights = rng.multinomial(len(table), np.full(len(table), 1 / len(table)), size=DRAWS)
    return np.asarray(weights @ table)


def _widened(bounds: tuple[float, float], groups: int) -> tuple[float, float]:
    """Where all groups are right (or all wrong) drawing them again shows no spread: then Wilson's bound for the groups.

    Source: Wilson 1927, doi:10.1080/01621459.1927.10502953
    """
    low, high = bounds
    if low > 1 - EDGE:
        return min(low, groups / (groups + Z**2)), 1.0
    if high < EDGE:
        return 0.0, max(high, Z**2 / (groups + Z**2))
    return bounds


def _interval(values: Float) -> tuple[float, float]:
    low, high = np.nanquantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
