"""What a report on models tells, as plain JSON values: their scores, what must change to be told, and which is best.

Scores are those that 'Train indicator' left in each model; what must change comes from the answers themselves.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....jobs.poverty.train import BLOCKS, RANDOM
from .. import evolution
from ..ensemble import REGION, TESTS, Held
from ..margins import IN_A_BIN, Margin, of_changes, of_levels
from ..tested import APART, MEAN, REGIONS, times_of

Numbers = dict[str, Any]
Float = NDArray[np.float64]
KEPT = (
    "method", "title", "indicator", "predicted", "dates", "bands", "cell_px", "places", "values", "models", "apart",
    "block_size_m", "guard_m", "displacement", "device", "version", "regions",
)  # fmt: skip
"""Of the facts of a model."""
QUANTILES = {"low": 0.1, "typical": 0.5, "high": 0.9}
"""Levels of lit places at which it is told what must differ: errors grow with the level, and dark places hardly err."""
HARDLY = 0.005
"""Between two R2."""


@dataclass(frozen=True)
class Entry:
    """A model as a report needs it.

    Attributes:
        path: of its file.
        facts: of 'Train indicator'.
        tests: what was said of places that it had not seen.
    """

    path: str
    facts: Mapping[str, Any]
    tests: Mapping[str, Held]

    @property
    def trusted(self) -> str:
        """The most trusted test that has scores; empty where none has."""
        return next((name for name in TESTS if self.facts["tests"].get(name)), "")


def numbers_of(entries: Sequence[Entry], level: float) -> Numbers:
    """Everything that the page shows, but for its pictures.

    Args:
        entries: of the models, in the order in which they were given.
        level: confidence with which a change must be told.
    """
    models = [
        {"name": name, "file": Path(entry.path).name, **_of(entry, level)}
        for name, entry in zip(names(entries), entries, strict=True)
    ]
    numbers: Numbers = {"level": level, "models": models, "alike": _alike(entries)}
    numbers["headline"] = headline(models)
    return numbers


def names(entries: Sequence[Entry]) -> list[str]:
    """Of the models, each another one: by method, by file where methods are the same, numbered where files are too."""
    titles = [str(entry.facts["title"]) for entry in entries]
    stems = [Path(entry.path).stem for entry in entries]
    found = [
        title if titles.count(title) == 1 else f"{title} ({stem})" for title, stem in zip(titles, stems, strict=True)
    ]
    return [one if found.count(one) == 1 else f"{one}, {number + 1}" for number, one in enumerate(found)]


def _of(entry: Entry, level: float) -> Numbers:
    held = entry.tests[entry.trusted] if entry.trusted else None
    return {
        **{key: entry.facts.get(key) for key in KEPT},
        "trusted": entry.trusted,
        "tests": {name: entry.facts["tests"][name] for name in TESTS if entry.facts["tests"].get(name)},
        "dark": _dark(held),
        "tellable": [] if held is None else tellable(held, entry.facts["dates"], level),
        "losses": _losses(entry.facts.get("losses") or []),
    }


def _dark(held: Held | None) -> float:
    """Share of tested values that are 0."""
    if held is None:
        return 0.0
    told = held.truth[np.isfinite(held.truth) & np.isfinite(held.said)]
    return float((told == 0).mean()) if len(told) else 0.0


def _losses(curves: Sequence[Sequence[Mapping[str, Any]]]) -> list[Numbers]:
    """Of each network: losses by epoch, and the epoch whose weights were kept."""
    return [
        {
            "training": [one["training"] for one in curve],
            "validation": [one["validation"] for one in curve],
            "best_epoch": curve[-1]["best_epoch"],
            "epochs": curve[-1]["epochs"],
        }
        for curve in curves
        if curve
    ]


# What must change to be told -----------------------------------------------------------------------------------------


def tellable(held: Held, dates: Sequence[str], level: float) -> list[Numbers]:
    """How far a level may be off, and how much must change between two dates before it can be told.

    Returns:
        One object for levels (`apart` is null) and one for each span of years; `low`, `typical`, `high` are numbers at
        these levels of the indicator, null where there are too few squares; `changed` the share of tested places that
        truly changed by more.
    """
    margin = of_levels(held, level)
    there = np.isfinite(held.truth) & np.isfinite(held.said)
    if margin is None or not there.any():
        return []
    lit = there & evolution.lit_places(held.truth)[:, None]
    levels = held.said[lit if lit.any() else there]
    at = {name: float(np.quantile(levels, share)) for name, share in QUANTILES.items()}
    found = [{"apart": None, "how": "", "changed": None, "at": at, **_around(margin, at)}]
    times = times_of(dates)
    for apart in spans_of(times):
        if change := of_changes(held, times, apart, level):
            share = _changed(held, times, apart, change.margin)
            told = {"apart": apart, "how": change.how, "changed": share, "at": at, **_around(change.margin, at)}
            found.append(told)
    return found


def spans_of(times: Sequence[float]) -> list[float]:
    """Years between dates that are told: those of the tables, or the longest there is where none of these is."""
    usual = [float(apart) for apart in APART if evolution.pairs(times, apart)]
    return usual or ([times[-1] - times[0]] if len(times) > 1 else [])


def _around(margin: Margin, at: Mapping[str, float]) -> Numbers:
    told = margin.around(np.array(list(at.values())))
    return {
        **{name: float(value) if np.isfinite(value) else None for name, value in zip(at, told, strict=True)},
        "squares": margin.squares,
        "errors": margin.values,
    }


def _changed(held: Held, times: Sequence[float], apart: float, margin: Margin) -> float | None:
    """Share of places whose true change is larger than the error at their level."""
    more = count = 0
    for i, j in evolution.pairs(times, apart):
        change, level = held.truth[:, j] - held.truth[:, i], (held.said[:, j] + held.said[:, i]) / 2
        there = np.isfinite(change) & np.isfinite(level)
        count += int(there.sum())
        more += int((np.abs(change[there]) > margin.around(level[there])).sum())
    return more / count if count >= IN_A_BIN and np.isfinite(margin.factor) else None


# Which is best -------------------------------------------------------------------------------------------------------


def headline(models: Sequence[Numbers]) -> Numbers:
    """The most trusted test that all models have, the best model there, and the best trivial answer beside it.

    Empty where nothing was tested, or where models tell different things.
    """
    if len({(one["indicator"], one["predicted"]) for one in models}) != 1:
        return {}
    shared = [name for name in TESTS if all(name in one["tests"] for one in models)]
    test = next(iter(shared), "")
    scored = {one["name"]: one["tests"][test]["r2"] for one in models if test in one["tests"]}
    scored = {name: value for name, value in scored.items() if value is not None}
    if not scored:
        return {}
    best = max(scored, key=lambda name: scored[name])
    return {"test": test, "honest": test != RANDOM, "best": best}


def best_trivial(scores: Numbers) -> str:
    """Of the trivial answers on levels, the one with the highest R2; the mean of regions where they are alike."""
    known = {name: scores["baselines"][name]["r2"] for name in (REGIONS, MEAN) if name in scores["baselines"]}
    return max(known, key=lambda name: -np.inf if known[name] is None else known[name])


def model_named(numbers: Numbers, name: str) -> Numbers:
    """One of the models."""
    found: Numbers = next(one for one in numbers["models"] if one["name"] == name)
    return found


def _alike(entries: Sequence[Entry]) -> Numbers:
    """Whether models were tested on the same values, so that their scores can be compared."""
    tested = [entry.tests[entry.trusted] for entry in entries if entry.trusted]
    values = {tuple(np.sort(held.truth[np.isfinite(held.said) & np.isfinite(held.truth)]).round(9)) for held in tested}
    return {
        "values": len(values) <= 1,
        "tests": len({entry.trusted for entry in entries}) == 1,
        "dates": len({tuple(entry.facts["dates"]) for entry in entries}) == 1,
        "told": len({(entry.facts["indicator"], entry.facts["predicted"]) for entry in entries}) == 1,
    }


TITLES = {BLOCKS: "Squares kept apart", RANDOM: "Places drawn at random", REGION: "Held-out region"}


def title_of_test(test: str, model: Numbers | None = None) -> str:
    """Of a test, with the side of its squares where the model is given."""
    if test == BLOCKS and model and model.get("block_size_m"):
        return f"Squares of {distance(model['block_size_m'])} kept apart"
    return TITLES[test]


def distance(metres: float) -> str:
    """In words."""
    return f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"


def span_of(key: str | float) -> str:
    """Years, or months where they are less than one."""
    years = float(key)
    if years < 1:
        months = round(years * 12)
        return f"{months} month{'s' if months != 1 else ''}"
    return f"{years:.3g} year{'s' if years != 1 else ''}"


def title_of_span(key: str | float) -> str:
    """Of a row."""
    return f"{span_of(key)} apart"
