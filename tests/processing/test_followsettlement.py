"""Follow favelas over dates in QGIS: several layers of a form, the worker, the layer of changes and its looks."""

import random

import pytest
from qgis.core import (
    QgsExpression,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsFeature,
    QgsGeometry,
    QgsProcessingFeatureSourceDefinition,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
)
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.settlement.names import CHANGES
from quadrat.processing.vectorstyles import dress, stand_in

SIDE, ROWS = 150.0, 16
FIELDS = "field=label:string&field=cell:int&field=row:int&field=col:int&field=slope:double&field=p_vegeta:double"


def cells_of(name, dates, became=()):
    """A memory layer of 16 x 16 cells, favela in a chequer; on later dates in other units, and `became` with it."""
    layer = QgsVectorLayer(f"Polygon?crs=EPSG:32723&{FIELDS}", name, "memory")
    itself, noise, features = random.Random(0), random.Random(dates), []
    for number in range(ROWS * ROWS):
        row, col = divmod(number, ROWS)
        favela = (row // 4 + col // 4) % 3 == 0
        there = favela or number in became
        numbers = [itself.gauss(0, 1) + sign * 3 * there + noise.gauss(0, 0.3) for sign in (1, -1)]
        feature = QgsFeature(layer.fields())
        left, top = 600_000 + SIDE * col, 7_460_000 - SIDE * row
        feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(left, top - SIDE, left + SIDE, top)))
        moved = [number_of * (1 + 0.5 * dates) + 2 * dates for number_of in numbers]
        feature.setAttributes(["favela" if favela else "residential", number, row, col, *moved])
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


BECAME = {4, 5, 6, 7, 20, 21, 22, 23}


@pytest.fixture
def two(qgis_new_project):
    """The city in 2016 and in 2024, in memory, as layers of the project."""
    layers = [cells_of("rio 2016", 0), cells_of("rio 2024", 1, BECAME)]
    QgsProject.instance().addMapLayers(layers)
    return layers


@pytest.fixture
def methods(run, two, context, feedback, tmp_path):
    path = str(tmp_path / "rio.qmethods")
    run(
        "trainsettlement", CELLS=two[0], METHODS=["forest-variables"], BLOCK_SIZE_M=300, OUTPUT=path, context=context,
        feedback=feedback,
    )  # fmt: skip
    return path


def test_from_two_layers_in_memory_to_a_styled_layer(run, two, methods, context, feedback, tmp_path):
    path = str(tmp_path / "mudança.gpkg")
    run(
        "followsettlement", METHODS=methods, CELLS=[layer.id() for layer in two], DATES="2016; 2024", OUTPUT=path,
        context=context, feedback=feedback,
    )  # fmt: skip
    layer = QgsVectorLayer(path, "changes", "ogr")
    became = {feature["cell"] for feature in layer.getFeatures() if feature["change"] == "became favela"}
    assert len(became & BECAME) >= 6 and len(became - BECAME) <= 1
    log = feedback.textLog()
    assert "2024 was brought to 2016" in log and "cells became favela" in log and "Estimate area" in log
    assert log.count("its 256 features are copied") == 3, "one for training, two for the dates"
    labels = {category.value(): category.label() for category in layer.renderer().categories()}
    assert set(labels) == {*CHANGES, ""} and labels["became favela"] == "became favela, 2016 to 2024"
    scope = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    scope.setFeature(next(feature for feature in layer.getFeatures() if feature["cell"] in became))
    tip = QgsExpression.replaceExpressionText(layer.mapTipTemplate(), scope)
    assert "<b>became favela</b> (confidence that it changed: " in tip and "2016: " in tip and "[%" not in tip


def test_layers_come_as_a_form_or_a_script_has_them(request_of, two, tmp_path):
    (tmp_path / "rio.qmethods").write_bytes(b"")
    values = {"METHODS": str(tmp_path / "rio.qmethods"), "OUTPUT": str(tmp_path / "changes.gpkg")}
    given = [str(tmp_path / "a.gpkg"), str(tmp_path / "b.gpkg")]
    for path in given:
        (tmp_path / path).write_bytes(b"")
    assert request_of("followsettlement", CELLS=given, **values).job.cells == tuple(given)
    assert request_of("followsettlement", CELLS=";".join(given), **values).job.cells == tuple(given)
    some = QgsProcessingFeatureSourceDefinition(two[1].id(), True)
    two[1].selectByIds([1, 2])
    request = request_of("followsettlement", CELLS=[given[0], two[0], some], **values)
    assert request.job.cells[0] == given[0] and len(request.job.cells) == 3 and len(request.copies) == 2
    assert request.copies[1].count == 2 and len({copy.path for copy in request.copies}) == 2
    with pytest.raises(BadJob, match="two dates at least"):
        request_of("followsettlement", CELLS=[two[0]], **values)
    with pytest.raises(BadJob, match=r"Cells of each date \(CELLS\)"):
        request_of("followsettlement", CELLS=[], **values)
    with pytest.raises(BadInput, match="there is no vector layer or table"):
        request_of("followsettlement", CELLS=[given[0], str(tmp_path / "none.gpkg")], **values)
    with pytest.raises(BadJob, match="would overwrite"):
        request_of("followsettlement", CELLS=given, **{**values, "OUTPUT": given[1]})


def test_the_form_offers_the_fields_that_all_layers_have(two, provider, context):
    from qgis.gui import QgsGui, QgsProcessingContextGenerator, QgsProcessingGui

    class Generator(QgsProcessingContextGenerator):
        def processingContext(self):
            return context

    context.setProject(QgsProject.instance())
    algorithm, generator = provider.algorithm("followsettlement").create(), Generator()
    make = QgsGui.processingGuiRegistry().createParameterWidgetWrapper
    layers, stable = (
        make(algorithm.parameterDefinition(name), QgsProcessingGui.WidgetType.Standard)
        for name in ("CELLS", "STABLE_FIELD")
    )
    for wrapper in (layers, stable):
        wrapper.registerProcessingContextGenerator(generator)
    shown, box = layers.createWrappedWidget(context), stable.createWrappedWidget(context)
    layers.setParameterValue([layer.id() for layer in two], context)
    stable.postInitialize([layers, stable])
    assert [box.itemText(i) for i in range(box.count())] == ["", "label", "cell", "row", "col", "slope", "p_vegeta"]
    del shown


def test_every_change_has_a_colour_of_its_own(qgis_app):
    layer = stand_in("settlementchange", {"p_columns": {"2016": "p_2016"}})
    assert dress(layer, "settlementchange", {"p_columns": {"2016": "p_2016"}})
    colours = {category.symbol().color().name() for category in layer.renderer().categories()}
    assert len(colours) == len(CHANGES) + 1
