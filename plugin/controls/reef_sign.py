"""The stop sign: big and plain, the sentence behind it, a small curve, and what it is asked."""

import math
from typing import Any, Optional

from qgis.PyQt.QtCore import QPointF, QRectF, QSignalBlocker, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QFont, QPainter, QPaintEvent, QPolygonF
from qgis.PyQt.QtWidgets import QDoubleSpinBox, QGridLayout, QLabel, QLineEdit, QSizePolicy, QSpinBox, QWidget

from ...core.jobs.reef.checking import FEWEST_PHOTOS
from ...processing.forms.sentences import quiet, sentence
from ...processing.i18n import tr
from ..plots.reefsign import SignPlot
from ..reef.sign import GO_ON, STOP, UNKNOWN, SignState
from .parts import attempt, column, described, evenly, lines, push_button, row

SIDE_LINES = 4.5
COLOURS = {STOP: "#c1272d", GO_ON: "#1f6fb2", UNKNOWN: "#8a949e"}
"""Of the sign; its shape and its word say the same to those who see no colours."""
WORD_SHARE, MARK_SHARE = 0.27, 0.5
"""Height of letters in the sign, as a share of it."""


class StopSign(QWidget):
    """An eight-sided STOP, a disc with the number of photos to go, or a disc with a question mark."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        described(self, "reef_sign")
        self.kind, self.more = UNKNOWN, 0
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def set_sign(self, kind: str, more: Optional[int], text: str) -> None:
        """Show it; `text` is what a screen reader says."""
        self.kind, self.more = kind, more or 0
        self.setAccessibleDescription(text)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """A square of some lines."""
        side = lines(self, SIDE_LINES)
        return QSize(side, side)

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Never smaller."""
        return self.sizeHint()

    def word(self) -> str:
        """What stands on it."""
        if self.kind == STOP:
            return tr("STOP")
        if self.kind == GO_ON:
            return f"+{self.more}" if self.more else tr("GO ON")
        return "?"

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Shape and word."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side = min(self.width(), self.height())
        box = QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side).adjusted(1, 1, -1, -1)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(COLOURS[self.kind]))
        if self.kind == STOP:
            painter.drawPolygon(_octagon(box))
        else:
            painter.drawEllipse(box)
        word = self.word()
        font = QFont(self.font())
        font.setBold(True)
        font.setPixelSize(max(1, round(side * (MARK_SHARE if len(word) == 1 else WORD_SHARE))))
        painter.setFont(font)
        painter.setPen(QColor("#ffffff"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, word)
        painter.end()


def _octagon(box: QRectF) -> QPolygonF:
    radius = box.width() / 2 / math.cos(math.pi / 8)
    turns = [math.pi / 8 + number * math.pi / 4 for number in range(8)]
    centre = box.center()
    return QPolygonF([QPointF(centre.x() + radius * math.cos(t), centre.y() + radius * math.sin(t)) for t in turns])


class ReefSignControl(QWidget):
    """Sign, sentence, curve, question."""

    engine_wanted = pyqtSignal()

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.asking = SignState(state, self)
        self.sign = StopSign()
        self.headline = sentence()
        font = self.headline.font()
        font.setBold(True)
        font.setPointSizeF(1.25 * font.pointSizeF())
        self.headline.setFont(font)
        self.explanation = quiet(sentence())
        texts = QWidget()
        column(texts, self.headline, self.explanation).addStretch(1)
        top = row(self.sign, texts, stretch=texts)
        top.setAlignment(self.sign, Qt.AlignmentFlag.AlignTop)
        self.plot = SignPlot(self.asking)
        self.plot.engine_wanted.connect(self.engine_wanted)
        self.again = push_button("reef_sign_ask", lambda: attempt(state, self.asking.refresh))
        self.report = push_button("reef_sign_report", self._open_form)
        column(self, top, self.plot, self._question(), evenly(self.again, self.report))
        self.asking.changed.connect(self._show)
        self._show()

    def _question(self) -> QWidget:
        self.tolerance = described(QDoubleSpinBox(), "reef_tolerance")
        self.tolerance.setRange(0.1, 100.0)
        self.tolerance.setDecimals(1)
        self.tolerance.setPrefix("± ")
        self.tolerance.setSuffix(" %")
        self.level = described(QSpinBox(), "reef_sign_level")
        self.level.setRange(1, 100)
        self.targets = described(QLineEdit(), "reef_targets")
        self.targets.setPlaceholderText(tr("all of the level"))
        self.batch = described(QSpinBox(), "reef_batch")
        self.batch.setRange(FEWEST_PHOTOS, 10_000)
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        rows = (
            (tr("Tolerated error"), self.tolerance), (tr("Level"), self.level), (tr("Only groups"), self.targets),
            (tr("Photos of a batch"), self.batch),
        )  # fmt: skip
        for number, (text, control) in enumerate(rows):
            label = QLabel(text)
            label.setBuddy(control)
            grid.addWidget(label, number, 0)
            grid.addWidget(control, number, 1)
        grid.setColumnStretch(1, 1)
        for box in (self.tolerance, self.level, self.batch):
            box.setKeyboardTracking(False)
        self.tolerance.valueChanged.connect(lambda value: self.asking.ask(tolerance=float(value)))
        self.level.valueChanged.connect(lambda value: self.asking.ask(tree_level=int(value)))
        self.batch.valueChanged.connect(lambda value: self.asking.ask(batch=int(value)))
        self.targets.editingFinished.connect(lambda: self.asking.ask(targets=self.targets.text().strip()))
        return holder

    def _show(self) -> None:
        asking, question = self.asking, self.asking.question
        verdict = asking.verdict
        self.headline.setText(asking.headline())
        self.explanation.setText(asking.explanation())
        self.sign.set_sign(asking.kind, verdict.more if verdict is not None else None, asking.headline())
        with QSignalBlocker(self.tolerance), QSignalBlocker(self.level), QSignalBlocker(self.batch):
            self.tolerance.setValue(question.tolerance)
            self.level.setValue(question.tree_level)
            self.batch.setValue(question.batch)
        if not self.targets.hasFocus():
            self.targets.setText(question.targets)
        self.level.setEnabled(not question.targets)
        opened = bool(self._state.path)
        self.again.setEnabled(opened and not asking.errand.busy)
        self.report.setEnabled(opened)
        self.plot.setVisible(verdict is not None and bool(verdict.batches))
        self.plot.refresh()

    def _open_form(self) -> None:
        self._state.form_wanted.emit("quadrat:checkreef", self.asking.form())
