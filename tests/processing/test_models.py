"""In Modeler: embed, train and apply in one model, kept as a file, opened again and run."""

import os

import numpy as np
from osgeo import gdal
from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterCrs,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFeatureSource,
    QgsProcessingParameterRasterLayer,
    QgsProject,
    QgsVectorLayer,
)

Source = QgsProcessingModelChildParameterSource


def started(name):
    """A model with a raster and labels, and `add`, which puts a step into it."""
    model = QgsProcessingModelAlgorithm(name, "Tests")
    for parameter in (
        QgsProcessingParameterRasterLayer("raster", "Raster"),
        QgsProcessingParameterFeatureSource("labels", "Labels"),
    ):
        model.addModelParameter(parameter, QgsProcessingModelParameter(parameter.name()))

    def add(child_id, algorithm, outputs=(), **sources):
        child = QgsProcessingModelChildAlgorithm(f"quadrat:{algorithm}")
        child.setChildId(child_id)
        child.setDescription(child_id)
        for d in child.algorithm().parameterDefinitions():
            if d.name() in sources:
                child.addParameterSources(d.name(), [sources[d.name()]])
            elif d.defaultValue() is not None:  # Modeler writes the defaults of its form into the model
                child.addParameterSources(d.name(), [Source.fromStaticValue(d.defaultValue())])
        made = {}
        for name in outputs:
            output = QgsProcessingModelOutput(name, name)
            output.setChildId(child_id)
            output.setChildOutputName("OUTPUT")
            made[name] = output
        child.setModelOutputs(made)
        model.addChildAlgorithm(child)

    return model, add


def build():
    model, add = started("Map of sides")
    embedding = Source.fromChildOutput("embed", "OUTPUT")
    add(
        "embed", "embedraster", INPUT=Source.fromModelParameter("raster"), BACKBONE=Source.fromStaticValue("raw"),
        DIMENSIONS=Source.fromExpression("1 + 1"),
    )  # fmt: skip
    add(
        "train", "trainhead", LABELS=Source.fromModelParameter("labels"), FIELD=Source.fromStaticValue("kind"),
        EMBEDDING=embedding, HEAD=Source.fromStaticValue("prototype"),
    )  # fmt: skip
    add("apply", "applyhead", ("Map",), HEAD=Source.fromChildOutput("train", "OUTPUT"), EMBEDDING=embedding)
    return model


def test_model_of_three_steps_survives_its_file_and_runs(provider, make_raster, label_layer, tmp_path):
    path = str(tmp_path / "sides.model3")
    model = build()
    assert model.validate()[0], model.validate()
    assert model.toFile(path)
    again = QgsProcessingModelAlgorithm()
    assert again.fromFile(path)
    assert again.canExecute()[0]

    context, feedback = QgsProcessingContext(), QgsProcessingFeedback(False)
    context.setProject(QgsProject.instance())
    output = str(tmp_path / "map.tif")
    values = {"raster": make_raster(), "labels": label_layer, "apply:Map": output}
    assert again.checkParameterValues(values, context)[0]
    results, ok = again.run(values, context, feedback)
    assert ok, feedback.textLog()
    assert output in results.values(), "its key differs between versions of QGIS"
    left, right = np.split(gdal.Open(output).ReadAsArray(), 2, axis=1)
    assert np.bincount(left.ravel()).argmax() != np.bincount(right.ravel()).argmax()
    assert os.path.isfile(str(tmp_path / "map.qml"))


def build_honest():
    """Embed, suggest what to label; train, map with unsure places, draw a sample of the map."""
    model, add = started("Honest map of sides")
    embedding = Source.fromChildOutput("embed", "OUTPUT")
    labels, field = Source.fromModelParameter("labels"), Source.fromStaticValue("kind")
    add("embed", "embedraster", INPUT=Source.fromModelParameter("raster"), BACKBONE=Source.fromStaticValue("raw"))
    add(
        "suggest", "suggestlabels", ("Places",), EMBEDDING=embedding, LABELS=labels, FIELD=field,
        COUNT=Source.fromStaticValue(5),
    )  # fmt: skip
    add("train", "trainhead", LABELS=labels, FIELD=field, EMBEDDING=embedding)
    add("apply", "applyhead", ("Map",), HEAD=Source.fromChildOutput("train", "OUTPUT"), EMBEDDING=embedding)
    add(
        "draw", "drawsample", ("Sample",), MAP=Source.fromChildOutput("apply", "OUTPUT"),
        SIZE=Source.fromStaticValue(30), MINIMUM=Source.fromStaticValue(10),
    )  # fmt: skip
    return model


