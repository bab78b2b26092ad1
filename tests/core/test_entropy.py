"""How much of each pixel a polygon covers, and the entropy of cells, against what can be counted by hand."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.errors import BadInput
from quadrat.core.grid import Window
from quadrat.core.settlement import spectral, zonal
from quadrat.core.settlement.coverage import coverage
from quadrat.core.settlement.spectral import entropy
from quadrat.tests.core.test_zonal import layer

pytestmark = pytest.mark.same_without_torch

S2 = ("B02", "B03", "B04", "B08")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6))
def test_coverage_is_the_intersection_with_each_pixel(seed):
    rng = np.random.default_rng(seed)
    block = Window(int(rng.integers(0, 4)), int(rng.integers(0, 4)), int(rng.integers(1, 8)), int(rng.integers(1, 8)))
    shapes = [
        shapely.MultiPoint(rng.uniform(-2, 12, (5, 2))).convex_hull,
        shapely.Point(rng.uniform(0, 8, 2)).buffer(3, quad_segs=2).difference(shapely.Point(4, 4).buffer(1)),
        shapely.MultiPolygon([shapely.box(1, 1, 3, 2), shapely.box(4.5, 3, 6, 7.25)]),
        shapely.box(40, 40, 41, 41),
    ]
    shapes = np.array(shapely.orient_polygons(shapes))
    found = coverage(shapes, block)
    dense = np.zeros((len(shapes), block.height, block.width))
    np.add.at(dense, (found.owner, found.row, found.col), found.share)
    for number, shape in enumerate(shapes):
        for row, col in np.ndindex(block.height, block.width):
            x, y = block.col + col, block.row + row
            expected = shape.intersection(shapely.box(x, y, x + 1, y + 1)).area
            assert dense[number, row, col] == pytest.approx(expected, abs=1e-9)


def cell_of(rows, cols, row=0, col=0):
    """Polygon of so many pixels from an upper left corner, on the grid of `make_raster`."""
    west, north = 600_000 + 10 * col, 9_000_000 - 10 * row
    return shapely.box(west, north - 10 * rows, west + 10 * cols, north)


def utm(*shapes):
    return layer(*shapes, crs="EPSG:32722")


def test_entropy_of_known_histograms(make_raster):
    """16 pixels: one level has 0 bits, two alike 1 bit, 16 different ones 4 bits; the mean over bands."""
    flat = np.full((4, 4), 1000.0)
    halves = np.where(np.arange(4) < 2, 1000.0, 3000.0)[None].repeat(4, 0)
    ramp = 100 + 150.0 * np.arange(16).reshape(4, 4)
    path = make_raster("s2.tif", np.stack([flat, halves, ramp, flat]), dtype="uint16", names=S2)
    assert entropy(path, utm(cell_of(4, 4)), values="x10000") == pytest.approx([5 / 4])
    assert entropy(path, utm(cell_of(4, 2)), values="x10000") == pytest.approx([3 / 4])


def test_pixels_count_by_how_much_of_them_lies_in_the_cell(make_raster):
    values = np.array([[[1000.0, 3000.0]]]).repeat(4, 0)
    path = make_raster("s2.tif", values, dtype="uint16", names=S2)
    p = np.array([2 / 3, 1 / 3])
    west = shapely.box(600_000, 8_999_990, 600_015, 9_000_000)
    assert entropy(path, utm(west), values="x10000") == pytest.approx([-(p * np.log2(p)).sum()])


def test_levels_are_of_reflectance_whatever_the_offset(make_raster):
    rng = np.random.default_rng(0)
    values = rng.integers(300, 4000, (4, 30, 30))
    cells = utm(cell_of(15, 15), cell_of(15, 15, 15, 15))
    plain = entropy(make_raster("a.tif", values, dtype="uint16", names=S2), cells, values="x10000")
    later = entropy(make_raster("b.tif", values + 1000, dtype="uint16", names=S2), cells, values="x10000+1000")
    share = entropy(make_raster("c.tif", values / 1e4, dtype="float32", names=S2), cells, values="reflectance")
    np.testing.assert_allclose(later, plain)
    np.testing.assert_allclose(share, plain)
    assert (plain > 4).all() and (plain < np.log2(225)).all()


def test_nodata_and_cells_beside_the_raster(make_raster):
    holes = np.zeros((10, 10), bool)
    holes[:5] = True
    values = np.full((4, 10, 10), 2000)
    path = make_raster("s2.tif", values, dtype="uint16", names=S2, holes=holes, missing="nodata")
    found = entropy(path, utm(cell_of(4, 4), cell_of(10, 10), cell_of(3, 3, 50, 50)), values="x10000")
    assert np.isnan(found[[0, 2]]).all() and found[1] == 0


def test_cells_in_groups_and_blocks_are_as_one_by_one(make_raster, monkeypatch):
    rng = np.random.default_rng(1)
    path = make_raster("s2.tif", rng.integers(300, 4000, (4, 40, 50)), dtype="uint16", names=S2)
    cells = utm(*(cell_of(7, 9, r, c) for r in range(-3, 40, 6) for c in range(-4, 50, 7)), cell_of(40, 50))
    whole = entropy(path, cells, values="x10000")
    monkeypatch.setattr(spectral, "CELLS_AT_ONCE", 3)
    monkeypatch.setattr(spectral, "BLOCK_PX", 8)
    monkeypatch.setattr(zonal, "BLOCK_PX", 8)
    np.testing.assert_allclose(entropy(path, cells, values="x10000"), whole)


def test_numbers_of_unknown_meaning_are_levelled_between_their_extremes_and_that_is_said(make_raster):
    ramp = np.arange(256.0).reshape(1, 16, 16).repeat(3, 0) * 77 + 5
    path = make_raster("odd.tif", ramp, dtype="float32")
    notes = []
    assert entropy(path, utm(cell_of(16, 16)), notes=notes) == pytest.approx([8], abs=0.05)
    assert any("do not compare" in note for note in notes)


def test_masks_have_no_entropy(make_raster):
    path = make_raster("mask.tif", np.zeros((1, 4, 4)), names=("SCL",))
    with pytest.raises(BadInput, match="nothing but masks"):
        entropy(path, utm(cell_of(4, 4)))
