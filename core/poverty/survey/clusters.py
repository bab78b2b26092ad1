"""Rows of a survey gathered in clusters: households averaged by weight, a cluster once a year and place."""

import numpy as np
import pandas as pd

from ...errors import BadInput
from .checks import Sieve

PLACE_DECIMALS = 6
"""Degrees: 0.1 m, so that a place that was stored in another type is the same."""
SAME_DEG = 0.1
"""Positions of one cluster that differ by more than this are no inaccuracy: its number stands for several clusters."""


def gather(sieve: Sieve, households: bool) -> pd.DataFrame:
    """One row for each cluster, year and place.

    Args:
        sieve: of the rows; gets sentences on what repeats. Columns cluster, region, year, longitude, latitude, urban,
            weight, households, value.
        households: rows are households, not clusters.

    Returns:
        columns as before, `households` the number of rows where rows are households; sorted by region, cluster, year.

    Raises:
        BadInput: households without anything to gather them by.
    """
    table = sieve.table.copy()
    table["_x"], table["_y"] = table["longitude"].round(PLACE_DECIMALS), table["latitude"].round(PLACE_DECIMALS)
    table = _numbered(table, households, sieve)
    key = ["region", "cluster", "year", "_x", "_y"]
    if not households:
        _tell_repeated(table, key, sieve)
    table["_w"], table["_wv"] = table["weight"], table["weight"] * table["value"]
    groups = table.groupby(key, sort=False)
    made = groups.agg(
        longitude=("longitude", "first"), latitude=("latitude", "first"), _w=("_w", "sum"), _wv=("_wv", "sum"),
        _urban=("urban", "nunique"), urban=("urban", "first"), _rows=("value", "size"),
    )  # fmt: skip
    made["households"] = groups["households"].max()
    made = made.reset_index()
    made["value"], made["weight"] = made["_wv"] / made["_w"], made["_w"]
    if households:
        made["households"] = made["_rows"].astype(np.float64)
    else:
        # Rows that repeat a cluster do not make it weigh more.
        made["weight"] = made["_w"] / made["_rows"]
    mixed = made["_urban"] > 1
    if mixed.any():
        made.loc[mixed, "urban"] = ""
        sieve.notes.append(f"Clusters both urban and rural: {mixed.sum():,}. They get the circle of rural ones.")
    _tell_places(made, sieve)
    order = np.lexsort([made["year"], made["cluster"].map(_natural), made["region"].astype(str)])
    return made.iloc[order].reset_index(drop=True).drop(columns=["_x", "_y", "_w", "_wv", "_urban", "_rows"])


def _numbered(table: pd.DataFrame, households: bool, sieve: Sieve) -> pd.DataFrame:
    """Rows that all have the number of a cluster."""
    if (table["cluster"] == "").all():
        if households and not table.duplicated(["_x", "_y", "year"]).any():
            raise BadInput("No field says which household belongs to which cluster. Choose the cluster field.")
        # Without numbers a place is a cluster; with one row each they are numbered as they come.
        places = table.groupby(["_x", "_y"], sort=False).ngroup() + 1
        table["cluster"] = places.astype(str).astype(object)
        sieve.notes.append("No field numbers clusters: those at one place count as one, and are numbered from 1.")
    elif (table["cluster"] == "").any():
        unnamed = (table["cluster"] == "").to_numpy()
        sieve.drop(unnamed, "no cluster", "without a number of a cluster")
        table = table[~unnamed]
    return table


def _natural(name: str) -> str:
    """Numbers in the order of numbers."""
    return name.zfill(12) if name.isdigit() else name


def _tell_repeated(table: pd.DataFrame, key: list[str], sieve: Sieve) -> None:
    repeated = table.duplicated(key, keep=False)
    if not repeated.any():
        return
    clusters = len(table.loc[repeated, key].drop_duplicates())
    alike = table.loc[repeated].groupby(key)["value"].nunique().le(1).all()
    done = "they count once" if alike else "they were averaged by weight. Are rows households?"
    sieve.notes.append(f"Clusters that occur more than once in a year: {clusters:,}; {done}{'.' if alike else ''}")


def _tell_places(made: pd.DataFrame, sieve: Sieve) -> None:
    """Say where one number stands for several places in a year, and for how many years places last."""
    groups = made.groupby(["region", "cluster", "year"])
    several = groups.size()
    if (several > 1).any():
        spread = groups[["longitude", "latitude"]].agg(lambda at: at.max() - at.min()).max(axis=1)
        far = int((spread > SAME_DEG).sum())
        note = f"Clusters at several places in one year: {(several > 1).sum():,}; each place counts as one."
        if far:
            note += " Surveys of several countries number alike: choose 'Country or region field' to tell them apart."
        sieve.notes.append(note)
    years = made.groupby(["region", "cluster", "_x", "_y"])["year"].agg(["min", "max", "size"])
    turn = (years["size"] == 2) & (years["max"] - years["min"] == 1)
    if turn.any():
        sieve.notes.append(
            f"Clusters with rows of two years in a row: {turn.sum():,}; they count in each. If one survey went on over "
            "the turn of the year, give its year."
        )
