"""How the loss of networks falls while they learn: for each model a line of training and one of validation."""

import math
from typing import Any, Dict, List, Optional, Tuple

from qgis.PyQt.QtCore import Qt, pyqtSignal
from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QWidget

from ...core.colours import PALETTE
from ...processing.i18n import tr
from ..controls.parts import lines
from .box import PlotBox
from .look import GRID_OPACITY, colours, quiet_plot, seen_on

SHADES = [PALETTE[number] for number in (0, 1, 2, 5, 6)]
"""Of at most five models, told apart also by the colour-blind."""
FAINT, BELOW = 0.45, 0.75
"""Opacity of models that are not looked at, and how much fainter training is than validation."""
LEAST_EPOCHS = 5
MARK_LINES = 0.7
LEAST_HEIGHT_LINES = 9
MOST_TICKS = 8
MARGIN, HEADROOM = 0.03, 0.06
LEAST_TICKS = 3


class LossPlot(PlotBox):
    """The models of one test, of which one is looked at."""

    NAME = "plot_losses"
    chosen = pyqtSignal(object)
    """Key of a model whose line was clicked."""

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(state, parent)
        self.pages.setMinimumHeight(lines(self, LEAST_HEIGHT_LINES))
        self.lesson: Any = None
        self.looked_at: Any = None
        """Key of a model; None: the one that learns."""
        self.logarithmic = False
        self._items: Dict[Any, Tuple[Any, Any, Any]] = {}

    def make(self, pg: Any) -> Any:
        """Epochs to the right, loss upwards."""
        plot = quiet_plot(pg)
        plot.setLabel("bottom", tr("epoch"))
        plot.setLabel("left", tr("loss"))
        left = plot.getAxis("left")
        left.enableAutoSIPrefix(False)
        plot.showGrid(x=False, y=True, alpha=GRID_OPACITY)
        return plot

    def shown(self) -> List[Any]:
        """Keys of the models in the plot: those of the test that the model looked at belongs to."""
        if self.lesson is None:
            return []
        test, _ = self.front()
        return [key for key in self.lesson.curves if key[0] == test]

    def front(self) -> Any:
        """Key of the model that is drawn strongest."""
        return self.looked_at if self.looked_at in self.lesson.curves else self.lesson.now

    def colour(self, key: Any) -> QColor:
        """Of the lines of a model."""
        return seen_on(SHADES[(key[1] - 1) % len(SHADES)], colours(self)[0])

    def draw(self) -> str:
        """All epochs so far."""
        keys = self.shown()
        if not keys:
            return tr("While a transformer learns, the loss of each epoch is drawn here.")
        front = self.front()
        for key in keys:
            self._draw_one(key, key == front)
        for key, items in self._items.items():
            for item in items:  # hidden and not removed: PyQt stumbles over items that go while they are told so
                item.setVisible(key in keys)
        self._scale(keys)
        last = max(curve.epochs[-1] for curve in (self.lesson.curves[key] for key in keys))
        last = max(last, LEAST_EPOCHS)
        self.plot.setXRange(1, last, padding=MARGIN)
        step = _step(last)
        self.plot.getAxis("bottom").setTickSpacing(step, step)
        self.dress()
        self.caption.setText(self._caption(any(self.lesson.curves[key].validated for key in keys)))
        return ""

    def _draw_one(self, key: Any, strong: bool) -> None:
        if key not in self._items:
            made = tuple(self.pg.PlotDataItem(connect="finite") for _ in range(3))
            for item in made:
                self.plot.addItem(item)
            made[1].setCurveClickable(True)
            made[1].sigClicked.connect(lambda *_: self.chosen.emit(key))
            self._items[key] = made
        training, validation, mark = self._items[key]
        curve, colour, pg = self.lesson.curves[key], self.colour(key), self.pg
        colour.setAlphaF(1.0 if strong else FAINT)
        thin = QColor(colour)
        thin.setAlphaF(colour.alphaF() * (BELOW if curve.validated else 1.0))
        dot = "o" if len(curve.epochs) == 1 else None  # no line yet
        dashed = Qt.PenStyle.DashLine if curve.validated else Qt.PenStyle.SolidLine
        training.setData(
            curve.epochs, self._drawable(curve.training), pen=pg.mkPen(thin, width=1.5, style=dashed), symbol=dot,
            symbolPen=None, symbolBrush=pg.mkBrush(thin), symbolSize=lines(self, MARK_LINES / 2),
        )  # fmt: skip
        validation.setData(curve.epochs, self._drawable(curve.validation), pen=pg.mkPen(colour, width=2))
        best = self._drawable([math.nan if curve.best is None else curve.best])
        at = ([], []) if math.isnan(best[0]) else ([curve.best_epoch], best)
        mark.setData(
            *at, pen=None, symbol="o", symbolPen=pg.mkPen(colour, width=2), symbolBrush=pg.mkBrush(colours(self)[0]),
            symbolSize=lines(self, MARK_LINES),
        )  # fmt: skip
        for item, height in zip((training, validation, mark), (0, 1, 2)):
            item.setZValue(height + 3 * strong)

    def _scale(self, keys: List[Any]) -> None:
        """The axis of losses, over all that is drawn."""
        curves = [self.lesson.curves[key] for key in keys]
        drawn = [v for c in curves for v in self._drawable([*c.training, *c.validation]) if not math.isnan(v)]
        self.plot.setLogMode(y=self.logarithmic)
        if not drawn:
            return
        low, high = min(drawn), max(drawn)
        if self.logarithmic:
            # pyqtgraph writes numbers of one decade over one another.
            ticks = log_ticks(low, high)
            self.plot.getAxis("left").setTicks([[(math.log10(tick), f"{tick:.4g}") for tick in ticks]])
            low, high = math.log10(low), math.log10(high)
        else:
            self.plot.getAxis("left").setTicks(None)
        self.plot.setYRange(low, high, padding=HEADROOM)

    def _drawable(self, values: List[float]) -> List[float]:
        """Gaps where a value is none, or is 0 on an axis that has no 0."""
        least = 0.0 if self.logarithmic else -math.inf
        return [value if math.isfinite(value) and value > least else math.nan for value in values]

    def _caption(self, validated: bool) -> str:
        unit = tr("Loss: mean squared error, in squared units of the indicator.")
        if not validated:
            return (
                tr("Solid: training. There are no places to choose the epoch by, so the last one stands.") + " " + unit
            )
        return (
            tr("Solid: validation, on places kept apart to choose the epoch; its ring: the epoch that is kept. ")
            + tr("Dashed: training. ") + unit
        )  # fmt: skip


def _step(last: int) -> int:
    """Between numbers of epochs on the axis: 1, 2, 5, 10, 20, ... so that there are few."""
    return next(n * 10**power for power in range(9) for n in (1, 2, 5) if last <= MOST_TICKS * n * 10**power)


def log_ticks(low: float, high: float) -> List[float]:
    """Round numbers between two positive ones, few and about evenly spread on a logarithmic axis."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for stride in range(len(powers) // MOST_TICKS + 1, 0, -1):
        for digits in ((1,), (1, 2, 5)) if stride == 1 else ((1,),):
            found = [n * 10.0**power for power in powers[::stride] for n in digits if low <= n * 10.0**power <= high]
            if LEAST_TICKS <= len(found) <= MOST_TICKS:
                return found
    step = _step_of((high - low) / LEAST_TICKS) if high > low else 0.0
    if not step:
        return [low]
    return [number * step for number in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _step_of(width: float) -> float:
    """The largest of 1, 2 and 5 times a power of ten that is not above this."""
    power = 10.0 ** math.floor(math.log10(width))
    return max(n * power for n in (1, 2, 5) if n * power <= width * (1 + 1e-9))
