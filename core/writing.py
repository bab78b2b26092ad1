"""Rasters written block by block: resumable, bounded in memory, and under the final name only when whole.

Blocks are compressed in threads and appended to the spool in the order in which they are put, each overview tile right
behind the last block that it is made of. At the end the spool becomes the TIFF in place: directories are appended, the
header is written, the file is renamed. Nothing is copied, and nothing is read again.
"""

import json
import os
import shutil
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.io import MemoryFile

from ..models.crew import thread_count
from . import tiff
from .errors import QuadratError, Unwritable
from .grid import Grid
from .overviews import Pyramid, Unfinished, levels_of, step_for
from .packing import PREDICTOR_DIFFERENCES, PREDICTOR_NONE, Packed, Packer
from .spool import Spool, digest, kept, part_path, unwritable

__all__ = ["Band", "BlockWriter", "kept"]

BLOCK_CELLS = 128
"""With bands apart, on Sentinel-2 continued by mirroring: a view of 1000 x 1000 cells of 3 bands takes 30 ms, with 64
cells 80, with 32 200; the vector of a place 5 ms of 64 bands, the same with 64 cells, and 14 ms of 256 bands with 64.
With bands together, in GDAL's own files, a vector takes 2 ms, but a view of 512 x 512 cells 45 to 63, four times that
for 1000 x 1000. All bands of a block follow one another in the file, so that a vector is read in one go."""
LEVEL = 1
"""Of zstd, on bytes of the default backbone of four scenes (drone, aeroplane, Sentinel-2, Landsat 7), with differences
along rows: 62 to 71 % of the plain size in 3.5 to 8.5 ns a number; level 6 saves nothing in 15 to 26 ns, without
differences 9 to 12 points are lost. Random features have many equal numbers: 50 to 59 % without differences, 55 to 64 %
with, so that a sample decides (`trialblock.py`). On Sentinel-2 alone, floats of the default backbone 93 %, with
differences 92 %, with bytes apart (predictor 3) 90 % in twice the time.
`python tests/benchmarks/bench_storage.py layout`: processor time on a busy machine, one run."""
MOST_THREADS = 8
"""Reckoned, not measured: at 4 ns a number they pack 2 GB a second, more than most disks take."""
STALE_COMPANIONS = (".aux.xml", ".ovr", ".msk")


@dataclass(frozen=True)
class Band:
    """Name of a band, and how stored numbers become values: value = number * scale + offset."""

    name: str
    scale: float = 1.0
    offset: float = 0.0


