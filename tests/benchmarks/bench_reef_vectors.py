"""How fast and in how much memory do the points of a photo survey get their vectors?

    python tests/benchmarks/bench_reef_vectors.py speed [--photos 200] [--points 25] [--backbone colour-texture]
    python tests/benchmarks/bench_reef_vectors.py moorea

speed   a survey of JPEGs of 12 megapixels, made of pieces of real ones; vectors a second from photos on disk, against
        the pure forward pass of the same batches; memory on the way; the same asked again. CoralNet's network has
        random weights. 3,000 photos take as long in proportion; memory is what must not grow.
moorea  two photos of Moorea with 200 points each: accuracy point by point (5 folds) and from photo to photo, by several
        vectors and heads. Few points, one reef, one week: the figures tell little beyond it.

Needs the folder of real data that QUADRAT_DATA names.
"""

import argparse
import importlib
import os
import pathlib
import sys
import tempfile
import time

ROOT_FOLDER = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT_FOLDER))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
import rasterio  # noqa: E402
from quadrat.core.jobs.registry import job_from_dict  # noqa: E402
from quadrat.core.pipelines.registry import run_job  # noqa: E402
from quadrat.core.progress import Progress  # noqa: E402
from quadrat.core.reef.survey import Survey  # noqa: E402
from quadrat.core.reef.vectors.points import point_vectors  # noqa: E402
from quadrat.core.reef.vectors.reading import as_numbers, read_patches  # noqa: E402
from quadrat.core.reef.vectors.request import MIRROR, WHITE, VectorRequest  # noqa: E402
from quadrat.core.reef.vectors.source import BATCH_CPU, VectorSource, wanted_points  # noqa: E402
from quadrat.core.reef.vectors.store import store_path  # noqa: E402

CORAL = pathlib.Path(os.environ.get("QUADRAT_DATA", ".")) / "coral"
HEIGHT, WIDTH, QUALITY = 3000, 4000, 90
MADE = 12
"""Different photos; the others are these with a few bytes behind, so that all are of different content."""
CORALNET = "coralnet-efficientnet-b0"


