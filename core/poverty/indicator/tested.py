"""What models said of places that they had not seen, in numbers and sentences, beside what trivial answers say."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...jobs.poverty.train import BLOCKS, RANDOM
from ...metrics.values import pearson_r2
from . import evolution
from .ensemble import REGION, Held

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Numbers = dict[str, Any]
APART = (1, 5, 10, 15)
"""Years between two dates whose differences are told, where the series is long enough; 1, 10 and 15 as published."""
MEAN, REGIONS, UNCHANGED = "mean", "regions", "unchanged"
BASELINES = {MEAN: "the same answer everywhere", REGIONS: "the mean of each region", UNCHANGED: "no change at all"}
"""Trivial answers: what a model must beat."""


def times_of(dates: Sequence[str]) -> list[float]:
    """(T,) years, with months as fractions; counters as they are."""
    found = []
    for date in dates:
        parts = date.split("-")
        found.append(float(parts[0]) + (float(parts[1]) - 1) / 12 if len(parts) > 1 else float(parts[0]))
    return found


def all_tested(tests: Mapping[str, Held], dates: Sequence[str], regions: Sequence[str] = ()) -> Numbers:
    """Scores of each test, see `scores_of`.

    Args:
        tests: of an ensemble; the first one also says what its models learnt from.
        dates: (T,) of the series.
        regions: names, where places have them.
    """
    lessons = next(iter(tests.values()))
    return {
        name: scores_of(held, dates, regions, lessons if name == REGION else held, every=name == REGION)
        for name, held in tests.items()
    }


def scores_of(held: Held, dates: Sequence[str], regions: Sequence[str], lessons: Held, every: bool) -> Numbers:
    """Scores as plain JSON values: over all values, per year and for differences, each fold by itself.

    Args:
        held: answers of models that had not seen the places.
        dates: (T,) of the series.
        regions: names, where places have them.
        lessons: places that the models learnt from: all whose turn is not their own.
        every: each model tells each place, as in a region apart.

    Returns:
        values, places, r2, pearson_r2, mae; per_year, differences by years apart, years by date, and matrix, each of
        `all` places and of `lit` ones (not 0); and `baselines` with the same numbers of trivial answers. Empty where
        fewer than two values were told.
    """
    there = np.isfinite(held.truth) & np.isfinite(held.said) & (held.turn >= 0)[:, None]
    if there.sum() < evolution.FEWEST:
        return {}
    truth, said = np.where(there, held.truth, np.nan), np.where(there, held.said, np.nan)
    times = times_of(dates)
    models = len(np.unique(held.turn[there.any(axis=1)])) if every else 1
    guesses = {name: np.where(there, one, np.nan) for name, one in trivial(held, lessons, len(regions)).items()}
    found = _scores(truth, said, held.turn, times)
    return {
        "values": int(there.sum()) // models,
        "places": int(there.any(axis=1).sum()) // models,
        **found,
        "years": _years(truth, said, held.turn, dates),
        "matrix": _both(lambda lit: _matrix(truth, said, held.turn, lit)),
        "baselines": {
            name: {"title": BASELINES[name], **_of_guess(name, truth, guess, held.turn, times)}
            for name, guess in guesses.items()
        },
    }


def _years(truth: Float, said: Float, turn: Int, dates: Sequence[str]) -> list[Numbers]:
    both = {
        "all": evolution.by_fold(truth, said, turn, evolution.levels),
        "lit": evolution.by_fold(truth, said, turn, lambda y, s: evolution.levels(y, s, lit=True)),
    }
    return [
        {"date": date, **{which: _summary([[fold[t]] for fold in folds]) for which, folds in both.items()}}
        for t, date in enumerate(dates)
    ]


def trivial(held: Held, lessons: Held, regions: int) -> dict[str, Float]:
    """(N, T) trivial answers by name, each from what the model of the turn had learnt from; NaN where no model told.

    Dates without a value have the mean of all dates, regions without a place that of all places.
    """
    mean = np.full(held.truth.shape, np.nan)
    of_region = mean.copy()
    for turn in np.unique(held.turn[held.turn >= 0]):
        mine, learnt = held.turn == turn, lessons.turn != turn
        everywhere = _date_means(lessons.truth[learnt])
        mean[mine] = of_region[mine] = everywhere
        for code in np.unique(held.region[mine & (held.region >= 0)]):
            own = _date_means(lessons.truth[learnt & (lessons.region == code)])
            of_region[mine & (held.region == code)] = np.where(np.isfinite(own), own, everywhere)
    found = {MEAN: mean, UNCHANGED: np.zeros_like(mean)}
    return found if regions < 2 else {MEAN: mean, REGIONS: of_region, UNCHANGED: found[UNCHANGED]}


def _date_means(truth: Float) -> Float:
    """(T,) mean of each date, of all where a date has none; NaN where nothing is known."""
    known = np.isfinite(truth)
    count, total = known.sum(axis=0), np.where(known, truth, 0.0).sum(axis=0)
    if not count.any():
        return np.full(truth.shape[1], np.nan)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), total.sum() / count.sum()))


def _scores(truth: Float, said: Float, turn: Int, times: Sequence[float]) -> Numbers:
    there = np.isfinite(truth) & np.isfinite(said)
    one = evolution.score(truth[there], said[there])
    return {
        "r2": _clean(one.r2),
        "pearson_r2": _clean(pearson_r2(truth[there], said[there])),
        "mae": _clean(one.mae),
        "per_year": _both(lambda lit: _by_fold(truth, said, turn, lambda y, s: evolution.levels(y, s, lit))),
        "differences": _differences(truth, said, turn, times),
    }


def _of_guess(name: str, truth: Float, guess: Float, turn: Int, times: Sequence[float]) -> Numbers:
    """Of a trivial answer; `unchanged` says nothing of levels."""
    found = _scores(truth, guess, turn, times)
    if name != UNCHANGED:
        return found
    nothing = _summary([])
    return {**found, "r2": None, "pearson_r2": None, "mae": None, "per_year": {"all": nothing, "lit": nothing}}


def _differences(truth: Float, said: Float, turn: Int, times: Sequence[float]) -> Numbers:
    found = {}
    for apart in APART:
        if not evolution.pairs(times, apart):
            continue

        def of(lit: bool, apart: int = apart) -> Numbers:
            return _by_fold(
                truth, said, turn, lambda y, s: list(evolution.differences(y, s, times, apart, lit).values())
            )

        both = _both(of)
        if both["all"]["folds"]:
            found[str(apart)] = both
    return found


def _both(of: Callable[[bool], Any]) -> Numbers:
    """Of all places, and of those that are not 0."""
    return {"all": of(False), "lit": of(True)}


def _matrix(truth: Float, said: Float, turn: Int, lit: bool) -> list[list[float | None]]:
    found = evolution.mean_matrix(
        [evolution.matrix(truth[turn == k], said[turn == k], lit) for k in np.unique(turn[turn >= 0])]
    )
    return [[_clean(value) for value in row] for row in found]


def _by_fold(truth: Float, said: Float, turn: Int, of: Callable[[Float, Float], Sequence[evolution.Score]]) -> Numbers:
    return _summary(evolution.by_fold(truth, said, turn, of))


def _summary(scores: Sequence[Sequence[evolution.Score]]) -> Numbers:
    found = evolution.over_folds(scores)
    return {
        "mae": _clean(found.mae[0]), "mae_sd": _clean(found.mae[1]), "r2": _clean(found.r2[0]),
        "r2_sd": _clean(found.r2[1]), "dis": _clean(found.dis[0]), "folds": found.folds,
    }  # fmt: skip


def _clean(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def sentences(facts: Numbers) -> list[str]:
    """The most important first: the most trusted test, the others and what they are worth, then changes."""
    what = f"'{facts['indicator']}'" + (" (a proxy, no survey)" if facts["predicted"] == "proxy" else "")
    scores = facts["tests"][facts["headline"]]
    if not scores:
        return [f"{facts['title']} learnt {what}; too few places were kept apart to test it."]
    apart = facts["headline"] == BLOCKS
    where = f"in squares of {facts['block_size_m']:,.0f} m" if apart else "drawn at random"
    found = [f"{facts['title']} tells {what} of places kept apart {where} with {_told(scores)}.", *_no_better(scores)]
    if not apart:
        found.append("Neighbours of these places were in training, which flatters. Choose blocks for a fair number.")
    if REGION in facts["tests"]:
        found += _of_region(facts, facts["tests"][REGION])
    if apart and facts["tests"].get(RANDOM):
        found.append(
            f"At places drawn at random, whose neighbours were in training: {_told(facts['tests'][RANDOM])}. Such a "
            "test flatters: quote the one in squares."
        )
    return found + _of_dates(scores)


def _of_region(facts: Numbers, scores: Numbers) -> list[str]:
    if not scores:
        return ["Too little is known of the held-out region to test the models there."]
    return [
        f"In the held-out region ({scores['places']:,} places; none of them was learnt from, nor any nearer than "
        f"{facts['guard_m'] / 1000:.3g} km): {_told(scores)}.",
        *_no_better(scores, " there"),
    ]


def _of_dates(scores: Numbers) -> list[str]:
    """Each date by itself, and changes."""
    every, lit = scores["per_year"]["all"], scores["per_year"]["lit"]
    of_lit = f" (of places that are not always 0: {_two(lit['r2'])})" if lit["mae"] != every["mae"] else ""
    found = [f"Within one date: R2 {_two(every['r2'])}{of_lit}."] if len(scores["years"]) > 1 else []
    for apart, one in scores["differences"].items():
        years = "a year" if apart == "1" else f"{apart} years"
        unchanged = scores["baselines"][UNCHANGED]["differences"][apart]["all"]
        off, idle = float(one["all"]["mae"]), float(unchanged["mae"])
        beside = f": worse than no change at all, by {idle:.3g}" if off >= idle else f"; no change at all by {idle:.3g}"
        found.append(f"Differences over {years}: R2 {_two(one['all']['r2'])}, off by {off:.3g}{beside}.")
    return found


def _told(scores: Numbers) -> str:
    """What a test came to, beside trivial answers."""
    others = [f"{one['title']} by {one['mae']:.3g}" for one in scores["baselines"].values() if one["mae"] is not None]
    return (
        f"R2 {_two(scores['r2'])} and r2 {_two(scores['pearson_r2'])}; off by {scores['mae']:.3g} on average, "
        f"{' and '.join(others)}"
    )


def _no_better(scores: Numbers, where: str = "") -> list[str]:
    """A warning where a trivial answer is as good."""
    rivals = [one for one in scores["baselines"].values() if one["mae"] is not None and one["mae"] <= scores["mae"]]
    if not rivals:
        return []
    best = min(rivals, key=lambda one: float(one["mae"]))
    return [f"That is no better{where} than {best['title']}: do not rely on maps of this model."]


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "−")
