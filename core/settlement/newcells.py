"""The table of cells before anything is known of them: new ones with numbers and zones, or those of a layer."""

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from ..classes import class_text, sorted_names
from ..errors import BadInput
from ..grid import Window
from ..jobs.settlement.cells import MakeCells
from ..progress import Progress
from ..raster import Bool, Float, open_raster
from ..samples import check_field
from .cells import fill, numbered
from .ground import ground_of
from .names import CELL, COLUMN, GHSL, LABEL, P_FAVELAS, P_VEGETA, RES, ROW, STATUS, ZI, ZONE, ZONE_STEP
from .polygons import Polygons
from .statuses import NODATA
from .zonal import Derived, zonal_means

ZONE_NAME = "zone_name"
"""Of zones that are not numbered."""
NUMBER = re.compile(r"[1-9]\d{0,9}")
OURS = (CELL, ROW, COLUMN, ZONE, ZONE_NAME, P_FAVELAS, RES, P_VEGETA, GHSL, ZI, LABEL, STATUS)
FULL = 1 - 1e-6
"""Of a cell on valid pixels; rounding lacks less."""


def new_cells(
    job: MakeCells, layers: dict[str, Polygons], progress: Progress
) -> tuple[gpd.GeoDataFrame, "Bool | None"]:
    """Cells with number, row, column and zone, in plane metres; and which of them hold nodata of the raster.

    Raises:
        BadInput: nowhere to make them, too many, or none.
    """
    grid = None
    if job.raster:
        with open_raster(job.raster) as reader:
            grid = reader.grid
    ground = ground_of(job, layers.get("boundary"), grid, layers.get("zones"))
    for note in ground.notes:
        progress.info(note)
    for warning in ground.warnings:
        progress.warning(warning)
    made = fill(ground.lattice, ground.region, job.partial, job.most_cells, progress.part(0.0, 0.5))
    cells = gpd.GeoDataFrame({ROW: made.row, COLUMN: made.col}, geometry=made.shapes, crs=ground.crs)
    nodata = None
    if job.raster:
        nodata = _holds_nodata(job.raster, cells, progress.part(0.5, 1.0))
        if nodata.any():
            what = "dropped" if job.nodata == "drop" else "kept as discarded"
            progress.info(f"{nodata.sum():,} of {len(cells):,} cells hold nodata of {job.raster}: {what}.")
        if job.nodata == "drop":
            if nodata.all():
                raise BadInput(
                    f"Every cell holds nodata of {job.raster}. Keep cells with nodata, or give another raster."
                )
            cells, nodata = cells[~nodata].reset_index(drop=True), None
    return _with_zones(cells, layers.get("zones"), job, progress), nodata


def existing_cells(
    given: Polygons, zones: "Polygons | None", job: MakeCells, progress: Progress
) -> tuple[gpd.GeoDataFrame, "Bool | None"]:
    """The cells of a layer with all their columns, numbered if they are not; and which were found to hold nodata."""
    cells = gpd.GeoDataFrame(_named(given.table, progress), geometry=given.shapes, crs=given.crs)
    nodata = np.asarray(cells[STATUS] == NODATA, dtype=np.bool_) if STATUS in cells else None
    if zones is not None:
        cells = cells.drop(columns=[ZONE, ZONE_NAME], errors="ignore")
    if zones is not None or CELL not in cells:
        cells = _with_zones(cells, zones, job, progress)
    return cells, nodata


def _named(table: pd.DataFrame, progress: Progress) -> pd.DataFrame:
    """The table with our names as we write them, whatever case they came in: a GeoPackage has room for one of them."""
    names = {column: str(column).lower() for column in table.columns if str(column).lower() in OURS}
    renamed = {old: new for old, new in names.items() if old != new and new not in table}
    if renamed:
        progress.info(f"Fields were renamed: {', '.join(f'{old} to {new}' for old, new in renamed.items())}.")
    return table.rename(columns=renamed)


