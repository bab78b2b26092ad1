"""The photos of a survey while facts about them are gathered: those it has, and new ones; then written at once."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from .build import srs_of
from .photofacts import named, projected
from .schema import EMPTY, FACTS, OWN_COLUMNS, PHOTO_COLUMNS, point_blob, quoted
from .survey import Survey

Value = str | int | float | None
TYPES = {"i": "INTEGER", "u": "INTEGER", "b": "INTEGER", "f": "REAL"}
OF_FILE = ("path", "width", "height", "taken", "orientation", "heading_deg")
"""What the file itself says: where there is one, it is right."""


@dataclass
class Row:
    """A photo: what stands in the survey, and what was told since; who told it first is believed."""

    name: str
    number: int = 0
    """In the survey; 0 for a new one."""
    had: dict[str, Value] = field(default_factory=dict)
    told: dict[str, Value] = field(default_factory=dict)
    position: tuple[float, float] | None = None
    """Longitude and latitude, degrees; told since."""
    placed: bool = False
    """Whether the survey has a position."""

    def get(self, key: str) -> Value:
        """What is known now."""
        return self.told.get(key) if not empty(self.told.get(key)) else self.had.get(key)


class PhotoRows:
    """All photos, by place in a list that only grows."""

    def __init__(self, survey: Survey) -> None:
        self.survey = survey
        self.columns = {row[1]: row[2] for row in survey.connection.execute("PRAGMA table_info(photos)")}
        self.rows: list[Row] = []
        for values in survey.connection.execute("SELECT * FROM photos ORDER BY photo"):
            had = dict(zip(self.columns, values, strict=True))
            placed = had.pop("geom") is not None
            self.rows.append(Row(str(had["name"]), int(had.pop("photo")), had, placed=placed))
        self.there = len(self.rows)

    @property
    def names(self) -> list[str]:
        """In their order."""
        return [row.name for row in self.rows]

    def add(self, names: Sequence[str]) -> list[int]:
        """New photos; their places."""
        begin = len(self.rows)
        self.rows += [Row(name) for name in names]
        return list(range(begin, len(self.rows)))

    def tell(self, place: int, facts: Mapping[str, Value], *, weakly: bool = False) -> None:
        """Facts of a photo; what was told before stays, what is empty tells nothing.

        Args:
            place: of the photo.
            facts: by column.
            weakly: for what is only inferred: what the survey holds stands against it without a word.
        """
        row = self.rows[place]
        for key, value in facts.items():
            known = row.get(key) if weakly else row.told.get(key)
            if not empty(value) and empty(known):
                row.told[key] = value

    def place(self, place: int, longitude: float, latitude: float, by: str) -> None:
        """A position, unless one was told."""
        row = self.rows[place]
        if row.position is None and math.isfinite(longitude) and math.isfinite(latitude):
            row.position = (longitude, latitude)
            row.told["placed_by"] = by

    def own_names(self, table: pd.DataFrame) -> dict[str, str]:
        """Column of `photos` for each column of a table, made where it is missing."""
        by_lower = {name.lower(): name for name in self.columns}
        found = {}
        for column in table.columns:
            name = str(column)
            if name in FACTS:
                found[name] = name
                continue
            if name.lower() in OWN_COLUMNS:
                name = f"{name}_told"
            if name.lower() not in by_lower:
                kind = TYPES.get(table[column].dtype.kind, "TEXT")
                self.survey.connection.execute(f"ALTER TABLE photos ADD COLUMN {quoted(name)} {kind}")
                self.columns[name] = kind
                by_lower[name.lower()] = name
            found[str(column)] = by_lower[name.lower()]
        return found

    def tell_table(self, places: Sequence[int], table: pd.DataFrame) -> None:
        """Rows of a table by place of the photo, -1 for none."""
        own = self.own_names(table)
        columns = {own[str(name)]: plain_values(table[name]) for name in table.columns}
        for number, place in enumerate(places):
            if place >= 0:
                self.tell(place, {name: values[number] for name, values in columns.items()})

    # Writing ------------------------------------------------------------------------------------------------------

    def write(self, replace: bool) -> list[str]:
        """Put all that was told into the survey.

        Args:
            replace: whether what was told now stands against what the survey held.

        Returns:
            Sentences on what the survey held otherwise.
        """
        srs, crs = srs_of(self.survey)
        notes = [] if crs else self._unplaced()
        points = self._points(crs)
        against: Counter[str] = Counter()
        names: list[str] = []
        for place, row in enumerate(self.rows):
            blob = None if row.position is None else point_blob(float(points[place, 0]), float(points[place, 1]), srs)
            if not row.number:
                self._insert(row, blob)
            elif self._update(row, blob, replace, against):
                names.append(row.name)
        if not names:
            return notes
        which = "was replaced by what was brought in" if replace else "was kept"
        said = ", ".join(f"{key} ({count:,})" for key, count in against.most_common())
        return [
            *notes,
            f"Photos of which the survey said otherwise, which {which}: {named(names)}. It is about: {said}.",
        ]

    def _unplaced(self) -> list[str]:
        """Take back positions: the survey has no coordinate system that they could stand in."""
        placed = [row for row in self.rows if row.position is not None]
        for row in placed:
            row.position = None
            del row.told["placed_by"]
        names = named([row.name for row in placed])
        return [f"The survey has no coordinate system, so these photos are not placed: {names}."] if placed else []

    def _points(self, crs: str) -> NDArray[np.float64]:
        lonlat = np.array([row.position or (np.nan, np.nan) for row in self.rows], dtype=np.float64).reshape(-1, 2)
        return projected(lonlat, "EPSG:4326", crs) if crs else lonlat

    def _insert(self, row: Row, blob: bytes | None) -> None:
        row.number = add_photo(self.survey, {**row.told, "name": row.name, "geom": blob})

    def _update(self, row: Row, blob: bytes | None, replace: bool, against: "Counter[str]") -> bool:
        """Change a photo of the survey; True where it said otherwise."""
        changed: dict[str, Value | bytes] = {}
        differs = False
        for key, value in row.told.items():
            held = row.had.get(key)
            if same(held, value) or key == "placed_by":
                continue
            if not empty(held) and key not in OF_FILE:
                against[key] += 1
                differs = True
                if not replace:
                    continue
            changed[key] = value
        if blob is not None and (replace or not row.placed):
            changed |= {"geom": blob, "placed_by": row.told["placed_by"]}
        if changed:
            sets = ", ".join(f"{quoted(name)} = ?" for name in changed)
            put = " ".join(["UPDATE photos SET", sets, "WHERE photo = ?"])
            self.survey.connection.execute(put, (*changed.values(), row.number))
        return differs


def add_photo(survey: Survey, values: Mapping[str, Value | bytes]) -> int:
    """Put a photo into a survey; its number. Columns that are not named are blank."""
    blank: dict[str, Value | bytes] = {name: "" for name, kind in PHOTO_COLUMNS.items() if kind == "TEXT"}
    blank |= {"width": 0, "height": 0, "orientation": 0, "points": 0, "annotated": 0, "state": EMPTY}
    whole = {**blank, **values}
    names, marks = ", ".join(map(quoted, whole)), ", ".join("?" * len(whole))
    put = " ".join(["INSERT INTO photos (", names, ") VALUES (", marks, ")"])
    return int(survey.connection.execute(put, tuple(whole.values())).lastrowid or 0)


def empty(value: Value) -> bool:
    """True for what says nothing; 0 is a number, but of width, height and orientation, where it stands for unknown."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def same(one: Value, other: Value) -> bool:
    """True where both say the same, numbers to a millionth."""
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)
    return str(one if one is not None else "") == str(other if other is not None else "")


def plain_values(column: "pd.Series[object]") -> list[Value]:
    """Values as SQLite takes them; dates as text, nothing for what is missing."""
    if column.dtype.kind == "M":
        return [None if pd.isna(value) else pd.Timestamp(value).isoformat() for value in column]
    made: list[Value] = []
    for value in column.tolist():
        missing = value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value))
        made.append(None if missing else value if isinstance(value, (str, int, float)) else str(value))
    return made
