"""Labelled sets for the learning curves: those that are reported, and those that `auto` was designed on.

The two have nothing in common, so that what is reported was not tuned on. A set is arrays only.
"""

import os
import pathlib
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from quadrat.core.crossval import schemes_for
from quadrat.core.folds import make_folds
from quadrat.core.jobs.embed import EmbedRaster
from quadrat.core.jobs.fewshot import TrainHead
from quadrat.core.labels import load_samples
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.samples import Samples
from sklearn import datasets
from sklearn.decomposition import PCA

CELLS = 60
"""Most cells of one polygon; more of them are nearly copies and only cost time."""
KERNELS, LENGTH, DIMENSIONS = 256, 5, 64


@dataclass(frozen=True)
class LabelledSet:
    """Arrays of one set."""

    X: np.ndarray
    y: np.ndarray
    groups: Callable[[int], np.ndarray]
    """Draw -> (N,) what is kept apart."""
    own_units: bool
    target: str = "class"


def _data() -> pathlib.Path:
    return pathlib.Path(os.environ["QUADRAT_DATA"])


def _of_samples(samples: Samples, target: str = "class") -> LabelledSet:
    """With the groups of the scheme that an assessment trusts first, of those that can keep anything apart."""
    schemes = schemes_for(target, samples, 0.0, 0)[0]
    scheme = next(one for one in schemes if make_folds(target, samples.y, one.groups(0), 2, 0))
    return LabelledSet(samples.X, samples.y, scheme.groups, samples.space.own_units, target)


def embedded(raster: str, folder: str) -> str:
    """Path of an embedding of a raster: random features, cut to their first principal components."""
    output = f"{folder}/embedding.tif"
    job = EmbedRaster(input=raster, backbone="mosaiks", dimensions=DIMENSIONS, storage="float32", output=output)
    run_job(job, Progress())
    return output


def scene(raster: str, labels: str, field: str, embed: bool) -> LabelledSet:
    """Polygons on the bands of a raster, or on its default embedding of random features."""
    path, layer = str(_data() / "rasters" / raster), _data() / "rasters" / labels
    with tempfile.TemporaryDirectory() as folder:
        if embed:
            path = embedded(path, folder)
        table = gpd.read_file(layer, layer="ml_polygons") if "ml_" in labels else gpd.read_file(layer)
        table.to_file(f"{folder}/labels.gpkg")
        job = TrainHead(labels=f"{folder}/labels.gpkg", field=field, embedding=path, max_cells=5 * CELLS)
        samples = load_samples(job, Progress())
    found = _of_samples(samples)
    if samples.grouped and len(np.unique(samples.groups)) > len(samples.classes):
        few = _few_of_each(samples.groups, CELLS)
        return LabelledSet(found.X[few], found.y[few], lambda draw: samples.groups[few], found.own_units)
    return found


def matogrosso(embed: bool) -> LabelledSet:
    """Points with twelve dates of NDVI, kept apart by their blocks."""
    path = _data() / "labelled/modis_ts_matogrosso/modis_ndvi_samples.csv"
    fields = tuple(f"ndvi_{month:02}" for month in range(1, 13))
    job = TrainHead(labels=str(path), field="label", feature_fields=fields, group_field="block")
    found = _of_samples(load_samples(job, Progress()))
    if not embed:
        return found
    return LabelledSet(convolved(found.X[:, None]), found.y, found.groups, False)


def convolved(series: np.ndarray) -> np.ndarray:
    """(N, C, T) -> (N, D) float32: random convolutions over time as the random features are over space, then PCA."""
    rng = np.random.default_rng(0)
    Z = (series - series.mean(axis=(0, 2), keepdims=True)) / series.std(axis=(0, 2), keepdims=True)
    windows = np.lib.stride_tricks.sliding_window_view(Z, LENGTH, axis=2)
    kernels = rng.normal(size=(KERNELS, Z.shape[1], LENGTH))
    answers = np.einsum("nctl,kcl->nkt", windows, kernels - kernels.mean(axis=2, keepdims=True))
    halves = np.array_split(answers, 2, axis=2)
    parts = [np.maximum(sign * half, 0).mean(axis=2) for half in halves for sign in (1, -1)]
    wide = np.concatenate([*parts, Z.reshape(len(Z), -1)], axis=1)
    return PCA(min(DIMENSIONS, len(wide) - 1), random_state=0).fit_transform(wide).astype(np.float32)


