"""The rows of a survey with what each says: from one table, or from one and the coordinates of its clusters."""

import struct
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from ...errors import BadInput
from ...jobs.declare import Kind
from ...jobs.poverty.survey import PrepareSurvey
from ...layersource import parse_source
from ...vector import read_vector
from .fields import NAMES, codes_of, field_of, numbers_of
from .recoding import Recoding

DEGREES = CRS.from_epsg(4326)
STATA = ".dta"
FULL, MOSTLY = 360.0, 0.5
"""Degrees; where more than this share of positions goes beyond, they are in another unit."""
TAKEN = ("year", "urban", "region")
"""What a table of coordinates may say of a cluster besides."""


@dataclass
class Rows:
    """R rows as they were read; nothing is left out yet."""

    table: pd.DataFrame
    """(R,) columns cluster, region, urban (text, empty where unknown), longitude, latitude (degrees, WGS 84), year,
    weight, households (numbers, NaN where unknown)."""
    raw: pd.DataFrame
    """(R,) the survey as it is in its file."""
    found: dict[str, str] = field(default_factory=dict)
    """Which field says what, for the log."""
    numbered: bool = False
    """Whether a field numbers households."""
    notes: list[str] = field(default_factory=list)


def read_rows(job: PrepareSurvey) -> Rows:
    """The survey, joined with coordinates if these are given.

    Raises:
        BadInput: unreadable, no coordinates, no clusters to join by, a chosen field that is not there.
    """
    raw = _read(job.survey, job)
    if not len(raw):
        raise BadInput(f"{job.survey} holds no rows.")
    rows = _rows_of(raw, job, job.survey)
    rows.numbered = bool(field_of(raw, "household", "", job.survey))
    if not job.coordinates:
        if rows.table["longitude"].isna().all() and "longitude" not in rows.found:
            raise BadInput(
                f"{job.survey} has neither points nor fields of longitude and latitude. Choose the fields, or give the "
                "coordinates of clusters, as in the GPS file of DHS."
            )
        return rows
    others = PrepareSurvey(survey=job.coordinates, output=job.output, crs=job.crs)
    places = _rows_of(_read(job.coordinates, others), others, job.coordinates)
    _join(rows, places, job)
    return rows


def _read(source: str, job: PrepareSurvey) -> pd.DataFrame:
    """A layer or table; of a Stata file, which may have thousands of columns, those that may be needed.

    Raises:
        BadInput: unreadable.
    """
    path = parse_source(source).path
    if Path(path).suffix.lower() != STATA:
        return read_vector(source)
    known = {name for names in NAMES.values() for name in names} | set(Recoding(job.recoding).fields())
    chosen = {str(getattr(job, name)) for name, p in job.params().items() if p.kind is Kind.FIELD}
    try:
        with pd.read_stata(path, convert_categoricals=False, iterator=True) as file:
            there = list(file.variable_labels())
            wanted = [name for name in there if name.lower() in known or name in chosen]
            return file.read(columns=wanted)
    except (OSError, ValueError, struct.error) as error:
        raise BadInput(f"{path} cannot be read as a Stata file: {error}.") from error


def _rows_of(raw: pd.DataFrame, job: PrepareSurvey, source: str) -> Rows:
    names = {
        role: field_of(raw, role, getattr(job, f"{role}_field", ""), source)
        for role in ("cluster", "region", "urban", "year", "weight", "households")
    }
    if job.year:
        names["year"] = ""
    if names["households"] and not pd.to_numeric(raw[names["households"]], errors="coerce").notna().any():
        names["households"] = ""  # nobody chose it, and names may mean something else
    table = pd.DataFrame(index=raw.index)
    for role in ("cluster", "region", "urban"):
        lower = role == "urban"
        table[role] = codes_of(raw[names[role]], lower) if names[role] else ""
    for role in ("year", "weight", "households"):
        known = names[role]
        table[role] = numbers_of(raw, known, role.capitalize(), source) if known else np.nan
    found = {role: name for role, name in names.items() if name}
    if job.year:
        table["year"], found["year"] = float(job.year), str(job.year)
    lonlat, told = _coordinates(raw, job, source)
    table["longitude"], table["latitude"] = lonlat.T
    return Rows(table, raw, found | ({"longitude": told} if told else {}))


def _coordinates(raw: pd.DataFrame, job: PrepareSurvey, source: str) -> tuple[NDArray[np.float64], str]:
    """(R, 2) degrees, NaN where there are none; and where they come from, empty if nowhere."""
    geometry = raw.geometry if isinstance(raw, gpd.GeoDataFrame) and not job.longitude_field else None
    shapes = None if geometry is None else _points(np.array(geometry.array, dtype=object))
    if geometry is not None and shapes is not None and not shapely.is_missing(shapes).all():
        crs = geometry.crs or (_crs(job.crs) if job.crs else None)
        if crs is None:
            raise BadInput(
                f"{source} has no coordinate system, so it is not known where it lies. Choose 'Coordinate system of "
                "the fields', or set that of the layer."
            )
        return _in_degrees(np.column_stack([shapely.get_x(shapes), shapely.get_y(shapes)]), CRS(crs)), "points"
    names = [field_of(raw, role, getattr(job, f"{role}_field", ""), source) for role in ("longitude", "latitude")]
    if not all(names):
        return np.full((len(raw), 2), np.nan), ""
    xy = np.column_stack([numbers_of(raw, name, "Coordinates", source) for name in names])
    crs = _crs(job.crs) if job.crs else DEGREES
    known = np.abs(xy[np.isfinite(xy).all(axis=1)])
    if crs.is_geographic and len(known) and (known > FULL).any(axis=1).mean() > MOSTLY:
        raise BadInput(
            f"The fields {names[0]} and {names[1]} of {source} hold no degrees. Choose 'Coordinate system of the "
            "fields'."
        )
    return _in_degrees(xy, crs), f"{names[0]}, {names[1]}"


