"""quadrat:exportonnx."""

from ...core.jobs.export import ExportOnnx
from ..base import QuadratAlgorithm


class ExportOnnxAlgorithm(QuadratAlgorithm):
    """ExportOnnx in the toolbox."""

    JOB = ExportOnnx
    GROUP_ID = "embed"
    ICON = "exportonnx"
