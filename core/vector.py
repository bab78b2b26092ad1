"""Vector layers and tables as geopandas or pandas frames, whatever file they come from."""

import difflib
import gzip
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError

from .errors import BadInput, EngineTooSmall
from .layersource import Source, parse_source

OLD_GEOPACKAGE = "1.2"
"""GDAL up to 3.6, which QGIS 3.22 has, warns of files of version 1.4 whenever it opens one."""
KEPT_NAMES = {"GEOMETRY_NAME": "geom", "FID": "fid"}
"""What a GeoPackage calls its own columns, where no field is called so."""
LITTLE_BYTES = 2**20
"""Less than this is a full disk to whoever just failed to write there."""
TEXT_SUFFIXES = (".csv", ".tsv", ".txt", ".tab")
MOST_COLUMNS = 10_000
"""Of a table of text: vectors have at most 8,192 numbers, and what is read takes ever longer to be told apart."""
TAB_SUFFIXES = (".tsv", ".tab")
PARQUET_SUFFIXES = (".parquet", ".geoparquet", ".pq")


def read_vector(source: str, columns: Sequence[str] | None = None) -> gpd.GeoDataFrame | pd.DataFrame:
    """A layer with geometry as GeoDataFrame, a table without as DataFrame.

    Args:
        source: `path`, `path|layername=x`, `path|layerid=0`; also CSV, TSV (plain or .gz) and parquet.
        columns: attributes to read, besides the geometry; None reads all.

    Raises:
        BadInput: missing or unreadable file, no such layer, no such column.
        EngineTooSmall: parquet without its library.
    """
    parsed = parse_source(source)
    path = Path(parsed.path)
    if not parsed.path.startswith("/vsi") and not path.exists():
        raise BadInput(f"There is no file {parsed.path}.")
    suffix = Path(path.stem).suffix.lower() if path.suffix.lower() == ".gz" else path.suffix.lower()
    if suffix in TEXT_SUFFIXES:
        table = _read_text(path, suffix)
    elif suffix in PARQUET_SUFFIXES:
        table = _read_parquet(path)
    else:
        return _read_layer(source, parsed, columns)
    return table if columns is None else _pick(table, columns, source)


def _read_layer(source: str, parsed: Source, columns: Sequence[str] | None) -> gpd.GeoDataFrame | pd.DataFrame:
    try:
        info = pyogrio.read_info(parsed.path, layer=parsed.layer)
        if columns is not None:
            _check_columns(list(info["fields"]), columns, source)
        frame = pyogrio.read_dataframe(
            parsed.path, layer=parsed.layer, columns=None if columns is None else list(columns), where=parsed.where,
            fid_as_index=False,
        )  # fmt: skip
    except (RuntimeError, ValueError, OSError, IndexError) as error:
        # pyogrio's own errors are of the first kind; of damaged files it passes on what its parts say.
        raise BadInput(_why_unread(error, parsed)) from error
    return frame


def _why_unread(error: Exception, parsed: Source) -> str:
    """A sentence: SQLite and GDAL say the same of a layer that is not there, a wrong filter and a damaged file."""
    reason = str(error).partition("; It might help")[0].rstrip(".")  # what follows is advice for programmers
    if "malformed" in reason:
        return f"{parsed.path} is damaged or cut off. Copy or make it again."
    if isinstance(error, DataLayerError):
        layers = [str(name) for name in pyogrio.list_layers(parsed.path)[:, 0]]
        there = parsed.layer in layers if isinstance(parsed.layer, str) else (parsed.layer or 0) < len(layers)
        if not there:
            return f"{parsed.path} has no layer '{parsed.layer}'. It has: {', '.join(layers)}."
        if parsed.where:
            reason = reason.rpartition(f"WHERE {parsed.where}: ")[2]  # without all the fields of the layer
            return f"The filter '{parsed.where}' of {parsed.path} cannot be used: {reason}. Correct or remove it."
    return f"{parsed.path} cannot be read as a vector layer: {reason}."


def _read_text(path: Path, suffix: str) -> pd.DataFrame:
    opener: Any = gzip.open if path.suffix.lower() == ".gz" else open
    try:
        with opener(path, "rb") as file:
            head = file.readline(1_000_000)
    except (OSError, EOFError) as error:
        raise BadInput(f"{path} cannot be read: {error}.") from error
    separator = "\t" if suffix in TAB_SUFFIXES else _separator(head)
    if head.count(separator.encode()) >= MOST_COLUMNS:
        raise BadInput(f"{path} has more than {MOST_COLUMNS:,} columns. Leave out those that are not needed.")
    for encoding in ("utf-8-sig", "cp1252", "latin-1"):
        try:
            return pd.read_csv(path, sep=separator, encoding=encoding, decimal="," if separator == ";" else ".")
        except UnicodeDecodeError:
            continue
        except (ValueError, OSError, EOFError) as error:
            raise BadInput(f"{path} cannot be read as a table: {error}.") from error
    raise BadInput(f"{path} cannot be read as a table: save it as UTF-8.")


