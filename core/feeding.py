"""Tiles read ahead in a thread: pixels, what is valid, and which cells will have a vector."""

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from .grid import Window
from .patience import LEAVE_S, next_of
from .region import PolygonMask
from .tiling import Batch
from .windows import Reader

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
T = TypeVar("T")

AHEAD = 2
"""Batches that wait at most."""


@dataclass(frozen=True)
class Fed:
    """A batch, without the tiles that hold nothing valid.

    Attributes:
        batch: as planned.
        tiles: those that hold something.
        values: (B, C, H, W) float32 for the backbone.
        valid: (B, H, W) bool for the backbone.
        cells: (B, h, w) bool: cells that get a vector.
    """

    batch: Batch
    tiles: tuple[Window, ...]
    values: Float
    valid: Bool
    cells: Bool


class TileSource:
    """Reads tiles of the output grid from the raster; use it from one thread.

    Args of the constructor:
        reader: of the raster.
        region: the pixels that the output covers.
        patch_px: pixels to a cell.
        halo_px: context on each side.
        mirror: pixels beyond the raster are mirrored and count as seen by the backbone; else they are invalid.
        mask: on the output grid; cells with their centre outside get no vector.
    """

    def __init__(
        self, reader: Reader, region: Window, patch_px: int, halo_px: int, mirror: bool, mask: PolygonMask | None
    ) -> None:
        self._reader, self._region, self._mask = reader, region, mask
        self._patch, self._halo, self._mirror = patch_px, halo_px, mirror

    def fetch(self, tile: Window) -> tuple[Float, Bool, Bool] | None:
        """Values, validity for the backbone and cells of a tile, or None when no cell gets a vector."""
        inner = tile.times(self._patch)
        inner = Window(inner.row + self._region.row, inner.col + self._region.col, inner.height, inner.width)
        window = inner.grown(self._halo)
        values, valid = self._reader.read(window)
        if self._reader.looks:
            return self._fetch_looks(tile, inner, values, valid)
        cells = self._cells(inner, valid[inner.slices_in(window)])
        if self._mask is not None:
            cells &= self._mask.cells(tile)
        if not cells.any():
            return None
        if self._mirror:
            values, valid = _mirrored(values, valid, window, self._reader.grid.whole)
        return values, valid, cells

    def _fetch_looks(self, tile: Window, inner: Window, values: Float, valid: Bool) -> tuple[Float, Bool, Bool] | None:
        """The same for looks with gaps of their own: a cell counts where one of them has at least half of its pixels.

        Beyond the raster they are mirrored first, as a network that sees no look of a patch has nothing to tell of it;
        for backbones without tile borders the nearest pixel is repeated, which lies in the same cell.
        """
        grid, patch = self._reader.grid, self._patch
        values, valid = _mirrored(values, valid, inner, grid.whole, nearest=not self._mirror)
        height, width = inner.height // patch, inner.width // patch
        rows = _inside(inner.row, inner.height, grid.height)[::patch]
        cols = _inside(inner.col, inner.width, grid.width)[::patch]
        cells = np.zeros((height, width), np.bool_)
        for band in dict(zip(reversed(self._reader.looks), reversed(range(len(values))), strict=True)).values():
            seen = ~np.isnan(values[band]).reshape(height, patch, width, patch)
            cells |= 2 * seen.sum(axis=(1, 3), dtype=np.int64) >= patch * patch
        cells &= np.outer(rows, cols)
        if self._mask is not None:
            cells &= self._mask.cells(tile)
        return (values, valid, cells) if cells.any() else None

    def feed(self, batch: Batch) -> Fed:
        """A batch without its empty tiles."""
        found = [(tile, got) for tile in batch.tiles if (got := self.fetch(tile)) is not None]
        if not found:
            none = np.zeros((0, 0, 0), np.bool_)
            return Fed(batch, (), np.zeros((0, 0, 0, 0), np.float32), none, none)
        tiles, parts = zip(*found, strict=True)
        values, valid, cells = (np.stack(part) for part in zip(*parts, strict=True))
        return Fed(batch, tiles, values, valid, cells)

    def _cells(self, inner: Window, valid: Bool) -> Bool:
        """Cells of which at least half the pixels are valid, of those pixels that lie inside the raster."""
        patch = self._patch
        rows = _inside(inner.row, inner.height, self._reader.grid.height).reshape(-1, patch).sum(axis=1)
        cols = _inside(inner.col, inner.width, self._reader.grid.width).reshape(-1, patch).sum(axis=1)
        inside = np.outer(rows, cols)
        if valid.all():
            return inside > 0
        shape = inner.height // patch, patch, inner.width // patch, patch
        count = valid.reshape(shape).sum(axis=(1, 3), dtype=np.int64)
        cells: Bool = (2 * count >= inside) & (count > 0)
        return cells


