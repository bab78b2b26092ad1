"""Photos that people checked, in batches in order of time, and what they tell of the machine. Arrays only."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...wording import counted
from ..tree import LabelTree
from .numbered import ROOT, Float, Int, NumberedTree
from .stopping import Checked, Sign, check_batch, next_size, power_law, sign
from .trust import correlation, is_right, most_wrong

ONE_SIDED = 0.95
"""Level of the least share of trusted labels that are right."""
MOST_GROUPS = 200
"""Cover errors of more groups are no survey's question, and slow."""


@dataclass(frozen=True)
class Evidence:
    """n points of P photos, in the order in which people finished the photos."""

    tree: NumberedTree
    photo: Int
    """(n,) 0..P-1, never falling."""
    human: Int
    """(n,) numbers of labels."""
    machine: Int
    """(n,) likewise; `ROOT` where it says nothing."""
    trusted: Int
    """(n,) the deepest label that it trusts; `ROOT` where it trusts none."""
    trained: Int
    """(P,) photos that the model behind each photo's suggestions had learnt from."""


@dataclass(frozen=True)
class Batch:
    """Photos that were judged together."""

    photos: slice
    checked: Checked


@dataclass(frozen=True)
class Verdict:
    """Whether to stop, and what it rests on."""

    sign: Sign
    batches: tuple[Batch, ...]
    pending: int
    """Photos that are checked and wait for their batch to fill."""
    needed: int
    """Photos of that batch."""


@dataclass(frozen=True)
class Held:
    """What is given at a level of the tree, and how much of it is right."""

    level: int
    given: float
    """Share of all points."""
    right: float
    """Share of those; NaN where none is given."""
    at_least: float
    """Lower limit of that for photos like these, one-sided."""


def judge(found: Evidence, targets: Sequence[str], tolerance: float, size: int, seed: int = 0) -> Verdict:
    """Judge every full batch, and say whether to stop.

    Args:
        found: photos that people checked.
        targets: codes of the target groups; at least one.
        tolerance: of the cover error, 0..1.
        size: photos of a batch, at least; a batch is larger where the one before showed what it takes.
        seed: of the bootstrap.

    Raises:
        BadInput: a target group is no label of the tree.
    """
    done: list[Batch] = []
    start, needed = 0, size
    while start + needed <= len(found.trained):
        photos = slice(start, start + needed)
        points = slice(*np.searchsorted(found.photo, [photos.start, photos.stop]))
        trained = round(float(found.trained[photos].mean()))
        checked = check_batch(
            found.tree, found.photo[points], found.human[points], found.machine[points], targets, trained, seed
        )
        done.append(Batch(photos, checked))
        start, needed = photos.stop, next_size(checked, tolerance, size)
    pending = len(found.trained) - start
    return Verdict(_sign([one.checked for one in done], tolerance, pending, needed), tuple(done), pending, needed)


def _sign(history: Sequence[Checked], tolerance: float, pending: int, needed: int) -> Sign:
    """The sign of full batches; photos that are checked since count towards what is left to check."""
    if not history:
        more = 2 * needed - pending
        rest = f"{needed - pending} to fill the first batch of {needed}, and at least one batch after it."
        return Sign(False, more, f"Check about {counted(more, 'more photo')}: {rest}")
    return sign(history, tolerance, pending, needed)


def groups_at(tree: LabelTree, level: int, met: Sequence[str]) -> tuple[str, ...]:
    """Groups at a level that labels fall into, in the order of the tree.

    Args:
        tree: knows all of `met`.
        level: 1 for the roots; a label above the level is a group of its own.
        met: labels that people or the machine gave.
    """
    rolled = tree.rolled_up(level)
    there = {rolled[tree.code(code)] for code in met}
    return tuple(code for code in tree.codes if code in there)


