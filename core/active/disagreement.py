"""Places on which a committee of small heads does not agree."""

from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..heads.build import fit_head
from ..heads.fitting import run_all
from ..heads.recipe import Recipe
from ..prediction import MOST_ROWS
from ..progress import Progress
from .pool import Pick, Pool, Taught
from .spread import Spread
from .turns import in_turn

KINDS = ("linear", "prototype", "forest-small")
DRAWS = 4
"""Of the labels, for each kind of head: twelve members in all."""


def suggest(pool: Pool, spread: Spread, count: int, progress: Progress) -> list[Pick]:
    """Largest mutual information of class and committee member first, predicted classes in turn.

    That is the entropy of the mean probabilities less the mean of the members' own entropies: a place that every
    member finds hard in the same way tells nothing new.

    Source: Houlsby et al. 2011, arXiv:1112.5745; bagged committees: Abe and Mamitsuka 1998
    """
    if pool.taught is None:
        raise ValueError("A committee needs labels.")
    shares = committee(pool.taught, pool.X, pool.seed, progress.part(0.0, 0.9))
    mean = shares.mean(axis=0)
    information = _entropy(mean) - _entropy(shares).mean(axis=0)
    votes = shares.argmax(axis=2)
    against = (votes != mean.argmax(axis=1)).mean(axis=0)

    def why(index: int) -> str:
        return f"{round(against[index] * len(votes))} of {len(votes)} small heads say another class"

    return in_turn(pool, spread, count, information, why, progress.part(0.9, 1.0))


def committee(taught: Taught, X: NDArray[np.float32], seed: int, progress: Progress) -> NDArray[np.float64]:
    """(members, n, classes) probabilities of heads fitted on draws of whole labels."""
    classes = np.unique(taught.y)
    tasks = [
        partial(_member, taught, X, classes, kind, seed + draw) for draw in range(DRAWS) for kind in KINDS
    ]  # fmt: skip
    return np.stack(run_all(tasks, 2, progress))


def _member(
    taught: Taught, X: NDArray[np.float32], classes: NDArray[np.int64], kind: str, seed: int
) -> NDArray[np.float64]:
    chosen = _bootstrap(taught, np.random.default_rng([seed, 5]))
    y = taught.y[chosen]
    recipe = Recipe(kind, "class", seed=seed, own_units=taught.own_units)
    estimator = fit_head(recipe, taught.X[chosen], y, taught.groups[chosen]).estimator
    pieces = [estimator.predict_proba(X[start : start + MOST_ROWS]) for start in range(0, len(X), MOST_ROWS)]
    shares = np.zeros((len(X), len(classes)))
    shares[:, np.searchsorted(classes, estimator.classes_)] = np.concatenate(pieces)
    return shares


def _bootstrap(taught: Taught, rng: np.random.Generator) -> NDArray[np.int64]:
    """Samples of labels drawn with replacement within each class, so that no class is lost."""
    rows = []
    for value in np.unique(taught.y):
        members = np.flatnonzero(taught.y == value)
        groups = np.unique(taught.groups[members])
        for group in rng.choice(groups, len(groups)):
            rows.append(members[taught.groups[members] == group])
    return np.concatenate(rows)


def _entropy(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(-(shares * np.log(np.clip(shares, 1e-12, 1.0))).sum(axis=-1))
