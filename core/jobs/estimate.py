"""Jobs that say how large an area, share or mean is, with an interval: draw a sample, estimate from it."""

from typing import ClassVar

from ..estimation.registry import ESTIMATORS
from . import running
from .declare import Job, JobFacts, Kind, param
from .fewshot import GROUP

REFERENCE = "reference"
AUTO, LEAVE_OUT, OWN_STRATUM, REFUSE = "auto", "leave-out", "own-stratum", "refuse"
"""What becomes of units without a stratum."""
ALIKE, BY_ROWS, BY_AREA = "alike", "by-rows", "by-area"
"""What units count by."""
CHOSEN = (
    "Places chosen by hand, or suggested because they are hard, are no probability sample: nobody knows what they "
    "stand for, so no interval can be given. Run 'Draw sample' on the map, label the places that it draws, and "
    "estimate from those."
)


class DrawSample(Job):
    """Map or table of units in, places to label out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="drawsample",
        verb="draw",
        title="Draw sample",
        group=GROUP,
        summary="Draws places at random, to be labelled for an area, share or mean with an interval.",
        help=(
            "From a class map, each class is a stratum: rare classes get enough places, and the weights say what each "
            "place stands for. Or from a table of units such as photos, villages or polygons. Places come in an order: "
            "the first so many are a valid smaller sample, and a larger sample of the same seed begins with the same "
            "places, so that labels are never lost. Fill the field 'reference' with what is really there, looking at "
            "better pictures or at the place itself, not at the map. Then run 'Estimate area'. For the favelas of a "
            "city take the map of 'Map favelas' as units, with unit field 'cell' and stratum field 'class'."
        ),
        tags=("sampling design", "stratified random sampling", "accuracy assessment", "reference data", "validation"),
    )

    map: str = param(
        Kind.RASTER,
        "Map",
        optional=True,
        help="A class map; or any raster for a simple random sample. Empty only when units are given.",
    )
    units: str = param(
        Kind.VECTOR,
        "Units",
        optional=True,
        help="Instead of a map: a layer or table of which each row, or each group of rows, is a unit to draw.",
    )
    unit_field: str = param(
        Kind.FIELD,
        "Unit field",
        parent="units",
        optional=True,
        help="Rows with the same entry (points of one photo, households of one village) are one unit.",
    )
    stratum_field: str = param(
        Kind.FIELD,
        "Stratum field",
        parent="units",
        optional=True,
        help="Draw within each entry of this field, such as a region or depth zone; 'class' in a map of favela cells.",
    )
    without_stratum: str = param(
        Kind.CHOICE,
        "Units without a stratum",
        default=AUTO,
        choices=(AUTO, LEAVE_OUT, OWN_STRATUM, REFUSE),
        advanced=True,
        help="Units with an empty stratum field. leave-out: not of the population, the result says nothing of them. "
        "own-stratum: drawn from as a stratum of their own. auto: left out of maps of favela cells, "
        "where they are discarded; refused elsewhere.",
    )
    design: str = param(
        Kind.CHOICE,
        "Design",
        default="stratified",
        choices=("stratified", "simple"),
        help="stratified: within each class of the map or each entry of the stratum field. simple: over all of it.",
    )
    size: int = param(
        Kind.INTEGER,
        "Places to draw (0: automatic)",
        default=0,
        minimum=0,
        maximum=20_000,
        help="0: as many as the half width below needs.",
    )
    half_width_percent: float = param(
        Kind.NUMBER,
        "Half width wanted",
        default=5.0,
        minimum=0.1,
        maximum=50.0,
        unit="percentage points",
        help="Of the 95 % interval of a share of the area, when the number of places is automatic.",
    )
    expected_accuracy_percent: float = param(
        Kind.NUMBER,
        "Accuracy to expect",
        default=80.0,
        minimum=50.0,
        maximum=99.9,
        unit="%",
        advanced=True,
        help="Share of each class of the map that is probably right; lower draws more places. Only for automatic.",
    )
    minimum: int = param(
        Kind.INTEGER,
        "Fewest places in a stratum",
        default=50,
        minimum=2,
        maximum=5_000,
        help="Strata that would get fewer by their size get so many; the rest is shared out by size.",
    )
    mask: str = param(
        Kind.VECTOR,
        "Only inside these polygons",
        optional=True,
        geometry="polygon",
        advanced=True,
        help="The sample, and the area estimated from it, are of these polygons alone.",
    )
    earlier: str = param(
        Kind.VECTOR,
        "Earlier sample to enlarge",
        recorded=True,
        optional=True,
        advanced=True,
        help="Drawn from the same map or units with the same seed. Its places come first and keep their labels.",
    )
    blind: bool = param(
        Kind.FLAG,
        "Hide what the map says",
        default=True,
        help="Who sees the class of the map tends to confirm it. Hidden, it lies in the table 'design' of the same "
        "file, where 'Estimate area' finds it. Of units with shapes only the unit field and the shape are kept.",
    )
    seed: int = running.seed()
    output: str = param(Kind.VECTOR_OUT, "Sample", extension="gpkg", result="places")

    def problem(self) -> str:
        """Not exactly one thing to draw from."""
        if bool(self.map) == bool(self.units):
            return "Draw sample needs either a map or a table of units, and not both."
        if self.units and self.mask:
            return "Polygons to stay inside of go with a map. Cut the layer of units beforehand instead."
        return ""

    @classmethod
    def example(cls) -> "DrawSample":
        """From a map."""
        return cls.from_dict({"map": "/example/map", "output": "/example/output"})


class EstimateArea(Job):
    """Labelled sample in, areas or means with intervals out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="estimatearea",
        verb="estimate",
        title="Estimate area",
        group=GROUP,
        summary="Area or share of each class, or the mean of a value, with a 95 % interval, from a labelled sample.",
        help=(
            "Counting the pixels of a map gives a biased area, because a map errs more in one direction than in the "
            "other. Here the labelled sample corrects it, and the interval says how sure that is. The sample must have "
            "been drawn at random ('Draw sample' does it and remembers how); places chosen by hand are refused. For "
            "photos, villages or polygons name the unit field: the unit is what was drawn, not the points in it. Of "
            "polygons there are two questions. How much area have the cells that are favela? Label classes. How much "
            "ground is covered by favela? Label the share of each cell, 0 to 1, and choose 'value'; the mean share "
            "times the whole area is the answer. Polygons count by their area in both."
        ),
        tags=("area estimation", "confidence interval", "accuracy", "cover", "prediction-powered inference", "share"),
    )

    sample: str = param(
        Kind.VECTOR,
        "Labelled sample",
        recorded=True,
        help="Made by 'Draw sample' and filled in; or any table with a row for each place or unit, labelled or not.",
    )
    field: str = param(
        Kind.FIELD,
        "Reference field",
        parent="sample",
        optional=True,
        default=REFERENCE,
        help="What is really there; empty where nobody has looked. 'Draw sample' calls it 'reference'.",
    )
    target: str = param(
        Kind.CHOICE,
        "What the field holds",
        default="class",
        choices=("class", "value"),
        help="class: names or codes, which gives areas and shares. value: a quantity, which gives a mean; shares of "
        "polygons, from 0 to 1, also give the ground that is covered.",
    )
    map: str = param(
        Kind.RASTER,
        "Map",
        optional=True,
        help="The map that is to be corrected, of classes or of values. Empty: the map that the sample was drawn from.",
    )
    units: str = param(
        Kind.VECTOR,
        "All units",
        optional=True,
        help="For a sample of units: the whole table with a prediction for each, labelled or not. Empty: the table "
        "that the sample was drawn from.",
    )
    prediction_field: str = param(
        Kind.FIELD,
        "Prediction field",
        parent="units",
        optional=True,
        help="Of all units: what a head or map says of each row, such as 'class'; for values such as 'probability' or "
        "'p_favelas'. It must not have been trained on the labels used here.",
    )
    unit_field: str = param(
        Kind.FIELD,
        "Unit field",
        parent="sample",
        optional=True,
        help="Rows with the same entry (points of one photo) are one unit; they are averaged before anything else.",
    )
    stratum_field: str = param(
        Kind.FIELD, "Stratum field", parent="sample", optional=True, help="Only when the design is given as stratified."
    )
    design: str = param(
        Kind.CHOICE,
        "How the sample was drawn",
        default="recorded",
        choices=("recorded", "simple", "stratified", "chosen"),
        help="recorded: as 'Draw sample' wrote it beside the sample. simple: at random over everything. stratified: at "
        "random within each class of the map or entry of the stratum field. chosen: by hand, which is refused.",
    )
    population: str = param(
        Kind.CHOICE,
        "What the result speaks of",
        default="listed",
        choices=("listed", "beyond"),
        help="listed: the cells of the map or the units of the table, all of them. beyond: a larger whole of which the "
        "units are themselves a random draw, such as the reef that photos were taken of; the interval is wider.",
    )
    estimator: str = param(
        Kind.CHOICE,
        "Estimator",
        default="auto",
        choices=("auto", *ESTIMATORS),
        advanced=True,
        help="auto: stratified for a stratified sample, prediction-powered where a prediction is known of all places.",
    )
    unit_weight: str = param(
        Kind.CHOICE,
        "Units count",
        default=AUTO,
        choices=(AUTO, ALIKE, BY_ROWS, BY_AREA),
        advanced=True,
        help="alike: each unit once. by-rows: by the number of its rows. by-area: by the area of its polygons. auto: "
        "by area where units are polygons, else alike.",
    )
    half_width_percent: float = param(
        Kind.NUMBER,
        "Half width wanted",
        default=2.0,
        minimum=0.01,
        maximum=50.0,
        unit="percentage points",
        help="The report says about how many labels more would give it. For values: per cent of the mean.",
    )
    of_class: str = param(
        Kind.TEXT,
        "Class of the headline",
        optional=True,
        help="Empty: the class that is estimated to be largest, save one called 'other'. For values: what they "
        "measure, in words.",
    )
    value_unit: str = param(
        Kind.TEXT, "Unit of the value", optional=True, advanced=True, help="Shown behind means, such as t/ha."
    )
    mask: str = param(
        Kind.VECTOR,
        "Only inside these polygons",
        optional=True,
        geometry="polygon",
        advanced=True,
        help="Where the sample was drawn, if not everywhere on the map. Recorded designs know it by themselves.",
    )
    seed: int = running.seed("Only for the bootstrap.")
    output: str = param(
        Kind.FILE_OUT,
        "Report",
        extension="html",
        result="report",
        help="A page that opens offline; the numbers as JSON and CSV beside it.",
    )

    def problem(self) -> str:
        """A sample that is none, or parameters that do not go together."""
        if self.design == "chosen":
            return CHOSEN
        if self.target == "value" and self.estimator in ESTIMATORS and ESTIMATORS[self.estimator].classes_only:
            return f"The estimator {self.estimator} is for classes. Choose auto for a value."
        if self.prediction_field and self.map:
            return "Give either a map or a prediction field, not both: which of the two is to be corrected?"
        return ""
