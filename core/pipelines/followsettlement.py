"""Follow favelas over dates: methods and cells of several dates in, changes with confidence out."""

import time
from dataclasses import replace
from itertools import pairwise

import geopandas as gpd
import numpy as np
from numpy.typing import NDArray

from ...models.crew import thread_count
from ..atomic import check_apart, check_folder
from ..errors import BadInput, BadJob
from ..jobs.declare import Result
from ..jobs.settlement.follow import TOGETHER, FollowSettlement
from ..progress import Progress
from ..settlement.answers import OTHER, Question, discarded
from ..settlement.celltable import CellTable, read_cells
from ..settlement.dates import column, dates_of, in_time, misnamed
from ..settlement.following import Dated, Follower, Pair, Read
from ..settlement.followwords import bridge_words, date_words, matching_words, pair_facts, pair_words
from ..settlement.methods.stored import Methods, treated
from ..settlement.names import CELL, CHANGE, COLUMN, FAVELA, ROW, STATUS, ZONE
from ..settlement.samecells import Same, same_cells
from ..sidecar import write_sidecar
from ..tablemap import check_format, write_table

KEPT = (CELL, ZONE, ROW, COLUMN, STATUS)
YES, NO = ("1", "1.0", "true", "t", "yes", "y"), ("0", "0.0", "false", "f", "no", "n", "")


