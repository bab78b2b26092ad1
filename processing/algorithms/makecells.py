"""quadrat:makecells."""

from ...core.jobs.settlement.cells import MakeCells
from ..base import QuadratAlgorithm


class MakeCellsAlgorithm(QuadratAlgorithm):
    """MakeCells in the toolbox."""

    JOB = MakeCells
    GROUP_ID = "favela"
    ICON = "makecells"
