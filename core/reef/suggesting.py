"""What a model says, into a survey: in short edits, around what people do in it meanwhile."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..jobs.reef.suggesting import ALL, LACKING, NOTHING, WHOLE, SuggestReef
from . import schema
from .learning.numbered import ROOT, Int
from .learning.stored import ReefModel
from .learning.telling import Told
from .survey import PUT_ANNOTATION, Label, Photo, Suggestion, Survey, now
from .tree import key_of


@dataclass
class Tally:
    """What was written."""

    photos: int = 0
    points: int = 0
    finished: int = 0
    """Photos that people finished meanwhile, and which were left alone."""
    trusted: dict[int, int] = field(default_factory=dict)
    """Points by the level of the label that is trusted; 0: none."""
    accepted_points: int = 0
    accepted_photos: int = 0
    """Photos of which every point was accepted, or labelled by people."""
    confidence: float = 0.0
    """Sum over points of the confidence of the most probable label."""


def photos_for(survey: Survey, which: str) -> list[Photo]:
    """Photos with points that are to get suggestions, by number.

    Args:
        survey: open.
        which: as `SuggestReef.photos`.
    """
    photos = [photo for photo in survey.photos() if photo.points]
    if which == ALL:
        return photos
    photos = [photo for photo in photos if photo.state != schema.DONE]
    if which == LACKING:
        asked = 'SELECT DISTINCT photo FROM points WHERE point NOT IN (SELECT point FROM suggestions WHERE "rank" = 1)'
        bare = {row[0] for row in survey.connection.execute(asked)}
        photos = [photo for photo in photos if photo.photo in bare]
    return photos


def add_labels(survey: Survey, model: ReefModel) -> list[str]:
    """List the labels that a model may say and the survey lacks, with those above them; their codes."""
    listed = {key_of(label.code) for label in survey.labels()}
    tree = model.label_tree
    wanted = {code for number in model.classes for code in tree.path(model.tree.codes[number])}
    new = [label for label in tree.labels if label.code in wanted and key_of(label.code) not in listed]
    if new:
        survey.put_labels(Label(one.code, one.name, one.parent, one.colour) for one in new)
    return [label.code for label in new]


def moved_labels(survey: Survey, model: ReefModel) -> list[str]:
    """Labels that hang elsewhere in the survey's tree than in that of the model."""
    parents = {key_of(label.code): key_of(label.parent) for label in survey.labels()}
    tree = model.label_tree
    return [
        code for code in tree.codes if key_of(code) in parents and parents[key_of(code)] != key_of(tree.parent(code))
    ]


def held_out(survey: Survey, model: ReefModel) -> list[tuple[int, str]]:
    """What a model said in training of points whose photo was held out: (point, most probable label).

    Only of photos of which it learnt every point, and whose labels by people are what they were then: the model holds
    no numbers of points, but has them in the order of their photo.
    """
    best = model.classes[model.out_of_fold.argmax(axis=1)] if len(model.truth) else model.truth
    numbers = {photo.name: photo.photo for photo in survey.photos()}
    asked = (
        "SELECT p.point, a.label FROM points p LEFT JOIN annotations a ON a.point = p.point AND a.state <> 'machine' "
        "WHERE p.photo = ? ORDER BY p.number"
    )
    codes = [key_of(code) for code in model.tree.codes]
    rows: list[tuple[int, str]] = []
    for place in np.unique(model.photo).tolist():
        name = model.photos[place]
        if name not in numbers:
            continue
        said: dict[int, set[str]] = {}
        for point, label in survey.connection.execute(asked, (numbers[name],)):
            said.setdefault(point, set()).add(key_of(label or ""))
        known = np.flatnonzero(model.photo == place)
        truth = [codes[label] for label in model.truth[known]]
        if len(said) == len(truth) and all(code in labels for code, labels in zip(truth, said.values(), strict=True)):
            rows += [(point, model.tree.codes[label]) for point, label in zip(said, best[known].tolist(), strict=True)]
    return rows


