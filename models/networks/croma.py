"""CROMA: two transformers, for radar and for optical tiles, and a third that joins them.

No class token and no positions: attention falls off linearly with the distance of two patches, so that a tile may
have any size. Modules are named as the groups of the official checkpoint.

Source: Fuller, Millard & Green 2023, "CROMA: Remote Sensing Representations with Contrastive Radar-Optical Masked
Autoencoders", arXiv:2311.00566; weights: https://github.com/antofuller/CROMA (MIT).
"""

from functools import lru_cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

PATCH_PX = 8
OPTICAL_BANDS, RADAR_BANDS = 12, 2
MODALITIES = {"joint": OPTICAL_BANDS + RADAR_BANDS, "optical": OPTICAL_BANDS, "radar": RADAR_BANDS}
"""Bands of each."""


@lru_cache(maxsize=4)
def distance_bias(heads: int, rows: int, cols: int) -> NDArray[np.float32]:
    """What is added to attention: minus the distance of two patches, in patches, times a slope for each head.

    Slopes are 2^(-8/heads), its square, its cube and so on.

    Args:
        heads: of attention, a power of two.
        rows: of patches.
        cols: of patches.

    Returns:
        (heads, rows * cols, rows * cols) float32, patches row by row.

    Source: Press et al. 2022 (ALiBi), arXiv:2108.12409; in two dimensions Fuller et al. 2023, section 3.
    """
    row, col = (axis.ravel() for axis in np.mgrid[:rows, :cols])
    distance = np.hypot(row[:, None] - row, col[:, None] - col)
    slopes = 2.0 ** (-8.0 / heads * np.arange(1, heads + 1))
    bias: NDArray[np.float32] = (-slopes[:, None, None] * distance).astype(np.float32)
    return bias


