"""Beyond one score: by class, by region, by stated confidence, and at the shares that classes have on the ground.

Plain JSON values only; undefined numbers are None.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .crossval import Trial
from .folds import TRAINING_ONLY
from .metrics.build import evaluate
from .metrics.calibration import class_weights, reliability
from .metrics.classes import at_shares, calibration_error, confusion, per_class
from .metrics.interval import class_intervals, value_intervals
from .samples import Regions, Samples

Numbers = dict[str, Any]


def class_tables(samples: Samples, trial: Trial) -> Numbers:
    """Confusion matrix, per-class scores and reliability, pooled over repetitions; shares are as of one repetition."""
    values = [entry.value for entry in samples.classes]
    truth = _pooled(trial, samples.y)
    shown = np.concatenate([one.predicted[one.tested] for one in trial.repetitions])
    stacked = [one.probabilities[one.tested] for one in trial.repetitions if one.probabilities is not None]
    weights = class_weights(truth) if trial.repetitions[0].balanced else None
    tables: Numbers = {
        "confusion": confusion(truth, shown, values).tolist(),
        "per_class": per_class(truth, shown, values),
        "reliability": [vars(row) for row in reliability(truth - 1, np.concatenate(stacked), weights=weights)],
        "classes_as": "equal" if trial.repetitions[0].balanced else "labels",
    }
    methods = [found["method"] for one in trial.repetitions for found in one.calibrations if found]
    if methods:
        tables["calibrated"] = {"folds": len(methods), **{name: methods.count(name) for name in sorted(set(methods))}}
    before = [one.before[one.tested] for one in trial.repetitions if one.before is not None]
    if len(before) == len(trial.repetitions):
        shares = np.concatenate(before)
        tables["reliability_before"] = [vars(row) for row in reliability(truth - 1, shares, weights=weights)]
        tables["calibration_error_before"] = calibration_error(truth - 1, shares, weights)
    return tables


def _pooled(trial: Trial, of: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate([of[one.tested] for one in trial.repetitions])


def conformal_numbers(samples: Samples, trial: Trial, wanted: float) -> Numbers | None:
    """How often the classes held possible held the right one, each group counting the same; None where not made."""
    rows = []
    for one in trial.repetitions:
        if one.sets is None:
            continue
        at = one.tested[one.sets[one.tested].any(axis=1)]
        sets, groups = one.sets[at], one.groups[at]
        _, members, counts = np.unique(groups, return_inverse=True, return_counts=True)
        weight = 1.0 / counts[members]
        held = sets[np.arange(len(at)), samples.y[at] - 1]
        size = sets.sum(axis=1)
        rows.append([np.average(column, weights=weight) for column in (held, size, size == 1)])
    if not rows:
        return None
    found, size, alone = np.mean(rows, axis=0)
    spread = float(np.std(rows, axis=0, ddof=1)[0]) if len(rows) > 1 else None
    return {"wanted": wanted, "found": float(found), "sd": spread, "mean_size": float(size), "alone": float(alone)}


def region_rows(samples: Samples, trial: Trial) -> Numbers:
    """Scores of each region as tested by the others, and what the others could not teach."""
    target = "class" if samples.classes else "value"
    one, names = trial.repetitions[0], {entry.value: entry.name for entry in samples.classes}
    rows, known = [], np.zeros(len(samples.y), dtype=bool)
    for number, (training, test) in enumerate(one.folds.parts()):
        taught = np.isin(samples.y[test], samples.y[training]) if names else np.ones(len(test), dtype=bool)
        known[test] = taught
        row: Numbers = {
            "region": one.folds.names[number],
            "trained_on": _others(samples.regions, training),
            "tested": len(test),
            "trained": len(training),
            "left_out": len(one.folds.without(number)),
            "groups": len(np.unique(samples.groups[test])),
            "scores": _scores(target, samples.y[test], one.predicted[test]),
        }
        row["low"], row["high"] = _bounds(samples, one.predicted, test)
        if names:
            lacking = np.setdiff1d(list(names), samples.y[test])
            row["absent"] = [names[int(value)] for value in lacking]
            row["unseen"] = [names[int(value)] for value in np.unique(samples.y[test][~taught])]
            row["unseen_samples"] = int((~taught).sum())
            row["scores_seen"] = _scores(target, samples.y[test][taught], one.predicted[test][taught])
        rows.append(row)
    at = np.flatnonzero(known & (one.folds.fold != TRAINING_ONLY))
    seen = _scores(target, samples.y[at], one.predicted[at]) if names else None
    return {"rows": rows, "scores_seen": seen, "only_in": only_in(samples), "dropped": one.folds.dropped}


def _others(regions: Regions | None, training: NDArray[np.int64]) -> list[str]:
    if regions is None:
        return []
    return [regions.names[k] for k in np.unique(regions.of[training]) if k >= 0]


def only_in(samples: Samples) -> list[dict[str, str]]:
    """Classes that occur in one region only."""
    if samples.regions is None:
        return []
    found = []
    for entry in samples.classes:
        where = np.unique(samples.regions.of[samples.y == entry.value])
        where = where[where >= 0]
        if len(where) == 1:
            found.append({"class": entry.name, "region": samples.regions.names[int(where[0])]})
    return found


def _bounds(samples: Samples, predicted: NDArray[Any], test: NDArray[np.int64]) -> tuple[float | None, float | None]:
    """Interval of the headline score for other groups of the same region."""
    values, arrays = (
        [entry.value for entry in samples.classes],
        (samples.y[test], predicted[test], samples.groups[test]),
    )
    low, high = class_intervals(*arrays, values)["accuracy"] if values else value_intervals(*arrays)["r2"]
    return plain(low), plain(high)


def _scores(target: str, truth: NDArray[Any], said: NDArray[Any]) -> dict[str, float | None]:
    if not len(truth):
        return {}
    return {name: plain(value) for name, value in evaluate(target, truth, said).items()}


def at_prevalence(samples: Samples, table: NDArray[np.int64], shares: NDArray[np.float64]) -> Numbers:
    """Precision where classes are as common as stated, beside what the test set says.

    Args:
        samples: whose classes are meant.
        table: (K, K) confusion counts, truth in rows.
        shares: (K,) of the classes, sum 1.
    """
    precision, accuracy = at_shares(table, shares)
    tested = table.sum(axis=1) / max(table.sum(), 1)
    return {
        "accuracy": accuracy,
        "per_class": [
            {"name": entry.name, "share": float(share), "tested_share": float(test), "precision": plain(value)}
            for entry, share, test, value in zip(samples.classes, shares, tested, precision, strict=True)
        ],
    }


def plain(value: float) -> float | None:
    """None for what is not finite, as JSON has no word for it."""
    return float(value) if math.isfinite(value) else None
