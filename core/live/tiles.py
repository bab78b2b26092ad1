"""Cells of a raster held in memory by tiles, so that a view that is moved reads only what is new.

Where the view is thinned, tiles are of the thinned grid: every step-th cell of it, read from whole blocks.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.crew import thread_count
from ..grid import Window
from ..progress import Progress
from ..quantise import interleave, joined
from ..raster import RasterReader, environment, open_raster

TILE = 64
"""Cells a side: the pieces that kernels work on."""
BLOCK_CELLS = 128
"""Of our own files; a read of less unpacks as much."""
READ_BYTES = 32 * 2**20
"""At most so much is read in one go, so that a cancel is heard."""
HELD_BYTES = 512 * 2**20
"""For the cells of one view; a larger one is thinned."""
READERS = 2
"""Side by side; each unpacks what it reads."""


@dataclass(frozen=True)
class Tile:
    """TILE x TILE cells, those beyond the raster not valid."""

    cells: NDArray[Any]
    """(TILE, TILE, D) uint8 codes, or float32."""
    valid: NDArray[np.bool_]


@dataclass(frozen=True)
class Piece:
    """A part of a tile that a view shows."""

    place: Window
    """On the thinned grid."""
    tile: Tile
    inside: tuple[slice, slice]

    def rows(self) -> NDArray[Any]:
        """(n, D) cells, contiguous; without a copy where whole rows are shown."""
        some = self.tile.cells[self.inside]
        return np.ascontiguousarray(some).reshape(-1, some.shape[-1])

    @property
    def valid(self) -> NDArray[np.bool_]:
        """Which of its cells hold data: (height, width)."""
        return self.tile.valid[self.inside]


class Tiles:
    """The tiles of one view at a time.

    Attributes:
        step: every so many cells are held.
    """

    def __init__(self, reader: RasterReader, threads: int) -> None:
        """Hold nothing yet.

        Args:
            reader: tells grid, bands and coding; is used from the thread that calls.
            threads: that read.
        """
        self._reader = reader
        self._held: dict[tuple[int, int], Tile] = {}
        self.step = 1
        self._closing = ExitStack()
        self._count = min(thread_count(threads), READERS)
        self._own = threading.local()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(self._count, "read cells")

    def close(self) -> None:
        """Forget all and let go of the files."""
        self._pool.shutdown(cancel_futures=True)
        self._held = {}
        self._closing.close()

    @property
    def cell_bytes(self) -> int:
        """Memory of one cell."""
        return len(self._reader.bands) * (1 if self._reader.coding is not None else 4)

    @property
    def _grid(self) -> Window:
        """All cells of the thinned grid."""
        grid = self._reader.grid
        return Window(0, 0, -(-grid.height // self.step), -(-grid.width // self.step))

    def fitting(self, cells: int) -> int:
        """By how much a window of so many cells must be thinned so that memory holds it; 1: not at all."""
        return max(1, int(np.ceil(np.sqrt(cells * self.cell_bytes / HELD_BYTES))))

    def hold(self, window: Window, step: int, progress: Progress) -> int:
        """Read what the window lacks and forget what lies beside it; a cancel keeps what was read.

        Args:
            window: on the thinned grid.
            step: of that grid.
            progress: a cancel is heard within a read.

        Returns:
            Tiles that were read.

        Raises:
            BadInput: the file cannot be read.
        """
        if step != self.step:
            self._held, self.step = {}, step
        wanted = set(self._numbers(window))
        self._held = {number: tile for number, tile in self._held.items() if number in wanted}
        missing = wanted - set(self._held)
        units: dict[tuple[int, int], list[tuple[int, int]]] = {}
        side = max(1, BLOCK_CELLS // (TILE * step))
        for row, col in sorted(missing):
            units.setdefault((row // side, col // side), []).append((row, col))
        pending = list(units.values())
        for start in range(0, len(pending), self._count):
            progress.checkpoint(start / len(pending), "Reading the view")
            some = pending[start : start + self._count]
            for tiles in self._pool.map(lambda numbers: self._read(numbers, progress), some):
                self._held.update(tiles)
        return len(missing)

    def pieces(self, window: Window) -> Iterator[Piece]:
        """Parts of held tiles that cover the window, as far as it lies on the raster."""
        for number in self._numbers(window):
            tile = self._held.get(number)
            whole = Window(number[0] * TILE, number[1] * TILE, TILE, TILE)
            place = whole.intersection(window)
            place = None if place is None else place.intersection(self._grid)
            if tile is not None and place is not None and tile.valid[place.slices_in(whole)].any():
                yield Piece(place, tile, place.slices_in(whole))

    def take(self, row: int, col: int) -> tuple[NDArray[Any], bool] | None:
        """The (D,) cell of the raster and whether it is valid; None when it is not held."""
        if row % self.step or col % self.step:
            return None
        row, col = row // self.step, col // self.step
        tile = self._held.get((row // TILE, col // TILE))
        return None if tile is None else (tile.cells[row % TILE, col % TILE], bool(tile.valid[row % TILE, col % TILE]))

    def _numbers(self, window: Window) -> list[tuple[int, int]]:
        """Row and column of each tile that holds a cell of the window and of the raster."""
        inside = window.intersection(self._grid)
        if inside is None:
            return []
        rows = range(inside.row // TILE, (inside.row + inside.height - 1) // TILE + 1)
        cols = range(inside.col // TILE, (inside.col + inside.width - 1) // TILE + 1)
        return [(row, col) for row in rows for col in cols]

    def _mine(self) -> RasterReader:
        """The reader of this thread."""
        if not hasattr(self._own, "reader"):
            self._own.reader = open_raster(self._reader.path, self._reader.bands)
            with self._lock:
                self._closing.callback(self._own.reader.close)
        found: RasterReader = self._own.reader
        return found

    def _read(self, numbers: list[tuple[int, int]], progress: Progress) -> dict[tuple[int, int], Tile]:
        """Tiles that lie side by side."""
        bands = len(self._reader.bands)
        kind = np.uint8 if self._reader.coding is not None else np.float32
        tiles = {
            number: Tile(np.zeros((TILE, TILE, bands), kind), np.zeros((TILE, TILE), np.bool_)) for number in numbers
        }
        top, left = np.min(numbers, axis=0) * TILE
        bottom, right = (np.max(numbers, axis=0) + 1) * TILE
        region = Window(int(top), int(left), int(bottom - top), int(right - left)).intersection(self._grid)
        if region is None:
            return tiles
        with environment():
            for part in self._parts(region, bands):
                progress.checkpoint()
                self._fill(tiles, part)
        return tiles

    def _parts(self, region: Window, bands: int) -> Iterator[Window]:
        """The region in pieces whose blocks are read whole, and at most `READ_BYTES` in one go."""
        size = self.cell_bytes
        high = max(1, min(region.height, max(BLOCK_CELLS, READ_BYTES // (size * BLOCK_CELLS)) // self.step))
        wide = max(1, READ_BYTES // (size * max(high * self.step, 1)) // self.step)
        for row in range(region.row, region.row + region.height, high):
            for col in range(region.col, region.col + region.width, wide):
                height = min(high, region.row + region.height - row)
                yield Window(row, col, height, min(wide, region.col + region.width - col))

    def _fill(self, tiles: dict[tuple[int, int], Tile], part: Window) -> None:
        step = self.step
        raw = Window(part.row * step, part.col * step, (part.height - 1) * step + 1, (part.width - 1) * step + 1)
        reader = self._mine()
        if reader.coding is None:
            values, valid = reader.read(raw)
            bands: NDArray[Any] = values[:, ::step, ::step]
        else:
            codes, valid = reader.read_codes(raw)
            bands = joined(codes[:, ::step, ::step])
        valid = valid[::step, ::step]
        for (row, col), tile in tiles.items():
            whole = Window(row * TILE, col * TILE, TILE, TILE)
            place = part.intersection(whole)
            if place is None:
                continue
            here, there = place.slices_in(part), place.slices_in(whole)
            interleave(bands[(slice(None), *here)], tile.cells[there])
            tile.valid[there] = valid[here]
