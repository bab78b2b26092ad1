"""Squares around points of a photo, with the photo mirrored or white beyond its edges. numpy only.

Source: crops as CoralNet's program makes them, https://github.com/coralnet/pyspacer (MIT): rows [r - side // 2,
r - side // 2 + side), 224 px, mirrored without repeating the edge; white as Blondin et al. 2024, arXiv:2412.08228.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .request import WHITE

Bytes = NDArray[np.uint8]
Bool = NDArray[np.bool_]
Int = NDArray[np.int64]
WHITE_VALUE = 255


@dataclass(frozen=True)
class Picture:
    """Pixels of a photo.

    Attributes:
        values: (3, H, W) uint8 red, green, blue.
        valid: (H, W) bool; None where every pixel says something.
        top: row of the photo at which `values` begin; below 0 where an orthomosaic goes on beyond the photo.
        left: column likewise.
    """

    values: Bytes
    valid: Bool | None = None
    top: int = 0
    left: int = 0


def cut(picture: Picture, rows: Int, cols: Int, side_px: int, padding: str) -> tuple[Bytes, Bool | None]:
    """Squares around points.

    Args:
        picture: the photo.
        rows: (N,) of the points, 0-based from the upper left of the photo.
        cols: (N,) likewise.
        side_px: of the squares; a point lies at row and column `side_px // 2` of its square.
        padding: `mirror` or `white`.

    Returns:
        (N, 3, side, side) uint8 and (N, side, side) bool, None where all pixels are valid. White counts as valid.
    """
    _, height, width = picture.values.shape
    made = np.empty((len(rows), 3, side_px, side_px), np.uint8)
    known = None if picture.valid is None else np.empty((len(rows), side_px, side_px), np.bool_)
    for number, (row, col) in enumerate(zip(rows - picture.top, cols - picture.left, strict=True)):
        top, left = int(row) - side_px // 2, int(col) - side_px // 2
        if top >= 0 and left >= 0 and top + side_px <= height and left + side_px <= width:
            made[number] = picture.values[:, top : top + side_px, left : left + side_px]
            if known is not None and picture.valid is not None:
                known[number] = picture.valid[top : top + side_px, left : left + side_px]
            continue
        down, across = np.arange(top, top + side_px), np.arange(left, left + side_px)
        at = np.ix_(mirrored(down, height), mirrored(across, width))
        made[number] = picture.values[:, at[0], at[1]]
        outside = ~np.logical_and.outer(_inside(down, height), _inside(across, width)) if padding == WHITE else None
        if outside is not None:
            made[number][:, outside] = WHITE_VALUE
        if known is not None and picture.valid is not None:
            known[number] = picture.valid[at] if outside is None else picture.valid[at] | outside
    return made, known


def mirrored(places: Int, length: int) -> Int:
    """Places along an axis, those beyond its ends mirrored, again and again where the axis is short."""
    if length == 1:
        return np.zeros_like(places)
    period = 2 * (length - 1)
    folded = places % period
    return np.where(folded < length, folded, period - folded)


def _inside(places: Int, length: int) -> Bool:
    return (places >= 0) & (places < length)
