"""How the authors of the spatio-temporal transformer split cells: six folds, one for validation, and a region apart.

After `spatial-vs-spatiotemporal` (R. Jarry, 2023). Random cells leak into their neighbours: see `core/folds.py` for
spatial blocks, which are reported beside.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
FOLDS = 6


@dataclass(frozen=True)
class Turn:
    """Indices of cells in one of five turns."""

    training: Int
    validation: Int
    test: Int


def turns(count: int, seed: int, folds: int = FOLDS) -> Iterator[Turn]:
    """Cells are shuffled and dealt out; the last fold always validates, the others test in turn.

    Args:
        count: cells, without those of the region apart.
        seed: decides the shuffle.
        folds: sizes differ by one at most, larger ones first.

    Raises:
        ValueError: fewer than three folds, or fewer cells than folds.
    """
    if folds < 3 or count < folds:
        raise ValueError(f"{count} cells cannot be dealt out to {folds} folds; three and as many cells are needed.")
    parts = np.array_split(np.random.default_rng(seed).permutation(count), folds)
    for test in range(folds - 1):
        training = np.concatenate([part for number, part in enumerate(parts[:-1]) if number != test])
        yield Turn(np.sort(training), np.sort(parts[-1]), np.sort(parts[test]))


def in_rectangle(row_px: Int, col_px: Int, rows: tuple[int, int], cols: tuple[int, int]) -> Bool:
    """(N,) cells whose upper left pixel lies in a rectangle of pixels; its ends do not belong to it.

    Args:
        row_px: (N,) first row of each cell.
        col_px: (N,) first column.
        rows: first and end.
        cols: first and end.
    """
    inside = (row_px >= rows[0]) & (row_px < rows[1]) & (col_px >= cols[0]) & (col_px < cols[1])
    return np.asarray(inside)
