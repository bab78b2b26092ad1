"""The Engine tab: what is there, buttons to set it up, repair, check and remove it; the machine and its speed.

Shows `EngineState` and passes presses on to it. The dock may be closed at any time; set-up goes on behind it.
"""

import html
from typing import Any, Dict, Optional, Tuple

from qgis.gui import QgsCollapsibleGroupBox, QgsFileWidget
from qgis.PyQt.QtCore import Qt, QUrl, pyqtSignal
from qgis.PyQt.QtGui import QDesktopServices, QGuiApplication, QIcon
from qgis.PyQt.QtWidgets import (
    QComboBox,
    QFormLayout,
    QGridLayout,
    QGroupBox,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QPlainTextEdit,
    QProgressBar,
    QRadioButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ...core.jobs.engine import SetUpEngine
from ...processing.forms.sentences import quiet, sentence, wrap_freely
from ...processing.i18n import tr
from ...processing.icons import icon_path
from ..controls.machine import MachineBox
from ..controls.parts import described, letters, lines, push_button
from ..controls.speed import SpeedBox
from ..controls.weights import WeightsBox
from ..engine_state import EngineState
from ..settings import ENGINE_SIZE, OWN_PYTHON, WHEELS_FOLDER
from .scroller import Scroller

MARK_COLOURS = {"good": "#3fa34d", "bad": "#d9534f", "busy": "#e0a030", "unknown": "#8a949e"}
"""Middle tones that read on light and dark windows."""
LEVEL_COLOURS = {"error": "#d9534f", "warning": "#c98a1b"}
MOST_LOG_LINES = 5000
ICON_LINES, LOG_LINES = 2.2, 9
"""Heights, in lines of text."""
GIGABYTE = 1e9


def size_titles() -> Dict[str, Tuple[str, str]]:
    """Name of each engine, and what it is good for."""
    return {
        "light": (tr("Light engine"), tr("Built-in backbones, ONNX models, heads and maps.")),
        "full": (tr("Full engine"), tr("Adds PyTorch, and with it any timm model.")),
    }


def cost_text(job: SetUpEngine) -> str:
    """Size and time of a set-up, in half a line."""
    from ...processing.installer import estimate

    cost = estimate(job)
    return tr("{download} MB to download, {disk:.1f} GB on disk, about {minutes} min").format(
        download=cost.download_mb, disk=cost.disk_mb / 1000, minutes=cost.minutes
    )


class EnginePanel(QWidget):
    """State, choice, log and progress of the engine."""

    form_wanted = pyqtSignal(str, dict)
    """Algorithm whose form is to be opened, and values to begin with."""

    def __init__(self, state: Optional[EngineState] = None, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self.state = state or EngineState()
        self._at_end = True
        self._followed = ""
        """Size of the engine that was there at the last look; when it changes, the choice follows."""
        inner = QWidget()
        layout = QVBoxLayout(inner)
        layout.addLayout(self._header())
        layout.addWidget(self._choice())
        layout.addWidget(self._advanced())
        layout.addLayout(self._buttons())
        layout.addLayout(self._progress())
        layout.addWidget(self.outcome)
        layout.addWidget(self._log_view(), 1)
        layout.addLayout(self._footer())
        self.models = WeightsBox(self.state)
        self.models.form_wanted.connect(self.form_wanted)
        self.machine, self.speed = MachineBox(self.state), SpeedBox(self.state)
        layout.addWidget(self.models)
        layout.addWidget(self.machine)
        layout.addWidget(self.speed)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(Scroller(inner))
        self.state.changed.connect(self._show_state)
        self.state.said.connect(self.add_line)
        self.state.progressed.connect(self._show_progress)
        self._show_state()
        self.state.refresh()

    def dismiss(self) -> None:
        """Go for good, with the plugin: set-up and speed test are asked to stop."""
        self.state.cancel()
        self.speed.stop()
        self.models.state.stop()
        for signal, slot in (
            (self.state.changed, self._show_state),
            (self.state.said, self.add_line),
            (self.state.progressed, self._show_progress),
        ):
            signal.disconnect(slot)
        self.deleteLater()

    # Parts, from top to bottom ---------------------------------------------------------------------------------

    def _header(self) -> QHBoxLayout:
        icon = QLabel()
        side = lines(self, ICON_LINES)
        icon.setPixmap(QIcon(icon_path("quadrat")).pixmap(side, side))
        self._title = QLabel()
        self._title.setTextFormat(Qt.TextFormat.RichText)
        self._details = QLabel()
        self._details.setTextFormat(Qt.TextFormat.RichText)
        wrap_freely(self._details)  # paths have no place to break
        self._details.setTextInteractionFlags(Qt.TextInteractionFlag.TextBrowserInteraction)
        self._details.linkActivated.connect(lambda link: QDesktopServices.openUrl(QUrl(link)))
        texts = QVBoxLayout()
        texts.addWidget(self._title)
        texts.addWidget(self._details)
        row = QHBoxLayout()
        row.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(texts, 1)
        return row

    def _choice(self) -> QGroupBox:
        box = QGroupBox(tr("Which engine"))
        layout = QVBoxLayout(box)
        self._sizes: Dict[str, QRadioButton] = {}
        self._costs: Dict[str, QLabel] = {}
        titles = size_titles()
        for size in SetUpEngine.params()["size"].choices:
            name, good_for = titles[size]
            button, cost = QRadioButton(name), sentence()
            button.setAccessibleDescription(good_for)
            button.setChecked(size == ENGINE_SIZE.get())
            button.toggled.connect(self._show_state)
            self._sizes[size], self._costs[size] = button, cost
            layout.addWidget(button)
            for text in (sentence(good_for), quiet(cost)):
                text.setIndent(letters(self, 3.5))
                layout.addWidget(text)
        layout.addWidget(
            sentence(tr("It is installed into a folder of its own. Nothing is added to QGIS; no administrator rights."))
        )
        return box

    def _advanced(self) -> QgsCollapsibleGroupBox:
        params = SetUpEngine.params()
        box = QgsCollapsibleGroupBox(tr("Advanced"))
        form = QFormLayout(box)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapAllRows)
        self._python = QgsFileWidget()
        self._python.setStorageMode(QgsFileWidget.StorageMode.GetFile)
        self._python.setFilePath(OWN_PYTHON.get())
        self._wheels = QgsFileWidget()
        self._wheels.setStorageMode(QgsFileWidget.StorageMode.GetDirectory)
        self._wheels.setFilePath(WHEELS_FOLDER.get())
        self._torch = QComboBox()
        self._torch.addItems(params["torch"].choices)
        self._torch.currentTextChanged.connect(self._show_costs)
        for name, widget in (("python", self._python), ("wheels", self._wheels), ("torch", self._torch)):
            widget.setToolTip(tr(params[name].help))
            form.addRow(tr(params[name].label), widget)
        self._show_costs()
        box.setCollapsed(not (OWN_PYTHON.get() or WHEELS_FOLDER.get()))
        return box

    def _buttons(self) -> QGridLayout:
        """Two by two: four in a row are wider than a narrow dock."""
        self.set_up_button = push_button("set_up", self._set_up)
        self.repair_button = push_button("repair", self._repair)
        self.check_button = push_button("check", self.state.check)
        self.remove_button = push_button("remove", self._remove)
        grid = QGridLayout()
        buttons = (self.set_up_button, self.repair_button, self.check_button, self.remove_button)
        for number, button in enumerate(buttons):
            grid.addWidget(button, number // 2, number % 2)
        return grid

    def _progress(self) -> QVBoxLayout:
        self._step = QLabel()
        # A long file name must be cut, not widen the window.
        self._step.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._bar = QProgressBar()
        self._bar.setMaximum(100)
        self.cancel_button = push_button("stop_set_up", self.state.cancel)
        row = QHBoxLayout()
        row.addWidget(self._bar, 1)
        row.addWidget(self.cancel_button)
        self.outcome = sentence()
        self.outcome.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.outcome.hide()
        column = QVBoxLayout()
        column.addWidget(self._step)
        column.addLayout(row)
        return column

    def _log_view(self) -> QPlainTextEdit:
        self._log = described(QPlainTextEdit(), "log")
        self._log.setTabChangesFocus(True)
        self._log.setReadOnly(True)
        self._log.setMaximumBlockCount(MOST_LOG_LINES)
        bar = self._log.verticalScrollBar()
        bar.valueChanged.connect(self._on_log_scrolled)
        bar.rangeChanged.connect(self._on_log_grown)
        self._log.setPlaceholderText(tr("What is done is written here."))
        self._log.setMinimumHeight(lines(self, LOG_LINES))
        return self._log

    def _footer(self) -> QHBoxLayout:
        self.copy_button = push_button("copy_log", self.copy_log)
        row = QHBoxLayout()
        row.addWidget(self.copy_button)
        row.addStretch(1)
        return row

    # What is pressed -------------------------------------------------------------------------------------------

    def chosen_size(self) -> str:
        """The name of the engine chosen: light or full."""
        return next(size for size, button in self._sizes.items() if button.isChecked())

    def parameters(self) -> Dict[str, Any]:
        """The choice, as the algorithm names it."""
        values = {
            "SIZE": self.chosen_size(),
            "TORCH": self._torch.currentText(),
            "PYTHON": self._python.filePath().strip(),
            "WHEELS": self._wheels.filePath().strip(),
        }
        return {name: value for name, value in values.items() if value}

    def _set_up(self) -> None:
        self._remember()
        self.state.set_up(**self.parameters())

    def _repair(self) -> None:
        self._remember()
        self.state.set_up(**self.parameters(), AGAIN=True)

    def _remove(self) -> None:
        question = tr("Delete the engine from the disk? It can be set up again at any time. Your data stays.")
        buttons = QMessageBox.StandardButton
        if QMessageBox.question(self, tr("Quadrat engine"), question, buttons.Yes | buttons.No) == buttons.Yes:
            self.state.remove()

    def _remember(self) -> None:
        ENGINE_SIZE.set(self.chosen_size())
        OWN_PYTHON.set(self._python.filePath().strip())
        WHEELS_FOLDER.set(self._wheels.filePath().strip())

    def copy_log(self) -> None:
        """Put the state and the log on the clipboard."""
        QGuiApplication.clipboard().setText(f"{self._summary()}\n\n{self._log.toPlainText()}")

    # What is shown ---------------------------------------------------------------------------------------------

    def add_line(self, level: str, text: str) -> None:
        """Write a line to the log; what is said when the work has ended is its outcome, and stays in view."""
        if not self.state.busy:
            self.outcome.setText(text)
            self.outcome.show()
        shown = html.escape(text).replace("\n", "<br>")
        colour = LEVEL_COLOURS.get(level)
        self._log.appendHtml(f'<span style="color:{colour}">{shown}</span>' if colour else f"<span>{shown}</span>")

    def _on_log_scrolled(self, value: int) -> None:
        self._at_end = value == self._log.verticalScrollBar().maximum()

    def _on_log_grown(self, low: int, high: int) -> None:
        """Follow the log unless the user reads further up."""
        if self._at_end:
            self._log.verticalScrollBar().setValue(high)

    def _show_progress(self, percent: float, text: str) -> None:
        self._bar.setMaximum(100 if percent >= 0 else 0)
        self._bar.setValue(int(max(percent, 0)))
        self._step.setText(text)
        self._step.setToolTip(text)

    def _summary(self) -> str:
        facts = self.state.facts
        if self.state.busy and not (facts and facts.found):
            return tr("This dock may be closed meanwhile; the work goes on.")
        if facts is None:
            return tr("Looking…")
        if not facts.found:
            return facts.sentence
        size = tr("{gigabytes:.1f} GB on disk").format(gigabytes=facts.disk_bytes / GIGABYTE)
        lines = (
            tr("{engine}, {size}, made by {installer}").format(
                engine=size_titles()[facts.size][0], size=size, installer=facts.made_by
            ),
            tr("Folder: {path}").format(path=facts.folder),
            tr("Python: {path}").format(path=facts.python),
        )
        return "\n".join(lines)

    def _show_state(self) -> None:
        facts, busy = self.state.facts, self.state.busy
        if facts is not None and facts.found and facts.size != self._followed:
            self._followed = facts.size
            self._sizes[facts.size].setChecked(True)
        if busy:
            mark, title = "busy", busy + "…"
        elif facts is None:
            mark, title = "unknown", tr("Looking…")
        else:
            mark, title = ("good", tr("Ready")) if facts.found else ("bad", tr("Not set up"))
        colour = MARK_COLOURS[mark]
        self._title.setText(
            f'<span style="font-size:large"><span style="color:{colour}">●</span> <b>{title}</b></span>'
        )
        found = facts is not None and facts.found
        details = html.escape(self._summary()).replace("\n", "<br>")
        if found:
            folder = html.escape(facts.folder)
            link = f'<a href="{QUrl.fromLocalFile(facts.folder).toString()}">{folder}</a>'
            details = details.replace(folder, link, 1)
        self._details.setText(details)
        self._enable(found, bool(busy))

    def _show_costs(self) -> None:
        for size, label in self._costs.items():
            label.setText(cost_text(SetUpEngine(size=size, torch=self._torch.currentText())))

    def _enable(self, found: bool, busy: bool) -> None:
        facts = self.state.facts
        other = found and facts is not None and facts.size != self.chosen_size()
        self.set_up_button.setText(tr("Change to this engine") if other else tr("Set up"))
        self.set_up_button.setEnabled(not busy and (other or not found))
        self.repair_button.setEnabled(not busy and found)
        self.check_button.setEnabled(not busy)
        self.remove_button.setEnabled(not busy and found)
        for button in self._sizes.values():
            button.setEnabled(not busy)
        for widget in (self._bar, self._step, self.cancel_button):
            widget.setVisible(busy)
        if busy:
            self.outcome.hide()
        self.cancel_button.setEnabled(self.state.can_cancel)
