"""Cell variables: cells, optical raster, streets and heights in, cells with variables out."""

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from pyogrio.errors import DataSourceError

from ..atomic import check_apart, check_folder, replacing
from ..errors import BadInput, BadJob, Unwritable
from ..jobs.declare import Result
from ..jobs.settlement.variables import CellVariables
from ..progress import Progress
from ..raster import environment
from ..settlement.credit import SHARE_ALIKE, known_sources, shares_alike
from ..settlement.names import NINE, UNITS
from ..settlement.polygons import read_polygons
from ..settlement.variables import SOURCES, Computed, compute, wanted
from ..sidecar import write_sidecar
from ..vector import write_geopackage

SUFFIX = ".gpkg"
INPUTS = ("cells", "optical", "streets", "dtm")
SHOWN = ("len_roads", "p_vegeta", "slope")
"""What the layer is coloured by at first: the first that it has."""
CLASSES = 5


def run(job: CellVariables, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: cells or sources cannot be read or lie apart, or the result cannot be written.
    """
    if Path(job.output).suffix.lower() != SUFFIX:
        raise BadJob(f"The cells {job.output} must be a {SUFFIX} file: the names of their fields do not fit others.")
    inputs = {name: getattr(job, name) for name in INPUTS if getattr(job, name)}
    check_apart(job.outputs(), inputs)
    check_folder(job.output)
    polygons = read_polygons(job.cells, job.params()["cells"].label)
    for note in polygons.notes:
        progress.warning(note)
    cells = gpd.GeoDataFrame(polygons.table, geometry=polygons.shapes, crs=polygons.crs)
    _check_columns(cells, job)
    with environment():
        made = compute(job, cells, progress.part(0.02, 0.95))
    credit = _credit(job, made)
    facts = _facts(job, cells, made, credit)
    _write(_joined(cells, made), facts, job)
    write_sidecar(job.output, job, facts, inputs=inputs)
    for sentence in facts["sentences"]:
        progress.info(sentence)
    return Result(job.facts.id, job.outputs(), facts)


def _ours(cells: gpd.GeoDataFrame) -> dict[str, str]:
    """Columns of the cells that bear the name of a variable, whatever its case: GeoPackage knows no case."""
    names = {name.lower(): name for name in NINE}
    return {str(column): names[str(column).lower()] for column in cells if str(column).lower() in names}


def _check_columns(cells: gpd.GeoDataFrame, job: CellVariables) -> None:
    """Numbers under our names are variables computed before; anything else is the user's, and is not written over."""
    for column in _ours(cells):
        if not pd.api.types.is_numeric_dtype(cells[column]) and cells[column].notna().any():
            raise BadInput(
                f"The field '{column}' of {job.cells} holds no numbers, but has the name of a variable. Rename it."
            )


def _joined(cells: gpd.GeoDataFrame, made: Computed) -> gpd.GeoDataFrame:
    """Cells with variables behind the columns that they have, those computed anew left out."""
    again = [column for column, name in _ours(cells).items() if name in made.columns]
    own = cells.drop(columns=again).assign(**made.columns)
    last = [*made.columns, own.geometry.name]
    return own[[*(name for name in own.columns if name not in last), *last]]


def _credit(job: CellVariables, made: Computed) -> str:
    """Whose data the variables are made of, as far as the files tell."""
    rasters = [path for path in (job.optical, job.dtm) if path]
    return "; ".join(known_sources(rasters, {job.streets: made.street_fields} if job.streets else {}))


def _facts(job: CellVariables, cells: gpd.GeoDataFrame, made: Computed, credit: str) -> dict[str, Any]:
    names = wanted(job)
    missing = {
        source: lacking
        for source, columns in SOURCES.items()
        if (lacking := [name for name in columns if name in names and name not in made.columns])
    }
    ours = _ours(cells)
    again = [name for name in ours.values() if name in made.columns]
    kept = [name for name in ours.values() if name not in made.columns]
    sentences = [f"{len(cells):,} cells with {', '.join(made.columns)}."]
    sentences += [
        f"Without {source} there is no {', '.join(lacking)}: left out."
        for source, lacking in missing.items()
        if not any(name in made.columns for name in SOURCES[source])  # else it was told why one of them lacks
    ]
    if again:
        sentences.append(f"Computed anew: {', '.join(again)}.")
    if kept:
        sentences.append(f"Kept as the cells had them: {', '.join(kept)}.")
    if made.empty:
        sentences.append(f"Cells without a value: {', '.join(f'{n} {k:,}' for n, k in made.empty.items())}.")
    if credit:
        sentences.append(f"Sources: {credit}.")
        sentences += [SHARE_ALIKE] if shares_alike(credit) else []
    shown = next((name for name in SHOWN if name in made.columns), next(iter(made.columns)))
    breaks, zeros = _breaks(made.columns[shown])
    return {
        "cells": len(cells), "variables": list(made.columns), "left_out": missing, "empty_cells": made.empty,
        "units": {name: UNITS[name] for name in made.columns if name in UNITS}, **made.facts, "sentences": sentences,
        "credit": credit, "shown": shown, "shown_breaks": breaks, "shown_zeros": zeros,
    }  # fmt: skip


def _breaks(values: Any) -> tuple[list[float], bool]:
    """Bounds of classes of equal count of cells that have any, for the colours of the layer; whether some have none.

    Rounded outwards at both ends, so that no cell falls beside the classes.
    """
    there = np.asarray(values, dtype=np.float64)
    some = there[np.isfinite(there) & (there != 0)]
    zeros = bool((there == 0).any())
    if not len(some):
        return [], zeros
    bounds = np.quantile(some, np.linspace(0, 1, CLASSES + 1))
    unit = 10.0 ** np.floor(np.log10(np.abs(some).max()) - 3)
    rounded = np.concatenate(
        [[np.floor(bounds[0] / unit)], np.round(bounds[1:-1] / unit), [np.ceil(bounds[-1] / unit)]]
    )
    return [float(f"{bound:.6g}") for bound in np.unique(rounded * unit)], zeros


def _write(cells: gpd.GeoDataFrame, facts: dict[str, Any], job: CellVariables) -> None:
    described = " ".join(["Cells with variables computed by Quadrat.", *facts["sentences"]])
    try:
        with replacing(job.output) as temporary:
            name = Path(job.output).stem
            write_geopackage({name: cells}, temporary, {name: described})
    except (DataSourceError, ValueError) as error:
        raise Unwritable(f"{job.output} cannot be written: {error}.") from error
