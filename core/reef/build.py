"""Survey files made, or copied before they are changed, so that a run that fails leaves what there was."""

import sqlite3
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
from pyogrio.errors import DataSourceError
from pyproj import CRS

from ..atomic import check_folder, replacing
from ..errors import BadInput, BadJob, Unwritable
from ..vector import OLD_GEOPACKAGE
from . import schema
from .looks import store_looks
from .survey import Survey, found_path, stored_path

SUFFIX = ".gpkg"
Columns = dict[str, "pd.Series[Any]"]
DEGREES = "EPSG:4326"
BY_PEOPLE = (
    'SELECT f.name, p."row", p.col, a.annotator, a.label FROM annotations a JOIN points p ON p.point = a.point '
    "JOIN photos f ON f.photo = p.photo WHERE a.state <> 'machine'"
)
LOCAL = ("LOCAL_CS", "ENGCRS", "ENGINEERINGCRS", "undefined")
"""How GDAL, by its version, writes that no coordinate system is known."""
_DTYPES = {"TEXT": "object", "INTEGER": "int64", "REAL": "float64"}


def create(path: str | Path, crs: str = DEGREES) -> None:
    """An empty survey.

    Args:
        path: of the file, which is not there yet.
        crs: of photos, quadrats and points, anything that pyproj reads; empty where none is known.

    Raises:
        Unwritable: GDAL cannot write there.
    """
    photos = {name: pd.Series(dtype=_DTYPES[kind]) for name, kind in schema.PHOTO_COLUMNS.items()}
    quadrats = {"photo": pd.Series(dtype="int64")}
    # Without a spatial index plain SQLite can change photos; there are thousands, not millions.
    options = {"SPATIAL_INDEX": "NO", "GEOMETRY_NAME": "geom"}
    given = CRS.from_user_input(crs).to_wkt() if crs else None
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": schema.NO_TIME})
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "'crs' was not provided")
            _write_layers(path, photos, quadrats, given, options)
    except DataSourceError as error:
        # GDAL says the whole statement that failed before why it did.
        why = "the disk is full. Make room and run the job again" if "disk is full" in str(error) else str(error)
        raise Unwritable(f"{path} cannot be written: {why}.") from error
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})
    with closing(sqlite3.connect(path)) as connection, connection:
        schema.create_tables(connection)
        store_looks(connection)


def _write_layers(
    path: str | Path, photos: Columns, quadrats: Columns, crs: str | None, options: dict[str, str]
) -> None:
    pyogrio.write_dataframe(
        gpd.GeoDataFrame(photos, geometry=gpd.GeoSeries([], crs=crs)), path, layer=schema.PHOTOS, driver="GPKG",
        geometry_type="Point", layer_options={**options, "FID": "photo"}, dataset_options={"VERSION": OLD_GEOPACKAGE},
    )  # fmt: skip
    pyogrio.write_dataframe(
        gpd.GeoDataFrame(quadrats, geometry=gpd.GeoSeries([], crs=crs)), path, layer=schema.QUADRATS, driver="GPKG",
        geometry_type="Polygon", layer_options=options, append=True,
    )  # fmt: skip


@contextmanager
def changing(survey: str, output: str, crs: str = DEGREES) -> Iterator[Survey]:
    """A survey to change, in one edit: all of it, or nothing when the block raises.

    Args:
        survey: the one to go on with; empty makes a new one.
        output: where the result goes; empty changes `survey` itself.
        crs: of a new one.

    Raises:
        BadJob: neither is given, the output is no GeoPackage, or it is a survey with annotations that would be lost.
        BadInput: `survey` is none.
        Unwritable: the output cannot be written.
    """
    source = survey.partition("|")[0]
    if not output or (source and Path(source).resolve() == Path(output).resolve()):
        if not source:
            raise BadJob("Name the survey file to write.")
        with Survey(source) as opened, opened.edit():
            yield opened
            _note_extents(opened)
        return
    if Path(output).suffix.lower() != SUFFIX:
        raise BadJob(f"The survey {output} must be a {SUFFIX} file.")
    check_folder(output)
    with replacing(output) as temporary:
        temporary.unlink(missing_ok=True)
        if source:
            _copy(source, temporary, output)
        else:
            create(temporary, crs)
        with Survey(str(temporary)) as opened, opened.edit():
            yield opened
            _note_extents(opened)
            _keep_annotations(output, opened)


def _keep_annotations(path: str, made: Survey) -> None:
    """Refuse to put a survey in place of one that says more: a repeated import must not cost days of annotation.

    Raises:
        BadJob: annotations of people would be lost; says how many.
    """
    if not Path(path).is_file():
        return
    try:
        with Survey(path) as old:
            held = set(old.connection.execute(BY_PEOPLE))
    except BadInput:
        return  # another file, which is replaced as by any job
    lost = held - set(made.connection.execute(BY_PEOPLE)) if held else set()
    if lost:
        raise BadJob(
            f"{path} is a survey with {len(lost):,} annotations that the new one does not have. Choose another file, "
            "or give it as the survey to add to."
        )


def _copy(source: str, target: Path, final: str) -> None:
    """The whole file, whatever another program has open; paths of photos noted from where it will lie."""
    with Survey(source) as old, closing(sqlite3.connect(target)) as connection:
        old.connection.backup(connection)
        schema.add_functions(connection)
        paths = [(photo.path, photo.photo) for photo in old.photos() if photo.path]
        moved = [(stored_path(found_path(path, source), final), number) for path, number in paths]
        changed = [new for new, (path, _) in zip(moved, paths, strict=True) if new[0] != path]
        with connection:
            connection.executemany("UPDATE photos SET path = ? WHERE photo = ?", changed)
        connection.execute("PRAGMA journal_mode = DELETE")


def srs_of(survey: Survey) -> tuple[int, str]:
    """Number and WKT of the coordinate system of photos, points and quadrats; empty WKT where none is known."""
    asked = (
        "SELECT s.srs_id, s.organization, s.organization_coordsys_id, s.definition FROM gpkg_contents c "
        "JOIN gpkg_spatial_ref_sys s ON s.srs_id = c.srs_id WHERE c.table_name = 'photos'"
    )
    found = survey.connection.execute(asked).fetchone()
    if found is None:
        raise BadInput(f"{survey.path} does not say what coordinate system its photos have.")
    number, organization, code, definition = found
    if number <= 0 or str(definition).startswith(LOCAL):
        return int(number), ""
    return int(number), f"EPSG:{code}" if organization.upper() == "EPSG" else str(definition)


def _note_extents(survey: Survey) -> None:
    """Where the layers lie, as GDAL and QGIS read it when they zoom to a layer."""
    for table, asked in schema.EXTENTS.items():
        bounds = survey.connection.execute(asked).fetchone()
        put = "UPDATE gpkg_contents SET min_x = ?, min_y = ?, max_x = ?, max_y = ? WHERE table_name = ?"
        survey.connection.execute(put, (*bounds, table))
