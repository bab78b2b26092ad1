"""The Engine tab: what it shows in each state, and that its buttons do the real thing."""

import pytest
from qgis.PyQt.QtWidgets import QApplication, QLabel, QMessageBox
from quadrat.plugin.controls.machine import facts_of
from quadrat.plugin.engine_state import EngineFacts, EngineState, MachineFacts
from quadrat.plugin.panels import engine
from quadrat.plugin.panels.engine import EnginePanel
from quadrat.plugin.settings import ENGINE_SIZE, WHEELS_FOLDER


@pytest.fixture
def window(plugin, qtbot, empty_home):
    window = EnginePanel()
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(lambda: window.state.facts is not None, timeout=5000)
    yield window
    window.state.cancel()
    qtbot.waitUntil(lambda: not window.state.busy, timeout=10_000)


def log_of(window):
    return window._log.toPlainText()


def test_without_an_engine(window):
    assert "Not set up" in window._title.text()
    assert window.set_up_button.isEnabled() and window.check_button.isEnabled()
    assert not window.repair_button.isEnabled() and not window.remove_button.isEnabled()
    assert not window.cancel_button.isVisible()


def test_size_and_time_are_said_before(window):
    for label in window._costs.values():
        assert "MB to download" in label.text() and "GB on disk" in label.text() and "min" in label.text()
    window._torch.setCurrentText("cuda")
    cuda = window._costs["full"].text()
    window._torch.setCurrentText("cpu")
    assert window._costs["full"].text() != cuda or "2900" not in cuda


def test_with_an_engine(window):
    window.state.facts = EngineFacts(
        True, "Ready", "light", "/some/folder", "/some/folder/bin/python", "uv 1", 750_000_000
    )
    window.state.changed.emit()
    assert "Ready" in window._title.text()
    assert "0.8 GB" in window._details.text() and 'href="file:///some/folder"' in window._details.text()
    assert not window.set_up_button.isEnabled(), "it is there and whole"
    assert window.repair_button.isEnabled() and window.remove_button.isEnabled()
    window._sizes["full"].click()
    assert window.chosen_size() == "full"
    assert window.set_up_button.isEnabled()
    assert window.set_up_button.text() == "Change to this engine"


def test_choice_follows_the_engine_until_the_user_chooses(window):
    window.state.facts = EngineFacts(True, "Ready", "full", "/f", "/f/python", "uv", 1)
    window.state.changed.emit()
    assert window.chosen_size() == "full"
    window._sizes["light"].click()
    window.state.changed.emit()
    assert window.chosen_size() == "light"
    window.state.facts = EngineFacts(True, "Ready", "light", "/f", "/f/python", "uv", 1)
    window.state.changed.emit()
    window.state.facts = EngineFacts(True, "Ready", "full", "/f", "/f/python", "uv", 1)
    window.state.changed.emit()
    assert window.chosen_size() == "full", "another engine was set up"


def test_it_fits_a_narrow_dock(window):
    hint = window.minimumSizeHint()
    assert hint.width() <= 300 and hint.height() <= 400, "a narrow dock shows it whole"
    window.add_line("info", "x" * 5000)
    window.state.progressed.emit(10, "y" * 5000)
    QApplication.processEvents()
    assert window.minimumSizeHint().width() <= 300
    window.resize(300, 500)
    window.outcome.setText("A sentence that takes several lines in a narrow dock. " * 5)
    window.outcome.show()
    QApplication.processEvents()
    wrapped = [label for label in window.findChildren(QLabel) if label.isVisible() and label.wordWrap()]
    assert len(wrapped) > 5
    for label in wrapped:
        assert label.heightForWidth(label.width()) <= label.height() + 1, label.text()


def test_set_up_fails_with_a_sentence_and_the_window_lives(window, qtbot, tmp_path):
    (tmp_path / "no wheels").mkdir()
    window._wheels.setFilePath(str(tmp_path / "no wheels"))
    window.set_up_button.click()
    assert window.state.busy and window.cancel_button.isVisible()
    assert not window.set_up_button.isEnabled()
    qtbot.waitUntil(lambda: not window.state.busy, timeout=60_000)
    assert "Traceback" not in log_of(window)
    assert log_of(window).strip().endswith(")") or "wheel" in log_of(window).lower()
    assert window.set_up_button.isEnabled()
    assert WHEELS_FOLDER.get() == str(tmp_path / "no wheels")
    assert ENGINE_SIZE.get() == "light"
    assert window.outcome.isVisible() and window.outcome.text() in log_of(window), "what became of it stays in view"
    bar = window._log.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.value() == bar.maximum(), timeout=3000)


