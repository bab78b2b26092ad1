"""How many places to label, and how to share them out among strata."""

import heapq
import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Float = NDArray[np.float64]
Whole = NDArray[np.int64]


def size_for_accuracy(weights: Float, users: Float, se: float) -> int:
    """Places for a wanted standard error of overall accuracy, when shared out by size.

    Olofsson et al. 2014, eq. 13, with a population so large that its size does not matter.

    Args:
        weights: (H,) shares of the map classes.
        users: (H,) user's accuracy to expect of each.
        se: wanted standard error.
    """
    return math.ceil(round((float((weights * np.sqrt(users * (1 - users))).sum()) / se) ** 2, 6))


def allocate(size: int, weights: Float, counts: Float, minimum: int) -> Whole:
    """Places in each stratum: the minimum for all, the rest where most is lacking to a share by size.

    So rare strata stay at the minimum and the others share by size. Given one by one (Webster's method), so that a
    larger size gives the same or more to every stratum.

    Args:
        size: places in all; more are given where the minima ask for more.
        weights: (H,) shares of the strata.
        counts: (H,) how many there are to draw from.
        minimum: in each stratum, as far as it has so many.

    Returns:
        (H,) never more than `counts`.
    """
    given = np.minimum(minimum, counts).astype(np.int64)
    waiting = [(-weight / (n + 0.5), h) for h, (weight, n) in enumerate(zip(weights, given, strict=True))]
    heapq.heapify(waiting)
    rest = size - int(given.sum())
    while rest > 0 and waiting:
        _, h = heapq.heappop(waiting)
        if given[h] >= counts[h]:
            continue
        given[h] += 1
        rest -= 1
        heapq.heappush(waiting, (-weights[h] / (given[h] + 0.5), h))
    return given


def size_for_half_width(
    weights: Float, counts: Float, accuracy: float | Float, half: float, minimum: int, most: int, level: float = 0.95
) -> int:
    """Fewest places, shared out by `allocate`, with which no class share is expected to be less sure than wanted.

    The variance of any class within a stratum is at most that of being right, when the stratum is right at least half
    of the time; so the same size holds for every class.

    Args:
        weights: (H,) shares of the strata.
        counts: (H,) how many there are to draw from.
        accuracy: share of each stratum that is expected to be right, one for all or (H,).
        half: wanted half width, as a share.
        minimum: places in each stratum.
        most: the answer is never above this.
        level: of the interval.
    """
    z = float(stats.norm.ppf((1 + level) / 2))

    def wide(size: int) -> bool:
        n = allocate(size, weights, counts, minimum)
        left = np.clip(1 - n / counts, 0, 1)
        variance = (weights**2 * left * accuracy * (1 - accuracy) / np.maximum(n - 1, 1)).sum()
        return z * math.sqrt(variance) > half

    low, high = 0, int(min(most, counts.sum()))
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if wide(middle) else (low, middle)
    return high


def more_labels(n: int, population: float, half: float, wanted: float) -> int:
    """Further labels, shared out as now, until the interval is as narrow as wanted; 0 when it is already.

    Args:
        n: labels now.
        population: units there are; infinite when the result speaks of a larger whole.
        half: half width now.
        wanted: half width to reach.
    """
    if half <= wanted or half <= 0:
        return 0
    # half^2 = v (1/n - 1/N) and wanted^2 = v (1/m - 1/N) for the same v
    now = 1 / n - 1 / population
    need = now * (wanted / half) ** 2 + 1 / population
    return max(math.ceil(1 / need) - n, 1)
