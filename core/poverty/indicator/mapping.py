"""What models say of every cell of a region, some thousand at a time."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...chips import Places
from ...errors import BadInput
from ...feeding import ahead
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
from ..teaching.chipstore import ChipStore, all_squares, chips_on_disk
from ..teaching.columns import Columns
from ..teaching.embedded import Embedder, embedder_as
from .cellraster import cell_grid
from .ensemble import Ensemble

Float = NDArray[np.float64]
AT_ONCE = 2048
"""Cells on disk together, while as many are read: twice 0.25 GB of bytes at the published sizes."""
AT_ONCE_SLOWLY = 1024
"""Cells that are lost when a backbone is stopped."""
LAYOUT = "what models say of cells, float64"


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
    parts = [slice(start, min(start + step, len(places))) for start in range(0, len(places), step)]
    with _earlier(job, series, embedder, parts, progress) as spool:
        left = [number for number in range(len(parts)) if number not in spool.blocks]
        if embedder is None:
            fresh = by_pixels(
                model, series, job, folder, {number: places.some(parts[number]) for number in left}, progress
            )
        else:
            fresh = (
                (n, by_vectors(model, embedder, places.some(parts[n]), _share(progress, parts[n], places)))
                for n in left
            )
        for number, told in fresh:
            spool.append(number, [told.tobytes()])
        for number, at in enumerate(parts):
            said = np.frombuffer(_bytes(spool, number)).reshape(len(model.members), at.stop - at.start, -1)
            mean[at], spread[at] = said.mean(axis=0), said.std(axis=0)
    if not np.isfinite(mean).any():
        raise BadInput(
            f"{series.path} shows none of the {len(places):,} cells at any date. Look at its nodata and extent."
        )
    return Told(mean, spread, places, cells, inside, series.dates)


@contextlib.contextmanager
def _earlier(
    job: IndicatorJob, series: Series, embedder: Embedder | None, parts: Sequence[slice], progress: Progress
) -> Iterator[Spool]:
    """What is said of cells, kept beside the map until all of it is there: networks may take hours."""
    output = Path(next(iter(job.outputs().values())))
    request = {
        "version": VERSION, "model": fingerprint(job.model), "series": fingerprint(series.path), "extent": job.extent,
        "dates": list(series.dates), "backbone": embedder.backbone.identity if embedder else "",
        "ends": [part.stop for part in parts],
    }  # fmt: skip
    spool = Spool(output, request, LAYOUT, {})
    if spool.blocks:
        progress.info(f"Going on with an earlier run: {len(spool.blocks)} of {len(parts)} parts of the map are there.")
    try:
        yield spool
    except BaseException:
        spool.close()
        raise
    spool.close()
    for path in (part_path(output), journal_path(output)):
        path.unlink(missing_ok=True)


def _share(progress: Progress, part: slice, places: Places) -> Progress:
    return progress.part(part.start / len(places), part.stop / len(places))


def _bytes(spool: Spool, number: int) -> bytes:
    stored = spool.blocks[number]
    spool.file.seek(stored.offset)
    return spool.file.read(sum(stored.lengths))


def by_pixels(
    model: Ensemble, series: Series, job: IndicatorJob, folder: Path, parts: Mapping[int, Places], progress: Progress
) -> Iterator[tuple[int, Float]]:
    """Number of each part and (M, n, T) what each member says of it, while the pixels of the next are read to disk.

    Raises:
        Cancelled: the user stopped it.
    """
    rooms = [contextlib.ExitStack() for _ in parts]

    def read() -> Iterator[ChipStore]:
        for room, places in zip(rooms, parts.values(), strict=True):
            yield room.enter_context(chips_on_disk(series.path, series.table, places, folder, progress.quiet()))

    progress.checkpoint(0.0, "Reading cells")
    with contextlib.ExitStack() as all_rooms:
        for room in rooms:
            all_rooms.enter_context(room)
        made = all_rooms.enter_context(contextlib.closing(ahead(read, 1)))
        for at, (number, room, store) in enumerate(zip(parts, rooms, made, strict=True)):
            part = progress.part(at / len(parts), (at + 1) / len(parts))
            yield number, model.predict(store, part, job.device, job.threads)
            room.close()


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
