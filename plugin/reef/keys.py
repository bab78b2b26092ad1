"""One key, one deed: what keys mean while a photo is annotated, in the Reef tab and in its window."""

from typing import Any, Callable, Dict, List, Optional

from qgis.PyQt.QtCore import QEvent, QObject, Qt
from qgis.PyQt.QtGui import QKeyEvent
from qgis.PyQt.QtWidgets import QWidget

from ...core.errors import QuadratError

Key, Mod = Qt.Key, Qt.KeyboardModifier
ENTER = (Key.Key_Return, Key.Key_Enter)
OF_LISTS = (
    Key.Key_Up, Key.Key_Down, Key.Key_Left, Key.Key_Right, Key.Key_Home, Key.Key_End, Key.Key_PageUp, Key.Key_PageDown,
    Key.Key_Tab, Key.Key_Backtab, *ENTER,
)  # fmt: skip
MOST = 5
"""Suggestions that digits take."""


class Keys(QObject):
    """Hears the keys of widgets and asks the state; what it has no use for stays the widget's."""

    def __init__(self, state: Any, parent: Optional[QObject] = None) -> None:
        super().__init__(parent or state)
        self._state = state
        self._lists: List[QWidget] = []
        self._plain: Dict[int, Callable[[], Any]] = {
            Key.Key_Right: lambda: state.step_point(1), Key.Key_Down: lambda: state.step_point(1),
            Key.Key_Left: lambda: state.step_point(-1), Key.Key_Up: lambda: state.step_point(-1),
            Key.Key_Tab: state.next_point, Key.Key_Backtab: lambda: state.step_point(-1),
            Key.Key_Home: lambda: state.end_point(0), Key.Key_End: lambda: state.end_point(-1),
            Key.Key_PageDown: lambda: state.step_photo(1), Key.Key_PageUp: lambda: state.step_photo(-1),
            Key.Key_Delete: state.erase, Key.Key_Backspace: state.erase,
            Key.Key_Return: state.accept, Key.Key_Enter: state.accept,
            Key.Key_Space: lambda: state.search_wanted.emit(""), Key.Key_Slash: lambda: state.search_wanted.emit(""),
            Key.Key_Escape: state.dock_wanted.emit,
        }  # fmt: skip
        self._control: Dict[int, Callable[[], Any]] = {
            Key.Key_Return: state.accept_photo, Key.Key_Enter: state.accept_photo,
            Key.Key_PageDown: state.next_photo, Key.Key_Z: state.undo, Key.Key_Y: state.redo,
            Key.Key_H: self._hide, Key.Key_F: lambda: state.search_wanted.emit(""),
        }  # fmt: skip
        self._both: Dict[int, Callable[[], Any]] = {
            Key.Key_Return: lambda: state.accept_photo(True), Key.Key_Enter: lambda: state.accept_photo(True),
            Key.Key_Z: state.redo,
        }  # fmt: skip

    def serve(self, widget: QWidget, chooses: bool = False) -> None:
        """Hear the keys of this widget; of a list, which `chooses` by keys of its own, the others only."""
        if chooses:
            self._lists.append(widget)
        widget.installEventFilter(self)

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """QGIS has shortcuts of its own for some keys; they are ours as long as the keyboard is here."""
        kind = event.type()
        if kind not in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            return False
        if watched in self._lists and event.key() in OF_LISTS and not event.modifiers() & Mod.ControlModifier:
            return False
        if kind == QEvent.Type.ShortcutOverride and self.meaning(event) is not None:
            event.accept()
            return True
        return kind == QEvent.Type.KeyPress and self.press(event)

    def press(self, event: QKeyEvent) -> bool:
        """Do what a key means; True when it means something."""
        deed = self.meaning(event)
        if deed is None:
            return False
        try:
            deed()
        except QuadratError as error:
            self._state.said.emit("warning", str(error))
        return True

    def meaning(self, event: QKeyEvent) -> Optional[Callable[[], Any]]:
        """What a key would do; None where it is not ours."""
        if self._state.session is None:
            return None
        key, held = event.key(), event.modifiers() & ~Mod.KeypadModifier
        control = held & Mod.ControlModifier
        if held & (Mod.AltModifier | Mod.MetaModifier):
            return None
        if control:
            return (self._both if held & Mod.ShiftModifier else self._control).get(key)
        return self._plain.get(key) or self._of_text(event, bool(held & Mod.ShiftModifier))

    def _of_text(self, event: QKeyEvent, shift: bool) -> Optional[Callable[[], Any]]:
        """Digits take suggestions, letters give labels; a letter of no label begins a search for one."""
        text, state = event.text(), self._state
        if len(text) != 1 or not text.isalnum():
            return None
        if text.isdigit() and 1 <= int(text) <= MOST:
            return lambda: state.take(int(text))
        letter = text.upper() if shift else text.lower()  # whatever Caps Lock says
        code = state.palette.by_key(letter)
        if code:
            return lambda: state.label(code)
        return lambda: state.search_wanted.emit(text)

    def _hide(self) -> None:
        self._state.blind = not self._state.blind
