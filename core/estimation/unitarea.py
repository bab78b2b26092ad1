"""True areas of units that are polygons."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from ..cellarea import TRUSTED
from ..settlement.metric import in_degrees, stretch

Float = NDArray[np.float64]
POLYGONS = ("Polygon", "MultiPolygon")
EQUAL_AREA = 6933
"""EPSG code of a cylindrical projection with true areas, in which cells of degrees stay what they are."""
TRUSTED_NOTE = "Areas are those of the polygons in the layer's own projection, which is right to half a per cent here."
EXACT_NOTE = "Areas of the polygons were computed on the ellipsoid."
EVEN = 1e-6
"""Relative differences of areas below it come from rounding: such units are alike."""


def polygon_areas(table: pd.DataFrame) -> tuple[Float, str] | None:
    """Area of each row in square metres, and how it was computed.

    A projection that shows areas right to half a per cent is taken at its word, as in `CellAreas`.

    Args:
        table: any.

    Returns:
        (n,) float64 and a sentence; None where rows are no polygons, one of them is empty or has no area, or nothing
        says where they lie.
    """
    if not isinstance(table, gpd.GeoDataFrame) or table.crs is None or not len(table):
        return None
    shapes = table.geometry
    if shapes.isna().any() or not shapes.geom_type.isin(POLYGONS).all() or (shapely.area(shapes.array) <= 0).any():
        return None
    if _trusted(shapes):
        unit = float(shapes.crs.axis_info[0].unit_conversion_factor)
        areas, note = shapes.area.to_numpy(np.float64) * unit**2, TRUSTED_NOTE
    else:
        areas, note = shapes.to_crs(EQUAL_AREA).area.to_numpy(np.float64), EXACT_NOTE
    return (areas, note) if np.isfinite(areas).all() and (areas > 0).all() else None


def _trusted(shapes: gpd.GeoSeries) -> bool:
    crs = CRS.from_user_input(shapes.crs)
    if not crs.is_projected:
        return False
    middles = shapes.representative_point()
    scale = stretch(crs, in_degrees(np.column_stack([middles.x, middles.y]), crs)) ** 2
    return bool((np.abs(scale - 1) <= TRUSTED).all())


def alike(areas: Float) -> bool:
    """True where units do not differ in area."""
    return bool(np.ptp(areas) <= EVEN * areas.max())


def unequal(areas: Float) -> float:
    """How many times as many units of such areas are needed as equal ones: 1 + the square of their variation.

    Source: Kish 1965, Survey Sampling, section 11.7.
    """
    return float(len(areas) * (areas**2).sum() / areas.sum() ** 2)
