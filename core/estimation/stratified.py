"""The stratified estimator and the accuracy of a map, after Olofsson et al. 2014.

Source: Olofsson, Foody, Herold, Stehman, Woodcock and Wulder 2014, Remote Sensing of Environment 148:42-57,
10.1016/j.rse.2014.02.015, here "the paper"; where strata are no map classes, Stehman 2014, International Journal of
Remote Sensing 35:4923-4939, 10.1080/01431161.2014.930207.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .evidence import Estimate, Evidence, check
from .interval import binomial_limits, combine, ratio_limits, share_limits, t_half

Float = NDArray[np.float64]
SOME_LABELS = 5
"""Of a class and of all others in a stratum, from which their variance says how much units of unequal size tell."""


def estimate(evidence: Evidence, level: float = 0.95) -> Estimate:
    """Means of Y over the population: with one-hot classes the area shares of the paper, eq. 9 to 11.

    Raises:
        BadInput: a stratum has fewer than two labelled units.
    """
    check(evidence)
    W = evidence.weights
    means, variances = evidence.moments(evidence.Y)
    value = W @ means
    parts = evidence.parts(variances, evidence.inner)
    se = np.sqrt(parts.sum(axis=0))
    low, high, method = np.empty(len(value)), np.empty(len(value)), []
    binary = evidence.binary
    for k in range(len(value)):
        if binary:
            hits, looks = _counts(means[:, k], variances[:, k], evidence)
            low[k], high[k], name = combine(W, hits, looks, evidence.left, level)
        else:
            low[k], high[k], name = _mean_limits(evidence, k, float(value[k]), parts[:, k], level)
        method.append(name)
    return Estimate(value, se, low, high, tuple(method))


def _counts(share: Float, variance: Float, evidence: Evidence) -> tuple[Float, NDArray[Any]]:
    """(H,) how often the class was met and looked for in each stratum; as if so often where units differ in size.

    Equal units that would tell as much (Kish), or fewer where those that have the class differ more in size than others
    do, as the variance of the ratio tells; that one is not known where the class was met hardly ever, or nearly always.
    """
    n = evidence.sizes
    if evidence.measure is None:
        return np.rint(share * n), n
    looks = evidence.worth.astype(np.float64)
    told = np.minimum(share, 1 - share) * looks >= SOME_LABELS
    own = np.divide(
        share * (1 - share) * n * n / np.maximum(n - 1, 1), variance, out=looks.copy(), where=told & (variance > 0)
    )
    looks = np.maximum(np.minimum(looks, own), 1.0)
    return share * looks, looks


def _mean_limits(evidence: Evidence, k: int, value: float, parts: Float, level: float) -> tuple[float, float, str]:
    if evidence.shares:
        return share_limits(evidence.Y[:, k], value, parts, evidence.worth, level)
    residual = evidence.Y[:, k] - evidence.moments(evidence.Y)[0][evidence.stratum, k]
    half = t_half(parts, evidence.freedom(residual), level)
    return value - half, value + half, "t"


def area_shares(counts: NDArray[np.int64], weights: Float) -> tuple[Float, Float]:
    """Area shares of reference classes and their standard errors from a table of counts.

    Args:
        counts: (H, K) n_ij, strata in rows, reference classes in columns.
        weights: (H,) W_i.

    Returns:
        p_j (K,), eq. 9 of the paper summed over rows, and S(p_j) (K,), eq. 10.
    """
    n = counts.sum(axis=1, keepdims=True)
    share = counts / n
    se = np.sqrt((weights[:, None] ** 2 * share * (1 - share) / (n - 1)).sum(axis=0))
    return weights @ share, se


@dataclass(frozen=True)
class Accuracy:
    """How good a map is, by area; per class in the order of the map's classes. NaN where nothing is known."""

    matrix: Float
    """(M, K) estimated area shares, map classes in rows and reference classes in columns; eq. 4 of the paper. A row
    M + 1 holds what the map leaves open, if it does."""
    overall: Float
    """(4,) value, standard error, lower and upper bound."""
    users: Float
    """(M, 4) likewise: of what the map shows as the class, how much is."""
    producers: Float
    """(M, 4) of what is the class, how much the map shows as it."""


