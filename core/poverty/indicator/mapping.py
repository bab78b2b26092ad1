"""What models say of every cell of a region, some thousand at a time."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...chips import Places
from ...errors import BadInput
from ...grid import Grid, Window
from ...jobs.poverty.embedding import DatedEmbedding, embed_job
from ...jobs.poverty.map import IndicatorJob
from ...progress import Progress
from ...raster import open_raster
from ...region import window_of
from ...sidecar import fingerprint
from ...spool import Spool, journal_path, part_path
from ...version import VERSION
from ..series.stack import Series, read_series
from ..teaching.chipstore import all_squares, chips_on_disk
from ..teaching.columns import Columns
from ..teaching.embedded import Embedder, embedder_as
from .cellraster import cell_grid
from .ensemble import Ensemble

Float = NDArray[np.float64]
AT_ONCE = 4096
"""Cells on disk together: 0.5 GB of bytes at the published sizes."""
AT_ONCE_SLOWLY = 1024
"""Cells that are lost when a backbone is stopped."""
LAYOUT = "what models say of cells, float64"
READING = 0.4


@dataclass(frozen=True)
class Told:
    """N cells at T dates.

    Attributes:
        mean: (N, T) of all models; NaN where a date is not seen.
        spread: (N, T) standard deviation of the models.
        places: squares.
        grid: of the cells as a raster.
        inside: where that lies on the lattice of cells.
        dates: of the series.
    """

    mean: Float
    spread: Float
    places: Places
    grid: Grid
    inside: Window
    dates: tuple[str, ...]


def series_for(model: Ensemble, path: str) -> Series:
    """The series with the bands of the model, in its order.

    Raises:
        BadInput: a band is missing, or the series is of another length than the model reads as a whole.
    """
    series = read_series(path).picked(bands=model.facts["bands"])
    for member in model.members:
        if hasattr(member, "check_dates"):
            member.check_dates(len(series.dates))
    return series


def tell(model: Ensemble, series: Series, job: IndicatorJob, folder: Path, progress: Progress) -> Told:
    """Every whole cell in the extent.

    Raises:
        BadInput: no whole cell lies there.
        Cancelled: the user stopped it.
    """
    side = int(model.facts["cell_px"])
    with open_raster(series.path) as reader:
        grid = reader.grid
    window = window_of(grid, job.extent)
    cells, inside = cell_grid(grid, side, window)
    places = all_squares(grid, side, window)
    if not len(places):
        raise BadInput(f"No whole cell of {side} px lies in the extent. Choose a larger one.")
    mean = np.full((len(places), len(series.dates)), np.nan)
    spread = np.full_like(mean, np.nan)
    embedder = embedder_of(model, series, job, places, progress) if model.embedding else None
    step = AT_ONCE if embedder is None else AT_ONCE_SLOWLY
    parts = -(-len(places) // step)
    with contextlib.nullcontext() if embedder is None else _earlier(job, series, embedder, parts, progress) as spool:
        for number, start in enumerate(range(0, len(places), step)):
            at = slice(start, start + step)
            part = progress.part(start / len(places), min(start + step, len(places)) / len(places))
            some = places.some(at)
            if embedder is None or spool is None:
                with chips_on_disk(series.path, series.table, some, folder, part.part(0, READING)) as store:
                    said = model.predict(store, part.part(READING, 1), job.device, job.threads)
            elif number in spool.blocks:
                shape = len(model.members), len(some), len(series.dates)
                said = np.frombuffer(_bytes(spool, number)).reshape(shape)
            else:
                said = by_vectors(model, embedder, some, part)
                spool.append(number, [said.tobytes()])
            mean[at], spread[at] = said.mean(axis=0), said.std(axis=0)
    if not np.isfinite(mean).any():
        raise BadInput(
            f"{series.path} shows none of the {len(places):,} cells at any date. Look at its nodata and extent."
        )
    return Told(mean, spread, places, cells, inside, series.dates)


@contextlib.contextmanager
def _earlier(job: IndicatorJob, series: Series, embedder: Embedder, parts: int, progress: Progress) -> Iterator[Spool]:
    """What is said of cells, kept beside the map until all of it is there: backbones may take hours."""
    output = Path(next(iter(job.outputs().values())))
    request = {
        "version": VERSION, "model": fingerprint(job.model), "series": fingerprint(series.path), "extent": job.extent,
        "dates": list(series.dates), "backbone": embedder.backbone.identity,
    }  # fmt: skip
    spool = Spool(output, request, LAYOUT, {})
    if spool.blocks:
        progress.info(f"Going on with an earlier run: {len(spool.blocks)} of {parts} parts of the map are there.")
    try:
        yield spool
    except BaseException:
        spool.close()
        raise
    spool.close()
    for path in (part_path(output), journal_path(output)):
        path.unlink(missing_ok=True)


def _bytes(spool: Spool, number: int) -> bytes:
    stored = spool.blocks[number]
    spool.file.seek(stored.offset)
    return spool.file.read(sum(stored.lengths))


def by_vectors(model: Ensemble, embedder: Embedder, places: Places, progress: Progress) -> Float:
    """(M, n, T) what each member says of vectors of places; NaN where a date is not seen."""
    dates = len(embedder.dates)
    said = np.full((len(model.members), len(places), dates), np.nan)
    for date in range(dates):
        vectors = np.full((len(places), embedder.width), np.nan, np.float32)
        for at, found in embedder.vectors(places, date, progress.part(date / dates, (date + 1) / dates)):
            vectors[at] = found
        columns = Columns.of(vectors[:, None])
        for number, member in enumerate(model.members):
            said[number, :, date] = columns.told_by(member)[:, 0]
    return said


def embedder_of(model: Ensemble, series: Series, job: IndicatorJob, places: Places, progress: Progress) -> Embedder:
    """The backbone that the model learnt from, its weights where they lie now."""
    taught = model.facts["job"]
    asked = DatedEmbedding(
        series=series.path, backbone=model.embedding["backbone"], values=taught["values"], weights=job.weights
    )
    own = embed_job(asked, job.device, job.threads, taught["seed"])
    return embedder_as(model.embedding, Path(job.model).name, own, series, places, progress)
