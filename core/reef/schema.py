"""What a survey file holds: a GeoPackage of photos, points, annotations, suggestions and labels.

QGIS, GDAL and SQLite open it; this is the one place that says what its tables and columns are.  Standard library only,
Python 3.9: the dock edits the file through `survey.py`.
"""

import struct
from typing import TYPE_CHECKING, Callable, Dict, Optional, Tuple

if TYPE_CHECKING:  # styles of layers need the names below only, and QGIS should start fast
    import sqlite3

PHOTOS, QUADRATS, POINTS = "photos", "quadrats", "points"
ANNOTATIONS, SUGGESTIONS, LABELS, LEARNT = "annotations", "suggestions", "labels", "learnt"
HELD_OUT = "heldout"
RESULT = "reefsurvey"
"""What sidecar and style call such a file."""

CONFIRMED, IMPORTED, ACCEPTED, MACHINE = "confirmed", "imported", "accepted", "machine"
"""State of an annotation: by a person here, who judged this point; by someone elsewhere; of a machine, accepted by a
person for a whole photo at once; of a machine, accepted without a look."""
STATES = (CONFIRMED, IMPORTED, ACCEPTED, MACHINE)
"""Those that are believed first stand first."""
OF_MACHINE = (ACCEPTED, MACHINE)
"""Labels that a machine chose: no evidence of how good it is, and nothing to learn from. Photos with accepted ones are
done all the same."""
JUDGED = """
SELECT f.photo FROM photos f WHERE f.state = 'done' AND NOT EXISTS (
    SELECT 1 FROM points p WHERE p.photo = f.photo AND NOT EXISTS (
        SELECT 1 FROM annotations a WHERE a.point = p.point AND a.state NOT IN ('accepted', 'machine')))"""
"""Asks for the finished photos of which people judged every point: those that teach, check and count."""
EMPTY, WAITING, BEGUN, BY_MACHINE, DONE = "no points", "waiting", "begun", "machine", "done"
"""State of a photo: no points; none annotated; some; all, a machine's among them; all, by people."""
PHOTO_STATES = (DONE, BY_MACHINE, BEGUN, WAITING, EMPTY)
FROM_SET, UNKNOWN = "set", "unknown"
"""Origin of a label: from a label set; met in a file or typed, and in no set."""
MOST_SUGGESTIONS = 5
TRUSTED = 0
"""Rank of the suggestion at the deepest level of the label tree that is trusted at the wished accuracy; the labels that
are most probable have ranks from 1."""

PHOTO_COLUMNS: Dict[str, str] = {
    "name": "TEXT", "path": "TEXT", "width": "INTEGER", "height": "INTEGER", "site": "TEXT", "transect": "TEXT",
    "quadrat": "TEXT", "date": "TEXT", "depth_m": "REAL", "area_m2": "REAL", "window": "TEXT", "points": "INTEGER",
    "annotated": "INTEGER", "state": "TEXT", "taken": "TEXT", "orientation": "INTEGER", "heading_deg": "REAL",
    "placed_by": "TEXT",
}  # fmt: skip
"""Columns of `photos` besides `photo` (the number, primary key) and `geom`, with their types.

width, height: px as stored, 0 unknown.  date: ISO date or date-time, local.  window: `row,col,height,width` of the
orthomosaic `path` where the photo is a quadrat of it.  points, annotated, state: kept by `survey.py`.  taken: EXIF time
as the camera's clock said.  orientation: EXIF 1 to 8, 0 unknown, never applied.  placed_by: what told the position.
"""
OWN_COLUMNS = ("photo", "geom", "fid", *PHOTO_COLUMNS)
"""Names that further columns of a user's table cannot have."""
FACTS = ("site", "transect", "quadrat", "date", "depth_m", "area_m2")
"""Columns that say what a photo shows, whatever source tells it."""

