"""The dock: made at its first opening and not before, one tab each, gone with the plugin."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from qgis.PyQt.QtCore import QObject, Qt
from qgis.PyQt.QtGui import QKeySequence
from qgis.PyQt.QtWidgets import QDockWidget
from quadrat.plugin.docking import Docking
from quadrat.plugin.menu import TEACH_SHORTCUT
from quadrat.tests.plugin.stand import Stand

ROOT = Path(__file__).resolve().parents[2]


class Iface:
    """Docks of QGIS, written down; everything else is pytest-qgis's."""

    def __init__(self, iface):
        self._iface, self.docks = iface, []

    def __getattr__(self, name):
        return getattr(self._iface, name)

    def addDockWidget(self, area, dock):
        self.docks.append(dock)
        self._iface.mainWindow().addDockWidget(area, dock)

    def removeDockWidget(self, dock):
        self.docks.remove(dock)
        self._iface.mainWindow().removeDockWidget(dock)


@pytest.fixture
def iface(qgis_iface, plugin):
    return Iface(qgis_iface)


@pytest.fixture
def docking(iface, empty_home, qtbot):
    docking = Docking(iface, Stand)
    yield docking
    if docking.dock is not None:
        qtbot.waitUntil(lambda: docking.dock.engine.state.facts is not None, timeout=5000)
    docking.remove()


def test_nothing_is_made_before_it_is_wanted(docking, iface):
    assert docking.dock is None and docking.state is None and iface.docks == []
    docking.show_teach()
    assert iface.docks == [docking.dock]
    first = docking.dock
    docking.show_engine()
    assert docking.dock is first


def test_tabs_come_to_the_front(docking):
    docking.show_engine()
    assert docking.dock.tabs.currentWidget() is docking.dock.engine
    docking.show_teach()
    assert docking.dock.tabs.currentWidget() is docking.dock.teach
    assert [docking.dock.tabs.tabText(n) for n in range(docking.dock.tabs.count())] == ["Teach", "Engine"]


def test_the_reef_tab_is_made_when_it_is_first_seen(iface, empty_home, qtbot, tmp_path):
    from quadrat.plugin.reef.onscreen import reef_on_screen
    from quadrat.plugin.reef.state import ReefState
    from quadrat.tests.plugin.reefmade import make_survey

    made = []
    docking = Docking(iface, Stand, lambda: made.append(reef_on_screen(ReefState(), iface)) or made[-1])
    docking.show_teach()
    tabs = docking.dock.tabs
    assert [tabs.tabText(n) for n in range(tabs.count())] == ["Teach", "Reef", "Engine"] and made == []
    docking.show_reef()
    (state,) = made
    state.open(make_survey(tmp_path / "survey.gpkg"))
    photo = iface.mainWindow().findChild(QDockWidget, "QuadratPhotoDock")
    assert iface.mainWindow().dockWidgetArea(photo) == Qt.DockWidgetArea.RightDockWidgetArea
    state.label("Sand")
    docking.show_teach()
    state.search_wanted.emit("")
    assert tabs.currentWidget() is docking.dock.reef
    with qtbot.waitSignal(docking.form_wanted):
        state.form_wanted.emit("quadrat:importreef", {})
    qtbot.waitUntil(lambda: docking.dock.engine.state.facts is not None, timeout=5000)
    docking.remove()
    assert state.session is None
    assert iface.mainWindow().dockWidgetArea(photo) == Qt.DockWidgetArea.NoDockWidgetArea, "it goes with the dock"


def test_the_way_to_the_engine_and_back(docking, qtbot):
    docking.show_teach()
    docking.state.engine_ready = False
    docking.dock.teach.look_for_engine()
    qtbot.mouseClick(docking.dock.teach.to_engine, Qt.MouseButton.LeftButton)
    assert docking.dock.tabs.currentWidget() is docking.dock.engine
    docking.state.engine_ready = True
    docking.dock.engine.state.changed.emit()
    assert docking.dock.teach.pages.currentIndex() == 1, "teaching can begin as soon as there is an engine"


def test_it_is_as_narrow_as_promised(docking, qapp):
    docking.show_teach()
    docking.state.begin()
    docking.state.teach()
    qapp.processEvents()
    assert docking.dock.minimumSizeHint().width() <= 300


def test_gone_with_the_plugin(docking, iface, qtbot):
    docking.show_teach()
    state = docking.state
    qtbot.waitUntil(lambda: docking.dock.engine.state.facts is not None, timeout=5000)
    docking.remove()
    assert iface.docks == [] and docking.dock is None
    assert state.calls[-1] == ("close",)
    docking.remove()  # twice does no harm


def test_a_head_is_applied_through_the_form_of_the_toolbox(iface, empty_home, monkeypatch, qtbot):
    from quadrat.plugin.menu import Menu

    import processing

    asked = []
    monkeypatch.setattr(processing, "createAlgorithmDialog", lambda *values: asked.append(values))
    docking = Docking(iface, Stand)
    menu = Menu(iface, "&Quadrat", docking, QObject)
    docking.show_teach()
    docking.dock.teach.finish.apply_wanted.emit("/heads/a.qhead")
    assert asked[0][0] == "quadrat:applyhead" and asked[0][1]["HEAD"] == "/heads/a.qhead"
    qtbot.waitUntil(lambda: docking.dock.engine.state.facts is not None, timeout=5000)
    menu.remove()
    docking.remove()


def test_the_shortcut_is_given_to_qgis(iface, monkeypatch):
    from quadrat.plugin.menu import Menu

    given = []
    iface.registerMainWindowAction = lambda action, key: given.append((action.text(), key))
    iface.unregisterMainWindowAction = lambda action: given.remove((action.text(), TEACH_SHORTCUT))
    menu = Menu(iface, "&Quadrat", Docking(iface, QObject), QObject)
    assert given == [("Teach…", TEACH_SHORTCUT)]
    assert not QKeySequence(TEACH_SHORTCUT).isEmpty()
    menu.remove()
    assert given == []


START = """
import sys
sys.path.insert(0, {root!r})
import conftest
sys.path.remove({root!r})
from qgis.core import QgsApplication
from unittest.mock import MagicMock
application = QgsApplication([], True)
application.initQgis()
from qgis.PyQt.QtWidgets import QMainWindow
from quadrat import classFactory
window = QMainWindow()
iface = MagicMock()
iface.mainWindow.return_value = window
plugin = classFactory(iface)
plugin.initGui()
rooms = ("quadrat.plugin.dock", "quadrat.plugin.panels", "quadrat.plugin.controls", "quadrat.plugin.plots",
         "quadrat.plugin.teach", "quadrat.plugin.reef", "quadrat.core.live", "quadrat.core.reef.survey", "sqlite3",
         "pyqtgraph")
print(sorted(name for name in sys.modules if name.startswith(rooms) and name != "quadrat.plugin.docking"))
plugin.unload()
application.exitQgis()
"""


def test_the_start_of_qgis_loads_nothing_of_the_dock():
    """A process of its own: this one has everything from the tests."""
    command = [sys.executable, "-c", START.format(root=str(ROOT))]
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"
