"""Jobs that teach a map with labels: train a head, apply it, assess it."""

from typing import ClassVar, Tuple, Type, TypeVar

from ..heads.registry import DEFAULT_HEAD, HEADS
from . import running
from .declare import Job, JobFacts, Kind, param

J = TypeVar("J", bound="LabelledJob")

GROUP = "Few-shot"


class LabelledJob(Job):
    """What every job that reads labels has in common."""

    labels: str = param(
        Kind.VECTOR,
        "Labels",
        help="Points, lines or polygons in any CRS; or a table whose own columns are the features.",
    )
    field: str = param(Kind.FIELD, "Class or value field", parent="labels", help="Text or numbers.")
    embedding: str = param(
        Kind.RASTER,
        "Embedding",
        optional=True,
        help="An embedding, or any multiband raster. Empty only when the features are columns of the labels.",
    )
    feature_fields: Tuple[str, ...] = param(
        Kind.FIELDS,
        "Feature fields",
        parent="labels",
        optional=True,
        help="Only without an embedding: the columns that are the features.",
    )
    target: str = param(
        Kind.CHOICE,
        "What the field holds",
        default="class",
        choices=("class", "value"),
        help="class: names or codes. value: a quantity to be estimated.",
    )
    head: str = param(
        Kind.CHOICE,
        "Head",
        default=DEFAULT_HEAD,
        choices=tuple(HEADS),
        help="linear is the safe choice for few labels.",
    )
    group_field: str = param(
        Kind.FIELD,
        "Group field",
        parent="labels",
        optional=True,
        help="Labels of one group (village, image, site) are never split between training and test. "
        "Empty: each polygon or line is a group of its own.",
    )
    balance: bool = param(
        Kind.FLAG, "Give each class the same weight", default=True, help="Else common classes weigh more."
    )
    calibration: str = param(
        Kind.CHOICE,
        "Calibration of probabilities",
        default="auto",
        choices=("auto", "none", "platt", "isotonic", "temperature"),
        advanced=True,
        help="Makes 80 % mean 80 %, learnt on samples that were kept out of the fit. auto chooses by their number.",
    )
    ensemble: str = param(
        Kind.CHOICE,
        "Balanced ensemble",
        default="none",
        choices=("none", "draws", "split"),
        advanced=True,
        help="For rare classes: several heads, each with as many samples of every class as the rarest has. draws: "
        "the others are drawn at random for each; split: each of their samples is used by one head only.",
    )
    members: int = param(
        Kind.INTEGER,
        "Heads in the ensemble",
        default=10,
        minimum=2,
        maximum=200,
        advanced=True,
        help="Only with a balanced ensemble; split takes as many as the classes allow, at most this.",
    )
    combine: str = param(
        Kind.CHOICE,
        "How the ensemble decides",
        default="mean",
        choices=("mean", "vote"),
        advanced=True,
        help="mean of the probabilities, or one vote for each head.",
    )
    all_touched: bool = param(
        Kind.FLAG,
        "Take every cell that a polygon touches",
        default=False,
        advanced=True,
        help="Else only cells whose centre lies inside.",
    )
    max_cells: int = param(
        Kind.INTEGER,
        "Most cells from one label",
        default=500,
        minimum=0,
        maximum=10_000_000,
        advanced=True,
        help="A large polygon gives a random draw of this many cells. 0: all.",
    )
    threads: int = running.threads()
    seed: int = running.seed()

    def problem(self) -> str:
        """Nothing to learn from, or a head that cannot estimate what is asked."""
        if not self.embedding and not self.feature_fields:
            return f"{self.facts.title} needs an embedding, or feature fields of the labels."
        if self.target not in HEADS[self.head].targets:
            able = [name for name, card in HEADS.items() if self.target in card.targets]
            return f"Head {self.head} does not estimate a {self.target}. Choose one of: {', '.join(able)}."
        if self.target == "value" and self.ensemble != "none":
            return "A balanced ensemble is for classes: a value has no rare class. Set 'Balanced ensemble' to none."
        return ""

    @classmethod
    def example(cls: Type[J]) -> J:
        """With an embedding."""
        given = {name: f"/example/{name}" for name, p in cls.params().items() if p.required}
        return cls.from_dict({**given, "embedding": "/example/embedding"})


def coverage_param() -> float:
    """The share that conformal sets are to hold, the same for all jobs that learn a threshold."""
    return param(  # type: ignore[no-any-return]
        Kind.NUMBER,
        "Coverage of unsure places",
        default=0.9,
        minimum=0.5,
        maximum=0.999,
        advanced=True,
        help="Share of places whose class shall be among those that the head holds possible there. The higher, the "
        "more places are unsure; 0.9 takes at least 9 labelled groups, 0.95 takes 19.",
    )


