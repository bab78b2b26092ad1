"""Inner folds: how a head tries its settings on training data alone. Test data never come here."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..folds import Folds, class_folds, value_folds

INNER_FOLDS = 5
MOST_SAMPLES = 4000
"""A choice among a dozen settings needs no more; keeps assessment of large label sets quick."""


def thinned(y: NDArray[Any], groups: NDArray[np.int64], seed: int, most: int = MOST_SAMPLES) -> NDArray[np.int64]:
    """Indices of at most about `most` samples, drawn evenly from the groups so that none is lost."""
    if len(y) <= most:
        return np.arange(len(y))
    rng = np.random.default_rng([seed, 2])
    shuffled = rng.permutation(len(y))
    _, members = np.unique(groups[shuffled], return_inverse=True)
    order = np.argsort(members, kind="stable")
    sizes = np.bincount(members)
    starts = np.cumsum(sizes) - sizes
    turn = np.empty(len(y), dtype=np.int64)
    turn[order] = np.arange(len(y)) - np.repeat(starts, sizes)
    return np.sort(shuffled[np.lexsort((members, turn))[:most]])


def inner_class_folds(y: NDArray[Any], groups: NDArray[np.int64], seed: int) -> Folds | None:
    """Folds for the choice of settings, or None when the labels are too few to hold any back."""
    return class_folds(y, groups, INNER_FOLDS, seed)


def inner_value_folds(y: NDArray[Any], groups: NDArray[np.int64], seed: int) -> Folds | None:
    """As `inner_class_folds`, for values; fewer than three groups are too few."""
    return value_folds(y, groups, INNER_FOLDS, seed) if len(np.unique(groups)) >= 3 else None


def mean_losses(
    folds: Folds,
    settings: Sequence[float],
    losses: Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Mean loss of each setting over the folds: (S,) float64.

    Args:
        folds: the split.
        settings: S settings.
        losses: (training, test) -> (S,) loss on the test part of each setting.
    """
    table = np.stack([losses(training, test) for training, test in folds.parts()])
    return np.asarray(table.mean(axis=0))
