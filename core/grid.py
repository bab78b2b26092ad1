"""Where an array lies on Earth: transform, CRS and shape, and the arithmetic of windows. No files are opened here."""

from dataclasses import dataclass
from typing import NamedTuple

from affine import Affine


class Window(NamedTuple):
    """A rectangle of cells; may reach beyond the grid."""

    row: int
    col: int
    height: int
    width: int

    def grown(self, margin: int) -> "Window":
        """The window with `margin` cells more on each side."""
        return Window(self.row - margin, self.col - margin, self.height + 2 * margin, self.width + 2 * margin)

    def times(self, factor: int) -> "Window":
        """The same place on a grid whose cells are `factor` times smaller."""
        return Window(*(value * factor for value in self))

    def intersection(self, other: "Window") -> "Window | None":
        """What both share, or None."""
        row, col = max(self.row, other.row), max(self.col, other.col)
        bottom = min(self.row + self.height, other.row + other.height)
        right = min(self.col + self.width, other.col + other.width)
        return Window(row, col, bottom - row, right - col) if bottom > row and right > col else None

    def slices_in(self, outer: "Window") -> tuple[slice, slice]:
        """Row and column slices of this window in an array that covers `outer`."""
        row, col = self.row - outer.row, self.col - outer.col
        return slice(row, row + self.height), slice(col, col + self.width)


@dataclass(frozen=True)
class Grid:
    """Transform + CRS + shape. The transform maps (column, row) of a cell's upper left corner to the CRS."""

    transform: Affine
    crs: str
    """WKT; empty when the raster has none."""
    height: int
    width: int

    @property
    def whole(self) -> Window:
        """The window that covers the grid."""
        return Window(0, 0, self.height, self.width)

    def crop(self, window: Window) -> "Grid":
        """The grid of a window of this one."""
        moved = self.transform @ Affine.translation(window.col, window.row)
        return Grid(moved, self.crs, window.height, window.width)

    def coarser(self, factor: int) -> "Grid":
        """Cells of `factor` by `factor`; the origin stays exact, the last row and column may reach beyond."""
        shape = -(-self.height // factor), -(-self.width // factor)
        return Grid(self.transform @ Affine.scale(factor), self.crs, *shape)

    def blocks(self, size: int) -> list[Window]:
        """Windows of `size` by `size` cells in rows from the upper left; those at the edges are cut."""
        return [
            Window(row, col, min(size, self.height - row), min(size, self.width - col))
            for row in range(0, self.height, size)
            for col in range(0, self.width, size)
        ]