def without_rest(tree: LabelTree, codes: Sequence[str]) -> LabelTree:
    """The part of a tree that holds these labels: with a thousand labels that nobody met tables grow large."""
    kept = {above for code in codes for above in tree.path(code)}
    return LabelTree(label for label in tree.labels if label.code in kept)


def held(found: Evidence) -> tuple[Held, ...]:
    """How much is given at each level of the tree by trusted labels, and whether it is right."""
    said = found.trusted != ROOT
    deep = np.where(said, found.tree.levels[np.where(said, found.trusted, 0)], 0)
    return tuple(_held(found, deep, level) for level in range(1, int(deep.max(initial=0)) + 1))


def _held(found: Evidence, deep: Int, level: int) -> Held:
    given = deep >= level
    nodes = np.array([path[min(level, len(path)) - 1] for path in found.tree.paths])[found.trusted[given]]
    wrong = ~is_right(found.tree, found.human[given], nodes)
    photo = found.photo[given]
    worst = most_wrong(wrong, photo, ONE_SIDED, correlation(wrong, photo))
    return Held(level, float(given.mean()), float(1 - wrong.mean()), 1 - worst)


def law_of(batches: Sequence[Batch]) -> dict[str, tuple[float, float, float]]:
    """Power laws through the batches against the photos learnt from: of 1 - hF (`f`), and of each group's error.

    Returns:
        (a, b, c) of a n^-b + c by name; what no three batches of different training show is absent.
    """
    trained = np.array([one.checked.n_trained for one in batches], np.float64)
    errors: dict[str, Float] = {"f": np.array([1 - one.checked.agreement.f for one in batches])}
    for place, group in enumerate(batches[-1].checked.groups if batches else ()):
        errors[group.code] = np.array([one.checked.groups[place].error for one in batches])
    laws = {name: power_law(trained, np.nan_to_num(values, nan=1.0)) for name, values in errors.items()}
    return {name: law for name, law in laws.items() if law is not None}


def facts_of(verdict: Verdict, tolerance: float) -> dict[str, Any]:
    """Sign and batches as plain JSON values: shares 0..1, `more` null where nothing suggests that more would do."""
    return {
        "stop": verdict.sign.stop,
        "more": verdict.sign.more,
        "sentence": verdict.sign.sentence,
        "pending": verdict.pending,
        "needed": verdict.needed,
        "batches": [_batch_facts(one, tolerance) for one in verdict.batches],
    }


def _batch_facts(one: Batch, tolerance: float) -> dict[str, Any]:
    checked = one.checked
    return {
        "photos": checked.n_photos, "trained": checked.n_trained, "f": _known(checked.agreement.f),
        "f_low": _known(checked.f_low), "f_high": _known(checked.f_high),
        "precision": _known(checked.agreement.precision), "recall": _known(checked.agreement.recall),
        "passes": checked.passes(tolerance), "worst": checked.worst.code,
        "groups": [
            {"code": group.code, "human": group.human, "machine": group.machine, "error": group.error,
             "low": group.low, "high": group.high, "passes": group.high < tolerance}
            for group in checked.groups
        ],
    }  # fmt: skip


def _known(value: float) -> float | None:
    """JSON has no NaN: nothing said at all is null."""
    return value if value == value else None


def lines(batches: Sequence[Batch]) -> Iterator[tuple[int, str, str, dict[str, float]]]:
    """(number of the batch, measure, code of the group or empty, values) of each row of the table."""
    for number, one in enumerate(batches, 1):
        checked = one.checked
        hf = {"value": checked.agreement.f, "low": checked.f_low, "high": checked.f_high}
        yield number, "hF", "", hf
        yield number, "hP", "", {"value": checked.agreement.precision}
        yield number, "hR", "", {"value": checked.agreement.recall}
        for group in checked.groups:
            yield number, "cover error", group.code, {
                "value": group.error, "low": group.low, "high": group.high, "people": group.human,
                "machine": group.machine,
            }  # fmt: skip
