import os
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

from .labelwork import CRS, Ear, on_disk, point, square

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


def transactions(project, on):
    """QGIS's 'transaction groups': layers of one file are edited together, in the database itself."""
    if hasattr(project, "setTransactionMode"):  # from QGIS 3.26
        from qgis.core import Qgis

        mode = Qgis.TransactionMode  # qt6-ok: absent in the oldest QGIS, asked for above
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
    assert time.monotonic() - start < 4
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
