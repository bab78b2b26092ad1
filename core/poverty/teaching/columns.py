"""Numbers of N places at T dates that heads learn from: statistics in memory, or vectors of a backbone on disk.

10,000 places at 21 dates with 1,024 numbers are 860 MB: they lie in a file beside the output, are mapped into memory
where they are needed, and stay there when a run is stopped, so that the next one goes on.
"""

import contextlib
import hashlib
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...chips import Places
from ...errors import Unwritable
from ...jobs.poverty.embedding import DatedEmbedding
from ...progress import Progress
from ...sidecar import fingerprint
from ...spool import Spool, journal_path, part_path
from ...version import VERSION
from ..series.stack import Series
from .bags import Samples
from .embedded import Embedder

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Int = NDArray[np.int64]
PIECE_BYTES = 64 * 2**20
"""Of the vectors of some places at a date, that are made and held together."""
ROWS = 4096
"""Places that a head tells at once."""
LAYOUT = "mean vectors of places, float32"


@dataclass
class Columns:
    """D numbers of each place at each date, piece by piece of the places.

    Attributes:
        known: (N, T) bool.
        starts: first place of each piece.
        pieces: [piece][date] (n, D) float32, NaN where not known; arrays or maps of a file.
    """

    known: Bool
    starts: list[int] = field(default_factory=list)
    pieces: list[list[Float]] = field(default_factory=list)

    @classmethod
    def of(cls, values: Float) -> "Columns":
        """Of (N, T, D) numbers in memory."""
        return cls(np.asarray(np.isfinite(values).all(axis=2)), [0], [list(values.transpose(1, 0, 2))])

    @property
    def width(self) -> int:
        """D."""
        return int(self.pieces[0][0].shape[1])

    def rows(self, place: Int, date: Int) -> Float:
        """(n, D) of some places, each at a date."""
        piece = np.searchsorted(self.starts, place, "right") - 1
        found = np.empty((len(place), self.width), np.float32)
        for number, at in sorted(set(zip(piece.tolist(), date.tolist(), strict=True))):
            own = np.flatnonzero((piece == number) & (date == at))
            found[own] = self.pieces[number][at][place[own] - self.starts[number]]
        return found

    def told_by(self, head: Any) -> NDArray[np.float64]:
        """(N, T) what a head says; NaN where not known."""
        found = np.full(self.known.shape, np.nan)
        for start, dates in zip(self.starts, self.pieces, strict=True):
            for at, vectors in enumerate(dates):
                own = np.flatnonzero(self.known[start : start + len(vectors), at])
                for first in range(0, len(own), ROWS):
                    some = own[first : first + ROWS]
                    found[start + some, at] = head.predict(np.asarray(vectors[some]))
        return found


