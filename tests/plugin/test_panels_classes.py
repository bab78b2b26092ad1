"""The list of classes and the value in its place: by mouse and by keyboard."""

from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QLineEdit
from quadrat.plugin.controls import classes as class_control
from quadrat.plugin.controls.class_model import COLOUR, KEY, LABELS, NAME
from quadrat.tests.plugin.stand import CLASSES

Key = Qt.Key


def names(panel):
    return [entry["name"] for entry in panel.classes.model.classes]


def cell(panel, row, place):
    return panel.classes.model.data(panel.classes.model.index(row, place))


# Classes -------------------------------------------------------------------------------------------------------------


def test_a_class_is_added_by_enter_and_is_chosen(panel, state, qtbot):
    state.begin()
    for name in ("forest", "water"):
        qtbot.keyClicks(panel.classes.name, name)
        qtbot.keyClick(panel.classes.name, Key.Key_Return)
    assert names(panel) == ["forest", "water"]
    assert state.current == "water"
    assert panel.classes.name.text() == ""
    assert panel.classes.view.currentIndex().row() == 1


def test_a_name_that_is_taken_is_refused_in_a_sentence(panel, state, qtbot):
    state.begin()
    state.teach()
    qtbot.keyClicks(panel.classes.name, " forest ")
    qtbot.keyClick(panel.classes.name, Key.Key_Return)
    assert names(panel) == list(CLASSES)
    assert panel.news.level == "warning" and panel.news.text.text()
    assert panel.classes.name.text() == " forest ", "what was typed is not thrown away"


def test_the_table_tells_name_key_and_labels(taught, state):
    assert [cell(taught, 1, place) for place in (NAME, KEY, LABELS)] == ["water", "2", 6]
    state.counts["water"] = 7
    state.changed.emit()
    assert cell(taught, 1, LABELS) == 7
    role = Qt.ItemDataRole.AccessibleTextRole
    model = taught.classes.model
    assert model.data(model.index(4, NAME), role) == "bare soil, key 5, 1 label"
    assert model.data(model.index(0, NAME), role) == "forest, key 1, 14 labels"


def test_the_chosen_class_goes_both_ways(taught, state, qtbot):
    view = taught.classes.view
    view.setCurrentIndex(taught.classes.model.index(3, NAME))
    assert state.current == "pasture"
    before = len(state.calls)
    state.current = "water"
    state.changed.emit()
    assert view.currentIndex().row() == 1
    assert taught.classes.chosen() == ["water"]
    assert len(state.calls) == before, "what is shown is not asked for again"


def test_keys_of_classes_choose_them(taught, state, qtbot):
    qtbot.keyClick(taught.classes.view, "4")
    assert state.current == "pasture"
    qtbot.keyClick(taught.classes.view, "z")
    assert state.current == "pasture"


def test_rename_in_place(taught, state, qtbot):
    view = taught.classes.view
    view.setFocus()
    taught.classes.rename_action.trigger()
    editor = view.viewport().findChild(QLineEdit)
    editor.setText("settlement")
    qtbot.keyClick(editor, Key.Key_Return)
    qtbot.waitUntil(lambda: "settlement" in names(taught), timeout=3000)
    assert "village" not in names(taught)
    assert taught.classes.rename_action.shortcut().toString() == "F2"


def test_another_key_in_place(taught, state):
    model = taught.classes.model
    assert model.setData(model.index(0, KEY), "F")
    assert state.classes.by_key("f").name == "forest"
    assert not model.setData(model.index(0, KEY), "?!")
    assert taught.news.level == "warning"


def test_recolour(taught, state, monkeypatch):
    monkeypatch.setattr(class_control.QgsColorDialog, "getColor", lambda *a: QColor("#123456"))
    taught.classes.view.doubleClicked.emit(taught.classes.model.index(2, COLOUR))
    assert state.classes.get("village").colour == "#123456"
    monkeypatch.setattr(class_control.QgsColorDialog, "getColor", lambda *a: QColor())
    taught.classes.recolour_action.trigger()
    assert state.classes.get("village").colour == "#123456", "a cancelled dialog changes nothing"


def test_delete_says_that_undo_brings_it_back(taught, state):
    taught.classes.delete_action.trigger()
    assert "village" not in names(taught)
    assert taught.news.text.text() == "9 labels went too. Undo brings them back."
    assert taught.classes.delete_action.shortcut().toString() == "Del"


def test_merge_from_the_menu(taught, state):
    taught.classes.menu.aboutToShow.emit()
    merge = next(a.menu() for a in taught.classes.menu.actions() if a.text() == "Merge into")
    assert [a.text() for a in merge.actions()] == [name for name in CLASSES if name != "village"]
    next(a for a in merge.actions() if a.text() == "bare soil").trigger()
    assert ("merge_classes", ("village",), "bare soil") in state.calls
    assert names(taught) == ["forest", "water", "pasture", "bare soil"]


def test_classes_come_from_categories(taught, state):
    plain = QgsVectorLayer("Point?field=kind:string", "plain", "memory")
    layer = QgsVectorLayer("Point?field=kind:string", "kinds", "memory")
    layer.setRenderer(QgsCategorizedSymbolRenderer("kind", []))
    QgsProject.instance().addMapLayers([plain, layer])
    taught.classes.menu.aboutToShow.emit()
    load = next(a.menu() for a in taught.classes.menu.actions() if a.text().startswith("Load"))
    (action,) = load.actions()
    action.trigger()
    assert ("load_classes", layer) in state.calls


def test_the_table_is_as_high_as_its_classes_and_then_scrolls(panel, state, qtbot):
    state.begin()
    for number in range(12):
        state.classes.add(f"class {number}")
        state.changed.emit()
    eight = panel.classes.view.height()
    state.classes.add("one more")
    state.changed.emit()
    assert panel.classes.view.height() == eight


# Values --------------------------------------------------------------------------------------------------------------


def test_values_instead_of_classes(panel, state, qtbot):
    state.begin()
    qtbot.mouseClick(panel.target.buttons["value"], Qt.MouseButton.LeftButton)
    assert state.target == "value"
    assert panel.value.isVisible() and not panel.classes.isVisible()
    assert not panel.live.unsure.isVisible() and not panel.live.fade.isVisible()
    panel.value.spin.setValue(3.25)
    assert state.value == 3.25
    assert panel.value.spin.text() in ("3.25", "3,25")
    state.value = -7.0
    state.changed.emit()
    assert panel.value.spin.value() == -7.0
