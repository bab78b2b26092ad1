"""Which training examples are most like a place, and which stand best for a class."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from .footing import unit
from .progress import Progress

Float = NDArray[np.float32]
Int = NDArray[np.int64]

ROWS = 256
"""Places whose distances to all examples are held at once."""


@dataclass(frozen=True)
class Link:
    """One example of one place."""

    place: int
    rank: int
    """From 1."""
    example: int
    """Row of the examples."""
    distance: float
    similarity: float
    """Cosine, -1..1."""


def nearest_examples(
    Z: Float, examples: Float, of: Int, y: Int, count: int, each_class: bool, progress: Progress
) -> list[Link]:
    """The nearest labels of each place, one cell for each label.

    Args:
        Z: (p, K) places.
        examples: (m, K) cells of labels, those of one label together.
        of: (m,) label of each, in rising order.
        y: (m,) class of each; equal within a label.
        count: wanted for each place, or for each place and class.
        each_class: of every class so many.
        progress: told while searching.
    """
    starts = np.flatnonzero(np.diff(of, prepend=of[0] - 1))
    squares = (examples.astype(np.float64) ** 2).sum(axis=1)
    directions = unit(examples)
    links = []
    for begin in range(0, len(Z), ROWS):
        progress.checkpoint(begin / len(Z))
        part = Z[begin : begin + ROWS].astype(np.float64)
        square = (part**2).sum(axis=1)[:, None] + squares - 2 * part @ examples.T.astype(np.float64)
        for row, distances in enumerate(np.sqrt(np.maximum(square, 0.0))):
            best = np.array([
                start + int(distances[start:end].argmin())
                for start, end in zip(starts, [*starts[1:], len(examples)], strict=True)
            ])  # fmt: skip
            ranked = best[np.argsort(distances[best], kind="stable")]
            place = begin + row
            cosine = directions @ unit(Z[[place]])[0]
            for value in np.unique(y) if each_class else [None]:
                mine = ranked if value is None else ranked[y[ranked] == value]
                links += [
                    Link(place, rank + 1, int(at), float(distances[at]), float(cosine[at]))
                    for rank, at in enumerate(mine[:count])
                ]
    return links


@dataclass(frozen=True)
class Prototype:
    """An example that stands for a part of its class."""

    value: int
    rank: int
    """From 1, by share."""
    example: int
    share: float
    """Of the examples of the class that are nearest to this one's cluster."""


def prototypes(examples: Float, y: Int, count: int, seed: int) -> list[Prototype]:
    """The medoid examples of each class: those nearest to the centres of as many clusters.

    Source: Bien and Tibshirani 2011, doi:10.1214/11-AOAS495 (why examples rather than means)
    """
    found = []
    for value in np.unique(y):
        members = np.flatnonzero(y == value)
        Z = examples[members]
        clusters = min(count, len(np.unique(Z, axis=0)))
        model = KMeans(clusters, n_init=3, random_state=seed).fit(Z)
        distance = model.transform(Z)
        sizes = np.bincount(model.labels_, minlength=clusters)
        for rank, cluster in enumerate(np.argsort(-sizes, kind="stable")):
            inside = np.flatnonzero(model.labels_ == cluster)
            medoid = inside[distance[inside, cluster].argmin()]
            found.append(Prototype(int(value), rank + 1, int(members[medoid]), float(sizes[cluster] / len(Z))))
    return found
