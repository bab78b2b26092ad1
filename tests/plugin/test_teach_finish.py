"""From a taught map to files, and what must not happen on the way: no worker, no engine."""

import os
import time

import pytest
from osgeo import gdal
from qgis.core import (
    NULL,
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsPalettedRasterRenderer,
    QgsProject,
    QgsRasterLayer,
    QgsVectorLayer,
)
from qgis.gui import QgsMapCanvas
from qgis.PyQt.QtGui import QColor
from quadrat.core.live.messages import Places
from quadrat.plugin.teach.choosing import PIECES_KEPT_S, sweep
from quadrat.plugin.teach.finishing import load_map
from quadrat.plugin.teach.labels import LabelLayer
from quadrat.plugin.teach.onscreen import OnScreen
from quadrat.plugin.teach.state import TeachState

from .labelwork import CRS, point

CLASSES = {"forest": "#ff0000", "water": "#00ff00"}
TAUGHT = {"forest": "#112233", "water": "#445566"}


@pytest.fixture
def state(qgis_new_project, empty_home, qtbot):
    canvas = QgsMapCanvas()
    state = TeachState(canvas)
    state.screen = OnScreen(state, canvas)
    state.told = []
    state.said.connect(lambda level, text: state.told.append((level, text)))
    yield state
    state.close()
    QgsProject.instance().clear()
    canvas.deleteLater()


def write_map(path, byte):
    """A class map and its style, as a job leaves them."""
    made = gdal.GetDriverByName("GTiff").Create(str(path), 4, 4, 1)
    made.GetRasterBand(1).Fill(byte)
    made.FlushCache()
    del made
    layer = QgsRasterLayer(str(path), "style")
    classes = [
        QgsPalettedRasterRenderer.Class(n + 1, QColor(colour), name) for n, (name, colour) in enumerate(CLASSES.items())
    ]
    layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, classes))
    layer.saveNamedStyle(str(path.with_suffix(".qml")))


def colours_of(layer):
    return {one.label: one.color.name() for one in layer.renderer().classes()}


def byte_of(layer):
    return int(layer.dataProvider().block(1, layer.extent(), 4, 4).value(1, 1))


def test_a_map_has_the_colours_that_were_taught(qgis_new_project, tmp_path):
    write_map(tmp_path / "map.tif", 1)
    layer = load_map(str(tmp_path / "map.tif"), "map", TAUGHT)
    assert colours_of(layer) == TAUGHT
    again = QgsRasterLayer(str(tmp_path / "map.tif"), "again")
    again.loadDefaultStyle()
    assert colours_of(again) == TAUGHT  # whoever opens the file sees them too


def test_a_map_that_is_made_again_is_one_layer_with_new_cells(qgis_new_project, tmp_path):
    path = tmp_path / "map.tif"
    write_map(path, 1)
    first = load_map(str(path), "map", TAUGHT)
    assert byte_of(first) == 1
    path.unlink()
    write_map(path, 2)
    assert load_map(str(path), "map", TAUGHT) is first
    assert byte_of(first) == 2 and colours_of(first) == TAUGHT
    assert len(QgsProject.instance().mapLayers()) == 1


def test_a_map_lies_on_its_raster_and_below_the_labels(qgis_new_project, tmp_path):
    for name in ("raster.tif", "labels.tif", "map.tif"):
        write_map(tmp_path / name, 1)
    root = QgsProject.instance().layerTreeRoot()
    raster, labels = (QgsRasterLayer(str(tmp_path / f"{name}.tif"), name) for name in ("raster", "labels"))
    QgsProject.instance().addMapLayers([raster, labels], False)
    group = root.addGroup("scene")
    group.addLayer(labels)
    group.addLayer(raster)
    load_map(str(tmp_path / "map.tif"), "map", {}, raster)
    assert [node.name() for node in group.children()] == ["labels", "map", "raster"]


def test_a_removed_raster_is_told_and_another_project_is_not(state, tmp_path):
    project = QgsProject.instance()
    for name in ("one", "two", "three"):
        write_map(tmp_path / f"{name}.tif", 1)
        project.addMapLayer(QgsRasterLayer(str(tmp_path / f"{name}.tif"), name))
    state.choose_raster(project.mapLayersByName("one")[0])
    project.removeMapLayer(state.raster.id())
    assert [text for _, text in state.told] == ["'one' was removed; its labels are kept."]
    state.choose_raster(project.mapLayersByName("two")[0])
    project.clear()
    assert len(state.told) == 1 and state.raster is None


def test_a_map_that_is_done_when_another_raster_is_taught_is_its_own(state, tmp_path):
    write_map(tmp_path / "map.tif", 1)
    files = {"head": str(tmp_path / "one.qhead"), "map": str(tmp_path / "map.tif"), "embedding": "/data/e.tif"}
    state._on_finished("map", files)
    assert state.heads == [{"name": "one.qhead", "path": files["head"], "embedding": files["embedding"]}]
    assert [layer.source() for layer in QgsProject.instance().mapLayers().values()] == [files["map"]]


