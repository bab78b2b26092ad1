"""Sums over cells and over windows of cells, and filling of gaps; numpy only.

Every output element is summed in an order that does not depend on where the array was cut out of the raster,
so results are the same in whatever tiles it is read.
"""

import numpy as np

from .contract import Bool, Float


def cell_sums(values: Float, patch_size_px: int) -> Float:
    """Sums over squares of pixels.

    Args:
        values: (..., H, W) float32; H and W are multiples of the patch.
        patch_size_px: side of a cell in pixels.

    Returns:
        (..., H / patch, W / patch) float32.
    """
    step = patch_size_px
    total = values[..., ::step, ::step].copy()
    for offset in range(1, step * step):
        total += values[..., offset // step :: step, offset % step :: step]
    return total


def window_sums(values: Float, radius: int) -> Float:
    """Sums over squares of 2 radius + 1 cells a side, only where the whole square lies inside.

    Args:
        values: (..., h, w) float32.
        radius: cells on each side of the middle one.

    Returns:
        (..., h - 2 radius, w - 2 radius) float32.
    """
    return _slide(_slide(values, 2 * radius + 1, -2), 2 * radius + 1, -1)


def _slide(values: Float, width: int, axis: int) -> Float:
    """Running sum along one axis: sums of 1, 2, 4 ... elements, joined to the width (a running total would drift)."""
    length = values.shape[axis] - width + 1

    def piece(array: Float, start: int, count: int) -> Float:
        where = [slice(None)] * array.ndim
        where[axis] = slice(start, start + count)
        return array[tuple(where)]

    total: Float | None = None
    position, size, power = 0, 1, values
    while size <= width:
        if width & size:
            part = piece(power, position, length)
            total = part.copy() if total is None else np.add(total, part, out=total)
            position += size
        if 2 * size <= width:
            count = power.shape[axis] - size
            power = piece(power, 0, count) + piece(power, size, count)
        size *= 2
    return values if total is None else total


def fill_gaps(values: Float, valid: Bool) -> Float:
    """Gives invalid pixels the mean of their valid neighbours (3 x 3), or 0 where there are none.

    Convolutions need some number there; one that looks like the surroundings draws no false edge.

    Args:
        values: (C, H, W) float32, centred on 0; what stands at invalid pixels is not looked at.
        valid: (H, W) bool.

    Returns:
        (C, H, W) float32; the same array when nothing is missing.
    """
    if valid.all():
        return values
    weight = valid.astype(np.float32)
    known = np.where(valid, values, np.float32(0))
    sums = window_sums(np.pad(known, ((0, 0), (1, 1), (1, 1))), 1)
    counts = window_sums(np.pad(weight, 1), 1)
    return np.where(valid, values, sums / np.maximum(counts, 1)).astype(np.float32)


def pad_to_cells(values: Float, valid: Bool, patch_size_px: int, halo_px: int) -> tuple[Float, Bool]:
    """Surrounds a window with invalid pixels: the halo on each side, and what the last cells lack.

    Args:
        values: (C, H, W) float32.
        valid: (H, W) bool.
        patch_size_px: side of a cell in pixels.
        halo_px: context in pixels.

    Returns:
        (C, H', W') float32 and (H', W') bool with H' - 2 halo a multiple of the patch.
    """
    low = -valid.shape[0] % patch_size_px + halo_px
    right = -valid.shape[1] % patch_size_px + halo_px
    widths = ((halo_px, low), (halo_px, right))
    return np.pad(values, ((0, 0), *widths)), np.pad(valid, widths)
