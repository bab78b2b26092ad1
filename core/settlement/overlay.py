"""Shares of cells that polygons cover: vectorised, and exact also where polygons overlap each other."""

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from ..progress import Progress

Float = NDArray[np.float64]
Shapes = NDArray[np.object_]

MOST_CORNERS = 256
"""Larger polygons are split, so that no cell is cut out of a coastline of a hundred thousand corners."""
MOST_SPLITS = 40
CELLS_AT_ONCE = 20_000
DECIMALS = 6
"""Of shares: of a cell of 150 m a few square centimetres, so that mere contact counts as none."""


def shares(cells: Shapes, polygons: Shapes, progress: "Progress | None" = None) -> Float:
    """Share of each cell that lies in any of the polygons, from 0 to 1; where polygons overlap, ground counts once.

    Args:
        cells: (N,) polygons.
        polygons: (P,) valid polygons or multipolygons in the same plane coordinates.
        progress: of this step.

    Returns:
        (N,) float64, rounded to 6 decimals.
    """
    progress = progress or Progress()
    pieces, owner = split(polygons)
    covered = np.zeros(len(cells))
    if len(pieces):
        several = overlapping(pieces, owner)
        tree = shapely.STRtree(pieces)
        for start in range(0, len(cells), CELLS_AT_ONCE):
            progress.checkpoint(start / len(cells))
            part = cells[start : start + CELLS_AT_ONCE]
            at, which = tree.query(part, predicate="intersects")
            cut = shapely.intersection(part[at], pieces[which])
            covered[start : start + CELLS_AT_ONCE] = _areas(cut, at, several[owner[which]], len(part))
    whole = shapely.area(cells)
    share = np.divide(covered, whole, out=np.zeros(len(cells)), where=whole > 0)
    return np.asarray(np.minimum(share.round(DECIMALS), 1.0))


def _areas(cut: Shapes, at: NDArray[np.intp], several: NDArray[np.bool_], count: int) -> Float:
    """(count,) area of the union of the pieces of each cell; only those that may overlap are really united."""
    alone = np.bincount(at, np.where(several, 0.0, shapely.area(cut)), count)
    if several.any():
        homes, group = np.unique(at[several], return_inverse=True)
        heaps = shapely.geometrycollections(cut[several], indices=group)
        alone[homes] += shapely.area(shapely.union_all(np.asarray(heaps)[:, None], axis=1))
    return np.asarray(alone, dtype=np.float64)


def split(polygons: Shapes) -> "tuple[Shapes, NDArray[np.intp]]":
    """Polygons of at most `MOST_CORNERS` corners that cover the same ground, and of which polygon each is a piece."""
    pieces, owner = _parts(polygons, np.arange(len(polygons)))
    for _ in range(MOST_SPLITS):
        large = shapely.get_num_coordinates(pieces) > MOST_CORNERS
        if not large.any():
            break
        west, south, east, north = shapely.bounds(pieces[large]).T
        wide = east - west > north - south
        middle_x, middle_y = np.where(wide, (west + east) / 2, east), np.where(wide, north, (south + north) / 2)
        first = shapely.box(west, south, middle_x, middle_y)
        second = shapely.box(np.where(wide, middle_x, west), np.where(wide, south, middle_y), east, north)
        halves = np.concatenate([shapely.intersection(pieces[large], box) for box in (first, second)])
        found, whose = _parts(halves, np.tile(owner[large], 2))
        pieces, owner = np.concatenate([pieces[~large], found]), np.concatenate([owner[~large], whose])
    return pieces, owner


def _parts(shapes: Any, owner: NDArray[np.intp]) -> "tuple[Shapes, NDArray[np.intp]]":
    """Single polygons; points and lines, which cutting leaves, are dropped."""
    single, of = shapely.get_parts(shapes, return_index=True)
    while (shapely.get_type_id(single) >= shapely.GeometryType.MULTIPOINT).any():  # collections of multipolygons
        single, inner = shapely.get_parts(single, return_index=True)
        of = of[inner]
    kept = (shapely.get_dimensions(single) == 2) & (shapely.area(single) > 0)
    return single[kept], owner[of[kept]]


def overlapping(pieces: Shapes, owner: NDArray[np.intp]) -> NDArray[np.bool_]:
    """(P,) True for polygons that share ground, not merely a border, with another one."""
    several = np.zeros(int(owner.max()) + 1 if len(owner) else 0, np.bool_)
    tree = shapely.STRtree(pieces)
    for start in range(0, len(pieces), CELLS_AT_ONCE):
        one, other = tree.query(pieces[start : start + CELLS_AT_ONCE], predicate="intersects")
        one = one + start
        apart = owner[one] < owner[other]
        one, other = one[apart], other[apart]
        share = ~shapely.touches(pieces[one], pieces[other])
        several[owner[one[share]]] = True
        several[owner[other[share]]] = True
    return several
