"""quadrat:embedcells."""

from ...core.jobs.embedcells import EmbedCells
from ..base import QuadratAlgorithm


class EmbedCellsAlgorithm(QuadratAlgorithm):
    """EmbedCells in the toolbox."""

    JOB = EmbedCells
    GROUP_ID = "embed"
    ICON = "embedcells"
