"""Photo window, map and project beside the Reef tab: what they show of the survey, and what they ask of it."""

import sqlite3

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsVectorLayer
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor, QImage
from quadrat.core.reef.schema import MACHINE
from quadrat.core.reef.survey import Suggestion, Survey
from quadrat.plugin.reef.layers import source_of
from quadrat.plugin.reef.onmap import OnMap
from quadrat.plugin.reef.remembering import ReefRemembering
from quadrat.plugin.reef.state import ReefState
from quadrat.plugin.reef.window import PhotoWindow
from quadrat.tests.plugin.reefmade import make_survey


@pytest.fixture
def path(tmp_path):
    made = make_survey(tmp_path / "survey.gpkg")
    for number in (1, 2, 4):
        image = QImage(100, 100, QImage.Format.Format_RGB32)
        image.fill(QColor("#336699"))
        image.save(str(tmp_path / f"{number}.jpg"))
    return made


@pytest.fixture
def state(qgis_app, qgis_new_project):
    state = ReefState()
    state.annotator = "Ana"
    yield state
    state.close()


class Iface:
    """A main window, and the docks in it."""

    def __init__(self, iface):
        self._iface, self.docks = iface, []

    def mainWindow(self):
        return self._iface.mainWindow()

    def addDockWidget(self, area, dock):
        self.docks.append(dock)
        self.mainWindow().addDockWidget(area, dock)

    def removeDockWidget(self, dock):
        if dock in self.docks:
            self.docks.remove(dock)
        self.mainWindow().removeDockWidget(dock)


@pytest.fixture
def window(state, path, qgis_iface):
    with Survey(path) as survey:
        survey.suggest([Suggestion(1, 1, "Por", 0.6, "m"), Suggestion(1, 0, "Hard", 0.9, "m")])
        survey.annotate([(2, "Sand")], "Bo")
        survey.annotate([(3, "Fav")], "robot", state=MACHINE)
    window = PhotoWindow(state, Iface(qgis_iface))
    state.open(path)
    yield window
    window.remove()


def test_points_are_shown_as_they_stand(window, state):
    shown = {point.number: (point.state, point.label, point.colour) for point in window.points()}
    assert shown == {
        1: ("suggested", "Hard", "#ee6677"), 2: ("confirmed", "Sand", "#ccbb44"), 3: ("machine", "Fav", "#882255"),
        4: ("open", "", ""), 5: ("open", "", ""),
    }  # fmt: skip
    state.blind = True
    assert window.points()[0].state == "open"
    state.blind, state.apart = False, True
    assert window.points()[1].state == "open", "what others said is not seen by who annotates apart"
    state.label("Por")
    assert window.points()[0][4:] == ("confirmed", "Por", "#aa3377")


def test_keys_and_clicks_in_the_photo_do_what_they_do_in_the_dock(window, state, qtbot):
    view = window.dock.view
    assert window._offers() == ["Enter: Hard corals 90%", "1: Porites 60%"]
    assert window.dock.words.text() == "1.jpg · North · 2026-05-01 · point 1 of 5"
    qtbot.keyClick(view, Qt.Key.Key_Return)
    assert state.sheet.said(1).label == "Hard" and state.point.number == 3
    view.point_chosen.emit(5)
    assert state.point.number == 5
    with qtbot.waitSignal(state.search_wanted):
        qtbot.keyClick(view, Qt.Key.Key_Space)
    with qtbot.waitSignal(state.dock_wanted):
        qtbot.keyClick(view, Qt.Key.Key_Escape)


def test_a_photo_that_is_not_there_can_be_passed(window, state, qtbot):
    state.choose_photo(3)
    qtbot.keyClick(window.dock.view, Qt.Key.Key_PageDown)
    assert state.photo.photo == 4
    state.let_go()
    assert window.dock.words.text() == ""


def test_the_window_goes_with_the_state(window, state):
    main, dock = window._iface.mainWindow(), window.dock
    assert main.dockWidgetArea(dock) == Qt.DockWidgetArea.RightDockWidgetArea
    state.close()
    assert main.dockWidgetArea(dock) == Qt.DockWidgetArea.NoDockWidgetArea and window.dock is None


# Map -----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def canvas(qgis_app, qtbot):
    canvas = QgsMapCanvas()
    qtbot.addWidget(canvas)
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    return canvas


def test_the_photo_at_hand_is_ringed_wherever_the_map_lies(state, path, canvas):
    on_map = OnMap(state, canvas)
    state.open(path)
    state.choose_photo(2)
    assert on_map.place().x() == pytest.approx(0.002 * 111319.49, rel=1e-6)
    assert on_map._ring.isVisible()
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:4326"))
    assert on_map._ring.center().x() == pytest.approx(0.002)
    state.let_go()
    assert not on_map._ring.isVisible()


def test_a_photo_selected_on_the_map_is_turned_to(state, path, canvas):
    OnMap(state, canvas)
    state.open(path)
    state.map_wanted.emit()
    (layer,) = QgsProject.instance().mapLayers().values()
    assert layer.source() == source_of(path)
    layer.selectByIds([3])
    assert state.photo.photo == 3
    painted = []
    layer.repaintRequested.connect(lambda *_: painted.append(state.photo.state))
    for _ in range(5):
        state.label("Sand")
    assert painted == ["begun", "done"]
    state.map_wanted.emit()
    assert len(QgsProject.instance().mapLayers()) == 1, "it is there already"
    QgsProject.instance().removeAllMapLayers()
    state.choose_photo(1)


# Project -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", [source_of, str])
def test_photos_that_come_into_the_project_are_annotated_unless_others_are(state, path, tmp_path, source):
    ReefRemembering(state)
    QgsProject.instance().addMapLayer(QgsVectorLayer(source(path), "survey", "ogr"))
    assert state.path == path
    other = make_survey(tmp_path / "other.gpkg")
    QgsProject.instance().addMapLayer(QgsVectorLayer(source_of(other), "other", "ogr"))
    assert state.path == path


def test_a_project_opens_its_survey_again(state, path, tmp_path):
    ReefRemembering(state)
    state.open(path)
    project = QgsProject.instance()
    assert project.write(str(tmp_path / "project.qgz"))
    project.clear()
    state.let_go()
    assert project.read(str(tmp_path / "project.qgz"))
    assert state.path == path


def test_the_dock_may_annotate_while_qgis_has_the_photos_open(state, path):
    layer = QgsVectorLayer(source_of(path), "survey", "ogr")
    QgsProject.instance().addMapLayer(layer)
    state.open(path)
    state.survey.connection.execute("PRAGMA journal_mode = WAL")  # as QGIS does while a layer is edited
    for _ in range(5):
        state.label("Sand")
    assert next(layer.getFeatures("photo = 1"))["state"] == "done"
    with Survey(path) as survey:
        assert survey.counts()["annotations"] == 5
    state.session.look()
    state.session._wrote -= 10
    state.session.look()
    assert state.session._wrote is None
    alone = sqlite3.connect(f"file:{path}?immutable=1", uri=True)
    assert alone.execute("SELECT COUNT(*) FROM annotations").fetchone() == (5,), "the file alone has all"
    alone.close()
