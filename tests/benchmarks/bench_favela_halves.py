"""Favelas in six towns seen by Landsat 5 in three 8-bit bands of 30 m: one half of a town teaches, the other tests.

    QUADRAT_DATA=... python tests/benchmarks/bench_favela_halves.py [--quick] [--guard 8]

Protocol: left half and right half of `favela/landsat5_ibge2010`, both directions, every pixel of the tested half, in
the frequency in which favelas occur. Lessons: `own`, the other half of the town, less a strip of `--guard` pixels along
the border (windows of 65 px cross it all the same: the image of the tested half is seen, its labels never); `others`,
the five other towns; both. Printed: area under the ROC curve, average precision and intersection over union (IoU) of
favela, means of the 12 halves with their standard error, and the best IoU that any threshold would have had, which
is out of reach. A map names as many pixels as `cut` times the share of favela in the half that taught, the highest
scores first, so all scores of the tested half are looked at together; `ranked` looks at the whole image of a town.

Honesty: features were written down before any score was seen. Weight 1, smoothing over 8 px and cut 2 were settled on
these very halves after some 300 trials, so figures with them are on the high side; the lines "chosen in other towns"
choose them for each town by the mean IoU of the other five, with models that no label of the town has taught.
Needs scikit-learn, scipy and rasterio.
"""

import argparse
import functools
import importlib
import itertools
import os
import pathlib
import sys
import time
import warnings
from dataclasses import dataclass, replace

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(pathlib.Path(__file__).parent))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
from favela_context import context, ranked  # noqa: E402
from quadrat.core.heads.build import fit_head  # noqa: E402
from quadrat.core.heads.recipe import Recipe  # noqa: E402
from quadrat.models.contract import BuildRequest  # noqa: E402
from quadrat.models.crew import Crew  # noqa: E402
from quadrat.models.definitions import spectral_textural  # noqa: E402
from quadrat.models.description import Description  # noqa: E402
from quadrat.models.filters import draw_filters  # noqa: E402
from quadrat.models.scaling import soft_standardiser_of  # noqa: E402
from scipy import ndimage  # noqa: E402
from scipy.stats import rankdata  # noqa: E402
from sklearn.metrics import average_precision_score, roc_auc_score  # noqa: E402

TOWNS = ("ibirite", "montes_claros", "vespasiano", "osasco", "coronel_fabriciano", "macae")
HALVES = [(town, half) for town in TOWNS for half in (0, 1)]
MEMBERS, MAPS, INPUTS, PENALTY = 8, 400, 6, 0.01
"""Models averaged, random rectified maps of each, features that each of them sees, ridge penalty of their weights."""
SHARE, WEIGHT, SMOOTHING_PX, CUT = 0.1, 1.0, 8.0, 2.0
"""Share of the own half in one fit, weight of its score in a sum, smoothing of scores and cut, where none is chosen."""
WEIGHTS, SMOOTHINGS_PX, CUTS = (0.0, 0.5, 1.0, 2.0), (0.0, 4.0, 8.0, 12.0), (1.0, 1.5, 2.0, 2.5, 3.0)
FILTERS, MEANS_PX, SPREADS_PX, TEXTURES_PX = 32, (0, 2, 4, 8, 16, 32), (2, 4, 8, 16), (4, 8, 16)
"""Random filters, and radii of what the near features look at."""
HEAD_SAMPLES = 400
"""Favela pixels of each town that a head of ours learns from, and three times as many others."""
BLOCK_PX = 20


@dataclass(frozen=True)
class Town:
    """One town."""

    bands: np.ndarray
    """(3, H, W) float32."""
    truth: np.ndarray
    """(H, W) bool."""
    published: np.ndarray
    """(H, W) bool, the forest of the publication, seven bands."""

    def half(self, number):
        """Columns of the left (0) or right half."""
        middle = self.truth.shape[1] // 2
        return slice(0, middle) if number == 0 else slice(middle, None)

    def lesson(self, tested, guard):
        """(H, W) bool: pixels of the other half, away from the border."""
        columns = np.arange(self.truth.shape[1])
        middle = self.truth.shape[1] // 2
        taught = columns < middle - guard if tested == 1 else columns >= middle + guard
        return np.broadcast_to(taught, self.truth.shape)


def read(name):
    """A town of QUADRAT_DATA."""
    import rasterio

    folder = pathlib.Path(os.environ["QUADRAT_DATA"]) / "favela/landsat5_ibge2010" / name
    files = ("rgb_8bit", "favela_mask", "published_rf_halves_prediction")
    rgb, mask, forest = (rasterio.open(folder / f"{file}.tif").read() for file in files)
    return Town(rgb.astype(np.float32), mask[0] == 1, forest[0] == 1)


# --- least squares on random maps, from sums that add up over towns


