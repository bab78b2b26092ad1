"""The directories of a TIFF whose tiles lie in the file already.

GDAL writes a tiny file of the same kind in memory (CRS, band names, scale, offset, metadata, nodata, colours); its
tags are taken over as they are, and only size, places and lengths of the tiles are ours.

Source: TIFF 6.0; BigTIFF as in libtiff, https://libtiff.gitlab.io/libtiff/specification/bigtiff.html
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .rawfiles import write_all

SUBFILE, REDUCED = 254, 1
WIDTH, LENGTH, TILE_OFFSETS, TILE_BYTE_COUNTS = 256, 257, 324, 325
OF_THE_WHOLE = (33550, 33922, 34264, 34735, 34736, 34737, 42112)
"""Tags that the first directory holds for all: place on Earth, and GDAL's metadata with names, scales and offsets."""
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


class Directory(NamedTuple):
    """One size of the raster."""

    tags: Mapping[int, Tag]
    """All but size, places and lengths."""
    shape: tuple[int, int]
    """Height and width in cells."""
    offsets: NDArray[np.uint64]
    """Place of each tile, in the order of the TIFF: band by band."""
    lengths: NDArray[np.uint32]
    """Bytes of each tile, in the same order."""


def reduced_tags(tags: Mapping[int, Tag]) -> dict[int, Tag]:
    """Tags of an overview, of those of the full size."""
    own = {code: tag for code, tag in tags.items() if code not in OF_THE_WHOLE}
    return {**own, SUBFILE: Tag(LONG, 1, struct.pack("<I", REDUCED))}


def write_directories(file: BinaryIO, end: int, directories: Sequence[Directory], *, big: bool) -> None:
    """Append the directories at `end` and put the header in front; the file is a TIFF from then on.

    Args:
        file: open for writing, its first 16 bytes free.
        end: where the tiles end.
        directories: full size first.
        big: write a BigTIFF.
    """
    flavour = BIG if big else CLASSIC
    start = at = -(-end // 8) * 8
    file.seek(end)
    write_all(file, b"\0" * (start - end))
    for number, directory in enumerate(directories):
        entries = _entries(directory, big)
        size = _size(entries, flavour)
        after = at + size if number + 1 < len(directories) else 0
        for piece in _pieces(entries, at, after, flavour):
            write_all(file, piece)
        at += size
    file.seek(0)
    write_all(file, flavour.magic + struct.pack(flavour.offset_format, start))


def _entries(directory: Directory, big: bool) -> dict[int, Tag]:
    places = directory.offsets.astype("<u8" if big else "<u4").tobytes()
    height, width = directory.shape
    return {
        **directory.tags,
        LENGTH: Tag(LONG, 1, struct.pack("<I", height)),
        WIDTH: Tag(LONG, 1, struct.pack("<I", width)),
        TILE_OFFSETS: Tag(LONG8 if big else LONG, len(directory.offsets), places),
        TILE_BYTE_COUNTS: Tag(LONG, len(directory.lengths), directory.lengths.astype("<u4").tobytes()),
    }


def _far(entries: Mapping[int, Tag], flavour: Flavour) -> int:
    """Bytes of the directory itself, without the values that do not fit into their entries."""
    entry = struct.calcsize(flavour.entry_format) + flavour.inline
    return struct.calcsize(flavour.count_format) + len(entries) * entry + flavour.inline


def _size(entries: Mapping[int, Tag], flavour: Flavour) -> int:
    """Bytes of a directory and its values, a multiple of 8."""
    size = -(-_far(entries, flavour) // 8) * 8
    return size + sum(-(-len(tag.data) // 8) * 8 for tag in entries.values() if len(tag.data) > flavour.inline)


def _pieces(entries: Mapping[int, Tag], start: int, after: int, flavour: Flavour) -> Iterator[bytes]:
    """A directory at `start`, padded, and the values that follow it; `after` is where the next one begins."""
    far = -(-_far(entries, flavour) // 8) * 8
    directory, values, place = bytearray(struct.pack(flavour.count_format, len(entries))), [], start + far
    for code in sorted(entries):
        tag = entries[code]
        directory += struct.pack(flavour.entry_format, code, tag.kind, tag.number)
        if len(tag.data) <= flavour.inline:
            directory += tag.data.ljust(flavour.inline, b"\0")
        else:
            directory += struct.pack(flavour.offset_format, place)
            values.append(tag.data.ljust(-(-len(tag.data) // 8) * 8, b"\0"))
            place += len(values[-1])
    directory += struct.pack(flavour.offset_format, after)
    yield bytes(directory).ljust(far, b"\0")
    yield from values
