import shutil
import zipfile

import pytest
from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsVectorLayer
from qgis.PyQt.QtWidgets import QApplication
from quadrat.plugin.teach.classes import ClassList
from quadrat.plugin.teach.labels import LabelLayer
from quadrat.plugin.teach.labelstyle import STYLED, mark_of
from quadrat.plugin.teach.project import ENTRY, SCOPE, TeachMemory

from .labelwork import CRS, on_disk, point, square


@pytest.fixture
def project(qgis_new_project):
    project = QgsProject.instance()
    yield project
    project.clear()


@pytest.fixture
def memory(project):
    made = TeachMemory()
    yield made
    made.close()


def test_a_saved_project_brings_everything_back(project, memory, tmp_path):
    classes = ClassList()
    for name in ("water", "forest"):
        classes.add(name)
    labels = LabelLayer.create(str(tmp_path / "labels.gpkg"), QgsCoordinateReferenceSystem(CRS))
    labels.show()
    labels.follow(classes)
    labels.add([(point(0), "water", "click"), (square(50), "forest", "polygon")])
    memory.remember(classes=classes.to_dicts(), embedding=str(tmp_path / "e.tif"), opacity=0.7, nested={"a": [1, None]})
    memory.remember_layer("labels", labels.layer)
    ids = [layer.id() for layer in labels.layers()]
    path = str(tmp_path / "project.qgz")
    assert project.write(path)
    project.clear()
    assert memory.values() == {}
    assert memory.layer("labels") is None
    heard = []
    memory.loaded.connect(lambda: heard.append(memory.values()))
    assert project.read(path)
    assert heard[-1] == memory.values()
    assert memory.get("opacity") == 0.7 and memory.get("nested") == {"a": [1, None]}
    assert memory.get("embedding") == str(tmp_path / "e.tif")
    assert memory.get("absent", 5) == 5
    assert not project.isDirty(), "reading changes nothing"
    layer = memory.layer("labels")
    assert isinstance(layer, QgsVectorLayer) and layer.id() == ids[0]
    again = LabelLayer.of(layer)
    assert [one.id() for one in again.layers()] == ids, "both layers are found from one"
    assert sorted(y for _, _, y in again.labels()) == ["forest", "water"]
    restored = ClassList()
    restored.load_dicts(memory.get("classes"))
    assert restored.to_dicts() == classes.to_dicts()
    # The style is still known for ours, and so follows the classes further.
    assert layer.customProperty(STYLED) == mark_of(layer.renderer())
    again.follow(restored)
    restored.add("village")
    assert "village" in [category.value() for category in layer.renderer().categories()]
    again.add([(point(3), "village", "click")])
    assert len(on_disk(again.path)) == 3
    again.close()


def test_each_change_makes_the_project_worth_saving_and_the_same_again_does_not(project, memory, tmp_path):
    memory.remember(head="linear")
    assert project.isDirty()
    assert project.write(str(tmp_path / "p.qgz"))
    assert not project.isDirty()
    memory.remember(head="linear")
    assert not project.isDirty()
    memory.remember(head=None)
    assert project.isDirty() and memory.values() == {}


def test_paths_follow_a_project_that_is_moved_with_its_data(project, memory, tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    (here / "e.tif").write_bytes(b"")
    memory.remember(embedding=str(here / "e.tif"), heads=[{"path": str(here / "h.qhead"), "name": "here/x"}])
    assert project.write(str(here / "p.qgz"))
    project.clear()
    shutil.move(here, there)
    assert project.read(str(there / "p.qgz"))
    assert memory.get("embedding") == str(there / "e.tif")
    assert memory.get("heads") == [{"path": str(there / "h.qhead"), "name": "here/x"}]
    other = tmp_path / "other"
    other.mkdir()
    assert project.write(str(other / "q.qgz"))
    project.clear()
    assert project.read(str(other / "q.qgz"))
    assert memory.get("embedding") == str(there / "e.tif"), "saved elsewhere, the data stays where it is"
    with zipfile.ZipFile(other / "q.qgz") as archive:
        text = archive.read(next(name for name in archive.namelist() if name.endswith(".qgs"))).decode()
    assert "../there/e.tif" in text


def test_values_of_a_later_version_survive(project, memory, tmp_path):
    project.writeEntry(SCOPE, ENTRY, '{"version": 9, "head": "linear", "invention": {"of": ["later"]}}')
    path = str(tmp_path / "p.qgs")
    assert project.write(path) and project.read(path)
    memory.remember(head="forest")
    assert project.write(path) and project.read(path)
    assert memory.values() == {"head": "forest", "invention": {"of": ["later"]}}


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", "\x00"])
def test_a_text_that_nobody_can_read_is_no_reason_to_fail(project, memory, text, tmp_path):
    project.writeEntry(SCOPE, ENTRY, text)
    path = str(tmp_path / "p.qgs")
    project.write(path)
    project.read(path)
    assert memory.values() == {}
    memory.remember(head="linear")
    assert TeachMemory().values() == {"head": "linear"}


def test_layers_of_the_project_are_taken_again_not_doubled(project, tmp_path):
    path = str(tmp_path / "labels.gpkg")
    labels = LabelLayer.create(path, QgsCoordinateReferenceSystem(CRS))
    labels.show()
    labels.show()
    again = LabelLayer.open_or_create(path, QgsCoordinateReferenceSystem(CRS))
    again.show()
    assert len(project.mapLayers()) == 2
    assert again.layers() == labels.layers()
    names = [node.name() for node in project.layerTreeRoot().children()]
    assert names == ["labels: points", "labels: areas"]
    labels.close()
    again.close()
    QApplication.processEvents()
