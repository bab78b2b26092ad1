"""quadrat:explainplaces."""

from ...core.jobs.choose import ExplainPlaces
from ..base import QuadratAlgorithm


class ExplainPlacesAlgorithm(QuadratAlgorithm):
    """ExplainPlaces in the toolbox."""

    JOB = ExplainPlaces
    GROUP_ID = "fewshot"
    ICON = "explainplaces"
