"""Menu and toolbar button: the dock, the steps of the work in their order, then the engine."""

from typing import Any, Callable, Dict, List, Tuple

from qgis.PyQt import sip
from qgis.PyQt.QtGui import QIcon
from qgis.PyQt.QtWidgets import QAction, QMenu, QToolButton

from ..processing.i18n import tr
from ..processing.icons import icon_path
from .docking import Docking
from .messages import Messages

TEACH_SHORTCUT = "Ctrl+Shift+Q"
"""Free in QGIS 3.22 to 3.44; the user can change it in Settings > Keyboard Shortcuts."""
STEPS = (
    ("quadrat:embedraster", "Embed raster…", "embedraster"),
    ("quadrat:embedcells", "Embed cells…", "embedcells"),
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
FAVELAS = (
    ("quadrat:favela", "Map favelas of a city, all steps…", "mapsettlement"),
    ("quadrat:favelaelsewhere", "Map favelas of another city, all steps…", "mapsettlement"),
    ("quadrat:makecells", "Make cells…", "makecells"),
    ("quadrat:cellvariables", "Cell variables…", "cellvariables"),
    ("quadrat:trainsettlement", "Train favela methods…", "trainsettlement"),
    ("quadrat:comparesettlement", "Compare favela methods…", "comparesettlement"),
    ("quadrat:mapsettlement", "Map favelas…", "mapsettlement"),
    ("quadrat:followsettlement", "Follow favelas over dates…", "followsettlement"),
)
"""The same of the field of favelas, in a menu of its own."""
POVERTY = (
    ("quadrat:preparesurvey", "Prepare survey points…", "preparesurvey"),
    ("quadrat:prepareseries", "Prepare series…", "prepareseries"),
    ("quadrat:trainseries", "Train indicator…", "trainseries"),
    ("quadrat:mapindicator", "Map indicator…", "mapindicator"),
    ("quadrat:mapchange", "Map change…", "mapchange"),
    ("quadrat:reportindicator", "Report on indicator models…", "reportindicator"),
    ("quadrat:assessseries", "Assess indicator…", "assessseries"),
)
"""The same of the field of poverty."""
REEF = (
    ("quadrat:importreef", "Import photo survey…", "importreef"),
    ("quadrat:placepoints", "Place points on photos…", "placepoints"),
    ("quadrat:trainreef", "Train on annotated photos…", "trainreef"),
    ("quadrat:suggestreef", "Suggest labels of points…", "suggestreef"),
    ("quadrat:checkreef", "Check suggestions of photo survey…", "checkreef"),
    ("quadrat:reefcover", "Cover of photo survey…", "reefcover"),
    ("quadrat:exportreef", "Export photo survey…", "exportreef"),
)
"""The same of the field of reefs."""
FIELDS = (("Favelas", "mapsettlement", FAVELAS), ("Poverty", "preparesurvey", POVERTY), ("Reef", "importreef", REEF))
"""Title, icon and steps of each menu of its own."""
NETWORKS = (
    ("quadrat:choosebackbone", "Choose backbone…", "choosebackbone"),
    ("quadrat:fetchweights", "Get weights…", "fetchweights"),
    ("quadrat:manageweights", "Manage weights…", "manageweights"),
    ("quadrat:exportonnx", "Export to ONNX…", "exportonnx"),
)
"""The same of what belongs to the networks themselves."""


class Menu:
    """Plugins > Quadrat, and the same menu on a button of the plugin toolbar."""

    def __init__(self, iface: Any, title: str, docking: Docking, show_curve: Callable[[], None]) -> None:
        self._iface = iface
        self._title = title
        self._messages = Messages(iface)
        self._docking = docking
        self._forms: List[Any] = []
        teach = self._entry("quadrat", tr("Teach…"), docking.toggle)
        teach.setObjectName("quadratTeach")  # the shortcut manager of QGIS knows it by this name
        teach.setToolTip(tr("Quadrat: teach a map by clicks"))
        iface.registerMainWindowAction(teach, TEACH_SHORTCUT)
        steps, looks, networks = ([self._step(*step) for step in some] for some in (STEPS, LOOKS, NETWORKS))
        self._fields = [self._field(*field) for field in FIELDS]
        poverty, reef = (self._fields[[steps for _, _, steps in FIELDS].index(some)] for some in (POVERTY, REEF))
        reef.addSeparator()
        reef.addAction(self._entry("quadrat", tr("Annotate photos…"), docking.show_reef))
        poverty.addSeparator()
        poverty.addAction(self._entry("learningcurve", tr("Learning curve…"), show_curve))
        fields = [menu.menuAction() for menu in self._fields]
        engine = self._entry("setupengine", tr("Engine…"), docking.show_engine)
        self._actions = [teach, *steps, *looks, *fields, *networks, engine]
        docking.apply_wanted.connect(self._on_apply_wanted)
        docking.form_wanted.connect(self._on_form_wanted)
        for action in self._actions:
            iface.addPluginToMenu(title, action)
        self._menu = QMenu(iface.mainWindow())
        self._menu.addAction(teach)
        self._menu.addSeparator()
        for some in (steps, looks, fields, [*networks, engine]):
            self._menu.addActions(some)
            if engine not in some:
                self._menu.addSeparator()
        self._button = QToolButton()
        self._button.setDefaultAction(teach)
        self._button.setMenu(self._menu)
        self._button.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self._button_action = iface.addToolBarWidget(self._button)

    @property
    def actions(self) -> List[QAction]:
        """The entries, in order."""
        return list(self._actions)

    def remove(self) -> None:
        """Take everything away again."""
        for form in self._open_forms():
            form.close()
        self._forms = []
        self._docking.apply_wanted.disconnect(self._on_apply_wanted)
        self._docking.form_wanted.disconnect(self._on_form_wanted)
        self._iface.unregisterMainWindowAction(self._actions[0])
        of_menus = [menu.menuAction() for menu in self._fields]
        for action in self._actions:
            self._iface.removePluginMenu(self._title, action)
            if action not in of_menus:
                action.deleteLater()
        for menu in self._fields:
            menu.deleteLater()
        self._fields = []
        self._iface.removeToolBarIcon(self._button_action)
        self._button.deleteLater()
        self._menu.deleteLater()
        self._actions = []

    def _field(self, title: str, icon: str, steps: Tuple[Tuple[str, str, str], ...]) -> QMenu:
        menu = QMenu(tr(title), self._iface.mainWindow())
        menu.setIcon(QIcon(icon_path(icon)))
        menu.addActions([self._step(*step) for step in steps])
        return menu

    def _step(self, algorithm: str, text: str, icon: str) -> QAction:
        return self._entry(icon, tr(text), lambda: self._open_form(algorithm))

    def _entry(self, icon: str, text: str, does: Callable[[], None]) -> QAction:
        action = QAction(QIcon(icon_path(icon)), text, self._iface.mainWindow())
        action.triggered.connect(lambda *_: does())
        return action

    def _on_apply_wanted(self, head: str) -> None:
        self._open_form("quadrat:applyhead", HEAD=head)

    def _on_form_wanted(self, algorithm: str, wanted: Dict[str, Any]) -> None:
        self._open_form(algorithm, **wanted)

    def _open_form(self, algorithm: str, **wanted: Any) -> None:
        """The form of the toolbox, not modal, so that the map can be looked at meanwhile."""
        try:
            import processing  # QGIS's own, which the user may have switched off
        except ImportError:
            self._messages.warning(
                tr("QGIS's plugin 'Processing' is switched off. Switch it on in the plugin manager.")
            )
            return
        from .prefill import start_values

        values = {**start_values(algorithm.partition(":")[2], self._iface.activeLayer()), **wanted}
        form = processing.createAlgorithmDialog(algorithm, values)
        if form is None:
            self._messages.warning(tr("The algorithm {id} is not in the toolbox.").format(id=algorithm))
            return
        # QGIS's window deletes itself when it is closed; it is remembered only to be closed with the plugin.
        self._forms = [*self._open_forms(), form]
        form.show()

    def _open_forms(self) -> List[Any]:
        return [form for form in self._forms if not sip.isdeleted(form)]
