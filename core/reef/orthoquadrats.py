"""Quadrats on an orthomosaic: squares of whole pixels, at random or in a grid, in a mask and where there is data."""

import math
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS
from rasterio.errors import RasterioError
from rasterio.windows import Window

from ..errors import BadInput
from ..layersource import parse_source
from ..progress import Progress
from ..vector import read_vector
from .placing import Area

EARTH_M = 6_371_008.8
TRIES = 400
"""Draws for each quadrat that is wanted, after which it is said that no more fit."""
BATCH = 256
LOOK_PX = 64
"""A quadrat is looked at in so many rows and columns to see whether there is data."""
SURVEY_PX = 1024
"""Longer side of the coarse look at where there is data."""
MOST_QUADRATS = 100_000


class Mosaic(NamedTuple):
    """What must be known of an orthomosaic."""

    path: str
    height: int
    width: int
    transform: Affine
    crs: str
    """WKT; empty where the file tells none."""
    row_m: float
    column_m: float
    """Height and width of a pixel."""

    def outline(self, area: Area) -> NDArray[np.float64]:
        """(5, 2) corners of an area in the CRS of the mosaic, closed."""
        low, right = area.top + area.height, area.left + area.width
        ring = [(area.left, area.top), (right, area.top), (right, low), (area.left, low), (area.left, area.top)]
        return np.array([self.transform @ corner for corner in ring], dtype=np.float64)

    def middles(self, places: NDArray[np.int64]) -> NDArray[np.float64]:
        """(N, 2) coordinates of the middles of (N, 2) pixels (row, column)."""
        return np.array([self.transform @ (column + 0.5, row + 0.5) for row, column in places.tolist()])


def read_mosaic(path: str, pixel_m: float) -> Mosaic:
    """Size, place and size of pixels.

    Args:
        path: of the raster.
        pixel_m: side of a pixel; 0 where the file tells it.

    Raises:
        BadInput: unreadable, or the size of its pixels is not known.
    """
    try:
        with rasterio.open(path) as dataset:
            crs = dataset.crs.to_wkt() if dataset.crs else ""
            height, width, transform = int(dataset.height), int(dataset.width), dataset.transform
    except (RasterioError, OSError) as error:
        raise BadInput(f"The orthomosaic {path} cannot be read: {error}.") from error
    if pixel_m:
        return Mosaic(path, height, width, transform, crs, pixel_m, pixel_m)
    if not crs:
        raise BadInput(
            f"The orthomosaic {path} has no coordinate system, so the size of its pixels is not known. Give it in "
            "metres."
        )
    system = CRS.from_wkt(crs)
    if system.is_geographic:
        _, latitude = transform @ (width / 2, height / 2)
        scale = np.deg2rad(EARTH_M) * np.array([math.cos(math.radians(latitude)), 1.0])
    else:
        scale = np.full(2, float(system.axis_info[0].unit_conversion_factor))
    column_m = float(np.hypot(transform.a * scale[0], transform.d * scale[1]))
    row_m = float(np.hypot(transform.b * scale[0], transform.e * scale[1]))
    return Mosaic(path, height, width, transform, crs, row_m, column_m)


def read_mask(source: str, mosaic: Mosaic) -> shapely.Geometry:
    """The polygons of a layer as one, in pixels of the mosaic.

    Raises:
        BadInput: unreadable, without polygons, or none of them on the mosaic.
    """
    table = read_vector(source, columns=[])
    if not isinstance(table, gpd.GeoDataFrame):
        raise BadInput(f"{source} has no geometry; polygons are needed.")
    shapes = table.geometry
    if shapes.crs is not None and mosaic.crs:
        shapes = shapes.to_crs(mosaic.crs)
    found = np.array(shapes.array, dtype=object)
    found = found[~shapely.is_missing(found)]
    found = shapely.make_valid(found[shapely.get_dimensions(found) == 2])
    inverse = ~mosaic.transform
    matrix = np.array([[inverse.a, inverse.b], [inverse.d, inverse.e]])
    pixels = shapely.transform(shapely.union_all(found), lambda xy: xy @ matrix.T + (inverse.c, inverse.f))
    inside = shapely.intersection(shapely.make_valid(pixels), shapely.box(0, 0, mosaic.width, mosaic.height))
    if inside.is_empty:
        raise BadInput(f"No polygon of {parse_source(source).path} lies on the orthomosaic.")
    return inside


