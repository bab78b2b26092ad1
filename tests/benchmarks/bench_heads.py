"""What embeddings and heads are worth at few labels, and what storage as bytes costs.

    python tests/benchmarks/bench_heads.py scaling
    python tests/benchmarks/bench_heads.py storage

Accuracy on folds of polygons, averaged over repetitions, on the sample that is shipped and, with QUADRAT_DATA, on a
Landsat scene. scaling: each head with one common scale for all dimensions and with a scale for each. storage: a head
trained and tested on float32 vectors, and on the same vectors stored as bytes; all repetitions are paired.
"""

import argparse
import importlib
import os
import pathlib
import sys
import tempfile
from dataclasses import replace

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
importlib.import_module("conftest")  # makes `import quadrat` work in a checkout of any name

import numpy as np  # noqa: E402
from quadrat.core.crossval import HeadPlan, Trial, run_scheme, schemes_for  # noqa: E402
from quadrat.core.heads.recipe import Recipe  # noqa: E402
from quadrat.core.jobs.embed import EmbedRaster  # noqa: E402
from quadrat.core.jobs.fewshot import TrainHead  # noqa: E402
from quadrat.core.labels import load_samples  # noqa: E402
from quadrat.core.metrics.classes import accuracy, balanced_accuracy  # noqa: E402
from quadrat.core.pipelines.registry import run_job  # noqa: E402
from quadrat.core.progress import Progress  # noqa: E402
from quadrat.core.samples import Samples  # noqa: E402


def scenes() -> dict[str, tuple[str, str]]:
    """Raster and labels by name."""
    sample = ROOT / "resources" / "sample"
    found = {"village": (str(sample / "sen2_l2a_12band.tif"), str(sample / "training_polygons.geojson"))}
    data = os.environ.get("QUADRAT_DATA")
    if data:
        folder = pathlib.Path(data) / "rasters" / "landsat5_para_1988"
        found["para"] = str(folder / "lt5_1988227_7band_dn.tif"), str(folder / "training_polygons.gpkg")
    return found


def embedded(folder: str, raster: str, storage: str) -> str:
    """Path of the default embedding of a raster."""
    output = f"{folder}/{pathlib.Path(raster).stem}-{storage}.tif"
    run_job(EmbedRaster(input=raster, storage=storage, output=output), Progress())
    return output


def samples_of(embedding: str, labels: str, cells: int) -> Samples:
    """Samples of the labels, so many from a polygon."""
    job = TrainHead(labels=labels, field="class", embedding=embedding, max_cells=cells)
    return load_samples(job, Progress())


def scores(samples: Samples, head: str, repeats: int) -> np.ndarray:
    """(repeats, 2) accuracy and balanced accuracy on folds of polygons."""
    scheme = schemes_for("class", samples, 0.0, 0)[0][0]
    trial = run_scheme(
        scheme, samples, HeadPlan(Recipe(head, "class", own_units=samples.space.own_units), 2), 5, repeats, Progress()
    )
    if not isinstance(trial, Trial):
        raise SystemExit(trial.reason)
    rows = []
    for one in trial.repetitions:
        at = one.tested
        rows.append([function(samples.y[at], one.predicted[at]) for function in (accuracy, balanced_accuracy)])
    return np.array(rows)


def scaling(repeats: int) -> None:
    """Print balanced accuracy of each head on bands and on the embedding, scaled in both ways."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (raster, labels) in scenes().items():
            for source, path in (("bands", raster), ("embedding", embedded(folder, raster, "bytes"))):
                for cells in (3, 500):
                    samples = samples_of(path, labels, cells)
                    for head in ("linear", "prototype", "knn", "mlp"):
                        line = f"{name:8} {source:10} {cells:4} cells a polygon  {head:10}"
                        for signed in (False, True):
                            space = replace(samples.space, signed=signed, backbone="")
                            mean = scores(replace(samples, space=space), head, repeats)[:, 1].mean()
                            line += f"  {'common scale' if signed else 'own scales'} {100 * mean:5.1f} %"
                        print(line, flush=True)


def storage(repeats: int) -> None:
    """Print what bytes lose against float32, in points of accuracy, with the standard error of the paired mean."""
    with tempfile.TemporaryDirectory() as folder:
        for name, (raster, labels) in scenes().items():
            paths = {kind: embedded(folder, raster, kind) for kind in ("float32", "bytes")}
            for head in ("linear", "prototype", "knn", "forest-small"):
                both = {kind: scores(samples_of(path, labels, 30), head, repeats) for kind, path in paths.items()}
                lost = 100 * (both["float32"] - both["bytes"])
                error = lost.std(axis=0, ddof=1) / np.sqrt(len(lost))
                mean = 100 * both["float32"].mean(axis=0)
                parts = [
                    f"{what} {mean[k]:.2f} % loses {lost[:, k].mean():+.2f} ± {error[k]:.2f} points"
                    for k, what in enumerate(("accuracy", "balanced accuracy"))
                ]
                print(f"{name:8} {head:13} {', '.join(parts)}", flush=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("scaling", "storage", "all"), default="all")
    parser.add_argument("--repeats", type=int, default=10)
    given = parser.parse_args()
    if given.what in ("scaling", "all"):
        scaling(given.repeats)
    if given.what in ("storage", "all"):
        storage(given.repeats)


if __name__ == "__main__":
    main()
