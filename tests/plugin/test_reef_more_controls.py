"""The second half of the Reef tab: what is shown, dragged, typed and pressed, on the state of a real survey."""

import pytest
from qgis.PyQt.QtCore import QPoint, Qt
from qgis.PyQt.QtGui import QImage
from qgis.PyQt.QtWidgets import QAbstractButton, QAbstractItemView, QComboBox, QLabel, QLineEdit, QSpinBox, QWidget
from quadrat.core.reef.survey import Label, Suggestion, Survey
from quadrat.core.reef.tally import Bar, Tally
from quadrat.plugin.controls import reef_labels
from quadrat.plugin.controls.reef_agreement import ReefAgreementControl
from quadrat.plugin.controls.reef_cover import ReefCoverControl
from quadrat.plugin.controls.reef_labels import KEY, NAME, POINTS, ReefLabelControl
from quadrat.plugin.controls.reef_learn import ReefLearnControl
from quadrat.plugin.controls.reef_sign import ReefSignControl, StopSign
from quadrat.plugin.reef import errand as errands
from quadrat.plugin.reef.coverchart import Estimated, Interval
from quadrat.plugin.reef.sign import GO_ON, STOP, UNKNOWN, Batch, Verdict
from quadrat.plugin.reef.state import ReefState
from quadrat.tests.plugin.reefmade import finish, make_survey
from quadrat.tests.plugin.test_reef_more_state import FakeRun

ALL = (ReefLabelControl, ReefLearnControl, ReefSignControl, ReefCoverControl, ReefAgreementControl)


@pytest.fixture
def state(qgis_app, tmp_path, monkeypatch):
    FakeRun.made, FakeRun.refuse = [], ""
    monkeypatch.setattr(errands, "Run", FakeRun)
    path = make_survey(tmp_path / "survey.gpkg")
    with Survey(path) as survey:
        finish(survey, 1, "Por", "Ana")
        finish(survey, 1, "Fav", "Ben")
        finish(survey, 2, "Sand", "Ana")
    state = ReefState()
    state.annotator = "Ana"
    state.open(path)
    yield state
    state.close()


@pytest.fixture
def shown(state, qtbot):
    """Makes a control and shows it in a dock of this width."""

    def show(kind, width=300):
        control = kind(state)
        qtbot.addWidget(control)
        control.resize(width, 700)
        control.show()
        qtbot.waitExposed(control)
        return control

    return show


def row_of(control, code):
    """The row of a label."""
    return control._items()[code.lower()]


# The label tree ------------------------------------------------------------------------------------------------------


def test_labels_stand_in_their_tree_with_key_and_points(shown, state, qtbot):
    labels = shown(ReefLabelControl)
    qtbot.waitUntil(lambda: row_of(labels, "Por").text(POINTS) == "5")
    assert row_of(labels, "Por").parent() is row_of(labels, "Hard")
    assert (row_of(labels, "Por").text(NAME), row_of(labels, "Por").text(KEY)) == ("Porites", "p")
    row_of(labels, "Hard").setExpanded(False)
    state.reread_labels()
    assert not row_of(labels, "Hard").isExpanded() and row_of(labels, "Coral").isExpanded()


def test_labels_are_added_where_one_is_chosen(shown, state, qtbot):
    labels = shown(ReefLabelControl)
    assert labels.name.placeholderText() == "New label at the top"
    labels.view.setCurrentItem(row_of(labels, "Hard"))
    assert labels.name.placeholderText() == "New label below Hard"
    qtbot.keyClicks(labels.name, "Acr Acropora")
    qtbot.keyClick(labels.name, Qt.Key.Key_Return)
    assert (state.palette.label("Acr").parent, state.palette.label("Acr").name) == ("Hard", "Acropora")
    assert labels.chosen() == ["Hard"] and labels.name.text() == ""
    said = []
    state.said.connect(lambda level, text: said.append((level, text)))
    qtbot.keyClicks(labels.name, "acr")
    qtbot.mouseClick(labels.add, Qt.MouseButton.LeftButton)
    assert said == [("warning", "There is a label 'Acr' already. Choose another code.")]
    assert labels.name.text() == "acr"


def test_cells_are_edited_in_place_and_refused_ones_come_back(shown, state):
    labels = shown(ReefLabelControl)
    row_of(labels, "Por").setText(NAME, "Lobe coral")
    assert state.palette.name("Por") == "Lobe coral"
    row_of(labels, "Por").setText(KEY, "h")
    assert (state.palette.key("Por"), state.palette.key("Hard")) == ("h", "")
    row_of(labels, "Por").setText(0, "Fav")
    assert row_of(labels, "Por").text(0) == "Por"
    row_of(labels, "Por").setText(0, "Plob")
    assert state.survey.annotations(1, "Ana")[0].label == "Plob" and labels.chosen() == ["Plob"]
    row_of(labels, "Plob").setText(POINTS, "99")
    assert row_of(labels, "Plob").text(POINTS) != "99"


