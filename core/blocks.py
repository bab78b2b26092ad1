"""Blocks of a raster, read ahead and worked on one by one; and cells drawn from them for statistics.

What every job on whole rasters shares: bounded memory, progress, and going on after a stop.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import BadInput
from .grid import Window
from .progress import Progress
from .raster import RasterReader
from .region import PolygonMask
from .writing import BlockWriter

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

SAMPLE_BLOCK = 128
MOST_BLOCKS = 400
"""Blocks that a draw reads of a larger raster: 6.5 million cells, from which the sample is drawn evenly."""


@dataclass(frozen=True)
class CellSample:
    """Cells drawn evenly from those that are valid, in the order of rows and columns."""

    X: Float
    """(n, D) float32, finite."""
    cells: NDArray[np.int64]
    """(n, 2) row and column."""
    share: float
    """Of the cells looked at, those that are valid and inside the mask."""
    whole: bool
    """True when every cell of the raster was looked at."""


def draw_cells(
    reader: RasterReader, count: int, seed: int, progress: Progress, mask: PolygonMask | None = None
) -> CellSample:
    """At most `count` valid cells; the same for the same seed, whatever was read before.

    Small rasters are read whole. Of large ones blocks are drawn until `MOST_BLOCKS` are read and they hold enough.

    Args:
        reader: used from this thread alone.
        count: wanted.
        seed: decides the draw.
        progress: told while reading.
        mask: cells outside its polygons do not count.

    Raises:
        BadInput: no valid cell.
    """
    rng = np.random.default_rng([seed, 11])
    blocks = reader.grid.blocks(SAMPLE_BLOCK)
    order = rng.permutation(len(blocks))
    # Neighbours one after another: GDAL's cache then reads each strip of the file once.
    order[:MOST_BLOCKS] = np.sort(order[:MOST_BLOCKS])
    kept = _Draw(count, len(reader.bands), rng)
    looked = valid_cells = 0
    for number, index in enumerate(order):
        progress.checkpoint(number / min(len(order), MOST_BLOCKS))
        if number >= MOST_BLOCKS and valid_cells >= count:
            break
        window = blocks[index]
        inside = None if mask is None else mask.cells(window)
        looked += window.height * window.width
        if inside is not None and not inside.any():
            continue
        values, valid = reader.read(window)
        valid = valid if inside is None else valid & inside
        valid_cells += int(valid.sum())
        kept.add(values, valid, window)
    if not valid_cells:
        where = "" if mask is None else " inside the polygons"
        raise BadInput(f"{reader.path} holds no valid cell{where}: all is nodata, masked or NaN.")
    return CellSample(
        *kept.sorted(), share=valid_cells / looked, whole=looked == reader.grid.height * reader.grid.width
    )


class _Draw:
    """The `count` cells of the smallest random keys, among all that were added."""

    def __init__(self, count: int, dimensions: int, rng: np.random.Generator) -> None:
        self._count, self._rng = count, rng
        self._keys = np.empty(0)
        self._X = np.empty((0, dimensions), np.float32)
        self._cells = np.empty((0, 2), np.int64)

    def add(self, values: Float, valid: Bool, window: Window) -> None:
        """Take (D, h, w) values where (h, w) valid into the draw."""
        places = np.argwhere(valid)
        keys = self._rng.random(len(places))
        best = np.argsort(keys, kind="stable")[: self._count]
        rows, columns = places[best].T
        self._keys = np.concatenate([self._keys, keys[best]])
        self._X = np.concatenate([self._X, values[:, rows, columns].T])
        self._cells = np.concatenate([self._cells, places[best] + (window.row, window.col)])
        if len(self._keys) > 2 * self._count:
            self._cut()

    def _cut(self) -> None:
        best = np.argsort(self._keys, kind="stable")[: self._count]
        self._keys, self._X, self._cells = self._keys[best], self._X[best], self._cells[best]

    def sorted(self) -> tuple[Float, NDArray[np.int64]]:
        """Vectors and cells by row and column."""
        self._cut()
        order = np.lexsort((self._cells[:, 1], self._cells[:, 0]))
        return self._X[order], self._cells[order]


def read_blocks(
    reader: RasterReader, windows: Sequence[Window], todo: Sequence[int]
) -> Iterator[tuple[int, Float, Bool]]:
    """Number, values and validity of the windows to do; the next one is read while one is worked on."""
    with ThreadPoolExecutor(1, "read") as pool:
        coming = pool.submit(reader.read, windows[todo[0]]) if len(todo) else None
        for position, index in enumerate(todo):
            values, valid = coming.result() if coming is not None else reader.read(windows[index])
            coming = pool.submit(reader.read, windows[todo[position + 1]]) if position + 1 < len(todo) else None
            yield index, values, valid


def fill(
    reader: RasterReader, writer: BlockWriter, numbers: Callable[[Float], NDArray[Any]], progress: Progress
) -> None:
    """Put every block that the writer still lacks, and finish it.

    Args:
        reader: whose grid is that of the writer.
        writer: one or more bands.
        numbers: of (n, D) valid vectors, n > 0, gives (bands, n) of the writer's dtype.
        progress: a cancel keeps the blocks that are done.
    """
    todo = [index for index in range(len(writer.windows)) if index not in writer.done]
    if len(todo) < len(writer.windows):
        finished = len(writer.windows) - len(todo)
        progress.info(f"Going on: {finished} of {len(writer.windows)} blocks were finished before.")
    for done, (index, values, valid) in enumerate(read_blocks(reader, writer.windows, todo)):
        progress.checkpoint(done / len(todo))
        block = np.full((len(writer.bands), *valid.shape), writer.nodata, writer.dtype)
        if valid.any():
            block[:, valid] = numbers(values[:, valid].T)
        writer.put(index, block)
    writer.finish()
