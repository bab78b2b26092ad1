"""Galileo: one transformer over all dates, groups of bands and patches of a small window.

A group of bands (S1, the colours, the red edges ...) of one patch at one date is one token. Patches may have 1 to 8
px: the kernels of 8 px are resized by pseudo-inverse. Tokens carry group, place in the series, month and place in the
window.

Source: Tseng et al. 2025, "Galileo: Learning Global & Local Features of Many Remote Sensing Modalities",
arXiv:2502.09356; weights: https://github.com/nasaharvest/galileo (MIT).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import conv2d, interpolate, scaled_dot_product_attention

LARGEST_PATCH_PX = 8
MOST_DATES = 24
METRES = 10.0
"""Side of a pixel in pretraining; places in the window are counted in it."""
NDVI = "NDVI"
SPACE_TIME = {
    "S1": ("vv", "vh"),
    "S2_RGB": ("blue", "green", "red"),
    "S2_Red_Edge": ("rededge1", "rededge2", "rededge3"),
    "S2_NIR_10m": ("nir",),
    "S2_NIR_20m": ("nir_narrow",),
    "S2_SWIR": ("swir1", "swir2"),
    NDVI: ("red", "nir"),
}
"""Roles of the bands of each group, in the order of the official file; the last is one number made of two bands."""
CHANNELS = {name: 1 if name == NDVI else len(roles) for name, roles in SPACE_TIME.items()}
_SPACE = {"SRTM": 2, "DW": 9, "WC": 5}
_TIME = {"ERA5": 2, "TC": 3, "VIIRS": 1}
_STATIC = {"LS": 1, "location": 3, "DW_static": 9, "WC_static": 5}
"""Of inputs that are not fed here; their weights are part of the official file."""


@dataclass(frozen=True)
class Size:
    """Of the transformer."""

    dim: int
    depth: int
    heads: int


def sines(dim: int, places: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sines, then cosines, of places at falling frequencies.

    The exponents run from 0 to 1/4 only, as in the official code.

    Args:
        dim: even.
        places: (N,) float32.

    Returns:
        (N, dim) float32.
    """
    exponents = torch.arange(dim // 2, device="cpu") / dim / 2.0
    angles = torch.from_numpy(places)[:, None] * (1.0 / 10000**exponents)
    return cast(NDArray[np.float32], torch.cat([angles.sin(), angles.cos()], dim=1).numpy())


@lru_cache(maxsize=8)
def places_in_window(dim: int, rows: int, cols: int, ratio: float) -> NDArray[np.float32]:
    """Half for the column, half for the row of a patch, counted in `METRES`.

    Args:
        dim: a multiple of 4.
        rows: of patches.
        cols: of patches.
        ratio: side of a patch in `METRES`.

    Returns:
        (rows * cols, dim) float32, patches row by row.
    """
    row, col = (axis.ravel().astype(np.float32) * np.float32(ratio) for axis in np.mgrid[:rows, :cols])
    return np.concatenate([sines(dim // 2, col), sines(dim // 2, row)], axis=1)


def month_table(dim: int) -> Tensor:
    """(12, dim): sine and cosine of the month on the circle of the year, each dim / 2 times; January is first."""
    angles = torch.arange(0, 12) / (12 / (2 * np.pi))
    return torch.cat([angles.sin()[:, None].expand(-1, dim // 2), angles.cos()[:, None].expand(-1, dim // 2)], dim=1)


@lru_cache(maxsize=8)
def resizing(patch_px: int) -> NDArray[np.float32]:
    """(patch_px^2, 64) float32: what turns a kernel of 8 px into one of a smaller patch.

    The pseudo-inverse of bicubic, antialiased resizing: a small patch and its enlargement give the same token.

    Source: Beyer et al. 2023 (FlexiViT), arXiv:2212.08013.
    """
    side = LARGEST_PATCH_PX
    basis = torch.eye(side * side, device="cpu").reshape(-1, 1, side, side)
    small = interpolate(basis, (patch_px, patch_px), mode="bicubic", antialias=True)
    return cast(NDArray[np.float32], torch.linalg.pinv(small.reshape(side * side, -1)).numpy())


class Patches(nn.Module):
    """The kernel of one group."""

    def __init__(self, channels: int, dim: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, dim, LARGEST_PATCH_PX, LARGEST_PATCH_PX)

    def kernel(self, patch_px: int) -> Tensor:
        """(dim, channels, patch_px, patch_px)."""
        weight = self.proj.weight
        if patch_px == LARGEST_PATCH_PX:
            return weight
        small = weight.flatten(2) @ torch.from_numpy(resizing(patch_px).T).to(weight)
        return small.reshape(*weight.shape[:2], patch_px, patch_px)


class Attention(nn.Module):
    """Among all tokens of a window."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.proj = (nn.Linear(dim, dim) for _ in range(4))

    def forward(self, tokens: Tensor, seen: Tensor | None) -> Tensor:
        """(B, N, dim) to the same shape; tokens that are not `seen`, (B, N) bool, are looked at by none."""
        count, dim = int(tokens.shape[1]), int(tokens.shape[2])

        def apart(part: Tensor) -> Tensor:
            return part.reshape(-1, count, self.heads, dim // self.heads).transpose(1, 2)

        mask = None if seen is None else seen[:, None, None, :]
        query, key, value = (apart(layer(tokens)) for layer in (self.q, self.k, self.v))
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=mask)
        added: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return added


class FeedForward(nn.Module):
    """Four times as wide, GELU, and back."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.fc1, self.act, self.fc2 = nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim)

    def forward(self, tokens: Tensor) -> Tensor:
        """(..., dim) to the same shape."""
        made: Tensor = self.fc2(self.act(self.fc1(tokens)))
        return made


class Block(nn.Module):
    """Attention and feed-forward, each normalised first."""

    def __init__(self, dim: int, heads: int) -> None:
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(dim), Attention(dim, heads)
        self.norm2, self.mlp = nn.LayerNorm(dim), FeedForward(dim)

    def forward(self, tokens: Tensor, seen: Tensor | None) -> Tensor:
        """(B, N, dim) to the same shape."""
        tokens = tokens + self.attn(self.norm1(tokens), seen)
        return tokens + cast(Tensor, self.mlp(self.norm2(tokens)))


@dataclass(frozen=True)
class Group:
    """Pixels of one group of bands at some dates."""

    name: str
    """See `SPACE_TIME`."""
    dates: tuple[int, ...]
    """Places in the series, T of them."""
    pixels: Tensor
    """(B, T, channels, H, W) float32, normalised, with something at every pixel."""
    seen: Tensor | None = None
    """(B, T, h, w) bool, the patches that count; None: all."""


class Galileo(nn.Module):
    """The encoder, with everything that the official file holds."""

    def __init__(self, size: Size) -> None:
        """Layers without weights that mean anything."""
        super().__init__()
        dim, quarter = size.dim, size.dim // 4
        self.dim = dim
        self.blocks = nn.ModuleList(Block(dim, size.heads) for _ in range(size.depth))
        self.pos_embed = nn.Parameter(torch.zeros(MOST_DATES, quarter), requires_grad=False)
        self.month_embed = nn.Embedding(12, quarter)
        for name, members in (("s_t", SPACE_TIME), ("sp", _SPACE), ("t", _TIME), ("st", _STATIC)):
            setattr(self, f"{name}_channel_embed", nn.Parameter(torch.zeros(len(members), quarter)))
        self.space_time_embed = nn.ModuleDict({name: Patches(count, dim) for name, count in CHANNELS.items()})
        self.space_embed = nn.ModuleDict({name: Patches(count, dim) for name, count in _SPACE.items()})
        self.time_embed = nn.ModuleDict({name: nn.Linear(count, dim) for name, count in _TIME.items()})
        self.static_embed = nn.ModuleDict({name: nn.Linear(count, dim) for name, count in _STATIC.items()})
        self.norm = nn.LayerNorm(dim)

    def tokens(
        self, groups: Sequence[Group], months: Sequence[int], patch_px: int, pixel_m: float
    ) -> tuple[Tensor, Tensor | None]:
        """All tokens of each patch.

        Args:
            groups: that are there; all of the same height and width, multiples of `patch_px`.
            months: 1 to 12, of each place in the series, `MOST_DATES` at most.
            patch_px: 1 to 8.
            pixel_m: side of a pixel in metres.

        Returns:
            (B, h * w, K, dim) float32, patches row by row, K the dates of all groups together; and which of them
            count, (B, h * w, K) bool, or None where all do. At least one token of each window must count.
        """
        parts = [self._embedded(group, months, patch_px, pixel_m) for group in groups]
        found = torch.cat(parts, dim=2)
        patches, kinds = int(found.shape[1]), int(found.shape[2])
        seen = None
        if any(group.seen is not None for group in groups):
            seen = torch.cat([_seen(group, part) for group, part in zip(groups, parts, strict=True)], dim=2)
        flat = None if seen is None else seen.flatten(1)
        found = found.flatten(1, 2)
        for block in self.blocks:
            found = block(found, flat)
        found = self.norm(found)
        return found.reshape(-1, patches, kinds, self.dim), seen

    def _embedded(self, group: Group, months: Sequence[int], patch_px: int, pixel_m: float) -> Tensor:
        """(B, h * w, T, dim) of one group, with all that says what, when and where."""
        layer = cast(Patches, self.space_time_embed[group.name])
        dates = len(group.dates)
        made = conv2d(group.pixels.flatten(0, 1), layer.kernel(patch_px), layer.proj.bias, stride=patch_px)
        rows, cols = int(made.shape[2]), int(made.shape[3])
        made = made.reshape(-1, dates, self.dim, rows * cols).permute(0, 3, 1, 2)
        kind = cast(Tensor, self.s_t_channel_embed)[list(SPACE_TIME).index(group.name)].expand(dates, -1)
        month = self.month_embed.weight[[months[date] - 1 for date in group.dates]]
        when = torch.cat([kind, self.pos_embed[list(group.dates)], month], dim=1)
        ratio = pixel_m * patch_px / METRES
        where = torch.from_numpy(places_in_window(self.dim // 4, rows, cols, ratio)).to(made)
        return made + torch.cat([when.expand(rows * cols, -1, -1), where[:, None].expand(-1, dates, -1)], dim=2)


def _seen(group: Group, part: Tensor) -> Tensor:
    """(B, h * w, T) bool."""
    if group.seen is None:
        return torch.ones_like(part[..., 0], dtype=torch.bool)
    return group.seen.flatten(2).transpose(1, 2)
