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


def weighted(parts: Sequence[Float]) -> tuple[Float, Bool]:
    """Two parts, each weighted by how far it lies from one half.

    The published form, ((|pC - 0.5| vC + |pA - 0.5| vA) / (|pC - 0.5| + |pA - 0.5|)) >= 0 with votes v of +1 or -1, has
    the sign of pC + pA - 1, so the mean of both ranks and decides.
    """
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
