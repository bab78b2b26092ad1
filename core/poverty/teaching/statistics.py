"""Summary statistics of the pixels of a place at a date: the sober ground that networks must rise above."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress
from .chipstore import ChipStore

Float = NDArray[np.float32]
KINDS = ("mean", "sd", "p10", "p50", "p90")
SHARES = (0.1, 0.5, 0.9)
AT_ONCE = 2**24
"""Pixels and bands held at once."""


def names(bands: Sequence[str]) -> list[str]:
    """Of the columns: `red_mean`, `red_sd`, ..."""
    return [f"{band}_{kind}" for band in bands for kind in KINDS]


def statistics(store: ChipStore, progress: Progress) -> Float:
    """(N, T, C * K) float32 of each place and date; NaN at dates that are not seen."""
    count, dates, bands = len(store), store.dates, store.bands
    found = np.full((count, dates, bands * len(KINDS)), np.nan, np.float32)
    step = max(1, AT_ONCE // (dates * bands * store.cell_px**2))
    for start in range(0, count, step):
        progress.checkpoint(start / count, "Statistics of cells" if not start else "")
        at = np.arange(start, min(start + step, count))
        pixels = store.series(at).reshape(len(at), dates, bands, -1)
        with np.errstate(over="ignore"):  # fill values of 1e38 that nobody declared; nothing infinite is learnt from
            mean, sd = pixels.mean(axis=-1), pixels.std(axis=-1)
        shares = np.quantile(pixels, SHARES, axis=-1)
        told = np.stack([mean, sd, *shares], axis=-1).reshape(len(at), dates, -1)
        found[at] = np.where(store.seen[at][:, :, None], told, np.nan)
    return found
