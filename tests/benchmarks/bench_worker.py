"""How soon the worker answers: cold start, with PyTorch, latency of a message, cancel.

Run with the engine's Python: `python tests/benchmarks/bench_worker.py`. Times are medians over the repetitions.
"""

import argparse
import importlib
import os
import statistics
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

from quadrat.core import protocol  # noqa: E402
from quadrat.core.errors import Cancelled  # noqa: E402
from quadrat.processing.client import Worker  # noqa: E402
from quadrat.processing.environment import find_engine  # noqa: E402


def timed(work):
    """Seconds that `work` takes, and what it gives."""
    started = time.perf_counter()
    value = work()
    return time.perf_counter() - started, value


def starts(repeats):
    """Seconds from nothing to the first answer, and to one that needs PyTorch where there is one."""
    cold, torch = [], []
    for _ in range(repeats):
        seconds, worker = timed(lambda: Worker(find_engine()))
        cold.append(seconds)
        if worker.facts["has_torch"]:
            torch.append(seconds + timed(lambda worker=worker: worker.call(protocol.DESCRIBE))[0])
        worker.close()
    return cold, torch


def latencies(count):
    """Seconds of a message there and back."""
    worker = Worker(find_engine())
    times = [timed(lambda: worker.call(protocol.PING))[0] for _ in range(count)]
    worker.close()
    return times


def cancels(job, repeats):
    """Seconds from asking to stop until the client is free again."""
    times = []
    for _ in range(repeats):
        worker, running, asked = Worker(find_engine()), threading.Event(), []

        def is_cancelled(running=running, asked=asked):
            if running.is_set() and not asked:
                asked.append(time.perf_counter())
            return bool(asked)

        def on_progress(fraction, remaining_s, text, running=running):
            if fraction > 0.06:
                running.set()

        try:
            worker.call(protocol.RUN, {"job": job}, on_progress, None, is_cancelled)
        except Cancelled:
            times.append(time.perf_counter() - asked[0])
        worker.close()
    return times


def first_jobs(raster, repeats):
    """Seconds from nothing to a small embedding: handshake, imports, work."""
    times = []
    for number in range(repeats):
        job = {"job": "embedraster", "input": str(raster), "output": f"{raster}.{number}.tif"}
        started = time.perf_counter()
        worker = Worker(find_engine())
        worker.call(protocol.RUN, {"job": job})
        times.append(time.perf_counter() - started)
        worker.close()
    return times


def make_raster(folder, side):
    """A raster of noise that takes a while to embed."""
    import numpy as np
    import rasterio

    path = Path(folder) / f"noise {side}.tif"
    profile = {"driver": "GTiff", "width": side, "height": side, "count": 4, "dtype": "uint8", "crs": "EPSG:32633"}
    with rasterio.open(path, "w", transform=rasterio.Affine(10, 0, 5e5, 0, -10, 5e6), **profile) as dataset:
        dataset.write(np.random.default_rng(0).integers(1, 255, (4, side, side), dtype="uint8"))
    return path


def main():
    """Print the table."""
    import tempfile

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    os.environ.setdefault("QUADRAT_PYTHON", sys.executable)
    cold, torch = starts(options.repeats)
    rows = [("cold start to first answer", cold, 1.0), ("message there and back", latencies(200), None)]
    if torch:
        rows.append(("cold start to an answer that needs PyTorch", torch, 5.0))
    with tempfile.TemporaryDirectory() as folder:
        raster = make_raster(folder, 3000)
        job = {"job": "embedraster", "input": str(raster), "patch_size_px": 1, "output": str(raster) + ".out.tif"}
        rows.append(
            ("cold start to 64 x 64 pixels embedded", first_jobs(make_raster(folder, 64), options.repeats), None)
        )
        rows.append(("cancel to stop", cancels(job, options.repeats), 1.0))
    print(f"{'':<44}{'median':>9}{'worst':>9}{'target':>9}")
    for name, times, target in rows:
        shown = f"{target:.1f} s" if target else ""
        print(f"{name:<44}{statistics.median(times):8.4f}s{max(times):8.4f}s{shown:>9}")


if __name__ == "__main__":
    main()
