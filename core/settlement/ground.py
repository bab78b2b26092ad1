"""Where cells are to be made: coordinate system, region and lattice, from boundary, extent, raster and zones."""

from dataclasses import dataclass, field

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from ..errors import BadInput
from ..grid import Grid
from ..jobs.settlement.cells import MakeCells
from ..region import parse_extent
from .cells import Lattice
from .metric import TRUE_TO, in_degrees, in_metres, is_true, middle, name_of, parse_crs, stretch, utm_of
from .polygons import Polygons
from .zonal import along, on_earth

STEPS = 21
"""Points along each side of a box that is brought to another coordinate system."""
EVEN = 1e-6
"""So near to a whole number of pixels a size counts as one."""


@dataclass
class Ground:
    """A region in plane metres, and the lattice that its cells come from."""

    crs: CRS
    lattice: Lattice
    region: shapely.Geometry
    aligned: bool
    """Whether cells follow the pixels of a raster."""
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Outline:
    """One of the things that say where cells are made."""

    name: str
    """Parameter of the job."""
    shape: shapely.Geometry
    """In `crs`."""
    crs: CRS
    boxed: bool = False
    """A box stays a box in another coordinate system."""

    def to(self, crs: CRS) -> shapely.Geometry:
        """The same ground in another coordinate system.

        Raises:
            BadInput: it cannot be shown there.
        """
        if crs == self.crs:
            return self.shape
        if self.boxed:
            bounds = _box_in(self.shape.bounds, self.crs, crs)
            moved = shapely.box(*bounds) if np.isfinite(bounds).all() else shapely.Polygon()
        else:
            moved = gpd.GeoSeries(along(np.array([self.shape]), self.crs), crs=self.crs).to_crs(crs).iloc[0]
        if moved.is_empty or not np.isfinite(moved.bounds).all():
            raise BadInput(f"The {self.name} cannot be brought to {name_of(crs)}: it lies too far away.")
        return shapely.make_valid(moved, method="structure", keep_collapsed=False)


def ground_of(job: MakeCells, boundary: "Polygons | None", grid: "Grid | None", zones: "Polygons | None") -> Ground:
    """Where the cells of a job lie.

    Args:
        job: says the rest.
        boundary: polygons of it, where one is given.
        grid: of the raster to align to, likewise.
        zones: likewise.

    Raises:
        BadInput: nowhere, or no coordinate system that will do.
    """
    outlines = list(_outlines(job, boundary, grid, zones))
    for outline in outlines:
        if not outline.shape.is_empty and not on_earth(np.array([outline.shape]), outline.crs).all():
            raise BadInput(
                f"The {outline.name} reaches to coordinates that lie nowhere on Earth in {name_of(outline.crs)}. Is "
                "this the coordinate system that they are in?"
            )
    corners = shapely.get_coordinates(along(np.array([outlines[0].shape]), outlines[0].crs))
    place = middle(corners, outlines[0].crs)
    crs, notes = _choose(job, outlines, place)
    around = in_degrees(corners, outlines[0].crs)
    warnings = _stretched(job.cell_size_m, crs, np.vstack([around, place]))
    regions = [outline.to(crs) for outline in outlines]
    region = shapely.intersection_all(regions)
    if region.area <= 0:
        names = " and ".join(outline.name for outline in outlines)
        raise BadInput(f"The {names} do not overlap: no ground is left for cells." if len(regions) > 1 else
                       f"The {names} covers no ground.")  # fmt: skip
    own = next((outline for outline in outlines if outline.name == "raster"), None)
    aligned = own is not None and grid is not None and own.crs == crs
    if own is not None and not aligned:
        notes.append(
            f"The raster is in {name_of(own.crs)}, so cells in {name_of(crs)} cannot follow its pixels; they begin at "
            "its upper left corner."
        )
    if aligned and grid is not None:
        lattice = _on_pixels(job, grid, notes)
    elif job.snap:
        raise BadInput("The size cannot be rounded to whole pixels: cells and raster are in different systems.")
    else:
        lattice = _free(job.cell_size_m, outlines, regions)
    return Ground(crs, lattice, region, aligned, notes, warnings)


def _outlines(
    job: MakeCells, boundary: "Polygons | None", grid: "Grid | None", zones: "Polygons | None"
) -> "list[Outline]":
    """What is given, the most telling first; zones count as ground only where nothing else does."""
    found = []
    if boundary is not None:
        found.append(Outline("boundary", boundary.union(), boundary.crs))
    if job.extent:
        west, east, south, north, crs = parse_extent(job.extent)
        if not crs:
            raise BadInput(f"In which coordinate system is the extent {job.extent}? Add it, as in [EPSG:4326].")
        found.append(Outline("extent", shapely.box(west, south, east, north), parse_crs(crs), boxed=True))
    if grid is not None:
        if not grid.crs:
            raise BadInput(f"{job.raster} has no coordinate system, so cells cannot be aligned to it. Assign one.")
        found.append(Outline("raster", shapely.box(*_edges(grid, job.raster)), parse_crs(grid.crs)))
    if not found and zones is not None:
        found.append(Outline("zones", zones.union(), zones.crs))
    return found


