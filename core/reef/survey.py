"""A survey file, read and edited: photos, points, annotations, suggestions, labels; one transaction an edit.

The dock and the engine both come through here.  Standard library only, Python 3.9.  What this does not do: make the
file (`build.py`), open photos, or judge labels (`tree.py`).
"""

import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Dict, Iterable, Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ..errors import BadInput, BadJob
from . import schema
from .schema import CONFIRMED, EMPTY, REFRESH, REFRESH_ALL, UNKNOWN
from .surveyfile import SurveyFile


class Photo(NamedTuple):
    """A photo, or a quadrat of an orthomosaic."""

    photo: int
    name: str
    path: str
    """As stored; `Survey.photo_path` gives the file."""
    width: int
    height: int
    """px as stored; 0 when the file was never seen."""
    window: Tuple[int, ...]
    """Row, column, height and width in the orthomosaic; empty for a photo that is a file of its own."""
    orientation: int
    points: int
    annotated: int
    state: str
    site: str
    transect: str
    quadrat: str
    date: str


class Point(NamedTuple):
    """Where somebody looks: 0-based pixels from the upper left of the photo as it is stored."""

    point: int
    photo: int
    number: int
    row: int
    col: int


class Annotation(NamedTuple):
    """What one annotator says of a point; an empty label stands for nothing, so that every edit can be taken back."""

    point: int
    annotator: str
    label: str
    state: str
    at: str


class Suggestion(NamedTuple):
    """What a model says of a point."""

    point: int
    rank: int
    """1 to 5: labels, the most probable first; 0: the label, often of an inner node, at the deepest level trusted."""
    label: str
    confidence: Optional[float]
    model: str


class Label(NamedTuple):
    """A label: code, name, code of its parent or empty, `#rrggbb`, CoralNet's number, hotkey, and where it is from."""

    code: str
    name: str = ""
    parent: str = ""
    colour: str = ""
    label_id: str = ""
    key: str = ""
    origin: str = schema.FROM_SET


