"""A classifier at each branching of the label tree, and a flat one to compare with.

Labels at inner nodes ("hard coral", when nobody could tell the species) are learnt as one more child, "stop here", of
the node that they name. A label is as probable as the product of the steps down to it; so the probabilities of all
labels sum to 1, and a node is as probable as the labels at and below it together.

Source: local classifier per parent node: Silla and Freitas 2011, doi:10.1007/s10618-010-0175-9; on corals: Blondin et
al. 2024, arXiv:2412.08228. Reference: hiclass.LocalClassifierPerParentNode, which has no "stop here".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import validate_data

from .local import Fit
from .numbered import ROOT, Float, Int, NumberedTree


class LocalPerParent(BaseEstimator):  # type: ignore[misc]
    """Top-down classifier of labels in a tree.

    Made by `fit_tree` and `fit_flat`.

    Args:
        parents: (K,) number of the parent of each label, `ROOT` at roots; parents stand before their children.

    Attributes:
        classes_: ndarray of shape (C,). Numbers of the labels that were in training, at leaves and inner nodes.
        nodes_: list of int. Nodes with a choice, `ROOT` first when the roots are one.
        heads_: list of fitted classifiers, one for each of `nodes_`. Their classes are the numbers of children; that of
            the node itself means "stop here".
    """

    def __init__(self, parents: Sequence[int] = (ROOT,)) -> None:
        self.parents = parents

    @classmethod
    def of(cls, parents: Sequence[int], classes: Int, heads: Mapping[int, Any], n_features: int) -> Self:
        """Fitted heads put together.

        Args:
            parents: as of the class.
            classes: (C,) numbers of labels, rising.
            heads: fitted head of each node with a choice.
            n_features: columns of X.
        """
        made = cls([int(parent) for parent in parents])
        made.classes_, made.n_features_in_ = np.asarray(classes, np.int64), int(n_features)
        made.nodes_, made.heads_ = [int(node) for node in sorted(heads)], [heads[node] for node in sorted(heads)]
        return made

    def check_whole(self) -> None:
        """Refuse what does not lead from the roots to the labels; of a file that was damaged or forged.

        Raises:
            ValueError: parents that do not stand before their children, or heads that lead elsewhere.
        """
        count = len(self.parents)
        ways = [node == ROOT or 0 <= node < count for node in self.nodes_]
        ways += [ROOT <= parent < child for child, parent in enumerate(self.parents)]
        ways += [0 <= label < count for label in self.classes_.tolist()]
        for node, head in zip(self.nodes_, self.heads_, strict=True):
            children = np.asarray(head.classes_).tolist()
            ways += [child == node or (0 <= child < count and self.parents[child] == node) for child in children]
        if not all(ways) or not len(self.classes_) or not (np.diff(self.classes_) > 0).all():
            raise ValueError("a tree of labels that leads nowhere")

    def step_shares(self, X: Any) -> dict[int, Float]:
        """At each of `nodes_` the probabilities of its children, given the node: (n_samples, children) each."""
        X = validate_data(self, X, reset=False, dtype=[np.float32, np.float64])
        return {
            node: np.asarray(head.predict_proba(X), np.float64)
            for node, head in zip(self.nodes_, self.heads_, strict=True)
        }

    def step_classes(self) -> dict[int, Int]:
        """At each of `nodes_` the children that columns of `step_shares` stand for; the node itself: "stop here"."""
        return {node: np.asarray(head.classes_, np.int64) for node, head in zip(self.nodes_, self.heads_, strict=True)}

    def predict_proba(self, X: Any) -> Float:
        """Probability of each of `classes_`, (n_samples, C): the product of the steps down to it."""
        shares = self.step_shares(X)
        return products(self.parents, self.classes_, self.step_classes(), shares, len(X))

    def predict(self, X: Any) -> Int:
        """Number of the label of each row of X: the most probable child at each node, from the top down."""
        shares, classes = self.step_shares(X), self.step_classes()
        nexts = steps_down(self.parents, self.classes_)
        at = np.full(len(X), ROOT, dtype=np.int64)
        done = np.zeros(len(X), bool)
        while not done.all():
            for node in np.unique(at[~done]):
                rows = np.flatnonzero((at == node) & ~done)
                children = np.unique(list(nexts[int(node)].values()))
                best = classes[node][shares[node][rows].argmax(axis=1)] if node in shares else children[:1]
                at[rows] = best
                done[rows] = (at[rows] == node) | ~np.isin(at[rows], list(nexts))
        return at


def steps_down(parents: Sequence[int], classes: Int) -> dict[int, dict[int, int]]:
    """At each node above a label: where the way to each label goes on, a child or, at its end, the node itself.

    Nodes with nothing below them among the labels are not listed: they are leaves, whatever the tree holds.
    """
    ways: dict[int, dict[int, int]] = {}
    for label in (int(label) for label in classes):
        node = label
        while node != ROOT:
            ways.setdefault(int(parents[node]), {})[label] = node
            node = int(parents[node])
    for label in (int(label) for label in classes):
        if label in ways:
            ways[label][label] = label
    return dict(sorted(ways.items()))


def products(
    parents: Sequence[int], classes: Int, step_classes: Mapping[int, Int], step_shares: Mapping[int, Float], n: int
) -> Float:
    """(n, C) probability of each label from the probabilities of the steps; a node without a choice is certain."""
    nexts = steps_down(parents, classes)
    column = {node: {int(c): k for k, c in enumerate(found)} for node, found in step_classes.items()}
    reached: dict[int, Float] = {ROOT: np.ones(n)}
    final: dict[int, Float] = {}
    for node in nexts:  # parents have smaller numbers than their children
        for child in sorted(set(nexts[node].values())):
            share = step_shares[node][:, column[node][child]] if node in step_shares else 1.0
            (final if child == node else reached)[child] = reached[node] * share
    return np.stack([final[c] if int(c) in final else reached[int(c)] for c in map(int, classes)], axis=1)


def fit_tree(parents: Sequence[int], fit: Fit, X: NDArray[np.floating], y: Int, photos: Int) -> LocalPerParent:
    """Fit a head at each node that has at least two children, "stop here" among them, in training.

    Args:
        parents: as of `LocalPerParent`.
        fit: of a local head.
        X: (N, D).
        y: (N,) numbers of labels.
        photos: (N,) int64.
    """
    classes = np.unique(y)
    heads: dict[int, Any] = {}
    for node, ways in steps_down(parents, classes).items():
        if len(set(ways.values())) < 2:
            continue
        onward = np.full(int(classes.max()) + 1, ROOT, dtype=np.int64)
        onward[list(ways)] = list(ways.values())
        rows = np.flatnonzero(onward[y] != ROOT)
        heads[node] = fit(X[rows], onward[y[rows]], photos[rows])
    return LocalPerParent.of(parents, classes, heads, X.shape[1])


def fit_flat(tree: NumberedTree, fit: Fit, X: NDArray[np.floating], y: Int, photos: Int) -> LocalPerParent:
    """One head for all labels, as if each were a root: what the tree is compared with.

    Arguments and result as of `fit_tree`. Its probabilities go through `NumberedTree.shares` of the real tree.
    """
    return fit_tree([ROOT] * len(tree), fit, X, y, photos)
