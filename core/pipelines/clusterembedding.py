"""Cluster embedding: embedding in, map of clusters out."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ...models.crew import thread_count
from ..atomic import check_apart
from ..blocks import draw_cells, fill
from ..classes import ClassEntry
from ..clustering import NONE, Clusters, hdbscan, kmeans
from ..colouring import cluster_colours
from ..errors import BadInput
from ..jobs.declare import Result
from ..jobs.explore import ClusterEmbedding
from ..labels import space_of
from ..progress import Progress
from ..raster import RasterReader, environment, open_raster
from ..sidecar import fingerprint, write_sidecar
from ..version import VERSION
from ..writing import Band, BlockWriter
from .findsimilar import check_raster

NOISE_COLOUR = "#9a9a9a"
NOISE_NAME = "none of them"
MOST_CLUSTERS = 254
COUNTED_CELLS = 2048


def run(job: ClusterEmbedding, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: the embedding cannot be used, or the map cannot be written.
    """
    started = time.monotonic()
    check_apart(job.outputs(), {"embedding": job.embedding})
    check_raster(job.output)
    threads = thread_count(job.threads)
    with environment(), threadpool_limits(limits=threads), open_raster(job.embedding) as reader:
        sample = draw_cells(reader, job.cells, job.seed, progress.part(0.0, 0.2))
        found = _clusters(job, sample.X, space_of(reader).own_units, threads, progress.part(0.2, 0.6))
        classes = _classes(found)
        join = found.joiner(threads)
        noise = len(found.centres)

        def numbers(X: NDArray[np.float32]) -> NDArray[np.uint8]:
            of = join(X)
            return np.where(of == NONE, noise, of).astype(np.uint8)[None] + np.uint8(1)

        with _writer(job, reader, classes) as writer:
            fill(reader, writer, numbers, progress.part(0.6, 0.95))
    cells = _counted(job.output, len(classes), progress.part(0.95, 1.0))
    facts: dict[str, Any] = {
        "classes": [{**entry.to_dict(), "cells": int(cells[entry.value])} for entry in classes],
        "cells_nodata": int(cells[0]), "method": job.method, "sample": len(sample.X),
        "silhouette": None if found.silhouette is None else round(found.silhouette, 4),
        "tried": {str(count): score for count, score in found.tried.items()},
    }  # fmt: skip
    progress.info(_sentence(job, found))
    write_sidecar(job.output, job, {**facts, "result": "classmap"}, inputs={"embedding": job.embedding})
    return Result(job.facts.id, job.outputs(), {**facts, "result": "classmap"}, time.monotonic() - started)


def _clusters(
    job: ClusterEmbedding, X: NDArray[np.float32], own_units: bool, threads: int, progress: Progress
) -> Clusters:
    if job.method == "kmeans":
        return kmeans(X, own_units, job.clusters, job.seed, threads, progress)
    found = hdbscan(X, own_units, job.smallest_percent, job.seed, progress)
    if not len(found.centres):
        raise BadInput(
            "No group of cells is denser than its surroundings. Lower 'Smallest cluster', or take kmeans, which "
            "always divides."
        )
    if len(found.centres) >= MOST_CLUSTERS:
        raise BadInput(f"{len(found.centres)} clusters are more than a map can show. Raise 'Smallest cluster'.")
    return found


def _classes(found: Clusters) -> tuple[ClassEntry, ...]:
    """An entry for each cluster, and one for cells that belong to none where there may be such."""
    colours = cluster_colours(found.centres)
    entries = [ClassEntry(number + 1, f"cluster {number + 1}", colour) for number, colour in enumerate(colours)]
    if (found.of == NONE).any():
        entries.append(ClassEntry(len(entries) + 1, NOISE_NAME, NOISE_COLOUR))
    return tuple(entries)


def _sentence(job: ClusterEmbedding, found: Clusters) -> str:
    count = len(found.centres)
    text = f"{count} cluster{'s' if count != 1 else ''}"
    if job.method == "kmeans" and not job.clusters:
        text += f", the number of {min(found.tried or {1: 0})} to {max(found.tried or {1: 0})} that is most clear-cut"
    noise = float((found.of == NONE).mean())
    if noise:
        text += f"; {100 * noise:.0f} % of the cells belong to none of them"
    if found.silhouette is not None:
        text += f". Silhouette {found.silhouette:.2f} (1: far apart, 0: one runs into the other)"
    return text + "."


def _counted(path: str, count: int, progress: Progress) -> NDArray[np.int64]:
    """Cells of each value 0..count of a finished map; 0 is nodata."""
    cells = np.zeros(count + 1, np.int64)
    with open_raster(path) as reader:
        windows = reader.grid.blocks(COUNTED_CELLS)
        for number, window in enumerate(windows):
            progress.checkpoint(number / len(windows))
            values, _ = reader.read(window)
            cells += np.bincount(values[0].astype(np.int64).ravel(), minlength=count + 1)
    return cells


def _writer(job: ClusterEmbedding, reader: RasterReader, classes: tuple[ClassEntry, ...]) -> BlockWriter:
    signature = {
        "job": "clusterembedding", "embedding": fingerprint(job.embedding), "method": job.method,
        "clusters": job.clusters, "smallest": job.smallest_percent, "cells": job.cells, "seed": job.seed,
        "version": VERSION,
    }  # fmt: skip
    return BlockWriter(
        job.output, reader.grid, (Band("cluster"),), "uint8", nodata=0, signature=signature, tags={"format": "1"},
        colours={0: (0, 0, 0, 0)} | {entry.value: entry.rgba for entry in classes},
        category_names=["", *(entry.name for entry in classes)], threads=thread_count(job.threads),
    )  # fmt: skip
