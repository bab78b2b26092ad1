"""quadrat:suggestlabels."""

from ...core.jobs.choose import SuggestLabels
from ..base import QuadratAlgorithm


class SuggestLabelsAlgorithm(QuadratAlgorithm):
    """SuggestLabels in the toolbox."""

    JOB = SuggestLabels
    GROUP_ID = "fewshot"
    ICON = "suggestlabels"
