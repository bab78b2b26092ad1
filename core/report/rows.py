"""The numbers of an assessment as one long table: a row for each number, ready for a spreadsheet or a plot."""

import csv
import io
from collections.abc import Iterator
from typing import Any

Assessment = dict[str, Any]
COLUMNS = ("table", "scheme", "name", "metric", "labels", "draw", "value", "low", "high", "sd")
Row = dict[str, Any]


def as_csv(numbers: Assessment) -> str:
    """Comma-separated text with a head; a number that is not known is empty."""
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for row in _rows(numbers):
        writer.writerow({name: "" if value is None else value for name, value in row.items()})
    return file.getvalue()


def _rows(numbers: Assessment) -> Iterator[Row]:
    for scheme in numbers["schemes"]:
        for metric, found in scheme["metrics"].items():
            yield {
                "table": "scheme", "scheme": scheme["name"], "name": scheme["title"], "metric": metric,
                "value": found["mean"], "low": found.get("low"), "high": found.get("high"), "sd": found["sd"],
            }  # fmt: skip
        yield from _classes(numbers, scheme)
        for row in scheme.get("regions", {}).get("rows", []):
            for metric, value in row["scores"].items():
                yield {
                    "table": "region", "scheme": scheme["name"], "name": row["region"], "metric": metric, "value": value
                }  # fmt: skip
    for one in numbers.get("prevalence", {}).get("per_class", []):
        for metric in ("share", "tested_share", "precision"):
            yield {"table": "prevalence", "name": one["name"], "metric": metric, "value": one[metric]}
    found = numbers.get("curve")
    if found:
        for one in found["curves"]:
            yield from _curve(one, found["metric"])


def _classes(numbers: Assessment, scheme: Row) -> Iterator[Row]:
    names = [entry["name"] for entry in numbers["classes"]]
    for name, found in zip(names, scheme.get("per_class", []), strict=bool("per_class" in scheme)):
        for metric, value in found.items():
            yield {"table": "class", "scheme": scheme["name"], "name": name, "metric": metric, "value": value}
    for name, counts in zip(names, scheme.get("confusion", []), strict=bool("confusion" in scheme)):
        for other, count in zip(names, counts, strict=True):
            yield {
                "table": "confusion", "scheme": scheme["name"], "name": name, "metric": f"seen as {other}",
                "value": count / scheme["repetitions"],
            }  # fmt: skip


def _curve(one: Row, metric: str) -> Iterator[Row]:
    for at, labels in enumerate(one["labels"]):
        yield {
            "table": "curve", "scheme": one["scheme"], "name": one["title"], "metric": metric, "labels": labels,
            "value": one["mean"][at], "low": one["low"][at], "high": one["high"][at],
        }  # fmt: skip
        for draw, row in enumerate(one["draws"], 1):
            yield {
                "table": "curve draw", "scheme": one["scheme"], "name": one["title"], "metric": metric,
                "labels": labels, "draw": draw, "value": row[at],
            }  # fmt: skip
