"""Training in the background: where the survey stands, the button, by itself or not, progress, and how it went."""

from typing import Any, Optional

from qgis.PyQt.QtCore import QSignalBlocker
from qgis.PyQt.QtWidgets import QCheckBox, QDoubleSpinBox, QLabel, QProgressBar, QSpinBox, QWidget

from ...processing.forms.sentences import quiet, sentence
from ...processing.i18n import tr
from ..reef.retrain import Retraining
from .parts import attempt, column, described, evenly, lines, push_button, row, strip, title_of


class ReefLearnControl(QWidget):
    """Buttons, settings, progress and result of training."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.training = Retraining(state, self)
        self.said = sentence()
        self.train = push_button("reef_train", lambda: attempt(state, self.training.train))
        self.suggest = push_button("reef_suggest", lambda: attempt(state, self.training.suggest))
        self.doing = sentence()
        self.bar = described(QProgressBar(), "reef_train_bar")
        self.bar.setTextVisible(False)
        self.bar.setMaximumHeight(lines(self, 0.9))
        self.stop = push_button("reef_train_stop", self.training.cancel, tr("Stop"))
        self.working = QWidget()
        column(self.working, self.doing, row(self.bar, self.stop, stretch=self.bar))
        self.result = quiet(sentence())
        self.auto = described(QCheckBox(title_of("reef_auto")), "reef_auto")
        self.first = described(QSpinBox(), "reef_first")
        self.first.setRange(2, 100_000)
        self.first.setPrefix(tr("first at "))
        self.first.setSuffix(tr(" photos"))
        self.wish = described(QDoubleSpinBox(), "reef_wish")
        self.wish.setRange(50.0, 99.9)
        self.wish.setDecimals(1)
        self.wish.setSuffix(" %")
        wished = QLabel(title_of("reef_wish"))
        wished.setBuddy(self.wish)
        self.form = push_button("reef_train_form", self._open_form)
        column(
            self, self.said, evenly(self.train, self.suggest), self.working, self.result, row(wished, self.wish),
            self.auto, strip(self.first), row(self.form),
        )  # fmt: skip
        for box in (self.first, self.wish):
            box.setKeyboardTracking(False)
        self.auto.toggled.connect(lambda on: setattr(self.training, "automatic", on))
        self.first.valueChanged.connect(lambda photos: setattr(self.training, "first", photos))
        self.wish.valueChanged.connect(lambda percent: setattr(self.training, "wish", percent))
        self.training.changed.connect(self._show)
        self.training.progressed.connect(self._on_progressed)
        self._show()

    def _show(self) -> None:
        training = self.training
        busy, opened = training.errand.busy, bool(self._state.path)
        self.said.setText(training.sentence())
        self.said.setVisible(bool(self.said.text()))
        with QSignalBlocker(self.auto), QSignalBlocker(self.first), QSignalBlocker(self.wish):
            self.auto.setChecked(training.automatic)
            self.first.setValue(training.first)
            self.wish.setValue(training.wish)
        self.first.setEnabled(training.automatic)
        ready = training.standing is not None and training.standing.finished > 0
        self.train.setEnabled(opened and ready and not busy)
        self.suggest.setEnabled(opened and training.has_model and not busy)
        self.form.setEnabled(opened)
        self.working.setVisible(busy)
        self.result.setText(training.result)
        self.result.setVisible(bool(training.result) and not busy)

    def _on_progressed(self, percent: float, doing: str) -> None:
        self.doing.setText(doing)
        self.bar.setRange(0, 100 if percent > 0 else 0)
        self.bar.setValue(int(max(percent, 0)))

    def _open_form(self) -> None:
        self._state.form_wanted.emit("quadrat:trainreef", self.training.form())