def random_maps(features, seed):
    """Features, random rectified maps of six of them each, and a constant: (N, F + MAPS + 1) float32."""
    rows = features.reshape(len(features), -1).T
    rng = np.random.default_rng(seed)
    weights = np.zeros((rows.shape[1], MAPS), np.float32)
    for column in weights.T:
        column[rng.choice(len(column), INPUTS, replace=False)] = rng.normal(size=INPUTS) / np.sqrt(INPUTS)
    maps = np.maximum(rows @ weights + rng.uniform(-1, 1, MAPS).astype(np.float32), 0)
    return np.concatenate([rows, 1.5 * (maps - maps.mean(axis=0)), np.ones((len(rows), 1), np.float32)], axis=1)


def sums(rows, truth, where):
    """Second moments and covariance with the class (+1, -1), both classes weighing one half."""
    taught, truth = rows[where.ravel()], truth.ravel()[where.ravel()]
    parts = taught[truth], taught[~truth]
    moments = sum(part.T @ part / len(part) for part in parts) / 2
    return np.array([moments, np.diag((parts[0].mean(axis=0) - parts[1].mean(axis=0)) / 2)], np.float64)


def solved(total):
    """Ridge weights of sums; the constant is free."""
    penalty = np.full(len(total[0]), PENALTY)
    penalty[-1] = 1e-6
    return np.linalg.solve(total[0] + np.diag(penalty), np.diag(total[1])).astype(np.float32)


def scores_of_lessons(towns, near, wide, guard, seed):
    """Scores of the halves by lesson: (lesson, town, half, judged) -> score; `judged` is a town that taught nothing.

    Lessons: `own near`, `own wide` (features), `others` and `both` on wide features.
    """
    rows = {name: random_maps(wide[name], seed) for name in towns}
    whole = {name: sums(rows[name], town.truth, np.ones(town.truth.shape, bool)) for name, town in towns.items()}
    found = {}
    for name, town in towns.items():
        near_rows = random_maps(near[name], seed)
        for half in (0, 1):
            taught, columns = town.lesson(half, guard), town.half(half)
            tested, near_tested = (part.reshape(*taught.shape, -1)[:, columns] for part in (rows[name], near_rows))
            own = sums(rows[name], town.truth, taught)
            found["own wide", name, half, name] = tested @ solved(own)
            found["own near", name, half, name] = near_tested @ solved(sums(near_rows, town.truth, taught))
            for judged in towns:
                lessons = [whole[other] for other in towns if other not in (name, judged)]
                others = sum(lessons) / len(lessons)
                found["others", name, half, judged] = tested @ solved(others)
                if judged == name:
                    found["both", name, half, name] = tested @ solved(SHARE * own + (1 - SHARE) * others)
    return found


