"""The six or nine variables of cells, from whichever of their sources there are.

Sources: Hallopeau et al. 2025, arXiv:2510.03725 and arXiv:2509.26171, and their notebooks. Where those count streets of
two directions twice, or leave the mixed derivative of heights out of the curvature, this does not.
"""

from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from ..bands.wish import parse_wish
from ..errors import BadInput
from ..jobs.settlement.variables import CellVariables
from ..progress import Progress
from ..raster import open_raster
from ..vector import read_vector
from .metric import is_true, middle, utm_of
from .names import NINE, P_VEGETA, SIX
from .overlay import DECIMALS
from .spectral import entropy
from .streetcells import length_in, nodes_in
from .streets import street_graph
from .terrain import terrain
from .vegetation import open_vegetation
from .zonal import Derived, zonal_means

Numbers = NDArray[np.float64]
Columns = dict[str, NDArray[np.float64] | NDArray[np.int64]]

HIGHWAY = "highway"
SOURCES = {
    "an optical raster": (P_VEGETA, "entropy"),
    "streets": ("len_roads", "nb_connect", "min_connec", "mean_conne", "max_connec"),
    "terrain heights": ("slope", "profile_co"),
}
"""What gives which variables."""
MOST_NAMED = 6


@dataclass
class Computed:
    """Variables of N cells."""

    columns: Columns = field(default_factory=dict)
    """(N,) each, by name."""
    empty: dict[str, int] = field(default_factory=dict)
    """Cells without a value, by name, where there are any."""
    facts: dict[str, object] = field(default_factory=dict)
    """Counts of streets, for the sidecar."""
    street_fields: list[str] = field(default_factory=list)
    """Of the layer of streets, which tell whose it is."""


def wanted(job: CellVariables) -> tuple[str, ...]:
    """Names of the variables that are asked for, in the order of the studies."""
    return SIX if job.variables == "six" else NINE


def compute(job: CellVariables, cells: gpd.GeoDataFrame, progress: Progress) -> Computed:
    """All variables that are asked for and have their source.

    Raises:
        BadInput: a source cannot be read, or lies elsewhere.
    """
    made, names = Computed(), wanted(job)
    if job.optical:
        _optical(job, cells, made, progress.part(0.0, 0.4))
    if job.streets:
        _streets(job, cells, made, progress.part(0.4, 0.8))
    if job.dtm:
        _terrain(job, cells, made, progress.part(0.8, 1.0))
    made.columns = {name: made.columns[name] for name in names if name in made.columns}
    made.empty = {name: count for name, column in made.columns.items() if (count := int(np.isnan(column).sum()))}
    return made


def _optical(job: CellVariables, cells: gpd.GeoDataFrame, made: Computed, progress: Progress) -> None:
    notes: list[str] = []
    reader = open_vegetation(job.optical, job.ndvi_above, roles=job.band_roles, values=job.values, notes=notes)
    made.columns[P_VEGETA] = _means(reader, cells, progress.part(0.0, 0.5))[:, 0].round(DECIMALS)
    if "entropy" in wanted(job):
        if _is_index(job.optical, job.band_roles):
            notes.append(f"{job.optical} has one band, so there is no entropy of bands: entropy is left out.")
        else:
            made.columns["entropy"] = entropy(
                job.optical, cells, roles=job.band_roles, values=job.values, notes=notes, progress=progress.part(0.5, 1)
            )
    for note in dict.fromkeys(notes):
        progress.info(note)


def _is_index(path: str, roles: str) -> bool:
    with open_raster(path) as reader:
        return len(reader.bands) == 1 and not parse_wish(roles)


def _terrain(job: CellVariables, cells: gpd.GeoDataFrame, made: Computed, progress: Progress) -> None:
    heights = open_raster(job.dtm)
    if len(heights.bands) > 1:
        heights.close()
        raise BadInput(f"{job.dtm} has {len(heights.bands)} bands; terrain heights have one.")
    for note in heights.notes:
        progress.warning(note)
    means = _means(terrain(heights), cells, progress)
    made.columns["slope"], made.columns["profile_co"] = means[:, 0], means[:, 1]


def _means(reader: Derived, cells: gpd.GeoDataFrame, progress: Progress) -> Numbers:
    """(N, C) means, NaN in cells without a value.

    Raises:
        BadInput: no cell has one.
    """
    with reader:
        found = zonal_means(reader, cells, progress).means
    outside = int(np.isnan(found[:, 0]).sum())
    if outside == len(found):
        raise BadInput(f"{reader.path} has no value in any cell. Does it belong to this place?")
    if outside:
        progress.warning(f"{reader.path} has no value in {outside:,} of {len(found):,} cells, which stay empty.")
    return found


