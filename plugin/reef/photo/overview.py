"""All of the photo, small, in the lower left corner: which part is seen, and where points are still to be looked at."""

from typing import Any, Optional

from qgis.PyQt.QtCore import QPointF, QRect, QRectF, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QPainter, QPen
from qgis.PyQt.QtWidgets import QWidget

from ....processing.i18n import tr
from .camera import Camera
from .magnifier import GAP
from .overlay import Overlay
from .picture import Picture
from .pyramid import Pyramid
from .shown import BY_STATE
from .symbols import look_of
from .tone import Tables

LINES, MOST = 8, 0.3
"""Its longer side in lines of text; the share of the window's shorter side that it may take."""
LEAST_LINES = 3
LEAST_FRAME = 7.0
"""Of the part that is seen, widget pixels."""
DOT, CURRENT_DOT = 1.6, 3.2
"""Radius of points, widget pixels."""


class Overview(QWidget):
    """Shown while a part of the photo is seen; drag in it to see another."""

    moved = pyqtSignal(float, float)
    """Somebody wants to see this place of the photo (x, y) in the middle."""

    def __init__(self, parent: QWidget, overlay: Overlay) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("All of the photo"))
        self.setToolTip(tr("All of the photo. Drag here to see another part of it."))
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.hide()
        self._overlay = overlay
        self._camera = Camera()
        self._picture = Picture()
        self._photo: Optional[Pyramid] = None
        self._tables: Optional[Tables] = None
        self._seen = QRectF()
        self._points = True

    def put(self, window: QSize, unit: float, photo: Pyramid) -> bool:
        """Lie in the lower left corner in the shape of the photo; False where there is no room."""
        longer = min(LINES * unit, MOST * min(window.width(), window.height()))
        if longer < LEAST_LINES * unit:
            return False
        width, height = photo.size
        share = longer / max(width, height)
        size = QSize(max(round(width * share), 8), max(round(height * share), 8))
        self.setGeometry(QRect(GAP, window.height() - size.height() - GAP, size.width(), size.height()))
        return True

    def look_at(self, photo: Pyramid, seen: QRectF, change: Optional[Tables], points: bool) -> None:
        """Show this photo and the part of it that is seen, in its pixels."""
        self._photo, self._seen, self._tables, self._points = photo, seen, change, points
        ratio = self.devicePixelRatioF()
        self._camera.resize(round(self.width() * ratio), round(self.height() * ratio))
        self._camera.photo = photo.size
        self.update()

    def paintEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """The photo, a dot for each point, and a frame around what is seen."""
        if self._photo is None:
            return
        painter = QPainter(self)
        self._picture.draw(painter, self._camera, self._photo, self._tables, self.devicePixelRatioF())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        current = self._overlay.current
        painter.setPen(Qt.PenStyle.NoPen)
        for point in self._overlay.points if self._points else ():
            painter.setBrush(QColor(look_of(point, BY_STATE, False).colour))
            painter.drawEllipse(self._place(point.col + 0.5, point.row + 0.5), DOT, DOT)
        left_top, right_bottom = (
            self._place(self._seen.left(), self._seen.top()),
            self._place(self._seen.right(), self._seen.bottom()),
        )
        box = QRectF(left_top, right_bottom).intersected(QRectF(self.rect())).adjusted(1, 1, -1, -1)
        if min(box.width(), box.height()) < LEAST_FRAME:
            half = QPointF(LEAST_FRAME / 2, LEAST_FRAME / 2)
            box = QRectF(box.center() - half, box.center() + half)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, wide in ((QColor(12, 14, 16, 190), 3.4), (QColor("white"), 1.6)):
            painter.setPen(QPen(colour, wide))
            painter.drawRect(box)
        if current is not None:
            place = self._place(current.col + 0.5, current.row + 0.5)
            painter.drawEllipse(place, CURRENT_DOT, CURRENT_DOT)
        painter.setPen(QPen(QColor(12, 14, 16, 200), 2.0))
        painter.drawRect(self.rect())

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Go there."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Follow the mouse."""
        if self._photo is not None:
            ratio = self.devicePixelRatioF()
            self.moved.emit(*self._camera.to_photo(event.pos().x() * ratio, event.pos().y() * ratio))

    def _place(self, x: float, y: float) -> QPointF:
        ratio = self.devicePixelRatioF()
        x, y = self._camera.to_screen(x, y)
        return QPointF(x / ratio, y / ratio)
