"""Cover of the survey in the dock: a level, the chart, intervals on request, and the way to tables and page."""

from typing import Any, Optional

from qgis.PyQt.QtCore import QSignalBlocker, pyqtSignal
from qgis.PyQt.QtWidgets import QLabel, QProgressBar, QSpinBox, QWidget

from ...processing.calls import form_values
from ...processing.i18n import tr
from ..plots.reefcover import ReefCoverPlot
from ..reef.coverchart import CoverJob, CoverState
from .parts import attempt, column, described, evenly, lines, push_button, row


class ReefCoverControl(QWidget):
    """Chart and what it asks."""

    engine_wanted = pyqtSignal()

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.cover = CoverState(state, self)
        self.level = described(QSpinBox(), "reef_cover_level")
        label = QLabel(tr("Level"))
        label.setBuddy(self.level)
        self.plot = ReefCoverPlot(self.cover, lambda: state.palette)
        self.plot.engine_wanted.connect(self.engine_wanted)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 0)
        self.bar.setMaximumHeight(lines(self, 0.6))
        self.intervals = push_button("reef_cover_intervals", lambda: attempt(state, self.cover.estimate))
        self.form = push_button("reef_cover_form", self._open_form)
        column(self, row(label, self.level), self.plot, self.bar, evenly(self.intervals, self.form))
        self.level.valueChanged.connect(self.cover.set_level)
        self.cover.changed.connect(self._show)
        state.annotated.connect(self._note)
        state.labels_changed.connect(self._note)
        state.opened.connect(self._note)
        self._show()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Count while it is seen."""
        super().showEvent(event)
        self.cover.watch(True)

    def hideEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """And not while it is not."""
        super().hideEvent(event)
        self.cover.watch(False)

    def _note(self, *_: Any) -> None:
        self.cover.note()

    def _show(self) -> None:
        cover = self.cover
        with QSignalBlocker(self.level):
            self.level.setRange(1, cover.levels)
            self.level.setValue(cover.level)
            self.level.setSuffix(tr(" of {levels}").format(levels=cover.levels))
        counted = cover.tally is not None and bool(cover.tally.photos)
        self.bar.setVisible(cover.errand.busy)
        self.intervals.setEnabled(counted and not cover.errand.busy)
        self.form.setEnabled(bool(self._state.path))
        self.plot.refresh()

    def _open_form(self) -> None:
        self._state.form_wanted.emit("quadrat:reefcover", form_values(CoverJob(survey=self._state.path)))
