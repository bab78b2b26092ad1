"""From a survey or a proxy to samples: which squares of pixels belong to which place, and what is known of it when."""

import math
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS

from ...chips import Places
from ...errors import BadInput
from ...folds import metres_in
from ...grid import Grid, Window
from ...jobs.poverty.train import DRAWS, INSTANCES, MEAN, OFF, TrainSeries
from ...progress import Progress
from ..series.stack import Series, check_proxy, proxy_means, read_series
from ..survey.layer import Survey, read_survey
from .apart import FEWEST, Apart, apart_of
from .bags import Samples
from .chipstore import all_squares, squares

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
DEGREE_M = 111_195.0


@dataclass(frozen=True)
class Ground:
    """N places with targets, on E squares of pixels.

    Attributes:
        places: (E,) squares.
        samples: of all squares, for each model: one, or as many as models where each gets another draw.
        xy: (N, 2) in the system of the series.
        region: (N,) code into `regions`; -1 where not known.
        apart: (N,) in the held-out region.
        guard_m: places that lie nearer to it are not there.
        regions: names, of a survey.
        predicted: `survey` or `proxy`.
        indicator: in words.
        notes: sentences.
    """

    places: Places
    samples: tuple[Samples, ...]
    xy: Float
    predicted: str
    indicator: str
    notes: tuple[str, ...]
    region: Int
    apart: Bool
    guard_m: float = 0.0
    regions: tuple[str, ...] = ()

    def xy_m(self, grid: Grid) -> Float:
        """(N, 2) metres."""
        return metres_in(self.xy, CRS.from_user_input(grid.crs))

    @property
    def targets(self) -> Float:
        """(N, T) NaN where not known."""
        return self.samples[0].Y


def ground_of(job: TrainSeries, series: Series, grid: Grid, window: Window, progress: Progress) -> Ground:
    """What the job learns from.

    Raises:
        BadInput: no place of the survey or cell of the proxy lies on the series at its dates, or too few do.
    """
    if not grid.crs:
        raise BadInput(f"{job.series} has no coordinate system. Assign one in QGIS, so that places can be found on it.")
    if job.survey:
        found = _of_survey(job, read_survey(job.survey), series, grid)
    else:
        found = _of_proxy(job, series, grid, window, progress)
    learnt = found.targets[~found.apart]
    known = learnt[np.isfinite(learnt)]
    if np.ptp(known) == 0:
        raise BadInput(f"All {len(known):,} values of '{found.indicator}' are {known[0]:g}, so nothing can be learnt.")
    return found


def _of_proxy(job: TrainSeries, series: Series, grid: Grid, window: Window, progress: Progress) -> Ground:
    proxy = check_proxy(read_series(job.proxy), series.dates)
    places = all_squares(grid, job.cell_px, window)
    if not len(places):
        raise BadInput(f"No whole cell of {job.cell_px} px lies in the extent. Choose a larger one, or smaller cells.")
    asked = bool(job.held_extent or job.held_area)
    middle = _middles(boxes_of(places, grid)) if asked else np.zeros((len(places), 2))
    apart = apart_of(job, middle, grid.crs, "cells")
    at = _drawn(job, apart)
    places = _some(places, at)
    boxes = boxes_of(places, grid)
    means, covered = proxy_means(proxy, gpd.GeoDataFrame(geometry=boxes, crs=grid.crs), series.dates, progress)
    Y = np.where(covered >= 0.5, means, np.nan)
    known = np.flatnonzero(np.isfinite(Y).any(axis=1))
    if len(known) < FEWEST:
        raise BadInput(
            f"{len(known)} of {len(places):,} cells of {job.cell_px} px have a value of {job.proxy}; {FEWEST} are "
            "needed. Do both lie in the same place? If so, choose a larger extent, or smaller cells."
        )
    notes = (f"{len(known):,} cells of {job.cell_px} px have values of '{proxy.bands[0]}'.", *apart.sentences)
    apart = apart.of(at[known])
    apart.check(notes)
    return Ground(
        _some(places, known), (Samples.cells(Y[known]),), _middles(boxes[known]), "proxy", proxy.bands[0], notes,
        np.full(len(known), -1), apart.inside, apart.guard_m,
    )  # fmt: skip


def _drawn(job: TrainSeries, apart: Apart) -> Int:
    """Cells to use: at most so many to learn from, and as many of the held-out region."""
    found = []
    for number, mine in enumerate((apart.outside, apart.inside)):
        at = np.flatnonzero(mine)
        if len(at) > job.most_cells:
            draw = np.random.default_rng([job.seed, 3, number] if number else [job.seed, 3])
            at = at[draw.permutation(len(at))[: job.most_cells]]
        found.append(at)
    return np.sort(np.concatenate(found))


def _some(places: Places, at: Int | Bool) -> Places:
    return Places(places.inside[at], places.outside[at], places.shapes[at])


def _middles(boxes: NDArray[np.object_]) -> Float:
    """(N, 2) of squares."""
    middle = shapely.centroid(boxes)
    return np.stack([shapely.get_x(middle), shapely.get_y(middle)], axis=1)


def boxes_of(places: Places, grid: Grid) -> NDArray[np.object_]:
    """(N,) polygons of squares in the coordinates of the grid."""
    row, col, height, width = places.inside.T
    a, b, c, d, e, f = grid.transform[:6]
    boxes = shapely.box(col, row, col + width, row + height)
    found: NDArray[np.object_] = shapely.transform(
        boxes, lambda xy: np.stack([a * xy[:, 0] + b * xy[:, 1] + c, d * xy[:, 0] + e * xy[:, 1] + f], 1)
    )
    return found


