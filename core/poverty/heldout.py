"""Which places lie in a region that is held out, and which of the others lie too near to them to learn from."""

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ..errors import BadInput
from ..layersource import parse_source
from ..region import parse_extent
from ..vector import read_vector
from .learning.sphere import crs_of, on_sphere, transformed

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
GUARD_M = 20_000.0
"""Published places of surveys lie up to 10 km from the true ones, on either side of the border of the region."""


def inside_region(extent: str, area: str, xy: Float, crs: str) -> Bool:
    """(N,) places in the region; on its border, too.

    Args:
        extent: `xmin,xmax,ymin,ymax`, with ` [EPSG:n]` behind where it is in another system than the places.
        area: instead of an extent: a layer of polygons.
        xy: (N, 2) places.
        crs: of the places; empty where not known.

    Raises:
        BadInput: no extent or polygons, all places or none lie inside, or it is not known where they lie.
    """
    inside = _in_extent(extent, xy, crs) if extent else _in_area(area, xy, crs)
    which = "extent" if extent else f"polygons of {parse_source(area).path}"
    if not inside.any():
        raise BadInput(f"No place lies inside the held-out {which}. Does it overlap with the places?")
    if inside.all():
        raise BadInput(f"All places lie inside the held-out {which}, so nothing is left to learn from.")
    return inside


def too_near(xy: Float, crs: str, inside: Bool, guard_m: float) -> Bool:
    """(N,) places outside that lie nearer than `guard_m` to one inside, on the ground."""
    places = on_sphere(xy, crs)
    distance, _ = cKDTree(places[inside]).query(places[~inside], distance_upper_bound=guard_m)
    found = np.zeros(len(inside), np.bool_)
    found[~inside] = np.isfinite(distance)
    return found


def _in_extent(extent: str, xy: Float, crs: str) -> Bool:
    west, east, south, north, own = parse_extent(extent)
    xy = _places_in(own, xy, crs, "extent")
    if own and crs_of(own).is_geographic:  # longitudes from 0 to 360, or a box across 180 degrees
        xy[:, 0] = west + (xy[:, 0] - west) % 360.0
    found = (xy[:, 0] >= west) & (xy[:, 0] <= east) & (xy[:, 1] >= south) & (xy[:, 1] <= north)
    return np.asarray(found)


def _in_area(area: str, xy: Float, crs: str) -> Bool:
    table = read_vector(area, columns=[])
    geometry = getattr(table, "geometry", None)
    if geometry is None:
        raise BadInput(f"{area} has no geometry; polygons are needed to hold out a region.")
    shapes = np.asarray(geometry.array)
    shapes = shapes[~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)]
    shapes = shapes[shapely.get_dimensions(shapes) == 2]
    if not len(shapes):
        raise BadInput(f"{area} holds no polygons, so it holds no region out.")
    xy = _places_in(geometry.crs.to_wkt() if geometry.crs else "", xy, crs, area)
    region = shapely.union_all(shapely.make_valid(shapes))
    shapely.prepare(region)
    return np.asarray(shapely.intersects_xy(region, xy[:, 0], xy[:, 1]))


def _places_in(own: str, xy: Float, crs: str, what: str) -> Float:
    """(N, 2) places in the coordinate system of the region; as they are where the region names none."""
    xy = np.array(xy, np.float64)
    if own and not crs:
        raise BadInput(
            "It is not known in which coordinate system the places are, so it cannot be told which lie in the "
            f"held-out {what}. Give a layer with a coordinate system, or columns longitude and latitude."
        )
    return transformed(xy, crs, own) if own else xy
