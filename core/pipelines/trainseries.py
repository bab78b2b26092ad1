"""Train indicator: a series and a survey or proxy in, models out that were each tested elsewhere."""

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.crew import thread_count
from ..atomic import check_apart, check_folder
from ..errors import BadJob
from ..grid import Grid
from ..jobs.declare import Result
from ..jobs.poverty.embedding import DatedEmbedding, embed_job
from ..jobs.poverty.report import LEVEL
from ..jobs.poverty.train import AUTO, BLOCKS, DRAWS, INSTANCES, YES, TrainSeries
from ..poverty.indicator.ensemble import REGION, Ensemble, Held, save_ensemble
from ..poverty.indicator.report.told import Entry
from ..poverty.indicator.tested import all_tested, sentences
from ..poverty.methodlist import NETWORKS, SERIES_METHODS
from ..poverty.series.stack import Series, read_series
from ..poverty.teaching.bags import SELECT
from ..poverty.teaching.chipstore import ChipStore, chips_on_disk
from ..poverty.teaching.columns import forget_vectors, vectors_on_disk, vectors_request
from ..poverty.teaching.embedded import embedder_for
from ..poverty.teaching.lesson import Ground, ground_of
from ..poverty.teaching.reduced import plan_of_statistics, plan_of_vectors, told_of
from ..poverty.teaching.teaching import Taught, check_networks, columns_of, teach_heads, teach_networks
from ..poverty.teaching.turns import Turns, random_turns, spatial_turns
from ..progress import Progress
from ..raster import environment, open_raster
from ..region import window_of
from ..sidecar import write_sidecar
from ..spool import kept
from ..version import VERSION
from .reportindicator import check_report, write_report

Float = NDArray[np.float64]
Int = NDArray[np.int64]
GIVEN = ("series", "survey", "proxy", "start_from", "held_area")
READ, TAUGHT = 0.1, 0.98
"""Where in the progress reading and teaching end."""
COLUMNS, VECTORS = 0.3, 0.7
"""Share of teaching heads that their columns take: statistics, or vectors of a backbone."""


