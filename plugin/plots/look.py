"""Colours and fonts of plots: those of the window they lie in, whatever its theme."""

from typing import Any, Tuple

from qgis.PyQt.QtCore import Qt
from qgis.PyQt.QtGui import QColor, QPalette
from qgis.PyQt.QtWidgets import QListView, QWidget

GRID_OPACITY = 0.15
PROBE = "probe"
LEAST_CONTRAST = 3.0
"""Of lines and bars against the paper; the accent of some themes is meant to lie below white letters only."""
MIDDLE_GREY = 0.18
"""Luminance on which black and white stand out alike."""
UNKNOWN = "#8a949e"
"""Of cells without a class: a middle grey, seen on light and on dark."""


def colours(widget: QWidget) -> Tuple[QColor, QColor, QColor]:
    """Paper, ink and accent.

    Dark themes of QGIS are style sheets, which tell a plain widget nothing; a list knows its colours.
    """
    probe = widget.findChild(QListView, PROBE, Qt.FindChildOption.FindDirectChildrenOnly)
    if probe is None:
        probe = QListView(widget)
        probe.setObjectName(PROBE)
        probe.hide()
    probe.ensurePolished()
    palette, role = probe.palette(), QPalette.ColorRole
    paper, ink, accent = (palette.color(part) for part in (role.Base, role.Text, role.Highlight))
    return paper, ink, accent if contrast(accent, paper) >= LEAST_CONTRAST else ink


def contrast(one: QColor, other: QColor) -> float:
    """From 1 to 21. Source: Web Content Accessibility Guidelines 2.1, contrast ratio."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def seen_on(colour: str, paper: QColor) -> QColor:
    """The colour itself, or as much darker or lighter as a line on this paper needs."""
    found = QColor(colour)
    hue, saturation, lightness, _ = found.getHslF()
    step = -0.02 if _luminance(paper) > MIDDLE_GREY else 0.02
    while contrast(found, paper) < LEAST_CONTRAST and 0.0 < lightness < 1.0:
        lightness = min(max(lightness + step, 0.0), 1.0)
        found = QColor.fromHslF(hue, saturation, lightness)
    return found


def _luminance(colour: QColor) -> float:
    parts = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.getRgbF()[:3]]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


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
        axis.setStyle(tickLength=-4, autoExpandTextSpace=True, maxTickLevel=1)
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
