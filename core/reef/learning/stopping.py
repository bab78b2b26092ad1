"""When a survey needs no more checking: the machine against people on batches of photos it never saw.

A batch is assessed on its own, because what was checked before may since have been trained on. The sign is given when
the cover error of every target group is below the tolerance, upper limit included, in two batches in a row.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ...estimation.interval import binomial_limits
from ...metrics.hierarchical import Agreement, agreement, parts
from .numbered import ROOT, Float, Int, NumberedTree

LEVEL = 0.95
IN_A_ROW = 2
"""Batches that must pass one after the other."""
RESAMPLED = 1000
FEWEST_PHOTOS = 5
"""A batch of fewer photos says nothing of the spread between photos and never passes."""
POWERS = np.arange(1, 41) / 20
"""Exponents that are tried for the fall of an error with photos."""
FARTHEST = 20
"""Times the photos trained on so far: farther the curve is not followed."""


@dataclass(frozen=True)
class GroupError:
    """Cover of one target group by machine and by people, over the photos of a batch; shares 0..1."""

    code: str
    human: float
    machine: float
    error: float
    """Mean over photos of the difference, without its sign."""
    spread: float
    """Standard deviation of that between photos."""
    low: float
    high: float
    """Limits of the mean error over all photos like these."""

    @property
    def bias(self) -> float:
        """Mean difference with its sign: what remains in the mean of many photos."""
        return self.machine - self.human


@dataclass(frozen=True)
class Checked:
    """What one batch of checked photos tells."""

    n_photos: int
    n_trained: int
    """Photos that the machine had been trained on."""
    agreement: Agreement
    f_low: float
    f_high: float
    """Limits of hF over photos like these."""
    groups: tuple[GroupError, ...]

    def passes(self, tolerance: float) -> bool:
        """Whether the upper limit of each group lies below the tolerance."""
        return self.n_photos >= FEWEST_PHOTOS and all(group.high < tolerance for group in self.groups)

    @property
    def worst(self) -> GroupError:
        """The group with the highest upper limit."""
        return max(self.groups, key=lambda group: group.high)


@dataclass(frozen=True)
class Sign:
    """Whether to stop."""

    stop: bool
    more: int | None
    """About so many photos more to check; 0 when done, None when nothing suggests that more would do."""
    sentence: str


def check_batch(
    tree: NumberedTree, photos: Int, human: Int, machine: Int, targets: Sequence[str], n_trained: int, seed: int = 0
) -> Checked:
    """Compare machine and people on a batch.

    Args:
        tree: of the labels.
        photos: (N,) int64 photo of each point; none of them trained on.
        human: (N,) numbers of labels.
        machine: (N,) likewise, as it stood before anyone looked; `ROOT` where it says nothing.
        targets: codes of the target groups; points at and below each count.
        n_trained: photos that the machine had been trained on.
        seed: of the bootstrap.

    Raises:
        BadInput: a target group is no label of the tree.
    """
    _, members = np.unique(photos, return_inverse=True)
    sizes = np.bincount(members)
    groups = []
    for code, number in zip(targets, tree.numbers(targets), strict=True):
        people, said = tree.above[human, number], tree.above[machine, number] & (machine != ROOT)
        covers = [np.bincount(members, found) / sizes for found in (people, said)]
        errors = np.abs(covers[1] - covers[0])
        low, high = error_limits(errors, sizes)
        spread = float(errors.std(ddof=1)) if len(errors) > 1 else math.nan
        groups.append(
            GroupError(code, float(covers[0].mean()), float(covers[1].mean()), float(errors.mean()), spread, low, high)
        )
    f_low, f_high = _f_limits(tree, members, human, machine, seed)
    scores = agreement(human, machine, tree.above)
    return Checked(len(sizes), int(n_trained), scores, f_low, f_high, tuple(groups))


def error_limits(errors: Float, sizes: Int, level: float = LEVEL) -> tuple[float, float]:
    """Limits of the mean over photos of the cover error, 0..1.

    By t; above at least the exact limit for as many yes/no answers as there are points, because where no photo of a
    batch has an error, the photos to come may still have some.

    Args:
        errors: (G,) of the photos.
        sizes: (G,) points of each.
        level: of the interval, two-sided.
    """
    n = len(errors)
    if n < 2:
        return 0.0, 1.0
    mean = float(errors.mean())
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * float(errors.std(ddof=1)) / math.sqrt(n)
    points = float(sizes.sum())
    exact = float(binomial_limits(mean * points, points, level)[1])
    return max(mean - half, 0.0), min(max(mean + half, exact), 1.0)


def _f_limits(tree: NumberedTree, members: Int, human: Int, machine: Int, seed: int) -> tuple[float, float]:
    """Percentiles of hF when photos are drawn again."""
    sums = np.stack([np.bincount(members, part) for part in parts(human, machine, tree.above)], axis=1)
    n = len(sums)
    draws = np.random.default_rng([seed, 13]).multinomial(n, np.full(n, 1 / n), RESAMPLED) @ sums
    scores = 2 * draws[:, 0] / (draws[:, 1] + draws[:, 2])
    low, high = np.quantile(scores, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def sign(history: Sequence[Checked], tolerance: float) -> Sign:
    """Whether to stop after these batches, in their order, and if not, about how many photos more to check.

    Args:
        history: at least one batch.
        tolerance: of the cover error, 0..1.
    """
    last = history[-1]
    row = _passed_in_a_row(history, tolerance)
    worst = last.worst
    state = f"cover error of {worst.code}, the worst group, {_percent(worst.error)}, at most {_percent(worst.high)}"
    if row >= IN_A_ROW:
        return Sign(True, 0, f"You may stop: {state}, below {_percent(tolerance)} in {row} batches in a row.")
    more = _more(history, tolerance, row)
    if more is None:
        wider = f"Go on, or widen the tolerance of {_percent(tolerance)}"
        return Sign(False, None, f"{wider}: {state}, and nothing shows yet that more photos would do.")
    return Sign(False, more, f"Check about {more} more photos: {state}, with a tolerance of {_percent(tolerance)}.")


def _passed_in_a_row(history: Sequence[Checked], tolerance: float) -> int:
    row = 0
    for checked in reversed(history):
        if not checked.passes(tolerance):
            break
        row += 1
    return row


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _more(history: Sequence[Checked], tolerance: float, row: int) -> int | None:
    """Photos until the sign may come: training until the error is low enough, then batches that show it."""
    last, training = history[-1], 0
    margins = []
    for place, group in enumerate(last.groups):
        errors = np.array([checked.groups[place].error for checked in history])
        trained = np.array([checked.n_trained for checked in history], np.float64)
        spread = group.spread if math.isfinite(group.spread) else 0.0
        if group.error < 0.9 * tolerance:
            margins.append((group.error, spread))
            continue
        # Half of the tolerance leaves room for the interval of a batch.
        wanted = photos_for(trained, errors, tolerance / 2)
        wanted = photos_for(trained, errors, 0.8 * tolerance) if wanted is None else wanted
        if wanted is None:
            return None
        training = max(training, math.ceil(wanted - last.n_trained), 1)
        margins.append((tolerance / 2, spread))
    size = max([last.n_photos if last.passes(tolerance) else FEWEST_PHOTOS, *(_proof(*m, tolerance) for m in margins)])
    return training + (IN_A_ROW - (row if training == 0 else 0)) * size


def _proof(error: float, spread: float, tolerance: float) -> int:
    """Photos of a batch whose interval would just stay below the tolerance if its error came out the same."""
    n = FEWEST_PHOTOS
    for _ in range(20):
        half = float(stats.t.ppf((1 + LEVEL) / 2, n - 1)) * spread
        needed = max(FEWEST_PHOTOS, math.ceil((half / (tolerance - error)) ** 2) + 1)
        if needed <= n:
            break
        n = needed
    return n


def photos_for(trained: NDArray[np.floating], errors: Float, wanted: float) -> float | None:
    """Photos to train on until the error, on its power law, is as low as wanted; None when the law does not say so.

    Args:
        trained: (B,) photos trained on at each batch.
        errors: (B,) of the batches.
        wanted: error.
    """
    law = power_law(trained, errors)
    if law is None:
        return None
    scale, power, floor = law
    if wanted <= floor or scale <= 0:
        return None
    found = float((scale / (wanted - floor)) ** (1 / power))
    return found if found <= FARTHEST * float(trained.max()) else None


def power_law(trained: NDArray[np.floating], errors: Float) -> tuple[float, float, float] | None:
    """(a, b, c) of error = a * photos^-b + c, a and c at least 0, by least squares; None for fewer than three batches.

    Args:
        trained: (B,) photos trained on.
        errors: (B,).

    Source: Hestness et al. 2017, arXiv:1712.00409
    """
    known = np.asarray(trained, np.float64) > 0
    n, errors = np.asarray(trained, np.float64)[known], errors[known]
    if len(np.unique(n)) < 3:
        return None
    falls = (n / n.max()) ** -POWERS[:, None]
    # Least squares for each power at once; where a number would be negative it is 0, and the other one alone.
    centred = falls - falls.mean(axis=1, keepdims=True)
    scale = centred @ (errors - errors.mean()) / (centred**2).sum(axis=1)
    floor = errors.mean() - scale * falls.mean(axis=1)
    scale = np.where(floor < 0, falls @ errors / (falls**2).sum(axis=1), np.maximum(scale, 0.0))
    floor = np.where(floor < 0, 0.0, np.where(scale > 0, floor, errors.mean()))
    rest = ((scale[:, None] * falls + floor[:, None] - errors) ** 2).sum(axis=1)
    best = int(rest.argmin())
    return float(scale[best] * n.max() ** POWERS[best]), float(POWERS[best]), float(floor[best])
