"""A small scene whose classes are known, and polygons that label it; for tests of the three jobs on heads."""

import geopandas as gpd
import numpy as np
import shapely
from affine import Affine

WEST, NORTH, CELL = 600_000, 9_000_000, 10
HEIGHT, WIDTH = 60, 90
NAMES = ("field", "lake", "wood")


def truth():
    """(H, W) class values 1..3 in upright thirds."""
    return np.repeat(np.arange(WIDTH) // 30 + 1, HEIGHT).reshape(WIDTH, HEIGHT).T


def scene(noise=1.0, seed=0):
    """(4, H, W) float32 in which each class has a band of its own, and the last is noise."""
    rng = np.random.default_rng(seed)
    classes = truth()
    bands = [np.where(classes == value, 5.0, 0.0) for value in (1, 2, 3)] + [np.zeros((HEIGHT, WIDTH))]
    return (np.stack(bands) + rng.normal(0, noise, (4, HEIGHT, WIDTH))).astype(np.float32)


def polygon(top, left, size=4):
    """Square over cells."""
    return shapely.box(WEST + CELL * left, NORTH - CELL * (top + size), WEST + CELL * (left + size), NORTH - CELL * top)


def labels(per_class=5, size=4):
    """GeoDataFrame of polygons, `kind` after the truth and `amount` a quantity that the scene tells."""
    shapes, kinds, amounts = [], [], []
    for value, name in enumerate(NAMES):
        for number in range(per_class):
            shapes.append(polygon(3 + 11 * (number % 5), 30 * value + 4 + 10 * (number // 5), size))
            kinds.append(name)
            amounts.append(10.0 * value + number * 0.01)
    return gpd.GeoDataFrame({"kind": kinds, "amount": amounts}, geometry=shapes, crs="EPSG:32722")


TRANSFORM = Affine(CELL, 0, WEST, 0, -CELL, NORTH)
