"""Menu and toolbar button: the steps of the work in their order, then the engine."""

from typing import Any, List, Optional

from qgis.PyQt import sip
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QAction, QMenu, QToolButton

from ..processing.i18n import tr
from ..processing.icons import icon_path
from .messages import Messages

STEPS = (
    ("quadrat:embedraster", "Embed raster…", "embedraster"),
    ("quadrat:openembedding", "Open published embedding…", "openembedding"),
    ("quadrat:suggestlabels", "Suggest labels…", "suggestlabels"),
    ("quadrat:trainhead", "Train head…", "trainhead"),
    ("quadrat:assesshead", "Assess head…", "assesshead"),
    ("quadrat:applyhead", "Apply head…", "applyhead"),
    ("quadrat:drawsample", "Draw sample…", "drawsample"),
    ("quadrat:estimatearea", "Estimate area…", "estimatearea"),
)
"""Algorithm, text and icon of the steps from a raster to an area with an interval."""
LOOKS = (
    ("quadrat:findsimilar", "Find similar places…", "findsimilar"),
    ("quadrat:explainplaces", "Explain places…", "explainplaces"),
    ("quadrat:reduceembedding", "Reduce embedding…", "reduceembedding"),
    ("quadrat:clusterembedding", "Cluster embedding…", "clusterembedding"),
)
"""The same of what shows an embedding or a head, at any time."""


class Menu:
    """Plugins > Quadrat, and the same menu on a button of the plugin toolbar."""

    def __init__(self, iface: Any, title: str) -> None:
        self._iface = iface
        self._title = title
        self._messages = Messages(iface)
        self._engine_window: Optional[Any] = None
        self._forms: List[Any] = []
        self._actions = [self._step(*step) for step in (*STEPS, *LOOKS)]
        engine = QAction(QIcon(icon_path("setupengine")), tr("Engine…"), iface.mainWindow())
        engine.triggered.connect(self.open_engine)
        self._actions.append(engine)
        for action in self._actions:
            iface.addPluginToMenu(title, action)
        self._menu = QMenu(iface.mainWindow())
        self._menu.addActions(self._actions[: len(STEPS)])
        self._menu.addSeparator()
        self._menu.addActions(self._actions[len(STEPS) : -1])
        self._menu.addSeparator()
        self._menu.addAction(engine)
        self._button = QToolButton()
        self._button.setIcon(QIcon(icon_path("quadrat")))
        self._button.setToolTip(tr("Quadrat: maps taught by a few labels"))
        self._button.setMenu(self._menu)
        self._button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._button_action = iface.addToolBarWidget(self._button)

    @property
    def actions(self) -> List[QAction]:
        """The entries, in order."""
        return list(self._actions)

    def open_engine(self) -> None:
        """Show the engine window."""
        if self._engine_window is None:
            from .engine_window import EngineWindow

            self._engine_window = EngineWindow(self._iface.mainWindow())
        self._engine_window.show()
        self._engine_window.raise_()
        self._engine_window.activateWindow()

    def remove(self) -> None:
        """Take everything away again."""
        for form in self._open_forms():
            form.close()
        self._forms = []
        if self._engine_window is not None:
            self._engine_window.dismiss()
            self._engine_window = None
        for action in self._actions:
            self._iface.removePluginMenu(self._title, action)
            action.deleteLater()
        self._iface.removeToolBarIcon(self._button_action)
        self._button.deleteLater()
        self._menu.deleteLater()
        self._actions = []

    def _step(self, algorithm: str, text: str, icon: str) -> QAction:
        action = QAction(QIcon(icon_path(icon)), tr(text), self._iface.mainWindow())
        action.triggered.connect(lambda: self._open_form(algorithm))
        return action

    def _open_form(self, algorithm: str) -> None:
        """The form of the toolbox, not modal, so that the map can be looked at meanwhile."""
        try:
            import processing  # QGIS's own, which the user may have switched off
        except ImportError:
            self._messages.warning(
                tr("QGIS's plugin 'Processing' is switched off. Switch it on in the plugin manager.")
            )
            return
        from .prefill import start_values

        values = start_values(algorithm.partition(":")[2], self._iface.activeLayer())
        form = processing.createAlgorithmDialog(algorithm, values)
        if form is None:
            self._messages.warning(tr("The algorithm {id} is not in the toolbox.").format(id=algorithm))
            return
        # QGIS's window deletes itself when it is closed; it is remembered only to be closed with the plugin.
        self._forms = [*self._open_forms(), form]
        form.show()

    def _open_forms(self) -> List[Any]:
        return [form for form in self._forms if not sip.isdeleted(form)]
