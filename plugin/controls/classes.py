"""The list of classes: choose, add, rename in place, recolour, merge, delete; by mouse and by keyboard."""

from typing import Any, List, Optional

from qgis.core import QgsMapLayer, QgsProject
from qgis.gui import QgsColorDialog
from qgis.PyQt.QtCore import QItemSelectionModel, QModelIndex, QPoint, QSignalBlocker, Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor, QKeyEvent, QKeySequence
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QAction,
    QHeaderView,
    QLineEdit,
    QMenu,
    QToolButton,
    QTreeView,
    QWidget,
)

from ...processing.forms.sentences import quiet, sentence
from ...processing.i18n import plural, tr
from .class_model import COLOUR, KEY, LABELS, NAME, ClassModel
from .parts import attempt, column, described, icon_size, lines, row, swatch, tool_button

FEWEST_ROWS, MOST_ROWS = 3, 8
"""The list is as high as its classes, within these bounds; beyond, it scrolls."""


class ClassView(QTreeView):
    """A table whose rows answer to the keys of their classes."""

    key_pressed = pyqtSignal(str)
    """A key that no other use of the table takes."""

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Class keys choose; everything else is the table's."""
        text, modifiers = event.text(), event.modifiers()
        plain = modifiers in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        if plain and text.isalnum():
            self.key_pressed.emit(text)
            event.accept()
            return
        super().keyPressEvent(event)


