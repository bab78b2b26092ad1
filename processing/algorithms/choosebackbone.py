"""quadrat:choosebackbone."""

from ...core.jobs.backbones import ChooseBackbone
from ..base import QuadratAlgorithm


class ChooseBackboneAlgorithm(QuadratAlgorithm):
    """ChooseBackbone in the toolbox."""

    JOB = ChooseBackbone
    GROUP_ID = "embed"
    ICON = "choosebackbone"
