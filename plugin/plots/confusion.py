"""Which classes are mixed up: a table that can be read by keyboard and screen reader, so it needs no library."""

from typing import Any, Optional

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from ...processing.i18n import plural, tr
from ..controls.parts import letters
from .box import PlotBox
from .look import colours

RIGHT, WRONG = "#228833", "#ee6677"
"""Of the default palette: told apart also by the colour-blind, and by their place."""
STRONGEST = 0.75
NAME_LETTERS = 12


class ConfusionTable(PlotBox):
    """Rows: labelled as; columns: mapped as."""

    NAME = "plot_confusion"

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(state, parent)
        self.table = QTableWidget()
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setTabKeyNavigation(False)
        self.table.setAccessibleName(self.accessibleName())
        self.table.setToolTip(self.toolTip())
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.horizontalHeader().setMinimumSectionSize(letters(self, 4))
        self.table.verticalHeader().setMaximumWidth(letters(self, NAME_LETTERS))
        self.table.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.plot = self.table
        self.pages.addWidget(self.table)

    def dress(self) -> None:
        """A table follows the palette by itself."""

    def ask(self) -> None:
        """Test what is taught now."""
        if self.state.opened is not None:
            self.state.refresh_score()

    def draw(self) -> str:
        """The last test."""
        last = self.state.scores[-1] if self.state.scores else None
        if self.state.target == "value":
            return tr("Values are not mixed up; the accuracy so far tells how far they are off.")
        if last is None or not last.confusion:
            return (last.why if last is not None else "") or tr(
                "Once there are a few labels of each class, the map is tested while you teach."
            )
        names = list(last.classes)
        self.table.setRowCount(len(names))
        self.table.setColumnCount(len(names))
        # Names do not fit above narrow columns; the numbers stand beside the names of the rows.
        self.table.setVerticalHeaderLabels([f"{number}  {name}" for number, name in enumerate(names, 1)])
        self.table.setHorizontalHeaderLabels([str(number) for number in range(1, len(names) + 1)])
        for row, counts in enumerate(last.confusion):
            for place, count in enumerate(counts):
                self.table.setItem(row, place, self._cell(names[row], names[place], count, sum(counts)))
        for number, name in enumerate(names):
            self.table.horizontalHeaderItem(number).setToolTip(tr("Mapped as {name}").format(name=name))
            self.table.verticalHeaderItem(number).setToolTip(tr("Labelled as {name}").format(name=name))
        right = sum(counts[number] for number, counts in enumerate(last.confusion))
        total = sum(map(sum, last.confusion))
        self.caption.setText(
            tr("Rows: labelled as; columns: mapped as. {right} of {cells} are right.").format(
                right=right, cells=plural("%n cell", "%n cells", total)
            )
        )
        return ""

    def _cell(self, truth: str, mapped: str, count: int, of_row: int) -> QTableWidgetItem:
        item = QTableWidgetItem(str(count))
        item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
        one = "%n cell labelled as {truth} is mapped as {mapped}."
        many = "%n cells labelled as {truth} are mapped as {mapped}."
        text = plural(one, many, count)
        item.setToolTip(text.format(truth=truth, mapped=mapped))
        paper, ink, _ = colours(self)
        shade = QColor(RIGHT if truth == mapped else WRONG)
        part = STRONGEST * count / of_row if of_row else 0.0
        mixed = [round(a * (1 - part) + b * part) for a, b in zip(paper.getRgb()[:3], shade.getRgb()[:3])]
        item.setBackground(QColor(*mixed))
        item.setForeground(ink)
        return item
