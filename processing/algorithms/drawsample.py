"""quadrat:drawsample."""

from ...core.jobs.estimate import DrawSample
from ..base import QuadratAlgorithm


class DrawSampleAlgorithm(QuadratAlgorithm):
    """DrawSample in the toolbox."""

    JOB = DrawSample
    GROUP_ID = "fewshot"
    ICON = "drawsample"
