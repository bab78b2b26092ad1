"""Means in polygons, against intersections of every pixel, and against the library exactextract."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS
from quadrat.core.errors import BadInput
from quadrat.core.grid import Grid
from quadrat.core.raster import open_raster
from quadrat.core.settlement import zonal
from quadrat.core.settlement.zonal import Derived, zonal_means

pytestmark = pytest.mark.same_without_torch

UTM = CRS(32722).to_wkt()


class Pixels:
    """An array that is read like a raster."""

    band_names, notes, dtype, path = (), (), "float32", "pixels"

    def __init__(self, values, valid=None, transform=None, crs=""):
        self.values = np.asarray(values, np.float32)
        self.valid = np.ones(self.values.shape[1:], bool) if valid is None else valid
        self.bands = tuple(range(1, len(self.values) + 1))
        self.grid = Grid(transform or Affine.identity(), crs, *self.valid.shape)

    def read(self, window):
        values = np.zeros((len(self.values), window.height, window.width), np.float32)
        valid = np.zeros((window.height, window.width), bool)
        inside = window.intersection(self.grid.whole)
        if inside is not None:
            there, here = inside.slices_in(window), inside.slices_in(self.grid.whole)
            valid[there] = self.valid[here]
            values[(slice(None), *there)] = self.values[(slice(None), *here)] * self.valid[here]
        return values, valid

    def close(self):
        pass


def layer(*shapes, crs=None):
    return gpd.GeoDataFrame(geometry=list(shapes), crs=crs)


def by_hand(pixels, shape):
    """Mean and covered share from the intersection with each pixel."""
    rows, cols = np.nonzero(pixels.valid)
    corner = [pixels.grid.transform @ (c, r) for r, c in zip(rows, cols, strict=True)]
    other = [pixels.grid.transform @ (c + 1, r + 1) for r, c in zip(rows, cols, strict=True)]
    boxes = shapely.box(*np.minimum(corner, other).T, *np.maximum(corner, other).T)
    part = shapely.area(shapely.intersection(boxes, shape))
    if part.sum() <= 1e-9:
        return np.nan, 0.0
    return (pixels.values[0][rows, cols] * part).sum() / part.sum(), part.sum() / shape.area


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([2, 3, 7, 100]), st.booleans())
def test_means_are_those_of_intersections_with_every_pixel(seed, block, hole):
    rng = np.random.default_rng(seed)
    pixels = Pixels(rng.normal(5, 3, (1, 9, 8)), rng.random((9, 8)) > 0.2)
    shape = shapely.MultiPoint(rng.uniform(-3, 12, (rng.integers(3, 9), 2))).convex_hull.union(
        shapely.box(*rng.integers(0, 3, 2), *rng.integers(4, 9, 2))
    )
    if hole:
        shape = shape.difference(shapely.Point(4, 4).buffer(rng.uniform(0.1, 3), quad_segs=2))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(zonal, "BLOCK_PX", block)
        patched.setattr(zonal, "MOST_PIECES", 50)
        found = zonal_means(Pixels(pixels.values, pixels.valid), layer(shape, shape, shapely.box(50, 50, 51, 51)))
    mean, covered = by_hand(pixels, shape)
    assert found.covered == pytest.approx([covered, covered, 0], abs=1e-9)
    assert found.means[:, 0] == pytest.approx([mean, mean, np.nan], rel=1e-6, nan_ok=True)


def test_weights_are_those_of_exactextract():
    exactextract = pytest.importorskip("exactextract")
    from exactextract.raster import NumPyRasterSource

    rng = np.random.default_rng(1)
    values, valid = rng.normal(100, 30, (1, 90, 120)), rng.random((90, 120)) > 0.3
    centres = rng.uniform(-10, 130, (400, 2))
    shapes = shapely.buffer(shapely.points(centres), rng.uniform(0.05, 12, 400), quad_segs=3)
    ours = zonal_means(Pixels(values, valid, Affine(1, 0, 0, 0, -1, 90)), layer(*shapes))
    holed = np.where(valid, values[0].astype(np.float32), np.nan)
    source = NumPyRasterSource(holed, xmin=0, ymin=0, xmax=120, ymax=90)
    theirs = exactextract.exact_extract(source, layer(*shapes, crs=UTM), ["mean", "count"], output="pandas")
    mean, count = (theirs[name].to_numpy(float) for name in ("mean", "count"))
    assert np.isnan(mean).any() and not np.isnan(mean).all()
    np.testing.assert_allclose(ours.means[:, 0], mean, rtol=1e-6)
    np.testing.assert_allclose(ours.covered, count / shapely.area(shapes), atol=1e-6)


@pytest.mark.parametrize(
    "transform",
    [Affine(2, 0, 10, 0, -2, 30), Affine(2, 0, 10, 0, 2, 6), Affine(-2, 0, 30, 0, 2, 6),
     Affine.translation(10, 10) @ Affine.rotation(30) @ Affine.scale(2)],
    ids=["north up", "south up", "mirrored", "turned"],
)  # fmt: skip
def test_grids_may_lie_any_way(transform):
    """The mean of a linear function over a polygon inside one pixel row is that of the pixels' own values."""
    values = np.arange(48.0).reshape(1, 6, 8)
    pixel = shapely.transform(shapely.box(2, 3, 4, 4), lambda xy: np.array([transform @ tuple(p) for p in xy]))
    found = zonal_means(Pixels(values, transform=transform), layer(pixel))
    assert found.means[0, 0] == pytest.approx(26.5)
    assert found.covered[0] == pytest.approx(1)


