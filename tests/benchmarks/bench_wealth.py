"""Wealth of villages: levels and changes in five countries (LSMS), Togo, transformers, and coverage of intervals.

    .quadrat/test-engine/bin/python tests/benchmarks/bench_wealth.py [levels] [changes] [togo] [networks] [coverage]
        [--repeats 1] [--epochs 200]

Needs `poverty/` of the folder in QUADRAT_DATA. LSMS: folds A to D of Yeh et al. 2020 as given; the published ridge on
histograms, and all methods on summary statistics of the same histograms. Togo: 432 columns of yearly series, in whole
half-degree blocks. Prints for each scheme R2, r2, mean r2 within countries, and squared error by fold. networks: see
`wealth_networks.py`; coverage: `wealth_coverage.py`.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
import conftest  # noqa: E402, F401 - makes `quadrat` importable
from tests.core import lsms  # noqa: E402

sys.path.remove(str(ROOT))
from quadrat.core.jobs.poverty.assess import AssessSeries  # noqa: E402
from quadrat.core.pipelines.registry import run_job  # noqa: E402
from quadrat.core.poverty.learning.registry import METHODS  # noqa: E402
from quadrat.core.progress import Progress  # noqa: E402
from wealth_coverage import compare as compare_coverage  # noqa: E402
from wealth_networks import compare as compare_networks  # noqa: E402

TASKS = ("levels", "changes", "togo", "networks", "coverage")


def assessed(title: str, table: pd.DataFrame, features: pd.DataFrame, **more: Any) -> None:
    """Run the job and print what it says."""
    with tempfile.TemporaryDirectory() as name:
        source, page = str(Path(name) / "samples.csv"), Path(name) / "page.html"
        table.join(features).to_csv(source, index=False)
        asked = {"samples": source, "feature_fields": list(features.columns), "output": str(page), **more}
        run_job(AssessSeries.from_dict(asked), Progress())
        numbers = json.loads(page.with_suffix(".json").read_text())
    print(f"\n{title}: {len(table)} rows, {features.shape[1]} columns")
    for sentence in numbers["sentences"]:
        print(" ", sentence)
    for scheme in numbers["schemes"]:
        print(f"  {scheme['title']} ({scheme['folds']} folds)")
        for method, one in scheme["methods"].items():
            scores = "  ".join(f"{key} {_three(one['scores'][key])}" for key in ("r2", "pearson_r2", "rmse"))
            folds = " ".join(_three(fold["rmse"] and fold["rmse"] ** 2) for fold in one["by_fold"])
            print(f"    {method:12s} {scores}  within {_three(one.get('within_r2'))}  mse by fold {folds}", flush=True)


def _three(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def levels(repeats: int) -> None:
    """Wealth of a village in a year."""
    places, statistics, published = lsms.levels()
    common = {"value_field": "wealth", "fold_field": "fold", "repeats": repeats}
    assessed("Published ridge on histograms", places, published, methods=["ridge"], use_region=False, **common)
    assessed("Summary statistics", places, statistics, methods=list(METHODS), **common)
    assessed("Summary statistics, countries not learnt from", places, statistics, methods=["boosting", "blend"],
             use_region=False, **common)  # fmt: skip


def changes(repeats: int) -> None:
    """Change of the index of a village between two years, as published: `index_diff`."""
    table, columns = lsms.changes()
    assessed("Changes", table, columns, value_field="change", fold_field="fold", methods=list(METHODS), repeats=repeats)


def togo(repeats: int) -> None:
    """Wealth in Togo, 2013."""
    file = Path(os.environ["QUADRAT_DATA"]) / "poverty/satellite_ts_togo/togo2013_clusters_shared.csv.gz"
    table = pd.read_csv(file)
    columns = [name for name in table.columns if "." in name and not name.startswith("published")]
    kept = table[["wealthpooled", "lat", "lon", "block_0p5deg", "urban_rural"]]
    common = {"value_field": "wealthpooled", "group_field": "block_0p5deg", "methods": list(METHODS)}
    assessed("Togo", kept, table[columns], repeats=repeats, **common)


def main() -> None:
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", nargs="*", default=list(TASKS), help=f"of: {', '.join(TASKS)}")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=200, help="of networks")
    options = parser.parse_args()
    tasks = {
        "levels": levels,
        "changes": changes,
        "togo": togo,
        "networks": lambda repeats: compare_networks(repeats, options.epochs),
        "coverage": lambda repeats: compare_coverage(*lsms.levels()[:2], repeats),
    }
    for task in options.task:
        tasks[task](options.repeats)


if __name__ == "__main__":
    main()
