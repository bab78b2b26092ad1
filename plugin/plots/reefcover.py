"""Cover of the survey by label: bars of what is counted, dots and lines of what is estimated."""

from typing import Any, List, Tuple

from qgis.PyQt.QtCore import Qt

from ...processing.i18n import tr
from ..controls.parts import letters, lines
from ..reef.coverchart import bars
from .box import PlotBox
from .look import GRID_OPACITY, UNKNOWN, colours, quiet_plot

NAME_LETTERS, MOST_BARS, LINES_EACH, BEYOND = 14, 14, 1.5, 1.08
"""Letters of a name; bars; lines of text a bar is high; room to the right of the longest."""
AXIS_LINES = 3.5


class ReefCoverPlot(PlotBox):
    """One bar for each label, the most common on top. `state` is a `CoverState`."""

    NAME = "reef_cover_plot"

    def __init__(self, state: Any, palette_of: Any, parent: Any = None) -> None:
        super().__init__(state, parent)
        self._palette_of = palette_of
        """Gives the labels of the survey as they are now."""

    def make(self, pg: Any) -> Any:
        """Cover to the right, labels downwards."""
        plot = quiet_plot(pg)
        plot.setLabel("bottom", tr("cover (%)"))
        plot.showGrid(x=True, y=False, alpha=GRID_OPACITY)
        plot.invertY(True)
        self.bars = pg.BarGraphItem(x0=[], y=[], width=[], height=0.7)
        self.intervals = pg.ErrorBarItem()
        self.dots = pg.PlotDataItem([], [], pen=None, symbol="o")
        for item in (self.bars, self.intervals, self.dots):
            plot.addItem(item)
        self.intervals.setZValue(10)
        self.dots.setZValue(11)
        return plot

    def draw(self) -> str:
        """The level that is chosen."""
        tally = self.state.tally
        if self.state.trouble:
            return str(self.state.trouble)
        if tally is None:
            return tr("Open a survey to see its cover.")
        if not tally.bars:
            return tr("Finish a photo to see its cover here.")
        palette, shown = self._palette_of(), bars(self.state, MOST_BARS)
        self.bars.setOpts(
            x0=[0.0] * len(shown), y=list(range(len(shown))), width=[100 * share for _, share in shown], height=0.7,
            brushes=[self.pg.mkBrush(palette.colour(code) or UNKNOWN) for code, _ in shown], pen=self.pg.mkPen(None),
        )  # fmt: skip
        metrics, room = self.fontMetrics(), letters(self, NAME_LETTERS)
        names = [palette.name(code) if code else tr("all others") for code, _ in shown]
        mode = Qt.TextElideMode.ElideRight
        self.plot.getAxis("left").setTicks([[(n, metrics.elidedText(one, mode, room)) for n, one in enumerate(names)]])
        self.plot.setYRange(-0.6, len(shown) - 0.4, padding=0)
        widest = self._draw_intervals(shown)
        self.plot.setXRange(0, BEYOND * max([100 * share for _, share in shown] + [widest, 1.0]), padding=0)
        self.pages.setMinimumHeight(lines(self, AXIS_LINES + LINES_EACH * max(len(shown), 3)))
        self.caption.setText(self.state.caption())
        told = "; ".join(f"{name} {100 * share:.1f} %" for name, (_, share) in zip(names, shown))
        self.setAccessibleDescription(told)
        return ""

    def _draw_intervals(self, shown: List[Tuple[str, float]]) -> float:
        """What is estimated; gives the highest limit, in per cent."""
        import numpy as np  # pyqtgraph has brought it

        estimated = self.state.intervals()
        known = [(n, estimated[code]) for n, (code, _) in enumerate(shown) if code in estimated]
        _, ink, _ = colours(self)
        x = np.array([100 * one.cover for _, one in known], dtype=float)
        y = np.array([n for n, _ in known], dtype=float)
        left = x - np.array([100 * one.low for _, one in known], dtype=float)
        right = np.array([100 * one.high for _, one in known], dtype=float) - x
        self.intervals.setData(x=x, y=y, left=left, right=right, beam=0.3, pen=self.pg.mkPen(ink, width=2))
        self.dots.setData(x, y, symbolBrush=self.pg.mkBrush(ink), symbolPen=None, symbolSize=lines(self, 0.5))
        self.intervals.setVisible(bool(known))
        self.dots.setVisible(bool(known))
        return float((x + right).max()) if known else 0.0
