"""How points look: readable on sand, shade and coral, told apart without colours, and open in the middle.

What lies under a point decides its label, so no symbol covers its own middle. Each shape has a dark and a light casing
around its colour. Drawn once for each look, then copied; images and not pixmaps, which must not outlive QGIS.
"""

import math
from typing import Dict, NamedTuple, Tuple

from qgis.PyQt.QtCore import QPointF, QRectF, Qt
from qgis.PyQt.QtGui import QColor, QImage, QPainter, QPainterPath, QPen

from .shown import ACCEPTED, BY_LABEL, CONFIRMED, IMPORTED, MACHINE, OPEN, SUGGESTED, PointShown

STATE_COLOURS = {
    OPEN: "#ffffff",
    SUGGESTED: "#f5e342",
    MACHINE: "#ff9f2e",
    ACCEPTED: "#35dda4",
    IMPORTED: "#5cc3ff",
    CONFIRMED: "#35dda4",
}
"""Told apart with each kind of colour blindness, and bright, as photos under water are dark."""
RADIUS, CURRENT_RADIUS = 0.42, 0.66
"""In heights of a line, as all sizes here."""
DIAMOND = 1.35
"""Times the radius, so that it leaves as much free as a ring."""
TICK = 0.5
"""Length of the four ticks around the current point."""
STROKE, CASING, SHADE = 0.12, 0.07, 0.09
STRONG, OF_LABELS = 1.5, 1.3
"""How much wider what is confirmed is drawn, and colours of labels, of which there may be a hundred to tell apart."""
DARK = 0.35
"""Luma below which a colour has a light casing."""


class Looked(NamedTuple):
    """All that decides how a point is drawn."""

    state: str
    colour: str
    current: bool


class Symbols:
    """Pictures of points, for one height of a line and one ratio of device to widget pixels."""

    def __init__(self, unit: float, ratio: float) -> None:
        self.unit, self.ratio = unit, ratio
        self._made: Dict[Looked, Tuple[QImage, float]] = {}

    def of(self, looked: Looked) -> Tuple[QImage, float]:
        """The picture, and how far left and up of the point its corner lies, in widget pixels."""
        if looked not in self._made:
            self._made[looked] = self._draw(looked)
        return self._made[looked]

    def reach(self, current: bool = False) -> float:
        """Distance from the point to the outside of its symbol, in widget pixels."""
        body = CURRENT_RADIUS + TICK if current else DIAMOND * RADIUS
        return self.unit * (body + STROKE / 2 + CASING + SHADE)

    def _draw(self, looked: Looked) -> Tuple[QImage, float]:
        half = math.ceil(self.reach(looked.current)) + 1
        # An odd number of pixels, so that the middle of the picture is the middle of a pixel of the screen.
        side = 2 * half + 1
        pixels = round(side * self.ratio)
        picture = QImage(pixels, pixels, QImage.Format.Format_ARGB32_Premultiplied)
        picture.setDevicePixelRatio(self.ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = side / 2
        painter.translate(middle, middle)
        path = outline(looked.state, self.unit * (CURRENT_RADIUS if looked.current else RADIUS))
        colour = QColor(looked.colour)
        stroke = STROKE * (STRONG if looked.state == CONFIRMED else 1.0)
        if looked.colour not in STATE_COLOURS.values():
            stroke *= OF_LABELS
        if looked.current:
            self._stroke(painter, _ticks(self.unit), QColor("white"), STROKE)
        self._stroke(painter, path, colour, stroke)
        painter.end()
        return picture, middle

    def _stroke(self, painter: QPainter, path: QPainterPath, colour: QColor, width: float) -> None:
        light, dark = QColor(255, 255, 255, 230), QColor(12, 14, 16, 215)
        inner, outer = (light, dark) if _luma(colour) < DARK else (dark, QColor(12, 14, 16, 90))
        for pen, wide in ((outer, width + 2 * (CASING + SHADE)), (inner, width + 2 * CASING), (colour, width)):
            cap, join = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
            painter.setPen(QPen(pen, wide * self.unit, Qt.PenStyle.SolidLine, cap, join))
            painter.drawPath(path)


def look_of(point: PointShown, by: str, current: bool) -> Looked:
    """State gives the shape; state or label the colour. Without a label, a point is as if nobody had said anything."""
    colour = STATE_COLOURS.get(point.state, STATE_COLOURS[OPEN])
    if by == BY_LABEL:
        colour = point.colour if point.label and QColor(point.colour).isValid() else STATE_COLOURS[OPEN]
    return Looked(point.state, colour, current)


def outline(state: str, radius: float) -> QPainterPath:
    """Shape of a state around the origin: ring, ring of four or two pieces, square, diamond; strong for confirmed."""
    path = QPainterPath()
    box = QRectF(-radius, -radius, 2 * radius, 2 * radius)
    if state == SUGGESTED:
        for quarter in range(4):
            path.arcMoveTo(box, 90 * quarter + 20)
            path.arcTo(box, 90 * quarter + 20, 50)
    elif state == ACCEPTED:
        for side in (0, 180):
            path.arcMoveTo(box, side - 65)
            path.arcTo(box, side - 65, 130)
    elif state == MACHINE:
        path.addRect(box.adjusted(0.1 * radius, 0.1 * radius, -0.1 * radius, -0.1 * radius))
    elif state == IMPORTED:
        far = DIAMOND * radius
        path.moveTo(QPointF(0, -far))
        for x, y in ((far, 0), (0, far), (-far, 0)):
            path.lineTo(QPointF(x, y))
        path.closeSubpath()
    else:
        path.addEllipse(box)
    return path


def _ticks(unit: float) -> QPainterPath:
    path = QPainterPath()
    near, far = unit * (CURRENT_RADIUS + 0.12), unit * (CURRENT_RADIUS + TICK)
    for x, y in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        path.moveTo(QPointF(near * x, near * y))
        path.lineTo(QPointF(far * x, far * y))
    return path


def _luma(colour: QColor) -> float:
    red, green, blue = colour.getRgbF()[:3]
    return float(0.299 * red + 0.587 * green + 0.114 * blue)
