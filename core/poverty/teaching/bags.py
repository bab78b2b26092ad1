"""Samples to train on: a target for each place and date, and the squares of pixels in which the place may lie.

A cell of a raster is its own square. A survey cluster was displaced before it was published: it is a bag of candidate
squares with the probability of each, whose predictions become one by the mean, by the highest, or, while learning, by
the candidate that fits the target best.

Sources: buffers and candidates, Jarry et al. 2021 (ICPR-PRRS) and Perez-Heydrich et al. 2015; bags, Dietterich, Lathrop
& Lozano-Pérez 1997.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import BadInput, BadJob
from .chipstore import ChipStore

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Int = NDArray[np.int64]
MEAN, SELECT, HIGHEST = "mean", "select", "highest"
COMBINATIONS = (MEAN, SELECT, HIGHEST)


@dataclass(frozen=True)
class Samples:
    """N places, and E squares that belong to them.

    Attributes:
        Y: (N, T) float64, NaN where not known.
        weight: (N,) float64, not negative: how much a place counts.
        place: (E,) int64, rising: row of Y.
        chip: (E,) int64: of the store.
        share: (E,) float64, positive: how likely the place lies there; need not sum to 1.
    """

    Y: NDArray[np.float64]
    weight: NDArray[np.float64]
    place: Int
    chip: Int
    share: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuse what does not fit together.

        Raises:
            BadJob: in a sentence.
        """
        count = len(self.Y)
        if not (len(self.place) == len(self.chip) == len(self.share)) or len(self.weight) != count:
            raise BadJob("Targets, weights and squares of samples are not as many as one another.")
        if (np.diff(self.place) < 0).any() or not np.array_equal(np.unique(self.place), np.arange(count)):
            raise BadJob("Every sample needs at least one square of pixels, listed in the order of the samples.")
        if not (self.share > 0).all() or not (self.weight >= 0).all():
            raise BadJob("Squares of a sample need positive shares, and samples weights that are not negative.")

    @classmethod
    def cells(cls, Y: NDArray[np.float64], weight: NDArray[np.float64] | None = None) -> "Samples":
        """One square for each place, in the order of the store."""
        count = np.arange(len(Y))
        return cls(Y, np.ones(len(Y)) if weight is None else weight, count, count, np.ones(len(Y)))

    def __len__(self) -> int:
        """Places."""
        return len(self.Y)

    def squares_of(self, places: Int) -> tuple[Int, Int]:
        """Squares (numbers of `chip`) of some places, and for each which of these places it belongs to."""
        first = np.searchsorted(self.place, places, "left")
        count = np.searchsorted(self.place, places, "right") - first
        bag = np.repeat(np.arange(len(places)), count)
        within = np.arange(len(bag)) - np.repeat(np.cumsum(count) - count, count)
        return first[bag] + within, bag

    def known(self, store: ChipStore) -> Bool:
        """(N, T) targets to learn from: known, of a place that counts, at a date that one of its squares sees."""
        seen = np.zeros(self.Y.shape, np.bool_)
        np.logical_or.at(seen, self.place, store.seen[self.chip])
        found: Bool = seen & np.isfinite(self.Y) & (self.weight > 0)[:, None]
        return found


@dataclass(frozen=True)
class Batch:
    """Some places at all dates, or some images of one date; T is 1 for these.

    Attributes:
        chip: (E,) of the store.
        date: (E,) int64; None: all dates.
        bag: (E,) rising: row of the target.
        share: (E,) float32.
        seen: (E, T) bool.
        target: (n, T) float32, 0 where not known.
        weight: (n, T) float32, 0 where not known.
    """

    chip: Int
    date: Int | None
    bag: Int
    share: Float
    seen: Bool
    target: Float
    weight: Float

    def pixels(self, store: ChipStore) -> Float:
        """(E, T, C, h, w) float32."""
        return store.series(self.chip) if self.date is None else store.images(self.chip, self.date)

    def pieces(self, most: int) -> "list[Batch]":
        """Parts of at most so many squares each, whole bags, or one bag alone where it has more."""
        ends = np.searchsorted(self.bag, np.arange(len(self.target)), "right")
        parts, start = [], 0
        while start < len(ends):
            low = int(ends[start - 1]) if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, low + most, "right")))
            take = slice(low, int(ends[stop - 1]))
            date = None if self.date is None else self.date[take]
            bag, rows = self.bag[take] - start, slice(start, stop)
            parts.append(
                Batch(
                    self.chip[take], date, bag, self.share[take], self.seen[take], self.target[rows], self.weight[rows]
                )
            )
            start = stop
        return [part for part in parts if len(part.chip)]


