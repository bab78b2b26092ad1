"""The head of a session: fitted at each click with the choices made last, and settled as 'Train head' fits it."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..classes import ClassEntry
from ..conformal import calibrate
from ..crossval import inner_groups
from ..errors import EngineTooSmall
from ..heads.build import TOGETHER, Fitted, chosen_head, chosen_strength, fit_head, held_out
from ..heads.calibration import Calibrated
from ..heads.fitting import run_all
from ..heads.linear import USUAL_STRENGTH
from ..heads.maps import Map
from ..heads.recipe import Recipe
from ..progress import Progress
from ..samples import Samples

AUTO, LINEAR = "auto", "linear"


@dataclass(frozen=True)
class Choices:
    """What a settled head chose, to be kept until it is settled again."""

    head: str
    strength: float | None
    method: str = "none"
    numbers: Map | None = None
    """Of the calibration."""
    names: tuple[str, ...] = ()
    """Classes for which the calibration holds."""
    held: tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]] | None = None
    """(n, K) held-out probabilities, (n,) columns of the true class, (n,) groups; for conformal sets."""


@dataclass(frozen=True)
class LiveHead:
    """A head as it stands.

    Attributes:
        estimator: fitted.
        classes: of the head; empty for values.
        version: another number, another head.
        settled: fitted with all choices of 'Train head'.
        words: what it is.
        labels: version of the labels that it was fitted to.
        span: of the labelled values; (0, 0) for classes.
    """

    estimator: Any
    classes: tuple[ClassEntry, ...]
    version: int
    settled: bool
    words: str
    labels: int
    span: tuple[float, float] = (0.0, 0.0)


class Fitter:
    """Fits, and remembers what was chosen."""

    def __init__(self, recipe: Recipe, threads: int) -> None:
        self._recipe, self._threads = recipe, threads
        self._choices: Choices | None = None
        self._version = 0

    def quick(self, samples: Samples, labels: int, progress: Progress) -> LiveHead:
        """Fitted with what was chosen last, or what is good as a rule."""
        recipe = self.quick_recipe()
        fitted = self._run(partial(fit_head, recipe, samples.X, samples.y, samples.groups, self._threads), progress)
        estimator, words = fitted.estimator, _words(recipe.head, recipe.strength)
        choices = self._choices
        if choices is not None and choices.numbers and choices.names == _names(samples):
            estimator = Calibrated.of(estimator, choices.method, choices.numbers)
            words += f", calibrated ({choices.method}) as before"
        return self._made(estimator, samples, False, words, labels)

    def settle(self, samples: Samples, labels: int, progress: Progress) -> LiveHead:
        """Fitted as 'Train head' does it."""
        fitted = self._run(partial(self._settle, samples), progress)
        self._choices = fitted[1]
        words = _words(self._choices.head, self._choices.strength)
        if self._choices.method != "none":
            words += f", calibrated ({self._choices.method})"
        return self._made(fitted[0].estimator, samples, True, words, labels)

    def quick_recipe(self) -> Recipe:
        """With all choices made."""
        recipe, choices = self._recipe.uncalibrated(), self._choices
        if choices is not None:
            return replace(recipe, head=choices.head, strength=choices.strength)
        # Before anything was compared the linear head answers at once and is seldom far from the best.
        head = LINEAR if recipe.head == AUTO else recipe.head
        return replace(recipe, head=head, strength=USUAL_STRENGTH if head == LINEAR else None)

    def threshold(self, head: LiveHead, coverage: float) -> float | None:
        """Of conformal sets; None when not asked for, or when too few groups could be held out to tell."""
        held = None if self._choices is None else self._choices.held
        if held is None or not coverage or self._choices is None:
            return None
        if self._choices.names != tuple(entry.name for entry in head.classes):
            return None
        try:
            found = calibrate(*held, coverage)
        except EngineTooSmall:
            return None  # an engine without that library shows no place as unsure, as 'Train head' says in its log
        return None if found is None else found.threshold

    def _settle(self, samples: Samples) -> tuple[Fitted, Choices]:
        groups = inner_groups(samples, self._recipe.seed)
        fitted = fit_head(self._recipe, samples.X, samples.y, groups, self._threads)
        head, strength = chosen_head(self._recipe, fitted), _strength(self._recipe, fitted)
        choices = Choices(head, strength, names=_names(samples))
        if not samples.classes:
            return fitted, choices
        held = fitted.held_out
        if held is None and not fitted.calibration:
            held = held_out(self._recipe, fitted, samples.X, samples.y, groups, self._threads)
        if isinstance(fitted.estimator, Calibrated):
            choices = replace(choices, method=fitted.estimator.method_, numbers=fitted.estimator.map_)
        if held is not None and held.probabilities is not None:
            shares = held.probabilities if fitted.out_of_fold is None else fitted.out_of_fold
            codes = np.searchsorted(np.unique(samples.y), samples.y)
            choices = replace(choices, held=(shares[held.at], codes[held.at], groups[held.at]))
        return fitted, choices

    def _made(self, estimator: Any, samples: Samples, settled: bool, words: str, labels: int) -> LiveHead:
        self._version += 1
        span = (0.0, 0.0) if samples.classes else (float(samples.y.min()), float(samples.y.max()))
        return LiveHead(estimator, samples.classes, self._version, settled, words, labels, span)

    def _run(self, task: Any, progress: Progress) -> Any:
        return run_all([task], 1, progress)[0]


def _names(samples: Samples) -> tuple[str, ...]:
    return tuple(entry.name for entry in samples.classes)


def _strength(recipe: Recipe, fitted: Fitted) -> float | None:
    """Of the linear head, for classes as for values; None where there is none."""
    if recipe.target == "class":
        return chosen_strength(recipe, fitted)
    choice = fitted.choice.get("fitted", fitted.choice)
    found = choice.get(LINEAR, choice).get("strength")
    return None if found is None else float(found)


def _words(head: str, strength: float | None) -> str:
    named = head.replace(TOGETHER, " + ")
    return named if strength is None else f"{named}, strength {strength:g}"
