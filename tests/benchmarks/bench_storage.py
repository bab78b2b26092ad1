"""How embeddings are best laid out in the file: bytes, time to write, time to read a vector and to show a view.

    QUADRAT_DATA=… python tests/benchmarks/bench_storage.py layout
    QUADRAT_DATA=… python tests/benchmarks/bench_storage.py reading
    QUADRAT_DATA=… python tests/benchmarks/bench_storage.py threads
    QUADRAT_DATA=… python tests/benchmarks/bench_storage.py memory

On vectors of real scenes (drone, aeroplane, Sentinel-2, Landsat), made with the default backbone and with random
features for each pixel; small scenes are continued by mirroring. Times are of the processor, which neighbours on a
shared machine disturb less than the wall clock; median of the tries. Cold: GDAL has nothing in its cache, and the
system was asked to forget the file; what the disk itself takes comes on top.

layout: levels of zstd, predictors, sides of blocks, and bands apart or together, through GDAL.
reading: the writer's own files, through rasterio and, where there is one, through the GDAL of QGIS.
threads: numbers packed in a second by 1, 2, ... threads.
memory: what the writer holds while it writes 10,000 x 10,000 cells of 64 bands.
"""

import argparse
import importlib
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
import rasterio  # noqa: E402
from quadrat.core import quantise  # noqa: E402
from quadrat.core.grid import Grid  # noqa: E402
from quadrat.core.jobs.embed import EmbedRaster  # noqa: E402
from quadrat.core.pipelines.registry import run_job  # noqa: E402
from quadrat.core.progress import Progress  # noqa: E402
from quadrat.core.tiling import block_side  # noqa: E402
from quadrat.core.writing import Band, BlockWriter  # noqa: E402

SCENES = {
    "drone": "drone_ortho/pix4d_alpha_nodata.tif",
    "naip": "naip_wetland/m_4709963_se_14_1_20170827.tif",
    "sentinel-2": "s2_amazon_village/sen2_l2a_12band.tif",
    "landsat 7": "landsat7_olinda/L7_ETMs.tif",
}
BACKBONES = {"spectral-textural": {}, "mosaiks": {"dimensions": 256}}
VIEW, LARGE = 1000, (1100, 2100)
PLACES = 30
CELLS = 512
"""Side of the part of a scene for which layouts are tried."""
NONE, DIFFERENCES, FLOATING = 1, 2, 3


class Layout(NamedTuple):
    """What is tried."""

    level: int = 1
    predictor: int = DIFFERENCES
    side: int = 128
    interleave: str = "band"


class Spent(NamedTuple):
    """What it costs."""

    share: float
    """Bytes of the file for each byte of the numbers."""
    write_ns: float
    """CPU for a number."""
    open_ms: float
    vector_cold_ms: float
    vector_warm_ms: float
    view_cold_ms: float
    view_warm_ms: float


def vectors(folder: pathlib.Path, scene: str, backbone: str) -> np.ndarray:
    """(D, H, W) float32 of a real scene, one vector for each pixel; made once."""
    path = folder / f"{scene}-{backbone}.npy"
    if not path.exists():
        source = pathlib.Path(os.environ["QUADRAT_DATA"]) / "rasters" / SCENES[scene]
        output = folder / "made.tif"
        run_job(EmbedRaster(input=str(source), output=str(output), backbone=backbone, storage="float32",
                            patch_size_px=1, **BACKBONES[backbone]), Progress())  # fmt: skip
        with rasterio.open(output) as file:
            np.save(path, file.read())
    return np.load(path, mmap_mode="r")


def stored(values: np.ndarray, storage: str, large: bool = False) -> tuple[np.ndarray, float]:
    """(D, H, W) as it is stored, and its nodata number; `large`: continued by mirroring to the cells of `LARGE`."""
    if large:
        spare = [max(wanted - there, 0) for wanted, there in zip(LARGE, values.shape[1:], strict=True)]
        values = np.pad(values, ((0, 0), (0, spare[0]), (0, spare[1])), "symmetric")[:, : LARGE[0], : LARGE[1]]
    if storage == "float32":
        return np.ascontiguousarray(values), float("nan")
    valid = np.isfinite(values).all(axis=0)
    coding = quantise.fit(values[:, valid][:, ::7].T)
    return coding.encode(np.ascontiguousarray(values), valid), 0.0


