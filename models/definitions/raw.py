"""Raw bands: what every other backbone has to beat."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contract import Bool, BuildRequest, Float
from ..crew import Crew
from ..identity import identity_of
from ..local import LocalBackbone
from ..pooling import cell_sums


class RawBands(LocalBackbone):
    """The bands, averaged over the valid pixels of the cell, in their own unit."""

    def _vectors(self, values: Float, valid: Bool) -> Float:
        known = np.where(valid, values, np.float32(0))
        counts = cell_sums(valid.astype(np.float32), self.patch_size_px)
        means: Float = np.divide(cell_sums(known, self.patch_size_px), np.maximum(counts, 1), dtype=np.float32)
        return means

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Nothing is drawn from the raster."""
        return {}


def build(request: BuildRequest) -> RawBands:
    """The bands themselves."""
    names = request.band_names or tuple(f"band {number}" for number in range(1, request.in_chans + 1))
    facts = {"backbone": "raw", "in_chans": request.in_chans, "patch_size_px": request.patch_size_px}
    return RawBands(
        request.in_chans,
        names,
        patch_size_px=request.patch_size_px,
        tile_size_px=request.tile_size_px or 512,
        halo_px=0,
        ordered=False,
        identity=identity_of(facts, {}),
        crew=Crew(request.threads),
    )
