"""Cells that did not change between two dates, and what they teach: how numbers of one date read on the other.

Cells are found by iteratively re-weighted multivariate alteration detection (Nielsen 2007,
doi:10.1109/TIP.2006.888195), which no gain, offset or mixing of columns disturbs. Then each column has a gain and an
offset, as in relative radiometric normalisation of images by invariant pixels (Canty and Nielsen 2008,
doi:10.1016/j.rse.2007.07.013), here by the reduced major axis: the mean and the spread of the stable cells become those
of the reference, which stays sane where a column is mostly noise.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

Float = NDArray[np.float64]
Bool = NDArray[np.bool_]
MOST_COMPONENTS = 12
CELLS_PER_COMPONENT = 20
AXES_FROM = 5_000
"""Cells, evenly dealt, that principal axes and units of columns are taken from."""
ROUNDS = 100
CLOSE_ENOUGH = 1e-4
"""Change of every canonical correlation below which the weights stand."""
STABLE_FROM = 0.5
"""Chance, were a cell unchanged, of differing as much as it does: from here on it teaches gains and offsets."""
CHANGED_BELOW = 0.01
"""The same: below, a cell has evidently changed and tells nothing of noise."""
RIDGE = 1e-6


def unchanged(one: Float, other: Float) -> Float:
    """(n,) chance of differing at least so much, for a cell that did not change; more than half must not have.

    Args:
        one: (n, D) numbers of the cells on one date, finite.
        other: (n, D) on another.
    """
    x, y = _components(one, other)
    p = x.shape[1]
    if not p:
        return np.ones(len(one))
    weights, before = np.ones(len(x)), np.zeros(p)
    for _ in range(ROUNDS):
        differences, correlations = _variates(x, y, weights)
        total = (differences**2).sum(axis=1)
        middle = np.median(total)
        # Scaled by the middle cell, which is unchanged: tails heavier than the normal's widen nothing.
        weights = chi2.sf(total * (chi2.median(p) / middle), p) if middle > 0 else np.asarray(total == 0, np.float64)
        if np.abs(correlations - before).max() < CLOSE_ENOUGH:
            break
        before = correlations
    return np.asarray(weights)


def _components(one: Float, other: Float) -> tuple[Float, Float]:
    """(n, p) of both dates on the same principal axes, of columns in robust units; none where nothing differs."""
    moving = [k for k in range(one.shape[1]) if np.ptp(one[:, k]) > 0 and np.ptp(other[:, k]) > 0]
    moving = [k for k in moving if not np.array_equal(one[:, k], other[:, k])]
    size = min(MOST_COMPONENTS, len(moving), len(one) // CELLS_PER_COMPONENT)
    if not size:
        return np.zeros((len(one), 0)), np.zeros((len(one), 0))
    some = np.linspace(0, len(one) - 1, min(len(one), AXES_FROM)).astype(int)
    x, y = _in_units(one[:, moving], some), _in_units(other[:, moving], some)
    both = np.concatenate([x[some], y[some]])
    axes = np.linalg.eigh(both.T @ both / len(both))[1][:, ::-1][:, :size]
    return x @ axes, y @ axes


def _in_units(columns: Float, some: NDArray[np.int64]) -> Float:
    low, middle, high = np.quantile(columns[some], [0.25, 0.5, 0.75], axis=0)
    spread = np.where(high > low, (high - low) / 1.349, columns.std(axis=0))
    # A few far values must not take an axis for themselves.
    return np.asarray(np.clip((columns - middle) / spread, -8, 8))


def _variates(x: Float, y: Float, weights: Float) -> tuple[Float, Float]:
    """(n, p) differences of canonical variates in their standard deviations, and (p,) correlations."""
    total = weights.sum()
    a, b = x - weights @ x / total, y - weights @ y / total

    def moments(left: Float, right: Float) -> Float:
        return np.asarray((left * weights[:, None]).T @ right / total)

    def whitener(one: Float) -> Float:
        square = moments(one, one)
        return np.linalg.inv(np.linalg.cholesky(square + RIDGE * np.trace(square) / len(square) * np.eye(len(square))))

    left, right = whitener(a), whitener(b)
    u, correlations, v = np.linalg.svd(left @ moments(a, b) @ right.T)
    differences = a @ left.T @ u - b @ right.T @ v.T
    correlations = np.clip(correlations, 0.0, 1 - 1e-9)
    return differences / np.sqrt(2 * (1 - correlations)), correlations


@dataclass(frozen=True)
class Bridge:
    """From the numbers of one date to those of the reference, column by column.

    Attributes:
        gain: (D,) 1 for columns that are left as they are.
        offset: (D,) 0 for those.
        agreement: (D,) correlation of the two dates over the stable cells; NaN where a column does not vary.
    """

    gain: Float
    offset: Float
    agreement: Float

    @classmethod
    def fit(cls, date: Float, reference: Float) -> Self:
        """From stable cells.

        Args:
            date: (n, D) their numbers.
            reference: (n, D) on the reference date.
        """
        means, spreads = (part.mean(axis=0) for part in (date, reference)), (date.std(axis=0), reference.std(axis=0))
        here, there = means
        own, wanted = spreads
        same = np.all(date == reference, axis=0)
        varies = (own > 0) & (wanted > 0) & ~same
        gain = np.divide(wanted, own, out=np.ones(len(own)), where=varies)
        offset = np.where(varies | ~same, there - gain * here, 0.0)
        product = ((date - here) * (reference - there)).mean(axis=0)
        agreement = np.divide(product, own * wanted, out=np.full(len(own), np.nan), where=(own > 0) & (wanted > 0))
        return cls(gain, np.where(same, 0.0, offset), agreement)

    def __call__(self, numbers: Float) -> Float:
        """(N, D) as the reference would have them."""
        return np.asarray(numbers * self.gain + self.offset)
