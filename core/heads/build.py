"""From the name of a head to a fitted estimator: the one procedure that training and assessment share.

What is fitted here is what is saved: where a head searches for its regularisation, the search is dropped afterwards
and the plain scikit-learn estimator that it settled on is kept.
"""

import difflib
import importlib
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_sample_weight

from ..errors import BadJob
from .calibration import Calibrated, learn
from .committee import Committee, ValueCommittee
from .heldout import HeldOut, hold_out
from .recipe import Recipe
from .registry import HEADS, HeadCard


@dataclass(frozen=True)
class HeadRequest:
    """Everything a builder may ask for."""

    target: str
    """`class` or `value`."""
    n_samples: int
    smallest_class: int
    """Samples of the rarest class; 0 for values."""
    balance: bool
    seed: int
    threads: int = 1
    own_units: bool = True
    """True when features are bands or columns of different units; False for dimensions of an embedding."""
    n_classes: int = 2
    """Classes among the samples; meaningless for values."""
    strength: float | None = None
    """As in the recipe."""


@dataclass
class Fitted:
    """A head after fitting."""

    estimator: Any
    """Plain estimator with `predict`, and `predict_proba` and `classes_` for classes."""
    choice: dict[str, Any] = field(default_factory=dict)
    """What the head chose on the way (regularisation, neighbours), plain JSON values."""
    notes: list[str] = field(default_factory=list)
    """Sentences worth telling."""
    held_out: HeldOut | None = None
    """Samples as seen by heads that do not know their groups; None when not asked for, or too few groups."""
    out_of_fold: NDArray[np.float64] | None = None
    """(N, K) calibrated probabilities of the held-out samples, none of them by a map that knows the sample."""
    calibration: dict[str, Any] = field(default_factory=dict)
    """How the probabilities were calibrated, plain JSON values; empty when not asked for."""


def head_card(name: str, target: str) -> HeadCard:
    """The card of a head that can do the target.

    Raises:
        BadJob: there is no such head, or it cannot estimate this target.
    """
    if name not in HEADS:
        near = difflib.get_close_matches(name, list(HEADS), n=1) or list(HEADS)
        raise BadJob(f"There is no head '{name}'. Did you mean {' or '.join(near)}?")
    card = HEADS[name]
    if target not in card.targets:
        able = [other.name for other in HEADS.values() if target in other.targets]
        raise BadJob(f"The head '{name}' cannot estimate a {target}. Take one of: {', '.join(able)}.")
    return card


def build(name: str, request: HeadRequest) -> Any:
    """An unfitted estimator.

    Raises:
        BadJob: as `head_card`.
    """
    module, function = head_card(name, request.target).builder.split(":")
    return getattr(importlib.import_module(f"..{module}", __name__), function)(request)


def fit_head(
    recipe: Recipe, X: NDArray[np.float32], y: NDArray[Any], groups: NDArray[np.int64], threads: int = 1
) -> Fitted:
    """Fit a head, inner choices included; groups are kept together in those.

    Args:
        recipe: which head, and how.
        X: (N, D) float32, finite.
        y: (N,) class values or float64.
        groups: (N,) int64.
        threads: for heads that can use several (forests, neighbours); the result does not depend on it.
    """
    if recipe.target == "class" and recipe.ensemble != "none":
        from .ensemble import fit_ensemble  # its members are fitted by `fit_single` of this module

        fitted = fit_ensemble(recipe, X, y, groups, threads)
    else:
        fitted = fit_single(recipe, X, y, groups, threads)
    if recipe.target == "class" and recipe.calibration != "none":
        return calibrated(recipe, fitted, X, y, groups, threads)
    return fitted


def calibrated(
    recipe: Recipe, fitted: Fitted, X: NDArray[np.float32], y: NDArray[Any], groups: NDArray[np.int64], threads: int = 1
) -> Fitted:
    """A fitted head with calibrated probabilities, and what was held out to learn them."""
    held = held_out(recipe, fitted, X, y, groups, threads)
    learnt = learn(recipe.calibration, held, np.unique(y, return_inverse=True)[1], groups, is_balanced(recipe, fitted))
    estimator = fitted.estimator
    if learnt.method != "none":
        estimator = Calibrated.of(estimator, learnt.method, learnt.numbers)
    return replace(
        fitted, estimator=estimator, held_out=held, out_of_fold=learnt.probabilities, calibration=learnt.facts
    )


def held_out(
    recipe: Recipe, fitted: Fitted, X: NDArray[np.float32], y: NDArray[Any], groups: NDArray[np.int64], threads: int = 1
) -> HeldOut | None:
    """`hold_out` for the head that a recipe came to.

    Neither the head nor the strength of a linear one is chosen again in each fold: five choices take most of the time,
    and seldom differ. The strength has seen the samples that are held out; core/heads/README.md tells what that costs.
    """
    plain_recipe = replace(
        recipe.uncalibrated(), head=chosen_head(recipe, fitted), strength=chosen_strength(recipe, fitted)
    )

    def fit(X: NDArray[np.float32], y: NDArray[Any], groups: NDArray[np.int64]) -> Any:
        return fit_head(plain_recipe, X, y, groups).estimator

    return hold_out(recipe.target, fit, X, y, groups, recipe.seed, threads)


