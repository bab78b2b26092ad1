"""Any place: what other strategies are measured against."""

import numpy as np

from ..progress import Progress
from .pool import Pick, Pool
from .spread import Spread


def suggest(pool: Pool, spread: Spread, count: int, progress: Progress) -> list[Pick]:
    """Places in random order, as far apart as the spacing says."""
    keys = pool.rng(1).random(len(pool.Z))
    picks: list[Pick] = []
    while len(picks) < count and spread.ready():
        progress.checkpoint(len(picks) / count)
        index = int(np.where(spread.open, keys, np.inf).argmin())
        spread.take(index)
        picks.append(Pick(index, "drawn at random"))
    return picks
