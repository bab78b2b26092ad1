"""Jobs that tell favela cells from others: train methods, make the map."""

from typing import ClassVar, Iterable, Tuple

from ...settlement.methods.registry import DEFAULT_METHODS, DRAWN, METHODS
from ...settlement.names import FAVELA, LABEL, ZONE
from .. import running
from ..declare import Job, JobFacts, Kind, param

GROUP = "Favela"
TITLES = " ".join(f"{card.name}: {card.title}." for card in METHODS.values())
"""Forms and files know methods by short names, reports and logs by titles."""
MAJORITY = "majority"
SHARE = "share"
"""The decision by which so many cells are favela."""
DECISIONS = {
    "learnt": "where F1 was best on cells kept apart.",
    "likely": "where favela is more probable than not.",
    SHARE: "the surest cells, as many as the share of favela among the labels, or the share given below, says; for "
    "cities where probabilities carry over badly.",
    "published": "the rule of the study, made for cities half of which is favela; it finds more and errs more.",
}
"""From where on a cell is favela, each with what it means."""


def choices_told(names: Iterable[str]) -> str:
    """Those decisions with their meaning, for the help of a form."""
    return " ".join(f"{name}: {DECISIONS[name]}" for name in names)


class MethodJob(Job):
    """What every job that fits methods to labelled cells has in common."""

    cells: str = param(
        Kind.VECTOR,
        "Labelled cells",
        geometry="polygon",
        recorded=True,
        help="From 'Make cells' with reference polygons, then 'Cell variables', 'Embed cells' or both.",
    )
    methods: Tuple[str, ...] = param(
        Kind.SEVERAL,
        "Methods",
        default=DEFAULT_METHODS,
        choices=tuple(METHODS),
        help=f"{TITLES} Those that lack an embedding or variables are left out, with a word. network and balanced-vote "
        "take minutes; graph needs the full engine.",
    )
    label_field: str = param(
        Kind.FIELD,
        "Label field",
        parent="cells",
        optional=True,
        advanced=True,
        help=f"Empty: '{LABEL}', which 'Make cells' writes.",
    )
    positive: str = param(
        Kind.TEXT,
        "Label of favela cells",
        default=FAVELA,
        advanced=True,
        help="Every other label counts as not favela; cells without a label teach nothing.",
    )
    feature_fields: Tuple[str, ...] = param(
        Kind.FIELDS,
        "Feature fields",
        parent="cells",
        optional=True,
        advanced=True,
        help="Empty: the fields emb_1, emb_2, ... that 'Embed cells' writes.",
    )
    variable_fields: Tuple[str, ...] = param(
        Kind.FIELDS,
        "Variable fields",
        parent="cells",
        optional=True,
        advanced=True,
        help="Empty: the fields that 'Cell variables' writes.",
    )
    balance: str = param(
        Kind.CHOICE,
        "Balanced draws",
        default="draws",
        choices=("draws", "split", "none"),
        advanced=True,
        help="draws, as published: as many cells of both kinds, drawn at random. split: the common kind is dealt out "
        "among the draws, so that no cell is left aside. none: all labelled cells, as they are.",
    )
    members: int = param(
        Kind.INTEGER,
        "Draws of the methods that vote",
        default=10,
        minimum=2,
        maximum=200,
        advanced=True,
        help=f"For {' and '.join(DRAWN)}.",
    )
    smooth_m: float = param(
        Kind.NUMBER,
        "Average over neighbours (0: not)",
        default=0.0,
        minimum=0.0,
        maximum=1e5,
        unit="m",
        advanced=True,
        help="Log odds of each cell are averaged with those around it, by a Gaussian of this standard deviation: "
        "favelas are patches of many cells. 240 m was best on Landsat 5 of six towns.",
    )
    ranks: bool = param(
        Kind.FLAG,
        "Compare cells within their zone only",
        default=False,
        advanced=True,
        help="Every number becomes its rank among the cells of its zone, so that lessons of one city hold in another "
        "in spite of haze, season and sensor. Without a field 'zone' the whole layer is one zone.",
    )
    block_size_m: float = param(
        Kind.NUMBER,
        "Spatial block (0: automatic)",
        default=0.0,
        minimum=0.0,
        maximum=1e7,
        unit="m",
        advanced=True,
        help="Side of the squares that are kept apart in the test. 0: as far as cells are alike.",
    )
    threads: int = running.threads()
    seed: int = running.seed()

    def problem(self) -> str:
        """No method at all."""
        return "" if self.methods else f"{self.facts.title} needs a method: choose one at least."


