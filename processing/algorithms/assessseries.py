"""quadrat:assessseries."""

from ...core.jobs.poverty.assess import AssessSeries
from ..base import QuadratAlgorithm


class AssessSeriesAlgorithm(QuadratAlgorithm):
    """AssessSeries in the toolbox."""

    JOB = AssessSeries
    GROUP_ID = "poverty"
    ICON = "assessseries"
