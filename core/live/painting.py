"""The answer to a view: a class byte and a confidence byte for each cell, in a file that QGIS maps into memory.

Only cells that are new, or a head that is new, are predicted; the rest is taken from the answer before.
"""

import mmap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.crew import Crew, pieces_of
from ..errors import Unwritable
from ..grid import Window
from ..kernel import Kernel
from ..prediction import Predicted, Reading, codes
from ..progress import Progress
from .fitting import LiveHead
from .messages import NO_CLASS, UNSURE
from .tiles import Piece, Tiles

Byte = NDArray[np.uint8]
FILES = ("view-a.bin", "view-b.bin")
"""In turn, so that the one that QGIS may still read is never written."""
QUICK_PIECES = 4
"""Painted at once by a head that is linear: threads of Python wait for one another between calls."""
VALUE_STEPS = 254
HISTOGRAM = 20


def shown_window(row: int, col: int, height: int, width: int, step: int) -> Window:
    """The thinned grid's cells whose numbers in the raster are multiples of the step and lie in the window."""
    top, left = -(-row // step), -(-col // step)
    return Window(top, left, max(0, -(-(row + height) // step) - top), max(0, -(-(col + width) // step) - left))


@dataclass(frozen=True)
class Brush:
    """A head and how its answers become bytes; equal keys paint alike."""

    kernel: Kernel
    reading: Reading
    byte_of: Byte
    """Class byte of each class value of the head; empty for values."""
    span: tuple[float, float]
    key: tuple[Any, ...]

    @classmethod
    def of(cls, head: LiveHead, kernel: Kernel, classes: tuple[str, ...], threshold: float | None) -> "Brush":
        """The brush of a head.

        Args:
            head: as it stands.
            kernel: of that head.
            classes: names in the order of their bytes.
            threshold: of conformal sets, or None.
        """
        byte_of = np.zeros(len(head.classes) + 1 if head.classes else 0, np.uint8)
        for entry in head.classes:
            byte_of[entry.value] = classes.index(entry.name) + 1 if entry.name in classes else NO_CLASS
        key = (head.version, threshold, byte_of.tobytes())
        return cls(kernel, Reading(head.classes, threshold=threshold), byte_of, head.span, key)

    def bytes_of(self, *parts: NDArray[Any]) -> tuple[Byte, Byte]:
        """(n,) class bytes and confidence bytes of the (n, D) cells of all parts."""
        said = self.said(*parts)
        if said.probabilities is None:
            return value_bytes(said.values, self.span), np.zeros(len(said.values), np.uint8)
        shown = self.byte_of[said.values]
        if said.sets is not None:
            shown = np.where(said.sets.sum(axis=1) > 1, np.uint8(UNSURE), shown)
        return shown, codes(said.confidence)

    def said(self, *parts: NDArray[Any]) -> Predicted:
        """What the head says of the (n, D) cells of all parts, read."""
        return self.reading(self.kernel.piece(*parts), np.empty((0, parts[0].shape[1]), np.float32))


def value_bytes(values: NDArray[np.float32], span: tuple[float, float]) -> Byte:
    """Bytes 1..255 for values from the lowest to the highest of the labels; what lies beyond gets the nearest."""
    low, high = span
    share = (values.astype(np.float64) - low) / (high - low if high > low else 1.0)
    return (np.clip(share, 0, 1) * VALUE_STEPS + 1.5).astype(np.uint8)


@dataclass(frozen=True)
class Picture:
    """What was painted last."""

    window: Window
    step: int
    key: tuple[Any, ...]
    layers: Byte
    """(2, height, width): classes and confidence."""


class Painter:
    """Paints views and keeps the last one."""

    def __init__(self, tiles: Tiles, folder: str, crew: Crew) -> None:
        """Make the folder.

        Raises:
            Unwritable: it cannot be made.
        """
        self._tiles, self._crew = tiles, crew
        self._folder = Path(folder)
        self._turn = 0
        self.last: Picture | None = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unwritable(f"The folder {folder} for the live map cannot be made: {error.strerror}.") from error

    def paint(self, window: Window, brush: Brush, progress: Progress) -> Picture:
        """The bytes of a window of the thinned grid, whose tiles are held."""
        layers = np.zeros((2, window.height, window.width), np.uint8)
        before, step = self.last, self._tiles.step
        rest = [window]
        if before is not None and before.key == brush.key and before.step == step:
            both = window.intersection(before.window)
            if both is not None:
                here, there = both.slices_in(window), both.slices_in(before.window)
                layers[(slice(None), *here)] = before.layers[(slice(None), *there)]
                rest = around(window, both)
        pieces = [piece for part in rest for piece in self._tiles.pieces(part)]
        self._all(pieces, lambda some: _stroke(some, brush, layers, window), brush.kernel.quick, progress)
        self.last = Picture(window, step, brush.key, layers)
        return self.last

    def _all(self, pieces: list[Piece], work: Callable[[list[Piece]], None], quick: bool, progress: Progress) -> None:
        """Pieces side by side; a cancel is heard between them."""

        def some(numbers: slice) -> None:
            # A linear head takes less than a millisecond for a piece, many trees a quarter of a second.
            progress.checkpoint(numbers.start / len(pieces))
            work(pieces[numbers])

        self._crew.each(some, pieces_of(len(pieces), QUICK_PIECES if quick else 1))

    def write(self, picture: Picture) -> str:
        """Into the file whose turn it is; gives its path.

        Raises:
            Unwritable: disk full, or the folder is gone.
        """
        self._turn = 1 - self._turn
        path = self._folder / FILES[self._turn]
        size = picture.layers.size
        try:
            with open(path, "r+b" if path.exists() else "w+b") as file:
                # Never made smaller: a reader may have mapped it, and Windows would refuse.
                if file.seek(0, 2) < max(size, 1):
                    file.truncate(max(size, 1))
                    _reserve(file.fileno(), size)
                with mmap.mmap(file.fileno(), 0) as memory:
                    np.frombuffer(memory, np.uint8, size)[:] = picture.layers.reshape(-1)
        except (OSError, ValueError) as error:
            raise Unwritable(f"The live map cannot be written to {path}: {error}.") from error
        return str(path)


def _reserve(number: int, size: int) -> None:
    """Room on the disk: writing a mapped file on a full one would end the process."""
    import os

    if size and hasattr(os, "posix_fallocate"):
        os.posix_fallocate(number, 0, size)


def _stroke(pieces: list[Piece], brush: Brush, layers: Byte, window: Window) -> None:
    """Paint pieces into their places."""
    shown, sure = brush.bytes_of(*(piece.rows() for piece in pieces))
    start = 0
    for piece in pieces:
        shape, valid, place = (piece.place.height, piece.place.width), piece.valid, piece.place.slices_in(window)
        rows = slice(start, start + valid.size)
        layers[(0, *place)] = shown[rows].reshape(shape) * valid
        layers[(1, *place)] = sure[rows].reshape(shape) * valid
        start += valid.size


def around(window: Window, hole: Window) -> list[Window]:
    """Up to four windows that cover what the hole, which lies inside, leaves."""
    below, right = hole.row + hole.height, hole.col + hole.width
    found = [
        Window(window.row, window.col, hole.row - window.row, window.width),
        Window(below, window.col, window.row + window.height - below, window.width),
        Window(hole.row, window.col, hole.height, hole.col - window.col),
        Window(hole.row, right, hole.height, window.col + window.width - right),
    ]
    return [one for one in found if one.height > 0 and one.width > 0]


def shares_of(layers: Byte, classes: int) -> tuple[tuple[float, ...], float, tuple[int, ...]]:
    """Share of each class byte and of unsure cells in the cells with data, and cells by confidence in 20 steps."""
    counts = np.bincount(layers[0].reshape(-1), minlength=256)
    total = max(int(counts[1:].sum()), 1)
    sure = np.bincount(layers[1].reshape(-1), minlength=256)[1:]
    step = np.minimum(np.arange(VALUE_STEPS + 1) * HISTOGRAM // VALUE_STEPS, HISTOGRAM - 1)
    bars = np.bincount(step, weights=sure, minlength=HISTOGRAM).astype(int)
    unsure = 0.0 if classes >= UNSURE else float(counts[UNSURE] / total)
    return tuple((counts[1 : classes + 1] / total).tolist()), unsure, tuple(bars.tolist())
