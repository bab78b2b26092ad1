"""The photo window: toolbar, photo, and a line below; floats or docks as its user likes."""

from typing import Any, Optional

from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import QEvent, Qt, pyqtSignal
from qgis.PyQt.QtGui import QIcon, QPainter
from qgis.PyQt.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from ....processing.i18n import tr
from ....processing.icons import icon_path
from ...controls.parts import described, letters, lines, number_of
from .bar import PhotoBar
from .light import LightStrip
from .look import remember
from .view import PhotoView

OBJECT_NAME = "QuadratPhotoDock"
"""QGIS keeps place and size of the window under this name."""
WIDTH_LETTERS, HEIGHT_LINES = 46, 20
"""Below these it cannot be made; letters and lines."""
SHARE = 0.45
"""Of QGIS's window that it takes at first."""


class PhotoDock(QgsDockWidget):
    """A `PhotoView` (`view`) with its toolbar. Keys that annotate are for an event filter on `view`."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(tr("Photo"), parent)
        self.setObjectName(OBJECT_NAME)
        self.setWindowIcon(QIcon(icon_path("quadrat")))
        self.body = QWidget()
        self.view = described(PhotoView(self.body), "photo_view")
        self.bar, self.light = PhotoBar(self.view), LightStrip(self.view)
        self.words, self.zoom = Line(), described(QLabel(), "photo_zoom")
        self._screen: Optional[FullScreen] = None
        box = QVBoxLayout(self.body)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        for part in (self.bar, self.light, self.view):
            box.addWidget(part, 1 if part is self.view else 0)
        box.addLayout(self._line())
        self.view.setMinimumSize(letters(self, WIDTH_LETTERS // 2), lines(self, HEIGHT_LINES // 2))
        self.light.hide()
        self.setWidget(self.body)
        self.bar.light_wanted.connect(self._on_light)
        self.bar.full_wanted.connect(self.toggle_full_screen)
        self.view.zoomed.connect(self._on_zoomed)
        self.view.looked.connect(self._on_looked)
        self.view.white_wanted.connect(self._first_asked)
        self.body.installEventFilter(self)

    def settle(self, iface: Any, beside: Optional[QDockWidget] = None) -> None:
        """Add it to QGIS, where it was in the last session, else left of the dock that is given; once."""
        window = iface.mainWindow()
        # Asked before it is added: afterwards Qt says yes of any dock.
        if window is not None and window.restoreDockWidget(self):
            return
        iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self)
        if window is None:
            return
        docks, widths = [self], [round(SHARE * window.width())]
        if beside is not None and not beside.isFloating():
            docks, widths = [self, beside], [*widths, beside.width()]
            window.splitDockWidget(self, beside, Qt.Orientation.Horizontal)
        window.resizeDocks(docks, widths, Qt.Orientation.Horizontal)

    def say(self, words: str) -> None:
        """What the line below tells: name of the photo, its site, which point of how many."""
        self.words.say(words)

    def toggle_full_screen(self) -> None:
        """All of the screen for the photo, and back."""
        if self._screen is not None:
            self._screen.close()
            return
        self._screen = FullScreen(self.body, self)
        self._screen.closed.connect(self._on_full_screen_over)
        self._screen.setGeometry(self.screen().geometry())  # not every window manager makes it as large
        self._screen.showFullScreen()
        self._first_asked()
        self.view.setFocus()

    def dismiss(self) -> None:
        """Go for good, with the plugin."""
        if self._screen is not None:
            self._screen.close()
        self.view.dismiss()
        self.close()
        self.deleteLater()

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """F11, wherever in the window the keyboard is; Esc gives up what was begun: white, then the full screen."""
        if event.type() not in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride):
            return False
        key = event.key()
        if key == Qt.Key.Key_Escape and self.view.picking:
            deed = self._give_up_white
        elif key == Qt.Key.Key_F11 or (key == Qt.Key.Key_Escape and self._screen is not None):
            deed = self.toggle_full_screen
        else:
            return False
        event.accept()
        if event.type() == QEvent.Type.KeyPress:
            deed()
        return True

    def _give_up_white(self) -> None:
        self.view.pick_white(False)

    def _first_asked(self, *_: Any) -> None:
        """Hear the keys of the photo before those who annotate, while Esc is to give up something here."""
        self.view.removeEventFilter(self)
        if self.view.picking or self._screen is not None:
            self.view.installEventFilter(self)

    def _line(self) -> QHBoxLayout:
        line = QHBoxLayout()
        edge = letters(self, 1)
        line.setContentsMargins(edge, edge // 2, edge, edge // 2)
        line.addWidget(self.words, 1)
        line.addWidget(self.zoom)
        return line

    def _on_full_screen_over(self) -> None:
        self._screen = None
        self._first_asked()
        self.setWidget(self.body)
        self.body.show()
        self.view.setFocus()

    def _on_light(self, on: bool) -> None:
        self.light.setVisible(on)
        if not on:
            self.view.pick_white(False)

    def _on_zoomed(self, scale: float) -> None:
        self.zoom.setText(tr("{percent} %").format(percent=f"{100 * scale:.0f}"))

    def _on_looked(self) -> None:
        remember(self.view.look)


class Line(QLabel):
    """Words in one line, shortened in their middle where the window is narrow; all of them in the tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def say(self, words: str) -> None:
        """Show these."""
        self.setText(words)
        self.setToolTip(words)

    def paintEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """As many as there is room for."""
        shown = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self.width())
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.rect(), number_of(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)


class FullScreen(QWidget):
    """Holds the body of the dock while it has the screen; gives it back when closed."""

    closed = pyqtSignal()

    def __init__(self, body: QWidget, owner: QWidget) -> None:
        # With an owner, Qt deletes it when it is done with closing, and not Python in the middle of it.
        super().__init__(owner, Qt.WindowType.Window)
        self.setWindowTitle(tr("Photo"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(body)

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Back to the dock, before this goes."""
        self.closed.emit()
        super().closeEvent(event)
