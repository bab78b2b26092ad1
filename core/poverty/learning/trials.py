"""Methods tested on the same folds: given ones, squares, countries left out, and random cells for comparison."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from ...crossval import BLOCKS, REGIONS, HeadPlan, LeftOut, Scheme, inner_groups, metres_of, run_scheme, schemes_for
from ...folds import Folds
from ...heads.recipe import Recipe
from ...progress import Progress
from ...samples import Regions, Samples
from ...separation import choose_block, length, testable
from .changes import Pairs
from .dealt import Dealt, bundled, of_pairs
from .registry import METHODS

Float = NDArray[np.float64]
Int = NDArray[np.int64]
GIVEN = "given"
LEAST_BLOCK_M = 20_000.0
"""Published places of surveys lie up to 10 km from the true ones: with less, a village could be on both sides."""
FEWEST_GIVEN = 4
"""Given folds from which inner choices are made by them, too; with fewer nothing is left to choose by."""
MOST_REGIONS = 30
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
        folds: of the N rows.
        groups: (N,) what inner choices kept together.
        said: (N,) by name of method, trivial answers among them; NaN where not tested.
    """

    folds: Folds
    groups: Int
    said: dict[str, Float] = field(default_factory=dict)

    @property
    def fold(self) -> Int:
        """(N,) below 0 where never tested."""
        return self.folds.fold

    @property
    def names(self) -> tuple[str, ...]:
        """Of the folds, where they are something."""
        return self.folds.names


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
    samples: Samples, given: Regions | None, held: Scheme | LeftOut | None, wish: Wish, progress: Progress
) -> tuple[list[Tested], list[LeftOut]]:
    """Every method under every scheme, the one to trust first; all methods meet the same folds.

    Args:
        samples: with regions, where they are known.
        given: folds that a field deals, or None.
        held: the region that is held out, or None.
        wish: how.
        progress: of all.
    """
    schemes, without = _schemes(samples, given, wish)
    if isinstance(held, LeftOut):
        without.append(held)
    elif held is not None:
        schemes.insert(sum(scheme.honest for scheme in schemes), held)
    tested, not_tested = _test(schemes, samples, wish, progress)
    return tested, without + not_tested


def test_pairs(
    samples: Samples, pairs: Pairs, levels: Sequence[Tested], wish: Wish, progress: Progress
) -> list[Tested]:
    """As `test_all`, for pairs of rows as samples, in the very folds in which their levels were tested.

    Random folds are passed over: there a method would have seen the place that it is asked about.
    """
    schemes: list[Scheme] = []
    for one in levels:
        dealt = []
        for turn in one.rounds if one.scheme.honest else ():
            folds = testable(of_pairs(turn.folds, pairs.first, pairs.second), samples.y, classes=False)
            if folds is not None:
                dealt.append((turn.groups[pairs.first], folds))
        if dealt:
            scheme = one.scheme
            schemes.append(
                Dealt(scheme.name, scheme.title, scheme.sentence, scheme.groups, scheme.block, dealt=tuple(dealt))
            )
    return _test(schemes, samples, wish, progress, "Changes, ")[0]


def _test(
    schemes: Sequence[Scheme], samples: Samples, wish: Wish, progress: Progress, what: str = ""
) -> tuple[list[Tested], list[LeftOut]]:
    tested: list[Tested] = []
    without: list[LeftOut] = []
    runs = len(schemes) * len(wish.methods)
    for number, scheme in enumerate(schemes):
        rounds: list[Round] = []
        for place, name in enumerate(wish.methods):
            done = number * len(wish.methods) + place
            part = progress.part(done / runs, (done + 1) / runs)
            part.checkpoint(0.0, f"{what}{scheme.title}: {METHODS[name].title}")
            recipe = Recipe(METHODS[name].head, "value", seed=wish.seed, own_units=samples.space.own_units)
            plan = HeadPlan(recipe, wish.threads)
            trial = run_scheme(scheme, samples, plan, wish.folds, wish.repeats, part)
            if isinstance(trial, LeftOut):
                without.append(_with_reason(trial, scheme, samples, wish))
                break
            if not rounds:
                rounds = [Round(one.folds, one.groups) for one in trial.repetitions]
            for turn, repetition in zip(rounds, trial.repetitions, strict=True):
                turn.said[name] = np.where(turn.fold >= 0, repetition.predicted, np.nan)
        if rounds:
            _add_trivial(rounds, samples)
            tested.append(Tested(scheme, rounds))
    return tested, without


