"""A cell and the eight around it, as numbers for the methods that look beyond a cell."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from shapely import STRtree

Float = NDArray[np.float32]
Int = NDArray[np.int64]
STEPS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""Rows and columns from a cell to its neighbours: from the north-west to the south-east."""
COMPONENTS = 32
"""Principal components of the features that stand for them here: nine cells of 768 would drown the variables."""


def neighbours_by_place(row: Int, column: Int, zone: Int) -> Int:
    """(N, 8) index of the cell at each of `STEPS`, -1 where there is none.

    Args:
        row: (N,) from the north.
        column: (N,) from the west.
        zone: (N,) cells of different zones are no neighbours.
    """
    where = {key: i for i, key in enumerate(zip(zone.tolist(), row.tolist(), column.tolist(), strict=True))}
    found = np.full((len(row), len(STEPS)), -1, np.int64)
    for (z, r, c), i in where.items():
        for k, (down, right) in enumerate(STEPS):
            found[i, k] = where.get((z, r + down, c + right), -1)
    return found


def neighbours_by_touch(geometry: NDArray[np.object_], middle: NDArray[np.float64]) -> Int:
    """(N, 8) index of cells that touch each cell, in the eighth of the compass where their middle lies.

    Args:
        geometry: (N,) polygons of one size or nearly so, in a metric CRS.
        middle: (N, 2) of them.
    """
    one, other = STRtree(geometry).query(geometry, predicate="intersects")
    one, other = one[one != other], other[one != other]
    found = np.full((len(geometry), len(STEPS)), -1, np.int64)
    along = middle[other] - middle[one]
    eighth = np.round(np.arctan2(along[:, 1], along[:, 0]) / (np.pi / 4)).astype(int) % 8
    place = np.array(
        [STEPS.index(step) for step in ((0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1), (1, 0), (1, 1))]
    )
    distance = np.hypot(*along.T)
    order = np.argsort(-distance, kind="stable")  # the nearest is written last
    found[one[order], place[eighth[order]]] = other[order]
    return found


@dataclass(frozen=True)
class NodeInputs:
    """Variables in standard deviations, and the first components of the features in one common scale.

    Attributes:
        mean: (v + D,) float32, of variables, then features.
        scale: (v,) float32, of the variables.
        axes: (D, k) float32, components divided by their common spread.
    """

    mean: Float
    scale: Float
    axes: Float

    @classmethod
    def fit(cls, variables: Float, features: Float) -> Self:
        """From the labelled cells.

        Args:
            variables: (n, v) float32, v may be 0.
            features: (n, D) float32, D may be 0.
        """
        both = np.concatenate([variables, features], axis=1).astype(np.float64)
        mean = both.mean(axis=0)
        v = variables.shape[1]
        spread = both[:, :v].std(axis=0)
        centred = both[:, v:] - mean[v:]
        axes = np.zeros((features.shape[1], 0))
        if features.shape[1] and len(both) > 1:
            values, vectors = np.linalg.eigh(centred.T @ centred / len(both))
            kept = np.argsort(-values)[: min(COMPONENTS, len(both) - 1)]
            total = values[kept].clip(0).sum() / len(kept)
            signs = np.sign(vectors[np.abs(vectors[:, kept]).argmax(axis=0), kept])
            axes = vectors[:, kept] * signs / np.sqrt(total if total > 0 else 1.0)
        single = [array.astype(np.float32) for array in (mean, np.where(spread > 0, spread, 1.0), axes)]
        return cls(*single)

    def __call__(self, variables: Float, features: Float) -> Float:
        """(n, v + k) float32; NaN where a variable or feature is."""
        v = len(self.scale)
        return np.concatenate(
            [(variables - self.mean[:v]) / self.scale, (features - self.mean[v:]) @ self.axes], axis=1, dtype=np.float32
        )


def around(nodes: Float, neighbours: Int) -> Float:
    """(n, 9, d + 1): a cell and its neighbours in the order of `STEPS`; the last number is 1 where there is a cell.

    Absent cells, and those with gaps, are all zeros, which is the mean of every number.

    Args:
        nodes: (N, d) float32.
        neighbours: (n, 9) index of the cell itself, then of its neighbours; -1: none.
    """
    whole = np.asarray(np.isfinite(nodes).all(axis=1))
    marked = np.concatenate([np.where(whole[:, None], nodes, 0), whole[:, None]], axis=1, dtype=np.float32)
    padded = np.concatenate([marked, np.zeros((1, marked.shape[1]), np.float32)])
    return padded[neighbours]
