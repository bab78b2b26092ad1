"""quadrat:reduceembedding."""

from ...core.jobs.explore import ReduceEmbedding
from ..base import QuadratAlgorithm


class ReduceEmbeddingAlgorithm(QuadratAlgorithm):
    """ReduceEmbedding in the toolbox."""

    JOB = ReduceEmbedding
    GROUP_ID = "embed"
    ICON = "reduceembedding"