def _streets(job: CellVariables, cells: gpd.GeoDataFrame, made: Computed, progress: Progress) -> None:
    plane = plane_of(cells)
    flat = np.array(cells.geometry.to_crs(plane).array, dtype=object)
    flat[~np.isfinite(shapely.bounds(flat)).all(axis=1)] = None  # too far away for the plane, and from any street
    table = _read_streets(job.streets)
    made.street_fields = [str(name) for name in table.columns]
    lines = _lines(job, table, plane, shapely.total_bounds(flat), progress)
    graph = street_graph(lines, job.snap_m, job.at_crossings, progress.part(0.3, 0.6))
    lengths = length_in(graph, flat, progress.part(0.6, 0.9))
    progress.checkpoint(0.9)
    number, least, mean, most = nodes_in(graph, flat, job.dead_ends)
    made.columns |= {
        "len_roads": lengths, "nb_connect": number, "min_connec": least, "mean_conne": mean, "max_connec": most,
    }  # fmt: skip
    if not lengths.any():
        progress.warning(f"No street of {job.streets} lies in any cell. Does it belong to this place?")
    made.facts["streets"] = {
        "lines": len(lines), "length_m": round(graph.length_m, 1), "nodes": len(graph.nodes),
        "dead_ends": int((graph.degree == 1).sum()), "drawn_again": graph.repeated,
    }  # fmt: skip
    progress.info(
        f"{len(lines):,} lines of streets, {graph.length_m / 1000:,.1f} km, have {len(graph.nodes):,} nodes, "
        f"{(graph.degree == 1).sum():,} of them dead ends."
    )
    if lengths.any() and not (graph.degree > 2).any():
        progress.warning(
            "No streets meet, so that nb_connect and min_connec tell little. Streets meet where they share a vertex: "
            "where lines run through crossings, tick 'Streets meet wherever lines cross'."
        )
    if graph.repeated:
        progress.info(f"{graph.repeated:,} stretches are drawn more than once, and count once.")


def plane_of(cells: gpd.GeoDataFrame) -> CRS:
    """Where a metre is a metre: the coordinate system of the cells if it will do, else the UTM zone of their middle."""
    box = shapely.get_coordinates(shapely.box(*cells.total_bounds))
    place = middle(box, cells.crs)
    return cells.crs if is_true(cells.crs, place) else utm_of(place)


def _read_streets(source: str) -> gpd.GeoDataFrame:
    """The layer of streets.

    Raises:
        BadInput: unreadable, no lines, or no CRS.
    """
    table = read_vector(source)
    if not isinstance(table, gpd.GeoDataFrame) or not _are_lines(np.asarray(table.geometry.array)).any():
        raise BadInput(f"{source} holds no lines. Streets are a layer of lines.")
    if table.crs is None:
        raise BadInput(f"{source} has no coordinate system, so it is not known where its streets lie. Set one.")
    return table


def _are_lines(shapes: NDArray[np.object_]) -> NDArray[np.bool_]:
    return np.asarray((shapely.get_dimensions(shapes) == 1) & ~shapely.is_empty(shapes))


def _lines(
    job: CellVariables, table: gpd.GeoDataFrame, plane: CRS, bounds: Numbers, progress: Progress
) -> NDArray[np.object_]:
    """Lines that count as streets and reach the box around the cells, in metres.

    Raises:
        BadInput: no such field.
    """
    lines = table.geometry.to_crs(plane)
    shapes = np.asarray(lines.array, dtype=object)
    west, south, east, north = shapely.bounds(shapes).T
    margin = max(job.snap_m, 1.0)
    with np.errstate(invalid="ignore"):
        near = (west <= bounds[2] + margin) & (south <= bounds[3] + margin)
        near &= (east >= bounds[0] - margin) & (north >= bounds[1] - margin)
    near &= _are_lines(shapes)
    kept = near & _counts(job, table, near, progress)
    return np.asarray(shapes[kept], dtype=object)


def _counts(job: CellVariables, table: pd.DataFrame, near: NDArray[np.bool_], progress: Progress) -> NDArray[np.bool_]:
    """Which lines are streets by their kind; what is left out is told.

    Raises:
        BadInput: no such field.
    """
    name = job.street_field or (HIGHWAY if HIGHWAY in table else "")
    if not name:
        return np.ones(len(table), np.bool_)
    if name not in table:
        raise BadInput(f"{job.streets} has no field '{name}'. It has: {', '.join(map(str, table.columns))}.")
    kinds = table[name].astype("string").fillna("").str.strip().str.lower()
    unwanted = job.leave_out.lower().replace(",", " ").replace(";", " ").split()
    counts = ~kinds.isin(["", *unwanted]).to_numpy()
    out = kinds[near & ~counts].replace("", "none").value_counts()
    if len(out):
        listed = ", ".join(f"{kind} {count:,}" for kind, count in out.head(MOST_NAMED).items())
        more = " and others" if len(out) > MOST_NAMED else ""
        progress.info(f"Left out by the field '{name}': {out.sum():,} lines ({listed}{more}).")
    if near.any() and not (near & counts).any():
        progress.warning(f"Every line there is left out by its '{name}'. Look at the kinds to leave out.")
    return np.asarray(counts, dtype=np.bool_)
