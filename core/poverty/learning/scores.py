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
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
Numbers = dict[str, Any]
FEWEST = 10
"""Rows of a region or year below which nothing is said of it alone."""
SAME = 1e-9
"""Share of the spread of the truth by which answers that are the same may differ."""
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
            "folds": one.rounds[0].folds.count,
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
    pooled = [_scores(name, y, one.said[name], one.fold) for one in rounds]
    folds = [
        _scores(name, y, one.said[name], one.fold, one.fold == k) for one in rounds for k in range(one.folds.count)
    ]
    found: Numbers = {
        "scores": {key: mean_of([one[key] for one in pooled]) for key in pooled[0]},
        "folds_mean": {key: mean_of([one[key] for one in folds]) for key in pooled[0]},
        "folds_sd": {key: sd_of([one[key] for one in folds]) for key in pooled[0]},
        "by_fold": [{key: clean(value) for key, value in one.items()} for one in folds[: rounds[0].folds.count]],
    }
    if regions is not None:
        found["regions"] = {
            region: _apart(name, rounds, y, regions.of == number) for number, region in enumerate(regions.names)
        }
        found["within_r2"] = mean_of([one["pearson_r2"] for one in found["regions"].values() if one])
    for what, texts in groups.items():
        found[what] = {text: _apart(name, rounds, y, texts == text) for text in sorted(set(texts)) if text}
    return found


def _apart(name: str, rounds: Sequence[Round], y: Float, mine: Bool) -> Numbers | None:
    """Scores of some rows only, and how far they are over- or underestimated; None where they are too few."""
    rows = [mine & (one.fold >= 0) for one in rounds]
    if int(rows[0].sum()) < FEWEST:
        return None
    scores = [_scores(name, y, one.said[name], one.fold, mine) for one in rounds]
    bias = [float((one.said[name][at] - y[at]).mean()) for one, at in zip(rounds, rows, strict=True) if at.any()]
    return {
        **{key: mean_of([one[key] for one in scores]) for key in scores[0]},
        "bias": mean_of(bias),
        "rows": int(rows[0].sum()),
    }


def _scores(name: str, y: Float, said: Float, fold: Int, mine: Bool | None = None) -> dict[str, float]:
    """Of the tested rows that are `mine`, all folds together.

    An answer that is the same all over each fold follows nothing; what correlation it has is that of the means of
    what was learnt from with those of what was tested, which lie on opposite sides of the mean of all. So a method
    that says no more has a squared correlation of 0 there, and a trivial answer, which never meant to, has none.
    """
    at = (fold >= 0) & np.isfinite(said)
    at = at if mine is None else at & mine
    if at.sum() < 2:
        return dict.fromkeys(("r2", "pearson_r2", "mae", "rmse"), math.nan)
    found = evaluate("value", y[at], said[at])
    if not _varies(said[at], fold[at], float(y[at].std())) and math.isfinite(found["pearson_r2"]):
        found["pearson_r2"] = math.nan if name in TRIVIAL else 0.0
    return found


def _varies(said: Float, fold: Int, spread: float) -> bool:
    """Whether an answer differs within any fold by more than the last digits."""
    return any(np.ptp(said[fold == k]) > SAME * spread for k in np.unique(fold))


def changes(
    pairs: Pairs, y: Float, regions: Regions | None, levels: Sequence[Tested], learnt: Sequence[Tested]
) -> list[Numbers]:
    """Scores of changes under each scheme that both tests share.

    Args:
        pairs: of rows.
        y: (N,) levels.
        regions: of the pairs.
        levels: tests of levels.
        learnt: tests of methods that learnt changes, in the same folds.
    """
    truth = y[pairs.second] - y[pairs.first]
    found = []
    for one in learnt:
        before = next(other for other in levels if other.scheme.name == one.scheme.name)
        methods: Numbers = {}
        for name in one.rounds[0].said:
            mine = [(r.said[name], r.fold) for r in one.rounds]
            methods[f"{name}|{LEARNT}"] = _of_change(name, truth, mine, regions, pairs)
            if name not in TRIVIAL:
                mine = [_difference(r, name, pairs) for r in before.rounds]
                methods[f"{name}|{LEVELS}"] = _of_change(name, truth, mine, regions, pairs)
        found.append(
            {
                "name": one.scheme.name, "title": one.title, "honest": one.scheme.honest,
                "sentence": one.scheme.sentence, "tested": int((one.rounds[0].fold >= 0).sum()), "methods": methods,
            }
        )  # fmt: skip
    return found


def _difference(turn: Round, name: str, pairs: Pairs) -> tuple[Float, Int]:
    """Of two levels, and the fold of pairs both rows of which were tested; below 0 for others."""
    fold = np.where(turn.fold[pairs.second] >= 0, turn.fold[pairs.first], -1)
    return turn.said[name][pairs.second] - turn.said[name][pairs.first], fold


def _of_change(
    name: str, truth: Float, rounds: Sequence[tuple[Float, Int]], regions: Regions | None, pairs: Pairs
) -> Numbers:
    def over_rounds(mine: Bool | None = None) -> dict[str, float | None]:
        scores = [_scores(name, truth, said, fold, mine) for said, fold in rounds]
        return {key: mean_of([one[key] for one in scores]) for key in scores[0]}

    def enough(mine: Bool) -> bool:
        return int((mine & (rounds[0][1] >= 0)).sum()) >= FEWEST

    found: Numbers = {**over_rounds()}
    found["both_ways_r2"] = mean_of([_both_ways(truth, said, fold >= 0) for said, fold in rounds])
    if regions is not None:
        members = {region: regions.of == k for k, region in enumerate(regions.names)}
        each = {region: over_rounds(mine)["pearson_r2"] for region, mine in members.items() if enough(mine)}
        found["regions"], found["within_r2"] = each, mean_of(list(each.values()))
    spans = {float(span): pairs.years == span for span in np.unique(pairs.years)}
    found["years"] = {f"{span:g}": over_rounds(mine)["r2"] for span, mine in spans.items() if enough(mine)}
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
