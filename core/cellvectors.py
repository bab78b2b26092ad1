"""One vector for each chip: what a backbone sees of a cell and around it, and over what its answer is averaged."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..models.contract import Backbone
from .chips import Chips
from .jobs.embedcells import CELL, CENTRE, WINDOW
from .resizing import resized

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
SURROUNDINGS = 3
"""Side of a window in cells, for backbones that were not trained with windows of one size."""


@dataclass(frozen=True)
class View:
    """What a backbone sees of a cell.

    Attributes:
        context: `cell`, `window` or `centre`.
        window_px: side of the window that is read; 0: the cell alone.
        margin_px: read on each side of the cell besides.
        native: pixels stay as they are; else windows of another size are brought to `tile_px`.
        tile_px: side that the backbone takes.
    """

    context: str
    window_px: int
    margin_px: int
    native: bool
    tile_px: int

    @classmethod
    def of(cls, backbone: Backbone, context: str, window_px: int, cell_px: int, *, any_size: bool) -> "View":
        """How a backbone is to see cells.

        Args:
            backbone: that makes the vectors.
            context: `cell`, `window` or `centre`.
            window_px: wish; 0: what the backbone was trained with.
            cell_px: side of most cells.
            any_size: the backbone gives a window of any size one vector as well as any other.
        """
        tile, local = backbone.tile_size_px, backbone.exact
        own = SURROUNDINGS * cell_px if local or any_size else tile
        if context == CELL:
            return cls(context, 0, 0, local or any_size, tile)
        if context == CENTRE and local:
            return cls(context, 0, backbone.halo_px, True, tile)
        side = window_px or own
        patch = backbone.patch_size_px
        native = local or any_size or (side % patch == 0 and side == tile)
        return cls(context, -(-side // patch) * patch if any_size else side, 0, native and side >= cell_px, tile)


def vectors_of(backbone: Backbone, view: View, chips: Chips) -> Float:
    """Vectors of chips.

    Args:
        backbone: that makes them.
        view: what it sees.
        chips: B of one size.

    Returns:
        (B, D) float32.
    """
    values, valid, cell = chips.values, chips.valid, chips.cell
    if view.context == CELL:
        valid = valid & cell
        values = values * valid[:, None]
    fits = view.native or valid.shape[1:] == (view.tile_px, view.tile_px)
    if not fits:
        values, valid = resized(values, valid, view.tile_px, view.tile_px)
        cell = resized(cell[:, None].astype(np.float32), np.ones_like(cell), view.tile_px, view.tile_px)[0][:, 0] >= 0.5
    if view.context in (CELL, WINDOW):
        return backbone.pooled(values, valid)
    return _centre(backbone, values, valid, cell)


def _centre(backbone: Backbone, values: Float, valid: Bool, cell: Bool) -> Float:
    """Mean of the map over the cell, each place of the map by how many valid pixels of the cell it covers."""
    made = backbone(values, valid)
    halo, patch = backbone.halo_px, backbone.patch_size_px
    own = (valid & cell)[:, halo : cell.shape[1] - halo, halo : cell.shape[2] - halo]
    height, width = made.shape[2] * patch, made.shape[3] * patch
    counts = own[:, :height, :width].reshape(len(own), made.shape[2], patch, made.shape[3], patch).sum(axis=(2, 4))
    share = counts.astype(np.float32)
    total = np.maximum(share.sum(axis=(1, 2)), 1)
    return np.asarray(np.einsum("bdhw,bhw->bd", made, share) / total[:, None], dtype=np.float32)
