"""Which training examples are most like a place, and which stand best for a class."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans

from .footing import unit
from .progress import Progress

Float = NDArray[np.float32]
Int = NDArray[np.int64]

MOST_DISTANCES = 4_000_000
"""Held at once, so that many places and many examples need bounded memory."""


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
    ends = np.append(starts[1:], len(examples))
    kinds = y[starts]
    squares = (examples.astype(np.float64) ** 2).sum(axis=1)
    directions = unit(examples)
    rows = max(1, MOST_DISTANCES // len(examples))
    links: list[Link] = []
    for begin in range(0, len(Z), rows):
        part = Z[begin : begin + rows].astype(np.float64)
        square = (part**2).sum(axis=1)[:, None] + squares - 2 * part @ examples.T.astype(np.float64)
        to_label = np.minimum.reduceat(square, starts, axis=1)
        for row, order in enumerate(np.argsort(to_label, axis=1, kind="stable")):
            progress.checkpoint((begin + row) / len(Z))
            direction = unit(Z[[begin + row]])[0]
            for value in np.unique(y) if each_class else [None]:
                mine = order if value is None else order[kinds[order] == value]
                for rank, label in enumerate(mine[:count]):
                    at = int(starts[label] + square[row, starts[label] : ends[label]].argmin())
                    distance = float(np.linalg.norm(examples[at].astype(np.float64) - part[row]))
                    links.append(Link(begin + row, rank + 1, at, distance, float(directions[at] @ direction)))
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
