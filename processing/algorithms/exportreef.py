"""quadrat:exportreef."""

from ...core.jobs.reef.leaving import ExportReef
from ..base import QuadratAlgorithm


class ExportReefAlgorithm(QuadratAlgorithm):
    """ExportReef in the toolbox."""

    JOB = ExportReef
    GROUP_ID = "reef"
    ICON = "exportreef"
