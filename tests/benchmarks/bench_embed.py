"""What embedding costs beyond the backbone itself, and how much memory it takes.

    python tests/benchmarks/bench_embed.py overhead --case vit mosaiks-512 --bands 4 12 --side 4096
    python tests/benchmarks/bench_embed.py memory --sides 4096 16384 40960

overhead: time of the whole job after the backbone is built (sampling, reading, forward passes, blending, quantising,
compressing, writing) over the bare forward time of the same batches by the same backbone in the same process, timed
right after the job; in wall seconds, which neighbours on a shared machine disturb, and in CPU seconds, which they
disturb less. Of several repeats: the ratio of the smallest seconds, and the median of the ratios of each job to the
bare passes right after it. Weights are random, in the official layout.
memory: peak resident memory of a child process that does nothing but the job, and how much of it came after the
backbone was built.

Rasters are a real scene of Sentinel-2 (12 bands), mirrored at its edges until the size is reached; for memory a file
of 4096 x 4096 px is repeated. `QUADRAT_DATA` names the folder of real data.
"""

import argparse
import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import types

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
import rasterio  # noqa: E402
from quadrat.core.jobs.embed import EmbedRaster  # noqa: E402
from quadrat.core.pipelines import embedraster  # noqa: E402
from quadrat.core.progress import Progress  # noqa: E402
from quadrat.core.version import VERSION  # noqa: E402
from quadrat.models.crew import thread_count  # noqa: E402

SCENE = "rasters/s2_amazon_village/sen2_l2a_12band.tif"
NAMES = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B11", "B12")
CHOSEN = {4: (2, 3, 4, 8), 12: tuple(range(1, 13))}
"""Bands of the scene; four are blue, green, red and near infrared."""
VIT = "vit_small_patch16_224"
CASES = {
    "vit": {"backbone": "timm", "model": VIT},
    "croma": {"backbone": "croma-base"},
    "mosaiks-512": {"backbone": "mosaiks", "dimensions": 1024, "patch_size_px": 8},
    "mosaiks-4096": {"backbone": "mosaiks", "dimensions": 8192, "patch_size_px": 16},
    "default": {"backbone": "spectral-textural", "patch_size_px": 4},
}
"""CROMA takes 12 bands alone. Each filter of mosaiks gives two numbers a cell: with 512 of them and cells of 8 px the
embedding in bytes is twice as large as the raster of 4 bands of 16 bits was, with 4096 and 16 px four times."""
SIDE = 4096


