"""How long a label takes in the Reef tab: from the key to the next point, told and painted everywhere, and saved.

    QT_QPA_PLATFORM=offscreen .quadrat/test-qgis/bin/python tests/benchmarks/bench_reef_dock.py

A survey of 3,000 photos x 25 points with 120 labels, five suggestions and a trusted label at each point, half of it
annotated; the whole tab, and the photo window with a made photo of 20 megapixels. Keys go to the photo window; a time
ends when nothing is left to be painted. Median, 95th percentile and largest, in milliseconds.
"""

import os
import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
import conftest  # noqa: E402, F401 - makes `quadrat` importable

sys.path.remove(str(ROOT))
sys.path.insert(0, str(Path(__file__).resolve().parent))
from bench_photo_view import made  # noqa: E402
from qgis.core import QgsApplication  # noqa: E402
from qgis.PyQt.QtCore import Qt  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402
from qgis.PyQt.QtWidgets import QMainWindow  # noqa: E402

PHOTOS, POINTS, LABELS = 3000, 25, 120
KEYS = 200
STARTING_S = 4.0
"""What is counted in the background when a survey is opened is over by then."""


def survey_of(folder: Path) -> str:
    """The survey, half of it annotated by two people."""
    from quadrat.core.reef.survey import Label, Survey
    from quadrat.tests.plugin.reefmade import make_survey

    rng = random.Random(1)
    codes = [f"L{number}" for number in range(LABELS)]
    labels = [Label(code, f"Label {n}", f"L{n // 8}" if n >= 8 else "") for n, code in enumerate(codes)]
    path = make_survey(folder / "survey.gpkg", PHOTOS, POINTS, labels, side=3000)
    every = range(1, PHOTOS * POINTS + 1)
    with Survey(path) as survey, survey.edit() as connection:
        connection.execute("UPDATE photos SET path = 'photo.jpg', width = 5472, height = 3648")
        connection.executemany(
            'INSERT INTO suggestions (point, "rank", label, confidence, model) VALUES (?, ?, ?, ?, ?)',
            (
                (p, rank, rng.choice(codes), (0.9, 0.6, 0.2, 0.1, 0.05, 0.02)[rank], "m")
                for p in every
                for rank in range(6)
            ),
        )
        connection.executemany(
            'INSERT INTO annotations (point, annotator, label, state, "at") VALUES (?, ?, ?, ?, ?)',
            (
                (p, ("Ana", "Bo")[p % 2], rng.choice(codes), "confirmed", "2026-01-01T00:00:00Z")
                for p in every[: len(every) // 2]
            ),
        )
        survey.refresh()
    return path


class Iface:
    """A main window that takes docks."""

    def __init__(self) -> None:
        self.window = QMainWindow()

    def mainWindow(self) -> QMainWindow:
        """The window."""
        return self.window

    def addDockWidget(self, area: object, dock: object) -> None:
        """As QGIS does."""
        self.window.addDockWidget(area, dock)


def told(name: str, times: list) -> None:
    """One line."""
    times = sorted(1000 * one for one in times)
    print(f"{name}: {times[len(times) // 2]:.0f}, {times[int(0.95 * len(times))]:.0f}, {times[-1]:.0f} ms")


def idle(application: QgsApplication, seconds: float) -> None:
    """Let everything settle."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        application.processEvents()
        time.sleep(0.005)


def main() -> None:
    """Open, label, leaf."""
    os.environ.setdefault("QUADRAT_HOME", tempfile.mkdtemp())
    application = QgsApplication([], True)
    application.initQgis()
    from quadrat.plugin.panels.reef import ReefPanel
    from quadrat.plugin.reef.state import ReefState
    from quadrat.plugin.reef.window import PhotoWindow

    folder = Path(tempfile.mkdtemp())
    made(folder / "photo.jpg", 1)
    path, iface, state = survey_of(folder), Iface(), ReefState()
    iface.window.resize(1920, 1080)
    iface.window.show()
    panel, window = ReefPanel(state), PhotoWindow(state, iface)
    panel.resize(320, 1000)
    panel.show()
    start = time.perf_counter()
    state.open(path)
    application.processEvents()
    told("survey opened", [time.perf_counter() - start])
    idle(application, STARTING_S)
    view = window.dock.view
    view.zoom_to_patch()
    idle(application, 1.0)
    for name, keys in (("label", (Qt.Key.Key_Return, Qt.Key.Key_2)), ("point", (Qt.Key.Key_Right,))):
        times = []
        for number in range(KEYS):
            start = time.perf_counter()
            QTest.keyClick(view, keys[number % len(keys)])
            application.processEvents()
            times.append(time.perf_counter() - start)
        told(name, times)
    state.close()


if __name__ == "__main__":
    main()
