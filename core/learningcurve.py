"""How many labels are enough: a head trained on few labels, then more, and tested on samples that were kept apart.

A label is one labelled cell, a click. Clicks are drawn the way a person makes them, from the training part of each
fold; what a size adds stands on what the smaller ones had. Nothing is read or written here.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import isotonic_regression

from .folds import TRAINING_ONLY, Folds, make_folds
from .heads.build import fit_head
from .heads.fitting import run_all
from .heads.inner import thinned
from .heads.recipe import Recipe
from .metrics.build import evaluate
from .progress import Progress

Int = NDArray[np.int64]
Float = NDArray[np.float64]
Split = Callable[[int], tuple[Int, Folds] | None]
"""Draw -> (N,) groups that heads keep together in their own choices, and the folds; None when there can be none."""

SIZES = (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000)
LARGEST_SHARE = 0.8
"""Of the smallest training part: a size that is nearly all of it would show the same point twice."""
MOST_TESTED = 4000
"""Test samples of one draw; more change a score by less than the draws do, and a forest takes long to name them."""
RESAMPLED = 500
BAND = (0.1, 0.9)
RISING = 0.01
"""Gain from the last doubling of the labels above which a curve is still rising."""


@dataclass(frozen=True)
class Curve:
    """Scores at each number of labels."""

    sizes: Int
    """(S,) labels, rising; the last is the whole training part, as a mean over folds and draws."""
    scores: dict[str, Float]
    """(draws, S) by metric; NaN where a score is not defined."""
    fits: int
    """How many heads were fitted."""

    @property
    def draws(self) -> int:
        """How often labels were drawn."""
        return len(next(iter(self.scores.values())))

    def mean(self, metric: str) -> Float:
        """(S,) mean over draws; NaN where no draw has a score."""
        return _mean(self.scores[metric])

    def band(self, metric: str) -> Float:
        """(2, S) bounds between which four of five draws lie."""
        table = self.scores[metric]
        out = np.full((2, table.shape[1]), np.nan)
        known = np.isfinite(table).any(axis=0)
        out[:, known] = np.nanquantile(table[:, known], BAND, axis=0)
        return out

    def full(self, metric: str) -> float:
        """Mean score with all labels."""
        return float(self.mean(metric)[-1])

    def needed(self, metric: str, score: float) -> float:
        """Labels at which the mean curve, made monotone, first reaches a score; infinite when it never does."""
        return labels_needed(self.sizes, self.mean(metric), score)

    def needed_for_share(self, metric: str, share: float, seed: int = 0) -> tuple[float, float, float]:
        """Labels that reach a share of the full-label score, and the bounds of it when other draws had been made.

        Draws are drawn again as a whole, so the score to be reached varies with them.

        Args:
            metric: of `scores`.
            share: 0..1.
            seed: decides which draws are drawn again.
        """
        table = self.scores[metric]
        full = self.full(metric)
        if not full > 0:
            return math.inf, math.inf, math.inf
        rng = np.random.default_rng([seed, 5])
        found = []
        for _ in range(RESAMPLED):
            mean = _mean(table[rng.integers(0, len(table), len(table))])
            if mean[-1] > 0:
                found.append(labels_needed(self.sizes, mean, share * mean[-1]))
        low, high = np.quantile(found, BAND, method="nearest") if found else (math.inf, math.inf)
        return self.needed(metric, share * full), float(low), float(high)

    def still_rising(self, metric: str) -> float:
        """Gain from the last doubling of the labels, 0 when that is within the noise of the draws or negligible."""
        if len(self.sizes) < 2:
            return 0.0
        at = np.log(self.sizes.astype(np.float64))
        half = max(at[-1] - math.log(2), at[0])
        gains = np.array([row[-1] - np.interp(half, at, row) for row in self.scores[metric] if np.isfinite(row).all()])
        if not len(gains):
            return 0.0
        noise = float(gains.std(ddof=1) / math.sqrt(len(gains))) if len(gains) > 1 else 0.0
        return float(gains.mean()) if gains.mean() > max(RISING, noise) else 0.0


def labels_needed(sizes: Int, scores: Float, score: float) -> float:
    """Labels at which a curve, made monotone, first reaches a score; between sizes it is straight over log(labels).

    Args:
        sizes: (S,) rising.
        scores: (S,) float64; NaN where unknown.
        score: to be reached.

    Returns:
        The number; the smallest size when that is already enough, infinite when no size is.
    """
    known = np.isfinite(scores)
    if not known.any():
        return math.inf
    at, level = np.log(sizes[known].astype(np.float64)), isotonic_regression(scores[known])
    reached = np.flatnonzero(level >= score)
    if not len(reached):
        return math.inf
    first = int(reached[0])
    if first == 0:
        return float(sizes[known][0])
    low, high = level[first - 1], level[first]
    return float(np.exp(at[first - 1] + (at[first] - at[first - 1]) * (score - low) / (high - low)))


def grouped(target: str, y: NDArray[Any], groups: Callable[[int], Int], wish: int, seed: int) -> Split:
    """Folds of whole groups, another draw of them for each draw of labels.

    Args:
        target: `class` or `value`.
        y: (N,) class values or float64.
        groups: draw -> (N,) what is kept apart.
        wish: most folds.
        seed: decides the folds.
    """

    def split(draw: int) -> tuple[Int, Folds] | None:
        mine = groups(draw)
        folds = make_folds(target, y, mine, wish, seed + draw)
        return None if folds is None else (mine, folds)

    return split


def curve(
    X: NDArray[np.float32],
    y: NDArray[Any],
    clicked: Int,
    split: Split,
    recipe: Recipe,
    draws: int = 10,
    sizes: Sequence[int] = SIZES,
    threads: int = 1,
    progress: Progress | None = None,
) -> Curve | None:
    """Scores of a head by the number of labels that it learnt from.

    In each draw and fold, labels are drawn from the training part; all numbers of labels are prefixes of one order, so
    10 labels hold the 5. Test samples of all folds of a draw are scored together.

    Args:
        X: (N, D) float32, finite.
        y: (N,) class values or float64.
        clicked: (N,) groups over which a person spreads the clicks.
        split: what is kept apart in each draw; see `grouped`.
        recipe: how the head is fitted; calibration is left out, as it changes confidence and hardly the class.
        draws: how often labels are drawn.
        sizes: numbers of labels; all that are at least two and clearly fewer than a training part are used.
        threads: fits side by side.
        progress: asked for a cancel between fits and told how far it is.

    Returns:
        The curve, or None when nothing can be kept apart.

    Raises:
        Cancelled: the user stopped the job.
    """
    plain, rounds = recipe.uncalibrated(), []
    for draw in range(draws):
        parts = split(draw)
        if parts is not None:
            rounds.append(_Round(X, y, clicked, *parts, plain, draw))
    if not rounds:
        return None
    smallest = min(len(order) for one in rounds for order in one.orders)
    whole = round(float(np.mean([len(order) for one in rounds for order in one.orders])))
    used = [size for size in sorted(set(sizes)) if 2 <= size <= LARGEST_SHARE * smallest]
    tasks = [
        partial(one.test, fold, size) for one in rounds for fold in range(one.folds.count) for size in (*used, None)
    ]
    answers = run_all(tasks, threads, progress or Progress())
    return Curve(np.array([*used, whole], dtype=np.int64), _tables(rounds, answers, len(used) + 1), len(tasks))


def _tables(rounds: Sequence["_Round"], answers: Sequence[NDArray[Any]], sizes: int) -> dict[str, Float]:
    """(draws, sizes) scores by metric, from what each head said, in the order draw, fold, size."""
    tables: dict[str, list[list[float]]] = {}
    start = 0
    for one in rounds:
        said = [answers[start + fold * sizes : start + (fold + 1) * sizes] for fold in range(one.folds.count)]
        start += one.folds.count * sizes
        rows = [one.score([fold[k] for fold in said]) for k in range(sizes)]
        for name in rows[0]:
            tables.setdefault(name, []).append([row[name] for row in rows])
    return {name: np.array(table, dtype=np.float64) for name, table in tables.items()}


class _Round:
    """One draw: its folds, the order in which labels are clicked in each, and what is tested."""

    def __init__(
        self,
        X: NDArray[np.float32],
        y: NDArray[Any],
        clicked: Int,
        groups: Int,
        folds: Folds,
        recipe: Recipe,
        draw: int,
    ) -> None:
        self.folds = folds
        self._X, self._y, self._groups, self._recipe = X, y, groups, recipe
        tested = np.flatnonzero(folds.fold != TRAINING_ONLY)
        few = tested[thinned(y[tested], groups[tested], recipe.seed + draw, MOST_TESTED)]
        chosen = np.zeros(len(y), dtype=bool)
        chosen[few] = True
        self._test = [test[chosen[test]] for _, test in folds.parts()]
        self.orders = [
            training[click_order(recipe.target, y[training], clicked[training], [recipe.seed, 6, draw, fold])]
            for fold, (training, _) in enumerate(folds.parts())
        ]

    def test(self, fold: int, size: int | None) -> NDArray[Any]:
        """(n,) what a head trained on the first labels of a fold says of its test samples."""
        # In the order of the samples, so that all labels give the very head that an assessment fits.
        at, test = np.sort(self.orders[fold][:size]), self._test[fold]
        if not len(test):
            return np.empty(0, dtype=self._y.dtype)
        estimator = fit_head(self._recipe, self._X[at], self._y[at], self._groups[at]).estimator
        if self._recipe.target == "value":
            return np.asarray(estimator.predict(self._X[test]))
        found = estimator.predict_proba(self._X[test])
        return np.asarray(np.asarray(estimator.classes_)[found.argmax(axis=1)])

    def score(self, said: Sequence[NDArray[Any]]) -> dict[str, float]:
        """Metrics of what was said, folds together."""
        return evaluate(self._recipe.target, self._y[np.concatenate(self._test)], np.concatenate(said))


def click_order(target: str, y: NDArray[Any], groups: Int, seed: Sequence[int]) -> Int:
    """An order in which a person could have labelled these samples: (N,) indices.

    First one of each class, in a random order of classes; then classes in proportion to their samples. Within a class
    the groups take turns, each with a sample drawn from it. Values are drawn from the groups in turn.

    Args:
        target: `class` or `value`.
        y: (N,) class values or float64.
        groups: (N,).
        seed: decides the order.
    """
    rng = np.random.default_rng(list(seed))
    kind = np.unique(y, return_inverse=True)[1] if target == "class" else np.zeros(len(y), dtype=np.int64)
    turn = _turns(kind * (int(groups.max(initial=0)) + 1) + groups, rng)
    luck = rng.random(len(y))
    within = np.lexsort((luck, turn, kind))
    counts = np.bincount(kind)
    place = np.empty(len(y), dtype=np.int64)
    place[within] = np.arange(len(y)) - np.repeat(np.cumsum(counts) - counts, counts)
    # A class of n samples is due at (0.5, 1.5, ...) / n, so each prefix holds classes in proportion.
    due = (place + rng.random(len(y))) / counts[kind]
    due[place == 0] = -1 - rng.random(int((place == 0).sum()))
    return np.argsort(due, kind="stable")


def _turns(pairs: Int, rng: np.random.Generator) -> Int:
    """(N,) how many samples of the same pair of class and group come before each, in a drawn order."""
    order = rng.permutation(len(pairs))
    by_pair = order[np.argsort(pairs[order], kind="stable")]
    _, counts = np.unique(pairs, return_counts=True)
    turn = np.empty(len(pairs), dtype=np.int64)
    turn[by_pair] = np.arange(len(pairs)) - np.repeat(np.cumsum(counts) - counts, counts)
    return turn


def _mean(table: Float) -> Float:
    out = np.full(table.shape[1], np.nan)
    known = np.isfinite(table).any(axis=0)
    out[known] = np.nanmean(table[:, known], axis=0)
    return out
