"""A survey file as the estimators want it: points, labels, and where and when each photo was taken."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import BadInput
from .. import schema
from ..asking import check_annotators, tree_of
from ..evidence import true_photos
from ..survey import Survey
from ..tree import LabelTree, key_of
from .counts import NOBODY, Int, Labelled
from .provenance import Provenance, provenance


@dataclass
class Material:
    """All of a survey that cover needs."""

    tree: LabelTree
    data: Labelled
    """Photos in the order of `photos`."""
    photos: pd.DataFrame
    """`photo`, `name`, `site`, `transect`, `date`, `x`, `y`, `field`, `learnt`; of photos with points.
    `learnt`: what the machine says of them does not tell how it errs on others."""
    came: Provenance
    """What stands behind the labels by machine."""
    people: tuple[str, ...]
    """Annotators whose labels were taken."""


def read(survey: Survey, annotators: Collection[str] = (), field: str = "", learnt_field: str = "") -> Material:
    """Read a survey.

    Args:
        survey: open.
        annotators: whose labels count; empty: of all.
        field: column of the photos to group by.
        learnt_field: column that is true for photos that the machine learnt from.

    Raises:
        BadInput: no points, no labels, an unknown annotator or column, or labels that make no tree.
    """
    photos = _photos(survey, field)
    marked = true_photos(survey, learnt_field) if learnt_field else set()
    asked = "SELECT point, photo FROM points WHERE photo IN (SELECT photo FROM photos) ORDER BY point"
    points = pd.DataFrame(survey.connection.execute(asked).fetchall(), columns=["p", "photo"])
    if points.empty:
        raise BadInput(f"The survey {survey.path} has no points. Use 'Place points on photos', and label them.")
    place = {number: at for at, number in enumerate(points["p"].tolist())}
    photos = photos[photos["photo"].isin(points["photo"])].reset_index(drop=True)
    seat = {number: at for at, number in enumerate(photos["photo"].tolist())}
    photo = np.array([seat[number] for number in points["photo"].tolist()], np.int64)
    home = dict(zip(place, photo.tolist(), strict=True))
    check_annotators(survey, annotators)
    person, robot, models = _said(survey, place, annotators)
    if not person and not robot:
        raise BadInput(f"No point of the survey {survey.path} has a label or a suggestion yet. Annotate some first.")
    whole = _whole(photo, {place[row[0]] for row in person})
    came = provenance(survey, robot, models, home, seat, whole, {seat[one] for one in marked if one in seat})
    photos["learnt"] = came.learnt
    tree = tree_of(survey, [*(row[2] for row in person), *came.robot.values()])
    data = _labelled(tree, photo, place, person, came.robot)
    return Material(tree, data, photos, came, tuple(sorted({row[1] for row in person})))


def _labelled(
    tree: LabelTree, photo: Int, place: Mapping[int, int], person: Sequence[tuple[int, str, str]],
    robot: Mapping[int, str],
) -> Labelled:  # fmt: skip
    """The labels as numbers."""
    met = {key_of(code) for code in (*(row[2] for row in person), *robot.values())}
    labels = tuple(code for code in tree.codes if key_of(code) in met)
    number = {key_of(code): at for at, code in enumerate(labels)}
    machine = np.full(len(photo), NOBODY, np.int64)
    for point, label in robot.items():
        machine[place[point]] = number[key_of(label)]
    return Labelled(
        int(photo.max()) + 1, labels, photo, machine,
        np.array([place[row[0]] for row in person], np.int64),
        np.array([number[key_of(row[2])] for row in person], np.int64),
    )  # fmt: skip


def _said(
    survey: Survey, place: Mapping[int, int], annotators: Collection[str]
) -> tuple[list[tuple[int, str, str]], dict[int, str], dict[int, str]]:
    """Labels by people (point, annotator, label), by a machine (point: label), and the model behind these."""
    asked = "SELECT point, annotator, label, state FROM annotations ORDER BY annotation"
    said = [row for row in survey.connection.execute(asked).fetchall() if row[0] in place]
    person = [row[:3] for row in said if row[3] not in schema.OF_MACHINE and (not annotators or row[1] in annotators)]
    robot = {row[0]: row[2] for row in said if row[3] in schema.OF_MACHINE}
    asked = 'SELECT point, label, model FROM suggestions WHERE "rank" = 1'
    best = [row for row in survey.connection.execute(asked).fetchall() if row[0] in place]
    robot.update({row[0]: row[1] for row in best})
    return person, robot, {row[0]: row[2] for row in best}


def _whole(photo: Int, spoken: Collection[int]) -> NDArray[np.bool_]:
    """(P,) photos of which people labelled every point."""
    said, every = (np.bincount(part, minlength=int(photo.max()) + 1) for part in (photo[list(spoken)], photo))
    return np.asarray(said == every)


def _photos(survey: Survey, field: str) -> pd.DataFrame:
    columns = [row[1] for row in survey.connection.execute("PRAGMA table_info(photos)")]
    if field and field not in columns:
        raise BadInput(f"The photos of the survey have no column '{field}'. They have: {', '.join(columns)}.")
    extra = schema.quoted(field) if field else "''"
    told = "photo, name, COALESCE(site, ''), COALESCE(transect, ''), COALESCE(date, ''), ST_MinX(geom), ST_MinY(geom)"
    asked = f"SELECT {told}, {extra} FROM photos ORDER BY photo"  # noqa: S608 # nosec B608 - a column that is there
    names = ["photo", "name", "site", "transect", "date", "x", "y", "field"]
    photos = pd.DataFrame(survey.connection.execute(asked).fetchall(), columns=names)
    photos["field"] = ["" if value is None else str(value) for value in photos["field"]]
    photos[["x", "y"]] = photos[["x", "y"]].astype(float)
    return photos


def positions(photos: pd.DataFrame, which: NDArray[np.int64]) -> tuple[float, float] | None:
    """Middle of the positions of some photos; None where none is known."""
    xy = photos.loc[which, ["x", "y"]].dropna()
    return None if xy.empty else (float(xy["x"].mean()), float(xy["y"].mean()))
