"""The window 'Learning curve': opens by itself, leaves the keyboard alone, draws what runs tell, says it in words."""

import math
import threading

import pytest
from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtWidgets import QApplication
from quadrat.core.epochs import EpochFacts, EpochNews
from quadrat.plugin.learning.sentences import row, status, title, warning
from quadrat.plugin.learning.state import MOST_RUNS, Lessons
from quadrat.plugin.learning.watch import LearningWatch
from quadrat.plugin.plots.look import LEAST_CONTRAST, colours, contrast
from quadrat.plugin.plots.losses import log_ticks
from quadrat.plugin.settings import LEARNING_LOG, LEARNING_OPENS
from quadrat.processing.watching import DONE, FAILED, STOPPED, Telling

pytest.importorskip("pyqtgraph", reason="set-up unpacks it for QGIS; the tests have it from their own environment")


def news(epoch, training, validation, model=1, best=None, test="blocks", epochs=100, models=3):
    facts = EpochFacts(epoch, epochs, training, validation, best or epoch, 0.1)
    return EpochNews("Spatio-temporal transformer", "night lights", test, model, models, "CPU, 2 threads", facts)


def in_a_thread(work):
    """As Processing does it."""
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def teach(models=1, epochs=8, remaining_s=200.0, ended="", test="blocks", telling=None):
    """A run whose validation loss is lowest in the middle."""
    telling = telling or Telling()

    def work():
        telling.progress(remaining_s)
        for model in range(1, models + 1):
            for epoch in range(1, epochs + 1):
                best = min(epoch, epochs // 2)
                validation = 2.0 + abs(epoch - epochs // 2) / 10 + model
                telling.epoch(news(epoch, 4.0 / epoch, validation, model, best, test))
        if ended:
            telling.end(ended)

    in_a_thread(work)
    return telling


@pytest.fixture
def watch(qgis_iface, qtbot):
    watch = LearningWatch(qgis_iface, lambda: None)
    yield watch
    watch.remove()


@pytest.fixture
def opened(watch, qtbot):
    """`opened(…)`: the window after a run that was told so."""

    def opened(**told):
        telling = teach(**told)
        qtbot.waitUntil(lambda: watch.window is not None and watch.window.isVisible(), timeout=5000)
        settled(watch, qtbot)
        return watch.window, telling

    return opened


def settled(watch, qtbot):
    """All news have been drawn."""
    QApplication.processEvents()
    qtbot.waitUntil(lambda: not watch.state._timer.isActive(), timeout=5000)


def test_it_opens_at_the_first_epoch_and_leaves_the_keyboard_where_it_is(watch, qtbot):
    """Without a screen every window is made active; what asks a window manager not to do so is looked at instead."""
    shy = Qt.WidgetAttribute.WA_ShowWithoutActivating
    teach(epochs=1)
    qtbot.waitUntil(lambda: watch.window is not None and watch.window.isVisible(), timeout=5000)
    assert watch.window.testAttribute(shy) and not watch.window.isModal()
    watch.window.close()
    watch.show()
    assert not watch.window.testAttribute(shy), "who opens it by the menu wants it in front"


def test_each_model_has_its_pair_of_lines_and_a_ring_at_the_best_epoch(opened):
    window, _ = opened(models=3)
    lesson, plot = window.plot.lesson, window.plot
    assert plot.pages.currentIndex() == 1 and len(plot._items) == 3
    for number in (1, 2, 3):
        training, validation, mark = plot._items["blocks", number]
        assert list(training.getData()[0]) == list(range(1, 9))
        assert list(training.getData()[1]) == pytest.approx([4 / epoch for epoch in range(1, 9)])
        assert validation.getData()[1][-1] == pytest.approx(2.4 + number)
        assert [list(values) for values in mark.getData()] == [[4], [2.0 + number]]
        assert training.opts["pen"].style() == Qt.PenStyle.DashLine
    strong = [key for key in plot._items if plot._items[key][1].opts["pen"].color().alphaF() == 1.0]
    assert strong == [("blocks", 3)] == [lesson.now]
    assert "Dashed: training" in plot.caption.text() and "Solid: validation" in plot.caption.text()


def test_words_say_model_epoch_device_and_time(opened, watch, qtbot):
    window, telling = opened(models=2)
    assert window.status.text() == "Model 2 of 3, epoch 8 of at most 100 · CPU, 2 threads · about 3 min left"
    assert window.runs.currentText().startswith("night lights: Spatio-temporal transformer, ")
    cells = [[window.models.item(r, c).text() for c in range(5)] for r in range(2)]
    assert cells[1] == ["Model 2", "8", "0.5", "4.4", "4 at 4"]
    in_a_thread(lambda: telling.progress(None))
    settled(watch, qtbot)
    assert window.status.text().endswith("time left not yet known")


@pytest.mark.parametrize(
    ("how", "says"),
    [(DONE, "1 model is taught."), (STOPPED, "run the same again"), (FAILED, "log of the run says why")],
)
def test_the_end_is_said(opened, watch, qtbot, how, says):
    window, telling = opened()
    in_a_thread(lambda: telling.end(how))
    settled(watch, qtbot)
    assert says in window.status.text() and " left" not in window.status.text()


def test_a_closed_window_stays_closed_until_the_next_run_which_takes_it_over(opened, watch, qtbot):
    window, telling = opened()
    window.close()
    teach(epochs=9, telling=telling)
    settled(watch, qtbot)
    assert not window.isVisible()
    teach(epochs=3)
    qtbot.waitUntil(window.isVisible, timeout=5000)
    assert watch.window is window and window.plot.lesson.last.facts.epoch == 3
    assert window.runs.count() == 2
    window.runs.setCurrentIndex(1)
    window.runs.activated.emit(1)
    assert window.plot.lesson.last.facts.epoch == 9, "the earlier run went on meanwhile"


def test_it_can_be_told_not_to_open(watch, qtbot):
    LEARNING_OPENS.set(False)
    teach()
    settled(watch, qtbot)
    assert watch.window is None
    watch.show()
    assert watch.window.isVisible() and not watch.window.opens.isChecked()
    assert watch.window.plot.pages.currentIndex() == 1, "the last curve again"
    watch.window.opens.click()
    assert LEARNING_OPENS.get() is True


def test_a_run_that_is_over_before_anyone_can_look_opens_nothing(watch, qtbot):
    """As a script does it that runs in the main thread."""
    telling = Telling()
    telling.epoch(news(1, 1.0, 1.0))
    telling.end(DONE)
    settled(watch, qtbot)
    assert watch.window is None and len(watch.state.lessons) == 1
    watch.show()
    other = Telling()
    other.epoch(news(7, 1.0, 1.0))
    other.end(DONE)
    settled(watch, qtbot)
    assert watch.window.plot.lesson.last.facts.epoch == 7, "but one that is open shows it"


def test_before_any_training_it_says_what_it_is_for(watch, qtbot):
    watch.show()
    assert "transformer" in watch.window.plot.instead.text()
    assert not watch.window.status.isVisible() and not watch.window.plot.button.isVisible()


def test_without_the_library_it_stays_closed_and_the_menu_tells_why(watch, qtbot, monkeypatch):
    monkeypatch.setattr("quadrat.plugin.plots.library.pyqtgraph", lambda: None)
    monkeypatch.setattr("quadrat.plugin.plots.box.pyqtgraph", lambda: None)
    teach()
    settled(watch, qtbot)
    assert watch.window is None
    watch.show()
    assert "pyqtgraph" in watch.window.plot.instead.text() and watch.window.plot.button.isVisible()
    assert watch.window.models.item(0, 1).text() == "8", "numbers need no library"


def test_the_axis_is_logarithmic_on_wish_and_remembers(opened):
    window, _ = opened()
    window.log.click()
    assert LEARNING_LOG.get() is True
    training = window.plot._items["blocks", 1][0]
    assert training.getData()[1][-1] == pytest.approx(math.log10(0.5))


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.01, 2.0, [0.01, 0.1, 1]),
        (0.07, 1.4, [0.1, 0.2, 0.5, 1]),
        (305, 760, [400, 500, 600, 700]),
        (3e-9, 40, [1e-7, 1e-5, 1e-3, 0.1, 10]),
        (5.0, 5.0, [5]),
    ],
)
def test_a_logarithmic_axis_has_a_few_round_numbers(low, high, ticks):
    assert log_ticks(low, high) == pytest.approx(ticks)


