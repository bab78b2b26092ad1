"""Compare favela methods: labelled cells in, a table of methods under honest and other tests out."""

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..atomic import check_apart, check_folder, replacing
from ..errors import BadInput, BadJob
from ..jobs.declare import Result
from ..jobs.settlement.methods import CompareSettlement
from ..progress import Progress
from ..samples import Regions, read_regions
from ..settlement.apart import TITLES, NotApart, Scheme, schemes_for
from ..settlement.comparepage import page
from ..settlement.comparepictures import error_maps
from ..settlement.comparerows import as_csv
from ..settlement.comparescores import compare
from ..settlement.comparewords import headline_sentences
from ..settlement.comparison import Trial, run_trial, share_right
from ..settlement.methods.fitting import Plan
from ..settlement.names import ZONE
from ..settlement.taught import Taught, plan_of, read_labelled
from ..sidecar import write_sidecar
from ..tablemap import check_format, write_table
from ..version import VERSION

Float = NDArray[np.float64]
SUFFIXES = (".html", ".htm")
RIGHT, MEAN, WORST = "right_", "right_mean", "right_worst"
"""Columns of the error map: of each method, of all, and of the method that was right least often."""


def run(job: CompareSettlement, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: cells cannot be learnt from or tested, or the report cannot be written.
    """
    started = time.monotonic()
    _check(job)
    taught = read_labelled(job, progress)
    plan = plan_of(job, taught, progress)
    trials, without = _trials(job, taught, plan, progress.part(0.02, 0.97))
    numbers = compare(trials, without, taught.y, job.seed)
    sentences = headline_sentences(numbers)
    for sentence in sentences:
        progress.info(sentence)
    trusted = next((trial for trial in trials if trial.scheme.name == numbers["headline"].get("scheme")), trials[0])
    right = share_right(trusted, taught.y)
    maps = _maps(taught, right, numbers) if numbers["schemes"] else []
    _write_report(job, numbers, sentences, page(numbers, job.to_dict(), maps))
    facts = {"sentences": sentences, "headline": numbers["headline"], "methods": list(plan.methods),
             "cells": numbers["cells"], "scheme": trusted.scheme.name, "left_out": numbers["left_out"]}  # fmt: skip
    write_sidecar(job.output, job, {**facts, "result": "report"}, inputs={"cells": job.cells})
    if job.errors:
        write_table(_errors(taught, right), job.errors)
        write_sidecar(job.errors, job, {**facts, "result": "methoderrors"}, inputs={"cells": job.cells})
    told = {**facts, "result": "report", "device": f"CPU, {plan.threads} threads"}
    return Result(job.facts.id, job.outputs(), told | {"seconds": {"all": round(time.monotonic() - started, 3)}})


def _check(job: CompareSettlement) -> None:
    if Path(job.output).suffix.lower() not in SUFFIXES:
        raise BadJob(f"The report {job.output} must be a .html file.")
    beside = {f"the numbers beside the report ({end})": str(_beside(job.output, end)) for end in ("json", "csv")}
    check_apart({**job.outputs(), **beside}, {"cells": job.cells})
    check_folder(job.output)
    if job.errors:
        check_format(job.errors, "map of errors")
        check_folder(job.errors)


def _beside(report: str, end: str) -> Path:
    return Path(report).with_suffix(f".{end}")


def _trials(
    job: CompareSettlement, taught: Taught, plan: Plan, progress: Progress
) -> tuple[list[Trial], list[NotApart]]:
    block = taught.block(job.block_size_m, job.seed)
    zones = _zones(job, taught)
    found = schemes_for(taught, block, zones, job.folds, job.repeats, job.seed)
    schemes = [one for one in found if isinstance(one, Scheme)]
    without = [one for one in found if isinstance(one, NotApart)]
    for one in without:
        progress.warning(f"No test by {TITLES[one.name].lower()}: {one.reason}")
    runs = [sum(split.folds.count for split in scheme.splits) for scheme in schemes]
    if not schemes:
        raise BadInput("The labelled cells are too few to test anything: two favela cells and two others are needed.")
    progress.info(f"{sum(runs)} runs, in each of which every method is fitted {1 + job.inner_folds} times.")
    trials, done = [], 0
    for scheme, count in zip(schemes, runs, strict=True):
        part = progress.part(done / sum(runs), (done + count) / sum(runs))
        part.checkpoint(0.0, f"Testing: {scheme.title}")
        trials.append(run_trial(scheme, taught, plan, job.inner_folds, part))
        done += count
    return trials, without


def _zones(job: CompareSettlement, taught: Taught) -> Regions | None:
    """Zones of the labelled cells, or None where there are not two.

    Raises:
        BadInput: the field that was named is not there, or names one zone only.
    """
    table = taught.table.table
    name = job.zone_field or ZONE
    if not job.zone_field and (ZONE not in table or table[ZONE].nunique() < 2):
        return None
    zones = read_regions(table, name, job.cells).take(taught.at)
    return zones if len(zones.names) > 1 else None


def _maps(taught: Taught, right: dict[str, Float], numbers: dict[str, Any]) -> list[tuple[str, str]]:
    head = numbers["headline"]
    scheme = next(one for one in numbers["schemes"] if one["name"] == head["scheme"])
    ious = {name: scheme["tests"][head["test"]][name]["iou"]["mean"] for name in right}
    return error_maps(taught.xy_m, taught.y, right, ious) if np.ptp(taught.xy_m, axis=0).any() else []


def _errors(taught: Taught, right: dict[str, Float]) -> Any:
    """Labelled cells with `right_<method>`, `right_mean` and `right_worst`; NaN where never tested."""
    dropped = {*taught.table.feature_names, *taught.table.variable_names}
    rows = taught.table.table.iloc[taught.at]
    shares = {f"{RIGHT}{name.replace('-', '_')}": share for name, share in right.items()}
    every = np.stack(list(right.values()))
    new = {**shares, MEAN: every.mean(axis=0), WORST: every.min(axis=0), "favela": taught.y}
    kept = [name for name in rows.columns if name not in dropped and name not in new]
    return rows[kept].assign(**new)


def _write_report(job: CompareSettlement, numbers: dict[str, Any], sentences: list[str], html: str) -> None:
    content = {"version": VERSION, "job": job.to_dict(), "sentences": sentences, **numbers}
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    for path, written in (
        (_beside(job.output, "json"), f"{text}\n"), (_beside(job.output, "csv"), as_csv(numbers)), (job.output, html),
    ):  # fmt: skip
        with replacing(path) as temporary:
            temporary.write_text(written, encoding="utf-8", newline="\n")
