"""The Reef tab as it is seen and pressed: names, keys, width; and where the photo window and the map follow."""

import pytest
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QSlider, QSpinBox, QWidget
from quadrat.core.reef.survey import Suggestion, Survey
from quadrat.plugin.panels.reef import ReefPanel
from quadrat.plugin.reef.state import ReefState
from quadrat.plugin.reef.words import words
from quadrat.tests.plugin.reefmade import make_survey

CONTROLS = (QAbstractButton, QComboBox, QLineEdit, QSlider, QSpinBox)
Key, Shift, Control = Qt.Key, Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def path(tmp_path):
    made = make_survey(tmp_path / "survey.gpkg")
    with Survey(made) as survey:
        rows = []
        for point in survey.points(1):
            rows += [Suggestion(point.point, 1, "Por", 0.62, "m"), Suggestion(point.point, 2, "Fav", 0.3, "m")]
        rows.append(Suggestion(1, 0, "Hard", 0.95, "m"))
        survey.suggest(rows)
    return made


@pytest.fixture
def state(qgis_app, qgis_new_project):
    state = ReefState()
    state.annotator = "Ana"
    yield state
    state.close()


@pytest.fixture
def panel(state, qtbot):
    panel = ReefPanel(state)
    qtbot.addWidget(panel)
    panel.resize(320, 1000)
    panel.show()
    qtbot.waitExposed(panel)
    return panel


@pytest.fixture
def opened(panel, state, path):
    state.open(path)
    panel.activateWindow()
    panel.take_keyboard()
    return panel


def label_of(state, point):
    return {one.point: one.label for one in state.survey.annotations(state.photo.photo)}.get(point, "")


def test_without_a_survey_it_says_what_to_do(panel, state, qtbot):
    seen = [button.text() for button in panel.pages.currentWidget().findChildren(QAbstractButton)]
    assert seen == ["Open survey…", "Import photo survey…"]
    with qtbot.waitSignal(state.form_wanted) as asked:
        qtbot.mouseClick(panel.bring, Qt.MouseButton.LeftButton)
    assert asked.args == ["quadrat:importreef", {}]


def test_it_says_where_one_is(opened, state):
    assert opened.point.title.text() == "Point 1 of 5"
    assert opened.point.said.text() == "Not labelled yet"
    assert opened.progress.photo_text.text() == "Photo: 0 / 5 points"
    assert opened.progress.text.text() == "Survey: 0 / 20 points, 0 / 4 photos"
    assert opened.photos.count.text() == "4 photos"
    assert [offer.text() for offer in (opened.point.first, *opened.point.offers)] == [
        "Hard corals", "Porites", "Favia", "", "", "",
    ]  # fmt: skip
    state.label("Sand")
    assert opened.progress.text.text() == "Survey: 1 / 20 points, 0 / 4 photos"
    assert opened.photos.model.index(0, 1).data() == "1 / 5"
    assert opened.point.first.text() == "Porites ?"
    state.step_point(-1)
    assert opened.point.said.text() == "You said: Sand"
    state.accept_photo(every=True)
    state.end_point(1)
    assert opened.point.said.text().endswith(", accepted with the photo")


def test_one_key_one_label(opened, state, qtbot):
    box = opened.point
    for key, label in ((Key.Key_Return, "Hard"), (Key.Key_S, "Sand"), (Key.Key_2, "Fav"), (Key.Key_Enter, "Por")):
        point = state.point.point
        qtbot.keyClick(box, key)
        assert label_of(state, point) == label
    assert state.point.number == 5
    qtbot.keyClick(box, Key.Key_Z, Control)
    assert label_of(state, 4) == "" and state.point.number == 4
    qtbot.keyClick(box, Key.Key_Y, Control)
    assert label_of(state, 4) == "Por"
    qtbot.keyClick(box, Key.Key_Delete)
    assert label_of(state, 4) == ""
    qtbot.keyClick(box, Key.Key_Return, Control | Shift)
    assert label_of(state, 5) == "Por" and state.photo.annotated == 5


def test_arrows_and_pages_move_and_write_nothing(opened, state, qtbot):
    box = opened.point
    places = []
    for key in (Key.Key_Right, Key.Key_Down, Key.Key_Tab, Key.Key_Left, Key.Key_Up, Key.Key_End, Key.Key_Home):
        qtbot.keyClick(box, key)
        places.append(state.point.number)
    assert places == [2, 3, 4, 3, 2, 5, 1]
    qtbot.keyClick(box, Key.Key_PageDown)
    assert state.photo.photo == 2
    qtbot.keyClick(box, Key.Key_PageUp)
    assert state.photo.photo == 1
    assert state.survey.counts()["annotations"] == 0


def test_a_letter_of_no_label_begins_a_search_and_enter_gives_what_is_found(opened, state, qtbot):
    qtbot.keyClick(opened.point, Key.Key_F)
    assert opened.palette.find.text() == "f" and opened.palette.find.hasFocus()
    assert opened.palette.model.index(0, 0).data() == "Favia (Fav)"
    with qtbot.waitSignal(state.keyboard_wanted):
        qtbot.keyClick(opened.palette.find, Key.Key_Return)
    assert label_of(state, 1) == "Fav" and opened.palette.find.text() == ""
    qtbot.keyClick(opened.point, Key.Key_Space)
    qtbot.keyClicks(opened.palette.find, "cor")
    qtbot.keyClick(opened.palette.find, Key.Key_Down)
    qtbot.keyClick(opened.palette.find, Key.Key_Return)
    assert label_of(state, 2) == "Hard"
    qtbot.keyClick(opened.point, Key.Key_Space)
    with qtbot.waitSignal(state.keyboard_wanted):
        qtbot.keyClick(opened.palette.find, Key.Key_Escape)
    assert label_of(state, 3) == ""