def chosen_head(recipe: Recipe, fitted: Fitted) -> str:
    """Name of the head that was fitted: the recipe's, or the one that `auto` chose."""
    return str(fitted.choice.get("head", recipe.head))


def chosen_strength(recipe: Recipe, fitted: Fitted) -> float | None:
    """Strength of the linear head that was fitted, alone or in a committee, where choosing again would cost much.

    It does not for values, where one decomposition serves all strengths; members of an ensemble each have their own.
    """
    if recipe.target != "class" or recipe.ensemble != "none":
        return None
    choice = fitted.choice.get("fitted", fitted.choice)
    found = choice.get("linear", choice).get("strength")
    return None if found is None else float(found)


def is_balanced(recipe: Recipe, fitted: Fitted) -> bool:
    """True when a head gives the probabilities of equally common classes, whatever the frequencies of the labels."""
    return recipe.ensemble != "none" or (recipe.balance and chosen_head(recipe, fitted) not in UNBALANCED)


def fit_single(
    recipe: Recipe, X: NDArray[np.float32], y: NDArray[Any], groups: NDArray[np.int64], threads: int = 1
) -> Fitted:
    """`fit_head` without ensemble and calibration; names joined by `+` give what those heads say together."""
    if TOGETHER in recipe.head:
        return _fit_together(recipe, X, y, groups, threads)
    sizes = np.unique(y, return_counts=True)[1] if recipe.target == "class" else np.zeros(1, dtype=np.int64)
    request = HeadRequest(
        recipe.target, len(y), int(sizes.min()), recipe.balance, recipe.seed, threads, recipe.own_units, len(sizes),
        recipe.strength,
    )  # fmt: skip
    estimator = build(recipe.head, request)
    arguments: dict[str, Any] = {}
    notes = []
    if getattr(estimator, "wants_groups", False):
        arguments["groups"] = groups
    elif recipe.target == "class" and recipe.balance:
        weighted = WEIGHT_ARGUMENTS.get(recipe.head, "")
        if weighted:
            arguments[weighted] = compute_sample_weight("balanced", y)
        elif recipe.head in UNBALANCED:
            notes.append(f"The head '{recipe.head}' takes no class weights: common classes weigh more.")
    estimator.fit(X, y, **arguments)
    choice = dict(getattr(estimator, "choice_", {}))
    return Fitted(plain(getattr(estimator, "best_estimator_", estimator)), choice, notes)


def _fit_together(
    recipe: Recipe, X: NDArray[np.float32], y: NDArray[Any], groups: NDArray[np.int64], threads: int
) -> Fitted:
    """Several heads, each fitted to everything, that decide by the mean (values: by the median)."""
    names = recipe.head.split(TOGETHER)
    fitted = [fit_single(replace(recipe, head=name), X, y, groups, threads) for name in names]
    estimators = [one.estimator for one in fitted]
    together = Committee.of(estimators) if recipe.target == "class" else ValueCommittee.of(estimators)
    choice = {name: one.choice for name, one in zip(names, fitted, strict=True) if one.choice}
    return Fitted(together, choice, [note for one in fitted for note in one.notes])


TOGETHER = "+"
WEIGHT_ARGUMENTS = {"mlp": "mlpclassifier__sample_weight"}
"""Heads that are balanced by weights given to `fit`; the others have class weights of their own."""
UNBALANCED = ("knn",)
"""Heads that cannot be balanced."""


def plain(estimator: Any) -> Any:
    """The estimator without what only training needed (thread counts, state of the optimiser), so bytes do not vary."""
    for step in _steps(estimator):
        if "n_jobs" in step.get_params(deep=False):
            step.set_params(n_jobs=None)
        for name in ("_optimizer", "_random_state", "_feature_subsample_rng"):
            if hasattr(step, name):
                delattr(step, name)
    return estimator


def _steps(estimator: Any) -> list[Any]:
    """The estimators of a pipeline, or the one itself; and what each wraps."""
    if isinstance(estimator, Calibrated):
        return _steps(estimator.estimator_)
    if isinstance(estimator, (Committee, ValueCommittee)):
        return [step for member in estimator.members_ for step in _steps(member)]
    steps = [step for _, step in getattr(estimator, "steps", [("", estimator)])]
    return steps + [step.regressor_ for step in steps if hasattr(step, "regressor_")]


def with_threads(estimator: Any, threads: int) -> Any:
    """The estimator told to use so many threads where it can."""
    for step in _steps(estimator):
        if "n_jobs" in step.get_params(deep=False):
            step.set_params(n_jobs=threads)
    return estimator
