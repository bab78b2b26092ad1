"""Places that a user points at, on the cells of an embedding; and where cells lie on the ground."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from .burning import Burner
from .errors import BadInput
from .grid import Grid
from .labels import read_cells, shapes_on
from .progress import Progress
from .raster import RasterReader
from .samples import LabelReport
from .vector import read_vector

EARTH_M = 6_371_000.0


@dataclass(frozen=True)
class Places:
    """n valid cells under the features of a layer."""

    X: NDArray[np.float32]
    """(n, D) float32, finite."""
    cells: NDArray[np.int64]
    """(n, 2) row and column."""
    feature: NDArray[np.int64]
    """(n,) which feature of the layer each cell is of, counted from 0."""
    shapes: NDArray[np.object_]
    """(features,) geometries in the CRS of the embedding; None where there is none."""
    table: pd.DataFrame
    """The layer as it was read."""
    report: LabelReport

    def take(self, chosen: NDArray[np.bool_]) -> "Places":
        """Those cells only."""
        return replace(self, X=self.X[chosen], cells=self.cells[chosen], feature=self.feature[chosen])

    def thinned(self, most: int) -> "Places":
        """At most so many cells of each feature, evenly taken from those there are."""
        _, first, counts = np.unique(self.feature, return_index=True, return_counts=True)
        place = np.arange(len(self.feature)) - np.repeat(first, counts)
        step = np.repeat(-(-counts // most), counts)
        return self.take(place % step == 0)


def read_places(
    source: str, reader: RasterReader, most: int, seed: int, progress: Progress, *, middles: bool = False
) -> Places:
    """Cells under each feature of a layer or of a table with coordinates; features beside the raster give none.

    Args:
        source: points, lines or polygons in any CRS.
        reader: of the embedding.
        most: cells drawn from one feature; 0 for all.
        seed: decides those draws.
        progress: told while reading.
        middles: of lines and polygons only a point inside counts.

    Raises:
        BadInput: unreadable, or without place or CRS.
    """
    table = read_vector(source)
    report = LabelReport(features=len(table))
    shapes = shapes_on(table, source, reader.grid, report)
    burner = Burner(reader.grid, False, most, seed)
    cells, feature = [np.empty((0, 2), np.int64)], [np.empty(0, np.int64)]
    for number, shape in enumerate(shapes):
        if number % 64 == 0:
            progress.checkpoint(0.3 * number / len(shapes))
        if shape is None:
            continue
        found = np.empty((0, 2), np.int64)
        if np.isfinite(shape.bounds).all():
            shape = shape.representative_point() if middles else shape
            found, _, thinned, small = burner.cells(shape, number)
            report.thinned += thinned
            report.small += small
        report.outside += not len(found)
        cells.append(found)
        feature.append(np.full(len(found), number, np.int64))
    every, of = np.concatenate(cells), np.concatenate(feature)
    X, valid = read_cells(reader, every, progress.part(0.3, 1.0))
    report.cells_nodata, report.cells = int((~valid).sum()), int(valid.sum())
    return Places(X[valid], every[valid], of[valid], shapes, table, report)


def need_some(places: Places, source: str, what: str) -> None:
    """Raise unless there is a cell.

    Raises:
        BadInput: there is none; says why.
    """
    if len(places.cells):
        return
    why = " ".join(places.report.lines()[1:]) or "The layer is empty."
    raise BadInput(f"{source}: none of the {what} lies on a valid cell of the embedding. {why}")


def centres(grid: Grid, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n, 2) coordinates of the middles of (n, 2) cells in the CRS of the grid."""
    columns, rows = cells[:, 1] + 0.5, cells[:, 0] + 0.5
    t = grid.transform
    return np.stack([t.a * columns + t.b * rows + t.c, t.d * columns + t.e * rows + t.f], axis=1)


def ground(grid: Grid, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n, 2) metres of the middles of cells, good enough for spacing; without a CRS units of the coordinates.

    Degrees become metres on a sphere at the latitude of the middle of the grid.
    """
    xy = centres(grid, cells)
    if not grid.crs:
        return xy
    crs = CRS.from_wkt(grid.crs)
    if not crs.is_geographic:
        return xy * float(crs.axis_info[0].unit_conversion_factor)
    _, latitude = grid.transform @ (grid.width / 2, grid.height / 2)
    return np.asarray(np.deg2rad(xy) * EARTH_M * (np.cos(np.deg2rad(latitude)), 1.0))


def cell_area(grid: Grid) -> float:
    """Of one cell in the middle of the grid, in square metres, or units of the coordinates."""
    row, column = grid.height // 2, grid.width // 2
    corner = ground(grid, np.array([[row, column], [row, column + 1], [row + 1, column]], dtype=np.int64))
    right, down = corner[1] - corner[0], corner[2] - corner[0]
    return float(abs(right[0] * down[1] - right[1] * down[0]))
