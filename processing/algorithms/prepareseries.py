"""quadrat:prepareseries."""

from ...core.jobs.poverty.series import PrepareSeries
from ..base import QuadratAlgorithm


class PrepareSeriesAlgorithm(QuadratAlgorithm):
    """PrepareSeries in the toolbox."""

    JOB = PrepareSeries
    GROUP_ID = "poverty"
    ICON = "prepareseries"
