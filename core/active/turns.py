"""The best of a score, classes in turn, and within a class unlike one another."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..heads.fitting import run_all
from ..progress import Progress
from .grouping import groups_of
from .pool import Pick, Pool
from .spread import Spread

LOOKED_AT = 10
"""Times as many places as wanted of a class are grouped by likeness; more would reach down to poor ones."""


def in_turn(
    pool: Pool, spread: Spread, count: int, score: NDArray[np.float64], why: Callable[[int], str], progress: Progress
) -> list[Pick]:
    """Places of high score; the predicted class that was chosen least comes next.

    The best of a class are grouped by likeness and each group gives its best place first, so that one odd corner of
    the embedding does not fill the list.

    Args:
        pool: with probabilities, which say the class; without, all are one class.
        spread: which are open.
        count: wanted.
        score: (n,) higher is better.
        why: words for a candidate.
        progress: told while choosing.

    Source: Citovsky et al. 2021, Cluster-Margin, arXiv:2107.14263
    """
    predicted = pool.predicted if pool.predicted is not None else np.zeros(len(pool.Z), np.int64)
    classes = np.unique(predicted)
    each = -(-count // len(classes))
    seed = int(pool.rng(4).integers(2**31))

    def queue(value: int) -> NDArray[np.int64]:
        members = np.flatnonzero(predicted == value)
        members = members[np.argsort(-score[members], kind="stable")]
        return _unlike_first(pool.Z, members, spread.open, each, seed)

    queues = [run_all([lambda v=v: queue(int(v))], 1, progress)[0] for v in classes]  # type: ignore[misc]
    chosen = np.zeros(len(classes), np.int64)
    picks: list[Pick] = []
    while len(picks) < count and spread.ready():
        progress.checkpoint(len(picks) / count)
        heads = [order[spread.open[order]][:1] for order in queues]
        alive = [number for number, head in enumerate(heads) if len(head)]
        turn = min(alive, key=lambda number: (chosen[number], -score[heads[number][0]], number))
        index = int(heads[turn][0])
        chosen[turn] += 1
        spread.take(index)
        picks.append(Pick(index, why(index)))
    return picks


def _unlike_first(
    Z: NDArray[np.float32], members: NDArray[np.int64], able: NDArray[np.bool_], groups: int, seed: int
) -> NDArray[np.int64]:
    """Members (best first) in another order: first the best of each group of like ones, then the others."""
    best = members[able[members]][: LOOKED_AT * groups]
    if len(best) <= groups or groups < 2:
        return members
    of = groups_of(Z[best], groups, seed)
    first = np.sort(np.unique(of, return_index=True)[1])
    leaders = best[first]
    return np.concatenate([leaders, members[~np.isin(members, leaders)]])
