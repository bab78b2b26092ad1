"""Cover of each photo: the share of its points that bear a label, at a level of the label tree. Arrays only."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..tree import LabelTree

Float = NDArray[np.float64]
Int = NDArray[np.int64]
NOBODY = -1
"""In place of a label where nobody, or nothing, said any; also of a label that does not count."""


@dataclass(frozen=True)
class Labelled:
    """n points of P photos, and what people and a machine say of them."""

    photos: int
    labels: tuple[str, ...]
    """L codes of the tree."""
    photo: Int
    """(n,) photo of each point, 0..P-1."""
    machine: Int
    """(n,) number of the label that the machine says; `NOBODY` where it says none."""
    point: Int
    """(m,) point that a person spoke of, 0..n-1; several may speak of one."""
    label: Int
    """(m,) number of the label that the person says."""

    @property
    def weight(self) -> Float:
        """(m,) one over the number of people who spoke of the point, so that each point counts once."""
        voices = np.bincount(self.point, minlength=len(self.photo))
        return np.asarray(1.0 / voices[self.point])


@dataclass(frozen=True)
class Classes:
    """What labels count as."""

    level: int
    codes: tuple[str, ...]
    """K of them, in the order of the tree."""
    of: Int
    """(L,) class of each label; `NOBODY` for labels that do not count."""


@dataclass(frozen=True)
class Shares:
    """Cover of P photos by K classes."""

    classes: Classes
    people: Float
    """(P, K) as people say; NaN for photos that they did not label whole, or in which no point counts."""
    machine: Float
    """(P, K) as the machine says; NaN likewise."""
    counted: Float
    """(P,) points behind `people`, or behind `machine` where people did not label the photo whole."""
    joint: Any
    """(P, K * K) sparse: points of each photo by what people (rows of K x K) and the machine (columns) say; only photos
    that people labelled whole, and points that count for both."""

    @property
    def checked(self) -> NDArray[np.bool_]:
        """(P,) photos of which people labelled every point."""
        return ~np.isnan(self.people[:, 0])

    @property
    def read(self) -> NDArray[np.bool_]:
        """(P,) photos of which the machine labelled every point."""
        return ~np.isnan(self.machine[:, 0])


def classes_at(tree: LabelTree, labels: tuple[str, ...], level: int, left_out: Collection[str] = ()) -> Classes:
    """Classes at a level: labels there, and labels above it that stand for themselves.

    Args:
        tree: knows all `labels`.
        labels: L codes, each once.
        level: 1 for the roots; the depth of the tree for the labels as given.
        left_out: labels that do not count, with all below them, as frames and shadows.
    """
    rolled = tree.rolled_up(level)
    gone = {tree.code(code) for code in left_out}
    kept = [None if gone & set(tree.path(code)) else rolled[tree.code(code)] for code in labels]
    met = set(kept)
    codes = tuple(code for code in tree.codes if code in met)
    number = {code: at for at, code in enumerate(codes)}
    return Classes(level, codes, np.array([NOBODY if code is None else number[code] for code in kept], np.int64))


def shares(data: Labelled, classes: Classes) -> Shares:
    """Cover of every photo."""
    P, K, n = data.photos, len(classes.codes), len(data.photo)
    points = np.bincount(data.photo, minlength=P)
    truth = classes.of[data.label]
    spoken = np.zeros(n, bool)
    spoken[data.point] = True
    whole = (np.bincount(data.photo[spoken], minlength=P) == points) & (points > 0)
    counts = _counted(data.photo[data.point], truth, data.weight, P, K)
    counts[~whole] = 0.0
    read = (np.bincount(data.photo[data.machine >= 0], minlength=P) == points) & (points > 0)
    said = np.where(data.machine >= 0, classes.of[data.machine], NOBODY) if len(classes.of) else data.machine
    seen = _counted(data.photo, said, np.ones(n), P, K)
    seen[~read] = 0.0
    people, machine = _divided(counts), _divided(seen)
    behind = np.where(counts.sum(axis=1) > 0, counts.sum(axis=1), seen.sum(axis=1))
    return Shares(classes, people, machine, behind, _joint(data, truth, said, whole & read, K))


def _counted(photo: Int, label: Int, weight: Float, P: int, K: int) -> Float:
    there = label >= 0
    counts = np.bincount(photo[there] * K + label[there], weights=weight[there], minlength=P * K)
    return np.asarray(counts.reshape(P, K), np.float64)


def _divided(counts: Float) -> Float:
    total = counts.sum(axis=1, keepdims=True)
    return np.asarray(np.divide(counts, total, out=np.full_like(counts, np.nan), where=total > 0))


def _joint(data: Labelled, truth: Int, said: Int, both: NDArray[np.bool_], K: int) -> Any:
    photo, seen = data.photo[data.point], said[data.point]
    used = both[photo] & (truth >= 0) & (seen >= 0)
    place = (photo[used], truth[used] * K + seen[used])
    return sparse.csr_array((data.weight[used], place), shape=(data.photos, K * K))
