"""quadrat:importreef."""

from ...core.jobs.reef.bringin import ImportReef
from ..base import QuadratAlgorithm


class ImportReefAlgorithm(QuadratAlgorithm):
    """ImportReef in the toolbox."""

    JOB = ImportReef
    GROUP_ID = "reef"
    ICON = "importreef"
