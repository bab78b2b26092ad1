"""Windows of pixels brought to another size, bilinear, with what is not valid left out."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


@cache
def weights(size: int, wanted: int) -> Float:
    """(wanted, size) float32: how much each pixel of a row counts for each pixel of the resized row; rows sum to 1.

    Centres of pixels are aligned by their share of the row, borders are repeated; where the row shrinks the triangle
    grows with it, so that no pixel is skipped. The same as bilinear interpolation in PyTorch without aligned corners,
    antialiased where it shrinks.

    Args:
        size: pixels there are.
        wanted: pixels there shall be.
    """
    scale = size / wanted
    reach = max(scale, 1.0)
    centre = (np.arange(wanted) + 0.5) * scale
    if scale <= 1.0:
        left = np.floor(centre - 0.5)
        share = centre - 0.5 - left
        made = np.zeros((wanted, size))
        rows = np.arange(wanted)
        np.add.at(made, (rows, np.clip(left, 0, size - 1).astype(int)), 1 - share)
        np.add.at(made, (rows, np.clip(left + 1, 0, size - 1).astype(int)), share)
        return made.astype(np.float32)
    distance = np.abs((np.arange(size) + 0.5)[None, :] - centre[:, None]) / reach
    made = np.clip(1 - distance, 0, None)
    made /= made.sum(axis=1, keepdims=True)
    return np.asarray(made, np.float32)


def resized(values: Float, valid: Bool, height: int, width: int) -> tuple[Float, Bool]:
    """Windows in another size.

    Args:
        values: (B, C, h, w) float32, 0 where not valid.
        valid: (B, h, w) bool.
        height: wanted.
        width: wanted.

    Returns:
        (B, C, height, width) float32, each pixel the mean of the valid ones that it is made of, and (B, height, width)
        bool: half of it or more comes from valid pixels.
    """
    down, across = weights(valid.shape[1], height), weights(valid.shape[2], width)
    made = np.matmul(np.matmul(down, values), across.T)
    if valid.all():
        return made, np.ones((len(valid), height, width), np.bool_)
    share = np.matmul(np.matmul(down, valid.astype(np.float32)), across.T)
    known = share >= 0.5 - 1e-6
    filled = np.divide(made, share[:, None], out=np.zeros_like(made), where=known[:, None])
    return filled, known
