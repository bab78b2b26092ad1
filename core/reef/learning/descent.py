"""From the probabilities of labels to one way down the tree, and to the few labels that are shown as suggestions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .hierarchy import steps_down
from .numbered import ROOT, Float, Int, NumberedTree

SUGGESTED = 5


@dataclass(frozen=True)
class Descent:
    """The most probable way of each point, from a root down to a label."""

    nodes: Int
    """(N, L) node at each level; `ROOT` below the label at which the way ends."""
    confidence: Float
    """(N, L) probability that the node or anything below it is true; 0 where there is no node. Never rises."""

    @property
    def labels(self) -> Int:
        """(N,) number of the label at the end of the way."""
        length = (self.nodes != ROOT).sum(axis=1)
        return np.asarray(self.nodes[np.arange(len(self.nodes)), length - 1])

    def at(self, rows: NDArray[Any]) -> "Descent":
        """Of some points."""
        return Descent(self.nodes[rows], self.confidence[rows])

    def until(self, thresholds: Sequence[float]) -> Int:
        """(N,) the deepest node that is trusted, `ROOT` where not even a root is.

        Args:
            thresholds: least confidence at each level; the way ends above the first level that lacks it.
        """
        given = self.trusted(thresholds).sum(axis=1)
        padded = np.concatenate([np.full((len(self.nodes), 1), ROOT, dtype=np.int64), self.nodes], axis=1)
        return np.asarray(padded[np.arange(len(padded)), given])

    def trusted(self, thresholds: Sequence[float]) -> NDArray[np.bool_]:
        """(N, L) nodes whose confidence, and that of all above, passes."""
        passed = (self.nodes != ROOT) & (self.confidence >= np.asarray(thresholds)[None, : self.nodes.shape[1]])
        return np.asarray(np.logical_and.accumulate(passed, axis=1))


def descend(tree: NumberedTree, label_shares: Float, classes: Int) -> Descent:
    """At each node the most probable child, until a leaf or until "stop here" is more probable than any.

    Args:
        tree: of the labels.
        label_shares: (N, C) probability of each class; of a tree or a flat head.
        classes: (C,) numbers of labels, rising.
    """
    shares, nexts = tree.shares(label_shares, classes), steps_down(tree.parents, classes)
    own = np.zeros_like(shares)
    own[:, classes] = label_shares
    nodes = np.full((len(shares), int(tree.levels.max())), ROOT, dtype=np.int64)
    confidence = np.zeros(nodes.shape)
    at, done = np.full(len(shares), ROOT, dtype=np.int64), np.zeros(len(shares), bool)
    for level in range(nodes.shape[1]):
        for node in np.unique(at[~done]):
            rows = np.flatnonzero((at == node) & ~done)
            options = np.unique(list(nexts[int(node)].values()))
            mass = np.where(options == node, own[rows][:, options], shares[rows][:, options])
            at[rows] = options[mass.argmax(axis=1)]
            done[rows] = at[rows] == node  # stop here: the node above is the label
        going = np.flatnonzero(~done)
        nodes[going, level], confidence[going, level] = at[going], shares[going, at[going]]
        done[going] = ~np.isin(at[going], list(nexts))
    return Descent(nodes, np.minimum.accumulate(confidence, axis=1))


def suggestions(label_shares: Float, classes: Int, count: int = SUGGESTED) -> tuple[Int, Float]:
    """The most probable labels of each point, the most probable first, and their confidences.

    Args:
        label_shares: (N, C).
        classes: (C,) numbers of labels.
        count: of suggestions; fewer when there are fewer classes.

    Returns:
        (N, count) int64 and (N, count) float64.
    """
    order = np.argsort(-label_shares, axis=1, kind="stable")[:, :count]
    return classes[order], np.take_along_axis(label_shares, order, axis=1)
