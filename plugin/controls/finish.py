"""From a taught map to files: map everything, assess, copy as a call; and what was taught before."""

from typing import Any, Optional

from qgis.PyQt.QtCore import QSignalBlocker, pyqtSignal
from qgis.PyQt.QtGui import QGuiApplication
from qgis.PyQt.QtWidgets import QComboBox, QMenu, QPushButton, QWidget

from ...processing.forms.sentences import quiet, sentence
from ...processing.i18n import tr
from .parts import attempt, column, described, evenly, narrow, push_button, row, title_of


class FinishControl(QWidget):
    """Three buttons, and the heads that were made."""

    apply_wanted = pyqtSignal(str)
    """Path of a head that is to be applied to another raster."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.everything = push_button("map_everything", lambda: attempt(state, state.map_everything))
        self.assess = push_button("assess", lambda: attempt(state, state.assess))
        self.copy: QPushButton = described(QPushButton(title_of("copy")), "copy")
        menu = QMenu(self.copy)
        menu.addAction(tr("Python, for the QGIS console"), lambda: self._copy("python"))
        menu.addAction(tr("Shell command"), lambda: self._copy("shell"))
        menu.addAction(tr("JSON job"), lambda: self._copy("json"))
        self.copy.setMenu(menu)
        self.hint = quiet(sentence())
        self.heads = narrow(described(QComboBox(), "heads"))
        self.apply = push_button("apply", self._apply, tr("Apply…"))
        self._taught = QWidget()
        column(self._taught, row(self.heads, self.apply, stretch=self.heads))
        column(self, self.hint, self.everything, evenly(self.assess, self.copy), self._taught)
        state.changed.connect(self._show)
        state.painted.connect(self._show)
        state.busy_changed.connect(self._show)
        self._show()

    def _show(self, *_: Any) -> None:
        state = self._state
        taught = state.last is not None and bool(state.last.path)
        for button in (self.everything, self.assess):
            button.setEnabled(taught and not state.busy)
        self.copy.setEnabled(taught)
        self.hint.setVisible(not taught)
        self.hint.setText(tr("When the map looks right, write it for the whole raster here."))
        self._taught.setVisible(bool(state.heads))
        shown = [self.heads.itemData(number) for number in range(self.heads.count())]
        if shown != [head["path"] for head in state.heads]:
            with QSignalBlocker(self.heads):
                self.heads.clear()
                for head in state.heads:
                    self.heads.addItem(head["name"], head["path"])
                self.heads.setCurrentIndex(self.heads.count() - 1)

    def _copy(self, kind: str) -> None:
        text = self._state.copy_call(kind)
        if text:
            QGuiApplication.clipboard().setText(text)
            self._state.said.emit("info", tr("Copied. Paste it where you need it."))

    def _apply(self) -> None:
        path = self.heads.currentData()
        if path:
            self.apply_wanted.emit(path)
