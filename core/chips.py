"""Chips: the pixels of each cell, or of a window around it, read in large pieces and handed out in small units.

Cells are polygons anywhere on a raster. The order of units follows from the cells alone, so that a run that was
stopped goes on with the same ones.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import rasterio.features
import shapely
from numpy.typing import NDArray

from .grid import Grid, Window
from .windows import Reader

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Int = NDArray[np.int64]
BLOCK_PX = 768
"""Side of the squares of the raster whose cells are read together; windows reach beyond."""
UNIT = 36
"""Cells in a unit: what is lost when a run is killed, and what a backbone sees at once at most."""
NEAR = 6
"""Cells of a unit lie within so many sides of a cell of one another."""
BOXLIKE = 0.999
"""A polygon that fills so much of its box is the box."""
MOST_NUMBERS = 2**26
"""Of pixels and bands that are held at once: 256 MB, and copies of it."""
CHIP_NUMBERS = 2**24
"""Of pixels and bands that a backbone gets at once, if that is more than one window."""
Pixels = TypeVar("Pixels", Float, Bool)
ENOUGH = 0.5
"""Share of a cell's pixels that must be valid for it to get a vector."""


@dataclass(frozen=True)
class Places:
    """Where N cells lie on a raster, in pixels.

    Attributes:
        inside: (N, 4) row, column, height, width of the pixels of each cell, at least 1 x 1.
        outside: (N, 4) of the window that is read for it, which holds them.
        shapes: (N,) polygons in pixels; None where a cell is its box.
    """

    inside: Int
    outside: Int
    shapes: NDArray[np.object_]

    def __len__(self) -> int:
        """Cells."""
        return len(self.inside)

    def some(self, at: "Int | slice") -> "Places":
        """A few of them."""
        return Places(self.inside[at], self.outside[at], self.shapes[at])


def places_of(geometry: NDArray[np.object_], grid: Grid, window_px: int = 0, margin_px: int = 0) -> Places:
    """Pixels of each cell, and of the window of at least `window_px` that is centred on it.

    A cell whose border cuts through pixels gets the box of whole pixels of its size that lies nearest.

    Args:
        geometry: (N,) polygons in the coordinates of the grid.
        grid: of the raster; may be rotated.
        window_px: side; 0: the cell alone.
        margin_px: more on each side.
    """
    a, b, c, d, e, f = (~grid.transform)[:6]
    pixels = shapely.transform(
        geometry, lambda xy: np.stack([a * xy[:, 0] + b * xy[:, 1] + c, d * xy[:, 0] + e * xy[:, 1] + f], 1)
    )
    left, top, right, bottom = shapely.bounds(pixels).T
    size = np.maximum(np.rint(np.stack([bottom - top, right - left], axis=1)), 1).astype(np.int64)
    middle = np.stack([top + bottom, left + right], axis=1) / 2
    start = np.rint(middle - size / 2).astype(np.int64)
    boxlike = shapely.area(pixels) >= BOXLIKE * (bottom - top) * (right - left)
    shapes = np.array(pixels, dtype=object)
    shapes[boxlike] = None
    inside = np.concatenate([start, size], axis=1)
    return seen_with(Places(inside, inside, shapes), window_px, margin_px)


def seen_with(places: Places, window_px: int, margin_px: int) -> Places:
    """The same cells, each with a window of at least `window_px` that is centred on it, and a margin around it."""
    start, size = places.inside[:, :2], places.inside[:, 2:]
    wide = np.maximum(size, window_px) + 2 * margin_px
    away = start + size // 2 - wide // 2
    return Places(places.inside, np.concatenate([away, wide], axis=1), places.shapes)


def lattice(places: Places) -> int:
    """Side of the cells where all are squares of one size on one lattice of pixels; else 0."""
    side = int(places.inside[0, 2])
    squares = (places.inside[:, 2:] == side).all() and all(shape is None for shape in places.shapes)
    return side if squares and not np.ptp(places.inside[:, :2] % side, axis=0).any() else 0


