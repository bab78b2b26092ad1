"""How much of each pixel each polygon covers, where the pixels themselves are needed and not only their mean."""

from typing import NamedTuple

import numpy as np
import shapely

from ..grid import Window
from .zonal import Indexes, Numbers, Shapes, edges_of, pieces_of

LEAST = 1e-9
"""A smaller share of a pixel is rounding."""


class Coverage(NamedTuple):
    """Pairs of a polygon and a pixel that it covers, wholly or in part."""

    owner: Indexes
    """(M,) which polygon."""
    row: Indexes
    """(M,) within the block."""
    col: Indexes
    share: Numbers
    """(M,) of the pixel, above 0, up to 1."""


def coverage(shapes: Shapes, block: Window) -> Coverage:
    """Shares of the pixels of a block that lie in each polygon.

    Args:
        shapes: (N,) valid polygons in columns and rows, outer rings anticlockwise, as `zonal.in_pixels` makes them.
        block: whose pixels are asked for; some tens of bytes are held for each pixel in the box around each polygon.
    """
    left, top, right, bottom = _boxes(shapes, block)
    # One column more than the box has takes what is right of the last pixel, so that every row adds up to 0.
    width, height = right - left + 1, bottom - top
    size = np.where((right > left) & (bottom > top), width * height, 0)
    start = np.cumsum(size) - size
    inside = size > 0
    owner_of = np.flatnonzero(inside)
    x0, y0, x1, y1, owner = edges_of(shapes[owner_of], block)
    x, y, dy, edge = pieces_of(x0, y0, x1, y1, block.width)
    who = owner_of[owner[edge]]
    row = np.clip(np.floor(y).astype(np.int64), top[who], bottom[who] - 1)
    x = np.clip(x, left[who], right[who])
    col = np.minimum(np.floor(x).astype(np.int64), right[who] - 1)
    at = start[who] + (row - top[who]) * width[who] + col - left[who]
    total = int(size.sum())
    within = np.bincount(at, -dy * (1 - (x - col)), minlength=total)
    beyond = np.bincount(at + 1, -dy, minlength=total)
    share = within + np.cumsum(beyond)
    found = np.flatnonzero(share > LEAST)
    who = np.repeat(np.arange(len(shapes)), size)[found]
    place = found - start[who]
    return Coverage(who, top[who] + place // width[who], left[who] + place % width[who], np.minimum(share[found], 1))


def _boxes(shapes: Shapes, block: Window) -> tuple[Indexes, Indexes, Indexes, Indexes]:
    """(N,) first and behind-last columns and rows of the box around each polygon, cut to the block, from its corner."""
    bounds = shapely.bounds(shapes) - (block.col, block.row, block.col, block.row)
    bounds[~np.isfinite(bounds).all(axis=1)] = 0
    limits = np.array([block.width, block.height, block.width, block.height])
    bounds = np.clip(bounds, 0, limits)
    low, high = np.floor(bounds[:, :2]).astype(np.int64), np.ceil(bounds[:, 2:]).astype(np.int64)
    return low[:, 0], low[:, 1], high[:, 0], high[:, 1]
