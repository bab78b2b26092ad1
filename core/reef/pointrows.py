"""Points, annotations and suggestions of files into a survey: each point once, annotators apart, nothing dropped."""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .formats.shape import IMPORTED, RANKS, Read
from .photofacts import named
from .schema import UNKNOWN
from .survey import PUT_ANNOTATION, Label, Survey

KEY = ["photo", "row", "col", "again"]
"""What tells a point: several may lie on one pixel, and are told apart by their order."""


class Source(NamedTuple):
    """A file of points, whose photos were found."""

    path: str
    read: Read
    photo: NDArray[np.int64]
    """(N,) number of the photo in the survey for each row."""


@dataclass
class Brought:
    """What came of it."""

    points: int = 0
    """New ones."""
    known: int = 0
    """Rows at points that the survey had."""
    annotations: int = 0
    unlabelled: int = 0
    suggestions: int = 0
    unknown: list[str] = field(default_factory=list)
    """Codes in no label set."""
    notes: list[str] = field(default_factory=list)


def bring_points(survey: Survey, sources: list[Source], annotator: str, replace: bool) -> Brought:
    """Put the points of files into a survey, file by file.

    Args:
        survey: being edited.
        sources: in the order in which they count.
        annotator: of rows that name none.
        replace: whether a label that is brought in stands against another of the same point and annotator.
    """
    brought = Brought()
    for source in sources:
        rows = _rows(source, annotator)
        _check_places(survey, rows, source, brought)
        rows["point"] = _points(survey, rows, brought)
        codes = _spelt(survey, rows, brought)
        _annotate(survey, rows, codes, source, replace, brought)
        _suggest(survey, rows, codes, source, brought)
    survey.refresh()
    return brought


def _rows(source: Source, annotator: str) -> pd.DataFrame:
    """Rows with the columns of `KEY`, and those of the file."""
    rows = source.read.rows.rename(columns={"column": "col"}).reset_index(drop=True)
    rows["photo"] = source.photo
    who = rows["annotator"] if "annotator" in rows else pd.Series("", index=rows.index)
    rows["annotator"] = who.where(who != "", annotator)
    if "state" not in rows:
        rows["state"] = IMPORTED
    rows["again"] = rows.groupby(["photo", "row", "col", "annotator"], sort=False).cumcount()
    return rows


def _check_places(survey: Survey, rows: pd.DataFrame, source: Source, brought: Brought) -> None:
    """Tell of points beyond their photo, which are another photo's or of another size."""
    sizes = {photo.photo: (photo.height, photo.width, photo.name) for photo in survey.photos()}
    numbers = rows["photo"].unique()
    limits = pd.DataFrame([sizes[int(n)] for n in numbers], index=numbers, columns=["height", "width", "name"])
    at = limits.loc[rows["photo"]]
    beyond = (at["height"].to_numpy() > 0) & (
        (rows["row"].to_numpy() >= at["height"].to_numpy()) | (rows["col"].to_numpy() >= at["width"].to_numpy())
    )
    if beyond.any():
        which = list(dict.fromkeys(at["name"].to_numpy()[beyond]))
        brought.notes.append(
            f"{source.path}: points beyond the edge of their photo: {int(beyond.sum()):,}, on {named(which)}. The file "
            "is of other photos, or they were made larger or smaller since. They are kept; put the right photos there."
        )


def _points(survey: Survey, rows: pd.DataFrame, brought: Brought) -> NDArray[np.int64]:
    """(N,) number of the point of each row; points that the survey lacks are made."""
    there = pd.read_sql_query('SELECT point, photo, number, "row", col FROM points', survey.connection)
    there["again"] = there.groupby(["photo", "row", "col"], sort=False).cumcount()
    wanted = rows[KEY].drop_duplicates()
    merged = wanted.merge(there[[*KEY, "point"]], on=KEY, how="left")
    known = merged["point"].notna()
    brought.known += int(known.sum())
    fresh = merged[~known].copy()
    if len(fresh):
        last = fresh["photo"].map(there.groupby("photo")["number"].max()).fillna(0)
        fresh["number"] = (last + 1 + fresh.groupby("photo", sort=False).cumcount()).astype(np.int64)
        asked = "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'points'"
        begin = int(survey.connection.execute(asked).fetchone()[0])
        fresh["point"] = np.arange(begin + 1, begin + 1 + len(fresh))
        put = 'INSERT INTO points (point, photo, number, "row", col) VALUES (?, ?, ?, ?, ?)'
        columns = (fresh[name].tolist() for name in ("point", "photo", "number", "row", "col"))
        survey.connection.executemany(put, zip(*columns, strict=True))
        merged.loc[~known, "point"] = fresh["point"].to_numpy()
        brought.points += len(fresh)
    merged["point"] = merged["point"].astype(np.int64)
    return np.asarray(rows[KEY].merge(merged, on=KEY, how="left")["point"], dtype=np.int64)


