"""Which cell lies where: on turned and mirrored grids, in other systems, at the edges, and how views are thinned."""

import math
import random

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransform, QgsPointXY, QgsProject, QgsRectangle
from quadrat.core.errors import BadInput
from quadrat.core.live.messages import CELLS_SHOWN, Opened
from quadrat.plugin.teach.grid import CellGrid, shown

UTM, MERCATOR, DEGREES = "EPSG:32633", "EPSG:3857", "EPSG:4326"
PLAIN = (10, 0, 500_000, 0, -10, 5_400_000)
TRANSFORMS = {
    "plain": PLAIN, "turned": (8, 3, 500_000, 4, -7, 5_400_000), "upside down": (10, 0, 500_000, 0, 10, 5_400_000),
    "mirrored": (-10, 0, 500_000, 0, -10, 5_400_000), "oblong": (30, 0, 500_000, 0, -5, 5_400_000),
}  # fmt: skip


def system(name):
    return QgsCoordinateReferenceSystem(name) if name else QgsCoordinateReferenceSystem()


def make_grid(transform=PLAIN, crs=UTM, height=40, width=60):
    wkt = system(crs).toWkt() if crs else ""
    return CellGrid(Opened(transform, wkt, height, width, 8, "test", True, True))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_points_lie_in_the_cells_whose_outlines_hold_them(qgis_app, name):
    grid = make_grid(TRANSFORMS[name])
    rng = random.Random(2)
    for _ in range(200):
        row, col = rng.randrange(40), rng.randrange(60)
        x, y = grid.to_map.map(col + rng.uniform(0.001, 0.999), row + rng.uniform(0.001, 0.999))
        assert grid.cell_at(x, y) == (row, col)
        assert grid.outline(row, col).contains(QgsPointXY(x, y))
    assert grid.cell_at(*grid.to_map.map(-0.01, 3.0)) is None
    assert grid.cell_at(*grid.to_map.map(3.0, 40.01)) is None
    assert grid.cell_at(math.nan, 0.0) is None and grid.cell_at(math.inf, 0.0) is None


def test_each_edge_belongs_to_one_cell(qgis_app):
    grid = make_grid()
    assert grid.cell_at(500_000, 5_400_000) == (0, 0)
    assert grid.cell_at(500_010, 5_399_990) == (1, 1)
    assert grid.cell_at(500_600, 5_399_995) is None
    assert grid.centre(2, 5) == QgsPointXY(500_055, 5_399_975)
    block = grid.outline(1, 2, 3, 4)
    assert block.area() == pytest.approx(1200) and block.boundingBox().xMinimum() == 500_020


@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("other", [MERCATOR, DEGREES, UTM, ""])
def test_cells_keep_their_place_in_other_systems(qgis_app, name, other):
    grid, crs = make_grid(TRANSFORMS[name]), system(other)
    for row, col in [(0, 0), (39, 59), (20, 31)]:
        middle = grid.centre_in(row, col, crs)
        assert grid.cell_of(middle, crs) == (row, col)
        assert grid.outline_in(row, col, crs).contains(middle)
        if crs.isValid():
            to_there = QgsCoordinateTransform(grid.crs, crs, QgsProject.instance())
            assert middle.distance(to_there.transform(grid.centre(row, col))) < 1e-6


def test_points_without_a_place_in_the_system_are_beside_the_raster(qgis_app):
    grid = make_grid()
    assert grid.cell_of(QgsPointXY(1e12, 1e12), system(MERCATOR)) is None
    assert grid.cell_of(QgsPointXY(200.0, 95.0), system(DEGREES)) is None
    some = grid.brought([200.0, 15.0], [95.0, 48.7], system(DEGREES))
    assert some[0] is None and some[1] is not None, "one that fails does not take the others along"


def test_without_a_system_coordinates_are_taken_as_they_are(qgis_app):
    grid = make_grid(crs="")
    assert not grid.crs.isValid()
    assert grid.transform_from(system(MERCATOR)) is None
    assert grid.cell_of(QgsPointXY(500_055, 5_399_975), system(MERCATOR)) == (2, 5)


def test_transforms_are_made_once(qgis_app):
    grid = make_grid()
    assert grid.transform_from(system(MERCATOR)) is grid.transform_from(system(MERCATOR))
    assert grid.transform_from(system(MERCATOR)) is not grid.transform_to(system(MERCATOR))
    assert grid.transform_from(system(UTM)) is None


