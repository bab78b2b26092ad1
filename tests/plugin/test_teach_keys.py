"""Polygons, keys and leaving: what else a hand does over the map, and that nothing is left on it."""

import pytest
from qgis.core import QgsGeometry, QgsRectangle
from qgis.gui import QgsMapCanvas, QgsMapToolPan, QgsRubberBand
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QEvent, QPoint, Qt
from qgis.PyQt.QtGui import QColor, QKeyEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QAction, QApplication, QMainWindow
from quadrat.plugin.teach.paint import LiveItem
from quadrat.plugin.teach.tools import HOVER_MS, TAP_S

from .hand import NO_KEY, RIGHT, Hand, hand, make_grid, window

__all__ = ["hand", "window"]
"""Fixtures, which pytest looks for here."""


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
    assert [hand.cells(points) for points in hand.told["erased"]] == [[(7, 7)]]


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


def test_a_canvas_that_goes_first_takes_tool_and_item_along(qgis_app, qgis_new_project, qtbot):
    window = QMainWindow()
    window.setCentralWidget(QgsMapCanvas())
    window.resize(640, 480)
    window.show()
    hand = Hand(window, make_grid())
    item = LiveItem(hand.canvas)
    hand.tool.set_mode("drag")
    hand.press(hand.at(5, 5))
    hand.move(hand.at(5, 9))
    canvas = hand.canvas
    sip.delete(window)
    assert sip.isdeleted(canvas)
    item.remove()
    hand.tool.clean_up()
    qtbot.wait(2 * HOVER_MS)  # an exception in a slot or a filter would fail the test
