import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsVectorLayer
from quadrat.core.errors import BadInput, Unwritable
from quadrat.plugin.teach.labels import LabelLayer

from .labelwork import CRS, Ear, copied, on_disk, point, square

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def labels(qgis_new_project, tmp_path):
    made = LabelLayer.create(str(tmp_path / "a labels.gpkg"), QgsCoordinateReferenceSystem(CRS))
    made.show()
    yield made
    made.close()


@pytest.fixture
def ear(labels):
    return Ear(labels)


def test_a_layer_taken_out_of_the_project_is_lost_with_a_sentence_and_kept_on_disk(labels, ear):
    labels.add([(point(0), "water", "click")])
    path = labels.path
    ear.take()
    QgsProject.instance().removeMapLayer(labels.layer.id())
    heard = ear.take()
    assert [what for what, _ in heard] == ["lost"]
    assert path in heard[0][1]
    with pytest.raises(BadInput, match="taken out"):
        labels.add([(point(1), "water", "click")])
    again = LabelLayer.open_or_create(path, QgsCoordinateReferenceSystem(CRS))
    assert len(again) == 1
    again.close()


def test_a_new_project_says_nothing(labels, ear):
    QgsProject.instance().clear()
    assert ear.take() == []


@pytest.mark.skipif(os.name == "nt", reason="Windows does not let an open file be deleted")
def test_a_deleted_file_is_noticed_before_a_label_goes_nowhere(labels, ear):
    labels.add([(point(0), "water", "click")])
    ear.take()
    os.remove(labels.path)
    with pytest.raises(Unwritable, match="deleted"):
        labels.add([(point(1), "water", "click")])
    assert [what for what, _ in ear.take()] == ["lost"]


@pytest.mark.skipif(os.name == "nt", reason="Windows does not let an open file be deleted")
def test_a_deleted_file_is_noticed_without_a_click(labels, ear, qtbot):
    os.remove(labels.path)
    qtbot.waitUntil(lambda: bool(ear.heard), timeout=5000)
    assert [what for what, _ in ear.take()] == ["lost"]


WRITER = """
import sys
import time
from osgeo import ogr
source = ogr.Open(sys.argv[1], 1)
source.ExecuteSQL("UPDATE labels SET class = 'forest' WHERE fid = 1")
"""


