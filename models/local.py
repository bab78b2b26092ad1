"""What backbones share that look at a small neighbourhood only: exact whatever the tiling, numpy, no torch."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .contract import Bool, Float
from .crew import Crew, pieces_of
from .pooling import cell_sums, pad_to_cells
from .scaling import Standardise


class LocalBackbone(ABC):
    """The contract, given vectors of one window (`_vectors`) and the arrays drawn from the raster (`state`)."""

    exact = True
    _standardise: Standardise
    """Of backbones that standardise."""

    def __init__(
        self,
        in_chans: int,
        band_names: tuple[str, ...],
        *,
        patch_size_px: int,
        tile_size_px: int,
        halo_px: int,
        ordered: bool,
        identity: str,
        crew: Crew,
    ) -> None:
        self.in_chans = in_chans
        self.band_names = band_names
        self.embed_dim = len(band_names)
        self.patch_size_px = patch_size_px
        self.tile_size_px = -(-tile_size_px // patch_size_px) * patch_size_px
        self.halo_px = halo_px
        self.ordered = ordered
        self.identity = identity
        self.device = crew.device
        self._crew = crew

    @abstractmethod
    def _vectors(self, values: Float, valid: Bool) -> Float:
        """(C, H + 2 halo, W + 2 halo) and its validity to (D, H / patch, W / patch)."""

    def _standardised(self, values: Float, valid: Bool) -> Float:
        """What `_standardise` makes of (C, H, W), band by band on all threads."""
        result = np.empty_like(values)

        def work(bands: slice) -> None:
            own = self._standardise
            part = replace(own, centre=own.centre[bands], scale=own.scale[bands])
            result[bands] = part(values[bands], valid)

        self._crew.each(work, pieces_of(len(values), 1))
        return result

    @abstractmethod
    def state(self) -> Mapping[str, NDArray[Any]]:
        """All arrays that were drawn from the raster."""

    def __call__(self, values: Float, valid: Bool) -> Float:
        """Vectors of a batch; shapes as in the contract."""
        batch, _, height, width = values.shape
        shape = tuple((side - 2 * self.halo_px) // self.patch_size_px for side in (height, width))
        result = np.empty((batch, self.embed_dim, *shape), np.float32)
        for index in range(batch):
            result[index] = self._vectors(values[index], valid[index])
        return result

    def pooled(self, values: Float, valid: Bool) -> Float:
        """Mean of the vectors of each window's cells, weighted by their valid pixels: (B, D) float32."""
        result = np.zeros((len(values), self.embed_dim), np.float32)
        for index in range(len(values)):
            padded, known = pad_to_cells(values[index], valid[index], self.patch_size_px, self.halo_px)
            vectors = self._vectors(padded, known)
            weights = cell_sums(inner(known, self.halo_px).astype(np.float32), self.patch_size_px)
            if weights.any():
                result[index] = np.average(vectors.astype(np.float64), axis=(1, 2), weights=weights)
        return result


def inner(array: NDArray[Any], margin: int) -> NDArray[Any]:
    """(..., H, W) without `margin` pixels on each side."""
    return array[..., margin : array.shape[-2] - margin, margin : array.shape[-1] - margin]