def test_losses_that_cannot_be_drawn_are_gaps_and_are_said(opened, watch, qtbot):
    window, telling = opened()
    window.log.click()
    in_a_thread(lambda: telling.epoch(news(9, 0.0, math.inf)))
    in_a_thread(lambda: telling.epoch(news(10, math.nan, math.nan, best=9)))
    settled(watch, qtbot)
    assert "not a number" in window.warning.text() and window.warning.isVisible()
    drawn = window.plot._items["blocks", 1][0].getData()[1]
    assert list(map(math.isnan, drawn[-2:])) == [True, True]
    assert window.models.item(0, 3).text() == "–"


def test_without_validation_the_only_line_is_solid(watch, opened, qtbot):
    window, _ = opened()
    in_a_thread(lambda: [t.epoch(news(e, 1 / e, None)) for t in (Telling(),) for e in (1, 2)])
    settled(watch, qtbot)
    training, _, mark = window.plot._items["blocks", 1]
    assert training.opts["pen"].style() == Qt.PenStyle.SolidLine
    assert mark.getData()[0] is None or not len(mark.getData()[0])
    assert "the last one stands" in window.plot.caption.text()
    assert row(window.plot.lesson, "blocks", 1)[3:] == ["–", "–"]


def test_a_row_chosen_by_keyboard_is_drawn_strongest_and_stays_so(opened, watch, qtbot):
    window, telling = opened(models=2)
    window.models.setFocus()
    qtbot.keyClick(window.models, Qt.Key.Key_Up)
    assert window.plot.front() == ("blocks", 1)
    in_a_thread(lambda: telling.epoch(news(9, 1.0, 1.0, model=2)))
    settled(watch, qtbot)
    assert window.plot.front() == ("blocks", 1) and window.models.currentRow() == 0


