"""Blocks of numbers as they lie in the file: compressed band by band, and reduced for the overviews.

A packer is plain data, so that a block can be packed in a thread here or by a worker on another machine. No files.
"""

import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import zstandard
from numpy.typing import NDArray

Array = NDArray[Any]

PREDICTOR_NONE, PREDICTOR_DIFFERENCES = 1, 2
_own = threading.local()
"""Each thread's compressors, by level: one serves one call at a time."""


class Packed(NamedTuple):
    """A block as it lies in the file, and what the overviews need of it."""

    segments: list[bytes]
    """Compressed tile of each band; in the file they follow one another."""
    checksum: int
    """CRC-32 of all segments."""
    reduced: Array | None
    """(count, ceil(h / step), ceil(w / step)); None where there are no overviews."""

    @property
    def lengths(self) -> tuple[int, ...]:
        """Bytes of each segment."""
        return tuple(map(len, self.segments))


@dataclass(frozen=True)
class Packer:
    """How the blocks of one raster are packed.

    Attributes:
        block: side of a block in cells, a multiple of 16.
        dtype: numpy name of the stored numbers.
        nodata: number that stands for nothing; NaN is one; None: all numbers count.
        predictor: of the TIFF: 1 none, 2 differences along rows.
        level: of zstd.
        step: cells of a block, along each axis, that are one cell of the overview; 0: no overviews.
        categorical: overviews take the commonest number, not the mean.
    """

    block: int
    dtype: str
    nodata: float | None
    predictor: int
    level: int
    step: int = 0
    categorical: bool = False

    def pack(self, values: Array) -> Packed:
        """Compress and reduce.

        Args:
            values: (count, h, w) of the dtype, at most `block` by `block` cells; not changed.
        """
        segments = self._compress(values)
        checksum = 0
        for segment in segments:
            checksum = zlib.crc32(segment, checksum)
        return Packed(segments, checksum, self.reduce(values) if self.step else None)

    def unpack(self, segments: Sequence[bytes], height: int, width: int) -> Array:
        """(count, height, width): the numbers that `pack` was given.

        Raises:
            zstandard.ZstdError: not what `pack` gave.
        """
        decompressor = zstandard.ZstdDecompressor()
        shape, little = (self.block, self.block), np.dtype(self.dtype).newbyteorder("<")
        size = self.block**2 * little.itemsize
        tiles = [np.frombuffer(decompressor.decompress(part, size), little).reshape(shape) for part in segments]
        values = np.stack([tile[:height, :width] for tile in tiles]).astype(self.dtype)
        if self.predictor == PREDICTOR_DIFFERENCES:
            np.cumsum(values, axis=2, dtype=values.dtype, out=values)
        return values

    def reduce(self, values: Array) -> Array:
        """(count, ceil(h / step), ceil(w / step)) of (count, h, w): the valid numbers of each square as one."""
        valid = _valid(values, self.nodata)
        spare = [(0, -size % self.step) for size in values.shape[1:]]
        if any(after for _, after in spare):
            valid = np.ones(values.shape, np.bool_) if valid is None else valid
            values, valid = (np.pad(array, [(0, 0), *spare]) for array in (values, valid))
        if valid is not None and valid.all():
            valid = None
        return (_commonest if self.categorical else _mean)(values, valid, self.step, self.nodata)

    def _compress(self, values: Array) -> list[bytes]:
        count, height, width = values.shape
        if (height, width) != (self.block, self.block):
            fill = 0 if self.nodata is None else self.nodata
            values = np.pad(values, ((0, 0), (0, self.block - height), (0, self.block - width)), constant_values=fill)
        little = np.empty((count, self.block, self.block), np.dtype(self.dtype).newbyteorder("<"))
        if self.predictor == PREDICTOR_DIFFERENCES:
            little[:, :, 0] = values[:, :, 0]
            np.subtract(values[:, :, 1:], values[:, :, :-1], out=little[:, :, 1:])
        else:
            little[...] = values
        compressor = _compressor(self.level)
        return [compressor.compress(band.data) for band in little]


def _compressor(level: int) -> zstandard.ZstdCompressor:
    compressors: dict[int, zstandard.ZstdCompressor] = vars(_own).setdefault("compressors", {})
    if level not in compressors:
        compressors[level] = zstandard.ZstdCompressor(level=level)
    return compressors[level]


def _valid(values: Array, nodata: float | None) -> NDArray[np.bool_] | None:
    """Which numbers count; None: all. NaN never counts."""
    valid = None if nodata is None or np.isnan(nodata) else values != values.dtype.type(nodata)
    if values.dtype.kind != "f":
        return valid
    numbers = ~np.isnan(values)
    return numbers if valid is None else numbers & valid


def _mean(values: Array, valid: NDArray[np.bool_] | None, step: int, nodata: float | None) -> Array:
    """Mean of each square; whole numbers are rounded, halves upwards, and never become the nodata number."""
    dtype, wide = values.dtype, _sum_type(values.dtype, step)
    if valid is not None and nodata != 0:  # zero adds nothing
        values = np.where(valid, values, dtype.type(0))
    sums, count = _fold(values, step, wide), None if valid is None else _fold(valid, step, wide)
    some = wide.type(step**2) if count is None else np.maximum(count, wide.type(1))
    mean: Array
    if dtype.kind == "f":
        mean = sums / some
    else:
        mean = _rounded(sums, some, dtype)
        if nodata is not None:
            mean[mean == nodata] = nodata + 1 if nodata < np.iinfo(dtype).max else nodata - 1
    if count is not None:
        mean[count == 0] = 0 if nodata is None else nodata
    return mean


def _rounded(sums: Array, count: Any, dtype: np.dtype[Any]) -> Array:
    rounded: Array = ((sums + count // 2) // count).astype(dtype)
    return rounded


def _sum_type(dtype: np.dtype[Any], step: int) -> np.dtype[Any]:
    """Holds the sum of a square: the narrowest one is the fastest."""
    if dtype.kind == "f":
        return dtype
    for wide in ("uint16", "int32", "int64"):
        limits, own = np.iinfo(wide), np.iinfo(dtype)
        if own.min * step**2 >= limits.min and own.max * step**2 + step**2 <= limits.max:
            return np.dtype(wide)
    return np.dtype("int64")


def _fold(values: Array, step: int, wide: np.dtype[Any]) -> Array:
    """(count, h, w) to sums of squares; rows first, because they lie one behind the other."""
    rows = values[:, 0::step].astype(wide)
    for at in range(1, step):
        rows += values[:, at::step]
    sums = rows[:, :, 0::step].copy()
    for at in range(1, step):
        sums += rows[:, :, at::step]
    return sums


def _commonest(values: Array, valid: NDArray[np.bool_] | None, step: int, nodata: float | None) -> Array:
    """The number that is there most often in each square; of equally frequent ones that nearest to the upper left."""
    corners = [(row, col) for row in range(step) for col in range(step)]
    cells = [np.ascontiguousarray(values[:, row::step, col::step]) for row, col in corners]
    found = np.full_like(cells[0], 0 if nodata is None else nodata)
    most = np.zeros(found.shape, np.uint16)
    for one, (row, col) in zip(cells, corners, strict=True):
        often = np.zeros(found.shape, np.uint16)
        for other in cells:
            often += one == other
        if valid is not None:
            often *= valid[:, row::step, col::step]
        better = often > most
        found[better], most[better] = one[better], often[better]
    return found
