"""The live loop: what is labelled goes to the worker, what the map shows comes back painted, idle time is used.

Joins labels, classes, canvas and session; decides when what is asked. No widgets, no work of its own.
"""

from typing import Any, Iterable, List, Optional, Tuple

from qgis.core import QgsCoordinateTransform, QgsCsException, QgsGeometry, QgsProject
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ...core.live.messages import Label, Opened, Painted, Scatter, Score, Scored, Taught, View
from .classes import ClassList
from .grid import CellGrid
from .labels import LabelLayer
from .session import LiveSession

SETTLE_MS = 700
"""Quiet time after the last answer before the choices that take longer are made."""
LOOK_MS = 30
"""Quiet time after the last movement of the map before its cells are asked for: a wheel turns in many small steps."""


class LiveLoop(QObject):
    """Keeps the answer of the worker in step with labels and view."""

    opened = pyqtSignal(object)
    """Opened"""
    taught = pyqtSignal(object)
    """Taught"""
    painted = pyqtSignal(object)
    """Painted"""
    scored = pyqtSignal(object)
    """Scored"""
    warned = pyqtSignal(str)

    def __init__(self, canvas: Any, session: LiveSession, classes: ClassList, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._canvas, self._session, self._classes = canvas, session, classes
        self.grid: Optional[CellGrid] = None
        self.labels: Optional[LabelLayer] = None
        self.coverage = 0.0
        self.last: Optional[Painted] = None
        self.last_taught: Optional[Taught] = None
        self.wants_scatter = False
        self._scored_at = self._cloud_at = -1
        self._version = 0
        self._look = self._timer(LOOK_MS, self.ask_view)
        self._settle = self._timer(SETTLE_MS, self._on_quiet)
        canvas.extentsChanged.connect(self._look.start)
        session.opened.connect(self._on_opened)
        session.taught.connect(self._on_taught)
        session.painted.connect(self._on_painted)
        session.scored.connect(self._on_scored)
        classes.changed.connect(self._on_classes_changed)
        self._names = tuple(classes.names())

    def _timer(self, ms: int, slot: Any) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(ms)
        timer.timeout.connect(slot)
        return timer

    def forget(self) -> None:
        """No embedding is open any more."""
        self.grid = self.last = self.last_taught = None
        self._look.stop()
        self._settle.stop()

    def take_labels(self, labels: Optional[LabelLayer]) -> None:
        """Teach with these labels from now on; None: with none."""
        if self.labels is not None:
            self.labels.changed.disconnect(self._on_labels_changed)
            self.labels.removed.disconnect(self._on_labels_removed)
            self.labels.reset.disconnect(self.teach_all)
        self.labels = labels
        if labels is not None:
            labels.changed.connect(self._on_labels_changed)
            labels.removed.connect(self._on_labels_removed)
            labels.reset.connect(self.teach_all)
        self.teach_all()

    def teach_all(self) -> None:
        """Tell the worker every label anew."""
        if self.grid is None:
            return
        found = self.labels.labels() if self.labels is not None else []
        self._session.teach(self._on_the_wire(found), [], list(self._classes.names()), clear=True)
        self.ask_view()

    def ask_view(self, settle: bool = False) -> None:
        """Ask for the cells that the map shows."""
        if self.grid is None:
            return
        view = self._view(settle)
        if view is not None:
            self._session.view(view)

    def ask_score(self) -> None:
        """Test the head on labels that are kept apart."""
        if self.grid is not None:
            self._session.score(Score())

    def ask_scatter(self) -> None:
        """Ask for the picture of the embedding."""
        view = self._view(False)
        if view is not None:
            self._session.scatter(Scatter(window=(view.row, view.col, view.height, view.width)))

    def _view(self, settle: bool) -> Optional[View]:
        if self.grid is None:
            return None
        extent = self.grid.extent_from(self._canvas.extent(), self._canvas.mapSettings().destinationCrs())
        window = self.grid.window(extent) if extent is not None else None
        if window is None:
            return None
        row, col, height, width, step = window
        return View(row, col, height, width, step, settle, self.coverage)

    def _on_the_wire(self, found: Iterable[Tuple[int, QgsGeometry, Any]]) -> List[Label]:
        if self.labels is None or self.grid is None:
            return []
        layer, crs = self.labels.layer, self.grid.crs
        moved = layer.crs().isValid() and crs.isValid() and layer.crs() != crs
        transform = QgsCoordinateTransform(layer.crs(), crs, QgsProject.instance()) if moved else None
        out = []
        for number, geometry, y in found:
            if y is None or geometry is None or geometry.isEmpty():
                out.append(Label(number, "", None))
                continue
            shape = QgsGeometry(geometry)
            try:
                if transform is not None:
                    shape.transform(transform)
            except QgsCsException:  # beyond what the embedding's system can express: outside of it
                out.append(Label(number, "", None))
                continue
            out.append(Label(number, bytes(shape.asWkb()).hex(), y))
        return out

    def _on_labels_changed(self, numbers: List[int]) -> None:
        if self.grid is None or self.labels is None:
            return
        labels = self._on_the_wire(self.labels.labels(numbers))
        gone = [label.id for label in labels if not label.wkb]
        self._session.teach([label for label in labels if label.wkb], gone, list(self._classes.names()))
        self.ask_view()

    def _on_labels_removed(self, numbers: List[int]) -> None:
        if self.grid is not None:
            self._session.teach([], list(numbers), list(self._classes.names()))
            self.ask_view()

    def _on_classes_changed(self) -> None:
        names = tuple(self._classes.names())
        if names != self._names:
            self._names = names
            if self.grid is not None:
                self._session.teach([], [], list(names))
                self.ask_view()

    def _on_opened(self, opened: Opened) -> None:
        self.grid = CellGrid(opened)
        self._scored_at = self._cloud_at = -1
        self.opened.emit(opened)
        self.teach_all()

    def _on_taught(self, taught: Taught) -> None:
        self.last_taught = taught
        self.taught.emit(taught)

    def _on_painted(self, painted: Painted) -> None:
        self.last = painted
        self.painted.emit(painted)
        self._settle.start()

    def _on_scored(self, scored: Scored) -> None:
        self.scored.emit(scored)

    def _on_quiet(self) -> None:
        """Nothing has happened for a while: settle the head, then test it, then look at the embedding."""
        painted = self.last
        if painted is None or self.grid is None:
            return
        if painted.path and not painted.settled:
            self.ask_view(settle=True)
        elif painted.path and self._scored_at != painted.version:
            self._scored_at = painted.version
            self.ask_score()
            self._settle.start()
        elif self.wants_scatter and self._cloud_at != painted.version:
            self._cloud_at = painted.version
            self.ask_scatter()
