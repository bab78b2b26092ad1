"""Which interval of a weighted sum of binomial shares keeps its word? The table in core/estimation/README.md.

    python tests/benchmarks/bench_interval_methods.py

Made-up maps of 1 to 9 classes, right 70 to 98 times in a hundred, samples of 40 to 4,000 places with a minimum in each
stratum. These populations served to choose; `bench_intervals.py` judges what was chosen on others.
"""

import argparse
import importlib
import pathlib
import sys
from collections.abc import Callable

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
from quadrat.core.estimation.interval import MANY, binomial_limits, jeffreys_limits  # noqa: E402
from scipy import stats  # noqa: E402

Z = 1.959964
LEVEL = 0.95
DRAWS = 500
REGIMES = ((1, 5), (5, 15), (15, 40), (40, 100), (100, 300), (300, 1e9))
SIZES = ((40, 4), (100, 10), (300, 20), (1000, 50), (4000, 100))
Limits = tuple[np.ndarray, np.ndarray]
"""Lower and upper, (R,)."""


def normal(W: np.ndarray, x: np.ndarray, n: np.ndarray) -> Limits:
    """As published: x (R, H) finds in n (H,) places, W (H,) weights."""
    value, half = (W * x / n).sum(axis=1), Z * np.sqrt(_parts(W, x, n).sum(axis=1))
    return value - half, value + half


def student(W: np.ndarray, x: np.ndarray, n: np.ndarray) -> Limits:
    """With Satterthwaite's degrees of freedom."""
    value, half = (W * x / n).sum(axis=1), _t(W, x, n) * np.sqrt(_parts(W, x, n).sum(axis=1))
    return value - half, value + half


def logit(W: np.ndarray, x: np.ndarray, n: np.ndarray) -> Limits:
    """The same on the logit scale."""
    value, se = (W * x / n).sum(axis=1), np.sqrt(_parts(W, x, n).sum(axis=1))
    inside = (value > 0) & (value < 1) & (se > 0)
    safe = np.where(inside, value, 0.5)
    centre, half = np.log(safe / (1 - safe)), _t(W, x, n) * se / (safe * (1 - safe))
    return tuple(np.where(inside, 1 / (1 + np.exp(-centre - sign * half)), value) for sign in (-1, 1))


def posterior(W: np.ndarray, x: np.ndarray, n: np.ndarray) -> Limits:
    """Jeffreys' prior in each stratum."""
    rng = np.random.default_rng(0)
    pieces = []
    for start in range(0, len(x), 250):
        some = x[start : start + 250]
        drawn = rng.beta(some + 0.5, n - some + 0.5, size=(DRAWS, *some.shape))
        pieces.append(np.quantile((drawn * W).sum(axis=2), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0))
    low, high = np.concatenate(pieces, axis=1)
    return low, high


def wilson(x: np.ndarray, n: np.ndarray, level: float) -> Limits:
    """Score limits of each stratum."""
    share = x / n
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return middle - half, middle + half


def mover(limits: Callable[..., Limits]) -> Callable[..., Limits]:
    """Distances to the limits of each stratum, added in quadrature."""

    def interval(W: np.ndarray, x: np.ndarray, n: np.ndarray) -> Limits:
        share = x / n
        low, high = limits(x, np.broadcast_to(n, x.shape), LEVEL)
        value = (W * share).sum(axis=1)
        below, above = ((W**2 * gap**2).sum(axis=1) for gap in (share - low, high - share))
        return value - np.sqrt(below), value + np.sqrt(above)

    return interval


def taken(W: np.ndarray, x: np.ndarray, n: np.ndarray) -> Limits:
    """What `interval.combine` does."""
    many = np.minimum(x.sum(axis=1), (n - x).sum(axis=1)) >= MANY
    exact, near = mover(binomial_limits)(W, x, n), mover(jeffreys_limits)(W, x, n)
    return tuple(np.where(many, b, a) for a, b in zip(exact, near, strict=True))


METHODS = {
    "normal": normal, "t": student, "logit t": logit, "posterior": posterior, "mover wilson": mover(wilson),
    "mover jeffreys": mover(jeffreys_limits), "mover exact": mover(binomial_limits), "taken": taken,
}  # fmt: skip


def _parts(W: np.ndarray, x: np.ndarray, n: np.ndarray) -> np.ndarray:
    return W**2 * x / n * (1 - x / n) / (n - 1)


def _t(W: np.ndarray, x: np.ndarray, n: np.ndarray) -> np.ndarray:
    parts = _parts(W, x, n)
    freedom = parts.sum(axis=1) ** 2 / np.maximum((parts**2 / (n - 1)).sum(axis=1), 1e-300)
    return stats.t.ppf((1 + LEVEL) / 2, np.maximum(freedom, 1))


def population(rng: np.random.Generator, K: int, right: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights (H,) and confusion (H, K) of a map of K classes; K = 1 stands for two classes without a map."""
    size = max(K, 2)
    W = np.maximum(rng.dirichlet(np.ones(size)), 0.002)
    W /= W.sum()
    P = np.zeros((size, size))
    for i in range(size):
        P[i, i] = 1 - (1 - right) * rng.uniform(0.3, 1.7)
        others = [j for j in range(size) if j != i]
        P[i, others] = (1 - P[i, i]) * rng.dirichlet(np.full(size - 1, 0.4))
    return (W, P) if K > 1 else (np.ones(1), (W @ P)[None])


def main() -> None:
    """Print coverage by method and by labels of the class to be expected."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=2000)
    options = parser.parse_args()
    rng = np.random.default_rng(31)
    rows: list[tuple[float, dict[str, float]]] = []
    for K in (1, 2, 4, 9):
        for right in (0.7, 0.85, 0.95, 0.98):
            for size, minimum in SIZES:
                W, P = population(rng, K, right)
                n = np.maximum(np.round(size * W).astype(int), minimum)
                drawn = np.stack(
                    [rng.multinomial(m, p, size=options.samples) for m, p in zip(n, P, strict=True)], axis=1
                )
                for j in range(P.shape[1]):
                    truth, hits = float(W @ P[:, j]), float(n @ P[:, j])
                    covered = {}
                    for name, method in METHODS.items():
                        low, high = method(W, drawn[:, :, j], n)
                        covered[name] = float(((low <= truth + 1e-12) & (high >= truth - 1e-12)).mean())
                    rows.append((min(hits, n.sum() - hits), covered))
    print("labels of the class     " + "".join(f"{low:g} to {high:g}".rjust(16) for low, high in REGIMES))
    for name in METHODS:
        cells = []
        for low, high in REGIMES:
            found = [covered[name] for hits, covered in rows if low <= hits < high]
            cells.append(f"{np.mean(found):.3f} ({min(found):.3f})".rjust(16))
        print(name.ljust(24) + "".join(cells))
    print("mean over classes, lowest in brackets;", len(rows), "classes,", options.samples, "samples each")


if __name__ == "__main__":
    main()
