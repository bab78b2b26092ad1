"""Intervals that keep their word also for rare classes and small samples. README.md tells what was tried."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

Float = NDArray[np.float64]

METHODS = {
    "t": "normal interval with t quantiles (degrees of freedom by Satterthwaite)",
    "jeffreys": "Jeffreys' limits of each stratum, combined by MOVER",
    "exact": "exact binomial limits of each stratum, combined by MOVER (few labels of the class, or of all others)",
    "effective": "exact limits for the effective number of units (Korn and Graubard)",
    "touched": "limits of how many units have it, times limits of how much those have (few units have any)",
    "capped": "exact limits as if each unit were one observation (hardly any unit has it)",
    "parts": "limits of what is missing and of what is too much, combined by MOVER",
    "bootstrap": "percentiles over redrawn units",
}
"""How an interval can be made, in words for the report."""
MANY = 40
"""Labels of a class, and of all others, from which Jeffreys' limits do; below, exact ones are taken. Found on made-up
populations of 1 to 9 strata: Jeffreys' limits cover 0.955 on average above it, and as little as 0.91 below."""
FEW_UNITS, SOME_UNITS = 20, 5
"""With a class in fewer units than the first the variance between units is itself not known; with fewer than the second
nothing is known of how much of it a unit has."""
INNER_RISK = 0.3
"""Risk of each of the two factors as a part of the whole risk. With 1 coverage falls to 0.915, so to 0.95 or more."""


def binomial_limits(x: Any, n: Any, level: float) -> tuple[Any, Any]:
    """Exact limits of a share (Clopper and Pearson 1934, 10.1093/biomet/26.4.404); x and n need not be whole."""
    x, n = np.broadcast_arrays(np.asarray(x, float), np.asarray(n, float))
    tail = (1 - level) / 2
    low = np.where(x > 0, special.betaincinv(np.maximum(x, 1e-12), n - x + 1, tail), 0.0)
    high = np.where(x < n, special.betaincinv(x + 1, np.maximum(n - x, 1e-12), 1 - tail), 1.0)
    return low, high


def jeffreys_limits(x: Any, n: Any, level: float) -> tuple[Any, Any]:
    """Limits by Jeffreys' prior, 0 and 1 at the ends (Brown, Cai and DasGupta 2001, 10.1214/ss/1009213286)."""
    x, n = np.broadcast_arrays(np.asarray(x, float), np.asarray(n, float))
    tail = (1 - level) / 2
    low = np.where(x > 0, special.betaincinv(x + 0.5, n - x + 0.5, tail), 0.0)
    high = np.where(x < n, special.betaincinv(x + 0.5, n - x + 0.5, 1 - tail), 1.0)
    return low, high


def combine(weights: Float, x: Float, n: NDArray[Any], left: Float, level: float) -> tuple[float, float, str]:
    """Interval of a weighted sum of independent binomial shares.

    Distances from each stratum's share to its own limits are added in quadrature (MOVER: Zou, Huang and Zhang 2009,
    10.1016/j.csda.2008.09.033), so that a stratum in which nothing was met keeps its rule-of-three uncertainty. With
    many labels this is the normal interval of Olofsson et al. 2014, eq. 10, but for a hair.

    Args:
        weights: (H,) of the strata.
        x: (H,) how often the class was met.
        n: (H,) how often it was looked for, at least 1; need not be whole.
        left: (H,) finite population correction.
        level: of the interval.

    Returns:
        lower and upper limit, and a name of `METHODS`.
    """
    many = min(float(x.sum()), float((n - x).sum())) >= MANY
    low, high = sum_limits(weights, x, n, left, level, exact=not many)
    return low, high, "jeffreys" if many else "exact"


def sum_limits(
    weights: Float, x: Float, n: NDArray[Any], left: Float, level: float, *, exact: bool = True
) -> tuple[float, float]:
    """MOVER with exact or Jeffreys' limits, as in `combine`."""
    share = x / n
    lower, upper = (binomial_limits if exact else jeffreys_limits)(x, n, level)
    value, pull = float(weights @ share), weights**2 * left
    low = value - float(np.sqrt((pull * (share - lower) ** 2).sum()))
    high = value + float(np.sqrt((pull * (upper - share) ** 2).sum()))
    return max(low, 0.0), min(high, 1.0)


def t_half(parts: Float, n: NDArray[Any], level: float, spent: int = 1) -> float:
    """Half width of a normal interval from the variances of the strata, (H,), by Satterthwaite's degrees of freedom."""
    return float(t_quantile(parts, n, level, spent) * np.sqrt(parts.sum()))


