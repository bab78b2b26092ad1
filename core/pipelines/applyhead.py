"""Apply head: head and embedding (or table) in, map (or table) out."""

import functools
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ...models.crew import Crew, thread_count
from ..atomic import check_apart
from ..errors import BadJob
from ..grid import Grid, Window
from ..jobs.declare import Result
from ..jobs.fewshot import ApplyHead
from ..kernel import Kernel
from ..labels import space_of
from ..maplayers import Layer, Tally, layers_for, shown_classes
from ..prediction import Predicted, Reading
from ..progress import Progress
from ..quantise import interleaved
from ..raster import RasterReader, environment, open_raster
from ..reading import reading_for
from ..region import window_of
from ..sidecar import fingerprint, write_sidecar
from ..spool import digest
from ..tablemap import predict_table
from ..trained import Head, check_space
from ..unchanged import Watch
from ..uptodate import up_to_date
from ..version import VERSION
from ..writing import BlockWriter

SUFFIXES = (".tif", ".tiff")
RASTERS = ("output", "confidence", "probabilities", "applicability")
ABOUT_FILES = ("result", "request", "signature", "bytes", "credits")
"""What a sidecar tells of its own file and not of the job."""


def run(job: ApplyHead, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: head and embedding do not belong together, or a file cannot be read or written.
    """
    _check_paths(job)
    head = Head.read(job.head, thread_count(job.threads))
    if not head.classes and (job.unsure or job.prevalence):
        raise BadJob("This head estimates values: it knows no unsure classes and no prevalence. Leave both out.")
    with environment(), threadpool_limits(limits=thread_count(job.threads)):
        if job.table:
            return predict_table(job, head, progress)
        return _raster(job, head, progress)


def _raster(job: ApplyHead, head: Head, progress: Progress) -> Result:
    started = time.monotonic()
    layers = layers_for(job, head.classes)
    prints = {name: fingerprint(path) for name, path in _inputs(job).items()}
    # Each of these decides some layer; a run that was stopped goes on only where all of them are the same.
    signature = {
        "job": "applyhead", **prints, "extent": job.extent, "unsure": job.unsure, "prevalence": job.prevalence,
        "version": VERSION,
    }  # fmt: skip
    watch = Watch(_inputs(job), prints)
    there = [up_to_date(getattr(job, layer.field), _request(layer, signature)) for layer in layers]
    if all(there):
        paths = ", ".join(getattr(job, layer.field) for layer in layers)
        progress.info(f"{paths}: up to date, made by this very job from unchanged inputs.")
        facts = {name: value for name, value in (there[0] or {}).items() if name not in ABOUT_FILES}
    else:
        lacking = [layer for layer, facts in zip(layers, there, strict=True) if facts is None]
        facts = _make(job, head, lacking, signature, watch, progress)
    facts["seconds"] = {"apply": round(time.monotonic() - started, 3)}
    return Result(job.facts.id, {layer.field: getattr(job, layer.field) for layer in layers}, facts)


def _make(
    job: ApplyHead, head: Head, layers: list[Layer], signature: Mapping[str, Any], watch: Watch, progress: Progress
) -> dict[str, Any]:
    """Make these layers; others of the same job are there already."""
    shown = shown_classes(head.classes, job.unsure)
    with ExitStack() as stack:
        reader = stack.enter_context(open_raster(job.embedding))
        check_space(head.facts, space_of(reader), job.embedding, progress)
        window = window_of(reader.grid, job.extent)
        grid = reader.grid.crop(window)
        reading, told = reading_for(job, head, reader, window, progress.part(0.0, 0.1 if job.prevalence else 0.0))
        writers = [stack.enter_context(_writer(job, layer, grid, signature, watch)) for layer in layers]
        targets = list(zip(layers, writers, strict=True))
        rest = progress.part(0.1 if job.prevalence else 0.0, 1.0)
        tally = _fill(reader, window, (head, reading), targets, thread_count(job.threads), rest)
        parts = {layer.field: str(writer.seal()) for layer, writer in targets}
        if tally is None and (job.output or job.applicability):
            output, applicability = (parts.get(name, getattr(job, name)) for name in ("output", "applicability"))
            tally = Tally.of_files(output, applicability, shown if head.classes else ())
        threads = thread_count(job.threads)
        facts = {**_facts(job, head, tally), **told, "device": f"CPU, {threads} thread{'s' if threads > 1 else ''}"}
        for line in _lines(facts):
            progress.info(line)
        for layer, writer in targets:
            # Bands of probabilities are the classes of the head, without the one for unsure places.
            own = facts if layer.field == "output" else {**facts, "classes": facts["classes"][: len(head.classes)]}
            writer.finish(functools.partial(_tell, job, layer, own, signature))
    return facts


def _inputs(job: ApplyHead) -> dict[str, str]:
    return {"head": job.head, "embedding": job.embedding}


def _request(layer: Layer, signature: Mapping[str, Any]) -> dict[str, Any]:
    return {**signature, "layer": layer.field}


def _tell(job: ApplyHead, layer: Layer, facts: Mapping[str, Any], signature: Mapping[str, Any], part: Path) -> None:
    """Write the sidecar of a layer that lies there."""
    request = digest(_request(layer, signature))
    own = {"result": layer.kind, "request": request, "signature": request, "bytes": part.stat().st_size}
    prints = {name: signature[name] for name in _inputs(job)}
    write_sidecar(getattr(job, layer.field), job, {**facts, **own}, inputs=_inputs(job), prints=prints)


def _writer(job: ApplyHead, layer: Layer, grid: Grid, signature: Mapping[str, Any], watch: Watch) -> BlockWriter:
    request = _request(layer, signature)
    return BlockWriter(
        getattr(job, layer.field), grid, layer.bands, layer.dtype, nodata=layer.nodata, signature=request,
        tags={"format": "1", "head": signature["head"], "signature": digest(request)}, check=watch.check,
        threads=thread_count(job.threads), **layer.look(),
    )  # fmt: skip


def _check_paths(job: ApplyHead) -> None:
    """Refuse outputs that are an input or one another, or no GeoTIFF.

    Raises:
        BadJob: names the parameters.
    """
    check_apart(job.outputs(), {name: getattr(job, name) for name in ("head", "embedding", "table")})
    for name in RASTERS:
        path = getattr(job, name)
        if path and Path(path).suffix.lower() not in SUFFIXES:
            raise BadJob(f"{path} ({name}) must be a .tif file.")


def _fill(
    reader: RasterReader, window: Window, knowing: tuple[Head, Reading], targets: list[tuple[Layer, BlockWriter]],
    threads: int, progress: Progress,
) -> Tally | None:  # fmt: skip
    """Predict all blocks that some target still lacks; returns what was counted, None if that is not the whole."""
    head, reading = knowing
    windows = targets[0][1].windows
    todo = [index for index in range(len(windows)) if any(index not in writer.done for _, writer in targets)]
    if len(todo) < len(windows):
        progress.info(f"Going on: {len(windows) - len(todo)} of {len(windows)} blocks were finished before.")
    tally = Tally(shown_classes(head.classes, reading.threshold is not None))
    kernel, crew = Kernel(head.estimator, head.classes, reader.coding), Crew(threads)
    for done, (index, cells, valid) in enumerate(_blocks(reader, window, windows, todo)):
        progress.checkpoint(done / len(todo))
        predicted = said_of(kernel, reading, _of_valid(cells, valid), crew)
        tally.add(predicted.shown(len(tally.classes)), int((~valid).sum()))
        if predicted.unlike is not None:
            tally.judge(predicted.unlike)
        for layer, writer in targets:
            if index in writer.done:
                continue
            block = np.full((len(layer.bands), *valid.shape), layer.nodata, layer.dtype)
            block[:, valid] = layer.numbers(predicted)
            writer.put(index, block)
    return tally if len(todo) == len(windows) else None


def _of_valid(cells: NDArray[Any], valid: NDArray[np.bool_]) -> NDArray[Any]:
    """(n, D) contiguous of (D, h, w) codes or values."""
    found = interleaved(cells)[valid] if cells.dtype == np.uint8 else cells[:, valid].T
    return np.ascontiguousarray(found)


def said_of(kernel: Kernel, reading: Reading, cells: NDArray[Any], crew: Crew) -> Predicted:
    """What the head says of (n, D) cells, read as the job asks."""
    X = np.empty((0, cells.shape[1]), np.float32)
    if reading.applicability is not None:
        X = cells if kernel.coding is None else kernel.coding.decode_rows(cells)
    return reading(kernel(cells, crew), X)


def _blocks(
    reader: RasterReader, window: Window, windows: list[Window], todo: list[int]
) -> Iterator[tuple[int, NDArray[Any], NDArray[np.bool_]]]:
    """Blocks to do with their codes or values, and validity; the next one is read while one is worked on."""
    reading = reader.read if reader.coding is None else reader.read_codes

    def read(index: int) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        block = windows[index]
        return reading(Window(window.row + block.row, window.col + block.col, block.height, block.width))

    with ThreadPoolExecutor(1, "read") as pool:
        coming = pool.submit(read, todo[0]) if todo else None
        for position, index in enumerate(todo):
            values, valid = coming.result() if coming else read(index)
            coming = pool.submit(read, todo[position + 1]) if position + 1 < len(todo) else None
            yield index, values, valid


def _facts(job: ApplyHead, head: Head, tally: Tally | None) -> dict[str, Any]:
    """What is told of a map; without counts when nothing knows them."""
    told = {"task": head.facts["task"], "head": head.facts["head"], "tested": head.facts.get("tested")}
    classes = shown_classes(head.classes, job.unsure)
    limits = head.facts.get("range")
    if tally is None:
        return told | {"classes": [entry.to_dict() for entry in classes], "range": limits}
    # A finished layer of applicability alone counts no classes.
    counted = classes if tally.cells.any() or not classes else ()
    found = tally.facts(counted, limits)
    if not counted:
        found["classes"] = [entry.to_dict() for entry in classes]
    return told | found


def _lines(facts: Mapping[str, Any]) -> list[str]:
    """Sentences for the log."""
    lines = []
    if "inside" in facts:
        lines.append(
            f"{100 * facts['inside']:.1f} % of the map lie inside the area of applicability; the rest looks unlike "
            "anything that the head was trained on."
        )
    if "unsure" in facts and facts["classes"] and "cells" in facts["classes"][-1]:
        cells = sum(entry["cells"] for entry in facts["classes"])
        lines.append(f"{100 * facts['classes'][-1]['cells'] / max(cells, 1):.1f} % of the map are unsure.")
    return lines
