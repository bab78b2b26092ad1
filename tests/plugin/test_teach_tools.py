"""Labelling with a real mouse on a real canvas: what is outlined is what is labelled, and nothing is left behind."""

import random

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
)
from qgis.gui import QgsMapCanvas, QgsMapToolPan, QgsRubberBand
from qgis.PyQt.QtCore import QEvent, QPoint, QPointF, Qt
from qgis.PyQt.QtGui import QColor, QKeyEvent, QMouseEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QAction, QApplication, QMainWindow
from quadrat.core.live.messages import Opened
from quadrat.plugin.teach.grid import CellGrid
from quadrat.plugin.teach.stroke import crossed, parts
from quadrat.plugin.teach.tools import HOVER_MS, TAP_S, LabelTool

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


SCENES = {
    "same system": ((), UTM, 0), "turned": ((), UTM, 40), "web mercator": ((), "EPSG:3857", 0),
    "degrees, turned": ((), "EPSG:4326", -25), "raster turned": (((8, 3, 500_000, 4, -7, 5_400_000),), UTM, 0),
    "both turned, other system": (((8, 3, 500_000, 4, -7, 5_400_000),), "EPSG:3857", 60),
}  # fmt: skip


@pytest.mark.parametrize("scene", SCENES)
def test_what_is_outlined_is_what_a_click_tells(window, scene):
    transform, crs, rotation = SCENES[scene]
    hand = Hand(window, make_grid(*transform), crs, rotation)
    for cell in [(0, 0), (20, 30), (39, 59), (13, 44)]:
        hand.move(hand.at(*cell))
        assert hand.outlined() == cell
        assert not hand.told["clicked"], "nothing is labelled by looking"
        hand.click(hand.at(*cell))
        assert hand.cells(hand.told["clicked"]) == [cell]
        hand.told["clicked"].clear()
    hand.tool.clean_up()


def test_the_outline_is_the_cell_and_nothing_beside_the_raster(hand):
    hand.move(hand.at(5, 7))
    shape = hand.tool._marks.cell.asGeometry()
    wanted = hand.grid.outline(5, 7)
    assert shape.symDifference(wanted).area() < 1e-6 * wanted.area()
    hand.canvas.setExtent(QgsRectangle(499_000, 5_398_000, 502_000, 5_401_000))
    hand.move(QPoint(3, 3))
    assert hand.outlined() is None
    hand.click(QPoint(3, 3))
    assert len(hand.told["clicked"]) == 1, "whoever listens decides what a click beside the raster means"


def test_the_outline_follows_the_map_although_the_mouse_stands_still(hand):
    hand.move(hand.at(20, 30))
    assert hand.outlined() == (20, 30)
    hand.canvas.setExtent(QgsRectangle(500_000, 5_399_900, 500_130, 5_400_000))
    under = hand.canvas.getCoordinateTransform().toMapCoordinates(hand.canvas.mouseLastXY())
    assert hand.outlined() == hand.grid.cell_at(under.x(), under.y()) != (20, 30)
    hand.canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    assert hand.outlined() is not None


def test_a_new_grid_is_outlined_at_once(hand):
    hand.move(hand.at(20, 30))
    hand.tool.set_grid(None)
    assert hand.outlined() is None
    coarse = make_grid((40, 0, 500_000, 0, -40, 5_400_000), height=10, width=15)
    hand.tool.set_grid(coarse)
    assert hand.tool._marks.cell.asGeometry().area() == pytest.approx(1600)


def test_hover_is_told_seldom_and_last_of_all_where_the_mouse_stays(hand, qtbot):
    places = [hand.at(10, col) for col in range(5, 45)]
    for place in places:
        hand.move(place)
    assert 1 <= len(hand.told["hovered"]) < 20
    assert hand.outlined() == (10, 44), "the outline is not throttled"
    qtbot.waitUntil(lambda: hand.cells(hand.told["hovered"])[-1] == (10, 44), timeout=10 * HOVER_MS)
    QApplication.sendEvent(hand.canvas.viewport(), QEvent(QEvent.Type.Leave))
    assert hand.told["hovered"][-1].isEmpty()
    assert hand.outlined() is None


def test_a_trembling_hand_labels_the_cell_that_was_pressed(hand):
    hand.move(hand.at(8, 8))
    hand.press(hand.at(8, 8))
    hand.move(hand.at(8, 12))
    hand.release(hand.at(8, 12))
    assert hand.cells(hand.told["clicked"]) == [(8, 8)]
    assert not hand.told["dragged"]


def test_two_quick_clicks_are_two_labels(hand):
    at = hand.at(8, 8)
    hand.double_click(at)
    assert hand.cells(hand.told["clicked"]) == [(8, 8), (8, 8)]


