"""The list of backbones in a form: those that suit the raster first, the others set apart, each with its facts."""

from typing import Any, Dict, List, Optional, Tuple

from qgis.PyQt.QtCore import QModelIndex, QSize, Qt
from qgis.PyQt.QtGui import QColor, QFont, QPainter, QPalette, QStandardItem, QStandardItemModel
from qgis.PyQt.QtWidgets import (
    QApplication,
    QComboBox,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from ...core.jobs.cards import one_line
from ...core.jobs.engine import EACH
from ...core.jobs.poverty.embedding import STATISTICS
from ...models.registry import BACKBONES
from ..i18n import tr
from .fits import Answer
from .sentences import QUIET, Note, quiet

NAME = Qt.ItemDataRole.UserRole
"""Where QGIS's own list keeps the value of an entry."""
LINE = Qt.ItemDataRole.UserRole + 1
FITS = Qt.ItemDataRole.UserRole + 2
MOST_LETTERS = 125
"""Width of the opened list, at most; the whole of a longer line is in its tooltip."""


class TwoLines(QStyledItemDelegate):
    """Draws an entry: its title, and below, more quietly, what is said of it."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802 - Qt's name
        """Two lines high, where there is a second; no wider than can be read at a glance."""
        metrics = option.fontMetrics
        line = index.data(LINE)
        widest = max(metrics.horizontalAdvance(text) for text in (index.data() or "", line or ""))
        gap = self._gap(option)
        wide = min(widest, metrics.averageCharWidth() * MOST_LETTERS) + 4 * gap
        return QSize(wide, metrics.lineSpacing() * (2 if line else 1) + 3 * gap)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """As the style draws an entry, with texts of our own."""
        drawn = QStyleOptionViewItem(option)
        self.initStyleOption(drawn, index)
        drawn.text = ""
        style = drawn.widget.style() if drawn.widget is not None else QApplication.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, drawn, painter, drawn.widget)
        gap, metrics = self._gap(option), option.fontMetrics
        space = option.rect.adjusted(2 * gap, gap, -2 * gap, -gap)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        active = QPalette.ColorGroup.Active  # headings cannot be chosen, but are to be read
        ink = option.palette.color(active, QPalette.ColorRole.HighlightedText if chosen else QPalette.ColorRole.Text)
        paper = option.palette.color(active, QPalette.ColorRole.Base)
        faint = ink if chosen else mixed(ink, paper)
        rows = ((index.data(), ink if index.data(FITS) else faint), (index.data(LINE), faint))
        painter.save()
        font = QFont(option.font)
        font.setItalic(index.data(NAME) is None)
        painter.setFont(font)
        for number, (text, colour) in enumerate(rows):
            if text:
                painter.setPen(colour)
                place = space.adjusted(0, number * metrics.lineSpacing(), 0, 0)
                short = metrics.elidedText(text, Qt.TextElideMode.ElideRight, space.width())
                painter.drawText(place.left(), place.top() + metrics.ascent(), short)
        painter.restore()

    @staticmethod
    def _gap(option: QStyleOptionViewItem) -> int:
        return max(2, option.fontMetrics.lineSpacing() // 6)


def mixed(ink: QColor, paper: QColor) -> QColor:
    """A colour between the two."""
    return QColor(*(round(QUIET * a + (1 - QUIET) * b) for a, b in zip(ink.getRgb()[:3], paper.getRgb()[:3])))


class BackboneBox(QWidget):
    """QGIS's own list with what fits in it, and below it what is to be said of the entry that is chosen."""

    def __init__(self, combo: QComboBox, choices: Tuple[str, ...]) -> None:
        super().__init__()
        self.combo, self._choices = combo, choices
        self._shown: Any = None
        self._delegate = TwoLines(self)
        combo.setItemDelegate(self._delegate)
        # The list asks for as much room as its longest entry; a form may be narrower.
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.facts, self.remark = quiet(Note()), Note()
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        for widget in (combo, self.facts, self.remark):
            self._layout.addWidget(widget)

    def add(self, widget: QWidget) -> None:
        """Put something below what is said of the backbone."""
        self._layout.insertWidget(2, widget)

    @property
    def value(self) -> str:
        """Name of the backbone that is chosen."""
        return str(self.combo.currentData(NAME) or "")

    def runs(self, answer: Answer) -> bool:
        """Whether the backbone that is chosen can run on the rasters, as far as is known."""
        card, told = BACKBONES.get(self.value), answer.cards.get(self.value)
        if card is None or told is None or not told["fits"]:
            return False
        return not (answer.engine == "light" and card.needs_torch)

    def show_answer(self, answer: Answer, instead: str = "", waiting: str = "", foretold: bool = False) -> None:
        """Say what is known.

        Args:
            answer: to the question of the form.
            instead: why another backbone than that in the list is taken.
            waiting: what is said where there is no answer.
            foretold: the time is told elsewhere, and better.
        """
        self._fill(answer)
        card, told = BACKBONES.get(self.value), answer.cards.get(self.value)
        if card is None:
            self.facts.say("")
            self.remark.say("")
            return
        time = told["time"] if told and told["fits"] and not foretold else ""
        self.facts.say(one_line(card, card.name in answer.at_hand, time))
        self.remark.say(instead or self._remark(answer, told) or waiting)

    def _remark(self, answer: Answer, told: Optional[Dict[str, Any]]) -> str:
        if answer.trouble or told is None:
            return answer.trouble
        if not told["fits"]:
            return tr("Does not fit. {why}").format(why=told["why"])
        lines = list(told["warnings"])
        if answer.engine == "light" and BACKBONES[self.value].needs_torch:
            lines.append(tr("It needs the full engine (Quadrat > Engine)."))
        return " ".join(lines)

    def _fill(self, answer: Answer) -> None:
        """Entries anew, if they differ; the choice stays, and nobody is told of a change."""
        rows = _rows(answer, self._choices)
        if rows == self._shown:
            return
        self._shown = rows
        chosen = self.combo.currentData(NAME)
        was_blocked = self.combo.blockSignals(True)
        self.combo.setModel(_model(rows, self.combo))
        self.combo.setCurrentIndex(self.combo.findData(chosen, NAME) if chosen is not None else -1)
        self.combo.blockSignals(was_blocked)
        self.combo.view().setMinimumWidth(self.combo.view().sizeHintForColumn(0))


Row = Tuple[str, Optional[str], str, bool]
"""Title, name (None for a heading), what is said of it, whether it fits."""


def _rows(answer: Answer, choices: Tuple[str, ...]) -> List[Row]:
    names = [name for name in answer.cards if name in choices] or [name for name in choices if name in BACKBONES]
    rows: List[Row] = []
    apart = False
    if STATISTICS in choices:
        line = tr("mean, spread and shares of the pixels of each band")
        rows.append((tr("Statistics of each image, no backbone"), STATISTICS, line, True))
    if EACH in choices:
        rows.append((tr("Each that can run here"), EACH, tr("one after the other"), True))
    for name in names:
        card, told = BACKBONES[name], answer.cards.get(name)
        fits = told is None or told["fits"]
        if not fits and not apart:
            apart = True
            rows.append((tr("These do not fit the raster:"), None, "", False))
        title = card.title
        if told is not None and name == answer.default:
            title = tr("{title} (suggested for this raster)").format(title=title)
        line = one_line(card, name in answer.at_hand, told["time"] if told else "") if fits else told["why"]
        rows.append((title, name, line, fits))
    return rows


def _model(rows: List[Row], parent: Any) -> QStandardItemModel:
    model = QStandardItemModel(parent)
    for title, name, line, fits in rows:
        item = QStandardItem(title)
        item.setData(name, NAME)
        item.setData(line, LINE)
        item.setData(fits, FITS)
        if name is None:
            item.setFlags(Qt.ItemFlag.NoItemFlags)
        else:
            summary = BACKBONES[name].summary if name in BACKBONES else ""
            item.setToolTip("\n".join(part for part in (f"{title} ({name})", line, summary) if part))
        model.appendRow(item)
    return model
