"""Diversity of a group of photos with an interval: Shannon, Simpson, evenness, number of labels.

Shannon H' = -sum p ln p (Shannon 1948, 10.1002/j.1538-7305.1948.tb01338.x); Simpson 1 - D = 1 - sum p^2 (Simpson 1949,
10.1038/163688a0); evenness J' = H' / ln S (Pielou 1966, 10.1016/0022-5193(66)90013-0); p are mean cover over photos,
each counting alike. Small samples miss rare labels, which lowers H' and S; the jackknife over photos puts some of it
back and gives the interval (Zahl 1977, 10.2307/1936227; for S Heltshe and Forrester 1983, 10.2307/2530802).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Float = NDArray[np.float64]
SHANNON, SIMPSON, EVENNESS, RICHNESS = "shannon", "simpson", "evenness", "richness"
INDICES = (SHANNON, SIMPSON, EVENNESS, RICHNESS)
TITLES = {SHANNON: "Shannon H'", SIMPSON: "Simpson 1-D", EVENNESS: "Evenness J'", RICHNESS: "Labels met"}


@dataclass(frozen=True)
class Diversity:
    """One index of one group."""

    value: float
    """As counted."""
    corrected: float
    """By the jackknife; NaN for fewer than two photos."""
    se: float
    low: float
    high: float
    """Of `corrected`; NaN for the number of labels, whose intervals did not keep their word."""


def indices(cover: Float) -> Float:
    """(..., 4) in the order of `INDICES` from (..., K) cover; rows need not sum to 1.

    NaN where nothing is covered; evenness also where there is one label alone.
    """
    total = cover.sum(axis=-1, keepdims=True)
    p = np.divide(cover, total, out=np.zeros_like(cover, dtype=np.float64), where=total > 0)
    logs = np.log(p, out=np.zeros_like(p), where=p > 0)
    shannon = -(p * logs).sum(axis=-1)
    number = (p > 0).sum(axis=-1).astype(np.float64)
    even = np.divide(shannon, np.log(np.maximum(number, 1)), out=np.full_like(shannon, np.nan), where=number > 1)
    found = np.stack([shannon, 1 - (p**2).sum(axis=-1), even, number], axis=-1)
    found[total[..., 0] <= 0] = np.nan
    return np.asarray(np.where(found == 0, 0.0, found))


def diversity(cover: Float, level: float = 0.95) -> dict[str, Diversity]:
    """All indices of a group by name.

    Args:
        cover: (n, K) of each photo, without NaN.
        level: of the intervals, by t over the pseudo-values of photos.
    """
    n = len(cover)
    total = cover.sum(axis=0)
    whole = indices(total)
    if n < 2:
        return {name: Diversity(float(whole[at]), *[float("nan")] * 4) for at, name in enumerate(INDICES)}
    without = total - cover
    without[np.abs(without) < 1e-9] = 0.0  # what only this photo has is gone, not a rounding error of it
    pseudo = n * whole - (n - 1) * indices(without)
    middle, spread = pseudo.mean(axis=0), pseudo.std(axis=0, ddof=1) / np.sqrt(n)
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * spread
    low, high = np.maximum(middle - half, 0.0), middle + half
    most = np.array([np.inf, 1.0, 1.0, np.nan])  # NaN: README.md tells why labels met have no interval
    low = np.where(np.isnan(most), np.nan, low)
    parts = (whole, middle, spread, low, np.minimum(high, most))
    return {name: Diversity(*(float(part[at]) for part in parts)) for at, name in enumerate(INDICES)}
