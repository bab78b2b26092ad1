"""Which cells of a grid a geometry covers: the cell under a point, cells a line touches, cells inside a polygon."""

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine
from shapely.affinity import affine_transform
from shapely.geometry.base import BaseGeometry

from .grid import Grid, Window

Cells = NDArray[np.int64]
STRIP_CELLS = 16_000_000
"""Cells of a large polygon that are looked at in one go."""


class Burner:
    """Turns geometries in the CRS of a grid into rows and columns."""

    def __init__(self, grid: Grid, all_touched: bool, most: int, seed: int) -> None:
        """Remember the grid and the rules.

        Args:
            grid: where the cells lie.
            all_touched: a polygon gives every cell that it touches, else those whose centre is inside.
            most: random draw of so many cells from one geometry; 0 for all.
            seed: decides the draws.
        """
        self.grid, self.all_touched, self.most, self.seed = grid, all_touched, most, seed
        inverse = ~grid.transform
        self._to_cells = [inverse.a, inverse.b, inverse.d, inverse.e, inverse.c, inverse.f]

    def cells(self, shape: BaseGeometry, number: int) -> tuple[Cells, int, bool, bool]:
        """Cells of one geometry, each once.

        Args:
            shape: any valid geometry, of one part or many.
            number: of the label, so that its draw does not depend on other labels.

        Returns:
            (n, 2) rows and columns inside the grid; how many of the geometry's cells lie outside the grid (only
            counted for points); whether a draw was taken; whether a polygon was too small to hold a centre.
        """
        placed = affine_transform(shape, self._to_cells)
        found, outside, small = [], 0, False
        for part in _simple_parts(placed):
            if part.geom_type == "Point":
                cell = np.floor([[part.y, part.x]]).astype(np.int64)
                inside = self._inside(cell)
                outside += len(cell) - len(inside)
                found.append(inside)
                continue
            is_line = "Line" in part.geom_type
            burnt = self._burn(part, is_line or self.all_touched, number)
            if not len(burnt) and not is_line:
                point = part.representative_point()
                burnt = self._inside(np.floor([[point.y, point.x]]).astype(np.int64))
                small |= bool(len(burnt))
            found.append(burnt)
        cells = np.unique(np.concatenate(found), axis=0) if found else np.empty((0, 2), np.int64)
        if self.most and len(cells) > self.most:
            rng = np.random.default_rng([self.seed, number])
            drawn = np.sort(rng.permutation(len(cells))[: self.most])
            return cells[drawn], outside, True, small
        return cells, outside, False, small

    def _inside(self, cells: Cells) -> Cells:
        good = (cells >= 0).all(axis=1) & (cells[:, 0] < self.grid.height) & (cells[:, 1] < self.grid.width)
        return cells[good]

    def _burn(self, part: BaseGeometry, all_touched: bool, number: int) -> Cells:
        """Cells of a line or polygon inside the grid, looked at in strips; if drawn from, evenly over all strips."""
        west, north, east, south = (float(value) for value in part.bounds)
        top, left = int(np.floor(max(north, 0))), int(np.floor(max(west, 0)))
        bottom, right = int(np.ceil(min(south, self.grid.height))), int(np.ceil(min(east, self.grid.width)))
        # An edge exactly on a cell's border bounds an empty window; a line there still touches a cell.
        bottom, right = max(bottom, min(top + 1, self.grid.height)), max(right, min(left + 1, self.grid.width))
        if bottom <= top or right <= left:
            return np.empty((0, 2), np.int64)
        rows = max(1, STRIP_CELLS // (right - left))
        strips = [Window(row, left, min(rows, bottom - row), right - left) for row in range(top, bottom, rows)]
        rng = np.random.default_rng([self.seed, number, 1])
        cells = np.empty((0, 2), np.int64)
        keys = np.empty(0)
        for strip in strips:
            mask = rasterize(
                [(part, 1)], out_shape=(strip.height, strip.width), transform=Affine.translation(strip.col, strip.row),
                all_touched=all_touched, dtype="uint8",
            )  # fmt: skip
            new = np.argwhere(mask) + np.array((strip.row, strip.col))
            cells = np.concatenate([cells, new])
            if self.most and len(strips) > 1:
                keys = np.concatenate([keys, rng.random(len(new))])
                best = np.sort(np.argsort(keys)[: 2 * self.most])
                cells, keys = cells[best], keys[best]
        return cells


def _simple_parts(shape: BaseGeometry) -> list[BaseGeometry]:
    """Points one by one; lines and polygons each as a whole; collections taken apart."""
    if shape.is_empty:
        return []
    if shape.geom_type in ("MultiPoint", "GeometryCollection"):
        return [piece for part in shapely.get_parts(shape) for piece in _simple_parts(part)]
    return [shape]
