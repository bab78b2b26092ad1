"""Principal components by eigenvalues of a covariance, with fixed signs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .contract import Float

NEGLIGIBLE = 1e-7
"""Share of the largest variance below which a component is rounding noise."""


@dataclass(frozen=True)
class Components:
    """scores = axes @ (x - mean)."""

    mean: Float
    """(F,) float32."""
    axes: Float
    """(D, F) float32, in falling order of variance."""
    variance: Float
    """(D,) float32, of the scores over the sample."""


def fit_components(
    features: NDArray[np.floating], wish: int, weights: NDArray[np.floating] | None = None
) -> Components:
    """Components of a sample, as many as wished or as the sample can tell apart, at least one.

    Args:
        features: (N, F); N may be 0.
        wish: components to keep; 0 keeps all.
        weights: (F,) factors on the features before; the axes returned hold them already.

    Returns:
        Axes whose largest element is positive, so that signs do not depend on the linear algebra library.
    """
    count = features.shape[1]
    factors = np.ones(count) if weights is None else np.asarray(weights, np.float64)
    mean = features.mean(axis=0, dtype=np.float64) if len(features) else np.zeros(count)
    centred = (features - mean) * factors
    values, vectors = np.linalg.eigh(centred.T @ centred / max(len(features), 1))
    values, vectors = np.maximum(values[::-1], 0), vectors[:, ::-1]
    telling = int((values > NEGLIGIBLE * values[0]).sum()) if values[0] > 0 else 0
    keep = max(1, min(wish or count, telling))
    axes = vectors[:, :keep].T
    largest = np.abs(axes).argmax(axis=1)
    axes = axes * np.where(axes[np.arange(keep), largest] < 0, -1, 1)[:, None]
    # Row after row, as they come back from a file: the linear algebra library rounds otherwise with other layouts.
    rows = np.ascontiguousarray(axes * factors, np.float32)
    return Components(mean.astype(np.float32), rows, values[:keep].astype(np.float32))
