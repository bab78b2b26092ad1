"""The labels: given by a click, by their key, or searched for as one types; those used last are at hand."""

from typing import Any, List, Optional

from qgis.PyQt.QtCore import QEvent, QModelIndex, QPoint, Qt, pyqtSignal
from qgis.PyQt.QtGui import QStandardItem, QStandardItemModel
from qgis.PyQt.QtWidgets import QAbstractItemView, QHeaderView, QInputDialog, QLineEdit, QMenu, QTreeView, QWidget

from ...processing.forms.sentences import quiet, sentence
from ...processing.i18n import tr
from ..reef.palette import MOST_RECENT
from .class_model import SWATCH_PX
from .parts import (
    attempt,
    column,
    described,
    evenly,
    icon_size,
    lines,
    narrow_text,
    number_of,
    row,
    swatch,
    tool_button,
)

NAME, KEY = range(2)
CODE = Qt.ItemDataRole.UserRole
ROWS = 11
ALL_OPEN = 200
"""Of so many labels the whole tree is opened; of more, its first two levels."""


class LabelTreeView(QTreeView):
    """A tree in which Enter gives the label it stands on."""

    taken = pyqtSignal(QModelIndex)

    def keyPressEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Enter takes; the rest is the tree's, or was heard by the keys of labels before."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.taken.emit(self.currentIndex())
            event.accept()
            return
        super().keyPressEvent(event)


