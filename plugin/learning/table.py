"""The models of a run in numbers, one a row: what the plot shows, for the keyboard and for screen readers."""

from typing import Any, List, Optional

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QIcon, QPainter, QPixmap
from qgis.PyQt.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from ...processing.i18n import tr
from ..controls.parts import described, lines
from ..plots.look import colours
from .sentences import row

SHOWN_ROWS = 5


class ModelTable(QTableWidget):
    """Choose a row to look at its model; the row that learns is chosen until then."""

    chosen = pyqtSignal(object)
    """Key of the model that the user chose."""

    def __init__(self, parent: Optional[QWidget] = None) -> None:
        super().__init__(0, 5, parent)
        described(self, "lesson_models")
        self.setHorizontalHeaderLabels([tr("Model"), tr("Epoch"), tr("Training"), tr("Validation"), tr("Lowest")])
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTabKeyNavigation(False)
        self.setShowGrid(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(lines(self, 1.4))
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        for place in (0, self.columnCount() - 1):
            self.horizontalHeader().setSectionResizeMode(place, QHeaderView.ResizeMode.ResizeToContents)
        self.horizontalHeader().setHighlightSections(False)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAsNeeded)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._keys: List[Any] = []
        self.itemSelectionChanged.connect(self._on_selected)

    def show_lesson(self, lesson: Any, plot: Any) -> None:
        """The rows as they are now, coloured as in the plot."""
        self.blockSignals(True)
        self._keys = list(lesson.curves)
        self.setRowCount(len(self._keys))
        for number, key in enumerate(self._keys):
            for place, text in enumerate(row(lesson, *key)):
                item = self.item(number, place)
                if item is None:
                    item = QTableWidgetItem()
                    side = Qt.AlignmentFlag.AlignLeft if place == 0 else Qt.AlignmentFlag.AlignRight
                    item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                    self.setItem(number, place, item)
                item.setText(text)
            self.item(number, 0).setIcon(_swatch(plot.colour(key), colours(plot)[0], lines(self, 0.8)))
        at = self._keys.index(plot.front())
        if self.currentRow() != at or not self.selectedItems():
            self.selectRow(at)
        rows = min(max(len(self._keys), 1), SHOWN_ROWS)
        height = self.horizontalHeader().sizeHint().height() + rows * self.verticalHeader().defaultSectionSize()
        self.setFixedHeight(height + 2 * self.frameWidth())
        self.blockSignals(False)

    def _on_selected(self) -> None:
        if 0 <= self.currentRow() < len(self._keys):
            self.chosen.emit(self._keys[self.currentRow()])


def _swatch(colour: QColor, paper: QColor, side: int) -> QIcon:
    """A square of this colour with a rim, so that it is seen on a row that is chosen, which may have the same."""
    pixmap = QPixmap(side, side)
    pixmap.fill(paper)
    painter = QPainter(pixmap)
    rim = max(1, side // 8)
    painter.fillRect(rim, rim, side - 2 * rim, side - 2 * rim, colour)
    painter.end()
    icon = QIcon(pixmap)
    icon.addPixmap(pixmap, QIcon.Mode.Selected)
    return icon
