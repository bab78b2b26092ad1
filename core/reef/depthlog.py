"""Depth from a log: a table with times and depths or pressures, or the export of a Sensus Ultra recorder."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..errors import BadInput
from ..layersource import parse_source
from ..vector import read_vector
from .gpx import Course, Float, seconds_of

TIMES = ("datetime", "date time", "timestamp", "date and time", "time")
DATES = ("date", "day")
DEPTHS = ("depth m", "depth", "depth metres", "depth meters")
PRESSURES = {
    "pressure mbar": 1.0,
    "pressure hpa": 1.0,
    "mbar": 1.0,
    "pressure": 1.0,
    "pressure bar": 1000.0,
    "bar": 1000.0,
}
"""Names of columns of absolute pressure, and what their unit is in mbar."""
AIR_MBAR, AIR_RANGE, MOST_MBAR = 1013.25, (950.0, 1060.0), 150_000.0
SEA_WATER, GRAVITY = 1025.0, 9.80665
"""kg/m3, m/s2: a metre of sea water is 100.5 mbar."""
SENSUS_COLUMNS = 12
"""dive, device, file, year, month, day, hour, minute, second of the start, seconds since, pressure mbar, kelvin;
Source: the rows themselves, and ReefNet's Sensus Ultra guide."""


def read_depth(source: str) -> tuple[Course, bool]:
    """Depth (m, (N, 1)) in the order of time, and whether its times tell their offset from UTC.

    Raises:
        BadInput: unreadable, or without times and depths.
    """
    path = parse_source(source).path
    sensus = _sensus(path)
    notes: list[str] = []
    if sensus is not None:
        time, mbar = sensus
        depth, zoned = depth_of(mbar), False
    else:
        time, depth, notes, zoned = _table(source)
    good = np.isfinite(time) & np.isfinite(depth)
    if not good.any():
        raise BadInput(f"{source}: no row of the depth log has a time and a depth.")
    if not good.all():
        notes.append(f"Rows of the depth log without a time or a depth, left out: {(~good).sum():,}.")
    time, first = np.unique(time[good], return_index=True)
    return Course(time, depth[good][first, None], notes), zoned


def depth_of(mbar: Float) -> Float:
    """Metres of sea water below the surface, from absolute pressure; the least is the air's where it can be that."""
    known = mbar[np.isfinite(mbar)]
    least = known.min(initial=np.inf)
    air = least if AIR_RANGE[0] <= least <= AIR_RANGE[1] else AIR_MBAR
    return np.maximum((mbar - air) * 100.0 / (SEA_WATER * GRAVITY), 0.0)


def _sensus(path: str) -> tuple[Float, Float] | None:
    """Seconds and mbar; None for another file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            head = file.readline().split(",")
    except OSError as error:
        raise BadInput(f"The depth log {path} cannot be read: {error.strerror}.") from error
    if len(head) != SENSUS_COLUMNS or not re.fullmatch(r"[A-Z]+-\d+", head[1].strip()):
        return None
    try:
        table = pd.read_csv(path, header=None)
    except (ValueError, OSError) as error:
        raise BadInput(f"The depth log {path} cannot be read: {error}.") from error
    numbers = table.iloc[:, 3:11].apply(pd.to_numeric, errors="coerce")
    start = pd.to_datetime(
        dict(zip(("year", "month", "day", "hour", "minute", "second"), (numbers[c] for c in range(3, 9)), strict=True)),
        errors="coerce", utc=True,
    )  # fmt: skip
    time = seconds_of(start) + numbers[9].to_numpy(np.float64, na_value=np.nan)
    return time, numbers[10].to_numpy(np.float64, na_value=np.nan)


def _table(source: str) -> tuple[Float, Float, list[str], bool]:
    table = read_vector(source)
    times = _column(table, TIMES)
    dates = _column(table, DATES)
    depths, pressures = _column(table, DEPTHS), _column(table, tuple(PRESSURES))
    if not times or not (depths or pressures):
        has = ", ".join(map(str, table.columns)) or "none"
        raise BadInput(
            f"The depth log {source} needs a column of times (datetime, or date and time) and one of depths (depth_m) "
            f"or of absolute pressures (pressure_mbar). It has: {has}."
        )
    texts = table[times].astype(str).str.strip()
    if dates and not re.search(r"\d{4}", texts.iloc[0] if len(texts) else ""):
        texts = table[dates].astype(str).str.strip() + "T" + texts
    texts = texts.str.replace(r"^(\d{4})[/:.](\d{2})[/:.](\d{2})", r"\1-\2-\3", regex=True)
    zoned = bool(len(texts)) and bool(texts.str.contains(r"(?:Z|[+-]\d{2}:?\d{2})$", regex=True).all())
    if depths:
        values = pd.to_numeric(table[depths], errors="coerce").to_numpy(np.float64, na_value=np.nan)
        # Some write metres below the surface as negative numbers.
        below = np.isfinite(values).any() and np.nanmedian(values) < 0
        return seconds_of(texts), -values if below else values, [], zoned
    mbar = pd.to_numeric(table[pressures], errors="coerce").to_numpy(np.float64, na_value=np.nan)
    mbar = mbar * PRESSURES[_plain(pressures)]
    known = mbar[np.isfinite(mbar)]
    if known.size and not AIR_RANGE[0] <= np.median(known) <= MOST_MBAR:
        raise BadInput(
            f"The pressures in '{pressures}' of {source} are no absolute pressures in mbar (about 1013 at the "
            "surface). Give them as pressure_mbar, or give depth_m."
        )
    return seconds_of(texts), depth_of(mbar), [], zoned


def _column(table: pd.DataFrame, names: Sequence[str]) -> str:
    by_name = {_plain(str(column)): str(column) for column in reversed(table.columns)}
    return next((by_name[name] for name in names if name in by_name), "")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z]+", " ", name.lower()).strip()
