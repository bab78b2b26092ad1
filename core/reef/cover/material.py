"""A survey file as the estimators want it: points, labels, and where and when each photo was taken."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import BadInput
from .. import schema
from ..evidence import check_annotators, tree_of, true_photos
from ..survey import Survey
from ..tree import LabelTree, key_of
from .counts import NOBODY, Int, Labelled


@dataclass
class Material:
    """All of a survey that cover needs."""

    tree: LabelTree
    data: Labelled
    """Photos in the order of `photos`."""
    photos: pd.DataFrame
    """`photo`, `name`, `site`, `transect`, `date`, `x`, `y`, `field`, `learnt`; of photos with points.
    `learnt`: what the machine says of them does not tell how it errs on others."""
    models: tuple[str, ...]
    """That the suggestions are from."""
    people: tuple[str, ...]
    """Annotators whose labels were taken."""
    strangers: tuple[str, ...] = ()
    """Models of which nobody noted what they learnt from; '' where labels of a machine bear no model."""
    outdated: int = 0
    """Photos that people labelled whole, with suggestions by another model than the photos that they did not."""


def codes_of(text: str) -> tuple[str, ...]:
    """Codes or names from a list with commas."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


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
    db = survey.connection
    photos = _photos(survey, field)
    marked = true_photos(survey, learnt_field) if learnt_field else set()
    photos["learnt"] = photos["photo"].isin(marked)
    points = pd.DataFrame(
        db.execute("SELECT point, photo FROM points ORDER BY point").fetchall(), columns=["p", "photo"]
    )
    if points.empty:
        raise BadInput(f"The survey {survey.path} has no points. Use 'Place points on photos', and label them.")
    place = {number: at for at, number in enumerate(points["p"].tolist())}
    photos = photos[photos["photo"].isin(points["photo"])].reset_index(drop=True)
    home = {number: at for at, number in enumerate(photos["photo"].tolist())}
    check_annotators(survey, annotators)
    person, robot, models = _said(survey, place, annotators)
    if not person and not robot:
        raise BadInput(f"No point of the survey {survey.path} has a label or a suggestion yet. Annotate some first.")
    tree = tree_of(survey, [*(row[2] for row in person), *robot.values()])
    met = {key_of(code) for code in (*(row[2] for row in person), *robot.values())}
    labels = tuple(code for code in tree.codes if key_of(code) in met)
    number = {key_of(code): at for at, code in enumerate(labels)}
    machine = np.full(len(points), NOBODY, np.int64)
    for point, label in robot.items():
        machine[place[point]] = number[key_of(label)]
    data = Labelled(
        len(photos), labels, np.array([home[photo] for photo in points["photo"].tolist()], np.int64), machine,
        np.array([place[row[0]] for row in person], np.int64),
        np.array([number[key_of(row[2])] for row in person], np.int64),
    )  # fmt: skip
    by = pd.DataFrame(
        {"at": [int(data.photo[place[point]]) for point in robot], "model": [models.get(point, "") for point in robot]}
    ).drop_duplicates()
    outdated = _mark_learnt(survey, photos, by, _whole(data))
    strangers = () if learnt_field else tuple(sorted(set(by["model"]) - survey.learners()))
    people = tuple(sorted({row[1] for row in person}))
    return Material(tree, data, photos, tuple(sorted(set(by["model"]) - {""})), people, strangers, outdated)


def _said(
    survey: Survey, place: Mapping[int, int], annotators: Collection[str]
) -> tuple[list[tuple[int, str, str]], dict[int, str], dict[int, str]]:
    """Labels by people (point, annotator, label), by a machine (point: label), and the model behind these."""
    asked = "SELECT point, annotator, label, state FROM annotations ORDER BY annotation"
    said = [row for row in survey.connection.execute(asked).fetchall() if row[0] in place]
    person = [row[:3] for row in said if row[3] != schema.MACHINE and (not annotators or row[1] in annotators)]
    robot = {row[0]: row[2] for row in said if row[3] == schema.MACHINE}
    asked = 'SELECT point, label, model FROM suggestions WHERE "rank" = 1'
    best = [row for row in survey.connection.execute(asked).fetchall() if row[0] in place]
    robot.update({row[0]: row[1] for row in best})
    return person, robot, {row[0]: row[2] for row in best}


def _whole(data: Labelled) -> NDArray[np.bool_]:
    """(P,) photos of which people labelled every point."""
    spoken = np.zeros(len(data.photo), bool)
    spoken[data.point] = True
    said, every = (np.bincount(photo, minlength=data.photos) for photo in (data.photo[spoken], data.photo))
    return np.asarray(said == every)


def _mark_learnt(survey: Survey, photos: pd.DataFrame, by: pd.DataFrame, whole: NDArray[np.bool_]) -> int:
    """Mark photos whose suggestions prove nothing: the model learnt from them, or is not the one of the other photos.

    Args:
        survey: open.
        photos: with `learnt`, which is changed.
        by: `at`, place of the photo, and `model` behind its labels by machine; each pair once.
        whole: (P,) photos of which people labelled every point.

    Returns:
        How many of these bear what another model says.
    """
    for model in set(by["model"]) & survey.learners():
        taught = photos["photo"].isin(survey.learnt(model))
        photos.loc[by.loc[by["model"] == model, "at"].to_numpy(np.int64), "learnt"] |= taught
    rest: Int = by["at"].to_numpy(np.int64)
    judged = by[~whole[rest]]
    if judged.empty:
        return 0
    machine = judged["model"].value_counts().index[0]
    other = np.zeros(len(photos), bool)
    other[rest[(by["model"] != machine).to_numpy()]] = True
    other &= whole & ~photos["learnt"].to_numpy()
    photos.loc[other, "learnt"] = True
    return int(other.sum())


def _photos(survey: Survey, field: str) -> pd.DataFrame:
    columns = [row[1] for row in survey.connection.execute("PRAGMA table_info(photos)")]
    if field and field not in columns:
        raise BadInput(f"The photos of the survey have no column '{field}'. They have: {', '.join(columns)}.")
    extra = f'"{field}"' if field else "''"
    asked = (
        "SELECT photo, name, COALESCE(site, ''), COALESCE(transect, ''), COALESCE(date, ''), ST_MinX(geom), "  # noqa: S608
        f"ST_MinY(geom), {extra} FROM photos ORDER BY photo"
    )
    names = ["photo", "name", "site", "transect", "date", "x", "y", "field"]
    photos = pd.DataFrame(survey.connection.execute(asked).fetchall(), columns=names)
    photos["field"] = ["" if value is None else str(value) for value in photos["field"]]
    photos[["x", "y"]] = photos[["x", "y"]].astype(float)
    return photos


def positions(photos: pd.DataFrame, which: NDArray[np.int64]) -> tuple[float, float] | None:
    """Middle of the positions of some photos; None where none is known."""
    xy = photos.loc[which, ["x", "y"]].dropna()
    return None if xy.empty else (float(xy["x"].mean()), float(xy["y"].mean()))
