"""quadrat:checkreef."""

from ...core.jobs.reef.checking import CheckReef
from ..base import QuadratAlgorithm


class CheckReefAlgorithm(QuadratAlgorithm):
    """CheckReef in the toolbox."""

    JOB = CheckReef
    GROUP_ID = "reef"
    ICON = "checkreef"