def ahead(make: Callable[[], Iterable[T]], depth: int = AHEAD) -> Generator[T, None, None]:
    """What an iterable gives, made in a thread of its own that is at most `depth` items in front.

    The thread starts with the first item that is asked for. It ends with the last one, with an error, which is raised
    here in its place, or when this generator is closed; then the iterable is closed too, in that same thread.

    Args:
        make: called in that thread, so that what it opens (a raster handle) belongs to it.
        depth: items that wait at most, at least 1.
    """
    made: queue.SimpleQueue[tuple[T] | BaseException | None] = queue.SimpleQueue()
    room, stop = threading.Semaphore(depth - 1), threading.Event()

    def work() -> None:
        end: BaseException | None = None
        try:
            source = iter(make())
            try:
                for item in source:
                    made.put((item,))
                    # Nothing is begun before there is room for it, so that no item waits outside the bound.
                    room.acquire()
                    if stop.is_set():
                        break
            finally:
                if isinstance(source, Generator):
                    source.close()
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that waits
            end = error
        made.put(end)

    thread = threading.Thread(target=work, name="read-ahead", daemon=True)
    thread.start()
    try:
        while isinstance(item := next_of(made), tuple):
            room.release()
            yield item[0]
        if item is not None:
            raise item
    finally:
        stop.set()
        room.release()
        thread.join(LEAVE_S)  # a server may be silent for long; what the thread opened it closes itself


def read_ahead(
    open_source: Callable[[], tuple[Reader, TileSource]], batches: Sequence[Batch]
) -> Generator[Fed, None, None]:
    """Batches in order, read by a thread of their own that is at most `AHEAD` batches in front.

    Args:
        open_source: called in that thread, since a raster handle belongs to one thread.
        batches: to be read.
    """

    def read() -> Iterator[Fed]:
        reader, source = open_source()
        with reader:
            for batch in batches:
                yield source.feed(batch)

    return ahead(read)


def _inside(start: int, length: int, limit: int) -> Bool:
    place = np.arange(start, start + length)
    return (place >= 0) & (place < limit)


def _mirrored(
    values: Float, valid: Bool, window: Window, whole: Window, *, nearest: bool = False
) -> tuple[Float, Bool]:
    """Pixels beyond the raster filled with what lies mirrored at its edge, as often as needed, or with the nearest."""
    shared = window.intersection(whole)
    if shared is None or shared == window:
        return values, valid
    fill = _clipped if nearest else _reflected
    rows = fill(window.row, window.height, shared.row, shared.height)
    cols = fill(window.col, window.width, shared.col, shared.width)
    return np.ascontiguousarray(values[:, rows[:, None], cols]), valid[rows[:, None], cols]


def _clipped(start: int, length: int, first: int, count: int) -> NDArray[np.intp]:
    """As `_reflected`, but the nearest place."""
    return np.clip(np.arange(length), first - start, first - start + count - 1)


def _reflected(start: int, length: int, first: int, count: int) -> NDArray[np.intp]:
    """Index into the window of what stands at each of its places, with `count` places from `first` on known."""
    place = (np.arange(start, start + length) - first) % (2 * count)
    return np.where(place < count, place, 2 * count - 1 - place).astype(np.intp) + (first - start)