def _of_survey(job: TrainSeries, survey: Survey, series: Series, grid: Grid) -> Ground:
    first, Y, weight, notes = _joined(survey, series)
    some = _rows(survey, first)
    ways = {MEAN: "mean", INSTANCES: "instances", DRAWS: "draws", OFF: "off"}
    cell_m = _cell_m(grid, job.cell_px, some.published)
    found = some.candidates(ways[job.displacement], grid.crs, cell_m=cell_m, count=job.models, seed=job.seed)
    chips = squares(shapely.points(found.xy), grid, job.cell_px)
    inside = _on_raster(chips, grid)
    reached = np.zeros(len(first), np.bool_)
    reached[found.place[inside]] = True
    if job.displacement == DRAWS:  # each model needs its own draw of every place
        reached = np.ones(len(first), np.bool_)
        np.logical_and.at(reached, found.place, inside)
    lost = int((~reached).sum())
    reached &= np.isfinite(Y).any(axis=1)
    if lost:
        notes += (f"{lost} places lie beside the series and were left out.",)
    if reached.sum() < FEWEST:
        raise BadInput(
            f"{int(reached.sum())} places of the survey lie on the series and have a value at one of its dates; "
            f"{FEWEST} are needed. {' '.join(notes)}"
        )
    centre = some.candidates("off", grid.crs).xy
    displaced_m = float(some.moved.largest_m(some.urban.tolist()).max())
    apart = apart_of(job, centre[reached], grid.crs, "places", displaced_m)
    notes += apart.sentences
    apart.check(notes)
    reached[reached] = ~apart.near
    kept = np.flatnonzero(inside & reached[found.place])
    number = np.cumsum(reached) - 1
    of, share = number[found.place[kept]], found.weight[kept]
    used = Places(chips.inside[kept], chips.outside[kept], chips.shapes[kept])
    at = np.arange(len(kept))
    targets, weights = Y[reached], weight[reached]
    if job.displacement == DRAWS:
        samples = tuple(
            Samples(targets, weights, of[k :: job.models], at[k :: job.models], np.ones(len(targets)))
            for k in range(job.models)
        )
    else:
        samples = (Samples(targets, weights, of, at, share),)
    notes += (f"{int(reached.sum()):,} places with {int(np.isfinite(targets).sum()):,} values.",)
    regions, region = _regions(some.region[reached])
    return Ground(
        used, samples, centre[reached], "survey", survey.indicator, notes, region, apart.inside[~apart.near],
        apart.guard_m, regions,
    )  # fmt: skip


def _regions(names: NDArray[np.object_]) -> tuple[tuple[str, ...], Int]:
    """Names of regions and the code of each place; -1 where a place has none."""
    regions = sorted({str(name) for name in names if name})
    code = {name: number for number, name in enumerate(regions)}
    return tuple(regions), np.array([code.get(str(name), -1) for name in names], np.int64)


def _joined(survey: Survey, series: Series) -> tuple[Int, Float, Float, tuple[str, ...]]:
    """Rows of one place together: the first row of each, targets by date, weights, sentences."""
    names = np.array(survey.names(), dtype=object).astype(str)
    _, first, place = np.unique(names, return_index=True, return_inverse=True)
    place = place.reshape(-1)
    years = [date[:4] for date in series.dates]
    total = np.zeros((len(first), len(years)))
    count = np.zeros_like(total)
    missing = 0
    for row, (year, value) in enumerate(zip(survey.year, survey.value, strict=True)):
        at = [t for t, one in enumerate(years) if one == f"{year:04d}"]
        if not at or not np.isfinite(value):
            missing += 1
            continue
        total[place[row], at] += value
        count[place[row], at] += 1
    Y = np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)
    weight = np.bincount(place, weights=survey.weight) / np.bincount(place)
    weight = weight / weight.mean()
    notes: tuple[str, ...] = ()
    if missing:
        span = f"{years[0]} to {years[-1]}"
        notes = (f"{missing} rows have no value, or one of a year that the series ({span}) lacks, and were left out.",)
    return first, Y, weight, notes


def _rows(survey: Survey, at: Int) -> Survey:
    return Survey(
        survey.cluster[at], survey.year[at], survey.urban[at], survey.value[at], survey.weight[at],
        survey.households[at], survey.region[at], survey.published[at], survey.area[at], survey.indicator,
        survey.moved,
    )  # fmt: skip


def _cell_m(grid: Grid, cell_px: int, published: Float) -> float:
    """Side of a cell on the ground, about."""
    a, _, _, d = grid.transform[:4]
    side = float(np.hypot(a, d)) * cell_px
    crs = CRS.from_user_input(grid.crs)
    if crs.is_geographic:
        middle = float(np.radians(np.median(published[:, 1])))
        return side * DEGREE_M * math.sqrt(math.cos(middle))  # between its width and its height
    return side * float(crs.axis_info[0].unit_conversion_factor)


def _on_raster(chips: Places, grid: Grid) -> NDArray[np.bool_]:
    """(E,) squares that lie within the raster wholly."""
    row, col, height, width = chips.inside.T
    return np.asarray((row >= 0) & (col >= 0) & (row + height <= grid.height) & (col + width <= grid.width))
