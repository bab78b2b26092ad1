"""A small survey of photos, made with SQLite alone, as QGIS's own Python has neither GeoPandas nor the engine."""

import contextlib
import sqlite3

from quadrat.core.reef import schema
from quadrat.core.reef.survey import Label, Survey

LABELS = (
    Label("Coral", "Corals", "", "#ee8866"), Label("Hard", "Hard corals", "Coral", "#ee6677", key="h"),
    Label("Por", "Porites", "Hard", "#aa3377", key="p"), Label("Fav", "Favia", "Hard", "#882255"),
    Label("Soft", "Soft corals", "Coral", "#ffaabb"), Label("Sand", "Sand", "", "#ccbb44", key="s"),
)  # fmt: skip
_CONTENTS = """
CREATE TABLE gpkg_contents (table_name TEXT PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
    description TEXT DEFAULT '', last_change TEXT, min_x REAL, min_y REAL, max_x REAL, max_y REAL, srs_id INTEGER);
CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, geometry_type_name TEXT, srs_id INTEGER,
    z INTEGER, m INTEGER);
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT, srs_id INTEGER PRIMARY KEY, organization TEXT,
    organization_coordsys_id INTEGER, definition TEXT, description TEXT);
INSERT INTO gpkg_spatial_ref_sys VALUES ('WGS 84', 4326, 'EPSG', 4326, 'GEOGCS["WGS 84",DATUM["WGS_1984",
    SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]]', '');
"""


def make_survey(path, photos=4, points=5, labels=LABELS, side=100):
    """A survey file of photos that nobody annotated; photos and points count from 1. Returns its path as text.

    Photo 1 has points 1 to 5, photo 2 points 6 to 10; all photos are of site `North` but the last, of `South`.
    """
    columns = ", ".join(f'"{name}" {kind}' for name, kind in schema.PHOTO_COLUMNS.items())
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executescript(_CONTENTS)
        connection.execute(f"CREATE TABLE photos (photo INTEGER PRIMARY KEY, geom POINT, {columns})")
        connection.execute("CREATE TABLE quadrats (fid INTEGER PRIMARY KEY, geom POLYGON, photo INTEGER)")
        put = (
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, last_change, srs_id) VALUES (?, ?, ?, ?, ?)"
        )
        for name, kind in (("photos", "POINT"), ("quadrats", "POLYGON")):
            connection.execute(put, (name, "features", name, schema.NO_TIME, 4326))
            connection.execute("INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, 4326, 0, 0)", (name, kind))
        schema.create_tables(connection)
        rows = [
            (n, schema.point_blob(n / 1000, 0.0, 4326), f"{n}.jpg", f"{n}.jpg", side, side,
             "South" if n == photos else "North", "2026-05-01", 0, 0, schema.EMPTY)
            for n in range(1, photos + 1)
        ]  # fmt: skip
        connection.executemany(
            "INSERT INTO photos (photo, geom, name, path, width, height, site, date, points, annotated, state) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
    with Survey(str(path)) as survey:
        survey.put_labels(labels)
        with survey.edit():
            for photo in range(1, photos + 1):
                survey.add_points(photo, [(place * 7 % side, place * 13 % side) for place in range(points)])
    return str(path)


def finish(survey, photo, code, who="Ana"):
    """One label for all points of a photo."""
    survey.annotate([(point.point, code) for point in survey.points(photo)], who)
