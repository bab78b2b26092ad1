"""Where and how deep things were at a time: a track of a receiver, or a log of depth, on the clock of the camera.

Points without time, fixes that nobody can have reached, and gaps give no position; nothing is guessed across them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyogrio
import shapely
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import Geod

from ..errors import BadInput

LAYER = "track_points"
FASTEST_M_S = 50.0
"""Nobody carries a camera over a reef as fast; a fix that needs more is false."""
QUARTER_S = 900.0
EASTMOST_S, WESTMOST_S = 14 * 3600, -12 * 3600
"""Clocks of the world, ahead of UTC."""
NAMED = 6
EARTH = Geod(ellps="WGS84")

Float = NDArray[np.float64]


@dataclass
class Course:
    """Numbers at times, in the order of time."""

    time: Float
    """(N,) float64, seconds since 1970 UTC, or of an unknown clock; rising."""
    values: Float
    """(N, K) float64."""
    notes: list[str] = field(default_factory=list)

    def at(self, time: Float, gap_s: float) -> Float:
        """(M, K) values at (M,) times; NaN where the nearest known time is more than `gap_s` away.

        Between two neighbours that are near enough; where only one is, that one.
        """
        found = np.full((len(time), self.values.shape[1]), np.nan)
        known = np.isfinite(time)
        if not len(self.time) or not known.any():
            return found
        after = np.searchsorted(self.time, time[known], side="left")
        low, high = np.maximum(after - 1, 0), np.minimum(after, len(self.time) - 1)
        to_low, to_high = np.abs(time[known] - self.time[low]), np.abs(self.time[high] - time[known])
        span = to_low + to_high
        share = np.divide(to_low, span, out=np.zeros_like(span), where=span > 0)
        share = np.where(to_low > gap_s, 1.0, np.where(to_high > gap_s, 0.0, share))
        between = self.values[low] + share[:, None] * (self.values[high] - self.values[low])
        found[known] = np.where((np.minimum(to_low, to_high) <= gap_s)[:, None], between, np.nan)
        return found


def read_track(paths: Sequence[str]) -> Course:
    """Longitude and latitude (degrees, WGS 84) of all tracks of GPX files, false fixes left out and told.

    Raises:
        BadInput: unreadable, or no fix with a time.
    """
    parts, without, notes = [], 0, []
    for path in paths:
        try:
            table = pyogrio.read_dataframe(path, layer=LAYER, columns=["time"])
        except (DataSourceError, DataLayerError, ValueError) as error:
            raise BadInput(f"{path} cannot be read as a GPX track: {error}.") from error
        time = seconds_of(table["time"])
        shapes = np.array(table.geometry.array, dtype=object)
        lonlat = np.column_stack([shapely.get_x(shapes), shapely.get_y(shapes)])
        sound = np.isfinite(lonlat).all(axis=1) & (np.abs(lonlat) <= (180, 90)).all(axis=1) & (lonlat != 0).any(axis=1)
        without += int((~np.isfinite(time)).sum())
        keep = np.isfinite(time) & sound
        parts.append(np.column_stack([time, lonlat])[keep])
    fixes = np.concatenate(parts) if parts else np.empty((0, 3))
    if not len(fixes):
        raise BadInput(
            f"{', '.join(paths)}: no fix of the track has a time and a position, so photos cannot be placed by it."
        )
    if without:
        notes.append(f"Fixes of the track without a time, left out: {without:,}.")
    fixes = fixes[np.unique(fixes[:, 0], return_index=True)[1]]
    kept = reachable(fixes)
    if not kept.all():
        notes.append(f"Fixes of the track that nobody can have reached in time, left out: {(~kept).sum():,}.")
    fixes = fixes[kept]
    # Across the date line the numbers must not jump, or halfway lies in Africa.
    fixes[:, 1] = np.unwrap(fixes[:, 1], period=360.0)
    return Course(fixes[:, 0], fixes[:, 1:], notes)


def reachable(fixes: Float) -> NDArray[np.bool_]:
    """(N,) which of (N, 3) fixes (s, longitude, latitude; in the order of time) hang together.

    The longest run without a jump counts, and what can be reached from it, forwards and backwards.
    """
    jumps = np.flatnonzero(_speed(fixes[:-1], fixes[1:]) > FASTEST_M_S) + 1
    runs = np.split(np.arange(len(fixes)), jumps)
    main = max(range(len(runs)), key=lambda number: len(runs[number]))
    kept = [runs[main]]
    for step, numbers in ((1, range(main + 1, len(runs))), (-1, range(main - 1, -1, -1))):
        edge = runs[main][-1 if step == 1 else 0]
        for number in numbers:
            run = runs[number]
            near = run[0 if step == 1 else -1]
            if _speed(fixes[[edge]], fixes[[near]])[0] <= FASTEST_M_S:
                kept.append(run)
                edge = run[-1 if step == 1 else 0]
    found = np.zeros(len(fixes), np.bool_)
    found[np.concatenate(kept)] = True
    return found


def _speed(one: Float, other: Float) -> Float:
    """(N,) metres a second between (N, 3) fixes."""
    metres = EARTH.inv(one[:, 1], one[:, 2], other[:, 1], other[:, 2])[2]
    return np.asarray(metres / np.maximum(np.abs(other[:, 0] - one[:, 0]), 1.0))


def seconds_of(times: "pd.Series[object]") -> Float:
    """(N,) float64 seconds since 1970; NaN where no time is told. Times without an offset count as UTC."""
    read = pd.to_datetime(times, utc=True, errors="coerce", format="ISO8601")
    seconds = (read - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(seconds=1)
    return np.asarray(seconds.to_numpy(dtype=np.float64, na_value=np.nan))


class Clock(NamedTuple):
    """By how much the clock of a camera is ahead of UTC, and why that is believed."""

    ahead_s: float
    sentences: list[str]


def propose_clock(taken: Float, track: Course, gap_s: float) -> Clock | None:
    """The zone in which most photos fall into the track; of several the one that belongs to its longitude.

    Args:
        taken: (M,) seconds of the camera's clock as if it were UTC; NaN where unknown.
        track: longitude and latitude at times.
        gap_s: how far a fix may be.

    Returns:
        None where no photo falls into the track whatever the zone.
    """
    offsets = np.arange(WESTMOST_S, EASTMOST_S + 1, QUARTER_S)
    fits = np.array([np.isfinite(track.at(taken - ahead, gap_s)[:, 0]).sum() for ahead in offsets])
    most = int(fits.max(initial=0))
    if not most:
        return None
    best = offsets[fits == most]
    middle = float(np.median(track.values[:, 0]))
    natural = ((middle + 180) % 360 - 180) / 15 * 3600
    whole = best % 3600 == 0
    chosen = min(best, key=lambda ahead: (ahead % 3600 != 0, abs(ahead - natural), ahead))
    known = int(np.isfinite(taken).sum())
    told = [
        f"The camera's clock is taken as {zone(chosen)}, proposed by the track: {most:,} of {known:,} photos with a "
        "time fall into it. Give the offset if it was another."
    ]
    others = [float(ahead) for ahead in best[whole] if ahead != chosen]
    if others:
        named = ", ".join(map(zone, others[:NAMED])) + (", …" if len(others) > NAMED else "")
        told.append(f"As many photos would fall into the track with {named}; the first is nearest to its longitude.")
    return Clock(float(chosen), told)


def zone(ahead_s: float) -> str:
    """`UTC+12`, `UTC-9:30`."""
    minutes = round(abs(ahead_s) / 60)
    return f"UTC{'-' if ahead_s < 0 else '+'}{minutes // 60}" + (f":{minutes % 60:02d}" if minutes % 60 else "")


def parse_ahead(text: str) -> float | None:
    """Seconds from `12`, `-9.5`, `+09:30` or `12:00:20`; None for an empty text.

    Raises:
        BadInput: anything else, or more than two days.
    """
    if not text.strip():
        return None
    sign = -1.0 if text.strip().startswith("-") else 1.0
    try:
        parts = [float(part) for part in text.strip().lstrip("+-").replace("−", "").split(":")]
        seconds = sign * sum(part * 3600 / 60**place for place, part in enumerate(parts))
    except ValueError:
        parts, seconds = [], float("nan")
    if not 1 <= len(parts) <= 3 or not abs(seconds) <= 2 * 86400:
        raise BadInput(f"'{text}' is no offset of a clock. Write hours, as in 12, -9.5 or 09:30.")
    return float(seconds)
