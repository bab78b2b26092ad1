"""Transformers for series: do they tell change where change is all that differs, and how long do they take.

    python tests/benchmarks/bench_series.py synthetic [--cells 2400] [--folds 3] [--seed 1]
    python tests/benchmarks/bench_series.py speed [--cells 192] [--threads 1]
    python tests/benchmarks/bench_series.py embeddings [--cells 144] [--threads 1]

synthetic: cells and target are made up. Each cell has a level, a trend of its own and a small change of each year; its
pixels show these with an error of the cell that stays (soil, roofs) and one of each year (haze, season) that is the
same for all pixels, so that no single image can tell it from the truth. The target is the truth. Cells go by lot into
six folds: the sixth validates, the others are tested in turn, as published. Networks are smaller than published (cells
of 8 px in one patch, 32 numbers a token) and learn for fewer epochs, or it would take days on a processor.

speed: published sizes (21 years, 6 bands, 32 px), random pixels as stored bytes. An epoch of 10,000 cells is told from
one of fewer by proportion; the loop against its bare forward and backward passes, mapping against the bare forward.

embeddings: vectors of each date of the same pixels by backbones (networks with random weights), from the file to the
means of places on disk, against the backbone alone on the very arrays that it was given; and statistics beside them.
"""

import argparse
import contextlib
import importlib
import pathlib
import sys
import tempfile
import time
from dataclasses import replace

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
import rasterio  # noqa: E402
import torch  # noqa: E402
from affine import Affine  # noqa: E402
from quadrat.core.embedding import Runner  # noqa: E402
from quadrat.core.jobs.poverty.embedding import DatedEmbedding, embed_job  # noqa: E402
from quadrat.core.poverty.indicator.evolution import differences, levels, over_folds  # noqa: E402
from quadrat.core.poverty.series.stack import read_series  # noqa: E402
from quadrat.core.poverty.teaching.bags import Samples  # noqa: E402
from quadrat.core.poverty.teaching.chipstore import ChipStore, all_squares, chips_on_disk  # noqa: E402
from quadrat.core.poverty.teaching.columns import forget_vectors, vectors_on_disk  # noqa: E402
from quadrat.core.poverty.teaching.embedded import embedder_for  # noqa: E402
from quadrat.core.poverty.teaching.statistics import statistics  # noqa: E402
from quadrat.core.poverty.transformers.loop import TOKENS_AT_ONCE  # noqa: E402
from quadrat.core.poverty.transformers.predicting import forward_on, predict  # noqa: E402
from quadrat.core.poverty.transformers.recipe import Recipe  # noqa: E402
from quadrat.core.poverty.transformers.training import Lesson, train  # noqa: E402
from quadrat.core.progress import Progress  # noqa: E402
from quadrat.core.raster import open_raster  # noqa: E402
from quadrat.models.torch_tools import import_timm  # noqa: E402

YEARS = tuple(range(2000, 2021))
DATES = tuple(map(str, YEARS))
BANDS = ("blue", "green", "red", "nir", "swir1", "swir2")
SMALL = {"patch_px": 8, "dim": 32, "batch": 32, "epochs": 40}
OURS = {"pooling": "mean-over-tokens", "pixels": "standard", "values": "standard", "start_at_mean": True}
MODELS = (
    ("S, published throughout", {"method": "s", "batch": 64, "epochs": 6}),
    ("S, published pooling, start at the mean", {"method": "s", "batch": 64, "epochs": 6, "start_at_mean": True}),
    ("S, mean over tokens", {"method": "s", "batch": 64, "epochs": 6, **OURS}),
    ("ST, published throughout", {"method": "st"}),
    ("ST, published pooling, start at the mean", {"method": "st", "start_at_mean": True}),
    ("ST, mean over tokens", {"method": "st", **OURS}),
    ("TSViT, mean over tokens", {"method": "tsvit", "epochs": 30, **OURS}),
)
"""S takes 21 times as many steps an epoch."""
APART = (1, 5, 10, 15)