def test_labels_are_moved_by_drag_and_by_keyboard(shown, state, monkeypatch):
    labels = shown(ReefLabelControl)
    labels.view.dropped.emit(["Hard", "Por"], "Sand")  # what lies below a moved label comes along
    assert (state.palette.label("Hard").parent, state.palette.label("Por").parent) == ("Sand", "Hard")
    state.undo()
    said = []
    state.said.connect(lambda level, text: said.append(text))
    labels.view.dropped.emit(["Coral"], "Por")
    assert "circle" in said[0] and state.palette.label("Coral").parent == ""
    labels.view.setCurrentItem(row_of(labels, "Fav"))
    labels.out_action.trigger()
    assert state.palette.label("Fav").parent == "Coral" and labels.chosen() == ["Fav"]
    labels.in_action.trigger()
    assert state.palette.label("Fav").parent == "Hard"
    state.undo()
    assert state.palette.label("Fav").parent == "Coral" and labels.chosen() == ["Fav"]
    state.redo()
    on = QAbstractItemView.DropIndicatorPosition.OnItem
    assert drop(labels, monkeypatch, "Fav", "Soft", on) == (["Fav"], "Soft")
    beside = QAbstractItemView.DropIndicatorPosition.BelowItem
    assert drop(labels, monkeypatch, "Fav", "Soft", beside) == (["Fav"], "Coral")


def test_keys_of_the_tree_reach_it_and_keep_what_is_chosen(shown, state, qtbot):
    labels = shown(ReefLabelControl)
    labels.activateWindow()
    labels.view.setFocus()
    qtbot.waitUntil(labels.view.hasFocus)
    labels.view.setCurrentItem(row_of(labels, "Hard"))
    qtbot.keyClick(labels.view, Qt.Key.Key_Left, Qt.KeyboardModifier.ControlModifier)
    assert state.palette.label("Hard").parent == "" and labels.chosen() == ["Hard"]
    qtbot.keyClick(labels.view, Qt.Key.Key_F2)
    assert labels.view.findChild(QLineEdit).text() == "Hard corals"


def drop(labels, monkeypatch, code, target, where):
    """What a drop of one label at another asks for."""
    place, asked = labels.view.visualItemRect(row_of(labels, target)).center(), []

    class Event:
        def pos(self):
            return place

        def setDropAction(self, action):
            assert action == Qt.DropAction.IgnoreAction

        def accept(self):
            pass

    labels.view.setCurrentItem(row_of(labels, code))
    monkeypatch.setattr(reef_labels.LabelView, "dropIndicatorPosition", lambda self: where)
    labels.view.dropped.disconnect()
    labels.view.dropped.connect(lambda codes, parent: asked.append((codes, parent)))
    labels.view.dropEvent(Event())
    return asked[0]


def test_merge_and_remove_from_the_menu(shown, state):
    labels = shown(ReefLabelControl)
    labels.view.setCurrentItem(row_of(labels, "Fav"))
    row_of(labels, "Por").setSelected(True)
    labels.menu.aboutToShow.emit()
    assert labels.merge_action.text() == "Merge 1 label into Fav" and labels.merge_action.isEnabled()
    labels.merge_action.trigger()
    assert state.palette.label("Por") is None and labels.chosen() == ["Fav"]
    labels.view.setCurrentItem(row_of(labels, "Soft"))
    labels.remove_action.trigger()
    labels.unused_action.trigger()
    assert [label.code for label in state.palette.labels] == ["Coral", "Hard", "Fav", "Sand"]
    state.let_go()
    assert not labels.view.isVisible() and not labels.name.isEnabled()


def test_what_is_typed_outlives_counts_and_news_from_elsewhere(shown, state, qtbot):
    labels = shown(ReefLabelControl)
    labels.view.setCurrentItem(row_of(labels, "Por"))
    labels.rename_action.trigger()
    editor = labels.view.findChild(QLineEdit)
    editor.setText("Lobe coral")
    state.survey.put_labels([Label("Alg", "Algae")])
    state.reread_labels()
    labels.work.counts = {"por": 7}
    labels.work.changed.emit()
    assert labels.view.findChild(QLineEdit) is editor and editor.text() == "Lobe coral"
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "alg" in labels._items())
    assert state.palette.name("Por") == "Lobe coral" and row_of(labels, "Por").text(NAME) == "Lobe coral"
    labels.work.counts = {"por": 8}
    before = row_of(labels, "Por")
    labels.work.changed.emit()
    assert row_of(labels, "Por") is before and before.text(POINTS) == "8"


