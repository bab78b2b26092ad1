"""Backbones in, their speed on this machine out: each does the first seconds of the real work, from file to file."""

import importlib.util
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from ...models import registry
from ...models.card import Card
from ...models.errors import ModelError
from ...models.weights.place import size_text
from ...models.weights.store import path_in_store
from ..atomic import check_apart, replacing
from ..errors import BadInput, Cancelled, QuadratError
from ..forecast import Asked, Shares, asked_of, forecast
from ..jobs.declare import Result
from ..jobs.embed import EmbedRaster
from ..jobs.engine import EACH, SpeedTest
from ..progress import Progress
from ..raster import environment, open_raster
from ..report.bench import page
from ..space import patch_of, space_of
from ..speeds import Speed
from ..wording import duration
from .foretell import measured

STRIP_PX = 256
"""Rows that are made at once: bounds the memory, and lets a cancel in."""
CELL_M = 10.0
MEAN, WAVE, NOISE = 120.0, 30.0, 8.0
"""Of the values: 1..255 with structure that compresses about as well as that of satellite images."""
ANY_MONTH = "6"
"""Of the one date of the made raster."""
LEAST_S = 1.0
"""For a backbone, however many there are."""
SHORTEST_S = 1e-3


def run(job: SpeedTest, progress: Progress) -> Result:
    """Measure one backbone, or each that can run here.

    Raises:
        QuadratError: with a sentence for the user; of each, only when none can run.
    """
    started = time.monotonic()
    check_apart(job.outputs(), {"input": job.input})
    with environment(), tempfile.TemporaryDirectory(prefix="quadrat-speed-", ignore_cleanup_errors=True) as folder:
        found, others = _all(_at_size(job), Path(folder), progress)
    facts = {**found[0], "backbones": found, "others": others}
    facts["sentence"] = found[0]["sentence"] if len(found) == 1 else "\n".join(one["sentence"] for one in found)
    if job.output:
        facts["result"] = "report"
        with replacing(job.output) as path:
            path.write_text(page(_raster_text(job), found, others), encoding="utf-8")
    return Result(SpeedTest.facts.id, job.outputs(), facts, time.monotonic() - started)


def _at_size(job: SpeedTest) -> SpeedTest:
    """The job with the size of the raster that it names."""
    if not job.input:
        return job
    with open_raster(job.input) as reader:
        return replace(job, columns=reader.grid.width, rows=reader.grid.height, bands=len(reader.bands))


def _all(job: SpeedTest, folder: Path, progress: Progress) -> tuple[list[dict[str, Any]], list[dict[str, str]]]:
    """What was measured, in the order of the cards; and the others, each with the reason."""
    if job.backbone != EACH:
        return [_one(job, folder, job.seconds, progress)], []
    others = {card.name: why for card in registry.BACKBONES.values() if (why := why_not(card))}
    names = [name for name in registry.BACKBONES if name not in others]
    found, until = [], time.monotonic() + job.seconds
    for place, name in enumerate(names):
        share = (until - time.monotonic()) / (len(names) - place)
        part = progress.part(place / len(names), (place + 1) / len(names))
        try:
            found.append(_one(replace(job, backbone=name), folder, max(share, LEAST_S), part))
        except Cancelled:
            raise
        except QuadratError as error:
            others[name] = str(error)
            progress.info(f"{registry.get(name).title}: {error}")
    if not found:
        raise BadInput(f"No backbone can run here. {next(iter(others.values()))}")
    cards = registry.BACKBONES
    return found, [{"name": name, "title": cards[name].title, "why": others[name]} for name in cards if name in others]


def why_not(card: Card) -> str:
    """Why a backbone cannot run here without more being given; empty where it can."""
    if card.needs_model:
        return "Needs a model: choose it alone and name one."
    if any(importlib.util.find_spec(name) is None for name in card.requirements):
        return "Needs the full engine."
    if card.weights is None:
        return ""
    try:
        return "" if path_in_store(card.weights.name) is not None else "Its weights are not on this computer."
    except ModelError as error:
        return str(error)


def _one(job: SpeedTest, folder: Path, seconds: float, progress: Progress) -> dict[str, Any]:
    """Measure one backbone for so long."""
    path = job.input
    if not path:
        made = folder / f"made {made_bands(job)}.tif"
        if not made.exists():
            make_raster(made, job, progress.part(0.0, 0.1))
        path = str(made)
    embedding = _embedding(job, path, folder)
    asked = asked_of(embedding)
    speed = measured(embedding, asked, progress.part(0.1, 1.0), seconds)
    asked = asked_of(embedding) if job.input else replace(asked, height=job.rows, width=job.columns, shares=Shares())
    told = reckon(job, embedding, asked, speed)
    progress.info(told["sentence"])
    return told


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
                noise = rng.standard_normal(waves.shape, np.float32) * np.float32(NOISE)
                values = np.clip(waves * WAVE + MEAN + noise, 1, 255).astype(np.uint8)
                file.write(values, band + 1, window=rasterio.windows.Window(0, top, side, len(rows)))


def _embedding(job: SpeedTest, path: str, folder: Path) -> EmbedRaster:
    values = {
        "input": path, "output": str(folder / "embedding.tif"), "backbone": job.backbone, "model": job.model,
        "weights": job.weights, "device": job.device, "threads": job.threads, "seed": job.seed,
        "patch_size_px": job.patch_size_px,
    }  # fmt: skip
    if not job.input:
        values["band_roles"] = " ".join(f"{role}={number}" for number, role in enumerate(_roles(job), 1))
        if registry.get(job.backbone).series:
            values["months"] = ANY_MONTH
    # Left to itself, a raster as small as that which is made would be given finer cells than the user's own.
    patch = patch_of(space_of(EmbedRaster.from_dict(values)), job.columns * job.rows)
    return EmbedRaster.from_dict({**values, "patch_size_px": patch})


def reckon(job: SpeedTest, embedding: EmbedRaster, asked: Asked, speed: Speed) -> dict[str, Any]:
    """What a measured speed says of the user's raster."""
    card, found = registry.get(job.backbone), forecast(embedding, asked, speed)
    working = max(found.seconds - found.start_s, SHORTEST_S)
    rate = found.cells / working
    told = {
        "backbone": card.name, "title": card.title, "device": speed.device, "dimensions": speed.dimensions,
        "patch_size_px": speed.patch_px, "cells_per_second": round(rate, 1),
        "megapixels_per_second": round(asked.height * asked.width / 1e6 / working, 4),
        "seconds_estimated": round(found.seconds, 1),
        "bytes_estimated": None if found.bytes is None else int(found.bytes),
    }  # fmt: skip
    size = "" if found.bytes is None else f" and {size_text(found.bytes)} on disk"
    told["sentence"] = (
        f"{card.title}: {rate:,.0f} cells per second on {speed.device}. A raster of {asked.width:,} x "
        f"{asked.height:,} px in cells of {speed.patch_px} px takes about {duration(found.seconds)}{size}."
    )
    return told


def _raster_text(job: SpeedTest) -> Mapping[str, Any]:
    """Which raster the page speaks of."""
    sized = _at_size(job)
    name = Path(job.input.split("|")[0]).name if job.input else ""
    return {"name": name, "columns": sized.columns, "rows": sized.rows, "bands": sized.bands}
