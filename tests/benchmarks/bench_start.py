"""What the plugin costs the start of QGIS, and what the first opening of the dock costs.

Run with QGIS's Python: `QT_QPA_PLATFORM=offscreen python tests/benchmarks/bench_start.py`. Each figure is from a
process of its own with QGIS initialised, a real main window, and the modules loaded that QGIS's own plugins load;
median, and the slowest, over the repetitions. The bytecode is compiled, as it is from the second start on.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]

CHILD = """
import sys
sys.path.insert(0, {root!r})
import conftest
sys.path.remove({root!r})
import dataclasses, json, queue, subprocess, threading, time
from unittest.mock import MagicMock
from qgis.core import QgsApplication
from qgis.gui import QgsMapCanvas
application = QgsApplication([], True)
application.initQgis()
from qgis.PyQt.QtWidgets import QMainWindow
window, iface = QMainWindow(), MagicMock()
canvas = QgsMapCanvas(window)
iface.mainWindow.return_value, iface.mapCanvas.return_value = window, canvas
iface.addDockWidget = lambda area, dock: window.addDockWidget(area, dock)
wall, cpu = time.perf_counter(), time.process_time()
from quadrat import classFactory
plugin = classFactory(iface)
plugin.initGui()
start = time.perf_counter() - wall, time.process_time() - cpu
teach = next(action for action in window.children() if action.objectName() == "quadratTeach")
window.show()
wall = time.perf_counter()
teach.trigger()
application.processEvents()
print(json.dumps([*start, time.perf_counter() - wall]))
plugin.unload()
import os
os._exit(0)
"""


def child(python: str, environment: dict) -> list[float]:
    """Seconds of one start: wall and processor time of it, wall time of the dock."""
    command = [python, "-c", CHILD.format(root=str(ROOT))]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Table of the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=15)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": cache}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        child(sys.executable, environment)  # writes the bytecode
        runs = [child(sys.executable, environment) for _ in range(args.repeats)]
    for title, values in zip(("start, wall", "start, processor", "dock, first opening, wall"), zip(*runs), strict=True):
        print(f"{title:28} median {1e3 * statistics.median(values):6.1f} ms   slowest {1e3 * max(values):6.1f} ms")


if __name__ == "__main__":
    main()