class Survey(SurveyFile):
    """An open survey file; a context that closes it. One thread uses it.

    Raises:
        BadInput: no such file, or no survey in it.
    """

    # Photos and points --------------------------------------------------------------------------------------------

    def photos(self) -> List[Photo]:
        """All, by number."""
        return [_photo(row) for row in self.connection.execute(f"{_PHOTOS} ORDER BY photo")]

    def photo(self, number: int) -> Photo:
        """One by its number.

        Raises:
            BadInput: there is none.
        """
        row = self.connection.execute(f"{_PHOTOS} WHERE photo = ?", (number,)).fetchone()
        if row is None:
            raise BadInput(f"The survey {self.path} has no photo {number}.")
        return _photo(row)

    def photo_path(self, photo: Photo) -> str:
        """Where the image of a photo should lie; empty when no file is known."""
        return found_path(photo.path, self.path)

    def points(self, photo: int) -> List[Point]:
        """Those of a photo, by number."""
        asked = 'SELECT point, photo, number, "row", col FROM points WHERE photo = ? ORDER BY number'
        return [Point(*row) for row in self.connection.execute(asked, (photo,))]

    def add_points(self, photo: int, places: Iterable[Tuple[int, int]]) -> List[Point]:
        """Points at (row, col), numbered on from those that the photo has."""
        with self.edit() as connection:
            asked = "SELECT COALESCE(MAX(number), 0) FROM points WHERE photo = ?"
            last = int(connection.execute(asked, (photo,)).fetchone()[0])
            put = 'INSERT INTO points (photo, number, "row", col) VALUES (?, ?, ?, ?)'
            rows = [(photo, last + n, int(row), int(col)) for n, (row, col) in enumerate(places, 1)]
            connection.executemany(put, rows)
            self.refresh([photo])
        return [point for point in self.points(photo) if point.number > last]

    def remove_points(self, photo: int) -> int:
        """Take away the points of a photo that nobody annotated, with their suggestions; how many went."""
        with self.edit() as connection:
            asked = "SELECT point FROM points WHERE photo = ? AND point NOT IN (SELECT point FROM annotations)"
            loose = connection.execute(asked, (photo,)).fetchall()
            connection.executemany("DELETE FROM suggestions WHERE point = ?", loose)
            connection.executemany("DELETE FROM points WHERE point = ?", loose)
            self.refresh([photo])
        return len(loose)

    def refresh(self, photos: Optional[Sequence[int]] = None) -> None:
        """Count points and annotations of these photos, or of all, anew, as `photos` tells them."""
        with self.edit() as connection:
            for statement in REFRESH_ALL if photos is None else ():
                connection.execute(statement)
            connection.executemany(REFRESH, [{"photo": photo} for photo in photos or ()])

    # Annotations --------------------------------------------------------------------------------------------------

    def annotators(self) -> List[str]:
        """Names of those who annotated, in order; '' is one whom no file named."""
        return [row[0] for row in self.connection.execute("SELECT DISTINCT annotator FROM annotations ORDER BY 1")]

    def annotations(self, photo: int, annotator: Optional[str] = None) -> List[Annotation]:
        """Of all points of a photo, by point and annotator; of one annotator where one is named."""
        asked = (
            'SELECT a.point, annotator, label, state, "at" FROM annotations a JOIN points p ON p.point = a.point '
            "WHERE photo = ? ORDER BY number, annotator"
        )
        found = [Annotation(*row) for row in self.connection.execute(asked, (photo,))]
        return [one for one in found if annotator is None or one.annotator == annotator]

    def annotate(
        self, labels: Iterable[Tuple[int, str]], annotator: str, state: str = CONFIRMED, at: Optional[str] = None
    ) -> List[Annotation]:
        """Give points a label each, in one edit.

        Args:
            labels: (point, code); an empty code takes the annotation away.
            annotator: who says so; what others say stays.
            state: `confirmed`, `imported` or `machine`.
            at: ISO time; None is now.

        Returns:
            What stood there before: hand it to `put_back` to undo.

        Raises:
            BadInput: no such point, or a code that the survey does not list.
        """
        codes, time = self._codes(), now() if at is None else at
        wanted = []
        for point, label in labels:
            if label and label.lower() not in codes:
                raise BadInput(f"The survey {self.path} lists no label '{label}'. Add it to its labels first.")
            code = codes[label.lower()] if label else ""
            wanted.append(Annotation(point, annotator, code, state if code else "", time if code else ""))
        return self.put_back(wanted)

    def put_back(self, annotations: Sequence[Annotation]) -> List[Annotation]:
        """Set annotations exactly so, in one edit; those with an empty label are taken away. Returns what was there.

        Raises:
            BadInput: no such point.
        """
        before, photos = [], set()
        with self.edit() as connection:
            for one in annotations:
                held = connection.execute("SELECT photo FROM points WHERE point = ?", (one.point,)).fetchone()
                if held is None:
                    raise BadInput(f"The survey {self.path} has no point {one.point}.")
                photos.add(held[0])
                asked = 'SELECT label, state, "at" FROM annotations WHERE point = ? AND annotator = ?'
                old = connection.execute(asked, one[:2]).fetchone()
                before.append(Annotation(*one[:2], *(old or ("", "", ""))))
                if not one.label:
                    connection.execute("DELETE FROM annotations WHERE point = ? AND annotator = ?", one[:2])
                else:
                    connection.execute(PUT_ANNOTATION, one)
            self.refresh(sorted(photos))
        return before[::-1]

    # Suggestions and labels ---------------------------------------------------------------------------------------

    def suggestions(self, photo: int) -> Dict[int, List[Suggestion]]:
        """By point, best first: labels of ranks 1 to 5."""
        found: Dict[int, List[Suggestion]] = {}
        for one in self._suggested(photo, 1, schema.MOST_SUGGESTIONS):
            found.setdefault(one.point, []).append(one)
        return found

    def trusted(self, photo: int) -> Dict[int, Suggestion]:
        """By point, the label at the deepest level that is trusted; points without one have none that is."""
        return {one.point: one for one in self._suggested(photo, schema.TRUSTED, schema.TRUSTED)}

    def _suggested(self, photo: int, first: int, last: int) -> Iterator[Suggestion]:
        asked = (
            'SELECT s.point, "rank", label, confidence, model FROM suggestions s JOIN points p ON p.point = s.point '
            'WHERE photo = ? AND "rank" BETWEEN ? AND ? ORDER BY number, "rank"'
        )
        return (Suggestion(*row) for row in self.connection.execute(asked, (photo, first, last)))

    def suggest(self, suggestions: Iterable[Suggestion]) -> None:
        """Put suggestions, trusted ones among them, in place of all that their points had."""
        rows = list(suggestions)
        with self.edit() as connection:
            points = sorted({(one.point,) for one in rows})
            connection.executemany("DELETE FROM suggestions WHERE point = ?", points)
            put = 'INSERT INTO suggestions (point, "rank", label, confidence, model) VALUES (?, ?, ?, ?, ?)'
            connection.executemany(put, rows)

    def learnt(self, model: str) -> Set[int]:
        """Numbers of the photos that a model learnt from."""
        if not self.has(schema.LEARNT):
            return set()
        asked = "SELECT photo FROM learnt WHERE model = ? AND photo > 0"
        return {row[0] for row in self.connection.execute(asked, (model,))}

    def learners(self) -> Set[str]:
        """Models of which is known what they learnt from; of others, as of CoralNet, it is not."""
        if not self.has(schema.LEARNT):
            return set()
        return {row[0] for row in self.connection.execute("SELECT DISTINCT model FROM learnt")}

    def put_learnt(self, model: str, photos: Iterable[int]) -> None:
        """Note which photos a model learnt from, none too, in place of what stood there of it."""
        rows = [(model, photo) for photo in sorted({schema.NO_PHOTO, *photos})]
        with self.edit() as connection:
            connection.execute("DELETE FROM learnt WHERE model = ?", (model,))
            connection.executemany("INSERT INTO learnt (model, photo) VALUES (?, ?)", rows)

    def held_out(self, model: str) -> Dict[int, str]:
        """By point, what a model said in training while the photo was held out; only of photos that it learnt from."""
        if not self.has(schema.HELD_OUT):
            return {}
        return dict(self.connection.execute("SELECT point, label FROM heldout WHERE model = ?", (model,)).fetchall())

    def put_held_out(self, model: str, labels: Iterable[Tuple[int, str]]) -> None:
        """Note what a model said of held-out points, in place of all that stood there of this one or another."""
        rows = [(point, label, model) for point, label in labels]
        with self.edit() as connection:
            connection.execute("DELETE FROM heldout")
            connection.executemany("INSERT INTO heldout (point, label, model) VALUES (?, ?, ?)", rows)

    def labels(self) -> List[Label]:
        """In the order in which they were added."""
        asked = 'SELECT code, name, parent, colour, label_id, "key", origin FROM labels ORDER BY fid'
        return [Label(*row) for row in self.connection.execute(asked)]

    def put_labels(self, labels: Iterable[Label]) -> None:
        """Add labels, or change those with the same code in any case; what is empty leaves what there was."""
        with self.edit() as connection:
            for label in labels:
                if not label.code.strip():
                    raise BadJob("A label needs a code.")
                connection.execute(PUT_LABEL, label)

    def label_of(self, code: str) -> str:
        """The code as the survey spells it; a new one is listed as unknown."""
        known = self._codes().get(code.lower())
        if known is None:
            self.put_labels([Label(code, origin=UNKNOWN)])
        return known or code

    def _codes(self) -> Dict[str, str]:
        return {row[0].lower(): row[0] for row in self.connection.execute("SELECT code FROM labels")}

    # As a whole ---------------------------------------------------------------------------------------------------

    def counts(self) -> Dict[str, int]:
        """How much there is: photos by state, points, annotations, suggestions, labels, labels of unknown origin."""
        asked = (
            "SELECT (SELECT COUNT(*) FROM photos), (SELECT COUNT(*) FROM points), (SELECT COUNT(*) FROM annotations), "
            '(SELECT COUNT(*) FROM suggestions WHERE "rank" > 0), (SELECT COUNT(*) FROM labels)'
        )
        tables = (schema.PHOTOS, schema.POINTS, schema.ANNOTATIONS, schema.SUGGESTIONS, schema.LABELS)
        counted = self.connection.execute(asked).fetchone()
        count: Dict[str, int] = {name: counted[place] for place, name in enumerate(tables)}
        states = dict(self.connection.execute("SELECT state, COUNT(*) FROM photos GROUP BY state").fetchall())
        asked = "SELECT COUNT(*) FROM labels WHERE origin = ?"
        unknown = self.connection.execute(asked, (UNKNOWN,)).fetchone()[0]
        return {**count, **{f"photos {state}": states.get(state, 0) for state in schema.PHOTO_STATES},
                "unknown labels": unknown}  # fmt: skip