def make_raster(path: pathlib.Path, side: int, count: int) -> str:
    """The real scene, mirrored to `side` x `side` px, in tiles of 256 px."""
    data = os.environ.get("QUADRAT_DATA", "")
    if not (pathlib.Path(data) / SCENE).is_file():
        raise SystemExit(f"QUADRAT_DATA must name the folder of real data; there is no {SCENE} in '{data}'.")
    with rasterio.open(pathlib.Path(data) / SCENE) as file:
        scene = file.read(CHOSEN[count])
    rows, cols = (np.pad(np.arange(length), (0, side - length), mode="symmetric") for length in scene.shape[1:])
    profile = {
        "driver": "GTiff", "count": count, "height": side, "width": side, "dtype": scene.dtype, "crs": "EPSG:32721",
        "transform": rasterio.Affine(10, 0, 570_000, 0, -10, 9_837_000), "tiled": True, "blockxsize": 256,
        "blockysize": 256, "compress": "zstd", "photometric": "minisblack", "bigtiff": "if_safer",
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.descriptions = [NAMES[band - 1] for band in CHOSEN[count]]
        for top in range(0, side, 256):
            strip = scene[:, rows[top : top + 256, None], cols]
            file.write(strip, window=rasterio.windows.Window(0, top, side, strip.shape[1]))
    return str(path)


def repeated(path: str, side: int) -> str:
    """A virtual raster of `side` px that shows a file of `SIDE` px again and again."""
    with rasterio.open(path) as file:
        count, dtype, crs, names = file.count, file.dtypes[0], file.crs.to_wkt(), file.descriptions
    kind = {"uint16": "UInt16"}[dtype]
    bands = []
    for band in range(1, count + 1):
        sources = "".join(
            f'<SimpleSource><SourceFilename relativeToVRT="0">{path}</SourceFilename><SourceBand>{band}</SourceBand>'
            f'<SrcRect xOff="0" yOff="0" xSize="{min(SIDE, side - col)}" ySize="{min(SIDE, side - row)}"/>'
            f'<DstRect xOff="{col}" yOff="{row}" xSize="{min(SIDE, side - col)}" ySize="{min(SIDE, side - row)}"/>'
            "</SimpleSource>"
            for row in range(0, side, SIDE)
            for col in range(0, side, SIDE)
        )
        bands.append(
            f'<VRTRasterBand dataType="{kind}" band="{band}"><Description>{names[band - 1]}</Description>'
            f"{sources}</VRTRasterBand>"
        )
    target = pathlib.Path(path).with_name(f"{side}.vrt")
    target.write_text(
        f'<VRTDataset rasterXSize="{side}" rasterYSize="{side}"><SRS>{crs.replace("<", "&lt;")}</SRS>'
        f"<GeoTransform>570000, 10, 0, 9837000, 0, -10</GeoTransform>{''.join(bands)}</VRTDataset>"
    )
    return str(target)


def weights_of(case: str, folder: pathlib.Path) -> dict[str, str]:
    """Random weights as a file, so that nothing is downloaded; the same at each call."""
    if case not in ("vit", "croma"):
        return {}
    import torch

    torch.manual_seed(0)
    path = folder / f"{case}.pt"
    if case == "vit":
        from quadrat.models.torch_tools import import_timm

        torch.save(import_timm().create_model(VIT, pretrained=False).state_dict(), path)
    else:
        from quadrat.models.definitions import croma

        groups: dict[str, dict[str, torch.Tensor]] = {}
        for name, shape in croma._shapes("base").items():
            group, _, rest = name.partition(".")
            groups.setdefault(group, {})[rest] = torch.randn(shape) / shape[-1] ** 0.5
        torch.save(groups, path)
    return {"weights": str(path)}


class Clock(Progress):
    """Notes wall and CPU time when sampling begins, that is, when the backbone is built."""

    def __init__(self) -> None:
        self.start: tuple[float, float] | None = None
        super().__init__(self.note)

    def note(self, fraction: float, remaining_s: float | None, text: str) -> None:
        """Called with each report."""
        if text.startswith("Sampling") and self.start is None:
            self.start = time.perf_counter(), time.process_time()

    def spent(self) -> tuple[float, float]:
        """Wall and CPU seconds since."""
        return time.perf_counter() - self.start[0], time.process_time() - self.start[1]


def timed_job(job: EmbedRaster) -> tuple[tuple[float, float], types.SimpleNamespace, dict[str, float]]:
    """Wall and CPU seconds of a job, what it embedded with, and its steps."""
    loop, seen = embedraster.embed, types.SimpleNamespace()

    def spy(plan, runner, sample, quantiser, open_source, **options):
        seen.plan, seen.backbone, seen.open = plan, runner.backbone, open_source
        return loop(plan, runner, sample, quantiser, open_source, **options)

    embedraster.embed, clock = spy, Clock()
    try:
        facts = embedraster.run(job, clock).facts
    finally:
        embedraster.embed = loop
    return clock.spent(), seen, facts["seconds"]


def bare_forward(seen: types.SimpleNamespace, limit: int) -> tuple[float, float, int]:
    """Wall and CPU seconds that the bare backbone takes for all batches, from up to `limit` of them; and the tiles."""
    batches = seen.plan.batches
    chosen = batches[:: -(-len(batches) // limit)] if limit else batches
    wall = cpu = 0.0
    reader, source = seen.open()
    with reader:
        for batch in (chosen[0], *chosen):
            fed = source.feed(batch)
            started = time.perf_counter(), time.process_time()
            seen.backbone(fed.values, fed.valid)
            last = time.perf_counter() - started[0], time.process_time() - started[1]
            wall, cpu = wall + last[0], cpu + last[1]
            if batch is chosen[0] and len(chosen) > 1 and wall == last[0]:
                wall = cpu = 0.0  # the first is to warm up
    tiles = sum(len(batch.tiles) for batch in batches)
    share = sum(len(batch.tiles) for batch in chosen) / tiles
    return wall / share, cpu / share, tiles


def overhead(args: argparse.Namespace) -> None:
    """Table of wall time over bare forward time."""
    print(f"Quadrat {VERSION}; {args.side} x {args.side} px, {args.threads or thread_count(0)} threads, best of "
          f"{args.repeats}, {args.storage}")  # fmt: skip
    print(f"{'case':22} {'bands':>5} {'forward s':>10} {'wall s':>8} {'ratio':>6} {'median':>6} {'CPU':>6} "
          f"{'CPU ratio':>10} {'tiles/s':>8}  steps")  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for count in args.bands:
            path = make_raster(folder / f"{count}.tif", args.side, count)
            for case in args.case:
                if case == "croma" and count != len(NAMES):
                    continue
                fields = CASES[case] | weights_of(case, folder)
                for patch in args.patch or [fields.get("patch_size_px", 0)]:
                    one_case(args, case, count, path, fields | ({"patch_size_px": patch} if patch else {}))


def one_case(args: argparse.Namespace, case: str, count: int, path: str, fields: dict) -> None:
    """A line of the table."""
    output = pathlib.Path(path).with_name("out.tif")
    bare, whole = [], []
    for _ in range(args.repeats):
        job = EmbedRaster(
            input=path, output=str(output), threads=args.threads, storage=args.storage, batch_size=args.batch, **fields
        )
        spent, seen, steps = timed_job(job)
        whole.append(spent)
        *forward, tiles = bare_forward(seen, args.batches)
        bare.append(forward)
        output.unlink()
        output.with_name("out.tif.quadrat.json").unlink()
    (forward, cpu), (wall, all_cpu) = (np.min(times, axis=0) for times in (bare, whole))
    typical = np.median(np.array(whole)[:, 0] / np.array(bare)[:, 0])
    title = f"{case} {fields['patch_size_px']} px" if "patch_size_px" in fields else case
    shown = ", ".join(f"{step} {seconds:.2f}" for step, seconds in steps.items())
    print(f"{title:22} {count:5} {forward:10.2f} {wall:8.2f} {wall / forward:6.3f} {typical:6.3f} {all_cpu:6.1f} "
          f"{all_cpu / cpu:10.3f} {tiles / wall:8.2f}  {shown}", flush=True)  # fmt: skip


def child(args: argparse.Namespace) -> None:
    """Do one job and tell its memory; runs in a process of its own."""
    marks = {}

    def report(fraction: float, remaining_s: float | None, text: str) -> None:
        if text.startswith("Sampling"):
            marks.setdefault("before", int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20)

    fields = {name: value for name, value in CASES[args.case].items() if name != "weights"}
    output = args.path + ".out.tif"
    job = EmbedRaster(
        input=args.path, output=output, threads=args.threads, storage=args.storage,
        **fields | weights_of(args.case, pathlib.Path(args.path).parent),
    )  # fmt: skip
    facts = embedraster.run(job, Progress(report)).facts
    pathlib.Path(output).unlink()
    status = pathlib.Path("/proc/self/status").read_text()
    # Not getrusage: its peak is carried over from the process that started this one.
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024
    print(json.dumps({"peak": peak, **marks, **facts["seconds"], "MB": facts["bytes"] / 1e6}))


def memory(args: argparse.Namespace) -> None:
    """Table of peak memory by size of the raster."""
    print(f"{args.case}, {args.bands} bands, {args.storage}")
    print(f"{'side px':>8} {'peak MB':>8} {'above backbone MB':>18} {'output MB':>10} {'embedding s':>12} {'Mpx/s':>6}")
    with tempfile.TemporaryDirectory(dir=args.folder or None) as name:
        path = make_raster(pathlib.Path(name) / "in.tif", SIDE, args.bands)
        for side in args.sides:
            shown = path if side == SIDE else repeated(path, side)
            command = [sys.executable, __file__, "child", shown, "--case", args.case, "--threads", str(args.threads),
                       "--storage", args.storage]  # fmt: skip
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
    first.add_argument("--case", nargs="+", choices=list(CASES), default=list(CASES))
    first.add_argument("--bands", type=int, nargs="+", choices=list(CHOSEN), default=list(CHOSEN))
    first.add_argument("--patch", type=int, nargs="+", help="pixels to a cell in place of the case's own")
    first.add_argument("--side", type=int, default=SIDE)
    first.add_argument("--repeats", type=int, default=1)
    first.add_argument("--batch", type=int, default=0, help="tiles in a batch")
    first.add_argument("--batches", type=int, default=40, help="batches of the plan to time bare; 0: all")
    first.set_defaults(run=overhead)
    second = commands.add_parser("memory", help=memory.__doc__)
    second.add_argument("--sides", type=int, nargs="+", default=[4096, 16384])
    second.add_argument("--bands", type=int, choices=list(CHOSEN), default=4)
    second.add_argument("--folder", help="for rasters and results; they take up to 5 GB for 40960 px")
    second.set_defaults(run=memory)
    third = commands.add_parser("child", help=child.__doc__)
    third.add_argument("path")
    third.set_defaults(run=child)
    for command in (first, second, third):
        command.add_argument("--threads", type=int, default=0)
        command.add_argument("--storage", default="bytes", choices=["bytes", "float32"])
        if command is not first:
            command.add_argument("--case", choices=list(CASES), default="default")
    args = parser.parse_args()
    args.run(args)


if __name__ == "__main__":
    main()
