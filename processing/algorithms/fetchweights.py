"""quadrat:fetchweights. The file comes out as a path, for models that embed with it."""

from typing import Any, Dict, Optional

from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProcessingOutputFile

from ...core.jobs.declare import Job, Result
from ...core.jobs.weights import FetchWeights
from ..base import QuadratAlgorithm
from ..i18n import tr

WEIGHTS = "WEIGHTS"


class FetchWeightsAlgorithm(QuadratAlgorithm):
    """FetchWeights in the toolbox."""

    JOB = FetchWeights
    GROUP_ID = "engine"
    ICON = "fetchweights"

    def initAlgorithm(self, configuration: Optional[Dict[str, Any]] = None) -> None:  # noqa: N802
        """Declare the parameters of the job, and the file."""
        super().initAlgorithm(configuration)
        self.addOutput(QgsProcessingOutputFile(WEIGHTS, tr("Weights file")))

    def _collect(
        self, job: Job, result: Result, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Dict[str, Any]:
        return {**super()._collect(job, result, context, feedback), WEIGHTS: result.facts["path"]}
