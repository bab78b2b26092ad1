"""Map favelas: methods and cells in, cells with class, probability, votes and disagreement out."""

import time
from collections.abc import Mapping
from typing import Any

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from ...models.crew import thread_count
from ..atomic import check_apart, check_folder
from ..errors import BadInput
from ..jobs.declare import Result
from ..jobs.settlement.methods import MapSettlement
from ..progress import Progress
from ..settlement.answers import OTHER, Question, hear, wanted
from ..settlement.celltable import CellTable, read_cells
from ..settlement.mapping import Together, Verdict, together
from ..settlement.methods.stored import Methods, treated
from ..settlement.names import FAVELA
from ..settlement.statuses import DISCARDED
from ..sidecar import write_sidecar
from ..tablemap import check_format, write_table

CLASS, PROBABILITY, VOTES, COUNT, DISAGREEMENT = "class", "probability", "votes", "methods", "disagree"


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
    question = Question(job.decides, job.decision, job.prevalence)
    question.check(methods, progress)
    table = read_cells(job.cells, methods.facts["features"], methods.facts["variables"], exactly=True)
    methods.check(table, job.cells)
    at = wanted(table, job.classify_all, job.cells)
    said = hear(methods, treated(table, methods.facts), at, progress.part(0.05, 0.9))
    shares = question.shares(methods, said, progress)
    verdicts = question.verdicts(methods, said, shares)
    mapped, columns, replaced = _columns(question, methods, table, at, verdicts)
    if replaced:
        progress.warning(f"Fields of the cells that have names of this map are replaced: {', '.join(replaced)}.")
    known = [share for share in shares.values() if share is not None]
    counts = _counts(mapped[CLASS])
    missing = _missing(mapped, table, at, job.cells, progress)
    told = {
        "methods": list(methods.names),
        "decides": job.decides,
        "decision": job.decision,
        "counts": counts,
        "discarded": len(table) - len(at),
        "discarded_statuses": _left_out(table, at),
        "cells_missing": missing,
        "columns": columns,
        "share": float(np.mean(known)) if known else None,
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


def _missing(mapped: gpd.GeoDataFrame, table: CellTable, at: NDArray[np.int64], source: str, progress: Progress) -> int:
    """How many of the cells that were asked about get no class; told where there are any.

    Raises:
        BadInput: all of them.
    """
    missing = int((mapped[CLASS].iloc[at] == "").sum())
    if missing == len(at):
        empty = [name for name in (*table.feature_names, *table.variable_names) if not table.table[name].notna().any()]
        raise BadInput(
            f"No cell of {source} has all the numbers that a method needs, so there is nothing to map."
            + (f" Empty are: {', '.join(empty[:8])}." if empty else "")
            + " Run 'Cell variables' or 'Embed cells' on them again."
        )
    if missing:
        progress.warning(f"{missing} cells lack a number that every method needs and get no class.")
    return missing


def _left_out(table: CellTable, at: NDArray[np.int64]) -> list[str]:
    """Statuses of cells that get no class, for the legend."""
    status = np.delete(table.status(), at)
    return [name for name in DISCARDED if (status == name).any()]


def _columns(
    question: Question, methods: Methods, table: CellTable, at: NDArray[np.int64], verdicts: Mapping[str, Verdict]
) -> tuple[gpd.GeoDataFrame, list[str], list[str]]:
    """The cells with new columns, their names, and those that they replace; numbers of training are left out."""
    all_say: Together = together(verdicts)
    one = question.decided(verdicts)
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
    ours = {name.lower() for name in new}  # GeoPackages know no case
    own = [column for column in table.table.columns if column not in features]
    mapped = table.table[[column for column in own if str(column).lower() not in ours]].assign(**new)
    return mapped, list(new), [str(column) for column in own if str(column).lower() in ours]


def _counts(classes: Any) -> dict[str, int]:
    return {name: int((classes == name).sum()) for name in (FAVELA, OTHER)}


def _sentence(counts: Mapping[str, int], asked: int) -> str:
    return (
        f"{counts[FAVELA]} of {asked} cells are called favela. Counting cells of a map gives a biased area: use 'Draw "
        "sample' and 'Estimate area' for an area with an interval."
    )
