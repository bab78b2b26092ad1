"""Makes the dock when it is first wanted, so that the start of QGIS pays nothing for it; takes it away again."""

from typing import Any, Callable, Optional

from qgis.PyQt.QtCore import QObject, Qt, pyqtSignal

MakeState = Callable[[], Any]


class Docking(QObject):
    """Holds dock and state from the first opening to the end of the plugin."""

    apply_wanted = pyqtSignal(str)
    """Path of a head that is to be applied to another raster."""
    form_wanted = pyqtSignal(str, dict)
    """Algorithm whose form is to be opened, and values to begin with."""
    opened = pyqtSignal()
    """The dock was made."""

    def __init__(self, iface: Any, make_state: MakeState, make_reef: Optional[MakeState] = None) -> None:
        super().__init__()
        self._iface = iface
        self._make_state, self._make_reef = make_state, make_reef
        self.state: Any = None
        self.dock: Optional[Any] = None

    def show_teach(self) -> None:
        """Open the dock at the Teach tab."""
        self._made().show_teach()

    def show_reef(self) -> None:
        """Open the dock at the Reef tab."""
        self._made().show_reef()

    def show_engine(self) -> None:
        """Open the dock at the Engine tab."""
        self._made().show_engine()

    def toggle(self) -> None:
        """Close the dock when it is seen, else open it where it was."""
        if self.dock is not None and self.dock.isUserVisible():
            self.dock.close()
        else:
            self._made().setUserVisible(True)

    def remove(self) -> None:
        """Take the dock away, then the state."""
        dock, self.dock = self.dock, None
        state, self.state = self.state, None
        if dock is not None:
            self._iface.removeDockWidget(dock)
            dock.dismiss()
        if state is not None:
            state.close()

    def _made(self) -> Any:
        if self.dock is None:
            from .dock import QuadratDock

            window = self._iface.mainWindow()
            self.state = self._make_state()
            self.dock = QuadratDock(self.state, window, self._make_reef)
            self.dock.apply_wanted.connect(self.apply_wanted)
            self.dock.form_wanted.connect(self.form_wanted)
            self._iface.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.dock)
            if window is not None:
                window.restoreDockWidget(self.dock)  # where it was in the last session
            self.opened.emit()
        return self.dock
