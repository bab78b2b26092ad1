"""quadrat:trainsettlement."""

from ...core.jobs.settlement.methods import TrainSettlement
from ..base import QuadratAlgorithm


class TrainSettlementAlgorithm(QuadratAlgorithm):
    """TrainSettlement in the toolbox."""

    JOB = TrainSettlement
    GROUP_ID = "favela"
    ICON = "trainsettlement"
