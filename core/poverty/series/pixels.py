"""Statistics of a series from pixels that are read for it: the same windows at each date, in bounded memory."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...grid import Grid, Window
from ...raster import open_raster
from .remarks import Remarks
from .stack import Series

Numbers = NDArray[np.float64]
Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

MOST_PIXELS = 2**20
"""Read of each band; of larger rasters windows are drawn."""
MOST_VALUES = 2**25
"""Held of one date at a time: 128 MiB."""
MOST_PAIRED = 2**23
"""Values of pixels that are kept for all dates together: 32 MiB."""
WINDOW_PX, BLOCK_PX = 128, 512
LOW_PERCENT, HIGH_PERCENT = 1.0, 99.0
FILLS_OF_ONE = (-9999.0, -999.0, -3000.0, -32768.0, 65535.0)
"""Numbers that mean nothing in many products,"""
FILLS = (0.0, 255.0, *FILLS_OF_ONE)
"""and those that do so where all bands of a pixel hold them; 0 alone is dark in night lights."""


@dataclass(frozen=True)
class Look:
    """What was seen of T dates and C bands. Bands that a date has not are NaN, False or empty."""

    valid: Numbers
    """(T, C) share of the pixels read that are valid."""
    seen: Numbers
    """(T,) share of the pixels read that are valid in some band of the date."""
    low: Numbers
    """(T, C) percentile 1; as the others in the unit in which the series reads."""
    median: Numbers
    high: Numbers
    """(T, C) percentile 99."""
    constant: Bools
    """(T, C) one number in all valid pixels, or no valid pixel at all."""
    whole: Bools
    """(T, C) whole numbers only."""
    digests: tuple[tuple[str, ...], ...]
    """(T, C) of the values."""
    paired: Floats
    """(T, C, P) values of the same pixels at all dates, NaN where not valid."""
    fills: tuple[tuple[float, float], ...]
    """(T) of a number that usually means nothing: it, and the share of valid pixels that are it in all bands."""
    pixels: int
    """Read of each band."""
    share: float
    """Of all pixels."""


def windows_of(grid: Grid, most: int, seed: int = 0) -> list[Window]:
    """Windows that cover a grid of up to `most` pixels; of a larger one as many spread over it, one in each stratum."""
    if grid.height * grid.width <= most:
        return grid.blocks(BLOCK_PX)
    rng = np.random.default_rng(seed)
    height, width = min(WINDOW_PX, grid.height), min(WINDOW_PX, grid.width)
    many = max(1, most // (height * width))
    rows = max(1, min(round((many * grid.height / grid.width) ** 0.5), many, grid.height // height))
    cols = max(1, min(many // rows, grid.width // width))
    rows = max(1, min(many // cols, grid.height // height))
    found = []
    for row in range(rows):
        for col in range(cols):
            at = []
            for place, count, length, size in ((row, rows, grid.height, height), (col, cols, grid.width, width)):
                first, last = length * place // count, length * (place + 1) // count - size
                at.append(min(int(rng.integers(first, max(first, last) + 1)), length - size))
            found.append(Window(at[0], at[1], height, width))
    return found


def look_at(series: Series, remarks: Remarks) -> Look:
    """Read the sample and say what is in it.

    Args:
        series: its file must be there.
        remarks: how far it is.

    Raises:
        BadInput: a file cannot be read.
    """
    with open_raster(series.path) as reader:
        grid = reader.grid
    windows = windows_of(grid, min(MOST_PIXELS, MOST_VALUES // len(series.bands)))
    pixels = sum(window.height * window.width for window in windows)
    step = max(1, -(-pixels * len(series.dates) * len(series.bands) // MOST_PAIRED))
    found = []
    for at in range(len(series.dates)):
        remarks.checkpoint(at / len(series.dates), "Reading pixels of each date")
        found.append(_of_date(series, at, windows, step, grid, remarks))
    shares, spans, flags, digests, paired, fills = zip(*found, strict=True)
    low, median, high = np.moveaxis(np.stack(spans), 1, 0)
    constant, whole = np.moveaxis(np.stack(flags), 1, 0)
    share = min(1.0, pixels / (grid.height * grid.width))
    valid = np.stack(shares)
    return Look(
        valid[:, 1:], valid[:, 0], low, median, high, constant, whole, digests, np.stack(paired), fills, pixels, share
    )


def _of_date(
    series: Series, at: int, windows: Sequence[Window], step: int, grid: Grid, remarks: Remarks
) -> tuple[Numbers, Numbers, Bools, tuple[str, ...], Floats, tuple[float, float]]:
    """Of one date: shares of valid pixels in any and in each band, percentiles, flags, digests, paired pixels, fill."""
    many = len(series.bands)
    there = [band for band in range(many) if series.index[at][band] is not None]
    numbers = [number for number in series.index[at] if number is not None]
    values, known = _read(series.path, numbers, windows)
    shares, spans = np.full(1 + many, np.nan), np.full((3, many), np.nan)
    flags, digests = np.zeros((2, many), np.bool_), [""] * many
    paired = np.full((many, -(-values.shape[1] // step)), np.nan, np.float32)
    shares[0], shares[[1 + band for band in there]] = known.any(axis=0).mean(), known.mean(axis=1)
    paired[there] = np.where(known[:, ::step], values[:, ::step], np.float32(np.nan))
    fill = _fill(values, known)
    if not _varies(values, known).any():
        values, known = _elsewhere(series.path, numbers, grid, values, known, remarks)
    flags[0, there] = ~_varies(values, known)
    for band, some, mask in zip(there, values, known, strict=True):
        digests[band] = hashlib.blake2b(some.tobytes() + mask.tobytes(), digest_size=16).hexdigest()
        if mask.any():
            spans[:, band] = np.percentile(some[mask], (LOW_PERCENT, 50.0, HIGH_PERCENT))
            flags[1, band] = bool((some[mask] == np.round(some[mask])).all())
    return shares, spans, flags, tuple(digests), paired, fill


def _fill(values: Floats, known: Bools) -> tuple[float, float]:
    """The commonest of the numbers that usually mean nothing, and its share; of one band none that often mean it."""
    whole = known.all(axis=0)
    if not whole.any():
        return 0.0, 0.0
    candidates = FILLS if len(values) > 1 else FILLS_OF_ONE
    shares = {fill: float((values[:, whole] == np.float32(fill)).all(axis=0).mean()) for fill in candidates}
    most = max(shares, key=lambda fill: shares[fill])
    return most, shares[most]


def _varies(values: Floats, known: Bools) -> Bools:
    """(C,) whether a band holds two numbers at least in its valid pixels."""
    low = np.where(known, values, np.inf).min(axis=1)
    return np.asarray(np.where(known, values, -np.inf).max(axis=1) > low)


def _read(path: str, numbers: Sequence[int], windows: Sequence[Window]) -> tuple[Floats, Bools]:
    """(C, N) values, 0 where not valid, and validity of the windows one after the other."""
    ends = np.cumsum([0, *(window.height * window.width for window in windows)])
    values = np.zeros((len(numbers), ends[-1]), np.float32)
    known = np.zeros(values.shape, np.bool_)
    with open_raster(path, numbers) as reader:
        for window, start, end in zip(windows, ends, ends[1:], strict=False):
            some, valid = reader.read_each(window)
            values[:, start:end], known[:, start:end] = some.reshape(len(some), -1), valid.reshape(len(valid), -1)
    return values, known


def _elsewhere(
    path: str, numbers: Sequence[int], grid: Grid, values: Floats, known: Bools, remarks: Remarks
) -> tuple[Floats, Bools]:
    """Of a date that the sample shows to be empty the first block that is not, or the sample where there is none.

    A date is called empty only after all of its pixels were read.
    """
    if grid.height * grid.width <= known.shape[1]:
        return values, known
    with open_raster(path, numbers) as reader:
        for window in grid.blocks(BLOCK_PX):
            remarks.checkpoint()
            some, valid = reader.read_each(window)
            some, valid = some.reshape(len(some), -1), valid.reshape(len(valid), -1)
            if _varies(some, valid).any():
                return some, valid
    return values, known
