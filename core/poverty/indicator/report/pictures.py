"""Pictures of a report on models: tests side by side, what was said against what is true, and where models err."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....jobs.poverty.train import RANDOM
from ....report import parts
from ....report.maps import places
from ...learning.held import HELD
from ...learning.pictures import against, dots
from .. import evolution
from ..ensemble import REGION, TESTS, Held
from ..tested import times_of
from .tables import VALUES, found_in, spans, title_of, trivial_rows
from .told import Entry, spans_of, title_of_span, title_of_test

Numbers = dict[str, Any]
Float = NDArray[np.float64]


def tests_beside(models: Sequence[Numbers]) -> str:
    """R2 of each model under each test, of levels and of differences."""
    tests = [test for test in TESTS if any(test in one["tests"] for one in models)]
    keys = dict.fromkeys(span for test in tests for span in spans(models, test))
    rows = [f"{span}|{one['name']}" for span in keys for one in models]
    trivial = dict.fromkeys(name for test in tests for name, _ in trivial_rows(_with(models, test), test, VALUES))
    at = 1 + max(number for number, row in enumerate(rows) if row.startswith(f"{VALUES}|"))
    rows[at:at] = [f"{VALUES}|{name}" for name in trivial]
    schemes = []
    for test in tests:
        there = _with(models, test)
        found = {f"{span}|{one['name']}": _dot(one["tests"][test], span) for span in keys for one in there}
        found |= {f"{VALUES}|{name}": _dot(one, VALUES) for name, one in trivial_rows(there, test, VALUES)}
        name = HELD if test == REGION else test
        title = title_of_test(test, there[0])
        schemes.append({"name": name, "title": title, "honest": test != RANDOM, "methods": found})
    alone = len(models) == 1
    return dots({"schemes": schemes}, rows, lambda row: _label(row, alone))


def _with(models: Sequence[Numbers], test: str) -> list[Numbers]:
    return [one for one in models if test in one["tests"]]


def _dot(scores: Numbers, span: str) -> Numbers:
    found = found_in(scores, span, "all")
    return {"scores": {"r2": found.get("r2")}, "folds_sd": {"r2": found.get("r2_sd") or 0.0}}


def _label(row: str, alone: bool) -> str:
    span, _, name = row.partition("|")
    told = title_of(span)
    return told if alone and span != VALUES else f"{name}, {told[0].lower()}{told[1:]}"


def place_by_place(entry: Entry, model: Numbers) -> str:
    """Estimated against true values, of levels and of the longest change; and maps of mean errors."""
    held = entry.tests[entry.trusted]
    name = str(model["indicator"])
    told = "a proxy" if model["predicted"] == "proxy" else "the survey"
    level = against(held.truth.ravel(), held.said.ravel(), name)
    figures = [parts.figure(level, f"Levels. Each dot is a place at one date; true is what {told} says.")]
    figures += _of_change(held, list(entry.facts["dates"]), name)
    for test in (entry.trusted, REGION):
        if test in entry.tests and (test != REGION or entry.trusted != REGION):
            figures += _map(entry.tests[test], title_of_test(test, model))
    return f'<div class="pair">{"".join(figures)}</div>'


def _of_change(held: Held, dates: Sequence[str], name: str) -> list[str]:
    """Of the longest of the usual spans at which places are known twice."""
    times = times_of(dates)
    for apart in reversed(spans_of(times)):
        truth, said = [], []
        for i, j in evolution.pairs(times, apart):
            truth.append(held.truth[:, j] - held.truth[:, i])
            said.append(held.said[:, j] - held.said[:, i])
        both = np.isfinite(np.concatenate(truth)) & np.isfinite(np.concatenate(said))
        if both.sum() >= evolution.FEWEST:
            picture = against(np.concatenate(truth), np.concatenate(said), f"change of {name}")
            return [parts.figure(picture, f"Changes between dates {title_of_span(apart)}, whatever the first.")]
    return []


def _map(held: Held, title: str) -> list[str]:
    """Where the mean error over dates is large; empty where it is not known where places lie."""
    wrong = np.where(np.isfinite(held.said), held.said - held.truth, np.nan)
    known = np.isfinite(wrong).any(axis=1) & np.isfinite(held.xy).all(axis=1)
    if not known.any() or not np.ptp(held.xy[known], axis=0).any():
        return []
    xy, number = np.unique(held.xy[known], axis=0, return_inverse=True)
    sums = np.bincount(number.reshape(-1), np.nansum(wrong[known], axis=1), len(xy))
    off = sums / np.bincount(number.reshape(-1), np.isfinite(wrong[known]).sum(axis=1), len(xy))
    usual = float(np.median(np.abs(off)))
    layers = [("muted", ~(np.abs(off) > usual)), ("bad", off > usual), ("good", off < -usual)]
    told = (
        f"{title}: mean error over dates. Orange: estimated too high; blue: too low; grey: nearer to the truth than "
        "half of all places."
    )
    return [parts.figure(places(xy, layers, "Where estimates are off", "m"), told)]
