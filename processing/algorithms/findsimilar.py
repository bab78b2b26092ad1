"""quadrat:findsimilar."""

from ...core.jobs.choose import FindSimilar
from ..base import QuadratAlgorithm


class FindSimilarAlgorithm(QuadratAlgorithm):
    """FindSimilar in the toolbox."""

    JOB = FindSimilar
    GROUP_ID = "embed"
    ICON = "findsimilar"
