"""Squares of pixels of N places at T dates, on disk while they are needed, and where a date is there at all.

10,000 places x 21 dates x 6 bands x 32 x 32 bytes are 1.3 GB: they lie in a file beside the output that goes away with
the job, in the type of the raster where that is exact, and are mapped into memory page by page.
"""

import contextlib
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import shapely
from numpy.typing import NDArray

from ...chips import BLOCK_PX, ENOUGH, MOST_NUMBERS, Chips, Places, chips_of, read_units, units_of
from ...errors import BadInput, BadJob, Unwritable
from ...grid import Grid, Window
from ...progress import Progress
from ...raster import RasterReader, open_raster
from ...spool import unwritable
from ...windows import Reader

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Int = NDArray[np.int64]
EXACT = ("uint8", "int8", "uint16", "int16")
"""Types that are kept as they are; numbers of others are read as float32."""
LOOKED_AT = 2_000
"""Places from which means and spreads of bands are told."""


@dataclass(frozen=True)
class ChipStore:
    """Pixels of N places.

    Attributes:
        values: (N, T, C, h, w) as stored in the raster, 0 at dates that are not seen; an array or a map of a file.
        seen: (N, T) bool: at least half of the pixels are valid. The others of such a date hold the mean of these.
    """

    values: NDArray[Any]
    seen: Bool

    def __len__(self) -> int:
        """Places."""
        return len(self.seen)

    @property
    def dates(self) -> int:
        """T."""
        return int(self.seen.shape[1])

    @property
    def bands(self) -> int:
        """C."""
        return int(self.values.shape[2])

    @property
    def cell_px(self) -> int:
        """Side of the square."""
        return int(self.values.shape[3])

    def forget(self) -> None:
        """Let go of the pixels: Windows removes no file that is mapped."""
        object.__setattr__(self, "values", np.zeros((0, *self.values.shape[1:]), self.values.dtype))

    def series(self, at: Int) -> Float:
        """(n, T, C, h, w) float32 of some places."""
        return np.asarray(self.values[at], np.float32)

    def images(self, at: Int, date: Int) -> Float:
        """(n, 1, C, h, w) float32 of some places, each at one date."""
        return np.asarray(self.values[at, date], np.float32)[:, None]


def squares(geometry: NDArray[np.object_], grid: Grid, cell_px: int) -> Places:
    """The square of `cell_px` that is centred on each polygon or point, to the nearest pixel.

    Args:
        geometry: (N,) in the coordinates of the grid.
        grid: of the raster; may be rotated.
        cell_px: side.
    """
    a, b, c, d, e, f = (~grid.transform)[:6]
    pixels = shapely.transform(
        geometry, lambda xy: np.stack([a * xy[:, 0] + b * xy[:, 1] + c, d * xy[:, 0] + e * xy[:, 1] + f], 1)
    )
    left, top, right, bottom = shapely.bounds(pixels).T
    return _squares(np.rint(np.stack([top + bottom, left + right], 1) / 2 - cell_px / 2).astype(np.int64), cell_px)


