"""One vector for each cell: what a backbone sees of it and around it, and over what its answer is averaged."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..models.contract import Backbone, pooled_width
from .chips import ENOUGH, Chips, Piece, Places, chips_of, own_pixels
from .embedding import Runner
from .grid import Window
from .jobs.embedcells import AUTO, CELL, CENTRE
from .resizing import resized

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Int = NDArray[np.int64]
SURROUNDINGS = 3
"""Side of a window in cells, for backbones that were not trained with windows of one size."""


@dataclass(frozen=True)
class View:
    """What a backbone sees of a cell.

    Attributes:
        context: `cell`, `window` or `centre`.
        window_px: side of the window that is read; 0: the cell alone.
        margin_px: read on each side of the cell besides.
        native: windows of any size stay as they are; else those of another size are brought to `tile_px`.
        tile_px: side that the backbone takes.
        whole: cells are cells of the backbone, so that those of a unit are seen at once.
        filled: windows are filled up to `tile_px` with gaps.
        parts: a window says nothing unless half of one of the backbone's own cells is there.
    """

    context: str
    window_px: int
    margin_px: int
    native: bool
    tile_px: int
    whole: bool = False
    filled: bool = False
    parts: bool = False

    @classmethod
    def of(
        cls, backbone: Backbone, context: str, window_px: int, cell_px: int, *, any_size: bool, on_lattice: bool,
        gaps: bool = False,
    ) -> "View":  # fmt: skip
        """How a backbone is to see cells.

        Args:
            backbone: that makes the vectors.
            context: `auto`, `cell`, `window` or `centre`.
            window_px: wish; 0: what the backbone was trained with.
            cell_px: side of most cells.
            any_size: the backbone gives a window of any size one vector as well as any other.
            on_lattice: all cells are squares of one size on one lattice of pixels.
            gaps: pixels may be missing at some dates, so that windows cannot be brought to another size.
        """
        tile, local = backbone.tile_size_px, backbone.exact
        if context == AUTO:
            context = CENTRE if local else CELL
        filled = gaps and not any_size
        native = local or any_size or filled
        if context == CELL:
            return cls(context, 0, 0, native, tile, filled=filled, parts=any_size)
        if context == CENTRE and local:
            return cls(context, 0, backbone.halo_px, native, tile, on_lattice and backbone.patch_size_px == cell_px)
        side = window_px or (SURROUNDINGS * cell_px if local or any_size else tile)
        patch = backbone.patch_size_px
        return cls(
            context, -(-side // patch) * patch if any_size else side, 0, native, tile, filled=filled, parts=any_size
        )

    def width(self, backbone: Backbone) -> int:
        """Numbers in a vector."""
        return backbone.embed_dim if self.context == CENTRE or self.filled else pooled_width(backbone)


@dataclass(frozen=True)
class Look:
    """What a backbone gets at once of a unit.

    Attributes:
        unit: its number.
        given: the pixels of the unit as a whole, or chips of some of its cells as the backbone takes them.
    """

    unit: int
    given: Piece | Chips


def looks_of(backbone: Backbone, view: View, places: Places, piece: Piece, batch: int) -> Iterator[Look]:
    """All that a backbone gets of a unit, one at least; to be made in the thread that reads.

    Args:
        backbone: that will see it.
        view: what it sees.
        places: of all cells.
        piece: of one unit.
        batch: most windows at once.
    """
    if view.whole or _crowded(backbone, view, places, piece):
        yield Look(piece.unit, piece.alone())
        return
    for chips in chips_of(places, piece, batch):
        yield Look(piece.unit, prepared(view, chips.some(np.flatnonzero(chips.enough))))


def see(runner: Runner, view: View, places: Places, look: Look) -> tuple[Int, Float]:
    """Cells that have enough valid pixels, and their vectors: (n,) and (n, D) float32.

    Args:
        runner: of the backbone.
        view: what it sees.
        places: of all cells.
        look: at some of them.
    """
    given = look.given
    if isinstance(given, Piece):
        return (_as_cells if view.whole else _from_map)(runner, view, places, given)
    if not len(given.at):
        return given.at, np.zeros((0, view.width(runner.backbone)), np.float32)
    return given.at, runner.run(lambda part: _vectors(runner.backbone, view, given.some(part)), len(given.at))


def _as_cells(runner: Runner, view: View, places: Places, piece: Piece) -> tuple[Int, Float]:
    """Cells that are those of the backbone: one look at the unit gives them all."""
    margin, side = view.margin_px, runner.backbone.patch_size_px
    inner = piece.valid[margin : piece.valid.shape[0] - margin, margin : piece.valid.shape[1] - margin]
    share = inner.reshape(inner.shape[0] // side, side, inner.shape[1] // side, side).mean(axis=(1, 3))
    made = runner.run(lambda part: runner.backbone(piece.values[None], piece.valid[None]), 1)[0]
    corner = np.array([piece.window.row + margin, piece.window.col + margin])
    row, col = ((places.inside[piece.at, :2] - corner) // side).T
    enough = share[row, col] >= ENOUGH
    return piece.at[enough], np.ascontiguousarray(made[:, row[enough], col[enough]].T)


def _crowded(backbone: Backbone, view: View, places: Places, piece: Piece) -> bool:
    """Whether one map of the unit, with a vector for each pixel, is less work than the windows of its cells."""
    if not backbone.exact or view.context != CENTRE or backbone.patch_size_px > 1:
        return False
    windows = int(np.prod(places.outside[piece.at, 2:], axis=1).sum())
    return bool(piece.valid.size <= windows)


def _from_map(runner: Runner, view: View, places: Places, piece: Piece) -> tuple[Int, Float]:
    """Means of a map of the unit over the valid pixels of each cell; the map is made tile by tile."""
    backbone, margin = runner.backbone, view.margin_px
    corner = np.array([piece.window.row + margin, piece.window.col + margin])
    starts, owns, enough = places.inside[piece.at, :2] - corner, [], np.zeros(len(piece.at), np.bool_)
    for number, index in enumerate(piece.at):
        cell = own_pixels(places, int(index))
        own = cell & piece.valid[Window(*map(int, places.outside[index])).slices_in(piece.window)]
        enough[number] = own.sum() >= ENOUGH * max(int(cell.sum()), 1)
        owns.append(own[margin : own.shape[0] - margin, margin : own.shape[1] - margin])
    sums = np.zeros((len(owns), backbone.embed_dim))
    wholes = [Window(*start, *own.shape) for start, own in zip(starts.tolist(), owns, strict=True)]
    height, width = (side - 2 * margin for side in piece.valid.shape)
    for tile in _tiles(height, width, backbone.tile_size_px):
        shared = [(number, whole.intersection(tile)) for number, whole in enumerate(wholes) if enough[number]]
        if not any(both for _, both in shared):
            continue
        cut = tile.grown(margin).slices_in(Window(-margin, -margin, *piece.valid.shape))

        def seen(part: slice, cut: tuple[slice, slice] = cut) -> Float:
            return backbone(piece.values[None][(..., *cut)], piece.valid[None][(..., *cut)])

        made = runner.run(seen, 1)[0]
        for number, both in shared:
            if both is not None:
                share = owns[number][both.slices_in(wholes[number])].astype(np.float32)
                sums[number] += np.einsum("dhw,hw->d", made[(slice(None), *both.slices_in(tile))], share)
    counts = np.array([own.sum() for own in owns])
    means = sums / np.maximum(counts, 1)[:, None]
    return piece.at[enough], np.asarray(means[enough], dtype=np.float32)


def prepared(view: View, chips: Chips) -> Chips:
    """Chips as the backbone takes them: without what it must not see, in the size that it wants."""
    values, valid, cell = chips.values, chips.valid, chips.cell
    if view.context == CELL:
        valid = valid & cell
        values = values * valid[:, None]
    if not view.native and len(chips.at) and valid.shape[1:] != (view.tile_px, view.tile_px):
        values, valid = resized(values, valid, view.tile_px, view.tile_px)
        cell = resized(cell[:, None].astype(np.float32), np.ones_like(cell), view.tile_px, view.tile_px)[0][:, 0] >= 0.5
    return Chips(chips.at, values, valid, cell)


def vectors_of(backbone: Backbone, view: View, chips: Chips) -> Float:
    """Vectors of chips.

    Args:
        backbone: that makes them.
        view: what it sees.
        chips: B of one size.

    Returns:
        (B, D) float32; NaN where a cell is too small for the backbone.
    """
    return _vectors(backbone, view, prepared(view, chips))


def _vectors(backbone: Backbone, view: View, chips: Chips) -> Float:
    values, valid, cell = chips.values, chips.valid, chips.cell
    if view.filled:
        over = cell if view.context == CENTRE else np.ones_like(cell)
        return _averaged(backbone, values, valid, over, view.tile_px)
    if view.context == CENTRE:
        halo = backbone.halo_px
        return _averaged(backbone, values, valid, cell[:, halo : cell.shape[1] - halo, halo : cell.shape[2] - halo])
    if backbone.exact and max(valid.shape[1:]) > backbone.tile_size_px:
        return _averaged(backbone, *_within_halo(values, valid, backbone.halo_px), np.ones_like(valid))
    made = backbone.pooled(values, valid)
    if view.parts:
        made[~_hold_a_part(values, valid, backbone.patch_size_px)] = np.nan
    return made


def _hold_a_part(values: Float, valid: Bool, patch: int) -> Bool:
    """(B,) half of a cell of the backbone is there in some band; NaN stands for what is not."""
    more = [(0, 0), (0, 0), *((0, -side % patch) for side in valid.shape[1:])]
    known = np.pad(valid[:, None] & ~np.isnan(values), more)
    count, bands, height, width = known.shape
    shares = known.reshape(count, bands, height // patch, patch, width // patch, patch).mean(axis=(3, 5))
    return np.asarray((shares >= ENOUGH).any(axis=(1, 2, 3)))


def _within_halo(values: Float, valid: Bool, halo_px: int) -> tuple[Float, Bool]:
    """Windows with nothing valid around them."""
    around = ((0, 0), (halo_px, halo_px), (halo_px, halo_px))
    return np.pad(values, ((0, 0), *around)), np.pad(valid, around)


def _averaged(backbone: Backbone, values: Float, valid: Bool, cell: Bool, side_px: int = 0) -> Float:
    """Mean of the map over the cell, each place of the map by how many valid pixels of the cell it covers.

    Exact backbones see large windows tile by tile: it makes no difference to them, and it does to the memory.

    Args:
        backbone: that makes the map.
        values: (B, C, h + 2 halo, w + 2 halo) float32.
        valid: (B, h + 2 halo, w + 2 halo).
        cell: (B, h, w) over which is averaged.
        side_px: of the only window that the backbone takes; 0: it takes any.
    """
    halo, patch = backbone.halo_px, backbone.patch_size_px
    low, right = (-side % (side_px or patch) for side in cell.shape[1:])
    if low or right:
        more = ((0, 0), (0, low), (0, right))
        values, valid, cell = np.pad(values, ((0, 0), *more)), np.pad(valid, more), np.pad(cell, more)
    own = valid[:, halo : valid.shape[1] - halo, halo : valid.shape[2] - halo] & cell
    step = side_px or (max(backbone.tile_size_px // patch, 1) * patch if backbone.exact else max(own.shape[1:]))
    sums, counts = np.zeros((len(own), backbone.embed_dim)), np.zeros((len(own), 1))
    for row, col, height, width in _tiles(own.shape[1], own.shape[2], step):
        part = own[:, row : row + height, col : col + width]
        if not part.any():
            continue
        seen = slice(row, row + height + 2 * halo), slice(col, col + width + 2 * halo)
        made = backbone(values[(slice(None), slice(None), *seen)], valid[(slice(None), *seen)])
        share = part.reshape(len(part), made.shape[2], patch, made.shape[3], patch).sum(axis=(2, 4))
        sums += np.einsum("bdhw,bhw->bd", made, share.astype(np.float32))
        counts += share.sum(axis=(1, 2))[:, None]
    return np.asarray(sums / np.maximum(counts, 1), dtype=np.float32)


def _tiles(height: int, width: int, side: int) -> Iterator[Window]:
    """Squares, cut at the far edges, that cover a window."""
    for row in range(0, height, side):
        for col in range(0, width, side):
            yield Window(row, col, min(side, height - row), min(side, width - col))
