"""The point at hand: what was said of it, what Enter takes, the five suggestions; each answered with one key."""

from typing import Any, List, Optional

from qgis.PyQt.QtCore import QRectF, QSize, Qt
from qgis.PyQt.QtGui import QColor, QKeySequence, QPainter, QPaintEvent, QPalette
from qgis.PyQt.QtWidgets import QAbstractButton, QAction, QFrame, QLabel, QSizePolicy, QStyle, QStyleOption, QWidget

from ...core.reef.schema import ACCEPTED, MACHINE
from ...processing.forms.sentences import quiet, quiet_colour, sentence
from ...processing.i18n import tr
from ..reef.sheet import MACHINE_SAID, TRUSTED
from .parts import attempt, column, described, letters, lines, percent, push_button, row, title_of, tool_button

SUGGESTIONS = 5
HEIGHT_LINES = 1.45
TRACK = 0.15
"""Opacity of the empty part of a bar."""


class Offer(QAbstractButton):
    """One line: key, colour, label, confidence as bar and figure. Empty lines keep their room."""

    def __init__(self, name: str, key: str, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        described(self, name)
        self.key, self.label, self.colour = key, "", ""
        self.share: Optional[float] = None
        self.strong = False
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click leaves the keyboard where keys answer
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._probe = QLabel(self)  # dark themes of QGIS are style sheets: a label knows its colour, a button not
        self._probe.hide()

    def offer(self, label: str, colour: str, share: Optional[float], text: str) -> None:
        """Show a label with its confidence; an empty one shows nothing but the text, and cannot be pressed."""
        self.label, self.colour, self.share = label, colour, share
        self.setText(text)
        self.setEnabled(bool(label))
        told = text if share is None else f"{text}, {percent(share)}"
        self.setAccessibleName(f"{self.key}: {told}" if text else self.key)
        self.update()

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """A line, whatever it shows."""
        return QSize(letters(self, 22), lines(self, HEIGHT_LINES))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """As `sizeHint`, narrower."""
        return QSize(letters(self, 14), lines(self, HEIGHT_LINES))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Key, square, name, bar, figure."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._probe.ensurePolished()
        ink = self._probe.palette().color(QPalette.ColorRole.WindowText)
        faint = QColor(ink)
        faint.setAlphaF(TRACK)
        if self.label and (self.underMouse() or self.isDown()):
            painter.fillRect(self.rect(), faint)
        font = painter.font()
        font.setBold(self.strong and bool(self.label))
        painter.setFont(font)
        metrics, height, middle = painter.fontMetrics(), self.height(), Qt.AlignmentFlag.AlignVCenter
        left = self._paint_key(painter, ink if self.label else quiet_colour())
        gap = letters(self, 0.7)
        right = self.width() - (metrics.horizontalAdvance(percent(1.0)) + gap if self.share is not None else 0)
        if self.share is not None:
            self._paint_bar(painter, QRectF(left, 0.9 * height, self.width() - left, 0.1 * height), faint)
        if self.colour:
            side = 0.58 * height
            painter.fillRect(QRectF(left, 0.18 * height, side, side), QColor(self.colour))
            left += side + gap
        painter.setPen(ink if self.label else quiet_colour())
        text = metrics.elidedText(self.text(), Qt.TextElideMode.ElideRight, round(right - left))
        painter.drawText(QRectF(left, 0, right - left, 0.92 * height), middle | Qt.AlignmentFlag.AlignLeft, text)
        if self.share is not None:
            box = QRectF(right, 0, self.width() - right, 0.92 * height)
            painter.drawText(box, middle | Qt.AlignmentFlag.AlignRight, percent(self.share))
        if self.hasFocus():
            option = QStyleOption()
            option.initFrom(self)
            self.style().drawPrimitive(QStyle.PrimitiveElement.PE_FrameFocusRect, option, painter, self)
        painter.end()

    def _paint_key(self, painter: QPainter, ink: QColor) -> float:
        """The key as a small cap; where the rest begins."""
        width = max(self.fontMetrics().horizontalAdvance(self.key) + letters(self, 1), letters(self, 2.4))
        box = QRectF(1, 0.1 * self.height(), width, 0.7 * self.height())
        painter.setPen(ink)
        painter.drawRoundedRect(box, 3, 3)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.key)
        return float(width + letters(self, 1))

    def _paint_bar(self, painter: QPainter, box: QRectF, faint: QColor) -> None:
        """Confidence, below the name: there it takes no width from it."""
        painter.fillRect(box, faint)
        box.setWidth(box.width() * min(max(self.share or 0.0, 0.0), 1.0))
        painter.fillRect(box, QColor(self.colour))