def all_squares(grid: Grid, cell_px: int, window: Window | None = None) -> Places:
    """All whole cells of the lattice that starts at the corner of a raster, row by row.

    Args:
        grid: of the raster.
        cell_px: side.
        window: cells that lie within alone; None: all.
    """
    inside = window or grid.whole
    first = -(-inside.row // cell_px), -(-inside.col // cell_px)
    last = (inside.row + inside.height) // cell_px, (inside.col + inside.width) // cell_px
    rows, cols = np.mgrid[first[0] : max(last[0], first[0]), first[1] : max(last[1], first[1])]
    return _squares(np.stack([rows.ravel(), cols.ravel()], 1).astype(np.int64) * cell_px, cell_px)


def _squares(corners: Int, cell_px: int) -> Places:
    boxes = np.concatenate([corners, np.full_like(corners, cell_px)], axis=1)
    return Places(boxes, boxes, np.full(len(boxes), None, dtype=object))


@contextlib.contextmanager
def chips_on_disk(
    path: str, bands: NDArray[np.int64], places: Places, folder: str | Path, progress: Progress
) -> Iterator[ChipStore]:
    """Read all places; the file goes away when the block ends.

    Args:
        path: of a raster with all bands of all dates.
        bands: (T, C) their numbers, dates earliest first; 0: not there, so that the date is seen nowhere.
        places: from `squares` or `all_squares`.
        folder: where the temporary file lies, with room for all.
        progress: told how far it is.

    Raises:
        BadInput: the raster cannot be read.
        BadJob: there is no place, or no date with all bands.
        Unwritable: the folder, or too little room in it.
    """
    if not len(places) or not (bands > 0).all(axis=1).any():
        raise BadJob("There are no cells, or no date has all bands. Look at the region and at the bands of the series.")
    with open_raster(path, [int(band) for band in bands[bands > 0]]) as reader:
        exact = reader.dtype in EXACT and not reader.scaled
        dtype = np.dtype(reader.dtype if exact else "float32")
    side = int(places.inside[0, 2])
    shape = (len(places), *bands.shape, side, side)
    with _file(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize, Path(folder)) as file:
        store = ChipStore(np.memmap(file, dtype, "r+", shape=shape), np.zeros(shape[:2], np.bool_))
        try:
            _fill(store, path, bands, places, progress)
            yield store
        finally:
            store.forget()


@contextlib.contextmanager
def _file(size: int, folder: Path) -> Iterator[Path]:
    """A file of that size, its room taken beforehand: a full disk ends the process where a map of it is written."""
    try:
        if shutil.disk_usage(folder).free < size:
            raise Unwritable(
                f"The pixels of all cells need {size / 2**30:.1f} GB for the time of the job, which {folder} does not "
                "have. Make room, write the result elsewhere, or take a smaller region."
            )
        room = tempfile.TemporaryDirectory(prefix=".quadrat-chips-", dir=folder, ignore_cleanup_errors=True)
    except OSError as error:
        raise unwritable(error, folder / "chips") from error
    with room as inner:
        path = Path(inner) / "chips"
        try:
            with open(path, "wb") as file:
                file.truncate(size)
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            raise unwritable(error, path) from error
        yield path


def _fill(store: ChipStore, path: str, bands: NDArray[np.int64], places: Places, progress: Progress) -> None:
    """Read as many dates together as fit a large block of the raster, block by block."""
    whole = np.flatnonzero((bands > 0).all(axis=1))
    together = max(1, MOST_NUMBERS // ((BLOCK_PX + 2 * store.cell_px) ** 2 * bands.shape[1]))
    groups = np.array_split(whole, -(-len(whole) // together))
    units = units_of(places)
    for number, dates in enumerate(groups):
        part = progress.part(number / len(groups), (number + 1) / len(groups))
        with open_raster(path, [int(band) for band in bands[dates].ravel()]) as reader:
            dated = cast(Reader, _Dated(reader, bands.shape[1]))  # all that is asked of it here
            for piece in read_units(dated, places, units, range(len(units))):
                for chips in chips_of(places, piece):
                    _keep(store, chips, dates)
                part.checkpoint((piece.unit + 1) / len(units), "Reading cells" if not piece.unit else "")


def _keep(store: ChipStore, chips: Chips, dates: Int) -> None:
    """Write the chips of a unit at some dates."""
    values = chips.values.reshape(len(chips.at), len(dates), store.bands, *chips.values.shape[2:])
    valid = ~np.isnan(values[:, :, :1])
    share = valid.mean(axis=(2, 3, 4))
    seen = share >= ENOUGH
    if (share < 1).any():
        count = np.maximum(valid.sum(axis=(3, 4), keepdims=True), 1)
        mean = np.where(valid, values, 0).sum(axis=(3, 4), keepdims=True, dtype=np.float64) / count
        values = np.where(valid, values, np.where(seen[:, :, None, None, None], mean, 0)).astype(np.float32)
        values[~seen] = 0
    if store.values.dtype.kind in "iu":
        values = np.rint(values)
    store.values[chips.at[:, None], dates] = values.astype(store.values.dtype)
    store.seen[chips.at[:, None], dates] = seen


class _Dated:
    """A reader of several dates, in which a date is NaN where one of its bands is missing, as `read_units` asks for."""

    def __init__(self, reader: RasterReader, bands: int) -> None:
        self._reader, self._each = reader, bands
        self.bands = reader.bands

    def read(self, window: Window) -> tuple[Float, Bool]:
        """Values (dates * C, h, w) float32 and validity (h, w) at some date."""
        values, known = self._reader.read_each(window)
        dated = values.reshape(-1, self._each, window.height, window.width)
        seen = cast(Bool, known.reshape(dated.shape).all(axis=1))
        np.copyto(dated, np.float32(np.nan), where=~seen[:, None])
        return values, cast(Bool, seen.any(axis=0))


def band_statistics(store: ChipStore, at: Int) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each band over pixels of dates that are seen.

    Args:
        store: of all places.
        at: places to look at, all or `LOOKED_AT` that are spread evenly over them.

    Raises:
        BadInput: nothing is seen at any date.
    """
    looked = at[np.unique(np.linspace(0, len(at) - 1, min(len(at), LOOKED_AT)).astype(np.int64))]
    count, total, squared = 0, np.zeros(store.bands), np.zeros(store.bands)
    for place in looked:
        pixels = np.asarray(store.values[place][store.seen[place]], np.float64)
        count += pixels[:, 0].size
        total += pixels.sum(axis=(0, 2, 3))
        squared += (pixels**2).sum(axis=(0, 2, 3))
    if not count:
        raise BadInput("No date of the series is seen at any of the cells to train on. Look at its nodata and extent.")
    mean = total / count
    spread = np.sqrt(np.maximum(squared / count - mean**2, 0))
    return mean.tolist(), np.where(spread > 0, spread, 1.0).tolist()


def fingerprint(store: ChipStore, looked: int = 256) -> Sequence[Any]:
    """What tells two stores apart in all but contrived cases: shape, type, gaps, and a few places to the last bit."""
    at = np.unique(np.linspace(0, len(store) - 1, min(len(store), looked)).astype(np.int64))
    pixels = zlib.crc32(np.ascontiguousarray(store.values[at]).tobytes())
    return [list(store.values.shape), str(store.values.dtype), zlib.crc32(np.packbits(store.seen).tobytes()), pixels]
