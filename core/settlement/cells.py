"""Square cells of a city: a lattice, and those of its cells that lie in a region.

Published cells are squares of 150 m that begin at the upper left corner of the raster; those that the edge cuts are
dropped (Hallopeau et al. 2025, arXiv:2510.03725).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from ..errors import BadInput
from ..grid import Window
from ..progress import Progress
from .names import ZONE_STEP

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Shapes = NDArray[np.object_]

DROP, CENTRE, CUT = "drop", "centre", "cut"
PARTIAL = (DROP, CENTRE, CUT)
"""What becomes of cells at the edge: dropped, kept whole where their centre lies inside, or cut."""
LEAF_CELLS = 256
"""Fewer cells are looked at one by one; more are halved until an edge runs through, or none does."""
WHOLE = 1 - 1e-6
"""A cell of which less than a millionth is missing is whole: coordinates arrive rounded."""


@dataclass(frozen=True)
class Lattice:
    """Cells without end in a plane; row 0 and column 0 begin at the corner (x, y), rows count southwards."""

    x: float
    y: float
    width: float
    """Of a cell, in units of the coordinate system; likewise:"""
    height: float

    def box(self, window: Window) -> shapely.Polygon:
        """The rectangle of a window of cells."""
        row, col, height, width = window
        return shapely.box(
            self.x + col * self.width, self.y - (row + height) * self.height, self.x + (col + width) * self.width,
            self.y - row * self.height,
        )  # fmt: skip

    def boxes(self, row: Int, col: Int) -> Shapes:
        """(N,) cells; neighbours share the coordinates of their border exactly."""
        return np.asarray(
            shapely.box(
                self.x + col * self.width, self.y - (row + 1) * self.height, self.x + (col + 1) * self.width,
                self.y - row * self.height,
            ),
            dtype=object,
        )  # fmt: skip

    def window_of(self, bounds: Float) -> Window:
        """The cells that bounds (west, south, east, north) touch."""
        west, south, east, north = bounds
        slack = 1 - WHOLE
        top, left = (math.floor(v + slack) for v in ((self.y - north) / self.height, (west - self.x) / self.width))
        bottom, right = (math.ceil(v - slack) for v in ((self.y - south) / self.height, (east - self.x) / self.width))
        return Window(top, left, max(bottom - top, 1), max(right - left, 1))


@dataclass(frozen=True)
class Cells:
    """N cells, by rows from the north and in each from the west."""

    row: Int
    col: Int
    shapes: Shapes

    def take(self, kept: NDArray[np.bool_]) -> "Cells":
        """Those of them."""
        return Cells(self.row[kept], self.col[kept], self.shapes[kept])


def fill(
    lattice: Lattice, region: shapely.Geometry, partial: str, most: int, progress: "Progress | None" = None
) -> Cells:
    """The cells of a lattice in a region.

    Args:
        lattice: where cells may lie.
        region: polygon or multipolygon in the same coordinates, valid.
        partial: what becomes of cells at the edge, see `PARTIAL`.
        most: cells to make at most.
        progress: of this step.

    Raises:
        BadInput: more cells than `most`, or none.
    """
    progress = progress or Progress()
    cell = lattice.width * lattice.height
    about = shapely.area(region) / cell
    found: list[Cells] = []
    count = 0
    for window, part in _windows(lattice, region) if about <= most else ():
        cells = _cells(lattice, window, part, partial)
        found.append(cells)
        count += len(cells.row)
        progress.checkpoint(min(count / max(about, 1), 1))
        if count > most:
            break
    if max(count, about) > most:
        raise BadInput(
            f"That would be {'about' if about > count else 'more than'} {max(about, count):,.0f} cells; at most "
            f"{most:,} are made. Choose larger cells or a smaller area, or raise 'Most cells' if you mean it."
        )
    if not count:
        raise BadInput(_none(lattice, about, partial))
    row, col, shapes = (
        np.concatenate([getattr(cells, name) for cells in found]) for name in ("row", "col", "shapes")
    )  # fmt: skip
    order = np.lexsort((col, row))
    return Cells(row[order], col[order], shapes[order])


def _none(lattice: Lattice, about: float, partial: str) -> str:
    size = f"{lattice.width:g} m"
    if partial == CUT:
        return f"The area is empty, so it holds no cells of {size}. Do boundary, extent and raster overlap?"
    advice = "Choose smaller cells, or 'cut' for cells at the edge." if about else "Do boundary and raster overlap?"
    what = "no whole cell" if partial == DROP else "the centre of no cell"
    return f"The area has the size of {about:.2g} cells of {size} and holds {what}. {advice}"


def _windows(lattice: Lattice, region: shapely.Geometry) -> "Iterator[tuple[Window, shapely.Geometry | None]]":
    """Windows of cells with the part of the region in each; None where the window lies inside altogether."""
    slack = (1 - WHOLE) * lattice.width * lattice.height
    waiting = [] if region.is_empty else [(lattice.window_of(shapely.bounds(region)), region)]
    while waiting:
        window, part = waiting.pop()
        if not window.height or not window.width or part.area <= 0:
            continue
        if lattice.box(window).area - part.area < slack:
            yield window, None
        elif window.height * window.width <= LEAF_CELLS:
            yield window, part
        else:
            for half in _halves(window):
                waiting.append((half, shapely.intersection(part, lattice.box(half))))


def _halves(window: Window) -> tuple[Window, Window]:
    row, col, height, width = window
    if width > height:
        return Window(row, col, height, width // 2), Window(row, col + width // 2, height, width - width // 2)
    return Window(row, col, height // 2, width), Window(row + height // 2, col, height - height // 2, width)


def _cells(lattice: Lattice, window: Window, part: "shapely.Geometry | None", partial: str) -> Cells:
    """The cells of one window that count."""
    rows, cols = np.arange(window.row, window.row + window.height), np.arange(window.col, window.col + window.width)
    row, col = (axis.ravel() for axis in np.meshgrid(rows, cols, indexing="ij"))
    cells = Cells(row, col, lattice.boxes(row, col))
    if part is None:
        return cells
    shapely.prepare(part)
    if partial == CENTRE:
        x, y = lattice.x + (col + 0.5) * lattice.width, lattice.y - (row + 0.5) * lattice.height
        return cells.take(shapely.intersects_xy(part, x, y))
    cut = shapely.intersection(cells.shapes, part)
    share = shapely.area(cut) / (lattice.width * lattice.height)
    if partial == DROP:
        return cells.take(share >= WHOLE)
    edge = share < WHOLE
    cells.shapes[edge] = only_polygons(cut[edge])
    return cells.take(share > 1 - WHOLE)


def only_polygons(shapes: Shapes) -> Shapes:
    """Of what cutting leaves, the polygons: where a border runs along an edge, lines come with them."""
    made = shapes.copy()
    for at in np.flatnonzero(shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION):
        parts = shapely.get_parts(shapes[at])
        made[at] = shapely.multipolygons(parts[shapely.get_dimensions(parts) == 2])
    return made


@dataclass(frozen=True)
class Numbered:
    """Numbers of N cells."""

    cell: Int
    """100,000 times the zone and a running number, unique."""
    zone: Int
    step: int
    """100,000, or more where a zone holds more cells."""


def numbered(zone: Int) -> Numbered:
    """Number cells from 1 in each zone, in their order.

    Args:
        zone: (N,) from 0; 0 where a cell lies in none.
    """
    order = np.argsort(zone, kind="stable")
    _, start, count = np.unique(zone[order], return_index=True, return_counts=True)
    running = np.empty(len(zone), np.int64)
    running[order] = np.arange(len(zone)) - np.repeat(start, count) + 1
    step = ZONE_STEP
    while len(count) > 1 and count.max() >= step:
        step *= 10
    return Numbered(running + step * zone, zone, step)
