"""Numbers of cells as ranks in their city, so that what was learnt in one city can be said of another."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Float = NDArray[np.float32]
SPREAD = np.sqrt(12.0)
"""Makes the spread of evenly spaced ranks one."""


def ranked_by_zone(numbers: Float, zone: NDArray[np.int64]) -> Float:
    """(N, D) float32 from -1.7 to 1.7, mean 0 and spread 1 in each zone; equal numbers share a rank, NaN stays.

    Args:
        numbers: (N, D) float32.
        zone: (N,) number of the zone of each cell.
    """
    made = np.full(numbers.shape, np.nan, np.float32)
    for number in np.unique(zone):
        mine = zone == number
        some = numbers[mine]
        count = np.isfinite(some).sum(axis=0)
        ranks = rankdata(some, axis=0, nan_policy="omit") if some.size else some
        made[mine] = SPREAD * ((ranks - 0.5) / np.maximum(count, 1) - 0.5)
    return made
