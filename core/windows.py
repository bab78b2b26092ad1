"""What whatever gives pixels by windows has in common: one raster, two read as one, measured or as stored."""

from contextlib import AbstractContextManager
from typing import Protocol

from .grid import Grid, Window
from .raster import Bool, Float


class Reader(AbstractContextManager["Reader"], Protocol):
    """What embedding asks of a raster, or of two."""

    path: str
    grid: Grid
    bands: tuple[int, ...]
    band_names: tuple[str, ...]
    dtype: str
    looks: tuple[int, ...]
    """Of each band the number of a look, where looks have gaps of their own: NaN in the values. Empty: a pixel is
    valid in all bands or in none."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know about how the files are read."""
        ...

    def read(self, window: Window) -> tuple[Float, Bool]:
        """Values (C, h, w) float32 and validity (h, w) of a window."""
        ...

    def read_each(self, window: Window) -> tuple[Float, Bool]:
        """Values (C, h, w) float32, 0 where not valid, and validity (C, h, w) of each band by itself."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...
