"""How long it takes from a click to the repainted view, over the real wire, and in how much memory.

Run with the engine's Python: `python tests/benchmarks/bench_live.py [rows]`. A click is Teach (one more point) and
View, from the first byte sent to the answer received; p50 and p95 over the clicks. The view does not move, its cells
are held. `rows` names parts of the table: kernel, fit, large, middle, small; all of them without it.
"""

import argparse
import importlib
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
import shapely  # noqa: E402
from affine import Affine  # noqa: E402
from quadrat.core.grid import Grid  # noqa: E402
from quadrat.core.kernel import Linear  # noqa: E402
from quadrat.core.live.messages import Label, Open, Teach, View  # noqa: E402
from quadrat.core.writing import Band, BlockWriter  # noqa: E402
from quadrat.models.crew import Crew  # noqa: E402
from quadrat.processing.client import Worker  # noqa: E402
from quadrat.processing.environment import find_engine  # noqa: E402
from rasterio.crs import CRS  # noqa: E402

NAMES = ("a", "b", "c", "d", "e")
WEST, NORTH, CELL = 600_000, 9_000_000, 10
SIZES = {"large": (768, (750, 800)), "middle": (64, (750, 800)), "small": (768, (25, 40))}
"""Dimensions, and height and width of the view."""
HEADS = {"large": ("linear", "forest-small", "mlp", "trees"), "middle": ("linear", "forest-small", "mlp", "trees")}
CLICKS, SLOW_CLICKS = 60, 5
HELD_LABELS = 60


