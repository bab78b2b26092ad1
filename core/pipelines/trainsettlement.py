"""Train favela methods: labelled cells in, methods out, each with a first honest score."""

import time
from typing import Any

from ..atomic import check_apart, check_folder
from ..folds import Folds, class_folds
from ..jobs.declare import Result
from ..jobs.settlement.methods import TrainSettlement
from ..progress import Progress
from ..separation import BlockChoice
from ..settlement.methods.fitting import Plan, fit_parts
from ..settlement.methods.heldout import Reading, hold_out, read
from ..settlement.methods.registry import METHODS
from ..settlement.methods.stored import save_methods
from ..settlement.taught import FOLDS, Int, Taught, plan_of, read_labelled
from ..sidecar import write_sidecar
from ..version import VERSION


def run(job: TrainSettlement, progress: Progress) -> Result:
    """Do the job.

    Raises:
        QuadratError: cells cannot be learnt from, or the file cannot be written.
    """
    started = time.monotonic()
    check_apart(job.outputs(), {"cells": job.cells})
    check_folder(job.output)
    taught = read_labelled(job, progress)
    plan = plan_of(job, taught, progress)
    block = taught.block(job.block_size_m, job.seed)
    groups = taught.groups(block, job.seed)
    fitted = fit_parts(plan, taught.cells, taught.at, taught.y, groups, progress.part(0.02, 0.2 if job.test else 0.98))
    readings: dict[str, Reading] = {}
    if job.test:
        readings = _readings(plan, taught, block, groups, progress.part(0.2, 0.98))
    facts = {
        "methods": list(plan.methods),
        "positive": job.positive,
        "features": list(taught.table.feature_names),
        "variables": list(taught.table.variable_names),
        "space": taught.table.space,
        "prevalence": float(taught.y.mean()),
        "smooth_m": job.smooth_m,
        "ranks": job.ranks,
        "counts": {"favela": int(taught.y.sum()), "other": int((taught.y == 0).sum())},
        "block": None if block is None else {"side_m": block.side_m, "why": block.sentence},
    }
    save_methods(job.output, {**facts, "job": job.to_dict(), "version": VERSION}, fitted, readings)
    tested = {name: dict(reading.facts) for name, reading in readings.items()}
    told = {**facts, "tested": tested, "result": "methods"}
    write_sidecar(job.output, job, told, inputs={"cells": job.cells})
    told |= {"seconds": {"all": round(time.monotonic() - started, 3)}, "device": f"CPU, {plan.threads} threads"}
    return Result(job.facts.id, job.outputs(), told)


def _readings(
    plan: Plan, taught: Taught, block: BlockChoice | None, groups: Int, progress: Progress
) -> dict[str, Reading]:
    folds = class_folds(taught.y, groups, FOLDS, plan.seed) if block is not None else None
    if folds is None:
        progress.warning(
            "The favela cells lie in too few places to keep any apart: probabilities are those of a city half of "
            "which is favela, and the published rule decides."
        )
        return {}
    said = hold_out(plan, taught.cells, taught.at, taught.y, groups, folds, progress)
    readings = {name: read(one, taught.y, groups, folds.fold) for name, one in said.items()}
    for line in _sentences(readings, folds, block):
        progress.info(line)
    return readings


def _sentences(readings: dict[str, Reading], folds: Folds, block: BlockChoice | None) -> list[str]:
    side = "" if block is None else f" of {block.side_m:,.0f} m"
    lines = [f"Tested once on {folds.count} folds of squares{side}, cells as common as labelled:"]
    for name, reading in readings.items():
        known: dict[str, Any] = reading.facts.get("best", {})
        if known:
            lines.append(
                f"{METHODS[name].title}: F1 {known['f1']:.2f}, IoU {known['iou']:.2f} (precision "
                f"{known['precision']:.2f}, recall {known['recall']:.2f}); by the published rule F1 "
                f"{reading.facts['published']['f1']:.2f}."
            )
    return lines