def test_set_up_can_be_stopped_and_the_window_closed_meanwhile(window, qtbot, tmp_path):
    window._wheels.setFilePath(str(tmp_path))  # whatever happens, nothing is downloaded
    window.set_up_button.click()
    window.close()
    assert window.state.busy, "set-up goes on behind a closed window"
    window.show()
    assert window.cancel_button.isEnabled()
    window.cancel_button.click()
    assert not window.cancel_button.isEnabled()
    qtbot.waitUntil(lambda: not window.state.busy, timeout=10_000)
    assert "Stopped" in log_of(window)
    assert window.outcome.text() == "Stopped. Set up again to go on."


def test_check_lists_findings(window, qtbot):
    window.check_button.click()
    qtbot.waitUntil(lambda: not window.state.busy, timeout=60_000)
    assert "✗" in log_of(window), "there is no engine"
    assert "Something is wrong" in log_of(window)


def test_remove_asks_first(window, qtbot, monkeypatch, empty_home):
    window.state.facts = EngineFacts(True, "Ready", "light", "/f", "/f/python", "uv", 1)
    answers = [QMessageBox.StandardButton.No, QMessageBox.StandardButton.Yes]
    monkeypatch.setattr(engine.QMessageBox, "question", lambda *a: answers.pop(0))
    window.state.changed.emit()
    window.remove_button.click()
    assert not window.state.busy
    window.remove_button.click()
    qtbot.waitUntil(lambda: not window.state.busy, timeout=10_000)
    assert "removed" in log_of(window)


def test_log_is_copied_with_the_state(window):
    window.add_line("error", "a < b\nsecond line")
    window.copy_button.click()
    text = QApplication.clipboard().text()
    assert "a < b\nsecond line" in text
    assert "Nothing is installed" in text


def test_buttons_do_nothing_twice(plugin, qtbot, empty_home):
    state = EngineState()
    state.busy = "Setting up"
    state.set_up(SIZE="light")
    state.check()
    state.remove()
    assert state._run is None


def test_a_dismissed_panel_hears_nothing_more(plugin, qtbot, empty_home):
    state = EngineState()
    window = EnginePanel(state)
    window.dismiss()
    state.changed.emit()
    state.said.emit("info", "too late")
    QApplication.processEvents()


def test_machine_is_asked_once_an_engine_is_there(plugin, qtbot, with_engine):
    panel = EnginePanel()
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(lambda: panel.state.machine is not None, timeout=60_000)
    told = dict(facts_of(panel.state.machine))
    assert not panel.state.machine.trouble
    assert "CPU" in told["Devices"] and "free" in told["Memory"]
    shown = [label.text() for label in panel.machine.findChildren(QLabel)]
    assert all(text in shown for text in told.values())


def test_a_machine_that_cannot_be_asked_says_why(window):
    window.state.facts = EngineFacts(True, "Ready", "light", "/f", "/f/python", "uv", 1)
    window.state.machine = MachineFacts(trouble="The engine does not start.")
    window.state.changed.emit()
    assert window.machine.said.text() == "The engine does not start."
    assert facts_of(window.state.machine) == []


def test_speed_is_told_in_a_sentence(plugin, qtbot, with_engine):
    panel = EnginePanel()
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(lambda: panel.state.facts is not None, timeout=5000)
    panel.speed.backbone.setCurrentIndex(panel.speed.backbone.findData("raw"))
    panel.speed.numbers["columns"].setValue(3000)
    panel.speed.numbers["rows"].setValue(2000)
    panel.speed.button.click()
    assert panel.speed.running and panel.speed.button.text() == "Stop"
    qtbot.waitUntil(lambda: not panel.speed.running, timeout=60_000)
    assert "cells per second" in panel.speed.answer.text()
    assert "3,000 x 2,000 px" in panel.speed.answer.text()
    assert panel.speed.button.text() == "Test"
    qtbot.waitUntil(lambda: not panel.state.asking, timeout=60_000)


def test_speed_test_can_be_stopped(plugin, qtbot, with_engine):
    panel = EnginePanel()
    qtbot.addWidget(panel)
    panel.show()
    qtbot.waitUntil(lambda: panel.state.facts is not None, timeout=5000)
    panel.speed.numbers["bands"].setValue(64)
    panel.speed.button.click()
    panel.speed.button.click()
    qtbot.waitUntil(lambda: not panel.speed.running, timeout=10_000)
    assert panel.speed.answer.text() == "Stopped."
    qtbot.waitUntil(lambda: not panel.state.asking, timeout=60_000)
