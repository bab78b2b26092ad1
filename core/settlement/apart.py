"""How labelled cells are kept apart to compare methods: at random as often published, in blocks, by zones."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..folds import Folds, class_folds, spatial_blocks
from ..samples import Regions
from ..separation import BlockChoice, region_folds
from .taught import Taught

Int = NDArray[np.int64]
RANDOM, BLOCKS, ZONES = "random", "blocks", "zones"
TITLES = {RANDOM: "Random folds", BLOCKS: "Spatial blocks", ZONES: "Left-out zones"}
HONEST = (BLOCKS, ZONES)
"""The one to trust first: who maps the city of the labels wants the score of other places in it."""


@dataclass(frozen=True)
class Split:
    """One repetition of a scheme.

    Attributes:
        folds: of the n labelled cells.
        groups: (n,) cells that a method keeps together when it chooses or learns its cut inside a training part.
    """

    folds: Folds
    groups: Int


@dataclass(frozen=True)
class Scheme:
    """One way to keep cells apart.

    Attributes:
        name: `random`, `blocks` or `zones`.
        sentence: what is kept apart, for the report.
        splits: one for each repetition.
    """

    name: str
    sentence: str
    splits: tuple[Split, ...]

    @property
    def title(self) -> str:
        """For people."""
        return TITLES[self.name]


@dataclass(frozen=True)
class NotApart:
    """A scheme that these cells do not allow, and why."""

    name: str
    reason: str


def schemes_for(
    taught: Taught, block: BlockChoice | None, zones: Regions | None, folds: int, repeats: int, seed: int
) -> list[Scheme | NotApart]:
    """All three schemes; each is drawn anew in every repetition, except zones, which leave nothing to draw.

    Args:
        taught: n labelled cells.
        block: side of the squares, or None when all cells lie in one place.
        zones: of the n cells, or None when there are fewer than two.
        folds: most folds.
        repeats: repetitions.
        seed: decides the draws.
    """
    everyone = np.arange(len(taught.y), dtype=np.int64)
    at_random = "Cells are dealt out at random: neighbours of training cells are in the test, which flatters."
    return [
        _drawn(RANDOM, at_random, taught, lambda repeat: everyone, (folds, repeats, seed)),
        _blocks(taught, block, everyone, (folds, repeats, seed)),
        _zones(taught, block, zones, (repeats, seed)),
    ]


def _blocks(taught: Taught, block: BlockChoice | None, everyone: Int, draws: tuple[int, int, int]) -> Scheme | NotApart:
    if block is None:
        return NotApart(BLOCKS, "All labelled cells lie in one place.")
    sentence = (
        f"Squares of {block.side_m:,.0f} m are kept apart, laid elsewhere in each repetition. {block.sentence} Squares "
        "side by side may lie in training and test."
    )
    return _drawn(
        BLOCKS, sentence, taught, lambda repeat: spatial_blocks(taught.xy_m, everyone, block.side_m, draws[2] + repeat),
        draws,
    )  # fmt: skip


def _drawn(
    name: str, sentence: str, taught: Taught, groups: Callable[[int], Int], draws: tuple[int, int, int]
) -> Scheme | NotApart:
    wish, repeats, seed = draws
    splits = []
    for repeat in range(repeats):
        found = groups(repeat)
        folds = class_folds(taught.y, found, wish, seed + repeat)
        if folds is not None:
            splits.append(Split(folds, found))
    if not splits:
        return NotApart(name, "The favela cells, or the others, lie in one square: there is none to learn from.")
    return Scheme(name, sentence, tuple(splits))


def _zones(
    taught: Taught, block: BlockChoice | None, zones: Regions | None, draws: tuple[int, int]
) -> Scheme | NotApart:
    if zones is None:
        return NotApart(ZONES, "The labelled cells lie in one zone only, or no field says in which.")
    repeats, seed = draws
    folds = region_folds(zones, np.arange(len(taught.y), dtype=np.int64), taught.y, classes=True)
    if folds is None:
        return NotApart(ZONES, "No zone can be taught by the others: they lack favela cells, or other ones.")
    sentence = "Each zone is tested by methods that were trained on all others; repetitions differ in their draws only."
    splits = (Split(folds, taught.groups(block, seed + repeat)) for repeat in range(repeats))
    return Scheme(ZONES, sentence, tuple(splits))
