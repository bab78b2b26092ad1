"""quadrat:trainreef."""

from ...core.jobs.reef.training import TrainReef
from ..base import QuadratAlgorithm


class TrainReefAlgorithm(QuadratAlgorithm):
    """TrainReef in the toolbox."""

    JOB = TrainReef
    GROUP_ID = "reef"
    ICON = "trainreef"
