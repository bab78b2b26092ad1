"""Whether a cell changed, given how far the same methods differ between two dates on cells that did not.

A change is a difference of log-odds. Its noise is learnt from stable cells: by their median absolute deviation, at each
level of log-odds by itself (forests are quiet where all trees agree), and with the tails that these cells have. It is
taken at its largest on the way from one level to the other, so that a cell that could be either must leap.

Sources: two-sided tests at each cell, and their false discovery rate by Benjamini and Hochberg 1995,
doi:10.1111/j.2517-6161.1995.tb02031.x.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.stats import norm, t

from ..errors import BadInput
from .names import BECAME, FAVELA_STAYS, NO_LONGER, OTHER_STAYS, UNDETECTED

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
LEAST_P = 1e-3
"""Probabilities nearer to 0 or 1 count as this: no method is as sure as its numbers there."""
WINDOW, WINDOW_SHARE = 100, 0.05
"""Stable cells of like level from which the noise there is learnt: so many, or this share of them if that is more."""
KNOTS = 20
LEAST_MOVING = 30
"""Stable cells that must differ at all, for their noise to be known."""
MAD = float(norm.ppf(0.75))
TAILS = (0.95, 0.99)
"""Quantiles of stable cells at which the tails are fitted; the heavier fit counts."""
BEYOND = 5
"""Stable cells that must lie beyond such a quantile for it to be looked at."""


def log_odds(probability: Float) -> Float:
    """(n,) natural logarithm of p / (1 - p); NaN stays."""
    p = np.clip(probability, LEAST_P, 1 - LEAST_P)
    return np.asarray(np.log(p / (1 - p)))


@dataclass(frozen=True)
class Noise:
    """How differences of log-odds spread over cells that did not change.

    Attributes:
        levels: (k,) mean log-odds of both dates, rising.
        centre: (k,) median difference there.
        spread: (k,) standard deviation there, from the median absolute deviation; positive.
        scale: what the spreads are divided by, so that the stable cells as a whole have their middle half right.
        freedom: degrees of freedom of Student's t whose tails are those of the stable cells, less than their number.
        cells: stable cells that differ at all.
    """

    levels: Float
    centre: Float
    spread: Float
    scale: float
    freedom: float
    cells: int

    @classmethod
    def learn(cls, before: Float, after: Float) -> Self:
        """From stable cells, by numbers from bridges that they did not help to build.

        Args:
            before: (n,) log-odds on one date.
            after: (n,) on the other.

        Raises:
            BadInput: too few of them differ at all.
        """
        # Cells that read the very same (all trees say no, twice) tell nothing of how far others stray.
        moving = before != after
        if moving.sum() < LEAST_MOVING:
            raise BadInput(
                f"Only {moving.sum()} of {len(moving)} stable cells read at all differently on the two dates; "
                f"{LEAST_MOVING} are needed to know how much is noise. Are both layers made from pictures of their own?"
            )
        one, other = before[moving], after[moving]
        levels, centre, spread = _by_level((one + other) / 2, other - one)
        rough = cls(levels, centre, spread, 1.0, np.inf, int(moving.sum()))
        found = np.abs(rough.deviation(one, other))
        # Votes of a few draws differ by few amounts, and half of the cells may differ by just the middle one.
        middle = float(np.median(found)) or MAD * float(np.sqrt((found**2).mean()))
        looked = [tail for tail in TAILS if len(found) * (1 - tail) >= BEYOND]
        fits = [_freedom(float(np.quantile(found, tail)) / middle, tail) for tail in looked]
        freedom = min(len(found) - 1.0, *fits) if fits else len(found) - 1.0
        quarter = float(t.ppf(0.75, freedom))
        return cls(levels, centre, spread, quarter / middle, freedom, rough.cells)

    def deviation(self, before: Float, after: Float) -> Float:
        """(n,) differences in units of the noise, about 0 for cells that did not change."""
        centre = np.interp((before + after) / 2, self.levels, self.centre)
        return np.asarray((after - before - centre) / self._largest(before, after) * self.scale)

    def chance(self, before: Float, after: Float) -> Float:
        """(n,) two-sided p: how likely so large a difference is for a cell that did not change; NaN stays."""
        far = np.abs(self.deviation(before, after))
        return np.asarray(np.where(before == after, 1.0, 2 * t.sf(far, self.freedom)))

    def _largest(self, before: Float, after: Float) -> Float:
        """(n,) the largest spread on the way between two levels; exact, as it is linear between the knots."""
        low, high = np.fmin(before, after), np.fmax(before, after)
        ends = [np.interp(end, self.levels, self.spread) for end in (low, high)]
        table = np.array([np.maximum.accumulate(np.where(np.arange(len(self.spread)) < i, 0.0, self.spread))
                          for i in range(len(self.spread))])  # fmt: skip
        first = np.searchsorted(self.levels, low).clip(0, len(self.levels) - 1)
        last = np.searchsorted(self.levels, high, side="right") - 1
        between = np.where(last >= first, table[first, last], 0.0)
        return np.asarray(np.max([*ends, between], axis=0))


def _by_level(level: Float, difference: Float) -> tuple[Float, Float, Float]:
    """Levels, rising, and the median and the spread of the differences around each."""
    order = np.argsort(level, kind="stable")
    level, difference = level[order], difference[order]
    width = min(len(level), max(WINDOW, round(WINDOW_SHARE * len(level))))
    starts = np.unique(np.linspace(0, len(level) - width, KNOTS).round().astype(int))
    windows = [slice(start, start + width) for start in starts]
    middle = np.array([np.median(level[window]) for window in windows])
    centre = np.array([np.median(difference[window]) for window in windows])
    spread = np.array([np.median(np.abs(difference[w] - c)) for w, c in zip(windows, centre, strict=True)]) / MAD
    if not spread.any():
        raise BadInput(
            "All stable cells differ between the two dates by the same amount, so that noise cannot be told from "
            "change. Are both layers made from pictures of their own?"
        )
    spread = np.maximum(spread, spread[spread > 0].min())
    kept = np.append(np.diff(middle) > 0, True)
    return middle[kept], centre[kept], spread[kept]


def _freedom(ratio: float, tail: float) -> float:
    """Degrees of freedom at which a quantile of |t| is so many times its median.

    Infinite where tails end sooner than the normal's.
    """

    def beyond(freedom: float) -> float:
        return float(t.ppf((1 + tail) / 2, freedom) / t.ppf(0.75, freedom)) - ratio

    if beyond(1e4) >= 0:
        return np.inf
    return 1.0 if beyond(1.0) <= 0 else float(brentq(beyond, 1.0, 1e4))


def false_discovery(chance: Float) -> Float:
    """(n,) for each p the least false discovery rate at which its cell would be said to have changed; NaN stays.

    Args:
        chance: (n,) two-sided p, 1 for cells that may not be said to have changed whatever it is.

    Source: Benjamini and Hochberg 1995.
    """
    found = np.full(len(chance), np.nan)
    known = np.flatnonzero(np.isfinite(chance))
    order = known[np.argsort(-chance[known], kind="stable")]
    ranks = np.arange(len(order), 0, -1)
    found[order] = np.minimum.accumulate(np.minimum(chance[order] * len(order) / ranks, 1.0))
    return found


def name_changes(before: Bool, after: Bool, detected: Bool) -> NDArray[np.object_]:
    """(n,) one of `CHANGES` of `names.py`.

    Args:
        before: (n,) favela on the first date.
        after: (n,) on the second.
        detected: (n,) whether a difference may be said to be one.
    """
    texts = np.where(before, FAVELA_STAYS, OTHER_STAYS).astype(object)
    differs = before != after
    texts[differs] = UNDETECTED
    said = differs & detected
    texts[said] = np.where(after[said], BECAME, NO_LONGER)
    return texts
