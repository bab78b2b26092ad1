"""SMARTIES: a plain vision transformer whose first layer is put together for the bands at hand.

Each band's patch goes through the projection of its range, and a token is 12 times the mean over bands. That is one
convolution over all bands, so the rest is timm's transformer.

Source: Sumbul et al. 2025, "SMARTIES: Spectrum-Aware Multi-Sensor Auto-Encoder for Remote Sensing Images",
arXiv:2506.19585; weights: https://huggingface.co/gsumbul/SMARTIES-v1-ViT-B (Apache-2.0).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from .smarties_spectrum import PROJECTIONS, Range

PATCH_PX = 16
TILE_PX = 224
TOKEN_SCALE = 12.0
"""Bands were repeated to 12 in pretraining."""


@dataclass(frozen=True)
class Size:
    """Of the transformer."""

    dim: int
    depth: int
    heads: int


@lru_cache(maxsize=8)
def sine_positions(dim: int, rows: int, cols: int) -> NDArray[np.float32]:
    """What is added to the class token, which is nothing, and to the patches.

    A quarter each: sine and cosine of the column, then of the row.

    Args:
        dim: of a token, a multiple of 4.
        rows: of patches.
        cols: of patches.

    Returns:
        (1, 1 + rows * cols, dim) float32, patches row by row.

    Source: He et al. 2022 (masked autoencoders), arXiv:2111.06377.
    """
    frequencies = 10000.0 ** (-np.arange(dim // 4) / (dim / 4))
    row, col = (axis.ravel()[:, None] * frequencies for axis in np.mgrid[:rows, :cols])
    patches = np.concatenate([np.sin(col), np.cos(col), np.sin(row), np.cos(row)], axis=1)
    return np.concatenate([np.zeros((1, dim)), patches])[None].astype(np.float32)


class Smarties(VisionTransformer):
    """timm's transformer with fixed positions, computed for whatever grid the tile has.

    The map is that of patch tokens after the last normalisation, and the pooled vector their mean. The authors'
    classifiers take the class token after the normalisation, or the mean of patch tokens; their segmentation takes
    patch tokens of the last block, before the normalisation.
    """

    def __init__(self, size: Size, in_chans: int) -> None:
        super().__init__(
            img_size=TILE_PX,
            patch_size=PATCH_PX,
            in_chans=in_chans,
            num_classes=0,
            embed_dim=size.dim,
            depth=size.depth,
            num_heads=size.heads,
            mlp_ratio=4,
            qkv_bias=True,
            global_pool="avg",
            fc_norm=False,
            pos_embed="none",
            dynamic_img_size=True,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
        )

    def _pos_embed(self, x: Tensor) -> Tensor:
        """(B, h, w, D) patches to (B, 1 + h * w, D) tokens with positions."""
        rows, cols = int(x.shape[1]), int(x.shape[2])
        positions = torch.from_numpy(sine_positions(self.embed_dim, rows, cols)).to(x)
        first = cast(Tensor, self.cls_token).expand(x.shape[0], -1, -1)
        return torch.cat([first, x.flatten(1, 2)], dim=1) + positions


def first_layer(tensors: Mapping[str, Tensor], ranges: Sequence[Range]) -> tuple[Tensor, Tensor]:
    """The convolution that stands for the projections of these bands.

    Args:
        tensors: of the official file.
        ranges: of each of the C bands.

    Returns:
        (D, C, 16, 16) and (D,) float32.
    """
    scale = TOKEN_SCALE / len(ranges)
    kernels, biases = [], []
    for band in ranges:
        parts = [(share, f"spectrum_projection.spectrum_embeds.{index}.proj") for index, share in band.mix]
        kernel = torch.stack([share * tensors[f"{name}.weight"].double() for share, name in parts]).sum(dim=0)
        kernels.append(kernel.reshape(-1, PATCH_PX, PATCH_PX))
        biases += [share * tensors[f"{name}.bias"].double() for share, name in parts]
    return (scale * torch.stack(kernels, dim=1)).float(), (scale * torch.stack(biases).sum(dim=0)).float()


def official_shapes(size: Size) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the encoder in the official file, without the decoder that only pretraining needs."""
    with torch.device("meta"):
        shapes = {name: tuple(tensor.shape) for name, tensor in Smarties(size, 1).state_dict().items()}
    shapes = {name: shape for name, shape in shapes.items() if not name.startswith("patch_embed.")}
    shapes["pos_embed"] = (1, 1 + (TILE_PX // PATCH_PX) ** 2, size.dim)
    for index in range(PROJECTIONS):
        name = f"spectrum_projection.spectrum_embeds.{index}.proj"
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (size.dim, PATCH_PX**2), (size.dim,)
    return shapes


def network_of(tensors: Mapping[str, Tensor], size: Size, ranges: Sequence[Range]) -> Smarties:
    """The network for these bands, with the numbers of the official file, whose names and shapes were checked."""
    with torch.device("meta"):
        network = Smarties(size, len(ranges))
    weight, bias = first_layer(tensors, ranges)
    given = {"patch_embed.proj.weight": weight, "patch_embed.proj.bias": bias}
    given |= {name: tensors[name].float() for name in network.state_dict() if name not in given}
    network.load_state_dict(given, assign=True)
    return network
