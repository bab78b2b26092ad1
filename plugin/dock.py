"""The dock: one tab for each kind of work. Shows state and passes presses on; knows neither canvas nor worker."""

from typing import Any, Optional

from qgis.gui import QgsDockWidget
from qgis.PyQt.QtCore import pyqtSignal
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QTabWidget, QWidget

from ..processing.i18n import tr
from ..processing.icons import icon_path
from .panels.engine import EnginePanel
from .panels.teach import TeachPanel

OBJECT_NAME = "QuadratDock"
"""QGIS keeps place and size of the dock under this name."""


class QuadratDock(QgsDockWidget):
    """Teach and Engine; a tab for another field of work is one more panel."""

    apply_wanted = pyqtSignal(str)
    """Path of a head that is to be applied to another raster."""
    form_wanted = pyqtSignal(str, dict)
    """Algorithm whose form is to be opened, and values to begin with."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(tr("Quadrat"), parent)
        self.setObjectName(OBJECT_NAME)
        self.setWindowIcon(QIcon(icon_path("quadrat")))
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.teach = TeachPanel(state)
        self.engine = EnginePanel()
        self.tabs.addTab(self.teach, tr("Teach"))
        self.tabs.addTab(self.engine, tr("Engine"))
        self.setWidget(self.tabs)
        self.teach.engine_wanted.connect(self.show_engine)
        self.teach.apply_wanted.connect(self.apply_wanted)
        self.engine.form_wanted.connect(self.form_wanted)
        self.engine.state.changed.connect(self._on_engine_changed)

    def show_teach(self) -> None:
        """Bring the Teach tab to the front."""
        self._show_tab(self.teach)

    def show_engine(self) -> None:
        """Bring the Engine tab to the front."""
        self._show_tab(self.engine)

    def dismiss(self) -> None:
        """Go for good, with the plugin."""
        self.engine.state.changed.disconnect(self._on_engine_changed)
        self.engine.dismiss()
        self.close()
        self.deleteLater()

    def _show_tab(self, panel: QWidget) -> None:
        self.tabs.setCurrentWidget(panel)
        self.setUserVisible(True)

    def _on_engine_changed(self) -> None:
        """Teaching can begin as soon as there is an engine."""
        if not self.engine.state.busy:
            self.teach.look_for_engine()
