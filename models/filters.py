"""Random convolutional features: patches drawn from a raster, whitened, and used as filters.

Source: Rolf et al. 2021, doi:10.1038/s41467-021-24638-z, whose constants are kept; written anew.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .contract import Bool, Float
from .crew import Crew, pieces_of
from .pooling import fill_gaps, window_sums
from .scaling import Sample, Standardise

SIDE = 3
"""Side of a filter in pixels."""
MARGIN_PX = SIDE // 2 + 1
"""Context that a cell needs on each side: half a filter, and one more to fill gaps."""
PATCHES_DRAWN = 100_000
NORM_FLOOR = 1e-8
WHITENING_FLOOR = 1e-3
FILTERS_AT_ONCE = 512
BLOCK = 131_072
"""Responses computed at once, so that they stay in a core's own cache (0.5 MB)."""
MOST_COLUMNS = 2048


def draw_patches(sample: Sample, standardise: Standardise, least: int, most: int, rng: np.random.Generator) -> Float:
    """Patches around pixels drawn evenly over the sample, with replacement only if it holds fewer than `least`.

    Patches without gaps are preferred; where there is none (a raster of two pixels), gaps are filled.

    Args:
        sample: windows of the layer.
        standardise: what to do to the bands first.
        least: patches needed.
        most: patches wanted.
        rng: decides which.

    Returns:
        (n, C * 3 * 3) float32, in order (band, row, column); n is 0 when the sample has no valid pixel.
    """
    whole = sum(int(_centres(valid).sum()) for _, valid in sample())
    total = whole or sum(int(valid.sum()) for _, valid in sample())
    if not total:
        return np.zeros((0, len(standardise.centre) * SIDE * SIDE), np.float32)
    chosen = np.sort(rng.choice(total, max(least, min(most, total)), replace=least > total))
    drawn, seen = [], 0
    for values, valid in sample():
        places = np.argwhere(_centres(valid) if whole else valid)
        here = chosen[(chosen >= seen) & (chosen < seen + len(places))] - seen
        seen += len(places)
        if here.size:
            filled = np.pad(fill_gaps(standardise(values, valid), valid), ((0, 0), (1, 1), (1, 1)))
            rows, cols = places[here].T
            shifts = [filled[:, rows + dy, cols + dx] for dy in range(SIDE) for dx in range(SIDE)]
            drawn.append(np.stack(shifts, axis=-1).transpose(1, 0, 2).reshape(len(rows), -1))
    return np.concatenate(drawn)


