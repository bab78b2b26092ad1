"""The plots, one at a time: a list to choose from and the plot below it. Draws only what is seen."""

from typing import Any, Optional

from qgis.PyQt.QtCore import QTimer, pyqtSignal
from qgis.PyQt.QtWidgets import QComboBox, QStackedWidget, QVBoxLayout, QWidget

from ..controls.parts import described, narrow, title_of
from .box import PlotBox
from .confidence import ConfidencePlot
from .confusion import ConfusionTable
from .learning import LearningPlot
from .scatter import ScatterPlot
from .shares import SharesPlot

PLOTS = (ScatterPlot, LearningPlot, ConfusionTable, ConfidencePlot, SharesPlot)
SETTLE_MS = 120
"""Drawing waits for the hand to rest: a plot is never worth a late click."""


class PlotDeck(QWidget):
    """Chooser and plots."""

    engine_wanted = pyqtSignal()

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(parent)
        self._state = state
        self.chooser = narrow(described(QComboBox(), "plot_kind"))
        self.pages = QStackedWidget()
        for kind in PLOTS:
            plot = kind(state)
            plot.engine_wanted.connect(self.engine_wanted)
            self.pages.addWidget(plot)
            self.chooser.addItem(title_of(kind.NAME))
        self.chooser.currentIndexChanged.connect(self.pages.setCurrentIndex)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.chooser)
        layout.addWidget(self.pages)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SETTLE_MS)
        self._timer.timeout.connect(self._draw)
        for signal in (state.painted, state.scored, state.scattered, state.changed):
            signal.connect(self._on_news)

    def current(self) -> PlotBox:
        """The plot that is chosen."""
        return self.pages.currentWidget()

    def _on_news(self, *_: Any) -> None:
        if self.isVisible():
            self._timer.start()

    def _draw(self) -> None:
        self.current().refresh()
