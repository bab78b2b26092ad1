"""A photo, its points and insets, drawn as its look says; no files, no gestures."""

from dataclasses import replace
from typing import Any, List, Optional

from qgis.PyQt.QtCore import QPoint, QPointF, QRectF, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QPainter, QPalette, QPen
from qgis.PyQt.QtWidgets import QSizePolicy, QWidget

from ....processing.i18n import tr
from ...controls.parts import number_of
from .camera import Camera
from .look import AUTO, PICKED, Look, remembered
from .magnifier import WORTH, Magnifier
from .overlay import Overlay
from .overview import Overview
from .picture import Picture
from .pyramid import Pyramid
from .reading import GROUND
from .tone import NEUTRAL, Gains, Tables, Tone, grey_world, tables
from .words import told_of

INK = "#d5dade"
SENTENCE_UNITS = 34
"""Width of a sentence in heights of a line."""
POINTER = 12.0
"""Widget pixels around the mouse that nothing may cover."""


class PhotoCanvas(QWidget):
    """What is drawn. One image in the pixels of the screen is held, and copied at each repaint."""

    zoomed = pyqtSignal(float)
    """Screen pixels for each pixel of the photo."""
    looked = pyqtSignal()
    """Anything of how it is looked at changed (`look`)."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Photo"))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.look: Look = remembered()
        self.photo: Optional[Pyramid] = None
        """What is there of the photo; None while nothing is."""
        self.sentence = ""
        """Said in place of a photo."""
        self.camera, self.overlay = Camera(), Overlay()
        self._picture = Picture()
        self._magnifier, self._overview = Magnifier(self), Overview(self, self.overlay)
        self._overview.moved.connect(self._on_overview_moved)
        self._pointer: Optional[QPoint] = None
        self._peeking = self._as_taken = False
        self._grey: Gains = NEUTRAL
        self._toned_for, self._tables = Tone(), tables(Tone())
        self._told_scale = 0.0
        self._gone = False

    @property
    def unit(self) -> float:
        """Height of a line, widget pixels; all that is drawn is measured in it."""
        return float(self.fontMetrics().height())

    def change(self, **fields: Any) -> None:
        """Look at it otherwise: fields of `Look`."""
        look = replace(self.look, **fields)
        if look != self.look:
            self.look = look
            self.refresh()
            self.looked.emit()

    def peek(self, on: bool) -> None:
        """Show the photo alone for a moment, without points, frame and insets."""
        self._peeking = on
        self.refresh()

    def show_as_taken(self, on: bool) -> None:
        """Show the photo for a moment without brightness, contrast and white balance."""
        self._as_taken = on
        self.refresh()

    def put_photo(self, photo: Optional[Pyramid], sentence: str = "") -> None:
        """Show a photo, or a sentence instead of one."""
        first = self.photo is None
        self.photo, self.sentence = photo, sentence
        if photo is not None:
            self._grey = grey_world(photo.least)
            if first:
                self._resize()
                self.camera.look_at(*photo.size)
                self.centre()
        self.refresh()

    def centre(self) -> None:
        """Bring the current point to the middle."""
        point = self.overlay.current
        if point is not None and self.photo is not None:
            self.camera.centre_on(point.col + 0.5, point.row + 0.5)

    def refresh(self) -> None:
        """Draw anew, and let the insets follow."""
        if self._gone:
            return
        self._resize()
        self.overlay.by, self.overlay.texts = self.look.colours, self.look.texts
        self._put_overview()
        self._put_magnifier()
        self.setAccessibleDescription(told_of(self.overlay.current, len(self.overlay.points), self.sentence))
        self.update()
        if self.photo is not None and self.camera.scale != self._told_scale:
            self._told_scale = self.camera.scale
            self.zoomed.emit(self._told_scale)

    def let_go(self) -> None:
        """Hold no pictures and no fonts any more; nothing is drawn from now on."""
        self._gone = True
        self.photo = None
        self._magnifier.hide()
        self._overview.hide()
        self.overlay.undress()

    def follow_pointer(self, place: Optional[QPoint]) -> None:
        """The mouse is there, in widget pixels; what lies in its way goes."""
        self._pointer = place
        if place is not None and self._magnifier.isVisible() and self._pointed().intersects(self._magnifier.geometry()):
            self._put_magnifier()

    # Insets ----------------------------------------------------------------------------------------------------------

    def _put_overview(self) -> None:
        box, photo = self._overview, self.photo
        wanted = self.look.overview and not self._peeking and photo is not None and not self.camera.sees_all()
        if photo is None or not wanted or not box.put(self.size(), self.unit, photo):
            box.hide()
            return
        left, top, right, bottom = self.camera.seen()
        seen = QRectF(left, top, right - left, bottom - top)
        box.look_at(photo, seen, self._change(), self.look.points)
        box.show()

    def _put_magnifier(self) -> None:
        glass, times = self._magnifier, self.look.magnified * self.devicePixelRatioF()
        wanted = self.look.magnifier and not self._peeking and self.camera.scale < WORTH * times
        point = self.overlay.current
        if not wanted or self.photo is None or point is None:
            glass.hide()
            return
        x, y = self.overlay.place(point, self.camera)
        reach = self.unit * 1.6
        needed: List[QRectF] = [QRectF(x - reach, y - reach, 2 * reach, 2 * reach), QRectF(self._pointed())]
        if self._overview.isVisible():
            needed.append(QRectF(self._overview.geometry()))
        patch = self.overlay.patch(self.camera, self.look.patch_px)
        # A patch that fills the window lies under everything; then only the point itself must be free.
        beside = max(self.camera.origin) / self.devicePixelRatioF() if self.camera.fitted else 0.0
        if any(glass.put(self.size(), self.unit, boxes, beside) for boxes in ([*needed, patch], needed)):
            glass.look_at(self.photo, point, times, self._change())
            glass.show()
        else:
            glass.hide()

    def _pointed(self) -> Any:
        place = QPointF(self._pointer) if self._pointer is not None else QPointF(-1000.0, -1000.0)
        half = QPointF(POINTER, POINTER)
        return QRectF(place - half, place + half).toRect()

    def _on_overview_moved(self, x: float, y: float) -> None:
        self.camera.centre_on(x, y)
        self.refresh()

    # Drawing ---------------------------------------------------------------------------------------------------------

    def paintEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Photo, patch, points; or a sentence."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(GROUND))
        if self._gone:
            return
        ratio = self.devicePixelRatioF()
        if self.photo is not None:
            self._picture.draw(painter, self.camera, self.photo, self._change(), ratio)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.photo is not None and not self._peeking:
            self.overlay.draw_patch(painter, self.overlay.patch(self.camera, self.look.patch_px))
            self.overlay.draw(painter, self.camera, (self.width(), self.height()), self.look.points)
        if self.sentence:
            self._draw_sentence(painter)
        if self.hasFocus():
            accent = self.palette().color(QPalette.ColorRole.Highlight)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(accent, 2.0))
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """What was in the middle stays there."""
        super().resizeEvent(event)
        self.refresh()

    def _resize(self) -> None:
        ratio = self.devicePixelRatioF()
        self.camera.resize(round(self.width() * ratio), round(self.height() * ratio))
        self.overlay.dress(self.font(), self.unit, ratio, self.camera)

    def _change(self) -> Optional[Tables]:
        """What becomes of each byte of the photo."""
        look = self.look
        gains = look.gains if look.white == PICKED else self._grey if look.white == AUTO else NEUTRAL
        tone = Tone() if self._as_taken else Tone(look.brightness, look.contrast, gains)
        if tone != self._toned_for:
            self._toned_for, self._tables = tone, tables(tone)
        return self._tables

    def _draw_sentence(self, painter: QPainter) -> None:
        width = min(SENTENCE_UNITS * self.unit, self.width() - 4 * self.unit)
        box = QRectF((self.width() - width) / 2, 0, width, self.height())
        painter.setPen(QColor(INK))
        flags = number_of(Qt.AlignmentFlag.AlignCenter) | number_of(Qt.TextFlag.TextWordWrap)
        painter.drawText(box, flags, self.sentence)
