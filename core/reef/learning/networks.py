"""Networks of others for the labels of photo points, fitted as they were published."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.utils.class_weight import compute_sample_weight

Float32 = NDArray[np.float32]
Int = NDArray[np.int64]

HIDDEN = (200, 100)
EPOCHS = 10
BATCH = 5000
"""Points handed over at once; of each scikit-learn makes batches of 200."""
LARGE = 50_000
"""Points from which on CoralNet takes the larger network, and smaller steps."""


def published_network(seed: int) -> MLPClassifier:
    """Unfitted network of Blondin et al. 2024 (arXiv:2412.08228); all but its layers is as scikit-learn has it."""
    return MLPClassifier(hidden_layer_sizes=HIDDEN, random_state=seed)


def fit_published(X: Float32, y: Int, photos: Int, *, balance: bool, seed: int) -> Any:
    """Fit it; it stops after 200 rounds, as published."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ConvergenceWarning)
        return published_network(seed).fit(X, y, sample_weight=_weights(y, balance=balance))


def fit_coralnet(X: Float32, y: Int, photos: Int, *, balance: bool, seed: int) -> Any:
    """Ten rounds of large batches of photos in random order; one or two hidden layers by the number of points.

    Its calibration, one sigmoid a label, is `platt` of `core/heads/calibration.py`.

    Args:
        X: (N, D) float32.
        y: (N,) int64.
        photos: (N,) int64; their points stay together.
        balance: each label weighs the same, which CoralNet does not do.
        seed: int.

    Source: pyspacer 0.14, MiniBatchTrainer (MIT)
    """
    hidden, rate = (HIDDEN, 1e-4) if len(y) >= LARGE else ((100,), 1e-3)
    draws = np.random.RandomState(seed)
    network = MLPClassifier(hidden_layer_sizes=hidden, learning_rate_init=rate, random_state=draws)
    weight, classes = _weights(y, balance=balance), np.unique(y)
    _, members = np.unique(photos, return_inverse=True)
    for epoch in range(EPOCHS):
        turn = np.random.default_rng([seed, epoch]).permutation(int(members.max()) + 1)
        order = np.argsort(turn[members], kind="stable")
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            known = {"classes": classes} if epoch == start == 0 else {}
            network.partial_fit(X[rows], y[rows], sample_weight=None if weight is None else weight[rows], **known)
    return network.set_params(random_state=seed)


def _weights(y: Int, *, balance: bool) -> NDArray[np.float64] | None:
    return np.asarray(compute_sample_weight("balanced", y)) if balance else None