@contextlib.contextmanager
def vectors_on_disk(
    embedder: Embedder, places: Places, samples: Sequence[Samples], output: str, request: Mapping[str, Any],
    progress: Progress,
) -> Iterator[list[Columns]]:  # fmt: skip
    """The mean vector of each place at each date, over its squares that are seen, by how likely they are.

    Args:
        embedder: makes the vectors.
        places: squares.
        samples: which belong to which place, for each model; equal ones share their numbers.
        output: of the job; `forget_vectors` removes what lies beside it when it is no longer needed.
        request: all that decides the vectors.
        progress: told how far it is.

    Raises:
        Unwritable: the folder, too little room in it, or another run writes the same.
        Cancelled: what is done stays.
    """
    distinct = list({id(one): one for one in samples}.values())
    count, dates = distinct[0].Y.shape
    each = max(1, PIECE_BYTES // (4 * embedder.width * len(distinct)))
    starts = list(range(0, count, each))
    _check_room(Path(output), 4 * count * dates * embedder.width * len(distinct))
    spool = Spool(
        Path(output),
        request,
        f"{LAYOUT}, {embedder.width}, {each} of {embedder.space.identity}",
        embedder.space.to_json(),
    )
    made = [Columns(np.zeros((count, dates), np.bool_), starts) for _ in distinct]
    try:
        _fill(spool, embedder, places, distinct, starts, progress)
        for which, columns in enumerate(made):
            _map(spool, columns, which, count, each, embedder.width)
        by_sample = dict(zip(map(id, distinct), made, strict=True))
        yield [by_sample[id(one)] for one in samples]
    finally:
        for columns in made:
            columns.pieces.clear()  # Windows removes no file that is mapped
        spool.close()


def _fill(
    spool: Spool, embedder: Embedder, places: Places, distinct: Sequence[Samples], starts: Sequence[int],
    progress: Progress,
) -> None:  # fmt: skip
    """Make the parts that are not there, date by date of some places."""
    count, dates = distinct[0].Y.shape
    ends = [*starts[1:], count]
    parts = len(starts) * dates
    if spool.blocks:
        progress.info(f"Going on with an earlier run: {len(spool.blocks)} of {parts} parts of the vectors are there.")
    for piece, (start, end) in enumerate(zip(starts, ends, strict=True)):
        for at in range(dates):
            number = piece * dates + at
            if number in spool.blocks:
                continue
            part, rows = progress.part(number / parts, (number + 1) / parts), np.arange(start, end)
            means = [_means(embedder, places, one, rows, at, part) for one in distinct]
            spool.append(number, [np.ascontiguousarray(mean).tobytes() for mean in means])


def vectors_request(
    asked: DatedEmbedding, seed: int, series: Series, places: Places, samples: Sequence[Samples]
) -> dict[str, Any]:
    """All that decides the vectors of places, for `vectors_on_disk`; where files lie does not count."""
    wanted = {name: value for name, value in vars(asked).items() if name not in ("series", "download")}
    hashed = hashlib.blake2b(digest_size=16)
    for array in (places.inside, *(part for one in samples for part in (one.place, one.chip, one.share))):
        hashed.update(np.ascontiguousarray(array).tobytes())
    return {
        "version": VERSION, "asked": wanted, "seed": seed, "series": fingerprint(series.path),
        "bands": list(series.bands), "dates": list(series.dates), "places": hashed.hexdigest(),
    }  # fmt: skip


def forget_vectors(output: str) -> None:
    """Remove what `vectors_on_disk` left for a later run."""
    for path in (part_path(Path(output)), journal_path(Path(output))):
        with suppress(OSError):
            path.unlink()


def _means(embedder: Embedder, places: Places, samples: Samples, rows: Int, date: int, progress: Progress) -> Float:
    """(n, D) of some places; NaN where none of their squares is seen."""
    squares, bag = samples.squares_of(rows)
    chip, share = samples.chip[squares], samples.share[squares]
    total, sums = np.zeros(len(rows)), np.zeros((len(rows), embedder.width), np.float32)
    for at, found in embedder.vectors(places.some(chip), date, progress):
        weight = share[at]
        np.add.at(total, bag[at], weight)
        np.add.at(sums, bag[at], found * weight[:, None].astype(np.float32))
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Float = np.where(total[:, None] > 0, sums / total[:, None].astype(np.float32), np.float32(np.nan))
    return means


def _map(spool: Spool, columns: Columns, which: int, count: int, each: int, width: int) -> None:
    dates = columns.known.shape[1]
    for piece, start in enumerate(columns.starts):
        columns.pieces.append([])
        size = min(each, count - start)
        for at in range(dates):
            stored = spool.blocks[piece * dates + at]
            offset = stored.offset + sum(stored.lengths[:which])
            path = part_path(spool.output)
            vectors = np.memmap(path, np.float32, "r", offset, (size, width))
            columns.pieces[-1].append(vectors)
            columns.known[start : start + size, at] = np.isfinite(vectors[:, 0])


def _check_room(output: Path, size: int) -> None:
    with suppress(OSError):
        if shutil.disk_usage(output.resolve().parent).free + _size(part_path(output)) < size:
            raise Unwritable(
                f"The vectors of all places need {size / 2**30:.1f} GB for the time of the job, which "
                f"{output.resolve().parent} does not have. Make room, write the model elsewhere, or ask for fewer "
                "dimensions or cells."
            )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
