"""Slope and curvature on surfaces whose slope and curvature are known, and in any coordinate system."""

import numpy as np
import pytest
from affine import Affine
from pyproj import CRS
from quadrat.core.grid import Grid, Window
from quadrat.core.settlement.terrain import PixelSizes, surface, terrain
from quadrat.tests.core.test_zonal import Pixels

pytestmark = pytest.mark.same_without_torch

STEP_M = 5.0
WHOLE = Window(0, 0, 21, 25)


def ground(height, crs="", transform=None):
    """Slope, curvature and validity of a function of metres east and north of the middle of a raster."""
    rows, cols = np.mgrid[: WHOLE.height, : WHOLE.width]
    x, y = (cols - 12) * STEP_M, (10 - rows) * STEP_M
    pixels = Pixels(height(x, y)[None], transform=transform or Affine(STEP_M, 0, 0, 0, -STEP_M, 0), crs=crs)
    (slope, curvature), valid = terrain(pixels).read(WHOLE)
    return slope, curvature, valid, x, y


INNER = (slice(1, -1), slice(1, -1))


@pytest.mark.parametrize(("a", "b"), [(0.3, 0.0), (0.0, -1.2), (0.5, 0.7), (0.0, 0.0)])
def test_a_plane_has_one_slope_and_no_curvature(a, b):
    slope, curvature, valid, _, _ = ground(lambda x, y: a * x + b * y + 800)
    np.testing.assert_allclose(slope[INNER], np.degrees(np.arctan(np.hypot(a, b))), atol=1e-4)
    np.testing.assert_allclose(curvature[INNER], 0, atol=1e-6)
    assert valid[INNER].all() and valid.sum() == 19 * 23


def test_a_cylinder_bends_across_but_not_along_its_axis():
    """z = -x²/2R + y tan: the slope line crosses the bend; exact, since the fitted surface is the surface."""
    radius = 400.0
    slope, curvature, _, x, _ = ground(lambda x, y: -(x**2) / (2 * radius))
    p = -x / radius
    expected = 1 / radius / (1 + p**2) ** 1.5
    expected[x == 0] = 0  # level: no slope line
    np.testing.assert_allclose(curvature[INNER], expected[INNER], atol=2e-6)
    np.testing.assert_allclose(slope[INNER], np.degrees(np.arctan(np.abs(p)))[INNER], atol=1e-3)
    across = ground(lambda x, y: 0.5 * y - (x**2) / (2 * radius))[1]
    assert across[10, 12] == pytest.approx(0, abs=1e-6), "on the axis the slope line runs along it"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_hill_is_convex_and_a_bowl_concave(sign):
    """z = -+(x² + y²)/2R: along the slope line everywhere 1/R / (1 + g²)^1.5."""
    radius = 300.0
    _, curvature, _, x, y = ground(lambda x, y: -sign * (x**2 + y**2) / (2 * radius))
    expected = sign / radius / (1 + (x**2 + y**2) / radius**2) ** 1.5
    expected[(x == 0) & (y == 0)] = 0
    np.testing.assert_allclose(curvature[INNER], expected[INNER], atol=2e-6)


def test_a_saddle_bends_up_one_way_and_down_the_other_and_not_at_all_between():
    radius = 500.0
    _, curvature, _, x, y = ground(lambda x, y: x * y / radius)
    p, q = y / radius, x / radius
    steep = p**2 + q**2
    with np.errstate(invalid="ignore"):
        expected = np.where(steep > 0, -2 * p * q / radius / (steep * (1 + steep) ** 1.5), 0)
    np.testing.assert_allclose(curvature[INNER], expected[INNER], atol=2e-6)
    assert curvature[5, 17] < 0 < curvature[15, 17] and abs(curvature[10, 17]) < 1e-7


def test_noise_of_a_linear_fit_is_as_by_least_squares():
    """p, q, r, s, t against numpy's own fit of the quadratic surface to nine random heights."""
    rng = np.random.default_rng(0)
    z = rng.normal(0, 3, (3, 3)).astype(np.float32)
    dx, dy = 7.0, 4.0
    x, y = np.meshgrid([-dx, 0, dx], [dy, 0, -dy])
    design = np.stack([x**2 / 2, x * y, y**2 / 2, x, y, np.ones_like(x)], axis=-1).reshape(9, 6)
    r, s, t, p, q, _ = np.linalg.lstsq(design, z.astype(float).ravel(), rcond=None)[0]
    k = -(p * p * r + 2 * p * q * s + q * q * t) / ((p * p + q * q) * (1 + p * p + q * q) ** 1.5)
    made, valid = surface(z, np.ones((3, 3), bool), np.array([[dx]]), np.array([[dy]]))
    assert made[1, 1, 1] == pytest.approx(k, rel=1e-5) and valid.sum() == 1


def test_missing_heights_take_their_neighbours_with_them():
    valid = np.ones((7, 8), bool)
    valid[3, 4] = False
    made, there = surface(np.zeros((7, 8), np.float32), valid, np.ones((1, 1)), np.ones((1, 1)))
    expected = np.zeros((7, 8), bool)
    expected[1:-1, 1:-1] = True
    expected[2:5, 3:6] = False
    np.testing.assert_array_equal(there, expected)
    assert (made == 0).all()
    assert not surface(np.zeros((2, 9), np.float32), np.ones((2, 9), bool), np.ones((1, 1)), np.ones((1, 1)))[1].any()


def test_pixels_of_degrees_are_measured_on_the_ground():
    """One arc second at 60 degrees north: 30.99 m high and 15.5 m wide (Geod of WGS 84)."""
    second = 1 / 3600
    grid = Grid(Affine(second, 0, 10, 0, -second, 60.05), CRS(4326).to_wkt(), 360, 200)
    width, height = PixelSizes(grid).of(Window(180, 100, 1, 1))
    assert width[0, 0] == pytest.approx(15.5, abs=0.01) and height[0, 0] == pytest.approx(30.95, abs=0.02)
    assert PixelSizes(grid).of(Window(-1, -1, 3, 3))[0].shape == (3, 3)


def test_web_mercator_and_feet_are_measured_on_the_ground_too():
    web = Grid(Affine(20, 0, 0, 0, -20, 8_399_738), CRS(3857).to_wkt(), 10, 10)  # 60 degrees north
    width, height = PixelSizes(web).of(Window(5, 5, 1, 1))
    assert width[0, 0] == pytest.approx(10, rel=0.01) and height[0, 0] == pytest.approx(10, rel=0.01)
    feet = Grid(Affine(10, 0, 2_000_000, 0, -10, 500_000), CRS(2263).to_wkt(), 10, 10)
    assert PixelSizes(feet).of(Window(5, 5, 1, 1))[0][0, 0] == pytest.approx(3.048, rel=1e-3)


def test_one_hill_has_one_slope_in_every_coordinate_system():
    utm = ground(lambda x, y: 0.3 * x + 0.1 * y, CRS(32723).to_wkt(), Affine(5, 0, 680_000, 0, -5, 7_460_000))
    assert utm[0][10, 12] == pytest.approx(np.degrees(np.arctan(np.hypot(0.3, 0.1))), rel=1e-3)
    turned = Affine.translation(680_000, 7_460_000) @ Affine.rotation(25) @ Affine.scale(5, -5)
    assert ground(lambda x, y: 0.3 * x + 0.1 * y, CRS(32723).to_wkt(), turned)[0][10, 12] == pytest.approx(
        utm[0][10, 12], rel=1e-3
    )
