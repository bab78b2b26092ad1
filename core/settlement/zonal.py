"""Means of a raster, or of what is computed from it block by block, in polygons.

Every pixel weighs as much as a polygon covers of it, exactly: the integral over a polygon is a line integral along its
border (Green's theorem), and where a border is cut at the sides of pixels each piece adds a product. The weights are
those of the library exactextract, which has no wheels for Linux on arm64; tests hold both together.
"""

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import NamedTuple, Protocol

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from ..errors import BadInput
from ..grid import Grid, Window
from ..progress import Progress
from ..raster import Bool, Float

Numbers = NDArray[np.float64]
Indexes = NDArray[np.int64]
Shapes = NDArray[np.object_]
Make = Callable[[Float, Bool, Window], tuple[Float, Bool]]
"""Values (C, h, w), validity (h, w) and their window -> values (K, h, w) and validity (h, w) of the same window."""

BLOCK_PX = 1024
MOST_PIECES = 1_000_000
"""Of borders, held at a time; some 100 bytes each."""
LEAST_COVERED = 1e-9
"""A smaller share of a polygon than this is rounding, and no pixel."""
STRAIGHT_M, STRAIGHT_DEG = 1000.0, 0.01
"""Edges up to this length stay straight to centimetres when they are brought to another coordinate system."""
MOST_M, MOST_DEG = 1e8, 720.0
"""Coordinates beyond are nowhere on Earth in any coordinate system."""


