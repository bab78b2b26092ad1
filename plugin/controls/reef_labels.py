"""The label tree of a survey, edited in the dock: drag, type, merge; by mouse and by keyboard, with undo."""

from typing import Any, Dict, List, Optional, Set

from qgis.gui import QgsColorDialog
from qgis.PyQt.QtCore import QItemSelectionModel, QPoint, QSignalBlocker, Qt, QTimer, pyqtSignal
from qgis.PyQt.QtGui import QColor, QDropEvent, QKeySequence
from qgis.PyQt.QtWidgets import (
    QAbstractItemView,
    QAction,
    QHeaderView,
    QLineEdit,
    QMenu,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QWidget,
)

from ...processing.forms.sentences import quiet, sentence
from ...processing.i18n import plural, tr
from ..reef.labelwork import LabelWork
from .parts import attempt, column, described, icon_size, letters, lines, number_of, row, swatch, tool_button

CODE, NAME, KEY, POINTS = range(4)
FEWEST_ROWS, MOST_ROWS = 4, 12
INDENT_LETTERS = 1.8
OPEN_UP_TO = 40
"""Trees of more labels begin folded."""


class LabelView(QTreeWidget):
    """A tree whose rows can be dragged; it asks for the move and changes nothing by itself."""

    dropped = pyqtSignal(list, str)
    """Codes, and that of their new parent; empty for the top."""

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """On a label: below it. Between two: beside the one that is nearest."""
        place = event.position().toPoint() if hasattr(event, "position") else event.pos()
        target = self.itemAt(place)
        if target is not None and self.dropIndicatorPosition() != QAbstractItemView.DropIndicatorPosition.OnItem:
            target = target.parent()
        codes = [item.text(CODE) for item in self.selectedItems()]
        event.setDropAction(Qt.DropAction.IgnoreAction)  # Qt would take the rows out of the tree
        event.accept()
        if codes:
            self.dropped.emit(codes, target.text(CODE) if target is not None else "")


