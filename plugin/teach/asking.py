"""'What next?': one place after another that is worth labelling, answered from the keyboard."""

from typing import Any, Dict, List, Optional, Set, Tuple

from qgis.core import QgsPointXY
from qgis.PyQt.QtCore import QObject, pyqtSignal

from ...core.live.messages import Next, Places
from ...processing.i18n import tr
from .grid import CellGrid
from .session import LiveSession

AHEAD = 4
"""Places asked for at once; each answer makes the ones behind it less sure, so not many."""
SMALLEST_CELL_PX = 10
"""A cell that is asked about is shown at least as large as this on the screen."""


class Asking(QObject):
    """Which place is asked about now, and which were passed over."""

    placed = pyqtSignal(object)
    """The place as a dict (row, col, guess, probability, reason), or None."""
    said = pyqtSignal(str)
    """Why there is no place."""

    def __init__(self, canvas: Any, session: LiveSession, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._canvas, self._session = canvas, session
        self.strategy = "mix"
        self.place: Optional[Dict[str, Any]] = None
        self._grid: Optional[CellGrid] = None
        self._waiting: List[Dict[str, Any]] = []
        self._done: Set[Tuple[int, int]] = set()
        self._wanted = False
        session.placed.connect(self._on_placed)

    @property
    def running(self) -> bool:
        """True from the first question until `end`."""
        return self._wanted or self.place is not None

    @property
    def answered(self) -> bool:
        """True while the place that is shown has its answer, and the next one has not come."""
        return self._wanted and self.place is not None

    def take_grid(self, grid: Optional[CellGrid]) -> None:
        """Ask about cells of this grid; questions about another one are over."""
        self._grid = grid
        self._done.clear()
        self.end()

    def next(self) -> None:
        """Go on to the next place, asking the worker when none is waiting."""
        if self._grid is None:
            return
        if self.place is not None:
            self._done.add((self.place["row"], self.place["col"]))
        self._waiting = [place for place in self._waiting if (place["row"], place["col"]) not in self._done]
        if self._waiting:
            self._show(self._waiting.pop(0))
            return
        self._wanted = True
        self._session.next(Next(AHEAD, self.strategy, tuple(sorted(self._done))))

    def end(self) -> None:
        """No more questions."""
        self._waiting, self._wanted = [], False
        if self.place is not None:
            self.place = None
            self.placed.emit(None)

    def forget_ahead(self) -> None:
        """Ask anew: what was waiting was chosen before the last answer changed the map."""
        self._waiting = []

    def _on_placed(self, places: Places) -> None:
        if not self._wanted:
            return
        self._wanted = False
        fresh = [dict(place) for place in places.places if (place["row"], place["col"]) not in self._done]
        if not fresh:
            self.end()
            self.said.emit(places.why or tr("Every place that is worth it was asked about."))
            return
        self._waiting = fresh[1:]
        self._show(fresh[0])

    def _show(self, place: Dict[str, Any]) -> None:
        self.place = place
        self._fly_to(place["row"], place["col"])
        self.placed.emit(place)

    def _fly_to(self, row: int, col: int) -> None:
        """Bring the cell to the middle of the map unless it is well inside, large enough to be looked at."""
        if self._grid is None:
            return
        crs = self._canvas.mapSettings().destinationCrs()
        outline = self._grid.outline_in(row, col, crs)
        if outline is None:
            return
        box, extent = outline.boundingBox(), self._canvas.extent()
        pixel = self._canvas.mapUnitsPerPixel()
        inner = extent.buffered(-0.15 * min(extent.width(), extent.height()))
        small = min(box.width(), box.height()) < SMALLEST_CELL_PX * pixel
        if small:
            factor = min(box.width(), box.height()) / (SMALLEST_CELL_PX * pixel)
            extent.scale(max(factor, 1e-6), box.center())
            self._canvas.setExtent(extent)
            self._canvas.refresh()
        elif not inner.contains(box):
            self._canvas.setCenter(QgsPointXY(box.center()))
            self._canvas.refresh()
