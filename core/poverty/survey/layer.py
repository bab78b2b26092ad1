"""The layer of a survey: what `preparesurvey` writes and everything after it reads."""

from dataclasses import asdict, dataclass
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from ...errors import BadInput
from ...layersource import parse_source
from ...sidecar import read_sidecar
from ...vector import read_vector
from .displacement import Candidates, Displacement, candidates

LAYER = "clusters"
MOST_HOUSEHOLDS = 1_000_000
"""Of a cluster; a field that says more holds something else."""
RESULT = "survey"
FIELDS = (
    "cluster", "year", "urban", "value", "weight", "households", "radius_m", "likely_m", "region", "published_x",
    "published_y",
)  # fmt: skip
"""`households` is empty where it is not known. `radius_m`: no cluster was moved farther; `likely_m`: all but the few
were not. `published_x`, `published_y`: degrees, WGS 84, where the cluster is not."""


@dataclass(frozen=True)
class Survey:
    """N clusters, each in a year; a place that was asked in two years is there twice."""

    cluster: NDArray[np.object_]
    """(N,) texts; unique together with region, year and place."""
    year: NDArray[np.int64]
    urban: NDArray[np.object_]
    """(N,) `urban`, `rural`, or empty."""
    value: NDArray[np.float64]
    weight: NDArray[np.float64]
    """(N,) above 0."""
    households: NDArray[np.float64]
    """(N,) NaN where unknown."""
    region: NDArray[np.object_]
    published: NDArray[np.float64]
    """(N, 2) longitude and latitude, WGS 84."""
    area: NDArray[np.object_]
    """(N,) polygons in longitude and latitude, WGS 84."""
    indicator: str
    moved: Displacement

    def __len__(self) -> int:
        return len(self.cluster)

    def names(self) -> list[str]:
        """(N,) of the places: the same cluster has the same name in each year, so that draws for it are the same."""
        at = np.round(self.published, 6)
        return [
            f"{region}|{cluster}|{x:.6f}|{y:.6f}"
            for region, cluster, (x, y) in zip(self.region, self.cluster, at, strict=True)
        ]

    def candidates(self, how: str, crs: Any = 4326, **how_many: Any) -> Candidates:
        """Where the clusters may truly be; see `displacement.candidates`."""
        named: dict[str, Any] = {"moved": self.moved, "names": self.names(), **how_many}
        return candidates(self.published, self.urban.tolist(), self.area, how, crs, **named)


def survey_table(clusters: pd.DataFrame, area: NDArray[np.object_], moved: Displacement) -> gpd.GeoDataFrame:
    """The layer of clusters that `surveyclusters.gather` made."""
    urban = clusters["urban"].tolist()
    columns = {
        "cluster": clusters["cluster"].astype(str),
        "year": clusters["year"].astype(np.int32),
        "urban": clusters["urban"].astype(str),
        "value": clusters["value"].astype(np.float64),
        "weight": clusters["weight"].astype(np.float64),
        "households": _counts(clusters["households"]),
        "radius_m": moved.largest_m(urban),
        "likely_m": moved.likely_m(urban),
        "region": clusters["region"].astype(str),
        "published_x": clusters["longitude"].astype(np.float64),
        "published_y": clusters["latitude"].astype(np.float64),
    }
    return gpd.GeoDataFrame({name: columns[name] for name in FIELDS}, geometry=area, crs="EPSG:4326")


def _counts(households: "pd.Series[Any]") -> "pd.Series[Any]":
    possible = households.between(0, MOST_HOUSEHOLDS)
    return households.where(possible).round().astype("Int32")


def displacement_facts(moved: Displacement, clipped: bool) -> dict[str, Any]:
    """For the sidecar."""
    return {**asdict(moved), "clipped": clipped}


def read_survey(source: str) -> Survey:
    """The clusters of a survey layer.

    Raises:
        BadInput: not a layer of 'Prepare survey points', or one whose numbers were edited into something else.
    """
    table = read_vector(source)
    missing = [name for name in FIELDS if name not in table.columns]
    if missing or not isinstance(table, gpd.GeoDataFrame):
        lacks = f": it lacks the fields {', '.join(missing)}" if missing else ""
        raise BadInput(f"{source} is no layer of 'Prepare survey points'{lacks}. Run it on the survey first.")
    if table.crs is None:
        raise BadInput(f"{source} has no coordinate system any more. Run 'Prepare survey points' again.")
    area = np.asarray(table.to_crs(4326).geometry.array, dtype=object)
    empty = shapely.is_missing(area) | shapely.is_empty(area)
    table, area = table[~empty], area[~empty]
    if not len(table):
        raise BadInput(f"{source} holds no clusters.")
    sidecar = read_sidecar(parse_source(source).path)
    facts = sidecar["facts"] if sidecar else {}
    weight = _numbers(table, "weight", source)
    if not (weight >= 0).all() or not weight.any():
        raise BadInput(
            f"Weights of {source} must be 0 or more, and some above 0: they tell how much a cluster counts. Mend the "
            "field 'weight', or run 'Prepare survey points' again."
        )
    told = {name: facts.get("displacement", {}).get(name, default) for name, default in asdict(Displacement()).items()}
    return Survey(
        cluster=_texts(table["cluster"]),
        year=np.nan_to_num(_numbers(table, "year", source)).astype(np.int64),
        urban=_texts(table["urban"]),
        value=_numbers(table, "value", source),
        weight=weight,
        households=_numbers(table, "households", source),
        region=_texts(table["region"]),
        published=np.stack([_numbers(table, name, source) for name in ("published_x", "published_y")], axis=1),
        area=area,
        indicator=str(facts.get("indicator") or "value"),
        moved=Displacement(**told),
    )


def _numbers(table: pd.DataFrame, name: str, source: str) -> NDArray[np.float64]:
    """(N,) NaN where empty.

    Raises:
        BadInput: something else than numbers.
    """
    try:
        return np.asarray(pd.to_numeric(table[name]).to_numpy(np.float64, na_value=np.nan))
    except (ValueError, TypeError) as error:
        raise BadInput(f"The field '{name}' of {source} does not hold numbers ({error}). Mend it.") from error


def _texts(column: "pd.Series[Any]") -> NDArray[np.object_]:
    return np.array(["" if pd.isna(value) else str(value) for value in column], dtype=object)