class PointControl(QFrame):
    """The box that answers to keys, as the photo window does."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        described(self, "reef_point")
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.title, self.said = sentence(), quiet(sentence())
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.previous = self._button("reef_previous_point", "mActionArrowLeft", lambda: state.step_point(-1))
        self.next = self._button("reef_next_point", "mActionArrowRight", lambda: state.step_point(1))
        self.erase = self._button("reef_erase", "mActionDeleteSelected", state.erase)
        self.first = Offer("reef_trusted", tr("Enter"))
        self.first.clicked.connect(lambda *_: attempt(state, state.accept))
        self.offers: List[Offer] = [Offer("reef_suggestion", str(rank)) for rank in range(1, SUGGESTIONS + 1)]
        for rank, offer in enumerate(self.offers, 1):
            offer.clicked.connect(lambda *_, rank=rank: attempt(state, state.take, rank))
        self.whole = push_button("reef_accept_photo", lambda: attempt(state, state.accept_photo))
        self.whole.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.blind = self._button("reef_blind", "mActionHideAllLayers", self._on_blind)
        self.blind.setCheckable(True)
        offers = QWidget()
        column(offers, self.first, *self.offers).setSpacing(0)
        box = column(
            self,
            row(self.title, self.previous, self.next, self.erase, stretch=self.title),
            self.said, offers, row(self.whole, self.blind, stretch=self.whole),
        )  # fmt: skip
        margin = lines(self, 0.4)
        box.setContentsMargins(margin, margin, margin, margin)
        for signal in (state.point_chosen, state.annotated, state.suggested, state.labels_changed, state.opened):
            signal.connect(self._show)
        self._show()

    def _button(self, name: str, icon: str, does: Any) -> Any:
        button = tool_button(name, icon)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda *_: attempt(self._state, does))
        return button

    def _on_blind(self) -> None:
        self._state.blind = self.blind.isChecked()

    def _show(self, *_: Any) -> None:
        state = self._state
        sheet, point = state.sheet, state.point
        self.blind.setChecked(state.blind)
        there = sheet is not None and point is not None
        for widget in (self.previous, self.next, self.whole):
            widget.setEnabled(there)
        self.erase.setEnabled(there and point.point in sheet.mine)
        if not there:
            self.title.setText(tr("No point"))
            self.said.setText(tr("Choose a photo with points."))
            self._offer_none("")
            return
        every = len(sheet.points)
        self.title.setText(tr("Point {number} of {every}").format(number=point.number, every=every))
        self.said.setText(self._text(sheet, point.point))
        if state.blind:
            self._offer_none(tr("Suggestions are hidden"))
            return
        self._offer_all(sheet, point.point)

    def _text(self, sheet: Any, point: int) -> str:
        """Who said what of the point."""
        palette, said = self._state.palette, sheet.said(point)
        if said is None:
            return tr("Not labelled yet")
        name = palette.name(said.label)
        if said.state == MACHINE:
            return tr("{label}, written by a machine").format(label=name)
        if said.state == ACCEPTED:
            return tr("{label}, accepted with the photo").format(label=name)
        if said.annotator == sheet.annotator:
            return tr("You said: {label}").format(label=name)
        return tr("{who} said: {label}").format(who=said.annotator or tr("Somebody"), label=name)

    def _offer_none(self, text: str) -> None:
        self.first.offer("", "", None, text)
        for offer in self.offers:
            offer.offer("", "", None, "")

    def _offer_all(self, sheet: Any, point: int) -> None:
        palette, proposal = self._state.palette, self._state.proposal()
        if sheet.done(point):
            self.first.offer("", "", None, tr("next point") if sheet.left() else tr("next photo"))
            self.first.setEnabled(True)
        elif proposal is None:
            self.first.offer("", "", None, tr("Nothing is suggested here"))
        else:
            why = {TRUSTED: "{label}", MACHINE_SAID: tr("{label} (machine)")}.get(proposal.why, tr("{label} ?"))
            name = why.format(label=palette.name(proposal.label))
            self.first.strong = proposal.why == TRUSTED
            self.first.offer(proposal.label, palette.colour(proposal.label), proposal.confidence, name)
        found = sheet.suggestions.get(point, [])
        for number, offer in enumerate(self.offers):
            if number < len(found):
                one = found[number]
                offer.offer(one.label, palette.colour(one.label), one.confidence, palette.name(one.label))
            else:
                offer.offer("", "", None, "")


class HistoryControl(QWidget):
    """Undo and redo with what they would do, and the way to the photo window."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.undo, self.redo = tool_button("reef_undo", "mActionUndo"), tool_button("reef_redo", "mActionRedo")
        self.undo.clicked.connect(lambda *_: attempt(state, state.undo))
        self.redo.clicked.connect(lambda *_: attempt(state, state.redo))
        self.photo = push_button("reef_to_photo", state.photo_wanted.emit)
        self.actions = [
            self._action("reef_undo", QKeySequence.StandardKey.Undo, state.undo),
            self._action("reef_redo", QKeySequence.StandardKey.Redo, state.redo),
        ]
        column(self, row(self.undo, self.redo, self.photo, stretch=self.photo))
        state.changed.connect(self._show)
        self._show()

    def serve(self, panel: QWidget) -> None:
        """Answer to the keys of undo and redo wherever in this panel the keyboard is; elsewhere they are QGIS's."""
        panel.addActions(self.actions)

    def _action(self, name: str, key: Any, does: Any) -> QAction:
        action = QAction(title_of(name), self)
        action.setShortcut(QKeySequence(key))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda *_: attempt(self._state, does))
        return action

    def _show(self) -> None:
        stack = self._state.stack
        self.undo.setEnabled(stack.canUndo())
        self.redo.setEnabled(stack.canRedo())
