"""A hand with a mouse over a real canvas, in a window of its own."""

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransform, QgsPointXY, QgsProject
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtCore import QEvent, QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QMouseEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QMainWindow
from quadrat.core.live.messages import Opened
from quadrat.plugin.teach.grid import CellGrid
from quadrat.plugin.teach.tools import LabelTool

UTM = "EPSG:32633"
LEFT, RIGHT, MIDDLE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton
NO_KEY = Qt.KeyboardModifier.NoModifier
SIGNALS = ("hovered", "clicked", "dragged", "drawn", "erased", "key")


def make_grid(transform=(10, 0, 500_000, 0, -10, 5_400_000), crs=UTM, height=40, width=60):
    return CellGrid(Opened(transform, QgsCoordinateReferenceSystem(crs).toWkt(), height, width, 8, "t", True, True))


class Hand:
    """A tool on a canvas in a window, the mouse, and all that was told."""

    def __init__(self, window, grid, crs=UTM, rotation=0):
        self.window, self.grid, self.down = window, grid, Qt.MouseButton.NoButton
        self.canvas = window.centralWidget()
        self.canvas.setDestinationCrs(QgsCoordinateReferenceSystem(crs))
        self.canvas.setRotation(rotation)
        extent = grid.extent_in(self.canvas.mapSettings().destinationCrs())
        extent.scale(1.5 if rotation else 1.0)
        self.canvas.setExtent(extent)
        self.tool = LabelTool(self.canvas)
        self.tool.set_grid(grid)
        self.canvas.setMapTool(self.tool)
        self.told = {name: [] for name in SIGNALS}
        for name in SIGNALS:
            getattr(self.tool, name).connect(self.told[name].append)

    @property
    def crs(self):
        return self.canvas.mapSettings().destinationCrs()

    def at(self, row, col, dx=0.5, dy=0.5):
        """Pixel of the screen over a place in a cell."""
        point = QgsPointXY(*self.grid.to_map.map(col + dx, row + dy))
        if self.crs != self.grid.crs:
            point = QgsCoordinateTransform(self.grid.crs, self.crs, QgsProject.instance()).transform(point)
        pixel = self.canvas.getCoordinateTransform().transform(point)
        return QPoint(round(pixel.x()), round(pixel.y()))

    def press(self, at, button=LEFT):
        self.down = button
        QTest.mousePress(self.canvas.viewport(), button, NO_KEY, at)

    def move(self, at):
        """As the window system tells it, with the button that is down (`QTest.mouseMove` knows of none)."""
        place = QPointF(at), QPointF(self.canvas.viewport().mapToGlobal(at))
        event = QMouseEvent(QEvent.Type.MouseMove, *place, Qt.MouseButton.NoButton, self.down, NO_KEY)
        QApplication.sendEvent(self.canvas.viewport(), event)

    def release(self, at, button=LEFT):
        self.down = Qt.MouseButton.NoButton
        QTest.mouseRelease(self.canvas.viewport(), button, NO_KEY, at)

    def click(self, at, button=LEFT):
        self.move(at)
        self.press(at, button)
        self.release(at, button)

    def double_click(self, at):
        """As the window system tells it: the second press is another event."""
        self.click(at)
        QTest.mouseDClick(self.canvas.viewport(), LEFT, NO_KEY, at)
        self.release(at)

    def type(self, key, modifiers=NO_KEY):
        QTest.keyClick(self.canvas, key, modifiers)

    def cells(self, points):
        return [self.grid.cell_of(point, self.crs) for point in points]

    def outlined(self):
        """The cell that the outline on the canvas encloses; None without one."""
        shape = self.tool._marks.cell.asGeometry()
        return None if shape.isEmpty() else self.grid.cell_of(shape.centroid().asPoint(), self.crs)


@pytest.fixture
def window(qgis_app, qgis_new_project, qtbot):
    window = QMainWindow()
    window.setCentralWidget(QgsMapCanvas())
    window.resize(640, 480)
    window.show()
    window.activateWindow()
    qtbot.waitExposed(window)
    yield window
    canvas = window.centralWidget()
    if canvas.mapTool() is not None:
        canvas.unsetMapTool(canvas.mapTool())
    window.hide()
    window.deleteLater()


@pytest.fixture
def hand(window):
    return Hand(window, make_grid())