class Quadrats:
    """Draws quadrats that lie wholly on the mosaic, inside the mask, on data, and beside each other."""

    def __init__(
        self, mosaic: Mosaic, side_m: float, mask: shapely.Geometry | None, seen: float, taken: Sequence[Area] = ()
    ) -> None:
        """Prepare.

        Args:
            mosaic: to lie on.
            side_m: of a quadrat, m.
            mask: in pixels, or None.
            seen: least share of pixels with data.
            taken: quadrats that are there already, of any size.

        Raises:
            BadInput: a quadrat larger than the mosaic or smaller than a pixel.
        """
        self.mosaic, self.mask, self.seen = mosaic, mask, seen
        self.taken = np.array([tuple(area) for area in taken], np.int64).reshape(-1, 4)
        self.met = 0
        """Of a grid: quadrats left out because they would lie on those that are there."""
        self.height, self.width = round(side_m / mosaic.row_m), round(side_m / mosaic.column_m)
        if not 1 <= self.height <= mosaic.height or not 1 <= self.width <= mosaic.width:
            raise BadInput(
                f"A quadrat of {side_m:g} m is {self.height:,} x {self.width:,} pixels, the orthomosaic "
                f"{mosaic.height:,} x {mosaic.width:,}. Choose another side."
            )
        if mask is not None:
            shapely.prepare(mask)

    def random(self, count: int, seed: int, progress: Progress) -> list[Area]:
        """So many at random, no two on the same ground, none on those that are there; fewer where no more fit.

        In the order of drawing.
        """
        random = np.random.default_rng(seed)
        west, north, east, south = self.mask.bounds if self.mask is not None else (0, 0, *self._size)
        low = (max(math.floor(north), 0), max(math.floor(west), 0))
        high = (min(math.ceil(south), self._size[1]) - self.height, min(math.ceil(east), self._size[0]) - self.width)
        chosen: list[Area] = []
        if high[0] < low[0] or high[1] < low[1]:
            return chosen
        taken = np.empty((0, 2), np.int64)
        with rasterio.open(self.mosaic.path) as dataset:
            for tried in range(0, TRIES * count, BATCH):
                corners = random.integers(low, np.add(high, 1), size=(BATCH, 2))
                for corner in corners[self._inside(corners)]:
                    apart = (np.abs(taken - corner) >= (self.height, self.width)).any(axis=1).all()
                    apart = apart and self._free(corner)
                    if len(chosen) < count and apart and self._on_data(dataset, corner):
                        chosen.append(self._area(corner))
                        taken = np.vstack([taken, corner])
                progress.checkpoint(max(len(chosen) / count, tried / (TRIES * count)))
                if len(chosen) == count:
                    break
        return chosen

    def systematic(self, spacing_m: float, count: int, seed: int, progress: Progress) -> list[Area]:
        """All of a grid with a random start, but for those that would lie on quadrats that are there.

        Args:
            spacing_m: from one to the next; 0 takes what gives about `count`.
            count: wanted.
            seed: decides the start.
            progress: told while looking.

        Raises:
            BadInput: quadrats would lie on one another, or are too many.
        """
        step = self._steps(spacing_m, count)
        if step[0] < self.height or step[1] < self.width:
            given = f"a spacing of {spacing_m:g} m" if spacing_m else f"{count:,} of them"
            raise BadInput(f"With {given} quadrats would lie on one another. Take fewer, smaller or wider spaced ones.")
        random = np.random.default_rng(seed)
        starts = [int(random.integers(0, length)) for length in step]
        rows = np.arange(starts[0], self.mosaic.height - self.height + 1, step[0])
        columns = np.arange(starts[1], self.mosaic.width - self.width + 1, step[1])
        if len(rows) * len(columns) > MOST_QUADRATS:
            raise BadInput(f"That would be {len(rows) * len(columns):,} quadrats. Take a wider spacing.")
        corners = np.stack(np.meshgrid(rows, columns, indexing="ij"), axis=-1).reshape(-1, 2).astype(np.int64)
        corners = corners[self._inside(corners)] if len(corners) else corners
        chosen = []
        with rasterio.open(self.mosaic.path) as dataset:
            for number, corner in enumerate(corners):
                progress.checkpoint(number / len(corners))
                if not self._free(corner):
                    self.met += 1
                elif self._on_data(dataset, corner):
                    chosen.append(self._area(corner))
        return chosen

    def _free(self, corner: NDArray[np.int64]) -> bool:
        """Whether a quadrat there lies on none of those that are there."""
        begin, size = self.taken[:, :2], self.taken[:, 2:]
        meets = (corner < begin + size) & (np.add(corner, (self.height, self.width)) > begin)
        return not meets.all(axis=1).any()

    def _steps(self, spacing_m: float, count: int) -> tuple[int, int]:
        m = self.mosaic
        if not spacing_m:
            pixels = (self.mask.area if self.mask is not None else float(m.height * m.width)) * self._filled()
            spacing_m = math.sqrt(pixels * m.row_m * m.column_m / count)
        return max(round(spacing_m / m.row_m), 1), max(round(spacing_m / m.column_m), 1)

    def _filled(self) -> float:
        """Share of the mosaic, or of the mask, that holds data, looked at coarsely."""
        m = self.mosaic
        step = max(m.height, m.width) / SURVEY_PX
        shape = (max(round(m.height / step), 1), max(round(m.width / step), 1)) if step > 1 else (m.height, m.width)
        with rasterio.open(m.path) as dataset:
            valid = dataset.dataset_mask(out_shape=shape) > 0
        if self.mask is not None:
            rows, columns = (
                (np.arange(n) + 0.5) * side / n for n, side in zip(shape, (m.height, m.width), strict=True)
            )
            valid = valid[shapely.contains_xy(self.mask, *np.meshgrid(columns, rows))]
        return float(valid.mean()) if valid.any() else 1.0

    @property
    def _size(self) -> tuple[int, int]:
        return self.mosaic.width, self.mosaic.height

    def _area(self, corner: NDArray[np.int64]) -> Area:
        return Area(int(corner[0]), int(corner[1]), self.height, self.width)

    def _inside(self, corners: NDArray[np.int64]) -> NDArray[np.bool_]:
        if self.mask is None:
            return np.ones(len(corners), np.bool_)
        top, left = corners.T
        boxes = shapely.box(left, top, left + self.width, top + self.height)
        return np.asarray(shapely.covers(self.mask, boxes))

    def _on_data(self, dataset: "rasterio.DatasetReader", corner: NDArray[np.int64]) -> bool:
        window = Window(int(corner[1]), int(corner[0]), self.width, self.height)
        shape = (min(self.height, LOOK_PX), min(self.width, LOOK_PX))
        return bool((dataset.dataset_mask(window=window, out_shape=shape) > 0).mean() >= self.seen)


def names(stem: str, count: int, taken: Iterator[str]) -> list[str]:
    """`stem_q001`, … going on after those that are there."""
    begin = f"{stem}_q"
    numbers = [
        int(name[len(begin) :])
        for name in taken
        if name.startswith(begin) and re.fullmatch("[0-9]{1,9}", name[len(begin) :])
    ]
    last = max(numbers, default=0)
    digits = max(3, len(str(last + count)))
    return [f"{begin}{last + number:0{digits}d}" for number in range(1, count + 1)]
