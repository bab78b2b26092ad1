"""Inner folds: how a head tries its settings on training data alone. Test data never come here."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..folds import Folds, class_folds, value_folds

INNER_FOLDS = 5
MOST_SAMPLES = 4000
"""A choice among a dozen settings needs no more; keeps assessment of large label sets quick."""


FEWEST_FOLDS = 3
"""With two, each fold is trained on half of the groups and the choice is little but noise."""

NEGLIGIBLE_LOSS = 0.02
"""In nats, or as a share of the variance: where classes fall apart clearly, every setting is nearly as good."""


Parts = Sequence[tuple[NDArray[np.int64], NDArray[np.int64]]]
"""(training, test) indices of each fold."""
Losses = Callable[[NDArray[np.int64], NDArray[np.int64], Sequence[float]], NDArray[np.float64]]
"""(training, test, settings) -> (S,) loss on the test part of each setting."""


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


def settle(
    folds: Folds | None,
    settings: Sequence[float],
    usual: float,
    measure: str,
    losses: Losses,
) -> tuple[float, str]:
    """The setting to take and how it was found; the usual one when there are no folds.

    Where the usual setting has next to no loss, no other can be better by more than `NEGLIGIBLE_LOSS`, so `choose`
    would take it whatever the others lose: they are not tried. Folds of neighbours are often like that.

    Args:
        folds: the split, or None; two folds are not enough.
        settings: S settings.
        usual: the one that is good as a rule.
        measure: name of the loss, for the sentence.
        losses: (training, test, settings) -> (S,) loss, at least 0, on the test part of each setting.
    """
    if folds is None or folds.count < FEWEST_FOLDS:
        return usual, "usual value: too few groups for inner folds"
    parts, by = folds.parts(), f"{measure} on {folds.count} inner folds of whole groups"
    if _is_negligible(parts, usual, losses):
        return usual, by
    table = np.stack([losses(training, test, settings) for training, test in parts])
    return settings[choose(table, settings.index(usual))], by


def _is_negligible(parts: Parts, setting: float, losses: Losses) -> bool:
    """True when the mean loss of a setting is negligible; stops at the first fold that rules it out."""
    left = NEGLIGIBLE_LOSS * len(parts)
    for training, test in parts:
        left -= float(losses(training, test, (setting,))[0])
        if not left >= 0:
            return False
    return True


def log_loss_of(
    y: NDArray[np.int64], shares: NDArray[np.floating], classes: NDArray[np.int64], weight: NDArray[np.float64] | None
) -> float:
    """Mean log-loss in nats, as scikit-learn's but without its checks: it is asked for thousands of times.

    Args:
        y: (n,) true classes, all of them in `classes`.
        shares: (n, K) probabilities; rows sum to 1.
        classes: (K,) rising.
        weight: (n,) of each sample, or None.
    """
    of_truth = shares[np.arange(len(y)), np.searchsorted(classes, y)]
    return float(np.average(-np.log(np.maximum(of_truth, np.finfo(shares.dtype).eps)), weights=weight))


def choose(losses: NDArray[np.float64], usual: int) -> int:
    """Number of the setting to take: of those that are not clearly worse than the best, the one nearest the usual.

    Few groups make a noisy choice; a setting is clearly worse when its loss exceeds the best's by more than a standard
    error of their difference over the folds, and by more than `NEGLIGIBLE_LOSS`.

    Args:
        losses: (folds, S).
        usual: number of the setting that is good as a rule.

    Source: one-standard-error rule, Breiman et al. 1984; here about a usual value instead of the simplest.
    """
    mean = losses.mean(axis=0)
    best = int(mean.argmin())
    error = np.nan_to_num((losses - losses[:, [best]]).std(axis=0, ddof=1) / np.sqrt(len(losses)))
    fair = np.flatnonzero(mean - mean[best] <= np.maximum(error, NEGLIGIBLE_LOSS))
    return int(fair[np.abs(fair - usual).argmin()])
