"""quadrat:trainhead."""

from ...core.jobs.fewshot import TrainHead
from ..base import QuadratAlgorithm


class TrainHeadAlgorithm(QuadratAlgorithm):
    """TrainHead in the toolbox."""

    JOB = TrainHead
    GROUP_ID = "fewshot"
    ICON = "trainhead"
