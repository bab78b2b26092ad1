"""Two rasters of one place read as one: the second brought onto the grid of the first, as radar is to optical bands.

A window of the pair is read like a window of any raster; nothing is written. On equal grids the pixels of the second
are taken as they are; else GDAL warps them window by window: bilinear, or the mean of much smaller pixels.
"""

import math
from contextlib import ExitStack
from types import TracebackType

import numpy as np
from rasterio.enums import Resampling
from rasterio.errors import RasterioError
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from .errors import BadInput
from .grid import Window
from .raster import Bool, Float, RasterReader, open_dataset, open_raster

MUCH_SMALLER = 0.5
"""Pixels of the second are averaged when their side is below this share of a pixel of the first."""


class PairReader:
    """A raster and a second one on its grid; reads as `RasterReader` does.

    Attributes:
        first: gives the grid.
        second: on the grid of the first.
        bands: 1 to C of the pair.
    """

    coding = None
    looks: tuple[int, ...] = ()

    def __init__(
        self,
        first: RasterReader,
        second: RasterReader,
        names: tuple[str, ...],
        notes: tuple[str, ...],
        order: tuple[int, ...],
        files: ExitStack,
    ) -> None:
        self.first, self.second, self._order, self._files = first, second, list(order), files
        self.path = f"{first.path} and {second.path}"
        self.grid = first.grid
        self.bands = tuple(range(1, len(first.bands) + len(second.bands) + 1))
        names = (*first.band_names, *names)
        self.band_names = tuple(names[place] for place in order) if order else names
        self.dtype = str(np.result_type(first.dtype, second.dtype))
        self.notes = (*first.notes, *notes)

    def __enter__(self) -> "PairReader":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self._files.close()

    def read(self, window: Window) -> tuple[Float, Bool]:
        """Values and validity of a window, which may reach beyond the rasters.

        Returns:
            values: (C, h, w) float32, 0 where not valid.
            valid: (h, w) bool: valid in both.

        Raises:
            BadInput: one of the files cannot be read there.
        """
        (one, there), (two, here) = self.first.read(window), self.second.read(window)
        both = there & here
        values = np.concatenate([one, two])
        values *= both
        return values[self._order] if self._order else values, both

    def read_each(self, window: Window) -> tuple[Float, Bool]:
        """As `read`, but each band is valid by itself.

        Returns:
            values: (C, h, w) float32, 0 where not valid.
            valid: (C, h, w) bool, of each band.

        Raises:
            BadInput: one of the files cannot be read there.
        """
        (one, there), (two, here) = self.first.read_each(window), self.second.read_each(window)
        values, valid = np.concatenate([one, two]), np.concatenate([there, here])
        return (values[self._order], valid[self._order]) if self._order else (values, valid)


def open_pair(
    path: str, bands: tuple[int, ...], second: str, second_bands: tuple[int, ...], order: tuple[int, ...] = ()
) -> PairReader:
    """Both rasters, the second on the grid of the first.

    Args:
        path: of the first.
        bands: of it; empty: all but alpha.
        second: path of the second.
        second_bands: of it; empty: all but alpha.
        order: places, counted from 0, of the bands of both in the order that is wanted; empty: the first's come first.

    Raises:
        BadInput: one cannot be read, one alone has a coordinate system, or they do not overlap.
    """
    with ExitStack() as files:
        first = files.enter_context(open_raster(path, bands))
        other = files.enter_context(open_raster(second, second_bands))
        names, notes = other.band_names, other.notes  # on another grid it gets a mask that is not in the file
        if other.grid != first.grid:
            other = _brought(other, first, files)
        return PairReader(first, other, names, notes, order, files.pop_all())


def _brought(plain: RasterReader, first: RasterReader, files: ExitStack) -> RasterReader:
    if not plain.grid.crs or not first.grid.crs:
        lacking = first.path if plain.grid.crs else plain.path
        raise BadInput(
            f"{first.path} and {plain.path} lie on different grids, and {lacking} has no coordinate system, so one "
            "cannot be brought onto the other. Give it its coordinate system."
        )
    grid = first.grid
    try:
        west, south, east, north = transform_bounds(plain.grid.crs, grid.crs, *_bounds(plain))
        if not _touch((west, south, east, north), _bounds(first)):
            raise BadInput(f"{first.path} and {plain.path} do not overlap. Choose two rasters of the same place.")
        pixel = math.sqrt((east - west) * (north - south) / (plain.grid.height * plain.grid.width))
        much_smaller = pixel < MUCH_SMALLER * math.sqrt(abs(grid.transform.determinant))
        warped = WarpedVRT(
            files.enter_context(open_dataset(plain.path)),
            crs=grid.crs, transform=grid.transform, width=grid.width, height=grid.height,
            resampling=Resampling.average if much_smaller else Resampling.bilinear, add_alpha=not plain.masked,
        )  # fmt: skip
    except RasterioError as error:
        raise BadInput(f"{plain.path} cannot be brought onto the grid of {first.path}: {error}.") from error
    return files.enter_context(RasterReader(warped, plain.path, plain.bands))


def _bounds(reader: RasterReader) -> tuple[float, float, float, float]:
    """West, south, east, north; of a rotated grid those of its corners."""
    grid = reader.grid
    corners = [grid.transform @ (col, row) for col in (0, grid.width) for row in (0, grid.height)]
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _touch(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
