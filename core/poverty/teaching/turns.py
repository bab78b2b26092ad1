"""Who learns from which places: five turns over six folds, the last of which always chooses when to stop.

Folds are whole squares by default; the random ones of the published protocol flatter (`rotation.py`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import BadInput
from ...folds import spatial_blocks, value_folds
from ...jobs.poverty.train import BLOCKS, RANDOM
from .rotation import FOLDS, Turn, turns

Float = NDArray[np.float64]
Int = NDArray[np.int64]


@dataclass(frozen=True)
class Turns:
    """Parts of N places.

    Attributes:
        turns: at most five.
        blocks: (N,) what was kept together.
        name: of the test, `blocks`, or `random` where places were dealt out one by one.
    """

    turns: tuple[Turn, ...]
    blocks: Int
    name: str


def spatial_turns(xy_m: Float, mean: Float, side_m: float, seed: int, kept: Int) -> Turns:
    """Squares dealt out to six folds so that each has poor and rich ones.

    Args:
        xy_m: (N, 2) metres.
        mean: (N,) mean known target of each place.
        side_m: of the squares.
        seed: decides where they lie and who gets which.
        kept: places to deal out; the others are in no part.

    Raises:
        BadInput: the places lie in fewer than six squares.
    """
    blocks = spatial_blocks(xy_m, np.arange(len(xy_m)), side_m, seed)
    count = len(np.unique(blocks[kept]))
    folds = value_folds(mean[kept], blocks[kept], FOLDS, seed)
    if folds is None or count < FOLDS:
        raise BadInput(
            f"All places lie in {count} square{'s' if count != 1 else ''} of {side_m:,.0f} m; six are needed to train, "
            "choose and test. Choose smaller squares if places are not displaced, or a larger region."
        )
    parts = [kept[folds.fold == k] for k in range(FOLDS)]
    found = []
    for test in range(FOLDS - 1):
        training = np.concatenate([part for k, part in enumerate(parts[:-1]) if k != test])
        found.append(Turn(np.sort(training), parts[-1], parts[test]))
    return Turns(tuple(found), blocks, BLOCKS)


def random_turns(count: int, seed: int, kept: Int) -> Turns:
    """As published.

    Args:
        count: places.
        seed: decides who gets which.
        kept: places to deal out; the others are in no part.

    Raises:
        BadInput: fewer than six places.
    """
    if len(kept) < FOLDS:
        raise BadInput(f"There are {len(kept)} places with values; six are needed to train, choose and test.")
    dealt = [Turn(kept[one.training], kept[one.validation], kept[one.test]) for one in turns(len(kept), seed)]
    return Turns(tuple(dealt), np.arange(count), RANDOM)
