"""Labels that are selected on the map with QGIS's own tools, as cells: plots show where those lie in the embedding."""

from typing import TYPE_CHECKING, List, Optional, Tuple

from qgis.core import QgsCoordinateTransform, QgsCsException, QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QObject

from .labels import LabelLayer

if TYPE_CHECKING:
    from .state import TeachState

MOST_CELLS = 2000
"""Cells of selected labels that are shown; more of them hide one another."""


class Picking(QObject):
    """Follows the selection in the layers of labels."""

    def __init__(self, state: "TeachState") -> None:
        super().__init__(state)
        self._state = state
        self._layers: List[QgsVectorLayer] = []

    def follow(self, labels: Optional[LabelLayer]) -> None:
        """Hear of selections in these layers, and in no others."""
        for layer in self._layers:
            try:
                layer.selectionChanged.disconnect(self._on_selected)
            except (TypeError, RuntimeError):  # the layer was deleted meanwhile
                continue
        self._layers = labels.layers() if labels is not None else []
        for layer in self._layers:
            layer.selectionChanged.connect(self._on_selected)

    def _on_selected(self, *what: object) -> None:
        self._state.select_cells(self._cells())

    def _cells(self) -> List[Tuple[int, int]]:
        """Cell at a point inside of each selected label."""
        grid = self._state.loop.grid
        if grid is None:
            return []
        cells = []
        for layer in self._layers:
            turn = QgsCoordinateTransform(layer.crs(), grid.crs, QgsProject.instance())
            for feature in layer.selectedFeatures():
                point = feature.geometry().pointOnSurface()
                if point.isNull() or len(cells) >= MOST_CELLS:
                    continue
                try:
                    place = turn.transform(point.asPoint()) if turn.isValid() else point.asPoint()
                except QgsCsException:  # beyond what the system of the embedding can express
                    continue
                cell = grid.cell_at(place.x(), place.y())
                if cell is not None:
                    cells.append(cell)
        return cells
