"""Tiles put together to output blocks, lane by lane, in bounded memory.

Exact backbones: a tile's cells are stored as they come. Networks: tiles are blended in float32 rows that stay open
until the last tile that touches them has come.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .grid import Window
from .quantise import NODATA_CODE, Quantiser
from .tiling import Plan, starts_of, weights_of

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Put = Callable[[int, NDArray[np.generic]], None]


class LaneStitcher:
    """The unfinished rows of one lane.

    Attributes:
        cells: that got a vector so far.

    Args of the constructor:
        plan: of the whole output.
        lane: number of the lane.
        dimensions: bands.
        quantiser: for storage in bytes; None stores float32 with NaN.
        done: blocks that need not be put again.
        put: takes the index of a block and its values.
    """

    def __init__(
        self, plan: Plan, lane: int, dimensions: int, quantiser: Quantiser | None, done: frozenset[int], put: Put
    ) -> None:
        self._plan, self._dimensions, self._quantiser, self._done, self._put = plan, dimensions, quantiser, done, put
        self._col, self._width = plan.lanes[lane]
        self._final = 0
        self.cells = 0
        self._rows: dict[int, NDArray[np.generic]] = {}
        if plan.blended:
            self._row_weights = _weights(plan.height, plan)
            self._col_weights = _weights(plan.width, plan)
            self._open = np.zeros((dimensions, plan.tile, self._width), np.float32)
            self._cells = np.zeros((plan.tile, self._width), np.bool_)

    def advance(self, row: int) -> None:
        """Say that no tile to come touches rows above `row`: whole blocks among them are put."""
        block = self._plan.block
        row = min(row, self._plan.height)
        while self._final < row:
            number = self._final // block
            bottom = min((number + 1) * block, self._plan.height)
            stop = min(row, bottom)
            if self._plan.blended:
                self._close_rows(stop - self._final)
            self._final = stop
            if stop == bottom:
                self._put_row(number)

    def add(self, tile: Window, vectors: Float, cells: Bool) -> None:
        """Take over a tile.

        Args:
            tile: its cells; rows above the last `advance` must not be touched.
            vectors: (D, h, w) float32.
            cells: (h, w) bool: which of them count.
        """
        if not self._plan.blended:
            self._store(tile, vectors, cells)
            return
        shared = tile.intersection(Window(self._final, self._col, self._plan.height - self._final, self._width))
        if shared is None:
            return
        rows, cols = shared.slices_in(tile)
        weights = np.outer(self._row_weights[tile.row][rows], self._col_weights[tile.col][cols])
        place = shared.slices_in(Window(self._final, self._col, 0, 0))
        self._open[(slice(None), *place)] += vectors[:, rows, cols] * weights
        self._cells[place] |= cells[rows, cols]

    def _close_rows(self, count: int) -> None:
        """Store the first `count` open rows and move the rest up."""
        tile = self._plan.tile
        for start in range(0, count, tile):
            n = min(tile, count - start)
            window = Window(self._final + start, self._col, n, self._width)
            self._store(window, self._open[:, :n], self._cells[:n])
            self._open[:, : tile - n] = self._open[:, n:].copy()
            self._open[:, tile - n :] = 0
            self._cells[: tile - n] = self._cells[n:].copy()
            self._cells[tile - n :] = False

    def _store(self, window: Window, vectors: Float, cells: Bool) -> None:
        """Bring vectors to the stored type, into the rows of the blocks that they belong to."""
        block = self._plan.block
        self.cells += int(cells.sum())
        stored: NDArray[np.generic]
        if self._quantiser is not None:
            stored = self._quantiser.encode(vectors, cells)
        else:
            stored = np.where(cells, vectors, np.float32(np.nan))
        for number in range(window.row // block, (window.row + window.height - 1) // block + 1):
            target = self._row_of_blocks(number)
            outer = Window(number * block, self._col, target.shape[1], self._width)
            shared = window.intersection(outer)
            if shared is not None:
                target[(slice(None), *shared.slices_in(outer))] = stored[(slice(None), *shared.slices_in(window))]

    def _row_of_blocks(self, number: int) -> NDArray[np.generic]:
        if number not in self._rows:
            block = self._plan.block
            shape = (self._dimensions, min(block, self._plan.height - number * block), self._width)
            if self._quantiser is not None:
                self._rows[number] = np.full(shape, NODATA_CODE, np.uint8)
            else:
                self._rows[number] = np.full(shape, np.nan, np.float32)
        return self._rows[number]

    def _put_row(self, number: int) -> None:
        block = self._plan.block
        across = -(-self._plan.width // block)
        columns = range(self._col // block, -(-(self._col + self._width) // block))
        missing = [col for col in columns if number * across + col not in self._done]
        if missing:
            values = self._row_of_blocks(number)
            for col in missing:
                start = col * block - self._col
                self._put(number * across + col, values[:, :, start : start + block])
        self._rows.pop(number, None)


def _weights(length: int, plan: Plan) -> dict[int, Float]:
    starts = starts_of(length, plan.tile, plan.overlap)
    return dict(zip(starts, weights_of(starts, plan.tile, plan.overlap), strict=True))
