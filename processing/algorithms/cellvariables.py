"""quadrat:cellvariables."""

from ...core.jobs.settlement.variables import CellVariables
from ..base import QuadratAlgorithm


class CellVariablesAlgorithm(QuadratAlgorithm):
    """CellVariables in the toolbox."""

    JOB = CellVariables
    GROUP_ID = "favela"
    ICON = "cellvariables"
