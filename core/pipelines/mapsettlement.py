"""Map favelas: methods and cells in, cells with class, probability, votes and disagreement out."""

import time
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from ...models.crew import thread_count
from ..atomic import check_apart, check_folder
from ..errors import BadInput, BadJob
from ..jobs.declare import Result
from ..jobs.settlement.methods import MAJORITY, MapSettlement
from ..prevalence import parse
from ..progress import Progress
from ..settlement.celltable import CellTable, read_cells
from ..settlement.mapping import LEARNT, Together, Verdict, estimated_share, together, verdict
from ..settlement.methods.registry import METHODS
from ..settlement.methods.stored import Methods, cells_of
from ..settlement.names import FAVELA
from ..settlement.statuses import DISCARDED
from ..sidecar import write_sidecar
from ..tablemap import check_format, write_table

OTHER = "other"
CLASS, PROBABILITY, VOTES, COUNT, DISAGREEMENT = "class", "probability", "votes", "methods", "disagree"
ESTIMATE = "estimate"
CELLS_AT_ONCE = 20_000


def run(job: MapSettlement, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: methods and cells do not belong together, or the map cannot be written.
    """
    started = time.monotonic()
    check_apart(job.outputs(), {"methods": job.methods, "cells": job.cells})
    for path in job.outputs().values():
        check_format(path, "map of cells")
        check_folder(path)
    methods = Methods.read(job.methods, thread_count(job.threads))
    if job.decides != MAJORITY and job.decides not in methods.names:
        raise BadJob(f"{job.methods} does not hold the method {job.decides}. It holds: {', '.join(methods.names)}.")
    table = read_cells(job.cells, methods.facts["features"], methods.facts["variables"])
    methods.check(table, job.cells)
    at = _wanted(job, table)
    verdicts, share = _verdicts(job, methods, table, at, progress.part(0.05, 0.9))
    mapped, columns = _columns(job, methods, table, at, verdicts)
    counts = _counts(mapped[CLASS])
    missing = int((mapped[CLASS].iloc[at] == "").sum())
    if missing:
        progress.warning(f"{missing} cells lack a number that every method needs and get no class.")
    told = {
        "methods": list(methods.names),
        "decides": job.decides,
        "decision": job.decision,
        "counts": counts,
        "discarded": len(table) - len(at),
        "discarded_statuses": _left_out(table, at),
        "cells_missing": missing,
        "columns": columns,
        "share": share,
        "tested": {name: dict(reading.facts) for name, reading in methods.readings.items()},
    }
    for name, result in (("output", "settlement"), ("disagreement", "disagreement")):
        path = getattr(job, name)
        if path:
            write_table(mapped, path)
            write_sidecar(path, job, {**told, "result": result}, inputs={"methods": job.methods, "cells": job.cells})
    progress.info(_sentence(counts, len(at)))
    told["seconds"] = {"all": round(time.monotonic() - started, 3)}
    return Result(job.facts.id, job.outputs(), {**told, "result": "settlement", "device": "CPU"})


def _wanted(job: MapSettlement, table: CellTable) -> NDArray[np.int64]:
    """Cells that get a class.

    Raises:
        BadInput: all are discarded.
    """
    if job.classify_all:
        return np.arange(len(table))
    at = np.flatnonzero(~np.isin(table.status().astype(str), DISCARDED))
    if not at.size:
        raise BadInput(f"All cells of {job.cells} are discarded. Choose 'Classify discarded cells too'.")
    return at


def _left_out(table: CellTable, at: NDArray[np.int64]) -> list[str]:
    """Statuses of cells that get no class, for the legend."""
    status = np.delete(table.status(), at)
    return [name for name in DISCARDED if (status == name).any()]


def _verdicts(
    job: MapSettlement, methods: Methods, table: CellTable, at: NDArray[np.int64], progress: Progress
) -> tuple[dict[str, Verdict], float | None]:
    """What each method says of the wanted cells, and the share of favela that was put in.

    Raises:
        BadJob: the share makes no sense.
    """
    cells = cells_of(table)
    found: dict[str, list[Any]] = {name: [] for name in methods.names}
    for start in range(0, len(at), CELLS_AT_ONCE):
        progress.checkpoint(start / len(at))
        for name, said in methods.fitted.say(methods.names, cells, at[start : start + CELLS_AT_ONCE]).items():
            found[name].append(said)
    if not methods.readings and job.decision == LEARNT:
        progress.warning("Nothing was held out in training: the published rule decides.")
    share = None if job.prevalence in ("", ESTIMATE) else float(parse(f"{FAVELA}={job.prevalence}", [FAVELA, OTHER])[0])
    verdicts, shares = {}, []
    for name, pieces in found.items():
        ranked, favela = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
        reading = methods.readings.get(name)
        trained = methods.prevalence if reading is not None else 0.5
        here = share
        if job.prevalence == ESTIMATE:
            here = estimated_share(ranked if reading is None else reading.probability(ranked), trained)
            progress.info(f"{METHODS[name].title}: share of favela estimated as {100 * here:.2g} %.")
        verdicts[name] = verdict(ranked, favela, reading, job.decision, trained, here)
        shares.append(here)
    return verdicts, None if shares[0] is None else float(np.mean([one for one in shares if one is not None]))


def _columns(
    job: MapSettlement, methods: Methods, table: CellTable, at: NDArray[np.int64], verdicts: Mapping[str, Verdict]
) -> tuple[gpd.GeoDataFrame, list[str]]:
    """The cells with new columns, and their names; numbers of training are left out."""
    all_say: Together = together(verdicts)
    one = all_say if job.decides == MAJORITY else verdicts[job.decides]
    there = np.isfinite(one.probability)
    texts = np.where(there, np.where(one.favela, FAVELA, OTHER), "")
    new: dict[str, NDArray[Any]] = {CLASS: np.full(len(table), "", dtype=object)}
    new[CLASS][at] = texts
    numbers = {
        PROBABILITY: one.probability,
        VOTES: all_say.votes.astype(np.float64),
        COUNT: all_say.methods.astype(np.float64),
        DISAGREEMENT: all_say.disagreement,
        **{f"p_{name.replace('-', '_')}": said.probability for name, said in verdicts.items()},
    }
    for name, values in numbers.items():
        new[name] = np.full(len(table), np.nan)
        new[name][at] = values
    features = set(methods.facts["features"])
    kept = [column for column in table.table.columns if column not in features and column not in new]
    mapped = table.table[kept].assign(**new)
    return mapped, list(new)


def _counts(classes: Any) -> dict[str, int]:
    return {name: int((classes == name).sum()) for name in (FAVELA, OTHER)}


def _sentence(counts: Mapping[str, int], asked: int) -> str:
    return (
        f"{counts[FAVELA]} of {asked} cells are called favela. Counting cells of a map gives a biased area: use 'Draw "
        "sample' and 'Estimate area' for an area with an interval."
    )