def _attend(query: Tensor, key: Tensor, value: Tensor, bias: Tensor, heads: int) -> Tensor:
    """(B, N, dim) of softmax(q k / sqrt(dim of a head) + bias) v, head by head."""
    count, dim = int(query.shape[1]), int(query.shape[2])

    def apart(tokens: Tensor) -> Tensor:
        return tokens.reshape(-1, count, heads, dim // heads).transpose(1, 2)

    mixed = scaled_dot_product_attention(apart(query), apart(key), apart(value), attn_mask=bias)
    return mixed.transpose(1, 2).flatten(2)


class SelfAttention(nn.Module):
    """Attention among the tokens of one grid, normalised first."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.input_norm = nn.LayerNorm(dim)
        self.to_qkv = nn.Linear(dim, 3 * dim, bias=False)
        self.to_out = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, bias: Tensor) -> Tensor:
        """(B, N, dim) to the same shape, to be added."""
        query, key, value = self.to_qkv(self.input_norm(tokens)).chunk(3, dim=-1)
        added: Tensor = self.to_out(_attend(query, key, value, bias, self.heads))
        return added


class CrossAttention(nn.Module):
    """Tokens that look at those of another grid of the same size; one norm serves both."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.input_norm = nn.LayerNorm(dim)
        self.to_q = nn.Linear(dim, dim, bias=False)
        self.to_k = nn.Linear(dim, dim, bias=False)
        self.to_v = nn.Linear(dim, dim, bias=False)
        self.to_out = nn.Linear(dim, dim)

    def forward(self, tokens: Tensor, context: Tensor, bias: Tensor) -> Tensor:
        """(B, N, dim) and (B, N, dim) of the context to (B, N, dim), to be added to the first."""
        tokens, context = self.input_norm(tokens), self.input_norm(context)
        found = _attend(self.to_q(tokens), self.to_k(context), self.to_v(context), bias, self.heads)
        added: Tensor = self.to_out(found)
        return added


class FeedForward(nn.Module):
    """Norm, four times as wide, GELU, and back."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.input_norm = nn.LayerNorm(dim)
        # The third is dropout in training; it keeps the numbers of the others.
        self.net = nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Identity(), nn.Linear(4 * dim, dim))

    def forward(self, tokens: Tensor) -> Tensor:
        """(..., dim) to the same shape, to be added."""
        added: Tensor = self.net(self.input_norm(tokens))
        return added


class Transformer(nn.Module):
    """Blocks of self-attention and feed-forward, and a last norm."""

    def __init__(self, dim: int, depth: int, heads: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.ModuleList([SelfAttention(dim, heads), FeedForward(dim)]) for _ in range(depth))
        self.norm_out = nn.LayerNorm(dim)

    def forward(self, tokens: Tensor, bias: Tensor) -> Tensor:
        """(B, N, dim) to the same shape."""
        block: Any
        for block in self.layers:
            attention, feed = block
            tokens = tokens + attention(tokens, bias)
            tokens = tokens + feed(tokens)
        last: Tensor = self.norm_out(tokens)
        return last


class Encoder(nn.Module):
    """Pixels of one sensor to tokens."""

    def __init__(self, bands: int, dim: int, depth: int, heads: int) -> None:
        super().__init__()
        self.linear_input = nn.Linear(bands * PATCH_PX**2, dim)
        self.transformer = Transformer(dim, depth, heads)

    def forward(self, pixels: Tensor, bias: Tensor) -> Tensor:
        """(B, bands, 8 h, 8 w) to (B, h * w, dim), row by row."""
        bands, height, width = (int(size) for size in pixels.shape[1:])
        cut = pixels.reshape(-1, bands, height // PATCH_PX, PATCH_PX, width // PATCH_PX, PATCH_PX)
        # A token lists its pixels band by band, and each band row by row.
        cut = cut.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
        tokens: Tensor = self.transformer(self.linear_input(cut), bias)
        return tokens


class JointEncoder(nn.Module):
    """Radar tokens that look at one another, then at the optical ones."""

    def __init__(self, dim: int, depth: int, heads: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.ModuleList([SelfAttention(dim, heads), CrossAttention(dim, heads), FeedForward(dim)])
            for _ in range(depth)
        )
        self.norm_out = nn.LayerNorm(dim)

    def forward(self, radar: Tensor, optical: Tensor, bias: Tensor) -> Tensor:
        """(B, N, dim) of each sensor to (B, N, dim)."""
        tokens = radar
        block: Any
        for block in self.layers:
            attention, cross, feed = block
            tokens = tokens + attention(tokens, bias)
            tokens = tokens + cross(tokens, optical, bias)
            tokens = tokens + feed(tokens)
        last: Tensor = self.norm_out(tokens)
        return last


def _head(dim: int) -> nn.Sequential:
    return nn.Sequential(nn.LayerNorm(dim), nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))


class Croma(nn.Module):
    """The parts of CROMA that one modality needs; all of them for `joint`."""

    def __init__(self, dim: int, depth: int, heads: int, modality: str = "joint") -> None:
        """Layers without weights that mean anything.

        Args:
            dim: of a token.
            depth: blocks of the optical encoder, even; the radar and the joint encoder have half as many.
            heads: of attention, a power of two that divides `dim`.
            modality: `joint`, `optical` or `radar`.
        """
        super().__init__()
        self.heads, self.modality = heads, modality
        if modality != "optical":
            self.s1_encoder = Encoder(RADAR_BANDS, dim, depth // 2, heads)
            self.s1_GAP_FFN = _head(dim)
        if modality != "radar":
            self.s2_encoder = Encoder(OPTICAL_BANDS, dim, depth, heads)
            self.s2_GAP_FFN = _head(dim)
        if modality == "joint":
            self.joint_encoder = JointEncoder(dim, depth // 2, heads)

    def encodings(self, pixels: Tensor) -> dict[str, Tensor]:
        """Everything that the network gives.

        Args:
            pixels: (B, C, 8 h, 8 w) float32 in 0..1; C is 2 (VV, VH) for `radar`, 12 (Sentinel-2 without B10) for
                `optical`, and those 12 followed by those 2 for `joint`.

        Returns:
            `radar`, `optical`, `joint`: (B, h * w, dim), row by row; `radar_pooled`, `optical_pooled`,
            `joint_pooled`: (B, dim), the last being the plain mean; those that the modality has.
        """
        rows, cols = (int(size) // PATCH_PX for size in pixels.shape[2:])
        bias = torch.from_numpy(distance_bias(self.heads, rows, cols)).to(pixels.device, pixels.dtype)[None]
        found: dict[str, Tensor] = {}
        if self.modality != "optical":
            found["radar"] = self.s1_encoder(pixels[:, -RADAR_BANDS:], bias)
            found["radar_pooled"] = self.s1_GAP_FFN(found["radar"].mean(dim=1))
        if self.modality != "radar":
            found["optical"] = self.s2_encoder(pixels[:, :OPTICAL_BANDS], bias)
            found["optical_pooled"] = self.s2_GAP_FFN(found["optical"].mean(dim=1))
        if self.modality == "joint":
            found["joint"] = self.joint_encoder(found["radar"], found["optical"], bias)
            found["joint_pooled"] = found["joint"].mean(dim=1)
        return found

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Map and vector of the modality.

        Args:
            pixels: as in `encodings`.

        Returns:
            (B, dim, h, w) and (B, dim).
        """
        found = self.encodings(pixels)
        rows, cols = (int(size) // PATCH_PX for size in pixels.shape[2:])
        tokens = found[self.modality].transpose(1, 2)
        return tokens.reshape(-1, int(tokens.shape[1]), rows, cols), found[f"{self.modality}_pooled"]
