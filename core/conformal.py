"""Which classes a place may be of, with a chosen coverage: conformal sets from held-out probabilities.

The set of a place holds every class whose probability reaches a threshold, and always the most probable one. A place
whose set holds more than one class is unsure.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from .errors import EngineTooSmall

SCORE = "one minus the probability of the class"
UNSURE, UNSURE_COLOUR = "unsure", "#9e9e9e"
SLACK = 1e-6
"""Probabilities are float32 in a map and float64 where the threshold was learnt."""


@dataclass(frozen=True)
class Conformal:
    """A threshold and what it promises."""

    coverage: float
    """Share of places, drawn like the labelled groups, whose set holds their class."""
    threshold: float
    """Largest score, 0..1, of a class in the set."""
    n_groups: int
    alone: float
    """Share of held-out places whose set holds one class, each group counting the same."""
    reached: float
    """Share of held-out places whose set holds their class; close to `coverage` by construction, or above it."""

    @property
    def sentence(self) -> str:
        """For the log."""
        least = max(1 - self.threshold, 0.0)
        if self.threshold < 0.5:
            return (
                f"Unsure places: the most probable class alone is right in {100 * self.reached:.0f} % of the places "
                f"kept apart, more than the coverage of {100 * self.coverage:g} % asks; no place of a map will be "
                "unsure. Ask for a higher coverage to see some."
            )
        return (
            f"Unsure places: where a second class reaches {100 * least:.1f} % probability "
            f"({100 * (1 - self.alone):.0f} % of the places kept apart). One class or several so chosen hold the right "
            f"one in at least {100 * self.coverage:g} % of places like the {self.n_groups} labelled groups."
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values, as in the facts of a head."""
        return {
            "coverage": self.coverage, "score": SCORE, "threshold": self.threshold, "n_groups": self.n_groups,
            "alone": self.alone, "reached": self.reached,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Self:
        """What `to_dict` gave."""
        return cls(*(facts[name] for name in ("coverage", "threshold", "n_groups", "alone", "reached")))


def fewest_groups(coverage: float) -> int:
    """Groups below which no threshold can promise the coverage."""
    return int(np.ceil(coverage / (1 - coverage) - 1e-9))


def calibrate(
    probabilities: NDArray[np.floating], codes: NDArray[np.int64], groups: NDArray[np.int64], coverage: float
) -> Conformal | None:
    """The threshold for a coverage.

    Cells of one polygon are not exchangeable one by one, polygons are: each group weighs the same, its cells share
    its weight, and a group yet unseen counts as one that fits worst.

    Args:
        probabilities: (n, K) of samples that were held out.
        codes: (n,) column of the true class.
        groups: (n,) int64.
        coverage: wanted share, between 0 and 1.

    Returns:
        The threshold, or None when there are fewer groups than `fewest_groups`.

    Raises:
        EngineTooSmall: the engine lacks mapie.

    Source: score: Sadinle, Lei and Wasserman 2019, doi:10.1080/01621459.2017.1395341; weights: Dunn, Wasserman and
    Ramdas 2022, doi:10.1080/01621459.2022.2060112, and Lee, Barber and Willett 2023, arXiv:2306.06342
    """
    scores = conformity(probabilities, codes)
    _, members = np.unique(groups, return_inverse=True)
    sizes = np.bincount(members)
    threshold = group_quantile(scores, members, coverage)
    if threshold is None:
        return None
    weight = 1.0 / sizes[members]
    sets = members_of(probabilities, threshold)
    alone = np.average(sets.sum(axis=1) == 1, weights=weight)
    reached = np.average(sets[np.arange(len(codes)), codes], weights=weight)
    return Conformal(coverage, threshold, len(sizes), float(alone), float(reached))


def conformity(probabilities: NDArray[np.floating], codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n,) score of the true class: the higher, the worse it fits.

    Raises:
        EngineTooSmall: the engine lacks mapie.
    """
    try:
        from mapie.conformity_scores import LACConformityScore
    except ImportError as error:
        raise EngineTooSmall(
            "Conformal sets need the library mapie, which this engine lacks. Set the engine up again."
        ) from error
    scores = LACConformityScore().get_conformity_scores(codes, np.asarray(probabilities, np.float64), y_enc=codes)
    return np.asarray(scores, dtype=np.float64).reshape(-1)


def group_quantile(scores: NDArray[np.float64], members: NDArray[np.int64], coverage: float) -> float | None:
    """The smallest score below or at which groups of the wanted weight lie; None when there are too few groups.

    Args:
        scores: (n,).
        members: (n,) number of the group, 0..G-1, without gaps.
        coverage: between 0 and 1.
    """
    sizes = np.bincount(members)
    order = np.argsort(scores, kind="stable")
    total = np.cumsum(1.0 / ((len(sizes) + 1) * sizes[members[order]]))
    place = int(np.searchsorted(total, coverage - 1e-12))
    return float(scores[order[place]]) if place < len(scores) else None


def members_of(probabilities: NDArray[np.floating], threshold: float) -> NDArray[np.bool_]:
    """(n, K) True for the classes in the set of each row; the most probable class always is."""
    inside = 1.0 - probabilities <= threshold + SLACK
    inside[np.arange(len(probabilities)), probabilities.argmax(axis=1)] = True
    return np.asarray(inside)


def unsure(probabilities: NDArray[np.floating], threshold: float) -> NDArray[np.bool_]:
    """(n,) True where the set holds more than one class."""
    return np.asarray(members_of(probabilities, threshold).sum(axis=1) > 1)
