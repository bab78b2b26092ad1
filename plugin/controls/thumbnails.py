"""Small pictures of places on the raster, rendered in the background, the last wish first."""

import collections
from typing import Any, Deque, Dict, List, Optional, OrderedDict, Tuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsRasterLayer,
    QgsRectangle,
)
from qgis.PyQt.QtCore import QObject, QSize, pyqtSignal
from qgis.PyQt.QtGui import QColor, QPixmap

Cell = Tuple[int, int]
CELLS_AROUND = 5.0
"""Half a side of the picture, in cells: enough to recognise the place."""
PIXELS_AROUND = 12.0
"""The same in pixels of the raster, for cells as fine as pixels."""
KEPT = 300


class Thumbnails(QObject):
    """Pictures by cell."""

    made = pyqtSignal(tuple, QPixmap)
    """(row, column) and the picture."""

    def __init__(self, parent: Optional[QObject] = None) -> None:
        super().__init__(parent)
        self._known: OrderedDict[Tuple[Any, ...], QPixmap] = collections.OrderedDict()
        self._waiting: Deque[Tuple[Any, ...]] = collections.deque()
        self._settings: Dict[Tuple[Any, ...], QgsMapSettings] = {}
        self._job: Optional[QgsMapRendererParallelJob] = None
        self._key: Tuple[Any, ...] = ()

    def want(self, layer: QgsRasterLayer, opened: Any, cells: List[Cell], side_px: int, ratio: float) -> None:
        """Ask for pictures of these cells; earlier wishes that were not begun are dropped.

        Args:
            layer: to draw.
            opened: `Opened`, for transform and CRS of the cells.
            cells: (row, column) each.
            side_px: of the picture, in points of the screen.
            ratio: pixels of the screen to a point.
        """
        self._waiting.clear()
        self._settings.clear()
        for cell in cells:
            key = (layer.id(), opened.transform, side_px, ratio, cell)
            if key in self._known:
                self.made.emit(cell, self._known[key])
            elif key != self._key:
                self._waiting.append(key)
                self._settings[key] = _settings(layer, opened, cell, side_px, ratio)
        self._go_on()

    def forget(self) -> None:
        """Stop, and throw all pictures away."""
        self._waiting.clear()
        self._known.clear()
        job, self._job, self._key = self._job, None, ()
        if job is not None:
            job.finished.disconnect(self._on_finished)
            job.cancel()

    def _go_on(self) -> None:
        if self._job is not None or not self._waiting:
            return
        self._key = self._waiting.popleft()
        self._job = QgsMapRendererParallelJob(self._settings.pop(self._key))
        self._job.finished.connect(self._on_finished)
        self._job.start()

    def _on_finished(self) -> None:
        job, self._job = self._job, None
        key, self._key = self._key, ()
        if job is None:
            return
        picture = QPixmap.fromImage(job.renderedImage())
        picture.setDevicePixelRatio(key[3])
        self._known[key] = picture
        while len(self._known) > KEPT:
            self._known.popitem(last=False)
        self.made.emit(key[4], picture)
        job.deleteLater()
        self._go_on()


def _settings(layer: QgsRasterLayer, opened: Any, cell: Cell, side_px: int, ratio: float) -> QgsMapSettings:
    a, b, c, d, e, f = opened.transform
    row, col = cell[0] + 0.5, cell[1] + 0.5
    x, y = a * col + b * row + c, d * col + e * row + f
    size = max(abs(a) + abs(b), abs(d) + abs(e))
    pixel = max(abs(layer.rasterUnitsPerPixelX()), abs(layer.rasterUnitsPerPixelY()))
    crs = QgsCoordinateReferenceSystem.fromWkt(opened.crs) if opened.crs else layer.crs()
    half = CELLS_AROUND * size
    if layer.crs() == crs:
        half = max(half, PIXELS_AROUND * pixel)
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(crs)
    settings.setOutputSize(QSize(round(side_px * ratio), round(side_px * ratio)))
    settings.setExtent(QgsRectangle(x - half, y - half, x + half, y + half))
    settings.setBackgroundColor(QColor(0, 0, 0, 0))
    return settings
