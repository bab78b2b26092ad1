"""How long an embedding will take and how large it will be, from what was measured on this machine before."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .grid import Window
from .jobs.embed import EmbedRaster
from .meter import reading_of, seen_mpx, with_overviews
from .progress import Progress
from .region import PolygonMask, window_of
from .space import patch_of, space_of
from .speeds import Setting, Speed, find, setting_of, unloaded
from .tiling import spread, tile_sides
from .twincard import scene_for
from .windows import Reader

MOST_TILES = 20_000
"""Tiles that are looked up among polygons, spread over the raster."""
MOST_LOOKS = 48
LOOK_PX = 64
LOOK_S = 0.5
"""How long at most is looked for places without pixels; a file far away is looked at a few times only."""
FEWEST_LOOKS = 4


@dataclass(frozen=True)
class Shares:
    """Of a region: tiles that hold anything at all, and cells that get a vector."""

    tiles: float = 1.0
    cells: float = 1.0


@dataclass(frozen=True)
class Asked:
    """What an embedding is to be made of, and the speed of it where that is known.

    Attributes:
        setting: that decides the speed.
        reading: kind of file.
        height, width: of the region in pixels.
        speed: measured earlier; None: never.
        shares: of what there is to see; looked up where the speed is known.
    """

    setting: Setting
    reading: str
    height: int
    width: int
    speed: Speed | None
    shares: Shares


@dataclass(frozen=True)
class Forecast:
    """What a run will take.

    Attributes:
        seconds: from start to end.
        start_s: of these, until work begins that grows with the raster.
        bytes: of the file; None where nobody knows how well it compresses.
        cells: of the output.
    """

    seconds: float
    start_s: float
    bytes: float | None
    cells: int


def asked_of(job: EmbedRaster) -> Asked:
    """Look at the rasters of a job.

    Raises:
        QuadratError: what the job itself would raise: no such file, bands that do not fit.
    """
    space = space_of(job)
    with scene_for(job, space, Progress()).open() as reader:
        region = window_of(reader.grid, job.extent)
        pixels = region.height * region.width
        setting = setting_of(job, space, len(reader.bands), patch_of(space, pixels))
        reading = reading_of(job.input)
        speed = find(setting, reading)
        shares = Shares()
        if speed is not None:
            mask = PolygonMask(job.mask, reader.grid) if job.mask else None
            shares = shares_of(reader, region, mask, speed, job.overlap_px)
    return Asked(setting, reading, region.height, region.width, speed, shares)


def forecast(job: EmbedRaster, asked: Asked, speed: Speed) -> Forecast:
    """Reckon.

    Args:
        job: for overlap and storage.
        asked: what it is made of.
        speed: with such a setting.
    """
    height, width = (-(-side // speed.patch_px) for side in (asked.height, asked.width))
    tile = max(speed.tile_px // speed.patch_px, 1)
    itemsize = 1 if job.storage == "bytes" else 4
    sides = tile_sides(
        height, width, tile=tile, overlap=min(-(-job.overlap_px // speed.patch_px), tile // 2), exact=speed.exact,
        dimensions=speed.dimensions, itemsize=itemsize,
    )  # fmt: skip
    mpx = asked.shares.tiles * seen_mpx(*sides, speed.patch_px, speed.halo_px)
    size = None
    if speed.stored_share is not None:
        plain = height * width * speed.dimensions * itemsize * asked.shares.cells
        size = plain * speed.stored_share * with_overviews(height, width, speed.dimensions)
    cold = bool(unloaded(asked.setting.backbone))
    build = (speed.cold_s, speed.build_s) if cold else (speed.build_s, speed.cold_s)
    fixed = next((value for value in build if value is not None), 0.0) + (speed.settle_s or 0.0)
    sampled = min(mpx, speed.sample_mpx or 0.0)
    sample_s, loop_s = speed.sample_s or speed.loop_s or 0.0, speed.loop_s or speed.sample_s or 0.0
    closing = (size or 0.0) / 1e9 * (speed.close_s or 0.0)
    working = sampled * sample_s + (mpx - sampled) * loop_s + closing
    return Forecast(fixed + working, fixed, size, height * width)


def shares_of(reader: Reader, region: Window, mask: PolygonMask | None, speed: Speed, overlap_px: int) -> Shares:
    """How much of a region there is to see.

    Args:
        reader: of the raster.
        region: of it.
        mask: polygons outside of which nothing is seen.
        speed: whose tiles are meant.
        overlap_px: of tiles that are blended.
    """
    tile = speed.tile_px
    step = tile if speed.exact else max(tile - overlap_px, tile // 2, 1)
    rows, cols = (np.arange(0, max(side, 1), step) for side in (region.height, region.width))
    number = np.arange(len(rows) * len(cols))[:: max(len(rows) * len(cols) // MOST_TILES, 1)]
    windows = [
        window
        for row, col in zip(rows[number // len(cols)], cols[number % len(cols)], strict=True)
        if (window := Window(region.row + int(row), region.col + int(col), tile, tile).intersection(region))
    ]
    touched = windows if mask is None else [windows[at] for at in np.flatnonzero(mask.touched(windows))]
    if not touched:
        return Shares(0.0, 0.0)
    found, share = _looked_at(reader, touched, mask)
    inside = len(touched) / len(windows)
    return Shares(inside * found, inside * share)


def _looked_at(reader: Reader, windows: Sequence[Window], mask: PolygonMask | None) -> tuple[float, float]:
    """Share of windows with any valid pixel, and of valid pixels in them all; of a few, spread evenly."""
    started, any_valid, valid_share, looks = time.monotonic(), 0, 0.0, 0
    for index in spread(len(windows))[:MOST_LOOKS]:
        window = windows[index]
        small = Window(
            window.row + max(window.height - LOOK_PX, 0) // 2, window.col + max(window.width - LOOK_PX, 0) // 2,
            min(LOOK_PX, window.height), min(LOOK_PX, window.width),
        )  # fmt: skip
        _, valid = reader.read(small)
        inside = 1.0 if mask is None else float(mask.cells(window).mean())
        any_valid += bool(valid.any())
        valid_share += float(valid.mean()) * inside
        looks += 1
        if looks >= FEWEST_LOOKS and time.monotonic() - started > LOOK_S:
            break
    return any_valid / looks, valid_share / looks
