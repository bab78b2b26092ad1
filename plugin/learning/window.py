"""The window 'Learning curve': which run, its plot, its models in numbers, and how long it still takes."""

from typing import Any, Optional

from qgis.PyQt.QtCore import QByteArray, Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QCheckBox, QComboBox, QDialog, QVBoxLayout, QWidget

from ...processing.forms.sentences import quiet, sentence
from ...processing.i18n import tr
from ..controls.parts import described, letters, lines, narrow, row
from ..plots.losses import LossPlot
from ..settings import LEARNING_LOG, LEARNING_OPENS, LEARNING_PLACE
from .sentences import status, title, warning
from .state import Lessons
from .table import ModelTable

WIDTH_LETTERS, HEIGHT_LINES = 70, 36
LEAST_LETTERS = 62
BELOW_MENU_LINES = 4


class LearningWindow(QDialog):
    """Not modal; closing it stops nothing, and leaves it as it is for the next opening."""

    engine_wanted = pyqtSignal()

    def __init__(self, state: Lessons, parent: Optional[QWidget] = None) -> None:
        kind = Qt.WindowType
        flags = kind.Dialog | kind.WindowTitleHint | kind.WindowSystemMenuHint | kind.WindowCloseButtonHint
        super().__init__(parent, flags)
        self.setObjectName("QuadratLearningCurve")
        self.setWindowTitle(tr("Learning curve"))
        self.state = state
        self._number = 0
        self.runs = narrow(described(QComboBox(), "lesson_runs"))
        self.plot = LossPlot(state)
        self.models = ModelTable()
        self.warning = sentence()
        self.status = sentence()
        self.log = described(QCheckBox(tr("Logarithmic axis")), "lesson_log")
        self.opens = described(QCheckBox(tr("Open with each training")), "lesson_opens")
        self.log.setChecked(LEARNING_LOG.get())
        self.opens.setChecked(LEARNING_OPENS.get())
        self.plot.logarithmic = self.log.isChecked()
        layout = QVBoxLayout(self)
        for part in (self.runs, self.status, self.plot, self.models, quiet(self.warning)):
            layout.addWidget(part, 1 if part is self.plot else 0)
        layout.addLayout(row(self.log, self.opens))
        self.runs.activated.connect(self._on_run_chosen)
        self.models.chosen.connect(self._on_model_chosen)
        self.plot.chosen.connect(self._on_model_chosen)
        self.plot.engine_wanted.connect(self.engine_wanted)
        self.log.toggled.connect(self._on_log)
        self.opens.toggled.connect(LEARNING_OPENS.set)
        state.changed.connect(self.refresh)
        self.setMinimumWidth(letters(self, LEAST_LETTERS))
        self.resize(letters(self, WIDTH_LETTERS), lines(self, HEIGHT_LINES))
        self._put_in_place()
        self.refresh()

    # For the watch -----------------------------------------------------------------------------------------------

    def follow(self, number: int) -> None:
        """Show this run from now on."""
        self._number = number
        self.plot.looked_at = None
        self.refresh()

    def refresh(self) -> None:
        """Show what is known now; costs nothing while it is closed."""
        if not self.isVisible():
            return
        lessons = self.state.lessons
        if self._number not in lessons and lessons:
            self._number = max(lessons)
        lesson = self.plot.lesson = lessons.get(self._number)
        self._show_runs()
        for part in (self.status, self.models, self.log):
            part.setVisible(lesson is not None)
        told = warning(lesson) if lesson is not None else ""
        self.warning.setText(told)
        self.warning.setVisible(bool(told))
        if lesson is not None:
            self.status.setText(status(lesson))
            self.models.show_lesson(lesson, self.plot)
        self.plot.refresh()

    # The parts ---------------------------------------------------------------------------------------------------

    def _show_runs(self) -> None:
        numbers = sorted(self.state.lessons, reverse=True)
        self.runs.setVisible(bool(numbers))
        if numbers != [self.runs.itemData(at) for at in range(self.runs.count())]:
            self.runs.clear()
            for number in numbers:
                self.runs.addItem(title(self.state.lessons[number]), number)
        self.runs.setCurrentIndex(self.runs.findData(self._number))

    def _on_run_chosen(self, at: int) -> None:
        self.follow(self.runs.itemData(at))

    def _on_model_chosen(self, key: Any) -> None:
        self.plot.looked_at = key
        self.refresh()

    def _on_log(self, on: bool) -> None:
        LEARNING_LOG.set(on)
        self.plot.logarithmic = on
        self.plot.refresh()

    # The window --------------------------------------------------------------------------------------------------

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Show what came while it was closed."""
        super().showEvent(event)
        self.refresh()

    def hideEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Keep place and size."""
        super().hideEvent(event)
        LEARNING_PLACE.set(bytes(self.saveGeometry().toBase64()).decode("ascii"))

    def _put_in_place(self) -> None:
        """Where it was last, else in the upper right of QGIS: forms open in the middle, with their buttons below."""
        if self.restoreGeometry(QByteArray.fromBase64(LEARNING_PLACE.get().encode("ascii"))):
            return
        window = self.parentWidget()
        if window is not None:
            corner = window.frameGeometry().topRight()
            self.move(corner.x() - self.width() - lines(self, 1), corner.y() + lines(self, BELOW_MENU_LINES))
