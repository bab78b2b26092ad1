"""What embedding costs beyond the backbone itself, and how much memory it takes.

    python tests/benchmarks/bench_embed.py overhead --side 2048
    python tests/benchmarks/bench_embed.py memory --sides 4096 16384

overhead: time of the whole job after the backbone is built (sampling, reading, forward passes, blending, quantising,
compressing, writing) over the bare forward time of the same batches with the same threads; in wall seconds, which
neighbours on a shared machine disturb, and in CPU seconds, which they disturb less.
memory: peak resident memory of a child process that does nothing but the job, and how much of it came after the
backbone was built.
"""

import argparse
import importlib
import json
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
import rasterio  # noqa: E402
from quadrat.core import space as spaces  # noqa: E402
from quadrat.core.feeding import TileSource  # noqa: E402
from quadrat.core.jobs.embed import EmbedRaster  # noqa: E402
from quadrat.core.pipelines import embedraster  # noqa: E402
from quadrat.core.progress import Progress  # noqa: E402
from quadrat.core.raster import environment  # noqa: E402
from quadrat.core.sampling import WindowSample  # noqa: E402
from quadrat.core.scene import Chosen, scene_of  # noqa: E402
from quadrat.core.tiling import make_plan  # noqa: E402
from quadrat.core.version import VERSION  # noqa: E402

VIT = "vit_small_patch16_224"


def make_raster(path: pathlib.Path, side: int, count: int, dtype: str = "uint8") -> str:
    """A raster with structure at several scales and noise, written in strips of 512 rows, tiled."""
    profile = {
        "driver": "GTiff", "count": count, "height": side, "width": side, "dtype": dtype, "crs": "EPSG:32722",
        "transform": rasterio.Affine(10, 0, 600_000, 0, -10, 9_000_000), "tiled": True, "blockxsize": 256,
        "blockysize": 256, "compress": "zstd", "photometric": "minisblack", "bigtiff": "if_safer",
    }  # fmt: skip
    rng = np.random.default_rng(0)
    cols = np.arange(side, dtype=np.float32)
    with rasterio.open(path, "w", **profile) as file:
        for top in range(0, side, 512):
            rows = np.arange(top, min(top + 512, side), dtype=np.float32)[:, None]
            for band in range(count):
                waves = np.sin(rows / (9 + band)) + np.cos(cols / (31 - band)) + np.sin((rows + cols) / 300)
                noise = rng.normal(0, 8, waves.shape).astype(np.float32)
                values = np.clip(waves * 30 + 120 + noise, 1, 255).astype(dtype)
                file.write(values, band + 1, window=rasterio.windows.Window(0, top, side, len(rows)))
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


