"""What lies over the photo: points, captions, the patch of the current point. Draws; decides nothing."""

from typing import List, Optional, Sequence, Tuple

from qgis.PyQt.QtCore import QPointF, QRectF, Qt
from qgis.PyQt.QtGui import QColor, QFont, QPainter, QPainterPath, QPen

from .camera import Camera
from .captions import Captions, Offset, arranged, words_of
from .shown import BY_STATE, LABELS, PointShown
from .symbols import Symbols, look_of

LEAST_PATCH = 12.0
"""Widget pixels below which the frame of a patch would only hide the point."""
BRACKET = 0.22
"""Share of the side that the corners of the frame take."""
HIT = 0.9
"""Lines of text within which a click means a point."""


class Overlay:
    """Points and how they are drawn now. `unit`: height of a line, widget pixels."""

    def __init__(self) -> None:
        self.points: List[PointShown] = []
        self.current: Optional[PointShown] = None
        self.by, self.texts = BY_STATE, LABELS
        self.unit = 16.0
        self._symbols = Symbols(self.unit, 1.0)
        self._captions: Optional[Captions] = None
        self._captions_font: Optional[QFont] = None
        self._offsets: List[Optional[Offset]] = []
        self._offsets_for: Tuple[object, ...] = ()

    def dress(self, font: QFont, unit: float, ratio: float) -> None:
        """Take over font and resolution of the window; cheap where nothing changed."""
        symbols = self._symbols
        if self._captions is None or (symbols.unit, symbols.ratio, self._captions_font) != (unit, ratio, font):
            self.unit, self._captions_font = unit, QFont(font)
            self._symbols, self._captions = Symbols(unit, ratio), Captions(font, ratio)
            self._offsets_for = ()

    def undress(self) -> None:
        """Let go of fonts, which must not outlive QGIS."""
        self.show((), None)
        self._captions = self._captions_font = None

    def show(self, points: Sequence[PointShown], current: Optional[int]) -> None:
        """Replace the points."""
        self.points = list(points)
        self.current = next((point for point in self.points if point.point == current), None)

    def place(self, point: PointShown, camera: Camera) -> Tuple[float, float]:
        """Where a point is seen, widget pixels."""
        x, y = camera.to_screen(point.col + 0.5, point.row + 0.5)
        return x / self._symbols.ratio, y / self._symbols.ratio

    def patch(self, camera: Camera, side_px: int) -> QRectF:
        """Where the patch of the current point is seen, widget pixels. Pixels as `core/reef/vectors` cuts them."""
        if self.current is None or side_px <= 0:
            return QRectF()
        left, top = self.current.col - side_px // 2, self.current.row - side_px // 2
        ratio = self._symbols.ratio
        (x0, y0), (x1, y1) = camera.to_screen(left, top), camera.to_screen(left + side_px, top + side_px)
        return QRectF(QPointF(x0 / ratio, y0 / ratio), QPointF(x1 / ratio, y1 / ratio))

    def at(self, x: float, y: float, camera: Camera, only_current: bool = False) -> Optional[PointShown]:
        """The point that a click there means."""
        best, near = None, HIT * self.unit
        for point in self.points:
            if only_current and point is not self.current:
                continue
            px, py = self.place(point, camera)
            far = max(abs(px - x), abs(py - y))
            if far < near:
                best, near = point, far
        return best

    def draw(self, painter: QPainter, camera: Camera, size: Tuple[int, int], others: bool = True) -> None:
        """All that is seen in a window of that size; `others`: not the current point alone."""
        width, height = size
        around = self._symbols.reach(True)
        places = [self.place(point, camera) for point in self.points]
        offsets = self._arranged(places, camera.scale)
        seen = [
            i
            for i, (x, y) in enumerate(places)
            if -around < x < width + around and -around < y < height + around and self.points[i] is not self.current
        ]
        for i in seen if others else ():
            self._draw_symbol(painter, self.points[i], places[i])
        for i in seen if others else ():
            self._draw_caption(painter, self.points[i], places[i], offsets[i])
        if self.current is not None:
            i = self.points.index(self.current)
            self._draw_symbol(painter, self.current, places[i])
            reach = self._symbols.reach(True)
            words = words_of(self.current, self.texts)
            if words and self._captions is not None:
                # Diagonal, where there are no ticks.
                high = self._captions.size(words)[1]
                self._draw_caption(painter, self.current, places[i], (0.62 * reach, -0.45 * reach - high))

    def draw_patch(self, painter: QPainter, box: QRectF) -> None:
        """A thin line around what a model sees of the point, strong at the corners."""
        if box.width() < LEAST_PATCH:
            return
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(255, 255, 255, 70), 1.0))
        painter.drawRect(box)
        long = min(BRACKET * box.width(), 2.0 * self.unit)
        path = QPainterPath()
        for corner, dx, dy in (
            (box.topLeft(), 1, 1),
            (box.topRight(), -1, 1),
            (box.bottomRight(), -1, -1),
            (box.bottomLeft(), 1, -1),
        ):
            path.moveTo(corner + QPointF(dx * long, 0))
            path.lineTo(corner)
            path.lineTo(corner + QPointF(0, dy * long))
        for colour, wide in ((QColor(12, 14, 16, 170), 3.6), (QColor("white"), 1.6)):
            cap, join = Qt.PenCapStyle.SquareCap, Qt.PenJoinStyle.MiterJoin
            painter.strokePath(path, QPen(colour, wide, Qt.PenStyle.SolidLine, cap, join))

    def _arranged(self, places: Sequence[Tuple[float, float]], scale: float) -> List[Optional[Offset]]:
        """Captions are arranged anew when points, words or zoom change, not when the photo is moved."""
        words = tuple(words_of(point, self.texts) for point in self.points)
        now = (words, tuple((point.row, point.col) for point in self.points), scale)
        if now != self._offsets_for and self._captions is not None:
            sizes = [self._captions.size(one) if one else None for one in words]
            self._offsets = arranged(places, sizes, self._symbols.reach())
            self._offsets_for = now
        return self._offsets

    def _draw_symbol(self, painter: QPainter, point: PointShown, place: Tuple[float, float]) -> None:
        picture, middle = self._symbols.of(look_of(point, self.by, point is self.current))
        painter.drawImage(QPointF(place[0] - middle, place[1] - middle), picture)

    def _draw_caption(
        self, painter: QPainter, point: PointShown, place: Tuple[float, float], offset: Optional[Offset]
    ) -> None:
        words = words_of(point, self.texts)
        if words and offset is not None and self._captions is not None:
            painter.drawImage(QPointF(place[0] + offset[0], place[1] + offset[1]), self._captions.picture(words))
