"""quadrat:mapchange."""

from ...core.jobs.poverty.map import MapChange
from ..base import QuadratAlgorithm


class MapChangeAlgorithm(QuadratAlgorithm):
    """MapChange in the toolbox."""

    JOB = MapChange
    GROUP_ID = "poverty"
    ICON = "mapchange"