def bare_forward(job: EmbedRaster, limit: int) -> tuple[float, float]:
    """Wall and CPU seconds that the bare backbone takes for all batches, from up to `limit` of them."""
    space = spaces.space_of(job)
    scene = scene_of(job, space.card, Chosen(), Progress())
    with environment(), scene.open() as reader:
        region = reader.grid.whole
        sample = WindowSample(reader, region, job.seed)
        backbone = spaces.build(space, scene, reader, sample, job, region.height * region.width, Progress())
        grid = reader.grid.coarser(backbone.patch_size_px)
        plan = make_plan(**embedraster._tiling(job, space, backbone, grid, Progress()))
        source = TileSource(reader, region, backbone.patch_size_px, backbone.halo_px, not backbone.exact, None)
        chosen = plan.batches[:: max(len(plan.batches) // limit, 1)]
        fed = [source.feed(batch) for batch in chosen]
        backbone(fed[0].values, fed[0].valid)
        wall, cpu = time.perf_counter(), time.process_time()
        for batch in fed:
            backbone(batch.values, batch.valid)
        share = sum(len(batch.tiles) for batch in chosen) / sum(len(batch.tiles) for batch in plan.batches)
        return (time.perf_counter() - wall) / share, (time.process_time() - cpu) / share


class CpuClock(Progress):
    """Notes the CPU time of the process when sampling begins, that is, when the backbone is built."""

    def __init__(self) -> None:
        self.start = 0.0
        super().__init__(self.note)

    def note(self, fraction: float, remaining_s: float | None, text: str) -> None:
        """Called with each report."""
        if text.startswith("Sampling") and not self.start:
            self.start = time.process_time()


def overhead(args: argparse.Namespace) -> None:
    """Table of wall time over bare forward time."""
    print(f"Quadrat {VERSION}; {args.side} x {args.side} px, {args.bands} bands, threads {args.threads or 'all'}, "
          f"best of {args.repeats}")  # fmt: skip
    print(f"{'case':34} {'forward s':>10} {'wall s':>8} {'ratio':>6} {'CPU ratio':>10}  steps")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        path = make_raster(folder / "in.tif", args.side, args.bands)
        cases = {f"spectral-textural, patch {p}": {"backbone": "spectral-textural", "patch_size_px": p} for p in (4, 1)}
        if not args.light:
            weights = vit_weights(folder)
            cases |= {
                f"{VIT}, {storage}": {"backbone": "timm", "model": VIT, "weights": weights, "storage": storage}
                for storage in ("bytes", "float32")
            }
        for title, fields in cases.items():
            forwards, walls, bare_cpu, all_cpu = [], [], [], []
            for repeat in range(args.repeats):
                job = EmbedRaster(
                    input=path, output=str(folder / f"{repeat}.tif"), threads=args.threads, scaling="auto", **fields
                )
                forward, cpu = bare_forward(job, args.batches)
                clock = CpuClock()
                steps = embedraster.run(job, clock).facts["seconds"]
                forwards.append(forward)
                bare_cpu.append(cpu)
                walls.append(steps["sample"] + steps["embedding"] + steps["file"])
                all_cpu.append(time.process_time() - clock.start)
                pathlib.Path(job.output).unlink()
            shown = ", ".join(f"{step} {seconds:.2f}" for step, seconds in steps.items())
            print(f"{title:34} {min(forwards):10.2f} {min(walls):8.2f} {min(walls) / min(forwards):6.3f} "
                  f"{min(all_cpu) / min(bare_cpu):10.3f}  {shown}", flush=True)  # fmt: skip


def child(args: argparse.Namespace) -> None:
    """Do one job and tell its memory; runs in a process of its own."""
    marks = {}

    def report(fraction: float, remaining_s: float | None, text: str) -> None:
        if text.startswith("Sampling"):
            marks.setdefault("before", int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20)

    job = EmbedRaster(
        input=args.path, output=args.path + ".out.tif", patch_size_px=args.patch, threads=args.threads,
        storage=args.storage,
    )  # fmt: skip
    facts = embedraster.run(job, Progress(report)).facts
    status = pathlib.Path("/proc/self/status").read_text()
    # Not getrusage: its peak is carried over from the process that started this one.
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps({"peak": peak, **marks, **facts["seconds"], "MB": facts["bytes"] / 1e6}))


def memory(args: argparse.Namespace) -> None:
    """Table of peak memory by size of the raster."""
    print(f"spectral-textural, patch {args.patch}, {args.bands} bands, {args.storage}")
    print(f"{'side px':>8} {'peak MB':>8} {'above backbone MB':>18} {'output MB':>10} {'embedding s':>12} {'Mpx/s':>6}")
    for side in args.sides:
        with tempfile.TemporaryDirectory() as name:
            path = make_raster(pathlib.Path(name) / "in.tif", side, args.bands)
            command = [sys.executable, __file__, "child", path, "--patch", str(args.patch), "--threads",
                       str(args.threads), "--storage", args.storage]  # fmt: skip
            answer = subprocess.run(command, capture_output=True, text=True)
            if answer.returncode:
                raise SystemExit(answer.stderr)
            facts = json.loads(answer.stdout.splitlines()[-1])
            seconds = facts["sample"] + facts["embedding"] + facts["file"]
            print(f"{side:8} {facts['peak']:8.0f} {facts['peak'] - facts['before']:18.0f} {facts['MB']:10.0f} "
                  f"{seconds:12.1f} {side * side / 1e6 / seconds:6.2f}", flush=True)  # fmt: skip


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    first = commands.add_parser("overhead", help=overhead.__doc__)
    first.add_argument("--side", type=int, default=2048)
    first.add_argument("--bands", type=int, default=3)
    first.add_argument("--threads", type=int, default=0)
    first.add_argument("--repeats", type=int, default=3)
    first.add_argument("--batches", type=int, default=30, help="batches of the plan to time bare")
    first.add_argument("--light", action="store_true", help="without torch")
    first.set_defaults(run=overhead)
    second = commands.add_parser("memory", help=memory.__doc__)
    second.add_argument("--sides", type=int, nargs="+", default=[4096, 16384])
    second.set_defaults(run=memory)
    third = commands.add_parser("child", help=child.__doc__)
    third.add_argument("path")
    third.set_defaults(run=child)
    for command in (second, third):
        command.add_argument("--patch", type=int, default=4)
        command.add_argument("--threads", type=int, default=0)
        command.add_argument("--storage", default="bytes")
        if command is second:
            command.add_argument("--bands", type=int, default=4)
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
