"""Labelling with a real mouse on a real canvas: what is outlined is what is labelled, and no stroke has gaps."""

import random

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsGeometry, QgsPointXY, QgsRectangle
from qgis.PyQt.QtCore import QEvent, QPoint, Qt
from qgis.PyQt.QtWidgets import QApplication
from quadrat.plugin.teach.stroke import crossed, parts
from quadrat.plugin.teach.tools import HOVER_MS

from .hand import LEFT, MIDDLE, RIGHT, UTM, Hand, hand, make_grid, window

__all__ = ["hand", "window"]
"""Fixtures, which pytest looks for here."""

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
    assert [hand.cells(points) for points in hand.told["erased"]] == [[(3, 4)]]
    assert not hand.told["clicked"]


def test_the_right_button_erases_all_that_it_passes_over(hand):
    hand.tool.set_mode("drag")
    hand.press(hand.at(5, 5), RIGHT)
    hand.move(hand.at(5, 20))
    assert hand.tool._marks.stroke.asGeometry().area() == pytest.approx(16 * 100)
    hand.press(hand.at(5, 20), LEFT)
    hand.release(hand.at(5, 20), LEFT)
    hand.release(hand.at(5, 20), RIGHT)
    assert [hand.cells(points) for points in hand.told["erased"]] == [[(5, col) for col in range(5, 21)]]
    assert not hand.told["dragged"] and not hand.told["clicked"]
    assert hand.tool._marks.stroke.asGeometry().isEmpty()
    hand.press(hand.at(7, 7))
    hand.move(hand.at(7, 9))
    hand.release(hand.at(7, 9))
    assert hand.cells(hand.told["dragged"][0]) == [(7, 7), (7, 8), (7, 9)]


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
