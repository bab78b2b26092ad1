"""What both ways of gathering evidence, from a map or from a table of units, hand on."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .design import Design
from .evidence import Evidence
from .filled import Classes


@dataclass
class Material:
    """Evidence with all that the report says around it."""

    evidence: Evidence
    design: Design
    classes: Classes
    """Empty for a value."""
    drawn: int
    """Places or units that were drawn to be labelled."""
    notes: list[str] = field(default_factory=list)
    shown: NDArray[np.int64] | None = None
    """(n,) class of the map at each labelled place; None where accuracy has no meaning."""
    counted: NDArray[np.float64] | None = None
    """(K,) what counting the prediction alone would have said: shares, or the mean."""
    unsure: float = 0.0
    """Share of the map that it leaves open."""
    places_word: str = "places"
    ground: bool = False
    """True for a value that is the share of each unit which is covered, so that mean times area is the ground."""
