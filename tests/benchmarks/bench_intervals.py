"""Do the intervals of 'Estimate area' keep their word? Share of simulated samples whose interval holds the truth.

    QUADRAT_DATA=... python tests/benchmarks/bench_intervals.py
    python tests/benchmarks/bench_intervals.py --samples 500 --only made

Two populations of which every cell is known. coral: the benthic map at 1 cm; the map that is corrected is a coarse and
shifted copy of it, so that it errs at borders. made: eight classes from smooth fields, one of them 0.03 % of the area,
and a map of it with noise and a missing patch. Designs: within map classes; at random without a map; at random with it
(prediction-powered); and quadrats of 50 by 50 cells, of which 25 points each are looked at.

A share c of 2,000 samples has a standard error of sqrt(c (1 - c) / 2000), 0.005 at 0.95.
"""

import argparse
import importlib
import os
import pathlib
import sys
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
import rasterio  # noqa: E402
from quadrat.core.estimation import ppi, stratified  # noqa: E402
from quadrat.core.estimation.evidence import Estimate, Evidence  # noqa: E402
from quadrat.core.estimation.filled import one_hot  # noqa: E402
from quadrat.core.estimation.samplesize import allocate  # noqa: E402
from scipy.ndimage import gaussian_filter  # noqa: E402

COARSE, SHIFT = 64, (40, 25)
TILE, POINTS = 50, 25
SAMPLES = 2000


@dataclass
class Population:
    """Truth and map, cell by cell, as one table; and tiles of them."""

    name: str
    table: np.ndarray
    """(K, K) cells by map class (rows) and true class."""
    tiles_truth: np.ndarray
    """(T, K) true shares of each tile."""
    tiles_map: np.ndarray
    """(T, K) shares of the map in each tile."""

    @property
    def truth(self) -> np.ndarray:
        """(K,) true shares."""
        return self.table.sum(axis=0) / self.table.sum()


