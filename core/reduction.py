"""Vectors to two or three coordinates, on a sample; and every other vector placed among the sample."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from .errors import EngineTooSmall
from .footing import Footing

Float = NDArray[np.float32]

MOST_COMPONENTS = 50
"""Kept before UMAP and t-SNE: distances hardly change, and time does."""
AMONG = 5
"""Neighbours of the sample between which a cell is placed."""
FEWEST = 4
"""Vectors below which there are no neighbourhoods to keep."""


@dataclass(frozen=True)
class Reduction:
    """A fitted reduction.

    Attributes:
        footing: scales and turns to components.
        sample: (n, K) components of the sample.
        coordinates: (n, d) float32 of the sample.
        exact: True where every vector has its own coordinates; False where it is placed among the sample.
    """

    footing: Footing
    sample: Float
    coordinates: Float
    exact: bool

    def placer(self, threads: int) -> Callable[[Float], Float]:
        """A function from (n, D) vectors to (n, d) coordinates.

        Beyond the sample a cell lies at the mean of its nearest neighbours in the space of the components, weighted by
        the inverse of the distance.
        """
        d = self.coordinates.shape[1]
        if self.exact:
            return lambda X: widened(self.footing(X), d)
        nearest = NearestNeighbors(n_neighbors=min(AMONG, len(self.sample)), n_jobs=threads).fit(self.sample)

        def place(X: Float) -> Float:
            distance, index = nearest.kneighbors(self.footing(X))
            weight = 1.0 / (distance + 1e-6 * (1.0 + distance.mean()))
            weight /= weight.sum(axis=1, keepdims=True)
            return np.asarray((weight[:, :, None] * self.coordinates[index]).sum(axis=1), np.float32)

        return place


def widened(Z: Float, d: int) -> Float:
    """The first d columns; zeros where there are fewer."""
    found = np.zeros((len(Z), d), np.float32)
    found[:, : min(d, Z.shape[1])] = Z[:, :d]
    return found


def check_method(method: str) -> None:
    """Say before the work that UMAP is missing.

    Raises:
        EngineTooSmall: the light engine has no UMAP.
    """
    if method == "umap":
        _umap()


def reduce(X: Float, own_units: bool, method: str, d: int, neighbours: int, seed: int) -> Reduction:
    """Fit `pca`, `umap` or `tsne` on a sample.

    Args:
        X: (n, D) float32.
        own_units: as in `scaler_for`.
        method: one of the three.
        d: 2 or 3.
        neighbours: of UMAP, perplexity of t-SNE; lowered where the sample is small.
        seed: decides what is drawn.

    Raises:
        EngineTooSmall: UMAP is asked for and not there.

    Source: McInnes et al. 2018, arXiv:1802.03426; van der Maaten and Hinton 2008, JMLR 9
    """
    footing = Footing.fit(X, own_units, MOST_COMPONENTS, turned=True)
    Z = footing(X)
    if method == "pca" or len(X) < FEWEST or not Z.any():
        return Reduction(footing, Z, widened(Z, d), exact=True)
    few = Z.shape[1] < d  # components to start from are lacking
    if method == "umap":
        model = _umap()(
            n_components=d, n_neighbors=min(neighbours, len(X) - 1), random_state=seed, n_jobs=1,
            init="random" if few or len(X) <= 3 * d else "pca",
        )  # fmt: skip
    else:
        perplexity = min(float(neighbours), (len(X) - 1) / 3)
        model = TSNE(d, perplexity=perplexity, init="random" if few else "pca", random_state=seed, n_jobs=1)
    with threadpool_limits(limits=1):  # OpenMP counts by thread, so the limit must be set where the work is done
        coordinates = np.asarray(model.fit_transform(Z), np.float32)
    return Reduction(footing, Z, coordinates, exact=False)


def _umap() -> Callable[..., Any]:
    try:
        from umap import UMAP
    except ImportError as error:
        raise EngineTooSmall(
            "UMAP needs the full engine: run 'Set up the engine' and choose 'full', or take pca or tsne."
        ) from error
    found: Callable[..., Any] = UMAP
    return found
