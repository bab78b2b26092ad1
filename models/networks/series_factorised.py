"""The factorised transformer (TSViT): first over the dates of each patch, then over the patches of a cell.

Made for classification, with a learned token for each class; here each date to be told has one. At every patch these
tokens look at all dates of that patch; then those of one date, of all patches, look at one another. Attention costs
T^2 a patch and patches^2 a date, instead of (T patches)^2 in the spatio-temporal transformer.

Blocks are those of `series_parts.py`, so that networks differ in their sequences alone; the authors' have one GELU in
the feed-forward part instead of two. Positions in time and in space are learned, as theirs are.

Source: Tarasiou, Chavez & Zafeiriou 2023, "ViTs for SITS: Vision Transformers for Satellite Image Time Series",
arXiv:2301.04944.
"""

import torch
from torch import Tensor, nn

from .series_parts import CLASS_TOKEN, EPSILON, OVER_DIM, Encoder, Patches, SeriesSize, bounded, check_pixels


class Factorised(nn.Module):
    """TSViT with one token for each date; published pooling is by class token."""

    FOLLOWS_OUTPUTS = ("head.", "asking", "when")
    """Beginnings of the names of weights whose shape may depend on the number of dates."""

    def __init__(self, size: SeriesSize) -> None:
        """Layers without weights that mean anything; see `series_parts.initialise`."""
        super().__init__()
        self.size = size
        self.patches = Patches(size.bands, size.dim, size.patch_px)
        self.when = nn.Parameter(torch.zeros(size.dates, size.dim))
        self.where = nn.Parameter(torch.zeros(size.patches, size.dim))
        self.asking = nn.Parameter(torch.zeros(size.dates, size.dim))
        self.in_time, self.in_space = Encoder(size), Encoder(size)
        self.norm = nn.LayerNorm(size.dim, EPSILON)
        if size.pooling == CLASS_TOKEN:
            self.token = nn.Parameter(torch.zeros(size.dim))
        self.head = nn.Linear(size.patches if size.pooling == OVER_DIM else size.dim, 1)

    def forward(self, pixels: Tensor, seen: Tensor | None = None) -> Tensor:
        """Values of all dates.

        Args:
            pixels: (B, T, C, h, w) float32 as the network was trained with, finite.
            seen: (B, T) bool, dates that count; None: all.

        Returns:
            (B, T) float32; at dates that are not seen, the network's guess without them.

        Raises:
            UnusableModel: of another number of dates, bands or pixels.
        """
        check_pixels(pixels, self.size, dates=True)
        dates = self.size.dates
        made = self.patches(pixels)
        if seen is not None:
            made = made.masked_fill(~seen[:, :, None, None], 0.0)
        made = made.transpose(1, 2) + self.when  # (B, P, T, dim)
        series = torch.cat([self.asking.expand(*made.shape[:2], -1, -1), made], dim=2).flatten(0, 1)
        told = self.in_time(series, self._known(seen))[:, :dates]
        places = told.reshape(len(pixels), self.size.patches, dates, -1).transpose(1, 2) + self.where  # (B, T, P, dim)
        places = places.flatten(0, 1)
        if self.size.pooling == CLASS_TOKEN:
            places = torch.cat([self.token.expand(len(places), 1, -1), places], dim=1)
        values = self._pooled(self.norm(self.in_space(places)))
        return bounded(values.reshape(len(pixels), dates), self.size.output)

    def _known(self, seen: Tensor | None) -> Tensor | None:
        """(B P, 2 T): the tokens that ask always count, those of dates where these were seen."""
        if seen is None:
            return None
        return torch.cat([torch.ones_like(seen), seen], dim=1).repeat_interleave(self.size.patches, dim=0)

    def _pooled(self, tokens: Tensor) -> Tensor:
        """(B T, 1) from the tokens of one date."""
        if self.size.pooling == CLASS_TOKEN:
            pooled = tokens[:, 0]
        else:
            pooled = tokens.mean(dim=2 if self.size.pooling == OVER_DIM else 1)
        values: Tensor = self.head(pooled)
        return values
