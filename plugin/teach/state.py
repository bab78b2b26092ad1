"""What is being taught now: one truth for dock, tools and canvas items. QObjects only, no widgets.

The parts: `subject` and `choosing` (raster, embedding, labels), `loop` (labels and view to the worker and back),
`gestures` (clicks to labels), `asking` (what next), `finishing` (files), `project` (what is remembered).
"""

import os
from typing import Any, Dict, List, Optional, Tuple

from qgis.core import QgsGeometry, QgsPointXY, QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QObject, QUrl, pyqtSignal
from qgis.PyQt.QtGui import QDesktopServices

from ...core.errors import QuadratError
from ...core.live.messages import At, Cloud, Painted, Scored, Taught
from ...processing.calls import as_text
from ...processing.i18n import tr
from .choosing import NONE, Proposal, output_for
from .classedits import ClassEdits
from .finishing import ENDINGS, Finishing, Lesson, load_map
from .gestures import Gestures
from .intervals import shares_beside
from .picking import Picking
from .remembering import Remembering
from .subject import Subject

SCORES_KEPT = 200


class TeachState(ClassEdits, Subject):
    """All that the Teach tab shows and does."""

    painted = pyqtSignal(object)
    known = pyqtSignal(object)
    placed = pyqtSignal(object)
    scored = pyqtSignal(object)
    scattered = pyqtSignal(object)
    tool_wanted = pyqtSignal(str)
    """`click`, `drag`, `polygon` or `none`."""
    closing = pyqtSignal()
    """Everything ends now: leave the canvas."""
    selected = pyqtSignal(list)
    """Cells (row, column) that were chosen in a plot or on the map."""

    def __init__(self, canvas: Any, parent: Optional[QObject] = None) -> None:
        super().__init__(canvas, parent)
        self.current, self.value = "", 0.0
        self.tool = "none"
        self._closed = False
        self.visible, self.opacity, self.by_confidence = True, 0.7, True
        self.heads: List[Dict[str, str]] = []
        """Heads that were made: name, path, embedding."""
        self.scores: List[Scored] = []
        self.cloud: Optional[Cloud] = None
        self.gestures = Gestures(self)
        self.finishing = Finishing(self)
        self.picking = Picking(self)
        self._join()
        self.remembering = Remembering(self)
        self.remembering.take_up()

    def _join(self) -> None:
        """Signals of the parts to slots of this one."""
        self.classes.changed.connect(self._on_classes_changed)
        self.stack.indexChanged.connect(self._on_changed)
        self.stack.failed.connect(self._on_background_failed)
        self.loop.taught.connect(self._on_changed)
        self.loop.painted.connect(self.painted)
        self.loop.scored.connect(self._on_scored)
        self.session.known.connect(self.known)
        self.session.scattered.connect(self._on_scattered)
        self.session.failed.connect(self._on_failed)
        self.session.died.connect(self._on_died)
        self.asking.placed.connect(self.placed)
        self.asking.said.connect(self._on_informed)
        self.finishing.progressed.connect(self._on_progressed)
        self.finishing.finished.connect(self._on_finished)
        self.finishing.failed.connect(self._on_background_failed)
        QgsProject.instance().layersWillBeRemoved.connect(self._on_layers_going)

    def close(self) -> None:
        """End the worker and everything that runs; labels are on disk already. Once is enough, twice does no harm."""
        if self._closed:
            return
        self._closed = True
        self.closing.emit()
        self.remembering.close()
        QgsProject.instance().layersWillBeRemoved.disconnect(self._on_layers_going)
        self.making.stop()
        self.finishing.cancel()
        self.loop.take_labels(None)
        self.loop.forget()
        self.session.stop()

    # Gestures -------------------------------------------------------------------------------------------------------

    def set_tool(self, tool: str) -> None:
        """Which gesture labels on the map."""
        self.tool = tool
        self.tool_wanted.emit(tool)
        self.changed.emit()

    def tool_left(self) -> None:
        """The map has another tool now."""
        self.tool = "none"
        self.changed.emit()

    def set_current(self, name: str) -> None:
        """Clicks give this class; who chooses one wants to point at it."""
        if name not in self.classes.names():
            return
        chosen = name != self.current
        self.current = name
        if self.tool == "none" and self.opened is not None:
            self.set_tool("click")
        elif chosen:
            self.changed.emit()

    def set_value(self, value: float) -> None:
        """Clicks give this value."""
        self.value = value
        self.changed.emit()

    def label_point(self, point: QgsPointXY) -> None:
        """Label the cell under a point of the canvas."""
        self.gestures.label_points([point], "click")

    def label_points(self, points: List[QgsPointXY]) -> None:
        """Label the cells that were passed over, in one step of undo."""
        self.gestures.label_points(points, "drag")

    def label_geometry(self, geometry: QgsGeometry) -> None:
        """Label what lies in a polygon, in the CRS of the canvas."""
        self.gestures.label_geometry(geometry)

    def label_selected(self, layer: QgsVectorLayer) -> None:
        """Label what is selected in any layer."""
        self.gestures.label_selected(layer)

    def erase_points(self, points: List[QgsPointXY]) -> None:
        """Take the labels of the cells under these points away, in one step of undo."""
        self.gestures.erase_points(points)

    def undo(self) -> None:
        """Take back the last change of labels or classes."""
        self.stack.undo()

    def redo(self) -> None:
        """Do again what was taken back."""
        self.stack.redo()

    def hover(self, point: QgsPointXY) -> None:
        """Ask what is known of the cell under a point of the canvas."""
        cell = self.cell_of(point)
        if cell is None:
            self.known.emit(None)
        elif self.last is not None and self.last.path:
            self.session.at(At(*cell))

    def cell_of(self, point: QgsPointXY) -> Optional[Tuple[int, int]]:
        """(row, column) under a point of the canvas; None beside the raster."""
        grid = self.loop.grid
        return None if grid is None else grid.cell_of(point, self.canvas.mapSettings().destinationCrs())

    def select_cells(self, cells: List[Tuple[int, int]]) -> None:
        """Show these cells on the map and in the plots."""
        self.selected.emit(list(cells))

    # What next ------------------------------------------------------------------------------------------------------

    @property
    def strategy(self) -> str:
        """How places are chosen."""
        return self.asking.strategy

    @strategy.setter
    def strategy(self, name: str) -> None:
        self.asking.strategy = name
        self.asking.forget_ahead()
        self.changed.emit()

    @property
    def place(self) -> Optional[Dict[str, Any]]:
        """The place that is asked about."""
        return self.asking.place

    def next(self) -> None:
        """Ask about the most useful place."""
        self.asking.next()

    def accept(self) -> None:
        """The guess is right: label it so and go on."""
        if self.place is not None and self.place.get("guess") not in (None, ""):
            self._answer(self.place["guess"])

    def correct(self, name: Any) -> None:
        """It is this class (or value) instead: label it so and go on."""
        if self.place is not None:
            self._answer(name)

    def skip(self) -> None:
        """Go on without a label."""
        self.asking.next()

    def end_next(self) -> None:
        """No more questions."""
        self.asking.end()

    def _answer(self, y: Any) -> None:
        place = self.place
        if self.asking.answered:  # a key that came before the next place would change the label just given
            return
        if place is not None and self.gestures.label_cell(place["row"], place["col"], y):
            self.asking.forget_ahead()
            self.asking.next()

    def cancel(self) -> None:
        """Stop what is being done in the background."""
        self.making.stop()
        self.finishing.cancel()
        self._set_busy("")

    # What is shown --------------------------------------------------------------------------------------------------

    @property
    def taught(self) -> Optional[Taught]:
        """What became of the labels."""
        return self.loop.last_taught

    @property
    def last(self) -> Optional[Painted]:
        """The live map as it was painted last."""
        return self.loop.last

    @property
    def coverage(self) -> float:
        """Of conformal sets that make places unsure; 0: none shown."""
        return self.loop.coverage

    @coverage.setter
    def coverage(self, share: float) -> None:
        self.loop.coverage = share
        self.loop.ask_view(settle=share > 0)
        self.changed.emit()

    def show(self, *, visible: Any = None, opacity: Any = None, by_confidence: Any = None) -> None:
        """Change how the live map looks."""
        self.visible = self.visible if visible is None else bool(visible)
        self.opacity = self.opacity if opacity is None else float(opacity)
        self.by_confidence = self.by_confidence if by_confidence is None else bool(by_confidence)
        self.changed.emit()

    @property
    def intervals(self) -> Dict[str, Tuple[float, float]]:
        """Share of each class with its interval: where a random sample was evaluated, and all of the map is seen."""
        last, opened = self.last, self.opened
        if last is None or opened is None or last.row > 0 or last.col > 0:
            return {}
        whole = (
            last.row + last.height * last.step >= opened.height and last.col + last.width * last.step >= opened.width
        )
        return shares_beside(self.files()["map"]) if whole else {}

    def refresh_score(self) -> None:
        """Test the head now."""
        self.loop.ask_score()

    def refresh_scatter(self) -> None:
        """Draw the embedding now, and keep it in step from now on."""
        self.loop.wants_scatter = True
        self.loop.ask_scatter()

    # Files ----------------------------------------------------------------------------------------------------------

    def lesson(self) -> Lesson:
        """What is taught, as the jobs name it.

        Raises:
            QuadratError: there is nothing to learn from yet.
        """
        if self.labels is None or self.opened is None:
            raise QuadratError(tr("Choose a raster and label a few places first."))
        return Lesson(
            self.labels.source, self.labels.field, self.embedding, self.target, self.head, self.coverage
        )  # fmt: skip

    def files(self) -> Dict[str, str]:
        """Where head, map, confidence and report will be written.

        Raises:
            QuadratError: nothing is taught on, so there is no place beside it.
        """
        stem = self.raster.source().partition("|")[0] if self.raster is not None else self.embedding
        if not stem:
            raise QuadratError(tr("Choose a raster and label a few places first."))
        return {name: output_for(stem, ending) for name, ending in ENDINGS[self.target].items()}

    def map_everything(self) -> None:
        """Train the head and write the map of the whole embedding."""

        def begin() -> None:
            files = self.files()
            self.finishing.map_everything(self.lesson(), files["head"], files["map"], files["confidence"])

        self._finish(begin)

    def assess(self) -> None:
        """Write the report and open it."""
        self._finish(lambda: self.finishing.assess(self.lesson(), self.files()["report"]))

    def copy_call(self, kind: str) -> str:
        """What 'Map everything' runs, as Python, shell or JSON; empty with a sentence when nothing can be run."""
        try:
            files, lesson = self.files(), self.lesson()
            jobs = [lesson.train(files["head"]), lesson.apply(files["head"], files["map"], files["confidence"])]
        except QuadratError as error:
            self.said.emit("warning", str(error))
            return ""
        return as_text(jobs, kind)

    def _finish(self, begin: Any) -> None:
        if not self.whole and self.making.busy:
            self.said.emit("warning", tr("The embedding of the whole raster is still being made. Wait until it is."))
            return
        if self.opened is not None and not self.whole:
            sentence = tr("So far only what the map showed is embedded. Press 'Make it' for the rest, then try again.")
            self.said.emit("warning", sentence)
            return
        if self._edited_elsewhere():
            sentence = tr("The labels are being edited in QGIS. Save the edits there, so that the map knows them.")
            self.said.emit("warning", sentence)
            return
        try:
            begin()
        except QuadratError as error:
            self.said.emit("warning", str(error))

    def _edited_elsewhere(self) -> bool:
        """True while QGIS holds edits of the labels that are not in the file."""
        layers = self.labels.layers() if self.labels is not None else []
        return any(layer.isEditable() and layer.isModified() for layer in layers)

    # Slots ----------------------------------------------------------------------------------------------------------

    def _on_classes_changed(self) -> None:
        names = self.classes.names()
        if self.current not in names:
            self.current = names[0] if names else ""
        self.changed.emit()

    def _on_scored(self, scored: Scored) -> None:
        self.scores = [*self.scores, scored][-SCORES_KEPT:]
        self.scored.emit(scored)

    def _on_scattered(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.scattered.emit(cloud)

    def _on_failed(self, sentence: str, detail: str) -> None:
        self.said.emit("error", sentence)

    def _on_died(self, sentence: str) -> None:
        self.said.emit("warning", sentence)

    def _on_informed(self, sentence: str) -> None:
        self.said.emit("info", sentence)

    def _on_changed(self, *what: Any) -> None:
        self.changed.emit()

    def _forget_results(self) -> None:
        self.scores, self.cloud = [], None

    def _follow_labels(self) -> None:
        self.picking.follow(self.labels)

    def _on_finished(self, what: str, files: Dict[str, str]) -> None:
        self._set_busy("")
        if what == "report":
            self.said.emit("info", tr("The report is written: {path}").format(path=files["output"]))
            QDesktopServices.openUrl(QUrl.fromLocalFile(files["output"]))
            return
        name = os.path.basename(files["head"])
        self.heads = [head for head in self.heads if head["path"] != files["head"]]
        self.heads.append({"name": name, "path": files["head"], "embedding": files["embedding"]})
        colours = dict(zip(self.classes.names(), self.classes.colours()))
        load_map(files["map"], os.path.splitext(os.path.basename(files["map"]))[0], colours, self.raster)
        self.said.emit("info", tr("The map is written: {path}").format(path=files["map"]))
        self.changed.emit()

    def _on_layers_going(self, ids: List[str]) -> None:
        if self.raster is not None and self.raster.id() in ids:
            name = self.raster.name()
            self.stop_teaching()
            self.proposal = Proposal(NONE, "", tr("Choose a raster."))
            if len(ids) < QgsProject.instance().count():  # else the whole project goes, and says so itself
                self.said.emit("info", tr("'{name}' was removed; its labels are kept.").format(name=name))
            self.changed.emit()
