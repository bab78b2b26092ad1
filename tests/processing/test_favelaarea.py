"""The area of favelas in QGIS with the real worker: map, sample, labels given by editing, report; what forms offer."""

import json
import random
from pathlib import Path

import pytest
from qgis.core import QgsApplication, QgsFeature, QgsGeometry, QgsProject, QgsRectangle, QgsVectorLayer
from quadrat.plugin.prefill import start_values

SIDE, ROWS = 150.0, 20
FIELDS = "field=label:string&field=status:string&field=cell:int&field=row:int&field=col:int&field=slope:double"


def is_favela(number):
    row, col = divmod(number, ROWS)
    return (row // 4 + col // 4) % 3 == 0


@pytest.fixture(scope="module")
def city(qgis_app):
    """20 x 20 cells in memory, favela in a chequer; the last row is discarded, the first column cut to a third."""
    layer = QgsVectorLayer(f"Polygon?crs=EPSG:32723&{FIELDS}", "city", "memory")
    noise, features = random.Random(3), []
    for number in range(ROWS * ROWS):
        row, col = divmod(number, ROWS)
        gone, favela = row == ROWS - 1, is_favela(number)
        feature = QgsFeature(layer.fields())
        left, top = 600_000 + SIDE * col, 7_460_000 - SIDE * row
        west = left + SIDE * 2 / 3 if col == 0 else left
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(west, top - SIDE, left + SIDE, top)))
        label = None if gone else "favela" if favela else "residential"
        slope = noise.gauss(12.0 if favela else 9.0, 1.0)
        feature.setAttributes([label, "vegetation" if gone else label, number, row, col, slope])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


@pytest.fixture(scope="module")
def mapped(provider, city, tmp_path_factory):
    """The file of 'Map favelas'."""
    import processing

    folder = tmp_path_factory.mktemp("area")
    methods, path = str(folder / "m.qmethods"), str(folder / "favelas é.gpkg")
    taught = {"CELLS": city, "METHODS": ["forest-variables"], "BLOCK_SIZE_M": 300, "OUTPUT": methods}
    processing.run("quadrat:trainsettlement", taught)
    processing.run("quadrat:mapsettlement", {"METHODS": methods, "CELLS": city, "OUTPUT": path})
    return path


@pytest.fixture
def favelas(mapped, qgis_new_project):
    """The map in the project."""
    layer = QgsVectorLayer(mapped, "favelas", "ogr")
    QgsProject.instance().addMapLayer(layer)
    return layer


def labelled(path, value):
    """The sample as a layer of the project, its field filled by editing as a person does."""
    layer = QgsVectorLayer(f"{path}|layerid=0", "sample", "ogr")
    at = layer.fields().indexOf("reference")
    assert layer.startEditing()
    for feature in layer.getFeatures():
        assert layer.changeAttributeValue(feature.id(), at, value(feature["cell"]))
    assert layer.commitChanges(), layer.commitErrors()
    QgsProject.instance().addMapLayer(layer)
    return layer


def test_from_the_map_to_hectares_with_what_forms_offer(run, favelas, context, feedback, tmp_path):
    sample, report = str(tmp_path / "sample.gpkg"), str(tmp_path / "area.html")
    offered = start_values("drawsample", favelas)
    assert offered == {"UNITS": favelas.id(), "UNIT_FIELD": "cell", "STRATUM_FIELD": "class"}
    run("drawsample", **offered, SIZE=120, MINIMUM=40, OUTPUT=sample, context=context, feedback=feedback)
    assert "20 units" in feedback.textLog() and "left out" in feedback.textLog()
    layer = labelled(sample, lambda cell: "favela" if is_favela(cell) else "other")
    assert layer.fields().names() == ["fid", "place", "order", "reference", "cell"]
    offered = start_values("estimatearea", layer)
    assert offered == {
        "SAMPLE": layer.id(), "UNITS": favelas.id(), "PREDICTION_FIELD": "class", "OF_CLASS": "favela",
    }  # fmt: skip
    run("estimatearea", **offered, OUTPUT=report, context=context, feedback=feedback)
    numbers = json.loads(Path(report).with_suffix(".json").read_text(encoding="utf-8"))
    row = numbers["rows"][numbers["headline"]]
    real = sum(2.25 / (3 if n % ROWS == 0 else 1) for n in range(ROWS * (ROWS - 1)) if is_favela(n))
    assert (numbers["kind"], numbers["unit"], row["name"]) == ("area", "ha", "favela")
    assert row["shown"]["low"] <= real <= row["shown"]["high"] and row["counted"] is not None
    assert "All units that are favela together cover" in feedback.textLog()


def test_ground_from_shares(run, favelas, context, feedback, tmp_path):
    sample, report = str(tmp_path / "sample.gpkg"), str(tmp_path / "ground.html")
    run("drawsample", **start_values("drawsample", favelas), SIZE=100, MINIMUM=30, OUTPUT=sample, context=context,
        feedback=feedback)  # fmt: skip
    layer = labelled(sample, lambda cell: "0.8" if is_favela(cell) else "0.05")
    offered = {**start_values("estimatearea", layer), "PREDICTION_FIELD": "probability", "TARGET": "value"}
    run("estimatearea", **offered, OUTPUT=report, context=context, feedback=feedback)
    numbers = json.loads(Path(report).with_suffix(".json").read_text(encoding="utf-8"))
    areas = {n: 2.25 / (3 if n % ROWS == 0 else 1) for n in range(ROWS * (ROWS - 1))}
    real = sum(area * (0.8 if is_favela(n) else 0.05) for n, area in areas.items())
    row = numbers["rows"][0]
    assert (numbers["kind"], numbers["unit"], numbers["estimator"]) == ("ground", "ha", "prediction")
    assert row["shown"]["low"] <= real <= row["shown"]["high"]


def test_the_cells_to_learn_from_are_no_sample(favelas, tmp_path):
    """Cells have a field of labels as samples have, and are offered to train on, not to estimate from."""
    path = str(tmp_path / "cells.gpkg")
    Path(path).write_bytes(Path(favelas.source().partition("|")[0]).read_bytes())
    told = {"facts": {"label_field": "label"}, "job": {"job": "makecells", "output": path}}
    Path(f"{path}.quadrat.json").write_text(json.dumps(told))
    cells = QgsVectorLayer(path, "cells", "ogr")
    QgsProject.instance().addMapLayer(cells)
    assert start_values("trainsettlement", cells)["CELLS"] == cells.id()
    assert "SAMPLE" not in start_values("estimatearea", cells)


def test_the_field_of_the_prediction_is_one_of_all_units(qgis_app):
    algorithm = QgsApplication.processingRegistry().algorithmById("quadrat:estimatearea")
    assert algorithm.parameterDefinition("PREDICTION_FIELD").parentLayerParameterName() == "UNITS"
