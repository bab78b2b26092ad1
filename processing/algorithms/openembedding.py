"""quadrat:openembedding."""

from ...core.jobs.embed import OpenEmbedding
from ..base import QuadratAlgorithm


class OpenEmbeddingAlgorithm(QuadratAlgorithm):
    """OpenEmbedding in the toolbox."""

    JOB = OpenEmbedding
    GROUP_ID = "embed"
    ICON = "openembedding"
