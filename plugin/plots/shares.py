"""What the view is made of: share of each class, with an interval where a probability sample gives one."""

from typing import Any, List

from qgis.PyQt.QtCore import Qt

from ...processing.i18n import tr
from ..controls.parts import letters
from .box import PlotBox
from .look import GRID_OPACITY, colours, quiet_plot

NAME_LETTERS = 12


class SharesPlot(PlotBox):
    """One bar for each class, the first on top."""

    NAME = "plot_shares"

    def make(self, pg: Any) -> Any:
        """Shares to the right, classes downwards."""
        plot = quiet_plot(pg)
        plot.setLabel("bottom", tr("share of the view (%)"))
        plot.showGrid(x=True, y=False, alpha=GRID_OPACITY)
        plot.invertY(True)
        self.bars = pg.BarGraphItem(x0=[], y=[], width=[], height=0.7)
        plot.addItem(self.bars)
        self.intervals = pg.ErrorBarItem(beam=0.3)
        self.intervals.setZValue(10)
        plot.addItem(self.intervals)
        return plot

    def draw(self) -> str:
        """The view that was painted last."""
        last, classes = self.state.last, self.state.classes.to_dicts()
        if self.state.target == "value":
            return tr("Values have no classes to share the view.")
        if last is None or not last.shares:
            return tr("There is no live map yet.")
        shown = list(zip(classes, last.shares))
        # One item for all bars: items that come and go make PyQt complain of scenes that it cannot name.
        self.bars.setOpts(
            x0=[0.0] * len(shown), y=list(range(len(shown))), width=[100 * share for _, share in shown], height=0.7,
            brushes=[self.pg.mkBrush(entry["colour"]) for entry, _ in shown], pen=self.pg.mkPen(None),
        )  # fmt: skip
        metrics, room = self.fontMetrics(), letters(self, NAME_LETTERS)
        mode = Qt.TextElideMode.ElideRight
        axis = self.plot.getAxis("left")
        axis.setTicks([[(n, metrics.elidedText(e["name"], mode, room)) for n, (e, _) in enumerate(shown)]])
        self.plot.setYRange(-0.6, len(shown) - 0.4, padding=0)
        self._draw_intervals(shown)
        return ""

    def _draw_intervals(self, shown: List[Any]) -> None:
        """A map's own shares have no interval: its errors are not known from itself."""
        import numpy as np  # pyqtgraph has brought it

        known = [(n, share, self.state.intervals[e["name"]]) for n, (e, share) in enumerate(shown)
                 if e["name"] in self.state.intervals]  # fmt: skip
        _, ink, _ = colours(self)
        middle = [50 * (low + high) for _, _, (low, high) in known]
        half = np.array([50 * (high - low) for _, _, (low, high) in known], dtype=float)
        self.intervals.setData(
            x=np.array(middle, dtype=float), y=np.array([n for n, _, _ in known], dtype=float), left=half, right=half,
            pen=self.pg.mkPen(ink, width=2),
        )  # fmt: skip
        self.intervals.setVisible(bool(known))
        self.caption.setText(
            tr("Lines: share in truth, from the sample, in 95 of 100 cases.")
            if known
            else tr("Counted from the map. For areas with an interval, draw a sample and run 'Estimate area'.")
        )
