"""The live map on the canvas: what the worker answered last, where it belongs, however the map was moved since.

Draws and nothing else: it asks for nothing, and what it shows is decided by others. One item for each canvas.
"""

import math
from typing import Any, List, Optional, Sequence, Tuple

from qgis.core import QgsMessageLog
from qgis.gui import QgsMapCanvas, QgsMapCanvasItem
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QPointF, QRect, QRectF, Qt
from qgis.PyQt.QtGui import QBrush, QColor, QImage, QPainter, QPen, QTransform

from ...core.errors import BadInput
from ...core.live.messages import Painted
from .grid import CellGrid
from .mesh import Piece, pieces
from .picture import Picture, Table, class_table, value_table

Z = -5.0
"""Above the map (-10), under rubber bands and annotations (0 and more)."""
HATCH_PX = 8
"""From line to line of the hatch, on a screen of ordinary density."""
HATCH_DARK, HATCH_LIGHT = QColor(40, 40, 40), QColor(255, 255, 255)
"""Two lines side by side: one of them shows on any imagery."""
WIDEST_PX = 16_000
"""Qt's fixed numbers hold 32,767 pixels of a picture; wider ones are drawn in parts."""


class LiveItem(QgsMapCanvasItem):
    """The answer, drawn with hard edges: a cell is what was taught and predicted, nothing between cells is invented."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._grid: Optional[CellGrid] = None
        self._picture: Optional[Picture] = None
        self._table: Table = class_table([])
        self._values = False
        self.shown, self.opacity_of_map, self.by_confidence, self.hatch = True, 1.0, True, True
        self._buffer: Optional[QImage] = None
        self._buffer_at = QPointF()
        self._buffer_for: Any = None
        self._sheet: Optional[QImage] = None
        self._sheet_scale = 0.0
        self.setZValue(Z)

    def take(self, painted: Painted, grid: CellGrid, colours: Optional[Sequence[str]]) -> bool:
        """Show an answer; `colours` of the classes in order, None for values. False when it cannot be read.

        An answer without a picture leaves nothing to see; one that cannot be read leaves what was there.
        """
        picture = None
        if painted.path:
            try:
                picture = Picture(painted)
            except BadInput as error:
                QgsMessageLog.logMessage(str(error), "Quadrat")
                return False
        self._picture, self._grid, self._buffer_for = picture, grid, None
        self.recolour(colours)
        return True

    def recolour(self, colours: Optional[Sequence[str]]) -> None:
        """Other colours for the same answer."""
        self._values = colours is None
        self._table = value_table() if colours is None else class_table(colours)
        self.update()

    def clear(self) -> None:
        """Nothing to see."""
        self._picture = self._buffer = self._buffer_for = self._sheet = None
        self.update()

    def look(
        self,
        visible: Optional[bool] = None,
        opacity: Optional[float] = None,
        by_confidence: Optional[bool] = None,
        hatch: Optional[bool] = None,
    ) -> None:
        """Change how it looks; None: as before."""
        self.shown = self.shown if visible is None else visible
        self.opacity_of_map = self.opacity_of_map if opacity is None else min(max(opacity, 0.0), 1.0)
        self.by_confidence = self.by_confidence if by_confidence is None else by_confidence
        self.hatch = self.hatch if hatch is None else hatch
        self.update()

    def remove(self) -> None:
        """Leave the canvas."""
        if sip.isdeleted(self):  # the canvas went first
            return
        self.clear()
        scene = self.scene()
        if scene is not None:
            scene.removeItem(self)

    def byte_at(self, column: float, row: float) -> Tuple[int, int]:
        """Class and confidence byte that are shown at a position of the grid; zeros where nothing is."""
        if self._picture is None:
            return 0, 0
        u, v = _from_cells(self._picture).map(column, row)
        return self._picture.at(math.floor(v), math.floor(u))

    # What Qt and QGIS call ------------------------------------------------------------------------------------------

    def updatePosition(self) -> None:  # noqa: N802 - QGIS's name
        """The map was moved, turned, resized or brought to another coordinate system."""
        self.prepareGeometryChange()
        self.update()

    def boundingRect(self) -> QRectF:  # noqa: N802 - Qt's name
        """What the canvas shows."""
        return QRectF(0, 0, self._canvas.viewport().width(), self._canvas.viewport().height())

    def paint(self, painter: QPainter, option: Any = None, widget: Any = None) -> None:
        """Draw; what is drawn is kept until answer, look or map change."""
        if not self.shown or self._picture is None or self._grid is None or self.opacity_of_map == 0:
            return
        device = painter.deviceTransform()
        scale = math.hypot(device.m11(), device.m12())
        settings = self._canvas.mapSettings()
        key = (
            self._table, self.by_confidence, self.hatch, scale,
            settings.mapToPixel().showParameters(), settings.destinationCrs(), self.boundingRect(),
        )  # fmt: skip
        if key != self._buffer_for:
            self._buffer_for = key
            self._render(self._picture, self._grid, scale)
        if self._buffer is not None:
            painter.save()
            painter.setOpacity(self.opacity_of_map)
            painter.drawImage(self._buffer_at, self._buffer)
            painter.restore()

    # Inside ---------------------------------------------------------------------------------------------------------

    def _render(self, picture: Picture, grid: CellGrid, scale: float) -> None:
        """Draw into the buffer, which covers what of the answer is on the screen, in pixels of the device."""
        settings = self._canvas.mapSettings()
        crs = settings.destinationCrs()
        from_map = settings.mapToPixel().transform() * QTransform.fromScale(scale, scale)
        to_map, possible = from_map.inverted()
        screen = self._covered(picture, grid, from_map, scale) if possible else QRect()
        self._buffer = None
        if screen.isEmpty():
            return

        a, b, c, d, x0, y0 = (to_map.m11(), to_map.m12(), to_map.m21(), to_map.m22(), to_map.dx(), to_map.dy())

        def there(xs: List[float], ys: List[float]) -> List[Optional[Tuple[float, float]]]:
            on_map = [a * x + c * y + x0 for x, y in zip(xs, ys)], [b * x + d * y + y0 for x, y in zip(xs, ys)]
            return grid.brought(*on_map, crs)

        found = pieces(screen, there, grid.to_cells * _from_cells(picture), picture.width, picture.height)
        by_confidence = self.by_confidence and not self._values
        buffer = _drawn(picture.coloured(self._table, by_confidence), found, screen)
        if self.hatch and picture.has_unsure and not self._values:
            self._lay_hatch(buffer, _drawn(picture.unsure(), found, screen), screen, scale)
        buffer.setDevicePixelRatio(scale)
        self._buffer, self._buffer_at = buffer, QPointF(screen.left() / scale, screen.top() / scale)

    def _lay_hatch(self, buffer: QImage, mask: QImage, screen: QRect, scale: float) -> None:
        """Lines where the mask is, at the same places of the screen wherever the map is moved."""
        width, height = screen.right() + 1, screen.bottom() + 1
        sheet = self._sheet
        if sheet is None or self._sheet_scale != scale or sheet.width() < width or sheet.height() < height:
            self._sheet = sheet = _hatch_sheet(width, height, scale)
            self._sheet_scale = scale
        painter = QPainter(mask)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
        painter.drawImage(-screen.left(), -screen.top(), sheet)
        painter.end()
        painter = QPainter(buffer)
        painter.drawImage(0, 0, mask)
        painter.end()

    def _covered(self, picture: Picture, grid: CellGrid, from_map: QTransform, scale: float) -> QRect:
        """Pixels of the device that may show the answer."""
        seen = self.boundingRect()
        screen = QRectF(0, 0, seen.width() * scale, seen.height() * scale).toAlignedRect()
        margin = picture.step  # a picture of every n-th cell reaches half a step beyond the outer ones
        box = grid.block_in(
            picture.row - margin, picture.col - margin, picture.height * picture.step + 2 * margin,
            picture.width * picture.step + 2 * margin, self._canvas.mapSettings().destinationCrs(),
        )  # fmt: skip
        if box is None:
            return screen
        on_screen = from_map.mapRect(QRectF(box.xMinimum(), box.yMinimum(), box.width(), box.height()))
        around = QRectF(screen).intersected(on_screen)
        return around.toAlignedRect().adjusted(-1, -1, 1, 1).intersected(screen) if not around.isEmpty() else QRect()


def _from_cells(picture: Picture) -> QTransform:
    """From positions on the grid to those in the picture: a shown cell lies in the middle of what it stands for."""
    step = picture.step
    return QTransform(1 / step, 0, 0, 1 / step, 0.5 - (picture.col + 0.5) / step, 0.5 - (picture.row + 0.5) / step)


def _drawn(image: QImage, found: List[Piece], screen: QRect) -> QImage:
    """The image on a part of the screen."""
    buffer = QImage(screen.size(), QImage.Format.Format_ARGB32_Premultiplied)
    buffer.fill(Qt.GlobalColor.transparent)
    painter = QPainter(buffer)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
    to_buffer = QTransform.fromTranslate(-screen.left(), -screen.top())
    for piece in found:
        painter.setTransform(to_buffer)
        painter.setClipRect(piece.screen)
        painter.setTransform(piece.to_screen * to_buffer)
        for part in _needed(piece, image):
            painter.drawImage(QRectF(part), image, QRectF(part))
    painter.end()
    return buffer


def _needed(piece: Piece, image: QImage) -> List[QRect]:
    """The pixels of the image that lie on the piece, in parts that Qt can count."""
    back, _ = piece.to_screen.inverted()
    box = back.mapRect(QRectF(piece.screen)).toAlignedRect().adjusted(-1, -1, 1, 1).intersected(image.rect())
    if box.isEmpty():
        return []
    across = range(box.left(), box.right() + 1, WIDEST_PX)
    down = range(box.top(), box.bottom() + 1, WIDEST_PX)
    return [QRect(x, y, WIDEST_PX, WIDEST_PX).intersected(box) for y in down for x in across]


def _hatch_sheet(width: int, height: int, scale: float) -> QImage:
    """Lines all over a screen: a sheet drawn once costs a third of a pattern drawn each time."""
    size = max(4, round(HATCH_PX * scale))
    tile = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    tile.fill(Qt.GlobalColor.transparent)
    thick = max(1, round(scale))
    painter = QPainter(tile)
    for shift, colour in ((0, HATCH_DARK), (thick, HATCH_LIGHT)):
        painter.setPen(QPen(colour, thick))
        for x in (-size, 0, size):
            painter.drawLine(x + shift, size, x + size + shift, 0)
    painter.end()
    sheet = QImage(width, height, QImage.Format.Format_ARGB32_Premultiplied)
    sheet.fill(Qt.GlobalColor.transparent)
    painter = QPainter(sheet)
    painter.fillRect(sheet.rect(), QBrush(tile))
    painter.end()
    return sheet
