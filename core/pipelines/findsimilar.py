"""Find similar places: embedding and places in, similarity of every cell and the best cells out."""

import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from ...models.crew import thread_count
from ..active.spread import Spread
from ..atomic import check_apart, check_folder
from ..blocks import draw_cells, fill
from ..errors import BadJob
from ..footing import Footing, unit
from ..heads.fitting import run_all
from ..jobs.choose import FindSimilar
from ..jobs.declare import Result
from ..labels import read_cells, space_of
from ..places import Places, cell_area, centres, ground, need_some, read_places
from ..progress import Progress
from ..raster import RasterReader, environment, open_raster
from ..sidecar import fingerprint, write_sidecar
from ..tablemap import write_table
from ..version import VERSION
from ..writing import Band, BlockWriter
from .suggestlabels import check_layer

Float = NDArray[np.float32]

SUFFIXES = (".tif", ".tiff")
SAMPLE_CELLS = 10_000
"""From which average and scale of the raster are taken."""
CELLS_OF_PLACE = 200
CELLS_APART = 5
LOOKED_AT_CELLS = 512
"""Side of the windows in which the best are looked for."""
KEPT_FOR_EACH = 50
"""Candidates kept for each place wanted, while the raster is gone through."""
MOST_COSINES = 16_000_000
"""Held at once, so that many places need bounded memory."""
RANGE_QUANTILES = (0.02, 0.999)


