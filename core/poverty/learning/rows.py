"""Labelled rows of a survey: numbers of each place and year, where it lies, and which country and village it is of."""

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...classes import class_text
from ...errors import BadInput
from ...jobs.poverty.assess import AssessSeries
from ...samples import Regions, Samples, read_regions
from ...tables import feature_matrix, table_places, table_samples
from ...vector import read_vector
from ..surveyfields import field_of

Float = NDArray[np.float64]
Int = NDArray[np.int64]
VALUE, PLACE = "value", "quadrat_place"
"""The indicator in layers of 'Prepare survey points', and a column that tells places apart where no field does."""
PUBLISHED, DIGITS = ("published_x", "published_y"), 6
"""Columns of such layers, and digits of coordinates by which places are told apart."""


@dataclass(frozen=True)
class Rows:
    """N labelled rows.

    Attributes:
        samples: their numbers, values, groups (places) and where they lie.
        table: (N,) the rows themselves.
        year: (N,) NaN where not known; None without a year field.
        regions: of the rows; None without a region field.
        folds: as a field deals them; None without.
        urban: (N,) as the field names them, empty texts without.
        value: name of the indicator.
        names: of the features.
    """

    samples: Samples
    table: pd.DataFrame
    year: Float | None
    regions: Regions | None
    folds: Regions | None
    urban: NDArray[np.object_]
    value: str
    names: tuple[str, ...]

    def __len__(self) -> int:
        """Rows."""
        return len(self.samples.y)


def read_rows(job: AssessSeries) -> Rows:
    """The rows that have a value and all numbers.

    Raises:
        BadInput: no such field, not numbers, or too few rows to learn from.
    """
    table = read_vector(job.samples)
    job = replace(job, feature_fields=_spelled_out(table, job.feature_fields))
    value = field_or_usual(table, job.value_field, VALUE, job.samples)
    year, region, urban = (
        field_of(table, role, chosen, job.samples)
        for role, chosen in (("year", job.year_field), ("region", job.region_field), ("urban", job.urban_field))
    )
    _check_features(job, (value, year, region, urban, job.group_field, job.fold_field))
    samples, kept = _samples(table, job, value)
    table = table.iloc[kept].reset_index(drop=True)
    return Rows(
        samples,
        table,
        None if not year else pd.to_numeric(table[year], errors="coerce").to_numpy(np.float64, na_value=np.nan),
        _regions(table, region, job.samples),
        read_regions(table, job.fold_field, job.samples) if job.fold_field else None,
        np.array([class_text(one) for one in table[urban]] if urban else [""] * len(table), dtype=object),
        value,
        tuple(job.feature_fields),
    )


def with_context(rows: Rows, use_region: bool) -> Samples:
    """Samples with the year and, if wished, the regions beside the features: one column for each, 1 inside.

    A region that training does not hold has 0 in all of them.
    """
    columns = [rows.samples.X]
    if rows.year is not None and np.isfinite(rows.year).all() and np.ptp(rows.year) > 0:
        columns.append(rows.year[:, None].astype(np.float32))
    if use_region and rows.regions is not None:
        columns.append((rows.regions.of[:, None] == np.arange(len(rows.regions.names))).astype(np.float32))
    return replace(rows.samples, X=np.concatenate(columns, axis=1), regions=rows.regions)


def _samples(table: pd.DataFrame, job: AssessSeries, value: str) -> tuple[Samples, Int]:
    """Samples, and the rows of the table that they are; without a group field rows of one place are a group."""
    numbered, group = table.reset_index(drop=True), job.group_field
    if not group:
        numbered, group = _with_places(numbered)
    samples = table_samples(
        numbered, job.samples, field=value, target="value", features=job.feature_fields, group_field=group
    )
    targets = pd.to_numeric(numbered[value], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    whole = np.isfinite(feature_matrix(numbered, job.feature_fields, job.samples)).all(axis=1)
    kept = np.flatnonzero(np.isfinite(targets) & whole)
    return (replace(samples, group_kind="places") if group == PLACE else samples), kept


def _with_places(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """With a column that says which rows are of one place, so that its other years are never in training."""
    published = all(name in table for name in PUBLISHED)
    xy = table[list(PUBLISHED)].to_numpy(np.float64) if published else table_places(table)[0]
    if xy is None:
        return table, ""
    _, places = np.unique(np.round(xy, DIGITS), axis=0, return_inverse=True)
    return table.assign(**{PLACE: places.reshape(-1)}), PLACE


def _regions(table: pd.DataFrame, name: str, source: str) -> Regions | None:
    if not name or len({text for text in map(class_text, table[name]) if text}) < 2:
        return None
    return read_regions(table, name, source)


def _spelled_out(table: pd.DataFrame, names: Sequence[str]) -> tuple[str, ...]:
    """Names as they are, and those that a pattern such as emb_* stands for; each once."""
    columns = [str(name) for name in table.columns]
    found: dict[str, None] = {}
    for name in names:
        found.update(dict.fromkeys([name] if name in columns else fnmatch.filter(columns, name) or [name]))
    return tuple(found)


def field_or_usual(table: pd.DataFrame, chosen: str, usual: str, source: str) -> str:
    """The field with the indicator.

    Raises:
        BadInput: it is not there.
    """
    name = chosen or usual
    if name not in table:
        listed = ", ".join(str(one) for one in table.columns if one != "geometry")
        raise BadInput(f"{source} has no field '{name}'. Choose the field with the indicator among: {listed}.")
    return name


def _check_features(job: AssessSeries, others: tuple[str, ...]) -> None:
    """No field that tells the answer, or who asks, may be learnt from."""
    both = [name for name in job.feature_fields if name in others and name]
    if both:
        raise BadInput(f"'{both[0]}' is a field of its own here and cannot be among the feature fields. Take it out.")


def describe(rows: Rows) -> dict[str, Any]:
    """Counts for the report."""
    years = [] if rows.year is None else sorted({int(one) for one in rows.year if np.isfinite(one)})
    regions = {} if rows.regions is None else {
        name: int((rows.regions.of == number).sum()) for number, name in enumerate(rows.regions.names)
    }  # fmt: skip
    return {
        "rows": len(rows), "places": len(np.unique(rows.samples.groups)), "features": len(rows.names), "years": years,
        "regions": regions, "indicator": rows.value,
    }  # fmt: skip
