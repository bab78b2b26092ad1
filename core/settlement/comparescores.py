"""From what methods said of cells kept apart to the numbers of a comparison, as plain JSON values.

A run is one fold of one repetition. Means and population standard deviations are over runs, as published.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from .apart import HONEST, RANDOM, TITLES, ZONES, NotApart
from .comparison import Heard, Round, Trial
from .methods.combine import Bool
from .methods.heldout import scores
from .methods.registry import METHODS

Int = NDArray[np.int64]
Numbers = dict[str, Any]
BALANCED, NATURAL, LEARNT = "balanced", "natural", "learnt"
"""Test cells drawn to equal classes, published rule; all of them, published rule; all of them, learnt cut."""
TESTS = {
    BALANCED: ("balanced", "published", "On balanced test cells, by the published rule (as in the study)"),
    NATURAL: ("natural", "published", "On all test cells, favela as common as labelled, by the published rule"),
    LEARNT: ("natural", "learnt", "On all test cells, favela as common as labelled, by the learnt cut"),
}  # fmt: skip
"""Of each test: its cells, its rule, its title."""
MEASURES = ("precision", "recall", "f1", "iou")
RANKINGS = ("auc", "average_precision")
EVERYTHING, NOTHING = "everything", "nothing"
TRIVIAL = {EVERYTHING: "Everything is favela", NOTHING: "Nothing is favela"}
"""Answers that need no method."""


def title_of(name: str) -> str:
    """Of a method or a trivial answer."""
    return TRIVIAL[name] if name in TRIVIAL else METHODS[name].title


@dataclass(frozen=True)
class _Run:
    """One fold of one repetition that has cells of both kinds in its test."""

    test: Int
    balanced: Int
    """(m,) those of `test` that were drawn, as many of both kinds."""
    round: Round
    with_cut: bool
    ratio: float
    """Test cells for one training cell."""


def compare(trials: Sequence[Trial], without: Sequence[NotApart], y: Int, seed: int) -> Numbers:
    """All numbers of a comparison.

    Args:
        trials: of each scheme that was possible; one at least.
        without: the others.
        y: (n,) 1 for favela, else 0.
        seed: decides which test cells are drawn to equal classes.
    """
    schemes = [_scheme(trial, y, seed) for trial in trials]
    numbers: Numbers = {
        "cells": {"favela": int(y.sum()), "other": int((y == 0).sum()), "share": float(y.mean())},
        "methods": {name: METHODS[name].title for name in trials[0].rounds[0].heard},
        "schemes": [scheme for scheme in schemes if scheme["runs"]],
        "left_out": [{"name": one.name, "title": TITLES[one.name], "reason": one.reason} for one in without],
    }
    for scheme in schemes:
        if not scheme["runs"]:
            why = "No fold has favela cells and others in its test."
            numbers["left_out"].append({"name": scheme["name"], "title": scheme["title"], "reason": why})
    numbers["headline"] = headline(numbers)
    return numbers


def balanced_test(test: Int, y: Int, key: Sequence[int]) -> Int:
    """Test cells drawn to equal classes: all of the rarer kind, and as many of the other, drawn at random.

    Args:
        test: (m,) indices.
        y: (n,) 1 for favela, else 0.
        key: numbers that decide the draw.
    """
    rng = np.random.default_rng([*key, 7])
    kinds = [test[y[test] == kind] for kind in (0, 1)]
    size = min(len(kind) for kind in kinds)
    return np.sort(np.concatenate([rng.permutation(kind)[:size] for kind in kinds]))


def _runs(trial: Trial, y: Int, seed: int) -> Iterator[tuple[int, int, _Run]]:
    """Repetition, fold and run; folds that lack a kind in their test cannot be scored."""
    for repeat, one in enumerate(trial.rounds):
        for fold, (training, test) in enumerate(one.split.folds.parts()):
            if len(np.unique(y[test])) == 2:
                drawn = balanced_test(test, y, (seed, repeat, fold))
                yield repeat, fold, _Run(test, drawn, one, fold in one.with_cut, len(test) / len(training))


def _scheme(trial: Trial, y: Int, seed: int) -> Numbers:
    found = list(_runs(trial, y, seed))
    runs = [run for _, _, run in found]
    folds = trial.rounds[0].split.folds
    names = [*trial.rounds[0].heard, *TRIVIAL]
    tests = {test: {name: _scores(name, test, runs, y) for name in names} for test in TESTS}
    if not any(run.with_cut for run in runs):
        del tests[LEARNT]
    told: Numbers = {
        "name": trial.scheme.name,
        "title": trial.scheme.title,
        "sentence": trial.scheme.sentence,
        "folds": folds.count,
        "repetitions": len(trial.rounds),
        "runs": len(runs),
        "unscored": sum(one.split.folds.count for one in trial.rounds) - len(runs),
        "without_cut": sum(not run.with_cut for run in runs) if LEARNT in tests else 0,
        "ratio": float(np.mean([run.ratio for run in runs])) if runs else 0.0,
        "tests": tests,
    }
    if trial.scheme.name == ZONES and runs:
        told["zones_test"] = LEARNT if LEARNT in tests else NATURAL
        told["zones"] = _zones(folds.names, found, names, y, told["zones_test"])
        scored = {fold for _, fold, _ in found}
        told["zones_unscored"] = [name for number, name in enumerate(folds.names) if number not in scored]
    return told


def _scores(name: str, test: str, runs: Sequence[_Run], y: Int) -> Numbers:
    """Mean, population standard deviation and value of each run, of each measure."""
    used = [run for run in runs if test != LEARNT or run.with_cut]
    rows = [_one(name, test, run, y) for run in used]
    measures = (*MEASURES, *RANKINGS) if test != BALANCED else MEASURES
    return {measure: spread([row[measure] for row in rows]) for measure in measures} if rows else {}


def _one(name: str, test: str, run: _Run, y: Int) -> dict[str, float]:
    at = run.balanced if test == BALANCED else run.test
    truth = y[at] == 1
    heard = _trivial(name, len(y)) if name in TRIVIAL else run.round.heard[name]
    said: Bool = (heard.learnt if test == LEARNT else heard.published)[at]
    found = scores(truth, said)
    if test != BALANCED:
        found["auc"] = float(roc_auc_score(truth, heard.ranked[at]))
        found["average_precision"] = float(average_precision_score(truth, heard.ranked[at]))
    return found


def _trivial(name: str, n: int) -> Heard:
    said = np.full(n, name == EVERYTHING)
    return Heard(said.astype(np.float64), said, said)


def spread(values: Sequence[float]) -> Numbers:
    """Mean and population standard deviation, with the values."""
    return {"mean": float(np.mean(values)), "sd": float(np.std(values)), "values": [float(value) for value in values]}


def _zones(
    titles: Sequence[str], found: Sequence[tuple[int, int, _Run]], names: Sequence[str], y: Int, test: str
) -> list[Numbers]:
    """Each zone as told by the others."""
    rows = []
    for number, title in enumerate(titles):
        mine = [run for _, fold, run in found if fold == number]
        if mine and (test != LEARNT or any(run.with_cut for run in mine)):
            cells = mine[0].test
            row = {"zone": title, "cells": len(cells), "share": float(y[cells].mean())}
            rows.append(row | {"scores": {name: _scores(name, test, mine, y) for name in names}})
    return rows


def headline(numbers: Numbers) -> Numbers:
    """The best method by mean IoU in the scheme to trust, the next one, and what other tests claim of it."""
    schemes = {scheme["name"]: scheme for scheme in numbers["schemes"]}
    if not schemes:
        return {}
    chosen = next((name for name in HONEST if name in schemes), RANDOM)
    scheme = schemes[chosen]
    test = LEARNT if LEARNT in scheme["tests"] else NATURAL
    rows = {name: scheme["tests"][test][name]["iou"] for name in numbers["methods"]}
    ranking = sorted(rows, key=lambda name: -rows[name]["mean"])
    best = ranking[0]
    told: Numbers = {
        "scheme": chosen, "honest": chosen != RANDOM, "test": test, "best": best, "ranking": ranking,
        "scores": {measure: scheme["tests"][test][best][measure]["mean"] for measure in MEASURES},
        "trivial": scheme["tests"][test][EVERYTHING]["iou"]["mean"],
        "balanced_precision": scheme["tests"][BALANCED][best]["precision"]["mean"],
        "natural_precision": scheme["tests"][NATURAL][best]["precision"]["mean"],
    }  # fmt: skip
    if len(ranking) > 1:
        pair = [np.array(rows[name]["values"]) for name in ranking[:2]]
        told["difference"] = paired(pair[0] - pair[1], scheme["ratio"])
    for other in (RANDOM, ZONES):
        found = schemes.get(other)
        if found is not None and other != chosen and test in found["tests"]:
            told[other] = found["tests"][test][best]["iou"]["mean"]
    return told


def paired(differences: NDArray[np.float64], ratio: float) -> Numbers:
    """Mean difference of two methods over runs, and its standard error; None for a single run.

    Runs share training cells, so their plain standard error is too small: the corrected one of resampled tests is
    given.

    Args:
        differences: (R,) of one score.
        ratio: test cells for one training cell.

    Source: Nadeau and Bengio 2003, Machine Learning 52:239, doi:10.1023/A:1024068626366
    """
    count = len(differences)
    error = float(differences.std(ddof=1) * np.sqrt(1 / count + ratio)) if count > 1 else None
    return {"mean": float(differences.mean()), "standard_error": error}