def _with_reason(trial: LeftOut, scheme: Scheme, samples: Samples, wish: Wish) -> LeftOut:
    """Squares that hold all places are too large, which the user can change."""
    xy_m = metres_of(samples)
    if scheme.block is None or wish.block_size_m or xy_m is None or np.ptp(xy_m, axis=0).max() > scheme.block.side_m:
        return trial
    reason = (
        f"All places lie within one square of {length(scheme.block.side_m, 'm')}, as wide as displaced places ask for. "
        "If yours are not displaced, give a smaller 'Spatial block'."
    )
    return replace(trial, reason=reason)


def _schemes(samples: Samples, given: Regions | None, wish: Wish) -> tuple[list[Scheme], list[LeftOut]]:
    """Given folds first, then squares, then regions; random rows last. Folds of single places would be no test."""
    side_m = wish.block_size_m or _side(samples, wish)
    found, without = schemes_for("value", samples, side_m, wish.seed, 0.0, wish.folds)
    kept = [scheme for scheme in found if scheme.name in (BLOCKS, REGIONS) or not scheme.honest]
    without = [one for one in without if one.name in (BLOCKS, REGIONS)]
    if not any(scheme.name == BLOCKS for scheme in kept):
        kept = [scheme for scheme in found if scheme not in kept and scheme.honest] + kept
    kept = [_regions_left_out(scheme, wish) if scheme.name == REGIONS else _worded(scheme) for scheme in kept]
    if given is not None:
        sentence = "Each fold that the field gives is tested by methods that learnt from all others."
        inner = given.of if len(given.names) >= FEWEST_GIVEN else inner_groups(samples, wish.seed)
        kept.insert(0, Scheme(GIVEN, "Given folds", sentence, lambda repeat: inner, None, given))
    return kept, without


def _worded(scheme: Scheme) -> Scheme:
    """With a sentence of rows and places, not of cells."""
    if scheme.honest:
        return replace(scheme, sentence=scheme.sentence.replace("; a group lies in", "; a place lies in"))
    sentence = "Rows are dealt out at random: neighbours, and other years of a place, were in training, which flatters."
    return replace(scheme, sentence=sentence)


def _regions_left_out(scheme: Scheme, wish: Wish) -> Scheme:
    """Each region by itself; many are bundled, since each would ask for a fit of every method."""
    sentence = "Each country or region is tested by methods that learnt from all others."
    scheme = replace(scheme, title="Regions left out", sentence=sentence)
    regions = scheme.regions
    if regions is None or len(regions.names) <= MOST_REGIONS:
        return scheme
    bundle = bundled(np.bincount(regions.of[regions.of >= 0], minlength=len(regions.names)).tolist(), wish.folds)
    names = tuple(f"bundle {number + 1}" for number in range(wish.folds))
    sentence = (
        f"The {len(regions.names):,} regions are bundled into {wish.folds}; each bundle is tested by methods that "
        "never saw its regions."
    )
    return replace(scheme, sentence=sentence, regions=Regions(np.append(bundle, -1)[regions.of], names))


def _side(samples: Samples, wish: Wish) -> float:
    """As far as values are alike, at least `LEAST_BLOCK_M`; 0 where it is not known where rows lie."""
    xy_m = metres_of(samples)
    if xy_m is None or not samples.crs:
        return 0.0
    block = choose_block("value", xy_m, samples.groups, samples.X, samples.y, "m", wish.folds, wish.seed)
    return LEAST_BLOCK_M if block is None else max(LEAST_BLOCK_M, block.side_m)


def _add_trivial(rounds: Sequence[Round], samples: Samples) -> None:
    """What needs no method: the mean of what was learnt from, and that of each region where one was learnt from."""
    known = False
    for turn in rounds:
        mean, of_region = np.full(len(samples.y), np.nan), np.full(len(samples.y), np.nan)
        for training, test in turn.folds.parts():
            mean[test] = of_region[test] = samples.y[training].mean()
            if samples.regions is None:
                continue
            of = samples.regions.of
            for region in np.unique(of[test][of[test] >= 0]):
                same = samples.y[training][of[training] == region]
                if len(same):
                    of_region[test[of[test] == region]] = same.mean()
                    known = True
        turn.said |= {MEAN: mean, REGION_MEAN: of_region}
    for turn in rounds if not known else ():
        del turn.said[REGION_MEAN]
