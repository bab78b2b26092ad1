"""True areas of the cells of a grid, also where cells of one size on the map are not of one size on Earth."""

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Proj
from pyproj.exceptions import CRSError, ProjError

from .grid import Grid, Window

if TYPE_CHECKING:
    from scipy.interpolate import RegularGridInterpolator

Float = NDArray[np.float64]

TRUSTED = 0.005
"""A projection whose areas are right to this share over the whole grid is taken at its word, as every GIS does: UTM
errs by at most 0.2 %. Web Mercator at 60 degrees shows four times the true area."""
KNOTS = 33
"""Points along each axis at which the scale of a projection is computed; between them it hardly bends."""


class CellAreas:
    """Areas in square metres, window by window.

    Attributes:
        known: False without a coordinate system; every cell then counts 1.
        even: True when all cells count alike.
        note: in words, how areas were computed.
    """

    def __init__(self, grid: Grid) -> None:
        self.known, self.even = bool(grid.crs), True
        self.note = "The map has no coordinate system; shares are of cells, and areas are unknown."
        self._grid, self._scale, self._rows = grid, None, None
        t = grid.transform
        self._plain = abs(t.a * t.e - t.b * t.d)
        if not grid.crs:
            self._plain = 1.0
            return
        crs = CRS.from_wkt(grid.crs)
        if crs.is_geographic and t.b == 0 and t.d == 0:
            self._rows = _rows_of(grid, crs)
            self.even, self.note = False, "Areas of cells were computed on the ellipsoid, row by row."
            return
        if crs.is_geographic:
            self._plain *= math.radians(1) ** 2 * 6371007.2**2  # turned grids: on a sphere of the same area
            self._scale, self.even = _cosines(grid), False
            self.note = "The grid in degrees is turned; areas of cells were computed on a sphere."
            return
        self._plain *= float(crs.axis_info[0].unit_conversion_factor if crs.axis_info else 1.0) ** 2
        self.note = "Areas are those of the map's own projection, which is right to half a per cent here."
        scale = _projection_scale(grid, crs)
        if scale is None:
            self.note = "Areas are those of the map's own projection; how true they are could not be computed."
        elif np.abs(scale - 1).max() > TRUSTED:
            self._scale, self.even = _between(grid, 1 / scale), False
            self.note = (
                f"The projection shows areas up to {scale.max():.2f} times their size, at the least {scale.min():.2f} "
                "times; areas of cells were corrected for it."
            )

    def of(self, window: Window) -> Float:
        """(h, w), (h, 1) or (1, 1) float64, to be broadcast over the cells of a window."""
        if self._rows is not None:
            return self._rows[window.row : window.row + window.height, None]
        if self._scale is None:
            return np.full((1, 1), self._plain)
        rows = np.arange(window.row, window.row + window.height) + 0.5
        cols = np.arange(window.col, window.col + window.width) + 0.5
        places = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1)
        return np.asarray(self._plain * self._scale(places), dtype=np.float64)


def _rows_of(grid: Grid, crs: CRS) -> Float:
    """(height,) area of one cell of each row, between two parallels and two meridians of the ellipsoid.

    Source: Snyder 1987, Map Projections: A Working Manual, USGS 1395, eq. 3-12 (authalic q).
    """
    a = crs.ellipsoid.semi_major_metre if crs.ellipsoid else 6378137.0
    b = crs.ellipsoid.semi_minor_metre if crs.ellipsoid else 6356752.314245
    unit = float(crs.axis_info[0].unit_conversion_factor if crs.axis_info else math.radians(1))
    e2 = max(1 - (b / a) ** 2, 0.0)
    e = math.sqrt(e2)
    edges = (grid.transform.f + grid.transform.e * np.arange(grid.height + 1)) * unit
    sine = np.sin(np.clip(edges, -math.pi / 2, math.pi / 2))
    q = 2 * sine if e < 1e-9 else (1 - e2) * (sine / (1 - e2 * sine**2) + np.arctanh(e * sine) / e)
    return np.asarray(np.abs(np.diff(q)) * a**2 / 2 * abs(grid.transform.a) * unit)


def _lattice(grid: Grid) -> tuple[Float, Float]:
    return np.linspace(0, grid.height, KNOTS), np.linspace(0, grid.width, KNOTS)


def _places(grid: Grid) -> tuple[Float, Float]:
    """X and y (KNOTS, KNOTS) of the lattice."""
    rows, cols = np.meshgrid(*_lattice(grid), indexing="ij")
    t = grid.transform
    return t.a * cols + t.b * rows + t.c, t.d * cols + t.e * rows + t.f


def _between(grid: Grid, values: Float) -> "RegularGridInterpolator":
    from scipy.interpolate import RegularGridInterpolator  # every job knows areas, few ask for uneven ones

    return RegularGridInterpolator(_lattice(grid), values, bounds_error=False, fill_value=None)


def _cosines(grid: Grid) -> "RegularGridInterpolator":
    return _between(grid, np.cos(np.radians(_places(grid)[1])))


def _projection_scale(grid: Grid, crs: CRS) -> Float | None:
    """(KNOTS, KNOTS) how many times too large areas are shown; None where that cannot be said."""
    x, y = _places(grid)
    try:
        projection = Proj(crs)
        longitude, latitude = projection(x.ravel(), y.ravel(), inverse=True)
        scale = np.asarray(projection.get_factors(longitude, latitude).areal_scale, dtype=np.float64)
    except (CRSError, ProjError, ValueError):
        return None
    good = np.isfinite(scale) & (scale > 0) & (scale < 1e6)
    if not good.any():
        return None
    return np.where(good, scale, np.median(scale[good])).reshape(KNOTS, KNOTS)
