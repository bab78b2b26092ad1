"""What a canvas shows, pixel by pixel, and what it should show.

The reference goes the other way round and one pixel at a time: screen to map, map to the system of the embedding, that
to row and column. A pixel is right when it has the colour of the cell under its centre, or under a point at most half a
pixel from it.
"""

import os
import time

import numpy as np
import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsGeometry,
    QgsLineString,
    QgsProject,
)
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtGui import QColor, QImage
from quadrat.core.live.messages import Opened, Painted
from quadrat.plugin.teach.paint import LiveItem

COLOURS = ["#e6194b", "#3cb44b", "#4363d8", "#ffe119"]
PALETTE = np.array([[255, 255, 255]] + [QColor(c).getRgb()[:3] for c in COLOURS])
UTM = "EPSG:32633"
RATIO = float(os.environ.get("QT_SCALE_FACTOR", "1"))


def opened(transform=(10, 0, 500_000, 0, -10, 5_400_000), crs=UTM, height=50, width=60):
    wkt = QgsCoordinateReferenceSystem(crs).toWkt() if crs else ""
    return Opened(transform, wkt, height, width, 8, "test", True, True)


@pytest.fixture
def answer(tmp_path):
    """A function that writes an answer of random classes (or the given bytes) and gives it with its bytes."""

    def answer(row=0, col=0, height=50, width=60, step=1, classes=None, confidence=None, seed=0):
        rng = np.random.default_rng(seed)
        classes = rng.integers(0, 5, (height, width)) if classes is None else classes
        confidence = rng.integers(1, 256, (height, width)) if confidence is None else confidence
        path = tmp_path / f"{time.monotonic_ns()}.bin"
        path.write_bytes(classes.astype("uint8").tobytes() + confidence.astype("uint8").tobytes())
        return Painted(str(path), row, col, height, width, step, 1, True), classes, confidence

    return answer


@pytest.fixture
def canvas(qgis_app, qgis_new_project):
    canvas = QgsMapCanvas()
    canvas.resize(242, 162)
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem(UTM))
    canvas.show()
    yield canvas
    canvas.hide()
    canvas.deleteLater()


def look_at(canvas, grid, crs, rotation=0.0, share=1.1):
    """Show all of the grid in a system, with some room around it."""
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem(crs))
    canvas.setRotation(rotation)
    extent = grid.extent()
    if crs:
        to_canvas = QgsCoordinateTransform(grid.crs, QgsCoordinateReferenceSystem(crs), QgsProject.instance())
        extent = to_canvas.transformBoundingBox(extent)
    extent.scale(share)
    canvas.setExtent(extent)


def on_screen(canvas):
    """(height, width, 3) of what the canvas shows."""
    image = canvas.viewport().grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
    assert image.devicePixelRatio() == RATIO
    data = np.frombuffer(image.constBits().asstring(image.sizeInBytes()), "uint8")
    return data.reshape(image.height(), image.width(), 4)[:, :, 2::-1].astype(int)


def cells_under(canvas, facts, shape, shift=(0.0, 0.0)):
    """(column, row) as fractions of each pixel of the screen, shifted by parts of a pixel. (height, width) each."""
    settings = canvas.mapSettings()
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    x, y = (cols + 0.5 + shift[0]) / RATIO, (rows + 0.5 + shift[1]) / RATIO
    middle, unit = settings.extent().center(), settings.mapUnitsPerPixel()
    angle = np.radians(settings.rotation())
    size = settings.outputSize()
    dx, dy = (x - size.width() / 2) * unit, -(y - size.height() / 2) * unit
    map_x = middle.x() + dx * np.cos(angle) - dy * np.sin(angle)
    map_y = middle.y() + dx * np.sin(angle) + dy * np.cos(angle)
    there = QgsCoordinateReferenceSystem.fromWkt(facts.crs)
    if settings.destinationCrs().isValid() and there.isValid() and there != settings.destinationCrs():
        line = QgsGeometry(QgsLineString(map_x.ravel().tolist(), map_y.ravel().tolist()))
        line.transform(QgsCoordinateTransform(settings.destinationCrs(), there, QgsProject.instance()))
        points = np.array([(p.x(), p.y()) for p in line.asPolyline()])
        map_x, map_y = points[:, 0].reshape(shape), points[:, 1].reshape(shape)
    a, b, c, d, e, f = facts.transform
    back = np.linalg.inv([[a, b], [d, e]])
    return (back[0, 0] * (map_x - c) + back[0, 1] * (map_y - f), back[1, 0] * (map_x - c) + back[1, 1] * (map_y - f))


def expected(canvas, facts, painted, values, shape, shift=(0.0, 0.0)):
    """(height, width) of `values` under each pixel; 0 where nothing is shown."""
    column, row = cells_under(canvas, facts, shape, shift)
    near = (painted.step - 1) / 2  # the shown cell lies in the middle of those that it stands for
    i = np.floor((row - painted.row + near) / painted.step).astype(int)
    j = np.floor((column - painted.col + near) / painted.step).astype(int)
    inside = (i >= 0) & (i < painted.height) & (j >= 0) & (j < painted.width)
    return np.where(inside, values[np.clip(i, 0, painted.height - 1), np.clip(j, 0, painted.width - 1)], 0)


def assert_right(canvas, facts, painted, values, palette=PALETTE, exact=0.97, off=0.5):
    """Every pixel within `off` of a pixel, nearly all exactly."""
    seen = on_screen(canvas)
    centre = expected(canvas, facts, painted, values, seen.shape[:2])
    assert (centre > 0).mean() > 0.2, "the picture is on the screen"
    same = np.abs(seen - palette[centre]).max(axis=2) <= 1
    assert same.mean() > exact
    near = same.copy()
    for shift in [(x, y) for x in (-off, 0, off) for y in (-off, 0, off)]:
        other = expected(canvas, facts, painted, values, seen.shape[:2], shift)
        near |= np.abs(seen - palette[other]).max(axis=2) <= 1
    assert near.all(), f"{(~near).sum()} pixels are more than half a pixel off"


def paint(canvas, grid, painted, colours=COLOURS, **look):
    item = LiveItem(canvas)
    item.look(**{"by_confidence": False, **look})
    assert item.take(painted, grid, colours)
    return item
