"""Compares features on polygons kept apart: the trial that the settings of spectral-textural were chosen by.

    QUADRAT_DATA=... python tests/benchmarks/bench_features.py [--splits 40] [--features st,raw] [--sets ...]

Each split cuts the polygons of every class in two; labels are drawn from one half, balanced accuracy is measured on
the other; all features see the same splits and labels. Printed: mean balanced accuracy in percent for each number of
labels, and the paired difference from the best of bands and random features with its standard error over splits.
Splits share polygons, so that error is on the small side. Needs scikit-learn, rasterio and geopandas.
"""

import argparse
import importlib.util
import os
import pathlib
import sys
import warnings
from dataclasses import dataclass

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
if "quadrat" not in sys.modules:
    spec = importlib.util.spec_from_file_location(
        "quadrat", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    sys.modules["quadrat"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["quadrat"])

from quadrat.core.heads.build import fit_head  # noqa: E402
from quadrat.core.heads.recipe import Recipe  # noqa: E402
from quadrat.models.contract import BuildRequest  # noqa: E402
from quadrat.models.crew import Crew  # noqa: E402
from quadrat.models.definitions import raw, spectral_textural  # noqa: E402
from quadrat.models.description import Description  # noqa: E402
from quadrat.models.filters import draw_filters  # noqa: E402
from quadrat.models.scaling import standardiser_of  # noqa: E402

LABELS = (5, 10, 25, 50, 100, 250)
TILE_PX = 128
MOST_TEST_PIXELS = 1500


@dataclass(frozen=True)
class Scene:
    """A raster and the labelled pixels of it."""

    name: str
    values: np.ndarray
    """(C, H, W) float32."""
    valid: np.ndarray
    classes: np.ndarray
    """(H, W) class number, -1 where unlabelled."""
    groups: np.ndarray
    """(H, W) number of the polygon or block, kept on one side of a split."""


def read_scene(name, raster, polygons, layer, field, block_px=0):
    """A scene of QUADRAT_DATA; with `block_px`, polygons are cut into blocks with a gap, for want of polygons."""
    import geopandas
    import rasterio
    from rasterio.features import rasterize

    folder = pathlib.Path(os.environ["QUADRAT_DATA"]) / "rasters"
    with rasterio.open(folder / raster) as dataset:
        values, valid = dataset.read().astype(np.float32), dataset.read_masks().all(axis=0)
        transform, crs = dataset.transform, dataset.crs
    options = {"layer": layer} if layer else {}
    frame = geopandas.read_file(folder / polygons, **options).to_crs(crs)
    names = sorted(frame[field].unique())
    classes, groups = np.full(valid.shape, -1), np.full(valid.shape, -1)
    for number, (shape, label) in enumerate(zip(frame.geometry, frame[field], strict=True)):
        inside = rasterize([(shape, 1)], out_shape=valid.shape, transform=transform).astype(bool) & valid
        classes[inside], groups[inside] = names.index(label), number
    if block_px:
        groups = _blocks(classes, block_px)
        classes = np.where(groups >= 0, classes, -1)
    return Scene(name, values * valid, valid, classes, groups)


def _blocks(classes, size):
    """Numbers of square blocks, a gap of a third between them; a class within two blocks is halved instead."""
    rows, cols = np.mgrid[: classes.shape[0], : classes.shape[1]]
    margin = size // 6
    inside = [(axis % size >= margin) & (axis % size < size - margin) for axis in (rows, cols)]
    block = np.where(inside[0] & inside[1], rows // size * 1000 + cols // size, -1)
    groups = np.full(classes.shape, -1)
    for label in range(classes.max() + 1):
        here = classes == label
        numbers, counts = np.unique(block[here], return_counts=True)
        keep = numbers[(numbers >= 0) & (counts >= 40)]
        if len(keep) < 4:
            middle = np.median(rows[here])
            halves = np.where(rows < middle - margin, 0, np.where(rows > middle + margin, 1, -1))
            groups[here] = np.where(halves[here] >= 0, label * 10**6 + halves[here], -1)
        else:
            groups[here] = np.where(np.isin(block[here], keep), label * 10**6 + block[here], -1)
    return groups


SCENES = {
    "village": (
        "s2_amazon_village/sen2_l2a_12band.tif", "s2_amazon_village/training_polygons.geojson", None, "class",
    ),
    "landsat": (
        "landsat5_para_1988/lt5_1988227_7band_dn.tif", "landsat5_para_1988/training_polygons.gpkg", None, "class",
    ),
    "iamap": ("iamap_demo/test.tif", "iamap_demo/ml_points_polygons.gpkg", "ml_polygons", "Type", 64),
}  # fmt: skip


def request_of(scene, **options):
    """A request whose sample is the raster in windows of 128 px."""

    def sample():
        height, width = scene.valid.shape
        for row in range(0, height, TILE_PX):
            for col in range(0, width, TILE_PX):
                window = slice(row, row + TILE_PX), slice(col, col + TILE_PX)
                if scene.valid[window].any():
                    yield scene.values[(slice(None), *window)], scene.valid[window]

    return BuildRequest(in_chans=len(scene.values), sample=sample, patch_size_px=1, **options)


def at_labels(scene, halo, describe):
    """Vectors of the labelled pixels: (N, D) in row-major order.

    Args:
        scene: with N labelled pixels.
        halo: pixels of context.
        describe: (C, H + 2 halo, W + 2 halo) values and validity to (D, H, W).
    """
    padded = np.pad(scene.values, ((0, 0), (halo, halo), (halo, halo)))
    known = np.pad(scene.valid, halo)
    rows, cols = np.nonzero(scene.classes >= 0)
    result = None
    height, width = scene.valid.shape
    for row in range(0, height, TILE_PX):
        for col in range(0, width, TILE_PX):
            here = (rows // TILE_PX == row // TILE_PX) & (cols // TILE_PX == col // TILE_PX)
            if here.any():
                window = slice(row, row + TILE_PX + 2 * halo), slice(col, col + TILE_PX + 2 * halo)
                found = describe(padded[(slice(None), *window)], known[window])
                result = np.empty((len(rows), len(found)), np.float32) if result is None else result
                result[here] = found[:, rows[here] - row, cols[here] - col].T
    return result


def of_backbone(build, **options):
    """Vectors of a backbone."""

    def features(scene):
        backbone = build(request_of(scene, **options))
        return at_labels(scene, backbone.halo_px, lambda values, known: backbone(values[None], known[None])[0])

    return features


def random_features(radius, seed=0):
    """512 random convolutional features as published, pooled over a window around the pixel."""

    def features(scene):
        request = request_of(scene)
        standardise = standardiser_of(request.sample, len(scene.values))
        filters = draw_filters(request.sample, standardise, 256, seed)
        description = Description(len(scene.values), 1, filters, (0,), (), (radius,))
        crew = Crew(0)

        def describe(values, known):
            return description.long(standardise(values, known), known, crew)[len(scene.values) :]

        return at_labels(scene, description.halo_px, describe)

    return features


def splits(classes, groups, count, seed=0):
    """Pairs of (indices of labels in the order in which they are given, indices to test on)."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        queues, tests = [], []
        for label in range(classes.max() + 1):
            numbers = rng.permutation(np.unique(groups[classes == label]))
            half = max(1, (len(numbers) + int(rng.integers(2))) // 2)
            own = np.flatnonzero(classes == label)
            taught = np.isin(groups[own], numbers[: min(half, len(numbers) - 1)])
            queues.append(rng.permutation(own[taught]))
            tests.append(own[~taught])
        turns = rng.permutation(len(queues))
        longest = max(map(len, queues))
        order = [queues[label][at] for at in range(longest) for label in turns if at < len(queues[label])]
        test = np.concatenate(tests)
        yield np.array(order[: max(LABELS)]), rng.permutation(test)[:MOST_TEST_PIXELS]


def balanced_accuracy(truth, predicted):
    """Mean over classes of the share that was found."""
    return float(np.mean([(predicted[truth == label] == label).mean() for label in np.unique(truth)]))


def scores(features, scene, count, own_units):
    """Balanced accuracy with the linear head: (splits, numbers of labels)."""
    classes = scene.classes[scene.classes >= 0]
    groups = scene.groups[scene.classes >= 0]
    table = []
    for order, test in splits(classes, groups, count):
        row = []
        for labels in LABELS:
            chosen = order[:labels]
            recipe = Recipe("linear", "class", own_units=own_units)
            fitted = fit_head(recipe, features[chosen], classes[chosen], groups[chosen])
            row.append(balanced_accuracy(classes[test], fitted.estimator.predict(features[test])))
        table.append(row)
    return np.array(table)


FEATURES = {
    "raw": (of_backbone(raw.build), True),
    "random-5px": (random_features(2), True),
    "random-15px": (random_features(7), True),
    "st": (of_backbone(spectral_textural.build, dimensions=64), False),
    "st-seed1": (of_backbone(spectral_textural.build, dimensions=64, seed=1), False),
    "st-32": (of_backbone(spectral_textural.build, dimensions=32), False),
    "st-128": (of_backbone(spectral_textural.build, dimensions=128), False),
}
"""Name -> (features of the labelled pixels, whether the linear head scales each dimension by its own spread)."""
RIVALS = ("raw", "random-5px", "random-15px")


def report(scene, results):
    """One line for each kind of feature."""
    print(f"\n{scene.name:>9} labels {' '.join(f'{labels:>10}' for labels in LABELS)}")
    for name, table in results.items():
        print(f"{name:>16} " + " ".join(f"{100 * value:10.1f}" for value in table.mean(axis=0)))
    rivals = [name for name in results if name in RIVALS]
    if not rivals:
        return
    table = np.stack([results[name] for name in rivals])
    best = np.take_along_axis(table, table.mean(axis=1).argmax(axis=0)[None, None], axis=0)[0]
    for name in [name for name in results if name not in RIVALS]:
        gain = 100 * (results[name] - best)
        error = gain.std(axis=0, ddof=1) / np.sqrt(len(gain))
        line = " ".join(f"{mean:+5.1f}±{e:4.1f}" for mean, e in zip(gain.mean(axis=0), error, strict=True))
        print(f"{name + ' - best':>16} {line}", flush=True)


def main():
    """Runs the comparison and prints it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--splits", type=int, default=40)
    parser.add_argument("--features", default="raw,random-5px,random-15px,st")
    parser.add_argument("--sets", default=",".join(SCENES))
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    for name in options.sets.split(","):
        scene = read_scene(name, *SCENES[name])
        results = {}
        for feature in options.features.split(","):
            describe, own_units = FEATURES[feature]
            results[feature] = scores(describe(scene), scene, options.splits, own_units)
        report(scene, results)


if __name__ == "__main__":
    main()