def _with_zones(
    cells: gpd.GeoDataFrame, zones: "Polygons | None", job: MakeCells, progress: Progress
) -> gpd.GeoDataFrame:
    """Cells with zone and number in front."""
    zone = np.zeros(len(cells), np.int64)
    names: dict[int, str] = {}
    if zones is not None:
        numbers, names = _zone_numbers(zones, job)
        zone = _zone_of(cells, zones, numbers)
        none = int((zone == 0).sum())
        if none:
            progress.info(f"The centre of {none:,} cells lies in no zone; their zone is 0.")
    elif ZONE in cells:
        zone = _own_zones(cells)
    front = {}
    if CELL not in cells:
        made = numbered(zone)
        if made.step > ZONE_STEP:
            progress.info(f"A zone holds more than {ZONE_STEP:,} cells: numbers are {made.step:,} x zone.")
        front[CELL] = made.cell
    front |= {} if ZONE in cells else {ZONE: zone}
    if names:
        front[ZONE_NAME] = np.array([names.get(number) for number in zone.tolist()], dtype=object)
        told = ", ".join(f"{number} {name}" for number, name in list(names.items())[:12])
        progress.info(f"Zones were numbered: {told}{' ...' if len(names) > 12 else ''}.")
    order = [name for name in (CELL, ROW, COLUMN, ZONE, ZONE_NAME) if name in front or name in cells]
    cells = cells.assign(**front)
    return cells[[*order, *(name for name in cells.columns if name not in order)]]


def _own_zones(cells: gpd.GeoDataFrame) -> NDArray[np.int64]:
    texts = [class_text(value) for value in cells[ZONE]]
    if all(NUMBER.fullmatch(text) or text in ("", "0") for text in texts):
        return np.array([int(text or 0) for text in texts], dtype=np.int64)
    return np.zeros(len(cells), np.int64)


def _zone_numbers(zones: Polygons, job: MakeCells) -> tuple[NDArray[np.int64], dict[int, str]]:
    """(P,) number of the zone of each polygon, 0 where it has none; names of those that were numbered here."""
    check_field(zones.table, job.zone_field, "Zone field", zones.source)
    texts = [class_text(value) for value in zones.table[job.zone_field]]
    names = sorted_names(text for text in texts if text)
    if not names:
        raise BadInput(f"The zone field '{job.zone_field}' of {zones.source} is empty.")
    if all(NUMBER.fullmatch(name) for name in names):
        return np.array([int(text or 0) for text in texts], dtype=np.int64), {}
    number = {name: at + 1 for at, name in enumerate(names)}
    return np.array([number.get(text, 0) for text in texts], dtype=np.int64), {at: name for name, at in number.items()}


def _zone_of(cells: gpd.GeoDataFrame, zones: Polygons, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """(N,) zone in which the centre of each cell lies, the lowest of several; 0 where it lies in none."""
    shapes = np.asarray(cells.geometry.array, dtype=object)
    places = shapely.centroid(shapes)
    hollow = ~shapely.intersects(shapes, places)  # cut cells may bend around their centre
    places[hollow] = shapely.point_on_surface(shapes[hollow])
    named = np.flatnonzero(numbers > 0)
    tree = shapely.STRtree(zones.to(cells.crs).shapes[named])
    at, which = tree.query(places, predicate="intersects")
    zone = np.full(len(cells), np.iinfo(np.int64).max)
    np.minimum.at(zone, at, numbers[named[which]])
    return np.where(zone == np.iinfo(np.int64).max, 0, zone)


def _holds_nodata(path: str, cells: gpd.GeoDataFrame, progress: Progress) -> Bool:
    """(N,) True where some of a cell lies on no valid pixel.

    Where a raster of several bands does not declare nodata, a pixel that is 0 in all of them counts as such.
    """
    with open_raster(path) as reader:
        undeclared = not reader.masked and len(reader.bands) > 1

        def make(values: Float, valid: Bool, window: Window) -> tuple[Float, Bool]:
            there = valid & (values != 0).any(axis=0) if undeclared else valid
            return np.zeros((1, *valid.shape), np.float32), there

        if undeclared:
            progress.info(f"{path} does not declare nodata: pixels that are 0 in all bands count as nodata.")
        covered = zonal_means(Derived(reader, make, ("valid",)), cells, progress).covered  # type: ignore[arg-type]
    return np.asarray(covered < FULL)
