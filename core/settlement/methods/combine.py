"""From the probabilities of the parts to that of a method, and to its decision.

Every rule takes P(favela) of each part, (M, n) float64 with M draws (one where a method is fitted once), in the order
of the method's card, and gives (n,) a number from 0 to 1 that ranks cells, and (n,) whether a cell is favela. The two
agree: favela from one half up, ties included, as published.

Source: Hallopeau et al. 2025, arXiv:2510.03725, and the authors' public code.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
EDGE = 0.5
TIE = 1e-6
"""Weight of the mean beside votes: it ranks cells with as many votes, and decides nothing."""


def alone(parts: Sequence[Float]) -> tuple[Float, Bool]:
    """The one part there is; the mean where there are several draws."""
    found = parts[0].mean(axis=0)
    return found, found >= EDGE


def score(certain: Float, other: Float) -> Float:
    """(n,) from -1 to 1: votes of two classifiers, each weighted by how far its probability lies from one half.

    Its sign is that of certain + other - 1; 0 where both stand at one half.

    Args:
        certain: (n,) P(favela) of one.
        other: (n,) of the other.
    """
    weights = np.abs(np.stack([certain, other]) - EDGE)
    votes = np.where(np.stack([certain, other]) >= EDGE, 1.0, -1.0)
    total = weights.sum(axis=0)
    return np.asarray(np.divide((weights * votes).sum(axis=0), total, out=np.zeros(len(total)), where=total > 0))


def weighted(parts: Sequence[Float]) -> tuple[Float, Bool]:
    """Two parts weighted by how sure they are: the sign of `score`, ranked by the mean of both."""
    first, second = (part.mean(axis=0) for part in parts)
    return (first + second) / 2, first + second >= 2 * EDGE


def vote(parts: Sequence[Float]) -> tuple[Float, Bool]:
    """Majority of the draws."""
    share = (parts[0] >= EDGE).mean(axis=0)
    ranked = (share + TIE * parts[0].mean(axis=0)) / (1 + TIE)
    return _on_its_side(ranked, share >= EDGE)


def hybrid(parts: Sequence[Float]) -> tuple[Float, Bool]:
    """Median votes of two parts, each weighted by how well its draws agree.

    Where the draws of both are split in halves neither weight is left, and the plain mean of the medians decides.
    """
    both = np.array([_median_vote(part) for part in parts])
    medians, trusts = both[:, 0], both[:, 1]
    total = trusts.sum(axis=0)
    score = np.divide((trusts * medians).sum(axis=0), total, out=medians.mean(axis=0), where=total > 0)
    ranked = (1 + score) / 2 + TIE * (np.mean([part.mean(axis=0) for part in parts], axis=0) - EDGE)
    return _on_its_side(np.clip(ranked, 0.0, 1.0), score >= 0)


def _median_vote(part: Float) -> tuple[Float, Float]:
    """(n,) median vote, +1 or -1, and one minus the population standard deviation of the votes."""
    votes = np.where(part >= EDGE, 1.0, -1.0)
    return np.where(np.median(votes, axis=0) >= 0, 1.0, -1.0), 1 - votes.std(axis=0)


def _on_its_side(ranked: Float, favela: Bool) -> tuple[Float, Bool]:
    """The ranking kept on the side of one half on which the decision is, whatever the mean beside it says."""
    below = np.nextafter(EDGE, 0.0)
    return np.where(favela, np.maximum(ranked, EDGE), np.minimum(ranked, below)), favela


RULES: dict[str, Callable[[Sequence[Float]], tuple[Float, Bool]]] = {
    "alone": alone,
    "weighted": weighted,
    "vote": vote,
    "hybrid": hybrid,
}
