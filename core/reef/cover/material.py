"""A survey file as the estimators want it: points, labels, and where and when each photo was taken."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...errors import BadInput
from .. import schema
from ..survey import Survey
from ..tree import Label, LabelTree, key_of
from .counts import NOBODY, Labelled

TRUE = ("1", "1.0", "true", "t", "yes", "y", "train", "training")
"""What a column says of photos that the machine learnt from."""


@dataclass
class Material:
    """All of a survey that cover needs."""

    tree: LabelTree
    data: Labelled
    """Photos in the order of `photos`."""
    photos: pd.DataFrame
    """`photo`, `name`, `site`, `transect`, `date`, `x`, `y`, `field`, `learnt`; of photos with points."""
    models: tuple[str, ...]
    """That the suggestions are from."""
    people: tuple[str, ...]
    """Annotators whose labels were taken."""


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
    photos = _photos(survey, field, learnt_field)
    points = pd.DataFrame(
        db.execute("SELECT point, photo FROM points ORDER BY point").fetchall(), columns=["p", "photo"]
    )
    if points.empty:
        raise BadInput(f"The survey {survey.path} has no points. Use 'Place points on photos', and label them.")
    place = {number: at for at, number in enumerate(points["p"].tolist())}
    photos = photos[photos["photo"].isin(points["photo"])].reset_index(drop=True)
    home = {number: at for at, number in enumerate(photos["photo"].tolist())}
    known = survey.annotators()
    strange = [name for name in annotators if name not in known]
    if strange:
        raise BadInput(f"Nobody named '{strange[0]}' annotated; there are: {', '.join(known) or 'none'}.")
    said = db.execute("SELECT point, annotator, label, state FROM annotations ORDER BY annotation").fetchall()
    said = [row for row in said if row[0] in place]
    person = [row for row in said if row[3] != schema.MACHINE and (not annotators or row[1] in annotators)]
    robot = {row[0]: row[2] for row in said if row[3] == schema.MACHINE}
    asked = 'SELECT point, label, model FROM suggestions WHERE "rank" = 1'
    best = [row for row in db.execute(asked).fetchall() if row[0] in place]
    robot.update({row[0]: row[1] for row in best})
    if not person and not robot:
        raise BadInput(f"No point of the survey {survey.path} has a label or a suggestion yet. Annotate some first.")
    tree = _tree(survey, [*(row[2] for row in person), *robot.values()])
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
    models = tuple(sorted({row[2] for row in best if row[2]}))
    return Material(tree, data, photos, models, tuple(sorted({row[1] for row in person})))


def _photos(survey: Survey, field: str, learnt_field: str) -> pd.DataFrame:
    columns = [row[1] for row in survey.connection.execute("PRAGMA table_info(photos)")]
    for wanted in (field, learnt_field):
        if wanted and wanted not in columns:
            raise BadInput(f"The photos of the survey have no column '{wanted}'. They have: {', '.join(columns)}.")
    extra = [f'"{name}"' if name else "''" for name in (field, learnt_field)]
    asked = (
        "SELECT photo, name, COALESCE(site, ''), COALESCE(transect, ''), COALESCE(date, ''), ST_MinX(geom), "  # noqa: S608
        f"ST_MinY(geom), {extra[0]}, {extra[1]} FROM photos ORDER BY photo"
    )
    names = ["photo", "name", "site", "transect", "date", "x", "y", "field", "learnt"]
    photos = pd.DataFrame(survey.connection.execute(asked).fetchall(), columns=names)
    photos["field"] = ["" if value is None else str(value) for value in photos["field"]]
    photos["learnt"] = [str(value).strip().lower() in TRUE for value in photos["learnt"]]
    photos[["x", "y"]] = photos[["x", "y"]].astype(float)
    return photos


def _tree(survey: Survey, used: Sequence[str]) -> LabelTree:
    """Labels that the survey lists, and those that stand at points and nowhere else."""
    labels = [Label(one.code, one.name, one.parent, one.colour) for one in survey.labels()]
    listed = {key_of(label.code) for label in labels}
    loose = {key_of(code): code for code in used if key_of(code) not in listed}
    return LabelTree([*labels, *(Label(code) for code in loose.values())])


def positions(photos: pd.DataFrame, which: NDArray[np.int64]) -> tuple[float, float] | None:
    """Middle of the positions of some photos; None where none is known."""
    xy = photos.loc[which, ["x", "y"]].dropna()
    return None if xy.empty else (float(xy["x"].mean()), float(xy["y"].mean()))
