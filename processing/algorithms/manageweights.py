"""quadrat:manageweights. What was found is told in sentences; the folder of the store comes out as a path."""

from typing import Any, Dict, Optional

from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProcessingOutputFolder

from ...core.jobs.declare import Job, Result
from ...core.jobs.weights import ManageWeights
from ..base import QuadratAlgorithm
from ..i18n import tr

STORE = "STORE"
SENTENCE = "SENTENCE"
"""Result that is not declared, since it is for people."""


class ManageWeightsAlgorithm(QuadratAlgorithm):
    """ManageWeights in the toolbox."""

    JOB = ManageWeights
    GROUP_ID = "engine"
    ICON = "manageweights"

    def initAlgorithm(self, configuration: Optional[Dict[str, Any]] = None) -> None:  # noqa: N802
        """Declare the parameters of the job, and the folder."""
        super().initAlgorithm(configuration)
        self.addOutput(QgsProcessingOutputFolder(STORE, tr("Folder of the weights")))

    def _collect(
        self, job: Job, result: Result, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Dict[str, Any]:
        values = super()._collect(job, result, context, feedback)
        return {**values, STORE: result.facts["folder"], SENTENCE: result.facts["sentence"]}
