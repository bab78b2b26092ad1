"""How far the machine was off in each batch of checked photos, against what is tolerated."""

from typing import Any

from qgis.PyQt.QtCore import Qt

from ...processing.i18n import plural, tr
from ..controls.parts import lines
from .box import PlotBox
from .look import GRID_OPACITY, colours, quiet_plot

HEIGHT, POINT_LINES, BEYOND = 10, 0.6, 1.1
"""Lines of text; lines of text; share of room above and beside."""


class SignPlot(PlotBox):
    """One point for each batch: error of its worst group, with its interval. `state` is a `SignState`."""

    NAME = "reef_sign_plot"

    def __init__(self, state: Any, parent: Any = None) -> None:
        super().__init__(state, parent)
        self.pages.setMinimumHeight(lines(self, HEIGHT))

    def make(self, pg: Any) -> Any:
        """Checked photos to the right, error upwards."""
        plot = quiet_plot(pg)
        plot.setLabel("bottom", tr("checked photos"))
        plot.setLabel("left", tr("error (%)"))
        plot.showGrid(x=False, y=True, alpha=GRID_OPACITY)
        self.limit = pg.InfiniteLine(angle=0, movable=False)
        self.bars = pg.ErrorBarItem()
        self.line = pg.PlotDataItem([], [], symbol="o")
        for item in (self.limit, self.bars, self.line):
            plot.addItem(item)
        return plot

    def draw(self) -> str:
        """All batches."""
        import numpy as np  # pyqtgraph has brought it

        verdict = self.state.verdict
        if verdict is None or not verdict.batches:
            return tr("Here comes the error of each batch of checked photos.")
        batches = verdict.batches
        at = np.cumsum([batch.photos for batch in batches]).astype(float)
        error, low, high = (100 * np.array([getattr(batch, name) for batch in batches], dtype=float)
                            for name in ("error", "low", "high"))  # fmt: skip
        _, ink, accent = colours(self)
        pg, tolerance = self.pg, self.state.question.tolerance
        self.limit.setValue(tolerance)
        self.limit.setPen(pg.mkPen(ink, width=1.5, style=Qt.PenStyle.DashLine))
        width = 0.03 * float(at[-1])
        self.bars.setData(x=at, y=error, top=high - error, bottom=error - low, beam=width,
                          pen=pg.mkPen(accent, width=2))  # fmt: skip
        fills = [pg.mkBrush(accent if batch.passes else colours(self)[0]) for batch in batches]
        self.line.setData(
            at, error, pen=pg.mkPen(accent, width=1), symbolPen=pg.mkPen(accent, width=2), symbolBrush=fills,
            symbolSize=lines(self, POINT_LINES),
        )  # fmt: skip
        self.plot.setXRange(0, BEYOND * float(at[-1]), padding=0)
        self.plot.setYRange(0, BEYOND * max(float(high.max()), tolerance), padding=0)
        # Which group is the worst may differ between batches; the last one counts.
        last = batches[-1]
        said = plural(
            "Last batch: %n photo; worst group: {name}.", "Last batch: %n photos; worst group: {name}.", last.photos
        )
        self.caption.setText(said.format(name=self.state.name_of(last.worst)))
        self.setAccessibleDescription(
            "; ".join(f"{x:.0f}: {e:.1f} ({a:.1f}–{b:.1f}) %" for x, e, a, b in zip(at, error, low, high))
        )
        return ""
