"""Galileo on a series as it is stored: pixels of all dates in, NaN where there are none, a vector for each patch out.

Numbers: `config/normalization.json` of https://github.com/nasaharvest/galileo (MIT), in the form "std" of its training.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, pad

from .galileo import NDVI, SPACE_TIME, Galileo, Group

MOST_TOKENS = 4096
"""Of windows of one patch each, computed at once: more gain nothing."""
LEAST_SHARE = 0.5
"""Of a patch's pixels at a date; with fewer it is as if the date were not there for this patch."""
PUBLISHED = {
    "vv": (-11.728724389184965, 4.887145774840316), "vh": (-18.85558188024017, 5.730270320384293),
    "blue": (1395.3408730676722, 917.7041440370853), "green": (1338.4026921784578, 913.2988423581528),
    "red": (1343.09883810357, 1092.678723527555), "rededge1": (1543.8607982512297, 1047.2206083460424),
    "rededge2": (2186.2022069512263, 1048.0101611156767), "rededge3": (2525.0932853316694, 1143.6903026819996),
    "nir": (2410.3377187373408, 1098.979177731649), "nir_narrow": (2750.2854646886753, 1204.472755085893),
    "swir1": (2234.911100061487, 1145.9774063078878), "swir2": (1474.5311266077113, 980.2429840007796),
}  # fmt: skip
"""Mean and standard deviation in pretraining: decibels, and reflectance x 10000 without offset."""


@dataclass(frozen=True)
class Part:
    """One group of bands and where its numbers are."""

    group: str
    dates: tuple[int, ...]
    """Places in the series."""
    bands: tuple[tuple[int, ...], ...]
    """For each date, of each role of the group, the place among all bands."""


def parts_of(roles: Sequence[str], dates: Sequence[int]) -> tuple[Part, ...]:
    """Groups that are whole at one date or more.

    Args:
        roles: of each band.
        dates: of each band, its place in the series.

    Returns:
        In the order of `SPACE_TIME`.
    """
    place = {(role, date): number for number, (role, date) in enumerate(zip(roles, dates, strict=True))}
    made = []
    for name, wanted in SPACE_TIME.items():
        whole = [date for date in sorted(set(dates)) if all((role, date) in place for role in wanted)]
        if whole:
            bands = tuple(tuple(place[role, date] for role in wanted) for date in whole)
            made.append(Part(name, tuple(whole), bands))
    return tuple(made)