# Two annotators ------------------------------------------------------------------------------------------------------


def test_agreement_lists_levels_and_points_that_lead_to_their_photo(shown, state, qtbot):
    control = shown(ReefAgreementControl)
    qtbot.waitUntil(lambda: control.kappas.rowCount() == 3)
    assert control.pair.currentText() == "Ana and Ben: 5 points"
    cells = [[control.kappas.index(level, place).data() for place in range(4)] for level in range(3)]
    assert cells == [["1", "100 %", "–", "–"], ["2", "100 %", "–", "–"], ["3", "0 %", "0.00", "–"]]
    assert control.heading.text() == "They agree in all points at level 1." and not control.points.isVisible()
    control.table.setCurrentIndex(control.kappas.index(2, 0))
    assert control.heading.text() == "They differ in 5 points at level 3:"
    assert [control.differing.index(1, place).data() for place in range(4)] == ["1.jpg", 2, "Por", "Fav"]
    state.choose_photo(3)
    control.points.setCurrentIndex(control.differing.index(1, 0))
    assert (state.photo.photo, state.point.number) == (1, 2)
    tip = control.differing.index(1, 0).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "1.jpg, point 2: Porites by Ana, Favia by Ben"
    assert control.said.text().startswith("Ana: 10 points; Ben: 5 points.")


# Training ------------------------------------------------------------------------------------------------------------


def test_training_is_started_watched_and_stopped(shown, state, qtbot):
    learn = shown(ReefLearnControl)
    qtbot.waitUntil(learn.train.isEnabled)
    assert not learn.suggest.isEnabled() and not learn.working.isVisible() and not learn.first.isEnabled()
    qtbot.mouseClick(learn.train, Qt.MouseButton.LeftButton)
    assert learn.working.isVisible() and learn.doing.text() == "Training" and not learn.train.isEnabled()
    FakeRun.made[0].progressed.emit(60.0)
    assert learn.bar.value() == 30
    qtbot.mouseClick(learn.stop, Qt.MouseButton.LeftButton)
    assert FakeRun.made[0].cancelled
    FakeRun.made[0].finished.emit(False, {}, "Cancelled.")
    assert not learn.working.isVisible() and learn.result.text().startswith("Stopped.")
    learn.auto.setChecked(True)
    learn.first.setValue(7)
    learn.wish.setValue(85.0)
    assert (learn.training.automatic, learn.training.first, learn.training.wish) == (True, 7, 85.0)
    with qtbot.waitSignal(state.form_wanted) as asked:
        qtbot.mouseClick(learn.form, Qt.MouseButton.LeftButton)
    assert asked.args[0] == "quadrat:trainreef" and asked.args[1]["SURVEY"] == state.path


# The stop sign -------------------------------------------------------------------------------------------------------


def verdict(stop):
    """Three batches of a machine that becomes better."""
    batches = [
        Batch(15, 20, "Hard", 0.09, 0.05, 0.13, 0.8, False), Batch(15, 40, "Soft", 0.05, 0.02, 0.08, 0.9, False),
        Batch(15, 60, "Hard", 0.02, 0.01, 0.04, 0.9, True),
    ]  # fmt: skip
    return Verdict(stop, 0 if stop else 14, "The sentence.", 3, 15, batches)


