"""What every backbone is to the rest of Quadrat: pixels in, vectors out.

A builder in `definitions/` takes a `BuildRequest` and returns a `Backbone`. numpy only; torch and the like
are imported by the definitions that need them.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .card import Card
from .crew import thread_count

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
State = Mapping[str, NDArray[Any]]

CORE_WORK = 25_000_000_000
"""Operations of a network that a core does in half a second."""


@dataclass(frozen=True)
class BuildRequest:
    """Everything a builder may ask for."""

    in_chans: int
    sample: Callable[[], Iterator[tuple[Float, Bool]]]
    """Draws the same windows of the raster at each call: (C, H, W) float32 with 0 where invalid, (H, W) valid.
    Windows lie spread over the layer, are 128 px at most, and number 64 at most."""
    dtype: str = "float32"
    """Type of the raster's values, for scaling by the range of the type."""
    band_names: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    """Of each band, see `spectrum.py`; empty texts, or nothing at all, where it is not known."""
    wavelengths_nm: tuple[float, ...] = ()
    """Centre of each band; 0 where it is not known."""
    dates: tuple[str, ...] = ()
    """Of each band, in order of time: bands of equal text are of one date. For backbones that take several."""
    months: tuple[int, ...] = ()
    """Of each band, 1 to 12; 0 where it is not known. For backbones that take several dates."""
    pixel_m: float = 0.0
    """Side of a pixel in metres; 0 where it is not known."""
    card: Card | None = None
    """Of the backbone that is asked for."""
    model: str = ""
    weights: str = ""
    download: bool = False
    patch_size_px: int = 1
    """Resolved by the caller for backbones with `free_patch`; the wish (0 = own) for the others."""
    tile_size_px: int = 0
    scaling: str = "auto"
    dimensions: int = 0
    """Components to keep; 0 keeps all."""
    device: str = "auto"
    precision: str = "float32"
    """`float32`, or `half`: 16 bits where a network of torch loses little by them."""
    threads: int = 0
    seed: int = 0
    state: State | None = None
    """State of a backbone built earlier: nothing is drawn anew, the result is identical to that backbone's."""
    log: Callable[[str], None] = field(default=lambda text: None)
    look: Callable[[], None] = field(default=lambda: None)
    """Called now and then in long work, such as a download; what it raises (a cancel) ends the work."""


class Backbone(Protocol):
    """A frozen feature network, torch or not.

    Source of the shape contract: NCHW feature maps of timm's `forward_intermediates`.
    """

    in_chans: int
    embed_dim: int
    """D of what `__call__` gives."""
    patch_size_px: int
    """Pixels a cell, both ways."""
    tile_size_px: int
    """Side of the window to pass, a multiple of `patch_size_px`, without halo."""
    halo_px: int
    """0: a network that sees one tile at a time and is blended at borders. Above 0 or `exact`: pixels of context to
    pass on each side, which make the result independent of tiling."""
    exact: bool
    """True when a cell's vector does not depend on where tile borders lie (given the halo)."""
    ordered: bool
    """True when dimensions are principal components in falling order, so that the first three are a picture."""
    device: str
    """What it runs on, in words for the user: `CPU, 2 threads`, `CUDA: NVIDIA ...`."""
    identity: str
    """Hash of all that decides the vectors: family, model, weights, state, scaling. Equal identity, same space."""
    band_names: tuple[str, ...]
    """Names of the D dimensions, short."""

    def __call__(self, values: Float, valid: Bool) -> Float:
        """Vectors of a batch.

        Args:
            values: (B, C, H + 2 halo, W + 2 halo) float32, finite, 0 where not valid. Of several dates, for backbones
                that take them: NaN in the bands that have none at a pixel, which is valid if another date has some.
            valid: (B, H + 2 halo, W + 2 halo) bool. Invalid pixels have no influence on cells of valid ones
                beyond what a network cannot avoid (they are filled with the band's mean).

        Returns:
            (B, D, H / patch, W / patch) float32, finite.
        """
        ...

    def pooled(self, values: Float, valid: Bool) -> Float:
        """One vector for each window: (B, D) float32, or as wide as `pooled_width` says. Without halo around it."""
        ...

    def state(self) -> State:
        """All arrays that were drawn from the raster, to be stored with the result; may be empty."""
        ...


def pooled_width(backbone: Backbone) -> int:
    """Numbers that `pooled` gives: D, but for backbones that have a `pooled_dim`, as a few networks of timm."""
    return int(getattr(backbone, "pooled_dim", backbone.embed_dim))


def suitable_batch(backbone: Backbone, wish: int) -> int:
    """Tiles in a batch: the wish; one where more gains nothing; else about 16 MB, on a CPU half a second's work.

    A CPU gains from a few tiles at once and nothing from more, and a cancel waits for the batch to end. CPU seconds a
    tile on one core of an AMD EPYC: ViT-S/16 0.167, 0.153, 0.145, 0.155 with 1, 2, 4, 8 tiles, ResNet-18 0.070, 0.059,
    0.059 with 1, 4, 8, CROMA base 0.603, 0.598 with 1, 4.
    """
    if wish:
        return wish
    if backbone.exact:
        return 1
    side = backbone.tile_size_px + 2 * backbone.halo_px
    most = 4_000_000 // (side * side * max(backbone.in_chans, 3))
    if backbone.device.startswith("CPU"):
        # As if it were a transformer of 12 blocks.
        work = 2 * 12 * 12 * backbone.embed_dim**2 * (backbone.tile_size_px // backbone.patch_size_px) ** 2
        most = min(most, thread_count(0) * CORE_WORK // work)
    return int(np.clip(most, 1, 16))
