"""Suggest labels: embedding in, and what is known already; places to label out."""

import time
from dataclasses import dataclass
from functools import partial
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from ...models.crew import thread_count
from ..active.pool import Known, Pool, Suggestion, Taught, suggest
from ..active.registry import STRATEGIES
from ..atomic import check_apart, check_folder
from ..blocks import CellSample, draw_cells
from ..classes import entries, entries_from
from ..errors import BadInput
from ..footing import Footing
from ..heads.build import fit_head, with_threads
from ..heads.fitting import run_all
from ..heads.recipe import Recipe
from ..heads.storage import load_head
from ..jobs.choose import SuggestLabels
from ..jobs.declare import Result
from ..labels import space_of
from ..places import Places, cell_area, centres, ground, read_places
from ..prediction import predict
from ..progress import Progress
from ..raster import RasterReader, environment, open_raster
from ..region import PolygonMask
from ..samples import FeatureSpace, Targets, read_targets
from ..sidecar import write_sidecar
from ..tablemap import check_format, write_table
from ..trained import check_facts, check_space

CELLS_TAUGHT = 50
"""Most cells of one label that heads are fitted on."""
CELLS_KNOWN = 10
"""Most cells of one label that stand for it in the embedding."""
SPACING_SHARE = 0.25
FEWEST_CELLS_APART = 3
"""Neighbours look alike and lie in the same mixed pixels."""


@dataclass(frozen=True)
class Guess:
    """What each candidate seems to be."""

    shares: NDArray[np.float32]
    """(n, C)"""
    names: tuple[str, ...]


