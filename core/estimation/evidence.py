"""What an estimate is made of, and what comes out of it. Arrays only; no files."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput

Float = NDArray[np.float64]


@dataclass(frozen=True)
class Evidence:
    """n labelled units of H strata, and K quantities to be estimated: shares of classes, or one mean."""

    stratum: NDArray[np.int64]
    """(n,) number of the stratum that each unit was drawn in, 0..H-1."""
    Y: Float
    """(n, K) what is there: 0 or 1 for classes, shares within units, or (n, 1) values."""
    weights: Float
    """(H,) share of each stratum in the population; sums to 1."""
    counts: Float
    """(H,) units in each stratum of the population, labelled ones included."""
    names: tuple[str, ...]
    """K names; one for a value."""
    strata: tuple[str, ...]
    """H names."""
    F: Float | None = None
    """(n, K) what is predicted for the labelled units, on the same scale as Y."""
    mapped: Float | None = None
    """(H, K) mean prediction over each stratum of the population."""
    mapped_sd: Float | None = None
    """(H, K) its standard deviation there."""
    inner: Float | None = None
    """(n, K) variance of each unit's own mean, where only some points in the unit were looked at; None: none."""
    beyond: bool = False
    """True when the population itself is a random draw of a larger whole that the result is to speak of."""
    shares: bool = True
    """True when Y lies between 0 and 1."""
    seed: int = 0
    measure: Float | None = None
    """(n,) size of each unit, such as its area, where units differ in it and the population is the sum of their sizes;
    None: all count alike. Means within strata are then ratios, sum(size Y) / sum(size)."""

    @property
    def sizes(self) -> NDArray[np.int64]:
        """(H,) labelled units in each stratum."""
        return np.bincount(self.stratum, minlength=len(self.weights)).astype(np.int64)

    @property
    def pull(self) -> Float:
        """(n,) size of each unit relative to the mean of its stratum's labelled ones; 1 where all count alike."""
        if self.measure is None:
            return np.ones(len(self.stratum))
        sums = np.bincount(self.stratum, weights=self.measure, minlength=len(self.weights))
        return np.asarray(self.measure * (self.sizes / np.where(sums > 0, sums, 1.0))[self.stratum])

    @property
    def worth(self) -> NDArray[Any]:
        """(H,) equal units that would tell as much as the labelled ones of unequal size: (sum a)^2 / sum a^2.

        Source: Kish 1965, Survey Sampling, section 11.7. The numbers of units where all count alike.
        """
        if self.measure is None:
            return self.sizes
        squares = np.bincount(self.stratum, weights=self.pull**2, minlength=len(self.weights))
        return np.asarray(self.sizes**2 / np.where(squares > 0, squares, 1.0))

    @property
    def binary(self) -> bool:
        """True when each unit is of one class entirely, or not at all."""
        return self.shares and bool(np.isin(self.Y, (0.0, 1.0)).all())

    @property
    def left(self) -> Float:
        """(H,) finite population correction 1 - n/N; 1 when the result speaks of a larger whole."""
        return np.ones(len(self.weights)) if self.beyond else np.clip(1 - self.sizes / self.counts, 0.0, 1.0)

    def parts(self, variances: Float, inner: Float | None) -> Float:
        """(H, K) variances of the strata's contributions to a mean: between units, and within those that are known.

        A census of units of which only points were looked at still has the variance within units (two-stage sampling:
        Särndal, Swensson and Wretman 1992, section 4.3).
        """
        n = np.maximum(self.sizes, 1)[:, None]
        left = self.left[:, None]
        within = 0.0 if inner is None else (1 - left) * self._plain_means(inner * self.pull[:, None] ** 2)
        return np.asarray(self.weights[:, None] ** 2 / n * (left * variances + within))

    def moments(self, values: Float) -> tuple[Float, Float]:
        """Mean and variance (n - 1) of a column of values in each stratum.

        Where units differ in size: their ratio, and n times its variance by the jackknife (Wolter 2007, Introduction
        to Variance Estimation, section 4.2), which is the usual variance for equal sizes and, unlike the linearised
        form, not too small for large units among few. So variance / n is that of the mean in both cases.

        Args:
            values: (n, K).

        Returns:
            two arrays (H, K).
        """
        pull, n = self.pull[:, None], self.sizes[:, None]
        mean = self._plain_means(pull * values)
        squares = np.zeros_like(mean)
        without = np.maximum(n[self.stratum] - pull, 1e-9) / np.maximum(n[self.stratum] - 1, 1)  # 1 for equal sizes
        np.add.at(squares, self.stratum, (pull * (values - mean[self.stratum]) / without) ** 2)
        return mean, squares / np.maximum(n - 1, 1)

    def freedom(self, residual: Float) -> NDArray[Any]:
        """(H,) units that a variance is worth knowing from: fewer where some of unequal size decide it.

        A variance from n values of kurtosis k has itself the variance of one from 2 n / (k - 1) normal ones. Equal
        units count as they are.

        Args:
            residual: (n,) of each unit from the mean of its stratum, before its size.
        """
        if self.measure is None:
            return self.sizes
        second, fourth = self._plain_means(np.stack([(self.pull * residual) ** 2, (self.pull * residual) ** 4], 1)).T
        kurtosis = np.divide(fourth, second**2, out=np.full(len(second), 3.0), where=second > 0)
        return np.asarray(np.clip(2 * self.sizes / np.maximum(kurtosis - 1, 2.0), 2.0, self.worth))

    def _plain_means(self, values: Float) -> Float:
        """(H, K) means over the labelled units of each stratum."""
        sums = np.zeros((len(self.weights), values.shape[1]))
        np.add.at(sums, self.stratum, values)
        return np.asarray(sums / np.maximum(self.sizes, 1)[:, None])


@dataclass(frozen=True)
class Estimate:
    """K estimates with their intervals."""

    value: Float
    """(K,)"""
    se: Float
    """(K,) standard error."""
    low: Float
    high: Float
    method: tuple[str, ...]
    """How each interval was made: a name of `interval.METHODS`."""
    trust: Float | None = None
    """(K,) lambda: how much of the prediction is used; None where there is none."""
    notes: tuple[str, ...] = field(default=())

    @property
    def half(self) -> Float:
        """(K,) half the width of the interval."""
        return (self.high - self.low) / 2


def lacking(evidence: Evidence) -> NDArray[np.bool_]:
    """(H,) True for strata with fewer than two labelled units, but for one that is labelled whole: it has no doubt."""
    whole = (evidence.sizes > 0) & (evidence.left == 0)
    return np.asarray((evidence.sizes < 2) & ~whole & (evidence.weights > 0))


def check(evidence: Evidence) -> None:
    """Raise unless every stratum has two labelled units, which a variance needs, or all that it has.

    Raises:
        BadInput: names the strata.
    """
    few = [(evidence.strata[h], int(evidence.sizes[h])) for h in np.flatnonzero(lacking(evidence))]
    if few:
        listed = ", ".join(f"{name} ({n})" for name, n in few[:6]) + (" and others" if len(few) > 6 else "")
        where = "Only one place is labelled" if len(evidence.strata) == 1 else "Some strata have fewer than two labels"
        raise BadInput(
            f"{where}: {listed}. An interval needs at least two in each, better fifty. Label more of the sample."
        )