class Pixels(Protocol):
    """What is asked of a raster here, or of what is derived from one."""

    path: str
    grid: Grid
    bands: tuple[int, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about how the files are read."""
        ...

    def read(self, window: Window) -> tuple[Float, Bool]:
        """Values (C, h, w) float32 and validity (h, w) of a window."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...


class Zonal(NamedTuple):
    """What lies in N polygons."""

    means: Numbers
    """(N, C) float64 in the unit of the raster, NaN where a polygon covers no valid pixel."""
    covered: Numbers
    """(N,) share from 0 to 1 of each polygon's area that lies on valid pixels; 0 outside the raster."""


class Derived:
    """A reader of what is computed from the windows of another, with a margin where neighbours count."""

    dtype = "float32"

    def __init__(self, reader: Pixels, make: Make, names: tuple[str, ...], halo_px: int = 0) -> None:
        """Compute `names` by `make` from windows of `reader`, read with `halo_px` more on each side."""
        self._reader, self._make, self._halo_px = reader, make, halo_px
        self.path, self.grid = reader.path, reader.grid
        self.band_names, self.bands = names, tuple(range(1, len(names) + 1))

    def __enter__(self) -> "Derived":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def notes(self) -> tuple[str, ...]:
        """Of the reader beneath."""
        return self._reader.notes

    def close(self) -> None:
        """Let go of the files."""
        self._reader.close()

    def read(self, window: Window) -> tuple[Float, Bool]:
        """Values (K, h, w) float32, 0 where not valid, and validity (h, w) of a window."""
        grown = window.grown(self._halo_px)
        values, valid = self._make(*self._reader.read(grown), grown)
        inner = window.slices_in(grown)
        valid = valid[inner]
        return np.where(valid, values[(slice(None), *inner)], np.float32(0)), valid


def zonal_means(reader: Pixels, cells: gpd.GeoDataFrame, progress: Progress | None = None) -> Zonal:
    """Means in polygons of every band of a reader. Holds one block at a time, however large the raster.

    Args:
        reader: a raster (`open_raster`), a `Derived`, or anything else that reads windows.
        cells: N polygons in any CRS; they may overlap, have holes and several parts, and be smaller than a pixel.
        progress: of this step.

    Raises:
        BadInput: only one of both has a coordinate system, or the file cannot be read.
    """
    progress = progress or Progress()
    shapes = in_pixels(cells, reader.grid, reader.path)
    sums, counts = np.zeros((len(shapes), len(reader.bands))), np.zeros(len(shapes))
    area = shapely.area(shapes)
    area[~np.isfinite(area)] = 0
    tree = shapely.STRtree(shapes)
    blocks = reader.grid.blocks(BLOCK_PX)
    touched, hits = _hits(tree, blocks)
    for number, (block, found) in enumerate(zip(touched, hits, strict=True)):
        progress.checkpoint(number / len(touched))
        values, valid = reader.read(blocks[block])
        layers = _running_sums(values, valid)
        for some in _portions(shapes[found], found):
            made = _integrals(shapes[some], layers, blocks[block])
            sums[some] += made[:, 1:]
            counts[some] += made[:, 0]
    counts[counts <= LEAST_COVERED * area] = 0
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.where(counts[:, None] > 0, sums / counts[:, None], np.nan)
        covered = np.where(area > 0, np.clip(counts / area, 0, 1), 0)
    return Zonal(means, covered)


def in_pixels(cells: gpd.GeoDataFrame, grid: Grid, path: str) -> Shapes:
    """(N,) valid polygons in columns and rows of the grid, their outer rings anticlockwise; None where it has no place.

    Raises:
        BadInput: only one of both has a coordinate system.
    """
    geometry = cells.geometry
    check_systems(geometry, grid, path)
    if geometry.crs is not None and geometry.crs != grid.crs:
        geometry = gpd.GeoSeries(along(geometry.array, geometry.crs), crs=geometry.crs).to_crs(grid.crs)
    shapes = np.array(geometry.array, dtype=object)
    shapes[~np.isfinite(shapely.bounds(shapes)).all(axis=1)] = None  # beyond what the projection can show
    t = ~grid.transform
    shapes = shapely.transform(shapes, lambda xy: xy @ np.array([[t.a, t.d], [t.b, t.e]]) + (t.c, t.f))
    broken = ~shapely.is_valid(shapes) & ~shapely.is_missing(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    return np.asarray(shapely.orient_polygons(shapes), dtype=object)


def check_systems(geometry: gpd.GeoSeries, grid: Grid, path: str) -> None:
    """Refuse cells and a raster of which only one has a coordinate system.

    Raises:
        BadInput: naming the other.
    """
    if (geometry.crs is None) != (not grid.crs):
        lacking = path if not grid.crs else "The layer of cells"
        raise BadInput(
            f"{lacking} has no coordinate system, so it is not known how cells and raster lie to each other. Set it "
            "in the properties of the layer and save it."
        )


def along(shapes: Shapes, crs: CRS) -> Shapes:
    """(N,) polygons with corners along edges so long that another projection would bend them.

    Those that lie nowhere on Earth stay as they are: cutting metres that are called degrees would fill the memory.
    """
    made = np.array(shapes, dtype=object)
    there = on_earth(made, crs)
    made[there] = shapely.segmentize(made[there], STRAIGHT_DEG if crs.is_geographic else STRAIGHT_M / _unit(crs))
    return made


def on_earth(shapes: Shapes, crs: CRS) -> Bool:
    """(N,) whether the coordinates of shapes can be such of a place on Earth; False of empty ones."""
    most = MOST_DEG if crs.is_geographic else MOST_M / _unit(crs)
    with np.errstate(invalid="ignore"):
        return np.asarray((np.abs(shapely.bounds(shapes)) <= most).all(axis=-1))


def _unit(crs: CRS) -> float:
    """Metres, or radians, to a unit of the coordinates."""
    return float(crs.axis_info[0].unit_conversion_factor) if crs.axis_info else 1.0


def _hits(tree: shapely.STRtree, blocks: list[Window]) -> tuple[Indexes, list[Indexes]]:
    """Blocks that polygons may touch, and which polygons do."""
    boxes = shapely.box(*np.array([(b.col, b.row, b.col + b.width, b.row + b.height) for b in blocks]).T)
    pairs = tree.query(boxes)
    pairs = pairs[:, np.lexsort((pairs[1], pairs[0]))]
    touched, starts = np.unique(pairs[0], return_index=True)
    return touched, np.split(pairs[1], starts[1:]) if len(touched) else []


def _portions(shapes: Shapes, which: Indexes) -> Iterator[Indexes]:
    """The polygons in portions whose borders make a bounded number of pieces."""
    bounds = np.clip(shapely.bounds(shapes), -BLOCK_PX, None)
    pieces = 2 * (bounds[:, 2] - bounds[:, 0] + bounds[:, 3] - bounds[:, 1])
    load = np.cumsum(np.minimum(pieces, 8 * BLOCK_PX) + 2 * shapely.get_num_coordinates(shapes))
    yield from np.split(which, np.flatnonzero(np.diff(load // MOST_PIECES)) + 1)


def _running_sums(values: Float, valid: Bool) -> Numbers:
    """(1 + C, h, w + 1) of validity and bands: the sum of a row up to the left side of each pixel."""
    layers = np.zeros((1 + len(values), valid.shape[0], valid.shape[1] + 1))
    np.cumsum(valid, axis=-1, out=layers[0, :, 1:])
    np.cumsum(values * valid, axis=-1, dtype=np.float64, out=layers[1:, :, 1:])
    return layers


def _integrals(shapes: Shapes, layers: Numbers, block: Window) -> Numbers:
    """(N, 1 + C) integrals over the part of each polygon within a block, in pixels."""
    height, width = block.height, block.width
    x0, y0, x1, y1, owner = edges_of(shapes, block)
    x, y, dy, edge = pieces_of(x0, y0, x1, y1, width)
    row = np.clip(np.floor(y).astype(np.int64), 0, height - 1)
    x = np.clip(x, 0, width)
    col = np.minimum(np.floor(x).astype(np.int64), width - 1)
    made = np.empty((len(shapes), len(layers)))
    for number, layer in enumerate(layers):
        left = layer[row, col]
        inner = left + (layer[row, col + 1] - left) * (x - col)
        made[:, number] = np.bincount(owner[edge], inner * dy, minlength=len(shapes))
    return made


def edges_of(shapes: Shapes, block: Window) -> tuple[Numbers, Numbers, Numbers, Numbers, Indexes]:
    """Both ends of the edges of polygons, cut to the rows of a block, from its corner; and whose they are."""
    parts, shape = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    xy = xy - (block.col, block.row)
    same = ring[1:] == ring[:-1]
    a, b, owner = xy[:-1][same], xy[1:][same], shape[part[ring[:-1][same]]]
    crosses = (a[:, 1] != b[:, 1]) & (np.maximum(a[:, 1], b[:, 1]) > 0) & (np.minimum(a[:, 1], b[:, 1]) < block.height)
    a, b, owner = a[crosses], b[crosses], owner[crosses]
    slope = (b[:, 0] - a[:, 0]) / (b[:, 1] - a[:, 1])
    ends = []
    for end in (a, b):
        y = np.clip(end[:, 1], 0, block.height)
        ends += [np.where(y == end[:, 1], end[:, 0], a[:, 0] + (y - a[:, 1]) * slope), y]
    return ends[0], ends[1], ends[2], ends[3], owner


def pieces_of(
    x0: Numbers, y0: Numbers, x1: Numbers, y1: Numbers, width: int
) -> tuple[Numbers, Numbers, Numbers, Indexes]:
    """Edges cut where they cross sides of pixels: middle (x, y), rise and edge of each piece."""
    many = len(x0)
    cuts = [np.zeros(many), np.ones(many)]
    owner = [np.arange(many), np.arange(many)]
    for start, end, most in ((x0, x1, width), (y0, y1, None)):
        low, high = np.minimum(start, end), np.maximum(start, end)
        first, last = np.floor(low).astype(np.int64) + 1, np.ceil(high).astype(np.int64) - 1
        if most is not None:
            first, last = np.maximum(first, 0), np.minimum(last, most)
        count = np.maximum(last - first + 1, 0)
        edge = np.repeat(np.arange(many), count)
        within = np.arange(len(edge)) - np.repeat(np.cumsum(count) - count, count)
        cuts.append((first[edge] + within - start[edge]) / (end[edge] - start[edge]))
        owner.append(edge)
    at, edge = np.concatenate(cuts), np.concatenate(owner)
    order = np.lexsort((at, edge))
    at, edge = at[order], edge[order]
    same = edge[1:] == edge[:-1]
    low, high, edge = at[:-1][same], at[1:][same], edge[:-1][same]
    middle = (low + high) / 2
    dx, dy = x1 - x0, y1 - y0
    return x0[edge] + middle * dx[edge], y0[edge] + middle * dy[edge], (high - low) * dy[edge], edge