def run(job: SuggestLabels, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: inputs cannot be brought together, or the layer cannot be written.
    """
    started = time.monotonic()
    check_apart(job.outputs(), {name: getattr(job, name) for name in ("embedding", "labels", "head", "mask")})
    check_layer(job.output)
    with environment(), open_raster(job.embedding) as reader:
        labels = _labels(job, reader, progress.part(0.0, 0.2))
        mask = PolygonMask(job.mask, reader.grid) if job.mask else None
        sample = draw_cells(reader, job.candidates, job.seed, progress.part(0.2, 0.5), mask)
        sample = _unlabelled(sample, labels, reader)
        space = space_of(reader)
        taught, names = _taught(job, labels, space, progress)
        guess = _guess(job, sample, taught, names, space, progress.part(0.5, 0.6))
        spacing = job.spacing_m or automatic_spacing(reader, sample.share, job.count)
        pool = _pool(job, reader, sample, labels, space, guess, taught)
        found = suggest(job.strategy, pool, job.count, spacing, progress.part(0.6, 1.0))
        frame = _layer(job, reader, sample, guess, found)
    for note in found.notes:
        progress.warning(note)
    write_table(frame, job.output)
    facts = {
        "design": "chosen", "strategy": job.strategy, "places": len(frame), "class_field": job.empty_field,
        "spacing_m": round(spacing, 3), "candidates": len(sample.X), "labels": labels.report.features if labels else 0,
        "notes": found.notes,
        "classes": [entry.to_dict() for entry in entries(guess.names)] if guess else [],
        "caution": "These places were chosen, not drawn at random: they give no estimate of an area or an accuracy.",
    }  # fmt: skip
    progress.info(f"{len(frame)} places by '{STRATEGIES[job.strategy].title}'. {facts['caution']}")
    inputs = {name: getattr(job, name) for name in ("embedding", "labels", "head", "mask") if getattr(job, name)}
    write_sidecar(job.output, job, {**facts, "result": "places"}, inputs=inputs)
    return Result(job.facts.id, job.outputs(), {**facts, "result": "places"}, time.monotonic() - started)


def check_layer(path: str) -> None:
    """Refuse a layer that could not be written, before the work.

    Raises:
        BadJob: of an unknown kind.
        EngineTooSmall: parquet without its library.
        Unwritable: the folder.
    """
    check_format(path, "layer")
    check_folder(path)


def automatic_spacing(reader: RasterReader, share: float, count: int) -> float:
    """A quarter of the distance in a regular grid of so many places on the valid share of a raster; metres."""
    cell = cell_area(reader.grid)
    regular = np.sqrt(cell * reader.grid.height * reader.grid.width * share / count)
    return float(max(SPACING_SHARE * regular, FEWEST_CELLS_APART * np.sqrt(cell)))


def _labels(job: SuggestLabels, reader: RasterReader, progress: Progress) -> Places | None:
    if not job.labels:
        return None
    places = read_places(job.labels, reader, CELLS_TAUGHT, job.seed, progress)
    for line in places.report.lines():
        progress.info(line)
    if not len(places.cells):
        progress.warning(f"No label of {job.labels} lies on a valid cell of the embedding; the labels change nothing.")
    return places


def _unlabelled(sample: CellSample, labels: Places | None, reader: RasterReader) -> CellSample:
    """The candidates that lie on no label.

    Raises:
        BadInput: none is left.
    """
    if labels is None:
        return sample
    shapes = labels.shapes[np.array([shape is not None for shape in labels.shapes], dtype=bool)]
    points = shapely.points(centres(reader.grid, sample.cells))
    free = np.ones(len(points), dtype=bool)
    if len(shapes):
        free[shapely.STRtree(shapes).query(points, predicate="intersects")[0]] = False
    width = reader.grid.width
    free &= ~np.isin(sample.cells @ (width, 1), labels.cells @ (width, 1))
    if not free.any():
        raise BadInput("Every cell that could be suggested is labelled already. Choose a larger area or more cells.")
    return CellSample(sample.X[free], sample.cells[free], sample.share, sample.whole)


def _taught(
    job: SuggestLabels, labels: Places | None, space: FeatureSpace, progress: Progress
) -> tuple[Taught | None, tuple[str, ...]]:
    """Labels to fit heads on, with the names of the classes 0, 1, ...; None where there are fewer than two classes."""
    if labels is None or not job.field:
        return None, ()
    targets: Targets = read_targets(labels.table, job.field, "class", job.labels)
    y = targets.y[labels.feature]
    has = ~np.isnan(y)
    if len(np.unique(y[has])) < 2:
        progress.warning("The labels are of fewer than two classes: no head can say yet what places are.")
        return None, ()
    taught = Taught(labels.X[has], y[has].astype(np.int64), labels.feature[has], space.own_units)
    return taught, targets.names


def _guess(
    job: SuggestLabels, sample: CellSample, taught: Taught | None, names: tuple[str, ...], space: FeatureSpace,
    progress: Progress,
) -> Guess | None:  # fmt: skip
    """By the head that was given, else by a linear one fitted on the labels."""
    if job.head:
        facts, estimator = load_head(job.head)
        check_facts(facts, estimator, job.head)
        check_space(facts, space, job.embedding, progress)
        classes = entries_from(facts["classes"])
        if not classes:
            raise BadInput(f"The head {job.head} estimates values; places are suggested for classes only.")
        estimator = with_threads(estimator, thread_count(job.threads))
        told = run_all([partial(predict, estimator, sample.X, classes)], 1, progress)[0].probabilities
        by_value = {entry.value: entry.name for entry in classes}
        given = tuple(by_value[int(value)] for value in estimator.classes_)
        return None if told is None else Guess(told, given)
    if taught is None:
        return None
    recipe = Recipe("linear", "class", seed=job.seed, own_units=taught.own_units)

    def fit() -> Guess:
        estimator = fit_head(recipe, taught.X, taught.y, taught.groups).estimator
        shares = np.asarray(estimator.predict_proba(sample.X), np.float32)
        return Guess(shares, tuple(names[int(value)] for value in estimator.classes_))

    return run_all([fit], 1, progress)[0]


def _pool(
    job: SuggestLabels, reader: RasterReader, sample: CellSample, labels: Places | None, space: FeatureSpace,
    guess: Guess | None, taught: Taught | None,
) -> Pool:  # fmt: skip
    footing = Footing.fit(sample.X, space.own_units)
    known = Known(footing(sample.X[:0]), np.empty(0, np.int64), np.empty((0, 2)))
    if labels is not None and len(labels.cells):
        few = labels.thinned(CELLS_KNOWN)
        # Every cell of a label keeps others away, a few of them stand for it in the embedding.
        known = Known(footing(few.X), few.feature, ground(reader.grid, labels.cells))
    shares = None if guess is None else guess.shares
    return Pool(sample.X, footing(sample.X), ground(reader.grid, sample.cells), known, job.seed, shares, taught)


def _layer(
    job: SuggestLabels, reader: RasterReader, sample: CellSample, guess: Guess | None, found: Suggestion
) -> gpd.GeoDataFrame:
    chosen = np.array([pick.index for pick in found.picks], dtype=np.int64)
    names = np.full(len(chosen), None, dtype=object)
    confidence = np.full(len(chosen), np.nan)
    if guess is not None:
        names = np.array(guess.names, dtype=object)[guess.shares[chosen].argmax(axis=1)]
        confidence = guess.shares[chosen].max(axis=1).astype(np.float64)
    xy = centres(reader.grid, sample.cells[chosen])
    columns: dict[str, Any] = {
        "rank": np.arange(1, len(chosen) + 1),
        job.empty_field: np.full(len(chosen), None, dtype=object),
        "suggested": names,
        "confidence": np.round(confidence, 4),
        "reason": [pick.why for pick in found.picks],
    }
    return gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(*xy.T), crs=reader.grid.crs or None)
