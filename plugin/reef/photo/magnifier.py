"""The pixels around the current point, enlarged, in a corner; steps aside when something needed lies beneath."""

from typing import Any, List, Optional, Sequence

from qgis.PyQt.QtCore import QPoint, QPointF, QRect, QRectF, QSize, Qt
from qgis.PyQt.QtGui import QColor, QPainter, QPainterPath, QPen
from qgis.PyQt.QtWidgets import QWidget

from .camera import Camera
from .picture import Picture
from .pyramid import Pyramid
from .reading import GROUND
from .shown import PointShown
from .tone import Tables

LINES = 11
"""Side in lines of text, where there is room."""
MOST = 0.36
"""Share of the shorter side of the window that it may take."""
LEAST_LINES, WELL_LINES = 4, 7
"""Below the first it is left out; from the second on it is better small than over the photo."""
WORTH = 0.75
"""Zoom of the window, as a share of the magnifier's, from which on it shows nothing that is not seen already."""
ROUND, GAP = 6, 10
"""Radius of the corners, distance from the edge of the window: widget pixels."""


class Magnifier(QWidget):
    """Looks at one point. The mouse goes through it, and it goes out of the mouse's way."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()
        self._camera = Camera()
        self._picture = Picture()
        self._photo: Optional[Pyramid] = None
        self._point: Optional[PointShown] = None
        self._tables: Optional[Tables] = None
        self._corner = 0

    def look_at(
        self, photo: Optional[Pyramid], point: Optional[PointShown], times: float, change: Optional[Tables]
    ) -> None:
        """Show this point of this photo, with so many pixels of the device for each."""
        self._photo, self._point, self._tables = photo, point, change
        if photo is not None and point is not None:
            ratio = self.devicePixelRatioF()
            self._camera.resize(round(self.width() * ratio), round(self.height() * ratio))
            self._camera.photo, self._camera.fitted = photo.size, False
            self._camera.zoom_to(times, point.col + 0.5, point.row + 0.5)
        self.update()

    def put(self, window: QSize, unit: float, needed: Sequence[QRectF], beside: float = 0.0) -> bool:
        """Lie in a corner where nothing needed is covered, the same as long as that is so; False where none is free.

        Args:
            window: size of the view, widget pixels as all here.
            unit: height of a line.
            needed: places that must be seen.
            beside: width or height of what the photo leaves free at the edges; where it is enough, nothing is covered.
        """
        side = min(LINES * unit, MOST * min(window.width(), window.height()))
        if beside - 2 * GAP >= WELL_LINES * unit:
            side = min(side, beside - 2 * GAP)
        if side < LEAST_LINES * unit:
            return False
        side = round(side)
        places = corners(window, QSize(side, side))
        for corner in (self._corner, *range(len(places))):
            if not any(box.intersects(QRectF(places[corner])) for box in needed):
                self._corner = corner
                self.setGeometry(places[corner])
                return True
        return False

    def paintEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """The pixels, a line around, and a mark that leaves the point itself free."""
        if self._photo is None or self._point is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        edge = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        shape = QPainterPath()
        shape.addRoundedRect(edge, ROUND, ROUND)
        painter.save()
        painter.setClipPath(shape)
        painter.fillRect(self.rect(), QColor(GROUND))
        self._picture.draw(painter, self._camera, self._photo, self._tables, self.devicePixelRatioF())
        self._draw_mark(painter)
        painter.restore()
        painter.setPen(QPen(QColor(12, 14, 16, 190), 3.0))
        painter.drawPath(shape)
        painter.setPen(QPen(QColor(255, 255, 255, 215), 1.2))
        painter.drawPath(shape)

    def _draw_mark(self, painter: QPainter) -> None:
        """The pixel of the point in a frame, and four lines that point at it from afar."""
        ratio, scale = self.devicePixelRatioF(), self._camera.scale
        x, y = self._camera.to_screen(self._point.col, self._point.row) if self._point else (0.0, 0.0)
        pixel = QRectF(x / ratio, y / ratio, scale / ratio, scale / ratio)
        middle, far, near = pixel.center(), self.width() * 0.5, max(self.width() * 0.16, scale)
        path = QPainterPath()
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
            path.moveTo(middle + QPointF(near * dx, near * dy))
            path.lineTo(middle + QPointF(far * dx, far * dy))
        frame = QPainterPath()
        frame.addRect(pixel.adjusted(-1, -1, 1, 1))
        for colour, wide in ((QColor(12, 14, 16, 150), 3.0), (QColor(255, 255, 255, 210), 1.2)):
            painter.strokePath(path, QPen(colour, wide))
            painter.strokePath(frame, QPen(colour, wide))


def corners(window: QSize, size: QSize) -> List[QRect]:
    """Upper right, upper left, lower right: the lower left is for the overview."""
    right, low = window.width() - size.width() - GAP, window.height() - size.height() - GAP
    return [QRect(QPoint(x, y), size) for x, y in ((right, GAP), (GAP, GAP), (right, low))]
