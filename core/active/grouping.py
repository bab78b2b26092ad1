"""k-means that does not mind equal vectors."""

import warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans, MiniBatchKMeans
from sklearn.exceptions import ConvergenceWarning

EXACT_CLUSTERS = 50
"""With more, k-means works on batches."""
BATCH = 4096


def groups_of(Z: NDArray[np.float32], count: int, seed: int) -> NDArray[np.int64]:
    """(n,) number of the group of each vector, below `count`; fewer groups where vectors are equal."""
    batches = count > EXACT_CLUSTERS
    model = (
        MiniBatchKMeans(count, n_init=1, random_state=seed, batch_size=BATCH)
        if batches
        else KMeans(count, n_init=1, random_state=seed)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(model.fit_predict(Z), np.int64)
