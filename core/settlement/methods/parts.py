"""The classifiers that methods are made of, unfitted, each as published."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline

from ...heads.build import fit_single, plain
from ...heads.recipe import Recipe
from ...heads.scaling import scaler_for
from .footing import BlockScaler
from .graph import GraphNetwork
from .registry import PARTS

TREES = 400
EPOCHS, EPOCHS_AROUND = 40, 400


@dataclass(frozen=True)
class PartRequest:
    """What a builder may ask for."""

    features: int
    """How many of the first columns are dimensions of an embedding."""
    own_units: bool
    """True when the features are bands or columns of different units; False for dimensions of an embedding."""
    seed: int


def network(request: PartRequest) -> Any:
    """Two hidden layers of 1,000, Adam 1e-3, batches of 16, 40 passes, as published.

    Features are brought to one size first, which the authors did not need for CROMA.
    """
    return make_pipeline(scaler_for(request.own_units), _layers((1000, 1000), 16, EPOCHS, request.seed))


def small_network(request: PartRequest) -> Any:
    """One hidden layer of 64, Adam 1e-3, 400 passes: the published network beside the graph."""
    return _layers((64,), 32, EPOCHS_AROUND, request.seed)


def _layers(hidden: tuple[int, ...], batch: int, epochs: int, seed: int) -> MLPClassifier:
    return MLPClassifier(
        hidden, batch_size=batch, max_iter=epochs, n_iter_no_change=epochs, tol=0.0, alpha=0.0, random_state=seed
    )


def forest(request: PartRequest) -> Any:
    """400 trees, otherwise as scikit-learn has them."""
    return RandomForestClassifier(TREES, random_state=request.seed)


def graph(request: PartRequest) -> Any:
    """Two graph convolutions of 64, Adam 5e-3 with decay 5e-4, batches of 32, 400 passes."""
    return GraphNetwork(EPOCHS_AROUND, 32, 5e-3, 5e-4, request.seed)


BUILDERS: dict[str, Callable[[PartRequest], Any]] = {
    "network": network,
    "small_network": small_network,
    "forest": forest,
    "graph": graph,
}
AUTOMATIC = "automatic"


def fit_part(
    name: str, request: PartRequest, X: NDArray[np.float32], y: NDArray[np.int64], groups: NDArray[np.int64]
) -> Any:
    """A fitted classifier without what only training needed.

    Args:
        name: of the part.
        request: how to build it.
        X: (n, D) float32, finite.
        y: (n,) 0 or 1.
        groups: (n,) samples that an automatic head keeps together while it chooses.
    """
    builder = PARTS[name].builder
    if builder == AUTOMATIC:
        footing = BlockScaler(0 if request.own_units else request.features).fit(X)
        recipe = Recipe("auto", "class", seed=request.seed, own_units=False)
        head = fit_single(recipe, footing.transform(X), y, groups).estimator
        return Pipeline([("footing", footing), ("head", head)])
    batches = {"mlpclassifier__batch_size", "batch_size"}
    estimator = BUILDERS[builder](request)
    few = {key: len(y) for key in batches if (estimator.get_params().get(key) or 0) > len(y)}
    return plain(estimator.set_params(**few).fit(X, y))