class BlockWriter:
    """A GeoTIFF in the making. Leave the context without `finish` and the work done so far is kept.

    Args of the constructor:
        path: of the TIFF.
        grid: its transform, CRS and shape.
        bands: name, scale and offset of each.
        dtype: numpy name of the stored numbers.
        nodata: number that stands for nothing; NaN is one.
        signature: all that decides the values; an unfinished run of an equal one is gone on with.
        tags: for the metadata domain QUADRAT.
        colours: (R, G, B, A) by number, for a single band of bytes.
        category_names: names of the numbers 0, 1, ...
        categorical: overviews take the commonest number, not the mean; None: when there are colours.
        differences: whole numbers are packed as differences from their neighbours; never those of classes.
        keep: JSON values that a later run needs to go on; `kept` gives them back.
        check: called before a block counts as done; raises when it cannot be relied on.
        foreseen_ratio: least size that compressed data can have of the plain size; if the disk holds less, the job
            is refused at once.
        block: side of a block in cells, a multiple of 16; 0: 128, or less for a small raster.
        threads: that compress; 0: as many as there are cores. At most `MOST_THREADS`, and twice as many blocks wait.

    Attributes:
        windows: the blocks in file order; a block's index is its position here.
        done: blocks that an interrupted run of the same signature has finished.
        packer: packs blocks; workers elsewhere get a copy of it.

    Blocks are given by `put`; or made elsewhere, room for each claimed by `reserve`, its bytes written into the file of
    blocks by whoever has them, and told by `written`. Both may be called from any thread.
    """

    def __init__(
        self,
        path: str | Path,
        grid: Grid,
        bands: Sequence[Band],
        dtype: str,
        *,
        nodata: float | None,
        signature: Mapping[str, Any],
        tags: Mapping[str, str] | None = None,
        colours: Mapping[int, tuple[int, int, int, int]] | None = None,
        category_names: Sequence[str] | None = None,
        categorical: bool | None = None,
        differences: bool = True,
        keep: Mapping[str, Any] | None = None,
        check: Callable[[], None] = lambda: None,
        foreseen_ratio: float = 0.05,
        block: int = 0,
        threads: int = 0,
    ) -> None:
        """Open the spool beside `path`.

        Raises:
            Unwritable: missing or read-only folder, disk too full, or another process writes the same file.
        """
        self.path = Path(path)
        self.grid, self.bands, self.dtype, self.nodata = grid, tuple(bands), np.dtype(dtype), nodata
        self.block = block or min(BLOCK_CELLS, -(-max(grid.height, grid.width) // 16) * 16)
        self.windows = grid.blocks(self.block)
        self._tags = dict(tags or {})
        if category_names:
            self._tags["category_names"] = json.dumps(list(category_names), ensure_ascii=False)
        self._colours = dict(colours or {})
        self._categorical = bool(colours) if categorical is None else categorical
        differences = differences and self.dtype.kind in "iu" and not self._categorical
        predictor = PREDICTOR_DIFFERENCES if differences else PREDICTOR_NONE
        self.packer = Packer(
            self.block, self.dtype.name, nodata, predictor, LEVEL,
            step_for(grid.height, grid.width, len(self.bands)), self._categorical,
        )  # fmt: skip
        self._check_room(foreseen_ratio)
        self._spool = Spool(self.path, signature, self._layout(), keep or {}, check)
        self.done = frozenset(index for index in self._spool.blocks if index < len(self.windows))
        levels = levels_of(grid.height, grid.width, self.block, self.packer.step)
        self._pyramid = Pyramid(levels, self.packer, len(self.bands), self._spool.blocks, self._spool.place)
        count = min(thread_count(threads), MOST_THREADS)
        self._limit = 2 * count
        self._pool = ThreadPoolExecutor(count, "compress")
        self._turn = threading.RLock()
        self._waiting = deque((tile.number, self._make(tile)) for tile in self._pyramid.whole())

    def __enter__(self) -> "BlockWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def put(self, index: int, values: NDArray[Any]) -> None:
        """Hand over a finished block; the array must not be changed afterwards.

        Args:
            index: position in `windows`.
            values: (count, h, w) of the dtype; two dimensions will do for a single band.

        Raises:
            ValueError: shape or dtype do not fit.
            Unwritable: the disk is full or the folder went away.
        """
        window = self.windows[index]
        values = values[None] if values.ndim == 2 else values
        wanted = (len(self.bands), window.height, window.width)
        if values.shape != wanted or values.dtype != self.dtype:
            raise ValueError(f"Block {index} must be {wanted} {self.dtype}, not {values.shape} {values.dtype}.")
        with self._turn:
            self._waiting.append((index, self._pool.submit(self.packer.pack, values)))
            self._drain(self._limit)

    def reserve(self, index: int, lengths: Sequence[int], checksum: int) -> int:
        """Claim room for a block that was packed elsewhere; returns its offset in `part_path(path)`.

        Claims are met in their order: what follows one that is never met is not kept when the run ends. When a writer
        is lost, claim again for the next one.

        Args:
            index: position in `windows`.
            lengths: bytes of the packed segments, one for each band.
            checksum: of the packed block.

        Raises:
            ValueError: no such block, or it is there already.
        """
        if not 0 <= index < len(self.windows) or len(lengths) != len(self.bands):
            raise ValueError(f"{self.path} has no block {index} of {len(lengths)} bands.")
        with self._turn:
            return self._spool.reserve(index, lengths, checksum)

    def written(self, index: int, reduced: NDArray[Any] | None) -> None:
        """Say that a reserved block is in the file, brought to the disk by whoever wrote it.

        Args:
            index: position in `windows`.
            reduced: of the packed block; None: the overviews read it back from the file.

        Raises:
            KeyError: no room was claimed for it.
            Unwritable: the disk is full or the folder went away.
        """
        with self._turn:
            self._spool.written(index)
            self._raise_overviews(index, reduced)
            self._drain(self._limit)

    def seal(self) -> Path:
        """Make the TIFF of the blocks, whole and on the disk, still under the name of an unfinished one.

        Returns:
            Where it lies, and GDAL can read it.

        Raises:
            ValueError: a block was never put.
            Unwritable: disk full, or the folder went away.
        """
        with self._turn:
            self._drain(0)
        missing = sum(index not in self._spool.blocks for index in range(len(self.windows)))
        if missing:
            raise ValueError(f"{missing} of {len(self.windows)} blocks of {self.path} were never put.")
        try:
            self._write_directory()
            os.fsync(self._spool.file.fileno())
        except OSError as error:
            raise unwritable(error, self.path) from error
        return part_path(self.path)

    def finish(self, tell: Callable[[Path], None] | None = None) -> None:
        """Make the TIFF of the blocks and give it its name.

        Args:
            tell: writes what is told of the whole file, given where that lies. When this fails, or the process ends
                here, nothing is lost: the next run begins with all blocks.

        Raises:
            ValueError: a block was never put.
            Unwritable: disk full, or the final name is in use by another program.
        """
        part = self.seal()
        try:
            # Before the rename: companions of the file that is replaced would tell lies about the new one, and what
            # is told of the new one would be a lie about it.
            for suffix in ("", *STALE_COMPANIONS) if tell else STALE_COMPANIONS:
                Path(f"{self.path}{suffix}").unlink(missing_ok=True)
        except OSError as error:
            raise unwritable(error, self.path) from error
        if tell is not None:
            tell(part)
        self._spool.deliver()

    def close(self) -> None:
        """Store what is finished, then let go of file and threads."""
        try:
            with self._turn:
                self._drain(0)
        except QuadratError:
            pass  # here it must not hide what ended the run; what is not kept is made again
        finally:
            self._pool.shutdown(cancel_futures=True)
            self._spool.close()

    def _drain(self, limit: int) -> None:
        """Append blocks in the order in which they were put, until at most `limit` are under way."""
        try:
            while self._waiting and (len(self._waiting) > limit or self._waiting[0][1].done()):
                index, future = self._waiting.popleft()
                packed = future.result()
                self._spool.append(index, packed.segments, packed.checksum)
                self._raise_overviews(index, packed.reduced)
        except BaseException as error:
            # Where a block lies follows from the order: none may take the place of one that failed.
            self._waiting.clear()
            if isinstance(error, OSError):
                raise unwritable(error, self.path) from error
            raise

    def _raise_overviews(self, index: int, reduced: NDArray[Any] | None) -> None:
        """A tile whose last part is stored is next, so that its place follows from the order of the blocks."""
        tile = self._pyramid.add(index, reduced)
        if tile is not None:
            self._waiting.appendleft((tile.number, self._make(tile)))

    def _make(self, tile: Unfinished) -> Future[Packed]:
        return self._pool.submit(tile.pack, self.packer, lambda: open(part_path(self.path), "rb"))

    def _layout(self) -> str:
        """Hash of what decides how bytes are laid out; blocks of another layout cannot be gone on with."""
        return digest(
            {
                "grid": [*self.grid.transform, self.grid.crs, self.grid.height, self.grid.width],
                "bands": [asdict(band) for band in self.bands],
                "packer": {**asdict(self.packer), "nodata": repr(self.nodata)},
                "tags": self._tags,
            }
        )

    def _check_room(self, ratio: float) -> None:
        plain = self.grid.height * self.grid.width * len(self.bands) * self.dtype.itemsize
        try:
            free = shutil.disk_usage(self.path.absolute().parent).free
            there = part_path(self.path).stat().st_size if part_path(self.path).exists() else 0
        except OSError as error:
            raise unwritable(error, self.path) from error
        if plain * ratio > free + there:
            raise Unwritable(
                f"{self.path} needs about {_size(plain * ratio)}, and the disk has {_size(free)} left. "
                "Make room, choose another disk, fewer dimensions or more pixels to a cell."
            )

    def _write_directory(self) -> None:
        tags = tiff.read_tags(self._template())
        directories = []
        for level in self._pyramid.levels:
            offsets = np.zeros((len(self.bands), level.tiles), np.uint64)
            lengths = np.zeros((len(self.bands), level.tiles), np.uint32)
            for at in range(level.tiles):
                stored = self._spool.blocks[level.first + at]
                lengths[:, at] = stored.lengths
                offsets[0, at] = stored.offset
            offsets[1:] = offsets[0] + np.cumsum(lengths[:-1], axis=0, dtype=np.uint64)
            own = tiff.reduced_tags(tags) if level.first else tags
            directories.append(tiff.Directory(own, (level.height, level.width), offsets.ravel(), lengths.ravel()))
        places = sum(one.offsets.size for one in directories)
        big = self._spool.end + 32 * places + 2**20 >= tiff.CLASSIC_LIMIT
        tiff.write_directories(self._spool.file, self._spool.end, directories, big=big)

    def _template(self) -> bytes:
        """A file of one empty tile, written by GDAL, that carries all tags which do not depend on the data."""
        profile: dict[str, Any] = {
            "driver": "GTiff", "width": self.block, "height": self.block, "count": len(self.bands),
            "dtype": self.dtype.name, "crs": self.grid.crs or None, "transform": self.grid.transform,
            "nodata": self.nodata, "tiled": True, "blockxsize": self.block, "blockysize": self.block,
            "compress": "zstd", "predictor": self.packer.predictor, "interleave": "band", "sparse_ok": True,
            "photometric": "minisblack",
        }  # fmt: skip
        with MemoryFile() as memory:
            with memory.open(**profile) as template:
                template.descriptions = [band.name for band in self.bands]
                if any(band.scale != 1 or band.offset != 0 for band in self.bands):
                    template.scales = [band.scale for band in self.bands]
                    template.offsets = [band.offset for band in self.bands]
                template.update_tags(ns="QUADRAT", **self._tags)
                if self._colours:
                    template.write_colormap(1, self._colours)
            return bytes(memory.getbuffer())


def _size(count: float) -> str:
    """Bytes in words."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"
