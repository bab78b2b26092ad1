"""quadrat:mapsettlement."""

from ...core.jobs.settlement.methods import MapSettlement
from ..base import QuadratAlgorithm


class MapSettlementAlgorithm(QuadratAlgorithm):
    """MapSettlement in the toolbox."""

    JOB = MapSettlement
    GROUP_ID = "favela"
    ICON = "mapsettlement"
