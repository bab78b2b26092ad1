"""Which cells of several layers are the same: by their numbers, else by where they lie."""

from collections.abc import Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyproj import CRS
from scipy.spatial import cKDTree

from ..classes import class_text
from ..errors import BadInput
from .celltable import CellTable
from .names import CELL, ZONE

Int = NDArray[np.int64]
TOLERANCE = 0.1
"""Distance, in sides of a cell, up to which two cells are one."""
LEAST_SHARE = 0.5
"""Of the cells of the smallest layer that must be found again in all others."""


@dataclass(frozen=True)
class Same:
    """Cells that are in all layers.

    Attributes:
        rows: (T, n) row of each cell in each layer.
        how: in words.
        left: cells of each layer that are not in all of them.
    """

    rows: Int
    how: str
    left: tuple[int, ...]


def same_cells(tables: Sequence[CellTable], sources: Sequence[str]) -> Same:
    """Cells of the first layer that all others have too, in its order.

    Args:
        tables: of the layers.
        sources: their names, for messages.

    Raises:
        BadInput: the layers hold other cells.
    """
    places = [_places(table, tables[0].crs) for table in tables]
    side = float(np.sqrt(np.median(_areas(tables[0]))))
    keys = [_keys(table) for table in tables]
    how = "by their numbers"
    if all(key is not None for key in keys):
        found = [_by_number(keys[0], key) for key in keys]  # type: ignore[arg-type]
        far = [_distance(places[0], one, match) > TOLERANCE * side for one, match in zip(places, found, strict=True)]
        if any(bool(one.any()) for one in far):  # other grids may give the same numbers to other places
            keys = [None] * len(tables)
        few = (np.array(found) >= 0).all(axis=0).sum() < LEAST_SHARE * min(len(table) for table in tables)
        if few:  # cells of one grid may have been numbered twice
            keys = [None] * len(tables)
    if any(key is None for key in keys):
        how = f"by where they lie, up to {100 * TOLERANCE:g} % of a cell apart"
        found = [_by_place(places[0], one, TOLERANCE * side) for one in places]
    rows = np.array(found)
    rows = rows[:, (rows >= 0).all(axis=0)]
    smallest = min(range(len(tables)), key=lambda i: len(tables[i]))
    if rows.shape[1] < LEAST_SHARE * len(tables[smallest]):
        raise BadInput(
            f"Only {rows.shape[1]} of {len(tables[smallest])} cells of {sources[smallest]} are in all layers. Make the "
            "cells once with 'Make cells', and compute variables and embeddings of every date on that very layer."
        )
    return Same(rows, how, tuple(len(table) - rows.shape[1] for table in tables))


def _keys(table: CellTable) -> pd.MultiIndex | None:
    """Zone and number of each cell; None where the layer has none, or some twice."""
    if CELL not in table.table:
        return None
    names = [name for name in (ZONE, CELL) if name in table.table]
    index = pd.MultiIndex.from_frame(table.table[names].map(class_text))
    return None if index.has_duplicates or table.table[CELL].isna().any() else index


def _by_number(first: pd.MultiIndex, other: pd.MultiIndex) -> Int:
    if first.nlevels != other.nlevels:
        return np.full(len(first), -1, np.int64)
    return np.asarray(other.get_indexer(first), np.int64)


def _by_place(first: NDArray[np.float64], other: NDArray[np.float64], reach: float) -> Int:
    """Row of the other layer that lies nearest, where each is the other's nearest; else -1."""
    far, found = cKDTree(other).query(first)
    back = cKDTree(first).query(other)[1]
    mutual = back[found] == np.arange(len(first))
    return np.where((far <= reach) & mutual, found, -1).astype(np.int64)


def _distance(first: NDArray[np.float64], other: NDArray[np.float64], match: Int) -> NDArray[np.float64]:
    found = match >= 0
    return np.asarray(np.hypot(*(first[found] - other[match[found]]).T))


def _places(table: CellTable, crs: str) -> NDArray[np.float64]:
    if CRS.from_user_input(table.crs) == CRS.from_user_input(crs):
        return table.xy
    moved = gpd.GeoSeries(gpd.points_from_xy(*table.xy.T), crs=table.crs).to_crs(crs)
    return np.stack([moved.x.to_numpy(), moved.y.to_numpy()], axis=1)


def _areas(table: CellTable) -> NDArray[np.float64]:
    return np.asarray(table.table.geometry.area, np.float64)
