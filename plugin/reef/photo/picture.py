"""What a camera sees of a photo, as one picture of the screen's pixels; drawn anew only when something changed."""

from typing import Optional, Tuple

from qgis.PyQt.QtCore import QPointF
from qgis.PyQt.QtGui import QColor, QImage, QPainter

from .camera import Camera
from .pyramid import Pyramid
from .reading import GROUND
from .tone import Tables, toned


class Picture:
    """The last picture drawn. Only the part of the screen that the photo covers is held."""

    def __init__(self) -> None:
        self._image = QImage()
        self._made_for: Tuple[object, ...] = ()

    def draw(self, painter: QPainter, camera: Camera, photo: Pyramid, change: Optional[Tables], ratio: float) -> None:
        """Put it on a painter in widget pixels, of which one has `ratio` pixels of the device."""
        left, top = camera.origin
        width, height = camera.photo
        right, bottom = left + width * camera.scale, top + height * camera.scale
        left, top = max(left, 0), max(top, 0)
        right, bottom = min(round(right), camera.screen[0]), min(round(bottom), camera.screen[1])
        if right <= left or bottom <= top:
            return
        now = (photo, camera.origin, camera.scale, camera.screen, change)
        if now != self._made_for:
            self._image = self._made(camera, photo, change, (left, top, right - left, bottom - top))
            self._made_for = now
        self._image.setDevicePixelRatio(ratio)
        painter.drawImage(QPointF(left / ratio, top / ratio), self._image)

    def _made(self, camera: Camera, photo: Pyramid, change: Optional[Tables], box: Tuple[int, int, int, int]) -> QImage:
        left, top, width, height = box
        image = QImage(width, height, QImage.Format.Format_RGB32)
        image.fill(QColor(GROUND))
        painter = QPainter(image)
        painter.translate(-left, -top)
        photo.draw(painter, camera)
        painter.end()
        return image if change is None else toned(image, change)
