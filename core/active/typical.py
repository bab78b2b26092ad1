"""Places that stand for many others: the densest place of the largest clusters that hold no label yet."""

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from ..footing import unit
from ..heads.fitting import run_all
from ..progress import Progress
from .grouping import groups_of
from .pool import Pick, Pool
from .spread import Spread

NEIGHBOURS = 20
"""Of the published method: typicality is the inverse of the mean distance to them."""
MOST_CLUSTERS = 500
SMALLEST_CLUSTER = 5
"""Smaller ones are left for last, as published."""


def suggest(pool: Pool, spread: Spread, count: int, progress: Progress) -> list[Pick]:
    """The most typical place of each cluster, clusters without labels first and of these the largest.

    Vectors count by their direction from the average, as published: by length as well, a few bright kinds of surface
    would take most of the clusters.

    Source: Hacohen et al. 2022, arXiv:2202.02794
    """
    Z, known = unit(pool.Z), unit(pool.known.Z)
    clusters = max(1, min(pool.known.count + count, MOST_CLUSTERS, len(pool.Z)))
    seed = int(pool.rng(2).integers(2**31))
    everything = np.concatenate([Z, known])  # labels take part in the clustering
    found = run_all([lambda: groups_of(everything, clusters, seed)], 1, progress.part(0.0, 0.7))[0]
    of, of_known = found[: len(Z)], found[len(Z) :]
    typical = run_all([lambda: typicality(Z, of)], 1, progress.part(0.7, 0.9))[0]
    size = np.bincount(of, minlength=clusters)
    covered = np.zeros(clusters, np.int64)
    for number in np.unique(pool.known.of):
        covered[np.unique(of_known[pool.known.of == number])] += 1
    picks: list[Pick] = []
    while len(picks) < count and spread.ready():
        progress.checkpoint(0.9)
        # A cluster whose places are all closed by the spacing has to wait.
        alive = np.flatnonzero(np.bincount(of[spread.open], minlength=clusters))
        small = size[alive] < SMALLEST_CLUSTER
        best = alive[np.lexsort((alive, -size[alive], covered[alive], small))[0]]
        index = int(np.where(spread.open & (of == best), typical, -np.inf).argmax())
        why = f"typical of {100 * size[best] / len(of):.2g} % of the area"
        picks.append(Pick(index, f"{why}, which has no label yet" if not covered[best] else why))
        covered[best] += 1
        spread.take(index)
    return picks


def typicality(Z: NDArray[np.float32], of: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) inverse of the mean distance to the nearest neighbours in the same cluster."""
    typical = np.zeros(len(Z))
    for cluster in np.unique(of):
        members = np.flatnonzero(of == cluster)
        if len(members) == 1:
            continue
        k = min(NEIGHBOURS, len(members) - 1)
        distance, _ = NearestNeighbors(n_neighbors=k).fit(Z[members]).kneighbors()
        typical[members] = 1.0 / (distance.mean(axis=1) + 1e-12)
    return typical
