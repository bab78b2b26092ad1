"""Tree or flat head with calibrated steps, and what it says of photos that it does not know.

Photos are dealt to folds at random and whole: points of one photo look alike, and rare labels are held out as often as
common ones, so that what is held out is like photos to come. A label that only one photo has gets probability 0 there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ...errors import BadInput
from ...heads.calibration import Calibrated, learn
from ...heads.fitting import run_all
from ...heads.heldout import FEWEST_GROUPS, HeldOut
from ...heads.maps import apply_map, fit_map
from ...progress import Progress
from .hierarchy import LocalPerParent, fit_tree, products, steps_down
from .local import Fit, Float32
from .numbered import ROOT, Float, Int, NumberedTree

FOLDS = 5
KINDS = ("tree", "flat")


@dataclass
class LearntTree:
    """A head and how it does where it was not trained."""

    head: LocalPerParent
    """Fitted to everything; its local heads are calibrated where that was better than not."""
    out_of_fold: Float
    """(N, C) probability of each of `head.classes_`, by heads and maps that know neither the point nor its photo."""
    fold: Int
    """(N,) in which the photo was held out."""
    before: Float
    """As `out_of_fold`, without calibration."""
    steps: list[dict[str, Any]] = field(default_factory=list)
    """At each node with a choice its number, points, and how it was calibrated; plain JSON values."""


def learn_tree(
    tree: NumberedTree, fit: Fit, X: Float32, y: Int, photos: Int, progress: Progress, *, kind: str = "tree",
    calibration: str = "auto", balance: bool = False, folds: int = FOLDS, seed: int = 0, threads: int = 1,
) -> LearntTree:  # fmt: skip
    """Fit, calibrate on held-out photos and keep what was said of them.

    Args:
        tree: of the labels.
        fit: of a local head; `fit_by`.
        X: (N, D) float32, finite.
        y: (N,) numbers of labels.
        photos: (N,) int64.
        progress: told of each fold.
        kind: one of `KINDS`.
        calibration: as in `Recipe`; `platt` is the sigmoid of CoralNet.
        balance: as in `fit_by`; calibration then weighs children alike, too.
        folds: of photos; fewer when there are fewer photos.
        seed: decides the folds.
        threads: fits side by side; the result does not depend on it.

    Raises:
        BadInput: fewer than two labels or two photos.
        Cancelled: by the user.
    """
    if len(np.unique(y)) < 2:
        raise BadInput("All points carry the same label; there is nothing to learn. Label points of other kinds too.")
    parents = list(tree.parents) if kind == "tree" else [ROOT] * len(tree)
    fold = photo_folds(photos, folds, seed)
    parts = [np.flatnonzero(fold != number) for number in range(int(fold.max()) + 1)] + [np.arange(len(y))]
    heads = run_all([partial(fit_rows, parents, fit, X, y, photos, rows) for rows in parts], threads, progress)
    head: LocalPerParent = heads.pop()
    nexts, columns = steps_down(parents, head.classes_), head.step_classes()
    shares, known = _held_out(head, heads, X, fold)
    before = products(parents, head.classes_, columns, shares, len(y))
    steps = []
    for place, node in enumerate(head.nodes_):
        progress.checkpoint()
        onward = np.full(len(parents), ROOT, dtype=np.int64)
        onward[list(nexts[node])] = list(nexts[node].values())
        codes = np.searchsorted(columns[node], onward[y])
        rows = np.flatnonzero((onward[y] != ROOT) & known[node])
        held = HeldOut(fold[rows], heads, shares[node][rows])
        fair = len(np.unique(photos[rows])) >= FEWEST_GROUPS
        learnt = learn(calibration, held if fair else None, codes[rows], photos[rows], balance)
        if learnt.method != "none":
            head.heads_[place] = Calibrated.of(head.heads_[place], learnt.method, learnt.numbers)
            shares[node] = _cross_fitted(learnt.method, shares[node], codes, rows, photos, fold)
        steps.append({"node": int(node), "points": int((onward[y] != ROOT).sum()), **learnt.facts})
    after = products(parents, head.classes_, columns, shares, len(y))
    return LearntTree(head, after, fold, before, steps)


def fit_rows(parents: Sequence[int], fit: Fit, X: Float32, y: Int, photos: Int, rows: Int) -> LocalPerParent:
    """`fit_tree` on some points; they are taken out only when their turn comes, as wide vectors fill the memory."""
    return fit_tree(parents, fit, X[rows], y[rows], photos[rows])


def photo_folds(photos: Int, folds: int, seed: int) -> Int:
    """(N,) fold of each point, 0..folds-1; whole photos, dealt at random.

    Raises:
        BadInput: fewer than two photos.
    """
    names, members = np.unique(photos, return_inverse=True)
    if len(names) < 2:
        raise BadInput("All labelled points lie in one photo, so none can be held out. Label points of more photos.")
    turn = np.random.default_rng([seed, 11]).permutation(len(names))
    return np.asarray((turn % min(folds, len(names)))[members], dtype=np.int64)


def _held_out(
    head: LocalPerParent, heads: Sequence[LocalPerParent], X: Float32, fold: Int
) -> tuple[dict[int, Float], dict[int, Any]]:
    """Steps of `head` as the heads of the folds see them, (N, children) each, and (N,) whether they know the node."""
    columns = head.step_classes()
    shares = {node: np.full((len(X), len(found)), 1 / len(found)) for node, found in columns.items()}
    known = {node: np.zeros(len(X), bool) for node in columns}
    for number, other in enumerate(heads):
        rows = np.flatnonzero(fold == number)
        said, children = other.step_shares(X[rows]), other.step_classes()
        ways = steps_down(other.parents, other.classes_)
        for node in set(columns) & set(ways):
            step = np.zeros((len(rows), len(columns[node])))
            there = children.get(node, np.unique(list(ways[node].values())))
            step[:, np.searchsorted(columns[node], there)] = said.get(node, 1.0)
            shares[node][rows], known[node][rows] = step, True
    return shares, known


def _cross_fitted(method: str, shares: Float, codes: Int, rows: Int, photos: Int, fold: Int) -> Float:
    """(N, children) of all points, each mapped by what the points of other folds at this node taught."""
    mapped = np.empty_like(shares)
    for number in np.unique(fold):
        others = rows[fold[rows] != number]
        weight = np.ones(len(others))
        numbers = fit_map(method, shares[others], codes[others], weight, len(np.unique(photos[others])))
        mapped[fold == number] = apply_map(numbers, shares[fold == number])
    return mapped
