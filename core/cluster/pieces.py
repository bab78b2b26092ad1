"""Which output blocks make a piece of work: rectangles of blocks within a lane. Pure arithmetic on the plan.

Batches are those of the plan, so that a piece gives the same pixels as a run at home. A batch whose tiles reach across
the border of two pieces is made for both: the larger the pieces, the less of that. Batches of networks run along rows
of tiles, so their pieces are as wide as the lane; those of exact backbones may be narrower.
"""

import heapq
from bisect import bisect_left
from itertools import accumulate, pairwise
from typing import NamedTuple

from ..tiling import Plan

SLACK = 0.05
"""Time over the shortest that is given for smaller pieces: less is lost with a worker, and progress is told sooner."""
MOST_BYTES = 512 * 2**20
"""Of a piece before compression: a worker holds its blocks until they are written."""
LEAST_BYTES = 16 * 2**20
"""Of a piece before compression: each costs the driver some messages, and the worker a look into the raster."""
MOST_PIECES = 32
"""For each worker: at the end they wait for the last piece, a thirtieth of their time at most."""
MOST_TWICE = 0.02
"""Share of tiles that narrower pieces of an exact backbone may cost."""


class Piece(NamedTuple):
    """Blocks of one lane: rows `top` to `bottom`, columns `left` to `right`, the latter not included."""

    lane: int
    top: int
    bottom: int
    left: int
    right: int

    def blocks(self, plan: Plan) -> frozenset[int]:
        """Indexes of its blocks."""
        across = -(-plan.width // plan.block)
        columns = range(self.left, self.right)
        return frozenset(row * across + col for row in range(self.top, self.bottom) for col in columns)


class Size(NamedTuple):
    """Block rows and columns of a piece; those at the end of a lane are what is left."""

    rows: int
    cols: int


def pieces_of(plan: Plan, size: Size) -> list[Piece]:
    """All pieces, in the order of the plan."""
    down = [*range(0, _block_rows(plan), size.rows), _block_rows(plan)]
    return [
        Piece(number, top, bottom, left, right)
        for number, lane in enumerate(plan.lanes)
        for top, bottom in pairwise(down)
        for left, right in pairwise(_columns(plan, lane, size.cols))
    ]


def size_of_pieces(plan: Plan, workers: int, itemsize: int) -> Size:
    """How large pieces are: as small as take hardly longer than the best size.

    Args:
        plan: of the whole output.
        workers: that will share the work.
        itemsize: bytes of a stored number.
    """
    lanes = [_Lane(plan, number) for number in range(len(plan.lanes))]
    cols = max(_block_cols(plan, lane) for lane in plan.lanes) if plan.blended else _narrow(plan)
    height, abreast = _block_rows(plan), sum(len(_columns(plan, lane, cols)) - 1 for lane in plan.lanes)
    row_bytes = plan.dimensions * itemsize * plan.block**2 * cols
    fitting = min(max(MOST_BYTES // row_bytes, 1), height)
    share = max(height * abreast // workers, 1)
    worth = max(-(-LEAST_BYTES // row_bytes), -(-height * abreast // (MOST_PIECES * workers)))
    least = min(worth, share, fitting)
    sizes = [Size(rows, cols) for rows in range(least, max(least, min(share, fitting)) + 1)]
    times = {size: _time([t for lane in lanes for t in lane.tiles_of_pieces(size)], workers) for size in sizes}
    bearable = min(times.values()) * (1 + SLACK)
    return next(size for size, time in times.items() if time <= bearable)


def made_twice(plan: Plan, size: Size) -> float:
    """Share of the tiles that are made once more than at home."""
    lanes = [_Lane(plan, number) for number in range(len(plan.lanes))]
    needed = sum(lane.tiles(0, _block_rows(plan)) for lane in lanes)
    return sum(sum(lane.tiles_of_pieces(size)) for lane in lanes) / needed - 1


def _time(tiles: list[float], workers: int) -> float:
    """Tiles of the busiest worker, when each takes the next piece as soon as it is free."""
    busy = [0.0] * workers
    for piece in tiles:
        heapq.heapreplace(busy, busy[0] + piece)
    return max(busy)


class _Lane:
    """Tiles of the batches of a lane, by the block rows that they touch."""

    def __init__(self, plan: Plan, number: int) -> None:
        self._plan, self._lane = plan, plan.lanes[number]
        batches = [batch for batch in plan.batches if batch.lane == number]
        # Tiles lie in rows from the top, so both lists rise.
        self._first = [min(tile.row for tile in batch.tiles) // plan.block for batch in batches]
        bottoms = [max(tile.row + tile.height for tile in batch.tiles) for batch in batches]
        self._last = [(min(bottom, plan.height) - 1) // plan.block for bottom in bottoms]
        self._tiles = [0, *accumulate(len(batch.tiles) for batch in batches)]

    def tiles(self, top: int, bottom: int) -> int:
        """Tiles that must be made for these block rows."""
        return self._tiles[bisect_left(self._first, bottom)] - self._tiles[bisect_left(self._last, top)]

    def tiles_of_pieces(self, size: Size) -> list[float]:
        """Tiles of each piece; of narrow ones as if batches were single tiles, as those of exact backbones are."""
        height = _block_rows(self._plan)
        rows = [self.tiles(top, bottom) for top, bottom in pairwise([*range(0, height, size.rows), height])]
        return [tiles * share for tiles in rows for share in _shares(self._plan, self._lane, size.cols)]


def _narrow(plan: Plan) -> int:
    """Fewest block columns of a piece that cost hardly any tile twice."""
    most = max(_block_cols(plan, lane) for lane in plan.lanes)
    ends = (cols for cols in range(1, most) if _cost(plan, cols) <= 1 + MOST_TWICE)
    return next(ends, most)


def _cost(plan: Plan, cols: int) -> float:
    return max(sum(_shares(plan, lane, cols)) for lane in plan.lanes)


def _shares(plan: Plan, lane: tuple[int, int], cols: int) -> list[float]:
    """Share of a row of tiles of the lane that each piece makes."""
    start, width = lane
    across = -(-width // plan.tile)
    edges = [min(col * plan.block - start, width) for col in _columns(plan, lane, cols)]
    if len(edges) == 2:
        return [1.0]
    return [(-(-right // plan.tile) - left // plan.tile) / across for left, right in pairwise(edges)]


def _columns(plan: Plan, lane: tuple[int, int], cols: int) -> list[int]:
    """First block columns of the pieces of a lane, and the end of the last."""
    first = lane[0] // plan.block
    end = first + _block_cols(plan, lane)
    return [*range(first, end, cols), end]


def _block_cols(plan: Plan, lane: tuple[int, int]) -> int:
    return -(-lane[1] // plan.block)


def _block_rows(plan: Plan) -> int:
    return -(-plan.height // plan.block)
