"""Random convolutional features: patches drawn from a raster, whitened, and used as filters.

Source: Rolf et al. 2021, doi:10.1038/s41467-021-24638-z, whose constants are kept; written anew.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided

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


Use = Callable[[slice, Float, Float], None]
"""(rows of cells, sums of relu(W x + bias) as (K, rows, w), the other sums) -> nothing; called from several threads."""


@dataclass(frozen=True)
class Bank:
    """Filters and what is done with their responses."""

    weights: Float
    """(K, C * 3 * 3) float32."""
    bias: float = 0.0
    """Added to the response before the first map, relu(W x + bias)."""
    falling_bias: float | None = 0.0
    """Added to the negative response before the second map, relu(-W x + falling bias). None: no second map; the
    sums of the patches are given in its place, from which the falling map of bias 0 follows by linearity."""

    def sums(self, values: Float, valid: Bool, patch_size_px: int, crew: Crew, use: Use) -> None:
        """Sums of both maps over the valid pixels of each cell, block by block so that memory stays bounded.

        Args:
            values: (C, H + 4, W + 4) float32, standardised, 0 at invalid pixels; context of `MARGIN_PX` on each side.
            valid: (H + 4, W + 4) bool.
            patch_size_px: side of a cell in pixels; divides H and W.
            crew: threads.
            use: gets each block: its rows, (K, rows, w) first map, and (K, rows, w) second map or (C * 9, rows, w)
                patches. The arrays are reused after the call.
        """
        filled = np.ascontiguousarray(fill_gaps(values, valid)[:, 1:-1, 1:-1])
        known = valid[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
        height, width = (side // patch_size_px for side in known.shape)
        rows = max(1, _block_columns(len(self.weights)) // max(width, 1))
        weight = None if known.all() else known.astype(np.float32)

        def work(block: slice) -> None:
            use(block, *self._block(filled, weight, block, width, patch_size_px))

        crew.each(work, pieces_of(height, rows))

    def _block(
        self, filled: Float, weight: Float | None, block: slice, width: int, patch_size_px: int
    ) -> tuple[Float, Float]:
        """Sums of one block of rows of cells."""
        step, rows = patch_size_px, block.stop - block.start
        columns = np.empty((filled.shape[0], SIDE, SIDE, rows, width), np.float32)
        flat = columns.reshape(-1, rows * width)
        response = np.empty((len(self.weights), rows * width), np.float32)
        first = np.zeros_like(response)
        second = np.zeros_like(flat if self.falling_bias is None else response)
        spare = np.empty_like(second)
        for place in range(step * step):
            offset = place // step, place % step
            np.copyto(columns, columns_at(filled, offset, block, width, step))
            if weight is not None:
                inside = weight[block.start * step + offset[0] : block.stop * step : step, offset[1] :: step]
                # A patch of zeros has the response 0; biases are weighted below.
                columns *= inside
            np.matmul(self.weights, flat, out=response)
            shown = None if weight is None else inside.reshape(-1)
            if self.falling_bias is None:
                second += flat
            else:
                second += _rectified(response, -1, self.falling_bias, shown, spare)
            first += _rectified(response, 1, self.bias, shown, response)
        return first.reshape(-1, rows, width), second.reshape(-1, rows, width)


def _rectified(response: Float, sign: int, bias: float, shown: Float | None, out: Float) -> Float:
    """relu(sign * response + bias), 0 where a pixel is not shown."""
    if sign < 0:
        response = np.negative(response, out=out)
    if bias:
        response = np.add(response, np.float32(bias), out=out)
    result = np.maximum(response, np.float32(0), out=out)
    if bias > 0 and shown is not None:
        result *= shown
    return result


def _block_columns(count: int) -> int:
    """Pixels in a block, so that a map of all responses stays in a core's own cache (about 0.5 MB)."""
    return int(np.clip(131_072 // max(count, 1), 64, 2048))


def features_of(values: Float, weights: Float, bias: float, falling_bias: float) -> Float:
    """Mean of both maps over a whole window without gaps or context: valid convolution, then average pooling.

    The form of the paper has biases -b and -b; torchgeo's RCF (MIT) has bias and -bias.

    Args:
        values: (C, H, W) float32.
        weights: (K, C * 3 * 3) float32.
        bias: added before the first map.
        falling_bias: added to the negative response before the second map.

    Returns:
        (2 K,) float32.
    """
    inner = tuple(side - SIDE + 1 for side in values.shape[1:])
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1)))
    result = np.zeros((2, len(weights)), np.float64)

    def use(rows: slice, first: Float, second: Float) -> None:
        result[0] += first.sum(axis=(1, 2), dtype=np.float64)
        result[1] += second.sum(axis=(1, 2), dtype=np.float64)

    Bank(weights, bias, falling_bias).sums(padded, np.ones(padded.shape[1:], np.bool_), 1, Crew(1), use)
    means: Float = (result.reshape(-1) / (inner[0] * inner[1])).astype(np.float32)
    return means


def columns_at(values: Float, offset: tuple[int, int], rows: slice, width: int, patch_size_px: int) -> Float:
    """View of the 3 x 3 surroundings of one pixel of each cell.

    Args:
        values: (C, H + 2, W + 2) float32, contiguous.
        offset: row and column of the pixel inside its cell.
        rows: rows of cells.
        width: cells in a row.
        patch_size_px: side of a cell in pixels.

    Returns:
        (C, 3, 3, rows, width) float32, a view not to be written to.
    """
    band, row, col = values.strides
    start = values[:, rows.start * patch_size_px + offset[0] :, offset[1] :]
    shape = (values.shape[0], SIDE, SIDE, rows.stop - rows.start, width)
    return as_strided(start, shape, (band, row, col, row * patch_size_px, col * patch_size_px), writeable=False)
