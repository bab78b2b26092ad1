"""How vectors are brought to one footing before distances and angles between them are taken.

Cosines are taken after the average is away: without that 98 % of the cells of a Sentinel-2 scene had a cosine above
0.92 to their mean. Mean average precision of cells of the same class in other polygons, bands by their own scale: 76.8
and 99.6 % (village, Para) against 62.0 and 90.4 % as they are, but 62.7 against 67.7 % on the scene from Cameroon.
Embeddings by one common scale 88.1, 99.8 and 80.5 %, by a scale for each dimension 43.1, 88.1 and 60.3 %.
Figures: python tests/benchmarks/bench_suggest.py likeness
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from . import components
from .heads.scaling import scaler_for

Float = NDArray[np.float32]


@dataclass(frozen=True)
class Footing:
    """Scaled as heads scale, then turned to the strongest components where there are more dimensions than wanted.

    Attributes:
        mean: (D,) float32, taken away first.
        scale: (D,) float32, divides what is left.
        axes: (K, D) float32 of the components, or None where the dimensions stay as they are.
        explained: share of the variance that the components hold.
    """

    mean: Float
    scale: Float
    axes: Float | None = None
    explained: float = 1.0

    @classmethod
    def fit(cls, X: Float, own_units: bool, most: int = 0, turned: bool = False) -> Self:
        """Learn from a sample.

        Args:
            X: (n, D) float32.
            own_units: as in `scaler_for`.
            most: components to keep; 0 keeps the dimensions as they are.
            turned: components also where there are no more dimensions than `most`.
        """
        scaler = scaler_for(own_units).fit(X)
        mean, scale = scaler.mean_.astype(np.float32), np.asarray(scaler.scale_, np.float32)
        if not most or (X.shape[1] <= most and not turned):
            return cls(mean, scale)
        scaled = ((X - mean) / scale).astype(np.float32)
        axes = components.fit(scaled, min(most, X.shape[1])).axes
        whole = float(scaled.var(axis=0, dtype=np.float64).sum())
        held = float((scaled @ axes.T).var(axis=0, dtype=np.float64).sum())
        return cls(mean, scale, axes, min(held / whole, 1.0) if whole > 0 else 1.0)

    def __call__(self, X: Float) -> Float:
        """(n, K) float32 of (n, D)."""
        scaled = (np.asarray(X, np.float32) - self.mean) / self.scale
        return scaled if self.axes is None else np.asarray(scaled @ self.axes.T, np.float32)


def unit(Z: Float) -> Float:
    """Rows of length 1; a row of zeros stays."""
    length = np.linalg.norm(Z, axis=1, keepdims=True)
    return np.asarray(Z / np.where(length > 0, length, 1.0), np.float32)
