"""The job that teaches the labels of photo points."""

from typing import ClassVar, Tuple

from ....models.registry import BACKBONES
from ...reef.learning.headlist import ARRANGEMENTS, DEFAULT_HEAD, REEF_HEADS, SPLITS, TREE
from ...reef.schema import CONFIRMED, IMPORTED, STATES
from ...reef.vectors.request import (
    DEFAULT_BACKBONE,
    LARGEST_PATCH_PX,
    MIRROR,
    PADDINGS,
    PATCH_PX,
    SMALLEST_PATCH_PX,
    photo_backbones,
)
from .. import running
from ..declare import Job, JobFacts, Kind, param, shared
from ..source import EmbedJob
from .bringin import GROUP

EXTENSION = "qreef"
"""Of models of photo points."""


class TrainReef(Job):
    """A survey in, a model and a page on what it is worth out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="trainreef",
        verb="train-reef",
        title="Train on annotated photos",
        group=GROUP,
        summary="Teaches the labels of photo points in their tree, and tells at which level they may be trusted.",
        help=(
            "Each labelled point is seen as the square of pixels around it, which a backbone turns into a vector; the "
            "vectors are kept beside the survey, so that to train again takes seconds. tree: a head at each branching "
            "of the label tree; points labelled at an inner node ('hard coral') teach it to stop there. flat: one head "
            "for all labels, as in CoralNet. Everything is tested on photos that were held out whole, and beside it on "
            "sites, dates, and on points of photos that it had seen, to show what such a test flatters. Probabilities "
            "are calibrated on held-out photos. The model keeps what was said of those, so that 'Suggest labels of "
            "points' can name each point at the deepest level at which a wished accuracy holds. CoralNet's own way: "
            "backbone coralnet-efficientnet-b0, head coralnet, arrangement flat, calibration platt."
        ),
        tags=("coral", "benthic", "CoralNet", "annotation", "hierarchical classification", "label tree", "MLP"),
        goes_on=True,
    )

    survey: str = param(Kind.VECTOR, "Survey", recorded=True, help="From 'Import photo survey', with labelled points.")
    backbone: str = param(
        Kind.CHOICE,
        "Backbone",
        default=DEFAULT_BACKBONE,
        choices=photo_backbones(),
        help="What turns pixels into vectors. colour-texture needs nothing; networks need the full engine and weights.",
    )
    model: str = param(
        Kind.TEXT,
        "Model of the backbone",
        optional=True,
        help="Backbone timm: a timm name such as vit_small_patch14_dinov2.lvd142m. Backbone onnx: path of the file.",
    )
    arrangement: str = param(
        Kind.CHOICE,
        "Arrangement of heads",
        default=TREE,
        choices=ARRANGEMENTS,
        help="tree: one at each branching of the label tree. flat: one for all labels. both: compared on photos held "
        "out; the better one by hF is kept.",
    )
    head: str = param(
        Kind.CHOICE,
        "Head",
        default=DEFAULT_HEAD,
        choices=REEF_HEADS,
        help="mlp-200-100: as published for label trees. coralnet: as CoralNet trains, made for thousands of points. "
        "auto compares linear, trees and mlp once, on all labels.",
    )
    annotators: str = param(
        Kind.TEXT,
        "Annotators",
        optional=True,
        help="Names separated by commas. Empty: all; where several labelled a point, most of them decide.",
    )
    states: Tuple[str, ...] = param(
        Kind.SEVERAL,
        "Annotations",
        default=(CONFIRMED, IMPORTED),
        choices=STATES,
        help="confirmed here, point by point; imported; a machine's, accepted for a whole photo, or that nobody looked "
        "at.",
    )
    left_out: str = param(
        Kind.TEXT,
        "Labels that are not learnt",
        optional=True,
        help="Codes separated by commas, as of frames and shadows, with all below them.",
    )
    wish: float = param(
        Kind.NUMBER,
        "Wished accuracy",
        default=90.0,
        minimum=50.0,
        maximum=99.9,
        unit="%",
        help="For the table of levels that may be trusted. Another one can be chosen whenever the model is used.",
    )
    tests: Tuple[str, ...] = param(
        Kind.SEVERAL,
        "Also test on",
        default=SPLITS[1:],
        choices=SPLITS[1:],
        help="Beside photos held out: sites and dates held out, where they are known; and points of photos that it "
        "had seen, which flatters. Each takes as long as the training.",
    )
    curve: int = param(
        Kind.INTEGER,
        "Learning curve: draws (0: none)",
        default=3,
        minimum=0,
        maximum=50,
        help="How well fewer photos would have done, and about how many more would help.",
    )
    most_points: int = param(
        Kind.INTEGER,
        "Most points learnt (0: all)",
        default=100_000,
        minimum=0,
        maximum=10_000_000,
        advanced=True,
        help="Of more, whole photos are drawn.",
    )
    patch_px: int = param(
        Kind.INTEGER,
        "Side of the square around a point",
        default=PATCH_PX,
        minimum=SMALLEST_PATCH_PX,
        maximum=LARGEST_PATCH_PX,
        unit="px",
        advanced=True,
        help="224 in CoralNet.",
    )
    padding: str = param(
        Kind.CHOICE,
        "Beyond the edge of a photo",
        default=MIRROR,
        choices=PADDINGS,
        advanced=True,
        help="mirror: as CoralNet does. white: as in some studies.",
    )
    calibration: str = param(
        Kind.CHOICE,
        "Calibration",
        default="auto",
        choices=("auto", "none", "temperature", "platt", "isotonic"),
        advanced=True,
        help="auto: where it helps on photos held out. platt: CoralNet's sigmoid.",
    )
    balance: bool = param(
        Kind.FLAG,
        "Rare labels count as much as common ones",
        default=False,
        advanced=True,
        help="Finds more of the rare ones, at the price of cover: probabilities are then those of equally common "
        "labels.",
    )
    weights: str = shared(EmbedJob, "weights")
    download: bool = shared(EmbedJob, "download")
    device: str = running.device()
    threads: int = running.threads()
    seed: int = running.seed()
    output: str = param(Kind.FILE_OUT, "Trained model", extension=EXTENSION, result="model")
    report: str = param(
        Kind.FILE_OUT,
        "Report",
        extension="html",
        result="report",
        optional=True,
        help="One page that opens offline: what may be trusted at which level, tests side by side, what is taken for "
        "what, cover errors, how many more photos would help. The numbers as JSON and CSV beside it.",
    )

    def problem(self) -> str:
        """A backbone that needs a model was given none, or nothing to learn from."""
        if BACKBONES[self.backbone].needs_model and not self.model:
            return f"Backbone {self.backbone} needs a model: give its name or file in 'Model'."
        if not self.states:
            return "Train on annotated photos needs at least one kind of annotations to learn from."
        return ""
