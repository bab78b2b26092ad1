"""quadrat:followsettlement."""

from ...core.jobs.settlement.follow import FollowSettlement
from ..base import QuadratAlgorithm


class FollowSettlementAlgorithm(QuadratAlgorithm):
    """FollowSettlement in the toolbox."""

    JOB = FollowSettlement
    GROUP_ID = "favela"
    ICON = "followsettlement"
