"""The live map on a real canvas: each pixel of the screen against the cell that its centre lies in."""

import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsPointXY, QgsRectangle
from qgis.gui import QgsMapCanvas, QgsMapCanvasItem
from qgis.PyQt.QtGui import QColor
from quadrat.core.live.messages import UNSURE
from quadrat.plugin.teach.grid import CellGrid
from quadrat.plugin.teach.picture import class_table, value_table

from .pixels import (
    COLOURS,
    PALETTE,
    RATIO,
    UTM,
    answer,
    assert_right,
    canvas,
    expected,
    look_at,
    on_screen,
    opened,
    paint,
)

__all__ = ["answer", "canvas"]
"""Fixtures, which pytest looks for here."""

LARGE = (10_000, 0, 300_000, 0, -10_000, 5_600_000)
TURNED = (8, 3, 500_000, 4, -7, 5_400_000)
DEGREES = (0.0001, 0, -56.4, 0, -0.0001, -1.45)
SCENES = {
    "same system": ({}, UTM, 0),
    "map turned": ({}, UTM, 33),
    "raster turned": ({"transform": TURNED}, UTM, 0),
    "both turned": ({"transform": TURNED}, UTM, -70),
    "web mercator": ({}, "EPSG:3857", 0),
    "degrees": ({}, "EPSG:4326", 0),
    "web mercator, turned": ({"transform": TURNED}, "EPSG:3857", 20),
    "a whole country in web mercator": ({"transform": LARGE}, "EPSG:3857", 0),
    "a whole country in degrees": ({"transform": LARGE}, "EPSG:4326", 0),
    "a whole country, equal area, turned": ({"transform": LARGE}, "EPSG:3035", 140),
    "raster in degrees": ({"transform": DEGREES, "crs": "EPSG:4326"}, "EPSG:32721", 0),
    "upside down": ({"transform": (10, 0, 500_000, 0, 10, 5_400_000)}, UTM, 0),
    "no system": ({"crs": ""}, "", 0),
}


@pytest.mark.parametrize("scene", SCENES)
def test_each_pixel_shows_its_cell(canvas, answer, scene):
    changes, crs, rotation = SCENES[scene]
    facts = opened(**changes)
    grid = CellGrid(facts)
    painted, classes, _ = answer()
    paint(canvas, grid, painted)
    look_at(canvas, grid, crs, rotation)
    assert_right(canvas, facts, painted, classes, exact=0.8 if "country" in scene or "turned" in scene else 0.9)


@pytest.mark.parametrize("crs", [UTM, "EPSG:3857"])
def test_every_third_cell_lies_in_the_middle_of_what_it_stands_for(canvas, answer, crs):
    facts = opened(height=150, width=180)
    grid = CellGrid(facts)
    painted, classes, _ = answer(row=3, col=6, height=48, width=57, step=3)
    paint(canvas, grid, painted)
    look_at(canvas, grid, crs)
    assert_right(canvas, facts, painted, classes, exact=0.9)


@pytest.mark.parametrize(("crs", "rotation"), [(UTM, 0), (UTM, 25), ("EPSG:4326", 0)])
def test_an_old_answer_moves_and_grows_with_the_map(canvas, answer, crs, rotation):
    facts = opened(height=500, width=600)
    grid = CellGrid(facts)
    painted, classes, _ = answer(row=100, col=200)
    item = paint(canvas, grid, painted)
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem(crs))
    canvas.setRotation(rotation)
    here = grid.block_in(100, 200, 50, 60, canvas.mapSettings().destinationCrs())
    canvas.setExtent(here)
    on_screen(canvas)
    moved = QgsRectangle(here)
    moved.scale(0.6)
    moved += QgsPointXY(here.width() * 0.1, here.height() * 0.15) - QgsPointXY(0, 0)
    canvas.setExtent(moved)
    assert_right(canvas, facts, painted, classes, exact=0.9)
    moved.scale(2.5)
    canvas.setExtent(moved)
    assert_right(canvas, facts, painted, classes, exact=0.7)
    canvas.setExtent(QgsRectangle(here.xMaximum() + 5 * here.width(), here.yMinimum(),
                                  here.xMaximum() + 6 * here.width(), here.yMaximum()))  # fmt: skip
    assert (on_screen(canvas) == 255).all()
    assert item._buffer is None


def test_a_cell_larger_than_the_screen_has_straight_edges_where_they_belong(canvas, answer):
    """Drawing in fixed-point numbers drifts over long distances; here a cell is 2,000 pixels wide."""
    facts = opened()
    grid = CellGrid(facts)
    painted, classes, _ = answer()
    paint(canvas, grid, painted)
    corner = QgsPointXY(500_300, 5_399_800)
    canvas.setExtent(QgsRectangle(corner.x() - 0.5, corner.y() - 0.4, corner.x() + 0.7, corner.y() + 0.4))
    assert_right(canvas, facts, painted, classes, exact=0.99)


