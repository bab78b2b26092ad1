"""Cells as a raster: a pixel for each, a band for each date."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from ...atomic import replacing
from ...chips import Places
from ...grid import Grid, Window
from ...spool import unwritable

TILE = 256


def cell_grid(grid: Grid, cell_px: int, window: Window) -> tuple[Grid, Window]:
    """The grid of all whole cells in a window of a raster, and where it lies on the lattice of cells."""
    first = -(-window.row // cell_px), -(-window.col // cell_px)
    last = (window.row + window.height) // cell_px, (window.col + window.width) // cell_px
    inside = Window(*first, max(last[0] - first[0], 0), max(last[1] - first[1], 0))
    return grid.coarser(cell_px).crop(inside), inside


def on_grid(values: NDArray[np.float64], places: Places, cell_px: int, inside: Window) -> NDArray[np.float32]:
    """(B, H, W) of cells (N, B)."""
    found = np.full((values.shape[1], inside.height, inside.width), np.nan, np.float32)
    row, col = (places.inside[:, axis] // cell_px - inside[axis] for axis in (0, 1))
    found[:, row, col] = values.T
    return found


def write_cells(
    path: str, data: NDArray[np.float32] | NDArray[np.uint8], grid: Grid, names: Sequence[str], nodata: float
) -> None:
    """Write a tiled, compressed GeoTIFF under a temporary name and rename it.

    Args:
        path: of the raster.
        data: (B, H, W).
        grid: of the cells.
        names: (B,) of the bands.
        nodata: number of cells that are not known.

    Raises:
        Unwritable: the folder, or too little room in it.
    """
    profile = {
        "driver": "GTiff", "crs": grid.crs, "transform": grid.transform, "dtype": data.dtype, "nodata": nodata,
        "tiled": True, "blockxsize": TILE, "blockysize": TILE, "compress": "deflate", "BIGTIFF": "IF_SAFER",
        "predictor": 3 if data.dtype.kind == "f" else 2,
    }  # fmt: skip
    try:
        with replacing(path) as temporary:
            count, height, width = data.shape
            with rasterio.open(temporary, "w", count=count, height=height, width=width, **profile) as file:
                file.write(data)
                file.descriptions = tuple(names)
    except rasterio.errors.RasterioIOError as error:
        raise unwritable(OSError(str(error)), Path(path)) from error
