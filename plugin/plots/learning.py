"""How good the map has become: score against number of labels, with its interval, on labels kept apart in space."""

from typing import Any

from ...core.metrics.registry import METRICS
from ...processing.i18n import plural, tr
from ..controls.parts import lines, percent
from .box import PlotBox
from .look import GRID_OPACITY, colours, quiet_plot

POINT_LINES = 0.55
LABELS_BEYOND, PADDING = 1.08, 0.03


class LearningPlot(PlotBox):
    """One point for each test so far."""

    NAME = "plot_learning"

    def make(self, pg: Any) -> Any:
        """Labels to the right, score upwards."""
        plot = quiet_plot(pg)
        plot.setLabel("bottom", tr("labels"))
        plot.setLabel("left", tr("score"))
        plot.showGrid(x=False, y=True, alpha=GRID_OPACITY)
        self.bars = pg.ErrorBarItem()
        self.line = pg.PlotDataItem([], [], symbol="o")
        plot.addItem(self.bars)
        plot.addItem(self.line)
        return plot

    def ask(self) -> None:
        """Test what is taught now."""
        if self.state.opened is not None:
            self.state.refresh_score()

    def draw(self) -> str:
        """All tests of the metric that was used last."""
        scores = self.state.scores
        tested = [s for s in scores if s.score is not None and s.metric == scores[-1].metric]
        if not tested or scores[-1].score is None:
            if scores and scores[-1].why:
                return str(scores[-1].why)
            return tr("Once there are a few labels of each class, the map is tested while you teach.")
        card = METRICS.get(tested[-1].metric)
        scale = 100.0 if card is not None and card.percent else 1.0
        at, y = [float(s.labels) for s in tested], [scale * s.score for s in tested]
        up = [scale * max((s.high if s.high is not None else s.score) - s.score, 0.0) for s in tested]
        down = [scale * max(s.score - (s.low if s.low is not None else s.score), 0.0) for s in tested]
        _, _, accent = colours(self)
        pg = self.pg
        self.bars.setData(
            x=_array(at), y=_array(y), top=_array(up), bottom=_array(down), pen=pg.mkPen(accent, width=1.5)
        )
        self.line.setData(
            at, y, pen=pg.mkPen(accent, width=2), symbolBrush=pg.mkBrush(accent), symbolPen=None,
            symbolSize=lines(self, POINT_LINES),
        )  # fmt: skip
        # From zero, so that a small gain does not look like a large one, and labels stay whole numbers.
        self.plot.setXRange(0, LABELS_BEYOND * max(at), padding=0)
        if scale > 1:
            self.plot.setYRange(0, 100, padding=PADDING)
        else:
            self.plot.enableAutoRange(y=True)
        title = tr(card.title) if card is not None else tested[-1].metric
        unit = " (%)" if scale > 1 else ""
        self.plot.setLabel("left", f"{title}{unit}")
        self.dress()
        self.caption.setText(self._caption(title, tested[-1], scale > 1))
        return ""

    def _caption(self, title: str, last: Any, as_percent: bool) -> str:
        def shown(value: float) -> str:
            return percent(value) if as_percent else f"{value:.2f}"

        labels = plural("%n label", "%n labels", last.labels)
        if last.low is None or last.high is None:
            return tr("{title} {score} with {labels}. {scheme}").format(
                title=title, score=shown(last.score), labels=labels, scheme=last.scheme
            )
        return tr("{title} {score} ({low} to {high}) with {labels}. {scheme}").format(
            title=title, score=shown(last.score), low=shown(last.low), high=shown(last.high), labels=labels,
            scheme=last.scheme,
        )  # fmt: skip


def _array(values: Any) -> Any:
    """Error bars are reckoned with, so pyqtgraph wants its own kind of list."""
    import numpy as np  # pyqtgraph has brought it

    return np.array(values, dtype=float)
