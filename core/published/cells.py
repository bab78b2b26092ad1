"""Cells of published vectors: pixels read in pieces of bounded size, averaged as values, masked by polygons."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from ..grid import Window
from ..region import PolygonMask
from .formulas import Bool, Float, cell_means
from .sources import Upright

READ_BYTES = 24 * 2**20
"""Of float32 values at once, between two looks at a cancel; the steps on them take some three times as much."""
LENGTHS_SIDE_PX = 24
TOGETHER_PX = 1024
"""Files of AlphaEarth are tiled by this; all that lies in one such tile is read before the next is touched, so that
each is decompressed once even when only one fits into GDAL's cache."""


class CellReader:
    """Vectors of the cells of a result.

    Args of the constructor:
        source: of the pixels.
        region: pixels that the result covers; its cells are counted from the upper left one.
        factor: pixels to a side of a cell.
        unit_length: means are brought to length 1.
        mask: on the grid of cells; those with their centre outside get no vector.
    """

    def __init__(
        self, source: Upright, region: Window, factor: int, unit_length: bool, mask: PolygonMask | None
    ) -> None:
        self._source, self._region, self.factor, self._unit, self._mask = source, region, factor, unit_length, mask
        pixels = READ_BYTES // (4 * max(len(source.band_names), 1))
        self._side = max(math.isqrt(pixels) // factor, 1)

    def parts(self, window: Window) -> Iterator[tuple[Window, Float, Bool]]:
        """A window of cells in pieces that fit into memory, each with values and validity as `read` gives them."""
        for row in range(window.row, window.row + window.height, self._side):
            for col in range(window.col, window.col + window.width, self._side):
                height = min(self._side, window.row + window.height - row)
                part = Window(row, col, height, min(self._side, window.col + window.width - col))
                yield part, *self.read(part)

    def read(self, window: Window) -> tuple[Float, Bool]:
        """(D, h, w) float32 vectors of cells, 0 where not valid, and (h, w) bool.

        A cell counts when at least half of its pixels inside the raster are valid.
        """
        cells = np.ones((window.height, window.width), np.bool_) if self._mask is None else self._mask.cells(window)
        if not cells.any():
            return np.zeros((len(self._source.band_names), *cells.shape), np.float32), cells
        inner = self._pixels(window)
        means, counts = cell_means(*self._source.read(inner), self.factor, self._unit)
        cells &= (counts > 0) & (2 * counts >= self._inside(inner))
        means = means * cells
        return means, cells

    def lengths(self, window: Window) -> Float:
        """(n,) lengths of single pixels' vectors in the first cells of a window."""
        inner = self._pixels(window)
        side = min(inner.height, inner.width, LENGTHS_SIDE_PX)
        values, valid = self._source.read(Window(inner.row, inner.col, side, side))
        return np.asarray(np.linalg.norm(values[:, valid], axis=0), np.float32)

    def _pixels(self, window: Window) -> Window:
        inner = window.times(self.factor)
        return Window(inner.row + self._region.row, inner.col + self._region.col, inner.height, inner.width)

    def _inside(self, inner: Window) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
        """How many pixels of each cell lie inside the raster."""
        grid = self._source.grid
        rows = np.arange(inner.row, inner.row + inner.height) < grid.height
        cols = np.arange(inner.col, inner.col + inner.width) < grid.width
        down, across = (axis.reshape(-1, self.factor).sum(axis=1) for axis in (rows, cols))
        return np.outer(down, across)


def in_read_order(windows: Sequence[Window], factor: int) -> list[int]:
    """Indexes of windows of cells such that those which share tiles of the file follow one another."""
    side = max(TOGETHER_PX // factor, 1)

    def place(index: int) -> tuple[int, ...]:
        window = windows[index]
        return window.row // side, window.col // side, window.row, window.col

    return sorted(range(len(windows)), key=place)
