"""Testing a head on labels that were kept apart: by groups, in spatial blocks, and at random for comparison.

In each fold the head is fitted by the very procedure of training, inner choices included.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS

from .folds import TRAINING_ONLY, Folds, block_side, make_folds, metres, spatial_blocks
from .heads.build import Fitted, fit_head
from .heads.fitting import run_all
from .heads.recipe import Recipe
from .progress import Progress
from .samples import Samples

Int = NDArray[np.int64]
GROUPS, BLOCKS, RANDOM = "groups", "blocks", "random"


@dataclass(frozen=True)
class Scheme:
    """One way to keep test samples apart."""

    name: str
    """`groups`, `blocks` or `random`."""
    title: str
    sentence: str
    """What is kept apart, for the report."""
    groups: Callable[[int], Int]
    """Repetition -> (N,) group numbers."""

    @property
    def honest(self) -> bool:
        """False for random folds."""
        return self.name != RANDOM


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


def schemes_for(target: str, samples: Samples, block_size_m: float, seed: int) -> tuple[list[Scheme], list[LeftOut]]:
    """Schemes that make sense for these samples, the one to trust first, and those that do not."""
    found: list[Scheme] = []
    without: list[LeftOut] = []
    kind = samples.group_kind
    if samples.grouped:
        sentence = f"Whole {kind} are kept apart: no cell of a test group was seen in training."
        found.append(Scheme(GROUPS, f"Folds of {kind}", sentence, lambda repeat: samples.groups))
    else:
        reason = f"Every label is a single {kind.rstrip('s')}, so there is nothing to keep together; blocks come first."
        without.append(LeftOut(GROUPS, "Folds of groups", reason))
    # With one large polygon a class, polygons cut by blocks are still better than nothing; a group field never is cut.
    cut = samples.grouped and not samples.by_field and make_folds(target, samples.y, samples.groups, 2, seed) is None
    blocks = _blocks(samples, np.arange(len(samples.y)) if cut else samples.groups, block_size_m, seed)
    (found if isinstance(blocks, Scheme) else without).append(blocks)  # type: ignore[arg-type]
    sentence = "Cells are dealt out at random: neighbours of training cells are in the test, which flatters."
    everyone = np.arange(len(samples.y), dtype=np.int64)
    found.append(Scheme(RANDOM, "Random folds", sentence, lambda repeat: everyone))
    return found, without


def _blocks(samples: Samples, groups: Int, block_size_m: float, seed: int) -> Scheme | LeftOut:
    title = "Spatial blocks"
    xy_m = metres_of(samples)
    if xy_m is None:
        return LeftOut(BLOCKS, title, "It is not known where the samples lie.")
    side = block_size_m or block_side(xy_m)
    if side <= 0:
        return LeftOut(BLOCKS, title, "All samples lie in one place.")
    unit = "m" if samples.crs else "units of the coordinates"
    whole = "a group lies in the square of its middle"
    if groups is not samples.groups:
        whole = f"as there are too few {samples.group_kind} to keep them whole, they are cut"
    sentence = f"Squares of {side:,.0f} {unit} are kept apart; {whole}, and each repetition lays the squares elsewhere."
    return Scheme(BLOCKS, title, sentence, lambda repeat: spatial_blocks(xy_m, groups, side, seed + repeat))


def metres_of(samples: Samples) -> NDArray[np.float64] | None:
    """(N, 2) places in metres; in units of the coordinates without a CRS; None when unknown."""
    if samples.xy is None or not samples.crs:
        return samples.xy
    crs = CRS.from_user_input(samples.crs)
    unit_m = 1.0 if crs.is_geographic else float(crs.axis_info[0].unit_conversion_factor)
    return metres(samples.xy, crs.is_geographic, unit_m)


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
    for repeat in range(repeats):
        groups = scheme.groups(repeat)
        folds = make_folds(plan.target, samples.y, groups, wish, plan.seed + repeat)
        if folds is None:
            what = "two classes with two groups each" if plan.target == "class" else "two groups"
            reason = f"This needs at least {what}: one to learn from and one to test on."
            if not trial.repetitions:
                return LeftOut(scheme.name, scheme.title, reason)
            continue
        part = progress.part(repeat / repeats, (repeat + 1) / repeats)
        trial.repetitions.append(_one_round(samples, plan, folds, groups, part))
    return trial


def _one_round(samples: Samples, plan: HeadPlan, folds: Folds, groups: Int, progress: Progress) -> Repetition:
    values = np.array([entry.value for entry in samples.classes], dtype=np.int64)
    predicted = np.zeros(len(samples.y), dtype=samples.y.dtype)
    probabilities = np.zeros((len(samples.y), len(values))) if len(values) else None

    def one_fold(training: Int, test: Int) -> None:
        estimator = plan.fit(samples, training, groups).estimator
        if probabilities is None:
            predicted[test] = estimator.predict(samples.X[test])
            return
        found = estimator.predict_proba(samples.X[test])
        probabilities[np.ix_(test, np.searchsorted(values, estimator.classes_))] = found
        predicted[test] = estimator.classes_[found.argmax(axis=1)]

    tasks = [partial(one_fold, training, test) for training, test in folds.parts()]
    run_all(tasks, plan.threads, progress)
    return Repetition(folds, groups, samples.y, predicted, probabilities)
