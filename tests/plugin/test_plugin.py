"""Loading and unloading: what appears, what it costs, and that nothing is left behind."""

import os
from pathlib import Path

import pytest
from qgis.core import QgsApplication, QgsProject, QgsRasterLayer, QgsVectorLayer
from qgis.gui import QgsBrowserGuiModel
from quadrat.plugin.docking import Docking
from quadrat.plugin.menu import FAVELAS, FIELDS, LOOKS, NETWORKS, POVERTY, REEF, STEPS, Menu
from quadrat.plugin.prefill import start_values

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "resources" / "sample"


class Iface:
    """The menus and toolbars of QGIS, written down; everything else is pytest-qgis's."""

    def __init__(self, iface):
        self._iface, self.menu, self.toolbar = iface, [], []

    def __getattr__(self, name):
        return getattr(self._iface, name)

    def addPluginToMenu(self, title, action):
        self.menu.append((title, action))

    def removePluginMenu(self, title, action):
        self.menu.remove((title, action))

    def addToolBarWidget(self, widget):
        self.toolbar.append(widget)
        return widget

    def removeToolBarIcon(self, widget):
        self.toolbar.remove(widget)


def test_menu_follows_the_work_and_goes_again(qgis_iface):
    iface, called = Iface(qgis_iface), []
    menu = Menu(iface, "&Quadrat", Docking(iface, lambda: None), lambda: called.append(1))
    before, behind = ([text for _, text, _ in some] for some in (STEPS + LOOKS, NETWORKS))
    actions = [action for _, action in iface.menu]
    assert [action.text() for action in actions] == [
        "Teach…",
        *before,
        "Favelas",
        "Poverty",
        "Reef",
        *behind,
        "Engine…",
    ]
    for action, (_, _, steps) in zip(actions[1 + len(before) :], FIELDS):
        more = {POVERTY: ["", "Learning curve…"], REEF: ["", "Annotate photos…"]}.get(steps, [])
        assert [step.text() for step in action.menu().actions()] == [text for _, text, _ in steps] + more
        if steps is POVERTY:
            action.menu().actions()[-1].trigger()
    assert called == [1]
    assert all(not action.icon().isNull() for _, action in iface.menu)
    assert len(iface.toolbar) == 1
    menu.remove()
    assert iface.menu == [] and iface.toolbar == []


def test_every_step_of_the_menu_is_an_algorithm(plugin):
    listed = {algorithm for algorithm, _, _ in STEPS + LOOKS + FAVELAS + POVERTY + REEF + NETWORKS}
    known = {algorithm.id() for algorithm in QgsApplication.processingRegistry().providerById("quadrat").algorithms()}
    assert listed == known - {"quadrat:setupengine", "quadrat:speedtest"}, "these two are in the dock's Engine tab"


def test_forms_of_shipped_models_start_empty(plugin):
    assert start_values("favela", None) == {}


def test_a_step_opens_its_form_filled_and_unload_closes_it(qgis_iface, plugin, qtbot, monkeypatch):
    import processing.tools.general as general

    # What the interface of pytest-qgis lacks for a form of the toolbox.
    monkeypatch.setattr(general, "iface", qgis_iface)
    model = QgsBrowserGuiModel()
    monkeypatch.setattr(qgis_iface, "browserModel", lambda: model, raising=False)
    layer = QgsRasterLayer(str(SAMPLE / "sen2_l2a_12band.tif"), "sample")
    QgsProject.instance().addMapLayer(layer)
    menu = Menu(Iface(qgis_iface), "&Quadrat", Docking(qgis_iface, lambda: None), lambda: None)
    menu.actions[1].trigger()
    (form,) = menu._open_forms()
    assert form.isVisible()
    assert form.algorithm().id() == "quadrat:embedraster"
    assert form.mainWidget().createProcessingParameters()["INPUT"] in (layer.id(), layer)
    menu.remove()
    qtbot.waitUntil(lambda: not menu._open_forms(), timeout=5000)


def test_unload_leaves_nothing_behind(qgis_iface, qgis_processing, with_engine, tmp_path):
    from quadrat import classFactory
    from quadrat.processing import workers

    import processing

    plugin = classFactory(qgis_iface)
    plugin.initGui()
    out = str(tmp_path / "a.tif")
    processing.run(
        "quadrat:embedraster", {"INPUT": str(SAMPLE / "sen2_l2a_12band.tif"), "BACKBONE": "raw", "OUTPUT": out}
    )
    pids = [worker.pid for worker in workers.shared_pool()._idle]
    assert len(pids) == 1
    plugin.unload()
    assert QgsApplication.processingRegistry().providerById("quadrat") is None
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)
    plugin.initGui()  # and it can be loaded again, as the plugin manager does on an update
    assert QgsApplication.processingRegistry().providerById("quadrat") is not None
    plugin.unload()


def test_forms_start_with_the_layers_that_fit(qgis_new_project, tmp_path):
    import json

    project = QgsProject.instance()
    embedding = tmp_path / "e.tif"
    embedding.write_bytes((SAMPLE / "sen2_l2a_12band.tif").read_bytes())
    sidecar = {"facts": {"result": "embedding"}, "job": {"job": "embedraster", "output": str(embedding)}}
    Path(f"{embedding}.quadrat.json").write_text(json.dumps(sidecar))
    layers = {
        "embedding": QgsRasterLayer(str(embedding), "e"),
        "raster": QgsRasterLayer(str(SAMPLE / "sen2_l2a_12band.tif"), "r"),
        "labels": QgsVectorLayer(str(SAMPLE / "training_polygons.geojson"), "l"),
        "other": QgsVectorLayer("Point?crs=EPSG:4326", "p", "memory"),
    }
    for layer in layers.values():
        project.addMapLayer(layer)
    for name, facts in (("map", {"result": "classmap"}), ("sample", {"result": "places", "label_field": "reference"})):
        path = tmp_path / (f"{name}.tif" if name == "map" else f"{name}.geojson")
        source = "sen2_l2a_12band.tif" if name == "map" else "training_polygons.geojson"
        path.write_bytes((SAMPLE / source).read_bytes())
        Path(f"{path}.quadrat.json").write_text(json.dumps({"facts": facts, "job": {}}))
        layers[name] = (QgsRasterLayer if name == "map" else QgsVectorLayer)(str(path), name)
        project.addMapLayer(layers[name])
    assert start_values("drawsample", layers["raster"]) == {"MAP": layers["map"].id()}
    assert start_values("estimatearea", layers["labels"]) == {"SAMPLE": layers["sample"].id()}
    assert start_values("openembedding", layers["map"]) == {"INPUT": layers["raster"].id()}
    assert start_values("suggestlabels", None) == {"EMBEDDING": layers["embedding"].id()}
    assert start_values("embedraster", layers["embedding"]) == {"INPUT": layers["raster"].id()}
    assert start_values("trainhead", layers["labels"]) == {
        "LABELS": layers["labels"].id(), "EMBEDDING": layers["embedding"].id(),
    }  # fmt: skip
    assert start_values("trainhead", None)["LABELS"] == layers["other"].id(), "the topmost"
    assert start_values("applyhead", None) == {"EMBEDDING": layers["embedding"].id()}
    project.clear()
    assert start_values("assesshead", None) == {}
