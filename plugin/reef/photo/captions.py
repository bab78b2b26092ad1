"""Numbers or labels beside points: where each finds room, and how it is written."""

from typing import Dict, List, Optional, Sequence, Tuple

from qgis.PyQt.QtCore import QPointF, QRectF, QSizeF, Qt
from qgis.PyQt.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPainterPath, QPen

from .shown import LABELS, NUMBERS, PointShown

LONGEST = 18
"""Letters of a label; the rest is in the tooltip."""
SMALLER = 0.92
"""Of the window's font."""
APART = 1.6
"""Of a symbol's radius that captions of others keep away, so that none is taken for its own."""
HALO = 2.6
"""Width of the dark line around letters, widget pixels."""

Offset = Tuple[float, float]


class Captions:
    """Pictures of words, for one font and one ratio of device to widget pixels."""

    def __init__(self, font: QFont, ratio: float) -> None:
        self.font = QFont(font)
        self.font.setPointSizeF(max(font.pointSizeF(), 6.0) * SMALLER)
        self.font.setWeight(QFont.Weight.DemiBold)
        self.ratio = ratio
        self._metrics = QFontMetricsF(self.font)
        self._sizes: Dict[str, QSizeF] = {}
        self._made: Dict[str, QImage] = {}

    def size(self, words: str) -> QSizeF:
        """On the screen, widget pixels."""
        if words not in self._sizes:
            width, height = self._metrics.horizontalAdvance(words) + 2 * HALO, self._metrics.height() + HALO
            self._sizes[words] = QSizeF(width, height)
        return self._sizes[words]

    def picture(self, words: str) -> QImage:
        """Light letters with a dark line around, which can be read on any ground."""
        if words not in self._made:
            size = self.size(words) * self.ratio
            pixels = round(size.width()) + 1, round(size.height()) + 1
            picture = QImage(*pixels, QImage.Format.Format_ARGB32_Premultiplied)
            picture.setDevicePixelRatio(self.ratio)
            picture.fill(Qt.GlobalColor.transparent)
            path = QPainterPath()
            path.addText(QPointF(HALO, HALO / 2 + self._metrics.ascent()), self.font, words)
            painter = QPainter(picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            cap, join = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
            painter.strokePath(path, QPen(QColor(12, 14, 16, 215), 2 * HALO, Qt.PenStyle.SolidLine, cap, join))
            painter.fillPath(path, QColor("white"))
            painter.end()
            self._made[words] = picture
        return self._made[words]


def words_of(point: PointShown, texts: str) -> str:
    """What stands beside a point; may be nothing."""
    if texts == NUMBERS:
        return str(point.number)
    if texts == LABELS and point.label:
        return point.label if len(point.label) <= LONGEST else f"{point.label[: LONGEST - 1]}…"
    return ""


def arranged(
    places: Sequence[Offset],
    sizes: Sequence[Optional[Tuple[float, float]]],
    reach: float,
    within: Optional[QRectF] = None,
) -> List[Optional[Offset]]:
    """Where each caption has room: right of its point or left; None where it would cover another.

    Args:
        places: (x, y) of all points, in pixels of the screen.
        sizes: width and height of each caption; None for none.
        reach: radius of the symbols, which are not covered either.
        within: what is seen, if all that is ever seen is seen now; empty or None where the photo may be moved.

    Returns:
        Upper left corner of each caption, relative to its point.
    """
    taken = Taken(max((size[0] for size in sizes if size is not None), default=1.0) + 2 * reach)
    far = APART * reach
    for i, (x, y) in enumerate(places):
        taken.take(i, QRectF(x - far, y - far, 2 * far, 2 * far))
    found: List[Optional[Offset]] = []
    for i, ((x, y), size) in enumerate(zip(places, sizes)):
        found.append(None)
        if size is None:
            continue
        width, height = size
        for dx, dy in ((reach, -height / 2), (-reach - width, -height / 2)):
            box = QRectF(x + dx, y + dy, width, height)
            seen = within is None or within.isEmpty() or within.contains(box)
            if seen and taken.free(i, box):
                taken.take(i, box)
                found[-1] = (dx, dy)
                break
    return found


class Taken:
    """Boxes by square cells of the screen, so that only neighbours are compared."""

    def __init__(self, side: float) -> None:
        self._side = side
        self._boxes: Dict[Tuple[int, int], List[Tuple[int, QRectF]]] = {}

    def take(self, owner: int, box: QRectF) -> None:
        """Note that a point or its caption lies here."""
        for cell in self._cells(box):
            self._boxes.setdefault(cell, []).append((owner, box))

    def free(self, owner: int, box: QRectF) -> bool:
        """Nothing of another owner lies here."""
        near = (one for cell in self._cells(box) for one in self._boxes.get(cell, ()))
        return not any(owner != other and box.intersects(there) for other, there in near)

    def _cells(self, box: QRectF) -> List[Tuple[int, int]]:
        across = range(int(box.left() // self._side), int(box.right() // self._side) + 1)
        down = range(int(box.top() // self._side), int(box.bottom() // self._side) + 1)
        return [(i, j) for i in across for j in down]
