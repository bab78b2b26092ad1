"""quadrat:reefcover."""

from ...core.jobs.reef.cover import CoverReef
from ..base import QuadratAlgorithm


class CoverReefAlgorithm(QuadratAlgorithm):
    """CoverReef in the toolbox."""

    JOB = CoverReef
    GROUP_ID = "reef"
    ICON = "reefcover"
