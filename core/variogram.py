"""How far likeness reaches: an empirical variogram of samples and a model with a range fitted to it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit
from scipy.spatial.distance import pdist
from sklearn.decomposition import PCA

Float = NDArray[np.float64]
MOST_PLACES = 1200
"""Some 700,000 pairs; enough for smooth bins, and done in a tenth of a second."""
COMPONENTS = 3
BINS = 14
COMMON = 0.45
"""Of all pairs: farther ones tell of the shape of the area, not of likeness."""
FEWEST_PAIRS = 30
FEWEST_BINS = 6
LEAST_STRUCTURE = 0.15
"""Of the sill that must depend on distance; below it places are as unlike near by as far away."""
LEAST_EXPLAINED = 0.4
FARTHEST = 0.8
"""A range beyond this part of the distances looked at is a guess: the variogram has not levelled off."""


@dataclass(frozen=True)
class Variogram:
    """Half the mean squared difference of pairs, by their distance; 1 is the variance of all samples."""

    lags_m: Float
    """(B,) mean distance of the pairs in each bin."""
    values: Float
    """(B,)"""
    pairs: NDArray[np.int64]
    """(B,)"""
    model: str
    """`spherical` or `exponential`; empty when none could be fitted."""
    nugget: float
    sill: float
    """What the model adds to the nugget far away."""
    range_m: float
    """Distance at which the model has levelled off (the exponential one: 95 % of it)."""
    explained: float
    """Share of the variance between bins that the model explains."""

    @property
    def usable(self) -> bool:
        """True when it rises with distance and levels off within the distances looked at."""
        return not self.problem

    @property
    def problem(self) -> str:
        """Why it gives no range, within a sentence; empty when it does."""
        if (
            not self.model
            or self.range_m <= 1.01 * self.lags_m[0]
            or self.sill < LEAST_STRUCTURE * (self.nugget + self.sill)
        ):
            return "the likeness of places does not depend on their distance"
        if self.explained < LEAST_EXPLAINED:
            return "the variogram is too irregular"
        if self.range_m > FARTHEST * self.lags_m[-1]:
            return "the variogram does not level off within the labelled area"
        return ""

    def at(self, distance_m: Float) -> Float:
        """The fitted model."""
        return MODELS[self.model](distance_m, self.nugget, self.sill, self.range_m)


def variogram(xy_m: Float, values: NDArray[Any], seed: int) -> Variogram | None:
    """Empirical variogram with a fitted model.

    Args:
        xy_m: (N, 2) metres.
        values: (N,) a quantity, or (N, D) features, of which the first principal components are taken and averaged by
            the variance that they explain.
        seed: decides which samples are taken when there are many.

    Returns:
        The variogram, or None when there are too few pairs of different places.

    Source: Matheron 1963, doi:10.2113/gsecongeo.58.8.1246; fitted by least squares weighted by pairs, Cressie 1985,
        doi:10.1007/BF01032109; for the size of blocks: Roberts et al. 2017, doi:10.1111/ecog.02881
    """
    at = np.arange(len(xy_m))
    if len(at) > MOST_PLACES:
        at = np.sort(np.random.default_rng([seed, 7]).permutation(at)[:MOST_PLACES])
    distance = pdist(xy_m[at])
    apart = distance > 0
    if apart.sum() < FEWEST_PAIRS * FEWEST_BINS:
        return None
    half = _half_squares(values[at])
    # Near distances matter most and are the rarest, hence edges that grow. Half of the farthest is as usual; where
    # samples lie in two places far apart, that is still beyond all distances within them, hence the quantile.
    low, common = (float(one) for one in np.quantile(distance[apart], (0.002, COMMON)))
    high = min(float(distance.max()) / 2, common)
    if not low < high:
        return None
    edges = np.geomspace(low, high, BINS + 1)
    number = np.where(apart, np.digitize(distance, edges) - 1, -1)
    number[apart & (distance < low)] = 0
    inside = (number >= 0) & (number < BINS)
    pairs = np.bincount(number[inside], minlength=BINS)
    full = pairs >= FEWEST_PAIRS
    if full.sum() < FEWEST_BINS:
        return None
    mean = np.bincount(number[inside], weights=half[inside], minlength=BINS)[full] / pairs[full]
    lags = np.bincount(number[inside], weights=distance[inside], minlength=BINS)[full] / pairs[full]
    return _fitted(lags, mean, pairs[full])


def _half_squares(values: NDArray[Any]) -> Float:
    """(pairs,) half the squared difference of each pair, in units of the variance."""
    table = values.reshape(len(values), -1).astype(np.float64)
    spread = table.std(axis=0)
    table = (table - table.mean(axis=0)) / np.where(spread > 0, spread, 1)
    if table.shape[1] > COMPONENTS:
        # Not whitened: a component counts by the variance that it explains. Columns that never vary explain 0 of 0.
        with np.errstate(invalid="ignore"):
            table = PCA(COMPONENTS, svd_solver="full").fit_transform(table)
    total = float(table.var(axis=0).sum()) or 1.0
    return np.asarray(pdist(table, "sqeuclidean") / (2 * total))


def _spherical(distance: Float, nugget: float, sill: float, reach: float) -> Float:
    part = np.minimum(distance / reach, 1)
    return np.asarray(nugget + sill * (1.5 * part - 0.5 * part**3))


def _exponential(distance: Float, nugget: float, sill: float, reach: float) -> Float:
    return np.asarray(nugget + sill * (1 - np.exp(-3 * distance / reach)))


MODELS = {"spherical": _spherical, "exponential": _exponential}


def _fitted(lags: Float, values: Float, pairs: NDArray[np.int64]) -> Variogram:
    best = Variogram(lags, values, pairs, "", float(values.mean()), 0.0, 0.0, 0.0)
    weights = np.sqrt(pairs)
    spread = float(np.average((values - np.average(values, weights=pairs)) ** 2, weights=pairs))
    for name, model in MODELS.items():
        start = [float(values[0]) / 2, float(max(values.max() - values[0] / 2, 0.1)), float(lags[len(lags) // 2])]
        bounds = ([0, 0, float(lags[0])], [2, 3, 10 * float(lags[-1])])
        try:
            found, _ = curve_fit(model, lags, values, p0=start, sigma=1 / weights, bounds=bounds, max_nfev=2000)
        except RuntimeError:  # did not settle: the other model, or none, then stands
            continue
        error = float(np.average((model(lags, *found) - values) ** 2, weights=pairs))
        explained = 1 - error / spread if spread > 0 else 0.0
        if not best.model or explained > best.explained:
            nugget, sill, reach = (float(one) for one in found)
            best = Variogram(lags, values, pairs, name, nugget, sill, reach, explained)
    return best
