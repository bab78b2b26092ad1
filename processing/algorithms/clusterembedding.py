"""quadrat:clusterembedding."""

from ...core.jobs.explore import ClusterEmbedding
from ..base import QuadratAlgorithm


class ClusterEmbeddingAlgorithm(QuadratAlgorithm):
    """ClusterEmbedding in the toolbox."""

    JOB = ClusterEmbedding
    GROUP_ID = "embed"
    ICON = "clusterembedding"
