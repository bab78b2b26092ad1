"""Predictions as new columns of a table."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from numpy.typing import NDArray
from pyogrio.errors import DataSourceError

from .atomic import check_folder, replacing
from .classes import ClassEntry
from .errors import BadInput, BadJob, EngineTooSmall, Unwritable
from .jobs.declare import Result
from .jobs.fewshot import ApplyHead
from .prediction import Predicted, predict
from .progress import Progress
from .sidecar import write_sidecar
from .tables import feature_matrix
from .vector import read_vector

ROWS = 50_000
PREFIX = "predicted"
SUFFIXES = (".gpkg", ".csv", ".parquet")


def predict_table(
    job: ApplyHead, facts: Mapping[str, Any], estimator: Any, classes: tuple[ClassEntry, ...], progress: Progress
) -> Result:
    """Predict every row that has all features, and write the table with new columns.

    Raises:
        BadJob: no output asked for, or of an unknown kind.
        BadInput: the head wants an embedding, or the table lacks a column.
        Unwritable: the table cannot be written.
    """
    if facts["features"]["source"] != "table":
        raise BadInput("This head was trained on an embedding. Give an embedding instead of a table.")
    if Path(job.output_table).suffix.lower() not in SUFFIXES:
        raise BadJob(f"{job.output_table}: a table can be written as {', '.join(SUFFIXES)}.")
    if job.output or job.confidence or job.probabilities:
        progress.warning("A table gives no map: the rasters that were asked for are not made.")
    check_folder(job.output_table)
    table = read_vector(job.table)
    X = feature_matrix(table, facts["features"]["names"], job.table)
    whole = np.isfinite(X).all(axis=1)
    if not whole.any():
        raise BadInput(f"No row of {job.table} has all the features of the head.")
    rows = np.flatnonzero(whole)
    pieces = []
    for start in range(0, len(rows), ROWS):
        progress.checkpoint(start / len(rows))
        pieces.append(predict(estimator, X[rows[start : start + ROWS]], classes))
    result, columns = add_columns(table, rows, _joined(pieces), classes)
    missing = int((~whole).sum())
    if missing:
        progress.warning(f"{missing} rows lack a feature and got no prediction.")
    write_table(result, job.output_table)
    told = {
        "task": facts["task"], "head": facts["head"], "rows": len(table), "rows_missing": missing, "columns": columns,
        "classes": list(facts["classes"]), "tested": facts.get("tested"),
    }  # fmt: skip
    write_sidecar(job.output_table, job, {**told, "result": "table"}, inputs={"head": job.head, "table": job.table})
    return Result(job.facts.id, {"output_table": job.output_table}, told)


def add_columns(
    table: pd.DataFrame, rows: NDArray[np.int64], predicted: Predicted, classes: tuple[ClassEntry, ...]
) -> tuple[pd.DataFrame, list[str]]:
    """The table with `predicted` (name or value), `predicted_confidence` and `predicted_p_<class>`, and their names.

    A column that is there already is kept, and the new one gets a number.
    """
    new: dict[str, NDArray[Any]] = {}
    if predicted.probabilities is None:
        new[PREFIX] = _spread(predicted.values.astype(np.float64), rows, len(table))
    else:
        names = np.array([""] + [entry.name for entry in classes], dtype=object)
        column = np.full(len(table), None, dtype=object)
        column[rows] = names[predicted.values.astype(np.int64)]
        new[PREFIX] = column
        new[f"{PREFIX}_confidence"] = _spread(predicted.confidence.astype(np.float64), rows, len(table))
        for number, entry in enumerate(classes):
            share = predicted.probabilities[:, number].astype(np.float64)
            new[f"{PREFIX}_p_{entry.name}"] = _spread(share, rows, len(table))
    taken = {str(column).lower() for column in table.columns}
    free = {name: _free_name(name, taken) for name in new}
    extended = table.assign(**{free[name]: values for name, values in new.items()})
    return extended, list(free.values())


def write_table(table: pd.DataFrame, path: str) -> None:
    """Write by extension under a temporary name and rename.

    Raises:
        Unwritable: the folder cannot be written, or the format cannot hold the table.
        EngineTooSmall: parquet without its library.
    """
    suffix = Path(path).suffix.lower()
    try:
        with replacing(path) as temporary:
            if suffix == ".gpkg":
                _write_geopackage(table, temporary, Path(path).stem)
            elif suffix == ".parquet":
                table.to_parquet(temporary, index=False)
            else:
                _flat(table).to_csv(temporary, index=False, encoding="utf-8", lineterminator="\n")
    except ImportError as error:
        raise EngineTooSmall(f"{path}: this engine cannot write parquet. Choose .gpkg or .csv.") from error
    except (DataSourceError, ValueError) as error:
        raise Unwritable(f"{path} cannot be written: {error}.") from error


def _write_geopackage(table: pd.DataFrame, path: Path, layer: str) -> None:
    # GDAL stamps the time of writing into the file; a fixed one makes equal tables equal files.
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "1980-01-01T00:00:00.000Z"})
    try:
        pyogrio.write_dataframe(table.drop(columns=["fid"], errors="ignore"), path, layer=layer, driver="GPKG")
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": None})


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """Geometry as well-known text, which a CSV can hold."""
    if not isinstance(table, gpd.GeoDataFrame):
        return table
    return pd.DataFrame(table.assign(**{table.geometry.name: table.geometry.to_wkt()}))


def _spread(values: NDArray[np.float64], rows: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    column = np.full(count, np.nan)
    column[rows] = values
    return column


def _joined(pieces: list[Predicted]) -> Predicted:
    shares = [piece.probabilities for piece in pieces if piece.probabilities is not None]
    return Predicted(np.concatenate([p.values for p in pieces]), np.concatenate(shares) if shares else None)


def _free_name(name: str, taken: set[str]) -> str:
    free, number = name, 2
    while free.lower() in taken:
        free, number = f"{name}_{number}", number + 1
    taken.add(free.lower())
    return free
