"""Draws a classified map beside the raster it was made from, with legend: `draw_map.py RASTER MAP PICTURE`.

Run by a Python that has QGIS; the map is drawn as QGIS opens it, with the style saved beside it.
"""

import sys

from qgis.core import (
    QgsApplication,
    QgsContrastEnhancement,
    QgsMapRendererParallelJob,
    QgsMapSettings,
    QgsMultiBandColorRenderer,
    QgsRasterLayer,
)
from qgis.PyQt.QtCore import QRectF, QSize, Qt
from qgis.PyQt.QtGui import QColor, QFont, QImage, QPainter

SIDE, GAP, LEGEND = 560, 20, 56


def main(raster_path, map_path, picture_path):
    """Draw both panels and save them as PNG."""
    raster = QgsRasterLayer(raster_path, "Sentinel-2")
    class_map = QgsRasterLayer(map_path, "Map")
    if not raster.isValid() or not class_map.isValid():
        raise SystemExit(f"Cannot open {raster_path} or {map_path}.")
    natural_colours(raster, (4, 3, 2))
    extent = raster.extent()
    height = round(SIDE * extent.height() / extent.width())
    picture = QImage(2 * SIDE + 3 * GAP, height + LEGEND + 2 * GAP, QImage.Format.Format_ARGB32)
    picture.fill(QColor("white"))
    painter = QPainter(picture)
    painter.drawImage(GAP, GAP, panel(raster, height))
    painter.drawImage(SIDE + 2 * GAP, GAP, panel(class_map, height))
    draw_legend(painter, class_map, QRectF(SIDE + 2 * GAP, height + 2 * GAP, SIDE, LEGEND))
    painter.end()
    picture.save(picture_path)


def natural_colours(layer, bands):
    """Red, green and blue, each stretched between 2 and 94 per cent: bright roofs may saturate."""
    renderer = QgsMultiBandColorRenderer(layer.dataProvider(), *bands)
    setters = (
        renderer.setRedContrastEnhancement,
        renderer.setGreenContrastEnhancement,
        renderer.setBlueContrastEnhancement,
    )
    for band, setter in zip(bands, setters):
        low, high = layer.dataProvider().cumulativeCut(band, 0.02, 0.94)
        stretch = QgsContrastEnhancement(layer.dataProvider().dataType(band))
        stretch.setMinimumValue(low)
        stretch.setMaximumValue(high)
        stretch.setContrastEnhancementAlgorithm(
            QgsContrastEnhancement.ContrastEnhancementAlgorithm.StretchToMinimumMaximum
        )
        setter(stretch)
    layer.setRenderer(renderer)


def panel(layer, height):
    """One layer as an image."""
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setDestinationCrs(layer.crs())
    settings.setExtent(layer.extent())
    settings.setOutputSize(QSize(SIDE, height))
    settings.setBackgroundColor(QColor("#eeeeee"))
    job = QgsMapRendererParallelJob(settings)
    job.start()
    job.waitForFinished()
    return job.renderedImage()


def draw_legend(painter, layer, area):
    """Colour patches with class names, side by side."""
    painter.setFont(QFont("sans", 11))
    items = layer.legendSymbologyItems()
    step = area.width() / max(len(items), 1)
    for i, (name, colour) in enumerate(items):
        left = area.left() + i * step
        painter.fillRect(QRectF(left, area.top(), 18, 18), colour)
        painter.setPen(QColor("#222222"))
        box = QRectF(left + 26, area.top(), step - 26, 18)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), name)


if __name__ == "__main__":
    application = QgsApplication([], False)
    application.initQgis()
    main(*sys.argv[1:4])
    application.exitQgis()
