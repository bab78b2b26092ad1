"""The models that come with Quadrat: from layers to a map of favelas, for a city with reference and for another one."""

import importlib.util
import json
from pathlib import Path

import pytest
from osgeo import gdal
from qgis.core import (
    QgsApplication,
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsGeometry,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingOutputLayerDefinition,
    QgsProcessingParameterDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QUrl
from quadrat.processing.models import FOLDER, model_files

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / "resources" / "tools" / "models.py"
IDS = ("favela", "favelaelsewhere")
QUICK = {"BACKBONE": "raw", "METHODS": ["forest-variables", "forest-features"], "CELL_SIZE_M": 60}
"""Enough to see the chain at work; how good methods are is tested elsewhere."""


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("shipped_models_tool", TOOL)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def save(path, features, crs):
    """Polygons in a file; gives its path."""
    layer = QgsVectorLayer(f"Polygon?crs={crs}&field=part:string", "polygons", "memory")
    layer.dataProvider().addFeatures(features)
    options = QgsVectorFileWriter.SaveVectorOptions()
    done = QgsVectorFileWriter.writeAsVectorFormatV3(
        layer, str(path), QgsProject.instance().transformContext(), options
    )
    assert done[0] == QgsVectorFileWriter.WriterError.NoError, done
    return str(path)


def rectangle(box, part=""):
    """A polygon with the field `part`."""
    layer = QgsVectorLayer("Polygon?field=part:string", "polygons", "memory")
    feature = QgsFeature(layer.fields())
    feature.setAttributes([part])
    feature.setGeometry(QgsGeometry.fromRect(box))
    return feature


def halves(box):
    """West and east of a box."""
    middle = box.center().x()
    west = QgsRectangle(box.xMinimum(), box.yMinimum(), middle, box.yMaximum())
    east = QgsRectangle(middle, box.yMinimum(), box.xMaximum(), box.yMaximum())
    return [rectangle(west, "west"), rectangle(east, "east")]


@pytest.fixture(scope="module")
def village(sample_raster, sample_labels, tmp_path_factory):
    """Values for the model: houses of a river village stand in for favelas, forest, water and mud for the rest."""
    labels, folder = QgsVectorLayer(sample_labels, "labels", "ogr"), tmp_path_factory.mktemp("village")
    parts = {True: [], False: []}
    for feature in labels.getFeatures():
        copy = QgsFeature()
        copy.setGeometry(feature.geometry())
        parts[feature["class"] == "village"].append(copy)
    crs = labels.crs().authid()
    return {
        "SENTINEL2": sample_raster,
        "FAVELAS": save(folder / "houses.gpkg", parts[True], crs),
        "RESIDENTIAL": save(folder / "others.gpkg", parts[False], crs),
        **QUICK,
    }


def run_model(provider, name, values):
    """A copy of the model, checked and run as form and batch do it; gives context and feedback."""
    model = provider.algorithm(name).create()
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback(False)
    context.setProject(QgsProject.instance())
    fits, why = model.checkParameterValues(values, context)
    assert fits, why
    _, done = model.run(values, context, feedback)
    assert done, feedback.textLog()
    return context, feedback


@pytest.fixture
def go(provider, qgis_new_project):
    """`go(id, values)` runs a model."""
    return lambda name, values: run_model(provider, name, values)


@pytest.fixture(scope="module")
def mapped(provider, village, tmp_path_factory):
    """The village mapped once, as the form does it: the files, what is to be loaded, and who says it."""
    folder = tmp_path_factory.mktemp("mapped")
    files = {name: str(folder / f"{name}.gpkg") for name in ("map", "disagreement", "cells")}

    def to(name):
        return QgsProcessingOutputLayerDefinition(files[name], QgsProject.instance())

    files["methods"] = str(folder / "village.qmethods")
    context, feedback = run_model(provider, "favela", {
        **village, "mapsettlement:map": to("map"), "mapsettlement:disagreement": to("disagreement"),
        "embedcells:cells": to("cells"), "trainsettlement:methods": files["methods"],
    })  # fmt: skip
    return files, context, feedback


def load(context, feedback, order):
    """The layers of a run in the project as Processing puts them there, the uppermost first."""
    project = QgsProject.instance()
    for path, details in sorted(context.layersToLoadOnCompletion().items(), reverse=order):
        layer = QgsVectorLayer(path, details.name, "ogr")
        project.addMapLayer(layer)
        details.postProcessor().postProcessLayer(layer, context, feedback)
    return [node.layer() for node in project.layerTreeRoot().findLayers()]


def job_of(path):
    return json.loads(Path(f"{path}.quadrat.json").read_text(encoding="utf-8"))["job"]


def classes(path):
    layer = QgsVectorLayer(str(path), "map", "ogr")
    assert layer.isValid()
    return [feature["class"] for feature in layer.getFeatures()]


def normal(model, tmp_path):
    """What a model is, as this QGIS writes it after having read it."""
    path = tmp_path / "model.model3"
    assert model.toFile(str(path))
    again = QgsProcessingModelAlgorithm()
    assert again.fromFile(str(path))
    return again.toVariant()


@pytest.mark.parametrize("name", IDS)
def test_the_shipped_file_is_what_the_declarations_make(provider, tool, tmp_path, name):
    [wanted] = [model for model in tool.MODELS if model.file == name]
    shipped = QgsProcessingModelAlgorithm()
    assert shipped.fromFile(str(FOLDER / f"{name}.model3"))
    told = "A step has changed: see resources/tools/models.py."
    assert normal(shipped, tmp_path) == normal(tool.build(wanted), tmp_path), told


@pytest.mark.parametrize("name", IDS)
def test_modeler_opens_it_and_finds_nothing_to_complain_of(provider, name):
    model = QgsProcessingModelAlgorithm()
    assert model.fromFile(str(FOLDER / f"{name}.model3"))
    assert model.validate() == (True, [])
    assert model.canExecute()[0]


@pytest.mark.parametrize("name", IDS)
def test_the_toolbox_shows_it_beside_its_steps(provider, name):
    model = QgsApplication.processingRegistry().algorithmById(f"quadrat:{name}")
    assert (model.groupId(), model.group()) == ("favela", "Favela")
    assert model.displayName().endswith("all steps") and not model.icon().isNull()
    page = Path(QUrl(model.helpUrl()).toLocalFile()).read_text(encoding="utf-8")
    assert 'id="before-you-publish"' in page, "the button Help opens it without network"
    assert model.helpUrl() == provider.algorithm("mapsettlement").helpUrl()
    assert str(FOLDER / f"{name}.model3") in model.shortHelpString(), "where Modeler can open it"
    assert "misuse" in model.shortHelpString()
    assert {"map", "disagreement"} <= {o.name().split(":")[1] for o in model.outputDefinitions()}
    for definition in model.parameterDefinitions():
        assert definition.description()
        assert definition.help() or definition.isDestination(), definition.name()


def test_only_what_is_needed_must_be_given(provider):
    optional = QgsProcessingParameterDefinition.Flag.FlagOptional

    def needed(name):
        definitions = provider.algorithm(name).parameterDefinitions()
        return {d.name() for d in definitions if not d.flags() & optional and d.defaultValue() is None}

    results = {"mapsettlement:map", "embedcells:cells"}
    assert needed("favela") == {"SENTINEL2", "FAVELAS", "trainsettlement:methods"} | results
    assert needed("favelaelsewhere") == {"SENTINEL2", "METHODS", "LIKE"} | results


def test_every_shipped_file_is_offered_and_nothing_is_put_into_the_users_own_models(provider):
    assert {path.stem for path in model_files()} == set(IDS)
    assert all(provider.algorithm(name) for name in IDS)
    others = QgsApplication.processingRegistry().algorithms()
    assert not [a.id() for a in others if a.displayName().endswith("all steps") and a.provider() is not provider]


def test_from_layers_to_a_map_and_on_to_another_city(go, mapped, village, tmp_path):
    files = mapped[0]
    found = classes(files["map"])
    assert {"favela", "other"} <= set(found)
    assert len(classes(files["disagreement"])) == len(found)
    assert Path(files["map"]).with_suffix(".qml").is_file()
    step = job_of(files["cells"])
    assert (step["backbone"], step["second"]) == ("raw", ""), "what was left empty stays empty"
    other = str(tmp_path / "other.gpkg")
    go("favelaelsewhere", {
        "SENTINEL2": village["SENTINEL2"], "METHODS": files["methods"], "LIKE": files["cells"], "CELL_SIZE_M": 60,
        "mapsettlement:map": other, "embedcells:cells": str(tmp_path / "other_cells.gpkg"),
    })  # fmt: skip
    assert classes(other) == found, "the same scene, without its reference"


@pytest.mark.parametrize("order", [False, True])
def test_layers_have_titles_and_the_map_lies_on_top(mapped, qgis_new_project, sample_raster, order):
    """By themselves models name layers by results, and pile them up by paths."""
    files, context, feedback = mapped
    layers = load(context, feedback, order)
    scene = Path(sample_raster).stem
    titles = [f"{what} of {scene}" for what in ("Favela map", "Disagreement map", "Labelled cells")]
    assert [layer.name() for layer in layers] == titles
    assert layers[2].renderer().classAttribute() == "status", "why they are labelled, not what their vectors are"
    shown = {category.value() for category in layers[2].renderer().categories()}
    assert shown == {feature["status"] for feature in layers[2].getFeatures()}
    again = QgsVectorLayer(files["cells"], "cells", "ogr")
    assert again.renderer().classAttribute() == "status", "also when the file is added later"


def test_optional_layers_reach_their_steps(go, village, sample_raster, tmp_path):
    """The scene stands in for radar, one band of it for heights: any raster of the place shows where layers go."""
    heights = str(tmp_path / "heights.tif")
    gdal.Translate(heights, sample_raster, bandList=[1])
    whole = QgsRasterLayer(sample_raster, "scene").extent()
    inner = QgsRectangle(whole)
    inner.scale(0.8)
    boundary = save(tmp_path / "boundary.gpkg", [rectangle(inner)], "EPSG:4326")
    zones = save(tmp_path / "zones.gpkg", halves(whole), "EPSG:4326")
    cells = str(tmp_path / "cells.gpkg")
    go("favela", {
        **village, "BOUNDARY": boundary, "SENTINEL1": sample_raster, "DTM": heights, "SOURCES": "made for a test",
        "ZONES": zones, "ZONE_FIELD": "part", "embedcells:cells": cells,
        "mapsettlement:map": str(tmp_path / "map.gpkg"), "trainsettlement:methods": str(tmp_path / "a.qmethods"),
    })  # fmt: skip
    assert job_of(cells)["second"] == sample_raster
    layer = QgsVectorLayer(cells, "cells", "ogr")
    names = layer.fields().names()
    assert {"p_vegeta", "slope", "profile_co", "emb_24"} <= set(names)
    assert "len_roads" not in names, "no streets were given"
    assert {one["zone"] for one in layer.getFeatures()} == {1, 2}, "west and east, numbered by name"
    to_degrees = QgsCoordinateTransform(layer.crs(), QgsCoordinateReferenceSystem("EPSG:4326"), QgsProject.instance())
    inner.grow(1e-4)  # edges are straight in metres
    assert inner.contains(to_degrees.transformBoundingBox(layer.extent()))


def test_a_batch_of_two_cities(go, mapped, sample_raster, tmp_path):
    """Two halves of the scene with the methods of the whole, one row of the batch after the other."""
    files, counts = mapped[0], []
    for half in halves(QgsRasterLayer(sample_raster, "scene").extent()):
        name = half["part"]
        output = str(tmp_path / f"{name}.gpkg")
        go("favelaelsewhere", {
            "SENTINEL2": sample_raster, "BOUNDARY": save(tmp_path / f"{name}_border.gpkg", [half], "EPSG:4326"),
            "METHODS": files["methods"], "LIKE": files["cells"], "CELL_SIZE_M": 60, "mapsettlement:map": output,
            "embedcells:cells": str(tmp_path / f"{name}_cells.gpkg"),
        })  # fmt: skip
        counts.append(len(classes(output)))
    assert sum(counts) <= len(classes(files["map"])) and min(counts) > 300
