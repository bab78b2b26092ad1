"""From trials to numbers: what stands in the report and in the JSON beside it. Plain JSON values only."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .crossval import LeftOut, Repetition, Trial
from .metrics.build import evaluate
from .metrics.calibration import reliability
from .metrics.classes import confusion, per_class
from .metrics.interval import class_intervals, value_intervals
from .metrics.registry import METRICS
from .samples import Samples

FORMAT = 1
PRIMARY = {"class": "accuracy", "value": "r2"}
MOST_POINTS = 3000
"""Samples drawn in pictures; more cannot be told apart."""


def assess(target: str, samples: Samples, trials: list[Trial], left_out: list[LeftOut], seed: int) -> dict[str, Any]:
    """All numbers of an assessment.

    Args:
        target: `class` or `value`.
        samples: what was tested.
        trials: the one to trust first.
        left_out: schemes that could not be used.
        seed: decides the draws of the intervals.
    """
    groups = samples.group_counts()
    return {
        "format": FORMAT,
        "target": target,
        "samples": len(samples.y),
        "groups": len(np.unique(samples.groups)),
        "group_kind": samples.group_kind,
        "classes": [
            {**entry.to_dict(), "samples": samples.counts[entry.name], "groups": groups[entry.name]}
            for entry in samples.classes
        ],
        "labels": samples.report.to_dict(),
        "headline": headline(target, trials),
        "schemes": [scheme_numbers(target, samples, trial, seed) for trial in trials],
        "left_out": [{"name": item.name, "title": item.title, "reason": item.reason} for item in left_out],
    }


def headline(target: str, trials: list[Trial]) -> dict[str, Any]:
    """Which scheme to trust, its score, the random score and the gap between them."""
    primary = PRIMARY[target]
    scores = {trial.scheme.name: summary(target, trial)[primary]["mean"] for trial in trials}
    first = trials[0].scheme
    random = scores.get("random")
    honest = scores[first.name] if first.honest else None
    gap = random - honest if honest is not None and random is not None else None
    return {
        "metric": primary, "scheme": first.name, "honest": first.honest, "score": scores[first.name],
        "random": random, "leakage": gap,
    }  # fmt: skip


def summary(target: str, trial: Trial) -> dict[str, dict[str, Any]]:
    """Each metric of a trial: value of each repetition, mean, standard deviation over repetitions (None if one)."""
    rounds = [_scores(target, repetition) for repetition in trial.repetitions]
    table = {}
    for name in rounds[0]:
        values = [one[name] for one in rounds]
        known = [value for value in values if math.isfinite(value)]
        table[name] = {
            "title": METRICS[name].title,
            "mean": float(np.mean(known)) if known else None,
            "sd": float(np.std(known, ddof=1)) if len(known) > 1 else None,
            "values": [_plain(value) for value in values],
        }
    return table


def scheme_numbers(target: str, samples: Samples, trial: Trial, seed: int) -> dict[str, Any]:
    """Everything about one scheme."""
    first = trial.repetitions[0]
    metrics = summary(target, trial)
    if trial.scheme.honest:
        for name, (low, high) in _intervals(target, samples, trial, seed).items():
            metrics[name].update(low=_plain(low), high=_plain(high))
    numbers: dict[str, Any] = {
        "name": trial.scheme.name,
        "title": trial.scheme.title,
        "sentence": trial.scheme.sentence,
        "folds": first.folds.count,
        "repetitions": len(trial.repetitions),
        "groups": len(np.unique(first.groups[first.tested])),
        "tested": len(first.tested),
        "untested": [entry.name for entry in samples.classes if entry.value in first.folds.untested],
        "gaps": max(repetition.folds.gaps for repetition in trial.repetitions),
        "metrics": metrics,
    }
    if target == "class":
        return numbers | _class_tables(samples, trial)
    return numbers | {"scatter": _scatter(samples, trial)}


def _scores(target: str, repetition: Repetition) -> dict[str, float]:
    at = repetition.tested
    truth = repetition.truth[at]
    if target == "value" or repetition.probabilities is None:
        return evaluate(target, truth, repetition.predicted[at])
    values = np.arange(1, repetition.probabilities.shape[1] + 1)
    return evaluate(target, truth, repetition.predicted[at], repetition.probabilities[at], values)


def _intervals(target: str, samples: Samples, trial: Trial, seed: int) -> dict[str, tuple[float, float]]:
    """Bounds by drawing groups again, averaged over repetitions."""
    values = [entry.value for entry in samples.classes]
    rounds = []
    for repetition in trial.repetitions:
        at = repetition.tested
        arrays = samples.y[at], repetition.predicted[at], repetition.groups[at]
        rounds.append(class_intervals(*arrays, values) if values else value_intervals(*arrays))
    return {
        name: (float(np.mean([one[name][0] for one in rounds])), float(np.mean([one[name][1] for one in rounds])))
        for name in rounds[0]
    }


def _class_tables(samples: Samples, trial: Trial) -> dict[str, Any]:
    """Confusion matrix, per-class scores and reliability, pooled over repetitions; shares are as of one repetition."""
    values = [entry.value for entry in samples.classes]
    at = [repetition.tested for repetition in trial.repetitions]
    truth = np.concatenate([samples.y[one] for one in at])
    shown = np.concatenate([repetition.predicted[one] for repetition, one in zip(trial.repetitions, at, strict=True)])
    stacked = [
        repetition.probabilities[one]
        for repetition, one in zip(trial.repetitions, at, strict=True)
        if repetition.probabilities is not None
    ]
    bins = reliability(truth - 1, np.concatenate(stacked))
    return {
        "confusion": confusion(truth, shown, values).tolist(),
        "per_class": per_class(truth, shown, values),
        "reliability": [vars(row) for row in bins],
    }


def _scatter(samples: Samples, trial: Trial) -> list[list[float]]:
    """Truth and prediction of at most `MOST_POINTS` samples in the first repetition."""
    repetition = trial.repetitions[0]
    at = thinned(repetition.tested)
    return np.stack([samples.y[at], repetition.predicted[at]], axis=1).round(6).tolist()  # type: ignore[no-any-return]


def thinned(indices: NDArray[np.int64], most: int = MOST_POINTS) -> NDArray[np.int64]:
    """At most so many of the indices, evenly spread."""
    if len(indices) <= most:
        return indices
    return indices[np.linspace(0, len(indices) - 1, most).astype(np.int64)]


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
