"""Jobs that choose places: what to label next, what looks like this, and which examples explain the map here."""

from typing import ClassVar

from ..active.registry import DEFAULT_STRATEGY, STRATEGIES
from . import running
from .declare import Job, JobFacts, Kind, param

RESERVED = ("rank", "suggested", "confidence", "reason", "fid", "geom")
"""Fields of suggested places; the class field cannot bear one of these names."""


class SuggestLabels(Job):
    """Embedding in, places to label out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="suggestlabels",
        verb="suggest",
        title="Suggest labels",
        group="Few-shot",
        summary="Says which places to label next, so that few labels go far.",
        help=(
            "The result is a layer of points, best first, with an empty field for the class: fill it in and train on "
            "it. Without labels the places stand for what there is; with labels they lie where the head wavers. Give "
            "the labels you have in each round, so that nothing is suggested twice. These places are chosen, not "
            "drawn at random: never estimate an area or an accuracy from them."
        ),
        tags=("active learning", "sampling", "TypiClust", "k-centre", "margin", "uncertainty", "query"),
    )

    embedding: str = param(Kind.RASTER, "Embedding", help="An embedding, or any multiband raster.")
    count: int = param(Kind.INTEGER, "Places to suggest", default=20, minimum=1, maximum=10_000)
    strategy: str = param(
        Kind.CHOICE,
        "Strategy",
        default=DEFAULT_STRATEGY,
        choices=tuple(STRATEGIES),
        help="mix chooses by what is given. typical and coverage need no labels, margin a head or labels, "
        "disagreement labels.",
    )
    labels: str = param(
        Kind.VECTOR,
        "Labels so far",
        optional=True,
        help="Places that are labelled already, or were suggested before: they are used and not suggested again.",
    )
    field: str = param(
        Kind.FIELD,
        "Class field of the labels",
        parent="labels",
        optional=True,
        help="Empty: the labels only say where not to suggest.",
    )
    head: str = param(
        Kind.FILE,
        "Head",
        optional=True,
        extension="qhead",
        help="Says the class that each place seems to have. Without one, a linear head is fitted on the labels.",
    )
    mask: str = param(
        Kind.VECTOR,
        "Only inside these polygons",
        optional=True,
        geometry="polygon",
        help="Where you can say what is there: visited, or seen in a sharper image.",
    )
    spacing_m: float = param(
        Kind.NUMBER,
        "Least distance between places (0: automatic)",
        default=0.0,
        minimum=0.0,
        maximum=1e7,
        unit="m",
        help="0: a quarter of the distance that the places would have in a regular grid, at least three cells.",
    )
    class_field: str = param(
        Kind.TEXT,
        "Name of the empty class field",
        optional=True,
        advanced=True,
        help="Empty: as the class field of the labels, else 'class'.",
    )
    candidates: int = param(
        Kind.INTEGER,
        "Cells to choose among",
        default=20_000,
        minimum=100,
        maximum=500_000,
        advanced=True,
        help="Drawn evenly from the valid cells.",
    )
    threads: int = running.threads()
    seed: int = running.seed()
    output: str = param(Kind.VECTOR_OUT, "Places to label", extension="gpkg", result="places")

    def problem(self) -> str:
        """A strategy without what it needs, or a class field with a name that is taken."""
        card = STRATEGIES[self.strategy]
        if card.needs_head and not (self.head or (self.labels and self.field)):
            return f"The strategy '{self.strategy}' needs a head, or labels and their class field."
        if card.needs_labels and not (self.labels and self.field):
            return f"The strategy '{self.strategy}' needs labels and their class field."
        if self.field and not self.labels:
            return "Suggest labels was given a class field without labels."
        if self.empty_field.lower() in RESERVED:
            return f"The class field cannot be called '{self.empty_field}': give it another name (class_field)."
        return ""

    @property
    def empty_field(self) -> str:
        """Name of the field that the user fills in."""
        return self.class_field.strip() or self.field or "class"


class FindSimilar(Job):
    """Embedding and places in, similarity of every cell out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="findsimilar",
        verb="similar",
        title="Find similar places",
        group="Embed",
        summary="Shows how much every cell resembles the places that you select, and lists the best.",
        help=(
            "Similarity is the cosine of the angle between vectors, after the average of the raster was taken away: 1 "
            "means alike, 0 no more alike than any two cells, below 0 opposite. No labels and no training are needed. "
            "The selected places themselves are not listed."
        ),
        tags=("search", "retrieval", "cosine", "similarity", "look-alike"),
        goes_on=True,
    )

    embedding: str = param(Kind.RASTER, "Embedding", help="An embedding, or any multiband raster.")
    places: str = param(Kind.VECTOR, "Places", help="Points, lines or polygons in any CRS; a few are enough.")
    how: str = param(
        Kind.CHOICE,
        "Similar to",
        default="mean",
        choices=("mean", "nearest"),
        help="mean: to all places together, as if they showed one thing. nearest: to whichever is most alike.",
    )
    count: int = param(Kind.INTEGER, "Best places to list", default=20, minimum=1, maximum=10_000)
    spacing_m: float = param(
        Kind.NUMBER,
        "Least distance between listed places (0: automatic)",
        default=0.0,
        minimum=0.0,
        maximum=1e7,
        unit="m",
        help="0: five cells. Listed places also keep this far from the selected ones.",
    )
    threads: int = running.threads()
    seed: int = running.seed()
    output: str = param(Kind.RASTER_OUT, "Similarity", extension="tif", result="similarity")
    output_places: str = param(
        Kind.VECTOR_OUT,
        "Best places",
        optional=True,
        extension="gpkg",
        result="places",
        help="The cells that are most alike, apart from one another.",
    )


