"""A small neural network: one hidden layer on standardised features."""

from typing import Any

from sklearn.compose import TransformedTargetRegressor
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from .build import HeadRequest
from .scaling import scaler_for

HIDDEN = 64
DECAY, DECAY_OF_BATCH = 1.0, 0.1
"""Penalty on the weights, shared by the samples of a step; of 0.01 to 3 the best on sets that are not reported."""
FEW = 2000
"""Up to so many samples all go into each step of L-BFGS, which finds a better network than small batches do."""
ROUNDS = 100
MOST_STEPS = 4000
"""Steps of the optimiser in small batches; with few samples that is many passes, with many it is few."""


def build(request: HeadRequest) -> Any:
    """Unfitted network.

    It stops when the training loss no longer falls or after so many steps. scikit-learn's own early stopping would hold
    back random samples, which says nothing when neighbours of them are in training.
    """
    common = {"hidden_layer_sizes": (HIDDEN,), "random_state": request.seed}
    if request.n_samples <= FEW:
        common |= {"solver": "lbfgs", "alpha": DECAY, "max_iter": ROUNDS}
    else:
        passes = max(20, min(400, MOST_STEPS * 200 // request.n_samples))
        common |= {"alpha": DECAY_OF_BATCH, "batch_size": 200, "max_iter": passes, "tol": 1e-3}
    if request.target == "class":
        return make_pipeline(scaler_for(request.own_units), MLPClassifier(**common))
    network = TransformedTargetRegressor(MLPRegressor(**common), transformer=StandardScaler())
    return make_pipeline(scaler_for(request.own_units), network)