def units_of(places: Places) -> list[Int]:
    """Indices of the cells of each unit: neighbours, at most `UNIT`, of one block of the raster."""
    block = places.inside[:, :2] // BLOCK_PX
    patch = places.inside[:, :2] // (NEAR * max(int(np.median(places.inside[:, 2:])), 1))
    keys = (*places.inside[:, 1::-1].T, *patch[:, ::-1].T, *block[:, ::-1].T)
    order = np.lexsort(keys)
    near = np.concatenate([block, patch], axis=1)[order]
    borders = np.flatnonzero(np.any(np.diff(near, axis=0) != 0, axis=1)) + 1
    units = []
    for piece in np.split(order, borders):
        units += np.array_split(piece, -(-len(piece) // UNIT)) if len(piece) else []
    return units


@dataclass(frozen=True)
class Piece:
    """The pixels of one unit.

    Attributes:
        unit: its number.
        at: (n,) which cells.
        window: that holds those of all its cells.
        values: (C, h, w) float32 of it, 0 where not valid.
        valid: (h, w) bool.
    """

    unit: int
    at: Int
    window: Window
    values: Float
    valid: Bool

    def alone(self) -> "Piece":
        """The same without the block that it was cut from, which would stay in memory with it."""
        return Piece(self.unit, self.at, self.window, _own(self.values), _own(self.valid))


@dataclass(frozen=True)
class Chips:
    """Cells of one unit whose windows have one size.

    Attributes:
        at: (B,) which cells.
        values: (B, C, h, w) float32, 0 where not valid.
        valid: (B, h, w) bool: valid in the raster.
        cell: (B, h, w) bool: pixels of the cell itself.
    """

    at: Int
    values: Float
    valid: Bool
    cell: Bool

    def some(self, at: Int | slice) -> "Chips":
        """A few of them."""
        return Chips(self.at[at], self.values[at], self.valid[at], self.cell[at])

    @property
    def enough(self) -> Bool:
        """(B,) enough of the cell is valid."""
        own = self.cell.sum(axis=(1, 2))
        return np.asarray((self.valid & self.cell).sum(axis=(1, 2)) >= ENOUGH * np.maximum(own, 1))


def read_units(reader: Reader, places: Places, units: Sequence[Int], wanted: Sequence[int]) -> Iterator[Piece]:
    """Pixels of the wanted units, in their order; blocks of the raster are read once for all units in them.

    Blocks of so many bands that they would fill the memory are read unit by unit.

    Args:
        reader: of the raster; used in this thread.
        places: of all cells.
        units: all of them.
        wanted: numbers of those to read.
    """
    held: tuple[tuple[int, int], Window, Float, Bool] | None = None
    of_block: dict[tuple[int, int], list[int]] = {}
    for number in wanted:
        of_block.setdefault(_block(places, units[number]), []).append(number)
    for number in wanted:
        key, window = _block(places, units[number]), _around(places, units[number])
        if held is None or held[0] != key or window.intersection(held[1]) != window:
            held = None  # two blocks at once would be twice the memory
            block = _around(places, np.concatenate([units[other] for other in of_block[key]]))
            read = block if block.height * block.width * len(reader.bands) <= MOST_NUMBERS else window
            held = (key, read, *reader.read(read))
        cut = window.slices_in(held[1])
        yield Piece(number, units[number], window, held[2][(slice(None), *cut)], held[3][cut])


def chips_of(places: Places, piece: Piece, most: int = UNIT) -> Iterator[Chips]:
    """The window of each cell of a unit, those of one size together, `most` of them at once and fewer if large."""
    sizes, group = np.unique(places.outside[piece.at, 2:], axis=0, return_inverse=True)
    for which, (height, width) in enumerate(sizes):
        alike = piece.at[np.flatnonzero(group.reshape(-1) == which)]
        step = int(np.clip(CHIP_NUMBERS // (int(height) * int(width) * len(piece.values)), 1, most))
        for start in range(0, len(alike), step):
            at = alike[start : start + step]
            slices = [Window(*map(int, places.outside[index])).slices_in(piece.window) for index in at]
            values = np.stack([piece.values[(slice(None), *cut)] for cut in slices])
            valid = np.stack([piece.valid[cut] for cut in slices])
            yield Chips(at, values, valid, np.stack([own_pixels(places, int(index)) for index in at]))


def _own(array: Pixels) -> Pixels:
    return array if array.base is None else array.copy()


def _block(places: Places, unit: Int) -> tuple[int, int]:
    row, col = places.inside[unit[0], :2] // BLOCK_PX
    return int(row), int(col)


def _around(places: Places, at: Int) -> Window:
    """The window that holds those of all these cells."""
    row, col, height, width = places.outside[at].T
    top, first = int(row.min()), int(col.min())
    return Window(top, first, int((row + height).max()) - top, int((col + width).max()) - first)


def own_pixels(places: Places, index: int) -> Bool:
    """(h, w) bool of a cell's window: pixels of the cell; those whose centre its polygon holds, if it is no box.

    A polygon so thin that it holds no centre gets its box.
    """
    outside = Window(*map(int, places.outside[index]))
    inside = Window(*map(int, places.inside[index]))
    box = np.zeros((outside.height, outside.width), np.bool_)
    box[inside.slices_in(outside)] = True
    shape = places.shapes[index]
    if shape is None:
        return box
    moved = rasterio.transform.from_origin(outside.col, outside.row, 1.0, -1.0)
    burnt = rasterio.features.rasterize([(shape, 1)], out_shape=box.shape, transform=moved, dtype="uint8") > 0
    return burnt if burnt.any() else box
