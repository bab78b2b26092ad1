"""Reduced copies of a raster, made of its blocks while these are at hand: the finished file is not read again.

Each level is `step` times smaller than the one below it and tiled alike. A tile is made of the reduced pieces of up to
`step` by `step` tiles below it as soon as the last one is stored, so that where it lies in the file follows from the
order of the blocks alone. Pieces wait in memory, up to `OPEN_BYTES`: blocks come in stripes of whole columns, and tiles
that reach over two stripes could wait for long. Pieces that had to go, and those of an earlier run, are made again
from the blocks in the spool.
"""

import errno
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from .grid import Window
from .packing import Packed, Packer
from .spool import Stored

OVERVIEWS_ABOVE_CELLS = 2048
"""Up to here a view of three bands reads at most 12 MB of full size; overviews would cost more than they save."""
SMALLEST_OVERVIEW_CELLS = 128
FEW_BANDS = 3
"""With more bands overviews grow by 4, not by 2: 6 % more bytes instead of a third."""
OPEN_BYTES = 64 * 2**20
"""Most memory for pieces. A stripe of 12,288 columns of 64 dimensions in bytes needs 33 MB."""


def step_for(height: int, width: int, bands: int) -> int:
    """How many times smaller each overview is than the one below; 0: the raster needs none."""
    if max(height, width) <= OVERVIEWS_ABOVE_CELLS:
        return 0
    return 2 if bands <= FEW_BANDS else 4


