"""The Teach tab: what each control shows of the state, and what it asks of it; by mouse and by keyboard."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsFeature,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtGui import QColor, QGuiApplication
from qgis.PyQt.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QSlider, QSpinBox, QToolTip, QWidget
from quadrat.core.live.messages import Known, Painted, Taught
from quadrat.plugin.controls import classes as class_control
from quadrat.plugin.controls.class_model import COLOUR, KEY, LABELS, NAME
from quadrat.plugin.panels.teach import TeachPanel
from quadrat.plugin.teach.words import words
from quadrat.tests.plugin.stand import CLASSES, Stand

SAMPLE = Path(__file__).resolve().parents[2] / "resources" / "sample" / "sen2_l2a_12band.tif"
Key = Qt.Key


@pytest.fixture
def state(qgis_app):
    return Stand()


@pytest.fixture
def panel(state, qtbot, qgis_new_project):
    panel = TeachPanel(state)
    qtbot.addWidget(panel)
    panel.resize(320, 900)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


@pytest.fixture
def raster(qgis_new_project):
    layer = QgsRasterLayer(str(SAMPLE), "sample")
    QgsProject.instance().addMapLayer(layer)
    return layer


@pytest.fixture
def taught(panel, state):
    """Classes, labels and a map."""
    state.begin()
    state.teach()
    return panel


def names(panel):
    return [entry["name"] for entry in panel.classes.model.classes]


def cell(panel, row, place):
    return panel.classes.model.data(panel.classes.model.index(row, place))


# Empty states --------------------------------------------------------------------------------------------------------


def test_without_an_engine_one_sentence_and_one_button(state, qtbot):
    state.engine_ready = False
    panel = TeachPanel(state)
    qtbot.addWidget(panel)
    panel.show()
    seen = [w for w in panel.findChildren(QAbstractButton) if w.isVisible() and w.text()]
    assert [button.text() for button in seen] == ["Go to the Engine tab"]
    with qtbot.waitSignal(panel.engine_wanted):
        qtbot.mouseClick(panel.to_engine, Qt.MouseButton.LeftButton)
    state.engine_ready = True
    panel.look_for_engine()
    assert not panel.to_engine.isVisible() and panel.source.isVisible()


def test_empty_project_says_what_to_do(panel):
    assert panel.source.said.text() == "Add a raster to the project, then choose it here."
    assert not panel.source.button.isVisible()
    assert not panel.classes.isVisible() and not panel.finish.isVisible()


def test_each_step_says_what_is_next(panel, state):
    state.begin()
    assert "two or more" in panel.classes.empty.text() and panel.classes.empty.isVisible()
    assert panel.labels.counts.text() == "No labels yet. Choose a class, then click on the map."
    assert "two classes" in panel.live.said.text()
    assert not panel.finish.everything.isEnabled() and panel.finish.hint.isVisible()
    state.teach()
    assert not panel.classes.empty.isVisible()
    assert panel.finish.everything.isEnabled() and not panel.finish.hint.isVisible()
    state.last = Painted("", 0, 0, 1, 1, 1, 0, True, "Label a second class.")
    state.painted.emit(state.last)
    assert panel.live.said.text() == "Label a second class."


# Raster and embedding ------------------------------------------------------------------------------------------------


def test_choosing_a_raster_asks_for_a_proposal(panel, state, raster):
    panel.source.raster.setLayer(raster)
    assert ("choose_raster", raster) in state.calls


@pytest.mark.parametrize(("kind", "text"), [("found", "Use it"), ("compute", "Make it"), ("none", None)])
def test_a_proposal_is_a_sentence_and_at_most_one_button(panel, state, raster, kind, text, qtbot):
    state.raster = raster
    state.proposal = SimpleNamespace(kind=kind, path="/data/e.tif", sentence="What was found.")
    state.changed.emit()
    assert panel.source.raster.currentLayer() is raster
    assert panel.source.said.text() == "What was found."
    assert panel.source.button.isVisible() == (text is not None)
    if text:
        assert panel.source.button.text() == text
        qtbot.mouseClick(panel.source.button, Qt.MouseButton.LeftButton)
        assert ("accept_proposal",) in state.calls


def test_once_begun_the_embedding_is_named(panel, state, raster):
    state.begin(raster)
    assert panel.source.said.text() == "Embedding: s2_embedding.tif, 64 numbers for each cell."
    assert not panel.source.button.isVisible()
    state.whole = False
    state.changed.emit()
    assert panel.source.said.text().endswith("So far only what the map showed.")


def test_showing_a_raster_asks_for_nothing(panel, state, raster):
    state.begin(raster)
    assert not [call for call in state.calls if call[0] == "choose_raster"]


def test_the_menu_offers_labels_heads_and_bands(panel, state, raster):
    layer = QgsVectorLayer("Point?field=kind:string", "places", "memory")
    QgsProject.instance().addMapLayer(layer)
    state.begin(raster)
    menu = panel.source.menu
    menu.aboutToShow.emit()
    menus = {action.text(): action.menu() for action in menu.actions()}
    (places,) = menus["Use labels of a layer"].actions()
    places.trigger()
    assert ("choose_labels", layer) in state.calls
    heads = menus["How it learns"].actions()
    assert [head.text() for head in heads if head.isChecked()] == ["Linear (logistic or ridge)"]
    heads[1].trigger()
    assert ("set_head", "prototype") in state.calls
    next(a for a in menu.actions() if a.text() == "Use the bands as they are").trigger()
    assert ("choose_embedding", raster.source()) in state.calls


def test_values_have_fewer_heads(panel, state):
    state.begin()
    state.set_target("value")
    panel.source.menu.aboutToShow.emit()
    heads = next(a.menu() for a in panel.source.menu.actions() if a.text() == "How it learns")
    assert "Nearest prototype" not in [action.text() for action in heads.actions()]


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


# Tools, undo, troubles -----------------------------------------------------------------------------------------------


def test_tools_go_both_ways(taught, state, qtbot):
    qtbot.mouseClick(taught.gestures.buttons["polygon"], Qt.MouseButton.LeftButton)
    assert state.tool == "polygon"
    state.tool = "none"
    state.changed.emit()
    assert [tool for tool, button in taught.gestures.buttons.items() if button.isChecked()] == ["none"]


def test_undo_and_redo_by_button_and_key(taught, state, qtbot):
    assert taught.labels.undo.isEnabled() and not taught.labels.redo.isEnabled()
    qtbot.mouseClick(taught.labels.undo, Qt.MouseButton.LeftButton)
    assert state.calls[-1] == ("undo",)
    taught.labels.redo_action.trigger()
    assert state.calls[-1] == ("redo",)
    state.stack.undo()
    state.changed.emit()
    assert not taught.labels.undo.isEnabled() and taught.labels.redo.isEnabled()


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({"a": 1}, "1 label in 1 class"),
        ({"a": 2}, "2 labels in 1 class"),
        ({"a": 2, "b": 1, "c": 0}, "3 labels in 2 classes"),
    ],
)
def test_labels_are_counted_in_plain_words(taught, state, counts, text):
    state.counts = counts
    state.changed.emit()
    assert taught.labels.counts.text() == text


def test_conflicts_are_told_and_shown(taught, state):
    assert "2 cells carry several classes." in taught.labels.troubles.text()
    assert "1 label lies where there is no data." in taught.labels.troubles.text()
    taught.labels.troubles.linkActivated.emit("show")
    assert state.calls[-1] == ("select_cells", [(3, 4), (8, 9)])
    state.taught = Taught(3, 3)
    state.changed.emit()
    assert not taught.labels.troubles.isVisible()


def test_selected_features_become_labels(taught, state):
    layer = QgsVectorLayer("Point?field=kind:string", "places", "memory")
    feature = QgsFeature(layer.fields())
    layer.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayer(layer)
    taught.labels.layers.aboutToShow.emit()
    (hint,) = taught.labels.layers.actions()
    assert not hint.isEnabled() and "Select features" in hint.text()
    layer.selectAll()
    taught.labels.layers.aboutToShow.emit()
    (action,) = taught.labels.layers.actions()
    assert action.text() == "places (1 feature)"
    action.trigger()
    assert ("label_selected", layer) in state.calls


# Live map ------------------------------------------------------------------------------------------------------------


def test_live_map_settings_go_both_ways(taught, state):
    taught.live.opacity.setValue(40)
    taught.live.fade.setChecked(False)
    assert (state.opacity, state.by_confidence) == (0.4, False)
    assert taught.live.shown.text() == "40 %"
    state.visible, state.opacity = False, 1.0
    before = len(state.calls)
    state.changed.emit()
    assert not taught.live.live.isChecked() and taught.live.opacity.value() == 100
    assert not taught.live.opacity.isEnabled()
    assert len(state.calls) == before


def test_unsure_places_have_a_coverage(taught, state):
    assert not taught.live.coverage.isEnabled()
    taught.live.unsure.setChecked(True)
    assert state.coverage == pytest.approx(0.9)
    taught.live.coverage.setValue(75)
    assert state.coverage == pytest.approx(0.75)
    assert taught.live.said.text() == "11 % of the view is unsure."
    taught.live.unsure.setChecked(False)
    assert state.coverage == 0


# What next -----------------------------------------------------------------------------------------------------------


def test_next_is_asked_for_and_answered_from_the_keyboard(taught, state, qtbot):
    taught.activateWindow()
    qtbot.mouseClick(taught.asking.button, Qt.MouseButton.LeftButton)
    assert state.calls[-1] == ("next",)
    state.ask()
    box = taught.asking.box
    assert box.isVisible() and not taught.asking.button.isVisible()
    assert box.question.text() == "Is this pasture? (62 %)"
    assert box.reason.text() == "The map wavers here between pasture and bare soil."
    assert taught.focusWidget() is box
    for key, call in ((Key.Key_Return, ("accept",)), (Key.Key_Space, ("skip",)), (Key.Key_Escape, ("end_next",))):
        qtbot.keyClick(box, key)
        assert state.calls[-1] == call
    qtbot.keyClick(box, "3")
    assert state.calls[-1] == ("correct", "village")
    count = len(state.calls)
    qtbot.keyClick(box, "x")
    assert len(state.calls) == count, "a key without a class does nothing"


def test_space_on_a_button_of_the_box_is_never_an_accept(taught, state):
    state.ask()
    for button in (taught.asking.box.accept, taught.asking.box.skip, taught.asking.box.stop):
        assert button.focusPolicy() == Qt.FocusPolicy.NoFocus


def test_a_place_without_a_guess_cannot_be_accepted(taught, state, qtbot):
    state.ask(guess="", probability=None)
    assert taught.asking.box.question.text() == "What is this?"
    assert not taught.asking.box.accept.isEnabled()
    qtbot.keyClick(taught.asking.box, Key.Key_Return)
    assert ("accept",) not in state.calls


def test_a_value_is_typed_and_entered(panel, state, qtbot):
    state.begin()
    state.set_target("value")
    state.ask(guess=4.5, probability=None)
    box = panel.asking.box
    assert box.value.value() == 4.5
    edit = box.value.lineEdit()
    edit.selectAll()
    qtbot.keyClicks(edit, "12")
    qtbot.keyClick(edit, Key.Key_Return)
    assert state.calls[-1] == ("correct", 12.0)
    qtbot.keyClick(edit, Key.Key_Space)
    assert state.calls[-1] == ("skip",)


def test_strategy_goes_both_ways(taught, state):
    combo = taught.asking.strategy
    combo.setCurrentIndex(combo.findData("margin"))
    combo.activated.emit(combo.currentIndex())
    assert state.strategy == "margin"
    state.strategy = "random"
    assert combo.currentText() == "At random"


# Under the cursor ----------------------------------------------------------------------------------------------------


def test_hover_tells_class_bars_and_neighbours(taught, state):
    state.point()
    hover = taught.hover
    assert hover.title.text() == "village, 83 % sure"
    assert [(name, share) for name, _, share in hover.bars.bars()] == [
        ("village", 0.83), ("pasture", 0.09), ("bare soil", 0.04), ("forest", 0.03),
    ]  # fmt: skip
    assert [e.likeness.text() for e in hover.examples] == ["97 % alike", "93 % alike", "71 % alike"]
    assert "village 83 %" in hover.bars.accessibleDescription()
    state.known.emit(Known(1, 1, False))
    assert hover.hint.text() == "There is no data here." and not hover.title.isVisible()
    state.known.emit(None)
    assert hover.hint.isVisible()


def test_hover_of_values_has_no_bars(taught, state):
    state.known.emit(Known(1, 1, True, (), 3.14159))
    assert taught.hover.title.text() == "Value: 3.142"
    assert not taught.hover.bars.isVisible()


def test_thumbnails_show_the_raster_around_the_example(panel, state, raster, qtbot):
    state.begin(raster)
    state.teach()
    made = []
    panel.hover._thumbnails.made.connect(lambda cell, picture: made.append((cell, picture)))
    state.point()
    qtbot.waitUntil(lambda: len(made) == 3, timeout=20_000)
    cells = {cell for cell, _ in made}
    assert cells == {(40, 50), (60, 20), (10, 90)}
    image = made[0][1].toImage()
    seen = {image.pixel(x, y) for x in range(image.width()) for y in range(image.height())}
    assert len(seen) > 5, "it is a picture, not a plain square"
    assert all(not example.picture.pixmap().isNull() for example in panel.hover.examples)
    state.point()  # known already: no new rendering
    assert len(made) == 6
    state.raster = None
    state.changed.emit()
    assert panel.hover.hint.isVisible()


# Finish and news -----------------------------------------------------------------------------------------------------


def test_finish_asks_copies_and_applies(taught, state, qtbot):
    qtbot.mouseClick(taught.finish.everything, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(taught.finish.assess, Qt.MouseButton.LeftButton)
    assert state.calls[-2:] == [("map_everything",), ("assess",)]
    for action, kind in zip(taught.finish.copy.menu().actions(), ("python", "shell", "json")):
        action.trigger()
        assert QGuiApplication.clipboard().text() == f"as {kind}"
    assert not taught.finish.heads.isVisible()
    state.heads = [{"name": "a.qhead", "path": "/a.qhead", "embedding": ""}]
    state.changed.emit()
    with qtbot.waitSignal(taught.apply_wanted) as asked:
        qtbot.mouseClick(taught.finish.apply, Qt.MouseButton.LeftButton)
    assert asked.args == ["/a.qhead"]


def test_work_shows_progress_and_can_be_cancelled(taught, state, qtbot):
    news = taught.news
    assert not news.doing.isVisible()
    state.busy = "Making the embedding"
    state.busy_changed.emit(state.busy)
    state.progressed.emit(42.0)
    assert news.doing.text() == "Making the embedding" and news.bar.value() == 42
    assert not taught.finish.everything.isEnabled()
    qtbot.mouseClick(news.cancel, Qt.MouseButton.LeftButton)
    assert state.calls[-1] == ("cancel",)
    state.busy = ""
    state.busy_changed.emit("")
    assert not news.doing.isVisible() and taught.finish.everything.isEnabled()


def test_an_error_stays_until_it_is_closed(taught, state, qtbot):
    state.said.emit("error", "The engine stopped.")
    state.said.emit("info", "Copied.")
    assert taught.news.text.text() == "The engine stopped."
    qtbot.mouseClick(taught.news.dismiss, Qt.MouseButton.LeftButton)
    assert not taught.news.text.isVisible()
    state.said.emit("info", "Copied.")
    assert taught.news.text.text() == "Copied." and taught.news._timer.isActive()


# For everybody -------------------------------------------------------------------------------------------------------

CONTROLS = (QAbstractButton, QComboBox, QLineEdit, QSlider, QSpinBox)


def test_every_control_has_a_name_and_a_tooltip_and_takes_the_keyboard(taught, state):
    state.heads = [{"name": "a.qhead", "path": "/a.qhead", "embedding": ""}]
    state.changed.emit()
    inner = {"qt_spinbox_lineedit", "ScrollLeftButton", "ScrollRightButton"}
    answered_by_the_box = {"accept", "skip", "stop"}
    for control in taught.findChildren(QWidget):
        if not isinstance(control, CONTROLS) or control.objectName() in inner or control.parent() is None:
            continue
        if type(control.parent()).__module__.startswith(("PyQt", "qgis._")) and not control.objectName():
            continue  # a part of one of Qt's own controls
        if control.objectName().startswith(("quadrat_", "mCollapse")):
            continue
        assert control.accessibleName(), control.objectName() or control
        assert control.toolTip(), control.objectName() or control
        if control.objectName() not in answered_by_the_box:
            assert control.focusPolicy() & Qt.FocusPolicy.TabFocus, control.objectName()


def test_tab_goes_from_top_to_bottom(taught):
    wanted = [
        taught.source.raster, taught.classes.view, taught.classes.name, taught.gestures.buttons["click"],
        taught.labels.undo, taught.live.live, taught.live.opacity, taught.asking.button, taught.finish.everything,
    ]  # fmt: skip
    chain, widget = [], taught.source.raster
    for _ in range(400):
        if widget in wanted:
            chain.append(widget)
        widget = widget.nextInFocusChain()
        if widget is taught.source.raster:
            break
    assert chain == wanted


def test_words_are_whole_sentences_or_short_names():
    for name, (title, tip) in words().items():
        assert title and title[0].isupper(), name
        assert tip and tip[0].isupper(), name
        assert not QToolTip.text(), name


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_nothing_is_clipped_in_a_dock_of_300_pixels(state, qtbot, qgis_new_project, scale, qapp):
    panel = TeachPanel(state)
    qtbot.addWidget(panel)
    font = panel.font()
    font.setPointSizeF(9.0 * scale)
    panel.setFont(font)
    panel.resize(round(300 * scale), 2000)
    panel.show()
    state.begin()
    state.teach()
    state.point()
    state.ask()
    state.test()
    qapp.processEvents()
    assert panel.minimumSizeHint().width() <= 300 * scale
    inner = panel.pages.currentWidget().viewport()
    for widget in panel.pages.currentWidget().widget().findChildren(QWidget):
        if widget.isVisible() and not widget.isWindow():
            right = widget.mapTo(inner, QPoint(widget.width(), 0)).x()
            assert right <= inner.width() + 1, (widget.objectName(), type(widget).__name__, right)
    for button in panel.findChildren(QAbstractButton):
        if button.isVisible() and button.text() and not button.icon().cacheKey():
            room = button.fontMetrics().horizontalAdvance(button.text())
            assert room <= button.width(), button.text()
    for label in panel.findChildren(QLabel):
        if label.isVisible() and label.wordWrap():
            assert label.heightForWidth(label.width()) <= label.height() + 1, label.text()
