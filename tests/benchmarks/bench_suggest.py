"""What suggested places are worth against random ones, on labels that were kept apart.

    python tests/benchmarks/bench_suggest.py cold
    python tests/benchmarks/bench_suggest.py warm
    python tests/benchmarks/bench_suggest.py likeness

Needs QUADRAT_DATA. Each draw deals whole polygons (or blocks) out to two halves: in one the strategies choose among the
cells whose class is known, the linear head is fitted on the chosen cells, and balanced accuracy is measured in the
other half. Random cells of the same half are the measure; differences are paired by draw. cold: n = K, 2K and 5K
labels of K classes, chosen at once without any label. warm: from 5K random labels to 10K and 20K, in rounds of K.
likeness: mean average precision, over classes, of cells of the class of one polygon among the cells of all others, by
cosine to its mean, on each footing. `--keep FILE` adds what was measured to a file and sums up all that is in it, so
that sets can be run one by one.
Candidates in the sets with polygons are cells that people drew, cleaner than those of a real scene; in the three scenes
with a favela mask every cell is one, mixed cells included, and a class is rare and hard.

What was chosen on what: settings (direction or length of vectors, share of odd cells left out, mixtures) were compared
on the sets in TUNED alone; those in CHECKED were looked at once, in the end. That the mixture begins with typical
places was settled by the published results, not here: on both sets in TUNED coverage did as well.
"""

import argparse
import importlib
import json
import os
import pathlib
import sys
import tempfile
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from quadrat.core.active.pool import Known, Pool, Taught, suggest  # noqa: E402
from quadrat.core.blocks import draw_cells  # noqa: E402
from quadrat.core.folds import class_folds  # noqa: E402
from quadrat.core.footing import Footing, unit  # noqa: E402
from quadrat.core.heads.build import fit_head  # noqa: E402
from quadrat.core.heads.recipe import Recipe  # noqa: E402
from quadrat.core.jobs.embed import EmbedRaster  # noqa: E402
from quadrat.core.jobs.fewshot import TrainHead  # noqa: E402
from quadrat.core.labels import load_samples  # noqa: E402
from quadrat.core.metrics.classes import balanced_accuracy  # noqa: E402
from quadrat.core.pipelines.registry import run_job  # noqa: E402
from quadrat.core.progress import Progress  # noqa: E402
from quadrat.core.raster import open_raster  # noqa: E402
from sklearn.metrics import average_precision_score  # noqa: E402

TUNED = ("village embedding", "germany bands")
CHECKED = (
    "village bands", "para embedding", "para bands", "iamap embedding", "iamap bands", "matogrosso series",
    "favela ibirite", "favela macae", "favela osasco",
)  # fmt: skip
CELLS = 500
"""Most cells from one polygon."""
SCENE_CELLS = 8000


@dataclass(frozen=True)
class Set:
    """Vectors with class and group; groups are never split."""

    X: np.ndarray
    y: np.ndarray
    groups: np.ndarray
    own_units: bool

    @property
    def K(self) -> int:
        return len(np.unique(self.y))


