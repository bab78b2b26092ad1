"""The one list of backbones. To add one: a file in `definitions/` and a card here."""

import difflib
from typing import Dict

from .card import Card

_CARDS = (
    Card(
        name="spectral-textural",
        title="Spectral-textural features",
        builder="spectral_textural:build",
        summary="Bands, their local mean and spread, and random convolutional features, as principal components. "
        "Drawn from the raster itself; any sensor, any bands, nothing to download.",
        needs_torch=False,
        needs_model=False,
        free_patch=True,
        default_dimensions=64,
        licence="GPL-3.0-or-later (part of Quadrat)",
        source="after Rolf et al. 2021, doi:10.1038/s41467-021-24638-z",
    ),
    Card(
        name="mosaiks",
        title="MOSAIKS random convolutional features",
        builder="mosaiks:build",
        summary="Responses to whitened patches of the raster itself, pooled over the cell; as published, any width.",
        needs_torch=False,
        needs_model=False,
        free_patch=True,
        default_dimensions=0,
        licence="GPL-3.0-or-later (part of Quadrat)",
        source="Rolf et al. 2021, doi:10.1038/s41467-021-24638-z",
    ),
    Card(
        name="raw",
        title="Raw bands",
        builder="raw:build",
        summary="The bands themselves, averaged over the cell.",
        needs_torch=False,
        needs_model=False,
        free_patch=True,
        default_dimensions=0,
        licence="GPL-3.0-or-later (part of Quadrat)",
        source="",
    ),
    Card(
        name="timm",
        title="Any timm model",
        builder="timm_model:build",
        summary="Any image model of the timm library, by its name.",
        needs_torch=True,
        needs_model=True,
        free_patch=False,
        default_dimensions=0,
        licence="depends on the model",
        source="https://github.com/huggingface/pytorch-image-models",
        requirements=("torch", "timm"),
    ),
    Card(
        name="onnx",
        title="Any ONNX file",
        builder="onnx_file:build",
        summary="A network as an ONNX file: [N,C,H,W] in, [N,D] or [N,D,h,w] out.",
        needs_torch=False,
        needs_model=True,
        free_patch=False,
        default_dimensions=0,
        licence="depends on the file",
        source="https://onnx.ai",
    ),
)
BACKBONES: Dict[str, Card] = {card.name: card for card in _CARDS}
DEFAULT_BACKBONE = _CARDS[0].name


def get(name: str) -> Card:
    """The card of that name.

    Raises:
        KeyError: there is none; the message names the nearest.
    """
    if name not in BACKBONES:
        near = difflib.get_close_matches(name, list(BACKBONES), n=1) or list(BACKBONES)
        raise KeyError(f"There is no backbone '{name}'. Did you mean {' or '.join(near)}?")
    return BACKBONES[name]