def forget(path: pathlib.Path) -> None:
    """Let the system drop what it holds of a file."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def timed(action: Callable[[], Any]) -> float:
    """Milliseconds of the processor."""
    began = time.process_time()
    action()
    return 1000 * (time.process_time() - began)


def readings(path: pathlib.Path) -> tuple[float, ...]:
    """Milliseconds to open, for a vector cold and warm, for a view of three bands cold and warm."""
    rng = np.random.default_rng(0)
    opened, cold, warm, shown, again = [], [], [], [], []
    for number in range(PLACES):
        forget(path)
        began = time.process_time()
        with rasterio.open(path) as file:
            opened.append(1000 * (time.process_time() - began))
            row, col = rng.integers(0, file.height), rng.integers(0, file.width)
            window = rasterio.windows.Window(int(col), int(row), 1, 1)
            cold.append(timed(lambda file=file, window=window: file.read(window=window)))
            warm.append(timed(lambda file=file, window=window: file.read(window=window)))
        if number % 5:
            continue
        forget(path)
        with rasterio.open(path) as file:
            bands = sorted(int(band) for band in rng.choice(file.count, min(3, file.count), replace=False) + 1)
            part = rasterio.windows.Window(20, 20, min(VIEW, file.width - 20), min(VIEW, file.height - 20))
            shown.append(timed(lambda file=file, bands=bands, part=part: file.read(bands, window=part)))
            again.append(timed(lambda file=file, bands=bands, part=part: file.read(bands, window=part)))
    return tuple(float(np.median(times)) for times in (opened, cold, warm, shown, again))


def through_gdal(path: pathlib.Path, values: np.ndarray, nodata: float, layout: Layout) -> Spent:
    """Write with GDAL, in one thread, and read."""
    profile = {
        "driver": "GTiff", "count": len(values), "height": values.shape[1], "width": values.shape[2],
        "dtype": values.dtype.name, "nodata": nodata, "tiled": True, "blockxsize": layout.side,
        "blockysize": layout.side, "compress": "zstd", "zstd_level": layout.level, "predictor": layout.predictor,
        "interleave": layout.interleave, "photometric": "minisblack",
        "transform": rasterio.Affine(10, 0, 0, 0, -10, 0),
    }  # fmt: skip
    began = time.process_time()
    with rasterio.open(path, "w", **profile) as file:
        file.write(values)
    spent = time.process_time() - began
    return Spent(path.stat().st_size / values.nbytes, 1e9 * spent / values.size, *readings(path))


def candidates(storage: str) -> Iterator[Layout]:
    """One thing changed at a time, from what stands."""
    least = NONE if storage == "float32" else DIFFERENCES
    usual = Layout(predictor=least, side=128 if storage == "bytes" else 64)
    for level in (1, 3, 6, 9):
        yield usual._replace(level=level)
    for predictor in (NONE, DIFFERENCES, FLOATING) if storage == "float32" else (NONE,):
        if predictor != least:
            yield from (usual._replace(predictor=predictor, level=level) for level in (1, 6))
    for side in (32, 64, 128, 256):
        if side != usual.side:
            yield usual._replace(side=side)
    for side in (32, 64, 128):
        yield usual._replace(side=side, interleave="pixel")


def layout(args: argparse.Namespace) -> None:
    """Table of layouts, over all scenes and both backbones."""
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = pathlib.Path(args.folder or name)
        for storage in args.storages:
            found: dict[Layout, list[Spent]] = {}
            for scene in args.scenes:
                for backbone in args.backbones:
                    part = vectors(folder, scene, backbone)[:, :CELLS, :CELLS]
                    values, nodata = stored(part, storage)
                    for one in candidates(storage):
                        found.setdefault(one, []).append(through_gdal(folder / "tried.tif", values, nodata, one))
            print(f"{storage}: {', '.join(args.scenes)}; {', '.join(args.backbones)}; mean of {len(found[one])}")
            print(f"{'level':>5} {'predictor':>9} {'side':>5} {'bands':>6} {'bytes %':>8} {'write ns':>9} "
                  f"{'open ms':>8} {'vector cold':>12} {'warm':>6} {'view cold':>10} {'warm':>6}")  # fmt: skip
            for one, spent in found.items():
                mean = Spent(*np.mean(spent, axis=0))
                print(f"{one.level:5} {one.predictor:9} {one.side:5} {one.interleave:>6} {100 * mean.share:8.1f} "
                      f"{mean.write_ns:9.1f} {mean.open_ms:8.2f} {mean.vector_cold_ms:12.2f} "
                      f"{mean.vector_warm_ms:6.2f} {mean.view_cold_ms:10.1f} {mean.view_warm_ms:6.1f}",
                      flush=True)  # fmt: skip


def written(path: pathlib.Path, values: np.ndarray, nodata: float, threads: int = 0) -> tuple[float, float]:
    """Wall and CPU seconds of the writer itself, with blocks of its own choice."""
    count, height, width = values.shape
    grid = Grid(rasterio.Affine(10, 0, 0, 0, -10, 0), "", height, width)
    side = block_side(height, width, count, values.itemsize)
    wall, cpu = time.perf_counter(), time.process_time()
    with BlockWriter(path, grid, [Band(f"A{i:02}", 0.01, -1.0) for i in range(count)], values.dtype.name,
                     nodata=nodata, signature={}, block=side, threads=threads) as writer:  # fmt: skip
        for index, w in enumerate(writer.windows):
            writer.put(index, values[:, w.row : w.row + w.height, w.col : w.col + w.width])
        writer.finish()
    return time.perf_counter() - wall, time.process_time() - cpu


IN_QGIS = """
import json, sys, time
from osgeo import gdal
gdal.UseExceptions()
def once(path, number):
    t = [time.process_time()]
    d = gdal.Open(path)
    t.append(time.process_time())
    at = number * 7919 % (d.RasterXSize - 1000), number * 104729 % (d.RasterYSize - 1000)
    for _ in range(2):
        d.ReadAsArray(*at, 1, 1)
        t.append(time.process_time())
    for band in (1, 2, 3):
        d.GetRasterBand(band).ReadAsArray(*at, 1000, 1000)
    t.append(time.process_time())
    d.GetRasterBand(1).ReadAsArray(0, 0, d.RasterXSize, d.RasterYSize, 700, 700)
    t.append(time.process_time())
    return [1000 * (b - a) for a, b in zip(t, t[1:])]
