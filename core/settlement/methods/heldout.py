"""What methods say of cells that they were not fitted to, and what that teaches: probabilities, and where to cut.

Draws are balanced, so P(favela) of a method is that of a city half of which is favela. Cells held out are as common as
the labels have them, so maps learnt from them give probabilities at natural prevalence.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...folds import Folds
from ...heads.calibration import learn
from ...heads.heldout import HeldOut
from ...heads.maps import Map, apply_map
from ...progress import Progress
from .combine import EDGE, Bool, Float
from .fitting import Cells, Plan, fit_parts

Int = NDArray[np.int64]


@dataclass
class Said:
    """What one method said of n cells.

    Attributes:
        ranked: (n,) from 0 to 1, NaN where the cell was not tested.
        favela: (n,) its own decision.
    """

    ranked: Float
    favela: Bool


def hold_out(
    plan: Plan, cells: Cells, at: Int, y: Int, groups: Int, folds: Folds, progress: Progress
) -> dict[str, Said]:
    """Each method fitted to balanced draws of the training part of each fold, asked about all of the test part.

    Args:
        plan: which methods.
        cells: all of them.
        at: (n,) labelled cells.
        y: (n,) 1 for favela, else 0.
        groups: (n,) kept together by automatic heads.
        folds: of the n cells.
        progress: over all folds.
    """
    said = {name: Said(np.full(len(at), np.nan), np.zeros(len(at), np.bool_)) for name in plan.methods}
    parts = folds.parts()
    for number, (training, test) in enumerate(parts):
        part = progress.part(number / len(parts), (number + 1) / len(parts))
        if not test.size or len(np.unique(y[training])) < 2:
            continue
        fitted = fit_parts(plan, cells, at[training], y[training], groups[training], part)
        for name, (ranked, favela) in fitted.say(plan.methods, cells, at[test], at[training]).items():
            said[name].ranked[test], said[name].favela[test] = ranked, favela
    return said


@dataclass(frozen=True)
class Reading:
    """How the numbers of one method become probabilities, and from where on a cell is favela.

    Attributes:
        numbers: of the map to probabilities at natural prevalence; see `core/heads/maps.py`.
        cut: probability from which on F1 of the cells held out is best.
        facts: plain JSON values for people: map, error before and after, precision, recall, F1, IoU at each cut.
    """

    numbers: Map = field(default_factory=dict)
    cut: float = EDGE
    facts: Mapping[str, Any] = field(default_factory=dict)

    def probability(self, ranked: Float) -> Float:
        """(n,) P(favela) where favela is as common as among the labels."""
        shares = np.stack([1 - ranked, ranked], axis=1)
        whole = np.isfinite(ranked)
        found = np.full(len(ranked), np.nan)
        found[whole] = apply_map(self.numbers, shares[whole])[:, 1]
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        numbers = {name: np.asarray(value).tolist() for name, value in self.numbers.items()}
        return {"numbers": numbers, "cut": self.cut, "facts": dict(self.facts)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Reading":
        """What `to_dict` wrote."""
        numbers = {name: np.array(value, np.float64) for name, value in values["numbers"].items()}
        return cls(numbers, float(values["cut"]), values["facts"])


def read(said: Said, y: Int, groups: Int, fold: Int) -> Reading:
    """Learn from cells held out.

    Args:
        said: of one method.
        y: (n,) 1 for favela, else 0.
        groups: (n,) kept apart.
        fold: (n,) fold in which each cell was tested.
    """
    shares = np.stack([1 - said.ranked, said.ranked], axis=1)
    tested = np.isfinite(said.ranked) & (fold >= 0)
    held = HeldOut(np.where(tested, fold, -1), [None] * (int(fold.max()) + 1), np.nan_to_num(shares))
    learnt = learn("auto", held, y, groups, balanced=False)
    if learnt.probabilities is None:
        return Reading(facts={"calibration": learnt.facts})
    probability, truth = learnt.probabilities[tested, 1], y[tested] == 1
    cut = best_cut(probability, truth)
    facts = {
        "calibration": learnt.facts,
        "published": scores(truth, said.favela[tested]),
        "natural": scores(truth, probability >= EDGE),
        "best": scores(truth, probability >= cut),
    }
    return Reading(learnt.numbers, cut, facts)


def best_cut(probability: Float, truth: Bool) -> float:
    """The probability from which on F1 is best, half-way to the next below; one half where nothing is favela."""
    order = np.argsort(-probability, kind="stable")
    ranked, right = probability[order], np.cumsum(truth[order])
    if not right.size or not right[-1]:
        return EDGE
    last = np.flatnonzero(np.append(np.diff(ranked) < 0, True))
    f1 = 2 * right[last] / (last + 1 + right[-1])
    best = last[int(np.argmax(f1))]
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)


def scores(truth: Bool, favela: Bool) -> dict[str, float]:
    """Precision, recall, F1 and IoU of favela cells, 0 where nothing can be divided."""
    hit, said, there = int((truth & favela).sum()), int(favela.sum()), int(truth.sum())

    def share(part: float, whole: float) -> float:
        return part / whole if whole else 0.0

    return {
        "precision": share(hit, said),
        "recall": share(hit, there),
        "f1": share(2 * hit, said + there),
        "iou": share(hit, said + there - hit),
    }
