"""Which samples are kept apart together: folds of groups, spatial blocks, random folds; nothing is fitted here.

A fold is honest when nothing in training lies so near to a test sample that it gives the answer away. So whole
groups (polygons, villages, blocks) go to one fold, and every class stays in the training part of every fold.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

Int = NDArray[np.int64]
TRAINING_ONLY = -1
"""Fold of samples that are never tested, because their class exists in no other group."""
_DRAWS = 20


@dataclass(frozen=True)
class Folds:
    """A split of N samples."""

    fold: Int
    """(N,) int64: 0..count-1, or `TRAINING_ONLY`."""
    count: int
    untested: tuple[int, ...] = ()
    """Class values that are trained, but never tested: they, or a class in all their groups, lie in one group only."""
    gaps: int = 0
    """Pairs of (fold, class) where the training part lacks the class; 0 except for groups of many classes."""
    left_out: tuple[Int, ...] = ()
    """For each fold the samples that are in neither part of it; empty when there are none."""
    dropped: int = 0
    """Folds that had nothing left to learn from, and are not tested."""
    names: tuple[str, ...] = ()
    """What each fold is, where it is something (a region); else empty."""

    def without(self, fold: int) -> Int:
        """Indices that are in neither part of a fold."""
        return self.left_out[fold] if self.left_out else np.empty(0, dtype=np.int64)

    def parts(self) -> list[tuple[Int, Int]]:
        """Indices of (training, test) for each fold."""
        both = []
        for k in range(self.count):
            training = self.fold != k
            training[self.without(k)] = False
            both.append((np.flatnonzero(training), np.flatnonzero(self.fold == k)))
        return both


def class_folds(
    y: NDArray[np.integer], groups: NDArray[np.integer], wish: int, seed: int, *, every_class: bool = True
) -> Folds | None:
    """Stratified folds of whole groups.

    Each class deals its groups out to the folds in turn, rarest class first, so a class with two groups or more is in
    every training part; scikit-learn's StratifiedGroupKFold balances cells and does not promise that. There are as
    many folds as the rarest class that can be tested has groups, at most `wish`.

    Args:
        y: (N,) class values.
        groups: (N,) group numbers; any integers.
        wish: most folds.
        seed: decides the draw.
        every_class: each fold tests every class, so the rarest one limits their number; else folds may lack classes,
            which leaves more to train on.

    Returns:
        The folds, or None when fewer than two classes have two groups.
    """
    classes, codes = np.unique(y, return_inverse=True)
    numbers, members = np.unique(groups, return_inverse=True)
    cells = np.zeros((len(numbers), len(classes)), dtype=np.int64)
    np.add.at(cells, (members, codes), 1)
    groups_of_class = (cells > 0).sum(axis=0)
    testable = groups_of_class >= 2
    if testable.sum() < 2:
        return None
    home = _home_class(cells, groups_of_class)
    tested = testable[home]
    # A group that holds a class of no other group cannot be tested, which may leave fewer groups than folds.
    count = int(min(wish, groups_of_class[testable].min() if every_class else wish, tested.sum()))
    best: tuple[int, Int] | None = None
    for draw in range(_DRAWS):
        rng = np.random.default_rng([seed, draw])
        of_group = _deal(np.where(tested, home, -1), np.argsort(groups_of_class, kind="stable"), cells, count, rng)
        gaps = _gaps(of_group, cells[:, testable], count)
        if best is None or gaps < best[0]:
            best = gaps, of_group
        if gaps == 0:
            break
    if best is None or len(np.unique(best[1][tested])) < 2:
        return None
    never = cells[tested].sum(axis=0) == 0
    return Folds(best[1][members], count, tuple(int(value) for value in classes[never]), best[0])


def value_folds(y: NDArray[np.floating], groups: NDArray[np.integer], wish: int, seed: int) -> Folds | None:
    """Folds of whole groups, each with low and high values: groups are ranked by mean and dealt out in turn.

    Returns:
        The folds, or None when there are fewer than two groups.
    """
    numbers, members = np.unique(groups, return_inverse=True)
    count = min(wish, len(numbers))
    if count < 2:
        return None
    sizes = np.bincount(members)
    means = np.bincount(members, weights=y) / sizes
    rng = np.random.default_rng([seed, 0])
    rank = np.empty(len(numbers), dtype=np.int64)
    rank[np.lexsort((rng.random(len(numbers)), means))] = np.arange(len(numbers))
    strata = rank // count
    of_group = _deal(strata, np.arange(strata.max() + 1), sizes[:, None], count, rng)
    return Folds(of_group[members], count)


def make_folds(target: str, y: NDArray[np.generic], groups: NDArray[np.integer], wish: int, seed: int) -> Folds | None:
    """`class_folds` or `value_folds`, by target."""
    if target == "class":
        return class_folds(y.astype(np.int64), groups, wish, seed)
    return value_folds(y.astype(np.float64), groups, wish, seed)


def spatial_blocks(xy_m: NDArray[np.float64], groups: NDArray[np.integer], side_m: float, seed: int) -> Int:
    """Number of the square block in which the middle of each sample's group lies: (N,) int64.

    Groups stay whole, so blocks are never easier than groups. The origin of the blocks is drawn by `seed`, so that
    repetitions cut the area in other places.

    Args:
        xy_m: (N, 2) metres; see `metres`.
        groups: (N,) group numbers.
        side_m: side of a block.
        seed: decides the origin.

    Source: Roberts et al. 2017, Ecography, doi:10.1111/ecog.02881
    """
    _, members = np.unique(groups, return_inverse=True)
    sizes = np.bincount(members)
    middle = np.stack([np.bincount(members, weights=xy_m[:, axis]) / sizes for axis in (0, 1)], axis=1)
    origin = middle.min(axis=0) - np.random.default_rng([seed, 1]).random(2) * side_m
    block = np.floor((middle - origin) / side_m).astype(np.int64)
    _, number = np.unique(block, axis=0, return_inverse=True)
    return number.reshape(-1)[members].astype(np.int64)


def metres_in(xy: NDArray[np.float64], crs: CRS) -> NDArray[np.float64]:
    """Coordinates of a system in metres; see `metres`."""
    unit_m = 1.0 if crs.is_geographic else float(crs.axis_info[0].unit_conversion_factor)
    return metres(xy, crs.is_geographic, unit_m)


def metres(xy: NDArray[np.float64], is_geographic: bool, unit_m: float = 1.0) -> NDArray[np.float64]:
    """Coordinates in metres, good enough to measure blocks.

    Degrees become metres on a sphere at the middle latitude; longitudes are taken about their circular mean, so an
    area that crosses 180 degrees stays in one piece.

    Args:
        xy: (N, 2) float64, x or longitude first.
        is_geographic: True when `xy` is in degrees.
        unit_m: metres of one unit of a projected CRS.
    """
    if not is_geographic:
        return xy * unit_m
    angle = np.deg2rad(xy[:, 0])
    centre = np.arctan2(np.sin(angle).mean(), np.cos(angle).mean())
    x = np.angle(np.exp(1j * (angle - centre)))
    y = np.deg2rad(xy[:, 1])
    return 6_371_000.0 * np.stack([x * np.cos(y.mean()), y], axis=1)


def _home_class(cells: Int, groups_of_class: Int) -> Int:
    """The class by which each group is dealt: of those in it, the one that the fewest groups have."""
    rarity = np.where(cells > 0, groups_of_class[None, :], np.iinfo(np.int64).max)
    return np.asarray(np.argmin(rarity, axis=1))


def _deal(strata: Int, order: Int, cells: Int, count: int, rng: np.random.Generator) -> Int:
    """Fold of each group: each stratum deals to the folds that have least of it, then fewest cells."""
    of_group = np.full(len(strata), TRAINING_ONLY, dtype=np.int64)
    load = np.zeros(count)
    for stratum in order:
        mine = np.zeros(count)
        for group in rng.permutation(np.flatnonzero(strata == stratum)):
            fold = np.lexsort((rng.random(count), load, mine))[0]
            of_group[group] = fold
            mine[fold] += 1
            load[fold] += cells[group].sum()
    return of_group


def _gaps(of_group: Int, cells: Int, count: int) -> int:
    """How often a class is missing from the training part of a fold."""
    return sum(int((cells[of_group != fold].sum(axis=0) == 0).sum()) for fold in range(count))