class ReefLabelControl(QWidget):
    """The tree, a line for a new label, and a menu for the rest."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.work = LabelWork(state, self)
        self._shut: Set[str] = set()
        self._known: Set[str] = set()
        self._filled: Any = None
        self._late = False
        self.fault = sentence()
        self.empty = quiet(sentence(tr("This survey has no labels yet. Type the first one below.")))
        self.view = self._tree()
        self.name = described(QLineEdit(), "reef_label_new")
        self.add = tool_button("reef_label_add", "symbologyAdd")
        self.more = tool_button("reef_label_more")
        self.more.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.more.setMenu(self.menu)
        self._make_actions()
        column(self, self.fault, self.empty, self.view, row(self.name, self.add, self.more, stretch=self.name))
        self.name.returnPressed.connect(self._add)
        self.add.clicked.connect(self._add)
        self.work.changed.connect(self._show)
        self._show()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Count while it is seen."""
        super().showEvent(event)
        self.work.watch(True)

    def hideEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """And not while it is not."""
        super().hideEvent(event)
        self.work.watch(False)

    def chosen(self) -> List[str]:
        """Codes of the chosen labels, the one with the cursor last."""
        current = self.view.currentItem()
        items = [item for item in self.view.selectedItems() if item is not current]
        if current is not None and current.isSelected():
            items.append(current)
        return [item.data(CODE, Qt.ItemDataRole.UserRole) for item in items]

    # Made once -------------------------------------------------------------------------------------------------------

    def _tree(self) -> LabelView:
        view = described(LabelView(), "reef_label_tree")
        view.setColumnCount(4)
        view.setHeaderLabels([tr("Code"), tr("Name"), tr("Key"), "#"])
        view.headerItem().setToolTip(POINTS, tr("Annotations that bear the label"))
        view.setUniformRowHeights(True)
        view.setIconSize(icon_size(view))
        view.setIndentation(letters(view, INDENT_LETTERS))
        view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        view.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.setTabKeyNavigation(False)
        view.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked)  # F2 is for names, whatever cell is at hand
        header = view.header()
        header.setMinimumSectionSize(lines(view, 1))
        header.setStretchLastSection(False)
        for place in (CODE, KEY, POINTS):
            header.setSectionResizeMode(place, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        view.customContextMenuRequested.connect(self._on_menu_wanted)
        view.itemChanged.connect(self._on_edited)
        view.itemSelectionChanged.connect(self._on_selected)
        view.itemCollapsed.connect(lambda item: self._shut.add(self._code(item)))
        view.itemExpanded.connect(lambda item: self._shut.discard(self._code(item)))
        view.dropped.connect(self._move)
        view.itemDelegate().closeEditor.connect(self._on_editor_closed)
        return view

    def _make_actions(self) -> None:
        self.rename_action = self._action(tr("Rename"), lambda: self._edit(NAME), Qt.Key.Key_F2)
        self.recode_action = self._action(tr("Change code"), lambda: self._edit(CODE))
        self.key_action = self._action(tr("Change key"), lambda: self._edit(KEY))
        self.colour_action = self._action(tr("Change colour…"), self._recolour)
        self.branch_action = self._action(tr("Give its colour to all below"), self._colour_branch)
        self.out_action = self._action(tr("Move out"), self._move_out, "Ctrl+Left")
        self.in_action = self._action(tr("Move below the one above"), self._move_in, "Ctrl+Right")
        self.merge_action = self._action(tr("Merge"), self._merge)
        self.remove_action = self._action(tr("Remove"), self._remove, Qt.Key.Key_Delete)
        self.unused_action = self._action(tr("Remove all that no point bears"), self._remove_unused)

    def _action(self, text: str, does: Any, key: Any = None) -> QAction:
        action = QAction(text, self.view)
        action.triggered.connect(lambda *_: does())
        if key is not None:
            action.setShortcut(QKeySequence(key))
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        self.view.addAction(action)
        return action

    # Shown -----------------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        """Fill the tree where labels differ; counts alone must not take away what is being typed or dragged."""
        palette = self._state.palette
        now = [(*label, palette.colour(label.code)) for label in palette.labels]
        if now == self._filled:
            self._show_counts()
            return
        if self.view.state() == QAbstractItemView.State.EditingState:
            self._late = True
            return
        self._filled = now
        chosen = [self.work.chosen] if self.work.chosen else self.chosen()
        self.work.chosen = ""
        at = self.view.verticalScrollBar().value()
        with QSignalBlocker(self.view):
            self._fill(palette)
            items = self._items()
            last = items.get(chosen[-1].lower()) if chosen else None
            if last is not None:  # without a command Qt would toggle it where Ctrl is held, as for Ctrl+Left
                self.view.setCurrentItem(last, CODE, QItemSelectionModel.SelectionFlag.NoUpdate)
            for code in chosen:
                if code.lower() in items:
                    items[code.lower()].setSelected(True)
        self.view.verticalScrollBar().setValue(at)
        if last is not None:
            self.view.scrollToItem(last)
        self.fault.setText(palette.fault)
        self.fault.setVisible(bool(palette.fault))
        self.view.viewport().update()  # with signals blocked not all of it is painted anew
        self._fit_height()
        self._on_selected()

    def _show_counts(self) -> None:
        with QSignalBlocker(self.view):
            for code, item in self._items().items():
                item.setText(POINTS, str(self.work.count(code)))
        self.view.viewport().update()

    def _on_editor_closed(self, *_: Any) -> None:
        if self._late:
            self._late = False
            QTimer.singleShot(0, self._show)

    def _fill(self, palette: Any) -> None:
        self.view.clear()
        side = icon_size(self.view).width()
        items: Dict[str, QTreeWidgetItem] = {}
        many = len(palette.labels) > OPEN_UP_TO
        for label in palette.tree.labels:
            known = palette.label(label.code)
            texts = [label.code, label.name, known.key if known is not None else "", str(self.work.count(label.code))]
            item = QTreeWidgetItem(texts)
            item.setIcon(CODE, swatch(palette.colour(label.code), side))
            item.setData(CODE, Qt.ItemDataRole.UserRole, label.code)
            item.setToolTip(CODE, label.name or label.code)
            item.setToolTip(NAME, label.name or label.code)
            item.setTextAlignment(KEY, number_of(Qt.AlignmentFlag.AlignCenter))
            item.setTextAlignment(POINTS, number_of(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter))
            item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            parent = items.get(label.parent.lower())
            (parent.addChild if parent is not None else self.view.addTopLevelItem)(item)
            items[label.code.lower()] = item
            if many and label.code.lower() not in self._known:
                self._shut.add(label.code.lower())
        self._known = set(items)
        for code, item in items.items():
            item.setExpanded(code not in self._shut)

    def _items(self) -> Dict[str, QTreeWidgetItem]:
        found: Dict[str, QTreeWidgetItem] = {}
        waiting = [self.view.topLevelItem(place) for place in range(self.view.topLevelItemCount())]
        while waiting:
            item = waiting.pop()
            found[self._code(item)] = item
            waiting += [item.child(place) for place in range(item.childCount())]
        return found

    @staticmethod
    def _code(item: QTreeWidgetItem) -> str:
        return str(item.data(CODE, Qt.ItemDataRole.UserRole)).lower()

    def _fit_height(self) -> None:
        known = len(self._known)
        opened = bool(self._state.path)
        self.empty.setVisible(opened and not known)
        self.view.setVisible(bool(known))
        for widget in (self.name, self.add, self.more):
            widget.setEnabled(opened)
        shown = min(max(known, FEWEST_ROWS), MOST_ROWS)
        height = self.view.sizeHintForRow(0) if known else lines(self.view, 1.4)
        self.view.setFixedHeight(self.view.header().sizeHint().height() + shown * height + 2 * self.view.frameWidth())

    def _on_selected(self) -> None:
        chosen = self.chosen()
        if len(chosen) == 1:
            self.name.setPlaceholderText(tr("New label below {code}").format(code=chosen[0]))
        else:
            self.name.setPlaceholderText(tr("New label at the top"))

    # What is pressed -------------------------------------------------------------------------------------------------

    def _add(self) -> None:
        text, chosen = self.name.text().strip(), self.chosen()
        if not text:
            self.name.setFocus()
            return
        parent = chosen[0] if len(chosen) == 1 else ""
        if attempt(self._state, self.work.add, text, parent):
            self.name.clear()
            items = self._items()
            if parent.lower() in items:  # the next one goes to the same place
                self.view.setCurrentItem(items[parent.lower()])
            else:
                self.view.clearSelection()

    def _edit(self, place: int) -> None:
        if self.view.currentItem() is not None:
            self.view.editItem(self.view.currentItem(), place)

    def _on_edited(self, item: QTreeWidgetItem, place: int) -> None:
        code, text = item.data(CODE, Qt.ItemDataRole.UserRole), item.text(place).strip()
        label = self._state.palette.label(code)
        if label is None:
            return
        what = {CODE: self.work.recode, NAME: self.work.rename, KEY: self.work.set_key}.get(place)
        before = {CODE: label.code, NAME: label.name, KEY: label.key}.get(place)
        if what is None or text == before or not attempt(self._state, what, code, text):
            self._filled = None
            self._show()

    def _recolour(self) -> None:
        chosen = self.chosen()
        if not chosen:
            return
        before = QColor(self._state.palette.colour(chosen[-1]))
        after = QgsColorDialog.getColor(before, self, tr("Colour of {name}").format(name=chosen[-1]), False)
        if after.isValid() and after != before:
            attempt(self._state, self.work.recolour, chosen[-1], after.name())

    def _colour_branch(self) -> None:
        for code in self.chosen()[-1:]:
            attempt(self._state, self.work.recolour, code, self._state.palette.colour(code), True)

    def _move(self, codes: List[str], parent: str) -> None:
        inner = {code for code in codes for above in codes if above != code and self._below(code, above)}
        moved = [code for code in codes if code not in inner and self.work.above(code).lower() != parent.lower()]
        if moved:
            attempt(self._state, self.work.move, moved, parent)

    def _below(self, code: str, above: str) -> bool:
        tree = self._state.palette.tree
        return code in tree and above in tree and tree.code(above) in tree.ancestors(code)

    def _move_out(self) -> None:
        chosen = self.chosen()
        if chosen and self.work.above(chosen[-1]):
            self._move(chosen, self.work.above(self.work.above(chosen[-1])))

    def _move_in(self) -> None:
        chosen = self.chosen()
        if not chosen:
            return
        beside = self.work.siblings(chosen[-1])
        before = [code for code in beside[: beside.index(chosen[-1])] if code not in chosen]
        if before:
            self._shut.discard(before[-1].lower())
            self._move(chosen, before[-1])

    def _merge(self) -> None:
        chosen = self.chosen()
        if len(chosen) > 1:
            attempt(self._state, self.work.merge, chosen[:-1], chosen[-1])

    def _remove(self) -> None:
        chosen = self.chosen()
        if chosen:
            attempt(self._state, self.work.remove, chosen)

    def _remove_unused(self) -> None:
        attempt(self._state, self.work.remove_unused)

    # The menu --------------------------------------------------------------------------------------------------------

    def _on_menu_wanted(self, place: QPoint) -> None:
        self._fill_menu()
        self.menu.popup(self.view.viewport().mapToGlobal(place))

    def _fill_menu(self) -> None:
        menu, chosen = self.menu, self.chosen()
        menu.clear()
        if len(chosen) > 1:
            text = plural("Merge %n label into {into}", "Merge %n labels into {into}", len(chosen) - 1)
            self.merge_action.setText(text.format(into=chosen[-1]))
        else:
            self.merge_action.setText(tr("Merge (choose several; the last stays)"))
        single = (self.rename_action, self.recode_action, self.key_action, self.colour_action, self.branch_action)
        for action in single:
            action.setEnabled(len(chosen) == 1)
        for action in (self.out_action, self.in_action, self.remove_action):
            action.setEnabled(bool(chosen))
        self.merge_action.setEnabled(len(chosen) > 1)
        menu.addActions(single)
        menu.addSeparator()
        menu.addActions([self.out_action, self.in_action, self.merge_action])
        menu.addSeparator()
        menu.addActions([self.remove_action, self.unused_action])
