"""Windows drawn for statistics: the same at each run, spread over the layer, at full resolution, valid pixels only.

Nothing is taken from overviews or from statistics that another program left beside the raster.
"""

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .errors import BadInput
from .grid import Window
from .region import PolygonMask
from .windows import Reader

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

WINDOW_PX = 128
MOST_WINDOWS = 64
STRATA = 8
"""Strata along each axis at first; doubled in each further round."""
ROUNDS = 5
READS_A_ROUND = 256
KEPT_NUMBERS = 2**24
"""Of all windows that are kept: 64 MB. They are asked for several times, and come over the network or from blocks that
are large."""
ENOUGH_SHARE = 0.25
"""Of the pixels that all windows could hold; below it, and with holes in the layer, a further round is drawn."""


class WindowSample:
    """Draws windows of a raster; each call gives the same ones again.

    Args of the constructor:
        reader: open, used from this thread alone.
        region: the part of the raster that is asked for.
        seed: decides where in its stratum a window lies.
        align_px: windows start at and measure whole multiples of it, counted from the region's origin.
        mask: pixels outside its polygons are not valid.
    """

    def __init__(
        self, reader: Reader, region: Window, seed: int, align_px: int = 1, mask: PolygonMask | None = None
    ) -> None:
        self._reader, self._region, self._seed, self._mask = reader, region, seed, mask
        self._align = align_px if align_px <= WINDOW_PX // 2 else 1
        self._windows: list[Window] | None = None
        self._kept: dict[Window, tuple[Float, Bool]] = {}

    def __call__(self) -> Iterator[tuple[Float, Bool]]:
        """Windows with at least one valid pixel: (C, H, W) float32, 0 where invalid, and (H, W) bool.

        Raises:
            BadInput: the region holds no valid pixel.
        """
        if self._windows is None:
            self._windows = self._choose()
        for window in self._windows:
            values, valid = self._read(window)
            yield values.copy(), valid.copy()

    def _choose(self) -> list[Window]:
        """Round after round on finer strata until there is enough; a layer that is mostly nodata takes more."""
        found: list[Window] = []
        seen: set[Window] = set()
        valid = 0
        for number in range(ROUNDS):
            asked = 0
            for window in self._round(number):
                if len(found) >= MOST_WINDOWS:
                    return found
                if window in seen:
                    continue
                seen.add(window)
                asked += window.height * window.width
                count = int(self._read(window)[1].sum())
                if count:
                    found.append(window)
                    valid += count
            if valid >= ENOUGH_SHARE * min(asked, MOST_WINDOWS * WINDOW_PX**2) and number == 0:
                break
            if valid >= ENOUGH_SHARE * MOST_WINDOWS * WINDOW_PX**2:
                break
        if not found:
            raise BadInput(
                f"There is no valid pixel in the chosen bands and area of {self._reader.path}: all is nodata, masked "
                "or NaN."
            )
        return found

    def _round(self, number: int) -> list[Window]:
        rng = np.random.default_rng([self._seed, number])
        rows, height = self._axis(self._region.height, number)
        cols, width = self._axis(self._region.width, number)
        windows = []
        for row_low, row_high in rows:
            for col_low, col_high in cols:
                row, col = (
                    int(rng.integers(low, high + 1)) // self._align * self._align
                    for low, high in ((row_low, row_high), (col_low, col_high))
                )
                windows.append(Window(self._region.row + row, self._region.col + col, height, width))
        if len(windows) > READS_A_ROUND:
            chosen = np.sort(rng.choice(len(windows), READS_A_ROUND, replace=False))
            windows = [windows[index] for index in chosen]
        # Every beginning of the list should lie spread as well: the list may be cut at `MOST_WINDOWS`.
        return [windows[index] for index in rng.permutation(len(windows))] if number else windows

    def _axis(self, length: int, number: int) -> tuple[list[tuple[int, int]], int]:
        """Lowest and highest start of a window in each stratum, and the window's size."""
        size = min(WINDOW_PX, length)
        if size > self._align:
            size -= size % self._align
        strata = min(-(-length // size), STRATA * 2**number)
        edges = np.linspace(0, length, strata + 1)
        last = length - size
        bounds = []
        for low, high in itertools.pairwise(edges):
            first = min(int(low), last)
            bounds.append((first, max(first, min(int(high) - size, last))))
        return bounds, size

    def _read(self, window: Window) -> tuple[Float, Bool]:
        if window in self._kept:
            return self._kept[window]
        values, valid = self._reader.read(window)
        if self._mask is not None:
            inside = self._mask.cells(window)
            if not inside.all():
                valid &= inside
                values *= valid
        if MOST_WINDOWS * values.size <= KEPT_NUMBERS and valid.any():
            self._kept[window] = values, valid
        return values, valid
