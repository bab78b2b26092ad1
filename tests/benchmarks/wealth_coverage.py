"""Whether intervals of `core/poverty/indicator/margins.py` hold the shares that they promise, on real villages.

As in use: five models learn from one part of the places, in turns over whole squares of 20 km; what they said of places
that they had not seen gives the error. Their mean then tells places of another part, which nothing of this has seen,
and it is counted how many true values, and true changes of places asked twice, lie within that error.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from pyproj import CRS
from quadrat.core.folds import metres_in, spatial_blocks, value_folds
from quadrat.core.heads.build import fit_head
from quadrat.core.heads.recipe import Recipe
from quadrat.core.poverty.indicator.ensemble import Held
from quadrat.core.poverty.indicator.margins import of_changes, of_levels
from quadrat.core.poverty.learning.registry import METHODS
from wealth_networks import FOLDS, clusters

CONFIDENCE = (0.5, 0.8, 0.9, 0.95)
SIDE_M, TURNS = 20_000.0, 6
"""As 'Train indicator' by default."""


@dataclass(frozen=True)
class Villages:
    """N rows of P places in T years.

    Attributes:
        X: (N, D) float32.
        y: (N,).
        place: (N,) 0 to P - 1.
        year: (N,) column of the year.
        times: (T,) years.
        block: (N,) what is kept apart.
        part: (N,) name of what is tested apart as a whole; each is tested once.
    """

    X: np.ndarray
    y: np.ndarray
    place: np.ndarray
    year: np.ndarray
    times: list[float]
    block: np.ndarray
    part: np.ndarray

    def grid(self, values: np.ndarray) -> np.ndarray:
        """(P, T) of values of rows, NaN elsewhere."""
        found = np.full((self.place.max() + 1, len(self.times)), np.nan)
        found[self.place, self.year] = values
        return found

    def held(self, said: np.ndarray, turn: np.ndarray) -> Held:
        """Answers to rows as those of places; rows that were never told are left out."""
        count = self.place.max() + 1
        of_place, block = np.full(count, -1, np.int64), np.zeros(count, np.int64)
        block[self.place] = self.block
        of_place[self.place[turn >= 0]] = turn[turn >= 0]
        nowhere = np.full((count, 2), np.nan)
        return Held(self.grid(self.y), self.grid(said), of_place, block, nowhere, np.full(count, -1, np.int64))


def villages(X, y, lon, lat, year, part) -> Villages:
    """From columns; rows of one position are one place."""
    position, place = np.unique(np.stack([lon, lat], 1).round(6), axis=0, return_inverse=True)
    times, column = np.unique(np.asarray(year), return_inverse=True)
    block = spatial_blocks(metres_in(position, CRS.from_epsg(4326)), np.arange(len(position)), SIDE_M, 0)
    place = place.reshape(-1)
    return Villages(
        np.asarray(X, np.float32), np.asarray(y, np.float64), place, column, [float(t) for t in times], block[place],
        np.asarray(part),
    )  # fmt: skip


def parts(data: Villages, method: str, seed: int) -> Iterator[tuple[Held, np.ndarray, np.ndarray]]:
    """For each part: what was held apart elsewhere, its rows, and what the mean of the models says of them (n,)."""
    recipe = Recipe(METHODS[method].head, "value", seed=seed)
    for name in np.unique(data.part):
        rest, test = np.flatnonzero(data.part != name), np.flatnonzero(data.part == name)
        fold = value_folds(data.y[rest], data.block[rest], TURNS, seed).fold
        said, turn = np.full(len(data.y), np.nan), np.full(len(data.y), -1, np.int64)
        outside = np.zeros(len(test))
        for k in range(TURNS - 1):
            lesson, apart = rest[fold != k], rest[fold == k]
            head = fit_head(recipe, data.X[lesson], data.y[lesson], data.block[lesson]).estimator
            said[apart], turn[apart] = head.predict(data.X[apart]), k
            outside += head.predict(data.X[test]) / (TURNS - 1)
        yield data.held(said, turn), test, outside


def covered(data: Villages, method: str, seed: int = 0) -> dict[str, dict[float, tuple[float, float, int, int]]]:
    """For `levels` and `changes`, by confidence: share within, mean half width, how many were told, and of how many."""
    kinds = ("levels", "changes")
    inside: dict = {kind: {c: [] for c in CONFIDENCE} for kind in kinds}
    for held, test, outside in parts(data, method, seed):
        said, truth = np.full_like(held.truth, np.nan), np.full_like(held.truth, np.nan)
        said[data.place[test], data.year[test]], truth[data.place[test], data.year[test]] = outside, data.y[test]
        for confidence in CONFIDENCE:
            margin = of_levels(held, confidence)
            inside["levels"][confidence].append(_row(said, truth, margin and margin.around(said)))
            for first, last in _pairs(truth):
                there = np.isfinite(truth[:, first]) & np.isfinite(truth[:, last])
                now, then = said[there, last], said[there, first]
                found = of_changes(held, data.times, data.times[last] - data.times[first], confidence)
                width = found and found.margin.around((now + then) / 2)
                change = truth[there, last] - truth[there, first]
                inside["changes"][confidence].append(_row(now - then, change, width))
    return {kind: {c: _sum(rows) for c, rows in inside[kind].items()} for kind in kinds}


def _pairs(truth: np.ndarray) -> list[tuple[int, int]]:
    known = np.isfinite(truth)
    count = truth.shape[1]
    return [(i, j) for i in range(count) for j in range(i + 1, count) if (known[:, i] & known[:, j]).any()]


def _row(said, truth, width) -> np.ndarray:
    """(n, 2) within or not, and the width; NaN where no width was told."""
    there = np.isfinite(truth) & np.isfinite(said)
    if width is None:
        return np.full((int(there.sum()), 2), np.nan)
    within = np.where(np.isfinite(width), np.abs(said - truth) <= width, np.nan)
    return np.stack([within[there], np.broadcast_to(width, within.shape)[there]], axis=1)


def _sum(rows: list[np.ndarray]) -> tuple[float, float, int, int]:
    every = np.concatenate(rows) if rows else np.empty((0, 2))
    told = every[np.isfinite(every).all(axis=1)]
    if not len(told):
        return float("nan"), float("nan"), 0, len(every)
    return float(told[:, 0].mean()), float(told[:, 1].mean()), len(told), len(every)


def lsms_villages(places: pd.DataFrame, statistics: pd.DataFrame, part: str) -> Villages:
    """Of five countries, folds A to D; `part`: `fold` or `country`. The year and the country are learnt from, too."""
    country = places["country"].to_numpy()[:, None] == np.unique(places["country"])[None]
    X = np.concatenate([statistics.to_numpy(), places[["year"]].to_numpy(), country], axis=1)
    return villages(X, places["wealth"], places["lon"], places["lat"], places["year"], places[part])


def togo_clusters(seed: int, half_degrees: bool) -> Villages:
    """Of Togo; parts and, if wished, squares of the calibration are half-degree blocks, else those are of 20 km."""
    data = clusters()
    part, table = value_folds(data.y, data.block, FOLDS, seed).fold, data.table
    found = villages(data.columns, data.y, table["lon"], table["lat"], table["year"], part)
    return replace(found, block=data.block) if half_degrees else found


def compare(places: pd.DataFrame, statistics: pd.DataFrame, repeats: int, show: Callable[[str], None] = print) -> None:
    """Print what share lies within, of villages (from `tests/core/lsms.py`) and of Togo's clusters."""
    for part, title in (("fold", "folds A to D in turn"), ("country", "each country in turn")):
        for kind, told in covered(lsms_villages(places, statistics, part), "blend").items():
            show(f"LSMS, {kind}, {title}: {_line(told)}")
    for half, title in ((True, "half-degree blocks"), (False, "squares of 20 km")):
        deals = [covered(togo_clusters(seed, half), "ridge-log", seed)["levels"] for seed in range(repeats)]
        inside = {c: [one[c] for one in deals if one[c][2]] for c in CONFIDENCE}
        told = {c: tuple(np.mean(rows, axis=0)) for c, rows in inside.items() if rows}
        show(f"Togo, levels, error from {title}, half-degree blocks in five folds, {repeats} deals: {_line(told)}")


def _line(told: Mapping[float, Sequence[float]]) -> str:
    return "; ".join(f"{c:.0%}: {one[0]:.1%} within ± {one[1]:.2f} ({one[2]:.0f} told)" for c, one in told.items())