def test_a_click_gives_a_label_and_recent_ones_are_at_hand(opened, state, qtbot):
    view = opened.palette.view
    index = opened.palette.model.index(1, 0)
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=view.visualRect(index).center())
    assert label_of(state, 1) == "Sand"
    assert [button.text() for button in opened.palette.recent if button.isEnabled()] == ["Sand"]
    qtbot.mouseClick(opened.palette.recent[0], Qt.MouseButton.LeftButton)
    assert label_of(state, 2) == "Sand"
    qtbot.mouseClick(opened.point.offers[1], Qt.MouseButton.LeftButton)
    assert label_of(state, 3) == "Fav"


def test_labels_stand_in_their_tree_or_in_a_list(opened, state):
    assert opened.palette.model.rowCount() == 2 and opened.palette.model.item(0).rowCount() == 2
    state.tree = False
    assert opened.palette.model.rowCount() == 6


def test_hidden_suggestions_are_not_seen(opened, state, qtbot):
    qtbot.keyClick(opened.point, Key.Key_H, Control)
    assert opened.point.blind.isChecked()
    assert [offer.text() for offer in opened.point.offers] == [""] * 5
    assert opened.point.first.text() == "Suggestions are hidden"


def test_photos_are_chosen_and_filtered(opened, state):
    opened.photos.view.setCurrentIndex(opened.photos.model.index(2, 0))
    assert state.photo.photo == 3
    opened.photos.find.setText("4.jpg")
    assert opened.photos.count.text() == "1 of 4"
    opened.photos.find.setText("nothing like it")
    assert opened.photos.empty.isVisible() and not opened.photos.view.isVisible()
    assert state.photo.photo == 3


def test_what_is_refused_is_said_in_the_dock(opened, state, qtbot):
    qtbot.keyClick(opened.point, Key.Key_5)
    assert opened.news.text.text() == "There is no suggestion 5 here."


def test_undo_works_wherever_in_the_tab_the_keyboard_is(opened, state):
    state.label("Sand")
    assert opened.history.undo.isEnabled() and not opened.history.redo.isEnabled()
    assert set(opened.history.actions) <= set(opened.actions())
    opened.history.actions[0].trigger()
    assert state.sheet.said(1) is None and opened.history.redo.isEnabled()
    opened.history.actions[1].trigger()
    assert state.sheet.said(1).label == "Sand"


def test_enter_on_a_photo_gives_the_keyboard_to_it_and_a_search_is_seen(opened, state, qtbot, qapp):
    with qtbot.waitSignal(state.photo_wanted):
        opened.photos.view.activated.emit(opened.photos.model.index(0, 0))
    opened.resize(320, 400)
    qapp.processEvents()
    state.search_wanted.emit("s")
    qapp.processEvents()
    seen = opened.scroller.viewport().rect()
    top = opened.palette.find.mapTo(opened.scroller.viewport(), QPoint(0, 0))
    assert seen.contains(top)


def test_menus_open_the_forms_filled_in(opened, state, qtbot):
    asked = []
    state.form_wanted.connect(lambda *values: asked.append(values))
    menu = opened.survey.more.menu()
    menu.aboutToShow.emit()
    next(action for action in menu.actions() if action.text() == "Place points on photos…").trigger()
    assert asked == [("quadrat:placepoints", {"SURVEY": f"{state.path}|layername=photos"})]
    how = opened.survey.how.menu()
    how.aboutToShow.emit()
    apart, mixed, unsure, flows = how.actions()
    apart.trigger()
    assert state.apart
    mixed.trigger()
    assert state.mixed
    unsure.trigger()
    assert state.order == "least sure first"
    flows.trigger()
    assert state.flows


# For everybody -------------------------------------------------------------------------------------------------------


def test_every_control_has_a_name_and_a_tooltip_and_takes_the_keyboard(opened):
    inner = {"qt_spinbox_lineedit", "ScrollLeftButton", "ScrollRightButton"}
    for control in opened.findChildren(QWidget):
        if not isinstance(control, CONTROLS) or control.objectName() in inner or control.parent() is None:
            continue
        if type(control.parent()).__module__.startswith(("PyQt", "qgis._")) and not control.objectName():
            continue  # a part of one of Qt's own controls
        if control.objectName().startswith(("quadrat_", "mCollapse")):
            continue
        assert control.accessibleName(), control.objectName() or control
        assert control.toolTip(), control.objectName() or control
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus, control.objectName()


def test_words_are_whole_sentences_or_short_names():
    for name, (title, tip) in words().items():
        assert title and title[0].isupper(), name
        assert tip and tip[0].isupper(), name


@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_nothing_is_clipped_in_a_dock_of_300_pixels(state, path, qtbot, scale, qapp):
    panel = ReefPanel(state)
    qtbot.addWidget(panel)
    font = panel.font()
    font.setPointSizeF(9.0 * scale)
    panel.setFont(font)
    panel.resize(round(300 * scale), 600)
    panel.show()
    state.open(path)
    state.label("Sand")
    state.said.emit("warning", "Something that takes two lines or so to say in a dock as narrow as this one is.")
    qapp.processEvents()
    assert panel.minimumSizeHint().width() <= 300 * scale
    for widget in panel.findChildren(QWidget):
        if widget.isVisible() and not widget.isWindow():
            right = widget.mapTo(panel, QPoint(widget.width(), 0)).x()
            assert right <= panel.width() + 1, (widget.objectName(), type(widget).__name__, right)
    for label in panel.findChildren(QLabel):
        if label.isVisible() and label.wordWrap():
            assert label.heightForWidth(label.width()) <= label.height() + 1, label.text()
