"""quadrat:placepoints."""

from ...core.jobs.reef.placing import PlacePoints
from ..base import QuadratAlgorithm


class PlacePointsAlgorithm(QuadratAlgorithm):
    """PlacePoints in the toolbox."""

    JOB = PlacePoints
    GROUP_ID = "reef"
    ICON = "placepoints"
