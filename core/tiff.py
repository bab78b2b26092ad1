"""The directory of a TIFF whose tiles lie in the file already.

GDAL writes a tiny file of the same kind in memory (CRS, band names, scale, offset, metadata, nodata, colours); its
tags are taken over as they are, and only size, places and lengths of the tiles are ours.

Source: TIFF 6.0; BigTIFF as in libtiff, https://libtiff.gitlab.io/libtiff/specification/bigtiff.html
"""

import struct
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

WIDTH, LENGTH, TILE_OFFSETS, TILE_BYTE_COUNTS = 256, 257, 324, 325
LONG, LONG8 = 4, 16
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}


class Tag(NamedTuple):
    """One entry of a directory: TIFF type, number of values, and the values as bytes."""

    kind: int
    number: int
    data: bytes


class Flavour(NamedTuple):
    """How classic TIFF and BigTIFF differ."""

    magic: bytes
    count_format: str
    entry_format: str
    offset_format: str
    offset_at: int
    """Where the header holds the place of the first directory."""

    @property
    def inline(self) -> int:
        """Bytes of a value that fits into its entry."""
        return struct.calcsize(self.offset_format)


CLASSIC = Flavour(b"II*\0", "<H", "<HHI", "<I", 4)
BIG = Flavour(b"II+\0\x08\0\0\0", "<Q", "<HHQ", "<Q", 8)
CLASSIC_LIMIT = 2**32


def read_tags(file: bytes) -> dict[int, Tag]:
    """All tags of the first directory of a little-endian TIFF."""
    flavour = BIG if file[:4] == BIG.magic[:4] else CLASSIC
    (at,) = struct.unpack_from(flavour.offset_format, file, flavour.offset_at)
    (entries,) = struct.unpack_from(flavour.count_format, file, at)
    at += struct.calcsize(flavour.count_format)
    tags = {}
    for _ in range(entries):
        code, kind, count = struct.unpack_from(flavour.entry_format, file, at)
        start = at + struct.calcsize(flavour.entry_format)
        size = _TYPE_BYTES[kind] * count
        if size > flavour.inline:
            (place,) = struct.unpack_from(flavour.offset_format, file, start)
        else:
            place = start
        tags[code] = Tag(kind, count, file[place : place + size])
        at = start + flavour.inline
    return tags


def write_directory(
    file: BinaryIO,
    end: int,
    tags: dict[int, Tag],
    shape: tuple[int, int],
    offsets: NDArray[np.uint64],
    lengths: NDArray[np.uint32],
    *,
    big: bool,
) -> None:
    """Append the directory at `end` and put the header in front; the file is a TIFF from then on.

    Args:
        file: open for writing, its first 16 bytes free.
        end: where the tiles end.
        tags: of the template.
        shape: height and width in cells.
        offsets: place of each tile, in the order of the TIFF.
        lengths: bytes of each tile, in the same order.
        big: write a BigTIFF.
    """
    flavour = BIG if big else CLASSIC
    places = offsets.astype("<u8" if big else "<u4").tobytes()
    entries = {
        **tags,
        LENGTH: Tag(LONG, 1, struct.pack("<I", shape[0])),
        WIDTH: Tag(LONG, 1, struct.pack("<I", shape[1])),
        TILE_OFFSETS: Tag(LONG8 if big else LONG, len(offsets), places),
        TILE_BYTE_COUNTS: Tag(LONG, len(lengths), lengths.astype("<u4").tobytes()),
    }
    start = -(-end // 8) * 8
    entry = struct.calcsize(flavour.entry_format) + flavour.inline
    far = start + struct.calcsize(flavour.count_format) + len(entries) * entry + flavour.inline
    directory, values = bytearray(struct.pack(flavour.count_format, len(entries))), bytearray()
    for code in sorted(entries):
        tag = entries[code]
        directory += struct.pack(flavour.entry_format, code, tag.kind, tag.number)
        if len(tag.data) <= flavour.inline:
            directory += tag.data.ljust(flavour.inline, b"\0")
        else:
            values += b"\0" * (-len(values) % 8)
            directory += struct.pack(flavour.offset_format, far + len(values))
            values += tag.data
    directory += struct.pack(flavour.offset_format, 0)
    file.seek(end)
    file.write(b"\0" * (start - end) + directory + values)
    file.seek(0)
    file.write(flavour.magic + struct.pack(flavour.offset_format, start))
    file.flush()
