"""Labelled points of a survey as what heads learn from: one label a point, whoever gave it."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ...errors import BadInput
from ...wording import counted
from .. import schema
from ..asking import check_annotators, tree_of
from ..survey import Photo, Survey
from ..tree import LabelTree, key_of
from .numbered import Int, NumberedTree

DAY = 10
"""Letters of a date without its time."""


@dataclass(frozen=True)
class Lessons:
    """N labelled points of P photos."""

    tree: LabelTree
    photos: tuple[Photo, ...]
    """Those with labelled points, by number."""
    point: Int
    """(N,) numbers of points in the survey, photo by photo."""
    photo: Int
    """(N,) place in `photos`."""
    y: Int
    """(N,) numbers of labels in the tree."""
    notes: tuple[str, ...] = ()
    """What was left out and why, as sentences."""

    @property
    def numbered(self) -> NumberedTree:
        """The tree as numbers."""
        return NumberedTree.of(self.tree)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the photos."""
        return tuple(photo.name for photo in self.photos)

    def facts_of(self, column: str) -> list[str]:
        """`site`, or `date` without its time, of each photo; empty where it is not known."""
        return [str(getattr(photo, column)).strip()[: DAY if column == "date" else None] for photo in self.photos]

    def at(self, rows: Int | NDArray[np.bool_]) -> Self:
        """Some of the points, with their photos."""
        kept, photo = np.unique(self.photo[rows], return_inverse=True)
        photos = tuple(self.photos[place] for place in kept)
        return replace(self, photos=photos, point=self.point[rows], photo=photo.astype(np.int64), y=self.y[rows])


def read_lessons(
    survey: Survey,
    *,
    annotators: Collection[str] = (),
    states: Sequence[str] = (schema.CONFIRMED, schema.IMPORTED),
    left_out: Sequence[str] = (),
) -> Lessons:
    """Read what people said.

    Where several labelled a point, the label that most of them gave counts; where they are of two minds, the point is
    left out.

    Args:
        survey: open.
        annotators: whose labels count; empty: of all.
        states: of annotations that count.
        left_out: codes of labels that are not learnt, with all below them.

    Raises:
        BadInput: no labelled point, nobody of such a name, an unknown label, or labels that make no tree.
    """
    said = _said(survey, annotators, states)
    if not said:
        raise BadInput(
            f"No point of the survey {survey.path} has a label to learn from yet. Annotate some photos, or import "
            "annotations, first."
        )
    tree = tree_of(survey, [label for labels in said.values() for label in labels])
    gone = {key_of(below) for code in left_out for below in _below(tree, code)}
    agreed = {place: _agreed(labels) for place, labels in said.items()}
    torn = sum(label is None for label in agreed.values())
    rows = [(*place, label) for place, label in agreed.items() if label is not None and key_of(label) not in gone]
    away = len(agreed) - torn - len(rows)
    notes = []
    if torn:
        notes.append(f"Left out, as annotators differ and no label has most of them: {counted(torn, 'point')}.")
    if away:
        notes.append(
            f"Left out, with labels that are not to be learnt ({', '.join(left_out)}): {counted(away, 'point')}."
        )
    if not rows:
        raise BadInput("No labelled point is left to learn from. Leave fewer labels out.")
    photos = {photo.photo: photo for photo in survey.photos()}
    numbers = sorted({row[0] for row in rows})
    place = {number: at for at, number in enumerate(numbers)}
    return Lessons(
        tree, tuple(photos[number] for number in numbers), np.array([row[1] for row in rows], np.int64),
        np.array([place[row[0]] for row in rows], np.int64), NumberedTree.of(tree).numbers([row[2] for row in rows]),
        tuple(notes),
    )  # fmt: skip


def _said(survey: Survey, annotators: Collection[str], states: Sequence[str]) -> dict[tuple[int, int], list[str]]:
    """Labels of each (photo, point) in the order of the photos and their points."""
    check_annotators(survey, annotators)
    asked = (
        "SELECT p.photo, a.point, a.annotator, a.label, a.state FROM annotations a JOIN points p "
        "ON p.point = a.point WHERE p.photo IN (SELECT photo FROM photos) ORDER BY p.photo, p.number, a.annotator"
    )
    said: dict[tuple[int, int], list[str]] = {}
    for photo, point, annotator, label, state in survey.connection.execute(asked):
        if state in states and (not annotators or annotator in annotators):
            said.setdefault((photo, point), []).append(label)
    return said


def _agreed(labels: Sequence[str]) -> str | None:
    """The label that most gave; None where two share that place."""
    first = {key_of(label): label for label in reversed(labels)}
    ranked = Counter(key_of(label) for label in labels).most_common(2)
    return None if len(ranked) > 1 and ranked[0][1] == ranked[1][1] else first[ranked[0][0]]


def _below(tree: LabelTree, code: str) -> tuple[str, ...]:
    """A label and all below it."""
    return (tree.label(code).code, *tree.descendants(code))
