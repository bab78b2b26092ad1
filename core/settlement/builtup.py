"""Share of each pixel that is built up, whatever a raster of it holds.

Source: GHS-BUILT-S, Pesaresi and Politis 2023, European Commission JRC: square metres of built-up surface in a pixel.
"""

import geopandas as gpd
import numpy as np
from pyproj import CRS

from ..cellarea import CellAreas
from ..errors import BadInput
from ..grid import Grid, Window
from ..raster import Bool, Float, RasterReader, open_raster
from ..region import window_of
from .names import GHSL
from .vegetation import value_range
from .zonal import Derived

AUTO, SHARE, PERCENT, SQUARE_METRES = "auto", "share", "percent", "square-metres"
SAY = "say it under 'Values of the built-up raster'"
SLACK = 1.01
"""Rounding, above what a pixel can hold."""


def open_built_up(path: str, kind: str, cells: gpd.GeoDataFrame, notes: list[str]) -> Derived:
    """A reader of one band, the share from 0 to 1 of each pixel that is built up.

    Args:
        path: raster of one band.
        kind: what its numbers are; `auto` tells it by the largest number where the cells lie.
        cells: N polygons in any CRS.
        notes: what was told is appended.

    Raises:
        BadInput: several bands, beside the cells, or numbers that may mean anything.
    """
    reader = open_raster(path)
    try:
        if len(reader.bands) > 1:
            raise BadInput(
                f"{path} has {len(reader.bands)} bands. Save the one that is built-up as a raster of its own."
            )
        if not reader.grid.crs:
            raise BadInput(f"{path} has no coordinate system, so it is not known where it lies. Assign one.")
        low, high = value_range(reader, _window(reader, cells))
        areas = _areas(reader.grid)
        largest = float(areas.max())
        chosen = _told(path, kind, reader, low, high, largest, notes)
    except BaseException:
        reader.close()
        raise

    def make(stored: Float, valid: Bool, window: Window) -> tuple[Float, Bool]:
        whole = {SHARE: 1.0, PERCENT: 100.0}.get(chosen)
        rows = np.clip(np.arange(window.row, window.row + window.height), 0, len(areas) - 1)
        share = stored / (areas[rows, None] if whole is None else whole)
        return np.clip(share, 0, 1).astype(np.float32), valid

    return Derived(reader, make, (GHSL,))


def _window(reader: RasterReader, cells: gpd.GeoDataFrame) -> Window:
    west, south, east, north = map(float, cells.total_bounds)
    try:
        return window_of(reader.grid, f"{west!r},{east!r},{south!r},{north!r} [{cells.crs.to_wkt()}]")
    except BadInput as error:
        # The box of the cells is no extent that the user gave.
        raise BadInput(f"{reader.path} has no value in any cell. Does it belong to this place?") from error


def _areas(grid: Grid) -> Float:
    """(height,) square metres of a pixel in each row; as the projection shows them, which is how they were counted."""
    crs = CRS.from_wkt(grid.crs)
    if crs.is_geographic:
        return np.broadcast_to(CellAreas(grid).of(grid.whole)[:, :1], (grid.height, 1))[:, 0].astype(np.float32)
    unit = float(crs.axis_info[0].unit_conversion_factor) if crs.axis_info else 1.0
    return np.full(grid.height, abs(grid.transform.a * grid.transform.e) * unit**2, np.float32)


def _told(path: str, kind: str, reader: RasterReader, low: float, high: float, largest: float, notes: list[str]) -> str:
    """What the numbers are."""
    most = {SHARE: 1.0, PERCENT: 100.0, SQUARE_METRES: largest}
    if low < 0:
        raise BadInput(
            f"{path} holds {low:.6g}: no built-up share is negative. If it stands for nodata, declare it so."
        )
    if kind != AUTO:
        if high > SLACK * most[kind]:
            raise BadInput(
                f"{path} holds {high:.6g}, but as {kind} it can be {most[kind]:.6g} at most. Is it something else, or "
                "nodata that is not declared?"
            )
        return kind
    byte = reader.dtype == "uint8" and high > SLACK * most[PERCENT]
    found = next((name for name in (SHARE, PERCENT, SQUARE_METRES) if high <= SLACK * most[name]), "")
    if not found or byte:
        raise BadInput(
            f"{path} holds numbers up to {high:.6g}, more than the {largest:.6g} square metres of a pixel or the 255 "
            f"of a mask. Declare what is nodata, or {SAY}."
            if not byte
            else f"{path} holds bytes up to {high:.6g}. If that stands for nodata or for 'built up', declare or recode "
            f"it; if it is square metres, {SAY}."
        )
    words = {SHARE: "shares from 0 to 1", PERCENT: "per cent", SQUARE_METRES: "square metres of a pixel"}
    notes.append(f"{path} holds numbers up to {high:.6g} here, taken as {words[found]}. If they are not, {SAY}.")
    return found
