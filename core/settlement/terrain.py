"""Slope and profile curvature from heights, on the ground and not in map units, also where pixels are degrees.

Slope is Horn's (1981, doi:10.1109/PROC.1981.11918), as GDAL and QGIS compute it. Profile curvature is that of the
quadratic surface fitted to nine heights by least squares (Evans 1980), which Florinsky (2016, Digital Terrain Analysis)
calls vertical curvature, and Wood (1996) times 100 profile convexity:

    k = -(p² r + 2 p q s + q² t) / ((p² + q²) (1 + p² + q²)^1.5)

where p, q are the first and r, s, t the second derivatives of height. Its unit is 1/m, the inverse of the radius of the
slope line; it is positive where the slope line bends downwards (convex: a shoulder), negative where it bends upwards
(concave: the foot of a hill). On level ground no slope line exists; k is 0 there.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Geod, Transformer
from scipy.interpolate import RegularGridInterpolator

from ..grid import Grid, Window
from ..raster import Bool, Float
from .zonal import Derived, Pixels

Numbers = NDArray[np.float64]

LEVEL = 1e-12
"""Squared gradient below which ground is level: a slope of a millionth."""
KNOTS = 33
"""Points along each axis at which pixels are measured; between them their size hardly changes."""


def terrain(heights: Pixels) -> Derived:
    """Slope in degrees and profile curvature in 1/m of a raster of heights in metres, as bands 1 and 2.

    Where one of the eight neighbours is missing, as at the border of the raster, there is neither.
    """
    size = PixelSizes(heights.grid)

    def make(values: Float, valid: Bool, window: Window) -> tuple[Float, Bool]:
        width_m, height_m = size.of(window)
        return surface(values[0], valid, width_m, height_m)

    return Derived(heights, make, ("slope", "profile curvature"), halo_px=1)


def surface(heights: Float, valid: Bool, width_m: Numbers, height_m: Numbers) -> tuple[Float, Bool]:
    """Slope and profile curvature of an array.

    Args:
        heights: (h, w) metres.
        valid: (h, w).
        width_m: size of a pixel along rows on the ground, of any shape that goes with (h, w).
        height_m: likewise along columns.

    Returns:
        (2, h, w) float32 degrees and 1/m, 0 where not valid, and (h, w) validity: all nine heights are.
    """
    made, there = np.zeros((2, *heights.shape), np.float32), np.zeros(valid.shape, np.bool_)
    if min(heights.shape) < 3:
        return made, there
    inner = (slice(1, -1), slice(1, -1))
    dx, dy = (np.broadcast_to(size, heights.shape)[inner] for size in (width_m, height_m))
    nw, n, ne, w, c, e, sw, s, se = _nine(heights.astype(np.float64))
    there[inner] = np.logical_and.reduce(_nine(valid))
    east = ((ne + 2 * e + se) - (nw + 2 * w + sw)) / (8 * dx)
    north = ((nw + 2 * n + ne) - (sw + 2 * s + se)) / (8 * dy)
    made[(0, *inner)] = np.degrees(np.arctan(np.hypot(east, north)))
    p = ((ne + e + se) - (nw + w + sw)) / (6 * dx)
    q = ((nw + n + ne) - (sw + s + se)) / (6 * dy)
    r = (nw + w + sw + ne + e + se - 2 * (n + c + s)) / (3 * dx**2)
    t = (nw + n + ne + sw + s + se - 2 * (w + c + e)) / (3 * dy**2)
    cross = (ne + sw - nw - se) / (4 * dx * dy)
    steep = p**2 + q**2
    bend = -(p**2 * r + 2 * p * q * cross + q**2 * t)
    made[(1, *inner)] = np.where(steep > LEVEL, bend / (np.maximum(steep, LEVEL) * (1 + steep) ** 1.5), 0)
    made *= there
    return made, there


def _nine(array: NDArray[Any]) -> list[NDArray[Any]]:
    """The neighbourhood of the inner pixels, row by row from the north-west."""
    height, width = array.shape
    return [array[i : height - 2 + i, j : width - 2 + j] for i in range(3) for j in range(3)]


class PixelSizes:
    """Width and height of pixels in metres on the ground; map units count as metres where there is no CRS."""

    def __init__(self, grid: Grid) -> None:
        t = grid.transform
        self._even = (np.full((1, 1), np.hypot(t.a, t.d)), np.full((1, 1), np.hypot(t.b, t.e)))
        self._along: tuple[RegularGridInterpolator, RegularGridInterpolator] | None = None
        if grid.crs:
            self._along = _measured(grid)

    def of(self, window: Window) -> tuple[Numbers, Numbers]:
        """Widths and heights (h, w), or (1, 1), of a window, which may reach beyond the grid."""
        if self._along is None:
            return self._even
        rows = np.arange(window.row, window.row + window.height) + 0.5
        cols = np.arange(window.col, window.col + window.width) + 0.5
        places = np.stack(np.meshgrid(rows, cols, indexing="ij"), axis=-1)
        return self._along[0](places), self._along[1](places)


def _measured(grid: Grid) -> tuple[RegularGridInterpolator, RegularGridInterpolator] | None:
    """Sizes of pixels along rows and columns, by geodesics over one pixel at the knots; None where none can be had."""
    crs = CRS.from_wkt(grid.crs)
    geod = crs.get_geod() or Geod(ellps="WGS84")
    to_degrees = Transformer.from_crs(crs, crs.geodetic_crs or CRS(4326), always_xy=True)
    axes = tuple(np.linspace(0, length, KNOTS) for length in (grid.height, grid.width))
    rows, cols = np.meshgrid(*axes, indexing="ij")
    made = []
    for down, right in ((0.0, 0.5), (0.5, 0.0)):
        ends = []
        for sign in (-1, 1):
            t, col, row = grid.transform, cols + sign * right, rows + sign * down
            ends += list(to_degrees.transform(t.a * col + t.b * row + t.c, t.d * col + t.e * row + t.f))
        size = np.abs(geod.inv(*ends)[2])
        good = np.isfinite(size) & (size > 0)
        if not good.any():
            return None
        size = np.where(good, size, np.median(size[good]))
        made.append(RegularGridInterpolator(axes, size, bounds_error=False, fill_value=None))
    return made[0], made[1]
