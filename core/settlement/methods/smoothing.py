"""What is said of a cell, averaged with what is said of those around it: favelas are patches of many cells."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree
from scipy.special import expit, logit

from ...errors import BadInput

Float = NDArray[np.float64]
Int = NDArray[np.int64]
REACH = 3.0
"""Standard deviations beyond which a cell counts no more."""
MOST_PAIRS = 50_000_000
"""Of cells that count for one another; some 12 bytes each."""
SUREST = 0.01
"""Nearer to 0 and 1 a probability counts no more: a forest says 0 lightly."""


def weights_around(xy_m: Float, deviation_m: float) -> csr_matrix:
    """(N, N) Gaussian weight of each cell for each other one.

    Args:
        xy_m: (N, 2) metres.
        deviation_m: standard deviation of the Gaussian.

    Raises:
        BadInput: so wide that memory would not hold the weights.
    """
    tree = cKDTree(xy_m)
    pairs = int(tree.count_neighbors(tree, REACH * deviation_m))
    if pairs > MOST_PAIRS:
        raise BadInput(
            f"Averaging over {deviation_m:g} m takes {pairs / len(xy_m):,.0f} neighbours for each of {len(xy_m):,} "
            "cells, more than memory holds. Give a smaller distance: two or three cells are usual."
        )
    near = tree.sparse_distance_matrix(tree, REACH * deviation_m, output_type="coo_matrix").tocsr()
    near.data = np.exp(-0.5 * np.square(near.data / deviation_m))
    near.setdiag(1.0)
    return near


def smoothed(ranked: Float, near: csr_matrix) -> Float:
    """(n,) log odds averaged by weight; NaN where a cell itself has none.

    Args:
        ranked: (N,) from 0 to 1, NaN for cells that do not count.
        near: (n, N) weights; the first n cells are those asked about.
    """
    known = np.isfinite(ranked)
    odds = np.where(known, logit(np.clip(np.nan_to_num(ranked, nan=0.5), SUREST, 1 - SUREST)), 0.0)
    total = near @ known.astype(np.float64)
    mean = np.divide(near @ odds, total, out=np.zeros(len(total)), where=total > 0)
    return np.where(known[: len(mean)], expit(mean), np.nan)
