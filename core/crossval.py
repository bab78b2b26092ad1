"""Testing a head on labels that were kept apart: by groups, in spatial blocks, and at random for comparison.

In each fold the head is fitted by the very procedure of training, inner choices included.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from .conformal import calibrate, members_of
from .folds import TRAINING_ONLY, Folds, make_folds, metres_in, spatial_blocks
from .heads.build import Fitted, fit_head, is_balanced
from .heads.fitting import run_all
from .heads.recipe import Recipe
from .progress import Progress
from .samples import Regions, Samples
from .separation import GIVEN, BlockChoice, choose_block, guarded, length, region_folds

Int = NDArray[np.int64]
GROUPS, BLOCKS, REGIONS, RANDOM = "groups", "blocks", "regions", "random"
USUAL_FOLDS = 5


@dataclass(frozen=True)
class Scheme:
    """One way to keep test samples apart."""

    name: str
    """`groups`, `blocks`, `regions` or `random`."""
    title: str
    sentence: str
    """What is kept apart, for the report."""
    groups: Callable[[int], Int]
    """Repetition -> (N,) group numbers."""
    block: BlockChoice | None = None
    """How large blocks are, and why."""
    regions: Regions | None = None
    """What is left out in turn, whole."""
    guard_m: float = 0.0
    """Training samples nearer than this to a test sample are left out."""

    @property
    def honest(self) -> bool:
        """False for random folds."""
        return self.name != RANDOM

    def split(self, samples: Samples, wish: int, seed: int, repeat: int) -> tuple[Int, Folds] | None:
        """Groups and folds of one repetition, or None when nothing can be kept apart."""
        groups, classes = self.groups(repeat), bool(samples.classes)
        if self.regions is not None:
            folds = region_folds(self.regions, samples.groups, samples.y, classes=classes)
        else:
            folds = make_folds("class" if classes else "value", samples.y, groups, wish, seed + repeat)
        xy_m = metres_of(samples)
        if folds is not None and self.guard_m and xy_m is not None:
            folds = guarded(folds, samples.y, xy_m, self.guard_m, classes=classes)
        return None if folds is None else (groups, folds)


@dataclass
class Repetition:
    """One round in which every sample that can be tested was tested once."""

    folds: Folds
    groups: Int
    truth: NDArray[Any]
    """(N,) as in the samples."""
    predicted: NDArray[Any]
    """(N,) class values or float64; meaningless where not tested."""
    probabilities: NDArray[np.float64] | None
    """(N, K) in the order of the classes; None for values."""
    before: NDArray[np.float64] | None = None
    """(N, K) probabilities before calibration; None when the head was not calibrated."""
    balanced: bool = False
    """True when the probabilities are those of equally common classes."""
    sets: NDArray[np.bool_] | None = None
    """(N, K) classes held possible at the wanted coverage; no class at all where a fold had too few groups to tell."""
    choices: list[dict[str, Any]] = field(default_factory=list)
    """What the head chose in each fold."""
    calibrations: list[dict[str, Any]] = field(default_factory=list)
    """How probabilities were calibrated in each fold; empty dicts where that was not asked for."""

    @property
    def tested(self) -> Int:
        """Indices of samples that were tested."""
        return np.flatnonzero(self.folds.fold != TRAINING_ONLY)


@dataclass
class Trial:
    """A scheme and its repetitions."""

    scheme: Scheme
    repetitions: list[Repetition] = field(default_factory=list)


@dataclass(frozen=True)
class LeftOut:
    """A scheme that cannot be used here, and why."""

    name: str
    title: str
    reason: str


@dataclass(frozen=True)
class HeadPlan:
    """How to fit, and with how many threads."""

    recipe: Recipe
    threads: int = 1
    coverage: float = 0.0
    """Share of places whose class conformal sets are to hold; 0: no sets are made."""

    @property
    def target(self) -> str:
        """`class` or `value`."""
        return self.recipe.target

    @property
    def seed(self) -> int:
        """Decides all draws."""
        return self.recipe.seed

    def fit(self, samples: Samples, at: Int, groups: Int, threads: int = 1) -> Fitted:
        """The head fitted to the samples at these indices; `groups` is (N,) for all samples."""
        return fit_head(self.recipe, samples.X[at], samples.y[at], groups[at], threads)


def schemes_for(
    target: str, samples: Samples, block_size_m: float, seed: int, guard_m: float = 0.0, wish: int = USUAL_FOLDS
) -> tuple[list[Scheme], list[LeftOut]]:
    """Schemes that make sense for these samples, the one to trust first, and those that do not.

    Args:
        target: `class` or `value`.
        samples: all of them.
        block_size_m: side of spatial blocks; 0: chosen from the data.
        seed: decides the draws.
        guard_m: distance that training keeps from the test; random folds keep none.
        wish: most folds.
    """
    found: list[Scheme] = []
    without: list[LeftOut] = []
    kind = samples.group_kind
    if samples.grouped:
        sentence = f"Whole {kind} are kept apart: no cell of a test group was seen in training."
        found.append(Scheme(GROUPS, f"Folds of {kind}", sentence, lambda repeat: samples.groups, guard_m=guard_m))
    else:
        reason = f"Every label is a single {kind.rstrip('s')}, so there is nothing to keep together; blocks come first."
        without.append(LeftOut(GROUPS, "Folds of groups", reason))
    # With one large polygon a class, polygons cut by blocks are still better than nothing; a group field never is cut.
    cut = samples.grouped and not samples.by_field and make_folds(target, samples.y, samples.groups, 2, seed) is None
    groups = np.arange(len(samples.y)) if cut else samples.groups
    blocks = _blocks(target, samples, groups, (block_size_m, guard_m), wish, seed)
    (found if isinstance(blocks, Scheme) else without).append(blocks)  # type: ignore[arg-type]
    if samples.regions is not None:
        sentence = "Each region is tested by a head that was trained on all others and never saw it."
        inner = inner_groups(samples, seed)
        found.append(
            Scheme(REGIONS, "Leave one region out", sentence, lambda repeat: inner, None, samples.regions, guard_m)
        )
    sentence = "Cells are dealt out at random: neighbours of training cells are in the test, which flatters."
    everyone = np.arange(len(samples.y), dtype=np.int64)
    found.append(Scheme(RANDOM, "Random folds", sentence, lambda repeat: everyone))
    return found, without


def _blocks(
    target: str, samples: Samples, groups: Int, sizes_m: tuple[float, float], wish: int, seed: int
) -> Scheme | LeftOut:
    """Spatial blocks of a given or a chosen side; `sizes_m` are the side (0: chosen) and the guard distance."""
    title = "Spatial blocks"
    xy_m = metres_of(samples)
    if xy_m is None:
        return LeftOut(BLOCKS, title, "It is not known where the samples lie.")
    unit = "m" if samples.crs else "units of the coordinates"
    given_m, guard_m = sizes_m
    if given_m:
        block: BlockChoice | None = BlockChoice(given_m, GIVEN, "The side of the blocks was given.")
    else:
        block = choose_block(target, xy_m, groups, samples.X, samples.y, unit, wish, seed)
    if block is None or not np.ptp(xy_m, axis=0).any():
        return LeftOut(BLOCKS, title, "All samples lie in one place.")
    side = block.side_m
    whole = "a group lies in the square of its middle"
    if groups is not samples.groups:
        whole = f"as there are too few {samples.group_kind} to keep them whole, they are cut"
    sentence = f"Squares of {side:,.0f} {unit} are kept apart; {whole}, and each repetition lays the squares elsewhere."
    if side < 10:  # degrees without a CRS, for one
        sentence = sentence.replace(f"{side:,.0f} {unit}", length(side, unit))
    return Scheme(
        BLOCKS, title, sentence, lambda repeat: spatial_blocks(xy_m, groups, side, seed + repeat), block, None, guard_m
    )


def inner_groups(samples: Samples, seed: int) -> Int:
    """(N,) what heads keep together when they try their settings on all samples.

    Groups where labels have them, else spatial blocks where places are known, else every sample by itself. So what a
    head chooses for itself is chosen for places that it has not seen.
    """
    xy_m = metres_of(samples)
    if samples.grouped or xy_m is None:
        return samples.groups
    target = "class" if samples.classes else "value"
    block = choose_block(target, xy_m, samples.groups, samples.X, samples.y, "m", USUAL_FOLDS, seed)
    return samples.groups if block is None else spatial_blocks(xy_m, samples.groups, block.side_m, seed)


def metres_of(samples: Samples) -> NDArray[np.float64] | None:
    """(N, 2) places in metres; in units of the coordinates without a CRS; None when unknown."""
    if samples.xy is None or not samples.crs:
        return samples.xy
    return metres_in(samples.xy, CRS.from_user_input(samples.crs))


def run_scheme(
    scheme: Scheme, samples: Samples, plan: HeadPlan, wish: int, repeats: int, progress: Progress
) -> Trial | LeftOut:
    """Test a head under one scheme.

    Args:
        scheme: how samples are kept apart.
        samples: all of them.
        plan: how to fit.
        wish: most folds.
        repeats: rounds, each with another draw of the folds.
        progress: of this scheme.

    Returns:
        The trial, or the reason why there can be none.
    """
    trial = Trial(scheme)
    rounds = 1 if scheme.regions is not None else repeats  # regions leave nothing to draw
    for repeat in range(rounds):
        found = scheme.split(samples, wish, plan.seed, repeat)
        if found is None:
            if not trial.repetitions:
                return LeftOut(scheme.name, scheme.title, _why_not(scheme, samples, wish, plan))
            continue
        groups, folds = found
        part = progress.part(repeat / rounds, (repeat + 1) / rounds)
        trial.repetitions.append(_one_round(samples, plan, folds, groups, part))
    return trial


def _why_not(scheme: Scheme, samples: Samples, wish: int, plan: HeadPlan) -> str:
    if scheme.guard_m and replace(scheme, guard_m=0.0).split(samples, wish, plan.seed, 0) is not None:
        return f"With a guard distance of {scheme.guard_m:,.0f} m no fold has anything left to learn from."
    if scheme.regions is not None:
        return "No region leaves enough to learn from in the others."
    what = "two classes with two groups each" if plan.target == "class" else "two groups"
    return f"This needs at least {what}: one to learn from and one to test on."


def _one_round(samples: Samples, plan: HeadPlan, folds: Folds, groups: Int, progress: Progress) -> Repetition:
    said = _Said(samples, plan)
    parts = folds.parts()
    tasks = [partial(said.learn, training, test, groups) for training, test in parts]
    fitted = run_all(tasks, plan.threads, progress)
    choices = [one.choice for one in fitted]
    if not said.values.size:
        return Repetition(folds, groups, samples.y, said.predicted, None, choices=choices)
    before = said.before if any(hasattr(one.estimator, "uncalibrated_proba") for one in fitted) else None
    balanced = all(is_balanced(plan.recipe, one) for one in fitted)
    sets = said.sets if said.sets.any() else None
    return Repetition(
        folds,
        groups,
        samples.y,
        said.predicted,
        said.probabilities,
        before,
        balanced,
        sets,
        choices,
        [one.calibration for one in fitted],
    )


class _Said:
    """What heads say of the samples that they did not see; each fold fills its own rows."""

    def __init__(self, samples: Samples, plan: HeadPlan) -> None:
        self._samples, self._plan = samples, plan
        self.values = np.array([entry.value for entry in samples.classes], dtype=np.int64)
        shape = (len(samples.y), len(self.values))
        self.predicted = np.zeros(len(samples.y), dtype=samples.y.dtype)
        self.probabilities, self.before = np.zeros(shape), np.zeros(shape)
        self.sets = np.zeros(shape, dtype=bool)

    def learn(self, training: Int, test: Int, groups: Int) -> Fitted:
        """Fit to the training samples and note what the head says of the test samples."""
        fitted = self._plan.fit(self._samples, training, groups)
        estimator, X = fitted.estimator, self._samples.X[test]
        if not self.values.size:
            self.predicted[test] = estimator.predict(X)
            return fitted
        columns = np.ix_(test, np.searchsorted(self.values, estimator.classes_))
        found = estimator.predict_proba(X)
        self.probabilities[columns] = found
        self.predicted[test] = estimator.classes_[found.argmax(axis=1)]
        raw = getattr(estimator, "uncalibrated_proba", None)
        self.before[columns] = found if raw is None else raw(X)
        threshold = self._threshold(fitted, training, groups)
        if threshold is not None:
            self.sets[columns] = members_of(found, threshold)
        return fitted

    def _threshold(self, fitted: Fitted, training: Int, groups: Int) -> float | None:
        """As in training a head: from the samples that were held out of its fit."""
        if not self._plan.coverage or fitted.held_out is None or fitted.out_of_fold is None:
            return None
        at = fitted.held_out.at
        codes = np.searchsorted(fitted.estimator.classes_, self._samples.y[training])
        found = calibrate(fitted.out_of_fold[at], codes[at], groups[training][at], self._plan.coverage)
        return None if found is None else found.threshold
