"""How well, and how quickly, are labels of photo points learnt?

    QUADRAT_DATA=... python tests/benchmarks/bench_reef_training.py moorea
    python tests/benchmarks/bench_reef_training.py heads
    python tests/benchmarks/bench_reef_training.py backbones SURVEY.gpkg [backbone[:model] ...]

moorea     two photos of 200 points each of Moorea (2008): share of points right by five random folds of points, five
           draws, and from each photo to the other; by backbone, patch and head. Two photos are few: differences of some
           points of per cent mean nothing.
heads      made points of 68 labels, 5,000 of 200 photos, 1,280 numbers each: hF and share right on photos held out, and
           seconds on one thread for head, calibration and five held-out fits, by head, flat and in the tree.
backbones  any survey with labelled points: backbone by points learnt from: weighted F1, hF, seconds. Backbones without
           weights on this machine are named and left out.
"""

import argparse
import importlib
import os
import pathlib
import sys
import tempfile
import time
import warnings

ROOT_FOLDER = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT_FOLDER))
sys.path.insert(0, str(ROOT_FOLDER / "tests" / "benchmarks"))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
from quadrat.core.errors import QuadratError  # noqa: E402
from quadrat.core.jobs.registry import job_from_dict  # noqa: E402
from quadrat.core.pipelines.registry import run_job  # noqa: E402
from quadrat.core.pipelines.trainreef import OWN_UNITS  # noqa: E402
from quadrat.core.progress import Progress  # noqa: E402
from quadrat.core.reef.learning.fitting import learn_tree, photo_folds  # noqa: E402
from quadrat.core.reef.learning.hierarchy import fit_flat, fit_tree  # noqa: E402
from quadrat.core.reef.learning.lessons import read_lessons  # noqa: E402
from quadrat.core.reef.learning.local import fit_by, settle  # noqa: E402
from quadrat.core.reef.learning.numbered import NumberedTree  # noqa: E402
from quadrat.core.reef.learning.scores import exact_scores, top_labels  # noqa: E402
from quadrat.core.reef.survey import Survey  # noqa: E402
from quadrat.core.reef.vectors.points import point_vectors  # noqa: E402
from quadrat.core.reef.vectors.request import VectorRequest, photo_backbones  # noqa: E402
from quadrat.tests.core.reeftrees import rio  # noqa: E402
from threadpoolctl import threadpool_limits  # noqa: E402

DRAWS, FOLDS = 5, 5
HEADS = ("linear", "mlp-200-100", "coralnet", "prototype", "knn")


def vectors_of(path: str, request: VectorRequest):
    """Lessons of a survey, and the vectors of their points, row by row."""
    with Survey(path) as survey:
        lessons = read_lessons(survey)
        found = point_vectors(survey, lessons.photos, request, Progress(), points=set(lessons.point.tolist()))
    place = {point: row for row, point in enumerate(found.point.tolist())}
    return lessons, found.X[[place[point] for point in lessons.point.tolist()]]


def fitted(head: str, X, y, photo, backbone: str, tree: NumberedTree | None = None):
    """A head on some points: flat, or in a tree."""
    units = backbone in OWN_UNITS
    choice = settle(head, X, y, photo, own_units=units)
    fit = fit_by(choice.head, own_units=units, strength=choice.strength)
    if tree is not None:
        return fit_tree(tree.parents, fit, X, y, photo)
    roots = NumberedTree(tuple(map(str, range(int(y.max()) + 1))), (-1,) * (int(y.max()) + 1))
    return fit_flat(roots, fit, X, y, photo)


def right(head: str, X, y, photo, training, test, backbone: str) -> float:
    """Share of test points that get their label."""
    made = fitted(head, X[training], y[training], photo[training], backbone)
    return float((top_labels(made.predict_proba(X[test]), made.classes_) == y[test]).mean())


def moorea() -> None:
    """Print shares right on the two photos."""
    data = pathlib.Path(os.environ["QUADRAT_DATA"]) / "coral" / "mlc_moorea"
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/survey.gpkg"
        given = {"folder": str(data), "annotations": [str(data / "annotations_coralnet.csv")], "output": path}
        run_job(job_from_dict({"job": "importreef", **given}), Progress())
        print("| vectors | patch | head | points held out | photo to photo |")
        print("|---|---|---|---|---|")
        for backbone, patches in (
            ("colour-texture", (224, 128, 64)), ("spectral-textural", (128,)), ("mosaiks", (128,))
        ):  # fmt: skip
            for patch in patches:
                lessons, X = vectors_of(path, VectorRequest(backbone, patch_px=patch))
                for head in ("linear", "forest", "mlp-200-100"):
                    _row(f"{backbone} ({X.shape[1]}) | {patch} | {head}", head, lessons, X, backbone)
        most = np.bincount(lessons.y).max() / len(lessons.y)
        print(f"| always the most common label | | | {most:.3f} | {_majority(lessons):.3f} |")


def _majority(lessons) -> float:
    """The most common label of one photo, on the other."""
    scores = [
        (lessons.y[lessons.photo == 1 - at] == np.bincount(lessons.y[lessons.photo == at]).argmax()).mean()
        for at in range(2)
    ]
    return float(np.mean(scores))


