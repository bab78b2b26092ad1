"""A block made of what was sampled, packed on trial: how small it gets, how long it takes, and which way is better."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .embedding import Sample
from .packing import PREDICTOR_DIFFERENCES, PREDICTOR_NONE, Packer
from .quantise import Quantiser
from .writing import LEVEL

MOST_SHARE = 1.5
"""Compressed numbers are hardly larger than plain ones, but for a few cells in a large block."""
COMPARED_BANDS = 64
"""Enough to tell which way of packing is better; a block of 8,192 bands would take a second."""
WORTH = 0.98
"""Plain numbers must be at least so much smaller than differences: what varies along rows is the rule."""


class Trial(NamedTuple):
    """What packing a block told.

    Attributes:
        share: bytes after compression for each before.
        cell_bytes: after compression, for each cell that has a vector.
        seconds: of one thread, for such a cell.
    """

    share: float
    cell_bytes: float
    seconds: float


def packed(drawn: Sample, quantiser: Quantiser | None, packer: Packer, clock: Callable[[], float]) -> Trial | None:
    """Pack a block made of sampled tiles side by side; None where nothing was kept of the sample.

    What they do not fill stays empty: tiles that are there twice would compress too well.
    """
    block = _block(drawn, quantiser, packer.block)
    if block is None:
        return None
    stored, count = block
    started = clock()
    size = sum(packer.pack(stored).lengths)
    seconds, cells = clock() - started, stored.shape[1] * stored.shape[2]
    return Trial(min(size / stored.nbytes * cells / count, MOST_SHARE), size / count, seconds / count)


def differences_pay(drawn: Sample, quantiser: Quantiser | None, side: int) -> bool:
    """Whether numbers get smaller as differences from their neighbours; so they do, unless the sample shows otherwise.

    Those of most backbones do; of random features many are equal, and they do not.

    Args:
        drawn: the sample.
        quantiser: into bytes; floats are never taken apart.
        side: of a block in cells.
    """
    block = _block(drawn, quantiser, side) if quantiser else None
    if block is None:
        return True
    stored = np.ascontiguousarray(block[0][:: -(-len(block[0]) // COMPARED_BANDS)])
    plain = Packer(side, stored.dtype.name, 0.0, PREDICTOR_NONE, LEVEL)
    sizes = [sum(one.pack(stored).lengths) for one in (plain, replace(plain, predictor=PREDICTOR_DIFFERENCES))]
    return sizes[0] > WORTH * sizes[1]


def _block(drawn: Sample, quantiser: Quantiser | None, side: int) -> tuple[NDArray[Any], int] | None:
    """(count, side, side) numbers as they are stored, and how many cells have a vector."""
    tiles: list[NDArray[np.float32]] = []
    cells: list[NDArray[np.bool_]] = []
    for made in drawn.made.values():
        tiles += list(made.vectors)
        cells += list(made.cells)
    if not tiles:
        return None
    count, high, wide = np.max([tile.shape for tile in tiles], axis=0)  # those at the edge may be narrower
    across, down = -(-side // wide), -(-side // high)
    values = np.zeros((count, down * high, across * wide), np.float32)
    valid = np.zeros(values.shape[1:], np.bool_)
    for place, (tile, mask) in enumerate(zip(tiles, cells, strict=True)):
        row, col = divmod(place, across)
        if row == down:
            break
        rows, cols = slice(row * high, row * high + tile.shape[1]), slice(col * wide, col * wide + tile.shape[2])
        values[:, rows, cols], valid[rows, cols] = tile, mask
    values, valid = np.ascontiguousarray(values[:, :side, :side]), valid[:side, :side]
    stored = quantiser.encode(values, valid) if quantiser else np.where(valid, values, np.float32(np.nan))
    return stored, max(int(valid.sum()), 1)