def inside(town, features, seed=0):
    """AUC of each half by a model that learns in blocks of that half itself, four folds: what the bands may hold."""
    rows = random_maps(features, seed)
    shape = town.truth.shape
    squares = np.add.outer(np.arange(shape[0]) // BLOCK_PX * 1000, np.arange(shape[1]) // BLOCK_PX)
    fold = np.random.default_rng(seed).integers(0, 4, squares.max() + 1)[squares]
    found = []
    for half in (0, 1):
        here = np.zeros(shape, bool)
        here[:, town.half(half)] = True
        score = np.full(shape, np.nan, np.float32)
        for number in range(4):
            weights = solved(sums(rows, town.truth, here & (fold != number)))
            at = here & (fold == number)
            score[at] = rows[at.ravel()] @ weights
        found.append(roc_auc_score(town.truth[here], score[here]))
    return found


# --- heads and backbones of ours


def near_features(bands):
    """Bands, two ratios of them, their means and spreads, random convolutional features; 0 to 32 px: (F, H, W)."""
    share = (bands.mean(axis=0) + 8) / 50
    channels = np.stack([*bands, (bands[1] - bands[0]) / share, (bands[2] - bands[0]) / share])
    valid = np.ones(bands.shape[1:], bool)
    sample = functools.partial(lambda *window: iter([window]), channels, valid)
    standardise = replace(soft_standardiser_of(sample, len(channels)), knee=3.0)
    filters = draw_filters(sample, standardise, FILTERS, 0)
    description = Description(len(channels), 1, filters, MEANS_PX, SPREADS_PX, TEXTURES_PX)
    halo = description.halo_px
    padded = np.pad(standardise(channels, valid), ((0, 0), (halo, halo), (halo, halo)), mode="reflect")
    return description.long(padded, np.ones(padded.shape[1:], bool), Crew(1))


def texture_of(bands):
    """The spectral-textural backbone as it is drawn for a raster: (64, H, W)."""
    request = functools.partial(BuildRequest, in_chans=3, patch_size_px=1, dimensions=64)
    valid = np.ones(bands.shape[1:], bool)
    backbone = spectral_textural.build(request(sample=lambda: iter([(bands, valid)])))
    halo = backbone.halo_px
    padded = np.pad(bands, ((0, 0), (halo, halo), (halo, halo)), mode="reflect")
    return backbone(padded[None], np.ones(padded.shape[1:], bool)[None])[0]


def scores_of_head(towns, features, recipe, guard, own=0, others=0):
    """(town, half) -> log odds of a head of ours; `own` and `others` are favela pixels of a lesson."""
    rng = np.random.default_rng(0)
    found = {}
    for name, half in HALVES:
        lessons = [(name, towns[name].lesson(half, guard), own)] if own else []
        lessons += [
            (other, np.ones(towns[other].truth.shape, bool), others) for other in towns if others and other != name
        ]
        X, y, groups = [], [], []
        for number, (teacher, where, count) in enumerate(lessons):
            truth = towns[teacher].truth
            parts = [np.argwhere(where & (truth == label)) for label in (True, False)]
            at = np.concatenate(
                [rng.permutation(part)[: count * many] for part, many in zip(parts, (1, 3), strict=True)]
            )
            X.append(features[teacher][:, at[:, 0], at[:, 1]].T)
            y.append(truth[at[:, 0], at[:, 1]])
            groups.append(number * 10**6 + at[:, 0] // BLOCK_PX * 1000 + at[:, 1] // BLOCK_PX)
        X, y, groups = (np.concatenate(part) for part in (X, y, groups))
        estimator = fit_head(recipe, X.astype(np.float32), y.astype(int), groups).estimator
        tested = features[name][:, :, towns[name].half(half)]
        chance = estimator.predict_proba(tested.reshape(len(tested), -1).T.astype(np.float32))[:, 1]
        found[name, half] = np.log((chance + 1e-4) / (1 - chance + 1e-4)).reshape(tested.shape[1:])
    return found


# --- from scores to figures


def iou(truth, named):
    """Pixels in both over pixels in either."""
    return (truth & named).sum() / max((truth | named).sum(), 1)


def best_iou(truth, score):
    """Largest IoU of any threshold."""
    right = np.cumsum(truth[np.argsort(-score, kind="stable")])
    return (right / (np.arange(1, len(truth) + 1) + truth.sum() - right)).max()


def smoothed(score, sigma):
    """Gaussian smoothing inside the half."""
    return ndimage.gaussian_filter(score, sigma, mode="nearest") if sigma else score


def cut_iou(truth, score, share):
    """IoU of the map that names the highest scores, as many as this share of all."""
    return iou(truth, rankdata(-score) <= share * len(score))


def taught_share(town, half, guard):
    """Share of favela in the half that teaches."""
    return float(town.truth[town.lesson(half, guard)].mean())


def figures(towns, scores, guard, sigma, cuts):
    """(12, 4): AUC, average precision, IoU after the cut, best IoU. `sigma`, `cuts`: numbers, or by town."""
    rows = []
    for name, half in HALVES:
        town = towns[name]
        truth = town.truth[:, town.half(half)].ravel()
        width = sigma[name] if isinstance(sigma, dict) else sigma
        cut = cuts[name] if isinstance(cuts, dict) else cuts
        score = smoothed(scores[name, half], width).ravel()
        area = cut_iou(truth, score, cut * taught_share(town, half, guard))
        rows.append((roc_auc_score(truth, score), average_precision_score(truth, score), area, best_iou(truth, score)))
    return np.array(rows)


def together(scores, weight, judged=None):
    """(town, half) -> score of the own half, times weight, plus that of other towns, each in its own spread there.

    Args:
        scores: of `scores_of_lessons`.
        weight: number, or by town.
        judged: town whose labels nothing may have seen; None: other towns are all five.
    """

    def standardised(values):
        return (values - values.mean()) / values.std()

    found = {}
    for name, half in HALVES:
        if name == judged:
            continue
        factor = weight[name] if isinstance(weight, dict) else weight
        others = standardised(scores["others", name, half, judged or name])
        found[name, half] = others + factor * standardised(scores["own near", name, half, name])
    return found


def chosen(towns, scores, guard, weights):
    """For each town the weight, smoothing and cut with the best mean IoU in the other five, none taught by the town."""
    best = {}
    for judged in towns:
        table = {}
        for weight, sigma in itertools.product(weights, SMOOTHINGS_PX):
            for (name, half), score in together(scores, weight, judged).items():
                town = towns[name]
                truth = town.truth[:, town.half(half)].ravel()
                order = rankdata(-smoothed(score, sigma).ravel()) / truth.size
                for cut in CUTS:
                    named = order <= cut * taught_share(town, half, guard)
                    table.setdefault((weight, sigma, cut), []).append(iou(truth, named))
        best[judged] = max(table, key=lambda setting: np.mean(table[setting]))
    return best


def show(title, table, hard=False):
    """One line: means with standard errors, then the IoU of each half."""
    mean, error = table.mean(axis=0), table.std(axis=0, ddof=1) / np.sqrt(len(table))
    cells = [f"{m:.3f} ± {e:.3f}" for m, e in zip(mean, error, strict=True)]
    if hard:
        cells = ["      -      "] * 2 + [cells[2], "      -      "]
    print(f"{title:46} {'  '.join(cells)}   {' '.join(f'{v:.2f}' for v in table[:, 2])}", flush=True)


def report_fixed(towns):
    """The trivial answer, and the published forest."""
    for title, named in (("everything favela", None), ("published forest, 7 bands", "published")):
        table = np.full((len(HALVES), 4), np.nan)
        for row, (name, half) in enumerate(HALVES):
            truth = towns[name].truth[:, towns[name].half(half)]
            answer = np.ones_like(truth) if named is None else towns[name].published[:, towns[name].half(half)]
            table[row, 2] = iou(truth, answer)
        show(title, table, hard=True)


def report_heads(towns, context_of, guard):
    """Heads and backbones as they come."""
    bands = {name: town.bands for name, town in towns.items()}
    texture = {name: texture_of(town.bands) for name, town in towns.items()}
    many = 10**6
    forest = scores_of_head(towns, bands, Recipe("forest", "class"), guard, own=many)
    table = figures(towns, forest, guard, 0.0, CUT)
    for row, (name, half) in enumerate(HALVES):
        table[row, 2] = iou(towns[name].truth[:, towns[name].half(half)], forest[name, half] > 0)
    show("forest, 3 bands, own, threshold 0.5", table)
    show("forest, 3 bands, own", figures(towns, forest, guard, 0.0, CUT))
    linear = scores_of_head(towns, texture, Recipe("linear", "class", own_units=False), guard, own=1000)
    show("spectral-textural, linear, own", figures(towns, linear, guard, 0.0, CUT))
    show("  smoothed", figures(towns, linear, guard, SMOOTHING_PX, CUT))
    ensemble = Recipe("mlp", "class", ensemble="draws", members=5)
    for title, own, others in (("others", 0, HEAD_SAMPLES), ("both", HEAD_SAMPLES * 5 // 9, HEAD_SAMPLES)):
        scores = scores_of_head(towns, context_of, ensemble, guard, own, others)
        show(f"context, 5 balanced mlp, {title}, smoothed", figures(towns, scores, guard, SMOOTHING_PX, CUT))


def report_lessons(towns, near, wide, guard, members):
    """Least squares on random maps: own half, other towns, both in one fit, and both as a sum of two scores."""
    found = [scores_of_lessons(towns, near, wide, guard, seed) for seed in range(members)]
    scores = {key: sum(member[key] for member in found) / members for key in found[0]}
    lessons = {
        kind: {(name, half): scores[kind, name, half, name] for name, half in HALVES}
        for kind in ("own near", "own wide", "others", "both")
    }
    lessons["sum of own near and others"] = together(scores, WEIGHT)
    for title, of_half in lessons.items():
        show(f"random maps, {title}", figures(towns, of_half, guard, 0.0, CUT))
        show("  smoothed", figures(towns, of_half, guard, SMOOTHING_PX, CUT))
    for title, weights in (("weight, smoothing, cut", WEIGHTS), ("smoothing, cut", (WEIGHT,))):
        best = chosen(towns, scores, guard, weights)
        weight, sigma, cut = ({name: setting[number] for name, setting in best.items()} for number in range(3))
        show(f"  {title} chosen in other towns", figures(towns, together(scores, weight), guard, sigma, cut))
        print(f"    {best}")


def main():
    """Runs the comparison and prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="one member, no heads: a minute or two instead of half an hour"
    )
    parser.add_argument("--guard", type=int, default=8, help="pixels left out along the border of the own half")
    parser.add_argument("--heads-only", action="store_true", help="nothing but the heads that Quadrat ships")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    started = time.monotonic()
    towns = {name: read(name) for name in TOWNS}
    features = {name: ranked(context(town.bands)) for name, town in towns.items()}
    near = {name: ranked(near_features(town.bands)) for name, town in towns.items()}
    print(f"{'mean of 12 halves ± standard error':46} {'AUC':15}{'AP':15}{'IoU':15}{'best IoU':15} IoU of each half")
    report_fixed(towns)
    if not options.heads_only:
        report_lessons(towns, near, features, options.guard, 1 if options.quick else MEMBERS)
        ceiling = np.ravel([inside(town, features[name]) for name, town in towns.items()])
        print(f"AUC learnt in blocks of the tested half itself: {ceiling.mean():.3f}  {ceiling.round(2)}")
    if not options.quick:
        report_heads(towns, features, options.guard)
    print(f"{time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
