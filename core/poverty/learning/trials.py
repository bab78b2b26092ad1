"""Methods tested on the same folds: given ones, squares, countries left out, and random cells for comparison."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ...crossval import BLOCKS, REGIONS, HeadPlan, LeftOut, Scheme, metres_of, run_scheme, schemes_for
from ...heads.recipe import Recipe
from ...progress import Progress
from ...samples import Regions, Samples
from ...separation import choose_block
from .registry import METHODS

Float = NDArray[np.float64]
Int = NDArray[np.int64]
GIVEN = "given"
LEAST_BLOCK_M = 20_000.0
"""Published places of surveys lie up to 10 km from the true ones: with less, a village could be on both sides."""
MEAN, REGION_MEAN = "mean", "region-mean"
TRIVIAL = {MEAN: "The same answer everywhere", REGION_MEAN: "Mean of each country or region"}


@dataclass(frozen=True)
class Wish:
    """How to test."""

    methods: tuple[str, ...]
    folds: int
    repeats: int
    block_size_m: float
    seed: int
    threads: int


@dataclass
class Round:
    """What each method said of the rows that it did not see, once for each.

    Attributes:
        fold: (N,) below 0 where never tested.
        said: (N,) by name of method, trivial answers among them; NaN where not tested.
        names: of the folds, where they are something.
    """

    fold: Int
    said: dict[str, Float] = field(default_factory=dict)
    names: tuple[str, ...] = ()


@dataclass
class Tested:
    """One way to keep rows apart, and its rounds."""

    scheme: Scheme
    rounds: list[Round]

    @property
    def title(self) -> str:
        """In words."""
        return self.scheme.title


def test_all(
    samples: Samples, given: Regions | None, wish: Wish, progress: Progress
) -> tuple[list[Tested], list[LeftOut]]:
    """Every method under every scheme, the one to trust first; all methods meet the same folds.

    Args:
        samples: with regions, where they are known.
        given: folds that a field deals, or None.
        wish: how.
        progress: of all.
    """
    schemes, without = _schemes(samples, given, wish)
    tested, runs = [], len(schemes) * len(wish.methods)
    for number, scheme in enumerate(schemes):
        rounds: list[Round] = []
        for place, name in enumerate(wish.methods):
            done = number * len(wish.methods) + place
            part = progress.part(done / runs, (done + 1) / runs)
            part.checkpoint(0.0, f"{scheme.title}: {METHODS[name].title}")
            recipe = Recipe(METHODS[name].head, "value", seed=wish.seed, own_units=samples.space.own_units)
            plan = HeadPlan(recipe, wish.threads)
            trial = run_scheme(scheme, samples, plan, wish.folds, wish.repeats, part)
            if isinstance(trial, LeftOut):
                without.append(trial)
                break
            for turn, repetition in enumerate(trial.repetitions):
                if len(rounds) <= turn:
                    folds = repetition.folds
                    rounds.append(Round(folds.fold, _trivial(samples, folds.parts()), folds.names))
                rounds[turn].said[name] = np.where(rounds[turn].fold >= 0, repetition.predicted, np.nan)
        if rounds:
            tested.append(Tested(scheme, rounds))
    return tested, without


def _schemes(samples: Samples, given: Regions | None, wish: Wish) -> tuple[list[Scheme], list[LeftOut]]:
    """Given folds first, then squares, then regions; random rows last. Folds of single places would be no test."""
    side_m = wish.block_size_m or _side(samples, wish)
    found, without = schemes_for("value", samples, side_m, wish.seed, 0.0, wish.folds)
    kept = [scheme for scheme in found if scheme.name in (BLOCKS, REGIONS) or not scheme.honest]
    without = [one for one in without if one.name in (BLOCKS, REGIONS)]
    if not any(scheme.name == BLOCKS for scheme in kept):
        kept = [scheme for scheme in found if scheme not in kept and scheme.honest] + kept
    kept = [replace(scheme, title="Regions left out") if scheme.name == REGIONS else scheme for scheme in kept]
    if given is not None:
        sentence = "Each fold that the field gives is tested by methods that learnt from all others."
        kept.insert(0, Scheme(GIVEN, "Given folds", sentence, lambda repeat: given.of, None, given))
    return kept, without


def _side(samples: Samples, wish: Wish) -> float:
    """As far as values are alike, at least `LEAST_BLOCK_M`; 0 where it is not known where rows lie."""
    xy_m = metres_of(samples)
    if xy_m is None or not samples.crs:
        return 0.0
    block = choose_block("value", xy_m, samples.groups, samples.X, samples.y, "m", wish.folds, wish.seed)
    return LEAST_BLOCK_M if block is None else max(LEAST_BLOCK_M, block.side_m)


def _trivial(samples: Samples, parts: Sequence[tuple[Int, Int]]) -> dict[str, Float]:
    """What needs no method: the mean of what was learnt from, and that of each region."""
    said = {name: np.full(len(samples.y), np.nan) for name in TRIVIAL}
    for training, test in parts:
        mean = float(samples.y[training].mean())
        said[MEAN][test] = mean
        said[REGION_MEAN][test] = mean
        if samples.regions is None:
            continue
        of = samples.regions.of
        for region in np.unique(of[test][of[test] >= 0]):
            known = samples.y[training][of[training] == region]
            if len(known):
                said[REGION_MEAN][test[of[test] == region]] = known.mean()
    if samples.regions is None:
        del said[REGION_MEAN]
    return said
