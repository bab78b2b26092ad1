"""The table of a comparison as CSV: a row for each scheme, test and method, as in the paper."""

import csv
import io
from typing import Any

from .comparescores import MEASURES, RANKINGS, TESTS, title_of

NAMES = ("scheme", "test", "rule", "method", "title", "zone", "runs")
COLUMNS = (*NAMES, *(f"{measure}{end}" for measure in (*MEASURES, *RANKINGS) for end in ("", "_sd")))


def as_csv(numbers: dict[str, Any]) -> str:
    """Comma-separated text with a head; a number that is not known is empty.

    `test` is `balanced` or `natural`, `rule` is `published` or `learnt`; `zone` is empty but for the rows of one zone.
    """
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for scheme in numbers["schemes"]:
        for test, methods in scheme["tests"].items():
            for method, found in methods.items():
                writer.writerow(_row(scheme["name"], test, method, found))
        for zone in scheme.get("zones", []):
            for method, found in zone["scores"].items():
                writer.writerow(_row(scheme["name"], scheme["zones_test"], method, found) | {"zone": zone["zone"]})
    return file.getvalue()


def _row(scheme: str, test: str, method: str, found: dict[str, Any]) -> dict[str, Any]:
    cells, rule, _ = TESTS[test]
    row: dict[str, Any] = {"scheme": scheme, "test": cells, "rule": rule, "method": method, "title": title_of(method)}
    for measure, one in found.items():
        row |= {measure: one["mean"], f"{measure}_sd": one["sd"], "runs": len(one["values"])}
    return row
