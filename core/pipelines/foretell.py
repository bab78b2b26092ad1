"""An embedding that is to be made in, its time and size out; measured first where that is wished."""

import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import BadJob, Cancelled
from ..forecast import Asked, asked_of, forecast
from ..jobs.declare import Job
from ..jobs.embed import EmbedRaster
from ..meter import Probe, watched
from ..progress import Progress
from ..raster import environment
from ..speeds import Speed, remember
from . import embedraster

QUICK_S = 6.0
"""For a look at one backbone."""


def run(job: Job, progress: Progress, *, measure: bool = False) -> dict[str, Any]:
    """What is known of a job before it runs.

    Args:
        job: that would run.
        progress: of the measurement.
        measure: take some seconds to measure it, unless it is known.

    Returns:
        known: whether it was measured; then seconds, bytes (None: not known), cells, device; and free: bytes that the
        disk of the output has left, None where nobody knows.

    Raises:
        QuadratError: what the job would raise at its start.
    """
    if not isinstance(job, EmbedRaster):
        raise BadJob(f"How long '{job.facts.title}' takes cannot be told before.")
    with environment():
        asked = asked_of(job)
        if measure and (asked.speed is None or asked.speed.stored_share is None):
            measured(job, asked, progress)
            asked = asked_of(job)
    return told(job, asked)


def told(job: EmbedRaster, asked: Asked) -> dict[str, Any]:
    """As `run` returns it, of what was looked up."""
    facts: dict[str, Any] = {"known": asked.speed is not None, "free": _free_bytes(job.output)}
    if asked.speed is None:
        return facts
    found = forecast(job, asked, asked.speed)
    return facts | {
        "seconds": round(found.seconds, 2), "bytes": None if found.bytes is None else round(found.bytes),
        "cells": found.cells, "device": asked.speed.device,
    }  # fmt: skip


def measured(job: EmbedRaster, asked: Asked, progress: Progress, budget_s: float = QUICK_S) -> Speed:
    """Do the first seconds of a job, remember how fast it was, and keep nothing else.

    Args:
        job: as it would run; its output is not touched.
        asked: of it.
        progress: of the measurement.
        budget_s: to spend, once the backbone is built.

    Raises:
        QuadratError: what the job itself would raise.
    """
    probe = Probe(budget_s)
    with tempfile.TemporaryDirectory(prefix="quadrat-speed-", ignore_cleanup_errors=True) as folder:
        trial = replace(job, output=str(Path(folder) / "trial.tif"))
        progress.checkpoint(0.0, "Building the backbone")
        try:
            # A raster so small that it is done in that time is remembered by the run itself.
            embedraster.run(trial, watched(probe, progress), probe)
        except Cancelled:
            progress.checkpoint()  # raises where it was the user who stopped it
            probe.spooled = sum(path.stat().st_size for path in Path(folder).glob("*.part"))
            remember(asked.setting, asked.reading, probe.speed())
    progress.checkpoint(1.0)
    return probe.speed()


def _free_bytes(output: str) -> int | None:
    with suppress(OSError):
        return shutil.disk_usage(Path(output).absolute().parent).free
    return None
