"""The job that places points on photos, and quadrats with points on an orthomosaic."""

from typing import ClassVar

from .. import running
from ..declare import Job, JobFacts, Kind, param
from .bringin import GROUP

SIMPLE, STRATIFIED, UNIFORM = "simple random", "stratified random", "uniform grid"
SKIP, ANEW, ADD = "skip", "anew", "add"
RANDOM, SYSTEMATIC = "random", "systematic"


class PlacePoints(Job):
    """A survey in, the same with points out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="placepoints",
        verb="place-points",
        title="Place points on photos",
        group=GROUP,
        summary="Places points to be annotated on the photos of a survey, or in quadrats on an orthomosaic.",
        help=(
            "The designs of CPCe and CoralNet: points at random; a number of them at random in each cell of a grid "
            "(stratified); the middles of a grid. No pixel is taken twice. The same seed gives the same points, and "
            "those of a photo depend on its name and on no other photo, so that photos added later change nothing. "
            "On an orthomosaic square quadrats are drawn first, at random without overlap or in a grid with a random "
            "start, wholly inside the mask and on data; each becomes a photo of the survey with its outline, and its "
            "points have coordinates. Points with annotations are never taken away."
        ),
        tags=("coral", "benthic", "random points", "stratified", "grid", "quadrat", "CPCe", "CoralNet", "orthomosaic"),
    )

    survey: str = param(
        Kind.VECTOR,
        "Survey",
        optional=True,
        recorded=True,
        help="From 'Import photo survey'. With an orthomosaic its quadrats are added to it.",
    )
    orthomosaic: str = param(
        Kind.RASTER, "Orthomosaic", optional=True, help="Instead of photos: quadrats are drawn on it."
    )
    design: str = param(
        Kind.CHOICE,
        "Design",
        default=SIMPLE,
        choices=(SIMPLE, STRATIFIED, UNIFORM),
        help="Simple random: as many as wanted, anywhere. Stratified random: so many in each cell of rows and columns. "
        "Uniform grid: one in the middle of each cell.",
    )
    points: int = param(
        Kind.INTEGER, "Points on each photo", default=25, minimum=1, maximum=10_000, help="Of a simple random design."
    )
    rows: int = param(
        Kind.INTEGER, "Rows of cells", default=5, minimum=1, maximum=1_000, help="Of the two other designs."
    )
    columns: int = param(
        Kind.INTEGER, "Columns of cells", default=5, minimum=1, maximum=1_000, help="Of the two other designs."
    )
    per_cell: int = param(
        Kind.INTEGER, "Points in each cell", default=1, minimum=1, maximum=1_000, help="Of a stratified random design."
    )
    margins: str = param(
        Kind.TEXT,
        "Margins without points",
        default="0",
        help="Pixels or per cent: 50, or 5%; or four of them for top, right, bottom and left, as in 0 0 10% 0 where a "
        "scale lies in the picture.",
    )
    with_points: str = param(
        Kind.CHOICE,
        "Photos that have points",
        default=SKIP,
        choices=(SKIP, ANEW, ADD),
        help="skip: left as they are. anew: points that nobody annotated are taken away first. add: new ones besides.",
    )
    seed: int = running.seed("The same gives the same points.", advanced=False)
    quadrat_m: float = param(
        Kind.NUMBER, "Side of a quadrat", default=1.0, minimum=0.001, maximum=10_000.0, unit="m",
        help="On an orthomosaic.",
    )  # fmt: skip
    quadrats: int = param(
        Kind.INTEGER, "Quadrats", default=30, minimum=1, maximum=100_000,
        help="On an orthomosaic. In a grid about as many, unless a spacing is given.",
    )  # fmt: skip
    quadrat_design: str = param(
        Kind.CHOICE,
        "Quadrats lie",
        default=RANDOM,
        choices=(RANDOM, SYSTEMATIC),
        help="random: anywhere, none on another. systematic: in a grid with a random start. None lies on those that "
        "the survey has on this orthomosaic.",
    )
    spacing_m: float = param(
        Kind.NUMBER, "Spacing of quadrats", default=0.0, minimum=0.0, maximum=1e5, unit="m", advanced=True,
        help="In a grid, from one to the next. 0: from their number.",
    )  # fmt: skip
    mask: str = param(
        Kind.VECTOR, "Part of the orthomosaic", geometry="polygon", optional=True,
        help="Polygons in which quadrats lie wholly. Empty: all of it.",
    )  # fmt: skip
    seen_percent: float = param(
        Kind.NUMBER, "Least part of a quadrat with data", default=99.0, minimum=0.0, maximum=100.0, unit="%",
        advanced=True, help="Orthomosaics have no data at their edges.",
    )  # fmt: skip
    pixel_m: float = param(
        Kind.NUMBER, "Side of a pixel", default=0.0, minimum=0.0, maximum=1000.0, unit="m", advanced=True,
        help="Of an orthomosaic whose file does not tell. 0: as the file says.",
    )  # fmt: skip
    output: str = param(
        Kind.VECTOR_OUT,
        "Survey with points",
        extension="gpkg",
        result="reefsurvey",
        optional=True,
        by_default=False,
        help="The file to write. Empty: the survey itself gets the points.",
    )

    def problem(self) -> str:
        """Nothing to place points on, or nowhere to write them."""
        if not (self.survey or self.orthomosaic):
            return "Place points needs a survey, or an orthomosaic."
        if not (self.survey or self.output):
            return "Place points on an orthomosaic needs the name of the survey file to write."
        if self.mask and not self.orthomosaic:
            return "The mask is a part of an orthomosaic: give that, or leave the mask empty."
        return ""

    @classmethod
    def example(cls) -> "PlacePoints":
        """On the photos of a survey."""
        return cls.from_dict({"survey": "/example/survey.gpkg", "output": "/example/output.gpkg"})
