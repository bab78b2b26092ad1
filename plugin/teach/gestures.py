"""From gestures on the canvas to labels of the layer: which cell, which geometry, one step of undo each."""

from typing import TYPE_CHECKING, Any, List, Optional

from qgis.core import QgsCoordinateTransform, QgsCsException, QgsGeometry, QgsPointXY, QgsProject, QgsVectorLayer

from ...core.errors import QuadratError
from ...processing.i18n import tr
from .commands import AddLabels, EraseLabels
from .taking import Taken, Taking

if TYPE_CHECKING:
    from .state import TeachState


class Gestures:
    """Turns points and shapes, in the CRS of the canvas, into labels."""

    def __init__(self, state: "TeachState") -> None:
        self._state = state

    def label_points(self, points: List[QgsPointXY], made: str) -> None:
        """One label for each cell that the points lie in; other classes there are replaced."""
        grid, y = self._state.loop.grid, self._y()
        if grid is None or y is None:
            return
        cells = list(dict.fromkeys(cell for cell in map(self._state.cell_of, points) if cell is not None))
        if not cells:
            self._say(tr("There is no cell of the embedding here."))
            return
        self._put(cells, y, made)

    def label_cell(self, row: int, col: int, y: Any) -> bool:
        """Label one cell that was suggested; False when it could not be done."""
        if self._state.loop.grid is None or self._state.labels is None:
            return False
        self._put([(row, col)], y, "suggested")
        return True

    def label_geometry(self, geometry: QgsGeometry) -> None:
        """A polygon in the CRS of the canvas becomes one label."""
        y, labels = self._y(), self._state.labels
        if y is None or labels is None:
            return
        crs = self._state.canvas.mapSettings().destinationCrs()
        try:
            shape = labels.brought(geometry, crs)
        except QuadratError as error:
            self._say(str(error))
            return
        self._do(AddLabels(labels, [(shape, y, "polygon")]))

    def label_selected(self, layer: QgsVectorLayer) -> None:
        """Each selected feature of any layer becomes one label; what cannot be one is left out with a sentence."""
        y, labels = self._y(), self._state.labels
        if y is None or labels is None:
            return

        def taken(found: Optional[Taken], error: Optional[BaseException]) -> None:
            if found is None:
                self._state.said.emit("error", str(error))
                return
            if found.items:
                self._do(AddLabels(labels, found.items))
            if found.sentence:
                self._say(found.sentence)

        try:
            Taking(layer, labels, y).run(taken)
        except QuadratError as error:
            self._say(str(error))

    def erase_points(self, points: List[QgsPointXY]) -> None:
        """All labels that touch the cells under these points go, in one step."""
        labels = self._state.labels
        cells = dict.fromkeys(map(self._state.cell_of, points))
        numbers = sorted({number for cell in cells if cell is not None for number in self._touching(*cell)})
        if labels is not None and numbers:
            self._do(EraseLabels(labels, numbers))

    def _put(self, cells: List[Any], y: Any, made: str) -> None:
        """Points in the middle of cells; points that were in those cells are replaced, in the same step."""
        state = self._state
        grid, labels = state.loop.grid, state.labels
        if grid is None or labels is None:
            self._say(tr("Choose a raster first."))
            return
        to_layer = None
        if grid.crs.isValid() and labels.layer.crs().isValid() and grid.crs != labels.layer.crs():
            to_layer = QgsCoordinateTransform(grid.crs, labels.layer.crs(), QgsProject.instance())
        old = sorted({number for cell in cells for number in self._touching(*cell, points_only=True)})
        shapes = []
        for row, col in cells:
            shape = QgsGeometry.fromPointXY(grid.centre(row, col))
            try:
                if to_layer is not None:
                    shape.transform(to_layer)
            except QgsCsException:
                continue
            shapes.append((shape, y, made))
        if shapes:
            self._do(AddLabels(labels, shapes, instead_of=old))

    def _touching(self, row: int, col: int, points_only: bool = False) -> List[int]:
        """Ids of the labels that touch a cell."""
        grid, labels = self._state.loop.grid, self._state.labels
        if grid is None or labels is None:
            return []
        outline = grid.outline_in(row, col, labels.layer.crs())
        return [] if outline is None else labels.at(outline, points_only)

    def _y(self) -> Any:
        """What a gesture gives; None, with a sentence, when nothing is chosen."""
        state = self._state
        if state.labels is None:
            gone = tr("The layer of labels is gone. Choose the raster again, or labels in the menu beside it.")
            self._say(gone if state.opened is not None else tr("Choose a raster first."))
            return None
        if state.target == "value":
            return float(state.value)
        if not state.current:
            self._say(tr("Add a class first, then click where it is."))
            return None
        return state.current

    def _do(self, command: Any) -> None:
        try:
            self._state.stack.push(command)
        except QuadratError as error:
            self._state.said.emit("error", str(error))

    def _say(self, text: str) -> None:
        self._state.said.emit("warning", text)
