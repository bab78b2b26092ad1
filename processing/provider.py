"""What Quadrat adds to the Processing toolbox. To add an algorithm: a file in `algorithms/` and a line here."""

from typing import List

from qgis.core import Qgis, QgsApplication, QgsMessageLog, QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from ..core.version import VERSION
from .algorithms.applyhead import ApplyHeadAlgorithm
from .algorithms.assesshead import AssessHeadAlgorithm
from .algorithms.assessseries import AssessSeriesAlgorithm
from .algorithms.cellvariables import CellVariablesAlgorithm
from .algorithms.checkreef import CheckReefAlgorithm
from .algorithms.choosebackbone import ChooseBackboneAlgorithm
from .algorithms.clusterembedding import ClusterEmbeddingAlgorithm
from .algorithms.comparesettlement import CompareSettlementAlgorithm
from .algorithms.drawsample import DrawSampleAlgorithm
from .algorithms.embedcells import EmbedCellsAlgorithm
from .algorithms.embedraster import EmbedRasterAlgorithm
from .algorithms.estimatearea import EstimateAreaAlgorithm
from .algorithms.explainplaces import ExplainPlacesAlgorithm
from .algorithms.exportonnx import ExportOnnxAlgorithm
from .algorithms.exportreef import ExportReefAlgorithm
from .algorithms.fetchweights import FetchWeightsAlgorithm
from .algorithms.findsimilar import FindSimilarAlgorithm
from .algorithms.followsettlement import FollowSettlementAlgorithm
from .algorithms.importreef import ImportReefAlgorithm
from .algorithms.makecells import MakeCellsAlgorithm
from .algorithms.manageweights import ManageWeightsAlgorithm
from .algorithms.mapchange import MapChangeAlgorithm
from .algorithms.mapindicator import MapIndicatorAlgorithm
from .algorithms.mapsettlement import MapSettlementAlgorithm
from .algorithms.openembedding import OpenEmbeddingAlgorithm
from .algorithms.placepoints import PlacePointsAlgorithm
from .algorithms.prepareseries import PrepareSeriesAlgorithm
from .algorithms.preparesurvey import PrepareSurveyAlgorithm
from .algorithms.reduceembedding import ReduceEmbeddingAlgorithm
from .algorithms.reefcover import CoverReefAlgorithm
from .algorithms.reportindicator import ReportIndicatorAlgorithm
from .algorithms.setupengine import SetUpEngineAlgorithm
from .algorithms.speedtest import SpeedTestAlgorithm
from .algorithms.suggestlabels import SuggestLabelsAlgorithm
from .algorithms.suggestreef import SuggestReefAlgorithm
from .algorithms.trainhead import TrainHeadAlgorithm
from .algorithms.trainreef import TrainReefAlgorithm
from .algorithms.trainseries import TrainSeriesAlgorithm
from .algorithms.trainsettlement import TrainSettlementAlgorithm
from .environment import borrow_from
from .i18n import tr
from .icons import icon_path
from .models import ShippedModel, model_files
from .network import network_environment
from .workers import close_pool

ALGORITHMS = (
    ChooseBackboneAlgorithm,
    EmbedRasterAlgorithm,
    EmbedCellsAlgorithm,
    OpenEmbeddingAlgorithm,
    TrainHeadAlgorithm,
    ApplyHeadAlgorithm,
    AssessHeadAlgorithm,
    SuggestLabelsAlgorithm,
    ExplainPlacesAlgorithm,
    FindSimilarAlgorithm,
    DrawSampleAlgorithm,
    EstimateAreaAlgorithm,
    ReduceEmbeddingAlgorithm,
    ClusterEmbeddingAlgorithm,
    MakeCellsAlgorithm,
    CellVariablesAlgorithm,
    TrainSettlementAlgorithm,
    CompareSettlementAlgorithm,
    MapSettlementAlgorithm,
    FollowSettlementAlgorithm,
    PrepareSurveyAlgorithm,
    PrepareSeriesAlgorithm,
    TrainSeriesAlgorithm,
    MapIndicatorAlgorithm,
    MapChangeAlgorithm,
    ReportIndicatorAlgorithm,
    AssessSeriesAlgorithm,
    ImportReefAlgorithm,
    PlacePointsAlgorithm,
    TrainReefAlgorithm,
    SuggestReefAlgorithm,
    CheckReefAlgorithm,
    CoverReefAlgorithm,
    ExportReefAlgorithm,
    ExportOnnxAlgorithm,
    FetchWeightsAlgorithm,
    ManageWeightsAlgorithm,
    SpeedTestAlgorithm,
    SetUpEngineAlgorithm,
)


class QuadratProvider(QgsProcessingProvider):
    """The group 'Quadrat' of the toolbox."""

    def __init__(self) -> None:
        super().__init__()
        # Models find their steps in the registry, so they are read once this provider is there. Qt ends the connection:
        # when QGIS quits, the registry may be gone before `unload`.
        QgsApplication.processingRegistry().providerAdded.connect(self._on_added)

    def id(self) -> str:
        """Never changes: models and scripts name it."""
        return "quadrat"

    def name(self) -> str:
        """Name in the toolbox."""
        return "Quadrat"

    def longName(self) -> str:  # noqa: N802
        """Name with a word on what it does."""
        return tr("Quadrat: embeddings and maps taught by a few labels")

    def versionInfo(self) -> str:  # noqa: N802
        """Version, shown by qgis_process."""
        return VERSION

    def icon(self) -> QIcon:
        """Icon in the toolbox."""
        return QIcon(icon_path("quadrat"))

    def svgIconPath(self) -> str:  # noqa: N802
        """The same icon, for Modeler."""
        return icon_path("quadrat")

    def loadAlgorithms(self) -> None:  # noqa: N802
        """Add one of each; from now on engines are started with QGIS's proxy."""
        borrow_from(network_environment)
        for algorithm in ALGORITHMS:
            self.addAlgorithm(algorithm())
        if QgsApplication.processingRegistry().providerById(self.id()) is not None:
            self._add_models()

    def _on_added(self, provider_id: str) -> None:
        if provider_id == self.id():
            self._add_models()  # to load all anew would double what the start of QGIS waits for
            self.algorithmsLoaded.emit()

    def _add_models(self) -> None:
        for path in model_files():
            model = ShippedModel(path)
            if model.readable:
                self.addAlgorithm(model)
            else:
                text = tr("This QGIS cannot read the model {path}.").format(path=path)
                QgsMessageLog.logMessage(text, self.name(), Qgis.MessageLevel.Warning)

    def supportsNonFileBasedOutput(self) -> bool:  # noqa: N802
        """Results are files: another process writes them."""
        return False

    def supportedOutputRasterLayerExtensions(self) -> List[str]:  # noqa: N802
        """GeoTIFF only."""
        return ["tif", "tiff"]

    def supportedOutputVectorLayerExtensions(self) -> List[str]:  # noqa: N802
        """The first is the default."""
        return ["gpkg", "csv", "parquet"]

    def supportedOutputTableExtensions(self) -> List[str]:  # noqa: N802
        """The first is the default."""
        return ["gpkg", "csv", "parquet"]

    def defaultRasterFileExtension(self) -> str:  # noqa: N802
        """Of temporary files too."""
        return "tif"

    def defaultVectorFileExtension(self, hasGeometry: bool = True) -> str:  # noqa: N802, N803
        """Of temporary files too."""
        return "gpkg"

    def unload(self) -> None:
        """End the workers."""
        close_pool()
        borrow_from(None)
