"""Colour and texture at three scales around a point of a photograph: no weights, nothing drawn from the photos.

So vectors mean the same in all surveys of 8 bits, and a model learnt on one applies to the next.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..cards.photographs import COLOUR_TEXTURE as CARD
from ..contract import Bool, BuildRequest, Float, State
from ..crew import Crew, pieces_of
from ..errors import UnusableModel
from ..fovea import SMALLEST_PX, Fovea, draw_filters, names
from ..identity import identity_of
from ..scaling import NetworkInput, network_input

FORMAT = 1
WINDOW_PX = 224
"""Side of the window around a cell of a map."""
CELL_PX = 32


class ColourTexture:
    """The description of windows behind the contract: of a window itself, or of one around each cell of a map."""

    halo_px = (WINDOW_PX - CELL_PX) // 2
    exact = True
    ordered = False
    patch_size_px = CELL_PX

    def __init__(self, request: BuildRequest, prepare: NetworkInput, filters: Float) -> None:
        self.in_chans = request.in_chans
        self.band_names = names()
        self.embed_dim = len(self.band_names)
        self.tile_size_px = max(CELL_PX, round((request.tile_size_px or WINDOW_PX) / CELL_PX) * CELL_PX)
        self._prepare, self._filters, self._fovea = prepare, filters, Fovea(filters)
        self._crew = Crew(request.threads)
        self.device = self._crew.device
        # The mean of the bands is not used here, so it must not decide.
        self._arrays = {"low": prepare.unit.low, "high": prepare.unit.high, "filters": filters}
        self.identity = identity_of({"backbone": CARD.name, "format": FORMAT}, self._arrays)

    def __call__(self, values: Float, valid: Bool) -> Float:
        """Vectors of the windows around all cells; shapes as in the contract."""
        height, width = ((side - 2 * self.halo_px) // CELL_PX for side in valid.shape[1:])
        result = np.empty((len(values), self.embed_dim, height, width), np.float32)
        cells = [(index, row, col) for index in range(len(values)) for row in range(height) for col in range(width)]

        def work(part: slice) -> None:
            for index, row, col in cells[part]:
                at = np.s_[row * CELL_PX : row * CELL_PX + WINDOW_PX, col * CELL_PX : col * CELL_PX + WINDOW_PX]
                result[index, :, row, col] = self._describe(values[index][(slice(None), *at)], valid[index][at])

        self._crew.each(work, pieces_of(len(cells), 4))
        return result

    def pooled(self, values: Float, valid: Bool) -> Float:
        """The vector of each window, around its middle: (B, D) float32."""
        result = np.empty((len(values), self.embed_dim), np.float32)

        def work(part: slice) -> None:
            for index in range(part.start, part.stop):
                result[index] = self._describe(values[index], valid[index])

        self._crew.each(work, pieces_of(len(values), 2))
        return result

    def state(self) -> Mapping[str, NDArray[Any]]:
        """Range of the bands, and the random filters."""
        return self._arrays

    def _describe(self, values: Float, valid: Bool) -> Float:
        """(C, h, w) and its validity to (D,); what is not valid has the mean of what is."""
        scaled = self._prepare.unit(np.where(valid, values, 0)[None])[0] if self._prepare.unit.low.size else values
        side = max(*valid.shape, SMALLEST_PX)
        side += -side % 4
        if valid.shape != (side, side):
            # The middle stays in the middle.
            widths = [(side // 2 - length // 2, side - side // 2 + length // 2 - length) for length in valid.shape]
            scaled, valid = np.pad(scaled, ((0, 0), *widths)), np.pad(valid, widths)
        if not valid.all():
            count = max(int(valid.sum()), 1)
            mean = (scaled.astype(np.float64) * valid).sum(axis=(1, 2)) / count
            scaled = np.where(valid, scaled, mean[:, None, None].astype(np.float32))
        return self._fovea(scaled)


def build(request: BuildRequest) -> ColourTexture:
    """The description, with filters drawn from the seed or taken from the state.

    Raises:
        UnusableModel: other bands than red, green, blue.
    """
    order = CARD.inputs[0].roles
    if request.in_chans != len(order) or (any(request.roles) and tuple(request.roles) != order):
        given = ", ".join(role or "unknown" for role in request.roles) or f"{request.in_chans} bands"
        raise UnusableModel(
            f"{CARD.title} reads red, green and blue, in this order, but it is given {given}. Choose these three bands."
        )
    state: State | None = request.state
    if state is not None:
        state = {**state, "fill": np.zeros(len(order), np.float32)}
    prepare = network_input(replace(request, state=state), [0.0], [1.0])
    return ColourTexture(request, prepare, draw_filters(request.seed) if state is None else state["filters"])