class TrainSettlement(MethodJob):
    """Labelled cells in, methods out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="trainsettlement",
        verb="train-settlement",
        title="Train favela methods",
        group=GROUP,
        summary="Fits one or several published methods that tell favela cells from others.",
        help=(
            "All methods learn from the same balanced draws of labelled cells. Each is then tested once on blocks of "
            "cells that were kept apart, as common as the labels have them: from these it learns what its numbers mean "
            "as probabilities, and from which on a cell is best called favela. Compare methods with 'Compare favela "
            "methods'."
        ),
        tags=("informal settlement", "slum", "CROMA", "random forest", "ensemble", "graph network"),
    )

    test: bool = param(
        Kind.FLAG,
        "Learn probabilities from cells kept apart",
        default=True,
        help="Takes five more fits of each method. Without, probabilities are those of a city half of which is favela, "
        "and the published rule decides.",
    )
    output: str = param(Kind.FILE_OUT, "Trained methods", extension="qmethods", result="methods")


class MapSettlement(Job):
    """Methods and cells in, map out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="mapsettlement",
        verb="map-settlement",
        title="Map favelas",
        group=GROUP,
        summary="Says of every cell whether it is favela, how probable that is, and where methods disagree.",
        help=(
            "Cells need the fields that the methods were trained on: variables of the same names, and an embedding of "
            "the same space ('Same space as' in 'Embed cells'). Cells that are vegetation, not built up or excluded "
            "keep their status and get no class. Such a map can harm the people on it: read the page on misuse before "
            "you publish one."
        ),
        tags=("informal settlement", "slum", "map", "disagreement"),
    )

    methods: str = param(Kind.FILE, "Methods", extension="qmethods", help="From 'Train favela methods'.")
    cells: str = param(Kind.VECTOR, "Cells", geometry="polygon", recorded=True, help="Of the same or another city.")
    decides: str = param(
        Kind.CHOICE,
        "Which method decides",
        default=MAJORITY,
        choices=(MAJORITY, *METHODS),
        help="majority: of all methods in the file; in a tie their mean probability decides. Or one of them, by the "
        "name that it was chosen by when it was trained.",
    )
    decision: str = param(
        Kind.CHOICE,
        "From where on a cell is favela",
        default="learnt",
        choices=tuple(DECISIONS),
        help=choices_told(DECISIONS),
    )
    prevalence: str = param(
        Kind.TEXT,
        "Share of favela among the cells",
        optional=True,
        advanced=True,
        help="As in 0.03 or 3%, where it is another than among the labels. estimate: from the cells themselves.",
    )
    classify_all: bool = param(
        Kind.FLAG,
        "Classify discarded cells too",
        default=False,
        advanced=True,
        help="Vegetation, not built up and excluded cells get a class like all others.",
    )
    threads: int = running.threads()
    output: str = param(Kind.VECTOR_OUT, "Favela map", extension="gpkg", result="settlement")
    disagreement: str = param(
        Kind.VECTOR_OUT,
        "Disagreement map",
        optional=True,
        by_default=False,
        extension="gpkg",
        result="disagreement",
        help="The same cells, coloured by how evenly the methods are split.",
    )


class CompareSettlement(MethodJob):
    """Labelled cells in, a table of methods out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="comparesettlement",
        verb="compare-settlement",
        title="Compare favela methods",
        group=GROUP,
        summary="One table of methods: precision, recall, F1 and IoU, tested at random, in blocks, and in other zones.",
        help=(
            "Every method is trained and tested several times: on random folds, where neighbours of training cells are "
            "in the test and flatter; on folds of spatial blocks; and on each zone by methods trained in all others. "
            "Each time on balanced test cells, as published, and on cells as common as the labels have them, which is "
            "what a map meets; there by the published rule, and by a cut that was learnt inside the training part. "
            "Means and standard deviations are over repetitions and folds. Answers that need no method, everything or "
            "nothing is favela, stand beside them."
        ),
        tags=("informal settlement", "slum", "cross-validation", "F1", "IoU", "report"),
    )

    zone_field: str = param(
        Kind.FIELD,
        "Zone field",
        parent="cells",
        optional=True,
        help=f"Each zone is left out in turn. Empty: '{ZONE}', where the layer has it.",
    )
    folds: int = param(Kind.INTEGER, "Folds", default=5, minimum=2, maximum=50)
    repeats: int = param(
        Kind.INTEGER,
        "Repetitions",
        default=5,
        minimum=1,
        maximum=100,
        help="5 as published. The time grows with folds x repetitions x methods; 2 give a first idea.",
    )
    inner_folds: int = param(
        Kind.INTEGER,
        "Folds that teach the cut",
        default=3,
        minimum=0,
        maximum=10,
        advanced=True,
        help="Inside each training part, to learn from which probability on a cell is favela: so many more fits of "
        "each method. 0: by the published rule only. With 1 there is nothing to learn from: choose 2 or more.",
    )
    output: str = param(
        Kind.FILE_OUT,
        "Comparison",
        extension="html",
        result="report",
        help="A page that opens offline; the numbers as JSON and CSV beside it.",
    )
    errors: str = param(
        Kind.VECTOR_OUT,
        "Error map",
        optional=True,
        by_default=False,
        extension="gpkg",
        result="methoderrors",
        help="Labelled cells with the share of repetitions in which each method was right, in spatial blocks.",
    )

    def problem(self) -> str:
        """No method, or a single inner fold."""
        if self.inner_folds == 1:
            return "'Folds that teach the cut' must be 0, or 2 and more: one part teaches, the other is asked."
        return super().problem()
