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
from ...samples import Regions, Samples, check_field, read_regions
from ...tables import feature_matrix, table_samples
from ...vector import read_vector
from ..survey.fields import field_of
from .whereabouts import PUBLISHED, located, places_of, years_of

Float = NDArray[np.float64]
Int = NDArray[np.int64]
VALUE, PLACE = "value", "quadrat_place"
"""The indicator in layers of 'Prepare survey points', and a column that tells places apart where no field does."""
FEWEST_ALIKE, ALIKE = 20, 0.98
"""Rows, and the squared correlation of a column with the indicator above which it may be the answer itself."""
MOST_NAMED, MOST_FOLDS = 20, 50
"""Fields that a message names, and folds that a field may give."""


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
    """The rows that have a value, all numbers, and a place where most have one.

    Raises:
        BadInput: no such field, not numbers, or too few rows to learn from.
    """
    table = read_vector(job.samples)
    if not len(table):
        raise BadInput(f"{job.samples} holds no rows.")
    value = field_or_usual(table, job.value_field, VALUE, job.samples)
    year, region, urban = (
        field_of(table, role, chosen, job.samples)
        for role, chosen in (("year", job.year_field), ("region", job.region_field), ("urban", job.urban_field))
    )
    own = (value, year, region, urban, job.group_field, job.fold_field)
    job = replace(job, feature_fields=_spelled_out(table, job.feature_fields, own))
    _check_features(job, own)
    table, notes = located(table, job.samples)
    samples, kept = _samples(table, job, value)
    table = table.iloc[kept].reset_index(drop=True)
    notes += _doubtful(samples, job.feature_fields, value)
    years = _years(table, year, bool(job.year_field), job.samples, notes)
    regions = _regions(table, region, notes)
    folds = _folds(table, job) if job.fold_field else None
    samples.report.notes += notes
    kinds = [class_text(one) for one in table[urban]] if urban else [""] * len(table)
    return Rows(samples, table, years, regions, folds, np.array(kinds, dtype=object), value, tuple(job.feature_fields))


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
    check_field(table, value, "Field with the indicator", job.samples)
    known = np.isfinite(_values(table, value, job.samples))
    there = np.isfinite(feature_matrix(table, job.feature_fields, job.samples))
    group, places = job.group_field, None if job.group_field else places_of(table)
    if places is not None:
        # One column more of a wide table is slow to insert, and quick to set beside it.
        table, group = pd.concat([table, pd.Series(places, table.index, name=PLACE)], axis=1), PLACE
    lacking = _check_gaps(there[known], job)
    samples = table_samples(
        table, job.samples, field=value, target="value", features=job.feature_fields, group_field=group
    )
    samples.report.notes += lacking
    kept = np.flatnonzero(known & there.all(axis=1))
    return (replace(samples, group_kind="places") if places is not None else samples), kept


