"""What is taught on: a raster, an embedding of it, and the layer its labels lie in. The lower half of `TeachState`."""

from typing import Any, Optional

from qgis.core import QgsRasterLayer, QgsVectorLayer
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ...core.errors import QuadratError
from ...core.live.messages import Open, Opened
from ...processing.environment import find_engine, home
from ...processing.i18n import tr
from ..steps import Steps
from .asking import Asking
from .choosing import COMPUTE, FOUND, Making, output_for, propose
from .classes import ClassList, categories_of
from .labels import LabelLayer
from .loop import LiveLoop
from .session import LiveSession

CLASS, VALUE = "class", "value"
ENDINGS = {CLASS: "_labels.gpkg", VALUE: "_values.gpkg"}
"""Of the label layer beside a raster."""


class Subject(QObject):
    """Raster, embedding and labels, and the loop that joins them."""

    changed = pyqtSignal()
    """Anything of the summary: raster, embedding, classes, labels, settings."""
    said = pyqtSignal(str, str)
    """Level (`info`, `warning`, `error`) and a sentence."""
    busy_changed = pyqtSignal(str)
    """What is being done in the background, empty when nothing is."""
    progressed = pyqtSignal(float)
    """Of what is being done, 0 to 100."""

    def __init__(self, canvas: Any, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self.canvas = canvas
        self.raster: Optional[QgsRasterLayer] = None
        self.proposal = propose(None)
        self.embedding = ""
        self.whole = False
        """False while only a piece of the raster is embedded."""
        self.opened: Optional[Opened] = None
        self.target, self.head = CLASS, "linear"
        self.busy = ""
        self.classes = ClassList(self)
        self.stack = Steps(self)
        self.labels: Optional[LabelLayer] = None
        self.session = LiveSession(self)
        self.loop = LiveLoop(canvas, self.session, self.classes, self)
        self.asking = Asking(canvas, self.session, self)
        self.making = Making(self)
        self.loop.opened.connect(self._on_opened)
        self.making.ready.connect(self._on_made)
        self.making.failed.connect(self._on_background_failed)
        self.making.progressed.connect(self._on_progressed)

    @property
    def engine_ready(self) -> bool:
        """True when there is an engine to teach with."""
        try:
            find_engine()
        except QuadratError:
            return False
        return True

    def choose_raster(self, layer: Optional[QgsRasterLayer]) -> None:
        """Look what can be taught on for a raster; nothing is made yet."""
        if layer is self.raster and layer is not None:
            return
        self.stop_teaching()
        self.raster = layer
        self.proposal = propose(layer)
        self.changed.emit()

    def accept_proposal(self) -> None:
        """Begin to teach: with the embedding that is there, or one that is made now."""
        if self.raster is None:
            return
        self._find_labels(self.raster)
        if self.proposal.kind == FOUND:
            self.choose_embedding(self.proposal.path)
        elif self.proposal.kind == COMPUTE:
            crs = self.canvas.mapSettings().destinationCrs()
            self.making.start(self.raster, self.proposal.path, self.canvas.extent(), crs)

    def take_up(self, embedding: str) -> None:
        """Teach on as it was left: with this embedding and the labels beside the raster."""
        if self.raster is not None:
            self._find_labels(self.raster)
            self.choose_embedding(embedding)

    def choose_embedding(self, path: str, whole: bool = True) -> None:
        """Teach on this embedding, or on the bands of this raster as they are."""
        self.embedding, self.whole = path, whole
        self._forget_results()
        self.session.open(Open(path, str(home() / "live"), self.target, self.head))
        self.changed.emit()

    def stop_teaching(self) -> None:
        """Let go of raster and embedding; labels stay where they are."""
        self.making.stop()
        self._set_busy("")
        self.asking.take_grid(None)
        self.loop.forget()
        self.loop.take_labels(None)
        self.session.close()
        if self.labels is not None:
            self._let_labels_go(self.labels)
        self.raster, self.labels, self.opened, self.embedding = None, None, None, ""
        self._follow_labels()
        self._forget_results()
        self.stack.clear()
        self.changed.emit()

    def choose_labels(self, layer: QgsVectorLayer, load_classes: bool = True) -> None:
        """Teach with the labels of an existing layer; its categories, or what its field holds, become classes."""
        try:
            labels = LabelLayer.of(layer, self.target)
        except QuadratError as error:
            self.said.emit("warning", str(error))
            return
        if load_classes and self.target == CLASS and categories_of(layer):
            self.classes.load_categories(layer)
        self._take_labels(labels)

    def set_target(self, target: str) -> None:
        """Teach classes or values."""
        if target == self.target:
            return
        self.target = target
        if self.raster is not None and self.opened is not None:
            self._find_labels(self.raster)
            self.choose_embedding(self.embedding, self.whole)
        self.changed.emit()

    def set_head(self, head: str) -> None:
        """Which head learns."""
        if head != self.head:
            self.head = head
            if self.opened is not None:
                self.choose_embedding(self.embedding, self.whole)
            self.changed.emit()

    def _find_labels(self, raster: QgsRasterLayer) -> None:
        """Labels of this raster from an earlier day, or a new layer beside it."""
        path = output_for(raster.source().partition("|")[0], ENDINGS[self.target])
        try:
            labels = LabelLayer.open_or_create(path, raster.crs(), self.target)
        except QuadratError as error:
            self.said.emit("error", str(error))
            return
        self._take_labels(labels)

    def _take_labels(self, labels: LabelLayer) -> None:
        if self.labels is not None:
            self._let_labels_go(self.labels)
        self.labels = labels
        self._list_classes(labels)
        labels.lost.connect(self._on_labels_lost)
        labels.said.connect(self._on_labels_said)
        labels.follow(self.classes)
        labels.show()
        self.stack.clear()
        self.loop.take_labels(labels)
        self._follow_labels()
        self.changed.emit()

    def _list_classes(self, labels: LabelLayer) -> None:
        """Classes of labels from another day or another hand are listed too."""
        known = self.classes.names()
        try:
            for name in sorted(str(y) for y in labels.counts() if labels.target == CLASS and y is not None):
                if name not in known:
                    self.classes.add(name)
        except QuadratError as error:  # more classes than a map can show
            self.said.emit("warning", str(error))

    def engine_changed(self) -> None:
        """An engine was set up, changed or removed: begin again where none was there."""
        self.session.retry()
        self.changed.emit()

    def _follow_labels(self) -> None:
        """Other labels, or none."""

    def _forget_results(self) -> None:
        """What was measured on another embedding says nothing of this one."""

    def _on_opened(self, opened: Opened) -> None:
        self.opened = opened
        self.asking.take_grid(self.loop.grid)
        for note in opened.notes:
            self.said.emit("info", note)
        self.changed.emit()

    def _on_made(self, path: str, whole: bool) -> None:
        if whole:
            self._set_busy("")
            self.said.emit("info", tr("The embedding of the whole raster is ready."))
        self.choose_embedding(path, whole)

    def _on_background_failed(self, sentence: str) -> None:
        self._set_busy("")
        self.said.emit("error", sentence)

    def _on_progressed(self, percent: float, doing: str) -> None:
        self._set_busy(doing)
        self.progressed.emit(percent)

    def _set_busy(self, text: str) -> None:
        if text != self.busy:
            self.busy = text
            self.busy_changed.emit(text)

    def _let_labels_go(self, labels: LabelLayer) -> None:
        labels.lost.disconnect(self._on_labels_lost)
        labels.said.disconnect(self._on_labels_said)
        labels.close()

    def _on_labels_said(self, sentence: str) -> None:
        self.said.emit("info", sentence)

    def _on_labels_lost(self, sentence: str) -> None:
        self.labels = None
        self.loop.take_labels(None)
        self._follow_labels()
        self.said.emit("warning", sentence)
        self.changed.emit()
