"""What tests of an indicator come to: over all places, within countries, by year, of changes; plain JSON values."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...crossval import LeftOut
from ...metrics.build import evaluate
from ...metrics.values import pearson_r2
from ...samples import Regions
from .changes import Pairs
from .registry import METHODS
from .trials import TRIVIAL, Round, Tested

Float = NDArray[np.float64]
Numbers = dict[str, Any]
FEWEST = 10
"""Rows of a region or year below which nothing is said of it alone."""
LEVELS, LEARNT = "difference of levels", "learnt as changes"


def title_of(name: str) -> str:
    """Of a method or a trivial answer."""
    return TRIVIAL[name] if name in TRIVIAL else METHODS[name].title


def told(
    tested: Sequence[Tested], y: Float, regions: Regions | None, groups: Mapping[str, NDArray[np.object_]]
) -> list[Numbers]:
    """Each scheme with the scores of its methods.

    Args:
        tested: from `test_all`.
        y: (N,) truth.
        regions: of the rows, or None.
        groups: (N,) texts by what they tell (`year`, `urban`): scored apart.
    """
    return [
        {
            "name": one.scheme.name,
            "title": one.title,
            "sentence": one.scheme.sentence,
            "honest": one.scheme.honest,
            "block_m": one.scheme.block.side_m if one.scheme.block else None,
            "folds": int(one.rounds[0].fold.max()) + 1,
            "fold_names": list(one.rounds[0].names),
            "repetitions": len(one.rounds),
            "tested": int((one.rounds[0].fold >= 0).sum()),
            "methods": {name: _of_method(name, one.rounds, y, regions, groups) for name in one.rounds[0].said},
        }
        for one in tested
    ]


def _of_method(
    name: str, rounds: Sequence[Round], y: Float, regions: Regions | None, groups: Mapping[str, NDArray[np.object_]]
) -> Numbers:
    """Scores pooled over the rows of a round, mean over rounds; and of each fold."""
    pooled = [_scores(y, one.said[name], one.fold >= 0) for one in rounds]
    folds = [_scores(y, one.said[name], one.fold == k) for one in rounds for k in range(int(one.fold.max()) + 1)]
    first = int(rounds[0].fold.max()) + 1
    found: Numbers = {
        "scores": {key: mean_of([one[key] for one in pooled]) for key in pooled[0]},
        "folds_mean": {key: mean_of([one[key] for one in folds]) for key in pooled[0]},
        "folds_sd": {key: sd_of([one[key] for one in folds]) for key in pooled[0]},
        "by_fold": [{key: clean(value) for key, value in one.items()} for one in folds[:first]],
    }
    if regions is not None:
        found["regions"] = {
            region: _apart(name, rounds, y, regions.of == number) for number, region in enumerate(regions.names)
        }
        within = [one["pearson_r2"] for one in found["regions"].values() if one and one["pearson_r2"] is not None]
        found["within_r2"] = mean_of(within)
    for what, texts in groups.items():
        found[what] = {text: _apart(name, rounds, y, texts == text) for text in sorted(set(texts)) if text}
    return found


def _apart(name: str, rounds: Sequence[Round], y: Float, mine: NDArray[np.bool_]) -> Numbers | None:
    """Scores of some rows only, and how far they are over- or underestimated; None where they are too few."""
    rows = [mine & (one.fold >= 0) for one in rounds]
    if int(rows[0].sum()) < FEWEST:
        return None
    scores = [_scores(y, one.said[name], at) for one, at in zip(rounds, rows, strict=True)]
    bias = [float((one.said[name][at] - y[at]).mean()) for one, at in zip(rounds, rows, strict=True)]
    return {
        **{key: mean_of([one[key] for one in scores]) for key in scores[0]},
        "bias": mean_of(bias),
        "rows": int(rows[0].sum()),
    }


def _scores(y: Float, said: Float, at: NDArray[np.bool_]) -> dict[str, float]:
    at = at & np.isfinite(said)
    if at.sum() < 2:
        return dict.fromkeys(("r2", "pearson_r2", "mae", "rmse"), math.nan)
    return evaluate("value", y[at], said[at])


def changes(
    pairs: Pairs, y: Float, regions: Regions | None, levels: Sequence[Tested], learnt: Sequence[Tested]
) -> list[Numbers]:
    """Scores of changes under each scheme that both tests share.

    Args:
        pairs: of rows.
        y: (N,) levels.
        regions: of the pairs.
        levels: tests of levels; both rows of a pair are always in one fold.
        learnt: tests of methods that learnt changes.
    """
    truth = y[pairs.second] - y[pairs.first]
    found = []
    for one in learnt:
        before = next((other for other in levels if other.scheme.name == one.scheme.name), None)
        methods: Numbers = {}
        for name in one.rounds[0].said:
            methods[f"{name}|{LEARNT}"] = _of_change(
                truth, [(r.said[name], r.fold >= 0) for r in one.rounds], regions, pairs
            )
            if before is not None and name not in TRIVIAL and name in before.rounds[0].said:
                said = [
                    (r.said[name][pairs.second] - r.said[name][pairs.first], np.ones(len(truth), np.bool_))
                    for r in before.rounds
                ]
                methods[f"{name}|{LEVELS}"] = _of_change(truth, said, regions, pairs)
        found.append(
            {
                "name": one.scheme.name, "title": one.title, "honest": one.scheme.honest,
                "sentence": one.scheme.sentence, "methods": methods,
            }
        )  # fmt: skip
    return found


def _of_change(
    truth: Float, rounds: Sequence[tuple[Float, NDArray[np.bool_]]], regions: Regions | None, pairs: Pairs
) -> Numbers:
    scores = [_scores(truth, said, at) for said, at in rounds]
    both = [_both_ways(truth, said, at) for said, at in rounds]
    found: Numbers = {key: mean_of([one[key] for one in scores]) for key in scores[0]}
    found["both_ways_r2"] = mean_of(both)
    if regions is not None:
        each = {
            region: mean_of([_scores(truth, said, at & (regions.of == k))["pearson_r2"] for said, at in rounds])
            for k, region in enumerate(regions.names)
            if int((regions.of == k).sum()) >= FEWEST
        }
        found["regions"], found["within_r2"] = each, mean_of([one for one in each.values() if one is not None])
    spans = np.unique(pairs.years)
    found["years"] = {
        f"{span:g}": mean_of([_scores(truth, said, at & (pairs.years == span))["r2"] for said, at in rounds])
        for span in spans
        if int((pairs.years == span).sum()) >= FEWEST
    }
    return found


def _both_ways(truth: Float, said: Float, at: NDArray[np.bool_]) -> float:
    """Squared correlation of changes and their opposites together, as Yeh et al. 2020 pool them."""
    at = at & np.isfinite(said)
    if at.sum() < 2:
        return math.nan
    return pearson_r2(np.concatenate([truth[at], -truth[at]]), np.concatenate([said[at], -said[at]]))


def mean_of(values: Sequence[float | None]) -> float | None:
    """Of those that are numbers; None without any."""
    known = [one for one in values if one is not None and math.isfinite(one)]
    return float(np.mean(known)) if known else None


def sd_of(values: Sequence[float]) -> float | None:
    """Population standard deviation of those that are numbers."""
    known = [one for one in values if math.isfinite(one)]
    return float(np.std(known)) if len(known) > 1 else None


def clean(value: float) -> float | None:
    """A number that JSON holds."""
    return float(value) if math.isfinite(value) else None


def left_out(without: Sequence[LeftOut]) -> list[dict[str, str]]:
    """Tests that could not be made, and why."""
    return [{"name": one.name, "title": one.title, "reason": one.reason} for one in without]
