"""Where and when rows are: coordinates that are none, rows of one place, and years however a table stores them."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS

from ...errors import BadInput
from ...tables import table_places

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
PUBLISHED, DIGITS = ("published_x", "published_y"), 6
"""Columns of layers of 'Prepare survey points', and digits of coordinates by which places are told apart."""
MOST_WITHOUT = 0.5
"""Up to this share of rows without coordinates these rows are left out; beyond it the places are not used at all."""


def located(table: pd.DataFrame, source: str) -> tuple[pd.DataFrame, list[str]]:
    """The table without the rows whose place is missing, where most have one, and what became of them.

    Latitude and longitude 0 are what surveys write for a place that is not known.

    Raises:
        BadInput: a latitude that is none.
    """
    xy, crs = table_places(table)
    if xy is None or not len(xy):
        return table, []
    known = np.isfinite(xy).all(axis=1)
    if crs and CRS.from_user_input(crs).is_geographic:
        wrong = np.flatnonzero(known & ((np.abs(xy[:, 1]) > 90) | (np.abs(xy[:, 0]) > 360)))
        if len(wrong):
            x, y = xy[wrong[0]]
            raise BadInput(
                f"{source}: {len(wrong):,} of {len(xy):,} rows lie nowhere on Earth, such as longitude {x:g}, latitude "
                f"{y:g}. Are the two exchanged, or are they not degrees?"
            )
        known &= (xy != 0).any(axis=1)
    missing = int((~known).sum())
    if not missing or missing > MOST_WITHOUT * len(xy):
        return table, []
    return table[known].reset_index(drop=True), [f"Rows without coordinates, which were left out: {missing:,}."]


def places_of(table: pd.DataFrame) -> Int | None:
    """(rows,) number of the place of each row; None where that is not known of every row."""
    xy = table_places(table)[0]
    if all(name in table for name in PUBLISHED):
        published = np.stack([pd.to_numeric(table[name], errors="coerce") for name in PUBLISHED], axis=1)
        xy = published.astype(np.float64) if np.isfinite(published.astype(np.float64)).all() else xy
    if xy is None or not np.isfinite(xy).all():
        return None
    return np.unique(np.round(xy, DIGITS), axis=0, return_inverse=True)[1].reshape(-1).astype(np.int64)


def years_of(column: "pd.Series[object]") -> Float:
    """(rows,) whole years, NaN where none can be read: of numbers, dates, 2019-07, 201907 and 20190701."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return np.asarray(column.dt.year.to_numpy(np.float64, na_value=np.nan))
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan, copy=True)
    dated = np.flatnonzero(np.isnan(numbers) & column.notna().to_numpy())
    if len(dated):
        texts = column.iloc[dated].astype(str).str.extract(r"^\s*(\d{4})(?!\d)")[0]
        numbers[dated] = pd.to_numeric(texts, errors="coerce").to_numpy(np.float64)
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    for least, months_and_days in ((1e5, 100), (1e7, 10_000)):
        joined = (numbers >= least) & (numbers < 10 * least)
        numbers = np.where(joined, numbers // months_and_days, numbers)
    return numbers