def run(job: FollowSettlement, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: layers, dates and methods do not belong together, or changes cannot be told from noise.
    """
    started = time.monotonic()
    inputs = {"methods": job.methods, **{f"cells {number + 1}": path for number, path in enumerate(job.cells)}}
    check_apart(job.outputs(), inputs)
    check_format(job.output, "map of changes")
    check_folder(job.output)
    dates, sources = _in_order(job, progress)
    reference = _reference(job, dates)
    methods = Methods.read(job.methods, thread_count(job.threads))
    question = Question(job.decides, job.decision, job.prevalence)
    question.check(methods, progress)
    columns_of = methods.facts["features"], methods.facts["variables"]
    tables = [read_cells(source, *columns_of, exactly=True).in_order() for source in sources]
    for table, source in zip(tables, sources, strict=True):
        methods.check(table, source)
    same = same_cells(tables, sources)
    for line in matching_words(same, dates, [len(table) for table in tables]):
        progress.info(line)
    progress.info(
        f"{dates[reference]} is the reference: it should be the date of the cells of training, or the most like it."
    )
    dated = [
        _dated(date, table, rows, job.classify_all) for date, table, rows in zip(dates, tables, same.rows, strict=True)
    ]
    reads, pairs = _followed(job, methods, question, tables[reference], same, dated, reference, progress)
    for line in _told(job, dated, reads, pairs):
        progress.info(line)
    mapped, columns = _columns(tables, same, dates, reads, pairs)
    write_table(mapped, job.output)
    told = {
        "methods": list(methods.names),
        "dates": dates,
        "reference": dates[reference],
        "columns": columns,
        "p_columns": {date: f"p_{column(date)}" for date in dates},
        "cells": len(mapped),
        "level": job.level,
        "control": job.control,
        "shares": {date: _share(read) for date, read in zip(dates, reads, strict=True)},
        "pairs": [pair_facts(names, pair) for names, pair in pairs.items()],
        "result": "settlementchange",
    }
    write_sidecar(job.output, job, told, inputs=inputs)
    told |= {"seconds": {"all": round(time.monotonic() - started, 3)}, "device": "CPU"}
    return Result(job.facts.id, job.outputs(), told)


def _in_order(job: FollowSettlement, progress: Progress) -> tuple[list[str], list[str]]:
    """Dates and layers in the order of time."""
    dates, how = dates_of(job.dates, job.cells)
    order = in_time(dates)
    progress.info(f"Dates ({how}): {', '.join(dates[i] for i in order)}.")
    for line in misnamed(dates, job.cells) if job.dates.strip() else ():
        progress.warning(line)
    apart = {column(date).lower() for date in dates}  # GeoPackages know no case
    if len(apart) < len(dates):
        raise BadJob(f"The dates {', '.join(dates)} make columns of one name. Write them with letters and digits.")
    return [dates[i] for i in order], [job.cells[i] for i in order]


def _reference(job: FollowSettlement, dates: list[str]) -> int:
    if not job.reference:
        return 0
    if job.reference.strip() not in dates:
        raise BadJob(f"Reference date: '{job.reference}' is none of the dates: {', '.join(dates)}.")
    return dates.index(job.reference.strip())


def _dated(date: str, table: CellTable, rows: NDArray[np.int64], classify_all: bool) -> Dated:
    numbers = np.concatenate([table.features[rows], table.variables[rows]], axis=1)
    asked = np.isfinite(numbers).all(axis=1)
    return Dated(date, numbers, asked if classify_all else asked & ~discarded(table)[rows])


def _followed(
    job: FollowSettlement, methods: Methods, question: Question, table: CellTable, same: Same, dated: list[Dated],
    reference: int, progress: Progress,
) -> tuple[list[Read], dict[tuple[str, str], Pair]]:  # fmt: skip
    """What is said of each date, and what changed from the first to the last and from each to the next."""
    rows = same.rows[reference]
    cells = treated(table, methods.facts)
    # Neighbours by their place among the cells of all dates; those that are not on all dates count as absent.
    place = np.append(np.full(len(table), -1), -1)
    place[rows] = np.arange(len(rows))
    stable = _stable(job, table)
    near = None if cells.near is None else cells.near[rows][:, rows]
    around = replace(cells, neighbours=place[cells.neighbours[rows]], near=near)
    zone = table.zones()[rows] if methods.facts.get("ranks") else None
    follower = Follower(methods, question, around, None if stable is None else stable[rows], job.seed, zone)
    first = follower.read_reference(dated[reference], progress.part(0.05, 0.2))
    reads = []
    for number, one in enumerate(dated):
        part = progress.part(0.2 + 0.7 * number / len(dated), 0.2 + 0.7 * (number + 1) / len(dated))
        if number == reference:
            reads.append(first)
            continue
        reads.append(follower.read(one, dated[reference], part))
        for level, line in bridge_words(one.name, dated[reference].name, reads[-1], _names(methods)):
            (progress.warning if level == "warning" else progress.info)(line)
    spans = [(0, len(dated) - 1), *([] if len(dated) == 2 else pairwise(range(len(dated))))]
    pairs = {}
    for number, (a, b) in enumerate(spans):
        progress.checkpoint(0.9 + 0.08 * number / len(spans))
        names = dated[a].name, dated[b].name
        pairs[names] = follower.compare(names, (reads[a], reads[b]), job.level, job.control == TOGETHER)
    return reads, pairs


def _names(methods: Methods) -> list[str]:
    return [*methods.facts["features"], *methods.facts["variables"]]


def _stable(job: FollowSettlement, table: CellTable) -> NDArray[np.bool_] | None:
    if not job.stable_field:
        return None
    if job.stable_field not in table.table:
        raise BadInput(f"The layer of the reference date has no field '{job.stable_field}'.")
    column_of = table.table[job.stable_field]
    texts = [
        "" if missing else str(value).strip().lower()
        for value, missing in zip(column_of, column_of.isna(), strict=True)
    ]
    strange = sorted(set(texts) - set(YES) - set(NO))
    if strange:
        raise BadInput(f"The field '{job.stable_field}' holds '{strange[0]}'. Write 1 for stable cells, 0 for others.")
    return np.isin(texts, YES)


def _columns(
    tables: list[CellTable], same: Same, dates: list[str], reads: list[Read], pairs: dict[tuple[str, str], Pair]
) -> tuple[gpd.GeoDataFrame, list[str]]:
    last = tables[-1].table.iloc[same.rows[-1]].reset_index(drop=True)
    new = {}
    for date, read in zip(dates, reads, strict=True):
        there = np.isfinite(read.probability)
        new[f"class_{column(date)}"] = np.where(there, np.where(read.favela, FAVELA, OTHER), "").astype(object)
        new[f"p_{column(date)}"] = read.probability
    for number, ((first, second), pair) in enumerate(pairs.items()):
        end = f"_{column(first)}_{column(second)}" if number else ""
        new |= {f"{CHANGE}{end}": pair.change, f"confidence{end}": 1 - pair.chance, f"q_value{end}": pair.rate}
    kept = [name for name in KEPT if name in last]
    return last[[*kept, last.geometry.name]].assign(**new), list(new)


def _told(
    job: FollowSettlement, dated: list[Dated], reads: list[Read], pairs: dict[tuple[str, str], Pair]
) -> list[str]:
    lines = [date_words(one.name, read) for one, read in zip(dated, reads, strict=True)]
    some = np.any([one.asked for one in dated], axis=0) & ~np.all([one.asked for one in dated], axis=0)
    if some.any():
        lines.append(
            f"{some.sum()} cells are discarded, or lack numbers, on some dates only, such as land built up since: they "
            "have no change. Choose 'Classify discarded cells too' to follow them."
        )
    lines += [pair_words(names, pair, job.level, job.control == TOGETHER) for names, pair in pairs.items()]
    return [
        *lines,
        "Counts of a map are biased, and so are their differences. For an area of change with an interval: 'Draw "
        "sample' with these cells as units, unit field 'cell' and stratum field 'change'; look at pictures of both "
        "dates in each drawn cell, write 1 into 'reference' where it became favela, -1 where it no longer is, else 0; "
        "then 'Estimate area' of values gives the net change.",
    ]


def _share(read: Read) -> float:
    there = np.isfinite(read.probability)
    return float(read.favela[there].mean()) if there.any() else 0.0
