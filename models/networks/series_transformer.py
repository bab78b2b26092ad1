"""The spatio-temporal transformer (ST) and the spatial one (S): one value for each date of a cell's series.

They differ in the sequence alone: ST sees the patches of all dates together, S those of one date at a time. Token
order is time-major: all patches of the first date row by row, then those of the second.

Source: Jarry, Chaumont, Berti-Equille & Subsol 2023, IGARSS, DOI 10.1109/IGARSS52108.2023.10282306.
"""

from dataclasses import replace

import torch
from torch import Tensor, nn

from .series_parts import (
    CLASS_TOKEN,
    EPSILON,
    OVER_DIM,
    Encoder,
    Patches,
    SeriesSize,
    bounded,
    check_pixels,
    positions,
)


class SpatioTemporal(nn.Module):
    """ST: tokens of all dates in one sequence.

    Pooling as published averages each token over its own numbers, so that the head sees one number a token. A head
    over the mean of a date's tokens is shared by all dates; from a class token, one dense layer gives all dates.
    """

    FOLLOWS_OUTPUTS = ("head.",)
    """Beginnings of the names of weights whose shape may depend on the number of dates."""

    def __init__(self, size: SeriesSize) -> None:
        """Layers without weights that mean anything; see `initialise`."""
        super().__init__()
        self.size = size
        self.patches = Patches(size.bands, size.dim, size.patch_px)
        self.encoder = Encoder(size)
        self.norm = nn.LayerNorm(size.dim, EPSILON)
        if size.pooling == CLASS_TOKEN:
            self.token = nn.Parameter(torch.zeros(size.dim))
        if size.pooling == OVER_DIM:
            self.head = nn.Linear(size.dates * size.patches, size.dates)
        else:
            self.head = nn.Linear(size.dim, size.dates if size.pooling == CLASS_TOKEN else 1)

    def forward(self, pixels: Tensor, seen: Tensor | None = None) -> Tensor:
        """Values of all dates.

        Args:
            pixels: (B, T, C, h, w) float32 as the network was trained with, finite.
            seen: (B, T) bool, dates that count, at least one in each row; None: all. Pixels of the others tell
                nothing, whatever they hold.

        Returns:
            (B, T) float32. What stands at dates that are not seen is the network's guess without them.

        Raises:
            UnusableModel: of another number of dates, bands or pixels.
        """
        check_pixels(pixels, self.size, dates=True)
        tokens, known = self.tokens(pixels, seen)
        tokens = self.norm(self.encoder(tokens, known))
        return bounded(self._pooled(tokens, known), self.size.output)

    def tokens(self, pixels: Tensor, seen: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The sequence (B, N, dim) that the encoder gets, and which of it counts, (B, N) bool or None."""
        made = self.patches(pixels)
        if seen is not None:
            made = made.masked_fill(~seen[:, :, None, None], 0.0)
        made = made.flatten(1, 2)
        made = made + torch.from_numpy(positions(made.shape[1], self.size.dim)).to(made)
        known = None if seen is None else seen.repeat_interleave(self.size.patches, dim=1)
        if self.size.pooling == CLASS_TOKEN:
            made = torch.cat([self.token.expand(len(made), 1, -1), made], dim=1)
            known = None if known is None else torch.cat([torch.ones_like(known[:, :1]), known], dim=1)
        return made, known

    def _pooled(self, tokens: Tensor, known: Tensor | None) -> Tensor:
        """(B, T) before the output is bounded."""
        made: Tensor
        if self.size.pooling == CLASS_TOKEN:
            made = self.head(tokens[:, 0])
        elif self.size.pooling == OVER_DIM:
            means = tokens.mean(dim=2)
            made = self.head(means if known is None else means * known)
        else:
            of_dates = tokens.reshape(len(tokens), self.size.dates, self.size.patches, self.size.dim)
            made = self.head(of_dates.mean(dim=2))[..., 0]
        return made


class Spatial(SpatioTemporal):
    """S: each date by itself, whatever their number."""

    def __init__(self, size: SeriesSize) -> None:
        """Layers for one date; the `dates` of the size do not matter."""
        super().__init__(replace(size, dates=1))

    def forward(self, pixels: Tensor, seen: Tensor | None = None) -> Tensor:
        """(B, T, C, h, w) to (B, T), T any; dates that are not `seen` have no influence on others anyway."""
        values: Tensor = super().forward(pixels.flatten(0, 1)[:, None])
        return values.reshape(pixels.shape[0], pixels.shape[1])
