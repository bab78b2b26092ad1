"""How one labels: click, drag, polygon or not at all; undo and redo; what is labelled so far."""

from typing import Any, Dict, Optional

from qgis.core import QgsProject, QgsVectorLayer
from qgis.PyQt.QtCore import QSignalBlocker, Qt
from qgis.PyQt.QtGui import QKeySequence
from qgis.PyQt.QtWidgets import QAction, QButtonGroup, QMenu, QToolButton, QWidget

from ...processing.forms.sentences import quiet, sentence
from ...processing.i18n import plural, tr
from .parts import attempt, column, described, evenly, icon_size, row, theme_icon, title_of, tool_button

TOOLS = {
    "click": "mActionCapturePoint",
    "drag": "mActionStreamingDigitize",
    "polygon": "mActionCapturePolygon",
    "none": "mActionPan",
}
"""Tools by name, with their icons."""
SHORT = {"none": "Move"}


class GestureControl(QWidget):
    """Four tools, of which one is in use."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.buttons: Dict[str, QToolButton] = {}
        group = QButtonGroup(self)
        for tool, icon in TOOLS.items():
            button = described(QToolButton(), f"tool_{tool}")
            button.setText(tr(SHORT[tool]) if tool in SHORT else title_of(f"tool_{tool}"))
            button.setIcon(theme_icon(icon))
            button.setIconSize(icon_size(button) * 1.25)
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
            button.setCheckable(True)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            button.clicked.connect(lambda *_, tool=tool: attempt(state, state.set_tool, tool))
            group.addButton(button)
            self.buttons[tool] = button
        column(self, evenly(*self.buttons.values(), gap=0))
        state.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        ready = self._state.opened is not None
        for tool, button in self.buttons.items():
            button.setEnabled(ready)
            with QSignalBlocker(button):
                button.setChecked(tool == self._state.tool)


class LabelSummary(QWidget):
    """Labels so far, what is wrong with some of them, undo and redo."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.counts = described(sentence(), "label_counts")
        self.troubles = quiet(sentence())
        self.troubles.setTextFormat(Qt.TextFormat.RichText)
        self.troubles.linkActivated.connect(self._show_conflicts)
        self.selected = tool_button("selected", "mActionSelect")
        self.selected.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.layers = QMenu(self.selected)
        self.layers.aboutToShow.connect(self._fill_layers)
        self.selected.setMenu(self.layers)
        self.undo = self._history("undo", "mActionUndo", QKeySequence.StandardKey.Undo, state.undo)
        self.redo = self._history("redo", "mActionRedo", QKeySequence.StandardKey.Redo, state.redo)
        column(self, row(self.counts, self.selected, self.undo, self.redo, stretch=self.counts), self.troubles)
        state.changed.connect(self._show)
        self._show()

    def _history(self, name: str, icon: str, key: Any, does: Any) -> QToolButton:
        button = tool_button(name, icon)
        button.clicked.connect(lambda *_: attempt(self._state, does))
        action = QAction(title_of(name), self)
        action.setShortcut(QKeySequence(key))
        # Only while the dock has the keyboard: elsewhere the same keys are QGIS's.
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda *_: attempt(self._state, does))
        setattr(self, f"{name}_action", action)
        return button

    def _show(self) -> None:
        state = self._state
        total = sum(state.label_counts().values())
        classes = sum(1 for count in state.label_counts().values() if count)
        if not total:
            text = self._first_step()
        elif state.target == "value":
            text = plural("%n label", "%n labels", total)
        else:
            kinds = plural("%n class", "%n classes", classes)
            text = tr("{labels} in {classes}").format(labels=plural("%n label", "%n labels", total), classes=kinds)
        self.counts.setText(text)
        self.troubles.setText("<br>".join(self._troubles()))
        self.troubles.setVisible(bool(self.troubles.text()))
        self.undo.setEnabled(state.stack.canUndo())
        self.redo.setEnabled(state.stack.canRedo())
        self.selected.setEnabled(state.opened is not None)

    def _first_step(self) -> str:
        values, idle = self._state.target == "value", self._state.tool == "none"
        if values:
            return (
                tr("No labels yet. Enter a value, press 'Click', then click on the map.")
                if idle
                else tr("No labels yet. Enter a value, then click on the map.")
            )
        if idle:
            return tr("No labels yet. Choose a class, press 'Click', then click on the map.")
        return tr("No labels yet. Choose a class, then click on the map.")

    def _troubles(self) -> Any:
        taught = self._state.taught
        if taught is None:
            return
        if taught.conflicts:
            text = plural("%n cell carries several classes.", "%n cells carry several classes.", len(taught.conflicts))
            yield tr('{sentence} <a href="show">Show</a>').format(sentence=text)
        if taught.outside:
            yield plural(
                "%n label lies where there is no data.", "%n labels lie where there is no data.", len(taught.outside)
            )

    def _show_conflicts(self, link: str) -> None:
        self._state.select_cells([tuple(cell) for cell in self._state.taught.conflicts])

    def _fill_layers(self) -> None:
        self.layers.clear()
        for layer in QgsProject.instance().mapLayers().values():
            count = layer.selectedFeatureCount() if isinstance(layer, QgsVectorLayer) else 0
            if count:
                text = tr("{layer} ({count})").format(
                    layer=layer.name(), count=plural("%n feature", "%n features", count)
                )
                self.layers.addAction(text, lambda layer=layer: attempt(self._state, self._state.label_selected, layer))
        if self.layers.isEmpty():
            action = self.layers.addAction(tr("Select features of a vector layer first."))
            action.setEnabled(False)