def test_two_tests_are_not_mixed_in_one_plot(opened, watch, qtbot):
    window, telling = opened(models=2)
    teach(models=1, test="random", telling=telling)
    settled(watch, qtbot)
    assert window.plot.shown() == [("random", 1)]
    assert [key for key, items in window.plot._items.items() if items[0].isVisible()] == [("random", 1)]
    assert [window.models.item(r, 0).text() for r in range(3)] == [
        "1", "2", "1, random",
    ]  # fmt: skip
    assert window.status.text().startswith("Model 1 (random places) of 3")
    window.models.selectRow(0)
    assert window.plot.shown() == [("blocks", 1), ("blocks", 2)]


def test_what_a_resumed_run_tells_again_is_drawn_once(qtbot):
    state = Lessons()
    telling = teach(epochs=4)
    teach(epochs=6, telling=telling)
    qtbot.waitUntil(lambda: bool(state.lessons) and state.lessons[max(state.lessons)].curves != {}, timeout=5000)
    (lesson,) = state.lessons.values()
    assert lesson.curves["blocks", 1].epochs == [1, 2, 3, 4, 5, 6]
    for _ in range(MOST_RUNS + 3):
        teach(epochs=1)
    QApplication.processEvents()
    assert len(state.lessons) == MOST_RUNS
    state.close()


def test_long_work_in_vain_is_said(qtbot):
    state = Lessons()
    telling = Telling()
    in_a_thread(lambda: [telling.epoch(news(e, 1.0, 2.0, best=min(e, 5))) for e in range(1, 31)])
    qtbot.waitUntil(lambda: bool(state.lessons), timeout=5000)
    (lesson,) = state.lessons.values()
    assert warning(lesson).startswith("25 epochs without a lower validation loss")
    in_a_thread(lambda: telling.end(STOPPED))
    QApplication.processEvents()
    assert warning(lesson) == "" and status(lesson).startswith("Stopped: Model 1 of 3, epoch 30")
    assert title(lesson).startswith("night lights")
    state.close()


@pytest.mark.parametrize("paper", ["#ffffff", "#202020"])
def test_lines_are_seen_on_any_paper(opened, paper):
    window, _ = opened(models=5)
    window.setStyleSheet(f"QAbstractItemView {{ background: {paper}; color: #808080 }}")
    found = [window.plot.colour(("blocks", number)) for number in range(1, 6)]
    assert len({colour.name() for colour in found}) == 5
    assert all(contrast(colour, colours(window.plot)[0]) >= LEAST_CONTRAST for colour in found)


def test_every_control_is_named_and_takes_the_keyboard(opened):
    window, _ = opened()
    for control in (window.runs, window.models, window.log, window.opens):
        assert control.accessibleName() and control.toolTip()
        assert control.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_it_comes_back_where_it_was_and_in_its_size(opened, watch, qgis_iface, qtbot):
    window, _ = opened()
    window.setGeometry(60, 50, 640, 500)
    window.close()
    other = LearningWatch(qgis_iface, lambda: None)
    other.show()
    assert (other.window.width(), other.window.height()) == (640, 500)
    other.remove()
