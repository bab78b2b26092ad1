"""quadrat:comparesettlement."""

from ...core.jobs.settlement.methods import CompareSettlement
from ..base import QuadratAlgorithm


class CompareSettlementAlgorithm(QuadratAlgorithm):
    """CompareSettlement in the toolbox."""

    JOB = CompareSettlement
    GROUP_ID = "favela"
    ICON = "comparesettlement"
