"""The Reef tab: a survey of photos annotated point by point, then what comes of it."""

from typing import Any, Optional

from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QStackedWidget, QToolButton, QVBoxLayout, QWidget

from ...processing.forms.sentences import sentence
from ...processing.i18n import tr
from ..controls.news import News
from ..controls.parts import described, letters, lines, push_button
from ..controls.reef_agreement import ReefAgreementControl
from ..controls.reef_cover import ReefCoverControl
from ..controls.reef_keys import KeysControl
from ..controls.reef_labels import ReefLabelControl
from ..controls.reef_learn import ReefLearnControl
from ..controls.reef_palette import PaletteControl
from ..controls.reef_photos import PhotosControl
from ..controls.reef_progress import ReefProgress
from ..controls.reef_sign import ReefSignControl
from ..controls.reef_suggestions import HistoryControl, PointControl
from ..controls.reef_survey import SurveyControl, ask_for_survey
from ..reef.keys import Keys
from .scroller import Scroller

MARGIN_LINES = 0.5


class ReefPanel(QWidget):
    """All controls of a survey; without one, what to do first."""

    engine_wanted = pyqtSignal()

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.survey = SurveyControl(state)
        self.pages = QStackedWidget()
        self.pages.addWidget(self._without_survey())
        self.scroller = Scroller(self._controls())
        self.pages.addWidget(self.scroller)
        self.news = News(state)
        self.keys = Keys(state, self)
        self.keys.serve(self.point)
        self.keys.serve(self.photos.view, chooses=True)
        self.keys.serve(self.palette.view, chooses=True)
        state.search_wanted.connect(self._on_search_wanted)
        state.dock_wanted.connect(self._on_dock_wanted)
        self.history.serve(self)
        self.palette.done.connect(self._on_label_given)
        layout = QVBoxLayout(self)
        margin = lines(self, MARGIN_LINES)
        layout.setContentsMargins(0, margin, 0, margin)
        layout.setSpacing(margin)
        for widget, stretch in ((self.survey, 0), (self.pages, 1), (self.news, 0)):
            inset = QVBoxLayout()
            inset.setContentsMargins(*((margin, 0, margin, 0) if widget is not self.pages else (0, 0, 0, 0)))
            inset.addWidget(widget)
            layout.addLayout(inset, stretch)
        state.opened.connect(self._show)
        self._show()

    def take_keyboard(self) -> None:
        """Answer to keys here; where the photo window is seen it does so itself."""
        self.point.setFocus(Qt.FocusReason.OtherFocusReason)

    def _without_survey(self) -> QWidget:
        page = QWidget()
        text = sentence(
            tr(
                "A survey is one file: photos, points on them, labels in a tree. Open one, or make one of a folder of "
                "photos; annotations of CoralNet, CPCe and CoralNet-Toolbox come along."
            )
        )
        self.open = push_button("reef_open", lambda: ask_for_survey(self, self._state))
        self.bring = push_button("reef_import", lambda: self._state.form_wanted.emit("quadrat:importreef", {}))
        layout = QVBoxLayout(page)
        layout.addWidget(text)
        layout.addWidget(self.open)
        layout.addWidget(self.bring)
        layout.addStretch(1)
        return page

    def _controls(self) -> QWidget:
        state = self._state
        self.photos = PhotosControl(state)
        self.point = PointControl(state)
        self.palette = PaletteControl(state)
        self.history = HistoryControl(state)
        self.progress = ReefProgress(state)
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        margin = lines(inner, MARGIN_LINES)
        self._column.setContentsMargins(margin, 0, margin, margin)
        self._column.setSpacing(margin)
        for control in (self.photos, self.progress, self.point, self.history, self.palette):
            self._column.addWidget(control)
        self._folding(tr("Keys"), "reef_keys", KeysControl(), folded=True)
        self._second_half()
        self._column.addStretch(1)
        inner.setMinimumWidth(letters(inner, 24))
        return inner

    def _second_half(self) -> None:
        """What comes of the annotations: learning, stop sign, cover, agreement; and their labels."""
        state = self._state
        self.learn, self.sign, self.cover = ReefLearnControl(state), ReefSignControl(state), ReefCoverControl(state)
        self.agreement, self.labels = ReefAgreementControl(state), ReefLabelControl(state)
        for title, name, control in (
            (tr("Training"), "reef_learn", self.learn), (tr("Stop sign"), "reef_sign", self.sign),
            (tr("Cover"), "reef_cover", self.cover), (tr("Two annotators"), "reef_agreement", self.agreement),
            (tr("Label tree"), "reef_tree", self.labels),
        ):  # fmt: skip
            self._folding(title, name, control, folded=name != "reef_sign")
        for control in (self.sign, self.cover):
            control.engine_wanted.connect(self.engine_wanted)

    def _folding(self, title: str, name: str, control: QWidget, *, folded: bool) -> QgsCollapsibleGroupBox:
        """Controls that can be folded away; QGIS remembers whether they are."""
        box = QgsCollapsibleGroupBox(title)
        box.setObjectName(f"quadrat_{name}")
        box.setSettingGroup("quadrat")
        box.setCollapsed(folded)
        for button in box.findChildren(QToolButton, "collapseButton"):  # QGIS's own, without a name for screen readers
            described(button, f"fold_{name}")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        layout = QVBoxLayout(box)
        layout.addWidget(control)
        self._column.addWidget(box)
        return box

    def _show(self) -> None:
        self.pages.setCurrentIndex(1 if self._state.session is not None else 0)

    def _on_search_wanted(self, begin: str) -> None:
        self.palette.search(begin)
        for widget in (self.palette, self.palette.find):  # the line in any case, where all of it is too high
            self.scroller.ensureWidgetVisible(widget, 0, lines(self, 1))

    def _on_label_given(self) -> None:
        self.take_keyboard()
        self._state.keyboard_wanted.emit()  # to the photo window, where it is seen

    def _on_dock_wanted(self) -> None:
        self.photos.view.setFocus(Qt.FocusReason.OtherFocusReason)
