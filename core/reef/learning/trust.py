"""How deep in the tree a suggestion may be given: thresholds of confidence learnt on photos kept apart.

Two ways, both with the photo as the unit, as points of one photo are right or wrong together:
- for a wished accuracy: of the points that are given at a level, so many are right there (`choose_thresholds`);
- for a wished coverage: of all points, so many lie in the branch that is named, which may be the whole tree
  (`tree_sets`).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from ...conformal import SLACK, group_quantile
from ...estimation.interval import binomial_limits
from .descent import Descent
from .numbered import ROOT, Float, Int, NumberedTree

SURE = 0.9
"""Probability, over draws of the reference photos, with which a wished accuracy is held at a level."""
STEPS = 20
"""Thresholds that are tried at a level: those that leave a twentieth of the points, two twentieths, and so on."""
STARTS = 2
"""Of them so many are starts, from each of which the thresholds are loosened until one fails. One start fails where few
points are given, three share the risk too thinly (`bench_reef.py`)."""
FEWEST_PHOTOS = 5
"""Photos below which nothing is said of how points of one photo go together."""
NEVER = 2.0
"""A threshold that no confidence passes."""


@dataclass(frozen=True)
class TrustedLevels:
    """Thresholds of all levels, and what held at them on the reference photos."""

    wish: float
    """Share of the points given at a level that shall be right there."""
    sure: float
    n_photos: int
    thresholds: tuple[float, ...]
    """Least confidence at each level, never falling with depth; above 1: the level is never given."""
    given: tuple[float, ...]
    """Share of the reference points that are given at each level or deeper."""
    right: tuple[float, ...]
    """Share of those that are right there; NaN where there are none."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; unknown shares are null."""
        return asdict(self) | {"right": [share if share == share else None for share in self.right]}

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Self:
        """What `to_dict` gave."""
        right = tuple(float("nan") if share is None else share for share in facts["right"])
        return cls(
            facts["wish"], facts["sure"], facts["n_photos"], tuple(facts["thresholds"]), tuple(facts["given"]), right
        )


@dataclass(frozen=True)
class TreeSets:
    """A threshold for branches that hold the true label as often as wished."""

    coverage: float
    threshold: float
    """The way down ends above the first node whose confidence does not exceed it."""
    n_photos: int
    reached: float
    """Share of the reference points in the branch named, each photo counting the same."""

    @property
    def least(self) -> float:
        """Confidence for `Descent.until`, at all levels."""
        return self.threshold + SLACK

    def branch(self, descent: Descent) -> Int:
        """(N,) node at the head of the smallest branch; `ROOT`: any label."""
        return descent.until([self.least] * descent.nodes.shape[1])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, facts: dict[str, Any]) -> Self:
        """What `to_dict` gave."""
        return cls(**facts)


def is_right(tree: NumberedTree, truth: Int, nodes: Int) -> NDArray[np.bool_]:
    """Whether each node is the true label or lies above it; False at `ROOT`, for (N,) or (N, L) nodes."""
    truth = truth.reshape(-1, *[1] * (nodes.ndim - 1))
    return np.asarray(tree.above[truth, np.where(nodes == ROOT, 0, nodes)] & (nodes != ROOT))


def choose_thresholds(
    tree: NumberedTree, descent: Descent, truth: Int, photos: Int, wish: float, sure: float = SURE
) -> TrustedLevels:
    """The loosest threshold of each level at which the wished accuracy holds.

    Thresholds are tried from strict to loose and the upper limit of the share of wrong points is compared with the
    wish; the risk is shared by the starts, so what is found holds with probability `sure` at each level. Levels are not
    corrected for one another.

    Args:
        tree: of the labels.
        descent: of the reference points, by heads that do not know their photos.
        truth: (N,) numbers of labels.
        photos: (N,) int64.
        wish: 0..1.
        sure: 0..1.

    Source: fixed sequences with several starts: Angelopoulos et al. 2021, arXiv:2110.01052; limits: Korn and Graubard
    1998, Survey Methodology 24:193-201
    """
    _, members = np.unique(photos, return_inverse=True)
    wrong = ~is_right(tree, truth, descent.nodes)
    found = []
    for level in range(descent.nodes.shape[1]):
        rows = np.flatnonzero(descent.nodes[:, level] != ROOT)
        found.append(_loosest(descent.confidence[rows, level], wrong[rows, level], members[rows], wish, sure))
    thresholds = np.maximum.accumulate(found)
    given = descent.trusted(thresholds.tolist())
    counts = given.sum(axis=0)
    right = np.where(counts > 0, (given & ~wrong).sum(axis=0) / np.maximum(counts, 1), np.nan)
    return TrustedLevels(
        float(wish), float(sure), int(members.max()) + 1,
        tuple(thresholds.tolist()), tuple(given.mean(axis=0).tolist()), tuple(right.tolist()),
    )  # fmt: skip


