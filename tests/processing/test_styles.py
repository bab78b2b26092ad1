"""Results open dressed: each kind of result, in QGIS's own reading of the style file beside it."""

import json
from pathlib import Path

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import QgsProcessingContext, QgsProcessingFeedback, QgsRasterLayer
from qgis.PyQt.QtGui import QColor
from quadrat.processing.renderers import RENDERERS
from quadrat.processing.styles import abstract, kind_of, layer_name, new_styler, save_style, style_path

CLASSES = [
    {"value": 1, "name": "mata & água", "colour": "#00aa11"},
    {"value": 2, "name": "vila <2>", "colour": "#bb2233"},
]
KINDS = {
    "embedding": {"picture": {"bands": [3, 1, 2], "ranges": [[-1.5, 2.0], [0.0, 1.0], [-3.0, 3.0]]}},
    "classmap": {"classes": CLASSES},
    "valuemap": {"range": [10.0, 30.0]},
    "confidence": {},
    "probabilities": {},
    "applicability": {},
    "similarity": {"range": [-0.2, 0.9]},
    "picture": {},
}


@pytest.fixture
def result(tmp_path, qgis_app):
    """`result(kind)`: a raster with the sidecar of such a result."""

    def result(kind, job="applyhead", **more):
        path = str(tmp_path / f"{kind}.tif")
        dataset = gdal.GetDriverByName("GTiff").Create(path, 4, 3, 3, gdal.GDT_Float32)
        for band in range(3):
            dataset.GetRasterBand(band + 1).WriteArray(np.full((3, 4), band + 1, "float32"))
        dataset = None
        sidecar = {"facts": {"result": kind, **KINDS.get(kind, {}), **more}, "job": {"job": job, "output": path}}
        Path(path + ".quadrat.json").write_text(json.dumps(sidecar), encoding="utf-8")
        return path

    return result


@pytest.fixture
def opened(qgis_app):
    """`opened(path)`: the renderer that QGIS gives the layer when it is added from the browser."""
    layers = []  # a renderer lives only as long as its layer

    def opened(path):
        layers.append(QgsRasterLayer(path, "opened"))
        assert layers[-1].isValid()
        return layers[-1].renderer()

    yield opened
    layers.clear()


def test_embedding_opens_as_its_picture(result, opened):
    path = result("embedding")
    assert save_style(path)
    renderer = opened(path)
    assert renderer.type() == "multibandcolor"
    assert (renderer.redBand(), renderer.greenBand(), renderer.blueBand()) == (3, 1, 2)
    red, blue = renderer.redContrastEnhancement(), renderer.blueContrastEnhancement()
    assert (red.minimumValue(), red.maximumValue()) == (-1.5, 2.0)
    assert (blue.minimumValue(), blue.maximumValue()) == (-3.0, 3.0)


def test_embedding_of_one_dimension_is_grey(result, opened):
    path = result("embedding", picture={"bands": [1], "ranges": [[0.0, 1.0]]})
    assert save_style(path)
    renderer = opened(path)
    assert (renderer.redBand(), renderer.greenBand(), renderer.blueBand()) == (1, 1, 1)


def test_class_map_has_names_and_colours(result, opened):
    path = result("classmap")
    assert save_style(path)
    renderer = opened(path)
    assert renderer.type() == "paletted"
    found = [(c.value, c.label, c.color.name()) for c in renderer.classes()]
    assert found == [(1, "mata & água", "#00aa11"), (2, "vila <2>", "#bb2233")]


def test_value_map_runs_over_its_range(result, opened):
    path = result("valuemap")
    assert save_style(path)
    renderer = opened(path)
    assert renderer.type() == "singlebandpseudocolor"
    items = renderer.shader().rasterShaderFunction().colorRampItemList()
    assert (items[0].value, items[-1].value) == (10.0, 30.0)
    assert (items[0].color, items[-1].color) == (QColor("#440154"), QColor("#fde725"))
    assert (renderer.classificationMin(), renderer.classificationMax()) == (10.0, 30.0)


def test_value_map_with_one_value_still_draws(result, opened):
    path = result("valuemap", range=[5.0, 5.0])
    assert save_style(path)
    values = [item.value for item in opened(path).shader().rasterShaderFunction().colorRampItemList()]
    assert values == sorted(values)
    assert values[0] < 5.0 < values[-1]


def test_confidence_veils_what_is_unsure_and_is_labelled_in_percent(result, opened):
    path = result("confidence")
    assert save_style(path)
    items = opened(path).shader().rasterShaderFunction().colorRampItemList()
    assert items[0].color.alpha() > 200
    assert items[-1].color.alpha() == 0
    assert [items[0].label, items[4].label, items[-1].label] == ["0 %", "50 %", "100 %"]


def test_applicability_hides_what_is_like_the_labels(result, opened):
    path = result("applicability")
    assert save_style(path)
    renderer = opened(path)
    function = renderer.shader().rasterShaderFunction()
    alphas = [function.shade(value)[4] for value in (0.0, 0.99, 1.0, 1.01, 1.5, 2.0, 50.0)]
    assert alphas[:3] == [0, 0, 0]
    assert 90 < alphas[3] < alphas[4] < alphas[5] == alphas[6] == 235
    assert not function.legendSettings().useContinuousLegend(), "the words stand in the legend"
    assert "like the labels" in function.colorRampItemList()[0].label


def test_similarity_runs_over_what_the_raster_holds(result, opened):
    path = result("similarity")
    assert save_style(path)
    items = opened(path).shader().rasterShaderFunction().colorRampItemList()
    assert (items[0].value, items[-1].value) == (-0.2, 0.9)


