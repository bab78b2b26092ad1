"""Nearest neighbours: the labelled cells that look most alike decide."""

import math
from typing import Any

from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline

from .build import HeadRequest
from .scaling import scaler_for

MOST_NEIGHBOURS = 15


def build(request: HeadRequest) -> Any:
    """Unfitted neighbours head: as many neighbours as the root of the number of samples, 15 at most.

    Brute force: in tens of dimensions trees are no quicker, and brute force stores nothing but arrays.
    """
    k = max(1, min(MOST_NEIGHBOURS, math.isqrt(request.n_samples)))
    if request.target == "class" and request.balance:
        k = max(1, min(k, 2 * request.smallest_class - 1))  # more, and the rarest class could never win
    kind = KNeighborsClassifier if request.target == "class" else KNeighborsRegressor
    neighbours = kind(n_neighbors=k, weights="distance", algorithm="brute", n_jobs=request.threads)
    return make_pipeline(scaler_for(request.own_units), neighbours)
