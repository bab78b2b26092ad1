"""Whether stated confidence means what it says."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 10


@dataclass(frozen=True)
class Bin:
    """Samples whose confidence lies in one tenth of 0..1."""

    low: float
    high: float
    count: int
    confidence: float
    """Mean probability of the class shown."""
    right: float
    """Share that is right."""
    weight: float
    """Of the bin among all; equal to the share of the samples unless these weigh differently."""


def reliability(
    y_true: NDArray[Any],
    probabilities: NDArray[np.floating],
    bins: int = BINS,
    weights: NDArray[np.floating] | None = None,
) -> list[Bin]:
    """Bins of equal width over the confidence of the class shown; empty ones are left out.

    Args:
        y_true: (N,) column of the true class in `probabilities`; -1 for a class that has none.
        probabilities: (N, K) float.
        bins: number of bins.
        weights: (N,) of the samples, positive; None: all alike. Heads that weigh classes alike give the probabilities
            of equally common classes, and are judged by weights that make them so (see `class_weights`).
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == y_true
    weights = np.ones(len(confidence)) if weights is None else weights
    number = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    table = []
    for k in range(bins):
        inside = number == k
        if inside.any():
            share = float(np.average(right[inside], weights=weights[inside]))
            mean = float(np.average(confidence[inside], weights=weights[inside]))
            part = float(weights[inside].sum() / weights.sum())
            table.append(Bin(k / bins, (k + 1) / bins, int(inside.sum()), mean, share, part))
    return table


def class_weights(y_true: NDArray[Any]) -> NDArray[np.float64]:
    """(N,) weights that sum to N and make all classes that occur equally common."""
    _, members, counts = np.unique(y_true, return_inverse=True, return_counts=True)
    return np.asarray(len(y_true) / (len(counts) * counts[members]))
