"""Map change: what became of an indicator between two dates, and where that is more than the error."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput, BadJob
from ..jobs.declare import Result
from ..jobs.poverty.map import MapChange
from ..poverty.indicator.cellraster import on_grid, write_cells
from ..poverty.indicator.ensemble import Ensemble, load_ensemble
from ..poverty.indicator.mapping import Told, series_for
from ..poverty.indicator.margins import ChangeMargin, of_changes
from ..poverty.indicator.tested import times_of
from ..progress import Progress
from ..raster import environment
from ..sidecar import write_sidecar
from .mapindicator import SHOWN, check, facts_of, lack_of_places, rounded, told_by

Float = NDArray[np.float64]
FALL, NONE, RISE = 1, 2, 3
LOOKS = ((FALL, "fall", "#b2182b"), (NONE, "no detectable change", "#e6e6e6"), (RISE, "rise", "#2166ac"))
WHENCE = {
    "same": "from differences of dates as far apart, of places kept apart",
    "others": "from differences of other dates, of places kept apart, as there are too few as far apart",
    "levels": "from errors of single dates, taken to be independent, as no place was kept apart at two dates",
}


def run(job: MapChange, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: model and series do not belong together, a date is not there, or a map cannot be written.
    """
    started = time.monotonic()
    check(job)
    with environment():
        model = load_ensemble(job.model)
        check_dates(job, series_for(model, job.series).dates)  # before the work
        told = told_by(model, job, progress.part(0.0, 0.9))
        first, last = _dates(job, told)
        change = told.mean[:, last] - told.mean[:, first]
        times = times_of(told.dates)
        found = of_changes(model.held, times_of(model.facts["dates"]), times[last] - times[first], job.level)
        error = _error(told, first, last, found)
        if not np.isfinite(error).any():
            progress.warning(lack_of_places(model, job.level))
        classes = classified(change, error)
        facts = _facts(model, told, change, found, first, last)
        counts = {name: int((classes == value).sum()) for value, name, _ in LOOKS}
        _write(job, told, change, error, classes, {**facts, "counts": counts})
    progress.info(_sentence(model, facts, counts, error, job.level))
    seconds = {"all": round(time.monotonic() - started, 3)}
    return Result(
        job.facts.id, job.outputs(), {**facts, "counts": counts, "result": "indicatorchange", "seconds": seconds}
    )


def classified(change: Float, error: Float) -> NDArray[np.uint8]:
    """(N,) rise and fall where the change is more than its error; 0 where either is not known."""
    found = np.zeros(len(change), np.uint8)
    known = np.isfinite(change) & np.isfinite(error)
    found[known] = NONE
    found[known & (change > error)] = RISE
    found[known & (change < -error)] = FALL
    return found


def check_dates(job: MapChange, dates: Sequence[str]) -> None:
    """Refuse dates that are not there, or the later one first.

    Raises:
        BadJob: names them.
    """
    first, last = job.first.strip() or dates[0], job.last.strip() or dates[-1]
    for name in (first, last):
        if name not in dates:
            raise BadJob(f"The series has no date '{name}'. It has: {', '.join(dates)}.")
    if dates.index(first) >= dates.index(last):
        raise BadJob(
            f"The series has one date, {first}; a change takes two."
            if len(dates) == 1
            else f"The first date, {first}, must be earlier than the last, {last}."
        )


def _dates(job: MapChange, told: Told) -> tuple[int, int]:
    """Numbers of both dates."""
    there = [number for number in range(len(told.dates)) if np.isfinite(told.mean[:, number]).any()]
    if len(there) < 2:
        raise BadInput(f"{job.series} shows the cells at {told.dates[there[0]]} alone; a change takes two dates.")
    asked = {"first": job.first.strip() or told.dates[there[0]], "last": job.last.strip() or told.dates[there[-1]]}
    numbers = []
    for name in asked.values():
        number = told.dates.index(name)
        if number not in there:
            raise BadInput(
                f"The series shows no cell at {name}. Choose one of: {', '.join(told.dates[n] for n in there)}."
            )
        numbers.append(number)
    if numbers[0] >= numbers[1]:
        raise BadJob(f"The first date, {asked['first']}, must be earlier than the last, {asked['last']}.")
    return numbers[0], numbers[1]


def _error(told: Told, first: int, last: int, found: ChangeMargin | None) -> Float:
    level = (told.mean[:, first] + told.mean[:, last]) / 2
    error = np.full(len(level), np.nan) if found is None else found.margin.around(level)
    return np.where(np.isfinite(level), error, np.nan)


def _facts(
    model: Ensemble, told: Told, change: Float, found: ChangeMargin | None, first: int, last: int
) -> dict[str, Any]:
    known = np.abs(change[np.isfinite(change)])
    most = rounded(np.percentile(known, SHOWN[1])) if len(known) else 1.0
    return {
        **facts_of(model, change),
        "first": told.dates[first],
        "last": told.dates[last],
        "range": [-most, most],
        "error_from": "" if found is None else found.how,
    }


def _write(
    job: MapChange, told: Told, change: Float, error: Float, classes: NDArray[np.uint8], facts: dict[str, Any]
) -> None:
    side, inputs = int(facts["cell_px"]), {"model": job.model, "series": job.series}
    span = f"{facts['first']}_{facts['last']}"

    def layer(values: Float) -> NDArray[np.float32]:
        return on_grid(values[:, None], told.places, side, told.inside)

    write_cells(job.output, layer(change), told.grid, [f"change_{span}"], np.nan)
    write_sidecar(job.output, job, {**facts, "result": "indicatorchange"}, inputs=inputs)
    if job.error:
        write_cells(job.error, layer(error), told.grid, [f"error_{span}"], np.nan)
        known = error[np.isfinite(error)]
        shown = [0.0, rounded(np.percentile(known, SHOWN[1])) if len(known) else 1.0]
        write_sidecar(job.error, job, {**facts, "range": shown, "result": "indicatorerror"}, inputs=inputs)
    if job.classes:
        shown_classes = np.nan_to_num(layer(classes.astype(np.float64))).astype(np.uint8)
        write_cells(job.classes, shown_classes, told.grid, [f"class_{span}"], 0)
        looks = [{"value": value, "name": name, "colour": colour} for value, name, colour in LOOKS]
        write_sidecar(job.classes, job, {**facts, "classes": looks, "result": "classmap"}, inputs=inputs)


def _sentence(model: Ensemble, facts: dict[str, Any], counts: dict[str, int], error: Float, level: float) -> str:
    what = facts["indicator"] + (" (a proxy)" if facts["predicted"] == "proxy" else "")
    if not np.isfinite(error).any():
        return f"{what}, {facts['first']} to {facts['last']}: differences are given, but nothing tells which are real."
    return (
        f"{what}, {facts['first']} to {facts['last']}; cells with a rise: {counts['rise']:,}, with a fall: "
        f"{counts['fall']:,}, without detectable change: {counts['no detectable change']:,} ({level:.0%}; the "
        f"error comes {WHENCE[facts['error_from']]}). Up to {1 - level:.0%} of unchanged cells may still be called "
        "changed."
    )
