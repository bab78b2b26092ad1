"""quadrat:embedraster."""

from ...core.jobs.embed import EmbedRaster
from ..base import QuadratAlgorithm


class EmbedRasterAlgorithm(QuadratAlgorithm):
    """EmbedRaster in the toolbox."""

    JOB = EmbedRaster
    GROUP_ID = "embed"
    ICON = "embedraster"