_PHOTOS = (
    'SELECT photo, name, path, width, height, "window", orientation, points, annotated, state, site, transect, '
    "quadrat, date FROM photos"
)
PUT_ANNOTATION = (
    'INSERT INTO annotations (point, annotator, label, state, "at") VALUES (?, ?, ?, ?, ?) ON CONFLICT (point, '
    'annotator) DO UPDATE SET label = excluded.label, state = excluded.state, "at" = excluded."at"'
)
PUT_LABEL = (
    'INSERT INTO labels (code, name, parent, colour, label_id, "key", origin) VALUES (?, ?, ?, ?, ?, ?, ?) '
    "ON CONFLICT (code) DO UPDATE SET name = COALESCE(NULLIF(excluded.name, ''), name), "
    "parent = COALESCE(NULLIF(excluded.parent, ''), parent), "
    "colour = COALESCE(NULLIF(excluded.colour, ''), colour), "
    "label_id = COALESCE(NULLIF(excluded.label_id, ''), label_id), "
    '"key" = COALESCE(NULLIF(excluded."key", \'\'), "key"), '
    "origin = CASE excluded.origin WHEN 'unknown' THEN origin ELSE excluded.origin END"
)


def _photo(row: Sequence[Any]) -> Photo:
    number, name, path, width, height, window, orientation, points, annotated, state, *facts = row
    name = name or nameless(number)
    try:
        parts = tuple(int(part) for part in window.split(",")) if window else ()
    except (ValueError, AttributeError, TypeError) as error:
        raise BadInput(
            f"The photo {name} has the window '{window}'; it must be row,col,height,width in pixels, or empty for a "
            "photo that is a file of its own. Mend it in the layer photos."
        ) from error
    texts = [str(fact) if fact is not None else "" for fact in facts]
    # Programs that do not know what a column is for may have written anything; these are counted anew.
    every, said = (count if isinstance(count, int) else 0 for count in (points, annotated))
    return Photo(
        number, name, path or "", width or 0, height or 0, parts, orientation or 0, every, said, state or EMPTY, *texts
    )


def nameless(number: int) -> str:
    """What a photo is called whose name somebody took away."""
    return f"photo {number}"


def now() -> str:
    """The time as annotations note it: ISO, UTC, whole seconds."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: UP017 - Python 3.9


def stored_path(path: str, survey: str) -> str:
    """How a survey notes the path of a photo: relative where it lies beside or below, so that both can be moved."""
    if not path or path.startswith("/vsi"):
        return path
    place, folder = os.path.abspath(path), os.path.dirname(os.path.abspath(survey))
    try:
        below = os.path.commonpath([place, folder]) == folder
    except ValueError:  # on another drive
        below = False
    return Path(os.path.relpath(place, folder)).as_posix() if below else Path(place).as_posix()


def found_path(stored: str, survey: str) -> str:
    """The path that `stored_path` noted, absolute; empty stays empty."""
    if not stored or stored.startswith("/vsi"):
        return stored
    return os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(survey)), stored))
