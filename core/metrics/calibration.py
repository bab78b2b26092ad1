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


def reliability(y_true: NDArray[Any], probabilities: NDArray[np.floating], bins: int = BINS) -> list[Bin]:
    """Bins of equal width over the confidence of the class shown; empty ones are left out.

    Args:
        y_true: (N,) column of the true class in `probabilities`; -1 for a class that has none.
        probabilities: (N, K) float.
        bins: number of bins.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == y_true
    number = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    table = []
    for k in range(bins):
        inside = number == k
        if inside.any():
            share, mean = float(right[inside].mean()), float(confidence[inside].mean())
            table.append(Bin(k / bins, (k + 1) / bins, int(inside.sum()), mean, share))
    return table
