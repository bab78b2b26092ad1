"""The job that makes one vector for each polygon of a layer."""

from typing import ClassVar

from .declare import Job, JobFacts, Kind, param
from .source import EmbedJob

AUTO, CELL, WINDOW, CENTRE = "auto", "cell", "window", "centre"
CONTEXTS = (AUTO, CELL, WINDOW, CENTRE)


class CellJob(Job):
    """Something is made of cells."""

    cells: str = param(
        Kind.VECTOR, "Cells", geometry="polygon", recorded=True, help="From 'Make cells', or any polygons."
    )


class EmbedCells(EmbedJob, CellJob):
    """Cells and raster in, cells with vectors out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="embedcells",
        verb="embed-cells",
        title="Embed cells",
        group="Embed",
        summary="Gives each polygon of a layer a vector that says what the raster shows there.",
        help=(
            "All fields of the layer are kept, and the vector follows in the fields emb_1, emb_2, ... Any backbone "
            "will do; mosaiks draws 1,024 features here unless asked for another number. A GeoPackage has room for "
            "about 2,000 fields: of wider vectors it gets principal components. A run that was stopped goes on where "
            "it was when it is asked again."
        ),
        tags=("features", "foundation model", "zonal", "chips", "CROMA", "MOSAIKS", "grid"),
        goes_on=True,
    )

    context: str = param(
        Kind.CHOICE,
        "What the backbone sees",
        default=AUTO,
        choices=CONTEXTS,
        help="cell: the pixels of the cell alone, brought to the size that a network was trained with, as published "
        "for favelas. window: a window of pixels as they are, centred on the cell, as one whole. centre: the same "
        "window, but only what is said of the cell itself is kept. auto: cell for networks, centre for others.",
    )
    window_px: int = param(
        Kind.INTEGER,
        "Window (0: automatic)",
        default=0,
        minimum=0,
        maximum=4096,
        unit="px",
        help="For window and centre. 0: what the network was trained with; for others three times the cell.",
    )
    like: str = param(
        Kind.VECTOR,
        "Same space as these cells",
        optional=True,
        recorded=True,
        instead_of="backbone",
        help="Takes over backbone, statistics and context of cells embedded earlier, so that what was trained there "
        "can be applied here.",
    )
    output: str = param(Kind.VECTOR_OUT, "Embedded cells", extension="gpkg parquet csv", result="embeddedcells")

    def problem(self) -> str:
        """As for every embedding; and a window where only the cell is seen."""
        if self.window_px and self.context in (AUTO, CELL):
            return "A window is given, but 'What the backbone sees' is not: choose window or centre."
        return super().problem()
