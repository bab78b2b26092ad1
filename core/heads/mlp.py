"""A small neural network: one hidden layer on standardised features."""

from typing import Any

from sklearn.compose import TransformedTargetRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .build import HeadRequest
from .scaling import scaler_for

HIDDEN = 64
MOST_STEPS = 4000
"""Steps of the optimiser; with few samples that is many passes, with many it is few."""


def build(request: HeadRequest) -> Any:
    """Unfitted network.

    It stops when the training loss no longer falls or after `MOST_STEPS`. scikit-learn's own early stopping would hold
    back random samples, which says nothing when neighbours of them are in training.
    """
    batch = min(200, request.n_samples)
    passes = max(20, min(400, MOST_STEPS * batch // request.n_samples))
    common = {
        "hidden_layer_sizes": (HIDDEN,),
        "alpha": 0.1,
        "batch_size": batch,
        "max_iter": passes,
        "tol": 1e-3,
        "random_state": request.seed,
    }
    if request.target == "class":
        return make_pipeline(scaler_for(request.own_units), MLPClassifier(**common))
    network = TransformedTargetRegressor(MLPRegressor(**common), transformer=StandardScaler())
    return make_pipeline(scaler_for(request.own_units), network)
