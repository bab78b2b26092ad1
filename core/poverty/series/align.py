"""Rasters brought onto the grid of a series by GDAL's warper, as small virtual rasters beside the result."""

import math
import re
import warnings
import zlib
from dataclasses import replace
from pathlib import Path

import rasterio
import rasterio.shutil
from rasterio.crs import CRS
from rasterio.enums import Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from ...errors import BadInput, Unwritable
from ...grid import Grid, Window
from ...jobs.poverty.series import PrepareSeries
from ...raster import open_dataset
from .grid import CLOSE_PX
from .remarks import Remarks
from .sources import File, folder_of

EDGE_POINTS = 21
"""Of each side of a raster, which another projection bends."""


def aligned(file: File, grid: Grid, job: PrepareSeries, remarks: Remarks) -> File:
    """A file as it lies on another grid.

    What it does not cover is nodata, or masked by an alpha band where it declares no nodata.

    Raises:
        BadInput: it does not meet the grid, or cannot be read.
        Unwritable: the folder beside the result cannot be written.
    """
    remarks.checkpoint()
    grid = _met(file, grid)
    folder = folder_of(job.output)
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise Unwritable(f"{folder} cannot be made: {error.strerror}.") from error
    target = _free_name(folder, file.path)
    nodata = next((band.nodata for band in file.bands if band.nodata is not None), None)
    if nodata is None and job.nodata:
        nodata = float(job.nodata)
    bare = nodata is None and not any(band.masked for band in file.bands)
    options = {"src_nodata": nodata, "nodata": nodata} if nodata is not None else {"add_alpha": bare}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with open_dataset(file.path) as source:
                warped = WarpedVRT(
                    source, crs=CRS.from_wkt(grid.crs), transform=grid.transform, width=grid.width, height=grid.height,
                    resampling=Resampling[job.resampling], **options,
                )  # fmt: skip
                with warped:
                    rasterio.shutil.copy(warped, target, driver="VRT")
    except RasterioError as error:
        raise BadInput(f"{file.path} cannot be brought onto the grid of the series: {error}.") from error
    bands = tuple(replace(band, path=str(target), nodata=nodata, masked=nodata is None) for band in file.bands)
    return replace(file, path=str(target), grid=grid, bands=bands, block=(128, 128))


def _free_name(folder: Path, path: str) -> Path:
    """A name in the folder: that of the file, and a number made of its path, as files of two folders may share one."""
    stem = re.sub(r"[^\w.-]+", "_", Path(path).stem) or "raster"
    return folder / f"{stem}_{zlib.crc32(path.encode()):08x}.vrt"


def _met(file: File, grid: Grid) -> Grid:
    """The part of a grid that a file may meet, so that tiles stay apart."""
    systems = CRS.from_wkt(file.grid.crs), CRS.from_wkt(grid.crs)
    left, bottom, right, top = transform_bounds(*systems, *_bounds(file.grid), densify_pts=EDGE_POINTS)
    corners = [~grid.transform @ corner for corner in ((left, top), (right, top), (left, bottom), (right, bottom))]
    cols, rows = ([corner[axis] for corner in corners] for axis in (0, 1))
    col, row = math.floor(min(cols) + CLOSE_PX), math.floor(min(rows) + CLOSE_PX)
    size = math.ceil(max(rows) - CLOSE_PX) - row, math.ceil(max(cols) - CLOSE_PX) - col
    window = Window(row, col, *size).intersection(grid.whole)
    if window is None:
        raise BadInput(f"{file.path} lies elsewhere: it does not meet the rasters of the other dates.")
    return grid.crop(window)


def _bounds(grid: Grid) -> tuple[float, float, float, float]:
    (x0, y0), (x1, y1) = grid.transform @ (0, 0), grid.transform @ (grid.width, grid.height)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
