"""The gestures of labelling: what mouse and keys do on the map, as points, shapes and names of keys.

Emits map coordinates (in the CRS of the canvas) and nothing else: it knows no labels and no classes. The space bar is
the canvas's own: held, it moves the map; a tap that moves nothing is told as the key `space`.
"""

import time
from typing import Any, List, Optional

from qgis.core import QgsGeometry, QgsPointXY, QgsWkbTypes
from qgis.gui import QgsMapCanvas, QgsMapMouseEvent, QgsMapTool
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QEvent, QObject, QPoint, Qt, QTimer, pyqtSignal
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QApplication

from .grid import Cell, CellGrid
from .marks import LIGHT, Marks
from .stroke import crossed, parts

CLICK, DRAG, POLYGON, NONE = "click", "drag", "polygon", "none"
HOVER_MS = 40
"""Least time between two `hovered`; the outline itself follows at once."""
TAP_S = 0.4
"""A space bar that is held longer was meant to move the map."""
PIECE_PX = 16.0
"""A stroke is straight on the screen, not on a grid of another system: it is brought there in pieces of this length."""
NAMED_KEYS = {
    Qt.Key.Key_Return: "enter", Qt.Key.Key_Enter: "enter", Qt.Key.Key_Backspace: "backspace",
    Qt.Key.Key_Delete: "backspace", Qt.Key.Key_Escape: "escape",
}  # fmt: skip


