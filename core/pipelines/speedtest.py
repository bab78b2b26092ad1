"""A made raster in, cells per second out: what embedding costs on this machine, from file to file."""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from ...models import registry
from ..jobs.declare import Result
from ..jobs.embed import EmbedRaster
from ..jobs.engine import SpeedTest
from ..progress import Progress
from ..raster import environment
from ..space import patch_of, space_of
from . import embedraster

STRIP_PX = 256
"""Rows that are made at once: bounds the memory, and lets a cancel in."""
CELL_M = 10.0
MEAN, WAVE, NOISE = 120.0, 30.0, 8.0
"""Of the values: 1..255 with structure that compresses about as well as that of satellite images."""
ANY_MONTH = "6"
"""Of the one date of the made raster."""
SHORTEST_S = 1e-3


def run(job: SpeedTest, progress: Progress) -> Result:
    """Embed a made raster, and reckon from it how long the user's would take.

    Building the backbone takes as long for any raster; the rest grows with the cells.

    Raises:
        QuadratError: with a sentence for the user.
    """
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="quadrat-speed-") as folder:
        path = Path(folder) / "made.tif"
        with environment():
            make_raster(path, job, progress.part(0.0, 0.1))
        facts = embedraster.run(_embedding(job, path), progress.part(0.1, 1.0)).facts
    told = reckon(job, facts)
    progress.info(told["sentence"])
    return Result(SpeedTest.facts.id, {}, told, time.monotonic() - started)


def made_bands(job: SpeedTest) -> int:
    """Bands of the made raster: as many as are asked for, or as the network takes."""
    return len(_roles(job)) or job.bands


def _roles(job: SpeedTest) -> tuple[str, ...]:
    """Of the bands, for networks made for certain ones: the set of as many as are asked for, else the first."""
    sets = [one.roles for one in registry.get(job.backbone).inputs]
    return next((roles for roles in sets if len(roles) == job.bands), sets[0] if sets else ())


def make_raster(path: Path, job: SpeedTest, progress: Progress) -> None:
    """Write bands of `job.side_px` squared bytes: waves of several lengths, and noise."""
    side, count = job.side_px, made_bands(job)
    profile = {
        "driver": "GTiff", "count": count, "height": side, "width": side, "dtype": "uint8", "crs": "EPSG:32722",
        "transform": rasterio.Affine(CELL_M, 0, 600_000, 0, -CELL_M, 9_000_000), "tiled": True, "blockxsize": 256,
        "blockysize": 256, "compress": "zstd", "photometric": "minisblack",
    }  # fmt: skip
    rng = np.random.default_rng(job.seed)
    cols = np.arange(side, dtype=np.float32)
    with rasterio.open(path, "w", **profile) as file:
        for top in range(0, side, STRIP_PX):
            rows = np.arange(top, min(top + STRIP_PX, side), dtype=np.float32)[:, None]
            for band in range(count):
                progress.checkpoint(top / side, "Making a raster" if top == band == 0 else "")
                waves = np.sin(rows / (9 + band)) + np.cos(cols / (31 + band)) + np.sin((rows + cols) / 300)
                noise = rng.normal(0, NOISE, waves.shape)
                values = np.clip(waves * WAVE + MEAN + noise, 1, 255).astype(np.uint8)
                file.write(values, band + 1, window=rasterio.windows.Window(0, top, side, len(rows)))


def _embedding(job: SpeedTest, path: Path) -> EmbedRaster:
    values = {
        "input": str(path), "output": str(path.with_name("embedding.tif")), "backbone": job.backbone,
        "model": job.model, "weights": job.weights, "device": job.device, "threads": job.threads, "seed": job.seed,
        "patch_size_px": job.patch_size_px,
    }  # fmt: skip
    values["band_roles"] = " ".join(f"{role}={number}" for number, role in enumerate(_roles(job), 1))
    if registry.get(job.backbone).series:
        values["months"] = ANY_MONTH
    # Left to itself, a raster as small as this one would be given finer cells than the user's own.
    patch = patch_of(space_of(EmbedRaster.from_dict(values)), job.columns * job.rows)
    return EmbedRaster.from_dict({**values, "patch_size_px": patch})


def reckon(job: SpeedTest, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What the facts of a measured embedding say of the user's raster."""
    spans, patch = facts["seconds"], facts["patch_size_px"]
    working = max(spans["sample"] + spans["embedding"] + spans["file"], SHORTEST_S)
    made = facts["width"] * facts["height"]
    cells = -(-job.columns // patch) * -(-job.rows // patch)
    rate = made / working
    seconds = spans["backbone"] + cells / rate
    size = facts["bytes"] / made * cells
    told = {
        "backbone": facts["backbone"], "device": facts["device"], "dimensions": facts["dimensions"],
        "patch_size_px": patch, "cells_per_second": round(rate, 1), "seconds_estimated": round(seconds, 1),
        "bytes_estimated": int(size), "seconds_measured": round(working + spans["backbone"], 3),
    }  # fmt: skip
    told["sentence"] = (
        f"{rate:,.0f} cells per second on {facts['device']}. A raster of {job.columns:,} x {job.rows:,} px in cells of "
        f"{patch} px takes about {_time(seconds)} and {_size(size)} on disk."
    )
    return told


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours:,} h {minutes:02d} min" if hours else f"{minutes} min"


def _size(size: float) -> str:
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{max(size / 1e6, 1):,.0f} MB"
