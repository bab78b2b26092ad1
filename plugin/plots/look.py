"""Colours and fonts of plots: those of the window they lie in, whatever its theme."""

from typing import Any, Tuple

from qgis.PyQt.QtGui import QColor, QPalette
from qgis.PyQt.QtWidgets import QWidget

GRID_OPACITY = 0.15
AXIS_LETTERS = 6
"""Width of the figures at the left axis."""
UNKNOWN = "#8a949e"
"""Of cells without a class: a middle grey, seen on light and on dark."""


def colours(widget: QWidget) -> Tuple[QColor, QColor, QColor]:
    """Paper, ink and accent."""
    palette = widget.palette()
    role = QPalette.ColorRole
    return palette.color(role.Base), palette.color(role.Text), palette.color(role.Highlight)


def dress(plot: Any, owner: QWidget, pg: Any) -> None:
    """Give a PlotWidget the palette and the font of its owner; called again when either changes."""
    paper, ink, _ = colours(owner)
    plot.setBackground(paper)
    muted = QColor(ink)
    muted.setAlphaF(0.6)
    size = f"{max(owner.font().pointSizeF(), 1):.1f}pt"
    for name in ("left", "bottom"):
        axis = plot.getAxis(name)
        axis.setPen(pg.mkPen(muted))
        axis.setTextPen(pg.mkPen(ink))
        axis.setTickFont(owner.font())
        axis.setStyle(tickLength=-4, autoExpandTextSpace=True)
        if axis.labelText:
            axis.setLabel(axis.labelText, **{"color": ink.name(), "font-size": size})


def quiet_plot(pg: Any, view: Any = None) -> Any:
    """A PlotWidget without menus, buttons and mouse zoom; what a user cannot get lost in."""
    plot = pg.PlotWidget(viewBox=view) if view is not None else pg.PlotWidget()
    plot.setMenuEnabled(False)
    plot.hideButtons()
    if view is None:
        plot.setMouseEnabled(x=False, y=False)
    plot.setAntialiasing(True)
    return plot