@dataclass(frozen=True)
class Level:
    """One size of the raster; the first one is the full size.

    Attributes:
        height: in cells.
        width: in cells.
        block: side of a tile in cells.
        first: number of its first tile; tiles are numbered through all levels, in rows.
    """

    height: int
    width: int
    block: int
    first: int

    @property
    def across(self) -> int:
        """Tiles in a row."""
        return -(-self.width // self.block)

    @property
    def tiles(self) -> int:
        """Tiles of the level."""
        return self.across * -(-self.height // self.block)

    def window(self, tile: int) -> Window:
        """Cells of a tile."""
        row, col = (at * self.block for at in divmod(tile - self.first, self.across))
        return Window(row, col, min(self.block, self.height - row), min(self.block, self.width - col))


def levels_of(height: int, width: int, block: int, step: int) -> tuple[Level, ...]:
    """Full size and overviews, down to about `SMALLEST_OVERVIEW_CELLS` on the longer side."""
    levels = [Level(height, width, block, 0)]
    while step and (len(levels) == 1 or max(height, width) > SMALLEST_OVERVIEW_CELLS * step):
        height, width = -(-height // step), -(-width // step)
        levels.append(Level(height, width, block, levels[-1].first + levels[-1].tiles))
    return tuple(levels)


@dataclass
class Unfinished:
    """An overview tile whose parts are all stored.

    Attributes:
        number: of the tile.
        values: (count, h, w); cells of `absent` are still to be filled.
        absent: parts that are not in memory: size in cells, place in the spool, place among `values`.
    """

    number: int
    values: NDArray[Any]
    absent: Sequence[tuple[Window, Stored, Window]]

    def pack(self, packer: Packer, open_file: Callable[[], BinaryIO]) -> Packed:
        """The packed tile; in any thread.

        Args:
            packer: of the raster.
            open_file: opens the spool's file of blocks for reading.

        Raises:
            OSError: what was stored cannot be read back.
        """
        if self.absent:
            # Opened anew: bytes that another machine wrote are seen by a file that was opened after they were.
            with open_file() as file:
                for part, stored, place in self.absent:
                    file.seek(stored.offset)
                    segments = [file.read(length) for length in stored.lengths]
                    if list(map(len, segments)) != list(stored.lengths):
                        raise OSError(errno.EIO, "blocks that were written there cannot be read back")
                    self.values[(slice(None), *place.slices_in(Window(0, 0, 0, 0)))] = packer.reduce(
                        packer.unpack(segments, part.height, part.width)
                    )
        return packer.pack(self.values)


class Pyramid:
    """The overviews of a raster in the making.

    Attributes:
        levels: full size first.

    Args of the constructor:
        levels: of the raster.
        packer: of the raster.
        count: bands.
        there: numbers of the tiles that are stored already.
        stored: where a stored tile lies.
    """

    def __init__(
        self,
        levels: Sequence[Level],
        packer: Packer,
        count: int,
        there: Container[int],
        stored: Callable[[int], Stored],
    ) -> None:
        self.levels, self._packer, self._count, self._stored = tuple(levels), packer, count, stored
        self._missing = {
            tile: sum(part not in there for part in self._parts(below, above, tile))
            for below, above in zip(self.levels, self.levels[1:], strict=False)
            for tile in range(above.first, above.first + above.tiles)
            if tile not in there
        }
        self._open: dict[int, tuple[NDArray[Any], set[int]]] = {}
        """Cells of unfinished tiles, and the parts that are in them; the one touched last is last."""

    def whole(self) -> Iterator[Unfinished]:
        """Tiles whose parts are all stored, while they themselves are not: an earlier run ended before them."""
        for tile in [tile for tile, missing in self._missing.items() if not missing]:
            yield self._take(tile)

    def add(self, part: int, reduced: NDArray[Any] | None) -> Unfinished | None:
        """Take over the piece of a tile that has just been stored.

        Args:
            part: number of the tile.
            reduced: what the packer made of it; None: it can be made again from what is stored.

        Returns:
            The tile above, if this was its last part.
        """
        below = self._level(part)
        if below + 1 == len(self.levels):
            return None
        tile = self._above(below, part)
        self._missing[tile] -= 1
        if reduced is not None:
            values, parts = self._pieces_of(tile)
            values[(slice(None), *self._place(part).slices_in(Window(0, 0, 0, 0)))] = reduced
            parts.add(part)
            self._open[tile] = values, parts
        if not self._missing[tile]:
            return self._take(tile)
        while self.held_bytes > OPEN_BYTES:
            del self._open[next(iter(self._open))]
        return None

    @property
    def held_bytes(self) -> int:
        """Of the pieces that wait in memory."""
        return sum(values.nbytes for values, _ in self._open.values())

    def _take(self, tile: int) -> Unfinished:
        del self._missing[tile]
        values, parts = self._pieces_of(tile)
        level = self._level(tile)
        below = self.levels[level - 1]
        absent = [
            (below.window(part), self._stored(part), self._place(part))
            for part in self._parts(below, self.levels[level], tile)
            if part not in parts
        ]
        return Unfinished(tile, values, absent)

    def _pieces_of(self, tile: int) -> tuple[NDArray[Any], set[int]]:
        if tile in self._open:
            return self._open.pop(tile)
        window = self.levels[self._level(tile)].window(tile)
        return np.empty((self._count, window.height, window.width), self._packer.dtype), set()

    def _level(self, tile: int) -> int:
        return next(at for at in range(len(self.levels) - 1, -1, -1) if tile >= self.levels[at].first)

    def _above(self, level: int, part: int) -> int:
        row, col = divmod(part - self.levels[level].first, self.levels[level].across)
        above = self.levels[level + 1]
        return above.first + row // self._packer.step * above.across + col // self._packer.step

    def _parts(self, below: Level, above: Level, tile: int) -> Iterator[int]:
        """Tiles below an overview tile."""
        step = self._packer.step
        row, col = (at * step for at in divmod(tile - above.first, above.across))
        for down in range(row, min(row + step, -(-below.height // below.block))):
            for right in range(col, min(col + step, below.across)):
                yield below.first + down * below.across + right

    def _place(self, part: int) -> Window:
        """Where the reduced cells of a tile lie in the tile above."""
        level, step = self.levels[self._level(part)], self._packer.step
        window, side = level.window(part), level.block // step
        row, col = (at % step * side for at in divmod(part - level.first, level.across))
        return Window(row, col, -(-window.height // step), -(-window.width // step))
