"""What the transformers for series of small images share: patches, positions, attention, blocks, how they start.

Sizes by default are those published; how a cell's series becomes tokens and values is in `series_transformer.py` and
`series_factorised.py`.

Source: Jarry, Chaumont, Berti-Equille & Subsol 2023, IGARSS, DOI 10.1109/IGARSS52108.2023.10282306; facts of the
architecture from their public program (robin-j412/spatial-vs-spatiotemporal, revision a734d7b).
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention, softplus

from ..errors import UnusableModel

OVER_DIM, OVER_TOKENS, CLASS_TOKEN = "token-mean-over-dim", "mean-over-tokens", "class-token"
POOLINGS = (OVER_DIM, OVER_TOKENS, CLASS_TOKEN)
OUTPUTS = ("relu", "softplus", "linear")
EPSILON = 1e-6
"""Of all norms."""
WIDER = 4
"""The middle of the feed-forward part is so many times as wide as a token."""


@dataclass(frozen=True)
class SeriesSize:
    """What a network is built from; the defaults are those published.

    Attributes:
        bands: C of each date.
        dates: T of the series.
        cell_px: side of the square that is seen at each date.
        patch_px: side of a token's square, a divisor of `cell_px`.
        dim: of a token, even.
        heads: of attention, each as wide as a token, so that attention is `heads * dim` wide inside.
        depth: blocks; of the factorised network so many in time and so many in space.
        pooling: one of `POOLINGS`: the mean of each token over its numbers (published), the mean over the tokens of a
            date, or a token of its own for all.
        output: one of `OUTPUTS`: how a value is bounded below; `relu` is published.
        dropout: of attention, in training.
    """

    bands: int = 6
    dates: int = 21
    cell_px: int = 32
    patch_px: int = 8
    dim: int = 72
    heads: int = 4
    depth: int = 2
    pooling: str = OVER_DIM
    output: str = "relu"
    dropout: float = 0.1

    def __post_init__(self) -> None:
        """Refuse what cannot be built.

        Raises:
            UnusableModel: in a sentence.
        """
        if min(self.bands, self.dates, self.cell_px, self.patch_px, self.dim, self.heads, self.depth) < 1:
            raise UnusableModel("A network for series needs at least one band, date, pixel, head and block.")
        if self.cell_px % self.patch_px:
            raise UnusableModel(
                f"A cell of {self.cell_px} px cannot be cut into patches of {self.patch_px} px. Choose a patch size "
                "that divides the cell size, a quarter of it as published."
            )
        if self.dim % 2:
            raise UnusableModel(f"Tokens of {self.dim} numbers have no positions: choose an even number.")
        if self.pooling not in POOLINGS or self.output not in OUTPUTS:
            raise UnusableModel(
                f"There is no pooling '{self.pooling}' with output '{self.output}'. Poolings: {', '.join(POOLINGS)}; "
                f"outputs: {', '.join(OUTPUTS)}."
            )

    @property
    def patches(self) -> int:
        """Tokens of one date."""
        return (self.cell_px // self.patch_px) ** 2


@lru_cache(maxsize=8)
def positions(count: int, dim: int) -> NDArray[np.float32]:
    """(count, dim) float32: sine at even, cosine at odd numbers, of the place in the sequence at falling frequencies.

    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.5.
    """
    pair = np.arange(dim) // 2
    angles = np.arange(count)[:, None] / np.power(10000.0, 2 * pair / dim)
    return np.where(np.arange(dim) % 2, np.cos(angles), np.sin(angles)).astype(np.float32)


class Patches(nn.Module):
    """One strided convolution, the same at all dates."""

    def __init__(self, bands: int, dim: int, patch_px: int) -> None:
        super().__init__()
        self.projection = nn.Conv2d(bands, dim, patch_px, patch_px)

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, T, C, h, w) float32 to (B, T, patches, dim), patches row by row."""
        made: Tensor = self.projection(pixels.flatten(0, 1))
        made = made.flatten(2).transpose(1, 2)
        return made.reshape(pixels.shape[0], pixels.shape[1], made.shape[1], made.shape[2])


