"""Where each cluster may lie: a disc true on the ground, cut to the administrative area of the published point."""

from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from ...settlement.polygons import Polygons
from .plane import Float, Shapes, discs, shifted_along, wrapped

NONE = -1
NEAR = 0.5
"""A published point that lies outside all areas is taken to belong to the nearest one within this share of its usual
displacement: borders of published areas are drawn coarsely."""


@dataclass
class Areas:
    """Where N clusters may lie."""

    shapes: Shapes
    """(N,) polygons in longitude and latitude, within 180 degrees."""
    clipped: int = 0
    near: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    """(N,) in no area, but near one, which counts."""
    outside: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    """(N,) in no area, and near none: not cut."""
    several: int = 0
    """In several areas, of which the smallest counts."""


def areas_of(lonlat: Float, radius_m: Float, likely_m: Float, admin: Polygons | None) -> Areas:
    """Discs, cut to areas where these are given.

    Args:
        lonlat: (N, 2) published positions, WGS 84.
        radius_m: (N,) largest displacement.
        likely_m: (N,) usual displacement.
        admin: in longitude and latitude, WGS 84; None cuts nothing.
    """
    round_ = discs(lonlat, radius_m)
    if admin is None:
        nothing = np.zeros(len(lonlat), np.bool_)
        return Areas(wrapped(round_), 0, nothing, nothing.copy())
    holder, several = holders(lonlat, admin.shapes)
    near = np.zeros(len(lonlat), np.bool_)
    for number in np.flatnonzero(holder == NONE):
        holder[number] = _nearest(discs(lonlat[[number]], NEAR * likely_m[[number]])[0], admin.shapes)
        near[number] = holder[number] != NONE
    shapes, clipped = round_.copy(), 0
    for number in np.flatnonzero(holder != NONE):
        area = admin.shapes[holder[number]]
        shapely.prepare(area)
        if shapely.covers(area, round_[number]):
            continue
        cut = shapely.intersection(round_[number], shifted_along(np.array([area]), round_[number]))
        parts = [part for part in shapely.get_parts(cut) if shapely.get_dimensions(part) == 2]
        shapes[number] = _polygons(parts)
        clipped += 1
    return Areas(wrapped(shapes), clipped, near, holder == NONE, several)


def holders(lonlat: Float, shapes: Shapes) -> tuple[NDArray[np.int64], int]:
    """(N,) number of the area that holds each point, the smallest of several, -1 for none; how many are in several."""
    found = np.full(len(lonlat), NONE, np.int64)
    point, area = shapely.STRtree(shapes).query(shapely.points(lonlat), predicate="intersects")
    order = np.argsort(-shapely.area(shapes[area]), kind="stable")
    found[point[order]] = area[order]  # the last that is written is the smallest
    return found, int((np.bincount(point, minlength=len(lonlat)) > 1).sum())


def _nearest(disc: shapely.Geometry, shapes: Shapes) -> int:
    """The area that takes most of a disc; -1 if none touches it."""
    touched = np.flatnonzero(shapely.intersects(shapes, disc))
    if not len(touched):
        return NONE
    return int(touched[np.argmax(shapely.area(shapely.intersection(shapes[touched], disc)))])


def _polygons(parts: list[shapely.Geometry]) -> shapely.Geometry:
    """Polygons and multipolygons as one."""
    flat = [one for part in parts for one in shapely.get_parts(part)]
    return flat[0] if len(flat) == 1 else shapely.union_all(flat)
