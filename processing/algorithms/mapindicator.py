"""quadrat:mapindicator."""

from ...core.jobs.poverty.map import MapIndicator
from ..base import QuadratAlgorithm


class MapIndicatorAlgorithm(QuadratAlgorithm):
    """MapIndicator in the toolbox."""

    JOB = MapIndicator
    GROUP_ID = "poverty"
    ICON = "mapindicator"
