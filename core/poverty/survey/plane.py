"""A plane around each published place in which distances and directions from it are true, and discs on the ground."""

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

Float = NDArray[np.float64]
Index = NDArray[np.int64]
Shapes = NDArray[np.object_]

GEOD = Geod(ellps="WGS84")
CORNERS = 128
"""Of a disc: its edges cut off at most 0.03 % of the radius."""
FULL = 360.0
NEAREST_POLE_DEG = 0.2
"""A disc of at most 20 km that comes so near to a pole has no outline in longitude and latitude."""


def to_plane(centre: Float, lonlat: Float) -> Float:
    """Metres east and north of a centre, exact along rays from it (azimuthal equidistant on the ellipsoid).

    Args:
        centre: (M, 2) longitude and latitude, of each point's own plane.
        lonlat: (M, 2) points.
    """
    azimuth, _, distance = GEOD.inv(centre[:, 0], centre[:, 1], lonlat[:, 0], lonlat[:, 1])
    angle = np.radians(azimuth)
    return np.column_stack([distance * np.sin(angle), distance * np.cos(angle)])


def from_plane(centre: Float, xy: Float) -> Float:
    """(M, 2) longitude and latitude of points in the planes around `centre` (M, 2); undoes `to_plane`."""
    azimuth = np.degrees(np.arctan2(xy[:, 0], xy[:, 1]))
    longitude, latitude, _ = GEOD.fwd(centre[:, 0], centre[:, 1], azimuth, np.hypot(xy[:, 0], xy[:, 1]))
    return np.column_stack([longitude, latitude])


def shapes_to_plane(centre: Float, shapes: Shapes) -> Shapes:
    """(N,) polygons in longitude and latitude, each brought to the plane around its centre (N, 2)."""
    coordinates, which = shapely.get_coordinates(shapes, return_index=True)
    return np.asarray(shapely.set_coordinates(shapes.copy(), to_plane(centre[which], coordinates)), object)


def discs(centre: Float, radius_m: Float) -> Shapes:
    """(N,) polygons whose corners lie so far from their centre on the ground.

    Longitudes go on beyond 180 degrees where a disc crosses that meridian; `wrapped` cuts it there.

    Args:
        centre: (N, 2) longitude and latitude; not nearer than the radius to a pole.
        radius_m: (N,)
    """
    angles = np.linspace(0.0, 2 * np.pi, CORNERS, endpoint=False)
    ring = np.column_stack([np.sin(angles), -np.cos(angles)])[::-1]
    rings = (radius_m[:, None, None] * ring).reshape(-1, 2)
    around = np.repeat(centre, CORNERS, axis=0)
    corners = from_plane(around, rings)
    corners[:, 0] = around[:, 0] + (corners[:, 0] - around[:, 0] + FULL / 2) % FULL - FULL / 2
    return np.asarray(shapely.polygons(corners.reshape(-1, CORNERS, 2)), object)


def too_near_a_pole(centre: Float) -> NDArray[np.bool_]:
    """(N,) whether a disc there has no outline in degrees."""
    return np.asarray(np.abs(centre[:, 1]) > FULL / 4 - NEAREST_POLE_DEG, np.bool_)


def wrapped(shapes: Shapes) -> Shapes:
    """The same polygons within 180 degrees west and east, those across that meridian in two parts."""
    bounds = shapely.bounds(shapes)
    across = (bounds[:, 0] < -FULL / 2) | (bounds[:, 2] > FULL / 2)
    made = shapes.copy()
    for number in np.flatnonzero(across):
        parts = []
        for shift in (-FULL, 0.0, FULL):
            part = shapely.intersection(shapes[number], shapely.box(shift - 180, -90, shift + 180, 90))
            parts += list(shapely.get_parts(shapely.transform(part, lambda xy, by=shift: xy - np.array([by, 0.0]))))
        made[number] = shapely.multipolygons([part for part in parts if shapely.area(part) > 0])
    return made


def shifted_along(areas: Shapes, shape: shapely.Geometry) -> Shapes:
    """Polygons and their copies a full turn east and west, as far as a shape beyond 180 degrees needs them."""
    west, _, east, _ = shapely.bounds(shape)
    copies = [areas]
    for needed, by in ((west < -FULL / 2, -FULL), (east > FULL / 2, FULL)):
        if needed:
            copies.append(shapely.transform(areas, lambda xy, by=by: xy + np.array([by, 0.0])))
    return np.concatenate(copies)
