"""Parts fitted to balanced draws of labelled cells, shared by all methods that want them; and what methods then say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from ...heads.ensemble import DRAWS, balanced_parts
from ...heads.fitting import run_all
from ...progress import Progress
from .around import NodeInputs, around
from .combine import EDGE, RULES, Bool, Float
from .parts import PartRequest, fit_part
from .registry import AROUND, FEATURES, METHODS, PARTS, VARIABLES, columns_of
from .smoothing import smoothed

Int = NDArray[np.int64]
UNBALANCED = "none"
AUTOMATIC = "auto-both"
"""The part that takes features, variables or both, as there are."""


@dataclass(frozen=True)
class Cells:
    """What methods look at.

    Attributes:
        features: (N, D) float32, NaN where missing.
        variables: (N, v) float32, likewise.
        neighbours: (N, 9) index of each cell itself and of its neighbours, -1 for none.
        own_units: the features are columns of different units, not dimensions of an embedding.
        near: (N, N) weights with which what is said of cells is averaged; None: it stands for itself.
    """

    features: NDArray[np.float32]
    variables: NDArray[np.float32]
    neighbours: Int
    own_units: bool = False
    near: csr_matrix | None = None

    def whole(self, columns: Iterable[str]) -> Bool:
        """(N,) True where a cell has every number that is looked at."""
        columns = tuple(columns)
        found = np.ones(len(self.neighbours), np.bool_)
        if FEATURES in columns or AROUND in columns:
            found &= np.isfinite(self.features).all(axis=1)
        if VARIABLES in columns or AROUND in columns:
            found &= np.isfinite(self.variables).all(axis=1)
        return found

    def matrix(self, columns: Sequence[str], at: Int, nodes: NodeInputs | None) -> NDArray[np.float32]:
        """(n, D) what a part sees of some cells."""
        if AROUND in columns:
            if nodes is None:
                raise ValueError("The numbers of neighbours were not learnt.")
            numbers = nodes(self.variables, self.features)
            return around(numbers, self.neighbours[at]).reshape(len(at), -1)
        blocks = {FEATURES: self.features, VARIABLES: self.variables}
        return np.concatenate([blocks[name][at] for name in columns], axis=1)

    def lacks(self, method: str) -> str:
        """Why a method cannot be used on these cells, as a sentence; empty when it can."""
        title = METHODS[method].title
        if METHODS[method].parts == (AUTOMATIC,):
            return ""
        if FEATURES in columns_of(method) and not self.features.shape[1]:
            return f"{title} needs an embedding of the cells: run 'Embed cells' first."
        if VARIABLES in columns_of(method) and not self.variables.shape[1]:
            return f"{title} needs variables of the cells: run 'Cell variables' first."
        return ""


@dataclass(frozen=True)
class Plan:
    """How methods are fitted.

    Attributes:
        methods: their names.
        members: draws of the methods that want many.
        balance: `draws` (as many cells of both kinds, drawn at random), `split` (the common kind dealt out), or `none`.
        seed: decides the draws and the classifiers.
        threads: fits side by side.
    """

    methods: tuple[str, ...]
    members: int = 10
    balance: str = DRAWS
    seed: int = 0
    threads: int = 1

    def draws_of(self, part: str) -> int:
        """How often a part is fitted."""
        wanted = [METHODS[name].draws for name in self.methods if part in METHODS[name].parts]
        return self.members if any(wanted) and self.balance != UNBALANCED else 1

    @property
    def parts(self) -> tuple[str, ...]:
        """All parts, each once."""
        return tuple(dict.fromkeys(part for name in self.methods for part in METHODS[name].parts))


@dataclass(frozen=True)
class FittedParts:
    """What is kept of a fit.

    Attributes:
        members: fitted classifiers of each part, one a draw.
        nodes: how neighbours become numbers; None where no part asks.
    """

    members: Mapping[str, Sequence[Any]]
    nodes: NodeInputs | None

    def say(
        self, methods: Sequence[str], cells: Cells, at: Int, learnt: Int | None = None
    ) -> dict[str, tuple[Float, Bool]]:
        """Of each method (n,) a number from 0 to 1, NaN where a cell lacks numbers, and (n,) whether it is favela.

        Args:
            methods: their names.
            cells: all, so that neighbours are known.
            at: (n,) which of them.
            learnt: cells that were learnt from, where `at` is a test: what is said of them would tell their labels,
                and is not averaged into others.
        """
        if cells.near is None:
            return self._say(methods, cells, at)
        rows = cells.near[at]
        counts = np.zeros(len(cells.neighbours), np.bool_)
        counts[rows.indices] = True
        counts[at if learnt is None else np.concatenate([at, learnt])] = False
        wide = np.concatenate([at, np.flatnonzero(counts)])
        said = self._say(methods, cells, wide)
        ranked = {name: smoothed(raw, rows[:, wide]) for name, (raw, _) in said.items()}
        return {name: (mean, np.nan_to_num(mean) >= EDGE) for name, mean in ranked.items()}

    def _say(self, methods: Sequence[str], cells: Cells, at: Int) -> dict[str, tuple[Float, Bool]]:
        """Each cell by itself."""
        parts = {part for name in methods for part in METHODS[name].parts}
        heard = {part: self._heard(part, cells, at) for part in sorted(parts)}
        said = {}
        for name in methods:
            card = METHODS[name]
            taken = [heard[part] if card.draws else heard[part][:1] for part in card.parts]
            whole = cells.whole(columns_of(name))[at]
            ranked, favela = RULES[card.rule]([np.where(whole, part, 0.0) for part in taken])
            said[name] = np.where(whole, ranked, np.nan), favela & whole
        return said

    def _heard(self, part: str, cells: Cells, at: Int) -> Float:
        """(M, n) P(favela) of each member; NaN where a cell lacks numbers."""
        columns = PARTS[part].columns
        found = np.full((len(self.members[part]), len(at)), np.nan)
        there = np.flatnonzero(cells.whole(columns)[at])
        if there.size:
            X = cells.matrix(columns, at[there], self.nodes)
            for number, member in enumerate(self.members[part]):
                found[number, there] = member.predict_proba(X)[:, 1]
        return found


def fit_parts(plan: Plan, cells: Cells, at: Int, y: Int, groups: Int, progress: Progress) -> FittedParts:
    """Every part of the plan's methods, fitted.

    All parts see the same draws, so that what tells methods apart is not luck.

    Args:
        plan: which methods, and how.
        cells: all of them.
        at: (n,) those to learn from; all numbers of theirs are there.
        y: (n,) 1 for favela, else 0; both occur.
        groups: (n,) cells that an automatic head keeps together while it chooses.
        progress: tells fits, and hears a cancel.
    """
    nodes = None
    if any(AROUND in PARTS[part].columns for part in plan.parts):
        nodes = NodeInputs.fit(cells.variables[at], cells.features[at])
    draws = balanced_draws(plan, y)
    tasks, places = [], []
    for part in plan.parts:
        X = cells.matrix(PARTS[part].columns, at, nodes)
        for number in range(min(plan.draws_of(part), len(draws))):
            drawn = draws[number]
            request = PartRequest(cells.features.shape[1], cells.own_units, plan.seed + number)
            tasks.append(partial(fit_part, part, request, X[drawn], y[drawn], groups[drawn]))
            places.append(part)
    fitted = run_all(tasks, plan.threads, progress)
    members: dict[str, list[Any]] = {part: [] for part in plan.parts}
    for part, one in zip(places, fitted, strict=True):
        members[part].append(one)
    return FittedParts(members, nodes)


def balanced_draws(plan: Plan, y: Int) -> list[Int]:
    """Indices of the cells in each draw; one draw of all cells where nothing is balanced."""
    if plan.balance == UNBALANCED:
        return [np.arange(len(y))]
    size = int(np.bincount(y, minlength=2).min())
    wanted = max(plan.draws_of(part) for part in plan.parts)
    return balanced_parts(y, plan.balance, size, wanted, plan.seed)
