"""A region that is held out: places inside are tested by methods that learnt from places outside, at a distance."""

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from ...crossval import LeftOut, Scheme, inner_groups
from ...errors import BadInput
from ...folds import TRAINING_ONLY, Folds
from ...jobs.poverty.assess import AssessSeries
from ...region import parse_extent
from ...samples import Samples
from ...separation import testable
from ...vector import parse_source, read_vector
from .dealt import Dealt
from .sphere import crs_of, on_sphere, transformed

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
HELD, TITLE = "held", "Held-out region"
GUARD_M = 20_000.0
"""Published places of surveys lie up to 10 km from the true ones, on either side of the border of the region."""


def held_scheme(job: AssessSeries, samples: Samples) -> Scheme | LeftOut | None:
    """The test of the region that the job holds out; None where it holds out none.

    Raises:
        BadInput: it is not known where rows lie, or all or none lie inside.
    """
    if not job.held_extent and not job.held_area:
        return None
    if samples.xy is None:
        raise BadInput(
            f"It is not known where the rows of {job.samples} lie, so no region can be held out. Give a layer with "
            "geometry, or columns longitude and latitude."
        )
    inside = _in_extent(job.held_extent, samples) if job.held_extent else _in_area(job.held_area, samples)
    which = "extent" if job.held_extent else f"polygons of {parse_source(job.held_area).path}"
    if not inside.any():
        raise BadInput(f"No place lies inside the held-out {which}. Does it overlap with the places?")
    if inside.all():
        raise BadInput(f"All places lie inside the held-out {which}, so nothing is left to learn from.")
    return _scheme(inside, samples, job.seed)


def _scheme(inside: Bool, samples: Samples, seed: int) -> Scheme | LeftOut:
    """Training keeps `GUARD_M` away from each tested place, and holds no other row of such a place."""
    outside = np.flatnonzero(~inside)
    near = np.isin(samples.groups[outside], samples.groups[inside])
    if samples.crs and samples.xy is not None:
        places = on_sphere(samples.xy, samples.crs)
        distance, _ = cKDTree(places[inside]).query(places[outside], distance_upper_bound=GUARD_M)
        near |= np.isfinite(distance)
    folds = Folds(np.where(inside, 0, TRAINING_ONLY), 1, left_out=(outside[near],), names=("inside",))
    kept = testable(folds, samples.y, classes=False)
    rows = "1 row lies" if inside.sum() == 1 else f"{inside.sum():,} rows lie"
    if kept is None:
        reason = (
            f"{rows} inside, and within {GUARD_M / 1000:.0f} km of these all others, so nothing is left to learn from."
        )
        return LeftOut(HELD, TITLE, reason)
    guard = (
        f"{near.sum():,} of these are left out as nearer than {GUARD_M / 1000:.0f} km to a tested one"
        if samples.crs
        else "how far apart in metres is not known, so none is left out as too near"
    )
    sentence = f"{rows} inside and are tested by methods that learnt from the {len(outside):,} rows outside; {guard}."
    groups = inner_groups(samples, seed)
    return Dealt(HELD, TITLE, sentence, lambda repeat: groups, dealt=((groups, kept),))


def _in_extent(extent: str, samples: Samples) -> Bool:
    west, east, south, north, crs = parse_extent(extent)
    xy = _places_in(crs, samples, "extent")
    if crs and crs_of(crs).is_geographic:  # longitudes from 0 to 360, or a box across 180 degrees
        xy[:, 0] = west + (xy[:, 0] - west) % 360.0
    found = (xy[:, 0] >= west) & (xy[:, 0] <= east) & (xy[:, 1] >= south) & (xy[:, 1] <= north)
    return np.asarray(found)


def _in_area(area: str, samples: Samples) -> Bool:
    table = read_vector(area, columns=[])
    geometry = getattr(table, "geometry", None)
    if geometry is None:
        raise BadInput(f"{area} has no geometry; polygons are needed to hold out a region.")
    shapes = np.asarray(geometry.array)
    shapes = shapes[~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)]
    shapes = shapes[shapely.get_dimensions(shapes) == 2]
    if not len(shapes):
        raise BadInput(f"{area} holds no polygons, so it holds no region out.")
    xy = _places_in(geometry.crs.to_wkt() if geometry.crs else "", samples, area)
    region = shapely.union_all(shapely.make_valid(shapes))
    shapely.prepare(region)
    return np.asarray(shapely.intersects_xy(region, xy[:, 0], xy[:, 1]))


def _places_in(crs: str, samples: Samples, what: str) -> Float:
    """(N, 2) places in the coordinate system of the region; as they are where one of both is not known."""
    xy = np.array(samples.xy, np.float64)
    if crs and not samples.crs:
        raise BadInput(
            "It is not known in which coordinate system the places are, so it cannot be told which lie in the "
            f"held-out {what}. Give a layer with a coordinate system, or columns longitude and latitude."
        )
    return transformed(xy, samples.crs, crs) if crs else xy
