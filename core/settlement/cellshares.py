"""Shares of cells from all sources of a job: polygons by overlay, rasters by means."""

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import BadInput
from ..jobs.settlement.cells import MakeCells
from ..progress import Progress
from .builtup import open_built_up
from .labelrule import SHARES
from .metric import middle, utm_of
from .names import GHSL, P_FAVELAS, P_VEGETA, RES, ZI
from .overlay import DECIMALS, shares
from .polygons import Polygons
from .vegetation import open_vegetation
from .zonal import Derived, zonal_means

Float = NDArray[np.float64]

OF_POLYGONS = {P_FAVELAS: "favelas", RES: "residential", ZI: "excluded"}
"""Column and parameter."""
LEAST_COVERED = 0.5
"""Of a cell by valid pixels, for a mean to speak for it."""


def shares_of(
    job: MakeCells, cells: gpd.GeoDataFrame, flat: gpd.GeoSeries, layers: dict[str, Polygons], progress: Progress
) -> dict[str, Float]:
    """Shares of N cells by column, of every source that is given; and those that the cells bring along.

    Args:
        job: names the sources.
        cells: N cells with the columns that they have.
        flat: their shapes, `in_plane`.
        layers: the sources that are polygons, by parameter.
        progress: of this step.

    Returns:
        (N,) float64 from 0 to 1; NaN where a raster has no value.

    Raises:
        BadInput: a source cannot be read or lies elsewhere.
    """
    made: dict[str, Float] = {}
    for step, (column, name) in enumerate(OF_POLYGONS.items()):
        if name in layers:
            polygons = layers[name].to(flat.crs)
            for note in polygons.notes[len(layers[name].notes) :]:
                progress.info(note)
            part = progress.part(0.2 * step, 0.2 * step + 0.2)
            made[column] = shares(np.asarray(flat.array, dtype=object), polygons.shapes, part)
            if not made[column].any():
                progress.warning(f"None of {polygons.source} lies in a cell. Does it belong to this place?")
    notes: list[str] = []
    if job.optical:
        reader = open_vegetation(job.optical, job.ndvi_above, roles=job.band_roles, values=job.values, notes=notes)
        made[P_VEGETA] = _means(reader, cells, progress.part(0.6, 0.8))
    if job.built_up:
        made[GHSL] = _means(
            open_built_up(job.built_up, job.built_up_values, cells, notes), cells, progress.part(0.8, 1)
        )
    for note in notes:
        progress.info(note)
    brought = {name: _own(cells, name) for name in SHARES if name in cells and name not in made}
    if brought:
        progress.info(f"Taken as the cells have them: {', '.join(brought)}.")
    made |= brought
    return {name: made[name] for name in SHARES if name in made}


def _means(reader: Derived, cells: gpd.GeoDataFrame, progress: Progress) -> Float:
    with reader:
        found = zonal_means(reader, cells, progress)
    means = np.where(found.covered >= LEAST_COVERED, found.means[:, 0], np.nan).round(DECIMALS)
    outside = int(np.isnan(means).sum())
    if outside == len(cells):
        raise BadInput(f"{reader.path} has no value in any cell. Does it belong to this place?")
    if outside:
        progress.warning(f"{reader.path} covers less than half of {outside:,} of {len(cells):,} cells.")
    return np.asarray(means)


def in_plane(cells: gpd.GeoDataFrame) -> gpd.GeoSeries:
    """Shapes whose areas can be compared: within a small cell in any projection, but not in degrees."""
    if cells.crs.is_projected:
        return cells.geometry
    centres = cells.geometry.representative_point()
    return cells.geometry.to_crs(utm_of(middle(np.column_stack([centres.x, centres.y]), cells.crs)))


def _own(cells: gpd.GeoDataFrame, name: str) -> Float:
    """A share that the cells have.

    Raises:
        BadInput: it is none.
    """
    values = np.asarray(pd.to_numeric(cells[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan))
    if np.isnan(values[cells[name].notna().to_numpy()]).any() or np.nanmin(values, initial=0) < 0 or (
        np.nanmax(values, initial=0) > 1
    ):  # fmt: skip
        raise BadInput(f"The field '{name}' of the cells holds numbers that are no shares from 0 to 1. Rename it.")
    return values