class PaletteControl(QWidget):
    """Search line, labels, labels used last, and a menu."""

    done = pyqtSignal()
    """A label was given, or the search was left: the keyboard goes back to the photo."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.find = described(QLineEdit(), "reef_label_find")
        self.find.setPlaceholderText(tr("Find a label (Space)"))
        self.find.setClearButtonEnabled(True)
        self.find.installEventFilter(self)
        self.more = tool_button("reef_labels_more")
        self.more.setPopupMode(self.more.ToolButtonPopupMode.InstantPopup)
        self.menu = QMenu(self.more)
        self.menu.setToolTipsVisible(True)
        self.menu.aboutToShow.connect(self._fill_menu)
        self.more.setMenu(self.menu)
        self.model = QStandardItemModel(0, 2, self)
        self.view = self._tree()
        self.empty = quiet(sentence())
        self.recent = [tool_button("reef_recent") for _ in range(MOST_RECENT)]
        for place, button in enumerate(self.recent):
            button.clicked.connect(lambda *_, place=place: self._take_recent(place))
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        column(self, row(self.find, self.more, stretch=self.find), evenly(*self.recent, gap=2), self.view, self.empty)
        self.find.textChanged.connect(self._fill)
        self.find.returnPressed.connect(self._take_found)
        self.view.clicked.connect(self._take)
        self.view.taken.connect(self._take)
        self.view.customContextMenuRequested.connect(self._on_menu_wanted)
        state.opened.connect(self._fill)
        state.labels_changed.connect(self._fill)
        state.annotated.connect(self._show_recent)
        self._fill()

    def search(self, begin: str) -> None:
        """Take the keyboard, and begin with this text."""
        self.find.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.find.setText(begin)

    def _tree(self) -> LabelTreeView:
        view = described(LabelTreeView(), "reef_labels")
        view.setModel(self.model)
        view.setHeaderHidden(True)
        view.setUniformRowHeights(True)
        view.setIconSize(icon_size(view))
        view.setTabKeyNavigation(False)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        view.setIndentation(lines(view, 0.8))
        view.header().setStretchLastSection(False)
        view.header().setMinimumSectionSize(lines(view, 1.2))
        view.header().setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        view.header().setSectionResizeMode(KEY, QHeaderView.ResizeMode.Fixed)
        view.header().resizeSection(KEY, lines(view, 1.6))
        view.setFixedHeight(lines(view, 1.25) * ROWS + 2 * view.frameWidth())
        return view

    # What is shown ----------------------------------------------------------------------------------------------------

    def _fill(self, *_: Any) -> None:
        palette, text = self._state.palette, self.find.text()
        self.model.removeRows(0, self.model.rowCount())
        found = palette.find(text) if text.strip() else palette.labels
        if text.strip() or not self._state.tree:
            for label in found:
                self.model.appendRow(self._row(label.code))
        else:
            for code in palette.tree.roots:
                self._grow(self.model.invisibleRootItem(), code)
            if len(palette.labels) <= ALL_OPEN:
                self.view.expandAll()
            else:
                self.view.expandToDepth(0)
        self.view.setRootIsDecorated(self._state.tree and not text.strip() and palette.tree.depth > 1)
        if text.strip() and self.model.rowCount():
            self.view.setCurrentIndex(self.model.index(0, NAME))
        self._say(bool(found), text)
        self._show_recent()

    def _say(self, found: bool, text: str) -> None:
        palette = self._state.palette
        self.view.setVisible(found)
        self.empty.setVisible(not found or bool(palette.fault))
        if palette.fault:
            self.empty.setText(tr("The labels make no tree, so they are listed. {why}").format(why=palette.fault))
        elif text.strip():
            self.empty.setText(tr("No label fits."))
        else:
            self.empty.setText(tr("The survey has no labels. Import a label set, or add labels below."))

    def _grow(self, above: QStandardItem, code: str) -> None:
        cells = self._row(code)
        above.appendRow(cells)
        for child in self._state.palette.tree.children(code):
            self._grow(cells[0], child)

    def _row(self, code: str) -> List[QStandardItem]:
        palette = self._state.palette
        name, key = palette.name(code), palette.key(code)
        shown = name if name.lower() == code.lower() else tr("{name} ({code})").format(name=name, code=code)
        item, cap = QStandardItem(swatch(palette.colour(code), SWATCH_PX), shown), QStandardItem(key)
        item.setData(code, CODE)
        item.setToolTip(shown)
        told = tr("{label}, key {key}").format(label=shown, key=key) if key else shown
        item.setData(told, Qt.ItemDataRole.AccessibleTextRole)
        cap.setData(number_of(Qt.AlignmentFlag.AlignCenter), Qt.ItemDataRole.TextAlignmentRole)
        return [item, cap]

    def _show_recent(self, *_: Any) -> None:
        palette = self._state.palette
        for place, button in enumerate(self.recent):
            code = palette.recent[place] if place < len(palette.recent) else ""
            button.setEnabled(bool(code))
            narrow_text(button, code)
            if code:
                button.setIcon(swatch(palette.colour(code), SWATCH_PX))
                button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
                button.setToolTip(palette.name(code))
                button.setAccessibleName(tr("Label {name} again").format(name=palette.name(code)))

    # What is pressed --------------------------------------------------------------------------------------------------

    def _take(self, index: QModelIndex) -> None:
        code = index.sibling(index.row(), NAME).data(CODE)
        if code and attempt(self._state, self._state.label, code):
            self.find.clear()
        self.done.emit()

    def _take_recent(self, place: int) -> None:
        attempt(self._state, self._state.label, self._state.palette.recent[place])
        self.done.emit()

    def _take_found(self) -> None:
        if self.find.text().strip() and self.model.rowCount():
            self._take(self.view.currentIndex() if self.view.currentIndex().isValid() else self.model.index(0, NAME))

    def eventFilter(self, watched: Any, event: Any) -> bool:  # noqa: N802 - Qt's name
        """Up and down choose among what was found while one types; Esc leaves."""
        if event.type() == QEvent.Type.KeyPress:
            by = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(event.key())
            if by is not None and self.model.rowCount():
                below, above = self.view.indexBelow, self.view.indexAbove
                index = (below if by > 0 else above)(self.view.currentIndex())
                if index.isValid():
                    self.view.setCurrentIndex(index)
                return True
            if event.key() == Qt.Key.Key_Escape:
                self.find.clear()
                self.done.emit()
                return True
        return bool(super().eventFilter(watched, event))

    # The menu ---------------------------------------------------------------------------------------------------------

    def _on_menu_wanted(self, place: QPoint) -> None:
        index = self.view.indexAt(place)
        if index.isValid():
            self.view.setCurrentIndex(index)
        self.menu.popup(self.view.viewport().mapToGlobal(place))

    def _chosen(self) -> str:
        index = self.view.currentIndex()
        return str(index.sibling(index.row(), NAME).data(CODE) or "") if index.isValid() else ""

    def _fill_menu(self) -> None:
        state, code = self._state, self._chosen()
        self.menu.clear()
        tree = self.menu.addAction(tr("As a tree"))
        tree.setCheckable(True)
        tree.setChecked(state.tree)
        tree.toggled.connect(lambda on: setattr(state, "tree", on))
        text = tr("Key of {label}…").format(label=state.palette.name(code)) if code else tr("Key of a label…")
        key = self.menu.addAction(text, lambda: self._ask_key(code))
        key.setEnabled(bool(code))
        give = self.menu.addAction(tr("Give keys to all labels without"), lambda: attempt(state, state.give_keys))
        give.setToolTip(tr("Labels used most come first and get a letter of their name where it is free."))
        give.setEnabled(bool(state.palette.labels))

    def _ask_key(self, code: str) -> None:
        title = tr("Key of {label}").format(label=self._state.palette.name(code))
        asked = tr("A letter, a capital letter (with Shift), or one of 6 to 9 and 0. Empty: none.")
        text, good = QInputDialog.getText(self, title, asked, QLineEdit.EchoMode.Normal, self._state.palette.key(code))
        if good:
            attempt(self._state, self._state.set_key, code, text.strip())
