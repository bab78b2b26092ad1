"""Scores of models as one long CSV."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from .tables import PER_YEAR, found_in

Numbers = dict[str, Any]
COLUMNS = (
    "model", "file", "method", "indicator", "predicted", "test", "answer", "places", "score", "first", "last", "r2",
    "r2_sd", "mae", "mae_sd", "dis", "pearson_r2", "folds",
)  # fmt: skip


def as_csv(numbers: Numbers) -> str:
    """Comma-separated text with a head.

    `answer` is `model` or the name of a trivial one, `places` is `all` or `lit`; `score` is `values`, `per_year`,
    `difference:10` (years apart), `date` (of `first`), or `matrix` (of the difference from `first` to `last`).
    """
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for model in numbers["models"]:
        about = {"model": model["name"], **{name: model[name] for name in ("file", "method", "indicator", "predicted")}}
        for test, scores in model["tests"].items():
            for answer, one in (("model", scores), *scores["baselines"].items()):
                for row in _rows(one):
                    writer.writerow({**about, "test": test, "answer": answer, **row})
            for row in (*_dates(scores), *_matrix(scores, model["dates"])):
                writer.writerow({**about, "test": test, "answer": "model", **row})
    return file.getvalue()


def _rows(scores: Numbers) -> Iterator[Numbers]:
    kept = {name: scores[name] for name in ("r2", "mae", "pearson_r2")}
    yield {"score": "values", "places": "all", **kept}
    for span in (PER_YEAR, *scores["differences"]):
        for which in ("all", "lit"):
            name = span if span == PER_YEAR else f"difference:{span}"
            yield {"score": name, "places": which, **found_in(scores, span, which)}


def _dates(scores: Numbers) -> Iterator[Numbers]:
    for year in scores["years"]:
        for which in ("all", "lit"):
            yield {"score": "date", "first": year["date"], "places": which, **year[which]}


def _matrix(scores: Numbers, dates: list[str]) -> Iterator[Numbers]:
    for which, matrix in scores["matrix"].items():
        for i, first in enumerate(dates):
            for j in range(i + 1, len(dates)):
                if matrix[i][j] is not None:
                    yield {"score": "matrix", "first": first, "last": dates[j], "places": which, "r2": matrix[i][j]}
