"""What is wrong with the rows of a survey: left out, repaired or assumed, and told with counts."""

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Bool = NDArray[np.bool_]

FIRST_YEAR = 1960
TWO_DIGITS = 100
NOWHERE_DEG = 1e-6
"""Coordinates as small as this are the code of GPS files for a missing position."""


@dataclass
class Sieve:
    """Rows that stay, and sentences on those that do not."""

    table: pd.DataFrame
    notes: list[str] = field(default_factory=list)
    """Sentences that the user should read."""
    left_out: dict[str, int] = field(default_factory=dict)
    """Rows left out, by reason."""

    def drop(self, wrong: Bool, reason: str, sentence: str) -> None:
        """Leave rows out.

        Args:
            wrong: (R,) of the rows that are still there.
            reason: a short name.
            sentence: what is told, behind `12 rows of 3 clusters`: `without a year`.
        """
        if not wrong.any():
            return
        self.left_out[reason] = int(wrong.sum())
        self.notes.append(f"Left out: {self.count(wrong)} {sentence}.")
        self.table = self.table[~wrong]

    def count(self, which: Bool) -> str:
        """`1 row`, `12 rows`, or `12 rows of 3 clusters`."""
        rows, clusters = int(which.sum()), self.table.loc[which, "cluster"]
        told = f"{rows:,} row{'s' if rows > 1 else ''}"
        different = clusters.nunique()
        if (clusters == "").any() or different == rows:
            return told
        return f"{told} of {different:,} cluster{'s' if different > 1 else ''}"


def check_values(sieve: Sieve, indicator: str, index: bool) -> None:
    """Leave out rows whose indicator or weight is of no use."""
    reason = "with more than one unknown item of the wealth index" if index else f"without a number in '{indicator}'"
    sieve.drop(sieve.table["value"].isna().to_numpy(), "value", reason)
    weight = sieve.table["weight"].to_numpy(dtype=np.float64)
    sieve.drop(np.isnan(weight), "no weight", "without a weight")
    sieve.drop(sieve.table["weight"].to_numpy(dtype=np.float64) <= 0, "weight", "with a weight of zero or less")


def check_years(sieve: Sieve) -> None:
    """Bring years to four digits and leave out what is none."""
    year = sieve.table["year"].to_numpy(dtype=np.float64, copy=True)
    short = (year >= 0) & (year < TWO_DIGITS) & (year == np.floor(year))
    if short.any():
        this = datetime.date.today().year
        year[short] = np.where(1900 + year[short] + TWO_DIGITS <= this, 2000 + year[short], 1900 + year[short])
        span = f"{year[short].min():g} to {year[short].max():g}"
        sieve.notes.append(f"Years of two digits, taken for {span}: {sieve.count(short)}.")
        sieve.table = sieve.table.assign(year=year)
    sieve.drop(np.isnan(year), "no year", "without a year")
    year = sieve.table["year"].to_numpy(dtype=np.float64)
    strange = (year < FIRST_YEAR) | (year > datetime.date.today().year) | (year != np.floor(year))
    sieve.drop(
        strange, "year",
        "with a year that is none of our calendar (some surveys use another: give the year of the survey instead)",
    )  # fmt: skip


def check_positions(sieve: Sieve) -> None:
    """Leave out positions that are none, and exchange longitude and latitude where only that makes sense."""
    lon, lat = _lonlat(sieve)
    sieve.drop(np.isnan(lon) | np.isnan(lat), "no position", "without a position")
    lon, lat = _lonlat(sieve)
    nowhere = (np.abs(lon) < NOWHERE_DEG) & (np.abs(lat) < NOWHERE_DEG)
    sieve.drop(nowhere, "position 0, 0", "at the position 0, 0, which stands for a missing one")
    lon, lat = _lonlat(sieve)
    beyond = np.abs(lat) > 90
    if beyond.any() and (np.abs(lon) <= 90).all():
        exchange(sieve, np.ones(len(lon), np.bool_), "Latitudes go beyond 90 degrees")
    lon, lat = _lonlat(sieve)
    off = (np.abs(lat) > 90) | (np.abs(lon) > 180)
    sieve.drop(off, "off the Earth", "with a position that is not on the Earth (are longitude and latitude exchanged?)")


def exchange(sieve: Sieve, which: Bool, why: str) -> None:
    """Take longitudes for latitudes and the other way round, and say so."""
    lon, lat = _lonlat(sieve)
    lon[which], lat[which] = lat[which], lon[which].copy()
    sieve.table = sieve.table.assign(longitude=lon, latitude=lat)
    sieve.notes.append(f"{why}: longitude and latitude were exchanged in {sieve.count(which)}.")


def _lonlat(sieve: Sieve) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    return tuple(sieve.table[name].to_numpy(dtype=np.float64, copy=True) for name in ("longitude", "latitude"))  # type: ignore[return-value]


def urban_or_rural(codes: Iterable[str], urban: str, rural: str) -> tuple[NDArray[np.object_], dict[str, int]]:
    """`urban`, `rural` or nothing for each code, and how often each unknown code occurs.

    Args:
        codes: (R,) in lower case; empty where unknown.
        urban: codes separated by commas.
        rural: likewise.
    """
    known = {part.strip().lower(): "rural" for part in rural.split(",")}
    known |= {part.strip().lower(): "urban" for part in urban.split(",")}
    known.pop("", None)
    found = [str(code).lower() for code in codes]
    unknown: dict[str, int] = {}
    for code in found:
        if code not in known:
            unknown[code] = unknown.get(code, 0) + 1
    return np.array([known.get(code, "") for code in found], dtype=object), unknown