def coral(side: int = 0) -> Population | None:
    """The benthic map, or so many rows and columns of its middle, and a coarse shifted copy; None without the data."""
    path = pathlib.Path(os.environ.get("QUADRAT_DATA", "/nonexistent")) / "coral" / "benthic_map_1cm" / "map.tif"
    if not path.exists():
        return None
    with rasterio.open(path) as file:
        row, col = ((whole - side) // 2 if side else 0 for whole in file.shape)
        truth = file.read(1, window=((row, row + (side or file.height)), (col, col + (side or file.width))))
    valid = truth != 15
    coarse = truth[COARSE // 2 :: COARSE, COARSE // 2 :: COARSE]
    rows = np.clip((np.arange(truth.shape[0]) + SHIFT[0]) // COARSE, 0, coarse.shape[0] - 1)
    cols = np.clip((np.arange(truth.shape[1]) + SHIFT[1]) // COARSE, 0, coarse.shape[1] - 1)
    shown = coarse[rows][:, cols]
    shown = np.where(shown == 15, 8, shown)  # beside the coarse map: its commonest class
    return _population("coral", truth - 1, shown - 1, valid, 10)


def made(side: int = 1500) -> Population:
    """Eight classes from smooth fields, and a map with errors; the same at every run."""
    rng = np.random.default_rng(20240521)
    fields = np.stack([gaussian_filter(rng.normal(size=(side, side)), 25) for _ in range(8)])
    fields /= fields.std(axis=(1, 2), keepdims=True)
    fields += np.array([1.2, 0.8, 0.5, 0.2, 0.0, -0.4, -0.9, -1.75])[:, None, None]
    truth = fields.argmax(axis=0).astype(np.uint8)
    noisy = fields + gaussian_filter(rng.normal(size=(8, side, side)), (0, 3, 3)) * 4
    noisy[3, : side // 5] -= 1.5  # a patch in which the map misses most of one class
    return _population("made", truth, noisy.argmax(axis=0).astype(np.uint8), np.ones_like(truth, bool), 8)


def _population(name: str, truth: np.ndarray, shown: np.ndarray, valid: np.ndarray, K: int) -> Population:
    table = np.bincount(K * shown[valid].astype(np.int64) + truth[valid], minlength=K * K).reshape(K, K)
    height, width = (side // TILE * TILE for side in truth.shape)
    shares = []
    for layer in (truth, shown):
        counts = np.empty((height // TILE, width // TILE, K))
        for k in range(K):
            hits = (layer[:height, :width] == k) & valid[:height, :width]
            counts[..., k] = hits.reshape(height // TILE, TILE, width // TILE, TILE).sum(axis=(1, 3))
        shares.append(counts.reshape(-1, K))
    whole = shares[0].sum(axis=1) >= TILE * TILE / 2
    return Population(name, table, *(part[whole] / part[whole].sum(axis=1, keepdims=True) for part in shares))


@dataclass
class Outcome:
    """Coverage and width of one class under one design."""

    population: str
    design: str
    n: int
    k: int
    truth: float
    expected: float
    """Labels of the class, or of all others, to be expected: whichever are fewer."""
    covered: float
    half: float
    bias: float
    """Mean estimate minus truth, in standard errors of that mean."""
    methods: dict[str, float]


def judge(
    population: str, design: str, n: int, truth: np.ndarray, expected: np.ndarray, found: list[Estimate]
) -> list[Outcome]:
    """One outcome for each class that exists."""
    low, high, value = (np.array([getattr(e, name) for e in found]) for name in ("low", "high", "value"))
    covered = ((low <= truth + 1e-12) & (high >= truth - 1e-12)).mean(axis=0)
    bias = (value.mean(axis=0) - truth) / np.maximum(value.std(axis=0) / np.sqrt(len(found)), 1e-12)
    outcomes = []
    for k in np.flatnonzero(truth > 0):
        names = [e.method[k] for e in found]
        methods = {name: names.count(name) / len(names) for name in sorted(set(names))}
        outcomes.append(
            Outcome(population, design, n, int(k), float(truth[k]), float(expected[k]), float(covered[k]),
                    float((high - low)[:, k].mean() / 2), float(bias[k]), methods)
        )  # fmt: skip
    return outcomes


def by_strata(p: Population, n: int, minimum: int, samples: int, seed: int) -> list[Outcome]:
    """Within the classes of the map."""
    rng = np.random.default_rng([seed, n, 1])
    cells = p.table.sum(axis=1).astype(float)
    there = cells > 0
    table, cells = p.table[there], cells[there]
    W, K = cells / cells.sum(), p.table.shape[1]
    sizes = allocate(n, W, cells, minimum)
    stratum = np.repeat(np.arange(len(W)), sizes)
    draws = [rng.multivariate_hypergeometric(row, size, size=samples, method="marginals") for row, size in
             zip(table, sizes, strict=True)]  # fmt: skip
    names, labels = tuple(map(str, range(K))), tuple(map(str, range(len(W))))
    found = []
    for at in range(samples):
        truth = np.concatenate([np.repeat(np.arange(K), draw[at]) for draw in draws])
        found.append(stratified.estimate(Evidence(stratum, one_hot(truth, K), W, cells, names, labels)))
    hits = sizes @ (table / table.sum(axis=1, keepdims=True))
    return judge(p.name, "stratified", int(sizes.sum()), p.truth, np.minimum(hits, sizes.sum() - hits), found)


def at_random(p: Population, n: int, samples: int, seed: int, *, with_map: bool) -> list[Outcome]:
    """A simple random sample, with the help of the map or without."""
    rng = np.random.default_rng([seed, n, 2])
    K, total = len(p.table), float(p.table.sum())
    shown_share = p.table.sum(axis=1)[None] / total
    draws = rng.multivariate_hypergeometric(p.table.ravel(), n, size=samples, method="marginals")
    names, found = tuple(map(str, range(K))), []
    for draw in draws:
        cell = np.repeat(np.arange(K * K), draw)
        evidence = Evidence(
            np.zeros(n, np.int64), one_hot(cell % K, K), np.ones(1), np.array([total]), names, ("all",),
            one_hot(cell // K, K), shown_share, np.sqrt(shown_share * (1 - shown_share)),
        )  # fmt: skip
        found.append(ppi.estimate(evidence) if with_map else stratified.estimate(evidence))
    hits = n * p.truth
    return judge(p.name, "random + map" if with_map else "random", n, p.truth, np.minimum(hits, n - hits), found)


def by_quadrats(p: Population, n: int, samples: int, seed: int, *, with_map: bool) -> list[Outcome]:
    """n quadrats of 25 points, all quadrats mapped; the truth is the mean over quadrats."""
    rng = np.random.default_rng([seed, n, 3])
    T, K = p.tiles_truth.shape
    truth, found = p.tiles_truth.mean(axis=0), []
    names = tuple(map(str, range(K)))
    for _ in range(samples):
        chosen = rng.choice(T, n, replace=False)
        Y = rng.multinomial(POINTS, p.tiles_truth[chosen]) / POINTS
        evidence = Evidence(
            np.zeros(n, np.int64), Y, np.ones(1), np.array([float(T)]), names, ("all",), p.tiles_map[chosen],
            p.tiles_map.mean(axis=0, keepdims=True), p.tiles_map.std(axis=0, keepdims=True), Y * (1 - Y) / (POINTS - 1),
        )  # fmt: skip
        found.append(ppi.estimate(evidence) if with_map else stratified.estimate(evidence))
    touched = n * (1 - (1 - p.tiles_truth) ** POINTS).mean(axis=0)
    return judge(p.name, "quadrats + map" if with_map else "quadrats", n, truth, touched, found)


def run(populations: list[Population], samples: int, seed: int = 0) -> list[Outcome]:
    """All designs."""
    outcomes = []
    for p in populations:
        for n, minimum in ((60, 5), (200, 20), (600, 50), (4000, 200)):
            outcomes += by_strata(p, n, minimum, samples, seed)
        for n in (50, 200, 1000, 4000):
            outcomes += at_random(p, n, samples, seed, with_map=False)
            outcomes += at_random(p, n, samples, seed, with_map=True)
        for n in (20, 60, 200, 800):
            outcomes += by_quadrats(p, n, samples, seed, with_map=False)
            outcomes += by_quadrats(p, n, samples, seed, with_map=True)
    return outcomes


REGIMES = ((0, 1), (1, 5), (5, 20), (20, 100), (100, 1e9))


def summary(outcomes: list[Outcome]) -> list[str]:
    """One line for each population, design and number of expected labels of the class."""
    lines = ["population  design           labels of class  cases  coverage: mean   lowest  highest   at n, share"]
    for name in dict.fromkeys(o.population for o in outcomes):
        for design in dict.fromkeys(o.design for o in outcomes):
            for low, high in REGIMES:
                rows = [o for o in outcomes if o.population == name and o.design == design and low <= o.expected < high]
                if not rows:
                    continue
                worst = min(rows, key=lambda o: o.covered)
                reach = f"{low:g} to {high:g}" if high < 1e9 else f"over {low:g}"
                covered = [o.covered for o in rows]
                lines.append(
                    f"{name:10s}  {design:15s}  {reach:>15s}  {len(rows):5d}  {np.mean(covered):14.3f}  "
                    f"{min(covered):7.3f}  {max(covered):7.3f}   n {worst.n}, {100 * worst.truth:.2f} %"
                )
    return lines


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=SAMPLES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("coral", "made"))
    parser.add_argument("--each", action="store_true", help="a line for each class too")
    options = parser.parse_args()
    started = time.monotonic()
    populations = [p for p in (coral() if options.only != "made" else None, made() if options.only != "coral" else None)
                   if p is not None]  # fmt: skip
    outcomes = run(populations, options.samples, options.seed)
    for o in outcomes if options.each else ():
        methods = ", ".join(f"{name} {100 * share:.0f} %" for name, share in o.methods.items())
        print(f"{o.population} {o.design} n {o.n} class {o.k} {100 * o.truth:.2f} % expected {o.expected:.1f}: "
              f"{o.covered:.3f} ± {100 * o.half:.2f} bias {o.bias:+.1f} se ({methods})")  # fmt: skip
    print("\n".join(summary(outcomes)))
    print(f"{options.samples} samples of each design in {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
