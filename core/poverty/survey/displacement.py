"""From a published place to where the cluster may truly be: on a lattice with weights, or drawn at random.

DHS moves each cluster by a random angle and a random distance, both uniform: urban ones by up to 2 km, rural ones by up
to 5 km, one rural cluster in a hundred by up to 10 km instead (so one in two hundred by more than 5 km), and draws
again where that leaves its administrative area (Burgert et al. 2013, DHS Spatial Analysis Reports 7). A distance
uniform from 0 to R is a density of 1 / (2 pi R r) on the ground at distance r: half of all clusters lie within half the
radius, a quarter of the disc. Seen from the published place the true one has the same density, as long as nothing is
known of where people live, and how much the rule of areas leaves out near their borders is neglected. Weights of
lattice cells follow it; a plain mean over the disc would count its rim too much. What is read at the published point
alone biases what is learnt, averages over the surroundings moderate that (Perez-Heydrich et al. 2013, DHS Spatial
Analysis Reports 8, and 2015).
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from ...errors import BadInput, BadJob
from .plane import Float, Index, discs, from_plane, shapes_to_plane

WAYS = ("off", "mean", "draws", "instances")
"""off: the published point. mean: a lattice to average over by weights. draws: plausible true places. instances: the
same lattice as mean, for methods that choose among its cells."""
URBAN = "urban"
POINTS_A_CELL = 6.0
"""Rings of the quadrature for each side of a cell."""
FEWEST_RINGS = 16
MOST_POINTS = 3_000_000
MOST_ROUNDS = 400


@dataclass(frozen=True)
class Displacement:
    """By how much a survey moved its clusters, in metres on the ground."""

    urban_m: float = 2000.0
    rural_m: float = 5000.0
    far_m: float = 10_000.0
    far_share: float = 0.01
    """Of rural clusters, drawn from 0 to `far_m` instead of 0 to `rural_m`."""

    def mixture(self, urban: str, far: bool = True) -> tuple[tuple[float, float], ...]:
        """Largest distance and share of each uniform part; what is not known to be urban moves as rural.

        Args:
            urban: `urban`, or anything else.
            far: count the few that were moved farther.
        """
        if urban == URBAN:
            return ((self.urban_m, 1.0),)
        if not far or not self.far_share:
            return ((self.rural_m, 1.0),)
        return ((self.rural_m, 1.0 - self.far_share), (self.far_m, self.far_share))

    def likely_m(self, urban: Sequence[str]) -> Float:
        """(N,) distance that all but the few keep to."""
        return np.array([self.urban_m if one == URBAN else self.rural_m for one in urban], dtype=np.float64)

    def largest_m(self, urban: Sequence[str]) -> Float:
        """(N,) distance that no cluster exceeds."""
        return np.array([max(radius for radius, _ in self.mixture(one)) for one in urban], dtype=np.float64)


class Candidates(NamedTuple):
    """M positions where the clusters of N places may be."""

    place: Index
    """(M,) place of each, ascending; every place has one at least."""
    xy: Float
    """(M, 2) in the wanted coordinate system."""
    weight: Float
    """(M,) how probable each is; of one place they sum to 1."""


def candidates(
    published: Float, urban: Sequence[str], area: NDArray[np.object_], how: str, crs: Any = 4326, *,
    moved: Displacement | None = None, names: Sequence[str] = (), cell_m: float = 960.0, count: int = 20,
    far: bool = False, seed: int = 0,
) -> Candidates:  # fmt: skip
    """Positions for N places.

    Args:
        published: (N, 2) longitude and latitude, WGS 84.
        urban: (N,) `urban`; all else counts as rural.
        area: (N,) polygons in longitude and latitude inside which each true place lies.
        how: one of `WAYS`.
        crs: coordinate system of the result.
        moved: by how much; None for that of DHS.
        names: (N,) different names; draws of a place depend on its name and the seed only, not on which others are
            there. Empty: its number is its name.
        cell_m: side of a cell of the lattice, on the ground; one cell is centred at the published point.
        count: draws for each place.
        far: lattices reach to the few rural clusters that were moved farther, too: four times the cells for one per
            cent. Draws always count them.
        seed: of draws.

    Raises:
        BadInput: a place whose area its displacement hardly ever reaches.
        BadJob: no such way, or a lattice too fine.
    """
    if how not in WAYS:
        raise BadJob(f"There is no way '{how}' of handling displacement. There are: {', '.join(WAYS)}.")
    moved = moved or Displacement()
    known = list(names) or [str(number) for number in range(len(published))]
    if how == "off":
        place, plane, weight = np.arange(len(published)), np.zeros((len(published), 2)), np.ones(len(published))
    elif how == "draws":
        local = shapes_to_plane(published, area)
        drawn = [
            _draw(local[number], moved.mixture(urban[number]), count, seed, known[number])
            for number in range(len(published))
        ]
        place, weight = np.repeat(np.arange(len(published)), count), np.full(len(published) * count, 1.0 / count)
        plane = np.concatenate([*drawn, np.zeros((0, 2))])
    else:
        place, plane, weight = _lattices(published, urban, area, moved, far, cell_m, known)
    lonlat = from_plane(published[place], plane)
    return Candidates(place.astype(np.int64), _brought_to(lonlat, crs), weight)


def _brought_to(lonlat: Float, crs: Any) -> Float:
    wanted = CRS.from_user_input(crs)
    if wanted == CRS.from_epsg(4326):
        return lonlat
    moved = Transformer.from_crs(4326, wanted, always_xy=True).transform(lonlat[:, 0], lonlat[:, 1])
    return np.column_stack(moved)


def _draw(area: shapely.Geometry, parts: tuple[tuple[float, float], ...], count: int, seed: int, name: str) -> Float:
    """(count, 2) metres from the published point: uniform angle, uniform distance, again where outside the area."""
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    radii, shares = np.array(parts).T
    shapely.prepare(area)
    kept: list[Float] = []
    missing = count
    for _ in range(MOST_ROUNDS):
        batch = 2 * missing + 8
        part = rng.choice(len(radii), size=batch, p=shares / shares.sum())
        distance, angle = radii[part] * rng.random(batch), 2 * np.pi * rng.random(batch)
        xy = np.column_stack([distance * np.sin(angle), distance * np.cos(angle)])
        kept.append(xy[shapely.contains_xy(area, xy)][:missing])
        missing -= len(kept[-1])
        if not missing:
            return np.concatenate(kept)
    raise BadInput(
        f"Cluster {name} lies outside its administrative area, and its displacement hardly ever leads there. Check its "
        "coordinates, or give areas with finer borders."
    )


def _lattices(
    published: Float, urban: Sequence[str], area: NDArray[np.object_], moved: Displacement, far: bool, cell_m: float,
    names: Sequence[str],
) -> tuple[Index, Float, Float]:  # fmt: skip
    """Place, metres from the published point and weight of all cells."""
    parts = [moved.mixture(one, far) for one in urban]
    reach = np.array([max(radius for radius, _ in one) for one in parts])
    # Places whose whole disc is possible share one lattice; the hair's breadth is that between a disc and its corners.
    whole = np.asarray(shapely.covers(_unwrapped(area, published), discs(published, 0.999 * reach)), np.bool_)
    local = np.full(len(published), None, dtype=object)
    if not whole.all():
        local[~whole] = shapes_to_plane(published[~whole], area[~whole])
    made = []
    for number, one in enumerate(parts):
        points = _quadrature(one, cell_m)
        if whole[number]:
            made.append(_full_lattice(one, cell_m))
            continue
        shapely.prepare(local[number])
        inside = shapely.contains_xy(local[number], points.xy)
        if not inside.any():
            raise BadInput(
                f"Cluster {names[number]} has an administrative area that its displacement hardly reaches. Check its "
                "coordinates, or give areas with finer borders."
            )
        made.append(_cells(points.xy[inside], points.weight[inside], cell_m, local[number]))
    place = np.repeat(np.arange(len(made)), [len(weight) for _, weight in made])
    plane = np.concatenate([*(xy for xy, _ in made), np.zeros((0, 2))])
    return place, plane, np.concatenate([*(weight for _, weight in made), np.zeros(0)])


def _unwrapped(area: NDArray[np.object_], published: Float) -> NDArray[np.object_]:
    """Areas whose parts beyond the 180th meridian, seen from their place, are on its side."""
    coordinates, which = shapely.get_coordinates(area, return_index=True)
    home = published[which, 0]
    turned = home + (coordinates[:, 0] - home + 180.0) % 360.0 - 180.0
    if np.abs(turned - coordinates[:, 0]).max(initial=0.0) < 180.0:
        return area
    moved = shapely.set_coordinates(area.copy(), np.column_stack([turned, coordinates[:, 1]]))
    return np.asarray(shapely.buffer(moved, 0.0), object)  # the two parts become one


class _Points(NamedTuple):
    xy: Float
    weight: Float


@lru_cache(maxsize=4)
def _quadrature(parts: tuple[tuple[float, float], ...], cell_m: float) -> _Points:
    """Points at evenly spread distances and angles, all of one part equally probable.

    So no integral over 1 / r is needed.
    """
    xy, weight = [], []
    for radius, share in parts:
        rings = max(FEWEST_RINGS, int(np.ceil(POINTS_A_CELL * radius / cell_m)))
        rays = int(np.ceil(2 * np.pi * rings))
        if rings * rays > MOST_POINTS:
            raise BadJob(
                f"A lattice of cells of {cell_m:g} m is too fine for a displacement of {radius:g} m. Choose larger "
                "cells."
            )
        distance = (np.arange(rings) + 0.5) * radius / rings
        # Each ring is turned, so that rays do not run along the borders of cells.
        angle = 2 * np.pi * (np.arange(rays)[None, :] + 0.5 + 0.618 * np.arange(rings)[:, None]) / rays
        xy.append(
            np.stack([distance[:, None] * np.sin(angle), distance[:, None] * np.cos(angle)], axis=-1).reshape(-1, 2)
        )
        weight.append(np.full(rings * rays, share / (rings * rays)))
    return _Points(np.concatenate(xy), np.concatenate(weight))


@lru_cache(maxsize=4)
def _full_lattice(parts: tuple[tuple[float, float], ...], cell_m: float) -> tuple[Float, Float]:
    points = _quadrature(parts, cell_m)
    disc = shapely.Point(0.0, 0.0).buffer(max(radius for radius, _ in parts), quad_segs=64)
    return _cells(points.xy, points.weight, cell_m, disc)


def _cells(xy: Float, weight: Float, cell_m: float, area: shapely.Geometry) -> tuple[Float, Float]:
    """Points and their weights gathered in cells: positions (C, 2) and weights (C,).

    A position is the centre of its cell, or, where that lies outside the area, the point of the cell nearest to it.
    """
    steps = np.round(xy / cell_m)
    cells, which = np.unique(steps, axis=0, return_inverse=True)
    which = which.reshape(-1)
    found = np.bincount(which, weights=weight, minlength=len(cells))
    position = cells * cell_m
    outside = np.flatnonzero(~shapely.contains_xy(area, position))
    off_centre = np.hypot(*(xy - position[which]).T)
    order = np.lexsort([off_centre, which])
    first = order[np.searchsorted(which[order], outside)]
    position[outside] = xy[first]
    return position, found / found.sum()
