"""Apply head: head and embedding (or table) in, map (or table) out."""

import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ...models.crew import thread_count
from ..atomic import check_apart
from ..classes import ClassEntry, entries_from
from ..errors import BadInput, BadJob, Stale
from ..grid import Grid, Window
from ..heads.build import with_threads
from ..heads.storage import load_head
from ..jobs.declare import Result
from ..jobs.fewshot import ApplyHead
from ..labels import space_of
from ..prediction import CODE_OFFSET, CODE_SCALE, Predicted, codes, predict
from ..progress import Progress
from ..raster import RasterReader, environment, open_raster
from ..region import window_of
from ..samples import FeatureSpace
from ..sidecar import fingerprint, write_sidecar
from ..tablemap import predict_table
from ..version import VERSION
from ..writing import Band, BlockWriter

SUFFIXES = (".tif", ".tiff")
COUNTED_CELLS = 2048
"""Side of the windows in which a finished map is counted."""


def run(job: ApplyHead, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: head and embedding do not belong together, or a file cannot be read or written.
    """
    _check_paths(job)
    facts, estimator = load_head(job.head)
    check_facts(facts, estimator, job.head)
    head = Head(facts, with_threads(estimator, thread_count(job.threads)))
    with environment(), threadpool_limits(limits=thread_count(job.threads)):
        if job.table:
            return predict_table(job, head.facts, head.estimator, head.classes, progress)
        return _raster(job, head, progress)


@dataclass(frozen=True)
class Head:
    """A loaded head."""

    facts: Mapping[str, Any]
    estimator: Any

    @property
    def classes(self) -> tuple[ClassEntry, ...]:
        """Empty for values."""
        return entries_from(self.facts["classes"])


def check_facts(facts: Mapping[str, Any], estimator: Any, path: str) -> None:
    """Refuse facts that lack what a map needs, or tell of other classes than the estimator knows.

    Raises:
        BadInput: the file is damaged, or was put together by hand.
    """
    try:
        features = facts["features"]
        known = [features[name] for name in ("identity", "backbone", "source", "signed", "names", "D")]
        classes = entries_from(facts["classes"])
        whole = len(known[4]) == known[5] and bool(facts["task"]) and bool(facts["head"])
        whole &= len([entry.rgba for entry in classes]) == len(getattr(estimator, "classes_", ()))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        whole = False
    if not whole:
        raise BadInput(
            f"The head {path} is damaged: what it says of its classes or features is not whole. Train it again."
        )


@dataclass(frozen=True)
class Layer:
    """One raster to write, and how a prediction becomes its numbers."""

    field: str
    """Name of the job's parameter."""
    bands: tuple[Band, ...]
    dtype: str
    nodata: float

    def numbers(self, predicted: Predicted) -> NDArray[Any]:
        """(bands, n) of the dtype."""
        if self.field == "output":
            return predicted.values.astype(self.dtype)[None]
        if self.field == "confidence":
            return codes(predicted.confidence)[None]
        return codes(predicted.probabilities.T) if predicted.probabilities is not None else np.empty((0, 0), np.uint8)


def check_space(head: Mapping[str, Any], here: FeatureSpace, path: str, progress: Progress) -> None:
    """Refuse vectors that mean something else than those the head was trained on.

    Raises:
        BadInput: the head wants the columns of a table.
        Stale: another space; the sentence names both and the way out.
    """
    wanted = head["features"]
    if wanted["source"] == "table":
        raise BadInput("This head was trained on columns of a table. Give a table with the same columns instead.")
    if wanted["identity"] == here.identity:
        return
    if wanted["signed"] or here.signed:
        theirs = f"the embedding space {wanted['identity'][:12]} ({wanted['backbone'] or 'plain bands'})"
        ours = f"{here.identity[:12]} ({here.backbone or 'plain bands'})"
        raise Stale(
            f"The head was trained in {theirs}; {path} is of the space {ours}. Make the embedding again with 'Same "
            "space as this embedding' set to the one used for training, or train a head on this one."
        )
    if wanted["D"] != len(here.names):
        raise Stale(
            f"The head was trained on {wanted['D']} bands; {path} has {len(here.names)}. Choose a raster with the same "
            "bands in the same order."
        )
    pairs = [(a, b) for a, b in zip(wanted["names"], here.names, strict=True) if a != b]
    progress.warning(
        f"Bands have other names than in training ({pairs[0][0]} there, {pairs[0][1]} here). The map is right only if "
        "they mean the same, in the same order and units."
    )


def layers_for(job: ApplyHead, classes: tuple[ClassEntry, ...]) -> list[Layer]:
    """Rasters that the job asks for.

    Raises:
        BadJob: none, or probabilities of a head for values.
    """
    if not classes and (job.confidence or job.probabilities):
        raise BadJob("This head estimates values, which have no probability. Leave out confidence and probabilities.")
    share = {"scale": CODE_SCALE, "offset": CODE_OFFSET}
    wide = "uint8" if len(classes) <= 254 else "uint16"
    layers = {
        "output": Layer("output", (Band("class"),), wide, 0) if classes
        else Layer("output", (Band("value"),), "float32", float("nan")),
        "confidence": Layer("confidence", (Band("confidence", **share),), "uint8", 0),
        "probabilities": Layer("probabilities", tuple(Band(c.name, **share) for c in classes), "uint8", 0),
    }  # fmt: skip
    return [layer for field, layer in layers.items() if getattr(job, field)]


def _raster(job: ApplyHead, head: Head, progress: Progress) -> Result:
    started = time.monotonic()
    classes = head.classes
    layers = layers_for(job, classes)
    signature = {
        "job": "applyhead", "head": fingerprint(job.head), "embedding": fingerprint(job.embedding),
        "extent": job.extent, "version": VERSION,
    }  # fmt: skip
    with ExitStack() as stack:
        reader = stack.enter_context(open_raster(job.embedding))
        check_space(head.facts, space_of(reader), job.embedding, progress)
        window = window_of(reader.grid, job.extent)
        grid = reader.grid.crop(window)
        writers = [stack.enter_context(_writer(job, layer, grid, signature, classes)) for layer in layers]
        tally = _fill(reader, window, head, list(zip(layers, writers, strict=True)), progress)
        for writer in writers:
            writer.finish()
    if tally is None and job.output:
        tally = Tally.of_map(job.output, classes)
    threads = thread_count(job.threads)
    facts = {**_facts(head, tally), "device": f"CPU, {threads} thread{'s' if threads > 1 else ''}"}
    for layer in layers:
        kind = {"output": "classmap" if classes else "valuemap"}.get(layer.field, layer.field)
        inputs = {"head": job.head, "embedding": job.embedding}
        write_sidecar(getattr(job, layer.field), job, {**facts, "result": kind}, inputs=inputs)
    facts["seconds"] = {"apply": round(time.monotonic() - started, 3)}
    return Result(job.facts.id, {layer.field: getattr(job, layer.field) for layer in layers}, facts)


def _writer(
    job: ApplyHead, layer: Layer, grid: Grid, signature: Mapping[str, Any], classes: tuple[ClassEntry, ...]
) -> BlockWriter:
    return BlockWriter(
        getattr(job, layer.field), grid, layer.bands, layer.dtype, nodata=layer.nodata,
        signature={**signature, "layer": layer.field}, tags={"format": "1", "head": signature["head"]},
        threads=thread_count(job.threads), **_look(layer, classes),
    )  # fmt: skip


def _check_paths(job: ApplyHead) -> None:
    """Refuse outputs that are an input or one another, or no GeoTIFF.

    Raises:
        BadJob: names the parameters.
    """
    check_apart(job.outputs(), {name: getattr(job, name) for name in ("head", "embedding", "table")})
    for name in ("output", "confidence", "probabilities"):
        path = getattr(job, name)
        if path and Path(path).suffix.lower() not in SUFFIXES:
            raise BadJob(f"{path} ({name}) must be a .tif file.")


def _look(layer: Layer, classes: tuple[ClassEntry, ...]) -> dict[str, Any]:
    """Colours and names of a class map."""
    if layer.field != "output" or not classes:
        return {}
    names = ["", *(entry.name for entry in classes)]
    if layer.dtype != "uint8":
        return {"category_names": names, "categorical": True}
    return {"colours": {0: (0, 0, 0, 0)} | {entry.value: entry.rgba for entry in classes}, "category_names": names}


def _fill(
    reader: RasterReader, window: Window, head: Head, targets: list[tuple[Layer, BlockWriter]], progress: Progress
) -> "Tally | None":
    """Predict all blocks that some target still lacks; returns what was counted, None if that is not the whole."""
    windows = targets[0][1].windows
    todo = [index for index in range(len(windows)) if any(index not in writer.done for _, writer in targets)]
    if len(todo) < len(windows):
        progress.info(f"Going on: {len(windows) - len(todo)} of {len(windows)} blocks were finished before.")
    tally = Tally(head.classes)
    for done, (index, values, valid) in enumerate(_blocks(reader, window, windows, todo)):
        progress.checkpoint(done / len(todo))
        predicted = predict(head.estimator, values[:, valid].T, head.classes)
        tally.add(predicted.values, int((~valid).sum()))
        for layer, writer in targets:
            if index in writer.done:
                continue
            block = np.full((len(layer.bands), *valid.shape), layer.nodata, layer.dtype)
            block[:, valid] = layer.numbers(predicted)
            writer.put(index, block)
    return tally if len(todo) == len(windows) else None


class Tally:
    """Cells of each class, range of values, and cells without either."""

    def __init__(self, classes: tuple[ClassEntry, ...]) -> None:
        self.classes = classes
        self.cells = np.zeros(len(classes) + 1, np.int64)
        self.low, self.high, self.empty = np.inf, -np.inf, 0

    def add(self, values: NDArray[Any], empty: int) -> None:
        """Count (n,) values that were predicted, and cells that could not be."""
        self.empty += empty
        if self.classes:
            self.cells += np.bincount(values.astype(np.int64), minlength=len(self.cells))
        elif len(values):
            self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))

    @classmethod
    def of_map(cls, path: str, classes: tuple[ClassEntry, ...]) -> "Tally":
        """Counted in a finished map: for runs of which a part was done earlier."""
        tally = cls(classes)
        with open_raster(path) as reader:
            for window in reader.grid.blocks(COUNTED_CELLS):
                values, valid = reader.read(window)
                tally.add(values[0][valid], int((~valid).sum()))
        return tally