def t_quantile(parts: Float, n: NDArray[Any], level: float, spent: int = 1) -> float:
    """Quantile of t for a sum of estimated variances (Satterthwaite 1946, 10.2307/3002019).

    Args:
        parts: (H,) variances that are added.
        n: (H,) units behind each.
        level: of the interval.
        spent: degrees of freedom used up in each stratum.
    """
    total = parts.sum()
    if total <= 0:
        return float(special.ndtri((1 + level) / 2))
    freedom = total**2 / (parts**2 / np.maximum(n - spent, 1)).sum()
    return float(special.stdtrit(max(freedom, 1.0), (1 + level) / 2))


def share_limits(column: Float, value: float, parts: Float, n: NDArray[Any], level: float) -> tuple[float, float, str]:
    """Interval of a mean over units of shares between 0 and 1.

    With many units that have the class: exact limits for the number of independent yes/no answers that would give the
    same variance (Korn and Graubard 1998, Survey Methodology 24:193-201). With few, that variance is itself not known:
    limits of how many units have the class and of how much those have are combined; with hardly any, each unit counts
    as one yes/no answer.

    Args:
        column: (n,) share of the class in each unit.
        value: the mean.
        parts: (H,) variances of the strata's contributions.
        n: (H,) units in each stratum; equal ones that tell as much, where units differ in size.
        level: of the interval.
    """
    touched, lacking = int((column > 0).sum()), int((column < 1).sum())
    if lacking < touched:
        low, high, name = share_limits(1 - column, 1 - value, parts, n, level)
        return 1 - high, 1 - low, name
    variance, units = parts.sum(), float(n.sum())
    value = float(np.clip(value, 0.0, 1.0))
    few = variance <= 0 or touched < FEW_UNITS
    if few and len(n) == 1 and touched >= SOME_UNITS and value > 0:
        return (*_few_units(column[column > 0], value, units, level), "touched")
    size = value * (1 - value) / variance if variance > 0 else units
    size *= (float(special.ndtri((1 + level) / 2)) / t_quantile(parts, n, level)) ** 2
    size = max(min(size, units) if few else size, 1.0)
    low, high = binomial_limits(value * size, size, level)
    return float(low), float(high), "capped" if few else "effective"


def _few_units(found: Float, value: float, units: float, level: float) -> tuple[float, float]:
    """How many units have the class, times how much those have; relative distances added in quadrature.

    Both factors are taken at a higher level than the whole, because few shares of few units are skewed.
    """
    inner = 1 - INNER_RISK * (1 - level)
    count, much = len(found), float(found.mean())
    low, high = (float(limit) for limit in binomial_limits(count, units, inner))
    half = float(special.stdtrit(count - 1, (1 + inner) / 2)) * float(found.std(ddof=1)) / math.sqrt(count)
    share = count / units
    below = math.hypot(1 - low / share, min(half / much, 1.0))
    above = math.hypot(high / share - 1, min(half, 1 - much) / much)
    return max(value * (1 - below), 0.0), min(value * (1 + above), 1.0)


def ratio_limits(
    weights: Float, hits: Float, misses: Float, n: NDArray[np.int64], left: Float, level: float
) -> tuple[float, float]:
    """Limits of a / (a + b), a and b weighted sums of shares: of hits, and of misses.

    With one stratum both are counts of the same draws and the limits are exact given their sum. With several, the
    ratios b / a are found for which the MOVER interval of b - ratio a holds zero (Donner and Zou 2012,
    10.1177/0962280210383082).
    """
    if len(weights) == 1:
        total = float(hits.sum() + misses.sum())
        low, high = binomial_limits(float(hits.sum()), total, level)
        return float(low), float(high)
    a, b = float(weights @ (hits / n)), float(weights @ (misses / n))
    a_low, a_high = sum_limits(weights, hits, n, left, level)
    b_low, b_high = sum_limits(weights, misses, n, left, level)

    def most(share: float) -> float:
        """Above zero while so large a share of misses is still to be believed."""
        return b * (1 - share) - share * a - math.hypot((1 - share) * (b - b_low), share * (a_high - a))

    def least(share: float) -> float:
        return share * a - b * (1 - share) - math.hypot((1 - share) * (b_high - b), share * (a - a_low))

    return 1 - _root(least, rising=True), 1 - _root(most, rising=False)


def _root(function: Any, *, rising: bool) -> float:
    """Where a function changes sign on 0..1, by halving; an end where it does not."""
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if (function(middle) < 0) == rising:
            low = middle
        else:
            high = middle
    return (low + high) / 2