def run(job: TrainSeries, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: series and targets do not belong together, or the model cannot be written.
    """
    started = time.monotonic()
    given = _check(job)
    with environment():
        series = read_series(job.series)
        series = series.picked(bands=job.bands.replace(",", " ").split()) if job.bands.strip() else series
        with open_raster(series.path) as reader:
            grid, dtype = reader.grid, reader.dtype
        ground = ground_of(job, series, grid, window_of(grid, job.extent), progress.part(0.0, READ / 2))
        for note in ground.notes:
            progress.info(note)
        plans = _plans(job, ground, grid, progress)
        if DatedEmbedding.of(job).embeds:
            taught, embedding = _taught_by_vectors(job, ground, plans, series, progress.part(READ / 2, TAUGHT))
        else:
            store_of = chips_on_disk(
                series.path, series.table, ground.places, Path(job.output).resolve().parent,
                progress.part(READ / 2, READ),
            )  # fmt: skip
            with store_of as store:
                taught = _taught(job, ground, plans, store, series, dtype, progress.part(READ, TAUGHT))
            embedding = {}
    tests = _tests(ground, grid, plans, taught)
    facts = _facts(job, ground, series, taught[0], tests, embedding)
    save_ensemble(job.output, Ensemble(facts, taught[0].members, tests))
    forget_vectors(job.output)
    for file in (file for those in taught for file in those.kept):
        Path(file).unlink(missing_ok=True)
    for sentence in (said := sentences(facts)):
        progress.info(sentence)
    told = {**facts, "sentences": said, "result": "model"}
    told.pop("job")
    told["embedding"] = {name: value for name, value in embedding.items() if name != "space"}
    write_sidecar(job.output, job, told, inputs=given)
    if job.report:
        write_report(job.report, job, [Entry(job.output, facts, tests)], LEVEL, {"model": job.output})
    return Result(job.facts.id, job.outputs(), told | {"seconds": {"all": round(time.monotonic() - started, 3)}})


def _check(job: TrainSeries) -> dict[str, str]:
    """What is read, by parameter; refuses before the work what cannot be written, or taught on this engine."""
    given = {name: getattr(job, name) for name in GIVEN if getattr(job, name)}
    if Path(job.output).suffix.lower() != ".qseries":
        raise BadJob(f"The model {job.output} must be a .qseries file.")
    check_apart(job.outputs(), given)
    check_folder(job.output)
    if job.report:
        check_report(job.report, job.outputs(), given)
    if job.method in NETWORKS:
        check_networks(job)
    return given


def _plans(job: TrainSeries, ground: Ground, grid: Grid, progress: Progress) -> list[Turns]:
    """Who learns from which places: for the models, and for those of a test at random places that are thrown away."""
    count, kept = len(ground.targets), np.flatnonzero(~ground.apart)
    beside = job.beside_random == YES or (job.beside_random == AUTO and job.method not in NETWORKS)
    if job.apart == BLOCKS:
        found = [spatial_turns(ground.xy_m(grid), np.nanmean(ground.targets, axis=1), job.block_size_m, job.seed, kept)]
        if beside:
            found.append(random_turns(count, job.seed, kept))
        elif job.beside_random == AUTO:
            progress.info(
                "There is no test at random places beside that in squares: it takes as many transformers again. Ask "
                "for it under 'Also test at random places'."
            )
    else:
        found = [random_turns(count, job.seed, kept)]
    return [replace(one, turns=one.turns[: job.models]) for one in found]


def _taught(
    job: TrainSeries, ground: Ground, plans: list[Turns], store: ChipStore, series: Series, dtype: str,
    progress: Progress,
) -> list[Taught]:  # fmt: skip
    samples = [ground.samples[k % len(ground.samples)] for k in range(job.models)]
    start = 0.0 if job.method in NETWORKS else COLUMNS
    teaching = progress.part(start, 1.0)
    parts = [teaching.part(k / len(plans), (k + 1) / len(plans)) for k in range(len(plans))]
    if job.method in NETWORKS:
        found: list[Taught] = []
        for plan, part in zip(plans, parts, strict=True):
            if found:
                progress.info("The next models test at random places and are thrown away then.")
            found.append(teach_networks(job, ground, plan, samples, store, series, dtype, part))
        return found
    columns = columns_of(samples, store, progress.part(0.0, start))
    return [
        teach_heads(plan_of_statistics(job.method), plan, samples, columns, job.seed, job.threads, part)
        for plan, part in zip(plans, parts, strict=True)
    ]


def _taught_by_vectors(
    job: TrainSeries, ground: Ground, plans: list[Turns], series: Series, progress: Progress
) -> tuple[list[Taught], dict[str, Any]]:
    """Heads on vectors of each date, and what makes these; nothing is drawn from the held-out region."""
    asked = DatedEmbedding.of(job)
    samples = [ground.samples[k % len(ground.samples)] for k in range(job.models)]
    request = vectors_request(asked, job.seed, series, ground.places, samples)
    own = embed_job(asked, job.device, job.threads, job.seed)
    learnt = np.unique(np.concatenate([one.chip[~ground.apart[one.place]] for one in samples]))
    embedder = embedder_for(asked, own, series, ground.places.some(learnt), kept(job.output, request), progress)
    plan = plan_of_vectors(job.method, embedder.width, embedder.backbone.ordered, job.dimensions)
    if job.dimensions > embedder.width + 1:  # random features come in pairs
        progress.warning(f"The backbone gives {embedder.width} dimensions; {job.dimensions} were asked for.")
    progress.info(told_of(embedder, plan))
    vectors = vectors_on_disk(embedder, ground.places, samples, job.output, request, progress.part(0.0, VECTORS))
    teaching = progress.part(VECTORS, 1.0)
    parts = [teaching.part(k / len(plans), (k + 1) / len(plans)) for k in range(len(plans))]
    with vectors as columns:
        found = [
            replace(
                teach_heads(plan, one, samples, columns, job.seed, job.threads, part), device=embedder.backbone.device
            )
            for one, part in zip(plans, parts, strict=True)
        ]
    return found, embedder.to_json()


def _tests(ground: Ground, grid: Grid, plans: list[Turns], taught: list[Taught]) -> dict[str, Held]:
    """Of places that were dealt out, each once; of the held-out region, each by every model."""
    xy_m, kept, apart = ground.xy_m(grid), np.flatnonzero(~ground.apart), np.flatnonzero(ground.apart)
    found = {}
    for plan, those in zip(plans, taught, strict=True):
        said = np.full(ground.targets.shape, np.nan)
        turn = np.full(len(said), -1, np.int64)
        for number, one in enumerate(plan.turns):
            said[one.test] = those.said[number][one.test]
            turn[one.test] = number
        found[plan.name] = _held(ground, xy_m, plan, kept, said[kept], turn[kept])
    if len(apart):
        every = np.concatenate([one[apart] for one in taught[0].said])
        turn = np.repeat(np.arange(len(taught[0].said)), len(apart))
        found[REGION] = _held(ground, xy_m, plans[0], np.tile(apart, len(taught[0].said)), every, turn)
    return found


def _held(ground: Ground, xy_m: Float, plan: Turns, at: Int, said: Float, turn: Int) -> Held:
    return Held(ground.targets[at], said, turn, plan.blocks[at], xy_m[at], ground.region[at])


def _facts(
    job: TrainSeries, ground: Ground, series: Series, taught: Taught, tests: dict[str, Held], embedding: dict[str, Any]
) -> dict[str, Any]:
    title = SERIES_METHODS[job.method].title
    return {
        "method": job.method,
        "title": f"{title} on {embedding['title']}" if embedding else title,
        "embedding": embedding,
        "predicted": ground.predicted,
        "indicator": ground.indicator,
        "dates": list(series.dates),
        "bands": list(series.bands),
        "cell_px": job.cell_px,
        "places": int((~ground.apart).sum()),
        "values": int(np.isfinite(ground.targets[~ground.apart]).sum()),
        "models": len(taught.members),
        "apart": job.apart,
        "block_size_m": job.block_size_m if job.apart == BLOCKS else 0.0,
        "guard_m": ground.guard_m,
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
