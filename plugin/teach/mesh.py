"""A curved change of coordinates as small straight pieces, so that a picture can be drawn on a map of another system.

Pure geometry of pixels. The screen is divided, not the picture: pieces then meet at pixel edges, without gaps.
"""

from dataclasses import dataclass
from typing import Callable, List, Optional, Sequence, Tuple

from qgis.PyQt.QtCore import QRect
from qgis.PyQt.QtGui import QTransform

Position = Tuple[float, float]
ToPicture = Callable[[List[float], List[float]], Sequence[Optional[Position]]]
"""From points of the screen to points of the picture; None where there is no way."""

TOLERANCE_PX = 0.25
"""Most that a piece may be off on the screen; together with rounding it stays under half a pixel."""
LARGEST_PX = 256
"""Pieces begin no larger: over longer ways a map may bend between the nine points that are looked at."""
SMALLEST_PX = 8
"""Pieces are not divided further: the edge of what can be expressed in a system is not found more exactly than this."""


@dataclass(frozen=True)
class Piece:
    """A part of the screen, and how the picture lies on it."""

    screen: QRect
    to_screen: QTransform
    """From points of the picture."""


def pieces(screen: QRect, to_picture: ToPicture, width: int, height: int) -> List[Piece]:
    """What of a picture of (height, width) pixels lies on a part of the screen, and how."""
    found: List[Piece] = []
    open_ = _tiles(screen)
    while open_:
        nets = [_net(part) for part in open_]
        positions = to_picture([x for net in nets for x, _ in net], [y for net in nets for _, y in net])
        divided: List[QRect] = []
        for k, part in enumerate(open_):
            there = positions[9 * k : 9 * k + 9]
            small = max(part.width(), part.height()) <= SMALLEST_PX
            piece, error = _straightened(part, nets[k], there)
            if (piece is None or error > TOLERANCE_PX) and not small:
                divided += _quarters(part)
            elif piece is not None and _meets(there, width, height):
                found.append(piece)
        open_ = divided
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


def _net(part: QRect) -> List[Position]:
    """Nine points: corners, middles of edges, middle; row by row."""
    xs = [part.left() + part.width() * i / 2 for i in range(3)]
    ys = [part.top() + part.height() * i / 2 for i in range(3)]
    return [(x, y) for y in ys for x in xs]


def _straightened(
    part: QRect, net: List[Position], there: Sequence[Optional[Position]]
) -> Tuple[Optional[Piece], float]:
    """The affine transform that fits the nine points best, and by how many pixels of the screen it is off."""
    known = [position for position in there if position is not None]
    if len(known) < 9:
        return None, 0.0
    w, h = part.width(), part.height()
    us, vs = [u for u, _ in known], [v for _, v in known]
    a, b, c = _plane(us, w, h)
    d, e, f = _plane(vs, w, h)
    straight = QTransform(a, d, b, e, c, f)  # from offsets to the middle of the part
    back, possible = straight.inverted()
    if not possible:
        return None, 0.0
    x0, y0 = part.left() + w / 2, part.top() + h / 2
    worst = 0.0
    for (x, y), (u, v) in zip(net, known):
        back_x, back_y = back.map(u, v)
        worst = max(worst, abs(back_x - (x - x0)), abs(back_y - (y - y0)))
    return Piece(part, back * QTransform.fromTranslate(x0, y0)), worst


def _plane(values: List[float], w: float, h: float) -> Tuple[float, float, float]:
    """Slope across, slope down and middle of the least squares plane through a 3 x 3 net."""
    across = sum(values[i] for i in (2, 5, 8)) - sum(values[i] for i in (0, 3, 6))
    down = sum(values[i] for i in (6, 7, 8)) - sum(values[i] for i in (0, 1, 2))
    return across / (3 * w), down / (3 * h), sum(values) / 9


def _meets(there: Sequence[Optional[Position]], width: int, height: int) -> bool:
    """False when the picture is certainly elsewhere; the net's box is widened for edges that bend."""
    us = [position[0] for position in there if position is not None]
    vs = [position[1] for position in there if position is not None]
    du, dv = (max(us) - min(us)) / 4 + 1, (max(vs) - min(vs)) / 4 + 1
    return min(us) - du < width and max(us) + du > 0 and min(vs) - dv < height and max(vs) + dv > 0
