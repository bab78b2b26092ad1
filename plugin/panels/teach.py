"""The Teach tab: from a raster to a taught map, top to bottom in the order of the work."""

from typing import Any, Optional

from qgis.gui import QgsCollapsibleGroupBox
from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtWidgets import QFrame, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from ...processing.forms.sentences import sentence
from ...processing.i18n import tr
from ..controls.asking import AskControl
from ..controls.classes import ClassControl
from ..controls.finish import FinishControl
from ..controls.gestures import GestureControl, LabelSummary
from ..controls.hover import HoverControl
from ..controls.live import LiveControl
from ..controls.news import News
from ..controls.parts import described, letters, lines, push_button
from ..controls.source import SourceControl
from ..controls.target import TargetControl, ValueControl
from ..plots.deck import PlotDeck
from .scroller import Scroller

MARGIN_LINES = 0.5


class TeachPanel(QWidget):
    """All controls of teaching; without an engine, one sentence and the way to it."""

    engine_wanted = pyqtSignal()
    apply_wanted = pyqtSignal(str)

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self._ready: Optional[bool] = None
        self.pages = QStackedWidget()
        self.pages.addWidget(self._without_engine())
        self.pages.addWidget(Scroller(self._controls()))
        self.news = News(state)
        layout = QVBoxLayout(self)
        margin = lines(self, MARGIN_LINES)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.pages, 1)
        foot = QVBoxLayout()
        foot.setContentsMargins(margin, 0, margin, margin)
        foot.addWidget(self.news)
        layout.addLayout(foot)
        state.changed.connect(self._show)
        self.look_for_engine()
        self._show()

    def look_for_engine(self) -> None:
        """Look again whether there is an engine: after set-up, and whenever the tab is shown."""
        before, self._ready = self._ready, bool(self._state.engine_ready)
        self.pages.setCurrentIndex(1 if self._ready else 0)
        if self._ready and before is False:
            self._state.engine_changed()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """An engine may have been set up meanwhile."""
        super().showEvent(event)
        self.look_for_engine()

    def _without_engine(self) -> QWidget:
        page = QWidget()
        text = sentence(
            tr(
                "Quadrat's engine is not set up yet. It does the work in a folder of its own and changes nothing in "
                "QGIS; setting it up takes a few minutes."
            )
        )
        self.to_engine = push_button("to_engine", self.engine_wanted.emit)
        layout = QVBoxLayout(page)
        layout.addWidget(text)
        layout.addWidget(self.to_engine)
        layout.addStretch(1)
        return page

    def _controls(self) -> QWidget:
        state = self._state
        self.source = SourceControl(state)
        self.target = TargetControl(state)
        self.classes = ClassControl(state)
        self.value = ValueControl(state)
        self.gestures = GestureControl(state)
        self.labels = LabelSummary(state)
        self.live = LiveControl(state)
        self.asking = AskControl(state)
        self.hover = HoverControl(state)
        self.plots = PlotDeck(state)
        self.finish = FinishControl(state)
        self.finish.apply_wanted.connect(self.apply_wanted)
        self.plots.engine_wanted.connect(self.engine_wanted)
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        margin = lines(inner, MARGIN_LINES)
        self._column.setContentsMargins(margin, margin, margin, margin)
        self._column.setSpacing(margin)
        self._column.addWidget(self.source)
        self._after_choice = [
            self._section("", self.target, self.classes, self.value, self.gestures, self.labels),
            self._section("", self.live),
            self._section("", self.asking),
            self._folding(tr("Under the cursor"), "hover", self.hover, folded=False),
            self._folding(tr("Plots"), "plots", self.plots, folded=True),
            self._section("", self.finish),
        ]
        self._column.addStretch(1)
        inner.setMinimumWidth(letters(inner, 24))
        return inner

    def _section(self, title: str, *controls: QWidget) -> QWidget:
        """Controls that belong together, below a thin line."""
        box = QWidget()
        layout = QVBoxLayout(box)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(lines(self, MARGIN_LINES))
        line = QFrame()
        line.setFrameShape(QFrame.Shape.HLine)
        line.setFrameShadow(QFrame.Shadow.Sunken)
        layout.addWidget(line)
        for control in controls:
            layout.addWidget(control)
        self._column.addWidget(box)
        return box

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
        state = self._state
        begun = bool(state.embedding)
        for section in self._after_choice:
            section.setVisible(begun)
        classes = state.target == "class"
        self.classes.setVisible(classes)
        self.value.setVisible(not classes)
