"""Tiles put together to output blocks, lane by lane, in bounded memory, in a thread behind the forward pass.

Exact backbones: a tile's cells are stored as they come. Networks: tiles are blended in float32 rows that stay open
until the last tile that touches them has come. What belongs to blocks that are done already is neither brought to
bytes nor held.
"""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from .grid import Window
from .quantise import NODATA_CODE, Quantiser
from .tiling import Plan, starts_of, weights_of

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Put = Callable[[int, NDArray[np.generic]], None]
T = TypeVar("T")

BEHIND = 2
"""Batches that wait at most between the backbone and the stitching."""


class Behind(Generic[T]):
    """Does `work` with one thing after the other, in a thread of its own behind the one that gives them.

    A context manager: left without an error it waits until all is done; left with one, what waits is dropped. Either
    way the thread has ended. What `work` raises is raised by the next `give`, or when the context is left.

    Args of the constructor:
        work: called in that thread.
        depth: things that wait at most, at least 1.
    """

    def __init__(self, work: Callable[[T], None], depth: int = BEHIND) -> None:
        self._work = work
        self._given: queue.SimpleQueue[tuple[T] | None] = queue.SimpleQueue()
        self._room, self._stop = threading.Semaphore(depth), threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="stitch", daemon=True)

    def give(self, item: T) -> None:
        """Hand over; waits while `depth` others wait."""
        if self._error is None:
            self._room.acquire()
        if self._error is not None:
            raise self._error
        self._given.put((item,))

    def __enter__(self) -> "Behind[T]":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stop.set()
        self._given.put(None)
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            while (item := self._given.get()) is not None and not self._stop.is_set():
                # Room is made before the work, so that the next thing is ready when this one is done.
                self._room.release()
                self._work(item[0])
                del item
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that gives
            self._error = error
            self._room.release()


class LaneStitcher:
    """The unfinished rows of one lane.

    Attributes:
        cells: of blocks that were not done, that got a vector so far.

    Args of the constructor:
        plan: of the whole output.
        lane: number of the lane.
        dimensions: bands.
        quantiser: for storage in bytes; None stores float32 with NaN.
        done: blocks that need not be put again.
        put: takes the index of a block and its values, (D, h, w) contiguous.
    """

    def __init__(
        self, plan: Plan, lane: int, dimensions: int, quantiser: Quantiser | None, done: frozenset[int], put: Put
    ) -> None:
        self._plan, self._dimensions, self._quantiser, self._done, self._put = plan, dimensions, quantiser, done, put
        self._lane, (self._col, self._width) = lane, plan.lanes[lane]
        self._final = self._filled = 0
        self.cells = 0
        self._blocks: dict[int, NDArray[np.generic]] = {}
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
                for index in self._missing(Window(number * block, self._col, 1, self._width)):
                    self._put(index, self._block(index))
                    del self._blocks[index]

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
        self._filled = max(self._filled, shared.row + shared.height)

    def _close_rows(self, count: int) -> None:
        """Store the first `count` open rows and move the rest up; nothing where no tile has come since."""
        tile = self._plan.tile
        for start in range(0, min(count, self._filled - self._final), tile):
            n = min(tile, count - start)
            window = Window(self._final + start, self._col, n, self._width)
            self._store(window, self._open[:, :n], self._cells[:n])
            self._open[:, : tile - n] = self._open[:, n:].copy()
            self._open[:, tile - n :] = 0
            self._cells[: tile - n] = self._cells[n:].copy()
            self._cells[tile - n :] = False

    def _store(self, window: Window, vectors: Float, cells: Bool) -> None:
        """Bring vectors to the stored type, in the missing blocks that they belong to."""
        parts = [(index, shared) for index in self._missing(window) if (shared := self._known(window, index, cells))]
        if not parts:
            return
        # One go for all blocks: the numbers of a tile lie together, those of a block in it do not.
        around = _around([shared for _, shared in parts])
        rows, cols = around.slices_in(window)
        places = []
        for index, shared in parts:
            self.cells += int(np.count_nonzero(cells[shared.slices_in(window)]))
            target = self._block(index)[(slice(None), *shared.slices_in(self._outline(index)))]
            places.append((target, (slice(None), *shared.slices_in(around))))
        for bands, stored in self._stored(vectors[:, rows, cols], cells[rows, cols]):
            for target, place in places:
                target[bands] = stored[place]

    def _stored(self, vectors: Float, cells: Bool) -> Iterator[tuple[slice, NDArray[np.generic]]]:
        """Numbers as the file holds them, some bands at a time."""
        if self._quantiser is not None:
            yield from self._quantiser.pieces(vectors, cells)
        else:
            whole = bool(cells.all())
            yield slice(None), vectors if whole else np.where(cells, vectors, np.float32(np.nan))

    def _known(self, window: Window, index: int, cells: Bool) -> Window | None:
        """What a window has of a block; None when that holds no vector."""
        shared = window.intersection(self._outline(index))
        return shared if shared is not None and cells[shared.slices_in(window)].any() else None

    def _missing(self, window: Window) -> list[int]:
        """Blocks of the lane that a window touches and that are not done, in file order."""
        return [index for index in self._plan.blocks_of(window, self._lane) if index not in self._done]

    def _outline(self, index: int) -> Window:
        block = self._plan.block
        row, col = divmod(index, -(-self._plan.width // block))
        height, width = self._plan.height - row * block, self._plan.width - col * block
        return Window(row * block, col * block, min(block, height), min(block, width))

    def _block(self, index: int) -> NDArray[np.generic]:
        if index not in self._blocks:
            shape = (self._dimensions, *self._outline(index)[2:])
            if self._quantiser is not None:
                self._blocks[index] = np.full(shape, NODATA_CODE, np.uint8)
            else:
                self._blocks[index] = np.full(shape, np.nan, np.float32)
        return self._blocks[index]


def _around(windows: Sequence[Window]) -> Window:
    """The smallest window that holds all of them."""
    row, col = min(window.row for window in windows), min(window.col for window in windows)
    bottom = max(window.row + window.height for window in windows)
    return Window(row, col, bottom - row, max(window.col + window.width for window in windows) - col)


def _weights(length: int, plan: Plan) -> dict[int, Float]:
    starts = starts_of(length, plan.tile, plan.overlap)
    return dict(zip(starts, weights_of(starts, plan.tile, plan.overlap), strict=True))
