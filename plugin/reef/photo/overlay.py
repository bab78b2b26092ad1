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
ROOM, LEAST_SHARE = 0.3, 0.6
"""Size of symbols as a share of the distance between points; how small they may become."""
HIT = 0.9
"""Lines of text within which a click means a point."""


class Overlay:
    """Points and how they are drawn now. `unit`: height of a line, widget pixels."""

    def __init__(self) -> None:
        self.points: List[PointShown] = []
        self.current: Optional[PointShown] = None
        self.by, self.texts = BY_STATE, LABELS
        self.unit, self.ratio = 16.0, 1.0
        self._symbols = Symbols(self.unit, self.ratio)
        self._captions: Optional[Captions] = None
        self._captions_font: Optional[QFont] = None
        self._offsets: List[Optional[Offset]] = []
        self._offsets_for: Tuple[object, ...] = ()

    def dress(self, font: QFont, unit: float, ratio: float, camera: Camera) -> None:
        """Take over font and resolution of the window; symbols shrink where they would lie upon each other."""
        width, height = camera.photo
        apart = camera.scale / ratio * (width * height / max(len(self.points), 1)) ** 0.5
        share = min(max(round(ROOM * apart / unit, 1), LEAST_SHARE), 1.0) if apart else 1.0
        changed = self._captions is None or (self.unit, self.ratio, self._captions_font) != (unit, ratio, font)
        if changed or self._symbols.unit != unit * share:
            self._symbols = Symbols(unit * share, ratio)
            self._offsets_for = ()
        if changed:
            self.unit, self.ratio, self._captions_font = unit, ratio, QFont(font)
            self._captions = Captions(font, ratio)

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
        return x / self.ratio, y / self.ratio

    def patch(self, camera: Camera, side_px: int) -> QRectF:
        """Where the patch of the current point is seen, widget pixels. Pixels as `core/reef/vectors` cuts them."""
        if self.current is None or side_px <= 0:
            return QRectF()
        left, top = self.current.col - side_px // 2, self.current.row - side_px // 2
        ratio = self.ratio
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
        offsets = self._arranged(places, camera, QRectF(0, 0, width, height))
        seen = [
            i
            for i, (x, y) in enumerate(places)
            if -around < x < width + around and -around < y < height + around and self.points[i] is not self.current
        ]
        for i in seen if others else ():
            self._draw_symbol(painter, self.points[i], places[i])
        at, offset, words = self._current_caption()
        own = QRectF()
        if words and self._captions is not None:
            own = QRectF(QPointF(places[at][0] + offset[0], places[at][1] + offset[1]), self._captions.size(words))
        for i in seen if others else ():
            self._draw_caption(painter, self.points[i], places[i], offsets[i], own)
        if self.current is not None:
            self._draw_symbol(painter, self.current, places[at])
            self._draw_caption(painter, self.current, places[at], offset)

    def _current_caption(self) -> Tuple[int, Offset, str]:
        """Which point is current, where its caption lies (diagonally, where there are no ticks), and its words."""
        if self.current is None or self._captions is None:
            return 0, (0.0, 0.0), ""
        words, reach = words_of(self.current, self.texts), self._symbols.reach(True)
        offset = (0.62 * reach, -0.45 * reach - self._captions.size(words).height())
        return self.points.index(self.current), offset, words

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

    def _arranged(
        self, places: Sequence[Tuple[float, float]], camera: Camera, window: QRectF
    ) -> List[Optional[Offset]]:
        """Captions are arranged anew when points, words or zoom change, not when the photo is moved."""
        words = tuple(words_of(point, self.texts) for point in self.points)
        within = window if camera.fitted else QRectF()
        now = (words, tuple((point.row, point.col) for point in self.points), camera.scale, within)
        if now != self._offsets_for and self._captions is not None:
            boxes = [self._captions.size(one) if one else None for one in words]
            sizes = [None if box is None else (box.width(), box.height()) for box in boxes]
            self._offsets = arranged(places, sizes, self._symbols.reach(), within)
            self._offsets_for = now
        return self._offsets

    def _draw_symbol(self, painter: QPainter, point: PointShown, place: Tuple[float, float]) -> None:
        picture, middle = self._symbols.of(look_of(point, self.by, point is self.current))
        painter.drawImage(QPointF(place[0] - middle, place[1] - middle), picture)

    def _draw_caption(
        self,
        painter: QPainter,
        point: PointShown,
        place: Tuple[float, float],
        offset: Optional[Offset],
        kept: Optional[QRectF] = None,
    ) -> None:
        """Write beside a point, unless that would cover what is kept."""
        words = words_of(point, self.texts)
        if not words or offset is None or self._captions is None:
            return
        corner = QPointF(place[0] + offset[0], place[1] + offset[1])
        if kept is None or not kept.intersects(QRectF(corner, self._captions.size(words))):
            painter.drawImage(corner, self._captions.picture(words))