class LabelTool(QgsMapTool):
    """One tool with three ways of pointing: click, drag, polygon."""

    hovered = pyqtSignal(QgsPointXY)
    """The point under the mouse, at most every `HOVER_MS`; an empty point when the mouse has left."""
    clicked = pyqtSignal(QgsPointXY)
    """Where the button went down: that cell was outlined, whatever the hand did until the button went up."""
    dragged = pyqtSignal(list)
    """One point in each cell that was passed over, in order, when the button goes up."""
    drawn = pyqtSignal(QgsGeometry)
    """A valid polygon, or several where its edges crossed."""
    erased = pyqtSignal(list)
    """Where the right button went down; dragging, one point in each cell that it passed over."""
    key = pyqtSignal(str)
    """A letter or digit, or one of `enter`, `space`, `backspace`, `escape`, `undo`, `redo`."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._grid: Optional[CellGrid] = None
        self._mode = CLICK
        self._colour = QColor("#ffcc00")
        self._marks: Optional[Marks] = None
        self._cell: Optional[Cell] = None
        self._pressed: Optional[QgsPointXY] = None
        self._erasing = False
        self._last_at = QPoint()
        self._stroke: List[QgsPointXY] = []
        self._stroke_cells: List[Cell] = []
        self._seen: set = set()
        self._corners: List[QgsPointXY] = []
        self._space_since = 0.0
        self._space_at = QPoint()
        self._under: Optional[QgsPointXY] = None
        self._told: Optional[QgsPointXY] = None
        self._hover = QTimer(self)
        self._hover.setSingleShot(True)
        self._hover.setInterval(HOVER_MS)
        self._hover.timeout.connect(self._tell_hover)
        self.setCursor(Qt.CursorShape.CrossCursor)

    # What others set ------------------------------------------------------------------------------------------------

    @property
    def mode(self) -> str:
        """`click`, `drag` or `polygon`."""
        return self._mode

    def set_mode(self, mode: str) -> None:
        """How to point; what was begun is dropped."""
        if mode != self._mode:
            self._mode = mode
            self._drop()

    def set_grid(self, grid: Optional[CellGrid]) -> None:
        """Whose cells are outlined; None: points are told, nothing is outlined."""
        self._grid = grid
        self._drop()
        self._show_cell(self._under)

    def set_colour(self, colour: QColor) -> None:
        """Of outlines: that of the class which a click would give."""
        self._colour = QColor(colour)
        if self._marks is not None:
            self._marks.paint_with(self._colour)

    def clean_up(self) -> None:
        """Leave the canvas for ever: as deactivated, and no tool of it any more."""
        if sip.isdeleted(self):  # the canvas, whose child it is, went first
            return
        if self._canvas.mapTool() is self:
            self._canvas.unsetMapTool(self)
        self._leave()

    # What QGIS calls ------------------------------------------------------------------------------------------------

    def activate(self) -> None:
        """The tool is in the hand."""
        super().activate()
        if self._marks is None:
            self._marks = Marks(self._canvas)
            self._marks.paint_with(self._colour)
            self._canvas.installEventFilter(self)
            self._canvas.viewport().installEventFilter(self)
            self._canvas.extentsChanged.connect(self._on_map_moved)
            self._canvas.destinationCrsChanged.connect(self._on_map_moved)
            self._canvas.rotationChanged.connect(self._on_map_moved)
            self._canvas.setFocus()  # keys work at once, without a click that would label

    def deactivate(self) -> None:
        """Another tool is in the hand."""
        self._leave()
        super().deactivate()

    def canvasPressEvent(self, event: QgsMapMouseEvent) -> None:  # noqa: N802 - QGIS's name
        """A button goes down."""
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton) or self._pressed is not None:
            return
        erasing = event.button() == Qt.MouseButton.RightButton
        if self._mode == POLYGON:
            if not erasing:
                self._add_corner(event.mapPoint())
            return
        self._pressed, self._last_at, self._erasing = event.mapPoint(), event.pos(), erasing
        if self._marks is not None:
            self._marks.paint_with(LIGHT if erasing else self._colour)
        if self._mode == DRAG:
            self._pass_over(event.pos())

    def canvasMoveEvent(self, event: QgsMapMouseEvent) -> None:  # noqa: N802 - QGIS's name
        """The mouse moves, a button down or not."""
        self._under = event.mapPoint()
        self._show_cell(self._under)
        if self._pressed is not None and self._mode == DRAG:
            self._pass_over(event.pos())
        if self._corners and self._marks is not None:
            self._marks.show_polygon([*self._corners, event.mapPoint()])
        if not self._hover.isActive():
            self._tell_hover()

    def canvasReleaseEvent(self, event: QgsMapMouseEvent) -> None:  # noqa: N802 - QGIS's name
        """A button goes up."""
        erasing = event.button() == Qt.MouseButton.RightButton
        if erasing and self._mode == POLYGON:
            if self._corners:
                self._end_polygon()
            else:
                self.erased.emit([event.mapPoint()])
        elif self._pressed is not None and erasing == self._erasing and event.button() != Qt.MouseButton.MiddleButton:
            self._end_press(event.pos())

    def canvasDoubleClickEvent(self, event: QgsMapMouseEvent) -> None:  # noqa: N802 - QGIS's name
        """Two quick clicks are two clicks, but in a polygon they end it."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self._mode == POLYGON:
            self._end_polygon()
        else:
            self.canvasPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Keys before the canvas sees them (it has its own meaning for some letters), and the mouse that leaves."""
        if sip.isdeleted(self._canvas):  # the last events of a canvas that goes
            return False
        kind = event.type()
        if watched is self._canvas.viewport():
            if kind == QEvent.Type.Leave:
                self._on_mouse_left()
        elif kind == QEvent.Type.ShortcutOverride and self._name_of(event):
            event.accept()  # else a shortcut of QGIS takes it
            return True
        elif kind == QEvent.Type.KeyPress:
            return self._on_key(event)
        elif kind == QEvent.Type.KeyRelease and event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._on_space_up()
        return False

    # Keys -----------------------------------------------------------------------------------------------------------

    def _on_key(self, event: Any) -> bool:
        if event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            if not event.isAutoRepeat():
                self._space_since, self._space_at = time.monotonic(), self._canvas.mouseLastXY()
            return False  # the canvas begins to move the map
        name = self._name_of(event)
        if not name:
            return False
        if self._corners and name in ("enter", "backspace", "escape"):
            {"enter": self._end_polygon, "backspace": self._drop_corner, "escape": self._drop}[name]()
        elif self._pressed is not None and name == "escape":
            self._drop()
        elif not (event.isAutoRepeat() and name != "undo" and name != "redo"):
            self.key.emit(name)
        return True

    def _on_space_up(self) -> None:
        moved = (self._canvas.mouseLastXY() - self._space_at).manhattanLength()
        quick = time.monotonic() - self._space_since < TAP_S
        if self._space_since and quick and moved < QApplication.startDragDistance():
            QTimer.singleShot(0, self._tell_space)  # after the canvas has put the map back
        self._space_since = 0.0

    def _tell_space(self) -> None:
        if self._marks is not None:
            self.key.emit("space")

    @staticmethod
    def _name_of(event: Any) -> str:
        """The name of a key that is meant for labelling, else nothing."""
        control, shift = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
        held = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        if held == control and event.key() == Qt.Key.Key_Z:
            return "undo"
        if (held == control and event.key() == Qt.Key.Key_Y) or (
            held == control | shift and event.key() == Qt.Key.Key_Z
        ):
            return "redo"
        if held not in (Qt.KeyboardModifier.NoModifier, shift):
            return ""
        if event.key() in NAMED_KEYS:
            return NAMED_KEYS[event.key()]
        text = event.text().lower()
        return text if len(text) == 1 and text.isalnum() else ""

    # Mouse ----------------------------------------------------------------------------------------------------------

    def _end_press(self, at: QPoint) -> None:
        if self._mode == DRAG:
            self._pass_over(at)
        pressed, stroke, erasing = self._pressed, self._stroke, self._erasing
        self._drop()
        if erasing:
            self.erased.emit(stroke if len(stroke) > 1 else [pressed])
        elif len(stroke) > 1:
            self.dragged.emit(stroke)
        elif pressed is not None:
            self.clicked.emit(pressed)

    def _pass_over(self, at: QPoint) -> None:
        """All cells between the last place of the mouse and this one."""
        crs = self._canvas.mapSettings().destinationCrs()
        to_map, _ = self._canvas.getCoordinateTransform().transform().inverted()
        ends = [(float(self._last_at.x()), float(self._last_at.y()))]
        ends += parts(ends[0], (float(at.x()), float(at.y())), PIECE_PX)
        self._last_at = QPoint(at)
        points = [QgsPointXY(*to_map.map(x, y)) for x, y in ends]
        if self._grid is None:
            new = points if not self._stroke else points[1:]
            self._stroke += [point for point in new if not self._stroke or point != self._stroke[-1]]
            return
        there = self._grid.brought([p.x() for p in points], [p.y() for p in points], crs)
        positions = [None if place is None else self._grid.position(*place) for place in there]
        fresh: List[Cell] = []
        for first, second in zip(positions, positions[1:]):
            if first is not None and second is not None:
                fresh += self._between(first, second)
        self._take_cells(fresh)

    def _between(self, first: Any, second: Any) -> List[Cell]:
        """Cells between two positions; one for each pixel where several lie under one: no eye tells them apart."""
        if max(abs(second[0] - first[0]), abs(second[1] - first[1])) <= PIECE_PX:
            return list(crossed(first, second))
        share = max(abs(second[0] - first[0]), abs(second[1] - first[1])) / PIECE_PX
        return [(int(row // 1), int(column // 1)) for column, row in [first, *parts(first, second, share)]]

    def _take_cells(self, cells: List[Cell]) -> None:
        grid, crs = self._grid, self._canvas.mapSettings().destinationCrs()
        if grid is None or self._marks is None:
            return
        outlines = []
        for row, col in cells:
            if (row, col) in self._seen or not (0 <= row < grid.height and 0 <= col < grid.width):
                continue
            middle, outline = grid.centre_in(row, col, crs), grid.outline_in(row, col, crs)
            if middle is None or outline is None:
                continue
            self._seen.add((row, col))
            self._stroke.append(middle)
            outlines.append(outline)
        self._marks.add_to_stroke(outlines)

    def _show_cell(self, point: Optional[QgsPointXY]) -> None:
        """Outline the cell under a point, if it is another one than before."""
        if self._marks is None:
            return
        crs = self._canvas.mapSettings().destinationCrs()
        cell = self._grid.cell_of(point, crs) if self._grid is not None and point is not None else None
        if cell != self._cell:
            self._cell = cell
            self._marks.show_cell(None if cell is None or self._grid is None else self._grid.outline_in(*cell, crs))

    def _tell_hover(self) -> None:
        if self._under is not None and self._under is not self._told:
            self._told = self._under
            self._hover.start()
            self.hovered.emit(self._under)

    def _on_mouse_left(self) -> None:
        self._under = self._told = None
        self._show_cell(None)
        self.hovered.emit(QgsPointXY())

    def _on_map_moved(self, *_: Any) -> None:
        """The cell under the mouse is another one, although the mouse stands still."""
        self._show_cell(None)
        if self._under is not None:
            at = self._canvas.mouseLastXY()
            self._under = self._canvas.getCoordinateTransform().toMapCoordinates(at.x(), at.y())
        self._show_cell(self._under)

    # Polygon --------------------------------------------------------------------------------------------------------

    def _add_corner(self, point: QgsPointXY) -> None:
        if not self._corners or point != self._corners[-1]:
            self._corners.append(point)
        if self._marks is not None:
            self._marks.show_polygon([*self._corners, point])

    def _drop_corner(self) -> None:
        self._corners.pop()
        if self._marks is not None:
            self._marks.show_polygon([*self._corners, *([self._under] if self._under and self._corners else [])])

    def _end_polygon(self) -> None:
        corners = self._corners
        self._drop()
        if len(corners) > 2:
            shape = _areas(QgsGeometry.fromPolygonXY([corners]))
            if shape is not None:
                self.drawn.emit(shape)

    # Ends -----------------------------------------------------------------------------------------------------------

    def _drop(self) -> None:
        """What was begun is not wanted any more."""
        self._pressed, self._stroke, self._seen, self._corners = None, [], set(), []
        if self._marks is not None:
            if self._erasing:
                self._marks.paint_with(self._colour)
            self._marks.end_stroke()
            self._marks.show_polygon([])
        self._erasing = False

    def _leave(self) -> None:
        here = not sip.isdeleted(self._canvas)
        if here:
            self._drop()
        self._hover.stop()
        self._under = self._told = self._cell = None
        self._space_since = 0.0
        marks, self._marks = self._marks, None
        if marks is not None and here:  # a canvas that goes takes its rubber bands along
            marks.remove()
            self._canvas.removeEventFilter(self)
            self._canvas.viewport().removeEventFilter(self)
            self._canvas.extentsChanged.disconnect(self._on_map_moved)
            self._canvas.destinationCrsChanged.disconnect(self._on_map_moved)
            self._canvas.rotationChanged.disconnect(self._on_map_moved)


def _areas(shape: QgsGeometry) -> Optional[QgsGeometry]:
    """The shape with edges that do not cross; None when nothing of it has an area."""
    whole = shape if shape.isGeosValid() else shape.makeValid()
    faces = [
        part for part in whole.asGeometryCollection()
        if part.type() == QgsWkbTypes.GeometryType.PolygonGeometry and part.area() > 0
    ]  # fmt: skip
    if not faces:
        return None
    return faces[0] if len(faces) == 1 else QgsGeometry.unaryUnion(faces)
