import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsVectorLayer,
)
from qgis.PyQt.QtWidgets import QApplication
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


# At once on disk ---------------------------------------------------------------------------------------------------


def test_a_label_is_in_the_file_before_add_returns(labels, ear):
    ids = labels.add([(point(0), "water", "click"), (square(50), "forest", "polygon")])
    assert on_disk(labels.path) == [
        [ids[0], "water", "POINT (500000 9000000)"],
        [ids[1], "forest", "POLYGON ((500045 8999995,500055 8999995,500055 9000005,500045 9000005,500045 8999995))"],
    ]
    assert ear.take() == [("changed", ids)]
    assert [(number, y) for number, _, y in labels.labels()] == [(ids[0], "water"), (ids[1], "forest")]
    feature = next(labels.layer.getFeatures())
    assert feature["made"] == "click"
    assert feature["time"].isValid()


def test_changes_and_erasures_are_in_the_file_too(labels, ear):
    ids = labels.add([(point(x), "water", "click") for x in range(4)])
    ear.take()
    labels.change([(ids[0], "forest"), (ids[2], "forest")])
    assert ear.take() == [("changed", [ids[0], ids[2]])]
    labels.erase([ids[1], 4711])
    assert ear.take() == [("removed", [ids[1]])]
    assert [row[:2] for row in on_disk(labels.path)] == [[ids[0], "forest"], [ids[2], "forest"], [ids[3], "water"]]
    assert labels.counts() == {"forest": 2, "water": 1}