def raster_sets(data: pathlib.Path, folder: str, scenes=()):
    """Bands and default embedding of each labelled raster; no scenes named means all."""
    known = {
        "village": ("s2_amazon_village/sen2_l2a_12band.tif", "s2_amazon_village/training_polygons.geojson", "class"),
        "para": ("landsat5_para_1988/lt5_1988227_7band_dn.tif", "landsat5_para_1988/training_polygons.gpkg", "class"),
        "iamap": ("iamap_demo/test.tif", "iamap_demo/ml_points_polygons.gpkg|layername=ml_polygons", "Type"),
    }
    for name, (raster, labels, field) in known.items():
        if scenes and name not in scenes:
            continue
        path = str(data / "rasters" / raster)
        embedding = f"{folder}/{name}.tif"
        run_job(EmbedRaster(input=path, output=embedding), Progress())
        for kind, source in (("bands", path), ("embedding", embedding)):
            job = TrainHead(labels=str(data / "rasters" / labels), field=field, embedding=source, max_cells=CELLS)
            samples = load_samples(job, Progress())
            groups = samples.groups
            if name == "iamap":  # one polygon a class: cut into squares of 8 cells, or 3 where the polygon is small
                side = np.where(np.bincount(groups)[groups] < 100, 3, 8)
                corners = np.column_stack([groups, samples.cells // side[:, None]])
                groups = np.unique(corners, axis=0, return_inverse=True)[1].reshape(-1)
            yield f"{name} {kind}", Set(samples.X, samples.y, groups, samples.space.own_units)


def scene_sets(data: pathlib.Path, folder: str, places):
    """Default embedding of whole scenes of which every cell is known: favela or not; squares of 25 cells apart."""
    for place in places:
        there = data / "favela" / "landsat5_ibge2010" / place
        run_job(EmbedRaster(input=str(there / "rgb_8bit.tif"), output=f"{folder}/{place}.tif"), Progress())
        with open_raster(f"{folder}/{place}.tif") as reader, open_raster(str(there / "favela_mask.tif")) as mask:
            drawn = draw_cells(reader, SCENE_CELLS, 0, Progress())
            truth = mask.read(mask.grid.whole)[0][0]
        y = truth[tuple(drawn.cells.T)].astype(np.int64) + 1
        groups = np.unique(drawn.cells // 25, axis=0, return_inverse=True)[1].reshape(-1)
        yield f"favela {place}", Set(drawn.X, y, groups, False)


def table_sets(data: pathlib.Path):
    """Pixels of polygons, and time series at points."""
    table = pd.read_csv(data / "labelled/s2_pixels_germany/s2_pixels_freiburg_luebeck.csv.gz")
    table = table.groupby("PolygonID").sample(50, random_state=0)
    bands = [name for name in table if name.startswith("B")]
    y = np.unique(table["Label"], return_inverse=True)[1] + 1
    groups = np.unique(table["PolygonID"], return_inverse=True)[1]
    yield "germany bands", Set(table[bands].to_numpy(np.float32), y, groups, True)
    table = pd.read_csv(data / "labelled/modis_ts_matogrosso/modis_ndvi_samples.csv")
    y = np.unique(table["label"], return_inverse=True)[1] + 1
    squares = np.floor(table[["longitude", "latitude"]].to_numpy() / 0.05)
    groups = np.unique(squares, axis=0, return_inverse=True)[1].reshape(-1)
    series = table[[name for name in table if name.startswith("ndvi")]].to_numpy(np.float32)
    yield "matogrosso series", Set(series, y, groups, True)


def all_sets(data: pathlib.Path, folder: str, wanted: list[str]):
    """Those that are wanted; none named means all."""
    for name, one in table_sets(data):
        if not wanted or name in wanted:
            yield name, one
    scenes = {name.split()[0] for name in wanted}
    for name, one in raster_sets(data, folder, scenes):
        if not wanted or name in wanted:
            yield name, one
    names = [name for name in CHECKED if name.startswith("favela") and (not wanted or name in wanted)]
    yield from scene_sets(data, folder, [name.split()[1] for name in names])


def halves(one: Set, seed: int):
    """Rows to choose from and rows to test on; whole groups, every class in the first."""
    folds = class_folds(one.y, one.groups, 2, seed)
    return np.flatnonzero(folds.fold != 1), np.flatnonzero(folds.fold == 1)


def fitted(one: Set, rows: np.ndarray, seed: int):
    """Linear head; None where the rows are of one class."""
    if len(np.unique(one.y[rows])) < 2:
        return None
    recipe = Recipe("linear", "class", seed=seed, own_units=one.own_units)
    return fit_head(recipe, one.X[rows], one.y[rows].astype(np.int64), np.arange(len(rows))).estimator


def score(one: Set, rows: np.ndarray, test: np.ndarray, seed: int) -> float:
    """Balanced accuracy of a head fitted on the rows; of a constant where they are of one class."""
    head = fitted(one, rows, seed)
    predicted = np.full(len(test), one.y[rows[0]]) if head is None else head.predict(one.X[test])
    return balanced_accuracy(one.y[test], predicted)


def chosen(one: Set, strategy: str, pool: np.ndarray, known: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Rows of the pool that a strategy suggests, given rows that are labelled."""
    left = np.setdiff1d(pool, known)
    if strategy == "plain random":
        return np.random.default_rng([seed, 77, len(known)]).choice(left, min(count, len(left)), replace=False)
    footing = Footing.fit(one.X[pool], one.own_units)
    X, Z = one.X[left], footing(one.X[left])
    shares, taught = None, None
    if len(known) and len(np.unique(one.y[known])) > 1:
        head = fitted(one, known, seed)
        shares = head.predict_proba(X).astype(np.float32)
        taught = Taught(one.X[known], one.y[known].astype(np.int64), np.arange(len(known)), one.own_units)
    there = Known(footing(one.X[known]), np.arange(len(known)))
    picks = suggest(strategy, Pool(X, Z, None, there, seed, shares, taught), count, 0.0, Progress()).picks
    return left[[pick.index for pick in picks]]


def cold(one: Set, strategies: list[str], draws: int) -> dict[str, np.ndarray]:
    """(draws, 3) balanced accuracy at K, 2K and 5K labels, by strategy."""
    found = {name: np.zeros((draws, 3)) for name in strategies}
    none = np.empty(0, np.int64)
    for draw in range(draws):
        pool, test = halves(one, draw)
        for column, times in enumerate((1, 2, 5)):
            for name in strategies:
                rows = chosen(one, name, pool, none, times * one.K, draw)
                found[name][draw, column] = score(one, rows, test, draw)
    return found


def warm(one: Set, strategies: list[str], draws: int) -> dict[str, np.ndarray]:
    """(draws, 2) balanced accuracy at 10K and 20K labels, by strategy, from the same 5K random ones."""
    found = {name: np.zeros((draws, 2)) for name in strategies}
    for draw in range(draws):
        pool, test = halves(one, draw)
        start = np.random.default_rng([draw, 5]).choice(pool, 5 * one.K, replace=False)
        for name in strategies:
            rows = start
            for column, times in enumerate((10, 20)):
                while len(rows) < times * one.K:
                    more = chosen(one, name, pool, rows, min(one.K, times * one.K - len(rows)), draw)
                    rows = np.concatenate([rows, more])
                found[name][draw, column] = score(one, rows, test, draw)
    return found


def told(name: str, found: dict[str, np.ndarray], heading: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Print one set; give mean differences to random by strategy."""
    base = found["plain random"]
    print(f"\n{name}: balanced accuracy in %, difference to random with its standard error over draws")
    print(f"  {'':16}" + "".join(f"{text:>24}" for text in heading))
    gains = {}
    for strategy, values in found.items():
        gain = 100 * (values - base)
        error = gain.std(axis=0, ddof=1) / np.sqrt(len(gain))
        cells = [
            f"{100 * mean:6.1f} ({g:+5.1f} ± {e:3.1f})"
            for mean, g, e in zip(values.mean(axis=0), gain.mean(axis=0), error, strict=True)
        ]
        print(f"  {strategy:16}" + "".join(f"{cell:>24}" for cell in cells), flush=True)
        gains[strategy] = gain.mean(axis=0)
    return gains


def likeness(data: pathlib.Path, folder: str) -> None:
    """Print how well cosines find the class again, on three footings."""
    for name, one in raster_sets(data, folder):
        # Averages and scales of the labelled cells stand for those of the raster.
        common, own = (Footing.fit(one.X, own_units) for own_units in (False, True))
        ways = {"as they are": lambda X: X, "common scale": common, "own scales": own}
        shown = []
        for way, footing in ways.items():
            directions = unit(footing(one.X))
            found: dict[int, list[float]] = {}
            for group in np.unique(one.groups):
                query = one.groups == group
                truth = one.y[~query] == one.y[query][0]
                if truth.any():
                    middle = unit(directions[query].mean(axis=0, keepdims=True))[0]
                    precision = average_precision_score(truth, directions[~query] @ middle)
                    found.setdefault(int(one.y[query][0]), []).append(precision)
            shown.append(f"{way} {100 * np.mean([np.mean(values) for values in found.values()]):.1f} %")
        print(f"{name:18} {', '.join(shown)}", flush=True)


def summed(every: dict[str, dict[str, list[float]]]) -> None:
    """Print the mean over sets of the gain over random, and its range."""
    for title, names in (("all sets", list(every)), ("tuned on", TUNED), ("checked on", CHECKED)):
        gains = [every[name] for name in names if name in every]
        if not gains:
            continue
        print(f"\nmean gain over random in points, {title} ({len(gains)}):")
        for strategy in gains[0]:
            rows = np.array([gain[strategy] for gain in gains])
            cells = [
                f"{mean:+.1f} (sets {low:+.1f} to {high:+.1f})"
                for mean, low, high in zip(rows.mean(axis=0), rows.min(axis=0), rows.max(axis=0), strict=True)
            ]
            print(f"  {strategy:16}" + "".join(f"{cell:>30}" for cell in cells))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("cold", "warm", "likeness"))
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--sets", nargs="*", default=[])
    parser.add_argument("--strategies", nargs="*", default=[])
    parser.add_argument("--keep", type=pathlib.Path)
    given = parser.parse_args()
    if given.what == "likeness":
        with tempfile.TemporaryDirectory() as folder:
            likeness(pathlib.Path(os.environ["QUADRAT_DATA"]), folder)
        return
    usual = ["typical", "coverage"] if given.what == "cold" else ["mix", "margin", "disagreement", "typical"]
    strategies = ["plain random", *(given.strategies or usual)]
    measure, heading = (cold, ("K", "2K", "5K")) if given.what == "cold" else (warm, ("10K", "20K"))
    every = json.loads(given.keep.read_text()) if given.keep and given.keep.exists() else {}
    with tempfile.TemporaryDirectory() as folder:
        for name, one in all_sets(pathlib.Path(os.environ["QUADRAT_DATA"]), folder, given.sets):
            gains = told(f"{name} (K = {one.K})", measure(one, strategies, given.draws), heading)
            every[name] = {strategy: list(gains[strategy]) for strategy in strategies[1:]}
            if given.keep:
                given.keep.write_text(json.dumps(every))
    summed(every)


if __name__ == "__main__":
    main()
