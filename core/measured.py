"""Readers whose numbers are reflectance x 10000 and decibels: of one date, or of several with gaps of their own."""

from collections.abc import Sequence
from types import TracebackType

import numpy as np

from .bands.radiometry import Radiometry
from .bands.values import PICTURE, REFLECTANCE
from .grid import Window
from .raster import Bool, Float
from .windows import Reader

TIMES = {REFLECTANCE: 10_000, PICTURE: 255}
"""What values from 0 to 1 are multiplied by, as products store them and networks were trained on them."""


class Measured:
    """A reader whose numbers become reflectance x 10000 and decibels."""

    dtype = "float32"
    looks: tuple[int, ...] = ()

    def __init__(self, reader: Reader, parts: Sequence[Radiometry]) -> None:
        """One radiometry a band."""
        self._reader, self._parts = reader, tuple(parts)
        self.path, self.grid, self.notes = reader.path, reader.grid, reader.notes
        self.bands, self.band_names = reader.bands, reader.band_names

    def __enter__(self) -> "Measured":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the files."""
        self._reader.close()

    def read(self, window: Window) -> tuple[Float, Bool]:
        """Values (C, h, w) float32, 0 where not valid, and validity (h, w) of a window."""
        values, valid = self._reader.read(window)
        made = self._made(values)
        made *= valid
        return made, valid

    def read_each(self, window: Window) -> tuple[Float, Bool]:
        """Values (C, h, w) float32, 0 where not valid, and validity (C, h, w) of each band."""
        values, valid = self._reader.read_each(window)
        made = self._made(values)
        made *= valid
        return made, valid

    def _made(self, values: Float) -> Float:
        return np.stack([_measured(part, band) for part, band in zip(self._parts, values, strict=True)])


class Looks(Measured):
    """Several looks at one place, at other dates or by other sensors, where each may have gaps of its own.

    A pixel is valid in a look if it is in each of its bands, and valid if it is in one look at least; the bands of
    looks in which it is not are NaN.
    """

    def __init__(self, reader: Reader, parts: Sequence[Radiometry], looks: Sequence[int]) -> None:
        """One radiometry and the number of a look for each band."""
        super().__init__(reader, parts)
        self.looks = tuple(looks)

    def read(self, window: Window) -> tuple[Float, Bool]:
        """Values (C, h, w) float32, NaN in the bands of looks that have none, and validity (h, w) of a window."""
        values, each = self.read_each(window)
        valid = np.zeros(each.shape[1:], np.bool_)
        for look in dict.fromkeys(self.looks):
            members = np.flatnonzero(np.equal(self.looks, look))
            seen = each[members].all(axis=0)
            values[members] = np.where(seen, values[members], np.float32(np.nan))
            valid |= seen
        return values, valid


def _measured(part: Radiometry, band: Float) -> Float:
    found = part.apply(band)
    return found * np.float32(TIMES.get(part.unit, 1))