class Writer:
    """Writes what a model says of photos into a survey, and accepts what may be accepted."""

    def __init__(self, survey: Survey, model: ReefModel, job: SuggestReef) -> None:
        self._survey, self._model, self._job = survey, model, job
        spelt = {key_of(label.code): label.code for label in survey.labels()}
        self._codes = [spelt.get(key_of(code), code) for code in model.tree.codes]
        self.tally = Tally()

    def write(self, photos: Sequence[int], photo: Int, point: Int, told: Told) -> None:
        """Put it in, in one edit. Points that are gone, and photos that people have finished meanwhile, are left.

        Args:
            photos: numbers of photos.
            photo: (N,) of them, of each point.
            point: (N,) numbers of points.
            told: of these points.

        Raises:
            Unwritable: another program holds the survey.
        """
        made = list(self._suggestions(point, told))
        with self._survey.edit():
            open_ = self._open(photos)
            left = {one.point for number in open_ for one in self._survey.points(number)}
            rows = np.flatnonzero([p in left for p in point.tolist()])
            self._survey.suggest(one for one in made if one.point in left)
            self.tally.photos += len(open_)
            self.tally.points += len(rows)
            self.tally.confidence += float(told.confidence[rows, :1].sum())
            deep = np.where(told.trusted == ROOT, 0, self._model.tree.levels[np.maximum(told.trusted, 0)])[rows]
            for level, count in zip(*np.unique(deep, return_counts=True), strict=True):
                self.tally.trusted[int(level)] = self.tally.trusted.get(int(level), 0) + int(count)
            if self._job.accept != NOTHING:
                self._accept(sorted(open_), photo[rows], point[rows], told, rows)

    def _open(self, photos: Sequence[int]) -> set[int]:
        """Photos that may still be written to."""
        if self._job.photos == ALL:
            return set(photos)
        found = {number for number in photos if self._survey.photo(number).state != schema.DONE}
        self.tally.finished += len(photos) - len(found)
        return found

    def _suggestions(self, point: Int, told: Told) -> Iterable[Suggestion]:
        for row, number in enumerate(point.tolist()):
            if told.trusted[row] != ROOT:
                code, sure = self._codes[told.trusted[row]], float(told.trusted_confidence[row])
                yield Suggestion(number, schema.TRUSTED, code, sure, self._model.name)
            for rank, (label, share) in enumerate(zip(told.labels[row], told.confidence[row], strict=True), 1):
                yield Suggestion(number, rank, self._codes[label], float(share), self._model.name)

    def _accept(self, photos: Sequence[int], photo: Int, point: Int, told: Told, rows: Int) -> None:
        """Trusted labels as annotations of the machine, in place of those that it had accepted before."""
        connection, name = self._survey.connection, self._job.accepted_by.strip()
        passed = self._passed(told)[rows]
        people = self._by_people(photos)
        said = np.array([one in people for one in point.tolist()], bool)
        whole = {number for number in photos if (passed | said)[photo == number].all()}
        if self._job.accept == WHOLE:
            passed = passed & np.isin(photo, list(whole))
        taken = np.flatnonzero(passed & ~said)
        connection.executemany(
            "DELETE FROM annotations WHERE annotator = ? AND state = 'machine' "
            "AND point IN (SELECT point FROM points WHERE photo = ?)",
            [(name, number) for number in photos],
        )
        at = now()
        labels = ((int(point[k]), name, self._codes[told.trusted[rows[k]]], schema.MACHINE, at) for k in taken)
        connection.executemany(PUT_ANNOTATION, labels)
        self._survey.refresh(photos)
        self.tally.accepted_points += len(taken)
        self.tally.accepted_photos += len(whole & set(photo[taken].tolist()))

    def _passed(self, told: Told) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
        least = self._job.accept_level
        given = told.trusted != ROOT
        deep = self._model.tree.levels[np.maximum(told.trusted, 0)] >= least if least else np.zeros(len(given), bool)
        return np.asarray(given & (told.to_the_end | deep))

    def _by_people(self, photos: Collection[int]) -> set[int]:
        """Points that a person labelled."""
        asked = (
            "SELECT a.point FROM annotations a JOIN points p ON p.point = a.point WHERE photo = ? "
            "AND a.state <> 'machine'"
        )
        return {row[0] for photo in photos for row in self._survey.connection.execute(asked, (photo,))}
