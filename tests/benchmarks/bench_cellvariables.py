"""How long the variables of a whole city take.

    .quadrat/test-engine/bin/python tests/benchmarks/bench_cellvariables.py [--cells 50000] [--lines 500000]

A made city, the same every time: cells of 150 m; streets as a jittered grid whose lines have a bend, a quarter of them
left out; Sentinel-2 with 12 bands at 10 m, NDVI of it; heights at 30 m. Prints seconds and the peak of memory.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
import shapely
from affine import Affine

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
import conftest  # noqa: E402, F401 - makes `quadrat` importable

sys.path.remove(str(ROOT))
from quadrat.core.jobs.settlement.variables import CellVariables  # noqa: E402
from quadrat.core.pipelines.registry import run_job  # noqa: E402
from quadrat.core.progress import Progress  # noqa: E402

WEST, SOUTH, CELL_M = 600_000.0, 7_400_000.0, 150.0
BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")


def write(frame, path):
    frame.to_file(path, engine="pyogrio")
    return str(path)


def cells(folder, count):
    side = int(np.ceil(np.sqrt(count)))
    x, y = (axis.ravel()[:count] * CELL_M for axis in np.meshgrid(np.arange(side), np.arange(side)))
    boxes = shapely.box(WEST + x, SOUTH + y, WEST + x + CELL_M, SOUTH + y + CELL_M)
    frame = gpd.GeoDataFrame({"cell": np.arange(count)}, geometry=boxes, crs="EPSG:32723")
    return write(frame, folder / "cells.gpkg"), side * CELL_M


def streets(folder, lines, side_m, rng):
    """About `lines` lines of two stretches over the city."""
    many = int(np.sqrt(lines / 1.5)) + 1
    at = np.stack(np.meshgrid(np.arange(many), np.arange(many)), axis=-1) * side_m / (many - 1)
    at = at + rng.uniform(-0.2, 0.2, at.shape) * side_m / many + (WEST, SOUTH)
    pairs = [(at[:, :-1], at[:, 1:]), (at[:-1], at[1:])]
    ends = np.concatenate([np.stack([a.reshape(-1, 2), b.reshape(-1, 2)], axis=1) for a, b in pairs])
    ends = ends[rng.random(len(ends)) < 0.75]
    bend = ends.mean(axis=1, keepdims=True) + rng.normal(0, 3, (len(ends), 1, 2))
    shapes = shapely.linestrings(np.concatenate([ends[:, :1], bend, ends[:, 1:]], axis=1))
    frame = gpd.GeoDataFrame({"highway": "residential"}, index=range(len(shapes)), geometry=shapes, crs="EPSG:32723")
    return write(frame, folder / "streets.gpkg"), len(shapes)


def raster(path, values, step_m, side_m, names=()):
    place = Affine(step_m, 0, WEST, 0, -step_m, SOUTH + side_m)
    profile = {"driver": "GTiff", "count": len(values), "height": values.shape[1], "width": values.shape[2],
               "dtype": values.dtype, "crs": "EPSG:32723", "transform": place, "tiled": True}  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(values)
        for number, name in enumerate(names, 1):
            file.set_band_description(number, name)
    return str(path)


def measure(title, given, folder):
    started = time.monotonic()
    result = run_job(
        CellVariables.from_dict({"output": str(folder / "out.gpkg"), "values": "x10000", **given}), Progress()
    )
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{title}: {time.monotonic() - started:.1f} s, peak {peak_mb:.0f} MB; {result.facts['streets']}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=int, default=50_000)
    parser.add_argument("--lines", type=int, default=500_000)
    asked = parser.parse_args()
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        layer, side_m = cells(folder, asked.cells)
        roads, drawn = streets(folder, asked.lines, side_m, rng)
        pixels, posts = int(side_m / 10), int(side_m / 30)
        ndvi = rng.uniform(-0.2, 0.9, (1, pixels, pixels)).astype(np.float32)
        hills = (rng.normal(0, 1, (1, posts, posts)).cumsum(1).cumsum(2) / 50).astype(np.float32)
        index = raster(folder / "ndvi.tif", ndvi, 10, side_m, ("NDVI",))
        dtm = raster(folder / "dtm.tif", hills, 30, side_m)
        print(f"{asked.cells:,} cells, {drawn:,} lines of streets, {pixels}² pixels, {posts}² heights", flush=True)
        base = {"cells": layer, "streets": roads}
        measure("streets only", base, folder)
        measure("six, NDVI", {**base, "optical": index, "dtm": dtm}, folder)
        measure("six, nodes at crossings", {**base, "optical": index, "dtm": dtm, "at_crossings": True}, folder)
        reflectance = rng.integers(300, 4500, (len(BANDS), pixels, pixels), dtype=np.uint16)
        optical = raster(folder / "s2.tif", reflectance, 10, side_m, BANDS)
        measure("nine, 12 bands", {**base, "optical": optical, "dtm": dtm, "variables": "nine"}, folder)


if __name__ == "__main__":
    main()
