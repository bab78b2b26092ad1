"""quadrat:estimatearea."""

from ...core.jobs.estimate import EstimateArea
from ..base import QuadratAlgorithm


class EstimateAreaAlgorithm(QuadratAlgorithm):
    """EstimateArea in the toolbox."""

    JOB = EstimateArea
    GROUP_ID = "fewshot"
    ICON = "estimatearea"
