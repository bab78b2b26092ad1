"""What a photograph shows around the middle of a window: colour and texture at three scales. numpy only, no weights.

The window is seen as an eye sees it: its middle quarter pixel by pixel, its middle half at half the resolution, all of
it at a quarter; each of these three levels is summed over its own middle and over all of it. Turned by a quarter, a
window says the same.

Source: oriented edges, bars and spots, and the largest of their orientations, after Leung & Malik 2001,
doi:10.1023/A:1011126920638 and Varma & Zisserman 2005, doi:10.1007/s11263-005-4635-4, whose filters Beijbom et al. 2012
(doi:10.1109/CVPR.2012.6247798) used on these reefs; local binary patterns: Ojala et al. 2002,
doi:10.1109/TPAMI.2002.1017623; random filters: Rolf et al. 2021, doi:10.1038/s41467-021-24638-z. Put together anew.
"""

from functools import cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .contract import Float
from .pooling import cell_sums

LEVELS = (1, 2, 4)
"""Pixels of the window to a pixel of each level, along a side."""
OPPONENTS = np.array([[1 / 3, 1 / 3, 1 / 3], [1 / 2, -1 / 2, 0], [1 / 4, 1 / 4, -1 / 2]], np.float32)
"""Brightness, red against green, yellow against blue."""
CHANNELS = ("light", "red-green", "yellow-blue")
POOLS = ("middle", "all")
PERCENTILES = (10, 50, 90)
SIDE, WIDTH_PX = 7, 1.2
"""Of edges and bars: side of a filter, and standard deviation across."""
LENGTHS = (1.0, 2.0)
"""Of edges and bars, as multiples of the width."""
ORIENTATIONS = 8
SPOTS_PX = (0.8, 1.2, 1.8)
RANDOM, RANDOM_SIDE, TURNS = 24, 5, 4
STEP = 0.01
"""By how much a neighbour is brighter, of the whole range, to count as such."""
PATTERNS = 10
"""How many of eight neighbours are brighter, where these lie together; all others."""
SMALLEST_PX = 32


def draw_filters(seed: int) -> Float:
    """Random filters of length 1: (K, 3 * 5 * 5) float32, in order (channel, row, column)."""
    drawn = np.random.default_rng(seed).standard_normal((RANDOM, 3 * RANDOM_SIDE**2))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True), dtype=np.float32)


class Fovea:
    """Describes windows; see `names` for what the numbers are."""

    def __init__(self, filters: Float) -> None:
        self._oriented = np.concatenate([_lines(), _spots()])
        turned = [np.rot90(filters.reshape(-1, 3, RANDOM_SIDE, RANDOM_SIDE), k, (2, 3)) for k in range(TURNS)]
        self._random = np.ascontiguousarray(np.stack(turned, 1).reshape(len(filters) * TURNS, -1), dtype=np.float32)

    def __call__(self, window: Float) -> Float:
        """The description of one window.

        Args:
            window: (3, S, S) float32, red, green, blue from 0 to 1; S is `SMALLEST_PX` or more.

        Returns:
            (D,) float32.
        """
        return np.concatenate([_flat(self._level(level)) for level in levels_of(window)])

    def _level(self, level: Float) -> list[list[Float]]:
        """Numbers of one level, for each pool."""
        looks = (_colours, self._textures, _patterns, self._chances)
        found = [look(level) for look in looks]
        return [[part for look in found for part in look[pool]] for pool in range(len(POOLS))]

    def _textures(self, level: Float) -> list[list[Float]]:
        """Strength of edges, bars and spots: of all orientations, of the strongest, and between orientations."""
        strength = np.abs(_responses(level[:, None], self._oriented, SIDE))
        lines = strength[:, : -len(SPOTS_PX)].reshape(3, len(LENGTHS), ORIENTATIONS, 2, *level.shape[1:])
        spots, strongest = strength[:, -len(SPOTS_PX) :], lines.max(axis=2)
        made = []
        for by, most, dots in zip(_means(lines), _means(strongest), _means(spots), strict=True):
            mean = by.mean(axis=2)
            parts = mean, most - mean, np.ptp(by, axis=2), dots
            # Strengths have long tails; their roots suit linear heads better.
            made.append([np.sqrt(np.maximum(part, 0)).ravel() for part in parts])
        return made

    def _chances(self, level: Float) -> list[list[Float]]:
        """Random filters, rising and falling, averaged over quarter turns, and how much the turns differ."""
        found = _responses(level[None], self._random, RANDOM_SIDE)[0].reshape(-1, TURNS, *level.shape[1:])
        made = []
        # Both signs from sizes and sums: numpy takes absolute values five times as fast as it compares with 0.
        for size, both in zip(_means(np.abs(found)), _means(found), strict=True):
            up, down = (size + both) / 2, (size - both) / 2
            made.append([up.mean(axis=1), down.mean(axis=1), up.std(axis=1) + down.std(axis=1)])
        return made


def levels_of(window: Float) -> list[Float]:
    """The three levels as opponent colours: (3, n, n) float32 each, n a quarter of the window."""
    side = window.shape[1]
    count, middle = side // LEVELS[-1], side // 2
    made = []
    for step in LEVELS:
        start = middle - count * step // 2
        cut = window[:, start : start + count * step, start : start + count * step]
        small = cell_sums(cut, step) / np.float32(step * step) if step > 1 else cut
        made.append(np.tensordot(OPPONENTS, small, 1).astype(np.float32, copy=False))
    return made


