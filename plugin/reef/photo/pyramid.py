"""A photo at several sizes, so that it is drawn as fast and as finely from far as from near."""

import math
from typing import List

from qgis.PyQt.QtCore import QRectF, Qt
from qgis.PyQt.QtGui import QImage, QPainter

from .camera import Camera

SMALLEST = 800
"""Pixels of the longer side below which no smaller size is made."""
CRISP_FROM = 6.0
"""Screen pixels for a pixel from which on pixels are seen as squares: who goes so near wants to see them."""
MARGIN = 2
"""Pixels read beyond the edge of the screen, so that the edge is mixed of the same pixels as the middle."""


class Pyramid:
    """The photo and its halves. `size`: width and height of the photo itself, whatever there is of it by now."""

    def __init__(self, full: QImage, width: int, height: int) -> None:
        self.size = (width, height)
        self.levels: List[QImage] = [full]
        while max(self.levels[-1].width(), self.levels[-1].height()) > SMALLEST:
            last = self.levels[-1]
            self.levels.append(
                last.scaled(
                    max(last.width() // 2, 1),
                    max(last.height() // 2, 1),
                    Qt.AspectRatioMode.IgnoreAspectRatio,
                    Qt.TransformationMode.SmoothTransformation,
                )
            )

    @property
    def whole(self) -> bool:
        """All pixels are there; False for a preview."""
        return (self.levels[0].width(), self.levels[0].height()) == self.size

    @property
    def bytes(self) -> int:
        """Memory it takes."""
        return sum(level.bytesPerLine() * level.height() for level in self.levels)

    @property
    def least(self) -> QImage:
        """The smallest size there is."""
        return self.levels[-1]

    def level(self, scale: float) -> QImage:
        """The smallest size that has a pixel for each screen pixel at this scale, or the largest there is."""
        wanted = self.size[0] * scale
        fitting = [level for level in self.levels if level.width() >= wanted]
        return fitting[-1] if fitting else self.levels[0]

    def draw(self, painter: QPainter, camera: Camera) -> None:
        """What the camera sees, in pixels of the device."""
        left, top, right, bottom = camera.seen()
        if right <= left or bottom <= top:
            return
        level = self.level(camera.scale)
        across, down = level.width() / self.size[0], level.height() / self.size[1]
        first, last = max(math.floor(left * across) - MARGIN, 0), min(math.ceil(right * across) + MARGIN, level.width())
        high, low = max(math.floor(top * down) - MARGIN, 0), min(math.ceil(bottom * down) + MARGIN, level.height())
        x0, y0 = camera.to_screen(first / across, high / down)
        x1, y1 = camera.to_screen(last / across, low / down)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, camera.scale / across < CRISP_FROM)
        painter.drawImage(QRectF(x0, y0, x1 - x0, y1 - y0), level, QRectF(first, high, last - first, low - high))
