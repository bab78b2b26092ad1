"""What is learnt beside a head, so that a map can tell where it may be trusted: unsure places, area of applicability.

All of it comes from samples that were held out of fits of the same head.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import applicability, conformal
from .errors import EngineTooSmall
from .heads.build import Fitted, held_out, is_balanced
from .heads.heldout import HeldOut
from .heads.importance import MOST_SHUFFLED, importance
from .heads.recipe import Recipe
from .prevalence import trained_shares
from .samples import Samples


@dataclass
class Trust:
    """Facts and arrays for the file of the head, and sentences for the log."""

    facts: dict[str, Any] = field(default_factory=dict)
    arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


def learn_trust(
    recipe: Recipe, fitted: Fitted, samples: Samples, groups: NDArray[np.int64], coverage: float, threads: int
) -> Trust:
    """Everything that goes with a head.

    Args:
        recipe: of the head.
        fitted: to all samples.
        samples: all of them.
        groups: (N,) kept whole where samples are held out.
        coverage: of conformal sets.
        threads: for fits that are still needed.
    """
    trust = Trust()
    held = fitted.held_out
    # Values need held-out fits for nothing but the importance of a few features.
    if held is None and not fitted.calibration and (samples.classes or samples.X.shape[1] <= MOST_SHUFFLED):
        held = held_out(recipe, fitted, samples.X, samples.y, groups, threads)
    if samples.classes:
        trust.facts["prevalence"] = trained_shares(is_balanced(recipe, fitted), samples.counts)
        trust.facts["calibration"] = fitted.calibration or {"method": "none", "asked": "none"}
        if fitted.calibration:
            trust.lines.append(fitted.calibration["why"])
        _conformal(trust, fitted, held, samples, groups, coverage)
    _applicability(trust, recipe, held, samples, groups)
    return trust


UNTOLD = {"conformal": "unsure places", "applicability": "the area of applicability"}


def _untold(trust: Trust, what: str, why: str) -> None:
    """Say now, not when a map asks for it, what the head cannot tell."""
    trust.facts[f"{what}_why"] = why
    trust.lines.append(f"This head cannot tell {UNTOLD[what]}: {why}")


def _conformal(
    trust: Trust, fitted: Fitted, held: HeldOut | None, samples: Samples, groups: NDArray[np.int64], coverage: float
) -> None:
    trust.facts["conformal"] = None
    needed = conformal.fewest_groups(coverage)
    if held is None or held.probabilities is None:
        _untold(trust, "conformal", "its labels lie in too few groups to hold any back. Add labels in other places.")
        return
    at = held.at
    shares = held.probabilities if fitted.out_of_fold is None else fitted.out_of_fold
    codes = np.searchsorted(np.unique(samples.y), samples.y)
    try:
        found = conformal.calibrate(shares[at], codes[at], groups[at], coverage)
    except EngineTooSmall as error:
        trust.facts["conformal_why"] = error.message
        trust.lines.append(error.message)
        return
    if found is None:
        count = len(np.unique(groups[at]))
        _untold(
            trust, "conformal",
            f"a coverage of {100 * coverage:g} % takes {needed} groups of labels that can be held out, and there are "
            f"{count}. Add labels in other places, or train with a lower coverage.",
        )  # fmt: skip
        return
    trust.facts["conformal"] = found.to_dict()
    trust.lines.append(found.sentence)


def _applicability(
    trust: Trust, recipe: Recipe, held: HeldOut | None, samples: Samples, groups: NDArray[np.int64]
) -> None:
    weight, by = importance(recipe.target, held, samples.X, samples.y, groups, recipe.seed)
    found = applicability.learn(samples.X, groups, None if held is None else held.fold, weight, recipe.seed)
    if found is None:
        trust.facts["applicability"] = None
        _untold(
            trust, "applicability",
            "its labels lie in a single group, or their features are all alike. Add labels in other places.",
        )  # fmt: skip
        return
    trust.facts["applicability"] = found.facts | {"importance": by}
    trust.arrays = found.arrays()
    trust.lines.append(
        f"Area of applicability: places up to {found.threshold:.2f} mean distances from the nearest of "
        f"{len(found.vectors):,} training samples, in {len(found.kept)} features weighted by {by}."
    )