def make_survey(folder: pathlib.Path, photos: int, points: int) -> str:
    """A survey of made photos with random points."""
    rng = np.random.default_rng(0)
    paths = [*(CORAL / "mlc_moorea").glob("*.jpg"), *(CORAL / "geotag_survey" / "images").glob("*.JPG")]
    sources = [rasterio.open(path).read() for path in sorted(paths)]
    (folder / "photos").mkdir()
    for number in range(photos):
        path = folder / "photos" / f"q{number:04d}.jpg"
        if number >= MADE:
            content = (folder / "photos" / f"q{number % MADE:04d}.jpg").read_bytes()
            path.write_bytes(content + number.to_bytes(4, "little"))
            continue
        source = sources[number % len(sources)]
        top, left = rng.integers(0, source.shape[1] // 4), rng.integers(0, source.shape[2] // 4)
        tiled = np.tile(source[:, top:, left:], (1, 4, 4))[:, :HEIGHT, :WIDTH]
        profile = {"count": 3, "height": HEIGHT, "width": WIDTH, "dtype": "uint8"}
        with rasterio.open(path, "w", driver="JPEG", quality=QUALITY, **profile) as file:
            file.write(tiled)
    survey = str(folder / "reef.gpkg")
    run_job(job_from_dict({"job": "importreef", "folder": str(folder / "photos"), "output": survey}), Progress())
    job = {"job": "placepoints", "survey": survey, "output": survey, "points": points}
    run_job(job_from_dict(job), Progress())
    return survey


def memory_mb() -> float:
    """Of this process now."""
    for line in pathlib.Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return float("nan")


def request_of(backbone: str, folder: pathlib.Path, **more: object) -> VectorRequest:
    """A request; CoralNet's network gets random weights in the official layout."""
    if backbone != CORALNET:
        return VectorRequest(backbone, **more)
    import torch
    from quadrat.tests.models.test_coralnet import official

    path = folder / "coralnet.pt"
    if not path.exists():
        torch.save({"net": official()}, path)
    return VectorRequest(backbone, weights=str(path), **more)


def speed(photos: int, points: int, backbone: str, threads: int) -> None:
    """Print vectors a second, and memory."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        survey_path = make_survey(folder, photos, points)
        request = request_of(backbone, folder, threads=threads)
        with Survey(survey_path) as survey:
            told, start = [], time.perf_counter()
            with VectorSource(survey, survey.photos(), request, Progress()) as source:
                print(f"{backbone}, {source.device}, {source.dimensions} numbers; built in "
                      f"{time.perf_counter() - start:.1f} s")  # fmt: skip
                start = time.perf_counter()
                for number, _ in enumerate(source.pieces(), 1):
                    if number in {photos // 8, photos // 4, photos // 2, photos}:
                        told.append(f"{number} photos {memory_mb():.0f} MB")
                wall, made, seconds, pure = time.perf_counter() - start, source.made, source.seconds, source._runner
                wanted = wanted_points(survey, survey.photos()[:MADE], None)
            patches = [read_patches(one, 224, MIRROR).take(slice(None))[0] for one in wanted]
            pixels = np.concatenate(patches)[: 8 * BATCH_CPU]
            start = time.perf_counter()
            for at in range(0, len(pixels), BATCH_CPU):
                values, valid = as_numbers(pixels[at : at + BATCH_CPU], None)
                pure.backbone.pooled(values, valid)
            forward = len(pixels) / (time.perf_counter() - start)
            print(f"{made} vectors in {wall:.1f} s: {made / wall:.1f} a second; pure forward {forward:.1f} a second; "
                  f"share of time in the backbone {seconds / wall:.2f}")  # fmt: skip
            print("memory:", ", ".join(told), f"; store {store_path(survey_path).stat().st_size / 1e6:.0f} MB")
            start = time.perf_counter()
            again = point_vectors(survey, survey.photos(), request, Progress())
            print(f"asked again: {again.made} made, {time.perf_counter() - start:.2f} s")


def moorea() -> None:
    """Print accuracies on two photos."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    heads = {
        "forest": lambda: RandomForestClassifier(300, random_state=0),
        "linear": lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.003, max_iter=500)),
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder, data = pathlib.Path(temporary), CORAL / "mlc_moorea"
        path = str(folder / "moorea.gpkg")
        job = {"job": "importreef", "folder": str(data), "annotations": [str(data / "annotations_coralnet.csv")]}
        run_job(job_from_dict({**job, "output": path}), Progress())
        with Survey(path) as survey:
            label = {one.point: one.label for p in survey.photos() for one in survey.annotations(p.photo)}
            print("| vectors | head | folds of points | first to second photo | second to first |")
            print("|---|---|---|---|---|")
            for name, request in (
                ("raw: mean colour of 224 px", VectorRequest("raw")),
                ("spectral-textural", VectorRequest("spectral-textural")),
                (f"{CORALNET}, random weights", request_of(CORALNET, folder)),
                ("colour-texture", VectorRequest()), ("colour-texture, white", VectorRequest(padding=WHITE)),
                ("colour-texture, 448 px", VectorRequest(patch_px=448)),
            ):  # fmt: skip
                found = point_vectors(survey, survey.photos(), request, Progress())
                y, g = np.array([label[point] for point in found.point]), found.photo
                if name.startswith("raw"):
                    shares = np.unique(y, return_counts=True)[1] / len(y)
                    print(f"most frequent label: {shares.max():.3f} of all points; always the one of the photo learnt "
                          + " and ".join(f"{_majority(y[g == a], y[g != a]):.3f}" for a in (1, 2)))  # fmt: skip
                for head, make in heads.items():
                    said = np.empty(len(y), object)
                    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(found.X, y):
                        said[test] = make().fit(found.X[train], y[train]).predict(found.X[test])
                    over = [
                        (make().fit(found.X[g == a], y[g == a]).predict(found.X[g != a]) == y[g != a]).mean()
                        for a in (1, 2)
                    ]
                    print(f"| {name} | {head} | {(said == y).mean():.3f} | {over[0]:.3f} | {over[1]:.3f} |", flush=True)


def _majority(learnt: np.ndarray, tested: np.ndarray) -> float:
    labels, counts = np.unique(learnt, return_counts=True)
    return float((tested == labels[counts.argmax()]).mean())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("speed", "moorea"))
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--points", type=int, default=25)
    parser.add_argument("--backbone", default=VectorRequest().backbone)
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args()
    if given.what == "speed":
        speed(given.photos, given.points, given.backbone, given.threads)
    else:
        moorea()
