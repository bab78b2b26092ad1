"""Which cells of a grid are asked for: an extent as text, or polygons of a layer."""

import re
from collections.abc import Sequence

import numpy as np
import rasterio
import shapely
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import CRSError, RasterioError
from rasterio.features import rasterize
from rasterio.warp import transform_bounds

from .errors import BadInput
from .grid import Grid, Window

Bool = NDArray[np.bool_]

TOLERANCE_CELLS = 1e-3
"""An edge this near to a cell's border is on it: coordinates arrive rounded."""
_EXTENT = re.compile(r"^\s*([^\s,]+)\s*,\s*([^\s,]+)\s*,\s*([^\s,]+)\s*,\s*([^\s,\[]+)\s*(?:\[(.+)\])?\s*$")


def window_of(grid: Grid, extent: str) -> Window:
    """The cells that an extent touches, cut to the grid.

    Args:
        grid: of the raster.
        extent: `xmin,xmax,ymin,ymax` in the grid's CRS, or with ` [EPSG:n]` behind; empty means all.

    Raises:
        BadInput: not an extent, or beside the raster.
    """
    if not extent.strip():
        return grid.whole
    west, east, south, north = _bounds(extent, grid)
    corners = [~grid.transform @ (x, y) for x in (west, east) for y in (south, north)]
    cols, rows = zip(*corners, strict=True)
    left, top = (int(np.floor(min(axis) + TOLERANCE_CELLS)) for axis in (cols, rows))
    right, bottom = (int(np.ceil(max(axis) - TOLERANCE_CELLS)) for axis in (cols, rows))
    wanted = Window(top, left, max(bottom - top, 1), max(right - left, 1))
    window = wanted.intersection(grid.whole)
    if window is None:
        raise BadInput(f"The extent {extent} lies beside the raster. Is it in the raster's coordinate system?")
    return window


def parse_extent(extent: str) -> tuple[float, float, float, float, str]:
    """West, east, south, north, and what stands in brackets behind: a coordinate system, or nothing.

    Raises:
        BadInput: not an extent.
    """
    match = _EXTENT.match(extent)
    try:
        numbers = [float(text) for text in match.groups()[:4]] if match else []
    except ValueError:
        numbers = []
    if match is None or not numbers or not np.isfinite(numbers).all():
        raise BadInput(f"'{extent}' is not an extent. Write xmin,xmax,ymin,ymax, and [EPSG:n] behind if need be.")
    west, east, south, north = numbers
    if west > east or south > north:
        raise BadInput(f"In the extent {extent} a minimum is above its maximum; the order is xmin,xmax,ymin,ymax.")
    return west, east, south, north, match[5] or ""


def _bounds(extent: str, grid: Grid) -> tuple[float, float, float, float]:
    west, east, south, north, crs = parse_extent(extent)
    if not crs or not grid.crs:
        return west, east, south, north
    try:
        left, bottom, right, top = transform_bounds(
            CRS.from_user_input(crs), CRS.from_wkt(grid.crs), west, south, east, north, densify_pts=21
        )
    except (CRSError, RasterioError, ValueError) as error:
        raise BadInput(f"The extent {extent} cannot be brought to the raster's coordinate system: {error}.") from error
    return left, right, bottom, top


class PolygonMask:
    """The polygons of a layer, asked window by window which cells have their centre inside any."""

    def __init__(self, path: str, grid: Grid) -> None:
        """Read the polygons of `path` (`file` or `file|layername=x`) and bring them to the grid's CRS.

        Raises:
            BadInput: unreadable, or without polygons.
        """
        from .vector import read_vector  # and pandas with it, which a raster without an area can do without

        table = read_vector(path, columns=[])
        geometry = getattr(table, "geometry", None)
        if geometry is None:
            raise BadInput(f"{path} has no geometry; polygons are needed.")
        if geometry.crs is not None and grid.crs:
            geometry = geometry.to_crs(grid.crs)
        shapes = np.asarray(geometry.array)
        shapes = shapes[~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)]
        shapes = shapes[shapely.get_dimensions(shapes) == 2]
        if not len(shapes):
            raise BadInput(f"{path} holds no polygons.")
        self.grid = grid
        self._tree = shapely.STRtree(shapely.make_valid(shapes))

    def touched(self, windows: Sequence[Window]) -> Bool:
        """(n,) bool: whether any polygon meets a window."""
        places = self.grid.transform
        edges = np.array([(w.col, w.row, w.col + w.width, w.row + w.height) for w in windows], np.float64).T
        west, east = (places.a * col + places.b * row + places.c for col, row in (edges[:2], edges[2:]))
        north, south = (places.d * col + places.e * row + places.f for col, row in (edges[:2], edges[2:]))
        left, right = np.minimum(west, east), np.maximum(west, east)
        boxes = shapely.box(left, np.minimum(north, south), right, np.maximum(north, south))
        found = np.zeros(len(windows), np.bool_)
        found[np.unique(self._tree.query(boxes, predicate="intersects")[0])] = True
        return found

    def cells(self, window: Window) -> Bool:
        """(h, w) bool: centre inside any polygon."""
        transform = self.grid.crop(window).transform
        ring = [transform @ corner for corner in ((0, 0), (window.width, 0), (window.width, window.height))]
        ring.append(transform @ (0, window.height))
        found = self._tree.query(shapely.Polygon(ring), predicate="intersects")
        if not len(found):
            return np.zeros((window.height, window.width), np.bool_)
        shapes = self._tree.geometries[np.sort(found)]
        with rasterio.Env():
            burnt: NDArray[np.uint8] = rasterize(
                [(shape, 1) for shape in shapes], out_shape=(window.height, window.width), transform=transform,
                dtype="uint8",
            )  # fmt: skip
        return burnt.astype(np.bool_)
