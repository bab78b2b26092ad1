"""Folds that are dealt already: the same again for other methods, and for the changes of the same places."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...crossval import Scheme
from ...folds import TRAINING_ONLY, Folds
from ...samples import Samples

Int = NDArray[np.int64]


@dataclass(frozen=True)
class Dealt(Scheme):
    """A scheme whose folds are there already."""

    dealt: tuple[tuple[Int, Folds], ...] = ()
    """Groups that inner choices keep together, (N,), and folds, of each repetition."""

    def split(self, samples: Samples, wish: int, seed: int, repeat: int) -> tuple[Int, Folds] | None:
        """Those of the repetition; None where there are no more."""
        return self.dealt[repeat] if repeat < len(self.dealt) else None


def of_pairs(folds: Folds, first: Int, second: Int) -> Folds:
    """Folds of pairs of rows: a pair is tested where both its rows are, and is never learnt from beside one of them.

    Args:
        folds: of the rows.
        first: (M,) rows.
        second: (M,) the other row of each pair.
    """
    fold = np.where((folds.fold[first] >= 0) & (folds.fold[second] >= 0), folds.fold[first], TRAINING_ONLY)
    left_out = []
    for k in range(folds.count):
        out = np.isin(first, folds.without(k)) | np.isin(second, folds.without(k))
        out |= (folds.fold[first] == k) | (folds.fold[second] == k)
        left_out.append(np.flatnonzero(out & (fold != k)))
    return replace(folds, fold=fold, left_out=tuple(left_out))


def bundled(sizes: Sequence[int], count: int) -> Int:
    """Bundle of each of many regions, 0..count-1: the largest first, each to the bundle with the fewest rows."""
    bundle, load = np.zeros(len(sizes), np.int64), np.zeros(count)
    for number in np.argsort(-np.asarray(sizes), kind="stable"):
        bundle[number] = load.argmin()
        load[bundle[number]] += sizes[number]
    return bundle