def made(count: int, seed: int) -> tuple[ChipStore, np.ndarray]:
    """Pixels of three bands, and a target with a spread of 1 around 4; both made up."""
    rng = np.random.default_rng(seed)
    from_middle = np.arange(len(YEARS)) - (len(YEARS) - 1) / 2
    level, slope = rng.normal(0, 1, (count, 1)), rng.normal(0, 0.033, (count, 1))
    truth = level + slope * from_middle + rng.normal(0, 0.1, (count, len(YEARS)))
    shown = truth + rng.normal(0, 0.4**0.5, (count, 1)) + rng.normal(0, 0.3**0.5, truth.shape)
    gain = np.linspace(18, 24, 3)[:, None, None]
    pixels = 110 + gain * shown[:, :, None, None, None] + rng.normal(0, 10, (*truth.shape, 3, 8, 8))
    stored = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
    return ChipStore(stored, np.ones(truth.shape, bool)), np.maximum(truth + 4, 0)


def lesson(store: ChipStore, Y: np.ndarray, train_on, validation, recipe: Recipe, threads: int) -> Lesson:
    bands = tuple(f"band {number}" for number in range(1, store.bands + 1))
    samples = Samples.cells(Y)
    return Lesson(store, samples, train_on, validation, recipe, DATES, bands, "proxy", "made up", None, "cpu", threads)


def synthetic(cells: int, folds: int, threads: int, seed: int) -> None:
    """One row for each model: R2 of years and of differences, mean and spread over folds."""
    store, Y = made(cells, seed)
    fold = np.random.default_rng([seed, 1]).permutation(cells) % 6
    print(f"{cells} made-up cells, {folds} of 5 test folds, R2 (± over folds)")
    print("| model | per year | " + " | ".join(f"{k} years apart" for k in APART) + " | ReLUs dead | s a fold |")
    for name, options in MODELS:
        scores: dict[int, list] = {apart: [] for apart in (0, *APART)}
        dead, started = [], time.monotonic()
        for test in range(folds):
            parts = (np.flatnonzero((fold != test) & (fold != 5)), np.flatnonzero(fold == 5))
            model = train(lesson(store, Y, *parts, Recipe(**{**SMALL, **options}), threads), Progress())
            held = fold == test
            P = predict(model, store, Progress(), "cpu", threads)[held]
            dead.append(int((P == 0).all(axis=0).sum()))
            scores[0].append(levels(Y[held], P))
            for apart in APART:
                scores[apart].append(list(differences(Y[held], P, YEARS, apart).values()))
        told = [over_folds(each).r2 for each in scores.values()]
        spent = (time.monotonic() - started) / folds
        row = " | ".join(f"{mean:.3f} ± {spread:.3f}" for mean, spread in told)
        print(f"| {name} | {row} | {'/'.join(map(str, dead))} of 21 | {spent:.0f} |", flush=True)


@contextlib.contextmanager
def on_disk(cells: int):
    """A series of published sizes, its squares, and the folder that it lies in."""
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/series.tif"
        side = int(np.ceil(cells**0.5)) * 32
        profile = {"driver": "GTiff", "count": 126, "height": side, "width": side, "dtype": "uint8", "tiled": True}
        with rasterio.open(path, "w", **profile, transform=Affine(30, 0, 0, 0, -30, 0)) as file:
            file.write(rng.integers(0, 256, (126, side, side), dtype=np.uint8))
            file.descriptions = [f"{band}_{year}" for year in YEARS for band in BANDS]
        with open_raster(path) as reader:
            yield path, all_squares(reader.grid, 32), folder


def speed(cells: int, threads: int) -> None:
    """Seconds of an epoch, cells a second."""
    rng = np.random.default_rng(1)
    with on_disk(cells) as (path, places, folder):
        started = time.monotonic()
        with chips_on_disk(path, np.arange(1, 127).reshape(21, 6), places, folder, Progress()) as store:
            count = len(store)
            print(f"{count} cells read in {time.monotonic() - started:.2f} s; {threads} thread(s)")
            for method in ("st", "s", "tsvit"):
                told(method, store, rng.uniform(1, 5, (count, 21)), threads)


class Recorder:
    """A backbone that keeps what it is given."""

    def __init__(self, backbone) -> None:
        self._backbone, self.given = backbone, []

    def __getattr__(self, name):
        return getattr(self._backbone, name)

    def __call__(self, values, valid):
        self.given.append(("__call__", values, valid))
        return self._backbone(values, valid)

    def pooled(self, values, valid):
        self.given.append(("pooled", values, valid))
        return self._backbone.pooled(values, valid)

    def again(self) -> None:
        """All of it once more, and nothing else."""
        for name, values, valid in self.given:
            getattr(self._backbone, name)(values, valid)


