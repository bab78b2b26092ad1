"""The job that follows favelas over dates."""

from typing import ClassVar, Tuple

from .. import running
from ..declare import Job, JobFacts, Kind, param, shared
from .methods import DECISIONS, GROUP, SHARE, MapSettlement, choices_told

TOGETHER, ALONE = "false discovery", "each cell"
DECIDED = tuple(one for one in DECISIONS if one != SHARE)
"""By share, every date would have as many favela cells."""


class FollowSettlement(Job):
    """Methods and the same cells on several dates in, changes out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="followsettlement",
        verb="follow-settlement",
        title="Follow favelas over dates",
        group=GROUP,
        summary="Says which cells became favela from date to date, and how sure that is.",
        help=(
            "One file of methods reads the same cells on all dates. Before that, each column of a date is brought to "
            "the reference date by a gain and an offset learnt from cells that did not change, so that another sensor, "
            "season or sun makes no change. How far these cells differ all the same is the noise that a change must "
            "exceed. More than half of the cells must be unchanged between two dates. Make the cells of all dates with "
            "the same grid, and their embeddings in one space ('Same space as' in 'Embed cells')."
        ),
        tags=("informal settlement", "slum", "change detection", "time series", "IR-MAD", "normalisation"),
    )

    methods: str = shared(MapSettlement, "methods")
    cells: Tuple[str, ...] = param(
        Kind.LAYERS,
        "Cells of each date",
        geometry="polygon",
        recorded=True,
        help="Two layers or more with the same cells and fields.",
    )
    dates: str = param(
        Kind.TEXT,
        "Dates",
        optional=True,
        help="As in 2016, 2020, 2024: one for each layer, in their order. Empty: the date in the name of each layer's "
        "file, or of what it was made from.",
    )
    reference: str = param(
        Kind.TEXT,
        "Reference date",
        optional=True,
        help="One of the dates: that of the cells that the methods were trained on, or the one most like it. Empty: "
        "the first.",
    )
    stable_field: str = param(
        Kind.FIELD,
        "Field of stable cells",
        parent="cells",
        optional=True,
        help="In the layer of the reference date: 1, true or yes for cells known not to have changed on any date, 50 "
        "or more of them all over the city. Empty: found from the numbers of the cells.",
    )
    level: float = param(
        Kind.NUMBER,
        "Level of confidence",
        default=0.95,
        minimum=0.5,
        maximum=0.999,
        help="Cells whose class differs with less confidence are called 'no detectable change'.",
    )
    control: str = param(
        Kind.CHOICE,
        "What the level holds for",
        default=TOGETHER,
        choices=(TOGETHER, ALONE),
        help="false discovery: of all cells said to have changed, at most this share (1 - level) is expected to be "
        "false. each cell: of all cells that did not change, so many are expected to be called changed at most, which "
        "in a large city may be more than really changed.",
    )
    decides: str = shared(MapSettlement, "decides")
    decision: str = param(
        Kind.CHOICE,
        "From where on a cell is favela",
        default="learnt",
        choices=DECIDED,
        help=choices_told(DECIDED),
    )
    prevalence: str = shared(MapSettlement, "prevalence")
    classify_all: bool = shared(MapSettlement, "classify_all")
    threads: int = running.threads()
    seed: int = running.seed()
    output: str = param(Kind.VECTOR_OUT, "Changes", extension="gpkg", result="settlementchange")

    def problem(self) -> str:
        """A single date."""
        return "" if len(self.cells) > 1 else f"{self.facts.title} needs cells of two dates at least: add a layer."