@pytest.mark.parametrize("name", TRANSFORMS)
def test_a_window_holds_every_cell_that_the_rectangle_touches_and_few_others(qgis_app, name):
    grid = make_grid(TRANSFORMS[name])
    extent = grid.extent()
    rng = random.Random(3)
    for _ in range(60):
        x, y = rng.uniform(extent.xMinimum(), extent.xMaximum()), rng.uniform(extent.yMinimum(), extent.yMaximum())
        rectangle = QgsRectangle(x, y, x + rng.uniform(1, 200), y + rng.uniform(1, 200))
        window = grid.window(rectangle)
        touched = {
            (row, col) for row in range(40) for col in range(60)
            if grid.outline(row, col).intersects(rectangle.buffered(-1e-6))
        }  # fmt: skip
        if window is None:
            assert not touched
            continue
        row, col, height, width, step = window
        inside = {(r, c) for r in range(row, row + height) for c in range(col, col + width)}
        assert touched <= inside and step == 1
        assert row >= 0 and row + height <= 40 and col >= 0 and col + width <= 60
        if name != "turned":
            assert len(inside) <= len(touched)


def test_nothing_is_seen_beside_the_raster(qgis_app):
    grid = make_grid()
    assert grid.window(QgsRectangle(0, 0, 10, 10)) is None
    assert grid.window(QgsRectangle(500_600, 5_399_600, 500_700, 5_399_700)) is None, "they only touch"
    assert grid.window(QgsRectangle(math.nan, 0, 1, 1)) is None
    for crs in (UTM, MERCATOR, DEGREES):
        assert grid.extent_from(QgsRectangle(-1, -1, 1, 1), system(crs)) is None


@pytest.mark.parametrize("size", [(600, 1000), (601, 1000), (5000, 7000), (30_000, 41_000), (1, 10**7), (775, 775)])
def test_views_are_thinned_until_they_hold_no_more_than_allowed(qgis_app, size):
    height, width = size
    grid = make_grid((1, 0, 0, 0, -1, 0), crs="", height=height, width=width)
    rng = random.Random(4)
    for _ in range(50):
        top, left = rng.randrange(height), rng.randrange(width)
        bottom, right = rng.randint(top + 1, height), rng.randint(left + 1, width)
        row, col, rows, cols, step = grid.window(QgsRectangle(left, -bottom, right, -top))
        assert 1 <= shown(row, rows, step) * shown(col, cols, step) <= CELLS_SHOWN
        assert row <= top and col <= left and row + rows >= bottom and col + cols >= right, "all that is seen"
        assert row > top - step and col > left - step and row + rows <= bottom + step + 1, "and little beside it"
        if step > 1:
            assert (bottom - top + 2 * step) * (right - left + 2 * step) / (step - 1) ** 2 > CELLS_SHOWN, "not too thin"
            for first, count, seen, end, size in ((row, rows, top, bottom, height), (col, cols, left, right, width)):
                numbers = [n for n in (first, -(-(first + count - step) // step) * step) if n < first + count]
                assert first % step == 0 and numbers
                assert seen - first < step and (end - 1 <= max(numbers) + step / 2 or max(numbers) + step >= size)


def test_what_is_shown_is_counted_as_the_worker_does():
    for first in range(12):
        for count in range(1, 15):
            for step in range(1, 8):
                assert shown(first, count, step) == sum(n % step == 0 for n in range(first, first + count))


def test_a_view_of_the_world_reaches_a_raster_of_one_zone(qgis_app):
    grid = make_grid()
    for crs, world in [
        (MERCATOR, QgsRectangle(-2e7, -2e7, 2e7, 2e7)), (DEGREES, QgsRectangle(-180, -90, 180, 90)),
        (MERCATOR, QgsRectangle(-9e7, -9e7, 9e7, 9e7)), (DEGREES, QgsRectangle(-500, -300, 500, 300)),
    ]:  # fmt: skip
        assert grid.window(grid.extent_from(world, system(crs)))[:4] == (0, 0, 40, 60)


def test_a_small_view_in_another_system_asks_for_little(qgis_app):
    grid = make_grid(height=4000, width=6000)
    box = grid.block_in(1000, 2000, 50, 80, system(MERCATOR))
    row, col, height, width, _ = grid.window(grid.extent_from(box, system(MERCATOR)))
    assert row <= 1000 and col <= 2000 and row + height >= 1050 and col + width >= 2080
    assert height < 80 and width < 110


def test_the_extent_in_another_system_holds_all_of_the_raster(qgis_app):
    large = make_grid((10_000, 0, 200_000, 0, -10_000, 7_000_000), height=300, width=60)
    for crs in (MERCATOR, DEGREES, "EPSG:3035"):
        extent = large.extent_in(system(crs))
        for row in range(0, 300, 7):
            for col in range(0, 60, 7):
                assert extent.contains(large.centre_in(row, col, system(crs)))
    first = large.extent_in(system(MERCATOR))
    first.scale(0)
    assert large.extent_in(system(MERCATOR)).width() > 0, "what is given out is a copy"


def test_cells_without_an_area_are_refused(qgis_app):
    with pytest.raises(BadInput, match="no area"):
        make_grid((10, 10, 0, 5, 5, 0))
