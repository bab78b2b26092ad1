"""A layer of cells as arrays: what each cell looks like, who its neighbours are, what it is labelled."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from ..classes import class_text
from ..errors import BadInput
from ..folds import metres_in
from ..layersource import parse_source
from ..sidecar import read_sidecar
from ..tables import feature_matrix, table_places
from ..vector import read_vector
from .methods.around import neighbours_by_place, neighbours_by_touch
from .names import CELL, COLUMN, NINE, ROW, STATUS, ZONE

Float = NDArray[np.float32]
Int = NDArray[np.int64]
EMBEDDING = re.compile(r"emb_\d+")
"""Columns that 'Embed cells' writes."""
LARGEST = 2.0**52
"""Up to it every whole number is told from the next."""


@dataclass(frozen=True)
class CellTable:
    """N cells.

    Attributes:
        table: all columns, as they were read.
        features: (N, D) float32, NaN where missing; D is 0 without an embedding.
        variables: (N, v) float32, likewise.
        feature_names: (D,).
        variable_names: (v,).
        xy: (N, 2) a place inside each cell.
        crs: of it, as WKT.
        space: identity of the embedding; empty where it is not known.
    """

    table: gpd.GeoDataFrame
    features: Float
    variables: Float
    feature_names: tuple[str, ...]
    variable_names: tuple[str, ...]
    xy: NDArray[np.float64]
    crs: str
    space: str = ""

    def __len__(self) -> int:
        """Cells."""
        return len(self.table)

    def in_order(self) -> "CellTable":
        """The same cells by their numbers; where these do not tell them apart, from north to south.

        So what is drawn from them at random does not hang on the order in which a layer happens to hold them.
        """
        number = _whole_numbers(self.table[CELL]) if CELL in self.table else None
        if number is not None and len(np.unique(number)) == len(number):
            order = np.argsort(number)
        else:
            order = np.lexsort((self.xy[:, 0], -self.xy[:, 1]))
        return replace(
            self, table=self.table.iloc[order].reset_index(drop=True), features=self.features[order],
            variables=self.variables[order], xy=self.xy[order],
        )  # fmt: skip

    def neighbours(self) -> Int:
        """(N, 9) index of each cell itself and of its neighbours, -1 where there is none.

        By row and column where the layer has them, else by which cells touch.
        """
        itself = np.arange(len(self))[:, None]
        places = [_whole_numbers(self.table[name]) for name in (ROW, COLUMN) if name in self.table]
        row, column = places if len(places) == 2 else (None, None)
        if row is not None and column is not None:
            zone = self.zones()
            if not pd.DataFrame({"z": zone, "r": row, "c": column}).duplicated().any():
                return np.concatenate([itself, neighbours_by_place(row, column, zone)], axis=1)
        return np.concatenate([itself, neighbours_by_touch(self.table.geometry.to_numpy(), self.xy)], axis=1)

    @property
    def xy_m(self) -> NDArray[np.float64]:
        """(N, 2) places in metres."""
        return metres_in(self.xy, self.table.crs)

    def zones(self, field: str = ZONE) -> Int:
        """(N,) number of the zone of each cell; all 0 where there is no such field."""
        if field not in self.table:
            return np.zeros(len(self), np.int64)
        return np.asarray(pd.factorize(self.table[field], sort=True)[0], np.int64)

    def status(self) -> NDArray[np.object_]:
        """(N,) texts; empty where the layer does not say."""
        return _texts(self.table, STATUS)


def read_cells(
    source: str, features: Sequence[str] = (), variables: Sequence[str] = (), exactly: bool = False
) -> CellTable:
    """A layer of cells.

    Args:
        source: layer of polygons.
        features: columns of vectors; empty takes those that 'Embed cells' writes.
        variables: columns of hand-made variables; empty takes those that 'Cell variables' writes.
        exactly: where no columns are named, none are taken: for cells that are read as others were.

    Raises:
        BadInput: no polygons, no CRS, no such column, or neither features nor variables.
    """
    table = read_vector(source)
    if not isinstance(table, gpd.GeoDataFrame) or not len(table):
        raise BadInput(f"{source} holds no cells: a layer of polygons is needed, as 'Make cells' writes it.")
    there = ~(shapely.is_missing(table.geometry.array) | shapely.is_empty(table.geometry.array))
    if (shapely.get_dimensions(table.geometry.array)[there] != 2).any():
        raise BadInput(f"{source} holds points or lines, but cells are polygons, as 'Make cells' writes them.")
    if table.crs is None:
        raise BadInput(f"{source} has no coordinate system, so it is not known where its cells lie. Set one.")
    feature_names, variable_names = tuple(features), tuple(variables)
    if not exactly:
        embedding = sorted(filter(EMBEDDING.fullmatch, map(str, table.columns)), key=_number)
        feature_names = feature_names or tuple(embedding)
        variable_names = variable_names or tuple(name for name in NINE if name in table)
    if not feature_names and not variable_names:
        raise BadInput(
            f"{source} holds neither an embedding nor variables. Run 'Cell variables' or 'Embed cells' on it first, "
            "or name the fields."
        )
    twice = sorted(set(feature_names) & set(variable_names))
    if twice:
        raise BadInput(f"The field '{twice[0]}' is given as a feature and as a variable. Choose it once.")
    xy, crs = table_places(table)
    if xy is None or not np.isfinite(xy).all():
        raise BadInput(f"Some cells of {source} have no geometry. Leave them out.")
    return CellTable(
        table, _matrix(table, feature_names, source), _matrix(table, variable_names, source), feature_names,
        variable_names, xy, crs, _space(source) if any(map(EMBEDDING.fullmatch, feature_names)) else "",
    )  # fmt: skip


def labels_of(cells: CellTable, field: str, positive: str, source: str) -> Int:
    """(N,) 1 for favela, 0 for other labelled cells, -1 where a cell teaches nothing.

    Args:
        cells: all of them.
        field: column of the label.
        positive: text that stands for favela.
        source: name of the layer, for messages.

    Raises:
        BadInput: no such column, or one class is missing.
    """
    if field not in cells.table:
        raise BadInput(f"{source} has no field '{field}'. 'Make cells' writes it when reference polygons are given.")
    texts = _texts(cells.table, field)
    y = np.where(texts == "", -1, np.where(texts == positive, 1, 0)).astype(np.int64)
    found = sorted(set(texts[texts != ""]))
    for value, what in ((1, f"'{positive}'"), (0, f"anything but '{positive}'")):
        if not (y == value).any():
            raise BadInput(
                f"No cell of {source} is labelled {what} in the field '{field}'. "
                + (f"It holds: {', '.join(found[:8])}." if found else "It is empty.")
            )
    return y


def _texts(table: pd.DataFrame, field: str) -> NDArray[np.object_]:
    """As QGIS shows them: whole numbers without decimals, although a column with gaps is read as decimals."""
    if field not in table:
        return np.full(len(table), "", dtype=object)
    return np.array(["" if pd.isna(value) else class_text(value) for value in table[field]], dtype=object)


def _whole_numbers(column: pd.Series) -> Int | None:
    """(N,) of them; None where some are missing, broken or too large to be told apart."""
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    whole = np.isfinite(numbers) & (np.abs(numbers) < LARGEST) & (numbers == np.floor(numbers))
    return numbers.astype(np.int64) if whole.all() else None


def _matrix(table: pd.DataFrame, names: Sequence[str], source: str) -> Float:
    return feature_matrix(table, names, source) if names else np.zeros((len(table), 0), np.float32)


def _number(name: str) -> int:
    return int(name.rpartition("_")[2])


def _space(source: str) -> str:
    sidecar = read_sidecar(parse_source(source).path)
    return str(sidecar["facts"].get("space_identity", "")) if sidecar else ""