def test_right_click_erases_and_the_middle_button_does_nothing(hand):
    hand.click(hand.at(3, 4), RIGHT)
    hand.click(hand.at(3, 4), MIDDLE)
    assert hand.cells(hand.told["erased"]) == [(3, 4)]
    assert not hand.told["clicked"]


@pytest.mark.parametrize("scene", SCENES)
def test_a_quick_drag_leaves_no_gaps(window, scene):
    """Two events of the mouse, far apart: all cells between them, each touching the one before."""
    transform, crs, rotation = SCENES[scene]
    hand = Hand(window, make_grid(*transform), crs, rotation)
    hand.tool.set_mode("drag")
    start, end = hand.at(3, 4), hand.at(33, 51)
    hand.press(start)
    hand.move(end)
    hand.release(end)
    (points,) = hand.told["dragged"]
    cells = hand.cells(points)
    assert cells[0] == (3, 4) and cells[-1] == (33, 51)
    assert len(set(cells)) == len(cells)
    assert all(abs(a - c) + abs(b - d) == 1 for (a, b), (c, d) in zip(cells, cells[1:]))
    to_map, _ = hand.canvas.getCoordinateTransform().transform().inverted()
    for share in (i / 500 for i in range(501)):
        x, y = start.x() + (end.x() - start.x()) * share, start.y() + (end.y() - start.y()) * share
        near = [QgsPointXY(*to_map.map(x + dx, y + dy)) for dx in (-0.3, 0, 0.3) for dy in (-0.3, 0, 0.3)]
        assert {hand.grid.cell_of(point, hand.crs) for point in near} & set(cells)
    assert not hand.told["clicked"]
    hand.tool.clean_up()


