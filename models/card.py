"""The card of a backbone: what can be said of it before anything heavy is imported.

Standard library only: the toolbox form and the command line read cards.
"""

from dataclasses import dataclass
from typing import Tuple


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
