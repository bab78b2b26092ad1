"""Train favela methods: labelled cells in, methods out, each with a first honest score."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models.crew import thread_count
from ..atomic import check_apart, check_folder
from ..errors import BadInput
from ..folds import Folds, class_folds, metres, spatial_blocks
from ..jobs.declare import Result
from ..jobs.settlement.methods import MethodJob, TrainSettlement
from ..progress import Progress
from ..separation import GIVEN, BlockChoice, choose_block
from ..settlement.celltable import CellTable, labels_of, read_cells
from ..settlement.methods.fitting import Cells, Plan, fit_parts
from ..settlement.methods.heldout import Reading, hold_out, read
from ..settlement.methods.registry import METHODS
from ..settlement.methods.stored import cells_of, save_methods
from ..settlement.names import LABEL
from ..sidecar import write_sidecar
from ..version import VERSION

Int = NDArray[np.int64]
FOLDS = 5


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
        "counts": {"favela": int(taught.y.sum()), "other": int((taught.y == 0).sum())},
        "block": None if block is None else {"side_m": block.side_m, "why": block.sentence},
    }
    save_methods(job.output, {**facts, "job": job.to_dict(), "version": VERSION}, fitted, readings)
    tested = {name: dict(reading.facts) for name, reading in readings.items()}
    told = {**facts, "tested": tested, "result": "methods"}
    write_sidecar(job.output, job, told, inputs={"cells": job.cells})
    told |= {"seconds": {"all": round(time.monotonic() - started, 3)}, "device": f"CPU, {plan.threads} threads"}
    return Result(job.facts.id, job.outputs(), told)


@dataclass(frozen=True)
class Taught:
    """Labelled cells, and all cells around them.

    Attributes:
        table: all cells.
        cells: the same as methods see them.
        at: (n,) index of the labelled ones that have every number.
        y: (n,) 1 for favela, else 0.
        xy_m: (n, 2) metres.
    """

    table: CellTable
    cells: Cells
    at: Int
    y: Int
    xy_m: NDArray[np.float64]

    def block(self, given_m: float, seed: int) -> BlockChoice | None:
        """Side of the squares that are kept apart; None when all cells lie in one place."""
        if given_m:
            return BlockChoice(given_m, GIVEN, "The side of the blocks was given.")
        numbers = np.concatenate([self.cells.variables, self.cells.features], axis=1)[self.at]
        scaled = (numbers - numbers.mean(axis=0)) / np.where(numbers.std(axis=0) > 0, numbers.std(axis=0), 1)
        return choose_block("class", self.xy_m, np.arange(len(self.y)), scaled, self.y, "m", FOLDS, seed)

    def groups(self, block: BlockChoice | None, seed: int) -> Int:
        """(n,) number of the square in which each cell lies."""
        everyone = np.arange(len(self.y), dtype=np.int64)
        return everyone if block is None else spatial_blocks(self.xy_m, everyone, block.side_m, seed)


def read_labelled(job: MethodJob, progress: Progress) -> Taught:
    """The labelled cells of a job.

    Raises:
        BadInput: there are none of one kind.
    """
    table = read_cells(job.cells, job.feature_fields, job.variable_fields)
    y = labels_of(table, job.label_field or LABEL, job.positive, job.cells)
    cells = cells_of(table)
    whole = cells.whole(("features", "variables"))
    at = np.flatnonzero((y >= 0) & whole)
    lacking = int(((y >= 0) & ~whole).sum())
    if lacking:
        progress.warning(f"{lacking} labelled cells lack a number and are left out.")
    if not (y[at] == 1).sum() >= 2 or not (y[at] == 0).sum() >= 2:
        raise BadInput(
            f"{job.cells} has {int((y[at] == 1).sum())} favela cells and {int((y[at] == 0).sum())} others with all "
            "numbers; at least two of each are needed."
        )
    progress.info(f"{int(y[at].sum())} favela cells and {int((y[at] == 0).sum())} others to learn from.")
    crs = table.table.crs
    unit_m = 1.0 if crs.is_geographic else float(crs.axis_info[0].unit_conversion_factor)
    return Taught(table, cells, at, y[at], metres(table.xy[at], crs.is_geographic, unit_m))


def plan_of(job: MethodJob, taught: Taught, progress: Progress) -> Plan:
    """The methods of a job that these cells allow.

    Raises:
        BadInput: none of them.
    """
    possible = possible_methods(job.methods, taught.cells)
    for name in job.methods:
        if name not in possible:
            progress.warning(f"Left out: {taught.cells.lacks(name)}")
    if not possible:
        raise BadInput(taught.cells.lacks(job.methods[0]))
    return Plan(possible, job.members, job.balance, job.seed, thread_count(job.threads))


def possible_methods(names: Sequence[str], cells: Cells) -> tuple[str, ...]:
    """Those for which cells have the numbers."""
    return tuple(name for name in names if not cells.lacks(name))


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
