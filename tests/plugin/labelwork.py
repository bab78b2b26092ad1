"""Places near one another, and what another process finds of them in the file."""

import json
import subprocess
import sys

from qgis.core import QgsGeometry, QgsPointXY
from qgis.PyQt.QtWidgets import QApplication

CRS = "EPSG:32720"
READER = """
import json, sys
from osgeo import ogr
source = ogr.Open(sys.argv[1])
layer = source.GetLayerByName("labels")
print(json.dumps([[f.GetFID(), f.GetField(0), f.GetGeometryRef().ExportToWkt()] for f in layer]))
"""


COPIER = "import sys; from osgeo import gdal; gdal.VectorTranslate(sys.argv[2], sys.argv[1])"


def copied(path, to):
    """All of a GeoPackage in another one, also what SQLite has not brought into the file yet."""
    subprocess.run([sys.executable, "-c", COPIER, str(path), str(to)], check=True)


def on_disk(path):
    """What another process finds in the file now."""
    done = subprocess.run([sys.executable, "-c", READER, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def point(x, y=9_000_000):
    return QgsGeometry.fromPointXY(QgsPointXY(500_000 + x, y))


def square(x, size=10):
    return QgsGeometry.fromRect(point(x).boundingBox().buffered(size / 2))


class Ear:
    """Hears all that a label layer says."""

    def __init__(self, labels):
        self.heard = []
        for name in ("changed", "removed", "lost", "said"):
            getattr(labels, name).connect(lambda what, name=name: self.heard.append((name, what)))
        labels.reset.connect(lambda: self.heard.append(("reset", None)))

    def take(self):
        QApplication.processEvents()
        heard, self.heard = self.heard, []
        return heard
