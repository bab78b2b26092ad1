"""Which field of a survey is what, by its name; and codes as texts, however a file stored them."""

import difflib
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import BadInput

NAMES: Mapping[str, tuple[str, ...]] = {
    "cluster": (
        "dhsclust", "hv001", "v001", "cluster", "cluster_id", "clusterid", "cluster_no", "clust", "ea_id", "ea", "psu",
    ),
    "longitude": ("longnum", "longitude", "lon", "long", "lng", "lon_dd_mod", "lon_mod"),
    "latitude": ("latnum", "latitude", "lat", "lat_dd_mod", "lat_mod"),
    "urban": ("urban_rura", "hv025", "v025", "urban_rural", "urbanrural", "urban", "rururb", "rural_urban"),
    "year": ("dhsyear", "hv007", "v007", "year", "survey_year"),
    "weight": ("hv005", "v005", "weight", "weights", "hhweight", "hh_weight", "sample_weight", "wgt"),
    "region": ("country", "dhscc", "iso3", "adm1name", "dhsregna", "region", "hv024", "v024"),
    "households": ("households", "n_households", "num_households", "household_count"),
    "household": ("hhid", "hv002", "v002", "household_id", "hh_id"),
}  # fmt: skip
"""Names by what a field says, in lower case; the first that a table has is taken. Those of DHS come first: household
files (hv…), files of women and men (v…) and GPS files; `…_dd_mod` are LSMS-ISA's."""

LARGEST = 1e100
"""No survey holds such a number; sums and squares of smaller ones can be computed."""


def field_of(table: pd.DataFrame, role: str, chosen: str, source: str) -> str:
    """Name of the field that says something, as it is spelt in the table; empty where there is none.

    Args:
        table: the survey.
        role: a key of `NAMES`.
        chosen: what the user says; empty looks for known names.
        source: of the table, for the message.

    Raises:
        BadInput: the chosen field is not there.
    """
    names = [str(name) for name in table.columns]
    if chosen:
        if chosen in names:
            return chosen
        near = difflib.get_close_matches(chosen, names, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        raise BadInput(f"{source} has no field '{chosen}'.{hint}")
    by_name = {name.lower(): name for name in reversed(names)}
    return next((by_name[name] for name in NAMES[role] if name in by_name), "")


def codes_of(column: "pd.Series[object]", lower: bool = True) -> NDArray[np.object_]:
    """(rows,) texts, empty where nothing is known.

    Whole numbers have no decimals whatever their type, so that 1, 1.0 and "1" are one code.
    """
    which, different = pd.factorize(column, use_na_sentinel=True)
    texts = [_code(value) for value in different]
    known = np.array([*(text.lower() if lower else text for text in texts), ""], dtype=object)
    return np.asarray(known[which], dtype=object)  # what is missing is -1, the last


def _code(value: object) -> str:
    text = str(value).strip()
    try:
        number = float(text)
        return str(int(number)) if number == int(number) else text
    except (ValueError, OverflowError):
        return text


def numbers_of(table: pd.DataFrame, name: str, what: str, source: str) -> NDArray[np.float64]:
    """(rows,) float64, NaN where a number is missing.

    Raises:
        BadInput: the field holds no number at all.
    """
    found = pd.to_numeric(table[name], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    if table[name].notna().any() and not np.isfinite(found).any():
        raise BadInput(f"{what}: the field '{name}' of {source} does not hold numbers.")
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(found) < LARGEST, found, np.nan)
