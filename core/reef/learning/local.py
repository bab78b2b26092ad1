"""Heads for one place of the tree: which children a node has, or the whole flat list of labels.

What a head must choose (the strength of a linear one, the heads of `auto`) is chosen once on some of all labels and
serves every node and fold: to choose anew at each would take minutes, and says little where points are few.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ...heads.build import chosen_head, chosen_strength, fit_head, plain
from ...heads.inner import FEWEST_FOLDS, choose, inner_class_folds, log_loss_of, thinned
from ...heads.linear import USUAL_STRENGTH
from ...heads.recipe import Recipe
from ...heads.scaling import scaler_for
from .headlist import CORALNET, DEFAULT_HEAD, PUBLISHED
from .networks import fit_coralnet, fit_published

Float32 = NDArray[np.float32]
Int = NDArray[np.int64]
Fit = Callable[[Float32, Int, Int], Any]
"""(X, y, photos) -> fitted classifier of at least two classes."""

NETWORKS = {PUBLISHED: fit_published, CORALNET: fit_coralnet}
MOST_POINTS, MOST_DIMENSIONS = 2000, 128
"""On which a choice is made."""
STRENGTHS = (1.0, 0.1, USUAL_STRENGTH, 0.001)
"""Tried. Weaker ones may do better at the root, and spoil nodes with few points (`bench_reef.py heads`)."""
FEWEST_PHOTOS = 5
"""Labels that fewer photos show say nothing of a choice."""


@dataclass(frozen=True)
class Choice:
    """What a head settled on."""

    head: str
    """Name, or names joined by `+`."""
    strength: float | None = None
    """Of the linear head; None: each fit chooses."""
    sentence: str = ""
    """How it was chosen; empty when nothing was to be chosen."""


def fit_by(
    head: str, *, balance: bool = False, seed: int = 0, own_units: bool = False, strength: float | None = None
) -> Fit:
    """How each local head is fitted.

    Args:
        head: a name of `headlist.REEF_HEADS`, or several of `core/heads/registry.py` joined by `+`.
        balance: each child of a node weighs the same; probabilities are then those of equally common children.
        seed: int.
        own_units: features are of different units and are standardised; those of a backbone go into the networks as
            they are, as published.
        strength: of a linear head; None: each fit chooses.

    Raises:
        BadJob: at the first fit, when there is no such head.
    """
    if head not in NETWORKS:
        recipe = Recipe(head, "class", balance, seed, own_units, strength=strength)
        return lambda X, y, photos: fit_head(recipe, X, y, photos).estimator
    network = partial(NETWORKS[head], balance=balance, seed=seed)
    if not own_units:
        return lambda X, y, photos: plain(network(X, y, photos))

    def fit(X: Float32, y: Int, photos: Int) -> Any:
        scaler = StandardScaler().fit(X)
        together = make_pipeline(scaler, network(scaler.transform(X), y, photos))
        return plain(together)

    return fit


def settle(
    head: str, X: Float32, y: Int, photos: Int, *, balance: bool = False, seed: int = 0, own_units: bool = False
) -> Choice:
    """What a head takes at every node, learnt from labels that enough photos show.

    Args:
        head: as of `fit_by`.
        X: (N, D) float32, finite.
        y: (N,) int64 labels.
        photos: (N,) int64.
        balance: as of `fit_by`.
        seed: int.
        own_units: as of `fit_by`.
    """
    if head not in ("auto", DEFAULT_HEAD):
        return Choice(head)
    at = _telling(y, photos, seed)
    if len(np.unique(y[at])) < 2:
        usual = USUAL_STRENGTH if head == DEFAULT_HEAD else None
        few = f"Fewer than two labels are shown by {FEWEST_PHOTOS} photos, so nothing was chosen by trial."
        return Choice(head, usual, few)
    if head == DEFAULT_HEAD:
        return _strength(X[at], y[at], photos[at], balance, seed, own_units)
    recipe = Recipe(head, "class", balance, seed, own_units)
    fitted = fit_head(recipe, X[at], y[at], photos[at])
    return Choice(chosen_head(recipe, fitted), chosen_strength(recipe, fitted), str(fitted.choice["chosen_by"]))


def _telling(y: Int, photos: Int, seed: int) -> Int:
    """Some points of labels that enough photos show."""
    at = thinned(y, photos, seed, MOST_POINTS)
    shown = {int(label) for label in np.unique(y[at]) if len(np.unique(photos[at][y[at] == label])) >= FEWEST_PHOTOS}
    return at[np.isin(y[at], list(shown))] if shown else at[:0]


def _strength(X: Float32, y: Int, photos: Int, balance: bool, seed: int, own_units: bool) -> Choice:
    """The strength by log-loss on photos left out, in few dimensions: a trial of all takes ten times as long."""
    folds = inner_class_folds(y, photos, seed)
    if folds is None or folds.count < FEWEST_FOLDS:
        return Choice(DEFAULT_HEAD, USUAL_STRENGTH, f"Strength {USUAL_STRENGTH:g}, good as a rule: too few photos.")
    losses = np.empty((FEWEST_FOLDS, len(STRENGTHS)))
    for row, (training, test) in zip(losses, folds.parts(), strict=False):
        A, B = _fewer(X[training], X[test], seed, own_units=own_units)
        model = LogisticRegression(class_weight="balanced" if balance else None, max_iter=1000, warm_start=True)
        known = np.isin(y[test], y[training])
        with config_context(assume_finite=True):
            for column, strength in enumerate(STRENGTHS):
                model.set_params(C=1 / (strength * len(training))).fit(A, y[training])
                row[column] = log_loss_of(y[test][known], model.predict_proba(B[known]), model.classes_, None)
    strength = STRENGTHS[choose(losses, STRENGTHS.index(USUAL_STRENGTH))]
    return Choice(DEFAULT_HEAD, strength, f"Strength {strength:g}, by log-loss on photos left out.")


def _fewer(A: Float32, B: Float32, seed: int, *, own_units: bool) -> tuple[Float32, Float32]:
    """Scaled as for a linear head, so that a strength means the same; of wide vectors the first components."""
    scaler = scaler_for(own_units).fit(A)
    A, B = scaler.transform(A), scaler.transform(B)
    if min(A.shape) <= MOST_DIMENSIONS:
        return A, B
    components = PCA(MOST_DIMENSIONS, svd_solver="randomized", random_state=seed).fit(A)
    return components.transform(A), components.transform(B)
