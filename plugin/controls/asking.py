"""'What next?': one place after another, each answered with one key."""

from typing import Any, Dict, Optional

from qgis.PyQt.QtCore import QSignalBlocker, Qt
from qgis.PyQt.QtGui import QKeyEvent
from qgis.PyQt.QtWidgets import QComboBox, QFrame, QLabel, QWidget

from ...core.active.registry import STRATEGIES
from ...processing.forms.sentences import quiet, sentence
from ...processing.i18n import tr
from .parts import (
    attempt,
    column,
    described,
    evenly,
    icon_size,
    lines,
    narrow,
    percent,
    push_button,
    row,
    strip,
    swatch,
)
from .target import DECIMALS, LARGEST, ValueSpin

Key = Qt.Key


def as_sentence(reason: str) -> str:
    """`typical of 13 % of the area` with a capital and a full stop."""
    return f"{reason[:1].upper()}{reason[1:].rstrip('.')}." if reason else ""


class AskControl(QWidget):
    """The button, and the box with the question while one is asked."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.button = push_button("next", lambda: attempt(state, state.next))
        self.strategy = narrow(described(QComboBox(), "strategy"))
        for card in STRATEGIES.values():
            self.strategy.addItem(tr(card.title), card.name)
            self.strategy.setItemData(self.strategy.count() - 1, tr(card.summary), Qt.ItemDataRole.ToolTipRole)
        self.box = QuestionBox(state, self)
        self._idle = strip(self.button, self.strategy, stretch=self.strategy)
        column(self, self._idle, self.box)
        self.strategy.activated.connect(self._on_strategy_chosen)
        state.placed.connect(self._on_placed)
        state.changed.connect(self._show)
        self._show()

    def _on_strategy_chosen(self, number: int) -> None:
        self._state.strategy = self.strategy.itemData(number)

    def _on_placed(self, place: Optional[Dict[str, Any]]) -> None:
        fresh = self.box.isHidden() and place is not None
        self._show()
        if fresh:
            self.box.take_keyboard()

    def _show(self, *_: Any) -> None:
        state = self._state
        self.button.setEnabled(state.opened is not None)
        self._idle.setVisible(state.place is None)
        with QSignalBlocker(self.strategy):
            self.strategy.setCurrentIndex(max(self.strategy.findData(state.strategy), 0))
        self.box.show_place(state.place)


class QuestionBox(QFrame):
    """'Is this forest?' Enter accepts, a class key corrects, Space skips, Esc stops.

    The buttons do not take the keyboard: on a button, Space and Enter would mean that button and not the answer.
    """

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        described(self, "next_box")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.mark, self.question, self.reason = QLabel(), sentence(), quiet(sentence())
        font = self.question.font()
        font.setBold(True)
        self.question.setFont(font)
        self.value = described(ValueSpin(), "next_value")
        self.value.setRange(-LARGEST, LARGEST)
        self.value.setDecimals(DECIMALS)
        self.accept = push_button("accept", self._accept)
        self.skip = push_button("skip", lambda: attempt(state, state.skip))
        self.stop = push_button("stop", state.end_next)
        for button in (self.accept, self.skip, self.stop):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hint = quiet(sentence())
        box = column(
            self,
            row(self.mark, self.question, stretch=self.question),
            self.value,
            self.reason,
            evenly(self.accept, self.skip, self.stop),
            self.hint,
        )
        margin = lines(self, 0.4)
        box.setContentsMargins(margin, margin, margin, margin)
        self.value.lineEdit().installEventFilter(self)
        self.hide()

    def take_keyboard(self) -> None:
        """Answers can be typed at once."""
        if self._state.target == "value":
            self.value.setFocus()
            self.value.selectAll()
        else:
            self.setFocus()

    def show_place(self, place: Optional[Dict[str, Any]]) -> None:
        """Ask about a place, or about none."""
        self.setVisible(place is not None)
        if place is None:
            return
        guess, values = place.get("guess"), self._state.target == "value"
        known = guess not in (None, "")
        self.value.setVisible(values)
        self.accept.setEnabled(known or values)
        self.reason.setText(as_sentence(tr(str(place.get("reason", "")))))
        self.reason.setVisible(bool(self.reason.text()))
        self._show_mark("" if values else str(guess or ""))
        if values:
            self.question.setText(tr("What is the value here?"))
            self.hint.setText(tr("Enter: this value · Space: skip · Esc: stop"))
            self.value.setValue(float(guess) if known else self._state.value)
        elif known:
            share = place.get("probability")
            text = tr("Is this {name}?").format(name=guess)
            self.question.setText(text if share is None else f"{text} ({percent(share)})")
            self.hint.setText(tr("Enter: yes · key of a class: no, it is that · Space: skip · Esc: stop"))
        else:
            self.question.setText(tr("What is this?"))
            self.hint.setText(tr("Key of a class: it is that · Space: skip · Esc: stop"))

    def _show_mark(self, name: str) -> None:
        entry = next((c for c in self._state.classes.to_dicts() if c["name"] == name), None)
        self.mark.setVisible(entry is not None)
        if entry is not None:
            size = icon_size(self)
            self.mark.setPixmap(swatch(entry["colour"], size.width()).pixmap(size))

    def _accept(self) -> None:
        state = self._state
        if state.place is None:
            return
        if state.target == "value":
            attempt(state, state.correct, self.value.value())
        elif self.accept.isEnabled():
            attempt(state, state.accept)

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """Enter, Space and Esc answer also while a value is typed."""
        if event.type() == event.Type.KeyPress and self._answer(event):
            return True
        return bool(super().eventFilter(watched, event))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """One key, one answer."""
        if self._answer(event):
            event.accept()
        else:
            super().keyPressEvent(event)

    def _answer(self, event: QKeyEvent) -> bool:
        state = self._state
        if event.key() in (Key.Key_Return, Key.Key_Enter):
            self.value.interpretText()
            self._accept()
        elif event.key() == Key.Key_Space:
            attempt(state, state.skip)
        elif event.key() == Key.Key_Escape:
            state.end_next()
        elif state.target == "class" and event.text():
            pressed = event.text().lower()
            name = next((c["name"] for c in state.classes.to_dicts() if c["key"] == pressed), "")
            return bool(name) and attempt(state, state.correct, name)
        else:
            return False
        return True
