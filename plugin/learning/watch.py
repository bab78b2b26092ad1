"""Opens the window 'Learning curve' when a network begins to learn; makes it when it is first needed."""

from typing import Any, Callable, Optional

from qgis.PyQt.QtCore import Qt

from ..settings import LEARNING_OPENS
from .state import Lessons


class LearningWatch:
    """Holds state and window from the start to the end of the plugin."""

    def __init__(self, iface: Any, show_engine: Callable[[], None]) -> None:
        self._iface = iface
        self._show_engine = show_engine
        self.state = Lessons()
        self.state.begun.connect(self._on_begun)
        self.window: Optional[Any] = None

    def show(self) -> None:
        """Open it, or bring it to the front: the user asked for it."""
        window = self._made()
        window.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating, False)
        window.show()
        window.raise_()
        window.activateWindow()

    def remove(self) -> None:
        """Take the window away, then the state."""
        self.state.begun.disconnect(self._on_begun)
        self.state.close()
        window, self.window = self.window, None
        if window is not None:
            window.close()
            window.deleteLater()
        self.state.deleteLater()

    def _on_begun(self, number: int) -> None:
        """Once a run, so that a window that was closed stays closed until the next; whoever types goes on typing."""
        from ..plots.library import pyqtgraph  # the start of QGIS loads no plots

        if self.window is not None:
            self.window.follow(number)
        # Without anything to draw with it stays closed; the menu opens it, and it says what is missing.
        wanted = LEARNING_OPENS.get() and not self.state.over(number) and pyqtgraph() is not None
        if wanted and not self._made().isVisible():
            self._made().setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating, True)
            self._made().show()

    def _made(self) -> Any:
        if self.window is None:
            from .window import LearningWindow

            self.window = LearningWindow(self.state, self._iface.mainWindow())
            self.window.engine_wanted.connect(self._show_engine)
        return self.window
