"""The dock: one tab for each kind of work. Shows state and passes presses on; knows neither canvas nor worker."""

from typing import Any, Callable, Optional

from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from ..processing.i18n import tr
from ..processing.icons import icon_path
from .panels.engine import EnginePanel
from .panels.teach import TeachPanel

OBJECT_NAME = "QuadratDock"
"""QGIS keeps place and size of the dock under this name."""


class LateTab(QWidget):
    """A tab whose panel is made when it is first seen."""

    def __init__(self, make: Callable[[], QWidget]) -> None:
        super().__init__()
        self._make = make
        self.panel: Any = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)

    def made(self) -> Any:
        """The panel."""
        if self.panel is None:
            self.panel = self._make()
            self.layout().addWidget(self.panel)
        return self.panel

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Now it is seen."""
        super().showEvent(event)
        self.made()


class QuadratDock(QgsDockWidget):
    """Teach, Reef and Engine; a tab for another field of work is one more panel."""

    apply_wanted = pyqtSignal(str)
    """Path of a head that is to be applied to another raster."""
    form_wanted = pyqtSignal(str, dict)
    """Algorithm whose form is to be opened, and values to begin with."""

    def __init__(
        self, state: Any, parent: Optional[QWidget] = None, make_reef: Optional[Callable[[], Any]] = None
    ) -> None:
        super().__init__(tr("Quadrat"), parent)
        self._make_reef = make_reef
        self.reef_state: Any = None
        self.setObjectName(OBJECT_NAME)
        self.setWindowIcon(QIcon(icon_path("quadrat")))
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.teach = TeachPanel(state)
        self.engine = EnginePanel()
        self.tabs.addTab(self.teach, tr("Teach"))
        self.reef = LateTab(self._reef_panel)
        if make_reef is not None:
            self.tabs.addTab(self.reef, tr("Reef"))
        self.tabs.addTab(self.engine, tr("Engine"))
        self.setWidget(self.tabs)
        self.teach.engine_wanted.connect(self.show_engine)
        self.teach.apply_wanted.connect(self.apply_wanted)
        self.engine.form_wanted.connect(self.form_wanted)
        self.engine.state.changed.connect(self._on_engine_changed)

    def show_teach(self) -> None:
        """Bring the Teach tab to the front."""
        self._show_tab(self.teach)

    def show_reef(self) -> None:
        """Bring the Reef tab to the front."""
        self._show_tab(self.reef)
        self.reef.made()

    def show_engine(self) -> None:
        """Bring the Engine tab to the front."""
        self._show_tab(self.engine)

    def dismiss(self) -> None:
        """Go for good, with the plugin."""
        self.engine.state.changed.disconnect(self._on_engine_changed)
        self.engine.dismiss()
        if self.reef_state is not None:
            self.reef_state.close()
        self.close()
        self.deleteLater()

    def _reef_panel(self) -> QWidget:
        from .panels.reef import ReefPanel

        self.reef_state = self._make_reef() if self._make_reef is not None else None
        self.reef_state.form_wanted.connect(self.form_wanted)
        self.reef_state.search_wanted.connect(self._on_reef_wanted)
        self.reef_state.dock_wanted.connect(self._on_reef_wanted)
        panel = ReefPanel(self.reef_state)
        panel.engine_wanted.connect(self.show_engine)
        return panel

    def _show_tab(self, panel: QWidget) -> None:
        self.tabs.setCurrentWidget(panel)
        self.setUserVisible(True)

    def _on_reef_wanted(self, *_: Any) -> None:
        """The photo window asks for something that lies in the dock, which may be closed or show another tab."""
        if self.tabs.currentWidget() is not self.reef or not self.isUserVisible():
            self.show_reef()

    def _on_engine_changed(self) -> None:
        """Teaching can begin as soon as there is an engine."""
        if not self.engine.state.busy:
            self.teach.look_for_engine()
