"""From what was taught to files: train the head, apply it everywhere, assess it, by the ordinary algorithms."""

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Tuple

from qgis.core import QgsPalettedRasterRenderer, QgsProject, QgsRasterLayer
from qgis.PyQt.QtCore import QObject, pyqtSignal
from qgis.PyQt.QtGui import QColor

from ...core.errors import QuadratError
from ...core.jobs.fewshot import ApplyHead, AssessHead, TrainHead
from ...processing.calls import form_values
from ...processing.i18n import tr
from ...processing.runner import Run
from ...processing.styles import style_path

ENDINGS = {
    "class": {"head": "_head.qhead", "map": "_map.tif", "confidence": "_confidence.tif", "report": "_report.html"},
    "value": {
        "head": "_values_head.qhead",
        "map": "_values_map.tif",
        "confidence": "",
        "report": "_values_report.html",
    },
}
"""Of files beside the raster, by target: a map of values does not take the place of a map of classes."""


@dataclass(frozen=True)
class Lesson:
    """What a head is trained from: the settings of the live map, as the jobs name them."""

    labels: str
    field: str
    embedding: str
    target: str
    head: str
    coverage: float
    """0 where unsure places are not shown."""
    balance: bool = True
    seed: int = 0

    def values(self) -> Dict[str, Any]:
        """Parameters that training and assessment share."""
        return {
            "labels": self.labels, "field": self.field, "embedding": self.embedding, "target": self.target,
            "head": self.head, "balance": self.balance, "seed": self.seed, "coverage": self.coverage or 0.9,
        }  # fmt: skip

    def train(self, output: str) -> TrainHead:
        """The job that makes the head."""
        return TrainHead.from_dict({**self.values(), "output": output})

    def apply(self, head: str, output: str, confidence: str) -> ApplyHead:
        """The job that makes the map."""
        unsure = bool(self.coverage) and self.target == "class"
        layers = {"output": output, "confidence": confidence if self.target == "class" else ""}
        return ApplyHead.from_dict({"head": head, "embedding": self.embedding, "unsure": unsure, **layers})

    def assess(self, output: str) -> AssessHead:
        """The job that writes the report."""
        return AssessHead.from_dict({**self.values(), "output": output})


class Finishing(QObject):
    """Runs algorithms one after another, and loads what they made."""

    progressed = pyqtSignal(float, str)
    """0 to 100, and what is being done."""
    finished = pyqtSignal(str, dict)
    """What was done (`map` or `report`), and its files by name."""
    failed = pyqtSignal(str)

    def __init__(self, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._run: Optional[Run] = None
        self._waiting: List[Tuple[Any, str]] = []
        self._made: Dict[str, str] = {}
        self._what = self._doing = ""

    @property
    def busy(self) -> bool:
        """True while something runs."""
        return self._run is not None

    def map_everything(self, lesson: Lesson, head: str, output: str, confidence: str) -> None:
        """Train, then apply to the whole embedding.

        Raises:
            QuadratError: something runs already, or the settings do not fit.
        """
        jobs = [
            (lesson.train(head), tr("Training the head")),
            (lesson.apply(head, output, confidence), tr("Making the map")),
        ]
        self._start("map", jobs, {"head": head, "map": output, "embedding": lesson.embedding})

    def assess(self, lesson: Lesson, output: str) -> None:
        """Write the report.

        Raises:
            QuadratError: something runs already, or the settings do not fit.
        """
        self._start("report", [(lesson.assess(output), tr("Testing the head"))], {})

    def cancel(self) -> None:
        """Stop."""
        self._waiting = []
        if self._run is not None:
            self._run.cancel()

    def _start(self, what: str, jobs: List[Tuple[Any, str]], made: Dict[str, str]) -> None:
        if self._run is not None:
            raise QuadratError(tr("Wait until this is done: {doing}.").format(doing=self._doing))
        self._what, self._waiting, self._made = what, jobs, made
        self._next()

    def _next(self) -> None:
        job, self._doing = self._waiting.pop(0)
        run = Run(f"quadrat:{job.facts.id}", form_values(job))
        run.progressed.connect(self._on_progressed)
        run.finished.connect(self._on_finished)
        run.start()
        self._run = run
        self.progressed.emit(0.0, self._doing)

    def _on_progressed(self, percent: float) -> None:
        self.progressed.emit(percent, self._doing)

    def _on_finished(self, successful: bool, results: Dict[str, Any], why: str) -> None:
        self._run = None
        if not successful:
            self._waiting = []
            self.failed.emit(why)
            return
        self._made.update({name.lower(): str(path) for name, path in results.items()})
        if not self._waiting:
            self.finished.emit(self._what, dict(self._made))
            return
        try:
            self._next()
        except QuadratError as error:
            self._waiting = []
            self.failed.emit(str(error))


def load_map(
    path: str, name: str, colours: Optional[Dict[str, str]] = None, above: Optional[QgsRasterLayer] = None
) -> Optional[QgsRasterLayer]:
    """Show a map in the project, anew where it is there already; None when it cannot be opened.

    Args:
        path: of the map.
        name: of its layer.
        colours: of classes by name, as they were taught; the map takes them, and the style beside it.
        above: the raster that it lies on, below labels; on top of the project where that is not in it.
    """
    layer = _shown(path)
    fresh = layer is None
    if layer is None:
        layer = QgsRasterLayer(path, name)
    else:
        layer.dataProvider().reloadData()
    if not layer.isValid():
        return None
    layer.loadDefaultStyle()
    _take_colours(layer, colours or {})
    if fresh:
        QgsProject.instance().addMapLayer(layer, False)
        root = QgsProject.instance().layerTreeRoot()
        node = root.findLayer(above.id()) if above is not None else None
        group = root if node is None else node.parent()
        group.insertLayer(0 if node is None else group.children().index(node), layer)
    else:
        layer.triggerRepaint()
    return layer


def _shown(path: str) -> Optional[QgsRasterLayer]:
    """The layer of the project that shows this file."""
    layers = QgsProject.instance().mapLayers().values()
    return next((one for one in layers if isinstance(one, QgsRasterLayer) and one.source() == path), None)


def _take_colours(layer: QgsRasterLayer, colours: Dict[str, str]) -> None:
    renderer = layer.renderer()
    if not isinstance(renderer, QgsPalettedRasterRenderer):
        return
    classes = renderer.classes()
    for one in classes:
        one.color = QColor(colours.get(one.label, one.color.name()))
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), renderer.band(), classes))
    layer.saveNamedStyle(style_path(layer.source()))