def _few_of_each(groups: np.ndarray, most: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    parts = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    return np.sort(np.concatenate([rng.permutation(part)[:most] for part in parts]))


def germany(region: str, embed: bool) -> LabelledSet:
    """Pixels of polygons in one region."""
    table = pd.read_csv(_data() / "labelled/s2_pixels_germany/s2_pixels_freiburg_luebeck.csv.gz")
    table = table[table.Region == region].reset_index(drop=True)
    groups = table.PolygonID.factorize()[0]
    few = _few_of_each(groups, 40)
    columns = ["B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"]
    X = table[[*columns, "NDVI", "NDVI_3x3_sd", "NDVI_5x5_sd"]].to_numpy(np.float32)[few]
    y = table.Label.factorize(sort=True)[0][few] + 1
    if embed:
        X = _projected(X)
    return LabelledSet(X, y, lambda draw: groups[few], not embed)


def _projected(X: np.ndarray) -> np.ndarray:
    """Random rectified projections, then PCA."""
    rng = np.random.default_rng(0)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    wide = np.maximum(Z @ rng.normal(size=(X.shape[1], 512)) + rng.normal(size=512), 0)
    return PCA(DIMENSIONS, random_state=0).fit_transform(wide).astype(np.float32)


def rondonia(embed: bool) -> LabelledSet:
    """Points with 25 dates of two indices, kept apart by squares of a tenth of a degree."""
    table = pd.read_csv(_data() / "labelled/landsat8_ts_rondonia/l8_rondonia_samples_long.csv")
    wide = table.pivot_table(index="id", columns="date", values=["evi", "ndvi"])
    first = table.groupby("id").first()
    squares = (np.floor(first.longitude * 10) * 10_000 + np.floor(first.latitude * 10)).to_numpy()
    groups = np.unique(squares, return_inverse=True)[1]
    X = wide.to_numpy(np.float32)
    y = first.label.factorize(sort=True)[0] + 1
    X = convolved(X.reshape(len(X), 2, -1)) if embed else X
    return LabelledSet(X, y, lambda draw: groups, not embed)


def favela(place: str, embed: bool) -> LabelledSet:
    """Cells in and beside favelas, as many of each, kept apart in squares of 15 cells."""
    folder = _data() / "favela/landsat5_ibge2010" / place
    path = str(folder / "rgb_8bit.tif")
    with tempfile.TemporaryDirectory() as temporary:
        if embed:
            path = embedded(path, temporary)
        with rasterio.open(path) as source, rasterio.open(folder / "favela_mask.tif") as mask:
            values, truth = source.read(), mask.read(1)
    rng = np.random.default_rng(0)
    parts = [np.argwhere(truth == value) for value in (0, 1)]
    cells = np.concatenate([part[rng.permutation(len(part))[:600]] for part in parts])
    X = values[:, cells[:, 0], cells[:, 1]].T.astype(np.float32)
    groups = (cells[:, 0] // 15) * 1000 + cells[:, 1] // 15
    good = np.isfinite(X).all(axis=1)
    y = truth[cells[:, 0], cells[:, 1]].astype(np.int64) + 1
    return LabelledSet(X[good], y[good], lambda draw: groups[good], not embed)


def library(name: str) -> LabelledSet:
    """A small set that comes with scikit-learn; each sample is its own group."""
    X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    keep = np.random.default_rng(0).permutation(len(y))[:900]
    target = "value" if name == "diabetes" else "class"
    y = y[keep].astype(float) if target == "value" else y[keep] + 1
    return LabelledSet(X[keep].astype(np.float32), y, lambda draw: np.arange(len(y)), name != "digits", target)


def made(kind: str) -> LabelledSet:
    """Drawn classes: `blobs` in groups with a bent border, or `rings`, which no straight line divides."""
    rng = np.random.default_rng(5)
    if kind == "blobs":
        groups = np.repeat(np.arange(60), 12)
        y = groups % 4 + 1
        centres = rng.normal(size=(4, 24)) * 0.7
        X = centres[y - 1] + rng.normal(size=(60, 24))[groups] * 0.7 + rng.normal(size=(720, 24)) * 0.7
    else:
        groups, y = np.arange(600), rng.integers(1, 4, 600)
        plane = rng.normal(size=(600, 2))
        plane *= (y / np.linalg.norm(plane, axis=1) + rng.normal(0, 0.2, 600))[:, None]
        X = np.concatenate([plane, rng.normal(size=(600, 4)) * 0.5], axis=1)
    return LabelledSet(X.astype(np.float32), y, lambda draw: groups, True)


def togo(embed: bool) -> LabelledSet:
    """Wealth of survey clusters, kept apart by their blocks."""
    table = pd.read_csv(_data() / "poverty/satellite_ts_togo/togo2013_clusters_shared.csv.gz")
    block = next(name for name in table if "block" in name)
    numbers: Any = table.select_dtypes("number")
    taken = [n for n in numbers if any(word in n for word in ("viirs", "ndvi", "lst", "worldpop", "esa_land"))]
    X = numbers[taken].to_numpy(np.float64)
    X = X[:, np.isfinite(X).all(axis=0) & (np.abs(X).max(axis=0) < 1e9)]
    X = X[:, X.std(axis=0) > 1e-9]
    groups = table[block].factorize()[0]
    X = PCA(DIMENSIONS, random_state=0).fit_transform((X - X.mean(0)) / X.std(0)) if embed else X
    return LabelledSet(
        X.astype(np.float32), table.wealthpooled.to_numpy(float), lambda draw: groups, not embed, "value"
    )


_RASTERS = {
    "village": ("s2_amazon_village/sen2_l2a_12band.tif", "s2_amazon_village/training_polygons.geojson", "class"),
    "para": ("landsat5_para_1988/lt5_1988227_7band_dn.tif", "landsat5_para_1988/training_polygons.gpkg", "class"),
    "cameroon": ("iamap_demo/test.tif", "iamap_demo/ml_points_polygons.gpkg", "Type"),
}
_KINDS = (("bands", False), ("random", True))
REPORTED: dict[str, Callable[[], LabelledSet]] = {
    **{f"{name}/{kind}": partial(scene, *where, embed) for name, where in _RASTERS.items() for kind, embed in _KINDS},
    **{f"matogrosso/{kind}": partial(matogrosso, embed) for kind, embed in _KINDS},
}
DESIGN: dict[str, Callable[[], LabelledSet]] = {
    **{
        f"{region.lower()}/{kind}": partial(germany, region, embed)
        for region in ("Freiburg", "Luebeck")
        for kind, embed in _KINDS
    },
    **{f"rondonia/{kind}": partial(rondonia, embed) for kind, embed in _KINDS},
    **{f"{place}/{kind}": partial(favela, place, embed) for place in ("osasco", "macae") for kind, embed in _KINDS},
    **{f"sklearn/{name}": partial(library, name) for name in ("digits", "wine", "breast_cancer", "diabetes")},
    **{f"made/{kind}": partial(made, kind) for kind in ("blobs", "rings")},
    **{f"togo/{kind}": partial(togo, embed) for kind, embed in _KINDS},
}
