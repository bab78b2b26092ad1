"""What models said of places that they had not seen, in numbers and sentences."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...metrics.values import pearson_r2
from . import evolution
from .ensemble import Held

Float = NDArray[np.float64]
APART = (1, 5, 10, 15)
"""Years between two dates whose differences are told, where the series is long enough; 1, 10 and 15 as published."""


def times_of(dates: Sequence[str]) -> list[float]:
    """(T,) years, with months as fractions; counters as they are."""
    found = []
    for date in dates:
        parts = date.split("-")
        found.append(float(parts[0]) + (float(parts[1]) - 1) / 12 if len(parts) > 1 else float(parts[0]))
    return found


def tested(held: Held, dates: Sequence[str]) -> dict[str, Any]:
    """Scores as plain JSON values: over all values, per year and for differences, each fold by itself.

    Args:
        held: answers of models that had not seen the places.
        dates: (T,) of the series.
    """
    there = np.isfinite(held.truth) & np.isfinite(held.said) & (held.turn >= 0)[:, None]
    if there.sum() < evolution.FEWEST:
        return {}
    truth, said = np.where(there, held.truth, np.nan), np.where(there, held.said, np.nan)
    one = evolution.score(truth[there], said[there])
    mean = np.full(truth.shape, np.nan)
    for turn in np.unique(held.turn[held.turn >= 0]):
        others = held.truth[held.turn != turn]
        mean[held.turn == turn] = np.nanmean(others)
    base = evolution.score(truth[there], mean[there])
    times = times_of(dates)
    found: dict[str, Any] = {
        "values": one.count,
        "r2": _clean(one.r2),
        "pearson_r2": _clean(pearson_r2(truth[there], said[there])),
        "mae": _clean(one.mae),
        "trivial_mae": _clean(base.mae),
        "per_year": _summary(evolution.by_fold(truth, said, held.turn, evolution.levels)),
        "differences": {},
        "matrix": [[_clean(value) for value in row] for row in _matrix(truth, said, held.turn)],
    }
    for apart in APART:
        if not evolution.pairs(times, apart):
            continue
        scores = evolution.by_fold(
            truth,
            said,
            held.turn,
            lambda t, s, k=apart: list(evolution.differences(t, s, times, k).values()),  # type: ignore[misc]
        )
        summary = _summary(scores)
        if summary["folds"]:
            found["differences"][str(apart)] = summary
    return found


def _matrix(truth: Float, said: Float, turn: NDArray[np.int64]) -> Float:
    return evolution.mean_matrix(
        [evolution.matrix(truth[turn == k], said[turn == k]) for k in np.unique(turn[turn >= 0])]
    )


def _summary(scores: Sequence[Sequence[evolution.Score]]) -> dict[str, Any]:
    found = evolution.over_folds(scores)
    return {
        "mae": _clean(found.mae[0]), "mae_sd": _clean(found.mae[1]), "r2": _clean(found.r2[0]),
        "r2_sd": _clean(found.r2[1]), "dis": _clean(found.dis[0]), "folds": found.folds,
    }  # fmt: skip


def _clean(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def sentences(facts: dict[str, Any], scores: dict[str, Any]) -> list[str]:
    """The most important first."""
    what = f"'{facts['indicator']}'" + (" (a proxy, no survey)" if facts["predicted"] == "proxy" else "")
    if not scores:
        return [f"{facts['title']} learnt {what}; too few places were kept apart to test it."]
    where = f"in squares of {facts['block_size_m']:,.0f} m" if facts["apart"] == "blocks" else "drawn at random"
    found = [
        f"{facts['title']} tells {what} of places kept apart {where} with R2 {_two(scores['r2'])} and r2 "
        f"{_two(scores['pearson_r2'])}; it is off by {scores['mae']:.3g} on average, the same answer everywhere by "
        f"{scores['trivial_mae']:.3g}."
    ]
    if facts["apart"] != "blocks":
        found.append("Neighbours of these places were in training, which flatters. Choose blocks for a fair number.")
    for apart, one in scores["differences"].items():
        years = "a year" if apart == "1" else f"{apart} years"
        found.append(f"Differences over {years}: R2 {_two(one['r2'])}, off by {one['mae']:.3g}.")
    return found


def _two(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}".replace("-", "−")
