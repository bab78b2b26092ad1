"""What surrounds a pixel of an 8-bit colour image, told at 8 to 32 pixels: features for `bench_favela_halves.py`.

No coordinates, no distance to the frame. Everything is computed from the image of one town alone, without labels; ranks
are ranks among all pixels of that town, so a half that is tested on gives its image, and only that.
"""

import numpy as np
from scipy import ndimage
from scipy.stats import rankdata

RADII_PX = (8, 16, 32)
BRIGHT_RADII_PX = (1, 2, 4, 7)
"""Of the discs of openings and closings."""
FARTHEST_PX = 40


def box(values, radius):
    """Mean in a square of 2 radius + 1 pixels: (H, W)."""
    return ndimage.uniform_filter(values, 2 * radius + 1, mode="reflect")


def spread(values, radius):
    """Standard deviation in the same square: (H, W)."""
    return np.sqrt(np.maximum(box(values * values, radius) - box(values, radius) ** 2, 0))


def rank(values):
    """Rank of each pixel in its image, 0 to 1: the same shape, float32."""
    return ((rankdata(values.ravel()) - 0.5) / values.size).reshape(values.shape).astype(np.float32)


def without_frame(bands):
    """(3, H, W) float32 with the black pixels of the outermost three rows and columns taken from their neighbours."""
    black = bands.max(axis=0) == 0
    black[3:-3, 3:-3] = False
    nearest = ndimage.distance_transform_edt(black, return_distances=False, return_indices=True)
    return bands[:, nearest[0], nearest[1]].astype(np.float32)


def maps_of(bands):
    """Maps of single pixels that are averaged in windows: name -> (H, W)."""
    red, green, blue = bands
    light = bands.mean(axis=0)
    share = (light + 8) / 50
    saturation = (bands.max(axis=0) - bands.min(axis=0)) / share
    slope = np.hypot(ndimage.sobel(light, 1), ndimage.sobel(light, 0)) / 8
    rough = np.log1p(spread(light, 1))
    of_light, of_saturation = rank(light), rank(saturation)
    found = {
        "red": red, "green": green, "blue": blue, "light": light,
        "greenness": (green - red) / share, "blueness": (blue - red) / share,
        "excess green": (2 * green - red - blue) / share, "saturation": saturation,
        "slope": slope, "fine": np.abs(light - box(light, 1)), "coarse": np.abs(box(light, 1) - box(light, 3)),
        "rough": rough,
        "darkest tenth": of_light < 0.1, "darkest quarter": of_light < 0.25,
        "brightest twentieth": of_light > 0.95, "brightest fifth": of_light > 0.8,
        "grey and not dark": (of_saturation < 0.5) & (of_light > 0.3),
        "built": (rank(box(rough, 2)) > 0.4) & (of_light > 0.25) & (of_saturation < 0.7),
    }  # fmt: skip
    return {name: values * 100.0 if values.dtype == bool else values for name, values in found.items()}


def context(bands):
    """The features of a town: (F, H, W) float32, in their own units.

    Args:
        bands: (3, H, W) red, green, blue, 0 to 255.
    """
    bands = without_frame(bands)
    maps = maps_of(bands)
    light, built = maps["light"], maps["built"]
    found = [box(values, radius) for values in maps.values() for radius in RADII_PX]
    coloured = ("red", "green", "blue", "light", "greenness", "blueness", "saturation")
    found += [np.log1p(spread(maps[name], radius)) for name in coloured for radius in RADII_PX[:2]]
    contrasted = ("light", "greenness", "blueness", "saturation", "rough", "built")
    found += [box(maps[name], near) - box(maps[name], far) for name in contrasted for near, far in ((4, 16), (8, 32))]
    found += [*_profile(light), *_directions(light), *_lags(light), *_ranks_among_neighbours(light)]
    found += _distances(maps, light, built)
    return np.stack(found).astype(np.float32)


def _profile(light):
    """What openings and closings with growing discs take away, averaged over 13 pixels."""
    found, opened, closed = [], light, light
    for radius in BRIGHT_RADII_PX:
        rows, cols = np.ogrid[-radius : radius + 1, -radius : radius + 1]
        disc = rows**2 + cols**2 <= radius**2 + 0.5
        wider_opened = ndimage.grey_opening(light, footprint=disc)
        wider_closed = ndimage.grey_closing(light, footprint=disc)
        found += [box(opened - wider_opened, 6), box(wider_closed - closed, 6)]
        opened, closed = wider_opened, wider_closed
    return found


def _directions(light, radius=15, bins=8):
    """How much edges agree in direction (coherence of the structure tensor), and the entropy of their directions."""
    across, down = ndimage.sobel(light, 1) / 8, ndimage.sobel(light, 0) / 8
    xx, yy, xy = (box(product, radius) for product in (across**2, down**2, across * down))
    coherence = np.sqrt((xx - yy) ** 2 + 4 * xy**2) / (xx + yy + 1)
    bin_of = (np.arctan2(down, across) % np.pi // (np.pi / bins)).astype(int) % bins
    strength = np.hypot(across, down)
    shares = np.stack([box(strength * (bin_of == number), radius) for number in range(bins)]) + 1e-3
    shares /= shares.sum(axis=0)
    return [coherence, -(shares * np.log(shares)).sum(axis=0)]


def _lags(light, radius=8):
    """Autocorrelation one, two and three pixels away."""
    apart = light - box(light, radius)
    variance = box(apart**2, radius) + 4
    shifted = [[box(apart * np.roll(apart, lag, axis), radius) for axis in (0, 1)] for lag in (1, 2, 3)]
    return [sum(pair) / (2 * variance) for pair in shifted]


def _ranks_among_neighbours(light, radius=8):
    """Shares of pixels that 0, 1-2, 3-5, 6-7 and 8 of their neighbours outshine: a binary pattern in any rotation."""
    steps = [(down, across) for down in (-1, 0, 1) for across in (-1, 0, 1) if down or across]
    brighter = sum((np.roll(light, step, (0, 1)) > light + 2).astype(np.float32) for step in steps)
    bounds = ((0, 0), (1, 2), (3, 5), (6, 7), (8, 8))
    return [box(((brighter >= low) & (brighter <= high)).astype(np.float32), radius) for low, high in bounds]


def _distances(maps, light, built):
    """Pixels to the nearest dark, bright, green, open and densely built place, at most 40; inwards for the last two."""
    green = (box(rank(maps["greenness"]), 1) > 0.85) & (box(rank(light), 1) < 0.4)
    opened, core = box(built, 4) < 30, box(built, 8) > 75
    dark, bright = box(maps["darkest tenth"], 1) > 60, box(maps["brightest twentieth"], 1) > 50
    places = [dark, bright, green, opened, core]
    return [_distance(place) for place in places] + [_distance(~opened), _distance(~core)]


def _distance(place):
    """Pixels to the nearest pixel of a place, at most `FARTHEST_PX`: (H, W)."""
    if not place.any():
        return np.full(place.shape, float(FARTHEST_PX))
    return np.minimum(ndimage.distance_transform_edt(~place), FARTHEST_PX)


def ranked(features):
    """Each feature by its rank in the town, with mean 0 and spread 1: (F, H, W) float32."""
    return np.stack([(rank(feature) - 0.5) * np.float32(np.sqrt(12)) for feature in features])
