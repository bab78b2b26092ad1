"""How sure the map is: cells of the view by confidence."""

from typing import Any

from ...processing.i18n import plural, tr
from ..controls.parts import percent
from .box import PlotBox
from .look import GRID_OPACITY, colours, quiet_plot

SURE = 0.9


class ConfidencePlot(PlotBox):
    """Twenty bars from 0 to 100 %."""

    NAME = "plot_confidence"

    def make(self, pg: Any) -> Any:
        """Confidence to the right, cells upwards."""
        plot = quiet_plot(pg)
        plot.setLabel("bottom", tr("confidence (%)"))
        plot.setLabel("left", tr("share of the view (%)"))
        plot.showGrid(x=False, y=True, alpha=GRID_OPACITY)
        self.bars = pg.BarGraphItem(x=[], height=[], width=1)
        plot.addItem(self.bars)
        plot.setXRange(0, 100)
        return plot

    def draw(self) -> str:
        """The view that was painted last."""
        last = self.state.last
        if self.state.target == "value":
            return tr("Values carry no confidence; the accuracy so far tells how far they are off.")
        if last is None or not sum(last.confidence):
            return tr("There is no live map yet.")
        total, steps = sum(last.confidence), len(last.confidence)
        width = 100 / steps
        _, _, accent = colours(self)
        self.bars.setOpts(
            x=[(number + 0.5) * width for number in range(steps)],
            height=[100 * count / total for count in last.confidence],
            width=0.9 * width, brush=self.pg.mkBrush(accent), pen=self.pg.mkPen(None),
        )  # fmt: skip
        sure = sum(last.confidence[round(SURE * steps) :]) / total
        self.caption.setText(
            tr("{share} of {cells} are mapped with a confidence of {sure} or more.").format(
                share=percent(sure), cells=plural("%n cell", "%n cells", total), sure=percent(SURE)
            )
        )
        return ""
