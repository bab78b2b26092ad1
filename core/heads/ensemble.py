"""Balanced ensembles: several heads, each of which sees as many samples of every class as the rarest has.

A head fitted to lopsided labels learns the common classes; class weights help those heads that take them. Here each
member learns from a balanced part, so any head is helped, and no sample of the rare class is lost. Members see classes
as if equally frequent, so probabilities of rare classes come out too high for the map as a whole: recall rises,
precision at natural prevalence does not follow, and a correction of the prior is needed before areas are counted.

Source: Sun et al. 2015, Pattern Recognition 48:1623, doi:10.1016/j.patcog.2014.11.014
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from .build import Fitted, fit_single
from .committee import MEAN, Committee
from .recipe import Recipe

DRAWS, SPLIT = "draws", "split"
FEWEST = 5
"""Samples of each class that a member gets where the class has them: a class of one or two labels would else leave
members that have hardly seen anything."""


def fit_ensemble(
    recipe: Recipe, X: NDArray[np.float32], y: NDArray[Any], groups: NDArray[np.int64], threads: int = 1
) -> Fitted:
    """`fit_head` for a balanced ensemble of the recipe's head."""
    ensemble = BalancedEnsemble(
        recipe.head, recipe.ensemble, recipe.members, recipe.combine, recipe.seed, recipe.own_units, threads
    )
    ensemble.fit(X, y, groups)
    return Fitted(ensemble.best_estimator_, dict(ensemble.choice_), list(ensemble.notes_))


class BalancedEnsemble(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Heads fitted to balanced parts of the samples, and their mean or vote.

    Args:
        head: str. Any head for classes.
        sampling: str. `draws`: each member gets all samples of the rarest class and as many of every other, drawn at
            random. `split`: the samples of a common class are dealt out to the members, so that no two of them share
            one; a class that does not last for all members is dealt out again.
        members: int. How many heads; `split` makes no more than the most common class is times larger than the rarest.
        combine: str. `mean` of the probabilities, or `vote`: the share of members that name a class.
        seed: int. Decides the draws.
        own_units: bool. As in `scaler_for`.
        threads: int. Members fitted side by side; the result does not depend on it.

    Attributes:
        best_estimator_: Committee. The fitted members.
        choice_: dict. Members, samples of each class in one of them, what the first member chose.
        notes_: list of str. Sentences worth telling.
        classes_: ndarray of shape (n_classes,)

    Source: Sun et al. 2015, Pattern Recognition 48:1623, doi:10.1016/j.patcog.2014.11.014
    """

    wants_groups = True

    def __init__(
        self,
        head: str = "linear",
        sampling: str = DRAWS,
        members: int = 10,
        combine: str = MEAN,
        seed: int = 0,
        own_units: bool = True,
        threads: int = 1,
    ) -> None:
        self.head = head
        self.sampling = sampling
        self.members = members
        self.combine = combine
        self.seed = seed
        self.own_units = own_units
        self.threads = threads

    def fit(self, X: Any, y: Any, groups: Any = None) -> Self:
        """Fit to X of shape (n_samples, n_features); members keep groups whole in choices of their own."""
        X, y = validate_data(self, X, y, dtype=[np.float32, np.float64])
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("Classifier can't train when only one class is present.")
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        size = max(int(np.bincount(codes).min()), FEWEST)
        parts = balanced_parts(codes, self.sampling, size, self.members, self.seed)

        def one(number: int, head: str) -> Fitted:
            at = parts[number]
            recipe = Recipe(head, "class", True, self.seed + number, self.own_units)
            return fit_single(recipe, X[at], y[at], groups[at])

        fitted = [one(0, self.head)]
        head = str(fitted[0].choice.get("head", self.head))  # what `auto` takes is settled once, on the first part
        with ThreadPoolExecutor(max(1, min(self.threads, len(parts))), "member") as pool:
            fitted += pool.map(one, range(1, len(parts)), [head] * (len(parts) - 1))
        self.best_estimator_ = Committee.of([member.estimator for member in fitted], self.combine)
        first = fitted[0].choice
        self.choice_: dict[str, Any] = {
            "sampling": self.sampling, "members": len(parts), "samples_of_each_class": size, "member": first,
            **{name: first[name] for name in ("head", "chosen_by") if name in first},
        }  # fmt: skip
        self.notes_ = _notes(codes, self.sampling, len(parts), self.members)
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Class of each row of X."""
        check_is_fitted(self)
        return np.asarray(self.best_estimator_.predict(validate_data(self, X, reset=False)))

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Probability of each class: (n_samples, n_classes)."""
        check_is_fitted(self)
        return np.asarray(self.best_estimator_.predict_proba(validate_data(self, X, reset=False)))


def balanced_parts(
    codes: NDArray[np.integer], sampling: str, size: int, members: int, seed: int
) -> list[NDArray[np.int64]]:
    """Indices of the samples that each member gets, rising.

    Args:
        codes: (N,) class numbers from 0.
        sampling: `draws` or `split`.
        size: samples of each class in a member; a class with fewer gives all it has.
        members: wanted; `split` makes fewer when the most common class does not last for so many.
        seed: decides the draws.
    """
    of_class = [np.flatnonzero(codes == k) for k in range(int(codes.max()) + 1)]
    most = max(len(mine) for mine in of_class)
    if most <= size:
        members = 1  # balanced already: members would not differ in what they see
    elif sampling == SPLIT:
        members = min(members, -(-most // size))
    rng = np.random.default_rng([seed, 3])
    chosen: list[list[NDArray[np.int64]]] = [[] for _ in range(members)]
    for mine in of_class:
        if sampling == SPLIT:
            shares = min(members, -(-len(mine) // size))
            dealt = np.array_split(rng.permutation(mine)[: shares * size], shares)
            draws = [dealt[member % shares] for member in range(members)]
        else:
            draws = [rng.permutation(mine)[:size] for _ in range(members)]
        for part, drawn in zip(chosen, draws, strict=True):
            part.append(drawn)
    return [np.sort(np.concatenate(part)) for part in chosen]


def _notes(codes: NDArray[np.integer], sampling: str, made: int, wanted: int) -> list[str]:
    counts = np.bincount(codes)
    if made == 1:
        return ["All classes have about as many samples, so the balanced ensemble is one head."]
    notes = []
    if sampling == SPLIT and made < wanted:
        ratio = counts.max() / counts.min()
        notes.append(
            f"The most common class has {ratio:.1f} times the samples of the rarest, so the ensemble has {made} heads, "
            f"not {wanted}."
        )
    if counts.min() < FEWEST:
        notes.append(
            f"The rarest class has {counts.min()} samples; each head of the ensemble got {FEWEST} of the other classes."
        )
    return notes
