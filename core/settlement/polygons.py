"""Layers of polygons, cleaned: only polygons, valid, in one plane coordinate system; what was done is told."""

from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from ..errors import BadInput
from ..vector import read_vector
from .zonal import along

Shapes = NDArray[np.object_]


@dataclass
class Polygons:
    """P valid polygons or multipolygons with their attributes."""

    shapes: Shapes
    """(P,)"""
    table: pd.DataFrame
    """(P,) attributes, rows in the order of the layer."""
    crs: CRS
    source: str
    notes: list[str] = field(default_factory=list)
    """What was left out or repaired, for the log."""

    def to(self, crs: CRS) -> "Polygons":
        """The same polygons in another coordinate system.

        Raises:
            BadInput: none of them has a place there.
        """
        if crs == self.crs:
            return self
        moved = np.asarray(gpd.GeoSeries(along(self.shapes, self.crs), crs=self.crs).to_crs(crs).array, dtype=object)
        there = np.isfinite(shapely.bounds(moved)).all(axis=1)
        notes = list(self.notes)
        if not there.any():
            raise BadInput(f"{self.source} cannot be brought to {crs.name}: it lies too far away.")
        if not there.all():
            notes.append(f"{(~there).sum()} polygons of {self.source} lie too far away for {crs.name}: left out.")
        shapes, _ = repaired(moved[there])  # what is valid on a globe may cross itself in a plane
        return Polygons(shapes, self.table[there].reset_index(drop=True), crs, self.source, notes)

    def union(self) -> shapely.Geometry:
        """All of them as one."""
        return shapely.union_all(self.shapes)


def read_polygons(source: str, what: str) -> Polygons:
    """The polygons of a layer; whatever else it holds is left out and told.

    Args:
        source: `path` or `path|layername=x`.
        what: label of the parameter, for sentences.

    Raises:
        BadInput: unreadable, without polygons, or without a coordinate system.
    """
    table = read_vector(source)
    if not isinstance(table, gpd.GeoDataFrame):
        raise BadInput(f"{what}: {source} is a table without geometry; a layer of polygons is needed.")
    if table.crs is None:
        raise BadInput(
            f"{what}: {source} has no coordinate system, so it is not known where it lies. Set it in the properties "
            "of the layer, and save it."
        )
    shapes = shapely.force_2d(np.asarray(table.geometry.array, dtype=object))
    kept = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    kept[kept] = np.isfinite(shapely.bounds(shapes[kept])).all(axis=1)
    kept[kept] = shapely.get_dimensions(shapes[kept]) == 2
    if not kept.any():
        raise BadInput(f"{what}: {source} holds no polygons.")
    notes = []
    if not kept.all():
        notes.append(f"{(~kept).sum()} features of {source} are no polygons, or are empty: left out.")
    made, count = repaired(shapes[kept])
    if count:
        notes.append(f"{count} invalid polygons of {source} were repaired.")
    attributes = pd.DataFrame(table.drop(columns=table.geometry.name))[kept].reset_index(drop=True)
    return Polygons(made, attributes, table.crs, source, notes)


def repaired(shapes: Shapes) -> tuple[Shapes, int]:
    """Valid polygons or multipolygons, of the same number, and how many were not."""
    wrong = ~shapely.is_valid(shapes)
    made = shapes.copy()
    made[wrong] = shapely.make_valid(shapes[wrong], method="structure", keep_collapsed=False)
    return made, int(wrong.sum())
