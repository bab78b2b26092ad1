"""What the methods of a file answer when they are asked about cells."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput, BadJob
from ..jobs.settlement.methods import MAJORITY, SHARE
from ..prevalence import parse
from ..progress import Progress
from .celltable import CellTable
from .mapping import LEARNT, Together, Verdict, estimated_share, surest, together, verdict
from .methods.combine import Bool, Float
from .methods.fitting import Cells
from .methods.registry import METHODS
from .methods.stored import Methods
from .names import FAVELA
from .statuses import DISCARDED

Int = NDArray[np.int64]
Said = Mapping[str, tuple[Float, Bool]]
"""Of each method (n,) its numbers, NaN where it says nothing, and (n,) its own decision."""
Shares = Mapping[str, float | None]
"""How common favela is, for each method; None: as in training."""
OTHER = "other"
ESTIMATE = "estimate"
CELLS_AT_ONCE = 20_000


@dataclass(frozen=True)
class Question:
    """How what methods say becomes an answer; fields as of the job 'Map favelas'."""

    decides: str
    decision: str
    prevalence: str

    def check(self, methods: Methods, progress: Progress) -> None:
        """Refuse a method that the file does not hold; tell when the published rule must decide.

        Raises:
            BadJob: no such method.
        """
        if self.decides != MAJORITY and self.decides not in methods.names:
            raise BadJob(
                f"{methods.path} does not hold the method {self.decides}. It holds: {', '.join(methods.names)}."
            )
        if not methods.readings and self.decision == LEARNT:
            progress.warning("Nothing was held out in training: the published rule decides.")

    def shares(self, methods: Methods, said: Said, progress: Progress) -> Shares:
        """How common favela is taken to be.

        Raises:
            BadJob: the share makes no sense.
        """
        if self.prevalence != ESTIMATE:
            share = self.prevalence.replace(",", ".")  # 0,03 as well: one number is asked for, so no comma parts two
            known = float(parse(f"{FAVELA}={share}", [FAVELA, OTHER])[0]) if share else None
            return dict.fromkeys(said, known)
        found = {}
        for name, (ranked, _) in said.items():
            reading = methods.readings.get(name)
            shown = ranked if reading is None else reading.probability(ranked)
            found[name] = estimated_share(shown, trained_share(methods, name))
            progress.info(f"{METHODS[name].title}: share of favela estimated as {100 * found[name]:.2g} %.")
        return found

    def verdicts(self, methods: Methods, said: Said, shares: Shares) -> dict[str, Verdict]:
        """What each method answers."""
        found = {
            name: verdict(
                ranked, favela, methods.readings.get(name), self.decision, trained_share(methods, name), shares[name]
            )
            for name, (ranked, favela) in said.items()
        }
        if self.decision != SHARE:
            return found
        labels = methods.prevalence
        return {
            name: surest(one, labels if shares[name] is None else shares[name] or 0.0) for name, one in found.items()
        }

    def decided(self, verdicts: Mapping[str, Verdict]) -> Verdict | Together:
        """The answer that counts."""
        return together(verdicts) if self.decides == MAJORITY else verdicts[self.decides]


def trained_share(methods: Methods, name: str) -> float:
    """How common favela is where the probabilities of a method are right."""
    return methods.prevalence if name in methods.readings else 0.5


def hear(methods: Methods, cells: Cells, at: Int, progress: Progress) -> dict[str, tuple[Float, Bool]]:
    """What each method says of some cells.

    Args:
        methods: the file.
        cells: all, so that neighbours are known.
        at: (n,) which of them.
        progress: hears a cancel.
    """
    found: dict[str, list[Any]] = {name: [] for name in methods.names}
    for start in range(0, max(len(at), 1), CELLS_AT_ONCE):
        progress.checkpoint(start / max(len(at), 1))
        for name, said in methods.fitted.say(methods.names, cells, at[start : start + CELLS_AT_ONCE]).items():
            found[name].append(said)
    return {
        name: (np.concatenate([ranked for ranked, _ in pieces]), np.concatenate([favela for _, favela in pieces]))
        for name, pieces in found.items()
    }


def wanted(table: CellTable, classify_all: bool, source: str) -> Int:
    """Cells that get a class.

    Raises:
        BadInput: all are discarded.
    """
    if classify_all:
        return np.arange(len(table))
    at = np.flatnonzero(~discarded(table))
    if not at.size:
        raise BadInput(f"All cells of {source} are discarded. Choose 'Classify discarded cells too'.")
    return at


def discarded(table: CellTable) -> Bool:
    """(N,) whether a cell is vegetation, not built up, excluded or the like."""
    return np.asarray(np.isin(table.status().astype(str), DISCARDED))
