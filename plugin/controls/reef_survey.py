"""Which survey is annotated, by whom, and how."""

import os
from typing import Any, Optional

from qgis.PyQt.QtCore import QSignalBlocker, Qt
from qgis.PyQt.QtWidgets import QComboBox, QFileDialog, QLabel, QMenu, QToolButton, QWidget

from ...processing.i18n import tr
from ..reef.layers import path_of, photo_layers, same, source_of
from ..reef.sheet import IN_ORDER, UNSURE
from .parts import attempt, column, described, narrow, row, title_of, tool_button


def ask_for_survey(parent: QWidget, state: Any) -> None:
    """Let the user choose a file, and open it."""
    folder = os.path.dirname(state.path or next(iter(state.recent_surveys()), ""))
    path, _ = QFileDialog.getOpenFileName(parent, tr("Open survey"), folder, tr("Surveys (*.gpkg);;All files (*)"))
    if path:
        attempt(state, state.open, path)


class SurveyList(QComboBox):
    """Surveys of the project and of earlier days; read anew whenever it is opened."""

    def __init__(self, state: Any) -> None:
        super().__init__()
        self._state = state
        self.fill()

    def fill(self) -> None:
        """List what there is, and show which is open."""
        paths = [path_of(layer) for layer in photo_layers()]
        every = [*paths, *self._state.recent_surveys(), *([self._state.path] if self._state.path else [])]
        with QSignalBlocker(self):
            self.clear()
            if not self._state.path:
                self.addItem(tr("Choose a survey"), "")
            for path in dict.fromkeys(os.path.normpath(path) for path in every):
                self.addItem(os.path.basename(path), path)
                self.setItemData(self.count() - 1, path, Qt.ItemDataRole.ToolTipRole)
            self.setCurrentIndex(self.findData(os.path.normpath(self._state.path)) if self._state.path else 0)

    def showPopup(self) -> None:  # noqa: N802 - Qt's name
        """What lies in the project may have changed."""
        self.fill()
        super().showPopup()


class SurveyControl(QWidget):
    """Survey chooser with its menu; annotator, and how to annotate."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.survey = narrow(described(SurveyList(state), "reef_survey"))
        self.more = self._menu_button("reef_survey_more", self._fill_more)
        self.annotator = narrow(described(QComboBox(), "reef_annotator"))
        self.annotator.setEditable(True)
        self.annotator.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        described(self.annotator.lineEdit(), "reef_annotator").setObjectName("reef_annotator_name")
        self.how = self._menu_button("reef_how", self._fill_how, "mActionOptions")
        self.by = QLabel(title_of("reef_annotator"))
        self.by.setBuddy(self.annotator)
        column(
            self,
            row(self.survey, self.more, stretch=self.survey),
            row(self.by, self.annotator, self.how, stretch=self.annotator),
        )
        self.survey.activated.connect(self._on_chosen)
        self.annotator.activated.connect(self._on_named)
        self.annotator.lineEdit().editingFinished.connect(self._on_named)
        state.opened.connect(self._show)
        state.listed.connect(self._show)
        self._show()

    def _menu_button(self, name: str, fill: Any, icon: str = "") -> QToolButton:
        button = tool_button(name, icon)
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        menu.setToolTipsVisible(True)
        menu.aboutToShow.connect(lambda: fill(menu))
        button.setMenu(menu)
        return button

    def _show(self) -> None:
        state = self._state
        self.survey.fill()
        self.survey.setToolTip(state.path or title_of("reef_survey"))
        with QSignalBlocker(self.annotator), QSignalBlocker(self.annotator.lineEdit()):
            self.annotator.clear()
            self.annotator.addItems(state.annotators())
            self.annotator.setEditText(state.annotator)

    def _on_chosen(self, number: int) -> None:
        path = self.survey.itemData(number)
        if path and not same(path, self._state.path):
            attempt(self._state, self._state.open, path)
        self.survey.fill()

    def _on_named(self, *_: Any) -> None:
        self._state.annotator = self.annotator.currentText()
        if not self.annotator.currentText().strip():
            self.annotator.setEditText(self._state.annotator)

    # Menus ------------------------------------------------------------------------------------------------------------

    def _fill_more(self, menu: QMenu) -> None:
        state, path = self._state, self._state.path
        menu.clear()
        menu.addAction(title_of("reef_open"), lambda: ask_for_survey(self, state))
        menu.addAction(title_of("reef_import"), lambda: state.form_wanted.emit("quadrat:importreef", {}))
        menu.addSeparator()
        forms = (
            (tr("Add photos or annotations…"), "importreef"), (tr("Place points on photos…"), "placepoints"),
            (tr("Cover…"), "reefcover"), (tr("Export…"), "exportreef"),
        )  # fmt: skip
        actions = [menu.addAction(text, lambda job=job: self._form(job)) for text, job in forms]
        menu.addSeparator()
        map_action = menu.addAction(tr("Show on the map"), state.map_wanted.emit)
        map_action.setToolTip(tr("Centre the map on this photo. Select a photo on the map to turn to it."))
        actions.append(map_action)
        actions.append(menu.addAction(tr("Read the file again"), lambda: attempt(state, state.reload)))
        for action in actions:
            action.setEnabled(bool(path))

    def _form(self, job: str) -> None:
        self._state.form_wanted.emit(f"quadrat:{job}", {"SURVEY": source_of(self._state.path)})

    def _fill_how(self, menu: QMenu) -> None:
        state = self._state
        menu.clear()
        apart = menu.addAction(tr("Apart from other annotators"))
        apart.setToolTip(tr("Their labels are neither seen nor counted, so that the two can be compared."))
        apart.setCheckable(True)
        apart.setChecked(state.apart)
        apart.toggled.connect(lambda on: setattr(state, "apart", on))
        mixed = menu.addAction(tr("Photos in random order"))
        mixed.setToolTip(
            tr("The same for everybody. Photos that are done then speak for all: stop sign and cover rest on that.")
        )
        mixed.setCheckable(True)
        mixed.setChecked(state.mixed)
        mixed.toggled.connect(lambda on: setattr(state, "mixed", on))
        unsure = menu.addAction(tr("Least sure points first"))
        unsure.setToolTip(tr("Else points come in the order of their numbers."))
        unsure.setCheckable(True)
        unsure.setChecked(state.order == UNSURE)
        unsure.toggled.connect(lambda on: setattr(state, "order", UNSURE if on else IN_ORDER))
        flows = menu.addAction(tr("Next photo by itself"))
        flows.setToolTip(tr("Go on as soon as all points of a photo are done. Else Enter goes on."))
        flows.setCheckable(True)
        flows.setChecked(state.flows)
        flows.toggled.connect(lambda on: setattr(state, "flows", on))
