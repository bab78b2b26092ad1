"""Mouse and keys on the photo: what each means. Keys that annotate are not among them."""

from typing import Any, Callable, Dict, Optional

from qgis.PyQt.QtCore import QEvent, QPoint, Qt
from qgis.PyQt.QtWidgets import QApplication, QToolTip

from .words import told

WHEEL_STEP = 120.0
"""A notch of the wheel, as Qt counts."""
PER_NOTCH = 1.25
"""Zoom of a notch."""
PER_KEY = 1.5
ALONE = Qt.Key.Key_F8
"""Held, it shows the photo alone, as the right mouse button does. Space, letters and digits are for annotating."""
SHARE = 0.2
"""Of the window by which Ctrl and an arrow move the photo."""


class Gestures:
    """Asks the view to zoom and move; tells it which point or place was clicked.

    View: `PhotoView`, which passes its events on.
    """

    def __init__(self, view: Any) -> None:
        self._view = view
        self._from: Optional[QPoint] = None
        self._dragging = False
        self.picking = False
        """The next click tells what is white."""
        key = Qt.Key
        self._plain: Dict[Any, Callable[[], None]] = {
            key.Key_Plus: lambda: view.zoom_by(PER_KEY),
            key.Key_Equal: lambda: view.zoom_by(PER_KEY),
            key.Key_Minus: lambda: view.zoom_by(1 / PER_KEY),
        }
        self._with_control: Dict[Any, Callable[[], None]] = {
            **self._plain,
            key.Key_0: view.fit,
            key.Key_1: view.actual_size,
            key.Key_2: view.zoom_to_patch,
            key.Key_3: lambda: view.change(magnifier=not view.look.magnifier),
            key.Key_Left: lambda: view.move_by(SHARE * view.width(), 0),
            key.Key_Right: lambda: view.move_by(-SHARE * view.width(), 0),
            key.Key_Up: lambda: view.move_by(0, SHARE * view.height()),
            key.Key_Down: lambda: view.move_by(0, -SHARE * view.height()),
        }

    # Keys ------------------------------------------------------------------------------------------------------------

    def meant(self, event: Any) -> Optional[Callable[[], None]]:
        """What a key means here; None when it is for somebody else."""
        modifiers = event.modifiers() & ~(Qt.KeyboardModifier.KeypadModifier | Qt.KeyboardModifier.ShiftModifier)
        if modifiers == Qt.KeyboardModifier.ControlModifier:
            return self._with_control.get(event.key())
        return self._plain.get(event.key()) if modifiers == Qt.KeyboardModifier.NoModifier else None

    def key(self, event: Any, down: bool) -> bool:
        """A key went down or up; True if that was for the photo."""
        if event.key() == ALONE and event.modifiers() == Qt.KeyboardModifier.NoModifier:
            if not event.isAutoRepeat():
                self._view.peek(down)
            return True
        action = self.meant(event) if down else None
        if action is not None:
            action()
        return action is not None

    # Mouse -----------------------------------------------------------------------------------------------------------

    def press(self, event: Any) -> None:
        """Begin a click, or a drag."""
        if event.button() == Qt.MouseButton.RightButton:
            self._view.peek(True)
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._from, self._dragging = event.pos(), False

    def move(self, event: Any) -> None:
        """Drag the photo, or say which point lies below."""
        view, here = self._view, event.pos()
        if self._from is None:
            view.follow_pointer(here)
            self.show_cursor(here)
            return
        way = here - self._from
        if self._dragging or way.manhattanLength() >= QApplication.startDragDistance():
            self._dragging, self._from = True, here
            view.move_by(way.x(), way.y())
            self.show_cursor(here)

    def release(self, event: Any) -> None:
        """End of a drag, or a click."""
        if event.button() == Qt.MouseButton.RightButton:
            self._view.peek(False)
            return
        began, dragged = self._from, self._dragging
        self._from, self._dragging = None, False
        self.show_cursor(event.pos())
        if began is None or dragged or event.button() != Qt.MouseButton.LeftButton:
            return
        view, here = self._view, event.pos()
        if self.picking:
            ratio = view.devicePixelRatioF()
            if view.white_here(*view.camera.to_photo(here.x() * ratio, here.y() * ratio)):
                view.pick_white(False)
            return
        point = view.point_at(here)
        if point is not None:
            view.point_chosen.emit(point.point)

    def double_click(self, event: Any) -> None:
        """Near to what was clicked, or back to all of the photo."""
        if event.button() != Qt.MouseButton.LeftButton or self.picking:
            return
        view = self._view
        if view.camera.fitted:
            view.zoom_to_patch(event.pos())
        else:
            view.fit()

    def wheel(self, event: Any) -> None:
        """Zoom at the mouse."""
        turned = event.angleDelta().y() or event.angleDelta().x()
        if turned:
            place = event.position()
            self._view.zoom_by(PER_NOTCH ** (turned / WHEEL_STEP), (place.x(), place.y()))

    def leave(self) -> None:
        """The mouse is elsewhere."""
        self._view.follow_pointer(None)

    def tooltip(self, event: Any) -> None:
        """What is known of the point below."""
        point = self._view.point_at(event.pos())
        if point is None:
            QToolTip.hideText()
            event.ignore()
        else:
            QToolTip.showText(event.globalPos(), told(point), self._view)  # qt6-ok: events of help keep it

    def show_cursor(self, here: QPoint) -> None:
        """The hand of a drag, the cross of a pick, the finger over a point."""
        shape = Qt.CursorShape
        if self._dragging:
            cursor = shape.ClosedHandCursor
        elif self.picking:
            cursor = shape.CrossCursor
        else:
            cursor = shape.PointingHandCursor if self._view.point_at(here) is not None else shape.ArrowCursor
        if self._view.cursor().shape() != cursor:
            self._view.setCursor(cursor)

    def handles(self, event: Any) -> bool:
        """Whether this is a key that QGIS may not take for a shortcut of its own while the photo has the focus."""
        if event.type() != QEvent.Type.ShortcutOverride:
            return False
        return event.key() == ALONE or self.meant(event) is not None