def _centres(valid: Bool) -> Bool:
    """Pixels whose 3 x 3 surroundings are all valid."""
    known = window_sums(np.pad(valid.astype(np.float32), 1), SIDE // 2)
    return np.equal(known, SIDE * SIDE)


def whitened(patches: Float) -> Float:
    """Patches freed of mean, length and correlation, as the paper does it: ZCA, applied twice.

    Args:
        patches: (n, P) float32.

    Returns:
        (n, P) float32.
    """
    if not len(patches):
        return patches
    flat = patches.astype(np.float64)
    flat -= flat.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    flat /= np.where(norms < NORM_FLOOR, 1.0, norms)
    values, vectors = np.linalg.eigh(flat.T @ flat / len(flat))
    twice = (vectors / (np.maximum(values, 0) + WHITENING_FLOOR)) @ vectors.T
    whitened_twice: Float = (flat @ twice).astype(np.float32)
    return whitened_twice


def draw_filters(sample: Sample, standardise: Standardise, count: int, seed: int) -> Float:
    """Filters of the raster's own patches: (count, C * 3 * 3) float32.

    With no valid pixel to draw from they are Gaussian noise, so that a layer without data still embeds.
    """
    rng = np.random.default_rng(seed)
    # Fewer patches of many bands, so that they stay under 256 MB in double precision.
    most = min(PATCHES_DRAWN, 32_000_000 // (len(standardise.centre) * SIDE * SIDE))
    patches = whitened(draw_patches(sample, standardise, count, max(most, count), rng))
    if not len(patches):
        return rng.standard_normal((count, patches.shape[1])).astype(np.float32)
    return patches[rng.choice(len(patches), count, replace=False)]


Use = Callable[[slice, slice, Float, Float], None]
"""(rows of cells, which filters, sums of |W x| as (k, rows, w), sums of x as (C * 9, rows, w)) -> nothing; called from
several threads."""


@dataclass(frozen=True)
class Bank:
    """Filters over the pixels of cells.

    What it gives are sums of |W x| and of the patches x themselves, from which both published maps follow, since
    relu(y) = (|y| + y) / 2 and W is linear: rising (|W x| + W x) / 2, falling (|W x| - W x) / 2. So of each response
    only one sum is kept, and numpy takes absolute values five times as fast as it compares with 0.

    Of the peak of the linear algebra library (76 GFLOP/s of one AVX2 core, squares of 1024) 512 and 4096 filters reach
    38 to 48 at 4 bands and 48 to 62 at 12, in cells of 4 to 15 px; both maps rectified by themselves, and pixels
    gathered one by one, gave 18 to 24 and 29 to 38 (the core's own seconds; other work ran beside).
    """

    weights: Float
    """(K, C * 3 * 3) float32."""

    def groups(self) -> list[slice]:
        """Filters that are looked at together; what is given of each does not depend on the others."""
        return pieces_of(len(self.weights), FILTERS_AT_ONCE)

    def sums(self, values: Float, valid: Bool, patch_size_px: int, crew: Crew, use: Use) -> None:
        """Sums over the valid pixels of each cell, block by block so that memory stays bounded.

        Args:
            values: (C, H + 4, W + 4) float32, standardised, 0 at invalid pixels; context of `MARGIN_PX` on each side.
            valid: (H + 4, W + 4) bool.
            patch_size_px: side of a cell in pixels; divides H and W.
            crew: threads.
            use: gets each block of rows for each of the `groups`.
        """
        filled = fill_gaps(values, valid)[:, 1:-1, 1:-1]
        known = valid[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
        height, width = (side // patch_size_px for side in known.shape)
        near = _near(filled, patch_size_px)
        weight = None if known.all() else _near(np.pad(known.astype(np.float32), 1)[None], patch_size_px)
        groups = self.groups()
        columns = BLOCK // min(FILTERS_AT_ONCE, len(self.weights))
        rows = pieces_of(height, max(1, min(columns, MOST_COLUMNS) // max(width, 1)))
        # A few cells of many filters keep as many threads busy as many cells of a few.
        blocks = [(block, group) for block in rows for group in groups]

        def work(block: tuple[slice, slice]) -> None:
            use(*block, *self._block(near, weight, *block))

        crew.each(work, blocks)

    def _block(self, near: Float, weight: Float | None, rows: slice, group: slice) -> tuple[Float, Float]:
        """Sums of one block of rows of cells."""
        near = np.ascontiguousarray(near[:, :, :, rows])
        filters, step, shape = self.weights[group], len(near) - SIDE + 1, near.shape[3:]
        columns = np.empty((near.shape[2], SIDE, SIDE, *shape), np.float32)
        flat = columns.reshape(-1, shape[0] * shape[1])
        total = np.empty((len(filters), flat.shape[1]), np.float32)
        response, patches = np.empty_like(total), np.empty_like(flat)
        for row, col in np.ndindex(step, step):
            np.copyto(columns.transpose(1, 2, 0, 3, 4), near[row : row + SIDE, col : col + SIDE])
            if weight is not None:
                # A patch of zeros has the response 0.
                columns *= weight[row + 1, col + 1, 0, rows]
            if (row, col) == (0, 0):
                np.abs(np.matmul(filters, flat, out=total), out=total)
                patches[:] = flat
                continue
            total += np.abs(np.matmul(filters, flat, out=response), out=response)
            patches += flat
        return total.reshape(-1, *shape), patches.reshape(-1, *shape)


def _near(values: Float, step: int) -> Float:
    """Pixels by their place in their cell, so that what is read of many cells can be laid side by side.

    Args:
        values: (C, H + 2, W + 2) float32.
        step: side of a cell in pixels.

    Returns:
        (step + 2, step + 2, C, H / step, W / step) float32, a view.
    """
    windows = sliding_window_view(values, (step + SIDE - 1,) * 2, axis=(1, 2))
    return windows[:, ::step, ::step].transpose(3, 4, 0, 1, 2)
