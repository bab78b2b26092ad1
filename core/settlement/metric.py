"""A coordinate system in which a cell of 150 m is 150 m: the given one where it will do, else a UTM zone."""

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Proj, Transformer
from pyproj.exceptions import CRSError, ProjError

from ..errors import BadInput

Float = NDArray[np.float64]

TRUE_TO = 0.01
"""A projection that shows lengths right to this share is taken. UTM errs by 0.1 %, Web Mercator by 8 % in Rio."""
UTM_NORTH, UTM_SOUTH, UPS_NORTH, UPS_SOUTH = 32600, 32700, 32661, 32761
"""EPSG codes on WGS 84; of UTM the zone is added."""
LAST_NORTH, LAST_SOUTH = 84.0, -80.0
"""Latitudes to which UTM reaches."""


def parse_crs(text: str) -> CRS:
    """The coordinate system that a text names.

    Raises:
        BadInput: it names none.
    """
    try:
        return CRS.from_user_input(text)
    except CRSError as error:
        raise BadInput(f"'{text}' is no coordinate system. Write it as in EPSG:32723.") from error


def in_metres(crs: CRS) -> bool:
    """Whether coordinates are metres in a plane, whatever a projection does to them."""
    return crs.is_projected and all(abs(axis.unit_conversion_factor - 1) < 1e-9 for axis in crs.axis_info[:2])


def stretch(crs: CRS, places: "Float | tuple[float, float]") -> Float:
    """How many times too long lengths are shown; NaN where that cannot be said.

    Args:
        crs: a projection.
        places: (N, 2) longitude and latitude, or one place.

    Returns:
        (N,) float64, (1,) of one place.
    """
    longitude, latitude = np.asarray(places, dtype=np.float64).reshape(-1, 2).T
    try:
        areal = np.asarray(Proj(crs).get_factors(longitude, latitude).areal_scale, dtype=np.float64)
    except (CRSError, ProjError, ValueError):
        return np.full(len(longitude), np.nan)
    with np.errstate(invalid="ignore"):
        return np.sqrt(np.where((areal > 0) & (areal < 1e12), areal, np.nan))


def is_true(crs: CRS, place: tuple[float, float]) -> bool:
    """Whether a metre of the coordinate system is a metre on the ground there, to one per cent."""
    return in_metres(crs) and bool(abs(stretch(crs, place)[0] - 1) <= TRUE_TO)


def utm_of(place: tuple[float, float]) -> CRS:
    """UTM zone of a longitude and latitude; the polar projection beyond UTM."""
    longitude, latitude = place
    if latitude >= LAST_NORTH or latitude < LAST_SOUTH:
        return CRS.from_epsg(UPS_NORTH if latitude > 0 else UPS_SOUTH)
    zone = int((longitude + 180) % 360 // 6) + 1
    return CRS.from_epsg((UTM_NORTH if latitude >= 0 else UTM_SOUTH) + zone)


def in_degrees(xy: Float, crs: CRS) -> Float:
    """(N, 2) longitude and latitude of those points (N, 2) in a coordinate system that lie on Earth.

    Raises:
        BadInput: none does.
    """
    to_degrees = Transformer.from_crs(crs, crs.geodetic_crs or 4326, always_xy=True)
    longitude, latitude = (np.asarray(axis, dtype=np.float64) for axis in to_degrees.transform(*xy.T))
    there = np.isfinite(longitude) & np.isfinite(latitude) & (np.abs(latitude) <= 90.0)
    if not there.any():
        raise BadInput(
            f"The coordinates lie nowhere on Earth in {name_of(crs)}. Is this the coordinate system that they are in?"
        )
    return np.column_stack([longitude[there], latitude[there]])


def middle(xy: Float, crs: CRS) -> tuple[float, float]:
    """Longitude and latitude in the middle of points, also where they lie on both sides of the 180th meridian.

    Args:
        xy: (N, 2) in `crs`.
        crs: any.

    Raises:
        BadInput: the coordinates lie nowhere on Earth.
    """
    longitude, latitude = in_degrees(xy, crs).T
    around = np.sort((longitude + 180) % 360)
    gaps = np.diff(np.concatenate([around, around[:1] + 360]))
    widest = int(gaps.argmax())
    west = around[(widest + 1) % len(around)]
    east = west + 360 - gaps[widest]
    return float(((west + east) / 2) % 360 - 180), float((latitude.min() + latitude.max()) / 2)


def name_of(crs: CRS) -> str:
    """For sentences: `WGS 84 / UTM zone 23S (EPSG:32723)`."""
    authority = crs.to_authority()
    return f"{crs.name} ({':'.join(authority)})" if authority else crs.name
