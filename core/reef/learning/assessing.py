"""What a learnt model is worth, as plain JSON values: tests side by side, trust, curve; and the same in sentences."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...progress import Progress
from ...wording import counted
from .descent import Descent, descend
from .fitting import FOLDS, LearntTree, learn_tree, photo_folds
from .headlist import FLAT, PHOTO, POINT, TREE
from .lessons import Lessons
from .local import Choice, Fit, Float32
from .numbered import Int, NumberedTree
from .photocurve import photo_curve
from .scores import (
    confidence,
    exact_scores,
    label_rows,
    level_scores,
    level_shown,
    matrix_at,
    mistakes,
    top_labels,
)
from .splits import lone_labels, split_of
from .trust import choose_thresholds, is_right, tree_sets

WISHES = (0.8, 0.9, 0.95)
"""Accuracies that the table of trust shows beside the wished one."""
MOST_GROUPS = 12
"""Groups that fit a table or picture of the page."""
Numbers = dict[str, Any]


class Teaching(NamedTuple):
    """How heads are fitted to lessons."""

    fit: Fit
    X: Float32
    """(N, D)"""
    lessons: Lessons
    tree: NumberedTree
    calibration: str
    balance: bool
    seed: int
    threads: int

    def learn(self, kind: str, rows: Int, groups: Int, progress: Progress) -> LearntTree:
        """Fit to some points; whole groups are held out."""
        return learn_tree(
            self.tree, self.fit, self.X[rows] if len(rows) < len(self.X) else self.X, self.lessons.y[rows], groups,
            progress, kind=kind, calibration=self.calibration, balance=self.balance, seed=self.seed,
            threads=self.threads,
        )  # fmt: skip


class Kept(NamedTuple):
    """The arrangement that is kept, and what was compared."""

    kind: str
    learnt: LearntTree
    rows: list[Numbers]


def learn_best(teaching: Teaching, kinds: Sequence[str], progress: Progress) -> Kept:
    """Learn one arrangement or several, and keep the one with the highest hF on photos held out; the tree when equal.

    Raises:
        BadInput: fewer than two labels or two photos.
        Cancelled: by the user.
    """
    every, lessons = np.arange(len(teaching.lessons.y)), teaching.lessons
    rows, found = [], {}
    for number, kind in enumerate(kinds):
        part = progress.part(number / len(kinds), (number + 1) / len(kinds))
        part.checkpoint(0.0, f"Learning: {'a head at each branching' if kind == TREE else 'one head'}")
        found[kind] = learnt = teaching.learn(kind, every, lessons.photo, part)
        classes = learnt.head.classes_
        ways = {
            "most probable label": top_labels(learnt.out_of_fold, classes),
            "top down": descend(teaching.tree, learnt.out_of_fold, classes).labels,
        }
        for way, said in ways.items():
            scores = exact_scores(teaching.tree, lessons.y, said, lessons.photo, teaching.seed)
            rows.append({"kind": kind, "said": way, **scores})
    first = {row["kind"]: row["hf"] for row in reversed(rows)}
    kind = max(kinds, key=lambda name: (first[name], name == TREE))
    return Kept(kind, found[kind], rows)


def assess(
    teaching: Teaching, kept: Kept, choice: Choice, tests: Sequence[str], wish: float, draws: int, progress: Progress
) -> Numbers:
    """All numbers of the page.

    Args:
        teaching: as it was taught.
        kept: what came of it.
        choice: what the head settled on.
        tests: further splits.
        wish: accuracy, 0..1.
        draws: of the learning curve.
        progress: of tests and curve.

    Raises:
        Cancelled: by the user.
    """
    lessons, tree, learnt = teaching.lessons, teaching.tree, kept.learnt
    classes = learnt.head.classes_
    said = top_labels(learnt.out_of_fold, classes)
    splits, notes = _splits(teaching, kept, tests, progress.part(0.0, 0.6))
    progress.checkpoint(0.6, "Learning curve")
    curve = photo_curve(
        tree, teaching.fit, teaching.X, lessons.y, lessons.photo, progress.part(0.6, 1.0), kind=kept.kind,
        draws=draws, seed=teaching.seed, threads=teaching.threads,
    )  # fmt: skip
    counts = np.bincount(lessons.y, minlength=len(tree))
    lone = lone_labels(lessons.y, lessons.photo)
    descent = descend(tree, learnt.out_of_fold, classes)
    levels = level_scores(tree, lessons.y, said, lessons.photo)
    return {
        "photos": len(lessons.photos), "points": len(lessons.y), "labels": len(classes),
        "depth": int(tree.levels[classes].max()), "head": choice.head, "choice": choice.sentence,
        "arrangement": kept.kind, "arrangements": kept.rows,
        "majority": {"label": tree.codes[int(counts.argmax())], "share": float(counts.max() / counts.sum())},
        "lone": [tree.codes[label] for label in lone],
        "names": {one.code: one.name for one in lessons.tree.labels if one.name},
        "colours": {one.code: one.colour for one in lessons.tree.labels if one.colour},
        "levels": levels, "matrix": matrix_at(tree, lessons.y, said, level_shown(levels, MOST_GROUPS)),
        "splits": splits, "trust": trust_table(tree, descent, lessons.y, lessons.photo, wish, teaching.seed),
        "curve": curve.to_dict() if curve else None,
        "per_label": label_rows(tree, lessons.y, said, lessons.photo), "mistakes": mistakes(tree, lessons.y, said),
        "confidence": confidence(tree, classes, lessons.y, learnt.out_of_fold, learnt.before),
        "steps": [{**step, "node": tree.codes[step["node"]] if step["node"] >= 0 else ""} for step in learnt.steps],
        "notes": [*lessons.notes, *notes],
    }  # fmt: skip


def _splits(
    teaching: Teaching, kept: Kept, tests: Sequence[str], progress: Progress
) -> tuple[list[Numbers], list[str]]:
    """Scores of each way of testing, photos first, and what could not be tested."""
    lessons, tree = teaching.lessons, teaching.tree
    rows, notes = [], []
    for number, name in enumerate((PHOTO, *tests)):
        split, note = split_of(lessons, name)
        notes += [note] if note else []
        if split is None:
            continue
        part = progress.part(number / (1 + len(tests)), (number + 1) / (1 + len(tests)))
        part.checkpoint(0.0, f"Testing on {split.title[0].lower()}{split.title[1:]}")
        learnt = kept.learnt if name == PHOTO else teaching.learn(kept.kind, split.rows, split.groups, part)
        said, truth = top_labels(learnt.out_of_fold, learnt.head.classes_), lessons.y[split.rows]
        scores = exact_scores(tree, truth, said, lessons.photo[split.rows], teaching.seed)
        folds = int(learnt.fold.max()) + 1
        rows.append({"name": name, "title": split.title, "groups": split.count, "folds": folds, **scores})
    return rows, notes


def trust_table(tree: NumberedTree, descent: Descent, truth: Int, photo: Int, wish: float, seed: int) -> Numbers:
    """Levels that may be given for wished accuracies, and whether these held on photos that chose no threshold.

    Args:
        tree: of the labels.
        descent: of the points, by heads that do not know their photos.
        truth: (N,) numbers of labels.
        photo: (N,) int64.
        wish: accuracy, 0..1.
        seed: decides which photos are kept apart for the last column.
    """
    fold = photo_folds(photo, FOLDS, seed + 1)
    rows = []
    for accuracy in sorted({*WISHES, round(wish, 6)}):
        found = choose_thresholds(tree, descent, truth, photo, accuracy)
        given = np.zeros(descent.nodes.shape, bool)
        for number in np.unique(fold):
            others, own = fold != number, fold == number
            part = choose_thresholds(tree, descent.at(others), truth[others], photo[others], accuracy)
            given[own] = descent.at(own).trusted(part.thresholds)
        right = is_right(tree, truth, descent.nodes)
        counts = given.sum(axis=0)
        apart = [float(right[given[:, k], k].mean()) if n else None for k, n in enumerate(counts)]
        rows.append({**found.to_dict(), "apart": apart, "apart_given": given.mean(axis=0).tolist()})
    sets = tree_sets(tree, descent, truth, photo, wish)
    branches = None
    if sets is not None:
        depth = tree.levels[sets.branch(descent)] * (sets.branch(descent) >= 0)
        shares = [float((depth >= level).mean()) for level in range(1, descent.nodes.shape[1] + 1)]
        branches = {**sets.to_dict(), "deeper": shares}
    return {"wish": wish, "rows": rows, "branches": branches}


def sentences(numbers: Numbers) -> list[str]:
    """What it came to, the most important first."""
    photos = numbers["splits"][0]
    text = [_learnt(numbers), _tested(numbers, photos), _trusted(numbers["trust"])]
    point = next((row for row in numbers["splits"] if row["name"] == POINT), None)
    if point and point["hf"] is not None and photos["hf"] is not None:
        gap = 100 * (point["hf"] - photos["hf"])
        leak = f"{gap:.1f} points of that are leakage" if gap >= 1 else "hardly any leakage here"
        text.append(
            f"On single points of photos that it had seen, hF would have been {100 * point['hf']:.1f} %: {leak}."
        )
    text += [_compared(numbers)] if len({row["kind"] for row in numbers["arrangements"]}) > 1 else []
    if numbers["curve"] and numbers["curve"]["sentence"]:
        text.append(numbers["curve"]["sentence"])
    return text


def _learnt(numbers: Numbers) -> str:
    how = "a head at each branching" if numbers["arrangement"] == TREE else "one head for all labels"
    return (
        f"Learnt from {counted(numbers['points'], 'point')} of {counted(numbers['photos'], 'photo')}: "
        f"{counted(numbers['labels'], 'label')} in {counted(numbers['depth'], 'level')}, {how} ({numbers['head']})."
    )


def _tested(numbers: Numbers, photos: Numbers) -> str:
    limits = (
        f" ({100 * photos['hf_low']:.0f} to {100 * photos['hf_high']:.0f} %)" if photos["hf_low"] is not None else ""
    )
    most = numbers["majority"]
    return (
        f"On photos that it had never seen: hF {100 * photos['hf']:.1f} %{limits}, {100 * photos['accuracy']:.1f} % of "
        f"labels exactly right; always saying {most['label']} would give {100 * most['share']:.1f} %."
    )


def _trusted(trust: Numbers) -> str:
    row = next(row for row in trust["rows"] if abs(row["wish"] - trust["wish"]) < 1e-6)
    parts = [f"level {level} for {100 * share:.0f} % of points" for level, share in enumerate(row["given"], 1) if share]
    if not parts:
        return (
            f"At {100 * trust['wish']:g} % accuracy nothing may be given yet: annotate more photos, or wish for less."
        )
    return f"At {100 * trust['wish']:g} % accuracy it may give {', '.join(parts)}."


def _compared(numbers: Numbers) -> str:
    best = {row["kind"]: row for row in reversed(numbers["arrangements"])}
    kept = numbers["arrangement"]
    other = FLAT if kept == TREE else TREE
    names = {TREE: "a head at each branching", FLAT: "one head for all labels"}
    said = {
        kind: f"hF {100 * row['hf']:.1f} %, {100 * row['accuracy']:.1f} % exactly right" for kind, row in best.items()
    }
    return f"Kept {names[kept]} ({said[kept]}) before {names[other]} ({said[other]})."