TABLES: Dict[str, str] = {
    POINTS: """CREATE TABLE points (
        point INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POINT, photo INTEGER NOT NULL, number INTEGER NOT NULL,
        "row" INTEGER NOT NULL, col INTEGER NOT NULL)""",
    ANNOTATIONS: """CREATE TABLE annotations (
        annotation INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, point INTEGER NOT NULL, annotator TEXT NOT NULL,
        label TEXT NOT NULL, state TEXT NOT NULL, "at" TEXT NOT NULL)""",
    SUGGESTIONS: """CREATE TABLE suggestions (
        suggestion INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, point INTEGER NOT NULL, "rank" INTEGER NOT NULL,
        label TEXT NOT NULL, confidence REAL, model TEXT NOT NULL)""",
    LABELS: """CREATE TABLE labels (
        fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, code TEXT NOT NULL COLLATE NOCASE, name TEXT NOT NULL,
        parent TEXT NOT NULL, colour TEXT NOT NULL, label_id TEXT NOT NULL, "key" TEXT NOT NULL,
        origin TEXT NOT NULL)""",
}
"""Everything but the two layers with user's columns, which are made by GDAL (`build.py`).

points: row and col are 0-based pixels from the upper left of the stored photo, or of its window; `geom` is set on an
orthomosaic.  annotations: one for each point and annotator.  suggestions: rank 1 to 5, the most probable first; rank 0
is `TRUSTED`.  confidence: 0 to 1.
"""
LATER_TABLES: Dict[str, str] = {
    LEARNT: """CREATE TABLE learnt (
        fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, model TEXT NOT NULL, photo INTEGER NOT NULL)""",
    HELD_OUT: """CREATE TABLE heldout (
        fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, point INTEGER NOT NULL, label TEXT NOT NULL,
        model TEXT NOT NULL)""",
}
"""Tables that surveys made before lack, and get at their first edit.

learnt: photos that the model of a suggestion learnt from: what it says of them proves nothing. A row with `NO_PHOTO`
says that these are known, as they are not of models of elsewhere.  heldout: of points of such photos, what a model said
in training while their photo was held out; of one model.
"""
NO_PHOTO = 0
INDEXES = (
    "CREATE UNIQUE INDEX photos_name ON photos (name)",
    "CREATE UNIQUE INDEX points_number ON points (photo, number)",
    "CREATE UNIQUE INDEX annotations_one ON annotations (point, annotator)",
    'CREATE UNIQUE INDEX suggestions_rank ON suggestions (point, "rank")',
    "CREATE UNIQUE INDEX labels_code ON labels (code)",
)
LATER_INDEXES = {
    LEARNT: "CREATE UNIQUE INDEX learnt_one ON learnt (model, photo)",
    HELD_OUT: "CREATE UNIQUE INDEX heldout_one ON heldout (point)",
}
NO_TIME = "1980-01-01T00:00:00.000Z"
"""In place of the time of writing, so that equal surveys make equal files."""
REFRESH = """
UPDATE photos SET (points, annotated, state) = (
    SELECT COUNT(*), COALESCE(SUM(byperson), 0), CASE
        WHEN COUNT(*) = 0 THEN 'no points' WHEN COUNT(byperson) = 0 THEN 'waiting'
        WHEN COUNT(byperson) < COUNT(*) THEN 'begun' WHEN SUM(byperson) < COUNT(*) THEN 'machine' ELSE 'done' END
    FROM points p LEFT JOIN (
        SELECT point, MAX(state <> 'machine') AS byperson FROM annotations
        WHERE point IN (SELECT point FROM points WHERE photo = :photo) GROUP BY point
    ) a ON a.point = p.point WHERE p.photo = :photo) WHERE photo = :photo"""
REFRESH_ALL = (
    """CREATE TEMP TABLE counted AS
    SELECT photo, COUNT(*) AS every, COUNT(byperson) AS said, COALESCE(SUM(byperson), 0) AS people
    FROM points p LEFT JOIN (
        SELECT point, MAX(state <> 'machine') AS byperson FROM annotations GROUP BY point
    ) a ON a.point = p.point GROUP BY photo""",
    "CREATE INDEX temp.counted_photo ON counted (photo)",
    """UPDATE photos SET (points, annotated, state) = (
        SELECT every, people, CASE WHEN said = 0 THEN 'waiting' WHEN said < every THEN 'begun'
            WHEN people < every THEN 'machine' ELSE 'done' END
        FROM counted WHERE counted.photo = photos.photo)""",
    "UPDATE photos SET points = 0, annotated = 0, state = 'no points' WHERE points IS NULL",
    "DROP TABLE counted",
)
"""Count points and annotations of a photo, or of all, anew; a point counts once whoever annotated it."""
EXTENTS = {
    PHOTOS: "SELECT MIN(ST_MinX(geom)), MIN(ST_MinY(geom)), MAX(ST_MaxX(geom)), MAX(ST_MaxY(geom)) FROM photos "
    "WHERE geom IS NOT NULL",
    QUADRATS: "SELECT MIN(ST_MinX(geom)), MIN(ST_MinY(geom)), MAX(ST_MaxX(geom)), MAX(ST_MaxY(geom)) FROM quadrats "
    "WHERE geom IS NOT NULL",
    POINTS: "SELECT MIN(ST_MinX(geom)), MIN(ST_MinY(geom)), MAX(ST_MaxX(geom)), MAX(ST_MaxY(geom)) FROM points "
    "WHERE geom IS NOT NULL",
}
"""Asks where each layer lies."""
_ENVELOPES = {1: 4, 2: 6, 3: 6, 4: 8}
"""Doubles in the envelope of a geometry by its code; Source: OGC 12-128r19, 2.1.3."""


