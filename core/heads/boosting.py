"""Gradient boosting on histograms: many small trees, each of what those before it left over."""

from typing import Any

from sklearn.ensemble import HistGradientBoostingRegressor

from .build import HeadRequest

LEAST_IN_LEAF, LEAVES_OF = 20, 10
"""Samples that a leaf keeps where there are enough for so many leaves; with fewer samples fewer."""


def build(request: HeadRequest) -> Any:
    """Unfitted boosting: 150 trees of at most 15 leaves at rate 0.05.

    It does not stop early: scikit-learn holds back random samples for that, neighbours of which are in training.
    """
    return HistGradientBoostingRegressor(
        max_iter=150,
        learning_rate=0.05,
        max_leaf_nodes=15,
        min_samples_leaf=max(2, min(LEAST_IN_LEAF, request.n_samples // LEAVES_OF)),
        l2_regularization=1.0,
        early_stopping=False,
        random_state=request.seed,
    )
