"""How well labels in a tree agree with the truth: a near miss in the same branch counts for what is shared.

With A_i the predicted labels of sample i and all their ancestors, B_i the true ones and theirs (no common root),
hP = sum |A_i and B_i| / sum |A_i|, hR = sum |A_i and B_i| / sum |B_i|, hF their harmonic mean; sums over all samples.
In a tree without branches hP = hR = accuracy. A prediction that stops early has a shorter A_i: hP rises and hR falls,
so both are always shown.

Source: Kosmopoulos et al. 2015, doi:10.1007/s10618-014-0382-x; Kiritchenko et al. 2006. Reference: hiclass.metrics.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NOTHING = -1
"""A prediction that says nothing, not even a root."""


@dataclass(frozen=True)
class Agreement:
    """Hierarchical precision, recall and F, each 0..1; NaN where nothing was predicted or nothing was true."""

    precision: float
    recall: float
    f: float


def lineage(paths: Sequence[Sequence[int]]) -> NDArray[np.bool_]:
    """(K, K) bool: which labels each label is or lies below.

    Args:
        paths: of each of K labels, numbers of labels from its root down to itself.
    """
    table = np.zeros((len(paths), len(paths)), bool)
    for label, path in enumerate(paths):
        table[label, list(path)] = True
    return table


def agreement(
    y_true: NDArray[np.integer], y_pred: NDArray[np.integer], above: NDArray[np.bool_],
    weights: NDArray[np.floating] | None = None,
) -> Agreement:  # fmt: skip
    """Agreement of one label a sample, at leaves or inner nodes.

    Args:
        y_true: (N,) numbers of labels, 0..K-1.
        y_pred: (N,) likewise, or `NOTHING`.
        above: (K, K) bool from `lineage`.
        weights: (N,) of the samples; None: all alike.
    """
    shared, predicted, true = parts(y_true, y_pred, above)
    w = np.ones(len(shared)) if weights is None else weights
    return _ratios(float(shared @ w), float(predicted @ w), float(true @ w))


def parts(
    y_true: NDArray[np.integer], y_pred: NDArray[np.integer], above: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """|A and B|, |A| and |B| of each sample, (N,) each: sums over photos make intervals that draw photos again."""
    counts = above.astype(np.float64)
    overlap, sizes = counts @ counts.T, counts.sum(axis=1)
    said = np.asarray(y_pred) != NOTHING
    found = np.where(said, y_pred, 0)
    return np.where(said, overlap[y_true, found], 0.0), np.where(said, sizes[found], 0.0), sizes[y_true]


def set_agreement(true: NDArray[np.bool_], predicted: NDArray[np.bool_], above: NDArray[np.bool_]) -> Agreement:
    """Agreement of sets of labels, as conformal prediction gives: ancestors of several labels count once.

    Args:
        true: (N, K) bool, the true most specific labels.
        predicted: (N, K) bool.
        above: (K, K) bool from `lineage`.
    """
    line = above.astype(np.float64)
    a, b = predicted.astype(np.float64) @ line > 0, true.astype(np.float64) @ line > 0
    return _ratios(float((a & b).sum()), float(a.sum()), float(b.sum()))


def _ratios(shared: float, predicted: float, true: float) -> Agreement:
    precision = shared / predicted if predicted else float("nan")
    recall = shared / true if true else float("nan")
    total = predicted + true
    return Agreement(precision, recall, 2 * shared / total if predicted and true else float("nan"))
