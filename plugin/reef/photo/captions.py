"""Numbers or labels beside points: where each finds room, and how it is written."""

from typing import Dict, List, Optional, Sequence, Tuple

from qgis.PyQt.QtCore import QPointF, QRectF, Qt
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
        self._made: Dict[str, QImage] = {}

    def size(self, words: str) -> Tuple[float, float]:
        """Width and height on the screen, widget pixels."""
        return self._metrics.horizontalAdvance(words) + 2 * HALO, self._metrics.height() + HALO

    def picture(self, words: str) -> QImage:
        """Light letters with a dark line around, which can be read on any ground."""
        if words not in self._made:
            width, height = self.size(words)
            pixels = round(width * self.ratio) + 1, round(height * self.ratio) + 1
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
    places: Sequence[Offset], sizes: Sequence[Optional[Tuple[float, float]]], reach: float
) -> List[Optional[Offset]]:
    """Where each caption has room: right of its point or left; None where it would cover another.

    Args:
        places: (x, y) of all points, in pixels of the screen.
        sizes: width and height of each caption; None for none.
        reach: radius of the symbols, which are not covered either.

    Returns:
        Upper left corner of each caption, relative to its point.
    """
    wide = max((size[0] for size in sizes if size is not None), default=1.0) + 2 * reach
    taken: Dict[Tuple[int, int], List[Tuple[int, QRectF]]] = {}

    def cells(box: QRectF) -> List[Tuple[int, int]]:
        across = range(int(box.left() // wide), int(box.right() // wide) + 1)
        down = range(int(box.top() // wide), int(box.bottom() // wide) + 1)
        return [(i, j) for i in across for j in down]

    def take(owner: int, box: QRectF) -> None:
        for cell in cells(box):
            taken.setdefault(cell, []).append((owner, box))

    def free(owner: int, box: QRectF) -> bool:
        return not any(
            owner != other and box.intersects(there) for cell in cells(box) for other, there in taken.get(cell, ())
        )

    far = APART * reach
    for i, (x, y) in enumerate(places):
        take(i, QRectF(x - far, y - far, 2 * far, 2 * far))
    found: List[Optional[Offset]] = []
    for i, ((x, y), size) in enumerate(zip(places, sizes)):
        found.append(None)
        if size is None:
            continue
        width, height = size
        for dx, dy in ((reach, -height / 2), (-reach - width, -height / 2)):
            box = QRectF(x + dx, y + dy, width, height)
            if free(i, box):
                take(i, box)
                found[-1] = (dx, dy)
                break
    return found
