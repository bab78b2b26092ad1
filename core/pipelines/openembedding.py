"""Published embedding in, Quadrat embedding out: recognise, turn codes into values, average to cells, write."""

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from ...models.identity import identity_of
from .. import components, quantise
from ..asked import is_there
from ..atomic import check_apart, check_folder
from ..errors import BadInput, BadJob
from ..grid import Grid
from ..jobs.declare import Result
from ..jobs.embed import OpenEmbedding
from ..progress import Progress
from ..published.cells import CellReader, in_read_order
from ..published.recognise import identity_facts
from ..published.sources import Opened, open_source
from ..quantise import NODATA_CODE, Quantiser
from ..raster import environment
from ..region import PolygonMask, window_of
from ..sidecar import fingerprint, write_sidecar
from ..spool import digest
from ..tiling import block_side, spread
from ..unchanged import Watch
from ..uptodate import up_to_date
from ..version import VERSION
from ..writing import Band, BlockWriter, kept

FORMAT = 1
UNDECISIVE = ("output",)
SUFFIXES = (".tif", ".tiff")
COMPRESSED_SHARE = 0.3
SAMPLE_WINDOWS = 64
SAMPLE_SIDE = 24
"""Cells to a side of a window that is sampled; 64 of them hold about as many vectors as statistics need."""
LENGTHS = (0.9, 1.1)
"""Between these lies the usual length of vectors of length 1 that were stored in a byte each."""


def run(job: OpenEmbedding, progress: Progress) -> Result:
    """Open a published embedding.

    Raises:
        QuadratError: with a sentence for the user.
    """
    started = time.monotonic()
    with environment(), ExitStack() as stack:
        _check_paths(job)
        progress.checkpoint(0.0, "Looking at the file")
        opened = open_source(job, stack)
        request = _request(job, opened)
        facts = up_to_date(job.output, request)
        if facts is not None:
            progress.info(f"{job.output} is up to date: it was made by this very job from unchanged inputs.")
        else:
            facts = _make(job, opened, request, progress)
    progress.checkpoint(1.0)
    return Result(OpenEmbedding.facts.id, {"output": job.output}, facts, time.monotonic() - started)


def _check_paths(job: OpenEmbedding) -> None:
    if Path(job.output).suffix.lower() not in SUFFIXES:
        raise BadJob(f"The embedding {job.output} must be a .tif file.")
    inputs = {"the raster": job.input, "the raster that says where the tile lies": job.place, "the mask": job.mask}
    check_apart({"the embedding": job.output}, inputs)
    check_folder(job.output)


def _files(job: OpenEmbedding, opened: Opened) -> dict[str, str]:
    """Files that decide the result, by role."""
    paths = {**opened.files, "mask": job.mask}
    return {role: path for role, path in paths.items() if path and is_there(path)}


def _request(job: OpenEmbedding, opened: Opened) -> dict[str, Any]:
    """All that decides the result, without anything that has to be computed first."""
    values = {name: value for name, value in job.to_dict().items() if name not in UNDECISIVE}
    prints = {role: fingerprint(path) for role, path in _files(job, opened).items()}
    for role in prints:
        values.pop(role, None)  # the content counts, not the place
    return {"format": FORMAT, "version": VERSION, "job": values, "inputs": prints}


