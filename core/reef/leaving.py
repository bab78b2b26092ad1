"""What leaves a survey: points, each with the one label that counts, suggestions, photos and labels."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ..errors import BadInput
from .asking import check_annotators
from .formats import cpce
from .formats.shape import LABELS, RANKS
from .photofacts import named
from .schema import DONE, STATES
from .survey import Survey, found_path, nameless
from .tree import key_of

THEIR_PATH = "path_told"
"""Where an import keeps the path that a program knew a photo by."""


@dataclass
class Leaving:
    """Points, photos and labels of a survey, as `formats/shape.py` has them."""

    rows: pd.DataFrame
    """A row a point in the order in which they were made, as `Read.rows`: `name`, `row`, `column`, `label` (empty:
    none), `label_id`, `annotator`, `date` (ISO or as imported), `state`, `suggestion_1` and `confidence_1` to `_5`."""
    photos: pd.DataFrame
    """A row a photo with points, in their order: `name`, `path`, `width`, `height`, what `cpce.write` takes up again,
    and the columns asked for."""
    labels: pd.DataFrame
    """As `Read.labels`, all that the survey lists."""
    notes: list[str] = field(default_factory=list)
    """What must be known of the choice, in sentences."""


def leave(
    survey: Survey, *, annotators: Sequence[str] = (), states: Collection[str] = STATES, done: bool = False,
    sites: Collection[str] = (), bare_names: bool = False, columns: Sequence[str] = (),
) -> Leaving:  # fmt: skip
    """Read what is to leave.

    Args:
        survey: open.
        annotators: whose labels count, those believed first in front; empty: of all.
        states: of labels that count.
        done: whether only photos leave of which people labelled every point.
        sites: of the photos; empty: all.
        bare_names: whether folders are taken off the names of photos.
        columns: further ones of the photos.

    Raises:
        BadInput: no points, an unknown annotator, site or column, or two photos that would have one name.
    """
    photos = _photos(survey, columns)
    chosen = _chosen(photos, done, sites, survey.path)
    notes: list[str] = []
    asked = 'SELECT point, photo, "row", col FROM points ORDER BY point'
    points = pd.DataFrame(survey.connection.execute(asked).fetchall(), columns=["point", "photo", "row", "column"])
    points = points[points["photo"].isin(chosen["photo"])].reset_index(drop=True)
    if points.empty:
        raise BadInput(f"None of the photos that were chosen in the survey {survey.path} has points.")
    chosen = chosen[chosen["photo"].isin(points["photo"])].reset_index(drop=True)
    cut = [str(name) for name, window in zip(chosen["name"], chosen["window"], strict=True) if window]
    if cut:
        notes.append(f"Quadrats of an orthomosaic, which other programs do not know: {named(cut)}. Give these "
                     "programs a picture of each, of the same rows and columns and under the same name.")  # fmt: skip
    if bare_names:
        chosen = _bare(chosen)
    names = dict(zip(chosen["photo"], chosen["name"], strict=True))
    rows = points.assign(name=points["photo"].map(names))
    labels = pd.DataFrame([tuple(getattr(one, name) for name in LABELS) for one in survey.labels()],
                          columns=list(LABELS), dtype=object)  # fmt: skip
    rows = rows.join(_believed(survey, points["point"], annotators, states, notes), on="point")
    for name in ("label", "annotator", "date", "state"):
        rows[name] = rows[name].fillna("").astype(object)
    ids = {key_of(code): own for code, own in zip(labels["code"], labels["label_id"], strict=True)}
    rows["label_id"] = [ids.get(key_of(code), "") for code in rows["label"]]
    rows = rows.join(_suggested(survey), on="point")
    for rank in range(1, RANKS + 1):
        rows[f"suggestion_{rank}"] = rows[f"suggestion_{rank}"].fillna("").astype(object)
    return Leaving(rows.drop(columns=["point", "photo"]), chosen, labels, notes)


# Photos -----------------------------------------------------------------------------------------------------------


def _photos(survey: Survey, columns: Sequence[str]) -> pd.DataFrame:
    """All photos with `site` and `state`, and the columns asked for behind."""
    there = [row[1] for row in survey.connection.execute("PRAGMA table_info(photos)")]
    unknown = [name for name in columns if name not in there or name == "geom"]
    if unknown:
        raise BadInput(f"The photos of the survey have no column '{unknown[0]}'. They have: {', '.join(there)}.")
    kept = [name for name in (*cpce.KEPT, THEIR_PATH) if name in there]
    wanted = ["photo", "name", "path", "width", "height", "state", "site", "window", *kept]
    wanted += [name for name in dict.fromkeys(columns) if name not in wanted]
    listed = ", ".join('"{}"'.format(name.replace('"', '""')) for name in wanted)
    asked = " ".join(["SELECT", listed, "FROM photos ORDER BY photo"])
    photos = pd.DataFrame(survey.connection.execute(asked).fetchall(), columns=wanted, dtype=object)
    photos["photo"] = photos["photo"].astype(np.int64)
    photos["name"] = [name or nameless(number) for number, name in zip(photos["photo"], photos["name"], strict=True)]
    # A program that the photo came from knows it by its own path.
    own = [found_path(str(path or ""), survey.path) if not window else "" for path, window in
           zip(photos["path"], photos["window"], strict=True)]  # fmt: skip
    told = photos.pop(THEIR_PATH) if THEIR_PATH in photos else [""] * len(photos)
    photos["path"] = [str(other or mine or name) for other, mine, name in zip(told, own, photos["name"], strict=True)]
    return photos


def _chosen(photos: pd.DataFrame, done: bool, sites: Collection[str], path: str) -> pd.DataFrame:
    known = {key_of(str(site or "")): str(site) for site in photos["site"]}
    unknown = [site for site in sites if key_of(site) not in known]
    if unknown:
        there = ", ".join(sorted(site for key, site in known.items() if key)) or "none"
        raise BadInput(f"No photo of the survey {path} is of the site '{unknown[0]}'. Its sites: {there}.")
    keep = np.ones(len(photos), bool)
    if sites:
        wanted = {key_of(site) for site in sites}
        keep &= np.array([key_of(str(site or "")) in wanted for site in photos["site"]], bool)
    if done:
        keep &= (photos["state"] == DONE).to_numpy()
        if not keep.any():
            raise BadInput(f"In the survey {path} people labelled none of these photos whole. Choose all photos.")
    return photos[keep].reset_index(drop=True)


def _bare(photos: pd.DataFrame) -> pd.DataFrame:
    """With names without folders."""
    bare = [str(name).replace("\\", "/").rpartition("/")[2] for name in photos["name"]]
    shared = pd.Series(bare).str.lower().duplicated(keep=False)
    if shared.any():
        first = named([str(name) for name in photos["name"][shared.to_numpy()]])
        raise BadInput(f"Without folders these photos would share a name: {first}. Export one site at a time, or keep "
                       "the folders.")  # fmt: skip
    return photos.assign(name=bare)


# Points -----------------------------------------------------------------------------------------------------------


def _believed(
    survey: Survey, points: "pd.Series[int]", annotators: Sequence[str], states: Collection[str], notes: list[str]
) -> pd.DataFrame:
    """`label`, `annotator`, `date` and `state` by point: of whom is named first, then by state, then the latest."""
    check_annotators(survey, annotators)
    asked = 'SELECT point, annotator, label, state, "at" FROM annotations ORDER BY annotation'
    said = pd.DataFrame(survey.connection.execute(asked).fetchall(),
                        columns=["point", "annotator", "label", "state", "date"], dtype=object)  # fmt: skip
    said = said[said["point"].isin(points) & said["state"].isin(list(states))]
    if annotators:
        said = said[said["annotator"].isin(list(annotators))]
    place = {name: number for number, name in enumerate(annotators)}
    order = said.assign(
        who=[place.get(name, 0) for name in said["annotator"]], how=[STATES.index(state) for state in said["state"]]
    )
    order = order.sort_values("date", ascending=False, kind="stable").sort_values(["who", "how"], kind="stable")
    several = int((said.groupby("point")["label"].nunique() > 1).sum()) if len(said) else 0
    if several:
        rule = (
            "The one named first counts."
            if len(annotators) > 1
            else "What is confirmed counts before what is imported, and the latest before older ones."
        )
        notes.append(f"Points that annotators labelled differently: {several:,}. {rule}")
    return order.drop_duplicates("point").set_index("point")[["label", "annotator", "date", "state"]]


def _suggested(survey: Survey) -> pd.DataFrame:
    """Suggestions by point, ranks 1 to 5."""
    asked = 'SELECT point, "rank", label, confidence FROM suggestions WHERE "rank" BETWEEN 1 AND ? ORDER BY point'
    found = pd.DataFrame(survey.connection.execute(asked, (RANKS,)).fetchall(),
                         columns=["point", "rank", "label", "confidence"])  # fmt: skip
    columns = []
    for rank in range(1, RANKS + 1):
        one = found[found["rank"] == rank].set_index("point")
        columns += [one["label"].rename(f"suggestion_{rank}"),
                    one["confidence"].astype(float).rename(f"confidence_{rank}")]  # fmt: skip
    return pd.concat(columns, axis=1)


def titles(photos: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """`name` and the columns asked for, as tables of other programs get them: what is not known is empty."""
    told = photos[["name", *dict.fromkeys(columns)]].astype(object)
    return told.where(told.notna(), "")


def beyond(rows: pd.DataFrame, photos: pd.DataFrame) -> list[str]:
    """Names of photos with points beyond their edge, which no program takes."""
    sizes = photos.set_index("name")[["height", "width"]].astype(float).fillna(0)
    at = sizes.loc[rows["name"]].to_numpy()
    out = (at[:, 0] > 0) & ((rows["row"].to_numpy() >= at[:, 0]) | (rows["column"].to_numpy() >= at[:, 1]))
    return list(dict.fromkeys(rows["name"].to_numpy()[out].tolist()))
