"""The job that reports on models of an indicator."""

from typing import ClassVar, Tuple

from ..declare import Job, JobFacts, Kind, param
from .series import GROUP

LEVEL = 0.9
"""Confidence with which a change is told, unless another one is asked for."""


class ReportIndicator(Job):
    """Models in, a page out."""

    facts: ClassVar[JobFacts] = JobFacts(
        id="reportindicator",
        verb="report-indicator",
        title="Report on indicator models",
        group=GROUP,
        summary="Tells on one page how well models tell an indicator and its change where they have not learnt.",
        help=(
            "From what each model said of places that it had not seen: scores date by date and for differences of 1, "
            "5, 10 and 15 years, a matrix of every start and end, at all places and at lit ones, in squares kept apart "
            "beside a held-out region and random places, and beside trivial answers; how transformers learnt; where "
            "estimates are off; and how much must change at a place before it can be told. Nothing is trained or "
            "predicted anew. Models are compared best when they were trained with the same targets, squares and seed."
        ),
        tags=("poverty", "wealth", "night lights", "report", "validation", "R2", "change", "matrix", "compare"),
    )

    models: Tuple[str, ...] = param(
        Kind.FILES, "Models", extension="qseries", help="One or several, from 'Train indicator'."
    )
    level: float = param(
        Kind.NUMBER,
        "Confidence of changes",
        default=LEVEL,
        minimum=0.5,
        maximum=0.99,
        help="With which a change must be told, as in 'Map change'.",
    )
    output: str = param(
        Kind.FILE_OUT,
        "Report",
        extension="html",
        result="report",
        help="A page that opens offline; the numbers as JSON and CSV beside it.",
    )

    def problem(self) -> str:
        """One model twice."""
        if len(set(self.models)) < len(self.models):
            return "A model is given twice: give each once."
        return ""
