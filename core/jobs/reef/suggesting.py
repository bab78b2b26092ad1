"""The job that puts suggestions of a model into a photo survey."""

from typing import ClassVar

from .. import running
from ..declare import Job, JobFacts, Kind, param, shared
from ..source import EmbedJob
from .bringin import GROUP

UNFINISHED, LACKING, ALL = "not finished", "without suggestions", "all"
ACCURACY, COVERAGE = "accuracy", "coverage"
NOTHING, POINTS, WHOLE = "nothing", "points", "whole photos"


class SuggestReef(Job):
    """A survey and a model in, the same survey with suggestions out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="suggestreef",
        verb="suggest-reef",
        title="Suggest labels of points",
        group=GROUP,
        summary="Suggests labels at the points of a photo survey, each as deep in the label tree as it is trusted.",
        help=(
            "Each point gets the five most probable labels with calibrated confidence, and the label at the deepest "
            "level of the tree that passes the wished accuracy: hard coral rather than a wrong species. Thresholds "
            "come from photos that the model did not know in training, and hold for photos like those. Photos that "
            "people finished keep the suggestions that stood when they were checked: these are the evidence of 'Check "
            "suggestions of photo survey'. Labels of people are never touched. Vectors of points are kept beside the "
            "survey, so that a run that was stopped goes on where it was, and the next model is quick."
        ),
        tags=("coral", "benthic", "classification", "annotation", "CoralNet", "confidence", "conformal", "hierarchy"),
        goes_on=True,
    )

    survey: str = param(Kind.VECTOR, "Survey", recorded=True, help="With points, from 'Place points on photos'.")
    model: str = param(Kind.FILE, "Model", extension="qreef", help="From 'Train on annotated photos'.")
    photos: str = param(
        Kind.CHOICE,
        "Photos",
        default=UNFINISHED,
        choices=(UNFINISHED, LACKING, ALL),
        help="not finished: those that people have not labelled whole. without suggestions: of these, those with a "
        "point that has none. all: finished photos too; what their check proved is then lost.",
    )
    trust: str = param(
        Kind.CHOICE,
        "Trusted by",
        default=ACCURACY,
        choices=(ACCURACY, COVERAGE),
        help="accuracy: of the labels given at a level so many are right. coverage: of all points so many lie in the "
        "branch that is named; where even the root is not sure, none is.",
    )
    wish: float = param(
        Kind.NUMBER, "Wished accuracy or coverage", default=90.0, minimum=50.0, maximum=99.9, unit="%"
    )  # fmt: skip
    accept: str = param(
        Kind.CHOICE,
        "Accept without a look",
        default=NOTHING,
        choices=(NOTHING, POINTS, WHOLE),
        help="points: trusted labels become annotations of the machine where nobody said anything. whole photos: only "
        "where all points of the photo pass. Such photos do not count as labelled by people.",
    )
    accept_level: int = param(
        Kind.INTEGER,
        "Accepted from level",
        default=0,
        minimum=0,
        maximum=100,
        help="Of the label tree: 1 takes roots too, 2 what is trusted at the second level or deeper. 0: only where the "
        "whole way down to a label is trusted.",
    )
    accepted_by: str = param(
        Kind.TEXT, "Annotator of accepted labels", default="machine", advanced=True, help="As it stands in the survey."
    )
    weights: str = shared(EmbedJob, "weights")
    download: bool = shared(EmbedJob, "download")
    device: str = running.device()
    threads: int = running.threads()
    output: str = param(
        Kind.VECTOR_OUT,
        "Survey with suggestions",
        extension="gpkg",
        result="reefsurvey",
        optional=True,
        by_default=False,
        help="The file to write. Empty: the survey itself gets the suggestions.",
    )

    def problem(self) -> str:
        """Accepted by nobody."""
        if self.accept != NOTHING and not self.accepted_by.strip():
            return "Labels that are accepted need the name of an annotator, as machine."
        return ""
