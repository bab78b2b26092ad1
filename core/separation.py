"""How far apart training and test must lie: size of blocks from the data, a guard distance, whole regions.

Nothing is fitted to the labels here except a variogram; heads are unknown.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from .folds import TRAINING_ONLY, Folds, make_folds, spatial_blocks
from .samples import Regions
from .variogram import Variogram, variogram

Int = NDArray[np.int64]
Float = NDArray[np.float64]
SPACINGS = 3.0
"""Sides of blocks in distances between neighbouring groups, where no variogram tells: some ten groups in a block."""
ENOUGH_FOLDS = 3
DRAWS = 3
"""Draws of the origin for which a size must leave enough folds."""
SHRINK = 0.85
GIVEN, VARIOGRAM, SPACING = "given", "variogram", "spacing"


@dataclass(frozen=True)
class BlockChoice:
    """Side of the blocks, and why."""

    side_m: float
    by: str
    """`given`, `variogram` or `spacing`."""
    sentence: str
    variogram: Variogram | None = None
    """Also when it was no use, so that it can be shown."""


def choose_block(
    target: str, xy_m: Float, groups: Int, X: NDArray[np.floating], y: NDArray[Any], unit: str, wish: int, seed: int
) -> BlockChoice | None:
    """Side of blocks beyond which samples are no longer alike, as far as that leaves folds.

    Args:
        target: `class`: likeness of the features counts; `value`: that of the values.
        xy_m: (N, 2) metres.
        groups: (N,) groups that stay whole.
        X: (N, D).
        y: (N,) class values or float64.
        unit: of `xy_m`, for the sentence.
        wish: most folds.
        seed: decides draws.

    Returns:
        The choice, or None when all samples lie in one place.
    """
    middle = middles(xy_m, groups)
    places = np.unique(middle, axis=0)
    extent = float(np.ptp(places, axis=0).max())
    if len(places) < 2 or extent <= 0:
        return None
    spacing = float(np.median(cKDTree(places).query(places, k=2)[0][:, 1]))
    found = variogram(xy_m, y if target == "value" else X, seed)
    by = VARIOGRAM if found is not None and found.usable else SPACING
    # Blocks narrower than the distance between neighbours would hold one group each and separate nothing.
    wanted = max(found.range_m, spacing) if by == VARIOGRAM and found is not None else SPACINGS * spacing
    side = _largest(target, xy_m, groups, y, min(wanted, extent / 2), spacing / 4, wish, seed)
    why = _because(found, by, wanted, spacing, target, unit)
    if side < 0.95 * wanted:
        why += f" Blocks that large would leave too few to test on, so squares of {length(side, unit)} were taken."
    return BlockChoice(side, by, why, found)


def _because(found: Variogram | None, by: str, wanted: float, spacing: float, target: str, unit: str) -> str:
    what = "values" if target == "value" else "features"
    if by == VARIOGRAM and found is not None:
        text = f"The {what} of places up to about {length(found.range_m, unit)} apart are alike (variogram)"
        if wanted > found.range_m:
            return f"{text}, but neighbours lie {length(spacing, unit)} apart, so blocks of that size were wanted."
        return f"{text}; the side of the blocks follows that."
    reason = "there are too few samples for a variogram" if found is None else found.problem
    return (
        f"The side of the blocks is three times the usual distance between neighbours ({length(spacing, unit)}), as "
        f"{reason}."
    )


def _largest(
    target: str, xy_m: Float, groups: Int, y: NDArray[Any], side: float, least: float, wish: int, seed: int
) -> float:
    """The largest side up to the given one that leaves enough folds wherever the blocks are laid."""
    whole = make_folds(target, y, groups, wish, seed)
    enough = min(ENOUGH_FOLDS, wish, whole.count if whole else 2)
    while side > least:
        blocks = (spatial_blocks(xy_m, groups, side, seed + draw) for draw in range(DRAWS))
        folds = [make_folds(target, y, block, wish, seed + draw) for draw, block in enumerate(blocks)]
        if all(one is not None and one.count >= enough for one in folds):
            break
        side *= SHRINK
    return side


def middles(xy_m: Float, groups: Int) -> Float:
    """(G, 2) mean place of each group, in the order of their numbers."""
    _, members = np.unique(groups, return_inverse=True)
    sizes = np.bincount(members)
    return np.stack([np.bincount(members, weights=xy_m[:, axis]) / sizes for axis in (0, 1)], axis=1)


def length(metres: float, unit: str) -> str:
    """A distance for a sentence: two digits, in km when long."""
    if unit == "m" and metres >= 10_000:
        return f"{float(f'{metres / 1000:.2g}'):,.0f} km"
    return f"{float(f'{metres:.2g}'):,.0f} {unit}" if metres >= 10 else f"{metres:.2g} {unit}"


def guarded(folds: Folds, y: NDArray[Any], xy_m: Float, guard_m: float, *, classes: bool) -> Folds | None:
    """Folds whose training parts keep away from their test samples.

    A fold that is left with nothing to learn from is not tested.

    Args:
        folds: as dealt.
        y: (N,) class values or float64.
        xy_m: (N, 2) metres.
        guard_m: training samples nearer than this to any test sample are left out.
        classes: True when a fold must learn at least two classes.

    Returns:
        The folds, or None when none can be tested.

    Source: buffered cross-validation, Le Rest et al. 2014, doi:10.1111/geb.12161
    """
    near: list[Int] = []
    for training, test in folds.parts():
        distance, _ = cKDTree(xy_m[test]).query(xy_m[training], distance_upper_bound=guard_m)
        near.append(np.union1d(training[np.isfinite(distance)], folds.without(len(near))))
    return testable(replace(folds, left_out=tuple(near)), y, classes=classes)


def testable(folds: Folds, y: NDArray[Any], *, classes: bool) -> Folds | None:
    """The folds that have something to learn from and something to test; None when there is none."""
    parts = folds.parts()
    good = [
        k for k, (training, test) in enumerate(parts) if len(test) and len(np.unique(y[training])) >= 2
    ]  # values need to vary as well
    if not good:
        return None
    gaps = folds.gaps
    if classes:
        testing = np.setdiff1d(np.unique(y), folds.untested)
        gaps = sum(len(np.setdiff1d(testing, y[parts[k][0]])) for k in good)
    if len(good) == folds.count:
        return replace(folds, gaps=gaps)
    number = np.full(folds.count, TRAINING_ONLY, dtype=np.int64)
    number[good] = np.arange(len(good))
    fold = np.where(folds.fold == TRAINING_ONLY, TRAINING_ONLY, number[folds.fold])
    left_out = tuple(folds.without(k) for k in good)
    names = tuple(folds.names[k] for k in good) if folds.names else ()
    return Folds(fold, len(good), folds.untested, gaps, left_out, folds.dropped + folds.count - len(good), names)


def region_folds(regions: Regions, groups: Int, y: NDArray[Any], *, classes: bool) -> Folds | None:
    """Each region is a fold; what belongs to none is left out, and so is the rest of a group that lies in the test.

    Args:
        regions: of the samples.
        groups: (N,) groups that stay whole.
        y: (N,) class values or float64.
        classes: True when a fold must learn at least two classes.
    """
    left_out = []
    for number in range(len(regions.names)):
        shared = np.isin(groups, groups[regions.of == number]) & (regions.of != number)
        left_out.append(np.flatnonzero(shared | (regions.of < 0)))
    folds = Folds(np.where(regions.of < 0, TRAINING_ONLY, regions.of), len(regions.names), (), 0, tuple(left_out))
    return testable(replace(folds, names=regions.names), y, classes=classes)