def _row(name: str, head: str, lessons, X, backbone: str) -> None:
    every, points = np.arange(len(X)), []
    for draw in range(DRAWS):
        fold = photo_folds(every, FOLDS, draw)
        share = [
            right(head, X, lessons.y, every, fold != k, fold == k, backbone) * (fold == k).mean() for k in range(FOLDS)
        ]
        points.append(sum(share))
    photos = [right(head, X, lessons.y, every, lessons.photo == k, lessons.photo != k, backbone) for k in range(2)]
    spread = f" ± {np.std(points, ddof=1):.3f}" if len(points) > 1 else ""
    print(f"| {name} | {np.mean(points):.3f}{spread} | {photos[0]:.3f}, {photos[1]:.3f} |", flush=True)


def made_points(n: int = 5000, photos: int = 200, width: int = 1280, seed: int = 0):
    """Labels and vectors that add up along the tree of Rio do Fogo, as those of a network: not negative."""
    tree, rng = NumberedTree.of(rio()), np.random.default_rng(seed)
    leaves, low = tree.numbers(rio().leaves()), 64
    common = 1 / np.arange(1, len(leaves) + 1) ** 1.2
    y = rng.permutation(leaves)[rng.choice(len(leaves), n, p=common / common.sum())]
    photo = np.repeat(np.arange(photos), n // photos)
    core = tree.above[y] @ rng.normal(size=(len(tree), low)) + 0.5 * rng.normal(size=(photos, low))[photo]
    X = (core + 2 * rng.normal(size=(n, low))) @ rng.normal(size=(low, width)) / 8 + 0.3 * rng.normal(size=(n, width))
    return tree, np.maximum(0.3 * X, 0).astype(np.float32), y, photo


def heads() -> None:
    """Print scores and seconds of heads."""
    tree, X, y, photo = made_points()
    print("| head | flat: hF, right | s | tree: hF, right | s |")
    print("|---|---|---|---|---|")
    for head in HEADS:
        cells = []
        for kind in ("flat", "tree"):
            start = time.perf_counter()
            with threadpool_limits(1):
                choice = settle(head, X, y, photo)
                learnt = learn_tree(tree, fit_by(choice.head, strength=choice.strength), X, y, photo, Progress(),
                                    kind=kind)  # fmt: skip
            took = time.perf_counter() - start
            scores = exact_scores(tree, y, top_labels(learnt.out_of_fold, learnt.head.classes_), photo)
            cells.append(f"{scores['hf']:.3f}, {scores['accuracy']:.3f} | {took:.0f}")
        print(f"| {head} | {' | '.join(cells)} |", flush=True)


def backbones(path: str, names: list[str], head: str, patch: int, draws: int = 3) -> None:
    """Print backbone by points: weighted F1 and hF on a fifth of the photos kept apart, seconds."""
    print(f"| backbone | points | weighted F1 | hF | s to fit ({head}) | s for vectors |")
    print("|---|---|---|---|---|---|")
    for name in names or photo_backbones():
        backbone, _, model = name.partition(":")
        start = time.perf_counter()
        try:
            lessons, X = vectors_of(path, VectorRequest(backbone, model, patch_px=patch))
        except QuadratError as error:
            print(f"| {name} | left out: {str(error)[:100]} ... | | | | |", flush=True)
            continue
        seconds = time.perf_counter() - start
        for size, scores, took in _sizes(lessons, X, head, backbone, draws):
            row = f"{name} ({X.shape[1]}) | {size:,} | {scores[0]:.3f} | {scores[1]:.3f} | {took:.1f} | {seconds:.0f}"
            print(f"| {row} |", flush=True)


def _sizes(lessons, X, head: str, backbone: str, draws: int):
    """Points, mean of (weighted F1, hF) and seconds, for a quarter, half and all of the photos not kept apart."""
    tree, count = lessons.numbered, len(lessons.photos)
    held = max(1, count // 5)
    for share in (0.25, 0.5, 1.0):
        scores, seconds, sizes = [], [], []
        for draw in range(draws):
            turn = np.random.default_rng(draw).permutation(count)[lessons.photo]
            test = turn < held
            training = ~test & (turn < held + max(1, round(share * (count - held))))
            if len(np.unique(lessons.y[training])) < 2:
                continue
            start = time.perf_counter()
            made = fitted(head, X[training], lessons.y[training], lessons.photo[training], backbone, tree)
            seconds.append(time.perf_counter() - start)
            said = top_labels(made.predict_proba(X[test]), made.classes_)
            row = exact_scores(tree, lessons.y[test], said, lessons.photo[test])
            scores.append((row["f1_weighted"], row["hf"]))
            sizes.append(int(training.sum()))
        if scores:
            yield round(np.mean(sizes)), np.mean(scores, axis=0), np.mean(seconds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("moorea", "heads", "backbones"))
    parser.add_argument("rest", nargs="*")
    parser.add_argument("--head", default="linear")
    parser.add_argument("--patch", type=int, default=224, help="px, for backbones")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")  # networks stop after so many rounds by design
    if asked.what == "backbones":
        backbones(asked.rest[0], asked.rest[1:], asked.head, asked.patch)
    else:
        {"moorea": moorea, "heads": heads}[asked.what]()
