"""How often intervals hold the truth.

    python tests/benchmarks/bench_coverage.py scores --samples 2000

scores: intervals of accuracy, balanced accuracy, F1 and of errors of values, from simulated labels in groups whose true
score is known; by number of groups, how alike cells of one group are, and whether groups differ in size. The standard
error of a coverage of 95 % by 2,000 samples is 0.5 points. Beside it what drawing the groups again (percentile
bootstrap) would cover.
"""

import argparse
import importlib
import itertools
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
from quadrat.core.metrics.interval import class_intervals, value_intervals  # noqa: E402

COUNTS = (5, 10, 20, 50)
LIKENESS = (0.1, 0.5)
MEANS = {
    "two classes, 90 and 70 %": (0.9, 0.7),
    "two classes, 95 %": (0.95, 0.95),
    "three, 90 to 60 %": (0.9, 0.75, 0.6),
}
KINDS = ("accuracy", "balanced_accuracy", "f1_macro")


def cells(rng: np.random.Generator, count: int, means: tuple, likeness: float, varied: bool) -> tuple:
    """Truth, prediction and group of cells; groups take their classes in turn, each right to its own degree."""
    k = len(means)
    sizes = np.clip(rng.lognormal(3, 0.8, count), 2, 300).astype(int) if varied else np.full(count, 20)
    of_class = np.arange(count) % k
    mean, strength = np.array(means)[of_class], (1 - likeness) / likeness
    right = rng.beta(mean * strength, (1 - mean) * strength)
    groups = np.repeat(np.arange(count), sizes)
    truth = of_class[groups]
    other = (truth + rng.integers(1, k, len(truth))) % k
    return truth, np.where(rng.random(len(groups)) < right[groups], truth, other), groups


def expected(means: tuple, count: int) -> dict[str, float]:
    """The scores that these means give, over as many groups as there may be."""
    k = len(means)
    share = np.bincount(np.arange(count) % k, minlength=k) / count
    table = np.array([[m if i == j else (1 - m) / (k - 1) for j in range(k)] for i, m in enumerate(means)])
    table *= share[:, None]
    hits = np.diag(table)
    f1 = 2 * hits / (table.sum(axis=1) + table.sum(axis=0))
    return {"accuracy": hits.sum(), "balanced_accuracy": np.mean(means), "f1_macro": f1.mean()}


def redrawn(truth: np.ndarray, said: np.ndarray, groups: np.ndarray, k: int, rng: np.random.Generator) -> tuple:
    """Percentile interval of the accuracy from groups drawn again."""
    count = groups.max() + 1
    right, sizes = np.bincount(groups, truth == said, count), np.bincount(groups, minlength=count)
    weight = rng.multinomial(count, np.full(count, 1 / count), size=500)
    return tuple(np.quantile((weight @ right) / (weight @ sizes), [0.025, 0.975]))


def scores(samples: int) -> None:
    """Print the coverage of scores of classes, then of errors of values."""
    print(f"{samples} samples; covered %: accuracy, balanced accuracy, F1 | accuracy by redrawing | width of the first")
    cases = itertools.product(MEANS.items(), LIKENESS, (False, True), COUNTS)
    for (name, means), likeness, varied, count in cases:
        rng, truth = np.random.default_rng(0), expected(means, count)
        held, plain, width = np.zeros(3), 0, 0.0
        for _ in range(samples):
            drawn = cells(rng, count, means, likeness, varied)
            found = class_intervals(*drawn, list(range(len(means))))
            held += [found[kind][0] <= truth[kind] <= found[kind][1] for kind in KINDS]
            low, high = redrawn(*drawn, len(means), rng)
            plain += low <= truth["accuracy"] <= high
            width += found["accuracy"][1] - found["accuracy"][0]
        sizes = "unequal" if varied else "equal"
        covered = "  ".join(f"{100 * one / samples:5.1f}" for one in held)
        print(
            f"{name:26} likeness {likeness}  {sizes:7} {count:3} groups: {covered} | {100 * plain / samples:5.1f} | "
            f"{width / samples:.2f}",
            flush=True,
        )
    for likeness, count in itertools.product(LIKENESS, COUNTS):
        rng, held = np.random.default_rng(0), np.zeros(3)
        groups = np.repeat(np.arange(count), 12)
        for _ in range(samples):
            value = 1.5 * rng.normal(size=count)[groups] + rng.normal(size=12 * count)
            error = np.sqrt(likeness) * rng.normal(size=count)[groups]
            error = error + np.sqrt(1 - likeness) * rng.normal(size=12 * count)
            found = value_intervals(value, value + error, groups)
            right = {"mae": np.sqrt(2 / np.pi), "rmse": 1.0, "r2": 1 - 1 / 3.25}
            held += [found[kind][0] <= right[kind] <= found[kind][1] for kind in ("r2", "mae", "rmse")]
        covered = "  ".join(f"{100 * one / samples:5.1f}" for one in held)
        print(f"values: R2, MAE, RMSE      likeness {likeness}          {count:3} groups: {covered}", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("scores",), default="scores")
    parser.add_argument("--samples", type=int, default=2000)
    scores(parser.parse_args().samples)


if __name__ == "__main__":
    main()
