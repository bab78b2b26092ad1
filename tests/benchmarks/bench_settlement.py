"""Seconds to fit each part of the favela methods to a city of 50,000 cells, and to map that city.

    .quadrat/test-engine/bin/python tests/benchmarks/bench_settlement.py [cells] [dimensions]

50,000 cells and 768 dimensions (CROMA's) by default. The city is made, a twentieth of it favela; times do not depend on
what the numbers mean. A method that votes takes as many fits of its parts as it has draws, and the test that
`trainsettlement` does beside them five times all of that.
"""

import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
import conftest  # noqa: E402, F401 - makes `quadrat` importable

sys.path.remove(str(ROOT))
from quadrat.core.progress import Progress  # noqa: E402
from quadrat.core.settlement.methods.around import neighbours_by_place  # noqa: E402
from quadrat.core.settlement.methods.fitting import Cells, Plan, balanced_draws, fit_parts  # noqa: E402
from quadrat.core.settlement.methods.registry import METHODS, PARTS  # noqa: E402

SHARE = 0.05


def main(count: int, dimensions: int) -> None:
    """Print a line for each part, and one for each method."""
    cells, y = city(count, dimensions)
    at = np.arange(len(y))
    size = len(balanced_draws(Plan(("network",)), y)[0])
    print(f"{len(y):,} cells, {int(y.sum()):,} favela, {size:,} in a draw, {dimensions} + 6 columns, one thread")
    seconds = {}
    for part in PARTS:
        method = next(name for name, card in METHODS.items() if part in card.parts)
        alone = Plan((method,), members=2)
        parts = [name for name in alone.parts if name == part]
        started = time.perf_counter()
        fitted = fit_parts(_Only(alone, parts[0]), cells, at, y, at, Progress())
        fit_s = time.perf_counter() - started
        started = time.perf_counter()
        fitted._heard(part, cells, at)
        seconds[part] = fit_s, time.perf_counter() - started
        print(f"{part:18} one fit {fit_s:7.1f} s, the city {seconds[part][1]:6.1f} s", flush=True)
    for name, card in METHODS.items():
        draws = 10 if card.draws else 1
        fit, say = (draws * sum(seconds[part][k] for part in card.parts) for k in (0, 1))
        what = f"{name:18} {draws:2} x {'+'.join(card.parts):38}"
        print(f"{what} fit {fit:7.1f} s, map {say:6.1f} s, with its test {6 * fit:8.1f} s")


class _Only(Plan):
    """A plan of one part alone, fitted once."""

    def __init__(self, plan: Plan, part: str) -> None:
        super().__init__(plan.methods, 2, plan.balance, plan.seed, 1)
        object.__setattr__(self, "_part", part)

    @property
    def parts(self) -> tuple[str, ...]:
        return (self._part,)  # type: ignore[attr-defined, no-any-return]

    def draws_of(self, part: str) -> int:
        return 1


def city(count: int, dimensions: int) -> tuple[Cells, np.ndarray]:
    """Made cells in a square, and which of them are favela."""
    side = int(np.sqrt(count))
    row, col = (part.ravel() for part in np.mgrid[:side, :side])
    rng = np.random.default_rng(0)
    favela = rng.random(side * side) < SHARE
    strength = np.linspace(1.0, 0.0, dimensions + 6)
    numbers = (rng.normal(size=(side * side, dimensions + 6)) + favela[:, None] * strength).astype(np.float32)
    around = neighbours_by_place(row, col, np.zeros(side * side, np.int64))
    neighbours = np.concatenate([np.arange(side * side)[:, None], around], axis=1)
    return Cells(numbers[:, 6:], numbers[:, :6], neighbours), favela.astype(np.int64)


if __name__ == "__main__":
    main(*(int(text) for text in (*sys.argv[1:], *("50000", "768")[len(sys.argv) - 1 :])))
