"""Why a cell is labelled or is not: the words in the column `status`, and their colours. Standard library only.

Colours are Paul Tol's bright and muted schemes for cells that count and his pale one for those that are discarded,
both told apart by people who see few colours (https://personal.sron.nl/~pault/).
"""

from dataclasses import dataclass
from typing import Dict, Tuple

from .names import FAVELA, RESIDENTIAL


@dataclass(frozen=True)
class Status:
    """One word of the column, and how a map shows it."""

    name: str
    title: str
    """In legends."""
    colour: str
    discarded: bool = False
    """Neither taught from nor mapped."""


MIXED, NOT_RESIDENTIAL, TO_MAP = "mixed", "not residential", "to be mapped"
VEGETATION, NOT_BUILT_UP, EXCLUDED = "vegetation", "not built up", "excluded"
NODATA, OUTSIDE = "nodata", "outside sources"

_ALL = (
    Status(FAVELA, "favela, by the reference", "#ee6677"),
    Status(RESIDENTIAL, "residential, no favela", "#4477aa"),
    Status(MIXED, "mixed: some favela, too little", "#ccbb44"),
    Status(NOT_RESIDENTIAL, "neither favela nor residential", "#44aa99"),
    Status(TO_MAP, "to be mapped: no reference", "#66ccee"),
    Status(VEGETATION, "discarded: vegetation", "#ccddaa", True),
    Status(NOT_BUILT_UP, "discarded: not built up", "#eeeebb", True),
    Status(EXCLUDED, "discarded: in an excluded zone", "#dddddd", True),
    Status(NODATA, "discarded: holds nodata of the raster", "#f4f4f4", True),
    Status(OUTSIDE, "discarded: a source says nothing here", "#bbccee", True),
)
STATUSES: Dict[str, Status] = {status.name: status for status in _ALL}
DISCARDED: Tuple[str, ...] = tuple(status.name for status in _ALL if status.discarded)
