"""Whether rasters lie on one lattice of pixels, and what grid covers all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyproj import CRS
from pyproj.exceptions import CRSError

from ...grid import Grid, Window

CLOSE_PX = 0.02
"""Shifts up to this count as none: what writers round off."""


@dataclass(frozen=True)
class Misfit:
    """A raster that does not lie on the lattice of the first."""

    path: str
    why: str
    """As in `pixels of 20 instead of 10`."""


def offset_of(grid: Grid, first: Grid) -> tuple[int, int] | None:
    """Columns and rows from the upper left corner of the first grid to that of another on the same lattice, or None."""
    if not same_system(grid.crs, first.crs):
        return None
    t = ~first.transform @ grid.transform
    size = max(grid.width, grid.height)
    straight = max(abs(t.a - 1), abs(t.e - 1), abs(t.b), abs(t.d)) * size <= CLOSE_PX
    col, row = round(t.c), round(t.f)
    if not straight or abs(t.c - col) > CLOSE_PX or abs(t.f - row) > CLOSE_PX:
        return None
    return col, row


def misfit_of(path: str, grid: Grid, first: Grid) -> Misfit | None:
    """Why a raster is not on the lattice of the first; None where it is."""
    if offset_of(grid, first) is not None:
        return None
    if not same_system(grid.crs, first.crs):
        return Misfit(path, f"its coordinate system is {_title(grid.crs)} instead of {_title(first.crs)}")
    t = ~first.transform @ grid.transform
    if max(abs(t.b), abs(t.d)) * max(grid.width, grid.height) > CLOSE_PX:
        return Misfit(path, "it is turned against the others")
    if max(abs(t.a - 1), abs(t.e - 1)) * max(grid.width, grid.height) > CLOSE_PX:
        sizes = (abs(one.transform.a) for one in (grid, first))
        return Misfit(path, "its pixels measure {:.10g} instead of {:.10g}".format(*sizes))
    col, row = t.c - round(t.c), t.f - round(t.f)
    return Misfit(path, f"its pixels are shifted by {abs(col):.2f} columns and {abs(row):.2f} rows")


def same_system(one: str, other: str) -> bool:
    """Whether two coordinate systems, WKT or empty, are the same."""
    if one == other or not one or not other:
        return one == other
    try:
        return CRS.from_wkt(one).equals(CRS.from_wkt(other), ignore_axis_order=True)
    except CRSError:
        return False


def _title(wkt: str) -> str:
    if not wkt:
        return "none"
    try:
        crs = CRS.from_wkt(wkt)
    except CRSError:
        return "one that is not known"
    authority = crs.to_authority()
    return ":".join(authority) if authority else crs.name


def union_of(grids: Sequence[Grid]) -> Grid:
    """The smallest grid that covers grids of one lattice; its transform is that of the first, moved by whole pixels."""
    first = grids[0]
    places = [place for grid in grids if (place := offset_of(grid, first)) is not None]
    left, top = min(col for col, _ in places), min(row for _, row in places)
    right = max(col + grid.width for (col, _), grid in zip(places, grids, strict=True))
    bottom = max(row + grid.height for (_, row), grid in zip(places, grids, strict=True))
    return first.crop(Window(top, left, bottom - top, right - left))


def overlap_share(one: Grid, other: Grid) -> float:
    """Share of the smaller of two grids that the other covers; 0 where they are not on one lattice."""
    place = offset_of(other, one)
    if place is None:
        return 0.0
    col, row = place
    both = one.whole.intersection(Window(row, col, other.height, other.width))
    if both is None:
        return 0.0
    return both.height * both.width / min(one.height * one.width, other.height * other.width)
