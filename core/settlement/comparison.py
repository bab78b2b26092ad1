"""Methods tested on labelled cells that were kept apart: every method on the same draws and the same folds.

In each fold methods are fitted once to balanced draws of the whole training part, the union of all other folds, and say
something of every cell of the test part. From which probability on a cell is favela is learnt inside the training
part. Scores of it are in `comparescores.py`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..folds import class_folds
from ..heads.fitting import run_all
from ..progress import Progress
from .apart import Scheme, Split
from .mapping import LEARNT, verdict
from .methods.combine import Bool, Float
from .methods.fitting import Plan, fit_parts
from .methods.heldout import Reading, hold_out, read
from .taught import Taught

Int = NDArray[np.int64]
SEEDS_APART = 1000
"""Between repetitions; the draws of a method that votes take those in between."""


@dataclass(frozen=True)
class Heard:
    """What one method says of cells that it was not fitted to.

    Attributes:
        ranked: (n,) from 0 to 1, NaN where not tested.
        published: (n,) favela by the published rule.
        learnt: (n,) favela by the cut that was learnt inside the training part; as published where none could be.
    """

    ranked: Float
    published: Bool
    learnt: Bool


@dataclass(frozen=True)
class Round:
    """One repetition of a scheme.

    Attributes:
        split: folds and groups.
        heard: of each method, about all n labelled cells.
        with_cut: numbers of the folds in which a cut could be learnt.
    """

    split: Split
    heard: Mapping[str, Heard]
    with_cut: frozenset[int]


@dataclass(frozen=True)
class Trial:
    """A scheme and its repetitions."""

    scheme: Scheme
    rounds: tuple[Round, ...]


@dataclass(frozen=True)
class _Answer:
    """Of one fold: its test cells, and what methods say of them."""

    test: Int
    heard: dict[str, Heard]
    with_cut: bool


def run_trial(scheme: Scheme, taught: Taught, plan: Plan, inner: int, progress: Progress) -> Trial:
    """Test all methods under one scheme.

    Args:
        scheme: how cells are kept apart.
        taught: n labelled cells.
        plan: methods; folds are worked on side by side with its threads, which changes no result.
        inner: folds inside each training part that teach the cut; 0: none is learnt.
        progress: of this scheme.

    Raises:
        Cancelled: the user stopped the job.
    """
    steps = progress.side_by_side(sum(split.folds.count for split in scheme.splits))
    tasks: list[Callable[[], _Answer]] = []
    places = []
    for repeat, split in enumerate(scheme.splits):
        single = replace(plan, seed=plan.seed + SEEDS_APART * repeat, threads=1)
        for fold, (training, test) in enumerate(split.folds.parts()):
            tasks.append(partial(_answer, taught, single, split.groups, (training, test), inner, steps[len(tasks)]))
            places.append((repeat, fold))
    answers = dict(zip(places, run_all(tasks, plan.threads, progress.quiet()), strict=True))
    return Trial(
        scheme,
        tuple(
            _round(plan, split, len(taught.y), [answers[repeat, fold] for fold in range(split.folds.count)])
            for repeat, split in enumerate(scheme.splits)
        ),
    )


def _answer(taught: Taught, plan: Plan, groups: Int, parts: tuple[Int, Int], inner: int, progress: Progress) -> _Answer:
    training, test = parts
    at, y = taught.at[training], taught.y[training]
    fitted = fit_parts(plan, taught.cells, at, y, groups[training], progress.part(0.0, 1 / (1 + inner)))
    said = fitted.say(plan.methods, taught.cells, taught.at[test], at)
    rest = progress.part(1 / (1 + inner), 1.0)
    readings = _readings(taught, plan, training, groups[training], inner, rest) if inner else {}
    progress.checkpoint(1.0)
    heard = {}
    for name, (ranked, favela) in said.items():
        read_as = verdict(ranked, favela, readings.get(name), LEARNT, float(y.mean()), None)
        heard[name] = Heard(ranked, favela, read_as.favela)
    return _Answer(test, heard, bool(readings))


def _readings(
    taught: Taught, plan: Plan, training: Int, groups: Int, inner: int, progress: Progress
) -> dict[str, Reading]:
    """As 'Train favela methods' learns what numbers mean, from cells of a training part only; empty where none can."""
    y = taught.y[training]
    folds = class_folds(y, groups, inner, plan.seed)
    if folds is None:
        return {}
    said = hold_out(plan, taught.cells, taught.at[training], y, groups, folds, progress)
    return {name: read(one, y, groups, folds.fold) for name, one in said.items()}


def _round(plan: Plan, split: Split, n: int, answers: Sequence[_Answer]) -> Round:
    """The answers of all folds, each in its place."""
    heard = {}
    for name in plan.methods:
        ranked, published, learnt = np.full(n, np.nan), np.zeros(n, np.bool_), np.zeros(n, np.bool_)
        for answer in answers:
            one = answer.heard[name]
            ranked[answer.test], published[answer.test] = one.ranked, one.published
            learnt[answer.test] = one.learnt
        heard[name] = Heard(ranked, published, learnt)
    return Round(split, heard, frozenset(k for k, answer in enumerate(answers) if answer.with_cut))


def share_right(trial: Trial, y: Int) -> dict[str, Float]:
    """Of each method (n,) the share of repetitions in which it was right of a cell, NaN where it was never tested.

    By the learnt cut, or by the published rule in folds where none could be learnt.

    Args:
        trial: of one scheme.
        y: (n,) 1 for favela, else 0.
    """
    found = {}
    for name in trial.rounds[0].heard:
        tested = np.stack([np.isfinite(one.heard[name].ranked) for one in trial.rounds])
        right = np.stack([one.heard[name].learnt == (y == 1) for one in trial.rounds]) & tested
        times = tested.sum(axis=0)
        found[name] = np.divide(right.sum(axis=0), times, out=np.full(len(y), np.nan), where=times > 0)
    return found
