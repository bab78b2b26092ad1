"""What several workers gain, and what a hundred would ask of the process that gives out the work.

    python tests/benchmarks/bench_cluster.py scaling --side 2048
    python tests/benchmarks/bench_cluster.py driver --workers 100

scaling: one job at home with one thread, and on 1 and 2 workers of one thread each, on a raster made of a real scene
(QUADRAT_DATA) laid side by side and mirrored; seconds for all tiles, workers warm, best of some interleaved rounds.
Needs a machine with nothing else to do.
driver: a real scheduler, a process with a hundred workers, and the real driver with a real file; pieces are empty but
as long as those of a ViT-S/16 on a raster of 48,000 px, and take no time. CPU time of driver and scheduler for each
piece says how many pieces a second they bear.
"""

import argparse
import asyncio
import importlib
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name
sys.path.remove(str(ROOT))

import numpy as np  # noqa: E402
import rasterio  # noqa: E402
from quadrat.core.cluster import spread, work  # noqa: E402
from quadrat.core.cluster.errand import Made  # noqa: E402
from quadrat.core.cluster.pieces import made_twice, pieces_of, size_of_pieces  # noqa: E402
from quadrat.core.grid import Grid  # noqa: E402
from quadrat.core.jobs.embed import EmbedRaster  # noqa: E402
from quadrat.core.pipelines.registry import run_job  # noqa: E402
from quadrat.core.progress import Progress  # noqa: E402
from quadrat.core.tiling import make_plan  # noqa: E402
from quadrat.core.writing import Band, BlockWriter  # noqa: E402

SCENE = "rasters/naip_wetland/m_4709963_se_14_1_20170827.tif"
VIT = "vit_small_patch16_224"
TILING = {"tile": 14, "overlap": 2, "exact": False, "batch": 16, "dimensions": 384, "itemsize": 1}


