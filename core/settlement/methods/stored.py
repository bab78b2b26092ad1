"""Methods on disk: the file format of heads, with several classifiers by part and what is known of each method."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ...errors import BadInput, Stale
from ...heads.build import with_threads
from ...heads.storage import load_head, save_head
from ..celltable import CellTable
from .around import NodeInputs
from .fitting import Cells, FittedParts
from .heldout import Reading
from .ranks import ranked_by_zone
from .registry import AROUND, FEATURES, METHODS, PARTS, VARIABLES
from .smoothing import weights_around

TASK = "settlement"


@dataclass(frozen=True)
class Methods:
    """A loaded file.

    Attributes:
        path: of it.
        facts: plain JSON values.
        fitted: the classifiers.
        readings: of each method; empty where nothing was held out.
    """

    path: str
    facts: Mapping[str, Any]
    fitted: FittedParts
    readings: Mapping[str, Reading]

    @property
    def names(self) -> tuple[str, ...]:
        """Of the methods, in the order of training."""
        return tuple(self.facts["methods"])

    @property
    def prevalence(self) -> float:
        """Share of favela among the labelled cells."""
        return float(self.facts["prevalence"])

    @classmethod
    def read(cls, path: str, threads: int) -> Self:
        """Load and check.

        Raises:
            BadInput: damaged, or a head and no methods.
            QuadratError: as `load_head`.
        """
        facts, content = load_head(path)
        if facts.get("task") != TASK:
            raise BadInput(f"{path} holds a head, not favela methods. Give it to 'Apply head'.")
        try:
            members = {part: [with_threads(one, threads) for one in some] for part, some in content["members"].items()}
            nodes = NodeInputs(*content["nodes"]) if content["nodes"] else None
            readings = {name: Reading.from_dict(values) for name, values in facts["readings"].items()}
            whole = bool(facts["methods"]) and all(
                set(METHODS[name].parts) <= set(members) for name in facts["methods"]
            )
            whole &= 0 < float(facts["prevalence"]) < 1 and 0 <= float(facts.get("smooth_m", 0)) < math.inf
            whole &= all(_are_names(facts[name]) for name in ("features", "variables"))
            whole = whole and _fit(members, nodes, len(facts["features"]), len(facts["variables"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _damaged(path) from error
        if not whole:
            raise _damaged(path)
        return cls(path, facts, FittedParts(members, nodes), readings)

    def check(self, table: CellTable, source: str) -> None:
        """Refuse cells whose numbers mean something else than those of training.

        Raises:
            Stale: an embedding of another space.
        """
        there, here = str(self.facts.get("space", "")), table.space
        if there and there != here:
            raise Stale(
                f"The methods were trained on an embedding of the space {there[:12]}; the cells of {source} are of "
                f"{here[:12] or 'an unknown one'}. Run 'Embed cells' on them again with 'Same space as' set to the "
                "cells of training."
            )


def save_methods(path: str, facts: Mapping[str, Any], fitted: FittedParts, readings: Mapping[str, Reading]) -> None:
    """Write under a temporary name and rename it.

    Raises:
        BadInput: a type that may not be stored.
        Unwritable: the folder cannot be written.
    """
    nodes = None if fitted.nodes is None else [fitted.nodes.mean, fitted.nodes.scale, fitted.nodes.axes]
    content = {"members": {part: list(some) for part, some in fitted.members.items()}, "nodes": nodes}
    known = {name: reading.to_dict() for name, reading in readings.items()}
    save_head(path, {**facts, "task": TASK, "readings": known}, content)


def cells_of(table: CellTable, smooth_m: float = 0.0, ranks: bool = False) -> Cells:
    """What methods look at.

    Args:
        table: all cells.
        smooth_m: standard deviation of the Gaussian by which what is said of cells is averaged; 0: it is not.
        ranks: every number becomes its rank in the zone of the cell.
    """
    own_units = ranks or (not table.space and table.feature_names[:1] != ("emb_1",))
    near = weights_around(table.xy_m, smooth_m) if smooth_m else None
    features, variables = table.features, table.variables
    if ranks:
        features, variables = (ranked_by_zone(numbers, table.zones()) for numbers in (features, variables))
    return Cells(features, variables, table.neighbours(), own_units, near)


def treated(table: CellTable, facts: Mapping[str, Any]) -> Cells:
    """The cells as those of training were: smoothed and ranked alike."""
    return cells_of(table, float(facts.get("smooth_m", 0.0)), bool(facts.get("ranks", False)))


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _fit(members: Mapping[str, Any], nodes: NodeInputs | None, features: int, variables: int) -> bool:
    """Whether classifiers were fitted to as many columns as the facts name."""
    wide = {FEATURES: features, VARIABLES: variables}
    for part, some in members.items():
        columns = PARTS[part].columns
        if AROUND in columns:
            if nodes is None or (len(nodes.scale), len(nodes.axes)) != (variables, features):
                return False
            continue
        wanted = sum(wide[name] for name in columns)
        if not some or any(getattr(_first(one), "n_features_in_", wanted) != wanted for one in some):
            return False
    return True


def _first(estimator: Any) -> Any:
    """What of a chain of steps sees the columns."""
    steps = getattr(estimator, "steps", None)
    return steps[0][1] if steps else estimator


def _damaged(path: str) -> BadInput:
    return BadInput(f"The file {path} is damaged: what it says of its methods is not whole. Train them again.")
