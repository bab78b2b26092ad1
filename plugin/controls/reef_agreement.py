"""Two annotators: who, how far they agree at each level of the label tree, and the points in which they differ."""

from typing import Any, List, Optional

from qgis.PyQt.QtCore import QAbstractTableModel, QItemSelectionModel, QModelIndex, QSignalBlocker, Qt
from qgis.PyQt.QtWidgets import QAbstractItemView, QComboBox, QHeaderView, QTreeView, QWidget

from ...core.reef.agreement import FEWEST_PHOTOS, Kappa, Twice
from ...processing.forms.sentences import quiet, sentence
from ...processing.i18n import plural, tr
from ..reef.agreement import AgreementState, name_of
from .parts import column, described, lines, narrow, number_of, percent

MOST_POINTS, MOST_LEVELS = 8, 6
"""Rows that are seen without scrolling."""
Role = Qt.ItemDataRole


class KappaModel(QAbstractTableModel):
    """One row for each level."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.kappas: List[Kappa] = []

    def take(self, kappas: List[Kappa]) -> None:
        """Show these."""
        if kappas != self.kappas:
            self.beginResetModel()
            self.kappas = list(kappas)
            self.endResetModel()

    def rowCount(self, parent: Optional[QModelIndex] = None) -> int:  # noqa: N802 - Qt's name
        """Levels."""
        return 0 if parent is not None and parent.isValid() else len(self.kappas)

    def columnCount(self, parent: Optional[QModelIndex] = None) -> int:  # noqa: N802 - Qt's name
        """Level, agreement, kappa, its interval."""
        return 0 if parent is not None and parent.isValid() else 4

    def headerData(self, section: int, orientation: Any, role: int = Role.DisplayRole) -> Any:  # noqa: N802
        """Titles of the columns."""
        if orientation == Qt.Orientation.Horizontal and role == Role.TextAlignmentRole:
            return number_of(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if orientation != Qt.Orientation.Horizontal or role != Role.DisplayRole:
            return None
        return (tr("Level"), tr("Agree"), tr("Kappa"), tr("95 % interval"))[section]

    def data(self, index: QModelIndex, role: int = Role.DisplayRole) -> Any:
        """What a cell shows."""
        one = self.kappas[index.row()]
        if role == Role.TextAlignmentRole:
            return number_of(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Role.AccessibleTextRole:
            return ", ".join(_cells(one))
        return _cells(one)[index.column()] if role == Role.DisplayRole else None


def _cells(one: Kappa) -> List[str]:
    kappa = "–" if one.kappa is None else f"{one.kappa:.2f}"
    between = "–" if one.low is None or one.high is None else tr("{low:.2f} to {high:.2f}").format(
        low=one.low, high=one.high
    )  # fmt: skip
    return [str(one.level), percent(one.share), kappa, between]


class DifferingModel(QAbstractTableModel):
    """One row for each point in which two differ."""

    def __init__(self, state: Any, parent: Any = None) -> None:
        super().__init__(parent)
        self._state = state
        self.points: List[Twice] = []
        self.names = ("", "")

    def take(self, points: List[Twice], names: Any) -> None:
        """Show these points of two people."""
        self.beginResetModel()
        self.points, self.names = list(points), names
        self.endResetModel()

    def rowCount(self, parent: Optional[QModelIndex] = None) -> int:  # noqa: N802 - Qt's name
        """Points."""
        return 0 if parent is not None and parent.isValid() else len(self.points)

    def columnCount(self, parent: Optional[QModelIndex] = None) -> int:  # noqa: N802 - Qt's name
        """Photo, point, and what each said."""
        return 0 if parent is not None and parent.isValid() else 4

    def headerData(self, section: int, orientation: Any, role: int = Role.DisplayRole) -> Any:  # noqa: N802
        """Titles of the columns."""
        if orientation != Qt.Orientation.Horizontal or role not in (Role.DisplayRole, Role.ToolTipRole):
            return None
        return (tr("Photo"), tr("Point"), name_of(self.names[0]), name_of(self.names[1]))[section]

    def data(self, index: QModelIndex, role: int = Role.DisplayRole) -> Any:
        """What a cell shows; names of labels are in the tooltip."""
        point = self.points[index.row()]
        photo = self._state.photos.of(point.photo)
        name = photo.name if photo is not None else str(point.photo)
        if role == Role.DisplayRole:
            return (name, point.number, point.one, point.other)[index.column()]
        palette = self._state.palette
        if role in (Role.ToolTipRole, Role.AccessibleTextRole):
            text = tr("{photo}, point {number}: {one} by {first}, {other} by {second}")
            return text.format(
                photo=name, number=point.number, one=palette.name(point.one), first=name_of(self.names[0]),
                other=palette.name(point.other), second=name_of(self.names[1]),
            )  # fmt: skip
        return None


class ReefAgreementControl(QWidget):
    """Chooser of two people, the table of levels, the list of points."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.agreement = AgreementState(state, self)
        self.said = quiet(sentence())
        self.pair = narrow(described(QComboBox(), "reef_pair"))
        self.kappas = KappaModel(self)
        self.table = _table("reef_kappas", self.kappas)
        self.heading = sentence()
        self.differing = DifferingModel(state, self)
        self.points = _table("reef_differing", self.differing)
        self.points.header().setSectionResizeMode(3, QHeaderView.ResizeMode.ResizeToContents)
        self.points.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.points.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names of photos differ at their ends
        column(self, self.said, self.pair, self.table, self.heading, self.points)
        self.pair.activated.connect(self._on_pair)
        self.table.selectionModel().currentRowChanged.connect(self._on_level)
        self.points.clicked.connect(self._go)
        self.points.activated.connect(self._go)
        self.points.selectionModel().currentRowChanged.connect(self._go)
        self.agreement.changed.connect(self._show)
        state.annotated.connect(self._note)
        state.labels_changed.connect(self._note)
        state.opened.connect(self._note)
        self._show()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Count while it is seen."""
        super().showEvent(event)
        self.agreement.watch(True)

    def hideEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """And not while it is not."""
        super().hideEvent(event)
        self.agreement.watch(False)

    def _note(self, *_: Any) -> None:
        self.agreement.note()

    # Shown -----------------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        found = self.agreement.counted
        partners = self.agreement.partners()
        self.said.setText(self._sentence())
        self.said.setVisible(bool(self.said.text()))
        with QSignalBlocker(self.pair):
            self.pair.clear()
            for (one, other), count in partners:
                points = plural("%n point", "%n points", count)
                text = tr("{one} and {other}: {points}")
                self.pair.addItem(text.format(one=name_of(one), other=name_of(other), points=points), [one, other])
            if found is not None and found.pair is not None:
                self.pair.setCurrentIndex([pair for pair, _ in partners].index(found.pair))
        compared = bool(partners)
        for widget in (self.pair, self.table, self.heading, self.points):
            widget.setVisible(compared)
        if found is None or found.pair is None:
            self.kappas.take([])
            self.differing.take([], ("", ""))
            return
        with QSignalBlocker(self.table.selectionModel()):
            self.kappas.take(found.kappas)
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            row = max(self.agreement.level - 1, 0)
            self.table.selectionModel().setCurrentIndex(self.kappas.index(row, 0), flags)
        self.table.viewport().update()
        self._show_points(found.pair)
        _fit(self.table, len(found.kappas), MOST_LEVELS)

    def _show_points(self, pair: Any) -> None:
        points = self.agreement.differing
        if points != self.differing.points or pair != self.differing.names:
            with QSignalBlocker(self.points.selectionModel()):
                self.differing.take(points, pair)
        at = self.agreement.level
        if points:
            text = plural("They differ in %n point at level {level}:", "They differ in %n points at level {level}:",
                          len(points)).format(level=at)  # fmt: skip
        else:
            text = tr("They agree in all points at level {level}.").format(level=at)
        self.heading.setText(text)
        self.points.setVisible(bool(points))
        _fit(self.points, len(points), MOST_POINTS)

    def _sentence(self) -> str:
        found = self.agreement.counted
        if self.agreement.trouble:
            return self.agreement.trouble
        if found is None or not found.people:
            return tr("Nobody has annotated yet.") if found is not None else ""
        who = "; ".join(
            plural("{name}: %n point", "{name}: %n points", one.points).format(name=name_of(one.name))
            for one in found.people
        )
        if not found.overlaps:
            return " ".join([f"{who}.", tr("Agreement is told once two people have labelled the same points.")])
        if found.kappas and found.kappas[0].photos < FEWEST_PHOTOS:
            text = tr("Intervals need {n} photos that both labelled.")
            return " ".join([f"{who}.", text.format(n=FEWEST_PHOTOS)])
        return f"{who}."

    # What is pressed -------------------------------------------------------------------------------------------------

    def _on_pair(self, place: int) -> None:
        self.agreement.choose(*self.pair.itemData(place))

    def _on_level(self, index: QModelIndex, _: QModelIndex) -> None:
        if index.isValid():
            self.agreement.set_level(index.row() + 1)

    def _go(self, index: QModelIndex, *_: Any) -> None:
        if index.isValid() and index.row() < len(self.differing.points):
            point = self.differing.points[index.row()]
            self._state.go_to(point.photo, point.point)


def _table(name: str, model: Any) -> QTreeView:
    view = described(QTreeView(), name)
    view.setModel(model)
    view.setRootIsDecorated(False)
    view.setUniformRowHeights(True)
    view.setTabKeyNavigation(False)
    view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    header = view.header()
    header.setMinimumSectionSize(lines(view, 1))
    header.setStretchLastSection(False)
    for place in range(model.columnCount()):
        header.setSectionResizeMode(place, QHeaderView.ResizeMode.ResizeToContents)
    header.setSectionResizeMode(model.columnCount() - 1, QHeaderView.ResizeMode.Stretch)
    return view


def _fit(view: QTreeView, count: int, most: int) -> None:
    """As high as its rows, within bounds; beyond, it scrolls."""
    height = view.sizeHintForRow(0) if count else lines(view, 1.4)
    rows = min(max(count, 1), most)
    view.setFixedHeight(view.header().sizeHint().height() + rows * height + 2 * view.frameWidth())
