"""How well levels and changes are told: each year by itself, and the difference between any two.

After R. Jarry, M. Chaumont, L. Berti-Equille and G. Subsol, IGARSS 2023, doi:10.1109/IGARSS52108.2023.10282306.
A series that is right each year may still be wrong about change, because errors of two years add up.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Int = NDArray[np.int64]
Bool = NDArray[np.bool_]
FEWEST = 2
"""Places below which nothing can be said of a year or a difference."""
AT_ONCE = 2**20
"""Differences that are held together."""


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
    return _scores(truth[None], said[None], lit)[0]


def _scores(truth: Float, said: Float, lit: bool) -> list[Score]:
    """Of each of K rows (K, N), see `score`; all at once, as there are thousands of pairs of months."""
    there = np.isfinite(truth) & np.isfinite(said)
    if lit:
        there &= truth != 0
    count = there.sum(axis=1)
    many = np.maximum(count, 1)
    known = np.where(there, truth, 0.0)
    size = np.where(there, np.abs(said - truth), 0.0)
    mae = size.sum(axis=1) / many
    dis = np.sqrt((np.where(there, size - mae[:, None], 0.0) ** 2).sum(axis=1) / many)
    spread = (np.where(there, known - (known.sum(axis=1) / many)[:, None], 0.0) ** 2).sum(axis=1)
    least, most = np.where(there, truth, np.inf).min(axis=1), np.where(there, truth, -np.inf).max(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        r2 = np.where(most > least, 1.0 - (size**2).sum(axis=1) / spread, np.nan)
    return [
        Score(float(mae[k]), float(r2[k]), float(dis[k]), int(n))
        if n >= FEWEST
        else Score(np.nan, np.nan, np.nan, int(n))
        for k, n in enumerate(count)
    ]


def _of_pairs(truth: Float, said: Float, some: Sequence[tuple[int, int]], lit: bool) -> list[Score]:
    """Of the differences between pairs of dates."""
    by_date, told = np.ascontiguousarray(truth.T), np.ascontiguousarray(said.T)
    step = max(1, AT_ONCE // max(1, len(truth)))
    found: list[Score] = []
    for start in range(0, len(some), step):
        i, j = np.array(some[start : start + step], np.int64).T
        found += _scores(by_date[j] - by_date[i], told[j] - told[i], lit)
    return found


def levels(truth: Float, said: Float, lit: bool = False) -> list[Score]:
    """One score for each of T dates.

    Args:
        truth: (N, T) NaN where not known.
        said: (N, T)
        lit: only places whose mean over the dates is not 0.
    """
    kept = lit_places(truth) if lit else np.ones(len(truth), np.bool_)
    return _scores(np.ascontiguousarray(truth[kept].T), np.ascontiguousarray(said[kept].T), False)


def lit_places(truth: Float) -> Bool:
    """(N,) places that are not 0 at every date."""
    return np.asarray(np.nan_to_num(truth).any(axis=1))


def pairs(times: Sequence[float], apart: float | None = None) -> list[tuple[int, int]]:
    """All dates (i, j), i before j; only those so far apart, if given.

    Args:
        times: (T,) years, rising; fractions for months.
        apart: years between them.
    """
    first, last = np.triu_indices(len(times), 1)
    if apart is not None:
        at = np.asarray(times, np.float64)
        right = np.isclose(at[last] - at[first], apart)
        first, last = first[right], last[right]
    return list(zip(first.tolist(), last.tolist(), strict=True))


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
    some = pairs(times, apart)
    return dict(zip(some, _of_pairs(truth, said, some, lit), strict=True))


def matrix(truth: Float, said: Float, lit: bool = False) -> Float:
    """(T, T) R2 of the difference from the date of the row to the later one of the column; of levels on the diagonal.

    NaN below the diagonal, and where nothing can be said.
    """
    dates = truth.shape[1]
    found = np.full((dates, dates), np.nan)
    found[np.diag_indices(dates)] = [one.r2 for one in levels(truth, said, lit)]
    if some := pairs(range(dates)):
        found[tuple(np.array(some).T)] = [one.r2 for one in _of_pairs(truth, said, some, lit)]
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