def classes_at(row, col):
    """Class 0..4 of cells."""
    return (np.asarray(row) // 7 + np.asarray(col) // 9) % len(NAMES)


def make(path, dimensions, height, width):
    """An embedding in bytes: classes apart in a dozen directions, with noise in all."""
    rng = np.random.default_rng(0)
    axes, centres = rng.normal(size=(12, dimensions)), rng.normal(0, 8, (len(NAMES), 12))
    grid = Grid(Affine(CELL, 0, WEST, 0, -CELL, NORTH), CRS.from_epsg(32722).to_wkt(), height, width)
    bands = [Band(f"d{number}", 0.02, -2.5) for number in range(dimensions)]
    tags = {"identity": "0" * 32, "backbone": "made"}
    with BlockWriter(path, grid, bands, "uint8", nodata=0, signature={}, tags=tags) as writer:
        for index, window in enumerate(writer.windows):
            rows, cols = np.mgrid[window.row : window.row + window.height, window.col : window.col + window.width]
            hidden = centres[classes_at(rows, cols).ravel()] + rng.normal(0, 6, (rows.size, 12))
            codes = (hidden @ axes).astype(np.float32) + 128 + rng.normal(0, 8, (rows.size, dimensions)).astype("f4")
            codes = np.clip(codes, 1, 255).astype(np.uint8).T.reshape(dimensions, *rows.shape)
            writer.put(index, np.ascontiguousarray(codes))
        writer.finish()


def labels(height, width, count, seed=0):
    """Points with their class, as they go over the wire."""
    rng = np.random.default_rng(seed)
    made = []
    for number in range(count):
        row, col = int(rng.integers(height)), int(rng.integers(width))
        shape = shapely.Point(WEST + CELL * (col + 0.5), NORTH - CELL * (row + 0.5))
        made.append(Label(number + 1, shape.wkb_hex, NAMES[int(classes_at(row, col))]).to_dict())
    return made


def peak_mb(pid):
    """Most memory that a process has held."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return float("nan")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def ask(worker, question):
    """The answer, and the milliseconds it took."""
    started = time.perf_counter()
    answer = worker.call(question.METHOD, question.to_dict())
    return answer, 1000 * (time.perf_counter() - started)


def spread(times):
    """p50 and p95."""
    return statistics.median(times), float(np.percentile(times, 95))


def clicks(path, size, head, folder):
    """A session of clicks; prints one line."""
    height, width = SIZES[size][1]
    count = CLICKS if head == "linear" else SLOW_CLICKS
    every = labels(height, width, HELD_LABELS + count)
    worker = Worker(find_engine())
    try:
        ask(worker, Open(str(path), str(folder), head=head))
        ask(worker, Teach(tuple(every[:HELD_LABELS]), classes=NAMES))
        view = View(0, 0, height, width)
        first = ask(worker, view)
        times, parts = [], []
        for one in every[HELD_LABELS:]:
            taught = ask(worker, Teach((one,), classes=NAMES))
            painted, ms = ask(worker, view)
            times.append(taught[1] + ms)
            parts.append(painted["ms"])
        middle, high = spread(times)
        inside = ", ".join(f"{name} {statistics.median(part[name] for part in parts):.0f}" for name in parts[0])
        print(
            f"{height * width:>7,} x {SIZES[size][0]:>3} {head:<13} p50 {middle:7.0f} ms  p95 {high:7.0f} ms "
            f"({inside}; first view {first[1]:.0f} ms, peak {peak_mb(worker.pid):.0f} MB, {len(times)} clicks)",
            flush=True,
        )
        if head == "linear":
            settled = ask(worker, View(0, 0, height, width, settle=True))
            print(f"{'':>13} settled in {settled[1]:.0f} ms: {settled[0]['head']}", flush=True)
    finally:
        worker.kill()


def kernel(repeats=15):
    """The products alone, without wire and fit."""
    rng = np.random.default_rng(0)
    codes = rng.integers(1, 256, (600_000, 768), dtype=np.uint8)
    linear = Linear.of(rng.normal(0, 1e-3, (5, 768)), np.zeros(5))
    crew = Crew(0)
    pieces = [slice(start, start + 4096) for start in range(0, len(codes), 4096)]
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        crew.each(lambda rows: linear(codes[rows]), pieces)
        times.append(1000 * (time.perf_counter() - started))
    digits = linear.digits.shape[1] // 5
    print(
        f"kernel alone, 600,000 x 768, 5 classes, {digits} digits, {crew.count} threads: p50 {spread(times)[0]:.0f} ms"
    )


def fits():
    """A quick fit by the number of labels."""
    from quadrat.core.heads.build import fit_head
    from quadrat.core.heads.fitting import run_all
    from quadrat.core.heads.recipe import Recipe
    from quadrat.core.progress import Progress

    rng = np.random.default_rng(0)
    axes, centres = rng.normal(size=(12, 768)), rng.normal(0, 8, (5, 12))
    for strength in (0.01, 1e-5):
        for count in (10, 50, 150, 500, 2000):
            y = np.arange(count) % 5 + 1
            X = ((centres[y - 1] + rng.normal(0, 6, (count, 12))) @ axes + rng.normal(0, 8, (count, 768))).astype("f4")
            recipe, times = Recipe("linear", "class", own_units=False, strength=strength), []
            for _ in range(15):
                started = time.perf_counter()
                run_all([lambda r=recipe, X=X, y=y: fit_head(r, X, y, np.arange(len(y)))], 1, Progress())
                times.append(1000 * (time.perf_counter() - started))
            middle, high = spread(times)
            print(f"fit {count:>5} labels x 768, strength {strength:g}: p50 {middle:.1f} ms  p95 {high:.1f} ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", help="of the table")
    parser.add_argument("--heads", nargs="*", help="only these")
    parser.add_argument("--keep", type=Path, help="only write the embedding of the row named, for bench_click.py")
    given = parser.parse_args()
    if given.keep:
        make(given.keep, SIZES[given.rows[0]][0], *SIZES[given.rows[0]][1])
        return
    wanted = given.rows or ["kernel", "fit", *SIZES]
    if "kernel" in wanted:
        kernel()
    if "fit" in wanted:
        fits()
    with tempfile.TemporaryDirectory() as folder:
        for size in [size for size in SIZES if size in wanted]:
            path = Path(folder) / f"{size}.tif"
            make(path, SIZES[size][0], *SIZES[size][1])
            for head in HEADS.get(size, ("linear",)):
                if not given.heads or head in given.heads:
                    clicks(path, size, head, Path(folder) / "live")


if __name__ == "__main__":
    main()
