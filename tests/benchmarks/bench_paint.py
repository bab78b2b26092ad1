"""How long the live map takes to be painted: 600,000 cells on a canvas of 1500 x 900 pixels, in QGIS's own Python.

    QT_QPA_PLATFORM=offscreen .quadrat/test-qgis/bin/python tests/benchmarks/bench_paint.py

`first` is what an answer costs the main thread: read the file, colour it, draw it, put it on the screen. `again` is
what each later repaint costs while nothing but outlines change. Median and 95th percentile of 60, in milliseconds.
"""

import random
import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
import conftest  # noqa: E402, F401 - makes `quadrat` importable

sys.path.remove(str(ROOT))
from qgis.core import QgsApplication, QgsCoordinateReferenceSystem  # noqa: E402
from qgis.gui import QgsMapCanvas  # noqa: E402
from qgis.PyQt.QtGui import QImage, QPainter  # noqa: E402

HEIGHT, WIDTH, TIMES = 600, 1000, 60
FINE, COARSE = (10, 0, 500_000, 0, -10, 5_400_000), (700, 0, 200_000, 0, -1500, 6_200_000)
CASES = (
    ("same system", FINE, "EPSG:32633", 0, {}),
    ("same system, a sixth unsure and hatched", FINE, "EPSG:32633", 0, {"hatch": True}),
    ("map turned by 30 degrees", FINE, "EPSG:32633", 30, {}),
    ("10 x 6 km on web mercator", FINE, "EPSG:3857", 0, {}),
    ("10 x 6 km in degrees", FINE, "EPSG:4326", 0, {}),
    ("700 x 900 km on web mercator", COARSE, "EPSG:3857", 0, {}),
)


def main() -> None:
    from quadrat.core.live.messages import Opened, Painted
    from quadrat.plugin.teach.grid import CellGrid
    from quadrat.plugin.teach.paint import LiveItem

    canvas = QgsMapCanvas()
    canvas.resize(1502, 902)
    canvas.show()
    rng = random.Random(0)
    classes, confidence = (
        rng.choices([1, 2, 3, 4, 5, 255], k=HEIGHT * WIDTH),
        rng.choices(range(1, 256), k=HEIGHT * WIDTH),
    )
    path = Path(tempfile.mkdtemp()) / "answer.bin"
    path.write_bytes(bytes(classes) + bytes(confidence))
    painted = Painted(str(path), 0, 0, HEIGHT, WIDTH, 1, 1, True)
    wkt = QgsCoordinateReferenceSystem("EPSG:32633").toWkt()
    screen = QImage(1500, 900, QImage.Format.Format_RGB32)
    print(f"{'':42}{'first':>8}{'p95':>8}{'again':>8}{'p95':>8}")
    for name, transform, crs, rotation, look in CASES:
        grid = CellGrid(Opened(transform, wkt, HEIGHT, WIDTH, 768, "bench", True, True))
        canvas.setDestinationCrs(QgsCoordinateReferenceSystem(crs))
        canvas.setRotation(rotation)
        canvas.setExtent(grid.extent_in(canvas.mapSettings().destinationCrs()))
        item = LiveItem(canvas)
        item.look(**{"hatch": False, "opacity": 0.7, **look})
        first, again = [], []
        for _ in range(TIMES):
            painter = QPainter(screen)
            start = time.perf_counter()
            item.take(painted, grid, ["#e6194b", "#3cb44b", "#4363d8", "#ffe119", "#f58231"])
            item.paint(painter)
            middle = time.perf_counter()
            item.paint(painter)
            again.append(time.perf_counter() - middle)
            first.append(middle - start)
            painter.end()
        figures = [1000 * sorted(times)[k] for times in (first, again) for k in (TIMES // 2, TIMES * 95 // 100)]
        print(f"{name:42}" + "".join(f"{figure:8.1f}" for figure in figures))
        item.remove()
    print(f"peak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    application = QgsApplication([], True)
    application.initQgis()
    print(f"empty QGIS: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    main()
