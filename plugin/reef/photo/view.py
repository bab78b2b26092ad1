"""A photo and its points, looked at closely: zoomed, moved, brightened, and one point after the other in the middle."""

from typing import Any, Optional, Sequence, Tuple

from qgis.PyQt.QtCore import QEvent, QPoint, Qt, QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QWidget

from ....processing.i18n import tr
from .canvas import PhotoCanvas
from .gestures import Gestures
from .loading import Key, Loader
from .look import PICKED
from .pyramid import Pyramid
from .shown import BY_STATE, LABELS, PointShown, Window
from .tone import white_at

QUIET_MS = 300
"""How long a photo may take before the view says that it is being read."""
PATCH_SHARE = 0.5
"""Of the window's shorter side that the patch takes after `zoom_to_patch`."""


class PhotoView(PhotoCanvas):
    """Shows what it is told; says which point was clicked.

    Keys that annotate are for an event filter on this widget; those it takes itself are in `gestures.py`.
    """

    point_chosen = pyqtSignal(int)
    """Somebody clicked on this point (`PointShown.point`); it becomes the current one only when told so."""
    loaded = pyqtSignal(str)
    """The photo of this path is seen in full."""
    failed = pyqtSignal(str)
    """A photo cannot be shown; the sentence says why. It is seen in the view, too."""
    white_wanted = pyqtSignal(bool)
    """The next click tells what is white, or no longer does."""

    def __init__(self, parent: Optional[QWidget] = None, loader: Optional[Loader] = None) -> None:
        self._gestures = Gestures(self)  # before Qt sends the first event
        super().__init__(parent)
        self.setObjectName("photo_view")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self._key: Optional[Key] = None
        self._current: Optional[int] = None
        self._loader = loader or Loader(self)
        self._loader.came.connect(self._on_came)
        self._loader.refused.connect(self._on_refused)
        self._slow = QTimer(self)
        self._slow.setSingleShot(True)
        self._slow.timeout.connect(lambda: self.put_photo(None, tr("Reading the photo…")))

    # What is shown ---------------------------------------------------------------------------------------------------

    def show_photo(self, path: str, window: Window = ()) -> None:
        """Show this photo, or this window of an orthomosaic, as soon as it is read; points of the last one go at once.

        Zoom stays as it is: all of the photo where all of the last was seen, else the same scale.
        """
        self._empty("")
        self._key = (path, tuple(window))
        found = self._loader.want(self._key)
        if found is not None:
            self._on_came(self._key, found)
        else:
            self._slow.start(QUIET_MS)

    def prefetch(self, path: str, window: Window = ()) -> None:
        """Read a photo that will be wanted next, after the one that is wanted now."""
        self._loader.ahead((path, tuple(window)))

    def clear(self, sentence: str = "") -> None:
        """Show no photo, but this sentence."""
        self._key = None
        self._loader.rest()
        self._empty(sentence)

    def show_points(self, points: Sequence[PointShown]) -> None:
        """Replace the points; the current one stays current if it is among them. Cheap: call it after each edit."""
        known = self.overlay.current is not None
        self.overlay.show(points, self._current)
        if not known:
            self.centre()
        self.refresh()

    def set_current(self, point: Optional[int]) -> None:
        """Mark this point and bring it to the middle; zoom stays. None: no current point.

        Nothing moves while all of the photo is seen. May come before the photo is there, and before its points.
        """
        self._current = point
        self.overlay.show(self.overlay.points, point)
        self.centre()
        self.refresh()

    @property
    def current(self) -> Optional[int]:
        """The point that is marked."""
        return None if self.overlay.current is None else self.overlay.current.point

    def point_at(self, place: QPoint) -> Optional[PointShown]:
        """The point that a click there means, in widget pixels."""
        if self.photo is None:
            return None
        return self.overlay.at(place.x(), place.y(), self.camera, not self.look.points)

    # How it is shown; all else by `change` ---------------------------------------------------------------------------

    def set_patch(self, side_px: int) -> None:
        """Side of the frame around the current point, in pixels of the photo; 0 hides it."""
        self.change(patch_px=side_px)

    def set_colours(self, by: str = BY_STATE) -> None:
        """What colours of points tell: `BY_STATE` or `BY_LABEL`."""
        self.change(colours=by)

    def set_texts(self, texts: str = LABELS) -> None:
        """What is written beside points: `NO_TEXT`, `NUMBERS` or `LABELS`."""
        self.change(texts=texts)

    def set_points_visible(self, visible: bool) -> None:
        """Hide all points but the current one, or show them."""
        self.change(points=visible)

    def set_magnifier(self, on: bool) -> None:
        """Show the pixels around the current point, enlarged, in a corner."""
        self.change(magnifier=on)

    def pick_white(self, on: bool = True) -> None:
        """The next click tells what is white."""
        if self._gestures.picking != on:
            self._gestures.picking = on
            self._gestures.show_cursor(QPoint(-1, -1))
            self.white_wanted.emit(on)

    @property
    def picking(self) -> bool:
        """The next click tells what is white."""
        return self._gestures.picking

    def white_here(self, x: float, y: float) -> bool:
        """Take this place of the photo for white; False where there is no photo, or only a preview of it."""
        if self.photo is None or not self.photo.whole or not self.photo.levels[0].rect().contains(int(x), int(y)):
            return False
        self.change(white=PICKED, gains=white_at(self.photo.levels[0], int(x), int(y)))
        return True

    # Zoom ------------------------------------------------------------------------------------------------------------

    def fit(self) -> None:
        """All of the photo."""
        self.camera.fit()
        self.refresh()

    def actual_size(self) -> None:
        """One screen pixel for each pixel, around the current point or the middle."""
        self._zoom_to(1.0)

    def zoom_to_patch(self, place: Optional[QPoint] = None) -> None:
        """The patch of the current point with its surroundings, or as much around a place of the window."""
        shorter = min(self.camera.screen)
        self._zoom_to(PATCH_SHARE * shorter / (self.look.patch_px or shorter), place)

    def zoom_by(self, factor: float, at: Optional[Tuple[float, float]] = None) -> None:
        """Nearer (> 1) or farther (< 1), around the middle or a place of the window, in widget pixels."""
        ratio = self.devicePixelRatioF()
        x, y = (self.width() / 2, self.height() / 2) if at is None else at
        self.camera.zoom(self.camera.scale * factor, (x * ratio, y * ratio))
        self.refresh()

    def move_by(self, dx: float, dy: float) -> None:
        """Drag the photo by so many widget pixels."""
        ratio = self.devicePixelRatioF()
        self.camera.move(dx * ratio, dy * ratio)
        self.refresh()

    def dismiss(self) -> None:
        """End what is read in the background; called once, before the widget goes."""
        self._slow.stop()
        self._loader.end()
        self.let_go()

    def _zoom_to(self, scale: float, place: Optional[QPoint] = None) -> None:
        if self.photo is None:
            return
        ratio, point = self.devicePixelRatioF(), self.overlay.current
        x, y = self.camera.centre
        if place is not None:
            x, y = self.camera.to_photo(place.x() * ratio, place.y() * ratio)
        elif point is not None:
            x, y = point.col + 0.5, point.row + 0.5
        self.camera.zoom_to(scale, x, y)
        self.refresh()

    # Photos that come ------------------------------------------------------------------------------------------------

    def _empty(self, sentence: str) -> None:
        self._slow.stop()
        self._current = None
        self.pick_white(False)
        self.overlay.show((), None)
        self.put_photo(None, sentence)

    def _on_came(self, key: Key, photo: Pyramid) -> None:
        if key == self._key and not (self.photo is not None and self.photo.whole):
            self._slow.stop()
            self.put_photo(photo)
            if photo.whole:
                self.loaded.emit(key[0])

    def _on_refused(self, key: Key, sentence: str) -> None:
        if key == self._key:
            self._slow.stop()
            self.put_photo(None, sentence)
            self.failed.emit(sentence)

    # Events of Qt ----------------------------------------------------------------------------------------------------

    def event(self, event: Any) -> bool:
        """Keys that QGIS would take for its own, tooltips of points."""
        if self._gestures.handles(event):
            event.accept()
            return True
        if event.type() == QEvent.Type.ToolTip:
            self._gestures.tooltip(event)
            return True
        return bool(super().event(event))

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Zoom, move, peek."""
        if not self._gestures.key(event, True):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """End of a peek."""
        if not self._gestures.key(event, False):
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """The key that is held will not be heard going up."""
        self.peek(False)
        super().focusOutEvent(event)

    def mousePressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Begin a click, or a drag."""
        self._gestures.press(event)

    def mouseMoveEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Go on with it."""
        self._gestures.move(event)

    def mouseReleaseEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """End it."""
        self._gestures.release(event)

    def mouseDoubleClickEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Near, or all."""
        self._gestures.double_click(event)

    def wheelEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Zoom at the mouse."""
        self._gestures.wheel(event)
        event.accept()

    def leaveEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """The mouse is elsewhere."""
        self._gestures.leave()
        super().leaveEvent(event)
