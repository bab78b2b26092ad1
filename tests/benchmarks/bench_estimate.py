"""How good the forecast of an embedding is: what is foretold after a few seconds of measuring, against the real run.

    python tests/benchmarks/bench_estimate.py --data FOLDER [--cases NAME ...] [--sides 1024 2048] [--repeat 3] [--cpu]

Rasters are real scenes of FOLDER/rasters (QUADRAT_DATA, see tests/README.md), repeated in mirror images to each side.
Networks have random weights, which take as long as trained ones. Each repetition measures anew in an empty folder of
speeds, foretells, and runs; the table tells foretold / real of time and size, median and worst. Quiet machine, 2 cores:
12 minutes for everything. `--cpu` takes seconds of the processor on one thread, which neighbours disturb less.
"""

import argparse
import importlib
import os
import pathlib
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
import rasterio  # noqa: E402
from quadrat.core import meter  # noqa: E402
from quadrat.core.jobs.embed import EmbedRaster  # noqa: E402
from quadrat.core.pipelines.registry import foretell_job, run_job  # noqa: E402
from quadrat.core.progress import Progress  # noqa: E402

SCENES = {
    "sentinel2": "rasters/s2_amazon_village/sen2_l2a_12band.tif",
    "landsat5": "rasters/landsat5_para_1988/lt5_1988227_7band_dn.tif",
    "drone": "rasters/naip_wetland/m_4709963_se_14_1_20170827.tif",
}  # fmt: skip
CASES = {
    "default, cells of 1 px": ("landsat5", {"patch_size_px": 1}, 1),
    "default, cells of 4 px": ("landsat5", {"patch_size_px": 4}, 2),
    "default, 12 bands, 4 px": ("sentinel2", {"patch_size_px": 4}, 2),
    "mosaiks, 4 px": ("drone", {"backbone": "mosaiks", "patch_size_px": 4}, 2),
    "raw, 4 px": ("sentinel2", {"backbone": "raw", "patch_size_px": 4}, 2),
    "raw, 1 px, float32": ("landsat5", {"backbone": "raw", "patch_size_px": 1, "storage": "float32"}, 2),
    "timm ViT-S/16": ("drone", {"backbone": "timm", "model": "vit_small_patch16_224", "weights": "VIT"}, 1),
    "ONNX of ViT-S/16": ("drone", {"backbone": "onnx", "model": "ONNX"}, 1),
    "CROMA base": ("sentinel2", {"backbone": "croma-base", "weights": "CROMA"}, 1),
}
"""Scene, what differs from the defaults, and how much longer than the shortest its sides are."""


def mirrored(scene: pathlib.Path, side: int, path: pathlib.Path) -> str:
    """The scene repeated in mirror images to `side` pixels squared, as providers store it."""
    with rasterio.open(scene) as file:
        values, profile = file.read(), file.profile
    rows, cols = (_reflected(side, length) for length in values.shape[1:])
    tiled = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate", "interleave": "pixel"}
    profile.update(height=side, width=side, driver="GTiff", bigtiff="if_safer", **tiled)
    with rasterio.open(path, "w", **profile) as file:
        file.write(values[:, rows[:, None], cols])
    return str(path)


def _reflected(side: int, length: int) -> np.ndarray:
    place = np.arange(side) % (2 * length)
    return np.where(place < length, place, 2 * length - 1 - place)


def random_weights(folder: pathlib.Path) -> dict[str, str]:
    """Files of random weights, by the word that stands for them."""
    import torch
    from quadrat.models.definitions import croma
    from quadrat.models.torch_tools import import_timm
    from quadrat.tests.models import test_croma

    torch.manual_seed(0)
    vit = import_timm().create_model("vit_small_patch16_224", num_classes=0)
    torch.save(vit.state_dict(), folder / "vit.pt")
    torch.onnx.export(
        _Tokens(vit), (torch.zeros(1, 3, 224, 224),), str(folder / "vit.onnx"), input_names=["image"],
        output_names=["map"], dynamic_axes={"image": {0: "n"}, "map": {0: "n"}}, dynamo=False,
    )  # fmt: skip
    test_croma.TINY = croma.SIZES
    torch.save(test_croma.official(), folder / "croma.pt")
    return {"VIT": str(folder / "vit.pt"), "ONNX": str(folder / "vit.onnx"), "CROMA": str(folder / "croma.pt")}


def one(job: EmbedRaster, home: pathlib.Path) -> tuple[float, float, float, float]:
    """Seconds of measuring; foretold / real of seconds and bytes; real seconds."""
    os.environ["QUADRAT_HOME"] = str(home)
    started = meter.CLOCK()
    told = foretell_job(job, Progress(), measure=True)
    measuring, started = meter.CLOCK() - started, meter.CLOCK()
    facts = run_job(job, Progress()).facts
    real = meter.CLOCK() - started
    pathlib.Path(job.output).unlink()
    return measuring, told["seconds"] / real, (told["bytes"] or float("nan")) / facts["bytes"], real


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default=os.environ.get("QUADRAT_DATA", ""))
    parser.add_argument("--cases", nargs="+", default=list(CASES))
    parser.add_argument("--sides", nargs="+", type=int, default=[1024, 2048])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--cpu", action="store_true")
    given = parser.parse_args()
    if not pathlib.Path(given.data, "rasters").is_dir():
        raise SystemExit(f"QUADRAT_DATA or --data must name the folder of real data; '{given.data}' holds no rasters.")
    if given.cpu:
        meter.CLOCK = time.process_time
    print(f"{'backbone':26}{'side px':>9}{'real s':>8}{'measuring s':>13}   time: median, worst     size: worst")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        named = [one for one in given.cases if {"VIT", "ONNX", "CROMA"} & set(map(str, CASES[one][1].values()))]
        files = random_weights(folder) if named else {}
        for case in given.cases:
            scene, asked, factor = CASES[case]
            values = {key: files.get(str(value), value) for key, value in asked.items()}
            for side in (one * factor for one in given.sides):
                path = mirrored(pathlib.Path(given.data) / SCENES[scene], side, folder / f"{scene}.tif")
                job = EmbedRaster.from_dict(
                    {"input": path, "output": str(folder / "out.tif"), "threads": int(given.cpu), **values}
                )
                found = [one(job, folder / f"{case} {side} {turn}") for turn in range(given.repeat)]
                times, sizes = [f[1] for f in found], [f[2] for f in found]
                print(
                    f"{case:26}{side:9}{statistics.median(f[3] for f in found):8.1f}"
                    f"{statistics.median(f[0] for f in found):13.1f}   {statistics.median(times):.2f}, "
                    f"{max(times, key=lambda t: abs(t - 1)):.2f} {'':10}{max(sizes, key=lambda t: abs(t - 1)):.2f}",
                    flush=True,
                )


class _Tokens:
    """Stands for the patch tokens of a network as a map, for ONNX."""

    def __new__(cls, network):
        import torch

        class Tokens(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.network = network.eval()

            def forward(self, image):
                tokens = self.network.forward_features(image)[:, 1:]
                return tokens.transpose(1, 2).reshape(image.shape[0], -1, 14, 14)

        return Tokens()


if __name__ == "__main__":
    main()
