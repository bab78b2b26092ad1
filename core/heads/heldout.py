"""What a head says of samples that it was not fitted to: folds of whole groups inside the training data.

Calibration, conformal sets and the importance of features all learn from these, never from samples that the head knows.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..folds import class_folds, value_folds
from .inner import thinned

HELD_OUT_FOLDS = 5
MOST_HELD_OUT = 10_000
"""Of larger sets so many samples, drawn evenly from the groups: six fits of everything would say no more."""
FEWEST_GROUPS = 6
"""With fewer groups held out, what is learnt from them is learnt from two or three places."""

Fit = Callable[[NDArray[np.float32], NDArray[Any], NDArray[np.int64]], Any]
"""(X, y, groups) -> fitted estimator."""


@dataclass
class HeldOut:
    """Each sample as seen by a head that knows neither it nor its group."""

    fold: NDArray[np.int64]
    """(N,) fold in which a sample was held out, -1 for those that never were."""
    heads: list[Any]
    """The estimator of each fold, fitted to the other folds."""
    probabilities: NDArray[np.float64] | None
    """(N, K) in the order of the rising class values, meaningless where not held out; None for values."""

    @property
    def at(self) -> NDArray[np.int64]:
        """Indices of samples that were held out."""
        return np.flatnonzero(self.fold >= 0)


def hold_out(
    target: str, fit: Fit, X: NDArray[np.float32], y: NDArray[Any], groups: NDArray[np.int64], seed: int, threads: int
) -> HeldOut | None:
    """Fit to all folds but one, for each fold.

    A fold without which a class would be unknown is not held out. A class that lies in one group is never held out.

    Args:
        target: `class` or `value`.
        fit: the whole procedure of fitting, inner choices included.
        X: (N, D) float32.
        y: (N,) class values or float64.
        groups: (N,) int64, kept whole.
        seed: decides the folds.
        threads: fits side by side; the result does not depend on it.

    Returns:
        The held-out samples, or None when too few groups can be held out.
    """
    few = thinned(y, groups, seed, MOST_HELD_OUT)
    if target == "class":
        folds = class_folds(y[few], groups[few], HELD_OUT_FOLDS, seed, every_class=False)
    else:
        folds = value_folds(y[few], groups[few], HELD_OUT_FOLDS, seed)
    if folds is None or len(np.unique(groups[few][folds.fold >= 0])) < FEWEST_GROUPS:
        return None
    classes = np.unique(y[few])
    parts = [(few[a], few[b]) for a, b in folds.parts()]
    if target == "class":
        parts = [(a, b) for a, b in parts if len(np.unique(y[a])) == len(classes)]
    if len(parts) < 2:
        return None
    with ThreadPoolExecutor(max(1, min(threads, len(parts))), "hold out") as pool:
        heads = list(pool.map(lambda part: fit(X[part[0]], y[part[0]], groups[part[0]]), parts))
    fold = np.full(len(y), -1, dtype=np.int64)
    probabilities = np.zeros((len(y), len(classes))) if target == "class" else None
    for number, ((_, test), head) in enumerate(zip(parts, heads, strict=True)):
        fold[test] = number
        if probabilities is not None:
            probabilities[test] = head.predict_proba(X[test])
    return HeldOut(fold, heads, probabilities)
