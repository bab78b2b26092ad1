"""quadrat:trainseries."""

from ...core.jobs.poverty.train import TrainSeries
from ..base import QuadratAlgorithm


class TrainSeriesAlgorithm(QuadratAlgorithm):
    """TrainSeries in the toolbox."""

    JOB = TrainSeries
    GROUP_ID = "poverty"
    ICON = "trainseries"
