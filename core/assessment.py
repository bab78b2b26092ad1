"""From trials to numbers: what stands in the report and in the JSON beside it. Plain JSON values only."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .breakdown import at_prevalence, class_tables, conformal_numbers, plain, region_rows
from .crossval import REGIONS, LeftOut, Repetition, Trial
from .metrics.build import evaluate
from .metrics.calibration import class_weights
from .metrics.interval import class_intervals, value_intervals
from .metrics.registry import METRICS
from .samples import Samples
from .variogram import Variogram

FORMAT = 2
PRIMARY = {"class": "accuracy", "value": "r2"}
MOST_POINTS = 3000
"""Samples drawn in pictures; more cannot be told apart."""


@dataclass(frozen=True)
class Wishes:
    """What an assessment was asked for beyond schemes."""

    coverage: float = 0.0
    """Of conformal sets; 0: none were made."""
    shares: NDArray[np.float64] | None = None
    """(K,) how common classes are on the ground; None: not stated."""


def assess(
    target: str, samples: Samples, trials: list[Trial], left_out: list[LeftOut], wishes: Wishes | None = None
) -> dict[str, Any]:
    """All numbers of an assessment.

    Args:
        target: `class` or `value`.
        samples: what was tested.
        trials: the one to trust first.
        left_out: schemes that could not be used.
        wishes: what else was asked for.
    """
    wishes = wishes or Wishes()
    groups = samples.group_counts()
    schemes = [scheme_numbers(target, samples, trial, wishes) for trial in trials]
    numbers = {
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
        "fall": fall(target, schemes),
        "schemes": schemes,
        "left_out": [{"name": item.name, "title": item.title, "reason": item.reason} for item in left_out],
    }
    if wishes.shares is not None and samples.classes:
        numbers["prevalence"] = at_prevalence(samples, np.array(schemes[0]["confusion"]), wishes.shares)
    return numbers


def headline(target: str, trials: list[Trial]) -> dict[str, Any]:
    """Which scheme to trust, its score, the random score and the gap between them; and the score of unseen regions."""
    primary = PRIMARY[target]
    scores = {trial.scheme.name: summary(target, trial)[primary]["mean"] for trial in trials}
    first = trials[0].scheme
    random = scores.get("random")
    honest = scores[first.name] if first.honest else None
    gap = random - honest if honest is not None and random is not None else None
    return {
        "metric": primary, "scheme": first.name, "honest": first.honest, "score": scores[first.name],
        "random": random, "leakage": gap, "regions": scores.get(REGIONS),
    }  # fmt: skip


ORDER = ("random", "groups", "blocks", "regions")
MOST_REGIONS = 4
"""Regions that are shown one by one; of more, their mean."""


def fall(target: str, schemes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The score under each way of testing, the most flattering first and the farthest from the training last."""
    primary, steps = PRIMARY[target], []
    for scheme in sorted(schemes, key=lambda one: ORDER.index(one["name"])):
        regions = scheme.get("regions", {}).get("rows", [])
        if 0 < len(regions) <= MOST_REGIONS:
            steps += [
                {"name": scheme["name"], "title": row["region"], "from": row["trained_on"],
                 "score": row["scores"].get(primary)} for row in regions
            ]  # fmt: skip
        else:
            steps.append(
                {"name": scheme["name"], "title": scheme["title"], "from": [], "untested": scheme["untested"],
                 "score": scheme["metrics"][primary]["mean"]}
            )  # fmt: skip
    return [step for step in steps if step["score"] is not None]


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
            "values": [plain(value) for value in values],
        }
    return table


def scheme_numbers(target: str, samples: Samples, trial: Trial, wishes: Wishes) -> dict[str, Any]:
    """Everything about one scheme."""
    scheme, first = trial.scheme, trial.repetitions[0]
    metrics = summary(target, trial)
    if scheme.honest and scheme.regions is None:
        for name, (low, high) in _intervals(samples, trial).items():
            metrics[name].update(low=plain(low), high=plain(high))
    numbers: dict[str, Any] = {
        "name": scheme.name,
        "title": scheme.title,
        "sentence": scheme.sentence,
        "folds": first.folds.count,
        "dropped": max(repetition.folds.dropped for repetition in trial.repetitions),
        "repetitions": len(trial.repetitions),
        "groups": len(np.unique(first.groups[first.tested])),
        "tested": len(first.tested),
        "untested": [entry.name for entry in samples.classes if entry.value in first.folds.untested],
        "gaps": max(repetition.folds.gaps for repetition in trial.repetitions),
        "guard": guard_numbers(trial),
        "metrics": metrics,
        "choices": chosen(trial),
    }
    if scheme.block is not None:
        found = scheme.block.variogram
        shown = found is not None and bool(found.model)
        numbers["block"] = {
            "side_m": scheme.block.side_m, "by": scheme.block.by, "sentence": scheme.block.sentence,
            "variogram": _variogram(found) if found is not None and shown else None,
        }  # fmt: skip
    if scheme.regions is not None:
        numbers["regions"] = region_rows(samples, trial)
    if target == "class":
        numbers |= class_tables(samples, trial)
        return numbers | {"conformal": conformal_numbers(samples, trial, wishes.coverage)}
    return numbers | {"scatter": _scatter(samples, trial)}


def guard_numbers(trial: Trial) -> dict[str, Any] | None:
    """How many training samples the guard distance cost; None without one."""
    if not trial.scheme.guard_m:
        return None
    lost, kept = [], []
    for repetition in trial.repetitions:
        for number, (training, _) in enumerate(repetition.folds.parts()):
            lost.append(len(repetition.folds.without(number)))
            kept.append(len(training))
    return {"distance_m": trial.scheme.guard_m, "left_out": float(np.mean(lost)), "kept": float(np.mean(kept))}


def chosen(trial: Trial) -> list[dict[str, Any]]:
    """Which heads were chosen, by how many folds, and why in the first; empty where there was no choice of heads."""
    choices = [choice for one in trial.repetitions for choice in one.choices if "head" in choice]
    names = [choice["head"] for choice in choices]
    counts = {name: names.count(name) for name in names}
    why = {choice["head"]: str(choice.get("chosen_by", "")) for choice in reversed(choices)}
    return [
        {"head": name, "folds": count, "of": len(names), "why": why[name]}
        for name, count in sorted(counts.items(), key=lambda it: -it[1])
    ]


def _variogram(found: Variogram) -> dict[str, Any]:
    return {
        "lags_m": found.lags_m.tolist(), "values": found.values.tolist(), "pairs": found.pairs.tolist(),
        "model": found.model, "nugget": found.nugget, "sill": found.sill, "range_m": found.range_m,
        "usable": found.usable,
    }  # fmt: skip


def _scores(target: str, repetition: Repetition) -> dict[str, float]:
    at = repetition.tested
    truth = repetition.truth[at]
    if target == "value" or repetition.probabilities is None:
        return evaluate(target, truth, repetition.predicted[at])
    values = np.arange(1, repetition.probabilities.shape[1] + 1)
    weights = class_weights(truth) if repetition.balanced else None
    return evaluate(target, truth, repetition.predicted[at], repetition.probabilities[at], values, weights)


def _intervals(samples: Samples, trial: Trial) -> dict[str, tuple[float, float]]:
    """Bounds by leaving groups out, averaged over repetitions."""
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