def test_what_another_program_writes_is_heard(labels, ear, qtbot, monkeypatch):
    from quadrat.plugin.teach import filewatch

    monkeypatch.setattr(filewatch, "OWN_S", 0.0)
    ids = labels.add([(point(0), "water", "click"), (point(1), "water", "click")])
    qtbot.wait(600)
    ear.take()
    done = subprocess.run([sys.executable, "-c", WRITER, labels.path], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    qtbot.waitUntil(lambda: bool(ear.heard), timeout=5000)
    assert ear.take() == [("changed", [ids[0]])]


@pytest.mark.skipif(os.name == "nt", reason="Windows does not let an open file be replaced")
def test_a_file_put_in_its_place_can_be_chosen_again(labels, ear, qtbot, tmp_path):
    other = LabelLayer.create(str(tmp_path / "other.gpkg"), QgsCoordinateReferenceSystem(CRS))
    other.add([(point(7), "city", "click")])
    other.close()
    source = other.path
    del other
    copied(source, tmp_path / "copy.gpkg")
    labels.add([(point(0), "water", "click")])
    qtbot.waitUntil(lambda: os.path.getsize(labels.path + "-wal") == 0, timeout=10_000)
    ear.take()
    os.replace(tmp_path / "copy.gpkg", labels.path)
    with pytest.raises(Unwritable, match="new file"):
        labels.add([(point(9), "water", "click")])
    assert [what for what, _ in ear.take()] == ["lost"]
    again = LabelLayer.open_or_create(labels.path, QgsCoordinateReferenceSystem(CRS))
    assert again.layers() == labels.layers(), "the layers of the project"
    again.add([(point(9), "forest", "click")])
    assert sorted(y for _, _, y in again.labels()) == ["city", "forest"]
    assert sorted(row[1] for row in on_disk(again.path)) == ["city", "forest"]
    again.close()


def test_the_file_itself_is_complete_after_a_while(labels, qtbot, tmp_path):
    """Whoever copies it needs not know of SQLite's log beside it."""
    log = Path(labels.path + "-wal")
    labels.add([(point(0), "water", "click")])
    assert log.stat().st_size > 0
    qtbot.waitUntil(lambda: log.stat().st_size == 0, timeout=10_000)
    shutil.copy(labels.path, tmp_path / "copy.gpkg")
    assert [row[1] for row in on_disk(tmp_path / "copy.gpkg")] == ["water"]
    labels.add([(point(1), "water", "click")])
    assert len(on_disk(labels.path)) == 2


def test_two_label_layers_on_one_file_hear_of_one_another(labels, tmp_path):
    views = [QgsVectorLayer(layer.source(), "second", "ogr") for layer in labels.layers()]
    other = LabelLayer(views, "class", "class")
    ear = Ear(other)
    (one,) = labels.add([(point(0), "water", "click")])
    assert ear.take() == [("changed", [one])]
    (two,) = other.add([(square(5), "forest", "polygon")])
    assert sorted(number for number, _, _ in labels.labels()) == sorted([one, two])
    labels.erase([one])
    assert ("removed", [one]) in ear.take()
    assert [number for number, _, _ in other.labels()] == [two]
    other.close()


AS_NOBODY = """
import os, sys
os.setgid(65534); os.setuid(65534)
sys.path.insert(0, {root!r})
import conftest
sys.path.remove({root!r})
from qgis.core import QgsApplication, QgsCoordinateReferenceSystem, QgsGeometry, QgsPointXY
application = QgsApplication([], False)
application.initQgis()
from quadrat.core.errors import QuadratError
from quadrat.plugin.teach.labels import LabelLayer
crs = QgsCoordinateReferenceSystem("EPSG:32720")
labels = LabelLayer.open_or_create({path!r}, crs)
print(len(labels), flush=True)
for work in (
    lambda: labels.add([(QgsGeometry.fromPointXY(QgsPointXY(500000, 9000000)), "water", "click")]),
    lambda: labels.change([(1, "forest")]),
    lambda: labels.erase([1]),
    lambda: LabelLayer.create({new!r}, crs),
):
    try:
        work()
        print("written", flush=True)
    except QuadratError as error:
        print(type(error).__name__, error, flush=True)
os._exit(0)
"""


def test_a_read_only_folder_is_refused_with_sentences(labels, tmp_path):
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("becomes another user, which only root can")
    labels.add([(point(0), "water", "click")])
    folder = tmp_path / "read only"
    folder.mkdir()
    copied(labels.path, folder / "a.gpkg")
    for part in (folder, *folder.parents):
        if part == Path("/") or part.owner() != "root" or len(part.parts) < 3:
            break
        part.chmod(0o755)
    (folder / "a.gpkg").chmod(0o444)
    home = tmp_path / "nobody"
    home.mkdir()
    shutil.chown(home, 65534, 65534)
    environment = {
        **os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(home), "QGIS_CUSTOM_CONFIG_PATH": str(home),
        "XDG_RUNTIME_DIR": str(home),
    }  # fmt: skip
    code = AS_NOBODY.format(root=str(ROOT), path=str(folder / "a.gpkg"), new=str(folder / "new.gpkg"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120)
    said = done.stdout.splitlines()
    assert said[:1] == ["1"], done.stdout + done.stderr
    assert len(said) == 5
    assert all(line.startswith("Unwritable") for line in said[1:]), said
    assert [row[1] for row in on_disk(labels.path)] == ["water"]


LOCKER = """
import sys
import time
from osgeo import ogr
source = ogr.Open(sys.argv[1], 1)
source.ExecuteSQL("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
source.ExecuteSQL("ROLLBACK")
"""


def test_a_file_that_another_program_holds_is_waited_for_and_then_refused(labels, ear):
    labels.add([(point(0), "water", "click")])
    ear.take()
    command = [sys.executable, "-c", LOCKER, labels.path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "locked\n"
        start = time.monotonic()
        with pytest.raises(Unwritable, match="Nothing was changed"):
            labels.add([(point(1), "water", "click")])
        waited = time.monotonic() - start
        other.stdin.close()
    assert waited < 3
    assert ear.take() == [] and len(labels) == 1
    labels.add([(point(1), "water", "click")])
    assert len(on_disk(labels.path)) == 2, "once it is free, labels are written again"


def test_the_disk_is_told_of_labels_after_the_click(labels, qtbot, tmp_path):
    from quadrat.plugin.teach import filewatch

    labels.add([(point(0), "water", "click")])
    qtbot.waitUntil(labels._file._flushing.done, timeout=5000)
    assert labels._file._flushing.exception() is None
    filewatch.flush(str(tmp_path / "brought over and deleted.gpkg-wal"))
    labels.add([(point(1), "water", "click")])
    assert len(on_disk(labels.path)) == 2
