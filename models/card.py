"""The card of a backbone: what can be said of it before anything heavy is imported.

Standard library only: the toolbox form and the command line read cards.
"""

from dataclasses import dataclass
from typing import Optional, Tuple


@dataclass(frozen=True)
class Source:
    """Where the official weights of a model can be had, and how they are known to be those."""

    name: str
    """Name in forms and file names."""
    repo_id: str = ""
    """Repository on the Hugging Face hub."""
    file_name: str = ""
    """File in it; empty: the usual names are tried."""
    url: str = ""
    revision: str = ""
    """Commit of the repository, where it is known to be good."""
    licence: str = ""
    licence_url: str = ""
    must_accept: bool = False
    """True where the licence restricts use, so that people must have seen it once."""
    parameters: int = 0
    """Number of weights, for the size in megabytes."""
    bytes: int = 0
    """Size of the file; 0 where it is not known."""

    @property
    def file_names(self) -> Tuple[str, ...]:
        """Files to look for in the repository."""
        return (self.file_name,) if self.file_name else ("model.safetensors", "pytorch_model.bin")

    @property
    def megabytes(self) -> int:
        """Size of the file, from four bytes a weight where it is not known; 0 where that is not known either."""
        return round((self.bytes or 4 * self.parameters) / 1e6)


@dataclass(frozen=True)
class Inputs:
    """One set of bands that a backbone takes, in its order."""

    name: str
    """Of the sensor, as people say it."""
    roles: Tuple[str, ...]
    """Of the bands, see `spectrum.py`."""


@dataclass(frozen=True)
class Card:
    """Facts of one backbone or family of backbones."""

    name: str
    """Name in forms, files and on the command line; never changes once released."""
    title: str
    builder: str
    """`module:function` inside `quadrat.models.definitions`, called with a `BuildRequest`."""
    summary: str
    needs_torch: bool
    needs_model: bool
    """True when the job must name a model (timm) or a file (ONNX)."""
    free_patch: bool
    """True when the caller may choose how many pixels make a cell."""
    default_dimensions: int
    """Principal components kept by default; 0 keeps all."""
    licence: str
    source: str
    """Paper or reference implementation."""
    requirements: Tuple[str, ...] = ()
    """Import names the light engine may lack."""
    model: str = ""
    """Name within the builder's library, where the card stands for one model of a family."""
    weights: Optional[Source] = None
    """Of the one model that the card stands for."""
    inputs: Tuple[Inputs, ...] = ()
    """Any one of these; empty: any bands."""
    drawn: bool = False
    """True when what it computes with is drawn from the layer itself: its vectors mean the same there alone."""
    any_bands: bool = False
    """True when any subset of the bands of `inputs`' roles will do."""
    most_dates: int = 1
    """Dates of its bands that it takes as one, at most."""
    together: Tuple[Tuple[str, ...], ...] = ()
    """Roles that count only where all of them are there; empty: each counts by itself."""
    measured: bool = False
    """True when it wants reflectance x 10000 and decibels, however the raster stores them."""
    resolution_m: Tuple[float, float] = (0.0, 0.0)
    """Sizes of a pixel that it was made for, smallest and largest; 0: any."""
    patch_px: int = 0
    """Pixels to a cell, where it is fixed."""
    tile_px: int = 0
    """Side of the window it was trained with."""
    embed_dim: int = 0
    """Dimensions that it gives; 0: depends."""
    gflop: float = 0.0
    """Billions of floating-point operations for one tile of `tile_px` and one date; 0: not known."""

    @property
    def series(self) -> bool:
        """Whether it takes several dates of its bands as one."""
        return self.most_dates > 1
