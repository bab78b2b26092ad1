"""From a lottery to the layer of places: order, earlier places first, and the file."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyogrio.errors import DataSourceError

from ..atomic import replacing
from ..errors import BadInput, Stale, Unwritable
from ..grid import Grid
from ..jobs.estimate import REFERENCE
from ..layersource import parse_source
from ..sidecar import read_sidecar
from ..vector import read_vector, write_geopackage
from .design import TABLE, Design, design_from

PLACE, ORDER = "place", "order"
AREA = "area_m2"
"""Field of the design's table: area of each unit."""
OWN = (PLACE, ORDER, REFERENCE)
SUFFIX = ".gpkg"


def jittered_order(sizes: Sequence[int], seed: int) -> list[tuple[int, int]]:
    """Pairs of stratum and rank within it, mixed so that any first so many have about the allocation of the whole.

    The mixture is random, so that the order does not tell the class to who labels. Which ranks are among the first so
    many depends on the strata's sizes alone, never on what is there; so these are a valid stratified sample.
    """
    rng = np.random.default_rng([seed, 1])
    turns = [((k + rng.random()) / size, h, k) for h, size in enumerate(sizes) for k in range(size)]
    return [(h, k) for _, h, k in sorted(turns)]


def points_of(grid: Grid, cells: NDArray[np.int64]) -> gpd.GeoSeries:
    """Centres of cells (n, 2) in the CRS of the grid."""
    t, cols, rows = grid.transform, cells[:, 1] + 0.5, cells[:, 0] + 0.5
    return gpd.GeoSeries(
        gpd.points_from_xy(t.a * cols + t.b * rows + t.c, t.d * cols + t.e * rows + t.f), crs=grid.crs or None
    )


def cell_name(row: int, col: int) -> str:
    """Name of the place at a cell; rows and columns counted from 1."""
    return f"r{row + 1}c{col + 1}"


def unit_keys(names: Sequence[str], seed: int) -> NDArray[np.float64]:
    """Lottery number of each unit, by its name and the seed alone, whatever the order of the rows."""
    digests = (hashlib.blake2b(f"{seed}|{name}".encode(), digest_size=8).digest() for name in names)
    return np.array([int.from_bytes(digest, "big") for digest in digests], dtype=np.float64) / 2.0**64


def earlier_places(path: str, design: Design) -> pd.DataFrame:
    """Places of an earlier sample in their order, with what was labelled; refused when it was drawn otherwise.

    Raises:
        BadInput: no sidecar, or no sample of places.
        Stale: another map, seed, design or mask.
    """
    content = read_sidecar(parse_source(path).path)
    if content is None or "design" not in content["facts"]:
        raise BadInput(f"{path} has no sidecar that says how it was drawn, so it cannot be enlarged.")
    old = design_from(content["facts"], path)
    for what, name in (
        ("another seed", "seed"), ("another map or table", "print"), ("another design", "kind"),
        ("other units", "unit_field"), ("other strata", "stratum_field"), ("other polygons", "mask"),
    ):  # fmt: skip
        if getattr(old, name) != getattr(design, name):
            raise Stale(f"{path} was drawn with {what} than this sample, and cannot be enlarged by it.")
    table = pd.DataFrame(read_vector(path if "|" in path else f"{path}|layerid=0"))
    missing = [name for name in OWN if name not in table.columns]
    if missing:
        raise BadInput(f"{path} has no field '{missing[0]}' any more, so it cannot be enlarged.")
    return table.sort_values(ORDER, kind="stable")


def write_places(places: pd.DataFrame, designed: pd.DataFrame, path: str) -> None:
    """Write the layer of places and the table of what the map says of them into one GeoPackage.

    Raises:
        Unwritable: the folder cannot be written.
    """
    try:
        with replacing(path) as temporary:
            write_geopackage({Path(path).stem: places, TABLE: designed}, temporary)
    except (DataSourceError, ValueError) as error:
        raise Unwritable(f"{path} cannot be written: {error}.") from error
