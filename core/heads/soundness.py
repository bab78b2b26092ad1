"""Trees of a head that came from a file: whether they can be walked at all.

Compiled code walks trees without looking: a branch that leads back never ends, one that leads outside reads foreign
memory. Damaged or forged files are therefore looked through before anything is asked. Types of ours that have such
trees of their own say themselves whether they are whole, in `check_whole`.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.tree._tree import Tree

MOST_PARTS = 1_000_000
"""Objects that a head is made of at most; a forest has a few thousand."""
PLAIN = (str, bytes, int, float, bool, type, np.dtype, np.generic)


def check_trees(estimator: Any) -> None:
    """Refuse trees that do not lead from their root to leaves.

    Args:
        estimator: of any of the types that heads may be made of, and containers of such.

    Raises:
        ValueError: a tree that leads back or outside, or asks for features that are not there.
    """
    for part in _parts(estimator):
        if isinstance(part, Tree):
            _check_tree(part)
        elif isinstance(part, HistGradientBoostingRegressor):
            for tree in (tree for some in part._predictors for tree in some):
                _check_predictor(tree, int(part.n_features_in_))
        elif hasattr(part, "check_whole"):
            part.check_whole()
        members = getattr(part, "estimators_", ())
        wide = getattr(part, "n_features_in_", None)
        for tree in np.ravel(np.asarray(members, dtype=object)):
            if hasattr(tree, "tree_") and not wide == tree.n_features_in_ == tree.tree_.n_features:
                raise ValueError("trees of a forest that were made for other features")


def _parts(estimator: Any) -> Iterator[Any]:
    """The estimator and all that it is made of."""
    seen: set[int] = set()
    waiting = [estimator]
    while waiting:
        part = waiting.pop()
        if part is None or isinstance(part, PLAIN) or id(part) in seen:
            continue
        seen.add(id(part))
        if len(seen) > MOST_PARTS:
            raise ValueError("more parts than any head has")
        yield part
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, (list, tuple)) or (isinstance(part, np.ndarray) and part.dtype == object):
            waiting.extend(np.ravel(part) if isinstance(part, np.ndarray) else part)
        else:
            waiting.extend(getattr(part, "__dict__", {}).values())


def _check_tree(tree: Tree) -> None:
    left, right = tree.children_left, tree.children_right
    _check_branches(left < 0, left, right, tree.feature, tree.n_features)


def _check_predictor(tree: TreePredictor, features: int) -> None:
    nodes = tree.nodes
    if nodes["is_categorical"].any():
        raise ValueError("trees over categories, which no head has")
    left, right = (nodes[side].astype(np.int64) for side in ("left", "right"))
    _check_branches(nodes["is_leaf"] != 0, left, right, nodes["feature_idx"], features)


def _check_branches(
    leaf: NDArray[np.bool_], left: NDArray[Any], right: NDArray[Any], feature: NDArray[Any], features: int
) -> None:
    """Children come behind their parents, as they are grown: so every way ends."""
    inner = np.flatnonzero(~leaf)
    count = len(leaf)
    ways = [(inner < side[inner]) & (side[inner] < count) for side in (left, right)]
    known = (feature[inner] >= 0) & (feature[inner] < features)
    if not count or not (ways[0] & ways[1] & known).all():
        raise ValueError("a tree whose branches lead nowhere")
