"""How well levels and changes are told: each year by itself, and the difference between any two.

After R. Jarry, M. Chaumont, L. Berti-Equille and G. Subsol, IGARSS 2023, doi:10.1109/IGARSS52108.2023.10282306.
A series that is right each year may still be wrong about change, because errors of two years add up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...metrics.values import mae, r2

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
FEWEST = 2
"""Places below which nothing can be said of a year or a difference."""


@dataclass(frozen=True)
class Score:
    """Of N places."""

    mae: float
    """In the unit of the indicator."""
    r2: float
    """Coefficient of determination; NaN where the truth does not vary."""
    dis: float
    """Standard deviation of the absolute errors."""
    count: int
    """N."""


NONE = Score(np.nan, np.nan, np.nan, 0)


def score(truth: Float, said: Float, lit: bool = False) -> Score:
    """Of the places where both are known.

    Args:
        truth: (N,) NaN where not known.
        said: (N,)
        lit: only places whose truth is not 0: dark ones are easy, and most, where the indicator is light at night.
    """
    there = np.isfinite(truth) & np.isfinite(said)
    if lit:
        there &= truth != 0
    count = int(there.sum())
    if count < FEWEST:
        return NONE if count == 0 else Score(np.nan, np.nan, np.nan, count)
    truth, said = truth[there], said[there]
    return Score(mae(truth, said), r2(truth, said), float(np.abs(truth - said).std()), count)


def levels(truth: Float, said: Float, lit: bool = False) -> list[Score]:
    """One score for each of T dates.

    Args:
        truth: (N, T) NaN where not known.
        said: (N, T)
        lit: only places whose mean over the dates is not 0.
    """
    kept = lit_places(truth) if lit else np.ones(len(truth), np.bool_)
    return [score(truth[kept, t], said[kept, t]) for t in range(truth.shape[1])]


def lit_places(truth: Float) -> Bool:
    """(N,) places that are not 0 at every date."""
    return np.asarray(np.nan_to_num(truth).any(axis=1))


def pairs(times: Sequence[float], apart: float | None = None) -> list[tuple[int, int]]:
    """All dates (i, j), i before j; only those so far apart, if given.

    Args:
        times: (T,) years, rising; fractions for months.
        apart: years between them.
    """
    every = [(i, j) for i in range(len(times)) for j in range(i + 1, len(times))]
    return [(i, j) for i, j in every if apart is None or np.isclose(times[j] - times[i], apart)]


def differences(
    truth: Float, said: Float, times: Sequence[float], apart: float, lit: bool = False
) -> dict[tuple[int, int], Score]:
    """Scores of the differences between all dates that lie so many years apart, whatever the first.

    Args:
        truth: (N, T) NaN where not known.
        said: (N, T)
        times: (T,) years.
        apart: years.
        lit: only places whose difference is not 0.
    """
    return {(i, j): score(truth[:, j] - truth[:, i], said[:, j] - said[:, i], lit) for i, j in pairs(times, apart)}


def matrix(truth: Float, said: Float, lit: bool = False) -> Float:
    """(T, T) R2 of the difference from the date of the row to the later one of the column; of levels on the diagonal.

    NaN below the diagonal, and where nothing can be said.
    """
    dates = truth.shape[1]
    found = np.full((dates, dates), np.nan)
    for t, one in enumerate(levels(truth, said, lit)):
        found[t, t] = one.r2
        for u in range(t + 1, dates):
            found[t, u] = score(truth[:, u] - truth[:, t], said[:, u] - said[:, t], lit).r2
    return found


@dataclass(frozen=True)
class Summary:
    """Mean over dates within each fold, then mean and population standard deviation over folds."""

    mae: tuple[float, float]
    r2: tuple[float, float]
    dis: tuple[float, float]
    folds: int
    """That could be scored."""


def over_folds(scores: Sequence[Sequence[Score]]) -> Summary:
    """As the authors report them.

    Args:
        scores: of each fold, of each date or pair of dates; those that say nothing are left out.
    """
    folds = sum(1 for one in scores if _any(one))
    return Summary(_over(scores, "mae"), _over(scores, "r2"), _over(scores, "dis"), folds)


def mean_matrix(matrices: Sequence[Float]) -> Float:
    """(T, T) mean over folds of those that say something; NaN where none does."""
    stacked = np.stack(matrices)
    known = np.isfinite(stacked)
    total = np.where(known, stacked, 0.0).sum(axis=0)
    counted = known.sum(axis=0)
    return np.asarray(np.divide(total, counted, out=np.full(total.shape, np.nan), where=counted > 0))


def by_fold(
    truth: Float, said: Float, fold: Int, of: Callable[[Float, Float], Sequence[Score]]
) -> list[Sequence[Score]]:
    """What `of` says of the places of each fold; those of no fold (below 0) are left out."""
    return [of(truth[fold == k], said[fold == k]) for k in np.unique(fold[fold >= 0])]


def _any(scores: Sequence[Score]) -> bool:
    return any(np.isfinite(one.mae) for one in scores)


def _over(scores: Sequence[Sequence[Score]], name: str) -> tuple[float, float]:
    means = []
    for fold in scores:
        values = [getattr(one, name) for one in fold if np.isfinite(getattr(one, name))]
        if values:
            means.append(float(np.mean(values)))
    return (float(np.mean(means)), float(np.std(means))) if means else (float("nan"), float("nan"))
