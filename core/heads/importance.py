"""How much a head needs each feature, told by samples that it does not know."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.preprocessing import LabelBinarizer, StandardScaler

from .heldout import HeldOut
from .inner import thinned

MOST_SHUFFLED = 64
"""Features up to which each is shuffled; an embedding of 2048 would take minutes and every one would matter little."""
ROWS = 200
"""Held-out samples of each fold that are shuffled."""
MOST_FITTED = 4000
"""Samples of the ridge regression."""
RIDGE_STRENGTH = 0.01
"""Penalty for each sample, the usual one of the linear head."""
LEAST = 1e-4
"""Smallest probability in a loss."""

Float = NDArray[np.float64]


def importance(
    target: str, held: HeldOut | None, X: NDArray[np.float32], y: NDArray[Any], groups: NDArray[np.int64], seed: int
) -> tuple[Float, str]:
    """(D,) importance of each feature, at least 0, and how it was found.

    Up to 64 features: how much the loss of held-out samples grows when a feature is shuffled among them (log-loss for
    classes, squared error for values). More, or nothing held out: size of the coefficients of a ridge regression.

    Source: Breiman 2001, doi:10.1023/A:1010933404324; Fisher, Rudin and Dominici 2019, arXiv:1801.01489
    """
    if held is None or X.shape[1] > MOST_SHUFFLED:
        few = thinned(y, groups, seed, MOST_FITTED)
        return _coefficients(X[few], y[few], target == "class"), "ridge coefficients"
    rng = np.random.default_rng([seed, 3])
    grown = np.zeros((len(held.heads), X.shape[1]))
    for number, head in enumerate(held.heads):
        at = np.flatnonzero(held.fold == number)
        at = rng.permutation(at)[:ROWS]
        grown[number] = _growth(head, X[at], y[at], target == "class", rng)
    return np.maximum(grown.mean(axis=0), 0.0), "shuffled held-out samples"


def _growth(head: Any, X: NDArray[np.float32], y: NDArray[Any], classes: bool, rng: np.random.Generator) -> Float:
    """(D,) mean loss with each feature shuffled, less the loss as it is; one prediction serves all features."""
    rows, dimensions = X.shape
    shuffled = np.broadcast_to(X, (dimensions, rows, dimensions)).copy()
    for k in range(dimensions):
        shuffled[k, :, k] = X[rng.permutation(rows), k]
    plain = _losses(head, X, y, classes).mean()
    found = _losses(head, shuffled.reshape(-1, dimensions), np.tile(y, dimensions), classes)
    return np.asarray(found.reshape(dimensions, rows).mean(axis=1) - plain)


def _losses(head: Any, X: NDArray[np.float32], y: NDArray[Any], classes: bool) -> Float:
    if not classes:
        return np.asarray((head.predict(X) - y) ** 2, dtype=np.float64)
    shares = head.predict_proba(X)[np.arange(len(y)), np.searchsorted(head.classes_, y)]
    return np.asarray(-np.log(np.maximum(shares, LEAST)), dtype=np.float64)


def _coefficients(X: NDArray[np.float32], y: NDArray[Any], classes: bool) -> Float:
    """(D,) mean size of the coefficients on standardised features."""
    target = LabelBinarizer().fit_transform(y).astype(np.float64) if classes else y.astype(np.float64)
    scaled = StandardScaler().fit_transform(X.astype(np.float64))
    model = Ridge(alpha=RIDGE_STRENGTH * len(X)).fit(scaled, target)
    return np.asarray(np.abs(np.atleast_2d(model.coef_)).mean(axis=0))