def embeddings(cells: int, threads: int) -> None:
    """Cells a second, of all 21 dates, for each backbone."""
    with on_disk(cells) as (path, places, folder):
        series, count = read_series(path), len(places)
        samples = [Samples.cells(np.ones((count, len(YEARS))))]

        def with_statistics() -> None:
            with chips_on_disk(path, series.table, places, folder, Progress()) as store:
                statistics(store, Progress())

        print(f"{count} cells of 32 px, {len(YEARS)} dates, {len(BANDS)} bands; {threads} thread(s)")
        print(f"statistics: {count / least(with_statistics):.1f} cells/s")
        for backbone, model in (("mosaiks", ""), ("spectral-textural", ""), ("timm", "mobilenetv3_small_100")):
            weights = f"{folder}/{model}.pth" if model else ""
            if model:
                torch.save(import_timm().create_model(model, pretrained=False, num_classes=0).state_dict(), weights)
            wish = DatedEmbedding(series=path, backbone=backbone, model=model, weights=weights)
            embedder = embedder_for(wish, embed_job(wish, "cpu", threads), series, places, None, Progress())
            recorder = Recorder(embedder.backbone)
            spied = replace(embedder, runner=Runner(recorder, print))

            def whole(one=embedder) -> None:
                with vectors_on_disk(one, places, samples, f"{folder}/m.qseries", {}, Progress()):
                    forget_vectors(f"{folder}/m.qseries")

            whole(spied)
            bare, all_of_it = least(recorder.again), least(whole)
            print(
                f"{backbone} {model}: {embedder.width} numbers, {count / all_of_it:.1f} cells/s, the backbone alone "
                f"{count / bare:.1f}",
                flush=True,
            )


def told(method: str, store: ChipStore, Y: np.ndarray, threads: int) -> None:
    """One line of figures in seconds of the processor, which neighbours disturb less than those of the clock."""
    count, recipe = len(store), Recipe(method=method, epochs=3, start_at_mean=True)
    ends: list[float] = []
    learning = lesson(store, Y, np.arange(count), np.arange(0), recipe, threads)
    model = train(learning, Progress(), lambda facts: ends.append(time.process_time()))
    epoch = float(np.diff(ends).min())
    tokens = model.size.patches * (1 if method == "s" else 21)
    most = min(TOKENS_AT_ONCE["cpu"] // tokens, recipe.batch)
    bare_epoch = least(lambda: bare_training(model.network, store, most, method))
    mapped = least(lambda: predict(model, store, Progress(), "cpu", threads))
    forward, most, _ = forward_on(model, "cpu", threads)
    pixels = [store.series(np.arange(start, min(start + most, count))) for start in range(0, count, most)]
    bare = least(lambda: [forward(one, np.ones(one.shape[:2], bool)) for one in pixels])
    many = 1e4 / count
    print(
        f"{method}: an epoch of 10,000 cells {epoch * many:.0f} s (bare passes {bare_epoch * many:.0f} s); "
        f"mapping {count / mapped:.1f} cells/s (bare forward {count / bare:.1f})",
        flush=True,
    )


def least(work) -> float:
    """Seconds of the processor of the quicker of two times."""
    spent = []
    for _ in range(2):
        started = time.process_time()
        work()
        spent.append(time.process_time() - started)
    return min(spent)


def bare_training(network, store: ChipStore, most: int, method: str) -> None:
    """Forward and backward over all cells, in pieces of the same size, without order, targets or steps."""
    network.train().requires_grad_(True)
    for start in range(0, len(store), most):
        pixels = torch.from_numpy(store.series(np.arange(start, min(start + most, len(store)))))
        for piece in pixels.flatten(0, 1)[:, None].split(most) if method == "s" else (pixels,):
            network.zero_grad(set_to_none=True)
            (network(piece) ** 2).mean().backward()


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("synthetic", "speed", "embeddings"))
    parser.add_argument("--cells", type=int, default=0)
    parser.add_argument("--folds", type=int, default=3, choices=range(1, 6))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1, help="of the made-up cells; sizes and epochs were tried on 0")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    if given.what == "synthetic":
        synthetic(given.cells or 2400, given.folds, given.threads, given.seed)
    elif given.what == "speed":
        speed(given.cells or 192, given.threads)
    else:
        embeddings(given.cells or 144, given.threads)


if __name__ == "__main__":
    main()
