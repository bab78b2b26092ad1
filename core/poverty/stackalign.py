"""Rasters brought onto the grid of a series by GDAL's warper, as small virtual rasters beside the result."""

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

from ..errors import BadInput, Unwritable
from ..grid import Grid
from ..jobs.poverty.series import PrepareSeries
from .remarks import Remarks
from .stacksources import File


def folder_of(output: str) -> Path:
    """Where the virtual rasters of files that were brought onto the grid lie."""
    path = Path(output)
    return path.with_name(f"{path.stem}_aligned")


def aligned(file: File, grid: Grid, job: PrepareSeries, remarks: Remarks) -> File:
    """A file as it lies on another grid.

    What it does not cover is nodata, or masked by an alpha band where it declares no nodata.

    Raises:
        BadInput: it does not meet the grid, or cannot be read.
        Unwritable: the folder beside the result cannot be written.
    """
    remarks.checkpoint()
    _check_meets(file, grid)
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
            with rasterio.open(file.path) as source:
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


def _check_meets(file: File, grid: Grid) -> None:
    left, bottom, right, top = transform_bounds(
        CRS.from_wkt(file.grid.crs), CRS.from_wkt(grid.crs), *_bounds(file.grid), densify_pts=21
    )
    west, south, east, north = _bounds(grid)
    if left >= east or right <= west or bottom >= north or top <= south:
        raise BadInput(f"{file.path} lies elsewhere: it does not meet the rasters of the other dates.")


def _bounds(grid: Grid) -> tuple[float, float, float, float]:
    (x0, y0), (x1, y1) = grid.transform @ (0, 0), grid.transform @ (grid.width, grid.height)
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)
