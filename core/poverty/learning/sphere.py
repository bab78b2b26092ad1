"""Places in other coordinate systems, and straight distances between places anywhere on Earth."""

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

from ...errors import BadInput

Float = NDArray[np.float64]
EARTH_M = 6_371_000.0


def transformed(xy: Float, source: str, target: str) -> Float:
    """(N, 2) coordinates in another system; infinite where it has none for a place."""
    if crs_of(source) == crs_of(target):
        return xy.copy()
    x, y = Transformer.from_crs(crs_of(source), crs_of(target), always_xy=True).transform(xy[:, 0], xy[:, 1])
    return np.stack([x, y], axis=1)


def on_sphere(xy: Float, crs: str) -> Float:
    """(N, 3) metres from the middle of the Earth, so that straight distances are right everywhere to 0.5 %.

    Raises:
        BadInput: some places are nowhere on Earth.
    """
    degrees = transformed(xy, crs, "EPSG:4326")
    if not np.isfinite(degrees).all():
        x, y = xy[~np.isfinite(degrees).all(axis=1)][0]
        raise BadInput(f"The place x {x:g}, y {y:g} is nowhere on Earth. Is the coordinate system of the places right?")
    lon, lat = np.deg2rad(degrees).T
    return EARTH_M * np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def crs_of(text: str) -> CRS:
    """The coordinate system that a text names.

    Raises:
        BadInput: it names none.
    """
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        raise BadInput(f"'{text}' is no coordinate system. Write it as in [EPSG:4326].") from error
