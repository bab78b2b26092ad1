"""How far an estimate may be off: from answers to places that were kept apart, whole squares at a time.

Errors grow with the level (light at night above all), so each is measured in units of what is usual at its level.
Places of one square err together: the distributions of all squares are averaged, which is valid when squares are alike
(pooling of distributions, Dunn, Wasserman & Ramdas 2023, doi:10.1080/01621459.2022.2060112).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .ensemble import Held

Float = NDArray[np.float64]
Int = NDArray[np.int64]
IN_A_BIN, MOST_BINS = 40, 20
"""Errors in each step of the level, and most steps."""
LEAST = 0.2
"""Share of the mean error that is usual everywhere at least: few errors may be small by chance."""


@dataclass(frozen=True)
class Margin:
    """Half the width of an interval at each level.

    Attributes:
        at: (B,) levels, rising.
        usual: (B,) mean absolute error there.
        factor: by which it is multiplied; infinite where there are too few squares for the confidence.
        squares: that it comes from.
        values: errors that it comes from.
    """

    at: Float
    usual: Float
    factor: float
    squares: int
    values: int

    def around(self, level: Float) -> Float:
        """Half the width at some levels; NaN where it cannot be told."""
        if not np.isfinite(self.factor):
            return np.full(np.shape(level), np.nan)
        return np.asarray(np.interp(level, self.at, self.usual) * self.factor)


def margin(off: Float, level: Float, block: Int, confidence: float) -> Margin:
    """The margin that holds so large a share of the errors.

    Args:
        off: (n,) errors.
        level: (n,) estimate that each belongs to.
        block: (n,) square.
        confidence: share.
    """
    size = np.abs(off)
    at, usual = _usual(size, level)
    scale = np.interp(level, at, usual)
    squares = len(np.unique(block))
    factor = pooled_quantile(np.divide(size, scale, out=np.zeros_like(size), where=scale > 0), block, confidence)
    return Margin(at, usual, factor, squares, len(off))


def _usual(size: Float, level: Float) -> tuple[Float, Float]:
    """Mean absolute error by level, in steps of as many errors each."""
    order = np.argsort(level, kind="stable")
    bins = np.array_split(order, max(1, min(MOST_BINS, len(order) // IN_A_BIN)))
    at = np.array([level[one].mean() for one in bins])
    usual = np.array([size[one].mean() for one in bins])
    return at, np.maximum(usual, max(LEAST * float(size.mean()), np.finfo(np.float64).tiny))


def pooled_quantile(scores: Float, block: Int, confidence: float) -> float:
    """The least number that holds so large a share of a new square's scores; infinite with too few squares.

    Args:
        scores: (n,) at least 0.
        block: (n,) square of each.
        confidence: share.
    """
    _, members, sizes = np.unique(block, return_inverse=True, return_counts=True)
    weight = 1.0 / (sizes[members.reshape(-1)] * (len(sizes) + 1))  # one more square, whose scores are not known
    order = np.argsort(scores, kind="stable")
    reached = np.flatnonzero(np.cumsum(weight[order]) >= confidence - 1e-12)
    return float(scores[order[reached[0]]]) if len(reached) else float("inf")


def of_levels(held: Held, confidence: float) -> Margin | None:
    """Of estimates of one date; None where nothing was kept apart."""
    there = np.isfinite(held.truth) & np.isfinite(held.said)
    if there.sum() < 2:
        return None
    row, _ = np.nonzero(there)
    return margin((held.said - held.truth)[there], held.said[there], held.block[row], confidence)


@dataclass(frozen=True)
class ChangeMargin:
    """Of differences, and where it comes from."""

    margin: Margin
    how: str
    """`same`: dates as far apart; `others`: other pairs of dates; `levels`: two independent errors of levels."""


def of_changes(held: Held, times: list[float], apart: float, confidence: float) -> ChangeMargin | None:
    """Of differences of two dates so many years apart.

    Differences that were kept apart count where there are enough of them; a survey that asked each place once has
    none, and two errors of levels are taken to be independent.

    Args:
        held: answers to places that were kept apart.
        times: (T,) years.
        apart: years.
        confidence: share.
    """
    every = [(i, j) for i in range(len(times)) for j in range(i + 1, len(times))]
    same = [(i, j) for i, j in every if np.isclose(times[j] - times[i], apart)]
    for how, some in (("same", same), ("others", every)):
        found = _differences(held, some)
        if found is None:
            continue
        of_pairs = margin(*found, confidence)
        if np.isfinite(of_pairs.factor):
            return ChangeMargin(of_pairs, how)
    levels = of_levels(held, confidence)
    if levels is None:
        return None
    return ChangeMargin(
        Margin(levels.at, levels.usual, levels.factor * 2**0.5, levels.squares, levels.values), "levels"
    )


def _differences(held: Held, pairs: list[tuple[int, int]]) -> tuple[Float, Float, Int] | None:
    """Errors of differences, the mean of both levels, and the squares; None with fewer than `IN_A_BIN`."""
    off, level, block = [], [], []
    for i, j in pairs:
        wrong = (held.said[:, j] - held.said[:, i]) - (held.truth[:, j] - held.truth[:, i])
        there = np.isfinite(wrong)
        off.append(wrong[there])
        level.append((held.said[there, i] + held.said[there, j]) / 2)
        block.append(held.block[there])
    if sum(map(len, off)) < IN_A_BIN:
        return None
    return np.concatenate(off), np.concatenate(level), np.concatenate(block)