class ClassControl(QWidget):
    """Table of classes, a line for a new one, and a menu for the rest."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.model = ClassModel(state, self)
        self.view = self._table()
        self.empty = quiet(sentence(tr("Name the kinds of places that the map is to tell apart: two or more.")))
        self.name = described(QLineEdit(), "class_name")
        self.name.setPlaceholderText(tr("New class"))
        self.add = tool_button("class_add", "symbologyAdd")
        self.more = tool_button("class_more")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.more.setMenu(self.menu)
        self._make_actions()
        column(self, self.empty, self.view, row(self.name, self.add, self.more, stretch=self.name))
        self.name.returnPressed.connect(self._add)
        self.add.clicked.connect(self._add)
        state.changed.connect(self._show)
        self._show()

    def _table(self) -> ClassView:
        view = described(ClassView(), "class_list")
        view.setModel(self.model)
        view.setRootIsDecorated(False)
        view.setUniformRowHeights(True)
        view.setIconSize(icon_size(view))
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.setTabKeyNavigation(False)
        header = view.header()
        header.setMinimumSectionSize(lines(view, 1))
        header.setStretchLastSection(False)
        for place in (COLOUR, KEY, LABELS):
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        view.customContextMenuRequested.connect(self._on_menu_wanted)
        view.doubleClicked.connect(self._on_double_clicked)
        view.key_pressed.connect(self._on_key)
        view.selectionModel().currentChanged.connect(self._on_current_changed)
        self.model.modelReset.connect(self._fit_height)
        return view

    def _make_actions(self) -> None:
        self.rename_action = self._action(tr("Rename"), self._rename, Qt.Key.Key_F2)
        self.recolour_action = self._action(tr("Change colour…"), self._recolour)
        self.key_action = self._action(tr("Change key"), self._change_key)
        self.up_action = self._action(tr("Move up"), lambda: self._move(-1), "Ctrl+Up")
        self.down_action = self._action(tr("Move down"), lambda: self._move(1), "Ctrl+Down")
        self.delete_action = self._action(tr("Delete"), self._delete, Qt.Key.Key_Delete)

    def _action(self, text: str, does: Any, key: Any = None) -> QAction:
        action = QAction(text, self.view)
        action.triggered.connect(lambda *_: does())
        if key is not None:
            action.setShortcut(QKeySequence(key))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self.view.addAction(action)
        return action

    # What is chosen ---------------------------------------------------------------------------------------------

    def chosen(self) -> List[str]:
        """Names of the selected classes, in order."""
        rows = sorted({index.row() for index in self.view.selectionModel().selectedIndexes()})
        return [self.model.classes[number]["name"] for number in rows]

    def _current(self) -> str:
        index = self.view.currentIndex()
        return self.model.classes[index.row()]["name"] if index.isValid() else ""

    def _on_current_changed(self, index: QModelIndex, before: QModelIndex) -> None:
        if index.isValid():
            self._state.set_current(self.model.classes[index.row()]["name"])

    def _on_key(self, key: str) -> None:
        name = self.model.by_key(key)
        if name:
            self._state.set_current(name)

    def _show(self) -> None:
        place = self.model.row_of(self._state.current)
        model = self.view.selectionModel()
        if place >= 0 and self.view.currentIndex().row() != place:
            with QSignalBlocker(model):
                flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
                model.setCurrentIndex(self.model.index(place, NAME), flags)
            self.view.viewport().update()
            self.view.scrollTo(self.model.index(place, NAME))
        self._fit_height()

    def _fit_height(self) -> None:
        known = len(self.model.classes)
        self.empty.setVisible(not known)
        self.view.setVisible(bool(known))
        self.more.setVisible(True)
        shown = min(max(known, FEWEST_ROWS), MOST_ROWS)
        height = self.view.sizeHintForRow(0) if known else lines(self.view, 1.4)
        frame = 2 * self.view.frameWidth()
        self.view.setFixedHeight(self.view.header().sizeHint().height() + shown * height + frame)

    # What is pressed --------------------------------------------------------------------------------------------

    def _add(self) -> None:
        name = self.name.text().strip()
        if not name:
            self.name.setFocus()
        elif attempt(self._state, self._state.add_class, name):
            self.name.clear()
            self._state.set_current(name)

    def _rename(self) -> None:
        if self.view.currentIndex().isValid():
            self.view.edit(self.model.index(self.view.currentIndex().row(), NAME))

    def _change_key(self) -> None:
        if self.view.currentIndex().isValid():
            self.view.edit(self.model.index(self.view.currentIndex().row(), KEY))

    def _recolour(self) -> None:
        name = self._current()
        if not name:
            return
        before = QColor(self.model.classes[self.model.row_of(name)]["colour"])
        title = tr("Colour of {name}").format(name=name)
        after = QgsColorDialog.getColor(before, self, title, False)
        if after.isValid() and after != before:
            attempt(self._state, self._state.recolour_class, name, after.name())

    def _move(self, by: int) -> None:
        name = self._current()
        place = self.model.row_of(name) + by
        if name and 0 <= place < len(self.model.classes):
            attempt(self._state, self._state.move_class, name, place)

    def _delete(self) -> None:
        """No question is asked, since undo brings back class and labels; a sentence says so."""
        names, counts = self.chosen(), self._state.label_counts()
        gone = sum(counts.get(name, 0) for name in names)
        done = [name for name in names if attempt(self._state, self._state.remove_class, name)]
        if done and gone:
            one, many = "%n label went with it. Undo brings it back.", "%n labels went too. Undo brings them back."
            self._state.said.emit("info", plural(one, many, gone))

    def _merge(self, into: str) -> None:
        others = [name for name in self.chosen() if name != into]
        attempt(self._state, self._state.merge_classes, others, into)

    # The menu ---------------------------------------------------------------------------------------------------

    def _on_double_clicked(self, index: QModelIndex) -> None:
        if index.column() == COLOUR:
            self._recolour()

    def _on_menu_wanted(self, place: QPoint) -> None:
        self._fill_menu()
        self.menu.popup(self.view.viewport().mapToGlobal(place))

    def _fill_menu(self) -> None:
        menu, chosen = self.menu, self.chosen()
        menu.clear()
        for action in (self.rename_action, self.recolour_action, self.key_action, self.up_action, self.down_action):
            action.setEnabled(bool(chosen))
            menu.addAction(action)
        merge = menu.addMenu(tr("Merge into"))
        for entry in self.model.classes:
            if chosen != [entry["name"]]:
                icon = swatch(entry["colour"], icon_size(self.view).width())
                merge.addAction(icon, entry["name"], lambda into=entry["name"]: self._merge(into))
        merge.setEnabled(bool(chosen) and not merge.isEmpty())
        self.delete_action.setEnabled(bool(chosen))
        menu.addAction(self.delete_action)
        menu.addSeparator()
        load = menu.addMenu(tr("Load from the categories of"))
        for layer in QgsProject.instance().mapLayers().values():
            renderer = layer.renderer() if layer.type() == QgsMapLayer.LayerType.VectorLayer else None
            if renderer is not None and renderer.type() == "categorizedSymbol":
                load.addAction(layer.name(), lambda layer=layer: attempt(self._state, self._state.load_classes, layer))
        load.setEnabled(not load.isEmpty())