@pytest.mark.parametrize("rotation", [0, 1])
def test_small_errors_do_not_add_up_over_a_wide_screen(canvas, answer, rotation):
    facts = opened()
    grid = CellGrid(facts)
    painted, classes, _ = answer()
    canvas.resize(3802, 62)
    paint(canvas, grid, painted)
    canvas.setRotation(rotation)
    canvas.setExtent(QgsRectangle(500_007, 5_399_700, 500_007 + 31.3, 5_399_701))
    assert_right(canvas, facts, painted, classes, exact=0.99)


def test_many_cells_to_a_pixel_and_a_very_wide_answer(canvas, answer):
    facts = opened(height=4, width=60_000)
    grid = CellGrid(facts)
    painted, classes, _ = answer(height=4, width=60_000)
    paint(canvas, grid, painted)
    canvas.setExtent(QgsRectangle(1_095_000, 5_399_950, 1_095_120, 5_400_010))
    assert_right(canvas, facts, painted, classes, exact=0.9)


def test_nothing_is_drawn_where_there_is_no_data(canvas, answer):
    facts = opened()
    grid = CellGrid(facts)
    classes = np.ones((50, 60), int)
    classes[10:20, 30:40] = 0
    painted, *_ = answer(classes=classes)
    paint(canvas, grid, painted)
    look_at(canvas, grid, UTM)
    assert_right(canvas, facts, painted, classes)


def test_confidence_is_how_much_covers_the_map(canvas, answer):
    facts = opened()
    grid = CellGrid(facts)
    painted, classes, confidence = answer()
    item = paint(canvas, grid, painted, by_confidence=True, opacity=0.5)
    look_at(canvas, grid, UTM)
    seen = on_screen(canvas)
    for look, factor in (({}, 0.5), ({"opacity": 1.0}, 1.0)):
        item.look(**look)
        seen = on_screen(canvas)
        alpha = expected(canvas, facts, painted, confidence, seen.shape[:2])[:, :, None] / 255 * factor
        colour = PALETTE[expected(canvas, facts, painted, classes, seen.shape[:2])]
        wanted = colour * alpha + 255 * (1 - alpha)
        assert (np.abs(seen - wanted).max(axis=2) <= 4).mean() > 0.9


