"""The classes as a Qt table: colour, name, key, labels. Reads the state, and changes it through the state."""

from typing import Any, Dict, List, Optional

from qgis.PyQt.QtCore import QAbstractTableModel, QModelIndex, Qt

from ...processing.i18n import plural, tr
from .parts import attempt, number_of, swatch

COLOUR, NAME, KEY, LABELS = range(4)
Role = Qt.ItemDataRole
SWATCH_PX = 64
"""Of the picture behind a swatch; the table scales it to the height of its letters."""


class ClassModel(QAbstractTableModel):
    """One row for each class, in the order of the class bytes."""

    def __init__(self, state: Any, parent: Optional[Any] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.classes: List[Dict[str, str]] = []
        self._counts: Dict[str, int] = {}
        self.refresh()
        state.classes.changed.connect(self.refresh)
        state.changed.connect(self._on_changed)

    def refresh(self) -> None:
        """Read the classes again."""
        classes = [dict(entry) for entry in self._state.classes.to_dicts()]
        if [entry["name"] for entry in classes] == [entry["name"] for entry in self.classes]:
            self.classes = classes
            self._on_changed()
            return
        self.beginResetModel()
        self.classes, self._counts = classes, self._state.label_counts()
        self.endResetModel()

    def row_of(self, name: str) -> int:
        """Row of a class; -1 when there is none of that name."""
        return next((row for row, entry in enumerate(self.classes) if entry["name"] == name), -1)

    def by_key(self, key: str) -> str:
        """Name of the class with this key; empty when no class has it."""
        return next((entry["name"] for entry in self.classes if key and entry["key"] == key.lower()), "")

    def _on_changed(self) -> None:
        self._counts = self._state.label_counts()
        if self.classes:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self.classes) - 1, LABELS))

    # Qt's names -------------------------------------------------------------------------------------------------

    def rowCount(self, parent: Optional[QModelIndex] = None) -> int:  # noqa: N802
        """Classes."""
        return 0 if parent is not None and parent.isValid() else len(self.classes)

    def columnCount(self, parent: Optional[QModelIndex] = None) -> int:  # noqa: N802
        """Colour, name, key, labels."""
        return 0 if parent is not None and parent.isValid() else 4

    def headerData(self, section: int, orientation: Any, role: int = Role.DisplayRole) -> Any:  # noqa: N802
        """Titles of the columns."""
        if orientation != Qt.Orientation.Horizontal or role not in (Role.DisplayRole, Role.ToolTipRole):
            return None
        if role == Role.ToolTipRole:
            return (
                tr("Colour on the map. Double click to change it."),
                tr("Name of the class. F2 to change it."),
                tr("Press this key to choose the class. Double click to change it."),
                tr("How many labels there are of it."),
            )[section]
        return ("", tr("Class"), tr("Key"), tr("Labels"))[section]

    def data(self, index: QModelIndex, role: int = Role.DisplayRole) -> Any:
        """What a cell shows."""
        entry, place = self.classes[index.row()], index.column()
        if role in (Role.DisplayRole, Role.EditRole):
            count = self._counts.get(entry["name"], 0)
            return (None, entry["name"], entry["key"], count)[place]
        if role == Role.DecorationRole and place == COLOUR:
            return swatch(entry["colour"], SWATCH_PX)
        if role == Role.TextAlignmentRole and place == LABELS:
            return number_of(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Role.TextAlignmentRole and place == KEY:
            return number_of(Qt.AlignmentFlag.AlignCenter)
        if role == Role.ToolTipRole and place == NAME:
            return entry["name"]
        if role == Role.AccessibleTextRole:
            count = plural("%n label", "%n labels", self._counts.get(entry["name"], 0))
            return tr("{name}, key {key}, {count}").format(name=entry["name"], key=entry["key"] or "-", count=count)
        return None

    def flags(self, index: QModelIndex) -> Any:
        """Names and keys can be edited in place."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return flags | Qt.ItemFlag.ItemIsEditable if index.column() in (NAME, KEY) else flags

    def setData(self, index: QModelIndex, value: Any, role: int = Role.EditRole) -> bool:  # noqa: N802
        """Rename a class, or give it another key."""
        entry, text = self.classes[index.row()], str(value).strip()
        if role != Role.EditRole:
            return False
        if index.column() == NAME:
            return text == entry["name"] or attempt(self._state, self._state.rename_class, entry["name"], text)
        key = text.lower()
        return key == entry["key"] or attempt(self._state, self._state.set_class_key, entry["name"], key)