def test_random_strokes_pass_over_every_cell_that_they_enter():
    """Against the line itself, looked at 4,000 times."""
    rng = random.Random(5)
    for _ in range(300):
        scale = rng.choice([0.5, 5, 60])
        start, end = ((rng.uniform(-scale, scale), rng.uniform(-scale, scale)) for _ in range(2))
        if rng.random() < 0.3:  # along edges and through corners
            start, end = (round(start[0]), round(start[1])), (round(end[0]), round(end[1]))
        cells = list(crossed(start, end))
        assert all(abs(a - c) + abs(b - d) == 1 for (a, b), (c, d) in zip(cells, cells[1:])), "no gaps, none twice"
        for i in range(4001):
            x, y = start[0] + (end[0] - start[0]) * i / 4000, start[1] + (end[1] - start[1]) * i / 4000
            to_edge = min(abs(x - round(x)), abs(y - round(y)))
            assert to_edge < 1e-9 or (y // 1, x // 1) in cells
        for row, col in cells:  # and none beside it
            box = QgsGeometry.fromRect(QgsRectangle(col, row, col + 1, row + 1))
            assert box.distance(QgsGeometry.fromPolylineXY([QgsPointXY(*start), QgsPointXY(*end)])) < 1e-9


def test_parts_of_a_line_reach_its_end():
    assert parts((0, 0), (30, 40), 16)[-1] == (30, 40)
    assert len(parts((0, 0), (30, 40), 16)) == 4
    assert parts((1, 1), (1, 1), 16) == [(1, 1)]


def test_random_strokes_of_the_mouse_have_no_gaps(hand):
    hand.tool.set_mode("drag")
    rng = random.Random(1)
    for _ in range(10):
        hand.told["dragged"].clear()
        way = [(rng.randrange(40), rng.randrange(60)) for _ in range(rng.randrange(2, 6))]
        hand.press(hand.at(*way[0]))
        for cell in way[1:]:
            hand.move(hand.at(*cell))
        hand.release(hand.at(*way[-1]))
        cells = hand.cells(hand.told["dragged"][0])
        assert set(way) <= set(cells)
        assert len(set(cells)) == len(cells), "each cell once, however often it was crossed"
        reached = {cells[0]}
        for row, col in cells[1:]:
            assert reached & {(row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)}
            reached.add((row, col))


def test_drag_shows_what_it_passed_over_and_escape_drops_it(hand):
    hand.tool.set_mode("drag")
    hand.press(hand.at(5, 5))
    hand.move(hand.at(5, 20))
    assert hand.tool._marks.stroke.asGeometry().area() == pytest.approx(16 * 100)
    hand.type(Qt.Key.Key_Escape)
    assert hand.tool._marks.stroke.asGeometry().isEmpty()
    hand.release(hand.at(5, 30))
    assert not hand.told["dragged"] and not hand.told["clicked"]


def test_a_drag_within_a_cell_is_a_click(hand):
    hand.tool.set_mode("drag")
    hand.press(hand.at(5, 5, 0.3, 0.3))
    hand.release(hand.at(5, 5, 0.7, 0.7))
    assert hand.cells(hand.told["clicked"]) == [(5, 5)]
    assert not hand.told["dragged"]


def test_a_drag_that_begins_and_ends_beside_the_raster(hand):
    hand.canvas.setExtent(QgsRectangle(499_800, 5_399_500, 500_800, 5_400_100))
    hand.tool.set_mode("drag")
    row_10 = hand.at(10, 0).y()
    hand.press(QPoint(2, row_10))
    hand.move(QPoint(hand.canvas.viewport().width() - 2, row_10))
    hand.release(QPoint(hand.canvas.viewport().width() - 2, row_10))
    assert hand.cells(hand.told["dragged"][0]) == [(10, col) for col in range(60)]


def test_from_far_away_a_stroke_has_one_cell_for_each_pixel(window):
    hand = Hand(window, make_grid(height=20_000, width=30_000))
    hand.tool.set_mode("drag")
    start, end = QPoint(200, 200), QPoint(400, 260)
    hand.press(start)
    hand.move(end)
    hand.release(end)
    assert 150 < len(hand.told["dragged"][0]) < 500
    hand.tool.clean_up()


def test_a_drag_without_a_grid_tells_the_points(hand):
    hand.tool.set_grid(None)
    hand.tool.set_mode("drag")
    hand.press(QPoint(100, 100))
    hand.move(QPoint(150, 100))
    hand.release(QPoint(200, 100))
    assert len(hand.told["dragged"][0]) >= 3


def draw(hand, *corners):
    for row, col in corners:
        hand.click(hand.at(row, col))


@pytest.mark.parametrize("ending", ["right click", "enter", "double click"])
def test_a_polygon_of_clicks(hand, ending):
    hand.tool.set_mode("polygon")
    draw(hand, (5, 5), (5, 25), (20, 25))
    assert not hand.told["drawn"] and not hand.told["clicked"]
    hand.move(hand.at(20, 5))
    assert hand.tool._marks.polygon.asGeometry().area() == pytest.approx(300 * 100, rel=0.05)
    if ending == "enter":
        hand.type(Qt.Key.Key_Return)
    elif ending == "right click":
        hand.click(hand.at(30, 30), RIGHT)
    else:
        hand.double_click(hand.at(20, 25))
    (shape,) = hand.told["drawn"]
    wanted = QgsGeometry.fromPolygonXY([[hand.grid.centre(*c) for c in ((5, 5), (5, 25), (20, 25))]])
    assert shape.symDifference(wanted).area() < 0.05 * wanted.area()
    assert hand.tool._marks.polygon.asGeometry().isEmpty()
    assert not hand.told["erased"] and not hand.told["key"]


def test_polygon_keys_take_corners_back_and_drop_it(hand):
    hand.tool.set_mode("polygon")
    draw(hand, (5, 5), (5, 25), (35, 55), (20, 25))
    hand.type(Qt.Key.Key_Backspace)
    hand.type(Qt.Key.Key_Backspace)
    draw(hand, (20, 5))
    hand.type(Qt.Key.Key_Enter)
    (shape,) = hand.told["drawn"]
    assert shape.area() == pytest.approx(150 * 100, rel=0.05)
    draw(hand, (5, 5), (5, 25), (20, 25))
    hand.type(Qt.Key.Key_Escape)
    assert hand.tool._marks.polygon.asGeometry().isEmpty()
    hand.type(Qt.Key.Key_Enter)
    assert hand.told["key"] == ["enter"], "without a polygon the key means something else"
    assert len(hand.told["drawn"]) == 1


def test_a_polygon_without_an_area_is_none_and_crossing_edges_are_mended(hand):
    hand.tool.set_mode("polygon")
    draw(hand, (5, 5), (5, 25))
    hand.type(Qt.Key.Key_Enter)
    draw(hand, (5, 5), (5, 25), (5, 15))
    hand.type(Qt.Key.Key_Enter)
    assert not hand.told["drawn"]
    draw(hand, (5, 5), (25, 25), (25, 5), (5, 25))
    hand.type(Qt.Key.Key_Enter)
    (shape,) = hand.told["drawn"]
    assert shape.isGeosValid() and shape.isMultipart()
    assert shape.area() == pytest.approx(2 * 100 * 100, rel=0.05)


def test_in_polygon_mode_a_right_click_without_a_polygon_erases(hand):
    hand.tool.set_mode("polygon")
    hand.click(hand.at(7, 7), RIGHT)
    assert hand.cells(hand.told["erased"]) == [(7, 7)]


def test_another_mode_drops_what_was_begun(hand):
    hand.tool.set_mode("polygon")
    draw(hand, (5, 5), (5, 25), (20, 25))
    hand.tool.set_mode("click")
    assert hand.tool._marks.polygon.asGeometry().isEmpty()
    hand.click(hand.at(9, 9))
    assert hand.cells(hand.told["clicked"]) == [(9, 9)]


def test_keys_are_named(hand):
    for key in (Qt.Key.Key_1, Qt.Key.Key_9, Qt.Key.Key_A, Qt.Key.Key_P, Qt.Key.Key_S, Qt.Key.Key_Return,
                Qt.Key.Key_Backspace, Qt.Key.Key_Delete, Qt.Key.Key_Escape):  # fmt: skip
        hand.type(key)
    hand.type(Qt.Key.Key_B, Qt.KeyboardModifier.ShiftModifier)
    hand.type(Qt.Key.Key_5, Qt.KeyboardModifier.KeypadModifier)
    hand.type(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    hand.type(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier)
    hand.type(Qt.Key.Key_Y, Qt.KeyboardModifier.ControlModifier)
    hand.type(Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    hand.type(Qt.Key.Key_F5)
    assert hand.told["key"] == ["1", "9", "a", "p", "s", "enter", "backspace", "backspace", "escape", "b", "5",
                                "undo", "redo", "redo"]  # fmt: skip


def test_undo_goes_to_the_tool_although_the_window_has_a_shortcut_for_it(hand, qtbot):
    pressed = []
    action = QAction("Undo", hand.window)
    action.setShortcut("Ctrl+Z")
    action.triggered.connect(lambda: pressed.append(1))
    hand.window.addAction(action)
    hand.canvas.setFocus()
    qtbot.waitUntil(lambda: hand.canvas.hasFocus(), timeout=2000)
    hand.type(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert hand.told["key"] == ["undo"] and not pressed
    hand.canvas.setMapTool(QgsMapToolPan(hand.canvas))
    hand.type(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert pressed and hand.told["key"] == ["undo"], "another tool leaves it to the window"
    hand.canvas.unsetMapTool(hand.canvas.mapTool())


def test_a_key_that_is_held_is_told_once(hand):
    hand.type(Qt.Key.Key_A)
    repeated = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_A, NO_KEY, "a", True)
    QApplication.sendEvent(hand.canvas, repeated)
    assert hand.told["key"] == ["a"]


def test_a_tap_on_space_is_told_and_held_it_moves_the_map(hand, qtbot):
    before = hand.canvas.extent()
    hand.move(QPoint(300, 200))
    hand.type(Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: hand.told["key"] == ["space"], timeout=1000)
    assert hand.canvas.extent() == before
    QTest.keyPress(hand.canvas, Qt.Key.Key_Space)
    hand.move(QPoint(360, 200))
    hand.move(QPoint(400, 200))
    QTest.keyRelease(hand.canvas, Qt.Key.Key_Space)
    qtbot.wait(50)
    assert hand.told["key"] == ["space"]
    assert hand.canvas.extent().xMinimum() < before.xMinimum()
    QTest.keyPress(hand.canvas, Qt.Key.Key_Space)
    qtbot.wait(int(1000 * TAP_S) + 50)
    QTest.keyRelease(hand.canvas, Qt.Key.Key_Space)
    qtbot.wait(50)
    assert hand.told["key"] == ["space"], "held, although nothing was moved"


def test_outlines_have_the_colour_of_the_class(hand):
    hand.move(hand.at(5, 5))
    hand.tool.set_colour(QColor("#ff00ff"))
    assert hand.tool._marks.cell.strokeColor() == QColor("#ff00ff")
    hand.canvas.unsetMapTool(hand.tool)
    hand.canvas.setMapTool(hand.tool)
    assert hand.tool._marks.cell.strokeColor() == QColor("#ff00ff")


def test_put_aside_it_leaves_nothing_on_the_canvas(window):
    canvas = window.centralWidget()
    before = len(canvas.scene().items())
    hand = Hand(window, make_grid())
    hand.move(hand.at(5, 5))
    hand.tool.set_mode("polygon")
    draw(hand, (5, 5), (5, 25))
    for leave in (lambda: canvas.setMapTool(QgsMapToolPan(canvas)), hand.tool.clean_up):
        assert len(canvas.scene().items()) > before
        leave()
        assert len(canvas.scene().items()) == before
        assert not [item for item in canvas.scene().items() if isinstance(item, QgsRubberBand)]
        told = {name: len(events) for name, events in hand.told.items()}
        hand.type(Qt.Key.Key_A)
        hand.click(QPoint(100, 100))
        canvas.setExtent(QgsRectangle(0, 0, 1, 1))
        assert {name: len(events) for name, events in hand.told.items()} == told
        canvas.setExtent(hand.grid.extent())
        canvas.setMapTool(hand.tool)
        hand.move(hand.at(5, 5))
    assert hand.outlined() == (5, 5), "and it can be taken up again"
    hand.tool.clean_up()
    assert canvas.mapTool() is not hand.tool
    hand.tool.clean_up()
