"""Heads for one place of the tree: which children a node has, or the whole flat list of labels."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.class_weight import compute_sample_weight

from ...heads.build import fit_head, plain
from ...heads.recipe import Recipe

Float32 = NDArray[np.float32]
Int = NDArray[np.int64]
Fit = Callable[[Float32, Int, Int], Any]
"""(X, y, photos) -> fitted classifier of at least two classes."""

PUBLISHED = "mlp-200-100"
"""Network of Blondin et al. 2024 (arXiv:2412.08228): two hidden layers, all else as scikit-learn has it."""
HIDDEN = (200, 100)


def published_network(seed: int) -> MLPClassifier:
    """Unfitted network as published."""
    return MLPClassifier(hidden_layer_sizes=HIDDEN, random_state=seed)


def fit_by(head: str, *, balance: bool = False, seed: int = 0, own_units: bool = False) -> Fit:
    """How each local head is fitted.

    Args:
        head: `PUBLISHED`, or a name of `core.heads.registry` that knows classes.
        balance: each child of a node weighs the same; probabilities are then those of equally common children.
        seed: int.
        own_units: features are of different units and are standardised; those of a backbone go into the published
            network as they are, as published.

    Raises:
        BadJob: at the first fit, when there is no such head.
    """
    if head != PUBLISHED:
        recipe = Recipe(head, "class", balance, seed, own_units)
        return lambda X, y, photos: fit_head(recipe, X, y, photos).estimator

    def fit(X: Float32, y: Int, photos: Int) -> Any:
        network = published_network(seed)
        weight = compute_sample_weight("balanced", y) if balance else None
        with warnings.catch_warnings():
            # It stops after 200 rounds, as published.
            warnings.filterwarnings("ignore", category=ConvergenceWarning)
            if not own_units:
                return plain(network.fit(X, y, sample_weight=weight))
            scaled = make_pipeline(StandardScaler(), network)
            return plain(scaled.fit(X, y, mlpclassifier__sample_weight=weight))

    return fit
