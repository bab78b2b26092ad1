"""The scores of an assessment as one long CSV."""

import csv
import io
from typing import Any

from .scores import title_of
from .words import title_of_change

COLUMNS = (
    "task",
    "scheme",
    "method",
    "title",
    "part",
    "rows",
    "r2",
    "pearson_r2",
    "mae",
    "rmse",
    "bias",
    "r2_sd",
    "rmse_sd",
    "both_ways_r2",
    "within_r2",
)


def as_csv(numbers: dict[str, Any]) -> str:
    """Comma-separated text with a head; `part` is empty for all rows, else `fold:…`, `region:…`, and so on."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for scheme in numbers["schemes"]:
        for name, one in scheme["methods"].items():
            row = {"task": "level", "scheme": scheme["name"], "method": name, "title": title_of(name)}
            spread = {f"{key}_sd": one["folds_sd"][key] for key in ("r2", "rmse")}
            writer.writerow(
                {**row, "rows": scheme["tested"], **one["scores"], **spread, "within_r2": one.get("within_r2")}
            )
            for number, fold in enumerate(one["by_fold"]):
                label = scheme["fold_names"][number] if scheme["fold_names"] else number + 1
                writer.writerow({**row, "part": f"fold:{label}", **fold})
            for what, key in (("region", "regions"), ("year", "year"), ("urban", "urban")):
                for label, scores in one.get(key, {}).items():
                    writer.writerow({**row, "part": f"{what}:{label}", **(scores or {})})
    for scheme in numbers["changes"]:
        for name, one in scheme["methods"].items():
            row = {"task": "change", "scheme": scheme["name"], "method": name, "title": title_of_change(name)}
            writer.writerow({**row, "rows": scheme["tested"], **{k: v for k, v in one.items() if k in COLUMNS}})
            for label, value in one.get("regions", {}).items():
                writer.writerow({**row, "part": f"region:{label}", "pearson_r2": value})
            for label, value in one["years"].items():
                writer.writerow({**row, "part": f"years between:{label}", "r2": value})
    return file.getvalue()