def accuracy(evidence: Evidence, shown: NDArray[np.int64], classes: int, level: float = 0.95) -> Accuracy:
    """Overall, user's and producer's accuracy with intervals.

    Where the strata are the map classes these are eq. 5 to 7 of the paper; else the ratio estimators of Stehman 2014.

    Args:
        evidence: one-hot Y.
        shown: (n,) map class of each place; the first `classes` columns of Y are the map's classes. M where the map
            leaves the place open: that is neither right nor wrong, and accuracy is told of the rest.
        classes: M, of the map.
        level: of the intervals.
    """
    W, n = evidence.weights, evidence.sizes
    truth = evidence.Y.argmax(axis=1)
    named = shown < classes
    cells = np.zeros((len(W), classes if named.all() else classes + 1, evidence.Y.shape[1]))
    np.add.at(cells, (evidence.stratum, shown, truth), 1.0)
    shares = cells / np.maximum(n, 1)[:, None, None]
    matrix = np.einsum("h,hmk->mk", W, shares)
    right = (shown == truth).astype(float)[:, None]
    if not named.all():
        rest = _named_alone(evidence, named)
        if rest is not None:
            found = accuracy(rest, shown[named], classes, level)
            return Accuracy(matrix, found.overall, found.users, found.producers)
        overall = _ratio(evidence, right[:, 0], named.astype(float), level)
    else:
        whole = estimate(_with(evidence, right), level)
        overall = np.array([whole.value[0], whole.se[0], whole.low[0], whole.high[0]])
    users = np.full((classes, 4), np.nan)
    producers = np.full((classes, 4), np.nan)
    for m in range(classes):
        hit = right[:, 0] * (shown == m)
        users[m] = _ratio(evidence, hit, (shown == m).astype(float), level)
        producers[m] = _ratio(evidence, hit, ((truth == m) & named).astype(float), level)
    return Accuracy(matrix, overall, users, producers)


def _named_alone(evidence: Evidence, named: NDArray[np.bool_]) -> Evidence | None:
    """The strata in which the map names every place; None where some are named in part, or none is."""
    share = evidence.moments(named[:, None].astype(float))[0][:, 0]
    whole = (share == 1) | (evidence.sizes == 0)
    if not whole.any() or not (whole | (share == 0)).all():
        return None
    place = np.cumsum(whole) - 1
    return Evidence(
        place[evidence.stratum[named]], evidence.Y[named], evidence.weights[whole] / evidence.weights[whole].sum(),
        evidence.counts[whole], evidence.names, tuple(n for n, ok in zip(evidence.strata, whole, strict=True) if ok),
        beyond=evidence.beyond,
    )  # fmt: skip


def _with(evidence: Evidence, Y: Float) -> Evidence:
    return Evidence(
        evidence.stratum, Y, evidence.weights, evidence.counts, ("",) * Y.shape[1], evidence.strata,
        beyond=evidence.beyond,
    )  # fmt: skip


def _ratio(evidence: Evidence, hit: Float, base: Float, level: float) -> Float:
    """Share of `base` that is `hit`, both (n,) of 0 and 1 with hit <= base: value, SE, lower and upper bound.

    The standard error is that of a ratio (Stehman 2014, eq. 27 and 28); it equals eq. 6 and 7 of the paper where the
    strata are map classes. The interval combines exact limits of hits and of misses, so that it does not collapse
    where no miss was met.
    """
    W, n = evidence.weights, evidence.sizes
    means, _ = evidence.moments(np.stack([hit, base], axis=1))
    top, bottom = W @ means
    if bottom <= 0:
        return np.full(4, np.nan)
    value = top / bottom
    residual = (hit - value * base)[:, None]
    variance = (W**2 * evidence.left / np.maximum(n, 1) * evidence.moments(residual)[1][:, 0]).sum() / bottom**2
    inside = np.flatnonzero(means[:, 1] > 0)
    if len(inside) == 1 and means[inside[0], 1] == 1.0:  # all of one stratum: a plain share
        h = inside[0]
        low, high = binomial_limits(np.rint(means[h, 0] * n[h]), n[h], level)
        pull = np.sqrt(evidence.left[h])
        return np.array([value, np.sqrt(variance), value - pull * (value - low), value + pull * (high - value)])
    misses = np.rint((means[:, 1] - means[:, 0]) * n)
    low, high = ratio_limits(W, np.rint(means[:, 0] * n), misses, n, evidence.left, level)
    return np.array([value, np.sqrt(variance), low, high])