class Attention(nn.Module):
    """Among all tokens of a sequence; each head is as wide as a token."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.query, self.key, self.value = (nn.Linear(dim, heads * dim) for _ in range(3))
        self.out = nn.Linear(heads * dim, dim)

    def forward(self, tokens: Tensor, seen: Tensor | None) -> Tensor:
        """(B, N, dim) to the same shape; tokens that are not `seen`, (B, N) bool, are looked at by none."""
        query, key, value = (
            layer(tokens).reshape(*tokens.shape[:2], self.heads, -1).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        mask = None if seen is None else seen[:, None, None, :]
        dropout = self.dropout if self.training else 0.0
        mixed = scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
        added: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return added


class Block(nn.Module):
    """Attention and feed-forward, each normalised first; GELU follows both dense layers, as published."""

    def __init__(self, dim: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(dim, EPSILON), Attention(dim, heads, dropout)
        self.norm2 = nn.LayerNorm(dim, EPSILON)
        self.dense1, self.dense2 = nn.Linear(dim, WIDER * dim), nn.Linear(WIDER * dim, dim)

    def forward(self, tokens: Tensor, seen: Tensor | None) -> Tensor:
        """(B, N, dim) to the same shape."""
        tokens = tokens + cast(Tensor, self.attention(self.norm1(tokens), seen))
        return tokens + gelu(self.dense2(gelu(self.dense1(self.norm2(tokens)))))


class Encoder(nn.Module):
    """Blocks one after the other."""

    def __init__(self, size: SeriesSize) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(Block(size.dim, size.heads, size.dropout) for _ in range(size.depth))

    def forward(self, tokens: Tensor, seen: Tensor | None = None) -> Tensor:
        """(B, N, dim) to the same shape; see `Attention`."""
        for block in self.blocks:
            tokens = block(tokens, seen)
        return tokens


def bounded(values: Tensor, output: str) -> Tensor:
    """Values of one of `OUTPUTS`."""
    if output == "linear":
        return values
    return torch.relu(values) if output == "relu" else softplus(values)


def check_pixels(pixels: Tensor, size: SeriesSize, dates: bool) -> None:
    """Refuse a series of another shape.

    Args:
        pixels: (B, T, C, h, w).
        size: of the network.
        dates: whether the number of dates must be that of the network too.

    Raises:
        UnusableModel: says what differs.
    """
    found, wanted = tuple(pixels.shape[2:]), (size.bands, size.cell_px, size.cell_px)
    if found != wanted:
        raise UnusableModel(
            f"The network takes {wanted[0]} bands of {wanted[1]} x {wanted[2]} px at each date; these are {found[0]} "
            f"of {found[1]} x {found[2]} px. Choose the bands and the cell size that it was trained with."
        )
    if dates and pixels.shape[1] != size.dates:
        raise UnusableModel(
            f"This network was trained on {size.dates} dates and reads a series as a whole; here are "
            f"{pixels.shape[1]}. Choose a series of {size.dates} dates, or train on this one; only the spatial "
            "transformer, which looks at one date at a time, takes any number."
        )


def initialise(network: nn.Module, seed: int) -> None:
    """Weights as Keras starts them: uniform within Glorot's limits, biases 0; learned tokens and positions normal.

    Args:
        network: of this family.
        seed: the same seed, the same weights.

    Source: Glorot & Bengio 2010; Keras counts an attention kernel (dim, heads, width) as a convolution of `dim`
    places from `heads` to `width` channels.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.zero_()
            elif parameter.ndim == 1:
                parameter.fill_(1.0)
            elif name.endswith("weight"):
                limit = math.sqrt(6 / _fans(name, tuple(parameter.shape), network))
                parameter.uniform_(-limit, limit, generator=generator)
            else:
                parameter.normal_(generator=generator)


def _fans(name: str, shape: tuple[int, ...], network: nn.Module) -> int:
    """Numbers that go into and come out of a kernel together, counted as Keras does."""
    owner = network.get_submodule(name.rpartition(".")[0].rpartition(".")[0])
    if isinstance(owner, Attention):
        inner, dim = max(shape), min(shape)
        if name.endswith("out.weight"):
            return owner.heads * (inner // owner.heads + dim)
        return dim * (owner.heads + inner // owner.heads)
    return (shape[0] + shape[1]) * math.prod(shape[2:])
