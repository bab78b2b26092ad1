"""How long a label keeps QGIS's window: `/usr/bin/python3 tests/benchmarks/bench_labels.py`, a Python with QGIS.

Real GeoPackage, both layers in a project, undo list and renderer as in the dock; times of the main thread.
"""

import os
import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
import conftest  # noqa: F401

sys.path.pop(0)
from qgis.core import QgsApplication, QgsCoordinateReferenceSystem, QgsGeometry, QgsPointXY
from quadrat.plugin.teach.classes import ClassList
from quadrat.plugin.teach.commands import AddLabels, RemoveClass, RenameClass, Steps
from quadrat.plugin.teach.labels import LabelLayer

NAMES = ("water", "forest", "village", "road", "bare")
SIZES = (0, 1_000, 10_000, 50_000)


def place(number, shift=0.0):
    return QgsGeometry.fromPointXY(QgsPointXY(500_000 + number % 1000 * 10, 9e6 + number // 1000 * 10 + shift))


def around(number, half, shift=0.0):
    return QgsGeometry.fromRect(place(number, shift).boundingBox().buffered(half))


def ms(work):
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1e3


def told(times):
    ordered = sorted(times)
    return f"{statistics.median(ordered):6.2f} / {ordered[int(0.95 * (len(ordered) - 1))]:6.2f} / {ordered[-1]:6.2f}"


def main(folder):
    application = QgsApplication([], True)
    application.initQgis()
    labels = LabelLayer.create(os.path.join(folder, "labels.gpkg"), QgsCoordinateReferenceSystem("EPSG:32720"))
    labels.show()
    classes, steps = ClassList(), Steps()
    for name in NAMES:
        classes.add(name)
    labels.follow(classes)
    print("ms of the main thread: median / 95 % / worst")
    for size in SIZES:
        missing = range(len(labels), size)
        if missing:
            steps.push(AddLabels(labels, [(place(n), NAMES[n % 3], "click") for n in missing]))
        add, instead, drag = [], [], []
        for n in range(size, size + 100):
            add.append(ms(lambda n=n: steps.push(AddLabels(labels, [(place(n, 5), "water", "click")]))))
            application.processEvents()
        for n in range(size, size + 50):
            old = labels.at(around(n, 1, 5), points_only=True)
            items = [(place(n, 5), "forest", "click")]
            instead.append(ms(lambda items=items, old=old: steps.push(AddLabels(labels, items, old))))
        for _ in range(10):
            cells = [(place(n), "water", "drag") for n in range(500)]
            drag.append(ms(lambda cells=cells: steps.push(AddLabels(labels, cells))))
        undo = [ms(steps.undo) for _ in range(10)]
        find = [ms(lambda n=n: labels.at(around(n, 4))) for n in range(100)]
        print(f"{size:6d} labels: add {told(add)}   replace {told(instead)}   drag of 500 {told(drag)}")
        print(f"{'':15}undo of 500 {told(undo)}   what touches a cell {told(find)}")
    n = labels.counts()["water"]
    for what, command in (
        ("rename", RenameClass(classes, labels, "water", "sea")),
        ("delete", RemoveClass(classes, labels, "water")),
    ):
        done, undone = ms(lambda command=command: steps.push(command)), ms(steps.undo)
        print(f"{what} a class of {n} labels: {done:.0f} ms, undo {undone:.0f} ms")
    print(f"open {len(labels)} labels: {ms(lambda: LabelLayer.of(labels.layer).close()):.0f} ms", flush=True)


if __name__ == "__main__":
    made = tempfile.mkdtemp()
    try:
        main(made)
    finally:
        shutil.rmtree(made)
    os._exit(0)  # QGIS would look for files that are gone
