"""quadrat:preparesurvey."""

from ...core.jobs.poverty.survey import PrepareSurvey
from ..base import QuadratAlgorithm


class PrepareSurveyAlgorithm(QuadratAlgorithm):
    """PrepareSurvey in the toolbox."""

    JOB = PrepareSurvey
    GROUP_ID = "poverty"
    ICON = "preparesurvey"