def _spelt(survey: Survey, rows: pd.DataFrame, brought: Brought) -> dict[str, str]:
    """Codes of the file as the survey spells them; new ones are listed as unknown."""
    known = {label.code.lower(): label.code for label in survey.labels()}
    columns = ["label", *(f"suggestion_{rank}" for rank in range(1, RANKS + 1))]
    codes: dict[str, str] = {}
    fresh: list[Label] = []
    for column in columns:
        for code in pd.unique(rows[column]) if column in rows else ():
            if not code or code in codes:
                continue
            if code.lower() not in known:
                known[code.lower()] = code
                fresh.append(Label(str(code), origin=UNKNOWN))
            codes[code] = known[code.lower()]
    survey.put_labels(fresh)
    other = [f"{code} as {spelt}" for code, spelt in codes.items() if code != spelt]
    if other:
        brought.notes.append(
            "Codes that differ from another only in capital and small letters count as the same label: "
            f"{named(other)}. Rename them first where they mean different things."
        )
    brought.unknown += [label.code for label in fresh]
    return codes


def _annotate(
    survey: Survey, rows: pd.DataFrame, codes: dict[str, str], source: Source, replace: bool, brought: Brought
) -> None:
    labelled = rows[rows["label"] != ""]
    brought.unlabelled += len(rows) - len(labelled)
    asked = "SELECT point, annotator, label FROM annotations"
    held = {(point, who): label for point, who, label in survey.connection.execute(asked)}
    times = _times(labelled["date"]) if "date" in labelled else [""] * len(labelled)
    put, against = [], 0
    columns = (labelled[name].tolist() for name in ("point", "annotator", "label", "state"))
    for point, who, label, state, at in zip(*columns, times, strict=True):
        code, before = codes[label], held.get((point, who))
        if before is not None and before != code:
            against += 1
        if before is None or (replace and before != code):
            put.append((point, who, code, state, at))
            held[point, who] = code
    survey.connection.executemany(PUT_ANNOTATION, put)
    brought.annotations += len(put)
    if against:
        kept = "were replaced" if replace else "stayed"
        brought.notes.append(
            f"{source.path}: annotations that say otherwise than those of the same annotator in the survey: "
            f"{against:,}. The latter {kept}."
        )


def _times(dates: "pd.Series[str]") -> list[str]:
    """ISO times; what is none stays as it is written."""
    different = dates.unique()
    read = pd.to_datetime(pd.Series(different, dtype=object), utc=True, errors="coerce", format="ISO8601")
    told = {
        text: text if pd.isna(time) else time.strftime("%Y-%m-%dT%H:%M:%SZ")
        for text, time in zip(different, read, strict=True)
    }
    return [told[text] for text in dates]


def _suggest(survey: Survey, rows: pd.DataFrame, codes: dict[str, str], source: Source, brought: Brought) -> None:
    ranks = source.read.ranks
    if not ranks:
        return
    parts = []
    for rank in range(1, ranks + 1):
        given = rows[rows[f"suggestion_{rank}"] != ""]
        confidence = given[f"confidence_{rank}"].astype(object)
        confidence = confidence.where(given[f"confidence_{rank}"].notna(), None)
        labels = [codes[code] for code in given[f"suggestion_{rank}"]]
        parts += list(zip(given["point"].tolist(), [rank] * len(given), labels, confidence.tolist(), strict=True))
    model = f"imported from {source.path.replace(chr(92), '/').rsplit('/', 1)[-1]}"
    survey.connection.executemany("DELETE FROM suggestions WHERE point = ?", {(part[0],) for part in parts})
    put = 'INSERT OR IGNORE INTO suggestions (point, "rank", label, confidence, model) VALUES (?, ?, ?, ?, ?)'
    survey.connection.executemany(put, [(*part, model) for part in parts])
    brought.suggestions += len(parts)
