"""State and canvas joined: the live map is painted, gestures of the tool become labels, keys choose and answer."""

from typing import Any, Optional

from qgis.core import QgsGeometry, QgsPointXY, QgsWkbTypes
from qgis.gui import QgsRubberBand
from qgis.PyQt.QtCore import QObject, QTimer
from qgis.PyQt.QtGui import QColor

from ...core.live.messages import Painted
from .paint import LiveItem
from .state import TeachState
from .tools import LabelTool

HOVER_MS = 120
"""The mouse rests so long before the cell under it is asked about."""
PLACE_COLOUR = QColor("#ffd400")
"""Of the cell that is asked about: seen on any imagery and no class of the palette."""
PLACE_WIDTH_PX = 3


class OnScreen(QObject):
    """What teaching shows and hears on one canvas."""

    def __init__(self, state: TeachState, canvas: Any) -> None:
        super().__init__(state)
        self._state, self._canvas = state, canvas
        self.item = LiveItem(canvas)
        self.tool = LabelTool(canvas)
        self._band = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
        self._band.setStrokeColor(PLACE_COLOUR)
        self._band.setFillColor(QColor(0, 0, 0, 0))
        self._band.setWidth(PLACE_WIDTH_PX)
        self._grid: Any = None
        self._point: Optional[QgsPointXY] = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(HOVER_MS)
        self._rest.timeout.connect(self._on_rested)
        self._join()

    def _join(self) -> None:
        state, tool = self._state, self.tool
        state.closing.connect(self.remove)
        state.painted.connect(self._on_painted)
        state.changed.connect(self._on_changed)
        state.placed.connect(self._on_placed)
        state.selected.connect(self._on_selected)
        state.tool_wanted.connect(self._on_tool_wanted)
        tool.hovered.connect(self._on_hovered)
        tool.clicked.connect(state.label_point)
        tool.dragged.connect(state.label_points)
        tool.drawn.connect(state.label_geometry)
        tool.erased.connect(state.erase_points)
        tool.key.connect(self.press)
        tool.deactivated.connect(self._on_tool_gone)

    def remove(self) -> None:
        """Leave the canvas as it was."""
        self._rest.stop()
        if self._canvas.mapTool() is self.tool:
            self._canvas.unsetMapTool(self.tool)
        self.item.remove()
        self._canvas.scene().removeItem(self._band)

    def press(self, key: str) -> None:
        """A key over the map: undo and redo, answers to what is asked, or another class."""
        state = self._state
        simple = {"undo": state.undo, "redo": state.redo, "escape": state.end_next}
        asked = {"enter": state.accept, "space": state.skip}
        if key in simple:
            simple[key]()
        elif key in asked:
            if state.place is not None:
                asked[key]()
        elif state.target == "class":
            chosen = state.classes.by_key(key)
            if chosen is None:
                return
            if state.place is not None:
                state.correct(chosen.name)
            else:
                state.set_current(chosen.name)

    def _on_painted(self, painted: Painted) -> None:
        grid = self._state.loop.grid
        if grid is not None:
            self.item.take(painted, grid, self._colours())

    def _colours(self) -> Any:
        return None if self._state.target == "value" else self._state.classes.colours()

    def _on_changed(self) -> None:
        state = self._state
        self.item.look(state.visible, state.opacity, state.by_confidence, state.coverage > 0)
        if state.last is None:
            self.item.clear()
        else:
            self.item.recolour(self._colours())
        if state.loop.grid is not self._grid:  # a polygon that is being drawn is dropped with the old grid
            self._grid = state.loop.grid
            self.tool.set_grid(self._grid)
        chosen = state.classes.get(state.current) if state.target == "class" else None
        self.tool.set_colour(QColor(chosen.colour) if chosen else PLACE_COLOUR)

    def _on_placed(self, place: Any) -> None:
        self._show_cells([(place["row"], place["col"])] if place else [])

    def _on_selected(self, cells: Any) -> None:
        self._show_cells(cells)

    def _show_cells(self, cells: Any) -> None:
        self._band.reset(QgsWkbTypes.GeometryType.PolygonGeometry)
        grid = self._state.loop.grid
        if grid is None:
            return
        crs = self._canvas.mapSettings().destinationCrs()
        outlines = [grid.outline_in(row, col, crs) for row, col in cells]
        shapes = [outline for outline in outlines if outline is not None]
        if shapes:
            self._band.setToGeometry(QgsGeometry.collectGeometry(shapes), None)

    def _on_tool_wanted(self, mode: str) -> None:
        if mode == "none":
            if self._canvas.mapTool() is self.tool:
                self._canvas.unsetMapTool(self.tool)
            return
        self.tool.set_mode(mode)
        if self._canvas.mapTool() is not self.tool:  # given again, QGIS would first take it away and say so
            self._canvas.setMapTool(self.tool)

    def _on_tool_gone(self) -> None:
        """QGIS gave another tool the map; the buttons of the dock follow."""
        if self._state.tool != "none":
            self._state.tool_left()

    def _on_hovered(self, point: QgsPointXY) -> None:
        self._point = None if point.isEmpty() else point
        self._rest.start()

    def _on_rested(self) -> None:
        if self._point is None:
            self._state.known.emit(None)
        else:
            self._state.hover(self._point)
