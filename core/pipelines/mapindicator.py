"""Map indicator: a model and a series in, the indicator of every cell at every date and its error out."""

import time
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from ..atomic import check_apart, check_folder
from ..jobs.declare import Result
from ..jobs.poverty.map import IndicatorJob, MapIndicator
from ..poverty.indicator.cellraster import on_grid, write_cells
from ..poverty.indicator.ensemble import Ensemble, load_ensemble
from ..poverty.indicator.mapping import Told, series_for, tell
from ..poverty.indicator.margins import of_levels
from ..poverty.teaching.lesson import boxes_of
from ..progress import Progress
from ..raster import environment, open_raster
from ..sidecar import write_sidecar
from ..tablemap import check_format, write_table
from .findsimilar import check_raster

Float = NDArray[np.float64]
SHOWN = (2.0, 98.0)
"""Per cent of the values between which colours run."""


def run(job: MapIndicator, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: model and series do not belong together, or a map cannot be written.
    """
    started = time.monotonic()
    check(job)
    if job.cells:
        check_format(job.cells, "layer of cells")
    with environment():
        model = load_ensemble(job.model)
        told = told_by(model, job, progress.part(0.0, 0.9))
        margin = of_levels(model.held, job.level)
        error = np.full_like(told.mean, np.nan) if margin is None else margin.around(told.mean)
        error = np.where(np.isfinite(told.mean), error, np.nan)
        if not np.isfinite(error).any():
            progress.warning(lack_of_places(model, job.level))
        facts = facts_of(model, told.mean)
        names = [f"{model.facts['indicator']}_{date}" for date in told.dates]
        _write(job, told, error, names, facts)
        if job.cells:
            write_table(_cells(job, model, told, error), job.cells)
            write_sidecar(
                job.cells, job, {**facts, "result": "indicatorcells", "shape": "Polygon"}, inputs=_inputs(job)
            )
    progress.info(sentence(model, told, error, job.level))
    seconds = {"all": round(time.monotonic() - started, 3)}
    return Result(job.facts.id, job.outputs(), {**facts, "result": "indicator", "seconds": seconds})


def check(job: IndicatorJob) -> None:
    """Refuse outputs that cannot be before the work."""
    check_apart(job.outputs(), {"model": job.model, "series": job.series})
    for name, path in job.outputs().items():
        if name == "cells":
            check_folder(path)
        else:
            check_raster(path)


def told_by(model: Ensemble, job: IndicatorJob, progress: Progress) -> Told:
    """What the models say of every cell."""
    series = series_for(model, job.series)
    folder = Path(next(iter(job.outputs().values()))).resolve().parent
    return tell(model, series, job, folder, progress)


def facts_of(model: Ensemble, values: Float) -> dict[str, Any]:
    """What style, legend and log need."""
    known = values[np.isfinite(values)]
    shown = [rounded(one) for one in np.percentile(known, SHOWN)] if len(known) else [0.0, 1.0]
    keys = ("method", "title", "predicted", "indicator", "dates", "bands", "cell_px", "apart", "block_size_m")
    return {
        **{key: model.facts[key] for key in keys},
        "range": shown,
        "models": len(model.members),
        "cells": int(np.isfinite(values).any(axis=1).sum()) if values.ndim == 2 else int(np.isfinite(values).sum()),
    }


def rounded(value: float) -> float:
    """To three digits, for legends."""
    return float(f"{value:.3g}")


def lack_of_places(model: Ensemble, level: float) -> str:
    """Why there is no error."""
    squares = len(np.unique(model.held.block[model.held.turn >= 0]))
    needed = int(np.ceil(level / (1 - level)))
    return (
        f"No error can be given: {squares} squares of places were kept apart in training, and {level:.0%} confidence "
        f"takes {needed} at least. Train with more places, smaller squares, or ask for less confidence."
    )


def sentence(model: Ensemble, told: Told, error: Float, level: float) -> str:
    """What came of it."""
    what = f"{model.facts['indicator']}" + (" (a proxy)" if model.facts["predicted"] == "proxy" else "")
    usual = f"; usually off by up to {np.nanmedian(error):.3g} ({level:.0%})" if np.isfinite(error).any() else ""
    low, high = np.nanmin(told.mean), np.nanmax(told.mean)
    dates = f"{len(told.dates)} dates" if len(told.dates) > 1 else told.dates[0]
    return f"{len(told.mean):,} cells, {dates}: {what} from {low:.3g} to {high:.3g}{usual}."


def _write(job: MapIndicator, told: Told, error: Float, names: list[str], facts: dict[str, Any]) -> None:
    side = int(facts["cell_px"])
    write_cells(job.output, on_grid(told.mean, told.places, side, told.inside), told.grid, names, np.nan)
    write_sidecar(job.output, job, {**facts, "result": "indicator"}, inputs=_inputs(job))
    if job.error:
        data = on_grid(error, told.places, side, told.inside)
        write_cells(job.error, data, told.grid, [f"error_{date}" for date in told.dates], np.nan)
        known = error[np.isfinite(error)]
        shown = [0.0, rounded(np.percentile(known, SHOWN[1])) if len(known) else 1.0]
        write_sidecar(job.error, job, {**facts, "range": shown, "result": "indicatorerror"}, inputs=_inputs(job))


def _cells(job: MapIndicator, model: Ensemble, told: Told, error: Float) -> gpd.GeoDataFrame:
    with open_raster(job.series) as reader:
        grid = reader.grid
    columns: dict[str, Any] = {}
    for number, date in enumerate(told.dates):
        columns[f"value_{date}"] = told.mean[:, number]
        columns[f"error_{date}"] = error[:, number]
        columns[f"models_sd_{date}"] = told.spread[:, number]
    seen = np.isfinite(told.mean).any(axis=1)
    table = gpd.GeoDataFrame(columns, geometry=boxes_of(told.places, grid), crs=grid.crs)
    return table[seen].reset_index(drop=True)


def _inputs(job: IndicatorJob) -> dict[str, str]:
    return {"model": job.model, "series": job.series}
