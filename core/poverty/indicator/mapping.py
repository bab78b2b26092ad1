"""What models say of every cell of a region, some thousand at a time."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...chips import Places
from ...errors import BadInput
from ...grid import Grid, Window
from ...progress import Progress
from ...raster import open_raster
from ...region import window_of
from ..series.stack import Series, read_series
from ..teaching.chipstore import all_squares, chips_on_disk
from .cellraster import cell_grid
from .ensemble import Ensemble

Float = NDArray[np.float64]
AT_ONCE = 4096
"""Cells on disk together: 0.5 GB of bytes at the published sizes."""
READING = 0.4


@dataclass(frozen=True)
class Told:
    """N cells at T dates.

    Attributes:
        mean: (N, T) of all models; NaN where a date is not seen.
        spread: (N, T) standard deviation of the models.
        places: squares.
        grid: of the cells as a raster.
        inside: where that lies on the lattice of cells.
        dates: of the series.
    """

    mean: Float
    spread: Float
    places: Places
    grid: Grid
    inside: Window
    dates: tuple[str, ...]


def series_for(model: Ensemble, path: str) -> Series:
    """The series with the bands of the model, in its order.

    Raises:
        BadInput: a band is missing, or the series is of another length than the model reads as a whole.
    """
    series = read_series(path).picked(bands=model.facts["bands"])
    for member in model.members:
        if hasattr(member, "check_dates"):
            member.check_dates(len(series.dates))
    return series


def tell(
    model: Ensemble, series: Series, extent: str, folder: Path, progress: Progress, device: str, threads: int
) -> Told:
    """Every whole cell in the extent.

    Raises:
        BadInput: no whole cell lies there.
        Cancelled: the user stopped it.
    """
    side = int(model.facts["cell_px"])
    with open_raster(series.path) as reader:
        grid = reader.grid
    window = window_of(grid, extent)
    cells, inside = cell_grid(grid, side, window)
    places = all_squares(grid, side, window)
    if not len(places):
        raise BadInput(f"No whole cell of {side} px lies in the extent. Choose a larger one.")
    mean = np.full((len(places), len(series.dates)), np.nan)
    spread = np.full_like(mean, np.nan)
    for start in range(0, len(places), AT_ONCE):
        at = slice(start, start + AT_ONCE)
        part = progress.part(start / len(places), min(start + AT_ONCE, len(places)) / len(places))
        some = Places(places.inside[at], places.outside[at], places.shapes[at])
        with chips_on_disk(series.path, series.table, some, folder, part.part(0, READING)) as store:
            said = model.predict(store, part.part(READING, 1), device, threads)
        mean[at], spread[at] = said.mean(axis=0), said.std(axis=0)
    if not np.isfinite(mean).any():
        raise BadInput(
            f"{series.path} shows none of the {len(places):,} cells at any date. Look at its nodata and extent."
        )
    return Told(mean, spread, places, cells, inside, series.dates)
