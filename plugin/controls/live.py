"""How the live map looks: shown or not, how opaque, faded by confidence, unsure places hatched."""

from typing import Any, Optional

from qgis.PyQt.QtCore import QSignalBlocker, Qt
from qgis.PyQt.QtWidgets import QCheckBox, QLabel, QSlider, QSpinBox, QWidget

from ...processing.forms.sentences import quiet, sentence
from ...processing.i18n import tr
from .parts import column, described, letters, percent, row, strip

USUAL_COVERAGE = 90
"""Of a hundred places; the job 'Train head' starts with the same."""
LEAST_COVERAGE, MOST_COVERAGE = 50, 99


class LiveControl(QWidget):
    """Switch, slider and two refinements."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.live = described(QCheckBox(tr("Live map")), "live")
        self.opacity = described(QSlider(Qt.Orientation.Horizontal), "opacity")
        self.opacity.setRange(0, 100)
        self.opacity.setPageStep(10)
        self.opacity.setMinimumWidth(letters(self, 8))
        self.shown = QLabel(percent(1.0))
        self.shown.setMinimumWidth(self.shown.sizeHint().width())
        self.shown.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.fade = described(QCheckBox(tr("Fade by confidence")), "by_confidence")
        self.unsure = described(QCheckBox(tr("Hatch unsure")), "unsure")
        self.coverage = described(QSpinBox(), "coverage")
        self.coverage.setRange(LEAST_COVERAGE, MOST_COVERAGE)
        self.coverage.setSuffix(tr(" %"))
        self.coverage.setValue(USUAL_COVERAGE)
        self.coverage.setKeyboardTracking(False)
        self.said = quiet(sentence())
        self._refinements = strip(self.unsure, self.coverage)
        column(
            self,
            row(self.live, self.opacity, self.shown, stretch=self.opacity),
            self.fade,
            self._refinements,
            self.said,
        )
        self.live.toggled.connect(lambda on: state.show(visible=on))
        self.opacity.valueChanged.connect(lambda value: state.show(opacity=value / 100))
        self.fade.toggled.connect(lambda on: state.show(by_confidence=on))
        self.unsure.toggled.connect(self._on_coverage_changed)
        self.coverage.valueChanged.connect(self._on_coverage_changed)
        state.changed.connect(self._show)
        state.painted.connect(self._show)
        self._show()

    def _on_coverage_changed(self, *_: Any) -> None:
        share = self.coverage.value() / 100 if self.unsure.isChecked() else 0.0
        if abs(share - self._state.coverage) > 1e-9:
            self._state.coverage = share

    def _show(self, *_: Any) -> None:
        state = self._state
        for widget, value in ((self.live, state.visible), (self.fade, state.by_confidence)):
            with QSignalBlocker(widget):
                widget.setChecked(value)
        with QSignalBlocker(self.opacity):
            self.opacity.setValue(round(100 * state.opacity))
        self.shown.setText(percent(state.opacity))
        with QSignalBlocker(self.unsure), QSignalBlocker(self.coverage):
            self.unsure.setChecked(state.coverage > 0)
            if state.coverage > 0:
                self.coverage.setValue(round(100 * state.coverage))
        classes = state.target == "class"
        self.opacity.setEnabled(state.visible)
        self.fade.setVisible(classes)
        self._refinements.setVisible(classes)
        self.fade.setEnabled(state.visible)
        self.unsure.setEnabled(state.visible)
        self.coverage.setEnabled(state.visible and state.coverage > 0)
        self.said.setText(self._text())
        self.said.setVisible(bool(self.said.text()))

    def _text(self) -> str:
        state = self._state
        if state.opened is None or not state.visible:
            return ""
        last = state.last
        if last is None:
            return tr("The map appears here as soon as there are labels of two classes.")
        if last.why:
            return str(last.why)
        if state.coverage > 0 and last.unsure > 0:
            return tr("{share} of the view is unsure.").format(share=percent(last.unsure))
        return ""
