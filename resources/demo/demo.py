"""`make demo`: the whole way in real QGIS, on the bundled Sentinel-2 sample. Standard library only.

Runs embed, train, apply and assess through `qgis_process` with the plugin installed in a profile of its own,
then prints what came of it. Nothing of the user's own QGIS profile is read or changed.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "resources" / "tools"))

from qgis_profile import QgisMissing, qgis_environment, qgis_process, qgis_python  # noqa: E402

SAMPLE = ROOT / "resources" / "sample"
OUT = Path(os.environ.get("QUADRAT_HOME", ROOT / ".quadrat")) / "demo"


def main() -> int:
    """Run the demo; the exit status is that of the first step that fails."""
    OUT.mkdir(parents=True, exist_ok=True)
    for old in OUT.iterdir():
        if old.is_file():
            old.unlink()
    try:
        environment = qgis_environment()
        steps = run_steps(environment)
        picture = draw(environment)
    except (QgisMissing, StepFailed) as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    tell(steps, picture)
    return 0


class StepFailed(Exception):
    """A step of the demo ended with an error; the message holds what QGIS said."""


def run_steps(environment):
    """The four algorithms in a row; returns (title, seconds) for each."""
    raster, polygons = SAMPLE / "sen2_l2a_12band.tif", SAMPLE / "training_polygons.geojson"
    embedding, head = OUT / "embedding.tif", OUT / "village.qhead"
    labelled = {"LABELS": polygons, "FIELD": "class", "EMBEDDING": embedding}
    jobs = [
        ("Embed raster", "embedraster", {"INPUT": raster, "OUTPUT": embedding}),
        ("Train head", "trainhead", {**labelled, "OUTPUT": head}),
        ("Apply head", "applyhead", {"HEAD": head, "EMBEDDING": embedding, "OUTPUT": OUT / "map.tif",
                                     "CONFIDENCE": OUT / "confidence.tif"}),
        ("Assess head", "assesshead", {**labelled, "OUTPUT": OUT / "report.html"}),
    ]  # fmt: skip
    steps = []
    for title, algorithm, parameters in jobs:
        sys.stdout.write(f"{title} ...")
        sys.stdout.flush()
        started = time.monotonic()
        run_algorithm(algorithm, parameters, environment)
        seconds = time.monotonic() - started
        sys.stdout.write(f" {seconds:.1f} s\n")
        steps.append((title, seconds))
    return steps


def run_algorithm(algorithm, parameters, environment):
    """One algorithm through qgis_process; raises StepFailed with what it said."""
    command = [qgis_process(), "--json", "run", f"quadrat:{algorithm}", "--"]
    command += [f"{name}={value}" for name, value in parameters.items()]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode or not done.stdout.strip():
        raise StepFailed(f"quadrat:{algorithm} failed.\n{done.stderr.strip()[-3000:]}")
    return json.loads(done.stdout)["results"]


def draw(environment):
    """A picture of the styled map, drawn by QGIS."""
    picture = OUT / "map.png"
    script = Path(__file__).with_name("draw_map.py")
    command = [qgis_python(), str(script), str(SAMPLE / "sen2_l2a_12band.tif"), str(OUT / "map.tif"), str(picture)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode or not picture.exists():
        raise StepFailed(f"The picture could not be drawn.\n{done.stderr.strip()[-2000:]}")
    return picture


def tell(steps, picture):
    """Print scores, times and paths."""
    report = json.loads((OUT / "report.json").read_text(encoding="utf-8"))
    write = sys.stdout.write
    write("\nHow good is the map?  (mean over repetitions)\n")
    for scheme in report["schemes"]:
        score = scheme["metrics"]["accuracy"]["mean"]
        balanced = scheme["metrics"]["balanced_accuracy"]["mean"]
        write(f"  {scheme['title']:<34} accuracy {score:6.1%}   balanced {balanced:6.1%}   "
              f"({scheme['folds']} folds x {scheme['repetitions']})\n")  # fmt: skip
    for skipped in report.get("left_out", []):
        write(f"  {skipped['title']}: left out, {skipped['reason']}\n")
    write("\n" + "\n".join(report["sentences"]) + "\n")
    write("\nTime, each with the start of QGIS and of the engine:\n")
    for title, seconds in steps:
        write(f"  {title:<34} {seconds:6.1f} s\n")
    write(f"  {'together':<34} {sum(s for _, s in steps):6.1f} s\n")
    write(f"\nMap      {OUT / 'map.tif'}\nPicture  {picture}\nReport   {OUT / 'report.html'}\n")


if __name__ == "__main__":
    sys.exit(main())
