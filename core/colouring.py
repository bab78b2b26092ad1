"""Colours from coordinates: what lies near one another looks alike, to people."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]

STRETCH_PERCENT = (1.0, 99.0)
LIGHTNESS, LIGHTNESS_SPAN = 0.62, 0.26
CHROMA_SPAN = 0.13
"""In Oklab; with it few colours fall outside what screens show."""
HUES_APART = 6
"""Up to so many clusters differ by hue alone; more alternate in lightness as well."""

_TO_CONE = np.array([[1.0, 0.3963377774, 0.2158037573], [1.0, -0.1055613458, -0.0638541728],
                     [1.0, -0.0894841775, -1.2914855480]])  # fmt: skip
_TO_LINEAR = np.array([[4.0767416621, -3.3077115913, 0.2309699292], [-1.2684380046, 2.6097574011, -0.3413193965],
                       [-0.0041960863, -0.7034186147, 1.7076147010]])  # fmt: skip


def from_oklab(lab: Float) -> NDArray[np.uint8]:
    """(n, 3) sRGB bytes 1..255 of (n, 3) Oklab; 0 is left for nodata.

    Source: Ottosson 2020, https://bottosson.github.io/posts/oklab/
    """
    linear = np.clip((lab @ _TO_CONE.T) ** 3 @ _TO_LINEAR.T, 0.0, 1.0)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.asarray(np.clip(np.round(255 * srgb), 1, 255), np.uint8)


@dataclass(frozen=True)
class Palette:
    """From reduced coordinates to colours: the longest axis becomes lightness, the others red-green and yellow-blue.

    Attributes:
        mean: (d,) of the sample.
        axes: (d, d), longest first.
        low, high: (d,) ends of the stretch along each axis.
    """

    mean: Float
    axes: Float
    low: Float
    high: Float

    @classmethod
    def fit(cls, coordinates: NDArray[np.floating]) -> Self:
        """Learn from (n, d) coordinates, d = 2 or 3."""
        exact = coordinates.astype(np.float64)
        mean = exact.mean(axis=0)
        _, vectors = np.linalg.eigh(np.cov((exact - mean).T) if len(exact) > 1 else np.eye(exact.shape[1]))
        axes = vectors[:, ::-1].T
        largest = np.take_along_axis(axes, np.abs(axes).argmax(axis=1)[:, None], axis=1)
        axes = axes * np.where(largest < 0, -1.0, 1.0)
        low, high = np.percentile((exact - mean) @ axes.T, STRETCH_PERCENT, axis=0)
        return cls(mean, axes, low, np.where(high > low, high, low + 1.0))

    def __call__(self, coordinates: NDArray[np.floating]) -> NDArray[np.uint8]:
        """(n, 3) bytes 1..255."""
        turned = (coordinates.astype(np.float64) - self.mean) @ self.axes.T
        place = np.clip(2 * (turned - self.low) / (self.high - self.low) - 1, -1, 1)
        first, second = place[:, 0], place[:, 1]
        # With two axes alone, the first also runs from blue to yellow, or the picture would lack half of the colours.
        third = place[:, 2] if place.shape[1] > 2 else 0.7 * first
        lightness = LIGHTNESS + LIGHTNESS_SPAN * first
        return from_oklab(np.stack([lightness, CHROMA_SPAN * second, CHROMA_SPAN * third], axis=1))


def hexed(colours: NDArray[np.uint8]) -> list[str]:
    """`#rrggbb` of each."""
    return [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in colours]


def cluster_colours(centres: NDArray[np.floating]) -> list[str]:
    """A colour for each of (k, K) centres: hues go round in the order in which centres lie about their middle."""
    count = len(centres)
    exact = centres.astype(np.float64) - centres.mean(axis=0)
    flat = np.zeros((count, 2))
    if count > 1:
        _, _, axes = np.linalg.svd(exact, full_matrices=False)
        turned = exact @ axes[:2].T
        flat[:, : turned.shape[1]] = turned
    rank = np.argsort(np.argsort(np.arctan2(flat[:, 1], flat[:, 0]), kind="stable"), kind="stable")
    hue = 2 * np.pi * (rank / count) + 0.5
    lightness = np.full(count, 0.68) if count <= HUES_APART else np.where(rank % 2, 0.56, 0.78)
    return hexed(from_oklab(np.stack([lightness, 0.125 * np.cos(hue), 0.125 * np.sin(hue)], axis=1)))
