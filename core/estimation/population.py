"""The population of a map: how many cells of each class and how large, and a lottery among them, in one reading.

Each cell gets a random number that depends on seed and place alone, and cells with the smallest numbers are drawn: in
proportion to their area where cells differ in it (successive sampling: Efraimidis and Spirakis 2006,
10.1016/j.ipl.2005.11.003). So every place of a stratum stands for the same area, and the first so many are a sample
too.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ..cellarea import CellAreas
from ..errors import BadInput
from ..grid import Window
from ..progress import Progress
from ..raster import RasterReader
from ..region import PolygonMask

Float = NDArray[np.float64]
Whole = NDArray[np.int64]
BLOCK = 1024
"""Cells a side of the windows in which a map is read; decides the draws."""
MOST_CLASSES = 1000
LARGEST_CLASS = 2**24
"""Whole numbers above it are not exact as float32, which rasters are read as."""


@dataclass
class Part:
    """Cells of one class, or all of them."""

    count: int = 0
    area_m2: float = 0.0
    keys: Float = field(default_factory=lambda: np.empty(0))
    """Smallest lottery numbers so far, then in order."""
    cells: Whole = field(default_factory=lambda: np.empty((0, 2), np.int64))
    """(n, 2) row and column of each."""

    def add(self, keys: Float, cells: Whole, most: int) -> None:
        """Take in further cells, keep the `most` smallest."""
        keys, cells = np.concatenate([self.keys, keys]), np.concatenate([self.cells, cells])
        order = np.lexsort((cells[:, 1], cells[:, 0], keys))[:most]
        self.keys, self.cells = keys[order], cells[order]

    @property
    def bar(self) -> float:
        """Numbers above it are not drawn any more."""
        return float(self.keys[-1]) if len(self.keys) else np.inf


@dataclass
class Moments:
    """Mean and spread of the values of a map, by area."""

    area_m2: float = 0.0
    mean: float = 0.0
    squares: float = 0.0

    def add(self, values: Float, areas: Float) -> None:
        """Take in values with their areas; numerically sound for any number of them (Chan et al. 1983)."""
        area = float(areas.sum())
        if area <= 0:
            return
        mean = float((values * areas).sum() / area)
        squares = float((areas * (values - mean) ** 2).sum())
        total, gap = self.area_m2 + area, mean - self.mean
        self.squares += squares + gap**2 * self.area_m2 * area / total
        self.mean += gap * area / total
        self.area_m2 = total

    @property
    def sd(self) -> float:
        """Standard deviation over the area."""
        return float(np.sqrt(self.squares / self.area_m2)) if self.area_m2 > 0 else 0.0


def blocks(
    reader: RasterReader, mask: PolygonMask | None, progress: Progress
) -> Iterator[tuple[int, Window, NDArray[np.float32], NDArray[np.bool_]]]:
    """Number, window, values (h, w) and validity of every block; cells outside the mask are not valid."""
    windows = reader.grid.blocks(BLOCK)
    for number, window in enumerate(windows):
        progress.checkpoint(number / len(windows), "Reading the map")
        values, valid = reader.read(window)
        if mask is not None and valid.any():
            valid &= mask.cells(window)
        yield number, window, values[0], valid


def count_classes(
    reader: RasterReader,
    mask: PolygonMask | None,
    progress: Progress,
    *,
    by_class: bool = True,
    seed: int = 0,
    most: int = 0,
) -> dict[int, Part]:
    """Cells of each class with their area, and the first `most` of the lottery in each.

    Args:
        reader: of one band.
        mask: polygons to stay inside of.
        progress: checked at every block.
        by_class: False takes all valid cells as one part, numbered 0.
        seed: decides the lottery.
        most: places kept in each part; 0 only counts.

    Raises:
        BadInput: values that are no classes, or nothing valid.
    """
    areas = CellAreas(reader.grid)
    parts: dict[int, Part] = {}
    for number, window, values, valid in blocks(reader, mask, progress):
        if not valid.any():
            continue
        if by_class:
            check_classes(values[valid], reader.path)
        area = np.broadcast_to(areas.of(window), valid.shape)
        keys = _keys(seed, number, area) if most else np.empty(valid.shape)
        shown = values.astype(np.int64) if by_class else np.zeros(valid.shape, np.int64)
        for value in np.unique(shown[valid]):
            chosen = valid & (shown == value)
            part = parts.setdefault(int(value), Part())
            part.count += int(chosen.sum())
            part.area_m2 += float(area[chosen].sum())
            if most:
                hopeful = chosen & (keys < part.bar) if len(part.keys) == most else chosen
                cells = np.argwhere(hopeful) + np.array([window.row, window.col])
                part.add(keys[hopeful], cells, most)
        if len(parts) > MOST_CLASSES:
            raise BadInput(
                f"{reader.path} holds more than {MOST_CLASSES} different values; that is no class map. Choose the "
                "design 'simple', or for a value map the target 'value'."
            )
    if not parts:
        raise BadInput(f"{reader.path} has no valid cell{' inside the polygons' if mask is not None else ''}.")
    return dict(sorted(parts.items()))


def check_classes(values: NDArray[np.float32], path: str) -> None:
    """Raise unless these are whole numbers.

    Raises:
        BadInput: names a value that is none.
    """
    wrong = (values != np.rint(values)) | (np.abs(values) >= LARGEST_CLASS)
    if wrong.any():
        raise BadInput(
            f"{path} holds {values[wrong][0]:g}, which is no class. Choose a class map; or the design 'simple' to draw "
            "from a map of values, and the target 'value' to estimate their mean."
        )


def measure_values(reader: RasterReader, mask: PolygonMask | None, progress: Progress) -> tuple[Moments, int]:
    """Moments of the values of a map by area, and the number of its valid cells.

    Raises:
        BadInput: nothing valid.
    """
    areas, found, count = CellAreas(reader.grid), Moments(), 0
    for _, window, values, valid in blocks(reader, mask, progress):
        count += int(valid.sum())
        found.add(values[valid].astype(np.float64), np.broadcast_to(areas.of(window), valid.shape)[valid])
    if not count:
        raise BadInput(f"{reader.path} has no valid cell{' inside the polygons' if mask is not None else ''}.")
    return found, count


def _keys(seed: int, block: int, area: Float) -> Float:
    """(h, w) lottery numbers of a block: exponential with the area as rate."""
    rng = np.random.Generator(np.random.Philox(key=np.array([seed, block], dtype=np.uint64)))
    return np.asarray(-np.log1p(-rng.random(area.shape)) / area)
