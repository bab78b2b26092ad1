"""quadrat:applyhead."""

from ...core.jobs.fewshot import ApplyHead
from ..base import QuadratAlgorithm


class ApplyHeadAlgorithm(QuadratAlgorithm):
    """ApplyHead in the toolbox."""

    JOB = ApplyHead
    GROUP_ID = "fewshot"
    ICON = "applyhead"
