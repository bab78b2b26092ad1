"""The embedding in two dimensions: one point for each cell, labelled ones larger; linked with the map both ways."""

from typing import Any, Dict, List, Optional, Set, Tuple

from qgis.PyQt.QtGui import QColor
from qgis.PyQt.QtWidgets import QWidget

from ...processing.i18n import plural, tr
from ..controls.parts import lines, percent
from .box import PlotBox
from .look import UNKNOWN, colours, quiet_plot

Cell = Tuple[int, int]
POINT_LINES, LABELLED_LINES, CHOSEN_LINES = 0.25, 0.6, 0.8
"""Diameters, in heights of a line of text."""
FAINT = 130
"""Opacity of cells without a label, 0..255."""


class ScatterPlot(PlotBox):
    """Drag a rectangle around points: the map shows their cells. Cells chosen on the map are ringed here."""

    NAME = "plot_scatter"

    def __init__(self, state: Any, parent: Optional[QWidget] = None) -> None:
        super().__init__(state, parent)
        self._cells: List[Cell] = []
        self._chosen: Set[Cell] = set()
        self._hovered: Optional[Cell] = None
        state.selected.connect(self._on_selected)
        state.known.connect(self._on_known)

    def make(self, pg: Any) -> Any:
        """Axes without figures: only nearness means something."""
        view = _selecting_view(pg, self._on_rectangle)
        plot = quiet_plot(pg, view)
        plot.hideAxis("left")
        plot.hideAxis("bottom")
        plot.setAspectLocked(True)
        self.plain, self.labelled = pg.ScatterPlotItem(pxMode=True), pg.ScatterPlotItem(pxMode=True)
        self.rings, self.cursor = pg.ScatterPlotItem(pxMode=True), pg.ScatterPlotItem(pxMode=True)
        for item in (self.plain, self.labelled, self.rings, self.cursor):
            plot.addItem(item)
        self.plain.sigClicked.connect(self._on_clicked)
        self.labelled.sigClicked.connect(self._on_clicked)
        return plot

    def ask(self) -> None:
        """The embedding of the view."""
        if self.state.opened is not None:
            self.state.refresh_scatter()

    def draw(self) -> str:
        """All points; those of cells with a label on top."""
        cloud = self.state.cloud
        if cloud is None or not cloud.x:
            return (cloud.why if cloud is not None else "") or tr("The scatter of the view is drawn here in a moment.")
        self._cells = list(zip(cloud.row, cloud.col))
        brushes = self._brushes()
        _, ink, _ = colours(self)
        plain = [number for number, name in enumerate(cloud.labelled) if not name]
        with_label = [number for number, name in enumerate(cloud.labelled) if name]
        mapped = [cloud.mapped[number] if cloud.mapped else "" for number in plain]
        self._put(self.plain, plain, [brushes.get(name, brushes[""]) for name in mapped], POINT_LINES, None)
        strong = [self.colour_of(cloud.labelled[number], UNKNOWN) for number in with_label]
        self._put(self.labelled, with_label, [self.pg.mkBrush(c) for c in strong], LABELLED_LINES, self.pg.mkPen(ink))
        self._ring()
        self.caption.setText(
            tr("{cells}, coloured by class; larger: labelled. The picture holds {share} of the differences.").format(
                cells=plural("%n cell", "%n cells", len(self._cells)), share=percent(cloud.explained)
            )
        )
        return ""

    def _brushes(self) -> Dict[str, Any]:
        colours_of = {c["name"]: c["colour"] for c in self.state.classes.to_dicts()}
        brushes = {}
        for name, colour in {"": UNKNOWN, **colours_of}.items():
            faint = QColor(colour)
            faint.setAlpha(FAINT)
            brushes[name] = self.pg.mkBrush(faint)
        return brushes

    def _put(self, item: Any, numbers: List[int], brushes: List[Any], size: float, pen: Any) -> None:
        cloud = self.state.cloud
        item.setData(
            x=[cloud.x[n] for n in numbers], y=[cloud.y[n] for n in numbers], brush=brushes, pen=pen,
            size=lines(self, size), data=[self._cells[n] for n in numbers],
        )  # fmt: skip

    # From the plot to the map -------------------------------------------------------------------------------------

    def _on_rectangle(self, left: float, right: float, low: float, high: float) -> None:
        cloud = self.state.cloud
        if cloud is None:
            return
        inside = [cell for cell, x, y in zip(self._cells, cloud.x, cloud.y) if left <= x <= right and low <= y <= high]
        self.state.select_cells(inside)

    def _on_clicked(self, item: Any, points: Any, *_: Any) -> None:
        if len(points):
            self.state.select_cells([tuple(points[0].data())])

    # From the map to the plot -------------------------------------------------------------------------------------

    def _on_selected(self, cells: List[Any]) -> None:
        self._chosen = {tuple(cell) for cell in cells}
        self._ring()

    def _on_known(self, known: Any) -> None:
        self._hovered = None if known is None else (known.row, known.col)
        self._ring()

    def _ring(self) -> None:
        """Rings around what is chosen; a filled one around what is under the cursor."""
        if self.plot is None or self.state.cloud is None:
            return
        _, ink, accent = colours(self)
        cloud = self.state.cloud
        chosen = [number for number, cell in enumerate(self._cells) if cell in self._chosen]
        at_cursor = [number for number, cell in enumerate(self._cells) if cell == self._hovered]
        for item, numbers, colour in ((self.rings, chosen, accent), (self.cursor, at_cursor, ink)):
            item.setData(
                x=[cloud.x[n] for n in numbers], y=[cloud.y[n] for n in numbers],
                size=lines(self, CHOSEN_LINES), brush=None, pen=self.pg.mkPen(colour, width=2),
            )  # fmt: skip


def _selecting_view(pg: Any, chosen: Any) -> Any:
    """A view whose left drag chooses instead of moving; the class needs the library, so it is made here."""

    class SelectingView(pg.ViewBox):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(enableMenu=False)
            self.setMouseMode(pg.ViewBox.RectMode)

        def showAxRect(self, area: Any, **more: Any) -> None:  # noqa: N802 - pyqtgraph's name; called when a drag ends
            area = area.normalized()
            chosen(area.left(), area.right(), area.top(), area.bottom())

        def mouseDoubleClickEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
            self.autoRange()
            event.accept()

    return SelectingView()