def names() -> tuple[str, ...]:
    """What each number is, in order."""
    kinds = [f"{kind} {length:g}" for length in LENGTHS for kind in ("edge", "bar")]
    colours = [f"{what} {channel}" for what in ("mean", "spread", *PERCENTILES) for channel in CHANNELS]
    lines = [
        f"{what} {kind} {channel}" for what in ("any", "strongest", "between")
        for channel in CHANNELS for kind in kinds
    ]  # fmt: skip
    spots = [f"spot {size:g} {channel}" for channel in CHANNELS for size in SPOTS_PX]
    patterns = [f"pattern {number}" for number in range(PATTERNS)]
    chances = [f"{what} {number}" for what in ("rise", "fall", "turn") for number in range(1, RANDOM + 1)]
    every = colours + lines + spots + patterns + chances
    return tuple(f"{pool} 1/{step} {name}" for step in LEVELS for pool in POOLS for name in every)


def _flat(pools: list[list[Float]]) -> Float:
    return np.concatenate([part for pool in pools for part in pool]).astype(np.float32, copy=False)


def _inner(image: Float, margin: int) -> Float:
    return image[..., margin : image.shape[-2] - margin, margin : image.shape[-1] - margin]


def _margins(side: int) -> tuple[int, int]:
    """What each pool leaves out on each side."""
    return side // 4, 0


def _means(images: Float) -> list[Float]:
    """Means over the pools of (..., n, n): (...) each."""
    weights = _weights(images.shape[-1])
    found = images.reshape(-1, len(weights)) @ weights
    return [found[:, pool].reshape(images.shape[:-2]) for pool in range(len(POOLS))]


@cache
def _weights(side: int) -> Float:
    """(n * n, pools) float32: the mean over a pool as a product."""
    made = np.zeros((side, side, len(POOLS)), np.float32)
    for pool, margin in enumerate(_margins(side)):
        made[margin : side - margin, margin : side - margin, pool] = 1 / (side - 2 * margin) ** 2
    return made.reshape(side * side, len(POOLS))


def _colours(level: Float) -> list[list[Float]]:
    """Mean, spread and percentiles of the channels."""
    made = []
    for margin in _margins(level.shape[1]):
        pixels = _inner(level, margin).reshape(3, -1)
        made.append([pixels.mean(axis=1), pixels.std(axis=1), *_percentiles(pixels)])
    return made


def _percentiles(rows: Float) -> Float:
    """As numpy's, in a third of the time: (percentiles, rows) float32."""
    ordered = np.sort(rows, axis=1)
    places = np.array(PERCENTILES) / 100 * (rows.shape[1] - 1)
    below = places.astype(np.intp)
    share = (places - below).astype(np.float32)
    low, high = ordered[:, below], ordered[:, np.minimum(below + 1, rows.shape[1] - 1)]
    return np.asarray((low + (high - low) * share).T)


def _patterns(level: Float) -> list[list[Float]]:
    """Roots of the shares of local binary patterns of brightness, however turned."""
    light = level[0]
    size = light.shape[0] - 2
    around = ((0, 0), (0, 1), (0, 2), (1, 2), (2, 2), (2, 1), (2, 0), (1, 0))
    brighter = np.stack([light[row : row + size, col : col + size] for row, col in around]) >= light[1:-1, 1:-1] + STEP
    changes = (brighter != np.roll(brighter, 1, axis=0)).sum(axis=0)
    pattern = np.where(changes <= 2, brighter.sum(axis=0), PATTERNS - 1)
    made = []
    for margin in _margins(level.shape[1]):
        inside = _inner(pattern, max(margin - 1, 0)).ravel()
        made.append([np.sqrt(np.bincount(inside, minlength=PATTERNS) / inside.size).astype(np.float32)])
    return made


def _responses(images: Float, filters: Float, side: int) -> Float:
    """Filters over images, mirrored at the edges.

    Args:
        images: (B, C, n, n) float32.
        filters: (K, C * side * side) float32.
        side: of a filter.

    Returns:
        (B, K, n, n) float32.
    """
    count, channels, height, width = images.shape
    padded = np.pad(images, ((0, 0), (0, 0), (side // 2,) * 2, (side // 2,) * 2), mode="reflect")
    views = sliding_window_view(padded, (side, side), axis=(2, 3)).transpose(0, 1, 4, 5, 2, 3)
    columns = views.reshape(count, channels * side * side, height * width)
    return np.asarray(np.matmul(filters, columns).reshape(count, len(filters), height, width))


def _lines() -> Float:
    """Edges and bars: (lengths * orientations * 2, 49) float32, without mean, of absolute sum 1."""
    made = []
    for length in LENGTHS:
        for turn in np.pi * np.arange(ORIENTATIONS) / ORIENTATIONS:
            down, across = _grid()
            u, v = across * np.cos(turn) + down * np.sin(turn), down * np.cos(turn) - across * np.sin(turn)
            bell = np.exp(-(u**2) / (2 * WIDTH_PX**2) - v**2 / (2 * (length * WIDTH_PX) ** 2))
            made += [-u * bell, ((u / WIDTH_PX) ** 2 - 1) * bell]
    return _balanced(made)


def _spots() -> Float:
    """Laplacians of Gaussians: (3, 49) float32, likewise."""
    down, across = _grid()
    squared = down**2 + across**2
    return _balanced([(squared / size**2 - 2) * np.exp(-squared / (2 * size**2)) for size in SPOTS_PX])


def _grid() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    down, across = np.mgrid[:SIDE, :SIDE] - SIDE // 2.0
    return down, across


def _balanced(filters: list[NDArray[np.float64]]) -> Float:
    flat = np.stack([one.ravel() for one in filters])
    flat -= flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / np.abs(flat).sum(axis=1, keepdims=True), dtype=np.float32)