def _make(job: OpenEmbedding, opened: Opened, request: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    started = time.monotonic()
    watch = Watch(_files(job, opened), request["inputs"])
    product = opened.recognised.product
    _announce(opened, progress)
    region = window_of(opened.source.grid, job.extent)
    grid = opened.source.grid.crop(region).coarser(job.cell_size_px)
    mask = PolygonMask(job.mask, grid) if job.mask else None
    # A single pixel of a published product keeps the very values that its formula gives.
    unit = job.unit_length or (product.unit_length and job.cell_size_px > 1)
    cells = CellReader(opened.source, region, job.cell_size_px, unit, mask)
    statistics = kept(job.output, request)
    if statistics is None:
        statistics = _statistics(job, opened, cells, grid, progress.part(0.0, 0.1))
    else:
        progress.info("Going on with an earlier run of the same job, which was stopped.")
    sampled_s = time.monotonic() - started
    identity = identity_of(identity_facts(opened.recognised, len(opened.source.band_names), _decoding(job)), {})
    with _writer(job, opened, grid, identity, statistics, request, watch) as writer:
        quantiser = _quantiser(statistics) if job.storage == "bytes" else None
        _write(writer, cells, quantiser, progress.part(0.1, 0.97))
        progress.checkpoint(1.0, "Writing the file")
        facts = _facts(job, opened, grid, identity, statistics, request, writer.seal())
        facts["seconds"] = {"sample": round(sampled_s, 3), "all": round(time.monotonic() - started, 3)}
        files, prints = _files(job, opened), request["inputs"]
        writer.finish(lambda _: write_sidecar(job.output, job, facts, inputs=files, prints=prints))
    return facts


def _announce(opened: Opened, progress: Progress) -> None:
    product, variant = opened.recognised.product, opened.recognised.variant
    year = f", year {opened.recognised.year}" if opened.recognised.year else ""
    progress.info(f"{product.title}, {variant}{year}: {len(opened.source.band_names)} dimensions.")
    if product.credit:
        progress.info(f"Name the source where you show what you make of it: {product.credit} ({product.licence})")
    if opened.source.turned:
        progress.info("The file begins in the south or the east; the embedding begins in the north-west, as usual.")
    if not opened.source.grid.crs:
        progress.warning("The file has no coordinate system; the embedding will have none either.")


def _decoding(job: OpenEmbedding) -> dict[str, Any]:
    """What the user said of another product; part of what its vectors mean."""
    return {"scale": job.scale, "offset": job.offset, "unit_length": job.unit_length}


def _statistics(
    job: OpenEmbedding, opened: Opened, cells: CellReader, grid: Grid, progress: Progress
) -> dict[str, Any]:
    """Ranges of the bytes and bands of the picture, from windows that lie spread over the result."""
    found: list[quantise.Float] = []
    lengths: list[quantise.Float] = []
    windows = grid.blocks(SAMPLE_SIDE)
    for place, number in enumerate(spread(len(windows))):
        progress.checkpoint(max(len(found) / SAMPLE_WINDOWS, place / len(windows)), "Sampling the file")
        values, valid = cells.read(windows[number])
        if valid.any():
            found.append(values[:, valid].T)
            lengths.append(cells.lengths(windows[number]))
        if len(found) == SAMPLE_WINDOWS:
            break
    if not found:
        raise BadInput(f"{job.input} holds no vector in the chosen area: all is nodata, masked, or outside.")
    if opened.recognised.product.unit_length:
        _check_lengths(np.concatenate(lengths), job.input, opened.recognised.product.title)
    sample = np.concatenate(found)
    quantiser = quantise.fit(sample)
    picture = components.picture(sample, ordered=False)
    return {"scale": quantiser.scale.tolist(), "offset": quantiser.offset.tolist(), "picture": picture}


def _check_lengths(lengths: quantise.Float, path: str, title: str) -> None:
    """Refuse vectors that should have length 1 and do not: codes kept as floats, or averaged codes."""
    length = float(np.median(lengths))
    if not LENGTHS[0] <= length <= LENGTHS[1]:
        raise BadInput(
            f"The vectors of {path} have length {length:.3g}, not 1 as those of {title}. They are codes kept as "
            "floats, or codes that were averaged or resampled. Take the file as it was published."
        )


def _quantiser(statistics: Mapping[str, Any]) -> Quantiser:
    return Quantiser(np.array(statistics["scale"], np.float32), np.array(statistics["offset"], np.float32))


def _write(writer: BlockWriter, cells: CellReader, quantiser: Quantiser | None, progress: Progress) -> None:
    order = [index for index in in_read_order(writer.windows, cells.factor) if index not in writer.done]
    for number, index in enumerate(order):
        window = writer.windows[index]
        stored: np.ndarray[Any, Any]
        shape = (len(writer.bands), window.height, window.width)
        stored = np.full(shape, np.nan, np.float32) if quantiser is None else np.full(shape, NODATA_CODE, np.uint8)
        for part, values, valid in cells.parts(window):
            progress.checkpoint(number / len(order))
            rows, cols = part.slices_in(window)
            numbers = np.where(valid, values, np.nan) if quantiser is None else quantiser.encode(values, valid)
            stored[:, rows, cols] = numbers
        writer.put(index, stored)


def _names(opened: Opened) -> Iterator[str]:
    pattern = opened.recognised.product.band_name
    for number, name in enumerate(opened.source.band_names):
        yield pattern.format(number) if pattern else name


def _writer(
    job: OpenEmbedding, opened: Opened, grid: Grid, identity: str, statistics: Mapping[str, Any],
    request: Mapping[str, Any], watch: Watch,
) -> BlockWriter:  # fmt: skip
    stored, count = job.storage == "bytes", len(opened.source.band_names)
    quantiser = _quantiser(statistics)
    scale = quantiser.scale if stored else np.ones(count, np.float32)
    offset = quantiser.offset if stored else np.zeros(count, np.float32)
    bands = [Band(n, float(s), float(o)) for n, s, o in zip(_names(opened), scale, offset, strict=True)]
    product = opened.recognised.product
    tags = {
        "format": str(FORMAT), "backbone": product.name, "model": opened.recognised.variant, "identity": identity,
        "dimensions": str(count), "patch_size_px": str(job.cell_size_px), "in_chans": str(count),
        "credit": product.credit, "licence": product.licence, "signature": _signature(identity, request),
    }  # fmt: skip
    return BlockWriter(
        job.output, grid, bands, "uint8" if stored else "float32", nodata=NODATA_CODE if stored else float("nan"),
        signature=request, tags=tags, keep=statistics, check=watch.check, foreseen_ratio=COMPRESSED_SHARE,
        block=block_side(grid.height, grid.width, count, 1 if stored else 4),
    )  # fmt: skip


def _signature(identity: str, request: Mapping[str, Any]) -> str:
    return digest({**request, "identity": identity})


def _facts(
    job: OpenEmbedding, opened: Opened, grid: Grid, identity: str, statistics: Mapping[str, Any],
    request: Mapping[str, Any], part: Path,
) -> dict[str, Any]:  # fmt: skip
    product = opened.recognised.product
    return {
        "result": "embedding",
        "backbone": product.name,
        "product": product.title,
        "variant": opened.recognised.variant,
        "year": opened.recognised.year,
        "credit": product.credit,
        "licence": product.licence,
        "source": product.source,
        "dimensions": len(opened.source.band_names),
        "cell_size_px": job.cell_size_px,
        "width": grid.width,
        "height": grid.height,
        "storage": job.storage,
        "bytes": part.stat().st_size,
        "picture": dict(statistics["picture"]),
        "identity": identity,
        "request": digest(request),
        "signature": _signature(identity, request),
    }
