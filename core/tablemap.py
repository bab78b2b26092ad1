"""Predictions as new columns of a table."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pyogrio.errors import DataSourceError

from .atomic import check_folder, replacing
from .classes import ClassEntry
from .errors import BadInput, BadJob, EngineTooSmall, Unwritable
from .jobs.declare import Result
from .jobs.fewshot import ApplyHead
from .maplayers import shown_classes
from .prediction import Predicted, predict
from .progress import Progress
from .reading import table_reading
from .sidecar import write_sidecar
from .tables import feature_matrix
from .trained import Head
from .vector import read_vector, write_geopackage

ROWS = 50_000
PREFIX = "predicted"
SUFFIXES = (".gpkg", ".csv", ".parquet")


def check_format(path: str, what: str) -> None:
    """Refuse a kind of file that could not be written, before the work.

    Raises:
        BadJob: of an unknown kind.
        EngineTooSmall: parquet without its library.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise BadJob(f"{path}: a {what} can be written as {', '.join(SUFFIXES)}.")
    if suffix == ".parquet" and find_spec("pyarrow") is None:
        raise EngineTooSmall(f"{path}: this engine cannot write parquet. Choose .gpkg or .csv.")


def predict_table(job: ApplyHead, head: Head, progress: Progress) -> Result:
    """Predict every row that has all features, and write the table with new columns.

    Raises:
        BadJob: no output asked for, or of an unknown kind.
        BadInput: the head wants an embedding, or the table lacks a column.
        Unwritable: the table cannot be written.
    """
    facts, classes = head.facts, head.classes
    if facts["features"]["source"] != "table":
        raise BadInput("This head was trained on an embedding. Give an embedding instead of a table.")
    check_format(job.output_table, "table")
    if job.output or job.confidence or job.probabilities or job.applicability:
        progress.warning("A table gives no map: the rasters that were asked for are not made.")
    check_folder(job.output_table)
    table = read_vector(job.table)
    X = feature_matrix(table, facts["features"]["names"], job.table)
    whole = np.isfinite(X).all(axis=1)
    if not whole.any():
        raise BadInput(f"No row of {job.table} has all the features of the head.")
    rows = np.flatnonzero(whole)
    reading = table_reading(job, head, X[rows], progress)
    pieces = []
    for start in range(0, len(rows), ROWS):
        progress.checkpoint(start / len(rows))
        some = X[rows[start : start + ROWS]]
        pieces.append(reading(predict(head.estimator, some, classes), some))
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

    With conformal sets `predicted` is `unsure` where several classes are possible, and `predicted_set` names them. With
    an area of applicability there are `predicted_dissimilarity` (1 at the threshold) and `predicted_inside`.
    A column that is there already is kept, and the new one gets a number.
    """
    new: dict[str, NDArray[Any]] = {}
    if predicted.probabilities is None:
        new[PREFIX] = _spread(predicted.values.astype(np.float64), rows, len(table))
    else:
        shown = shown_classes(classes, predicted.sets is not None)
        names = np.array([""] + [entry.name for entry in shown], dtype=object)
        new[PREFIX] = _texts(names[predicted.shown(len(shown)).astype(np.int64)], rows, len(table))
        new[f"{PREFIX}_confidence"] = _spread(predicted.confidence.astype(np.float64), rows, len(table))
        for number, entry in enumerate(classes):
            share = predicted.probabilities[:, number].astype(np.float64)
            new[f"{PREFIX}_p_{entry.name}"] = _spread(share, rows, len(table))
        if predicted.sets is not None:
            listed = [", ".join(names[1:][: len(classes)][row]) for row in predicted.sets]
            new[f"{PREFIX}_set"] = _texts(np.array(listed, dtype=object), rows, len(table))
    if predicted.unlike is not None:
        new[f"{PREFIX}_dissimilarity"] = _spread(predicted.unlike.astype(np.float64), rows, len(table))
        inside = np.where(predicted.unlike <= 1, "yes", "no").astype(object)
        new[f"{PREFIX}_inside"] = _texts(inside, rows, len(table))
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
                write_geopackage({Path(path).stem: table}, temporary)
            elif suffix == ".parquet":
                table.to_parquet(temporary, index=False)
            else:
                _flat(table).to_csv(temporary, index=False, encoding="utf-8", lineterminator="\n")
    except ImportError as error:
        raise EngineTooSmall(f"{path}: this engine cannot write parquet. Choose .gpkg or .csv.") from error
    except (DataSourceError, ValueError) as error:
        raise Unwritable(f"{path} cannot be written: {error}.") from error


def _flat(table: pd.DataFrame) -> pd.DataFrame:
    """Geometry as well-known text, which a CSV can hold."""
    if not isinstance(table, gpd.GeoDataFrame):
        return table
    texts = table.geometry.to_wkt()
    return pd.DataFrame({name: texts if name == table.geometry.name else table[name] for name in table.columns})


def _spread(values: NDArray[np.float64], rows: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    column = np.full(count, np.nan)
    column[rows] = values
    return column


def _texts(values: NDArray[Any], rows: NDArray[np.int64], count: int) -> NDArray[Any]:
    column = np.full(count, None, dtype=object)
    column[rows] = values
    return column


def _joined(pieces: list[Predicted]) -> Predicted:
    def together(name: str) -> NDArray[Any] | None:
        parts = [getattr(piece, name) for piece in pieces]
        return None if parts[0] is None else np.concatenate(parts)

    values = np.concatenate([piece.values for piece in pieces])
    return Predicted(values, *(together(name) for name in ("probabilities", "sets", "unlike")))


def _free_name(name: str, taken: set[str]) -> str:
    free, number = name, 2
    while free.lower() in taken:
        free, number = f"{name}_{number}", number + 1
    taken.add(free.lower())
    return free