def large_scene(path: pathlib.Path, side: int) -> str:
    """A raster of `side` px: the scene beside and below itself, every other one mirrored."""
    with rasterio.open(pathlib.Path(os.environ["QUADRAT_DATA"]) / SCENE) as scene:
        once, profile = scene.read(), scene.profile
    pair = np.concatenate([once, once[:, ::-1]], 1)
    four = np.concatenate([pair, pair[:, :, ::-1]], 2)
    repeats = (1, -(-side // four.shape[1]), -(-side // four.shape[2]))
    profile.update(width=side, height=side, tiled=True, blockxsize=256, blockysize=256, compress="zstd")
    with rasterio.open(path, "w", **profile) as file:
        file.write(np.tile(four, repeats)[:, :side, :side])
    return str(path)


def vit_weights(folder: pathlib.Path) -> str:
    """Random weights of a ViT-S/16 as a file, so that nothing is downloaded."""
    import torch
    from quadrat.models.torch_tools import import_timm
    from safetensors.torch import save_file

    torch.manual_seed(0)
    path = folder / "vit_small.safetensors"
    save_file(import_timm().create_model(VIT, pretrained=False).state_dict(), str(path))
    return str(path)


def scaling(args: argparse.Namespace) -> None:
    """Seconds at home and on workers."""
    from distributed import LocalCluster

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        path, small = large_scene(folder / "in.tif", args.side), large_scene(folder / "small.tif", 512)
        cases = {
            "mosaiks": {"backbone": "mosaiks", "patch_size_px": 4},
            VIT: {"backbone": "timm", "model": VIT, "weights": vit_weights(folder)},
        }
        options = {"threads_per_worker": 1, "memory_limit": None, "dashboard_address": ":0", "host": "127.0.0.1"}
        with LocalCluster(n_workers=1, **options) as one, LocalCluster(n_workers=2, **options) as two:
            ways = {"home": "", "1 worker": one.scheduler_address, "2 workers": two.scheduler_address}
            for title, fields in ((title, cases[title]) for title in args.case or cases):
                seconds: dict[str, list[float]] = {way: [] for way in ways}
                for number in range(-1, args.rounds):
                    for way, scheduler in ways.items():
                        job = EmbedRaster(
                            input=path if number >= 0 else small, output=str(folder / "out.tif"), threads=1,
                            bands=(1, 2, 3, 4), scheduler=scheduler, **fields,
                        )  # fmt: skip
                        spans = run_job(job, Progress()).facts["seconds"]
                        # At home the sampled tiles are not made again.
                        took = spans["embedding"] + (0.0 if scheduler else spans["sample"])
                        pathlib.Path(job.output).unlink()
                        if number >= 0:
                            seconds[way].append(took)
                            print(f"{title:24} {way:10} {took:8.1f} s", flush=True)
                best = {way: min(values) for way, values in seconds.items()}
                print(f"{title:24} 1 -> 2 workers: {best['1 worker'] / best['2 workers']:.2f}; home / 1 worker: "
                      f"{best['home'] / best['1 worker']:.2f}", flush=True)  # fmt: skip


def fake_look(run: str) -> dict[str, object]:
    """A worker that is ready at once."""
    return {"device": "CPU, 1 thread", "pid": os.getpid()}


def fake_make(run: str, number: int) -> Made:
    """What a piece of one row of blocks of a ViT-S/16 tells, made in no time."""
    plan, pieces = work.benchmark
    blocks = np.array(sorted(pieces[number]), np.int64)
    rows, cols = blocks // -(-plan.width // plan.block), blocks % -(-plan.width // plan.block)
    heights, widths = plan.height - rows * plan.block, plan.width - cols * plan.block
    sides = [(-(-min(h, plan.block) // 4), -(-min(w, plan.block) // 4)) for h, w in zip(heights, widths, strict=True)]
    reduced = [np.full((plan.dimensions, *side), number % 250 + 1, np.uint8) for side in sides]
    lengths = np.full((len(blocks), plan.dimensions), 1400, np.uint32)
    return Made(blocks, lengths, np.ones(len(blocks), np.uint32), reduced, 1, 0.0)


def fake_write(run: str, number: int, offsets: list[int]) -> None:
    """Nothing."""


def farm(args: argparse.Namespace) -> None:
    """A hundred workers in one process; runs until it is ended."""
    from distributed import Worker

    plan = make_plan(args.cells, args.cells, **TILING)
    own = [piece.blocks(plan) for piece in pieces_of(plan, size_of_pieces(plan, args.workers, 1))]
    work.benchmark = plan, own
    work.look, work.make, work.write = fake_look, fake_make, fake_write

    async def serve() -> None:
        workers = [Worker(args.scheduler, nthreads=1, name=str(n), dashboard=False) for n in range(args.workers)]
        await asyncio.gather(*workers)
        await asyncio.Event().wait()

    asyncio.run(serve())


def driver(args: argparse.Namespace) -> None:
    """CPU time of driver and scheduler for each piece."""
    import psutil
    from distributed import Client

    plan = make_plan(args.cells, args.cells, **TILING)
    size = size_of_pieces(plan, args.workers, 1)
    count = len(pieces_of(plan, size))
    with tempfile.TemporaryDirectory() as name:
        file = f"{name}/scheduler.json"
        bare = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
        scheduler = subprocess.Popen([*bare, "--scheduler-file", file, "--no-dashboard"], stderr=subprocess.DEVNULL)
        while not pathlib.Path(file).exists():
            time.sleep(0.1)
        with Client(scheduler_file=file, set_as_default=False) as client:
            address = client.scheduler.address
            flags = ["--scheduler", address, "--workers", str(args.workers), "--cells", str(args.cells)]
            workers = subprocess.Popen([sys.executable, __file__, "farm", *flags], stderr=subprocess.DEVNULL)
            try:
                client.wait_for_workers(args.workers, timeout=300)
                took = one_run(client, plan, size, name, psutil.Process(scheduler.pid))
            finally:
                workers.kill()
                scheduler.kill()
    made = pickle.dumps(took.pop("made"))
    print(f"{args.workers} workers, {args.cells} x {args.cells} cells of 384 bytes: {count} pieces of {size.rows} rows "
          f"of blocks, {made_twice(plan, size):.1%} of the tiles twice")  # fmt: skip
    driver_ms, scheduler_ms = (took[who] / count * 1e3 for who in ("driver", "scheduler"))
    print(f"{count / took['wall']:.1f} pieces a second; CPU a piece: driver {driver_ms:.0f} ms, scheduler "
          f"{scheduler_ms:.0f} ms; {len(made) / 1e6:.2f} MB a piece through the driver")  # fmt: skip


def one_run(client: object, plan: object, size: object, folder: str, scheduler: object) -> dict[str, object]:
    """Wall and CPU seconds of one run of empty pieces."""
    grid = Grid(rasterio.Affine(160, 0, 600_000, 0, -160, 9_000_000), "", plan.height, plan.width)
    bands = [Band(f"{n}") for n in range(plan.dimensions)]
    with BlockWriter(f"{folder}/o.tif", grid, bands, "uint8", nodata=0, signature={}, block=plan.block) as writer:
        errand = argparse.Namespace(
            run="benchmark", done=frozenset(), store="", size=size, every_s=10.0,
            job=argparse.Namespace(output=f"{folder}/o.tif", scheduler="there"),
        )  # fmt: skip
        run, before = spread.Spread(client, errand, plan, writer, Progress()), scheduler.cpu_times()
        made, took = [], run._piece_made
        run._piece_made = lambda address, number, future: (
            made or made.append(future.result()),
            took(address, number, future),
        )
        wall, own = time.perf_counter(), time.process_time()
        run.run()
        after = scheduler.cpu_times()
        return {
            "wall": time.perf_counter() - wall, "driver": time.process_time() - own, "made": made[0],
            "scheduler": after.user + after.system - before.user - before.system,
        }  # fmt: skip


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    first = commands.add_parser("scaling", help=scaling.__doc__)
    first.add_argument("--side", type=int, default=2048)
    first.add_argument("--rounds", type=int, default=2)
    first.add_argument("--case", nargs="+", choices=["mosaiks", VIT])
    first.set_defaults(run=scaling)
    second = commands.add_parser("driver", help=driver.__doc__)
    second.set_defaults(run=driver)
    third = commands.add_parser("farm", help=farm.__doc__)
    third.add_argument("--scheduler", required=True)
    third.set_defaults(run=farm)
    for command in (second, third):
        command.add_argument("--workers", type=int, default=100)
        command.add_argument("--cells", type=int, default=3000)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
