"""MOSAIKS random convolutional features as published.

Source: Rolf et al. 2021, doi:10.1038/s41467-021-24638-z. Ours: bands are standardised first, because a patch's mean
is taken over all bands; features are pooled over a cell instead of an image of 1 km.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..contract import Bool, BuildRequest, Float, State
from ..crew import Crew, one_by_one
from ..errors import UnusableModel
from ..filters import MARGIN_PX, SIDE, Bank, draw_filters
from ..identity import identity_of
from ..local import LocalBackbone, inner
from ..pooling import cell_sums
from ..scaling import Standardiser, standardiser_of

FILTERS = 4096
RESULT_BYTES = 17_000_000
"""What the vectors of one tile may take. Of larger arrays the system takes the memory back after each tile."""
MOST_PX, PIXEL_NUMBERS = 1024, 8_000_000
"""Side of a tile, and numbers of its pixels over all bands. In 512 px are 256 cells of 32 px, too few to share out:
there 512 filters took 12.9 s for 4096 x 4096 px of 4 bands on two cores, and 6.7 s with 1024 px."""


class Mosaiks(LocalBackbone):
    """relu(W x) and relu(-W x), averaged over the valid pixels of the cell."""

    def __init__(self, request: BuildRequest, state: State) -> None:
        self._arrays = dict(state)
        self._standardise = Standardiser(state["centre"], state["scale"])
        self._bank = Bank(state["filters"])
        count, patch = len(state["filters"]), request.patch_size_px
        side = int(np.sqrt(RESULT_BYTES / (8 * count))) * patch
        most = min(max(int(np.sqrt(PIXEL_NUMBERS / request.in_chans)), 64), MOST_PX)
        facts = {"backbone": "mosaiks", "format": 1, "patch_size_px": patch}
        super().__init__(
            request.in_chans,
            tuple(f"rise {number}" for number in range(1, count + 1))
            + tuple(f"fall {number}" for number in range(1, count + 1)),
            patch_size_px=patch,
            tile_size_px=request.tile_size_px or int(np.clip(side, 16, most)),
            halo_px=MARGIN_PX,
            ordered=False,
            identity=identity_of(facts, self._arrays),
            crew=Crew(request.threads),
        )

    def _vectors(self, values: Float, valid: Bool) -> Float:
        known = inner(valid, MARGIN_PX).astype(np.float32)
        halves = np.float32(0.5) / np.maximum(cell_sums(known, self.patch_size_px), 1)
        half = self.embed_dim // 2
        result = np.empty((2, half, *halves.shape), np.float32)

        def use(rows: slice, group: slice, sizes: Float, patches: Float) -> None:
            sums = np.tensordot(self._bank.weights[group], patches, 1)
            for sign, part in zip((np.add, np.subtract), result[:, group, rows], strict=True):
                sign(sizes, sums, out=part)
                # Rounding can leave a hair below 0. Against a row, which is quicker than against a number.
                np.maximum(part, np.zeros(halves.shape[1], np.float32), out=part)
                part *= halves[rows]

        self._bank.sums(self._standardised(values, valid), valid, self.patch_size_px, self._crew, use)
        return result.reshape(self.embed_dim, *halves.shape)

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Statistics of the bands and the filters."""
        return self._arrays


def build(request: BuildRequest) -> Mosaiks:
    """Draws the filters from the sample, or takes them from the state.

    Raises:
        UnusableModel: the state was made for another number of bands.
    """
    if request.state is None:
        standardise = standardiser_of(request.sample, request.in_chans)
        count = max(1, request.dimensions // 2) if request.dimensions else FILTERS
        with one_by_one():
            filters = draw_filters(request.sample, standardise, count, request.seed)
        state: State = {"centre": standardise.centre, "scale": standardise.scale, "filters": filters}
        return Mosaiks(request, state)
    filters = request.state["filters"]
    if filters.shape[1] != request.in_chans * SIDE * SIDE:
        raise UnusableModel(
            f"These features were drawn from {filters.shape[1] // SIDE**2} bands, but the raster has "
            f"{request.in_chans}. Choose as many bands, in the same order."
        )
    return Mosaiks(request, request.state)