def _blocks(
    reader: RasterReader, window: Window, windows: list[Window], todo: list[int]
) -> Iterator[tuple[int, NDArray[np.float32], NDArray[np.bool_]]]:
    """Blocks to do with their values and validity; the next one is read while one is worked on."""

    def read(index: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        block = windows[index]
        return reader.read(Window(window.row + block.row, window.col + block.col, block.height, block.width))

    with ThreadPoolExecutor(1, "read") as pool:
        coming = pool.submit(read, todo[0]) if todo else None
        for position, index in enumerate(todo):
            values, valid = coming.result() if coming else read(index)
            coming = pool.submit(read, todo[position + 1]) if position + 1 < len(todo) else None
            yield index, values, valid


def _facts(head: Head, tally: Tally | None) -> dict[str, Any]:
    """What is told of a map; without counts when nothing knows them."""
    told = {"task": head.facts["task"], "head": head.facts["head"], "tested": head.facts.get("tested")}
    classes = [entry.to_dict() for entry in head.classes]
    limits = head.facts.get("range")
    if tally is not None:
        classes = [{**entry.to_dict(), "cells": int(tally.cells[entry.value])} for entry in head.classes]
        limits = [tally.low, tally.high] if tally.low <= tally.high else limits
        told["cells_nodata"] = tally.empty
    return told | {"classes": classes, "range": limits}