class ExplainPlaces(Job):
    """Labels, embedding and places in, lines to the nearest examples out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="explainplaces",
        verb="explain",
        title="Explain places",
        group="Few-shot",
        summary="Why does the map say this here? Joins each place to the training examples that look most like it.",
        help=(
            "A head decides by likeness to examples. A line leads from each place to the labels whose cells are "
            "nearest to it in the embedding, one cell for each label. Where a line ends at a wrong label, correct it; "
            "where all lines end at unlike places, label some like this one. The prototypes are the examples that "
            "stand best for each class."
        ),
        tags=("explanation", "nearest neighbours", "prototypes", "interpretability", "why"),
    )

    labels: str = param(Kind.VECTOR, "Labels", help="The points, lines or polygons that the head was trained on.")
    field: str = param(Kind.FIELD, "Class field", parent="labels", help="Text or numbers.")
    embedding: str = param(Kind.RASTER, "Embedding", help="The one that the head was trained on.")
    places: str = param(
        Kind.VECTOR, "Places to explain", help="Points in any CRS; of a line or polygon the cell at its middle counts."
    )
    head: str = param(
        Kind.FILE, "Head", optional=True, extension="qhead", help="Says beside it which class the map shows there."
    )
    count: int = param(Kind.INTEGER, "Examples for each place", default=5, minimum=1, maximum=100)
    each_class: bool = param(
        Kind.FLAG,
        "So many of every class",
        default=False,
        help="Shows also the nearest examples of the classes that did not win.",
    )
    prototypes: int = param(Kind.INTEGER, "Prototypes of each class", default=3, minimum=1, maximum=50, advanced=True)
    max_cells: int = param(
        Kind.INTEGER,
        "Most cells from one label",
        default=50,
        minimum=0,
        maximum=10_000_000,
        advanced=True,
        help="A large polygon gives a random draw of this many cells. 0: all.",
    )
    threads: int = running.threads()
    seed: int = running.seed()
    output: str = param(Kind.VECTOR_OUT, "Links to examples", extension="gpkg", result="links")
    output_prototypes: str = param(
        Kind.VECTOR_OUT,
        "Prototypes",
        optional=True,
        extension="gpkg",
        result="places",
        help="The examples that stand best for each class.",
    )
