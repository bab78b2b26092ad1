"""Reduce embedding: embedding in, picture and table of points out."""

import time
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ...models.crew import thread_count
from ..atomic import check_apart
from ..blocks import CellSample, draw_cells, fill
from ..colouring import Palette, hexed
from ..errors import BadInput
from ..heads.fitting import run_all
from ..jobs.declare import Result
from ..jobs.explore import ReduceEmbedding
from ..labels import space_of
from ..places import centres, need_some, read_places
from ..progress import Progress
from ..raster import RasterReader, environment, open_raster
from ..reduction import Reduction, check_method, reduce
from ..samples import read_targets
from ..sidecar import fingerprint, write_sidecar
from ..tablemap import write_table
from ..version import VERSION
from ..writing import Band, BlockWriter
from .findsimilar import check_raster
from .suggestlabels import check_layer

CELLS_OF_LABEL = 20
"""Of one label that join the table, so that a large polygon does not shape the picture."""
MOST_TSNE = 20_000
"""t-SNE of more takes hours."""
SLOW_CELLS = {"umap": 20_000, "tsne": 5_000}


def run(job: ReduceEmbedding, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: the embedding cannot be used, UMAP is missing, or a file cannot be written.
    """
    started = time.monotonic()
    check_apart(job.outputs(), {name: getattr(job, name) for name in ("embedding", "labels")})
    if job.output:
        check_raster(job.output)
    if job.output_points:
        check_layer(job.output_points)
    check_method(job.method)
    with environment(), threadpool_limits(limits=thread_count(job.threads)), open_raster(job.embedding) as reader:
        sample, classes = _sample(job, reader, progress.part(0.0, 0.15))
        _tell(job, len(sample.X), progress)
        own_units = space_of(reader).own_units

        def fit() -> Reduction:
            return reduce(sample.X, own_units, job.method, job.dimensions, job.neighbours, job.seed)

        found = run_all([fit], 1, progress.part(0.15, 0.6))[0]
        palette = Palette.fit(found.coordinates)
        facts = _facts(job, found, sample)
        inputs = {name: getattr(job, name) for name in ("embedding", "labels") if getattr(job, name)}
        if job.output_points:
            write_table(_points(reader, sample, classes, found, palette), job.output_points)
            write_sidecar(job.output_points, job, {**facts, "result": "cloud"}, inputs=inputs)
        if job.output:
            place = found.placer(thread_count(job.threads))
            with _writer(job, reader) as writer:
                fill(reader, writer, lambda X: palette(place(X)).T, progress.part(0.6, 1.0))
            write_sidecar(job.output, job, {**facts, "result": "picture"}, inputs=inputs)
    kind = "picture" if job.output else "cloud"
    return Result(job.facts.id, job.outputs(), {**facts, "result": kind}, time.monotonic() - started)


def _sample(
    job: ReduceEmbedding, reader: RasterReader, progress: Progress
) -> tuple[CellSample, NDArray[np.object_] | None]:
    """Cells drawn and cells of labels together, in order, and the class of each (None where there is none)."""
    wanted = min(job.cells, MOST_TSNE) if job.method == "tsne" else job.cells
    if wanted < job.cells:
        progress.warning(f"t-SNE takes hours for so many cells; {wanted} are used.")
    drawn = draw_cells(reader, wanted, job.seed, progress.part(0.0, 0.7))
    if not job.labels:
        return drawn, None
    labels = read_places(job.labels, reader, CELLS_OF_LABEL, job.seed, progress.part(0.7, 1.0))
    need_some(labels, job.labels, "labels")
    targets = read_targets(labels.table, job.field, "class", job.labels)
    y = targets.y[labels.feature]
    classed = ~np.isnan(y)
    if not classed.any():
        raise BadInput(f"{job.labels}: no label has an entry in the field '{job.field}'.")
    labels, y = labels.take(classed), y[classed].astype(np.int64)
    width = reader.grid.width
    _, once = np.unique(labels.cells @ (width, 1), return_index=True)
    new = ~np.isin(drawn.cells @ (width, 1), labels.cells @ (width, 1))
    cells = np.concatenate([drawn.cells[new], labels.cells[once]])
    X = np.concatenate([drawn.X[new], labels.X[once]])
    classes = np.full(len(cells), None, dtype=object)
    classes[int(new.sum()) :] = np.array(targets.names, dtype=object)[y[once]]
    order = np.lexsort((cells[:, 1], cells[:, 0]))
    return CellSample(X[order], cells[order], drawn.share, drawn.whole), classes[order]


def _tell(job: ReduceEmbedding, count: int, progress: Progress) -> None:
    if job.method == "pca":
        return
    progress.info(
        f"{job.method} is computed on {count} cells, seeded and therefore in one thread; every other cell is placed "
        "between its nearest neighbours among them, in the space of the first components."
    )
    if count > SLOW_CELLS[job.method]:
        progress.warning(f"{count} cells take {job.method} several minutes; fewer show much the same.")


def _facts(job: ReduceEmbedding, found: Reduction, sample: CellSample) -> dict[str, Any]:
    low, high = found.coordinates.min(axis=0), found.coordinates.max(axis=0)
    return {
        "method": job.method, "dimensions": job.dimensions, "cells": len(sample.X),
        "components": found.sample.shape[1], "explained": round(found.footing.explained, 4),
        "low": [float(value) for value in low], "high": [float(value) for value in high],
        "placed": "own coordinates" if found.exact else "between nearest neighbours of the sample",
    }  # fmt: skip


def _points(
    reader: RasterReader, sample: CellSample, classes: NDArray[np.object_] | None, found: Reduction, palette: Palette
) -> gpd.GeoDataFrame:
    columns: dict[str, Any] = {
        f"d{axis + 1}": found.coordinates[:, axis].astype(np.float64) for axis in range(found.coordinates.shape[1])
    }
    columns["colour"] = hexed(palette(found.coordinates))
    if classes is not None:
        columns["class"] = classes
    xy = centres(reader.grid, sample.cells)
    return gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(*xy.T), crs=reader.grid.crs or None)


def _writer(job: ReduceEmbedding, reader: RasterReader) -> BlockWriter:
    signature = {
        "job": "reduceembedding", "embedding": fingerprint(job.embedding), "method": job.method,
        "dimensions": job.dimensions, "cells": job.cells, "neighbours": job.neighbours, "seed": job.seed,
        "labels": fingerprint(job.labels) if job.labels else "", "layer": job.labels.partition("|")[2],
        "field": job.field, "version": VERSION,
    }  # fmt: skip
    bands = (Band("red"), Band("green"), Band("blue"))
    return BlockWriter(
        job.output, reader.grid, bands, "uint8", nodata=0, signature=signature, tags={"format": "1"},
        threads=thread_count(job.threads),
    )  # fmt: skip
