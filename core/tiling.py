"""Which tiles a backbone sees, in which order and batches, and how they are blended. Pure arithmetic in cells.

A *lane* is a stripe of whole columns of output blocks, narrow enough that its unfinished rows fit into memory. Lanes
are worked off one after the other, the tiles of a lane in rows from the top. Batches are fixed by the plan alone, so
that a run that was stopped and goes on computes the very same batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .grid import Window

Float = NDArray[np.float32]

LANE_BYTES = 96 * 2**20
"""Most memory for the unfinished rows of one lane."""
BLOCK_BYTES = 2_500_000
"""Size of an output block over all bands that is aimed at: less to repeat after a kill, still worth compressing."""
BLOCK_SIDES = (128, 96, 64, 48, 32, 16)
SMALL_SIDE = 48
"""Sides up to this are taken for blocks up to `MANY_BANDS` times as large. Each tile of a band costs zstd some 7 us
however small it is: a number of random features in bytes took 28 ns in tiles of 16 x 16, 10 ns in 32 x 32, 5.5 ns in
48 x 48 and 4 ns in 64 x 64, and those of 16 x 16 were larger than before."""
MANY_BANDS = 8


class Batch(NamedTuple):
    """Tiles of equal shape that pass through the backbone together."""

    number: int
    lane: int
    tiles: tuple[Window, ...]


@dataclass(frozen=True)
class Plan:
    """Everything about tiles, lanes and batches.

    Attributes:
        height: of the output in cells.
        width: of the output in cells.
        tile: side of a tile in cells.
        overlap: cells that neighbouring tiles share; -1 for exact backbones, whose tiles abut.
        block: side of an output block in cells.
        dimensions: bands of the output.
        lanes: first column and width of each lane.
        batches: all of them, in the order of work.
    """

    height: int
    width: int
    tile: int
    overlap: int
    block: int
    dimensions: int
    lanes: tuple[tuple[int, int], ...]
    batches: tuple[Batch, ...]

    @property
    def blended(self) -> bool:
        """True when tiles overlap or may reach beyond the output (networks)."""
        return self.overlap >= 0

    def blocks_of(self, tile: Window, lane: int) -> list[int]:
        """Indexes of the output blocks of a lane that a tile touches."""
        start, width = self.lanes[lane]
        shared = tile.intersection(Window(0, start, self.height, width))
        if shared is None:
            return []
        across = -(-self.width // self.block)
        rows = range(shared.row // self.block, (shared.row + shared.height - 1) // self.block + 1)
        cols = range(shared.col // self.block, (shared.col + shared.width - 1) // self.block + 1)
        return [row * across + col for row in rows for col in cols]


def block_side(height: int, width: int, dimensions: int, itemsize: int) -> int:
    """Side of output blocks in cells, a multiple of 16: about `BLOCK_BYTES` over all bands, no larger than need be."""
    sizes = {side: side * side * dimensions * itemsize for side in BLOCK_SIDES}
    fits = (side for side in sizes if sizes[side] <= BLOCK_BYTES * (MANY_BANDS if side <= SMALL_SIDE else 1))
    side = next(fits, BLOCK_SIDES[-1])
    return min(side, -(-max(height, width) // 16) * 16)


def starts_of(length: int, tile: int, overlap: int) -> list[int]:
    """First cells of tiles that cover `length`; the last one is shifted back to end where the output ends."""
    if length <= tile:
        return [0]
    return [*range(0, length - tile, tile - overlap), length - tile]


def weights_of(starts: Sequence[int], tile: int, overlap: int) -> Float:
    """How much each tile counts at each of its cells along one axis.

    Returns:
        (len(starts), tile) float32, positive; over all tiles that cover a cell they sum to 1.
    """
    place = np.arange(tile)
    ramp = np.minimum(np.minimum(place + 1, tile - place) / (overlap + 1), 1.0)
    total = np.zeros(starts[-1] + tile)
    for start in starts:
        total[start : start + tile] += ramp
    return np.stack([ramp / total[start : start + tile] for start in starts]).astype(np.float32)


def make_plan(
    height: int, width: int, *, tile: int, overlap: int, exact: bool, batch: int, dimensions: int, itemsize: int
) -> Plan:
    """The plan for an output of `height` x `width` cells.

    Args:
        height: of the output in cells.
        width: of the output in cells.
        tile: side of a tile in cells; when exact a whole number of blocks is taken where it is larger than one.
        overlap: cells that neighbouring tiles share, below `tile`; ignored when exact.
        exact: the backbone's result does not depend on tile borders: tiles abut and are cut at the edge.
        batch: tiles in a batch.
        dimensions: bands of the output.
        itemsize: bytes of a stored number.
    """
    if not exact and not 0 <= overlap < tile:
        raise ValueError(f"An overlap of {overlap} cells does not fit a tile of {tile}.")
    tile, block, lanes = _frame(height, width, tile, exact, dimensions, itemsize)
    batches: list[Batch] = []
    for number, (col, lane) in enumerate(lanes):
        across = (height, width, col, lane, tile, overlap)
        tiles = _abutting(height, col, lane, tile) if exact else _overlapping(*across)
        for group in _groups(tiles, batch):
            batches.append(Batch(len(batches), number, group))
    return Plan(height, width, tile, -1 if exact else overlap, block, dimensions, lanes, tuple(batches))


def _frame(
    height: int, width: int, tile: int, exact: bool, dimensions: int, itemsize: int
) -> tuple[int, int, tuple[tuple[int, int], ...]]:
    """Sides of tiles and blocks, and first column and width of each lane.

    Tiles that abut are whole blocks where they are larger than one, or blocks would wait for the next row of tiles.
    """
    block = block_side(height, width, dimensions, itemsize)
    if exact and tile > block:
        tile = round(tile / block) * block
    column_bytes = dimensions * (block * itemsize + (0 if exact else 4 * tile))
    lane_width = max(LANE_BYTES // (column_bytes * block), 1) * block
    return tile, block, tuple((col, min(lane_width, width - col)) for col in range(0, width, lane_width))


def tile_sides(
    height: int, width: int, *, tile: int, overlap: int, exact: bool, dimensions: int, itemsize: int
) -> tuple[list[int], list[int]]:
    """Heights of the rows of tiles of a plan, and widths of those of all lanes; arguments as for `make_plan`.

    A plan of millions of tiles is not made to count them.
    """
    tile, _, lanes = _frame(height, width, tile, exact, dimensions, itemsize)
    if exact:
        rows = [min(tile, height - row) for row in range(0, height, tile)]
        return rows, [min(tile, lane - at) for _, lane in lanes for at in range(0, lane, tile)]
    starts = starts_of(width, tile, overlap)
    across = sum(start < col + lane and start + tile > col for col, lane in lanes for start in starts)
    return [tile] * len(starts_of(height, tile, overlap)), [tile] * across


def needed(plan: Plan, done: frozenset[int]) -> list[Batch]:
    """Batches that touch a block that is not done, in the order of work."""
    if not done:
        return list(plan.batches)
    block, across = plan.block, -(-plan.width // plan.block)
    missing = np.ones(-(-plan.height // block) * across, np.bool_)
    missing[list(done)] = False
    grid = missing.reshape(-1, across)
    # Rows of blocks with something to do, by lane: where there is none, tiles need not be looked at one by one.
    rows = [np.any(grid[:, col // block : -(-(col + width) // block)], axis=1) for col, width in plan.lanes]
    return [batch for batch in plan.batches if _touches(plan, batch, rows[batch.lane], done)]


def _touches(plan: Plan, batch: Batch, rows: NDArray[np.bool_], done: frozenset[int]) -> bool:
    first, last = batch.tiles[0], batch.tiles[-1]
    if not rows[first.row // plan.block : -(-(last.row + last.height) // plan.block)].any():
        return False
    return any(index not in done for tile in batch.tiles for index in plan.blocks_of(tile, batch.lane))


def spread(count: int) -> list[int]:
    """0 .. count - 1 in an order whose every beginning lies evenly spread (multiples of the golden ratio)."""
    places = np.arange(1, count + 1) * 0.6180339887498949 % 1.0
    return [int(index) for index in np.argsort(np.argsort(places, kind="stable"), kind="stable")]


def _abutting(height: int, col: int, width: int, tile: int) -> list[Window]:
    return [
        Window(row, at, min(tile, height - row), min(tile, col + width - at))
        for row in range(0, height, tile)
        for at in range(col, col + width, tile)
    ]


def _overlapping(height: int, width: int, col: int, lane: int, tile: int, overlap: int) -> list[Window]:
    # The columns of the whole output, not of the lane, so that results do not depend on how wide a lane is.
    columns = [start for start in starts_of(width, tile, overlap) if start < col + lane and start + tile > col]
    return [Window(row, at, tile, tile) for row in starts_of(height, tile, overlap) for at in columns]


def _groups(tiles: Sequence[Window], size: int) -> list[tuple[Window, ...]]:
    groups: list[list[Window]] = []
    for tile in tiles:
        last = groups[-1] if groups else []
        if last and len(last) < size and last[0][2:] == tile[2:]:
            last.append(tile)
        else:
            groups.append([tile])
    return [tuple(group) for group in groups]
