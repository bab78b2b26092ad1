"""quadrat:speedtest. Numbers out instead of files, for models and for the dock."""

from typing import Any, Dict, Optional

from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsProcessingOutputNumber

from ...core.jobs.declare import Job, Result
from ...core.jobs.engine import SpeedTest
from ..base import QuadratAlgorithm
from ..i18n import tr

NUMBERS = {"CELLS_PER_SECOND": "cells_per_second", "SECONDS_ESTIMATED": "seconds_estimated"}
"""Outputs for models, and the facts of the result that they hold."""
SENTENCE, BACKBONES = "SENTENCE", "BACKBONES"
"""Results that are not declared, since they are for people: a sentence for each backbone, and all numbers of each."""


class SpeedTestAlgorithm(QuadratAlgorithm):
    """SpeedTest in the toolbox."""

    JOB = SpeedTest
    GROUP_ID = "engine"
    ICON = "speedtest"

    def initAlgorithm(self, configuration: Optional[Dict[str, Any]] = None) -> None:  # noqa: N802
        """Declare the parameters of the job, and the numbers."""
        super().initAlgorithm(configuration)
        titles = {
            "CELLS_PER_SECOND": tr("Cells per second"),
            "SECONDS_ESTIMATED": tr("Seconds for your raster"),
        }
        for name in NUMBERS:
            self.addOutput(QgsProcessingOutputNumber(name, titles[name]))

    def _collect(
        self, job: Job, result: Result, context: QgsProcessingContext, feedback: QgsProcessingFeedback
    ) -> Dict[str, Any]:
        values = super()._collect(job, result, context, feedback)
        values.update({name: result.facts[fact] for name, fact in NUMBERS.items()})
        values[SENTENCE] = result.facts["sentence"]
        values[BACKBONES] = result.facts["backbones"]
        return values
