"""Transformers on the yearly numbers of Togo's clusters, beside heads on the same numbers in the same folds.

Each cluster is one pixel: its bands are means in a buffer, its dates 2012 to 2017, the years in which all of them are
there; wealth is known in 2013 alone. So there are no places within a cell to attend to, and no change to tell: what is
left of the networks is attention over six dates (st, tsvit), or a network of one vector (s). Whole half-degree blocks
are dealt to five folds: one is tested, the next chooses the epoch, three are learnt from; heads learn from four.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from quadrat.core.folds import value_folds
from quadrat.core.heads.build import fit_head
from quadrat.core.heads.recipe import Recipe as HeadRecipe
from quadrat.core.poverty.learning.registry import METHODS
from quadrat.core.progress import Progress

FILE = "poverty/satellite_ts_togo/togo2013_clusters_shared.csv.gz"
YEARS = range(2012, 2018)
LABELLED = 2013
BANDS = (
    "viirs.{}.mean", "viirs.{}.max", "viirs.{}.median", "viirs.{}.sum", "ltdr_avhrr_ndvi_v5_yearly.{}.mean",
    "modis_lst_mod11c3_006_day_annual_mean.{}.mean", "worldpop_pop_count_1km_mosaic.{}.mean",
    "esa_landcover.{}.categorical_urban", "udel_precip_v501_mean.{}.mean", "udel_air_temp_v501_mean.{}.mean",
)  # fmt: skip
FOLDS = 5
TOKENS = {"pooling": "mean-over-tokens"}
NETWORKS = (
    ("S, mean over tokens", {"method": "s", **TOKENS}),
    ("ST, mean over tokens", {"method": "st", **TOKENS}),
    ("TSViT, mean over tokens", {"method": "tsvit", **TOKENS}),
    ("S, published pooling", {"method": "s"}),
    ("ST, published pooling", {"method": "st"}),
)
HEADS = ("ridge", "ridge-log", "forest", "boosting", "blend", "auto")


@dataclass(frozen=True)
class Clusters:
    """N clusters: `series` (N, T, C), `columns` (N, D) of all years and kinds, `y` (N,), `block` (N,)."""

    series: np.ndarray
    columns: np.ndarray
    y: np.ndarray
    block: np.ndarray
    table: pd.DataFrame


def clusters() -> Clusters:
    """The shared part; fill values become 0, as no light and no people are."""
    table = pd.read_csv(Path(os.environ["QUADRAT_DATA"]) / FILE)
    names = [name for name in table.columns if "." in name and not name.startswith("published")]
    columns = _filled(table[names])
    series = np.stack([_filled(table[[band.format(year) for band in BANDS]]) for year in YEARS], axis=1)
    block = pd.factorize(table["block_0p5deg"])[0].astype(np.int64)
    return Clusters(series, columns, table["wealthpooled"].to_numpy(np.float64), block, table)


def _filled(table: pd.DataFrame) -> np.ndarray:
    values = table.to_numpy(np.float64)
    return np.where(np.abs(values) < 1e30, np.nan_to_num(values), 0).astype(np.float32)


def turns(data: Clusters, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Clusters to learn from, to choose the epoch by, and to test."""
    fold = value_folds(data.y, data.block, FOLDS, seed).fold
    for k in range(FOLDS):
        chooses = fold == (k + 1) % FOLDS
        yield np.flatnonzero((fold != k) & ~chooses), np.flatnonzero(chooses), np.flatnonzero(fold == k)


def heads(data: Clusters, X: np.ndarray, method: str, seed: int) -> np.ndarray:
    """(N,) what a head says of the clusters that it had not seen."""
    said = np.zeros(len(data.y))
    for training, chooses, test in turns(data, seed):
        at = np.sort(np.concatenate([training, chooses]))
        recipe = HeadRecipe(METHODS[method].head, "value", seed=seed)
        said[test] = fit_head(recipe, X[at], data.y[at], data.block[at]).estimator.predict(X[test])
    return said


def networks(data: Clusters, more: dict, logs: bool, seed: int, epochs: int) -> np.ndarray:
    """(N,) what a transformer says, in the same way."""
    from quadrat.core.poverty.teaching.bags import Samples
    from quadrat.core.poverty.teaching.chipstore import ChipStore
    from quadrat.core.poverty.transformers.predicting import predict
    from quadrat.core.poverty.transformers.recipe import Recipe
    from quadrat.core.poverty.transformers.training import Lesson, train

    series = np.sign(data.series) * np.log1p(np.abs(data.series)) if logs else data.series
    store = ChipStore(series[:, :, :, None, None].astype(np.float32), np.ones(series.shape[:2], np.bool_))
    dates = tuple(str(year) for year in YEARS)
    known = dates.index(str(LABELLED))
    Y = np.full(series.shape[:2], np.nan)
    Y[:, known] = data.y
    recipe = Recipe(patch_px=1, output="linear", pixels="standard", values="standard", start_at_mean=True,
                    epochs=epochs, seed=seed, **more)  # fmt: skip
    said = np.zeros(len(data.y))
    for training, chooses, test in turns(data, seed):
        lesson = Lesson(store, Samples.cells(Y), training, chooses, recipe, dates, BANDS, "survey", "wealth",
                        device="cpu", threads=1)  # fmt: skip
        said[test] = predict(train(lesson, Progress()), store, Progress(), "cpu", 1)[test, known]
    return said


def compare(repeats: int, epochs: int, show: Callable[[str], None] = print, with_heads: bool = True) -> None:
    """Print R2 and r2 over all clusters, mean and spread over deals of the folds."""
    data = clusters()
    show(f"Togo, {len(data.y)} clusters in {len(np.unique(data.block))} half-degree blocks, {repeats} deals of folds")
    at = list(YEARS).index(LABELLED)
    inputs = {
        f"{len(BANDS)} numbers of {LABELLED}": data.series[:, at],
        f"the same of {len(YEARS)} years": data.series.reshape(len(data.y), -1),
        f"all {data.columns.shape[1]} columns": data.columns,
    }
    for title, X in inputs.items() if with_heads else ():
        for method in HEADS:
            _show(show, f"{method}, {title}", data.y, [heads(data, X, method, seed) for seed in range(repeats)])
    for logs in (True, False):
        for title, more in NETWORKS:
            said = [networks(data, more, logs, seed, epochs) for seed in range(repeats)]
            _show(show, title + (", logarithms" if logs else ""), data.y, said)


def _show(show: Callable[[str], None], title: str, y: np.ndarray, said: list[np.ndarray]) -> None:
    R2 = [1 - ((one - y) ** 2).sum() / ((y - y.mean()) ** 2).sum() for one in said]
    r2 = [np.corrcoef(one, y)[0, 1] ** 2 for one in said]
    show(f"  {title:46s} R2 {np.mean(R2):6.3f} ± {np.std(R2):.3f}  r2 {np.mean(r2):.3f} ± {np.std(r2):.3f}")
