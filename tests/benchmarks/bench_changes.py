"""How often unchanged cells are said to have become favela, and how many that did are found, in made cities.

    python tests/benchmarks/bench_changes.py [draws]

Each draw is a new city of 32 x 32 cells with a gain and an offset for each column on the second date; forests have 100
trees and the network 60 passes, so that 25 draws take a quarter of an hour. The table in
`core/settlement/README.md` comes from here.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
import conftest  # noqa: E402, F401 - makes `quadrat` importable

sys.path.remove(str(ROOT))
from quadrat.core.folds import class_folds  # noqa: E402
from quadrat.core.progress import Progress  # noqa: E402
from quadrat.core.settlement.answers import Question  # noqa: E402
from quadrat.core.settlement.following import Dated, Follower  # noqa: E402
from quadrat.core.settlement.methods import parts  # noqa: E402
from quadrat.core.settlement.methods.around import neighbours_by_place  # noqa: E402
from quadrat.core.settlement.methods.fitting import Cells, Plan, fit_parts  # noqa: E402
from quadrat.core.settlement.methods.heldout import hold_out, read  # noqa: E402
from quadrat.core.settlement.methods.stored import Methods  # noqa: E402
from quadrat.core.settlement.names import BECAME, NO_LONGER, SIX  # noqa: E402
from quadrat.tests.core.cities import drifted_city  # noqa: E402

SIDE, FEATURES, LEVEL = 32, 8, 0.95
COLUMNS = [*(f"emb_{number}" for number in range(1, FEATURES + 1)), *SIX]
HEADS = ("p<=.05", "of moving", "p<=.001", "false: each", "false: rate", "found: each", "found: rate", "foretold")


@dataclass(frozen=True)
class Setting:
    """One row of the table."""

    title: str
    methods: tuple[str, ...] = ("forest-features",)
    decides: str = "forest-features"
    changed: float = 0.05
    noise: float = 0.4
    stable: float = 0.0


SETTINGS = (
    Setting("nothing changed", changed=0.0),
    Setting("5 % changed"),
    Setting("20 % changed", changed=0.2),
    Setting("twice the noise", noise=0.8),
    Setting("a fifth known to be stable", stable=0.2),
    Setting("majority of two forests", ("forest-variables", "forest-features"), "majority"),
    Setting("neighbours", ("neighbours",), "neighbours"),
    Setting("automatic head", ("auto",), "auto"),
)


def trained(cells: Cells, layer, names: tuple[str, ...]) -> Methods:
    """Methods fitted to the first date, with what cells held out teach."""
    at = np.flatnonzero(layer["label"].notna())
    y = (layer["label"].to_numpy()[at] == "favela").astype(np.int64)
    groups = (layer["row"] // 4 * SIDE + layer["col"] // 4).to_numpy()[at]
    plan, folds = Plan(names), class_folds(y, groups, 5, 0)
    said = hold_out(plan, cells, at, y, groups, folds, Progress())
    facts = {"methods": list(names), "prevalence": float(y.mean()), "features": COLUMNS[:FEATURES]}
    readings = {name: read(one, y, groups, folds.fold) for name, one in said.items()}
    return Methods("", facts, fit_parts(plan, cells, at, y, groups, Progress()), readings)


def draw(setting: Setting, seed: int) -> list[float]:
    """Rates of one city."""
    city = drifted_city(SIDE, SIDE, seed, FEATURES, changed=setting.changed, noise=setting.noise)
    numbers = [layer[COLUMNS].to_numpy(np.float32) for layer in city.layers]
    row, col = (city.layers[0][name].to_numpy() for name in ("row", "col"))
    index = np.arange(len(row))
    around = np.concatenate([index[:, None], neighbours_by_place(row, col, np.zeros_like(row))], axis=1)
    cells = Cells(numbers[0][:, :FEATURES], numbers[0][:, FEATURES:], around)
    known = city.unchanged & (np.random.default_rng(seed).random(len(index)) < setting.stable)
    question = Question(setting.decides, "learnt", "")
    methods = trained(cells, city.layers[0], setting.methods)
    follower = Follower(methods, question, cells, known if setting.stable else None, seed)
    first, second = (Dated(str(date), one, np.ones(len(one), bool)) for date, one in enumerate(numbers))
    reads = follower.read_reference(first, Progress()), follower.read(second, first, Progress())
    each, rate = (follower.compare(("0", "1"), reads, LEVEL, together) for together in (False, True))
    tested = city.unchanged & ~known
    p = each.chance[tested]
    said = [np.isin(pair.change, (BECAME, NO_LONGER)) for pair in (each, rate)]
    found = [one[city.became].mean() if city.became.any() else np.nan for one in said]
    return [
        (p <= 0.05).mean(), (p[p < 1] <= 0.05).mean(), (p <= 0.001).mean(), (said[0] & tested).sum(),
        (said[1] & tested).sum() / max(said[1].sum(), 1), *found, each.by_chance,
    ]  # fmt: skip


def main() -> None:
    """Print a row for each setting."""
    parts.TREES, parts.EPOCHS_AROUND = 100, 60
    draws = int(sys.argv[1]) if len(sys.argv) > 1 else 25
    print("| setting | " + " | ".join(HEADS) + " |")
    for setting in SETTINGS:
        rows = np.array([draw(setting, seed) for seed in range(draws)])
        print(
            f"| {setting.title} | " + " | ".join(f"{value:.3g}" for value in np.nanmean(rows, axis=0)) + " |",
            flush=True,
        )


if __name__ == "__main__":
    main()