def _separator(head: bytes) -> str:
    """The separator that occurs most in the heading; comma if none does."""
    counts = {mark: head.count(mark.encode()) for mark in ",;\t|"}
    return max(counts, key=lambda mark: (counts[mark], mark == ","))


def _read_parquet(path: Path) -> gpd.GeoDataFrame | pd.DataFrame:
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise EngineTooSmall(
            f"{path} is a parquet file, which this engine cannot read. Export it as GeoPackage or CSV."
        ) from error
    try:
        geographic = b"geo" in (pq.read_schema(path).metadata or {})
        return gpd.read_parquet(path) if geographic else pd.read_parquet(path)
    except (ValueError, OSError) as error:
        raise BadInput(f"{path} cannot be read as a parquet file: {error}.") from error


def _pick(table: Any, columns: Sequence[str], source: str) -> Any:
    geometry = table.geometry.name if isinstance(table, gpd.GeoDataFrame) else None
    _check_columns([name for name in table.columns if name != geometry], columns, source)
    return table[[*columns, *([geometry] if geometry else [])]]


def _check_columns(existing: Sequence[str], wanted: Sequence[str], source: str) -> None:
    missing = [name for name in wanted if name not in existing]
    if missing:
        near = difflib.get_close_matches(missing[0], existing, n=1)
        hint = f"Did you mean '{near[0]}'?" if near else f"It has: {', '.join(map(str, existing)) or 'none'}."
        raise BadInput(f"{source} has no field '{missing[0]}'. {hint}")


def write_geopackage(
    layers: Mapping[str, pd.DataFrame], path: str | Path, descriptions: Mapping[str, str] | None = None
) -> None:
    """Write layers and tables by name into a new GeoPackage; equal tables make equal files.

    Args:
        layers: by name.
        path: of the file.
        descriptions: by name of the layer, in words; QGIS shows them in its properties.

    Raises:
        DataSourceError: GDAL cannot write there, or a column that the format cannot hold; says why.
        ValueError: a column that the format cannot hold.

    Fields that differ by nothing but case get a number, since GeoPackages know no case.
    """
    # GDAL stamps the time of writing into the file.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "1980-01-01T00:00:00.000Z"})
    try:
        for number, (name, table) in enumerate(layers.items()):
            options: dict[str, Any] = {} if number else {"dataset_options": {"VERSION": OLD_GEOPACKAGE}}
            if descriptions and name in descriptions:
                options["layer_options"] = {"IDENTIFIER": name, "DESCRIPTION": descriptions[name]}
            table = _named_apart(table.drop(columns=["fid"], errors="ignore"))
            fields = {str(column).lower() for column in table.columns if column != _geometry_of(table)}
            own = {option: _free(name, fields) for option, name in KEPT_NAMES.items() if name in fields}
            if own:
                options["layer_options"] = {**options.get("layer_options", {}), **own}
            pyogrio.write_dataframe(table, path, layer=name, driver="GPKG", append=number > 0, **options)
    except (DataSourceError, DataLayerError) as error:
        raise DataSourceError(_why_unwritten(error, Path(path))) from error
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _free(name: str, fields: set[str]) -> str:
    """The name with as many underscores as no field has."""
    return name if name not in fields else _free(f"{name}_", fields)


def _why_unwritten(error: Exception, path: Path) -> str:
    """GDAL does not tell a full disk from other failures."""
    with suppress(OSError):
        if shutil.disk_usage(path.parent).free < LITTLE_BYTES:
            return "the disk is full. Make room and run the job again"
    reason = str(error).rstrip(".")
    return f"{reason}; the disk may be full, or your share of it used up" if "commit" in reason else reason


def _geometry_of(table: pd.DataFrame) -> str | None:
    return table.geometry.name if isinstance(table, gpd.GeoDataFrame) else None


def _named_apart(table: pd.DataFrame) -> pd.DataFrame:
    """The table, its fields told apart by more than case."""
    geometry = _geometry_of(table)
    taken = {str(geometry).lower()} if geometry is not None else set()
    names = []
    for column in map(str, table.columns):
        name, number = column, 2
        while name.lower() in taken and name != geometry:
            name, number = f"{column}_{number}", number + 1
        taken.add(name.lower())
        names.append(name)
    return table if names == list(table.columns) else table.set_axis(names, axis=1)
