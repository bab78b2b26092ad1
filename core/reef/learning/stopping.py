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
from ...wording import counted
from .numbered import ROOT, Float, Int, NumberedTree

LEVEL = 0.95
IN_A_ROW = 2
"""Batches that must pass one after the other."""
RESAMPLED = 1000
FEWEST_PHOTOS = 5
"""A batch of fewer photos says nothing of the spread between photos and never passes."""
POWERS = np.arange(1, 41) / 20
"""Exponents that are tried for the fall of an error with photos."""
TOO_NEAR = 0.9
"""Share of the tolerance from which an error is too near to it for any number of photos to show the difference."""
MOST_TIMES = 4
"""A batch grows to so many times its least size: what asked for it was one batch, and may have been chance."""
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
    said = np.where(machine == ROOT, 0, machine)
    covers = np.empty((2, len(sizes), len(targets)))
    for place, number in enumerate(tree.numbers(targets)):
        for row, found in enumerate((tree.above[human, number], tree.above[said, number] & (machine != ROOT))):
            covers[row, :, place] = np.bincount(members, found) / sizes
    errors = np.abs(covers[1] - covers[0])
    spreads = errors.std(axis=0, ddof=1) if len(errors) > 1 else np.full(len(targets), math.nan)
    columns = [*covers.mean(axis=1), errors.mean(axis=0), spreads, *error_limits(errors, sizes)]
    groups = [
        GroupError(code, *values) for code, values in zip(targets, np.stack(columns, axis=1).tolist(), strict=True)
    ]
    f_low, f_high = _f_limits(tree, members, human, machine, seed)
    scores = agreement(human, machine, tree.above)
    return Checked(len(sizes), int(n_trained), scores, f_low, f_high, tuple(groups))


def error_limits(errors: Float, sizes: Int, level: float = LEVEL) -> tuple[Float, Float]:
    """Limits of the mean over photos of the cover error of each group, 0..1.

    By t; above at least the exact limit for as many yes/no answers as there are points, because where no photo of a
    batch has an error, the photos to come may still have some.

    Args:
        errors: (G, K) of the photos.
        sizes: (G,) points of each.
        level: of the interval, two-sided.

    Returns:
        (K,) lower and (K,) upper.
    """
    n, groups = errors.shape
    if n < 2:
        return np.zeros(groups), np.ones(groups)
    mean = errors.mean(axis=0)
    half = float(stats.t.ppf((1 + level) / 2, n - 1)) * errors.std(axis=0, ddof=1) / math.sqrt(n)
    points = float(sizes.sum())
    exact = binomial_limits(mean * points, points, level)[1]
    return np.maximum(mean - half, 0.0), np.minimum(np.maximum(mean + half, exact), 1.0)


def _f_limits(tree: NumberedTree, members: Int, human: Int, machine: Int, seed: int) -> tuple[float, float]:
    """Percentiles of hF when photos are drawn again."""
    sums = np.stack([np.bincount(members, part) for part in parts(human, machine, tree.above)], axis=1)
    n = len(sums)
    draws = np.random.default_rng([seed, 13]).multinomial(n, np.full(n, 1 / n), RESAMPLED) @ sums
    scores = 2 * draws[:, 0] / (draws[:, 1] + draws[:, 2])
    low, high = np.quantile(scores, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def next_size(checked: Checked, tolerance: float, least: int) -> int:
    """Photos of the batch after this one: as many as would show an error like this one's to be below the tolerance.

    It follows from batches before alone, so that no batch grows until it passes. Where an error is too high, photos do
    not help but what is learnt from them does, and the batch stays small.

    Args:
        checked: the last batch.
        tolerance: of the cover error, 0..1.
        least: photos of a batch.
    """
    if any(group.error >= TOO_NEAR * tolerance for group in checked.groups) or checked.n_photos < 2:
        return least
    wanted = max(_proof(group.error, group.spread, tolerance) for group in checked.groups)
    return min(max(wanted, least), MOST_TIMES * least)


def sign(history: Sequence[Checked], tolerance: float, pending: int = 0, least: int = FEWEST_PHOTOS) -> Sign:
    """Whether to stop after these batches, in their order, and if not, about how many photos more to check.

    Args:
        history: at least one batch.
        tolerance: of the cover error, 0..1.
        pending: photos that are checked already and wait for the next batch to fill.
        least: photos of that batch.
    """
    last = history[-1]
    row = _passed_in_a_row(history, tolerance)
    worst = last.worst
    state = f"cover error of {worst.code}, the worst group, {_percent(worst.error)}, at most {_percent(worst.high)}"
    if row >= IN_A_ROW:
        return Sign(True, 0, f"You may stop: {state}, below {_percent(tolerance)} in {row} batches in a row.")
    more = _more(history, tolerance, row, least)
    if more is None:
        wider = f"Go on, or widen the tolerance of {_percent(tolerance)}"
        return Sign(False, None, f"{wider}: {state}, and nothing shows yet that more photos would do.")
    more = max(more - pending, 1)
    photos = counted(more, "more photo")
    return Sign(False, more, f"Check about {photos}: {state}, with a tolerance of {_percent(tolerance)}.")


def _passed_in_a_row(history: Sequence[Checked], tolerance: float) -> int:
    row = 0
    for checked in reversed(history):
        if not checked.passes(tolerance):
            break
        row += 1
    return row


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _more(history: Sequence[Checked], tolerance: float, row: int, least: int) -> int | None:
    """Photos until the sign may come: training until the error is low enough, then batches that show it."""
    last, training = history[-1], 0
    margins = []
    for place, group in enumerate(last.groups):
        errors = np.array([checked.groups[place].error for checked in history])
        trained = np.array([checked.n_trained for checked in history], np.float64)
        spread = group.spread if math.isfinite(group.spread) else 0.0
        if group.error < TOO_NEAR * tolerance:
            margins.append((group.error, spread))
            continue
        # Half of the tolerance leaves room for the interval of a batch.
        wanted = photos_for(trained, errors, tolerance / 2)
        wanted = photos_for(trained, errors, 0.8 * tolerance) if wanted is None else wanted
        if wanted is None:
            return None
        training = max(training, math.ceil(wanted - last.n_trained), 1)
        margins.append((tolerance / 2, spread))
    size = max(
        [least, last.n_photos if last.passes(tolerance) else FEWEST_PHOTOS, *(_proof(*m, tolerance) for m in margins)]
    )
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