class Series(nn.Module):
    """An encoder for one arrangement of bands and dates; `forward` is the map of it.

    Gaps are not invented: a patch that has less than half of its pixels at a date is not seen at that date; where it
    has half or more, the others get the mean of those.
    """

    def __init__(
        self, network: Galileo, parts: Sequence[Part], roles: Sequence[str], months: Sequence[int], *,
        patch_px: int, pixel_m: float, alone: bool = False,
    ) -> None:  # fmt: skip
        """As in `Galileo.tokens`; `roles` of all bands; `alone`: each patch is a window of its own."""
        super().__init__()
        self.network, self.parts, self.months = network, tuple(parts), tuple(months)
        self.patch_px, self.pixel_m, self.alone = patch_px, pixel_m, alone
        numbers = torch.tensor([PUBLISHED[role] for role in roles], dtype=torch.float64)
        # 0..1 from two standard deviations below the mean to two above, not cut.
        self.register_buffer("low", (numbers[:, 0] - 2 * numbers[:, 1]).float()[:, None, None])
        self.register_buffer("width", (4 * numbers[:, 1]).float()[:, None, None])

    def forward(self, pixels: Tensor) -> Tensor:
        """The mean of each patch's tokens.

        Args:
            pixels: (B, C, H, W) float32, decibels and reflectance x 10000, NaN for none; sides multiples of the patch.

        Returns:
            (B, dim, h, w) float32, 0 where nothing is seen at any date.
        """
        rows, cols = (int(side) // self.patch_px for side in pixels.shape[2:])
        return self._means(pixels)[0].transpose(1, 2).reshape(-1, self.network.dim, rows, cols)

    def pooled(self, pixels: Tensor) -> Tensor:
        """(B, dim), the mean of all tokens of a window of any size; a patch that it cuts counts if half is there."""
        right, low = (-int(side) % self.patch_px for side in (pixels.shape[3], pixels.shape[2]))
        means, counts = self._means(pad(pixels, (0, right, 0, low), value=torch.nan))
        return (means * counts).sum(dim=1) / counts.sum(dim=1).clamp(min=1)

    def _means(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Mean of the tokens of each patch, (B, h * w, dim), and how many were seen, (B, h * w, 1)."""
        if not self.alone:
            return self._of_windows(pixels)
        side, (bands, height, width) = self.patch_px, (int(size) for size in pixels.shape[1:])
        cut = pixels.reshape(-1, bands, height // side, side, width // side, side).permute(0, 2, 4, 1, 3, 5)
        windows = cut.reshape(-1, bands, side, side)
        most = max(1, MOST_TOKENS // sum(len(part.dates) for part in self.parts))
        some = (windows,) if torch.onnx.is_in_onnx_export() else torch.split(windows, most)
        means, counts = (torch.cat(parts) for parts in zip(*map(self._of_windows, some), strict=True))
        patches = (height // side) * (width // side)
        return means.reshape(-1, patches, self.network.dim), counts.reshape(-1, patches, 1)

    def _of_windows(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """The same for windows whose patches look at one another."""
        exported = torch.onnx.is_in_onnx_export()
        known = ~pixels.isnan()
        if not exported and bool(known.all()):
            tokens, _ = self._tokens([self._group(part, pixels, None) for part in self.parts])
            return tokens.mean(dim=2), torch.full_like(tokens[:, :, 0, :1], tokens.shape[2])
        groups = [self._group(part, torch.where(known, pixels, 0.0), known) for part in self.parts]
        if not exported:
            groups = [seen for group in groups if (seen := _seen_ones(group)).dates] or groups[:1]
        shown = torch.cat([_flat(group.seen) for group in groups], dim=2)
        # Attention to nothing is not a number: where no token is seen, all are, and count for nothing afterwards.
        dark = ~shown.flatten(1).any(dim=1)
        tokens, _ = self._tokens(
            [replace(group, seen=cast(Tensor, group.seen) | dark[:, None, None, None]) for group in groups]
        )
        weights = shown.to(tokens)
        counts = weights.sum(dim=2, keepdim=True)
        return (tokens * weights[..., None]).sum(dim=2) / counts.clamp(min=1), counts

    def _tokens(self, groups: Sequence[Group]) -> tuple[Tensor, Tensor | None]:
        return self.network.tokens(groups, self.months, self.patch_px, self.pixel_m)

    def _group(self, part: Part, pixels: Tensor, known: Tensor | None) -> Group:
        """Normalised pixels of a group, gaps filled; and the patches that are seen."""
        bands = torch.tensor(part.bands, device=pixels.device)
        found = pixels[:, bands]
        if part.group == NDVI:
            red, nir = found[:, :, :1], found[:, :, 1:]
            total = red + nir
            found = torch.where(total > 0, (nir - red) / torch.where(total > 0, total, 1.0), 0.0)
        else:
            found = (found - cast(Tensor, self.low)[bands]) / cast(Tensor, self.width)[bands]
        if known is None:
            return Group(part.group, part.dates, found)
        there = known[:, bands].all(dim=2).to(found)
        share = avg_pool2d(there, self.patch_px)
        there = there[:, :, None]
        sums = avg_pool2d((found * there).flatten(1, 2), self.patch_px).reshape(*found.shape[:3], *share.shape[2:])
        mean = sums / share.clamp(min=1e-6)[:, :, None]
        for axis in (3, 4):
            mean = mean.repeat_interleave(self.patch_px, dim=axis)
        return Group(part.group, part.dates, torch.where(there > 0, found, mean), share >= LEAST_SHARE)


def _seen_ones(group: Group) -> Group:
    """A group at the dates at which one patch at least is seen: the others change nothing and cost time."""
    seen = cast(Tensor, group.seen)
    dates = seen.flatten(2).any(dim=2).any(dim=0).nonzero().flatten()
    if len(dates) == len(group.dates):
        return group
    return Group(
        group.name, tuple(group.dates[date] for date in dates.tolist()), group.pixels[:, dates], seen[:, dates]
    )


def _flat(seen: Tensor | None) -> Tensor:
    """(B, T, h, w) to (B, h * w, T)."""
    return cast(Tensor, seen).flatten(2).transpose(1, 2)