class Rows:
    """What batches are drawn from: the places that have a target, or each pair of place and date that has one."""

    def __init__(self, store: ChipStore, samples: Samples, places: Int, by_date: bool) -> None:
        """Of some places.

        Args:
            store: of the pixels.
            samples: of all places.
            places: to draw from.
            by_date: as a network of single images learns.
        """
        self._store, self._samples = store, samples
        self._known = samples.known(store)
        self.place = places[self._known[places].any(axis=1)]
        self.date: Int | None = None
        if by_date:
            row, self.date = np.nonzero(self._known[self.place])
            self.place = self.place[row]

    def __len__(self) -> int:
        """Rows to draw."""
        return len(self.place)

    def means(self) -> NDArray[np.float64]:
        """(T,) mean target of each date, the mean of all where a date has none."""
        known, Y = self._known[np.unique(self.place)], self._samples.Y[np.unique(self.place)]
        count, sums = known.sum(axis=0), np.where(known, Y, 0).sum(axis=0)
        found: NDArray[np.float64] = np.where(count > 0, sums / np.maximum(count, 1), Y[known].mean())
        return found

    def batch(self, at: Int) -> Batch:
        """Some of them, in the order of `at`."""
        samples, places = self._samples, self.place[at]
        square, bag = samples.squares_of(places)
        seen = self._store.seen[samples.chip[square]]
        known, target = self._known[places], samples.Y[places]
        date = None
        if self.date is not None:
            date, own = self.date[at][bag], self.date[at][:, None]
            seen = np.take_along_axis(seen, date[:, None], axis=1)
            known, target = np.take_along_axis(known, own, axis=1), np.take_along_axis(target, own, axis=1)
        useful = seen.any(axis=1)
        return Batch(
            samples.chip[square][useful],
            None if date is None else date[useful],
            bag[useful],
            samples.share[square][useful].astype(np.float32),
            seen[useful],
            np.where(known, target, 0).astype(np.float32),
            (known * samples.weight[places][:, None]).astype(np.float32),
        )


def shares(predicted: NDArray[Any], batch: Batch, how: str) -> Float:
    """(E, T) how much each square counts for its bag at each date; they sum to 1 over a bag, or to 0 if none is seen.

    Args:
        predicted: (E, T) of each square.
        batch: where they belong.
        how: one of `COMBINATIONS`. `mean`: by their shares. `highest`: the square with the highest mean prediction.
            `select`: the square with the least squared error at the known dates that it sees; that looks at the
            target, so it is for learning only. Equal ones share.

    Raises:
        BadJob: no such combination.
    """
    count = len(batch.target)
    weight: NDArray[Any]
    if how == MEAN:
        weight = batch.share[:, None] * batch.seen
    elif how in (SELECT, HIGHEST):
        if how == HIGHEST:
            score = _mean(-predicted, batch.seen)
        else:
            score = _mean((predicted - batch.target[batch.bag]) ** 2, batch.seen * batch.weight[batch.bag])
        least = np.full(count, np.inf)
        np.minimum.at(least, batch.bag, score)
        weight = (score <= least[batch.bag])[:, None] * batch.seen
    else:
        raise BadJob(f"Squares of a sample are not combined by '{how}'. Choose {', '.join(COMBINATIONS)}.")
    total = np.zeros((count, batch.seen.shape[1]))
    np.add.at(total, batch.bag, weight)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total[batch.bag] > 0, weight / total[batch.bag], 0).astype(np.float32)


def _mean(values: NDArray[Any], weight: NDArray[Any]) -> NDArray[np.float64]:
    """(E,) weighted over dates; infinite where nothing counts."""
    total = weight.sum(axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, (values * weight).sum(axis=1, dtype=np.float64) / total, np.inf)


def lit_and_some_dark(samples: Samples, places: Int, dark: int, seed: int) -> Int:
    """Places whose mean known target is above 0, and `dark` of the others by lot: as published for night lights.

    Most cells of a country are dark throughout, and a network that says 0 everywhere would be right for them.

    Raises:
        BadInput: no place is lit.
    """
    known = np.isfinite(samples.Y[places])
    lit = np.where(known, samples.Y[places], 0).sum(axis=1) > 0
    if not lit.any():
        raise BadInput("No cell to train on has a mean target above 0. Look at the target raster and the region.")
    others = places[~lit & known.any(axis=1)]
    if len(others) > dark:
        others = np.random.default_rng([seed, 11]).choice(others, dark, replace=False)
    return np.sort(np.concatenate([places[lit], others]))