def _points(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
    """(R,) points; None for what is none, nor a multipoint of one."""
    kinds = shapely.get_type_id(shapes)
    lone = (kinds == shapely.GeometryType.MULTIPOINT) & (shapely.get_num_geometries(shapes) == 1)
    shapes[lone] = shapely.get_geometry(shapes[lone], 0)
    shapes[~lone & (kinds != shapely.GeometryType.POINT)] = None
    return shapes


def _crs(text: str) -> CRS:
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        raise BadInput(f"'{text}' is no coordinate system. Write it as in EPSG:4326.") from error


def _in_degrees(xy: NDArray[np.float64], crs: CRS) -> NDArray[np.float64]:
    # Datums of degrees differ by less than clusters are moved, but zero is no place in any, so it must stay zero.
    if crs == DEGREES:
        return xy
    missing = (xy == 0).all(axis=1)
    moved = np.column_stack(Transformer.from_crs(crs, DEGREES, always_xy=True).transform(xy[:, 0], xy[:, 1]))
    moved[~np.isfinite(moved).all(axis=1)] = np.nan
    moved[missing] = 0.0
    return moved


def _join(rows: Rows, places: Rows, job: PrepareSurvey) -> None:
    """Give the rows the coordinates of their clusters, and what else is said of these."""
    for one, source in ((rows, job.survey), (places, job.coordinates)):
        if "cluster" not in one.found:
            raise BadInput(f"{source} has no field that numbers clusters, so coordinates cannot be joined. Choose it.")
    if "longitude" not in places.found:
        raise BadInput(f"{job.coordinates} has neither points nor fields of longitude and latitude.")
    places.table = _placed(places.table)
    if not len(places.table):
        raise BadInput(f"No row of {job.coordinates} has a number of a cluster.")
    keys = _keys(rows, places, job.coordinates)
    wanted = [*keys, "longitude", "latitude", *(role for role in TAKEN if role not in keys)]
    known = places.table[wanted].drop_duplicates(keys)
    joined = rows.table[keys].merge(known, on=keys, how="left", indicator=True)
    absent = (joined["_merge"] == "left_only").to_numpy()
    if absent.all():
        mine, theirs = rows.table["cluster"].iloc[0], places.table["cluster"].iloc[0]
        raise BadInput(
            f"No cluster of {job.survey} is in {job.coordinates}: the first are '{mine}' ({rows.found['cluster']}) and "
            f"'{theirs}' ({places.found['cluster']}). Are they of the same survey?"
        )
    if absent.any():
        count = len(rows.table.loc[absent, "cluster"].unique())
        rows.notes.append(f"Clusters of the survey that are not in the file of coordinates: {count:,}.")
    rows.table["longitude"], rows.table["latitude"] = joined["longitude"].to_numpy(), joined["latitude"].to_numpy()
    rows.found["longitude"] = f"{places.found['longitude']} of the coordinates"
    for role in TAKEN:
        # A year of the GPS file is that of the whole survey and of our calendar; interviews may go on into the next.
        first = role == "year" and not job.year_field
        if role in places.found and role not in keys and (role not in rows.found or first):
            rows.table[role] = joined[role].to_numpy()
            rows.table[role] = rows.table[role].fillna("" if role != "year" else np.nan)
            rows.found[role] = f"{places.found[role]} of the coordinates"


def _placed(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of numbered clusters; those without a position only where no other row of the cluster has one."""
    table = table[table["cluster"] != ""]
    position = table[["longitude", "latitude"]]
    known = position.notna().all(axis=1) & (position != 0).any(axis=1)
    return table[known | ~table["cluster"].isin(table.loc[known, "cluster"])]


def _keys(rows: Rows, places: Rows, source: str) -> list[str]:
    """Cluster, and year or region too where numbers of clusters repeat at different places.

    Raises:
        BadInput: they repeat all the same.
    """
    keys = ["cluster"]
    for further in ("", "year", "region"):
        if further and further in rows.found and further in places.found:
            shared = set(rows.table[further].dropna()) & set(places.table[further].dropna())
            keys += [further] if shared else []
        at = places.table.groupby(keys, dropna=False)[["longitude", "latitude"]].nunique()
        if (at <= 1).to_numpy().all():
            return keys
    name = at[(at > 1).any(axis=1)].index[0]
    name = name[0] if isinstance(name, tuple) else name
    raise BadInput(
        f"{source} holds cluster {name} at several places, so it is not known which is meant. Give the coordinates of "
        "this survey only, or a field of year or country that both tables have."
    )
