"""quadrat:assesshead."""

from ...core.jobs.fewshot import AssessHead
from ..base import QuadratAlgorithm


class AssessHeadAlgorithm(QuadratAlgorithm):
    """AssessHead in the toolbox."""

    JOB = AssessHead
    GROUP_ID = "fewshot"
    ICON = "assesshead"