class TrainHead(LabelledJob):
    """Embedding and labels in, head out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="trainhead",
        verb="train",
        title="Train head",
        group=GROUP,
        summary="Fits a small head on an embedding from labelled points, lines or polygons.",
        help=(
            "The head is saved as one file without executable code. It remembers the space of the embedding that it "
            "was trained on, so that it is never applied to vectors that mean something else. Test it with 'Assess "
            "head' before you trust it."
        ),
        tags=("classification", "regression", "supervised", "training"),
    )

    coverage: float = coverage_param()
    output: str = param(Kind.FILE_OUT, "Head", extension="qhead", result="head")


class ApplyHead(Job):
    """Head and embedding in, map out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="applyhead",
        verb="apply",
        title="Apply head",
        group=GROUP,
        summary="Makes the map: class or value of every cell, with confidence.",
        help=(
            "The embedding must be of the space that the head was trained in (made with 'Same space as this "
            "embedding' if it is another raster). A run that was stopped goes on where it was when it is asked again."
        ),
        tags=("classification", "regression", "prediction", "map"),
        goes_on=True,
    )

    head: str = param(Kind.FILE, "Head", extension="qhead")
    embedding: str = param(Kind.RASTER, "Embedding", optional=True, help="Empty only when a table is given.")
    table: str = param(
        Kind.VECTOR,
        "Table",
        optional=True,
        help="For heads trained on feature fields: a layer or table with the same columns.",
    )
    extent: str = param(Kind.EXTENT, "Extent", parent="embedding", optional=True, help="Empty: the whole embedding.")
    threads: int = running.threads()
    unsure: bool = param(
        Kind.FLAG,
        "Show unsure places as a class of their own",
        default=False,
        help="Places where more than one class is possible, at the coverage that was chosen in training.",
    )
    prevalence: str = param(
        Kind.TEXT,
        "How common the classes are",
        optional=True,
        advanced=True,
        help="As in 'favela=0.03, other=0.97'; classes left out share the rest. estimate: from the map itself. Empty: "
        "as in training, where classes count as equally common when each was given the same weight.",
    )
    output: str = param(Kind.RASTER_OUT, "Map", optional=True, extension="tif", result="map")
    confidence: str = param(
        Kind.RASTER_OUT,
        "Confidence",
        optional=True,
        by_default=False,
        extension="tif",
        result="confidence",
        help="Probability of the class shown, 0 to 1.",
    )
    probabilities: str = param(
        Kind.RASTER_OUT,
        "Probability of each class",
        optional=True,
        by_default=False,
        extension="tif",
        result="probabilities",
        help="One band for each class.",
    )
    applicability: str = param(
        Kind.RASTER_OUT,
        "Area of applicability",
        optional=True,
        by_default=False,
        extension="tif",
        result="applicability",
        help="How unlike the training samples each place is: up to 1 as in testing; beyond it the head guesses.",
    )
    output_table: str = param(
        Kind.VECTOR_OUT,
        "Predicted table",
        optional=True,
        by_default=False,
        extension="gpkg csv parquet",
        result="table",
        help="The table with the prediction and its probabilities as new columns.",
    )

    def problem(self) -> str:
        """Not exactly one input, or no output that fits it."""
        if bool(self.embedding) == bool(self.table):
            return "Apply head needs either an embedding or a table, and not both."
        if self.table and not self.output_table:
            return "Apply head was asked for nothing: name a file for the predicted table."
        if self.embedding and not (self.output or self.confidence or self.probabilities or self.applicability):
            return "Apply head was asked for nothing: name a file for the map, the confidence or the probabilities."
        if self.unsure and self.prevalence.strip():
            return (
                "Unsure places are told by a threshold that holds at the prevalence of the labels, not at another. "
                "Leave out either 'unsure' or 'prevalence'."
            )
        return ""

    @classmethod
    def example(cls) -> "ApplyHead":
        """From an embedding to a map."""
        return cls.from_dict({"head": "/example/head", "embedding": "/example/embedding", "output": "/example/map"})


class AssessHead(LabelledJob):
    """Embedding and labels in, report out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="assesshead",
        verb="assess",
        title="Assess head",
        group=GROUP,
        summary="Tells how good the map will be, tested on places that were kept apart in training.",
        help=(
            "The head is trained and tested several times: on folds that keep groups, spatial blocks or whole regions "
            "together, and beside it on random folds. Random folds put neighbours of the training cells into the test "
            "and flatter the result; the gap between the two is shown. The report also tells how many labels are "
            "enough, whether the confidence keeps its word, and what to do next. The numbers lie beside it as JSON and "
            "CSV."
        ),
        tags=("cross-validation", "accuracy", "kappa", "confusion matrix", "calibration", "learning curve", "report"),
    )

    folds: int = param(
        Kind.INTEGER,
        "Folds",
        default=5,
        minimum=2,
        maximum=50,
        help="As many as the rarest class has groups, at most this many.",
    )
    repeats: int = param(Kind.INTEGER, "Repetitions", default=5, minimum=1, maximum=100)
    block_size_m: float = param(
        Kind.NUMBER,
        "Spatial block (0: automatic)",
        default=0.0,
        minimum=0.0,
        maximum=1e7,
        unit="m",
        help="Side of the squares that are kept together. 0: as far as samples are alike by a variogram, or three "
        "times the distance between neighbours; the report says which.",
    )
    region_field: str = param(
        Kind.FIELD,
        "Region field",
        parent="labels",
        optional=True,
        help="Each region is also tested by a head that was trained on all others: what to expect in a region "
        "without labels.",
    )
    curve_draws: int = param(
        Kind.INTEGER,
        "Draws of the learning curve",
        default=10,
        minimum=0,
        maximum=100,
        help="How often few labels are drawn to see how many are enough. 0: no curve.",
    )
    guard_m: float = param(
        Kind.NUMBER,
        "Guard distance",
        default=0.0,
        minimum=0.0,
        maximum=1e7,
        unit="m",
        advanced=True,
        help="Training samples nearer than this to a test sample are left out of training.",
    )
    prevalence: str = param(
        Kind.TEXT,
        "How common the classes are",
        optional=True,
        advanced=True,
        help="As in 'favela=0.03, other=0.97'; classes left out share the rest. Labels are seldom as common as the "
        "classes on the ground: precision is then also given for these shares.",
    )
    coverage: float = coverage_param()
    output: str = param(
        Kind.FILE_OUT,
        "Report",
        extension="html",
        result="report",
        help="A page that opens offline; the numbers as JSON and CSV beside it.",
    )
