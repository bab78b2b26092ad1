"""Where a head may be trusted at all: how unlike its training samples a place is, against what testing has seen.

The dissimilarity of a place is its distance to the nearest training sample, in units of the mean distance between
training samples; features are scaled, and weighted by how much the head needs them. Its threshold comes from samples
that were kept apart in folds: places more unlike than those are outside the area of applicability.

Source: Meyer and Pebesma 2021, doi:10.1111/2041-210X.13650; the R package CAST, version 1, is their implementation
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import pairwise_distances_chunked
from sklearn.neighbors import NearestNeighbors

from .heads.inner import thinned

Float = NDArray[np.float64]
MOST_VECTORS = 3000
"""Training vectors that are kept. The search takes 13 s a megapixel and core with so many of 64 dimensions."""
MOST_NUMBERS = 2**21
"""Of all kept vectors together, 8 MB: of 2048 dimensions 1024 vectors are kept."""
TREE_DIMENSIONS = 4
"""Up to here a tree finds the nearest sample quicker than comparing all (measured: 2 against 10 s a megapixel)."""
WHISKER = 1.5
"""Times the distance between the quartiles, above the upper one."""


@dataclass(frozen=True)
class Applicability:
    """Training vectors as they are compared, and the threshold."""

    kept: NDArray[np.int64]
    """(d,) features that weigh something."""
    centre: NDArray[np.float32]
    """(d,) taken from a feature."""
    factor: NDArray[np.float32]
    """(d,) weight over scale."""
    vectors: NDArray[np.float32]
    """(n, d) training samples, centred and multiplied."""
    mean_distance: float
    """Between training samples."""
    threshold: float
    """Largest dissimilarity, in mean distances, that counts as inside."""
    facts: dict[str, Any] = field(default_factory=dict)
    """How it came about, plain JSON values."""

    def dissimilarity(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """(m,) float32: dissimilarity over the threshold; at most 1 is inside.

        Args:
            X: (m, D) as the head gets them.
        """
        if not len(X):
            return np.empty(0, np.float32)
        distance = self._search.kneighbors(self.transform(X))[0][:, 0]
        return np.asarray(distance / (self.mean_distance * self.threshold), np.float32)

    def transform(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """(m, d) as they are compared."""
        return np.asarray((X[:, self.kept] - self.centre) * self.factor)

    @property
    def _search(self) -> NearestNeighbors:
        # Built anew for each block of thousands of places, in well under a millisecond.
        kind = "kd_tree" if len(self.kept) <= TREE_DIMENSIONS else "brute"
        return NearestNeighbors(n_neighbors=1, algorithm=kind).fit(self.vectors)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """For the file of the head."""
        return {
            "kept": self.kept, "centre": self.centre, "factor": self.factor, "vectors": self.vectors,
            "scale": np.array([self.mean_distance, self.threshold]),
        }  # fmt: skip

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], dimensions: int) -> Self:
        """What `arrays` gave.

        Raises:
            ValueError: arrays are missing, or of shapes that do not belong together.
        """
        missing = {"kept", "centre", "factor", "vectors", "scale"} - set(arrays)
        if missing:
            raise ValueError(f"lacks {', '.join(sorted(missing))}")
        kept, vectors, scale = arrays["kept"], arrays["vectors"], arrays["scale"].astype(np.float64).ravel()
        d = kept.size
        whole = kept.ndim == 1 and kept.dtype.kind == "i" and d > 0 and kept.min() >= 0 and kept.max() < dimensions
        whole = whole and arrays["centre"].shape == arrays["factor"].shape == (d,) and scale.size == 2
        whole = whole and vectors.ndim == 2 and len(vectors) > 0 and vectors.shape[1] == d and bool((scale > 0).all())
        if not whole or not all(np.isfinite(array).all() for array in arrays.values()):
            raise ValueError("its training vectors are not whole")
        return cls(kept, arrays["centre"], arrays["factor"], vectors, float(scale[0]), float(scale[1]))


def learn(
    X: NDArray[np.float32],
    groups: NDArray[np.int64],
    fold: NDArray[np.int64] | None,
    weight: Float,
    seed: int,
) -> Applicability | None:
    """What training samples tell.

    Args:
        X: (N, D) float32.
        groups: (N,) int64.
        fold: (N,) fold in which each sample was kept apart, -1 where never; None: every group is a fold of its own.
        weight: (D,) importance, at least 0; all 0 counts as all alike.
        seed: decides which samples are kept of many.

    Returns:
        The training vectors and threshold, or None when samples of other folds are all alike or absent.
    """
    kept, centre, factor = _scaling(X, weight)
    if not len(kept):
        return None
    most = min(MOST_VECTORS, MOST_NUMBERS // len(kept))
    few = thinned(np.zeros(len(X)), groups, seed, most)
    vectors = ((X[few][:, kept] - centre) * factor).astype(np.float32)
    parts = np.unique(groups[few], return_inverse=True)[1] if fold is None else fold[few]
    mean, nearest = distances(vectors, parts)
    inside = nearest[np.isfinite(nearest) & (parts >= 0)]
    if not len(inside) or not mean > 0:
        return None
    threshold = upper_whisker(inside / mean)
    if not threshold > 0:
        return None
    facts = {
        "threshold": threshold, "mean_distance": mean, "vectors": len(vectors), "features": len(kept),
        "folds": len(np.unique(parts[parts >= 0])), "fold_kind": "groups" if fold is None else "folds of groups",
    }  # fmt: skip
    return Applicability(kept, centre, factor, vectors, mean, threshold, facts)


def _scaling(
    X: NDArray[np.float32], weight: Float
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Features to compare, what is taken from them, what they are multiplied by.

    Dimensions of an embedding are standardised, too: their importance holds how much they vary already.
    """
    weight = np.maximum(weight, 0.0)
    weight = weight if weight.max(initial=0.0) > 0 else np.ones(X.shape[1])
    spread = X.std(axis=0, dtype=np.float64, ddof=1) if len(X) > 1 else np.zeros(X.shape[1])
    kept = np.flatnonzero((weight > 0) & (spread > 0))
    if not len(kept):
        return kept, np.empty(0, np.float32), np.empty(0, np.float32)
    factor = weight[kept] / weight[kept].max() / spread[kept]
    return kept, X[:, kept].mean(axis=0, dtype=np.float64).astype(np.float32), factor.astype(np.float32)


def distances(vectors: NDArray[np.float32], fold: NDArray[np.int64]) -> tuple[float, Float]:
    """Mean distance of all pairs, and the distance of each sample to the nearest of another fold, infinite if none.

    Args:
        vectors: (n, d).
        fold: (n,); samples of -1 were never kept apart, so they are neighbours of all others.
    """
    count, total, start = len(vectors), 0.0, 0
    nearest = np.full(count, np.inf)
    for block in pairwise_distances_chunked(vectors.astype(np.float64), working_memory=64):
        rows = slice(start, start + len(block))
        total += float(block.sum())
        same = fold[rows][:, None] == fold[None, :]
        nearest[rows] = np.where(same, np.inf, block).min(axis=1)
        start += len(block)
    return (total / (count * (count - 1)) if count > 1 else 0.0), nearest


def upper_whisker(values: Float) -> float:
    """Upper quartile and one and a half times the distance between the quartiles, at most the largest value."""
    low, high = np.quantile(values, [0.25, 0.75])
    return float(min(high + WHISKER * (high - low), values.max()))
