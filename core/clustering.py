"""Clusters of vectors, found on a sample; every other vector joins the nearest."""

import warnings
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import silhouette_score
from sklearn.neighbors import NearestNeighbors

from .footing import Footing
from .heads.fitting import run_all
from .progress import Progress

Float = NDArray[np.float32]
Int = NDArray[np.int64]

COMPONENTS = {"kmeans": 50, "hdbscan": 15}
"""Kept before clustering; density means little in many dimensions."""
TRIED = range(2, 16)
STARTS = 3
JUDGED = 2000
"""Vectors on which silhouettes are taken: their cost grows with the square."""
FEWEST_IN_CLUSTER = 5
NONE = -1


@dataclass(frozen=True)
class Clusters:
    """k clusters, the largest first.

    Attributes:
        footing: scales and turns to components.
        sample: (n, K) components of the sample.
        of: (n,) cluster of each, 0..k-1, or `NONE`.
        centres: (k, K) means.
        silhouette: -1..1, mean over a draw of the sample; None where there are fewer than two clusters.
        by_centre: other vectors join the nearest centre; else the cluster of the nearest vector of the sample.
        tried: silhouette of each number of clusters that was tried.
    """

    footing: Footing
    sample: Float
    of: Int
    centres: Float
    silhouette: float | None
    by_centre: bool
    tried: dict[int, float]

    def joiner(self, threads: int) -> Any:
        """A function from (n, D) vectors to (n,) clusters."""
        points = self.centres if self.by_centre else self.sample
        names = np.arange(len(self.centres)) if self.by_centre else self.of
        nearest = NearestNeighbors(n_neighbors=1, n_jobs=threads).fit(points)
        return lambda X: names[nearest.kneighbors(self.footing(X), return_distance=False)[:, 0]]


def kmeans(X: Float, own_units: bool, count: int, seed: int, threads: int, progress: Progress) -> Clusters:
    """k-means; a count of 0 takes the number of clusters with the best silhouette.

    Source: Lloyd 1982; Arthur and Vassilvitskii 2007; Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7
    """
    footing = Footing.fit(X, own_units, COMPONENTS["kmeans"], turned=True)
    Z = footing(X)
    most = len(np.unique(Z, axis=0))
    wished = [count] if count else list(TRIED)
    counts = sorted({min(k, most) for k in wished})
    found = run_all([partial(_fit, Z, k, seed) for k in counts], threads, progress)
    tried = {k: silhouette(Z, of, seed) for k, of in zip(counts, found, strict=True)}
    best = max(range(len(counts)), key=lambda place: (_or_least(tried[counts[place]]), -place))
    told = {k: round(value, 4) for k, value in tried.items() if value is not None}
    return _ordered(footing, Z, found[best], tried[counts[best]], True, told)


def hdbscan(X: Float, own_units: bool, smallest_percent: float, seed: int, progress: Progress) -> Clusters:
    """Dense groups; what belongs to none keeps `NONE`.

    Source: Campello et al. 2013, doi:10.1007/978-3-642-37456-2_14
    """
    footing = Footing.fit(X, own_units, COMPONENTS["hdbscan"], turned=True)
    Z = footing(X)
    smallest = max(FEWEST_IN_CLUSTER, round(smallest_percent / 100 * len(Z)))
    if len(Z) <= smallest:
        return _ordered(footing, Z, np.full(len(Z), NONE, np.int64), None, False, {})
    model = HDBSCAN(min_cluster_size=smallest, min_samples=FEWEST_IN_CLUSTER, copy=True)
    of = run_all([lambda: model.fit_predict(Z)], 1, progress)[0].astype(np.int64)
    of = np.where(of < 0, NONE, of)
    return _ordered(footing, Z, of, silhouette(Z, of, seed), False, {})


def silhouette(Z: Float, of: Int, seed: int) -> float | None:
    """Mean over a draw of those that are in a cluster; None where there are fewer than two clusters."""
    inside = np.flatnonzero(of >= 0)
    drawn = np.random.default_rng([seed, 3]).permutation(inside)[:JUDGED]
    if not 2 <= len(np.unique(of[drawn])) < len(drawn):
        return None
    return float(silhouette_score(Z[drawn], of[drawn]))


def _fit(Z: Float, count: int, seed: int) -> Int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(KMeans(count, n_init=STARTS, random_state=seed).fit_predict(Z), np.int64)


def _ordered(
    footing: Footing, Z: Float, of: Int, score: float | None, by_centre: bool, tried: dict[int, float]
) -> Clusters:
    """The same with clusters numbered by size."""
    values, sizes = np.unique(of[of >= 0], return_counts=True)
    order = values[np.argsort(-sizes, kind="stable")]
    numbers = np.full(len(of), NONE, np.int64)
    centres = np.zeros((len(order), Z.shape[1]), np.float32)
    for number, value in enumerate(order):
        numbers[of == value] = number
        centres[number] = Z[of == value].mean(axis=0)
    return Clusters(footing, Z, numbers, centres, score, by_centre, tried)


def _or_least(score: float | None) -> float:
    return -2.0 if score is None else score