def _box_in(bounds: tuple[float, float, float, float], crs: CRS, other: CRS) -> NDArray[np.float64]:
    """(4,) west, south, east, north of a box in another coordinate system; not finite where it has no place there."""
    try:
        moved = Transformer.from_crs(crs, other, always_xy=True).transform_bounds(*bounds, densify_pts=STEPS)
    except ProjError:
        return np.full(4, np.nan)
    return np.array(moved)


def _edges(grid: Grid, path: str) -> tuple[float, float, float, float]:
    """West, south, east, north of a grid."""
    t = grid.transform
    if t.b or t.d:
        raise BadInput(f"{path} is turned against its coordinate system. Warp it to a raster with north up first.")
    x, y = (t.c, t.c + t.a * grid.width), (t.f, t.f + t.e * grid.height)
    return min(x), min(y), max(x), max(y)


def _choose(job: MakeCells, outlines: list[Outline], place: tuple[float, float]) -> tuple[CRS, list[str]]:
    """Coordinate system, and what is told of it."""
    asked = parse_crs(job.crs) if job.crs else None
    if asked is not None and not in_metres(asked):
        raise BadInput(
            f"{name_of(asked)} does not measure in metres, but cells are {job.cell_size_m:g} m wide. Choose one that "
            f"does, such as {name_of(utm_of(place))}, or leave it empty."
        )
    raster = next((one.crs for one in outlines if one.name == "raster" and in_metres(one.crs)), None)
    given = asked or raster
    if given is not None:
        return given, [f"Cells are in {name_of(given)}."]
    for outline in outlines:
        if is_true(outline.crs, place):
            return outline.crs, [f"Cells are in {name_of(outline.crs)}, as the {outline.name}."]
    chosen, first = utm_of(place), outlines[0]
    why = "does not measure in metres" if not in_metres(first.crs) else "stretches metres by more than one per cent"
    return chosen, [f"Cells are in {name_of(chosen)}, because that of the {first.name}, {first.crs.name}, {why}."]


def _stretched(size: float, crs: CRS, places: NDArray[np.float64]) -> list[str]:
    """A sentence where cells are not as large on the ground as they should be."""
    factors = stretch(crs, places)
    factors = factors[np.isfinite(factors)]
    if not len(factors) or np.abs(factors - 1).max() <= TRUE_TO:
        return []
    ends = size / factors.max(), size / factors.min()
    least, most = (f"{width:,.0f}" if width >= 100 else f"{width:.3g}" for width in ends)
    wide = f"{least} m" if least == most else f"{least} to {most} m"
    return [
        f"Metres of {name_of(crs)} are not metres on the ground here: cells of {size:g} m are {wide} wide. Choose "
        "another coordinate system: of a city the UTM zone, of a country one with equal areas."
    ]


def _on_pixels(job: MakeCells, grid: Grid, notes: list[str]) -> Lattice:
    """Cells that begin at the raster's upper left corner."""
    west, _, _, north = _edges(grid, job.raster)
    size, pixels = job.cell_size_m, (abs(grid.transform.a), abs(grid.transform.e))
    counts = [max(round(size / pixel), 1) for pixel in pixels]
    whole = tuple(count * pixel for count, pixel in zip(counts, pixels, strict=True))
    off = any(abs(size / pixel - count) > EVEN * count for count, pixel in zip(counts, pixels, strict=True))
    if not off:
        return Lattice(west, north, *whole)
    rounded = f"{whole[0]:.6g} m" if whole[0] == whole[1] else f"{whole[0]:.6g} by {whole[1]:.6g} m"
    if job.snap:
        notes.append(f"The size {size:g} m was rounded to {counts[0]} by {counts[1]} whole pixels: {rounded}.")
        return Lattice(west, north, *whole)
    notes.append(
        f"{size:g} m are {size / pixels[0]:.4g} pixels of {pixels[0]:.6g} m, so cells end within pixels. 'Round the "
        f"size to whole pixels' would make cells of {rounded}."
    )
    return Lattice(west, north, size, size)


def _free(size: float, outlines: list[Outline], regions: list[shapely.Geometry]) -> Lattice:
    """Cells that begin at the corner of an extent or raster; of a boundary at whole multiples of their size.

    So cells of neighbouring boundaries, and of a boundary that was corrected, fit together.
    """
    for wanted in ("raster", "extent"):
        for outline, region in zip(outlines, regions, strict=True):
            if outline.name == wanted:
                west, _, _, north = region.bounds
                return Lattice(west, north, size, size)
    west, _, _, north = regions[0].bounds
    return Lattice(float(np.floor(west / size) * size), float(np.ceil(north / size) * size), size, size)