def _values(table: pd.DataFrame, name: str, source: str) -> Float:
    """(N,) NaN where empty; words are no indicator."""
    found: Float = pd.to_numeric(table[name], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    for number in np.flatnonzero(np.isnan(found)):
        if text := class_text(table[name].iloc[number]):
            raise BadInput(f"Field with the indicator: '{name}' of {source} holds '{text}', which is not a number.")
    return found


def _check_gaps(there: NDArray[np.bool_], job: AssessSeries) -> list[str]:
    """Which field rows lack most, if any; `there` is (rows, features)."""
    if not len(there):
        return []
    gaps = (~there).sum(axis=0)
    empty = [name for name, count in zip(job.feature_fields, gaps, strict=True) if count == len(there)]
    if empty:
        more = f" and {len(empty) - 3:,} more" if len(empty) > 3 else ""
        named = ", ".join(f"'{name}'" for name in empty[:3])
        raise BadInput(f"No row of {job.samples} has a number in {named}{more}. Take such fields out of the features.")
    worst = f"'{job.feature_fields[int(gaps.argmax())]}' ({int(gaps.max()):,} of {len(there):,} rows)"
    if not there.all(axis=1).any():
        raise BadInput(
            f"Every row lacks a number in some feature field, most of them in {worst}. Take such fields out."
        )
    return [f"The field that is missing most is {worst}."] if gaps.any() else []


def _doubtful(samples: Samples, names: Sequence[str], value: str) -> list[str]:
    """Columns that follow the indicator so closely that they may be the answer in another form."""
    if len(samples.y) < FEWEST_ALIKE:
        return []
    X, y = samples.X.astype(np.float64), samples.y - samples.y.mean()
    X -= X.mean(axis=0)
    norms = np.linalg.norm(X, axis=0) * np.linalg.norm(y)
    alike = np.divide(y @ X, norms, out=np.zeros(len(names)), where=norms > 0) ** 2
    return [
        f"'{names[k]}' follows '{value}' nearly exactly (r2 {alike[k]:.3f}). If it is the answer in another form, take "
        "it out of the features."
        for k in np.flatnonzero(alike > ALIKE)[:3]
    ]


def _years(table: pd.DataFrame, name: str, chosen: bool, source: str, notes: list[str]) -> Float | None:
    if not name:
        return None
    years = years_of(table[name])
    unknown = int(np.isnan(years).sum())
    if unknown == len(years):
        if chosen:
            raise BadInput(f"Year field: '{name}' of {source} holds no year that can be read, such as 2019.")
        notes.append(f"'{name}' holds no year that can be read, so nothing is told by year.")
        return None
    if unknown:
        notes.append(f"Rows without a year: {unknown:,}. So the year is not learnt from; they take no part in changes.")
    return years


def _regions(table: pd.DataFrame, name: str, notes: list[str]) -> Regions | None:
    if not name:
        return None
    texts = [class_text(value) for value in table[name]]
    names = {text for text in texts if text}
    if len(names) < 2:
        only = f"only '{names.pop()}'" if names else "nothing"
        notes.append(f"'{name}' holds {only}, so no country or region can be left out or compared.")
        return None
    if without := sum(not text for text in texts):
        notes.append(f"Rows without a country or region: {without:,}.")
    return read_regions(table, name, "")


def _folds(table: pd.DataFrame, job: AssessSeries) -> Regions:
    """Folds that a field gives.

    Raises:
        BadInput: no such field, one fold, or so many that it can hardly be meant.
    """
    what = "Field of given folds"
    check_field(table, job.fold_field, what, job.samples)
    count = len({text for text in map(class_text, table[job.fold_field]) if text})
    if not 2 <= count <= MOST_FOLDS:
        raise BadInput(
            f"{what}: '{job.fold_field}' of {job.samples} has {count:,} different entries in rows that can be used; "
            f"from 2 to {MOST_FOLDS} folds can be tested. Choose another field, or none."
        )
    return read_regions(table, job.fold_field, job.samples)


def _spelled_out(table: pd.DataFrame, names: Sequence[str], own: Sequence[str]) -> tuple[str, ...]:
    """Names as they are, and those that a pattern such as emb_* stands for; each once.

    A pattern never stands for the geometry or for a field that has a part of its own here.
    """
    columns = [str(name) for name in table.columns]
    open_to = [name for name in columns if name not in own and name not in ("geometry", *PUBLISHED)]
    found: dict[str, None] = {}
    for name in names:
        found.update(dict.fromkeys([name] if name in columns else fnmatch.filter(open_to, name) or [name]))
    return tuple(found)


def field_or_usual(table: pd.DataFrame, chosen: str, usual: str, source: str) -> str:
    """The field with the indicator.

    Raises:
        BadInput: it is not there.
    """
    name = chosen or usual
    if name not in table:
        names = [str(one) for one in table.columns if one != "geometry"]
        listed = ", ".join(names[:MOST_NAMED]) + (f" ({len(names):,} in all)" if len(names) > MOST_NAMED else "")
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
