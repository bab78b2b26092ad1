"""quadrat:reportindicator."""

from ...core.jobs.poverty.report import ReportIndicator
from ..base import QuadratAlgorithm


class ReportIndicatorAlgorithm(QuadratAlgorithm):
    """ReportIndicator in the toolbox."""

    JOB = ReportIndicator
    GROUP_ID = "poverty"
    ICON = "reportindicator"
