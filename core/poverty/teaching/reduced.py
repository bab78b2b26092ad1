"""Heads on vectors of a backbone: which head a method is then, and principal components where vectors are wide."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.pipeline import Pipeline

from ...heads.build import fit_head
from ...heads.recipe import Recipe
from ..methodlist import SERIES_METHODS
from .embedded import Embedder

RIDGES = ("ridge", "ridge-log")
MOST_OF_RIDGE, MOST_OF_TREES = 2048, 128
"""Columns that a method takes as they are: trees look at each of them at each fork."""
FITTED_BYTES = 128 * 2**20
"""Of the vectors from which components are told."""


@dataclass(frozen=True)
class HeadPlan:
    """How heads learn from columns.

    Attributes:
        head: of `core/heads`.
        own_units: as in its recipes.
        components: principal components that stand for the columns; 0: they are learnt from as they are.
    """

    head: str
    own_units: bool = True
    components: int = 0


def plan_of_statistics(method: str) -> HeadPlan:
    """Of a method on statistics of each image."""
    return HeadPlan(SERIES_METHODS[method].head)


def plan_of_vectors(method: str, width: int, ordered: bool, asked: int) -> HeadPlan:
    """Of a method on vectors.

    Components differ in spread for a reason, so the ridge that standardises each column becomes the other one.

    Args:
        method: of the job.
        width: of the vectors.
        ordered: they are principal components already.
        asked: for so many dimensions; where vectors have more, for components: else as many as suits the method.
    """
    most = MOST_OF_RIDGE if method in RIDGES else MOST_OF_TREES
    components = asked if 0 < asked < width else most if most < width else 0
    heads = {"auto": "auto", "ridge": "linear" if ordered or components else "ridge"}
    return HeadPlan(heads.get(method, SERIES_METHODS[method].head), False, components)


def told_of(embedder: Embedder, plan: HeadPlan) -> str:
    """In words."""
    told = (
        f"Each place is told at each date by {embedder.width:,} numbers: {embedder.title}, {embedder.backbone.device}"
    )
    if not plan.components:
        return f"{told}."
    return (
        f"{told}, of which the first {plan.components:,} principal components are learnt from, or as many as there "
        "are; each model tells them from its own places."
    )


def fit(plan: HeadPlan, X: NDArray[np.float32], y: NDArray[np.float64], blocks: NDArray[np.int64], seed: int) -> Any:
    """A fitted head, on components of X where there are to be some.

    Args:
        plan: of the method.
        X: (n, D).
        y: (n,).
        blocks: (n,) kept whole in inner choices.
        seed: of draws.
    """
    recipe = Recipe(plan.head, "value", seed=seed, own_units=plan.own_units)
    count = min(plan.components, len(X) - 1)
    if not count:
        return fit_head(recipe, X, y, blocks).estimator
    few = X[:: -(-8 * X.shape[1] * len(X) // FITTED_BYTES)]
    components = PCA(min(count, len(few)), svd_solver="covariance_eigh").fit(few.astype(np.float64))
    steps = [("components", components)]
    return Pipeline([*steps, ("head", fit_head(recipe, _of(components, X), y, blocks).estimator)])


def _of(components: PCA, X: NDArray[np.float32]) -> NDArray[np.float32]:
    found: NDArray[np.float32] = components.transform(X).astype(np.float32)
    return found