def test_model_from_raster_to_sample(provider, make_raster, label_layer, tmp_path):
    path = str(tmp_path / "honest.model3")
    assert build_honest().toFile(path)
    model = QgsProcessingModelAlgorithm()
    assert model.fromFile(path) and model.validate()[0]
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback(False)
    context.setProject(QgsProject.instance())
    files = {
        name: str(tmp_path / name.split(":")[1].lower()) for name in ("suggest:Places", "apply:Map", "draw:Sample")
    }
    files = {name: f"{file}.{'tif' if name == 'apply:Map' else 'gpkg'}" for name, file in files.items()}
    _, ok = model.run({"raster": make_raster(), "labels": label_layer, **files}, context, feedback)
    assert ok, feedback.textLog()
    places = QgsVectorLayer(files["suggest:Places"], "places", "ogr")
    assert places.featureCount() == 5
    assert set(places.uniqueValues(places.fields().indexOf("suggested"))) <= {"left", "right"}
    sample = QgsVectorLayer(files["draw:Sample"] + "|layername=sample", "sample", "ogr")
    assert sample.featureCount() == 30
    assert sorted(f["order"] for f in sample.getFeatures()) == list(range(1, 31))
    assert os.path.isfile(str(tmp_path / "sample.qml"))


def test_a_step_that_fails_stops_the_model_with_its_sentence(provider, make_raster, label_layer, tmp_path):
    model = build()
    child = model.childAlgorithm("train")
    child.addParameterSources("FIELD", [Source.fromStaticValue("no such field")])
    model.setChildAlgorithm(child)
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback(False)
    context.setProject(QgsProject.instance())
    values = {"raster": make_raster(), "labels": label_layer, "apply:Map": str(tmp_path / "map.tif")}
    _, ok = model.run(values, context, feedback)
    assert not ok
    assert "no such field" in feedback.textLog()
    assert not (tmp_path / "map.tif").exists()


def test_models_pass_on_an_extent_and_a_coordinate_system(provider, qgis_new_project, tmp_path):
    model = QgsProcessingModelAlgorithm("Cells of a city", "Tests")
    for parameter in (QgsProcessingParameterExtent("place", "Place"), QgsProcessingParameterCrs("system", "System")):
        model.addModelParameter(parameter, QgsProcessingModelParameter(parameter.name()))
    child = QgsProcessingModelChildAlgorithm("quadrat:makecells")
    child.setChildId("cells")
    for d in child.algorithm().parameterDefinitions():
        if d.defaultValue() is not None:
            child.addParameterSources(d.name(), [Source.fromStaticValue(d.defaultValue())])
    child.addParameterSources("EXTENT", [Source.fromModelParameter("place")])
    child.addParameterSources("CRS", [Source.fromModelParameter("system")])
    output = QgsProcessingModelOutput("Cells", "Cells")
    output.setChildId("cells")
    output.setChildOutputName("OUTPUT")
    child.setModelOutputs({"Cells": output})
    model.addChildAlgorithm(child)
    assert model.validate()[0], model.validate()
    path = str(tmp_path / "cells.model3")
    assert model.toFile(path)
    again = QgsProcessingModelAlgorithm()
    assert again.fromFile(path)
    again.initAlgorithm()
    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    place = "-43.2,-43.19,-22.91,-22.9 [EPSG:4326]"
    values = {"place": place, "system": "EPSG:31983", "cells:Cells": str(tmp_path / "cells.gpkg")}
    _, done = again.run(values, context, QgsProcessingFeedback(False))
    assert done
    layer = QgsVectorLayer(str(tmp_path / "cells.gpkg"), "cells", "ogr")
    assert layer.crs().authid() == "EPSG:31983" and layer.featureCount() == 6 * 7
