"""Prediction-powered means: a prediction known of every unit, corrected by its error on the labelled ones.

Source: Angelopoulos, Bates, Fannjiang, Jordan and Zrnic 2023, Science 382:669, 10.1126/science.adi6000; with lambda
tuned (PPI++) Angelopoulos, Duchi and Zrnic 2023, arXiv:2311.01453, section 6. In strata: Fisch et al. 2024,
arXiv:2406.04291. Where the whole population is mapped this is the regression estimator of survey sampling.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput
from .evidence import Estimate, Evidence, check
from .interval import FEW_UNITS, combine, share_limits, t_half, t_quantile
from .stratified import estimate as stratified_estimate

Float = NDArray[np.float64]
LEAST_TUNED = 5
"""Labelled units above which lambda is tuned; below, the classical mean is given."""
TINY = 1e-3
MOST_LEANING = 0.2
"""Skewness over the root of n above which a t interval leans: as with a class that is in fewer than 25 units."""


def ppi_mean(Y: Float, f: Float, f_unlabelled: Float, trust: float | None = None) -> tuple[float, float, float]:
    """Prediction-powered mean of a larger whole from which both sets were drawn at random.

    Args:
        Y: (n,) what is there.
        f: (n,) what was predicted for the same units, by a head that had not seen them.
        f_unlabelled: (N,) predictions of other units.
        trust: lambda; 1 is PPI, 0 the classical mean, None tunes it (PPI++).

    Returns:
        the mean, its standard error, and lambda.
    """
    n, N = len(Y), len(f_unlabelled)
    if trust is None:
        spread = float(np.var(np.concatenate([f, f_unlabelled]), ddof=1))
        trust = tuned(float(np.cov(Y, f, ddof=0)[0, 1]), spread, n / N)
    value = trust * f_unlabelled.mean() + (Y - trust * f).mean()
    variance = trust**2 * np.var(f_unlabelled) / N + np.var(Y - trust * f) / n
    return float(value), float(np.sqrt(variance)), float(trust)


def tuned(covariance: float, variance: float, ratio: float) -> float:
    """Lambda that makes the variance smallest, between 0 and 1: cov(Y, f) / ((1 + n / N) var f)."""
    if variance <= 0:
        return 0.0
    return float(np.clip(covariance / ((1 + ratio) * variance), 0.0, 1.0))


def estimate(evidence: Evidence, level: float = 0.95) -> Estimate:
    """Means of Y over the population, helped by the prediction.

    A result about the listed population, all of which carries a prediction, has no variance from the unlabelled; one
    about a larger whole has var(f) / N. Interval: binary classes in a simple random sample by the two groups that the
    prediction makes (tuned lambda is the difference of their shares, so that the estimate is the post-stratified one);
    values by t; shares within units by t where many units have the class, else by parts.

    Raises:
        BadInput: no prediction, or a stratum with fewer than two labelled units.
    """
    check(evidence)
    columns = [_column(evidence, k, level) for k in range(evidence.Y.shape[1])]
    value, se, low, high, trust = (np.array([column[at] for column in columns]) for at in range(5))
    return Estimate(value, se, low, high, tuple(column[5] for column in columns), trust)


Column = tuple[float, float, float, float, float, str]
"""Value, standard error, lower and upper limit, lambda, method."""


def _prediction(evidence: Evidence) -> tuple[Float, Float, Float]:
    if evidence.F is None or evidence.mapped is None or evidence.mapped_sd is None:
        raise BadInput("A prediction of all places is needed for the prediction-powered estimate.")
    return evidence.F, evidence.mapped, evidence.mapped_sd


def _column(evidence: Evidence, k: int, level: float) -> Column:
    F, mapped, _ = _prediction(evidence)
    Y, f = evidence.Y[:, k], F[:, k]
    groups = evidence.binary and np.isin(f, (0.0, 1.0)).all() and len(evidence.weights) == 1
    if groups and evidence.measure is None and not evidence.beyond:
        found = _by_groups(Y, f, float(mapped[0, k]), float(evidence.left[0]), level)
        if found is not None:
            return found
    return _general(evidence, k, level)


def _by_groups(Y: Float, f: Float, share: float, left: float, level: float) -> Column | None:
    """The class predicted, and not: two groups of known size. None when one of them has fewer than two labels."""
    at = f.astype(np.int64)
    n = np.bincount(at, minlength=2)
    if (n < 2).any():
        return None
    weights = np.array([1 - share, share])
    x = np.bincount(at, weights=Y, minlength=2).astype(np.float64)
    p = x / n
    se = float(np.sqrt((weights**2 * left * p * (1 - p) / (n - 1)).sum()))
    low, high, method = combine(weights, x, n, np.full(2, left), level)
    return float(weights @ p), se, low, high, float(p[1] - p[0]), method


def _general(evidence: Evidence, k: int, level: float) -> Column:
    W, Y = evidence.weights, evidence.Y[:, k]
    f, mapped, mapped_sd = (part[:, k] for part in _prediction(evidence))
    trusts = _trusts(evidence, Y, f, mapped_sd)
    if not trusts.any():
        only = stratified_estimate(_column_of(evidence, k), level)
        return float(only.value[0]), float(only.se[0]), float(only.low[0]), float(only.high[0]), 0.0, only.method[0]
    trust = float(trusts.mean())
    adjusted = Y - trusts * (f - mapped[evidence.stratum])
    mean, variance = (part[:, 0] for part in evidence.moments(adjusted[:, None]))
    inner = None if evidence.inner is None else evidence.inner[:, [k]]
    parts = evidence.parts(variance[:, None], inner)[:, 0]
    drawn = np.where(evidence.beyond, W**2 * trust**2 * mapped_sd**2 / evidence.counts, 0.0)
    value, se = float(W @ mean), float(np.sqrt(parts.sum() + drawn.sum()))
    touched = min((Y > 0).sum(), (Y < 1).sum())
    residual = adjusted - mean[evidence.stratum]
    behind = evidence.freedom(residual)
    if not evidence.shares or (touched >= FEW_UNITS and _even(evidence.pull * residual)):
        half = t_half(np.concatenate([parts, drawn]), np.concatenate([behind, evidence.counts]), level, 2)
        low, high = value - half, value + half
        if not evidence.shares or (low >= 0 and high <= 1):
            return value, se, low, high, trust, "t"
    wider = t_quantile(parts, behind, level) / t_quantile(parts, evidence.worth, level)
    below, above = (wider * side for side in _parts(evidence, Y - trusts * f, parts, level))
    extra = t_half(drawn, evidence.counts, level)
    low, high = value - float(np.hypot(below, extra)), value + float(np.hypot(above, extra))
    return value, se, min(max(low, 0.0), value), max(min(high, 1.0), value), trust, "parts"


def _trusts(evidence: Evidence, Y: Float, f: Float, mapped_sd: Float) -> Float:
    """(n,) lambda for each unit, tuned for the smallest variance of the whole without that unit.

    With one lambda for all, units that decide it would also be corrected by it, which biases skewed shares.
    """
    W, n = evidence.weights, evidence.sizes
    if len(Y) < LEAST_TUNED:
        return np.zeros(len(Y))
    spread: float | Float = float((W**2 * evidence.left / n * mapped_sd**2).sum())
    if spread <= 0:
        return np.zeros(len(Y))
    further = float((W**2 * mapped_sd**2 / evidence.counts).sum()) if evidence.beyond else 0.0
    if evidence.measure is not None:
        # A few large units swing the covariance of a sample, and with it its own variance of f, not that of all.
        spread = np.maximum(_covariances(evidence, f, f), TINY * spread)
    return np.asarray(np.clip(_covariances(evidence, Y, f) / (spread + further), 0.0, 1.0))


def _covariances(evidence: Evidence, Y: Float, f: Float) -> Float:
    """(n,) covariance of two means over the population, without each unit in turn."""
    W, n, home = evidence.weights, evidence.sizes, evidence.stratum
    means, _ = evidence.moments(np.stack([Y, f], axis=1))
    products = evidence.pull**2 * (Y - means[home, 0]) * (f - means[home, 1])
    sums = np.bincount(home, weights=products, minlength=len(W))
    covariance = sums / np.maximum(n - 1, 1)
    there = np.maximum(n[home], 3)
    without = np.where(n[home] > 2, (sums[home] - there / (there - 1) * products) / (there - 2), covariance[home])
    pull = W**2 * evidence.left / n
    # Among drawn units of a small population the others tell of the one left out; the share not drawn sets that right.
    gap = evidence.left[home] * (without - covariance[home])
    return np.asarray(float((pull * covariance).sum()) + pull[home] * gap)


def _even(deviations: Float) -> bool:
    """True when their skewness is too small to lean the t interval at this number of units."""
    square = float((deviations**2).mean())
    if square <= 0:
        return False
    skewness = float((deviations**3).mean()) / square**1.5
    return bool(abs(skewness) <= MOST_LEANING * np.sqrt(len(deviations)))


def _parts(evidence: Evidence, residual: Float, parts: Float, level: float) -> tuple[float, float]:
    """How far the mean residual may lie below and above what was found.

    What is missing (residual above zero) and what is too much (below) are shares of their own, each with its limits;
    few units with either do not make the interval collapse. The distances are scaled to the variance of the whole.
    """
    n, W = evidence.sizes, evidence.weights
    near, far, total = [], [], 0.0
    for side in (np.maximum(residual, 0.0), np.maximum(-residual, 0.0)):
        mean, variance = (part[:, 0] for part in evidence.moments(side[:, None]))
        own = W**2 * evidence.left / n * variance
        value = float(W @ mean)
        low, high, _ = share_limits(side, value, own, evidence.worth, level)
        near.append(value - low)
        far.append(high - value)
        total += float(own.sum())
    scale = max(float(np.sqrt(parts.sum() / total)), 1.0) if total > 0 else 1.0
    return scale * float(np.hypot(near[0], far[1])), scale * float(np.hypot(far[0], near[1]))


def _column_of(evidence: Evidence, k: int) -> Evidence:
    inner = None if evidence.inner is None else evidence.inner[:, [k]]
    return replace(evidence, Y=evidence.Y[:, [k]], names=evidence.names[k : k + 1], F=None, mapped=None, inner=inner)
