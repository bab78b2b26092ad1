"""How the stored numbers of published embeddings become values. Arrays in, arrays out."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

ALPHAEARTH_STEPS = 127.5
LOWEST_LENGTH = 1e-6
"""Below it a mean has no direction: the vectors of the cell cancel."""


def square(codes: Float) -> Float:
    """AlphaEarth: v = sign(q) * (|q| / 127.5)^2, in -1..1.

    Args:
        codes: any shape, whole numbers -127..127; nodata (-128) is taken out before.

    Source: readme of the bucket alphaearth_foundations (Google), section on the de-quantization mapping.
    """
    share = codes / np.float32(ALPHAEARTH_STEPS)
    values: Float = share * np.abs(share)
    return values


def scaled(codes: Float, scales: Float) -> Float:
    """TESSERA: v = q * scale of the pixel.

    Args:
        codes: (D, h, w) whole numbers -128..127.
        scales: (h, w), or (D, h, w) where each band has its own.

    Source: geotessera (University of Cambridge), `dequantize_embedding`.
    """
    values: Float = codes * scales
    return values


def linear(numbers: Float, scale: float, offset: float) -> Float:
    """Any other product: v = number * scale + offset."""
    values: Float = numbers * np.float32(scale) + np.float32(offset)
    return values


FORMULAS: Mapping[str, Callable[..., Float]] = {"square": square, "scaled": scaled, "linear": linear}


def cell_means(values: Float, valid: Bool, factor: int, unit_length: bool) -> tuple[Float, NDArray[np.int64]]:
    """Mean of the valid pixels of each cell, and how many there are.

    Values are averaged, never codes: the mean of codes is not the code of the mean where the formula is not linear.

    Args:
        values: (D, h * factor, w * factor) float32, 0 where not valid.
        valid: (h * factor, w * factor).
        factor: pixels to a side of a cell.
        unit_length: means are brought to length 1; where the vectors of a cell cancel the count becomes 0.

    Returns:
        means: (D, h, w) float32, 0 where no pixel counts.
        counts: (h, w) of valid pixels.
    """
    if factor == 1 and not unit_length:
        return values, valid.astype(np.int64)
    depth, height, width = values.shape
    rows, cols = height // factor, width // factor
    counts = valid.reshape(rows, factor, cols, factor).sum(axis=(1, 3), dtype=np.int64)
    sums = values.reshape(depth, rows, factor, cols, factor).sum(axis=(2, 4), dtype=np.float64)
    means = sums / np.maximum(counts, 1)
    if unit_length:
        lengths = np.sqrt((means**2).sum(axis=0))
        counts = np.where(lengths > LOWEST_LENGTH, counts, 0)
        means = np.where(counts, means / np.maximum(lengths, LOWEST_LENGTH), 0.0)
    return means.astype(np.float32), counts