def run(job: FindSimilar, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: places and embedding cannot be brought together, or a file cannot be written.
    """
    started = time.monotonic()
    check_apart(job.outputs(), {name: getattr(job, name) for name in ("embedding", "places")})
    check_raster(job.output)
    if job.output_places:
        check_layer(job.output_places)
    with environment(), threadpool_limits(limits=thread_count(job.threads)), open_raster(job.embedding) as reader:
        places = read_places(job.places, reader, CELLS_OF_PLACE, job.seed, progress.part(0.0, 0.1))
        for line in places.report.lines()[1:]:
            progress.info(line)
        need_some(places, job.places, "places")
        sample = draw_cells(reader, SAMPLE_CELLS, job.seed, progress.part(0.1, 0.2))
        own_units = space_of(reader).own_units
        footing = run_all([lambda: Footing.fit(sample.X, own_units)], 1, progress.part(0.2, 0.25))[0]
        wanted, rows = targets(places, footing, job.how)
        with _writer(job, reader) as writer:
            fill(reader, writer, lambda X: similarity(X, footing, wanted)[None], progress.part(0.25, 0.8))
        shown = np.quantile(similarity(sample.X, footing, wanted), RANGE_QUANTILES)
        facts: dict[str, Any] = {
            "range": [float(shown[0]), float(max(shown[1], shown[0] + 1e-6))],
            "places": len(rows), "how": job.how, "footing": "own scales" if own_units else "common scale",
        }  # fmt: skip
        inputs = {name: getattr(job, name) for name in ("embedding", "places")}
        write_sidecar(job.output, job, {**facts, "result": "similarity"}, inputs=inputs)
        if job.output_places:
            frame = _best(job, reader, places, footing, wanted, rows, progress.part(0.8, 1.0))
            write_table(frame, job.output_places)
            facts |= {"design": "chosen", "listed": len(frame)}
            write_sidecar(job.output_places, job, {**facts, "result": "places"}, inputs=inputs)
    return Result(job.facts.id, job.outputs(), {**facts, "result": "similarity"}, time.monotonic() - started)


def check_raster(path: str) -> None:
    """Refuse a raster that could not be written, before the work.

    Raises:
        BadJob: no GeoTIFF.
        Unwritable: the folder.
    """
    if Path(path).suffix.lower() not in SUFFIXES:
        raise BadJob(f"{path} must be a .tif file.")
    check_folder(path)


def targets(places: Places, footing: Footing, how: str) -> tuple[Float, NDArray[np.int64]]:
    """(P, K) directions to compare with and the features that they stand for: one for each, or the mean of all.

    A feature of many cells weighs as much as a point.
    """
    directions = unit(footing(places.X))
    rows = np.unique(places.feature)
    each = unit(np.stack([directions[places.feature == row].mean(axis=0) for row in rows]))
    return (each, rows) if how == "nearest" else (unit(each.mean(axis=0, keepdims=True)), rows)


def similarity(X: Float, footing: Footing, wanted: Float) -> Float:
    """(n,) largest cosine to any of the wanted directions."""
    directions = unit(footing(X))
    rows = max(1, MOST_COSINES // len(wanted))
    pieces = [(directions[at : at + rows] @ wanted.T).max(axis=1) for at in range(0, len(directions), rows)]
    return np.concatenate(pieces).astype(np.float32)


def _writer(job: FindSimilar, reader: RasterReader) -> BlockWriter:
    signature = {
        "job": "findsimilar", "embedding": fingerprint(job.embedding), "places": fingerprint(job.places),
        "layer": job.places.partition("|")[2], "how": job.how, "seed": job.seed, "version": VERSION,
    }  # fmt: skip
    return BlockWriter(
        job.output, reader.grid, (Band("similarity"),), "float32", nodata=float("nan"), signature=signature,
        tags={"format": "1"}, threads=thread_count(job.threads),
    )  # fmt: skip


def _best(
    job: FindSimilar, reader: RasterReader, places: Places, footing: Footing, wanted: Float,
    rows: NDArray[np.int64], progress: Progress,
) -> gpd.GeoDataFrame:  # fmt: skip
    side = float(np.sqrt(cell_area(reader.grid)))
    spacing = job.spacing_m or CELLS_APART * side
    values, cells = _candidates(job.output, max(1, int(spacing / side / 2)), KEPT_FOR_EACH * job.count, progress)
    near = ground(reader.grid, places.cells)
    spread = Spread(ground(reader.grid, cells), len(cells), spacing, near)
    while len(spread.taken) < job.count and spread.open.any():  # never nearer than asked: a list of one thing is none
        spread.take(int(np.where(spread.open, values, -np.inf).argmax()))
    chosen = np.array(spread.taken, dtype=np.int64)
    if len(chosen) < job.count:
        progress.warning(f"Only {len(chosen)} places are alike at all and {spacing:.4g} m apart, not {job.count}.")
    X, _ = read_cells(reader, cells[chosen], progress)
    each, _ = targets(places, footing, "nearest")
    like = rows[(unit(footing(X)) @ each.T).argmax(axis=1)] + 1 if len(chosen) else np.empty(0, np.int64)
    columns = {
        "rank": np.arange(1, len(chosen) + 1),
        "class": np.full(len(chosen), None, dtype=object),
        "similarity": np.round(values[chosen].astype(np.float64), 4),
        "like": like,
        "reason": [
            f"similarity {value:.2f}, most like place {row}" for value, row in zip(values[chosen], like, strict=True)
        ],
    }
    xy = centres(reader.grid, cells[chosen])
    return gpd.GeoDataFrame(columns, geometry=gpd.points_from_xy(*xy.T), crs=reader.grid.crs or None)


def _candidates(path: str, bin_cells: int, most: int, progress: Progress) -> tuple[Float, NDArray[np.int64]]:
    """The most similar cells of a finished raster, one from each bin of so many cells a side; best first."""
    kept = np.empty(0, np.float32)
    cells = np.empty((0, 2), np.int64)
    step = bin_cells * max(1, LOOKED_AT_CELLS // bin_cells)
    with open_raster(path) as reader:
        windows = reader.grid.blocks(step)
        for number, window in enumerate(windows):
            progress.checkpoint(number / len(windows))
            values, valid = reader.read(window)
            good = np.argwhere(valid & (values[0] > 0))
            found = values[0][tuple(good.T)]
            order = np.argsort(-found, kind="stable")
            _, first = np.unique((good[order] // bin_cells) @ (step, 1), return_index=True)
            best = order[first]
            kept = np.concatenate([kept, found[best]])
            cells = np.concatenate([cells, good[best] + (window.row, window.col)])
            top = np.argsort(-kept, kind="stable")[:most]
            kept, cells = kept[top], cells[top]
    return kept, cells