def _loosest(confidence: Float, wrong: NDArray[np.bool_], members: Int, wish: float, sure: float) -> float:
    """The loosest threshold that passes; 0 when all points may be given, `NEVER` when none may."""
    if not len(confidence):
        return NEVER
    ordered = np.sort(confidence)[::-1]
    shares = np.arange(1, STEPS + 1) / STEPS
    cuts = ordered[np.maximum(np.round(shares * len(ordered)).astype(int), 1) - 1]
    cuts[-1] = 0.0
    together = correlation(wrong, members)
    risk = (1 - sure) / STARTS

    def passes(cut: float) -> bool:
        at = confidence >= cut
        return most_wrong(wrong[at], members[at], 1 - risk, together) <= 1 - wish

    return _first_failure(cuts, passes)


def _first_failure(cuts: Float, passes: Callable[[float], bool]) -> float:
    """The loosest cut reached from any of the starts, each loosened until it fails."""
    best = NEVER
    for start in np.arange(STARTS) * len(cuts) // STARTS + len(cuts) // (2 * STARTS):
        for cut in cuts[start:]:
            if not passes(float(cut)):
                break
            best = min(best, float(cut))
    return best


def most_wrong(wrong: NDArray[np.bool_], members: Int, level: float, together: float) -> float:
    """One-sided upper limit of the share of wrong points among points like these.

    Exact binomial limit for so many independent points as would tell as much: fewer when points of a photo go together,
    and fewer when photos are few.

    Args:
        wrong: (n,).
        members: (n,) number of the photo.
        level: of the limit.
        together: correlation of being wrong within photos, known from more points than these.
    """
    _, photo = np.unique(members, return_inverse=True)
    sizes = np.bincount(photo)
    if len(sizes) < FEWEST_PHOTOS:
        return 1.0
    n, share = len(wrong), float(wrong.mean())
    effect = 1 + (float((sizes**2).sum()) / n - 1) * max(together, 0.0)
    if 0 < share < 1:
        residual = np.bincount(photo, wrong - share)
        variance = len(sizes) / (len(sizes) - 1) * float((residual**2).sum()) / n**2
        effect = max(effect, variance * n / (share * (1 - share)))
    size = n / effect * (stats.norm.ppf(level) / stats.t.ppf(level, len(sizes) - 1)) ** 2
    return float(binomial_limits(share * size, size, 2 * level - 1)[1])


def correlation(wrong: NDArray[np.bool_], members: Int) -> float:
    """Correlation within photos by analysis of variance; 0 where it cannot be told.

    Source: Donner 1986, doi:10.2307/1403259
    """
    _, photo = np.unique(members, return_inverse=True)
    sizes, n = np.bincount(photo), len(wrong)
    groups = len(sizes)
    if groups < 2 or n <= groups:
        return 0.0
    means = np.bincount(photo, wrong) / sizes
    between = float((sizes * (means - wrong.mean()) ** 2).sum()) / (groups - 1)
    within = float(((wrong - means[photo]) ** 2).sum()) / (n - groups)
    typical = (n - float((sizes**2).sum()) / n) / (groups - 1)
    spread = between + (typical - 1) * within
    return (between - within) / spread if spread > 0 else 0.0


def tree_sets(tree: NumberedTree, descent: Descent, truth: Int, photos: Int, coverage: float) -> TreeSets | None:
    """The threshold with which the branch named holds the true label of a point of a new photo.

    Args:
        tree: of the labels.
        descent: of the reference points, by heads that do not know their photos.
        truth: (N,) numbers of labels.
        photos: (N,) int64.
        coverage: wanted share, between 0 and 1.

    Returns:
        The threshold, or None when there are fewer photos than `conformal.fewest_groups`.

    Source: nested sets: Gupta, Kuchibhotla and Ramdas 2022, doi:10.1016/j.patcog.2021.108496; groups: Dunn, Wasserman
    and Ramdas 2022, doi:10.1080/01621459.2022.2060112
    """
    _, members = np.unique(photos, return_inverse=True)
    strays = (descent.nodes != ROOT) & ~is_right(tree, truth, descent.nodes)
    first = strays.argmax(axis=1)
    # The branch holds the truth until the way goes on to the first node that does not.
    scores = np.where(strays.any(axis=1), descent.confidence[np.arange(len(first)), first], 0.0)
    threshold = group_quantile(scores, members, coverage)
    if threshold is None:
        return None
    weight = 1.0 / np.bincount(members)[members]
    reached = float(np.average(scores <= threshold, weights=weight))
    return TreeSets(float(coverage), float(threshold), int(members.max()) + 1, reached)