KILLED = """
import os, signal, sys
sys.path.insert(0, {root!r})
import conftest
sys.path.remove({root!r})
from qgis.core import QgsApplication, QgsCoordinateReferenceSystem, QgsGeometry, QgsPointXY
application = QgsApplication([], False)
application.initQgis()
from quadrat.plugin.teach.labels import LabelLayer
labels = LabelLayer.create({path!r}, QgsCoordinateReferenceSystem("EPSG:32720"))
for x in range(20):
    labels.add([(QgsGeometry.fromPointXY(QgsPointXY(500000 + x, 9000000)), "water", "click")])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_qgis_that_is_killed_loses_no_label(qgis_new_project, tmp_path):
    path = str(tmp_path / "killed.gpkg")
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-c", KILLED.format(root=str(ROOT), path=path)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(on_disk(path)) == 20
    again = LabelLayer.open_or_create(path, QgsCoordinateReferenceSystem(CRS))
    assert len(again) == 20
    again.close()


# Two layers on one table -------------------------------------------------------------------------------------------


def test_points_and_areas_are_two_layers_of_one_table(labels):
    ids = labels.add([(square(0), "a", "polygon"), (point(3), "b", "click"), (square(9, 4), "c", "polygon")])
    assert len(set(ids)) == 3
    points, areas = labels.layers()
    assert [f["class"] for f in points.getFeatures()] == ["b"]
    assert sorted(f["class"] for f in areas.getFeatures()) == ["a", "c"]
    whole = QgsVectorLayer(labels.source, "whole", "ogr")
    assert whole.isValid() and whole.featureCount() == 3
    assert points.isSpatial() and areas.isSpatial()
    assert labels.layer is points


def test_what_touches_a_cell_is_found(labels):
    a, b, c = labels.add([(point(0), "a", "click"), (point(100), "b", "click"), (point(102), "c", "click")])
    (area,) = labels.add([(square(101, 50), "d", "polygon")])
    cell = square(100, 6)
    assert sorted(labels.at(cell)) == sorted([b, c, area])
    assert sorted(labels.at(cell, points_only=True)) == sorted([b, c])
    assert labels.at(square(5000)) == []
    # The bounding box touches, the geometry does not.
    triangle = QgsGeometry.fromWkt("Polygon((500000 9000100, 500100 9000100, 500100 9000010, 500000 9000100))")
    assert a not in labels.at(triangle)


def test_a_shape_of_several_parts_becomes_several_labels(labels):
    both = QgsGeometry.collectGeometry([square(0), square(100)])
    ids = labels.add([(both, "a", "layer")])
    assert len(ids) == len(set(ids)) == 2
    dots = QgsGeometry.fromMultiPointXY([QgsPointXY(500_000, 9_000_000), QgsPointXY(500_010, 9_000_000)])
    assert len(labels.add([(dots, "a", "layer")])) == 2
    assert len(labels) == 4


def test_lines_are_refused_with_a_sentence(labels):
    line = QgsGeometry.fromWkt("LineString(500000 9000000, 500010 9000000)")
    with pytest.raises(BadInput, match="lines"):
        labels.brought(line, labels.crs)
    with pytest.raises(BadInput, match="lines"):
        labels.add([(point(0), "a", "click"), (line, "a", "layer")])
    assert len(labels) == 0 and on_disk(labels.path) == []


def test_shapes_are_brought_and_repaired(labels):
    bow = QgsGeometry.fromWkt("Polygon((-63 -9, -62.99 -9.01, -62.99 -9, -63 -9.01, -63 -9))")
    shape = labels.brought(bow, QgsCoordinateReferenceSystem("EPSG:4326"))
    assert shape.isGeosValid() and shape.area() > 100_000
    assert shape.boundingBox().xMinimum() == pytest.approx(500_000, abs=1)
    assert bow.boundingBox().xMinimum() == -63, "the one handed over stays as it is"
    curve = QgsGeometry.fromWkt("CurvePolygonZ(CircularStringZ(500000 9000000 3, 500010 9000010 3, 500020 9000000 3,"
                                "500010 8999990 3, 500000 9000000 3))")  # fmt: skip
    round_one = labels.brought(curve, labels.crs)
    assert not round_one.constGet().hasCurvedSegments() and not round_one.constGet().is3D()
    with pytest.raises(BadInput, match="empty"):
        labels.brought(QgsGeometry(), labels.crs)
    flat = QgsGeometry.fromWkt("Polygon((500000 9000000, 500010 9000010, 500000 9000000, 500000 9000000))")
    with pytest.raises(BadInput, match="repaired"):
        labels.brought(flat, labels.crs)
    pole = QgsGeometry.fromPointXY(QgsPointXY(-63, 95))
    with pytest.raises(BadInput, match="does not reach"):
        labels.brought(pole, QgsCoordinateReferenceSystem("EPSG:4326"))


# QGIS's own tools --------------------------------------------------------------------------------------------------


def drawn(layer, geometry, name):
    feature = QgsFeature(layer.fields())
    feature.setGeometry(geometry)
    feature["class"] = name
    return feature


def test_edits_in_qgis_are_heard_at_once_and_renumbered_when_saved(labels, ear):
    (first,) = labels.add([(point(0), "water", "click")])
    ear.take()
    layer = labels.layer
    layer.startEditing()
    layer.addFeature(drawn(layer, point(10), "forest"))
    ((what, (new,)),) = ear.take()
    assert what == "changed" and new < 0
    layer.changeAttributeValue(first, layer.fields().indexOf("class"), "forest")
    assert ear.take() == [("changed", [first])]
    layer.changeGeometry(first, point(1))
    assert ear.take() == [("changed", [first])]
    assert len(on_disk(labels.path)) == 1
    assert layer.commitChanges()
    heard = ear.take()
    saved = labels.current(new)
    assert saved > first
    assert heard == [("removed", [new]), ("changed", [saved])]
    assert [row[0] for row in on_disk(labels.path)] == [first, saved]
    assert {y for _, _, y in labels.labels()} == {"forest"}


def test_undo_and_rollback_in_qgis_are_heard(labels, ear):
    ids = labels.add([(point(x), "water", "click") for x in range(3)])
    ear.take()
    layer = labels.layer
    layer.startEditing()
    layer.beginEditCommand("delete two")
    layer.deleteFeatures(ids[:2])
    layer.endEditCommand()
    assert ear.take() == [("removed", ids[:2])]
    layer.undoStack().undo()
    assert ear.take() == [("changed", ids[:2])]
    layer.undoStack().redo()
    layer.addFeature(drawn(layer, point(20), "forest"))
    layer.changeAttributeValue(ids[2], layer.fields().indexOf("class"), "forest")
    ear.take()
    layer.rollBack()
    ear.take()
    assert sorted((number, y) for number, _, y in labels.labels()) == [(number, "water") for number in ids]
    assert len(on_disk(labels.path)) == 3


def test_in_edit_mode_labels_go_through_qgis_s_buffer_and_it_is_said_once(labels, ear):
    layer = labels.layer
    layer.startEditing()
    (one,) = labels.add([(point(0), "water", "click")])
    (two,) = labels.add([(point(1), "water", "click")])
    heard = ear.take()
    assert [what for what, _ in heard].count("said") == 1
    assert [ids for what, ids in heard if what == "changed"] == [[one], [two]]
    assert on_disk(labels.path) == []
    layer.undoStack().undo()
    assert ear.take() == [("removed", [two])]
    labels.change([(one, "forest")])
    assert layer.commitChanges()
    ear.take()
    assert [row[1] for row in on_disk(labels.path)] == ["forest"]
    assert labels.current(one) > 0
    labels.add([(point(2), "water", "click")])
    assert len(on_disk(labels.path)) == 2, "after it, each label is on disk at once again"


def test_numbers_of_both_edit_buffers_are_kept_apart(labels):
    for layer in labels.layers():
        layer.startEditing()
    ids = labels.add([(point(0), "a", "click"), (square(5), "b", "polygon"), (point(1), "c", "click")])
    assert len(set(ids)) == 3 and all(number < 0 for number in ids)
    assert sorted(y for _, _, y in labels.labels(ids)) == ["a", "b", "c"]
    by_y = {y: number for number, _, y in labels.labels()}
    labels.erase([by_y["b"]])
    assert sorted(y for _, _, y in labels.labels()) == ["a", "c"]
    for layer in labels.layers():
        assert layer.commitChanges()
    QApplication.processEvents()
    assert sorted(row[1] for row in on_disk(labels.path)) == ["a", "c"]
    assert sorted(number for number, _, _ in labels.labels()) == sorted(row[0] for row in on_disk(labels.path))


def test_a_label_whose_class_is_taken_away_is_none(labels, ear):
    (one,) = labels.add([(point(0), "water", "click")])
    ear.take()
    layer = labels.layer
    layer.startEditing()
    layer.changeAttributeValue(one, layer.fields().indexOf("class"), None)
    assert ear.take() == [("removed", [one])]
    layer.changeAttributeValue(one, layer.fields().indexOf("class"), "forest")
    assert ear.take() == [("changed", [one])]
    layer.commitChanges()
    assert [y for _, _, y in labels.labels()] == ["forest"]


def test_a_field_that_is_deleted_loses_the_labels_with_a_sentence(labels, ear):
    layer = labels.layer
    layer.startEditing()
    layer.deleteAttribute(layer.fields().indexOf("class"))
    heard = ear.take()
    assert [what for what, _ in heard] == ["lost"]
    assert "'class'" in heard[0][1]
    with pytest.raises(BadInput):
        labels.add([(point(0), "a", "click")])


# Losses ------------------------------------------------------------------------------------------------------------


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


def transactions(project, on):
    """QGIS's 'transaction groups': layers of one file are edited together, in the database itself."""
    if hasattr(project, "setTransactionMode"):  # from QGIS 3.26
        from qgis.core import Qgis

        mode = Qgis.TransactionMode
        project.setTransactionMode(mode.AutomaticGroups if on else mode.Disabled)
    else:
        project.setAutoTransaction(on)


def test_qgis_s_transaction_groups_are_heard_too(labels, ear):
    (first,) = labels.add([(point(0), "water", "click")])
    transactions(QgsProject.instance(), True)
    points, _ = labels.layers()
    points.startEditing()
    labels.add([(point(5), "forest", "click")])
    labels.change([(first, "forest")])
    assert labels.counts() == {"forest": 2}
    start = time.monotonic()
    if points.dataProvider().transaction() is not None:
        with pytest.raises(Unwritable, match="transaction"):
            labels.add([(square(50), "forest", "polygon")])
    assert time.monotonic() - start < 1
    points.undoStack().undo()
    ear.take()
    assert labels.counts()["water"] == 1
    points.rollBack()
    ear.take()
    assert [(number, y) for number, _, y in labels.labels()] == [(first, "water")]
    assert [row[:2] for row in on_disk(labels.path)] == [[first, "water"]]
    points.startEditing()
    labels.add([(point(5), "forest", "click")])
    assert points.commitChanges()
    labels.add([(square(50), "forest", "polygon")])
    QApplication.processEvents()
    assert labels.counts() == {"water": 1, "forest": 2}
    assert len(on_disk(labels.path)) == 3
    transactions(QgsProject.instance(), False)


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
