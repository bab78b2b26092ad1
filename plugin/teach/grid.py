"""The cells of the embedding that is taught on: which lies under a point, where its edges are, which a map shows.

Knows coordinate systems and arithmetic; knows neither layers nor screens. Positions are (column, row) as fractions,
counted from the outer corner of the first cell, so that the middle of cell (row 2, column 5) lies at (5.5, 2.5).
"""

import math
from typing import Dict, List, Optional, Tuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsGeometry,
    QgsLineString,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
)
from qgis.PyQt.QtGui import QTransform

from ...core.errors import BadInput
from ...core.live.messages import CELLS_SHOWN, Opened

Cell = Tuple[int, int]
"""Row and column, counted from 0."""
Window = Tuple[int, int, int, int, int]
"""Row, column, height, width in cells; every step-th of them is shown."""
EDGE_PIECES = 16
"""Straight pieces of each edge of the raster when its extent in another system is looked for."""


class CellGrid:
    """Grid of an embedding, rotated or not, with the transforms to and from other coordinate systems."""

    def __init__(self, opened: Opened) -> None:
        self.height, self.width = opened.height, opened.width
        self.crs = QgsCoordinateReferenceSystem.fromWkt(opened.crs) if opened.crs else QgsCoordinateReferenceSystem()
        a, b, c, d, e, f = opened.transform
        self.to_map = QTransform(a, d, b, e, c, f)
        """From (column, row) to (x, y)."""
        self.to_cells, possible = self.to_map.inverted()
        if not possible:
            raise BadInput("The cells of the embedding have no area. Its file is damaged; make it again.")
        self._transforms: Dict[Tuple[str, bool], Optional[QgsCoordinateTransform]] = {}
        self._extents: Dict[str, Optional[QgsRectangle]] = {}

    # In the coordinate system of the embedding ----------------------------------------------------------------------

    def position(self, x: float, y: float) -> Tuple[float, float]:
        """(column, row) of a point."""
        column, row = self.to_cells.map(float(x), float(y))
        return float(column), float(row)

    def cell_at(self, x: float, y: float) -> Optional[Cell]:
        """The cell that a point lies in; None beside the raster."""
        return self.cell_of_position(*self.position(x, y))

    def cell_of_position(self, column: float, row: float) -> Optional[Cell]:
        """The cell that a position lies in; None beside the raster."""
        if not (0 <= column < self.width and 0 <= row < self.height):  # also refuses what is not a number
            return None
        return int(row), int(column)

    def centre(self, row: int, col: int) -> QgsPointXY:
        """The middle of a cell."""
        return QgsPointXY(*self.to_map.map(col + 0.5, row + 0.5))

    def outline(self, row: int, col: int, height: int = 1, width: int = 1) -> QgsGeometry:
        """Edges of a cell, or of a block of cells that begins with it."""
        corners = ((col, row), (col + width, row), (col + width, row + height), (col, row + height))
        return QgsGeometry.fromPolygonXY([[QgsPointXY(*self.to_map.map(float(x), float(y))) for x, y in corners]])

    def extent(self) -> QgsRectangle:
        """Bounds of the raster."""
        return self.outline(0, 0, self.height, self.width).boundingBox()

    def window(self, rectangle: QgsRectangle) -> Optional[Window]:
        """The cells that a rectangle touches, thinned until at most `CELLS_SHOWN` are shown; None beside the raster."""
        corners = [
            self.position(x, y)
            for x in (rectangle.xMinimum(), rectangle.xMaximum())
            for y in (rectangle.yMinimum(), rectangle.yMaximum())
        ]
        if not all(math.isfinite(value) for corner in corners for value in corner):
            return None
        columns, rows = [corner[0] for corner in corners], [corner[1] for corner in corners]
        left, right = max(0, math.floor(min(columns))), min(self.width, math.ceil(max(columns)))
        top, bottom = max(0, math.floor(min(rows))), min(self.height, math.ceil(max(rows)))
        if left >= right or top >= bottom:
            return None
        step = 1
        while True:
            # From a shown cell to a shown cell: those at the edge stand for half a step beyond.
            row, end = top // step * step, min(self.height, -(-bottom // step) * step + (step > 1))
            col, last = left // step * step, min(self.width, -(-right // step) * step + (step > 1))
            count = shown(row, end - row, step) * shown(col, last - col, step)
            if count <= CELLS_SHOWN:
                return row, col, end - row, last - col, step
            step = max(step + 1, math.isqrt(count * step * step // CELLS_SHOWN))

    # From and to other coordinate systems ---------------------------------------------------------------------------

    def transform_from(self, crs: QgsCoordinateReferenceSystem) -> Optional[QgsCoordinateTransform]:
        """From another system to this one; None when they are the same, or one of them is not known."""
        return self._transform(crs, True)

    def transform_to(self, crs: QgsCoordinateReferenceSystem) -> Optional[QgsCoordinateTransform]:
        """From this system to another; None when they are the same, or one of them is not known."""
        return self._transform(crs, False)

    def cell_of(self, point: QgsPointXY, crs: QgsCoordinateReferenceSystem) -> Optional[Cell]:
        """The cell under a point of another system; None beside the raster and where no transform leads."""
        (there,) = self.brought([point.x()], [point.y()], crs)
        return None if there is None else self.cell_at(*there)

    def brought(
        self, xs: List[float], ys: List[float], crs: QgsCoordinateReferenceSystem
    ) -> List[Optional[Tuple[float, float]]]:
        """Points of another system in this one; None where no transform leads."""
        transform = self.transform_from(crs)
        if transform is None:
            return list(zip(xs, ys))
        return _through(transform, xs, ys)

    def centre_in(self, row: int, col: int, crs: QgsCoordinateReferenceSystem) -> Optional[QgsPointXY]:
        """The middle of a cell in another system; None where no transform leads."""
        transform, point = self.transform_to(crs), self.centre(row, col)
        if transform is None:
            return point
        (there,) = _through(transform, [point.x()], [point.y()])
        return None if there is None else QgsPointXY(*there)

    def outline_in(
        self, row: int, col: int, crs: QgsCoordinateReferenceSystem, height: int = 1, width: int = 1
    ) -> Optional[QgsGeometry]:
        """Edges of a cell in another system; None where no transform leads."""
        outline, transform = self.outline(row, col, height, width), self.transform_to(crs)
        if transform is None:
            return outline
        edges = outline.asPolygon()[0]
        corners = _through(transform, [point.x() for point in edges], [point.y() for point in edges])
        known = [QgsPointXY(*corner) for corner in corners if corner is not None]
        return QgsGeometry.fromPolygonXY([known]) if len(known) == len(corners) else None

    def extent_in(self, crs: QgsCoordinateReferenceSystem) -> Optional[QgsRectangle]:
        """Bounds of the raster in another system, of that part of it which can be expressed there; None if none can."""
        key = _name_of(crs)
        if key not in self._extents:
            self._extents[key] = self.block_in(0, 0, self.height, self.width, crs)
        found = self._extents[key]
        return None if found is None else QgsRectangle(found)

    def block_in(
        self, row: int, col: int, height: int, width: int, crs: QgsCoordinateReferenceSystem
    ) -> Optional[QgsRectangle]:
        """Bounds of a block of cells in another system, rather too large than too small; None if it has no place."""
        transform = self.transform_to(crs)
        if transform is None:
            return self.outline(row, col, height, width).boundingBox()
        fractions = [i / EDGE_PIECES for i in range(EDGE_PIECES + 1)]
        points = [self.to_map.map(col + i * width, row + j * height) for i in fractions for j in fractions]
        there = _through(transform, [x for x, _ in points], [y for _, y in points])
        xs, ys = [p[0] for p in there if p is not None], [p[1] for p in there if p is not None]
        if not xs:
            return None
        box = QgsRectangle(min(xs), min(ys), max(xs), max(ys))
        box.grow(max(box.width(), box.height()) / EDGE_PIECES)  # edges bend outwards between the points
        return box

    def extent_from(self, rectangle: QgsRectangle, crs: QgsCoordinateReferenceSystem) -> Optional[QgsRectangle]:
        """A rectangle of another system brought here, as far as the raster reaches; None beside the raster.

        Only what both have in common is transformed: the rest of a map of the world has no place in most systems.
        """
        transform, around = self.transform_from(crs), self.extent_in(crs)
        if transform is None:
            return QgsRectangle(rectangle) if rectangle.intersects(self.extent()) else None
        if around is None or not rectangle.intersects(around):
            return None
        try:
            found = transform.transformBoundingBox(rectangle.intersect(around))
        except QgsCsException:
            return self.extent()
        return found if found.isFinite() else self.extent()

    def _transform(self, crs: QgsCoordinateReferenceSystem, inwards: bool) -> Optional[QgsCoordinateTransform]:
        key = (_name_of(crs), inwards)
        if key not in self._transforms:
            made = None
            if crs.isValid() and self.crs.isValid() and crs != self.crs:
                ends = (crs, self.crs) if inwards else (self.crs, crs)
                made = QgsCoordinateTransform(*ends, QgsProject.instance())
            self._transforms[key] = made
        return self._transforms[key]


def shown(first: int, count: int, step: int) -> int:
    """How many of `count` numbers from `first` on are multiples of `step`."""
    return -(-(first + count) // step) - -(-first // step)


def _name_of(crs: QgsCoordinateReferenceSystem) -> str:
    return str(crs.authid() or crs.toWkt()) if crs.isValid() else ""


def _through(
    transform: QgsCoordinateTransform, xs: List[float], ys: List[float]
) -> List[Optional[Tuple[float, float]]]:
    """Points one by one where they cannot go together; None for those that have no place in the other system."""
    if len(xs) > 1:
        line = QgsGeometry(QgsLineString(xs, ys))
        try:
            line.transform(transform)
            moved = [(point.x(), point.y()) for point in line.asPolyline()]
            if len(moved) == len(xs) and math.isfinite(sum(x + y for x, y in moved)):
                return list(moved)
        except QgsCsException:
            moved = []  # some of them have no place there: which ones is found below
    return [_one_through(transform, x, y) for x, y in zip(xs, ys)]


def _one_through(transform: QgsCoordinateTransform, x: float, y: float) -> Optional[Tuple[float, float]]:
    try:
        moved = transform.transform(x, y)
    except QgsCsException:
        return None
    return (moved.x(), moved.y()) if math.isfinite(moved.x()) and math.isfinite(moved.y()) else None
