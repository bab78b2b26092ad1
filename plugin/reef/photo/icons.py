"""Icons of the photo window's toolbar: lines in the colour of the theme's ink, quiet beside a photo."""

from typing import Callable, Dict

from qgis.PyQt.QtCore import QPointF, QRectF, Qt
from qgis.PyQt.QtGui import QColor, QFont, QIcon, QPainter, QPen, QPixmap

from ...controls.parts import number_of

GRID = 24.0
"""Side of the drawing below."""
LINE = 1.7
SIZES = (16, 24, 32, 48)
"""Widget and device pixels that toolbars ask for."""


def icon(name: str, ink: QColor) -> QIcon:
    """One of `fit`, `actual`, `patch`, `points`, `magnifier`, `light`, `full`."""
    made = QIcon()
    for side in SIZES:
        pixmap = QPixmap(side, side)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(side / GRID, side / GRID)
        cap, join = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
        painter.setPen(QPen(ink, LINE, Qt.PenStyle.SolidLine, cap, join))
        _DRAWN[name](painter)
        painter.end()
        made.addPixmap(pixmap)
    return made


def _lines(painter: QPainter, *numbers: float) -> None:
    """Lines from x, y to x, y."""
    for at in range(0, len(numbers), 4):
        x0, y0, x1, y1 = numbers[at : at + 4]
        painter.drawLine(QPointF(x0, y0), QPointF(x1, y1))


def _corners(painter: QPainter, near: float, long: float) -> None:
    far = GRID - near
    for x, dx in ((near, long), (far, -long)):
        for y, dy in ((near, long), (far, -long)):
            _lines(painter, x, y, x + dx, y, x, y, x, y + dy)


def _fit(painter: QPainter) -> None:
    """A photo with its horizon, all of it in its frame."""
    painter.drawRoundedRect(QRectF(3, 5, 18, 14), 1.5, 1.5)
    _lines(painter, 5.5, 16.5, 10, 10.5, 10, 10.5, 13, 14, 13, 14, 15, 12, 15, 12, 18.5, 16.5)


def _actual(painter: QPainter) -> None:
    font = QFont()
    font.setPixelSize(12)
    font.setBold(True)
    painter.setFont(font)
    painter.drawText(QRectF(0, 0, GRID, GRID), number_of(Qt.AlignmentFlag.AlignCenter), "1:1")


def _patch(painter: QPainter) -> None:
    _corners(painter, 3.5, 4.5)
    painter.drawEllipse(QPointF(12, 12), 3, 3)


def _points(painter: QPainter) -> None:
    painter.drawEllipse(QPointF(7, 7), 3.2, 3.2)
    painter.drawRect(QRectF(14, 13.5, 6, 6))
    _lines(painter, 17, 3, 20.5, 6.5, 20.5, 6.5, 17, 10, 17, 10, 13.5, 6.5, 13.5, 6.5, 17, 3)
    painter.setBrush(painter.pen().color())
    painter.drawEllipse(QPointF(7, 16.5), 3, 3)


def _magnifier(painter: QPainter) -> None:
    painter.drawEllipse(QPointF(10, 10), 6.5, 6.5)
    _lines(painter, 15, 15, 20.5, 20.5, 10, 7, 10, 13, 7, 10, 13, 10)


def _light(painter: QPainter) -> None:
    painter.drawEllipse(QPointF(12, 12), 4.2, 4.2)
    for x, y in ((0, 1), (0, -1), (1, 0), (-1, 0), (0.71, 0.71), (0.71, -0.71), (-0.71, 0.71), (-0.71, -0.71)):
        _lines(painter, 12 + 7 * x, 12 + 7 * y, 12 + 9.5 * x, 12 + 9.5 * y)
    painter.setBrush(painter.pen().color())
    painter.drawChord(QRectF(7.8, 7.8, 8.4, 8.4), 90 * 16, 180 * 16)


def _full(painter: QPainter) -> None:
    _corners(painter, 3.5, 5.5)
    _lines(painter, 3.5, 3.5, 9, 9, 20.5, 3.5, 15, 9, 3.5, 20.5, 9, 15, 20.5, 20.5, 15, 15)


_DRAWN: Dict[str, Callable[[QPainter], None]] = {
    "fit": _fit,
    "actual": _actual,
    "patch": _patch,
    "points": _points,
    "magnifier": _magnifier,
    "light": _light,
    "full": _full,
}
