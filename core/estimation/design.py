"""How a sample was drawn: what is needed to estimate from it, as it lies in the sidecar of the sample."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput

FORMAT = 1
TABLE = "design"
"""Layer of the sample's file that says of each place what the map shows there."""


@dataclass(frozen=True)
class Stratum:
    """One part of the population, from which so many places were drawn."""

    value: int
    """Of the class in the map; 0 where strata are no map classes."""
    name: str
    colour: str
    """`#rrggbb`, or empty."""
    count: int
    """Cells or units in it."""
    area_m2: float
    """Their true area; equals `count` where areas are unknown, units have none, or units count alike."""
    drawn: int = 0
    unsure: bool = False
    """True for places that the map leaves open: a stratum, but no class."""


@dataclass(frozen=True)
class Design:
    """What population, cut into which strata, how many places from each."""

    kind: str
    """`stratified` or `simple`."""
    unit: str
    """`cell` of a map or `unit` of a table."""
    strata: tuple[Stratum, ...]
    source: str
    """Path of the map or table."""
    print: str
    """Fingerprint of its content when the sample was drawn; empty when unknown."""
    seed: int = 0
    area_known: bool = False
    mask: str = ""
    unit_field: str = ""
    stratum_field: str = ""
    note: str = ""
    """How areas were computed."""
    unnamed: str = ""
    """Name of the stratum of units without an entry in the stratum field."""
    left_out: int = 0
    """Units without such an entry that are not of the population."""
    left_out_m2: float = 0.0
    recorded: bool = True
    """False when the user says so and no sidecar does."""

    @property
    def counts(self) -> NDArray[np.float64]:
        """(H,) cells or units in each stratum."""
        return np.array([stratum.count for stratum in self.strata], dtype=np.float64)

    @property
    def weights(self) -> NDArray[np.float64]:
        """(H,) share of each stratum in the whole, by area where cells differ in it."""
        areas = np.array([stratum.area_m2 for stratum in self.strata])
        return np.asarray(areas / areas.sum())

    @property
    def total(self) -> float:
        """Square metres where the area is known, else cells or units."""
        return float(sum(stratum.area_m2 for stratum in self.strata))

    @property
    def by_class(self) -> bool:
        """True when the strata are the classes of a map."""
        return self.kind == "stratified" and self.unit == "cell"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {"format": FORMAT, **asdict(self), "strata": [asdict(stratum) for stratum in self.strata]}


def design_from(facts: dict[str, Any], source: str) -> Design:
    """The design in the facts of a sidecar.

    Raises:
        BadInput: damaged, or of a newer version.
    """
    try:
        stored = dict(facts["design"])
        if stored.pop("format") > FORMAT:
            raise BadInput(f"{source} was drawn by a newer version of Quadrat. Update the plugin.")
        strata = tuple(Stratum(**item) for item in stored.pop("strata"))
        design = Design(strata=strata, **stored)
        whole = design.total > 0 and all(stratum.count >= stratum.drawn >= 0 for stratum in strata)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(
            f"The sidecar of {source} does not hold a whole design ({error}). Draw the sample again."
        ) from error
    if not whole:
        raise BadInput(f"The sidecar of {source} holds impossible numbers. Draw the sample again.")
    return design
