"""The long description of a cell that the spectral-textural backbone condenses: groups of local features.

Groups: the bands; their mean and spread in windows around the cell; random convolutional features averaged over
windows. `Description.project` computes components of it without ever holding the long vectors: pooling and
projection commute, so responses are projected first and pooled after.
"""

from dataclasses import dataclass

import numpy as np

from .contract import Bool, Float
from .crew import Crew, pieces_of
from .filters import MARGIN_PX, SIDE, Bank
from .pooling import cell_sums, window_sums

COLUMNS = 4096
"""Cells in one matrix product, so that its operands stay in a core's own cache."""


@dataclass(frozen=True)
class Description:
    """What is looked at around a cell. C bands, K filters; radii in cells, 0 is the cell alone."""

    in_chans: int
    patch_size_px: int
    weights: Float
    """(K, C * 3 * 3) float32 filters."""
    mean_radii: tuple[int, ...]
    spread_radii: tuple[int, ...]
    texture_radii: tuple[int, ...]

    @property
    def reach(self) -> int:
        """Cells of context on each side."""
        return max((0, *self.mean_radii, *self.spread_radii, *self.texture_radii))

    @property
    def halo_px(self) -> int:
        """Pixels of context on each side."""
        return self.reach * self.patch_size_px + MARGIN_PX

    def groups(self) -> list[slice]:
        """Where each group of features lies in the long vector: means, spreads, textures, radius by radius."""
        sizes = self._sizes()
        return [slice(int(end) - size, int(end)) for end, size in zip(np.cumsum(sizes), sizes, strict=True)]

    def _sizes(self) -> list[int]:
        plain = len(self.mean_radii) + len(self.spread_radii)
        return [self.in_chans] * plain + [2 * len(self.weights)] * len(self.texture_radii)

    @property
    def length(self) -> int:
        """Features in the long vector."""
        return sum(self._sizes())

    def long(self, values: Float, valid: Bool, crew: Crew) -> Float:
        """The long vectors, for fitting components.

        Args:
            values: (C, H + 2 halo, W + 2 halo) float32, standardised, 0 at invalid pixels.
            valid: (H + 2 halo, W + 2 halo) bool.
            crew: threads.

        Returns:
            (F, h, w) float32.
        """
        result = np.empty((self.length, *self._cells(valid)), np.float32)
        counts = self.cell_counts(valid)
        plain = self._plain(values, counts, crew)
        result[: len(plain)] = plain
        count, shape = len(self.weights), counts.shape
        rising, falling = np.empty((2, count, *shape), np.float32)

        def use(rows: slice, group: slice, sizes: Float, patches: Float) -> None:
            sums = np.tensordot(self.weights[group], patches, 1)
            rising[group, rows], falling[group, rows] = (sizes + sums) / 2, (sizes - sums) / 2

        Bank(self.weights).sums(values, valid, self.patch_size_px, crew, use)
        start = len(plain)
        for radius in self.texture_radii:
            share = np.maximum(self._windows(counts, radius), 1)
            for part in (rising, falling):
                np.divide(self._windows(part, radius), share, out=result[start : start + count])
                start += count
        return result

    def project(self, values: Float, valid: Bool, axes: Float, mean: Float, crew: Crew) -> Float:
        """Components at each cell: axes @ (long vector - mean).

        Args:
            values: (C, H + 2 halo, W + 2 halo) float32, standardised, 0 at invalid pixels.
            valid: (H + 2 halo, W + 2 halo) bool.
            axes: (D, F) float32.
            mean: (F,) float32.
            crew: threads.

        Returns:
            (D, h, w) float32.
        """
        counts = self.cell_counts(valid)
        plain = self._plain(values, counts, crew)
        count, shape = len(axes), plain.shape[1:]
        flat = plain.reshape(len(plain), -1)
        result = np.empty((count, flat.shape[1]), np.float32)
        constant = -(axes.astype(np.float64) @ mean.astype(np.float64)).astype(np.float32)[:, None]
        front = np.ascontiguousarray(axes[:, : len(plain)])

        def condense(piece: slice) -> None:
            result[:, piece] = front @ flat[:, piece] + constant

        crew.each(condense, pieces_of(flat.shape[1], COLUMNS))
        pooled = self._projected_textures(values, valid, axes[:, len(plain) :], crew)
        shares = [1 / np.maximum(self._windows(counts, radius), 1) for radius in self.texture_radii]
        image = result.reshape(count, *shape)

        def pool(piece: slice) -> None:
            for part, radius, share in zip(pooled, self.texture_radii, shares, strict=True):
                image[piece] += self._windows(part[piece], radius) * share

        crew.each(pool, pieces_of(count, max(1, min(8, -(-count // crew.count)))))
        return image

    def _projected_textures(self, values: Float, valid: Bool, axes: Float, crew: Crew) -> list[Float]:
        """Components of the responses' sums over cells, one (D, h, w) for each radius, context included."""
        count, filters, scales = len(axes), len(self.weights), len(self.texture_radii)
        rising, falling = axes.reshape(count, scales, 2, filters).transpose(2, 1, 0, 3).reshape(2, -1, filters)
        bank = Bank(self.weights)
        # Both maps are halves of |W x| and W x, see there.
        of_sizes = [np.ascontiguousarray((rising + falling)[:, group] / 2) for group in bank.groups()]
        of_patches = [(rising - falling)[:, group] @ self.weights[group] / 2 for group in bank.groups()]
        known = valid[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
        height, width = (side // self.patch_size_px for side in known.shape)
        pooled = np.empty((len(of_sizes), scales, count, height, width), np.float32)

        def use(rows: slice, group: slice, sizes: Float, patches: Float) -> None:
            at = bank.groups().index(group)
            both = of_sizes[at] @ sizes.reshape(len(sizes), -1) + of_patches[at] @ patches.reshape(len(patches), -1)
            pooled[at][:, :, rows] = both.reshape(scales, count, rows.stop - rows.start, width)

        bank.sums(values, valid, self.patch_size_px, crew, use)
        return list(pooled[0] if len(pooled) == 1 else pooled.sum(axis=0))

    def _cells(self, valid: Bool) -> tuple[int, int]:
        height, width = ((side - 2 * self.halo_px) // self.patch_size_px for side in valid.shape)
        return height, width

    def cell_counts(self, valid: Bool) -> Float:
        """Valid pixels of each cell, context included."""
        inside = valid[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX].astype(np.float32)
        return cell_sums(inside, self.patch_size_px)

    def _windows(self, sums: Float, radius: int) -> Float:
        """Sums over windows at the cells themselves, context taken off."""
        spare = self.reach - radius
        cut = sums[..., spare : sums.shape[-2] - spare, spare : sums.shape[-1] - spare]
        return window_sums(cut, radius)

    def _plain(self, values: Float, counts: Float, crew: Crew) -> Float:
        """Means and spreads: (C * number of radii, h, w) float32."""
        radii = sorted({*self.mean_radii, *self.spread_radii})
        shares = {radius: np.maximum(self._windows(counts, radius), 1) for radius in radii}
        shape = next(iter(shares.values())).shape
        means = np.empty((len(self.mean_radii), self.in_chans, *shape), np.float32)
        spreads = np.empty((len(self.spread_radii), self.in_chans, *shape), np.float32)

        def work(bands: slice) -> None:
            inside = values[bands, MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]
            sums, squares = cell_sums(inside, self.patch_size_px), cell_sums(inside * inside, self.patch_size_px)
            for radius in radii:
                mean = self._windows(sums, radius) / shares[radius]
                if radius in self.mean_radii:
                    means[self.mean_radii.index(radius), bands] = mean
                if radius in self.spread_radii:
                    variance = self._windows(squares, radius) / shares[radius] - mean * mean
                    spreads[self.spread_radii.index(radius), bands] = np.sqrt(np.maximum(variance, 0))

        crew.each(work, pieces_of(self.in_chans, 1))
        plain = len(self.mean_radii) + len(self.spread_radii)
        return np.concatenate([means, spreads]).reshape(plain * self.in_chans, *shape)


def band_count(weights: Float) -> int:
    """Bands that filters were made for."""
    return int(weights.shape[1]) // SIDE**2
