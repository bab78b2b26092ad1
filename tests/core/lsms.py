"""Village wealth of five countries (Yeh et al. 2020, MIT licence; LSMS) as tables that our jobs read; folds A to D."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

BANDS = ("blue", "green", "red", "swir1", "swir2", "temperature", "nir", "lights")
SHARES = (0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)
MIDDLES = np.linspace(-5.05, 5.05, 102)
"""Of the bins, in standard deviations of the band."""
FOLDER = "poverty/lsms_hists"


def folder() -> Path:
    found = Path(os.environ.get("QUADRAT_DATA", "")) / FOLDER
    if not found.is_dir():
        pytest.skip("poverty/lsms_hists is not in the folder that QUADRAT_DATA names")
    return found


def levels() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Places with wealth; statistics of their histograms; the published columns, with lights of two sensors apart."""
    with np.load(folder() / "lsms_folds_ABCD.npz") as data:
        counts, years = data["image_hists"].astype(float), data["years"]
        places = pd.DataFrame(
            {"wealth": data["labels"].astype(float), "lat": data["locs"][:, 0], "lon": data["locs"][:, 1],
             "year": years, "country": data["country"], "fold": data["fold"], "row": data["row"]}
        )  # fmt: skip
    shares = counts / np.maximum(counts.sum(axis=2, keepdims=True), 1)
    return places, _statistics(shares).assign(viirs=(years >= 2012).astype(int)), _published(counts, years)


def changes() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Places asked twice with the published change of their index; changes and means of the statistics."""
    pairs = pd.read_csv(folder() / "delta_pairs_folds_ABCD.csv")
    places, statistics, _ = levels()
    at = pd.Series(np.arange(len(places)), index=places["row"])
    first, second = (at[pairs[f"tfrecords_index.{which}"]].to_numpy() for which in "xy")
    table = pd.DataFrame(
        {"change": pairs["index_diff"], "lat": pairs["lat"], "lon": pairs["lon"], "country": pairs["country"],
         "fold": places["fold"].to_numpy()[first]}
    )  # fmt: skip
    before, after = (statistics.iloc[rows].reset_index(drop=True) for rows in (first, second))
    columns = {
        "years": pairs["year.y"] - pairs["year.x"],
        "viirs_before": before["viirs"],
        "viirs_after": after["viirs"],
    }
    both = pd.concat([(after - before).add_prefix("d_"), ((after + before) / 2).add_prefix("m_")], axis=1)
    return table, both.drop(columns=["d_viirs", "m_viirs"]).assign(**columns)


def _statistics(shares: np.ndarray) -> pd.DataFrame:
    columns = {}
    for number, band in enumerate(BANDS):
        summed = shares[:, number].cumsum(axis=1)
        for share in SHARES:
            columns[f"{band}_p{round(100 * share):02d}"] = MIDDLES[(summed >= share).argmax(axis=1)]
        mean = shares[:, number] @ MIDDLES
        columns[f"{band}_mean"] = mean
        columns[f"{band}_sd"] = np.sqrt(np.maximum(shares[:, number] @ MIDDLES**2 - mean**2, 0))
    return pd.DataFrame(columns).round(4)


def _published(counts: np.ndarray, years: np.ndarray) -> pd.DataFrame:
    viirs = (years >= 2012)[:, None]
    lights = counts[:, -1]
    parts = [counts[:, :-1].reshape(len(counts), -1), np.where(viirs, 0, lights), np.where(viirs, lights, 0)]
    found = np.concatenate(parts, axis=1).astype(int)
    return pd.DataFrame(found, columns=[f"bin_{number}" for number in range(found.shape[1])])