def test_without_a_raster_everything_is_a_sentence(state):
    state.map_everything()
    state.assess()
    assert state.copy_call("python") == ""
    assert state.told == [("warning", "Choose a raster and label a few places first.")] * 3


@pytest.mark.parametrize("finish", ["map_everything", "assess"])
def test_a_piece_is_not_taken_for_everything(state, finish):
    state.opened, state.whole = object(), False
    getattr(state, finish)()
    assert not state.finishing.busy
    assert state.told[-1][0] == "warning" and "only what the map showed" in state.told[-1][1]
    state.opened = None


def test_edits_that_qgis_has_not_saved_are_not_left_out_in_silence(state, tmp_path):
    labels = LabelLayer.create(str(tmp_path / "labels.gpkg"), QgsCoordinateReferenceSystem(CRS))
    labels.add([(point(0), "forest", "click")])
    state.labels = labels
    layer = next(one for one in labels.layers() if one.featureCount() == 1)
    assert layer.startEditing() and not state._edited_elsewhere()
    feature = QgsFeature(layer.fields())
    feature.setGeometry(point(20))
    assert layer.addFeature(feature)
    state.map_everything()
    assert not state.finishing.busy and "Save the edits there" in state.told[-1][1]
    layer.rollBack()
    assert not state._edited_elsewhere()
    state.labels = None
    labels.close()


def test_values_do_not_take_the_place_of_classes(state, tmp_path):
    state.embedding = str(tmp_path / "e.tif")
    classes = state.files()
    state.target = "value"
    values = state.files()
    assert not {classes[name] for name in ("head", "map", "report")} & {
        values[name] for name in ("head", "map", "report")
    }
    assert classes["map"] == str(tmp_path / "e_map.tif") and values["map"] == str(tmp_path / "e_values_map.tif")


def test_a_click_without_labels_says_what_to_do(state):
    state.opened = object()
    assert state.gestures._y() is None and "layer of labels is gone" in state.told[-1][1]
    state.opened = None


def test_the_tool_stays_when_its_way_of_labelling_changes(state):
    for tool in ("click", "drag", "polygon", "polygon", "click"):
        state.set_tool(tool)
        assert state.tool == tool and state.canvas.mapTool() is state.screen.tool
    state.set_tool("none")
    assert state.canvas.mapTool() is not state.screen.tool


def test_a_key_before_the_next_place_has_come_changes_nothing(state, monkeypatch):
    given, asking = [], state.asking
    monkeypatch.setattr(state.gestures, "label_cell", lambda row, col, y: given.append((row, col, y)) or True)
    asking.take_grid(object())
    asking.next()
    monkeypatch.setattr(asking, "_fly_to", lambda row, col: None)
    asking._on_placed(Places(({"row": 1, "col": 2, "guess": "forest"},)))
    state.accept()
    state.correct("water")
    state.accept()
    assert given == [(1, 2, "forest")]
    asking._on_placed(Places(({"row": 3, "col": 4, "guess": "forest"},)))
    state.correct("water")
    assert given[1:] == [(3, 4, "water")]
    asking.end()


def test_a_dock_that_is_only_open_does_not_change_the_project(state):
    project = QgsProject.instance()
    project.clear()
    project.setDirty(False)
    state.changed.emit()
    assert not project.isDirty()
    state.add_class("forest")
    assert project.isDirty()


def test_pieces_of_earlier_days_go(tmp_path):
    for name in ("old-view-1.tif", "old-view-1.tif.quadrat.json", "new-view-2.tif", "scene_labels.gpkg"):
        (tmp_path / name).touch()
        if not name.startswith("new"):
            os.utime(tmp_path / name, (0, time.time() - PIECES_KEPT_S - 1))
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new-view-2.tif", "scene_labels.gpkg"]


def test_classes_of_labels_from_another_day_are_listed(state, tmp_path):
    labels = LabelLayer.create(str(tmp_path / "labels.gpkg"), QgsCoordinateReferenceSystem(CRS))
    labels.add([(point(0), "water", "click"), (point(20), "forest", "click"), (point(40), "forest", "click")])
    state.add_class("village")
    state._take_labels(labels)
    assert state.classes.names() == ["village", "forest", "water"]
    assert state.label_counts() == {"forest": 2, "water": 1}


def test_a_layer_without_categories_can_be_taught_with(state):
    layer = QgsVectorLayer("Point?crs=EPSG:32720&field=class:string", "places", "memory")
    for place, name in ((0, "sea"), (20, "land"), (40, NULL)):
        feature = QgsFeature(layer.fields())
        feature.setGeometry(point(place))
        feature.setAttribute(0, name)
        layer.dataProvider().addFeature(feature)
    QgsProject.instance().addMapLayer(layer)
    state.choose_labels(layer)
    assert state.classes.names() == ["land", "sea"] and state.label_counts() == {"land": 1, "sea": 1}