@pytest.mark.parametrize(
    ("kind", "more", "word", "colour"),
    [(STOP, 0, "STOP", (193, 39, 45)), (GO_ON, 14, "+14", (31, 111, 178)), (UNKNOWN, None, "?", (138, 148, 158))],
)
def test_the_sign_is_told_by_word_shape_and_colour(qgis_app, qtbot, kind, more, word, colour):
    sign = StopSign()
    qtbot.addWidget(sign)
    sign.set_sign(kind, more, "said")
    assert sign.word() == word and sign.accessibleDescription() == "said"
    image = QImage(sign.sizeHint(), QImage.Format.Format_RGB32)
    image.fill(Qt.GlobalColor.black)
    sign.resize(sign.sizeHint())
    sign.render(image)
    assert image.pixelColor(image.width() // 2, image.height() // 7).getRgb()[:3] == colour


def test_the_sign_shows_the_answer_and_asks_what_is_typed(shown, state, qtbot):
    control = shown(ReefSignControl)
    assert control.headline.text() == "Not known yet" and not control.plot.isVisible()
    control.asking.verdict = verdict(False)
    control.asking.changed.emit()
    assert control.headline.text() == "Check about 14 more photos" and control.explanation.text() == "The sentence."
    assert (control.sign.kind, control.sign.word()) == (GO_ON, "+14")
    assert control.plot.isVisible()
    if control.plot.plot is not None:
        assert control.plot.caption.text() == "Last batch: 15 photos; worst group: Hard corals."
        assert list(control.plot.line.getData()[0]) == [15.0, 30.0, 45.0]
    control.asking.verdict = verdict(True)
    control.asking.changed.emit()
    assert (control.sign.kind, control.headline.text()) == (STOP, "You may stop")
    control.tolerance.setValue(3.0)
    control.level.setValue(2)
    control.targets.setText(" Hard, Soft ")
    control.targets.editingFinished.emit()
    question = control.asking.question
    assert (question.tolerance, question.tree_level, question.targets) == (3.0, 2, "Hard, Soft")
    assert not control.level.isEnabled()
    with qtbot.waitSignal(state.form_wanted) as asked:
        qtbot.mouseClick(control.report, Qt.MouseButton.LeftButton)
    assert asked.args == ["quadrat:checkreef", {"SURVEY": state.path, "TARGETS": "Hard, Soft", "TREE_LEVEL": 2,
                                                "TOLERANCE": 3.0}]  # fmt: skip


# Cover ---------------------------------------------------------------------------------------------------------------


def test_cover_is_drawn_with_what_is_estimated(shown, state, qtbot):
    control = shown(ReefCoverControl)
    qtbot.waitUntil(lambda: control.cover.tally is not None)
    assert control.level.maximum() == 3 and control.intervals.isEnabled() and not control.bar.isVisible()
    control.level.setValue(3)
    qtbot.waitUntil(lambda: control.cover.tally.level == 3)
    qtbot.mouseClick(control.intervals, Qt.MouseButton.LeftButton)
    assert control.bar.isVisible() and not control.intervals.isEnabled()
    control.cover.errand.forget()
    control.cover.estimated = Estimated(2, 4, {3: {"Por": Interval(0.3, 0.2, 0.45, "people")}})
    control.cover.tally = Tally(3, 2, 4, (*(Bar(f"L{n}", 0.05) for n in range(20)), Bar("Por", 0.01)))
    control._show()
    if control.plot.plot is not None:
        assert len(control.plot.bars.opts["width"]) == 14 and control.plot.bars.opts["width"][-1] == pytest.approx(36)
        assert "all others 36.0 %" in control.plot.accessibleDescription()
        control.cover.tally = Tally(3, 2, 4, (Bar("Por", 0.4),))
        control._show()
        assert control.plot.intervals.opts["right"] == pytest.approx([15.0])
    with qtbot.waitSignal(state.form_wanted):
        qtbot.mouseClick(control.form, Qt.MouseButton.LeftButton)


# For everybody -------------------------------------------------------------------------------------------------------

CONTROLS = (QAbstractButton, QComboBox, QLineEdit, QSpinBox)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("scale", [1.0, 1.5])
def test_names_tooltips_keyboard_and_300_pixels(shown, state, qapp, qtbot, kind, scale):
    control = kind(state)
    qtbot.addWidget(control)
    font = control.font()
    font.setPointSizeF(9.0 * scale)
    control.setFont(font)
    control.resize(round(270 * scale), 800)
    control.show()
    qtbot.wait(30)
    if kind is ReefSignControl:
        control.asking.verdict = verdict(False)
        control.asking.changed.emit()
    qapp.processEvents()
    assert control.minimumSizeHint().width() <= 270 * scale
    for widget in control.findChildren(QWidget):
        if widget.isVisible() and not widget.isWindow():
            right = widget.mapTo(control, QPoint(widget.width(), 0)).x()
            assert right <= control.width() + 1, (widget.objectName(), type(widget).__name__)
    for button in control.findChildren(QAbstractButton):
        if button.isVisible() and button.text() and not button.icon().cacheKey():
            assert button.fontMetrics().horizontalAdvance(button.text()) <= button.width(), button.text()
    for label in control.findChildren(QLabel):
        if label.isVisible() and label.wordWrap():
            assert label.heightForWidth(label.width()) <= label.height() + 1, label.text()
    for one in control.findChildren(QWidget):
        if isinstance(one, CONTROLS) and one.objectName() != "qt_spinbox_lineedit" and one.parent() is not None:
            assert one.accessibleName() and one.toolTip(), one.objectName() or one
            assert one.focusPolicy() & Qt.FocusPolicy.TabFocus, one.objectName()


def test_suggestions_make_the_sign_ask(shown, state, qtbot):
    control = shown(ReefSignControl)
    control.asking._on_time()
    assert not FakeRun.made  # nothing was suggested: the engine is not started for that
    state.survey.suggest([Suggestion(11, 1, "Por", 0.9, "m")])
    control.asking._on_time()
    assert FakeRun.made[0].algorithm == "quadrat:checkreef"
