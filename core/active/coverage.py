"""Places that leave no part of the embedding far from a label."""

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from ..heads.fitting import run_all
from ..progress import Progress
from .pool import Pick, Pool
from .spread import Spread

ODD_SHARE = 0.2
"""Of the candidates, the loneliest are not chosen: clouds, edges and single odd cells are far from everything and
stand for nothing. Without this k-centre is worse than chance (README)."""
NEIGHBOURS = 5
REFERENCES = 4000
"""Candidates among which neighbours are looked for."""


def suggest(pool: Pool, spread: Spread, count: int, progress: Progress) -> list[Pick]:
    """k-centre greedy with what is labelled as centres already.

    Source: Sener and Savarese 2018, arXiv:1708.00489
    """
    lonely, to_known = run_all([lambda: (loneliness(pool), _distance(pool.Z, pool.known.Z))], 1, progress.part(0, 0.5))[
        0
    ]
    fair = lonely <= np.quantile(lonely, 1 - ODD_SHARE)
    distance = to_known
    picks: list[Pick] = []
    while len(picks) < count and spread.ready():
        progress.checkpoint(0.5 + 0.5 * len(picks) / count)
        able = spread.open & fair if (spread.open & fair).any() else spread.open
        if np.isinf(distance).all():  # the first centre: the middle of everything
            index = int(np.where(able, _distance(pool.Z, pool.Z.mean(axis=0, keepdims=True)), np.inf).argmin())
            why = "like the average of the area; the first centre"
        else:
            index = int(np.where(able, distance, -np.inf).argmax())
            why = "unlike everything that is labelled or suggested so far"
        spread.take(index)
        picks.append(Pick(index, why))
        distance = np.minimum(distance, _distance(pool.Z, pool.Z[[index]]))
    return picks


def loneliness(pool: Pool) -> NDArray[np.float64]:
    """(n,) mean distance to the nearest of a draw of the candidates."""
    n = len(pool.Z)
    drawn = np.sort(pool.rng(3).permutation(n)[:REFERENCES])
    k = min(NEIGHBOURS + 1, len(drawn))
    distance, _ = NearestNeighbors(n_neighbors=k).fit(pool.Z[drawn]).kneighbors(pool.Z)
    return np.asarray(distance.mean(axis=1))


def _distance(Z: NDArray[np.float32], centres: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n,) to the nearest centre; infinite where there is none."""
    if not len(centres):
        return np.full(len(Z), np.inf)
    distance, _ = NearestNeighbors(n_neighbors=1).fit(centres).kneighbors(Z)
    return np.asarray(distance[:, 0])
