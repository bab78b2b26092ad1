"""The Teach tab: what it says at each step, and what raster, tools, settings and buttons ask of the state."""

from types import SimpleNamespace

import pytest
from qgis.core import (
    QgsFeature,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtGui import QGuiApplication
from qgis.PyQt.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QSlider, QSpinBox, QToolTip, QWidget
from quadrat.core.live.messages import Painted, Taught
from quadrat.plugin.panels.teach import TeachPanel
from quadrat.plugin.teach.words import words

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
    state.set_tool("none")
    assert panel.labels.counts.text() == "No labels yet. Choose a class, press 'Click', then click on the map."
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
    state.proposal = SimpleNamespace(kind="compute", path="/data/e.tif", sentence="It is made first.")
    state.changed.emit()
    assert panel.source.said.text().endswith("So far only what the map showed.")
    assert panel.source.button.isVisible()  # the rest was cancelled: it can be made
    state.busy = "Making the embedding of the whole raster"
    state.busy_changed.emit(state.busy)
    assert not panel.source.button.isVisible()


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


def test_a_warning_that_was_read_does_not_hide_what_happened_since(taught, state, monkeypatch):
    state.said.emit("warning", "Wait until this is done.")
    state.said.emit("info", "The map is written.")
    assert taught.news.text.text() == "Wait until this is done."
    monkeypatch.setattr("quadrat.plugin.controls.news.READ_MS", 0)
    state.said.emit("info", "The map is written.")
    assert taught.news.text.text() == "The map is written."


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
    panel.resize(round(300 * scale), 600)
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