def test_a_picture_is_shown_as_it_is(result, opened):
    path = result("picture")
    assert save_style(path)
    renderer = opened(path)
    assert (renderer.redBand(), renderer.greenBand(), renderer.blueBand()) == (1, 2, 3)
    stretch = renderer.redContrastEnhancement()
    assert stretch is None or stretch.contrastEnhancementAlgorithm() == stretch.NoEnhancement


@pytest.mark.parametrize("kind", RENDERERS)
@pytest.mark.parametrize("facts", [{}, {"range": None, "classes": None, "picture": None}, {"range": [1.0]}])
def test_missing_facts_give_a_plain_style_or_none(kind, facts):
    renderer = RENDERERS[kind](facts)
    assert renderer is None or renderer.type()


def test_kind_comes_from_the_output_that_the_job_names(result, tmp_path):
    """One job writes map and confidence; sidecars that hold the same facts must not make them look the same."""
    job = {"job": "applyhead", "output": "/a/map.tif", "confidence": "/a/conf.tif", "probabilities": "/a/p.tif"}
    facts = {"result": "classmap"}
    assert kind_of("/a/map.tif", facts, job) == "classmap"
    assert kind_of("/a/conf.tif", facts, job) == "confidence"
    assert kind_of("/a/p.tif", facts, job) == "probabilities"


def test_statistics_are_not_left_beside_the_result(result, opened, tmp_path):
    path = result("embedding")
    save_style(path)
    opened(path)
    assert not list(tmp_path.glob("*.aux.xml"))
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"facts": [], "job": {}}', '{"facts": {"result": "new kind"}, "job": {}}']
)
def test_unknown_or_damaged_sidecar_gives_no_style_and_no_error(result, content):
    path = result("embedding")
    Path(path + ".quadrat.json").write_text(content, encoding="utf-8")
    assert not save_style(path)
    assert not Path(style_path(path)).exists()
    new_styler().postProcessLayer(QgsRasterLayer(path, "x"), QgsProcessingContext(), QgsProcessingFeedback(False))


def test_without_a_sidecar_nothing_happens(result):
    path = result("embedding")
    Path(path + ".quadrat.json").unlink()
    assert not save_style(path)


def test_a_layer_that_processing_loads_is_styled(result):
    layer = QgsRasterLayer(result("classmap"), "loaded")
    new_styler().postProcessLayer(layer, QgsProcessingContext(), QgsProcessingFeedback(False))
    assert layer.renderer().type() == "paletted"
    assert layer.renderer().input() is not None


def test_names_and_story():
    job = {"job": "embedraster", "input": "/data/olinda 2020.tif", "backbone": "mosaiks", "dimensions": 0}
    assert layer_name("Embedding", job) == "Embedding of olinda 2020"
    assert layer_name("Map", {"job": "applyhead", "embedding": "/a/e.tif|layername=x"}) == "Map of e"
    assert layer_name("Map", {}) == "Map"
    text = abstract({}, job)
    assert "Embed raster" in text
    assert "Backbone: mosaiks" in text
    assert "Dimensions" not in text, "defaults are no news"


def test_a_map_is_named_after_the_raster_that_was_embedded(tmp_path):
    embedding = tmp_path / "OUTPUT.tif"
    made = {"facts": {"result": "embedding"}, "job": {"job": "embedraster", "input": "/data/olinda.tif"}}
    Path(f"{embedding}.quadrat.json").write_text(json.dumps(made))
    assert layer_name("Map", {"job": "applyhead", "embedding": str(embedding)}) == "Map of olinda"
    made["job"]["input"] = str(embedding)  # made from itself, which no job does: no endless search
    Path(f"{embedding}.quadrat.json").write_text(json.dumps(made))
    assert layer_name("Map", {"job": "applyhead", "embedding": str(embedding)}) == "Map of OUTPUT"


def test_post_processors_live_as_long_as_their_context(qgis_app):
    """Two contexts, one gone: the other's must not be lost, nor the first one's be deleted twice."""
    import gc

    from qgis.core import QgsProject
    from qgis.PyQt import sip
    from quadrat.processing import styles

    contexts = []
    for name in ("a", "b"):
        context = QgsProcessingContext()
        details = QgsProcessingContext.LayerDetails(name, QgsProject.instance())
        details.setPostProcessor(new_styler())
        context.addLayerToLoadOnCompletion(name, details)
        contexts.append(context)
    first, second = styles._alive[-2:]
    del contexts[0], context, details
    gc.collect()
    assert sip.isdeleted(first)
    assert not sip.isdeleted(second)
    new_styler()
    assert first not in styles._alive
    assert contexts[0].layerToLoadOnCompletionDetails("b").postProcessor() is second


@pytest.mark.parametrize("turns", ["abcd", "dcba", "cadb"])
def test_layers_of_a_run_lie_in_the_order_of_their_meaning(qgis_new_project, make_raster, turns):
    """Processing loads them by their paths: a veil under the map, or probabilities over it, help nobody."""
    from qgis.core import QgsProject
    from quadrat.processing.styles import pile

    project, context, shelf = QgsProject.instance(), QgsProcessingContext(), {}
    context.setProject(project)
    other = QgsRasterLayer(str(make_raster("before.tif")), "before")
    project.addMapLayer(other)
    places = pile(["output", "confidence", "probabilities", "applicability"])
    for name, _ in sorted(zip(places, turns), key=lambda pair: pair[1]):
        layer = QgsRasterLayer(str(make_raster(f"{name}.tif")), name)
        project.addMapLayer(layer)
        new_styler(places[name], shelf).postProcessLayer(layer, context, QgsProcessingFeedback(False))
    found = [node.name() for node in project.layerTreeRoot().findLayers()]
    project.removeAllMapLayers()
    assert found == ["applicability", "confidence", "output", "probabilities", "before"]
