"""A curved change of coordinates as small straight pieces, so that a picture can be drawn on a map of another system.

Pure geometry of pixels. The screen is divided, not the picture: pieces then meet at pixel edges, without gaps.
"""

from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from qgis.PyQt.QtCore import QRect
from qgis.PyQt.QtGui import QTransform

Point = Tuple[float, float]
There = Callable[[List[float], List[float]], Sequence[Optional[Point]]]
"""From points of the screen to points of the other system; None where there is no way."""

TOLERANCE_PX = 0.25
"""Most that a piece may be off on the screen; together with rounding it stays under half a pixel."""
LARGEST_PX = 256
"""Pieces begin no larger: over longer ways a map may bend between the nine points that are looked at."""
SMALLEST_PX = 8
"""Pieces are not divided further: the edge of what can be expressed in a system is not found more exactly than this."""
MOST_PIECES = 400
"""More would take longer than a map may wait. Then, around poles and on maps of the world, pieces are off by more."""


@dataclass(frozen=True)
class Piece:
    """A part of the screen, and how the picture lies on it."""

    screen: QRect
    to_screen: QTransform
    """From points of the picture."""


def pieces(screen: QRect, there: There, to_picture: QTransform, width: int, height: int) -> List[Piece]:
    """What of a picture of (height, width) pixels lies on a part of the screen, and how.

    `there` leads from the screen to another system, curved or not, and `to_picture` from that system to the picture.
    """
    found: List[Piece] = []
    known: Dict[Point, Optional[Point]] = {}
    open_ = _tiles(screen)
    while open_:
        nets = [_net(part) for part in open_]
        new = list(dict.fromkeys(point for net in nets for point in net if point not in known))
        known.update(zip(new, there([x for x, _ in new], [y for _, y in new])))
        coarse: List[Tuple[QRect, Optional[Piece]]] = []
        for part, net in zip(open_, nets):
            points = [known[point] for point in net]
            piece, error = _straightened(part, points, to_picture)
            small = max(part.width(), part.height()) <= SMALLEST_PX
            if piece is not None and not _meets(piece, width, height):
                continue
            if piece is not None and (small or error <= TOLERANCE_PX):
                found.append(piece)
            elif not small:
                coarse.append((part, piece))
        if len(found) + 4 * len(coarse) > MOST_PIECES:
            return found + [piece for _, piece in coarse if piece is not None]
        open_ = [quarter for part, _ in coarse for quarter in _quarters(part)]
    return found


def _tiles(screen: QRect) -> List[QRect]:
    across = range(screen.left(), screen.right() + 1, LARGEST_PX)
    down = range(screen.top(), screen.bottom() + 1, LARGEST_PX)
    tiles = [QRect(x, y, LARGEST_PX, LARGEST_PX) for y in down for x in across]
    return [tile.intersected(screen) for tile in tiles]


def _quarters(part: QRect) -> List[QRect]:
    w, h = (part.width() + 1) // 2, (part.height() + 1) // 2
    x, y = part.left(), part.top()
    rects = [
        QRect(x, y, w, h), QRect(x + w, y, part.width() - w, h), QRect(x, y + h, w, part.height() - h),
        QRect(x + w, y + h, part.width() - w, part.height() - h),
    ]  # fmt: skip
    return [rect for rect in rects if not rect.isEmpty()]


def _net(part: QRect) -> List[Point]:
    """Nine points: corners, middles of edges, middle; row by row."""
    left, top, w, h = part.left(), part.top(), part.width(), part.height()
    xs = (float(left), left + w / 2, float(left + w))
    return [(x, y) for y in (float(top), top + h / 2, float(top + h)) for x in xs]


def _straightened(
    part: QRect, points: Sequence[Optional[Point]], to_picture: QTransform
) -> Tuple[Optional[Piece], float]:
    """The affine transform that fits the nine points best, and by how many pixels of the screen it is off."""
    us = [point[0] for point in points if point is not None]
    vs = [point[1] for point in points if point is not None]
    if len(us) < 9:
        return None, 0.0
    w, h = part.width(), part.height()
    a, b, c = _plane(us, w, h)
    d, e, f = _plane(vs, w, h)
    determinant = a * e - b * d
    if determinant == 0:
        return None, 0.0
    worst, k = 0.0, 0
    for y in (-h / 2, 0.0, h / 2):
        for x in (-w / 2, 0.0, w / 2):
            du, dv = us[k] - (c + a * x + b * y), vs[k] - (f + d * x + e * y)
            worst = max(worst, abs(e * du - b * dv), abs(a * dv - d * du))
            k += 1
    from_picture, possible = (QTransform(a, d, b, e, c, f) * to_picture).inverted()
    if not possible:
        return None, 0.0
    middle = QTransform.fromTranslate(part.left() + w / 2, part.top() + h / 2)
    return Piece(part, from_picture * middle), worst / abs(determinant)


def _plane(values: Sequence[float], w: float, h: float) -> Tuple[float, float, float]:
    """Slope across, slope down and middle of the least squares plane through a 3 x 3 net."""
    left, right = values[0] + values[3] + values[6], values[2] + values[5] + values[8]
    top, bottom = values[0] + values[1] + values[2], values[6] + values[7] + values[8]
    return (right - left) / (3 * w), (bottom - top) / (3 * h), sum(values) / 9


def _meets(piece: Piece, width: int, height: int) -> bool:
    """False when the picture is certainly elsewhere: not even a screen part twice as large would show it."""
    part = piece.screen
    w, h = part.width() // 2 + 1, part.height() // 2 + 1
    back, _ = piece.to_screen.inverted()
    box = back.mapRect(part.adjusted(-w, -h, w, h))
    return bool(box.left() <= width and box.right() >= 0 and box.top() <= height and box.bottom() >= 0)