def create_tables(connection: "sqlite3.Connection") -> None:
    """Add what `photos` and `quadrats` lack to be a survey; both are there, with their coordinate system."""
    srs = connection.execute("SELECT srs_id FROM gpkg_contents WHERE table_name = ?", (PHOTOS,)).fetchone()[0]
    for name, statement in TABLES.items():
        connection.execute(statement)
        _list_table(connection, name, srs if name == POINTS else 0)
    connection.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', 'POINT', ?, 0, 0)", (POINTS, srs))
    for statement in INDEXES:
        connection.execute(statement)
    for name in LATER_TABLES:
        add_table(connection, name)


def add_table(connection: "sqlite3.Connection", name: str) -> None:
    """Add one of `LATER_TABLES`."""
    connection.execute(LATER_TABLES[name])
    connection.execute(LATER_INDEXES[name])
    _list_table(connection, name, 0)


def _list_table(connection: "sqlite3.Connection", name: str, srs: int) -> None:
    """Tell GDAL and QGIS of it."""
    connection.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change, srs_id) VALUES (?, ?, ?, ?, ?)",
        (name, "features" if name == POINTS else "attributes", name, NO_TIME, srs),
    )


def quoted(name: str) -> str:
    """A column of a user's table as SQL writes it, whatever is in its name."""
    return '"{}"'.format(name.replace('"', '""'))


def point_blob(x: float, y: float, srs: int) -> bytes:
    """A point as a GeoPackage stores it."""
    return struct.pack("<2sBBi", b"GP", 0, 1, srs) + struct.pack("<BIdd", 1, 1, x, y)


def shape_blob(wkb: bytes, bounds: Tuple[float, float, float, float], srs: int) -> bytes:
    """Any geometry as a GeoPackage stores it, from its WKB and its west, south, east and north."""
    west, south, east, north = bounds
    return struct.pack("<2sBBi4d", b"GP", 0, 3, srs, west, east, south, north) + wkb


def bounds_of(blob: Optional[bytes]) -> Optional[Tuple[float, float, float, float]]:
    """West, east, south, north of a point, or of any geometry that carries its envelope; None where there is none."""
    if blob is None or len(blob) < 8 or blob[:2] != b"GP":
        return None
    flags = blob[3]
    order, code = "<" if flags & 1 else ">", flags >> 1 & 7
    try:
        if code in _ENVELOPES:
            west, east, south, north = struct.unpack_from(f"{order}4d", blob, 8)
            return west, east, south, north
        x, y = struct.unpack_from(f"{'<' if blob[8] else '>'}2d", blob, 13)
    except (struct.error, IndexError):
        return None
    return None if x != x or y != y else (x, x, y, y)


def add_functions(connection: "sqlite3.Connection") -> None:
    """Functions that triggers of a spatial index call: SQLite refuses changes without, once QGIS has made an index."""

    def side(number: int) -> Callable[[Optional[bytes]], Optional[float]]:
        def value(blob: Optional[bytes]) -> Optional[float]:
            bounds = bounds_of(blob)
            return None if bounds is None else bounds[number]

        return value

    connection.create_function("ST_IsEmpty", 1, lambda blob: int(bounds_of(blob) is None))
    for number, name in enumerate(("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY")):
        connection.create_function(name, 1, side(number))
