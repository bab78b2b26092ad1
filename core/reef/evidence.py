"""Photos of a survey that people finished and a machine had spoken of, as arrays in order of time."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import BadInput
from . import schema
from .asking import check_annotators, tree_of
from .learning.checked import Evidence, without_rest
from .learning.numbered import ROOT, NumberedTree
from .survey import Survey
from .tree import LabelTree, key_of

TRUE = ("1", "1.0", "true", "t", "yes", "y", "train", "training")
"""What a column says of photos that the machine learnt from."""


@dataclass(frozen=True)
class CheckedPhotos:
    """The evidence, and which photos gave none."""

    tree: LabelTree
    """All labels of the survey."""
    evidence: Evidence
    """Its tree holds the labels that were met, those above them, and the target groups."""
    names: tuple[str, ...]
    """(P,) names of the photos."""
    at: tuple[str, ...]
    """(P,) when people finished them, ISO; may be empty."""
    models: tuple[str, ...]
    """(P,) behind their suggestions."""
    learnt: int
    """Photos that people finished and the model of their suggestions had learnt from."""
    elsewhere: dict[str, int]
    """Photos by model whose training is not known."""
    partly: int
    """Photos that people finished, with points that have no suggestion."""
    bare: int
    """Photos that people finished, without any."""
    accepted: int
    """Photos that people finished in part by accepting what the machine said of the whole photo."""


def true_photos(survey: Survey, field: str) -> set[int]:
    """Photos of which a column is true.

    Raises:
        BadInput: no such column.
    """
    columns = [row[1] for row in survey.connection.execute("PRAGMA table_info(photos)")]
    if field not in columns:
        raise BadInput(f"The photos of the survey have no column '{field}'. They have: {', '.join(columns)}.")
    asked = f"SELECT photo, {schema.quoted(field)} FROM photos"  # noqa: S608 # nosec B608 - a column that is there
    found = survey.connection.execute(asked).fetchall()
    return {photo for photo, value in found if str(value).strip().lower() in TRUE}


def read_evidence(
    survey: Survey, targets: Sequence[str] = (), annotators: Sequence[str] = (), learnt_field: str = ""
) -> CheckedPhotos:
    """Read what people and machine said of photos that people finished.

    A photo is evidence where every point has a label of these people and a suggestion, all by models that did not
    learn from it; of models without a note in the survey this is known by the column alone.

    Args:
        survey: open.
        targets: codes whose branches are kept whatever was met.
        annotators: whose labels count; empty: of all. Of several labels of a point the last counts.
        learnt_field: column that is true for photos that models without a note learnt from.

    Raises:
        BadInput: an unknown annotator, column or target, or labels that make no tree.
    """
    check_annotators(survey, annotators)
    marked = true_photos(survey, learnt_field) if learnt_field else set()
    photos = _labelled(survey, annotators)
    accepted = survey.counts()[f"photos {schema.DONE}"] - len(survey.connection.execute(schema.JUDGED).fetchall())
    learners = survey.learners()
    learnt = {model: survey.learnt(model) for model in learners}
    kept: list[tuple[str, int]] = []
    counts, elsewhere = {"learnt": 0, "partly": 0, "bare": 0}, dict[str, int]()
    for photo, one in photos.items():
        strangers = sorted(one.models - learners) if not learnt_field else []
        if not one.models:
            counts["bare"] += 1
        elif len(one.machine) < one.points:
            counts["partly"] += 1
        elif photo in marked or any(photo in learnt.get(model, ()) for model in one.models):
            counts["learnt"] += 1
        elif strangers:
            elsewhere[strangers[0]] = elsewhere.get(strangers[0], 0) + 1
        else:
            kept.append((one.at, photo))
    order = [photo for _, photo in sorted(kept)]
    tree = tree_of(survey, _codes(photos[photo] for photo in order))
    wanted = [*_codes(photos[photo] for photo in order), *targets]
    trained = [max(len(learnt.get(model, ())) for model in photos[photo].models) for photo in order]
    evidence = _evidence(tree, [photos[photo] for photo in order], wanted, trained)
    names = dict(survey.connection.execute("SELECT photo, name FROM photos"))
    return CheckedPhotos(
        tree, evidence, tuple(names[photo] for photo in order), tuple(photos[photo].at for photo in order),
        tuple(", ".join(sorted(photos[photo].models)) for photo in order), accepted=accepted,
        elsewhere=elsewhere, **counts,
    )  # fmt: skip


@dataclass
class _Photo:
    """What was said of the points of a photo, by point."""

    points: int
    human: dict[int, str]
    machine: dict[int, str]
    trusted: dict[int, str]
    models: set[str]
    at: str = ""


_HUMAN = """
SELECT p.photo, f.points, a.point, a.label, a."at", a.annotator FROM photos f JOIN points p ON p.photo = f.photo
JOIN annotations a ON a.point = p.point
WHERE f.state = 'done' AND a.state NOT IN ('accepted', 'machine') ORDER BY a."at", a.annotation"""
_MACHINE = """
SELECT p.photo, s.point, s."rank", s.label, s.model FROM photos f JOIN points p ON p.photo = f.photo
JOIN suggestions s ON s.point = p.point WHERE f.state = 'done' AND s."rank" <= 1"""


def _labelled(survey: Survey, annotators: Collection[str]) -> dict[int, _Photo]:
    """Photos of which these people labelled every point."""
    found: dict[int, _Photo] = {}
    for photo, points, point, label, at, annotator in survey.connection.execute(_HUMAN):
        if annotators and annotator not in annotators:
            continue
        one = found.get(photo)
        if one is None:
            one = found[photo] = _Photo(points, {}, {}, {}, set())
        one.human[point] = label
        one.at = at  # rows come in order of time
    found = {photo: one for photo, one in found.items() if len(one.human) == one.points}
    for photo, point, rank, label, model in survey.connection.execute(_MACHINE):
        one = found.get(photo)
        if one is None:
            continue
        if rank == schema.TRUSTED:
            one.trusted[point] = label
        else:
            one.machine[point] = label
            one.models.add(model)
    return found


def _codes(photos: Iterable[_Photo]) -> dict[str, None]:
    """Labels that anybody gave, each once in one spelling or more."""
    codes: dict[str, None] = {}
    for one in photos:
        for said in (one.human, one.machine, one.trusted):
            codes.update(dict.fromkeys(said.values()))
    return codes


def _evidence(tree: LabelTree, photos: Sequence[_Photo], codes: Sequence[str], trained: Sequence[int]) -> Evidence:
    small = NumberedTree.of(without_rest(tree, codes))
    place: dict[str, int] = {key_of(code): number for number, code in enumerate(small.codes)}
    spelt: dict[str, int] = {code: place[key_of(code)] for code in _codes(photos)}
    human: list[int] = []
    machine: list[int] = []
    trusted: list[int] = []
    for one in photos:
        for point, label in sorted(one.human.items()):
            human.append(spelt[label])
            machine.append(spelt[one.machine[point]])
            trusted.append(spelt[one.trusted[point]] if point in one.trusted else ROOT)
    sizes = [len(one.human) for one in photos]
    parts: list[Any] = [np.array(part, np.int64) for part in (human, machine, trusted, trained)]
    return Evidence(small, np.repeat(np.arange(len(photos)), sizes), *parts)