def test_bands_are_meant_one_by_one_and_smaller_polygons_than_a_pixel_have_its_value():
    pixels = Pixels(np.stack([np.full((4, 4), 3.0), np.arange(16.0).reshape(4, 4)]))
    found = zonal_means(pixels, layer(shapely.box(1.2, 1.2, 1.3, 1.3), shapely.box(0, 0, 4, 4)))
    np.testing.assert_allclose(found.means, [[3, 5], [3, 7.5]])


def test_broken_empty_and_missing_polygons():
    bow = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])
    found = zonal_means(Pixels(np.full((1, 4, 4), 7.0)), layer(bow, shapely.Polygon(), None))
    assert found.means[0, 0] == pytest.approx(7) and found.covered[0] == pytest.approx(1)
    assert np.isnan(found.means[1:]).all() and (found.covered[1:] == 0).all()


def test_touching_a_valid_pixel_at_its_side_only_is_not_covering_it():
    pixels = Pixels([[[1.0, 9.0, 0.0]]], np.array([[True, True, False]]), Affine(0.1, 0, 0.7, 0, -0.1, 0.1))
    found = zonal_means(pixels, layer(shapely.box(0.9, 0, 1.0, 0.1), shapely.box(0.85, 0, 1.0, 0.1)))
    assert np.isnan(found.means[0, 0]) and found.covered[0] == 0
    assert found.means[1, 0] == pytest.approx(9) and found.covered[1] == pytest.approx(1 / 3)


def test_cells_are_brought_to_the_raster_and_one_crs_alone_is_refused(make_raster):
    path = make_raster("r.tif", np.arange(2000.0).reshape(1, 40, 50), dtype="float32")
    cells = layer(shapely.box(600_100, 8_999_700, 600_250, 8_999_850), crs="EPSG:32722")
    with open_raster(path) as reader:
        there = zonal_means(reader, cells)
        moved = zonal_means(reader, cells.to_crs(4326))
        with pytest.raises(BadInput, match="layer of cells has no coordinate system"):
            zonal_means(reader, cells.set_crs(None, allow_override=True))
    assert moved.means == pytest.approx(there.means, rel=1e-6)
    with pytest.raises(BadInput, match="pixels has no coordinate system"):
        zonal_means(Pixels(np.zeros((1, 2, 2))), cells)


def test_very_long_edges_bend_as_the_projection_does():
    """Of a band along a parallel, 8 degrees long, seen in UTM, where parallels are curves."""
    rows = np.arange(4000.0)
    values = np.broadcast_to(rows[None, :, None], (1, 4000, 9000))
    pixels = Pixels(values, transform=Affine(100, 0, 50_000, 0, -100, 5e6), crs=CRS(32632).to_wkt())
    whole = layer(shapely.box(5, 43.0, 13, 43.2), crs="EPSG:4326")
    pieces = [shapely.box(5 + k / 100, 43.0, 5 + (k + 1) / 100, 43.2) for k in range(800)]
    parts = zonal_means(pixels, layer(*pieces, crs="EPSG:4326"))
    assert zonal_means(pixels, whole).means[0, 0] == pytest.approx(parts.means[:, 0].mean(), abs=0.02)


def test_what_is_derived_does_not_depend_on_blocks(monkeypatch):
    rng = np.random.default_rng(3)
    pixels = Pixels(rng.normal(size=(1, 23, 31)), rng.random((23, 31)) > 0.1)

    def right_minus_left(values, valid, window):
        made = np.roll(values, -1, axis=2) - np.roll(values, 1, axis=2)
        return made, np.roll(valid, -1, axis=1) & np.roll(valid, 1, axis=1)

    cells = layer(*(shapely.box(x, y, x + 4.5, y + 3.5) for x in range(0, 30, 4) for y in range(0, 20, 3)))
    whole = zonal_means(Derived(pixels, right_minus_left, ("step",), 1), cells)
    monkeypatch.setattr(zonal, "BLOCK_PX", 5)
    parts = zonal_means(Derived(pixels, right_minus_left, ("step",), 1), cells)
    np.testing.assert_allclose(parts.means, whole.means, atol=1e-9)
    np.testing.assert_allclose(parts.covered, whole.covered, atol=1e-12)
    assert np.isfinite(whole.means).any()
