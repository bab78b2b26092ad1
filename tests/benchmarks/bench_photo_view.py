"""How long the photo window of surveys takes, in QGIS's own Python: 20 megapixels on 1600 x 1000 of the screen.

    QT_QPA_PLATFORM=offscreen .quadrat/test-qgis/bin/python tests/benchmarks/bench_photo_view.py

`step` is from the key that asks for the next point to the end of its painting, with 25 and with 200 points, captions,
frame, magnifier and overview; `opened` from asking for a photo to its first and to its full sight, without and with
reading ahead. Median and 95th percentile, in milliseconds. The photo is made: grain at all scales, as coral has, since
decoding a JPEG takes the longer the more there is in it.
"""

import random
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
import conftest  # noqa: E402, F401 - makes `quadrat` importable

sys.path.remove(str(ROOT))
from qgis.core import QgsApplication  # noqa: E402
from qgis.PyQt.QtCore import QEventLoop, QObject, QRectF, Qt  # noqa: E402
from qgis.PyQt.QtGui import QImage, QPainter  # noqa: E402
from qgis.PyQt.QtTest import QTest  # noqa: E402

WIDTH, HEIGHT, TIMES, QUALITY = 5472, 3648, 100, 92
SCREEN = (1600, 1000)


def made(path: Path, seed: int) -> Path:
    """Grain of ten scales, one over the other."""
    rng = random.Random(seed)
    photo = QImage(WIDTH, HEIGHT, QImage.Format.Format_RGB32)
    photo.fill(0)
    painter = QPainter(photo)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    for scale in range(10):
        side = min(4 << scale, 1024)
        noise = QImage(rng.randbytes(side * side * 4), side, side, QImage.Format.Format_RGB32)
        painter.setOpacity(1 / (scale + 1))
        for left in range(0, WIDTH, WIDTH if scale < 8 else side):
            for top in range(0, HEIGHT, HEIGHT if scale < 8 else side):
                across, down = (WIDTH, HEIGHT) if scale < 8 else (side, side)
                painter.drawImage(QRectF(left, top, across, down), noise)
    painter.end()
    photo.save(str(path), quality=QUALITY)
    return path


def told(name: str, seconds: "list[float]") -> None:
    """One line."""
    ordered = sorted(1000 * second for second in seconds)
    print(f"{name:48}{ordered[len(ordered) // 2]:8.1f}{ordered[int(0.95 * len(ordered))]:8.1f}")


class Stepper(QObject):
    """The next point at the key Right, as the Reef tab does it."""

    def __init__(self, view: "object", count: int) -> None:
        super().__init__()
        self.view, self.count, self.at = view, count, 0
        view.installEventFilter(self)

    def eventFilter(self, watched: "object", event: "object") -> bool:
        if event.type() == event.Type.KeyPress and event.key() == Qt.Key.Key_Right:
            self.at = self.at % self.count + 1
            self.view.set_current(self.at)
            return True
        return False


def wait_for(loop_ended: "object") -> None:
    while not loop_ended():
        QgsApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 5)


def steps(view: "object", name: str, count: int) -> None:
    """Keys, each followed until the window is painted."""
    from quadrat.plugin.reef.photo.shown import STATES, PointShown

    rng = random.Random(0)
    view.show_points(
        [
            PointShown(i + 1, i + 1, rng.randrange(HEIGHT), rng.randrange(WIDTH), STATES[i % 5], "Porites", "#e6194b")
            for i in range(count)
        ]
    )
    stepper, seconds = Stepper(view, count), []
    for _ in range(TIMES):
        start = time.perf_counter()
        QTest.keyClick(view, Qt.Key.Key_Right)
        QgsApplication.sendPostedEvents()
        view.repaint()
        seconds.append(time.perf_counter() - start)
        QgsApplication.processEvents()
    view.removeEventFilter(stepper)
    told(f"{name}, {count} points", seconds)


def opened(view: "object", paths: "list[Path]", ahead: bool) -> None:
    """From asking to first and full sight."""
    firsts, wholes = [], []
    for path in paths:
        if ahead:
            view.prefetch(str(path))
            wait_for(lambda path=path: (str(path), ()) in view._loader._kept)
        start = time.perf_counter()
        view.show_photo(str(path))
        wait_for(lambda: view.photo is not None)
        view.repaint()
        firsts.append(time.perf_counter() - start)
        wait_for(lambda: view.photo.whole)
        view.repaint()
        wholes.append(time.perf_counter() - start)
    told(f"opened, first sight{', read ahead' if ahead else ''}", firsts)
    told(f"opened, full{', read ahead' if ahead else ''}", wholes)


def main() -> None:
    from quadrat.plugin.reef.photo.view import PhotoView

    folder = Path(tempfile.mkdtemp())
    paths = [made(folder / f"{i}.jpg", i) for i in range(6)]
    print(f"photos of {paths[0].stat().st_size / 1e6:.1f} MB")
    view = PhotoView()
    view.resize(*SCREEN)
    view.show()
    print(f"{'':48}{'median':>8}{'p95':>8}")
    opened(view, paths[:5], False)
    opened(view, paths[:1], True)
    view.show_photo(str(paths[5]))
    wait_for(lambda: view.photo is not None and view.photo.whole)
    for name, change in (
        ("all of the photo", view.fit),
        ("one to one", view.actual_size),
        ("half", lambda: view.zoom_by(0.5)),
        ("5 to one", lambda: view.zoom_by(10)),
    ):
        change()
        steps(view, f"step, {name}", 25)
    view.actual_size()
    steps(view, "step, one to one", 200)
    view.change(brightness=20, contrast=20, white="auto")
    steps(view, "step, one to one, light changed", 200)
    view.fit()
    steps(view, "step, all of the photo, light changed", 200)
    view.dismiss()


if __name__ == "__main__":
    app = QgsApplication([], True)
    main()