def test_unsure_places_are_hatched_in_pixels_of_the_screen(canvas, answer):
    facts = opened()
    grid = CellGrid(facts)
    classes = np.ones((50, 60), int)
    classes[10:40, 15:45] = UNSURE
    painted, *_ = answer(classes=classes)
    item = paint(canvas, grid, painted)
    look_at(canvas, grid, UTM)
    seen = on_screen(canvas)
    under = expected(canvas, facts, painted, classes, seen.shape[:2])
    sure = [expected(canvas, facts, painted, classes, seen.shape[:2], (x, y)) for x in (-1, 1) for y in (-1, 1)]
    inside = np.all([layer == UNSURE for layer in sure], axis=0)
    outside = np.all([layer != UNSURE for layer in sure], axis=0) & (under == 1)
    assert (seen[outside] == PALETTE[1]).all()
    dark = (seen == 40).all(axis=2)
    assert 0.08 < dark[inside].mean() < 0.3 and not dark[outside].any()
    rows = np.flatnonzero(inside.any(axis=1))
    period = round(8 * RATIO)
    line = dark[rows[len(rows) // 2]] & inside[rows[len(rows) // 2]]
    begins = np.flatnonzero(line[1:] & ~line[:-1])
    assert set(np.diff(begins)) == {period}, "as far apart on every scale"
    item.look(hatch=False)
    assert (on_screen(canvas)[inside] == 255).all()


def test_values_follow_the_ramp_from_low_to_high(canvas, answer):
    facts = opened()
    grid = CellGrid(facts)
    bytes_ = np.random.default_rng(3).integers(0, 256, (50, 60))
    painted, *_ = answer(classes=bytes_, confidence=np.zeros((50, 60)))
    paint(canvas, grid, replace(painted, low=1.0, high=5.0), colours=None, by_confidence=True)
    look_at(canvas, grid, UTM)
    ramp = np.array([[255, 255, 255]] + [QColor.fromRgba(c).getRgb()[:3] for c in value_table()[1:]])
    assert_right(canvas, facts, painted, bytes_, palette=ramp)
    assert tuple(ramp[1]) == (0x44, 0x01, 0x54) and tuple(ramp[255]) == (0xFD, 0xE7, 0x25)
    light = ramp[1:] @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(light) > -0.5).all(), "lighter from low to high"


def test_tables_of_many_and_few_classes():
    assert len(class_table([])) == len(class_table(["#123456"] * 300)) == len(value_table()) == 256
    assert class_table(["#123456"] * 300)[0] == class_table(["#123456"] * 300)[UNSURE] == 0


def test_looks_change_without_a_new_answer(canvas, answer):
    facts = opened()
    grid = CellGrid(facts)
    painted, classes, _ = answer()
    item = paint(canvas, grid, painted)
    look_at(canvas, grid, UTM)
    on_screen(canvas)
    item.recolour(COLOURS[::-1])
    turned = np.concatenate([PALETTE[:1], PALETTE[:0:-1]])
    assert_right(canvas, facts, painted, classes, palette=turned, exact=0.9)
    item.look(visible=False)
    assert (on_screen(canvas) == 255).all()
    item.look(visible=True, opacity=0.0)
    assert (on_screen(canvas) == 255).all()
    item.look(opacity=1.0)
    assert_right(canvas, facts, painted, classes, palette=turned, exact=0.9)


def test_an_answer_that_cannot_be_read_leaves_the_old_one(canvas, answer, tmp_path):
    facts = opened()
    grid = CellGrid(facts)
    painted, classes, _ = answer()
    item = paint(canvas, grid, painted)
    look_at(canvas, grid, UTM)
    assert not item.take(replace(painted, path=str(tmp_path / "gone")), grid, COLOURS)
    assert not item.take(replace(painted, height=51), grid, COLOURS)
    assert_right(canvas, facts, painted, classes, exact=0.9)
    assert item.take(replace(painted, path="", why="One class only."), grid, COLOURS)
    assert (on_screen(canvas) == 255).all()


def test_the_file_may_be_replaced_as_soon_as_it_was_taken(canvas, answer):
    facts = opened()
    grid = CellGrid(facts)
    painted, classes, _ = answer()
    paint(canvas, grid, painted)
    with open(painted.path, "r+b") as file:
        file.write(bytes(6000))
    os.remove(painted.path)
    look_at(canvas, grid, UTM)
    assert_right(canvas, facts, painted, classes, exact=0.9)


def test_two_canvases_show_the_same_answer_each_in_its_own_way(canvas, answer, qgis_app):
    other = QgsMapCanvas()
    other.resize(202, 142)
    other.show()
    facts = opened()
    grid = CellGrid(facts)
    painted, classes, _ = answer()
    paint(canvas, grid, painted)
    item = paint(other, grid, painted)
    look_at(canvas, grid, UTM)
    look_at(other, grid, "EPSG:3857", 45)
    assert_right(canvas, facts, painted, classes, exact=0.9)
    assert_right(other, facts, painted, classes, exact=0.8)
    item.remove()
    assert (on_screen(other) == 255).all()
    assert_right(canvas, facts, painted, classes, exact=0.9)
    other.deleteLater()


def test_a_map_of_the_world_around_a_raster_that_is_nowhere_near_it(canvas, answer):
    """Most of what is on the screen has no place in the system of the raster."""
    facts = opened(transform=LARGE)
    grid = CellGrid(facts)
    painted, *_ = answer()
    paint(canvas, grid, painted)
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3857"))
    canvas.setExtent(QgsRectangle(-20_000_000, -20_000_000, 20_000_000, 20_000_000))
    seen = on_screen(canvas)
    assert 0 < (seen != 255).any(axis=2).mean() < 0.02
    canvas.setExtent(QgsRectangle(-90_000_000, -90_000_000, 90_000_000, 90_000_000))
    on_screen(canvas)
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem("EPSG:3031"))  # the South Pole
    canvas.setExtent(QgsRectangle(-3_000_000, -3_000_000, 3_000_000, 3_000_000))
    assert (on_screen(canvas) == 255).all()


def test_it_leaves_the_canvas(canvas, answer):
    before = len(canvas.scene().items())
    painted, *_ = answer()
    item = paint(canvas, CellGrid(opened()), painted)
    assert len(canvas.scene().items()) == before + 1
    item.remove()
    assert len(canvas.scene().items()) == before
    assert not [i for i in canvas.scene().items() if isinstance(i, QgsMapCanvasItem) and i.zValue() == -5]
    item.remove()


@pytest.mark.skipif(RATIO != 1, reason="this is the run that it starts")
@pytest.mark.parametrize("ratio", ["2", "1.5"])
def test_screens_of_high_density(ratio, tmp_path):
    """The same tests in another process, where each point of the screen has several pixels."""
    chosen = "hatched or middle_of_what or (each_pixel and map)"
    environment = {**os.environ, "QT_SCALE_FACTOR": ratio, "QT_SCALE_FACTOR_ROUNDING_POLICY": "PassThrough"}
    command = [sys.executable, "-P", "-m", "pytest", "-q", "-k", chosen, __file__, "--basetemp", str(tmp_path / "b")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=100)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "passed" in done.stdout
