"""The job that tells whether a photo survey needs more checking."""

from typing import ClassVar

from .. import running
from ..declare import Job, JobFacts, Kind, param
from .bringin import GROUP

PROBABLE, TRUSTED = "most probable", "trusted"
FEWEST_PHOTOS = 5
"""A smaller batch never passes, see `core/reef/learning/stopping.py`."""


class CheckReef(Job):
    """A survey in whose photos people checked; stop or go on."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="checkreef",
        verb="check-reef",
        title="Check suggestions of photo survey",
        group=GROUP,
        summary="Tells whether the machine is good enough to stop checking: stop, or check about so many photos more.",
        help=(
            "Photos that people finished are taken in the order of time, in batches, if they bear suggestions of a "
            "model that did not learn from them. For each batch hF of the machine (agreement in the label tree, near "
            "misses counted for what they share) and the error of cover of every target group, both with 95 % "
            "intervals over photos, are told. Stop when the upper limit of the error lies below the tolerance for all "
            "groups in two batches in a row. Each batch is judged alone. It is taken on trust that the photos were "
            "checked in an order that has nothing to do with what they show; and who sees suggestions agrees with "
            "them more often: hide them for some photos to know by how much."
        ),
        tags=("coral", "benthic", "stop rule", "hierarchical F", "cover error", "validation", "confidence interval"),
    )

    survey: str = param(Kind.VECTOR, "Survey", recorded=True, help="With suggestions, and photos finished by people.")
    targets: str = param(
        Kind.TEXT,
        "Target groups",
        optional=True,
        help="Codes separated by commas; all that lies below counts. Empty: everything at the level below.",
    )
    tree_level: int = param(
        Kind.INTEGER, "Level of the label tree", default=1, minimum=1, maximum=100,
        help="1: the roots. Labels above the level are groups of their own. Has no effect with target groups.",
    )  # fmt: skip
    tolerance: float = param(
        Kind.NUMBER, "Tolerated error of cover", default=5.0, minimum=0.1, maximum=100.0, unit="%",
        help="Mean over photos of the difference between machine and people, in points of per cent of cover.",
    )  # fmt: skip
    batch: int = param(
        Kind.INTEGER, "Photos of a batch", default=15, minimum=FEWEST_PHOTOS, maximum=10_000,
        help="At least: where a batch showed that more photos are needed to tell, the next one is larger.",
    )  # fmt: skip
    said: str = param(
        Kind.CHOICE,
        "What the machine says",
        default=PROBABLE,
        choices=(PROBABLE, TRUSTED),
        help="most probable: the first suggestion of each point. trusted: the label at the deepest level that is "
        "trusted, nothing where none is.",
    )
    annotators: str = param(
        Kind.TEXT,
        "Annotators",
        optional=True,
        help="Names separated by commas. Empty: all. Of several labels of a point the last counts.",
    )
    learnt_field: str = param(
        Kind.FIELD,
        "Photos that the machine learnt from",
        parent="survey",
        optional=True,
        help="Only for suggestions of other programs: a column of the photos that is 1, true, yes or train for those.",
    )
    seed: int = running.seed()
    output: str = param(
        Kind.FILE_OUT, "Table of batches", extension="csv", result="table", optional=True,
        help="A row a batch and measure: hF, and cover of each group by people and machine.",
    )  # fmt: skip
    report: str = param(
        Kind.FILE_OUT, "Report", extension="html", result="report", optional=True,
        help="One page with the sign and the curves that opens offline.",
    )  # fmt: skip
