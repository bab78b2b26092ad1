"""Labelled cells of a job, checked: what methods learn from, and which of them these cells allow."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...models.crew import thread_count
from ..errors import BadInput
from ..folds import spatial_blocks
from ..jobs.settlement.methods import MethodJob
from ..progress import Progress
from ..separation import GIVEN, BlockChoice, choose_block
from .celltable import CellTable, labels_of, read_cells
from .methods.fitting import Cells, Plan
from .methods.stored import cells_of
from .names import LABEL

Int = NDArray[np.int64]
FOLDS = 5
FEW = 20
"""Labelled cells of one kind, below which a single one moves recall by more than 5 %."""


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
    table = read_cells(job.cells, job.feature_fields, job.variable_fields).in_order()
    field = job.label_field or LABEL
    if field in (*table.feature_names, *table.variable_names):
        raise BadInput(f"The field '{field}' is to be learnt and cannot be a feature or a variable too.")
    y = labels_of(table, field, job.positive, job.cells)
    cells = cells_of(table, job.smooth_m, job.ranks)
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
    least = int(min((y[at] == 1).sum(), (y[at] == 0).sum()))
    progress.info(f"{int(y[at].sum())} favela cells and {int((y[at] == 0).sum())} others to learn from.")
    if least < FEW:
        progress.warning(
            f"Only {least} cells of one kind are labelled: scores that are told from so few may be far from the truth. "
            f"Label {FEW} of each kind at least."
        )
    return Taught(table, cells, at, y[at], table.xy_m[at])


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
