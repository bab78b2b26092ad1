"""quadrat:suggestreef."""

from ...core.jobs.reef.suggesting import SuggestReef
from ..base import QuadratAlgorithm


class SuggestReefAlgorithm(QuadratAlgorithm):
    """SuggestReef in the toolbox."""

    JOB = SuggestReef
    GROUP_ID = "reef"
    ICON = "suggestreef"
