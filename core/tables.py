"""Samples from a table whose own columns are the features; and the same columns when a head is applied."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .errors import BadInput
from .samples import (
    FeatureSpace,
    LabelReport,
    Samples,
    check_field,
    finish_targets,
    read_groups,
    read_regions,
    read_targets,
)

DEGREES = "EPSG:4326"
MARK = np.float32(1e30)
"""A number as large is a mark for missing, or a mean over such marks, in tables made from rasters."""
COORDINATES = (("x", "y"), ("lon", "lat"), ("lng", "lat"), ("long", "lat"), ("longitude", "latitude"))
"""Pairs of column names, in any case, that say where a row lies."""


def table_samples(
    table: pd.DataFrame, source: str, *, field: str, target: str, features: Sequence[str], group_field: str,
    region_field: str = "",
) -> Samples:  # fmt: skip
    """Each row without gaps is a sample.

    Args:
        table: with or without geometry.
        source: its name, for messages.
        field: column with class or value.
        target: `class` or `value`.
        features: columns that are the features.
        group_field: column with the group, or empty: each row is a group of its own.
        region_field: column with the region, or empty.

    Raises:
        BadInput: no such column, not numbers, or nothing left to learn from.
    """
    report = LabelReport(features=len(table))
    if field in features:
        raise BadInput(f"The field '{field}' is to be learnt and cannot be a feature too.")
    targets = read_targets(table, field, target, source)
    X = feature_matrix(table, features, source)
    groups = read_groups(table, group_field, source, report) if group_field else np.arange(len(table), dtype=np.int64)
    regions = read_regions(table, region_field, source) if region_field else None
    labelled, whole = ~np.isnan(targets.y), np.isfinite(X).all(axis=1)
    report.without_class = int((~labelled).sum())
    report.missing_features = int((labelled & ~whole).sum())
    kept = np.flatnonzero(labelled & whole)
    report.cells = len(kept)
    xy, crs = table_places(table)
    if xy is not None and not np.isfinite(xy[kept]).all():
        report.notes.append("Some rows have no place, so spatial blocks cannot be made.")
        xy, crs = None, ""
    y, classes = finish_targets(targets.y[kept], targets.names, report, field)
    kept_groups = np.unique(groups[kept], return_inverse=True)[1].astype(np.int64)
    kind, grouped = f"groups ({group_field})" if group_field else "rows", len(np.unique(kept_groups)) < len(kept)
    return Samples(
        X[kept], y, kept_groups, kind, grouped, bool(group_field), None if xy is None else xy[kept], crs, None, classes,
        table_space(features), report, regions.take(kept) if regions else None,
    )  # fmt: skip


def feature_matrix(table: pd.DataFrame, features: Sequence[str], source: str) -> NDArray[np.float32]:
    """(rows, D) float32 with NaN where a number is missing, or so large that it can only be a mark for that.

    Raises:
        BadInput: no such column, or a column that holds text.
    """
    columns = []
    for name in features:
        check_field(table, name, "Feature fields", source)
        numbers = pd.to_numeric(table[name], errors="coerce")
        if numbers.notna().sum() == 0 and table[name].notna().any():
            raise BadInput(f"The feature field '{name}' of {source} does not hold numbers.")
        columns.append(numbers.to_numpy(dtype=np.float64, na_value=np.nan))
    with np.errstate(over="ignore"):
        X = np.stack(columns, axis=1).astype(np.float32)
    return np.where(np.abs(X) < MARK, X, np.float32(np.nan))


def table_space(features: Sequence[str]) -> FeatureSpace:
    """The space of these columns: their names in order."""
    text = json.dumps(list(features), ensure_ascii=False)
    return FeatureSpace(f"columns:{hashlib.sha256(text.encode()).hexdigest()[:16]}", tuple(features), source="table")


def table_places(table: pd.DataFrame) -> tuple[NDArray[np.float64] | None, str]:
    """Where rows lie: (rows, 2) and WKT, from the geometry or from columns of coordinates; (None, "") if unknown.

    Columns x and y are taken as they are, in no known CRS; longitude and latitude as degrees.
    """
    geometry: Any = getattr(table, "geometry", None)
    if geometry is not None and hasattr(geometry, "representative_point"):
        middle = geometry.representative_point()
        crs = geometry.crs.to_wkt() if geometry.crs else ""
        return np.stack([middle.x.to_numpy(np.float64), middle.y.to_numpy(np.float64)], axis=1), crs
    names = coordinate_columns(table)
    if names is None:
        return None, ""
    xy = np.stack([pd.to_numeric(table[n], errors="coerce").to_numpy(np.float64, na_value=np.nan) for n in names], 1)
    return xy, "" if names[0].lower() == "x" else DEGREES


def coordinate_columns(table: pd.DataFrame) -> tuple[str, str] | None:
    """Names of the columns that hold x and y, or longitude and latitude."""
    by_name = {str(name).lower(): str(name) for name in table.columns}
    for x, y in COORDINATES:
        if x in by_name and y in by_name:
            return by_name[x], by_name[y]
    return None