found = [once(sys.argv[1], number) for number in range(25)]
print(json.dumps([gdal.__version__, [sorted(times)[len(times) // 2] for times in zip(*found)]]))
"""


def reading(args: argparse.Namespace) -> None:
    """The writer's files of 1100 x 2100 cells, read as QGIS does: vector, view of three bands, all of one band."""
    python = shutil.which("python3", path="/usr/bin")
    print(
        f"{'storage':8} {'backbone':18} {'bands':>5} {'side':>4} {'MB':>6} {'bytes %':>8} {'CPU ns':>7}  "
          "open, vector cold, warm, view of 3 bands cold, warm (ms) | QGIS's GDAL: open, vector, again, view, whole"
    )  # fmt: skip
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = pathlib.Path(args.folder or name)
        for backbone in args.backbones:
            for storage in args.storages:
                values, nodata = stored(vectors(folder, args.scenes[0], backbone), storage, large=True)
                path = folder / "own.tif"
                _, cpu = written(path, values, nodata)
                with rasterio.open(path) as file:
                    side = file.block_shapes[0][0]
                shown = ", ".join(f"{ms:.2f}" for ms in readings(path))
                asked = subprocess.run([str(python), "-c", IN_QGIS, str(path)], capture_output=True, text=True)
                gdal, times = json.loads(asked.stdout) if not asked.returncode else ("none", [])
                print(f"{storage:8} {backbone:18} {len(values):5} {side:4} {path.stat().st_size / 1e6:6.0f} "
                      f"{100 * path.stat().st_size / values.nbytes:8.1f} {1e9 * cpu / values.size:7.1f}  {shown} | "
                      f"{gdal}: {', '.join(f'{ms:.2f}' for ms in times)}", flush=True)  # fmt: skip


def threads(args: argparse.Namespace) -> None:
    """Numbers a second by threads, overviews included."""
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = pathlib.Path(args.folder or name)
        values, nodata = stored(vectors(folder, args.scenes[0], args.backbones[0]), "bytes", large=True)
        for count in args.counts:
            runs = [written(folder / "own.tif", values, nodata, count) for _ in range(3)]
            wall, cpu = (min(times) for times in zip(*runs, strict=True))
            print(f"{count} threads: {values.size / wall / 1e6:.0f} million numbers a second, "
                  f"{1e9 * cpu / values.size:.2f} ns CPU a number", flush=True)  # fmt: skip


def memory(args: argparse.Namespace) -> None:
    """Peak memory above the start, and most bytes of overview pieces, lane by lane of 96 blocks."""
    block = np.random.default_rng(0).integers(1, 255, (64, 128, 128), np.uint8) // 8
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        grid = Grid(rasterio.Affine(10, 0, 0, 0, -10, 0), "", args.side, args.side)
        before, most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, 0
        with BlockWriter(pathlib.Path(name) / "own.tif", grid, [Band(str(i)) for i in range(64)], "uint8", nodata=0,
                         signature={}, block=128) as writer:  # fmt: skip
            lanes = sorted(enumerate(writer.windows), key=lambda one: (one[1].col // (96 * 128), one[1].row))
            for index, w in lanes:
                writer.put(index, block[:, : w.height, : w.width])
                most = max(most, writer._pyramid.held_bytes)
            writer.finish()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        print(f"{args.side} x {args.side} x 64: peak +{(peak - before) / 1024:.0f} MB, pieces {most / 2**20:.0f} MB")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("layout", "reading", "threads", "memory"))
    parser.add_argument("--scenes", nargs="+", default=list(SCENES))
    parser.add_argument("--backbones", nargs="+", default=list(BACKBONES))
    parser.add_argument("--storages", nargs="+", default=["bytes", "float32"])
    parser.add_argument("--counts", nargs="+", type=int, default=[1, 2, 4, 8])
    parser.add_argument("--side", type=int, default=10_000)
    parser.add_argument("--folder", help="for vectors and files that are tried; vectors found there are taken")
    args = parser.parse_args()
    {"layout": layout, "reading": reading, "threads": threads, "memory": memory}[args.what](args)


if __name__ == "__main__":
    main()
