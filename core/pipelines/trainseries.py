"""Train indicator: a series and a survey or proxy in, models out that were each tested elsewhere."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...models.crew import thread_count
from ..atomic import check_apart, check_folder
from ..errors import BadJob
from ..grid import Grid
from ..jobs.declare import Result
from ..jobs.poverty.train import BLOCKS, DRAWS, INSTANCES, TrainSeries
from ..poverty.indicator.ensemble import Ensemble, Held, save_ensemble
from ..poverty.indicator.tested import all_tested, sentences
from ..poverty.methodlist import NETWORKS, SERIES_METHODS
from ..poverty.series.stack import Series, read_series
from ..poverty.teaching.bags import SELECT
from ..poverty.teaching.chipstore import ChipStore, chips_on_disk
from ..poverty.teaching.lesson import Ground, ground_of
from ..poverty.teaching.teaching import Taught, columns_of, teach_heads, teach_networks
from ..poverty.teaching.turns import Turns, random_turns, spatial_turns
from ..progress import Progress
from ..raster import environment, open_raster
from ..region import window_of
from ..sidecar import write_sidecar
from ..version import VERSION

READ, TAUGHT = 0.1, 0.98
"""Where in the progress reading and teaching end."""
COLUMNS = 0.3
"""Share of teaching heads that their columns take."""


def run(job: TrainSeries, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: series and targets do not belong together, or the model cannot be written.
    """
    started = time.monotonic()
    given = {name: getattr(job, name) for name in ("series", "survey", "proxy", "start_from") if getattr(job, name)}
    if Path(job.output).suffix.lower() != ".qseries":
        raise BadJob(f"The model {job.output} must be a .qseries file.")
    check_apart(job.outputs(), given)
    check_folder(job.output)
    with environment():
        series = read_series(job.series)
        series = series.picked(bands=job.bands.replace(",", " ").split()) if job.bands.strip() else series
        with open_raster(series.path) as reader:
            grid, dtype = reader.grid, reader.dtype
        ground = ground_of(job, series, grid, window_of(grid, job.extent), progress.part(0.0, READ / 2))
        for note in ground.notes:
            progress.info(note)
        turns = _turns(job, ground, grid)
        folder = Path(job.output).resolve().parent
        with chips_on_disk(series.path, series.table, ground.places, folder, progress.part(READ / 2, READ)) as store:
            taught = _taught(job, ground, turns, store, series, dtype, progress.part(READ, TAUGHT))
    tests = {turns.name: _held(ground, grid, turns, taught)}
    facts = _facts(job, ground, series, taught, tests)
    save_ensemble(job.output, Ensemble(facts, taught.members, tests))
    for file in taught.kept:
        Path(file).unlink(missing_ok=True)
    for sentence in (said := sentences(facts)):
        progress.info(sentence)
    told = {**facts, "sentences": said, "result": "model"}
    told.pop("job")
    write_sidecar(job.output, job, told, inputs=given)
    return Result(job.facts.id, job.outputs(), told | {"seconds": {"all": round(time.monotonic() - started, 3)}})


def _turns(job: TrainSeries, ground: Ground, grid: Grid) -> Turns:
    if job.apart == BLOCKS:
        mean = np.nanmean(ground.targets, axis=1)
        found = spatial_turns(ground.xy_m(grid), mean, job.block_size_m, job.seed)
    else:
        found = random_turns(len(ground.targets), job.seed)
    return replace(found, turns=found.turns[: job.models])


def _taught(
    job: TrainSeries, ground: Ground, turns: Turns, store: ChipStore, series: Series, dtype: str, progress: Progress
) -> Taught:
    samples = [ground.samples[k % len(ground.samples)] for k in range(len(turns.turns))]
    if job.method in NETWORKS:
        return teach_networks(job, ground, turns, samples, store, series, dtype, progress)
    columns = columns_of(samples, store, progress.part(0, COLUMNS))
    head = SERIES_METHODS[job.method].head
    return teach_heads(head, turns, samples, columns, job.seed, job.threads, progress.part(COLUMNS, 1))


def _held(ground: Ground, grid: Grid, turns: Turns, taught: Taught) -> Held:
    said = np.full(ground.targets.shape, np.nan)
    turn = np.full(len(said), -1, np.int64)
    for number, one in enumerate(turns.turns):
        said[one.test] = taught.said[number][one.test]
        turn[one.test] = number
    return Held(ground.targets, said, turn, turns.blocks, ground.xy_m(grid), ground.region)


def _facts(job: TrainSeries, ground: Ground, series: Series, taught: Taught, tests: dict[str, Held]) -> dict[str, Any]:
    return {
        "method": job.method,
        "title": SERIES_METHODS[job.method].title,
        "predicted": ground.predicted,
        "indicator": ground.indicator,
        "dates": list(series.dates),
        "bands": list(series.bands),
        "cell_px": job.cell_px,
        "places": len(ground.targets),
        "values": int(np.isfinite(ground.targets).sum()),
        "models": len(taught.members),
        "apart": job.apart,
        "block_size_m": job.block_size_m if job.apart == BLOCKS else 0.0,
        "displacement": job.displacement if job.survey else "",
        "bags": SELECT if job.displacement == INSTANCES and job.survey else "mean",
        "draws": bool(job.survey and job.displacement == DRAWS),
        "regions": list(ground.regions),
        "tests": all_tested(tests, series.dates, ground.regions),
        "headline": next(iter(tests)),
        "losses": taught.losses,
        "device": taught.device or f"CPU, {thread_count(job.threads)} threads",
        "version": VERSION,
        "job": job.to_dict(),
    }
