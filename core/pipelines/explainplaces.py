"""Explain places: labels, embedding and places in; lines to the training examples that look most like each place."""

import time
from functools import partial
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from ...models.crew import thread_count
from ..atomic import check_apart
from ..blocks import draw_cells
from ..classes import entries, entries_from
from ..errors import BadInput
from ..examples import Link, nearest_examples, prototypes
from ..footing import Footing
from ..heads.build import with_threads
from ..heads.fitting import run_all
from ..heads.storage import load_head
from ..jobs.choose import ExplainPlaces
from ..jobs.declare import Result
from ..labels import space_of
from ..places import Places, centres, need_some, read_places
from ..prediction import predict
from ..progress import Progress
from ..raster import RasterReader, environment, open_raster
from ..samples import read_targets
from ..sidecar import write_sidecar
from ..tablemap import write_table
from ..trained import check_facts, check_space
from .suggestlabels import check_layer

SAMPLE_CELLS = 5000
"""From which the scale of each dimension is taken: labels alone may be too few and too alike."""
TOLD = 10
"""Places of which the log tells; all are in the layer."""

FAR_TIMES = 20

Shown = tuple[list[str | None], NDArray[np.float64]]
"""Class that the head shows at each place, and its confidence."""


def run(job: ExplainPlaces, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: labels, places and embedding cannot be brought together, or a layer cannot be written.
    """
    started = time.monotonic()
    given = {name: getattr(job, name) for name in ("labels", "embedding", "places", "head")}
    check_apart(job.outputs(), given)
    for path in job.outputs().values():
        check_layer(path)
    with environment(), open_raster(job.embedding) as reader:
        examples, names, y = _examples(job, reader, progress.part(0.0, 0.3))
        places = read_places(job.places, reader, 1, job.seed, progress.part(0.3, 0.4), middles=True)
        need_some(places, job.places, "places")
        sample = draw_cells(reader, SAMPLE_CELLS, job.seed, progress.part(0.4, 0.5))
        shown = _shown(job, reader, places, progress)
        footing = Footing.fit(np.concatenate([sample.X, examples.X]), space_of(reader).own_units)
        Z, E = footing(places.X), footing(examples.X)
        links = nearest_examples(Z, E, examples.feature, y, job.count, job.each_class, progress.part(0.5, 0.9))
        frame = _links(job, reader, places, examples, [names[value] for value in y], links, shown)
        write_table(frame, job.output)
        if job.output_prototypes:
            _write_prototypes(job, reader, examples, E, names, y, progress.part(0.9, 1.0))
    told = summaries(frame, shown, places)
    for line in told[:TOLD]:
        progress.info(line)
    for line in places.report.lines()[1:]:
        progress.info(line)
    facts: dict[str, Any] = {
        "places": len(places.cells), "links": len(frame), "classes": [entry.to_dict() for entry in entries(names)],
        "examples": len(examples.cells),
        "summaries": told[:100],
    }  # fmt: skip
    inputs = {name: path for name, path in given.items() if path}
    write_sidecar(job.output, job, {**facts, "result": "links"}, inputs=inputs)
    if job.output_prototypes:
        write_sidecar(job.output_prototypes, job, {**facts, "result": "places", "design": "chosen"}, inputs=inputs)
    return Result(job.facts.id, job.outputs(), {**facts, "result": "links"}, time.monotonic() - started)


def _examples(
    job: ExplainPlaces, reader: RasterReader, progress: Progress
) -> tuple[Places, tuple[str, ...], NDArray[np.int64]]:
    """Labelled cells with a class, the names of the classes, and which of them each cell is."""
    labels = read_places(job.labels, reader, job.max_cells, job.seed, progress)
    targets = read_targets(labels.table, job.field, "class", job.labels)
    y = targets.y[labels.feature]
    classed = ~np.isnan(y)
    if not classed.any():
        need_some(labels, job.labels, "labels")
        raise BadInput(f"{job.labels}: no label has an entry in the field '{job.field}'.")
    for line in labels.report.lines():
        progress.info(line)
    return labels.take(classed), targets.names, y[classed].astype(np.int64)


def _shown(job: ExplainPlaces, reader: RasterReader, places: Places, progress: Progress) -> Shown:
    none: list[str | None] = [None] * len(places.cells)
    if not job.head:
        return none, np.full(len(none), np.nan)
    facts, estimator = load_head(job.head)
    check_facts(facts, estimator, job.head)
    check_space(facts, space_of(reader), job.embedding, progress)
    classes = entries_from(facts["classes"])
    if not classes:
        raise BadInput(f"The head {job.head} estimates values; only classes are explained.")
    estimator = with_threads(estimator, thread_count(job.threads))
    told = run_all([partial(predict, estimator, places.X, classes)], 1, progress)[0]
    by_value = {entry.value: entry.name for entry in classes}
    return [by_value[int(value)] for value in told.values], told.confidence.astype(np.float64)


def _links(
    job: ExplainPlaces, reader: RasterReader, places: Places, examples: Places, classes: list[str],
    links: list[Link], shown: Shown,
) -> gpd.GeoDataFrame:  # fmt: skip
    at = np.array([link.place for link in links], dtype=np.int64)
    to = np.array([link.example for link in links], dtype=np.int64)
    ends = np.stack([centres(reader.grid, places.cells[at]), centres(reader.grid, examples.cells[to])], axis=1)
    columns = {
        "place": places.feature[at] + 1,
        "rank": [link.rank for link in links],
        "class": [classes[row] for row in to],
        "label": examples.feature[to] + 1,
        "similarity": [round(link.similarity, 4) for link in links],
        "distance": [round(link.distance, 4) for link in links],
        "shown": [shown[0][row] for row in at],
        "confidence": np.round(shown[1][at], 4),
    }
    return gpd.GeoDataFrame(columns, geometry=shapely.linestrings(ends), crs=reader.grid.crs or None)


def _write_prototypes(
    job: ExplainPlaces, reader: RasterReader, examples: Places, E: NDArray[np.float32], names: tuple[str, ...],
    y: NDArray[np.int64], progress: Progress,
) -> None:  # fmt: skip
    found = run_all([lambda: prototypes(E, y, job.prototypes, job.seed)], 1, progress)[0]
    rows = np.array([one.example for one in found], dtype=np.int64)
    columns = {
        "rank": [one.rank for one in found],
        "class": [names[one.value] for one in found],
        "label": examples.feature[rows] + 1,
        "share": [round(one.share, 4) for one in found],
        "reason": [f"stands for {100 * one.share:.0f} % of the examples of {names[one.value]}" for one in found],
    }
    xy = centres(reader.grid, examples.cells[rows])
    write_table(
        gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(*xy.T), crs=reader.grid.crs or None),
        job.output_prototypes,
    )


def summaries(frame: gpd.GeoDataFrame, shown: Shown, places: Places) -> list[str]:
    """One sentence for each place."""
    told = []
    for number, row in enumerate(places.feature):
        mine = frame[frame["place"] == row + 1].sort_values("distance", kind="stable")
        first = mine.iloc[0]
        text = f"Place {row + 1}: most like label {first['label']} ('{first['class']}', similarity "
        text += f"{first['similarity']:.2f}); "
        others = mine[mine["class"] != first["class"]]
        if len(others):
            other = others.iloc[0]
            times = other["distance"] / max(first["distance"], 1e-6)
            text += f"the first of another class is label {other['label']} ('{other['class']}'), "
            text += f"{times:.1f} times as far" if times < FAR_TIMES else "very far off"
        else:
            text += f"all {len(mine)} examples shown are of this class" if len(mine) > 1 else "it is the only one shown"
        if shown[0][number] is not None:
            text += f"; the head shows '{shown[0][number]}', {100 * shown[1][number]:.0f} % sure"
        told.append(text + ".")
    return told
