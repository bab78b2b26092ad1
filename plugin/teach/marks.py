"""What a label tool draws on the canvas while the hand moves: the cell under it, cells passed over, a polygon.

Rubber bands with a light line inside a dark one, so that they show on any imagery. Nothing is left after `remove`.
"""

from typing import List, Optional

from qgis.core import QgsGeometry, QgsPointXY, QgsWkbTypes
from qgis.gui import QgsMapCanvas, QgsRubberBand
from qgis.PyQt.QtGui import QColor

LIGHT = QColor(255, 255, 255)
WIDTH_PX = 2
FILL_ALPHA = 70


class Marks:
    """Three rubber bands on one canvas."""

    def __init__(self, canvas: QgsMapCanvas) -> None:
        self._canvas = canvas
        self.cell = self._band()
        self.stroke = self._band()
        self.polygon = self._band()

    def paint_with(self, colour: QColor) -> None:
        """The colour of what a gesture would give."""
        fill = QColor(colour)
        fill.setAlpha(FILL_ALPHA)
        for band in (self.cell, self.stroke, self.polygon):
            band.setStrokeColor(colour)
            band.setSecondaryStrokeColor(LIGHT)
            band.setFillColor(fill)

    def show_cell(self, outline: Optional[QgsGeometry]) -> None:
        """Outline of one cell, in the CRS of the canvas; None: nothing."""
        self._clear(self.cell)
        if outline is not None:
            self.cell.setToGeometry(outline, None)

    def add_to_stroke(self, outlines: List[QgsGeometry]) -> None:
        """Cells that were passed over since the last call."""
        for left, outline in enumerate(outlines, 1 - len(outlines)):
            self.stroke.addGeometry(outline, None, left == 0)  # measured anew once, not for each

    def end_stroke(self) -> None:
        """Nothing was passed over any more."""
        self._clear(self.stroke)

    def show_polygon(self, corners: List[QgsPointXY]) -> None:
        """A polygon that is being drawn, the point under the hand last."""
        self._clear(self.polygon)
        for corner in corners:
            self.polygon.addPoint(corner, False)
        self.polygon.updatePosition()
        self.polygon.update()

    def clear(self) -> None:
        """Nothing to see."""
        for band in (self.cell, self.stroke, self.polygon):
            self._clear(band)

    def remove(self) -> None:
        """Leave the canvas."""
        for band in (self.cell, self.stroke, self.polygon):
            scene = band.scene()
            if scene is not None:
                scene.removeItem(band)

    def _band(self) -> QgsRubberBand:
        band = QgsRubberBand(self._canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
        band.setWidth(WIDTH_PX)
        return band

    @staticmethod
    def _clear(band: QgsRubberBand) -> None:
        band.reset(QgsWkbTypes.GeometryType.PolygonGeometry)
