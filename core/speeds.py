"""How fast embedding was on this machine, kept from run to run beside the engine: one small file for each setting.

A file is written whole or not at all, so that several processes may remember at once; the last one of a setting stands.
What cannot be read counts as nothing measured. Nothing here decides a result.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import platform
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from ..models.crew import thread_count
from ..models.registry import BACKBONES
from ..models.weights.place import home
from .atomic import replacing
from .errors import QuadratError
from .jobs.embed import EmbedRaster
from .space import Space
from .version import VERSION

FORMAT = 1
FOLDER = "speeds"
NEWEST = 0.7
"""Weight of what was measured last against all before: machines are busy at times, and change."""
MOST_FILES = 300
SLOW_FORWARD, SLOW_S = 0.85, 1.0
"""Share of the time spent in the backbone, and seconds for a million pixels, above which it does not matter from what
kind of file it reads."""
LIBRARIES = ("torch", "onnxruntime", "timm")
ONNX = "onnx"


@dataclass(frozen=True)
class Setting:
    """All that decides how fast a backbone is, but for the file that it reads."""

    backbone: str
    model: str
    weights: str
    bands: int
    patch_size_px: int
    tile_size_px: int
    dimensions: int
    scaling: str
    storage: str
    batch_size: int
    device: str
    threads: int
    machine: str


@dataclass(frozen=True)
class Speed:
    """What was measured with a setting; None where it was not.

    Attributes:
        device: that it ran on, in words.
        dimensions: of a vector.
        patch_px, tile_px, halo_px, exact: of the backbone that was built, as `models/contract.py` has them.
        build_s: to build the backbone, in a process that has its libraries loaded.
        cold_s: the same in one that has not.
        settle_s: to fit components and ranges on the sample, and to get going.
        sample_s: for a million pixels seen while the raster is sampled.
        loop_s: for a million pixels seen afterwards.
        sample_mpx: millions of pixels that the sample sees, of a large raster.
        forward_share: of the time in the backbone itself.
        stored_share: bytes in the file for each byte of vectors, without overviews.
        close_s: for a billion bytes of the file, to make it whole.
        times: how often it was measured.
    """

    device: str
    dimensions: int
    patch_px: int
    tile_px: int
    halo_px: int
    exact: bool
    build_s: float | None = None
    cold_s: float | None = None
    settle_s: float | None = None
    sample_s: float | None = None
    loop_s: float | None = None
    sample_mpx: float | None = None
    forward_share: float | None = None
    stored_share: float | None = None
    close_s: float | None = None
    times: int = 1

    def after(self, earlier: "Speed") -> "Speed":
        """This one, measured last, with what was known before."""
        mixed = {}
        for name in _MEASURED:
            new, old = getattr(self, name), getattr(earlier, name)
            mixed[name] = old if new is None else new if old is None else NEWEST * new + (1 - NEWEST) * old
        return replace(self, **mixed, times=earlier.times + 1)


_MEASURED = [one.name for one in fields(Speed) if one.default is None]


def setting_of(job: EmbedRaster, space: Space, bands: int, patch_size_px: int) -> Setting:
    """The setting of a job.

    Args:
        job: that runs, or is to.
        space: that it asks for.
        bands: that the backbone gets.
        patch_size_px: as it is asked of the backbone.
    """
    return Setting(
        space.backbone, _file_text(space.model), _file_text(space.weights), bands, patch_size_px, space.tile_size_px,
        space.dimensions, space.scaling, job.storage, job.batch_size, f"{job.device} {job.precision}",
        thread_count(job.threads), _machine(),
    )  # fmt: skip


def find(setting: Setting, reading: str) -> Speed | None:
    """What is known of a setting for a kind of file.

    Args:
        setting: of the job.
        reading: kind of the raster's file; another will do where the backbone itself takes nearly all the time.
    """
    known = _read(setting)
    if reading in known:
        return known[reading]
    slow = [
        speed
        for speed in known.values()
        if (speed.forward_share or 0.0) >= SLOW_FORWARD and (speed.loop_s or speed.sample_s or 0.0) >= SLOW_S
    ]
    return slow[-1] if slow else None


def remember(setting: Setting, reading: str, speed: Speed) -> None:
    """Keep what was measured; where nothing can be kept, nothing is."""
    folder = _folder()
    if folder is None:
        return
    known = _read(setting)
    before = known.pop(reading, None)
    known[reading] = speed.after(before) if before else speed
    values = {
        "format": FORMAT, "setting": asdict(setting), "time": round(time.time()),
        "speeds": {name: asdict(one) for name, one in known.items()},
    }  # fmt: skip
    # A speed that is lost is measured again; no work is to fail for it.
    with contextlib.suppress(OSError, QuadratError):
        folder.mkdir(parents=True, exist_ok=True)
        with replacing(_path(folder, setting)) as path:
            path.write_text(json.dumps(values, indent=1), encoding="utf-8")
        _sweep(folder)


def unloaded(backbone: str) -> list[str]:
    """Libraries of a backbone that are here but not loaded by this process; loading them takes seconds."""
    names = BACKBONES[backbone].requirements or (("onnxruntime",) if backbone == ONNX else ())
    return [name for name in names if name not in sys.modules and importlib.util.find_spec(name) is not None]


def _read(setting: Setting) -> dict[str, Speed]:
    """Speeds by kind of file, the newest last."""
    folder = _folder()
    if folder is None:
        return {}
    try:
        values = json.loads(_path(folder, setting).read_text(encoding="utf-8"))
        if values["format"] != FORMAT or values["setting"] != asdict(setting):
            return {}
        return {str(name): _speed(one) for name, one in values["speeds"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}


def _speed(values: Mapping[str, Any]) -> Speed:
    speed = Speed(**values)
    numbers = [getattr(speed, name) for name in (*_MEASURED, "dimensions", "patch_px", "tile_px", "halo_px", "times")]
    if not all(value is None or (isinstance(value, (int, float)) and 0 <= value < 1e12) for value in numbers):
        raise ValueError("not a speed")
    if not speed.dimensions or not speed.patch_px or not speed.tile_px:
        raise ValueError("not a speed")
    return speed


def _folder() -> Path | None:
    base = home()
    return base / FOLDER if base else None


def _path(folder: Path, setting: Setting) -> Path:
    text = json.dumps(asdict(setting), sort_keys=True)
    return folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.json"


def _sweep(folder: Path) -> None:
    """Only the newest files stay."""
    found = sorted(folder.glob("*.json"), key=lambda path: path.stat().st_mtime)
    for path in found[:-MOST_FILES]:
        path.unlink(missing_ok=True)


def _file_text(text: str) -> str:
    """A file with its size, since another may come under the same name; other texts as they are."""
    with contextlib.suppress(OSError, ValueError):
        if text and os.path.isfile(text):
            return f"{text} {os.path.getsize(text)}"
    return text


@cache
def _machine() -> str:
    """What is fast or slow: processor, cores, libraries, version. A folder may be shared by several machines."""
    versions = []
    for name in LIBRARIES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            versions.append(f"{name} {metadata.version(name)}")
    chip = f"{platform.node()} {platform.machine()} {os.cpu_count()}"
    return ", ".join([f"Quadrat {VERSION}", chip, *versions])
