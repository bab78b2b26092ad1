"""Variables of cells in real QGIS with the real worker, from layers in memory, and how the result looks."""

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsFeature,
    QgsGeometry,
    QgsGraduatedSymbolRenderer,
    QgsPointXY,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)
from quadrat.core.settlement.names import NINE
from quadrat.processing.styles import new_styler, style_path

UTM = "EPSG:32721"


def memory(kind, geometries, crs, fields=""):
    layer = QgsVectorLayer(f"{kind}?crs={crs}{fields}", kind, "memory")
    features = []
    for number, geometry in enumerate(geometries):
        feature = QgsFeature(layer.fields())
        feature.setAttributes([number])
        feature.setGeometry(geometry)
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


@pytest.fixture
def layers(sample_raster, qgis_new_project):
    """Sixteen cells of 150 m on the sample, which is in degrees; a street through the first row with a side street."""
    raster = QgsRasterLayer(sample_raster)
    to_metres = QgsCoordinateTransform(raster.crs(), QgsCoordinateReferenceSystem(UTM), QgsProject.instance())
    corner = to_metres.transform(QgsPointXY(raster.extent().xMinimum(), raster.extent().yMaximum()))
    west, north = round(corner.x()) + 900, round(corner.y()) - 900
    boxes = [QgsRectangle(west + 150 * i, north - 150 * (j + 1), west + 150 * (i + 1), north - 150 * j)
             for j in range(4) for i in range(4)]  # fmt: skip
    cells = memory("Polygon", [QgsGeometry.fromRect(box) for box in boxes], UTM, "&field=number:integer")
    middle = north - 75
    road = f"LineString({west} {middle}, {west + 225} {middle}, {west + 600} {middle})"
    side = f"LineString({west + 225} {middle}, {west + 225} {middle - 50})"
    streets = memory("LineString", [QgsGeometry.fromWkt(text) for text in (road, side)], UTM, "&field=id:integer")
    return cells, streets


def test_from_layers_to_a_styled_layer(run, layers, sample_raster, feedback, tmp_path):
    cells, streets = layers
    output = str(tmp_path / "Zellen é.gpkg")
    made = run("cellvariables", CELLS=cells, STREETS=streets, OPTICAL=sample_raster, VALUES="x10000",
               VARIABLES="nine", OUTPUT=output, feedback=feedback)  # fmt: skip
    layer = QgsVectorLayer(made["OUTPUT"], "cells", "ogr")
    names = layer.fields().names()
    assert [name for name in names if name in NINE] == [n for n in NINE if n not in ("slope", "profile_co")]
    assert "number" in names and layer.featureCount() == 16
    rows = {feature["number"]: feature for feature in layer.getFeatures()}
    assert [round(rows[n]["len_roads"], 2) for n in range(5)] == [150, 200, 150, 150, 0]
    assert rows[1]["nb_connect"] == 2 and rows[1]["max_connec"] == 3 and rows[4]["min_connec"] == 0
    shares, entropies = ([row[name] for row in rows.values()] for name in ("p_vegeta", "entropy"))
    assert 0 <= min(shares) < max(shares) <= 1 and 0 < min(entropies) < max(entropies) < 8
    log = feedback.textLog()
    assert "Without terrain heights there is no slope, profile_co: left out." in log
    shown(layer)
    again = QgsVectorLayer(output, "again", "ogr")
    again.loadNamedStyle(style_path(output))
    shown(again)


def shown(layer):
    """The layer as its style says: grey without streets, five classes by metres of streets."""
    styler = new_styler()
    styler.postProcessLayer(layer, QgsProcessingContext(), QgsProcessingFeedback())
    renderer = layer.renderer()
    assert isinstance(renderer, QgsGraduatedSymbolRenderer) and renderer.classAttribute() == "len_roads"
    ranges = renderer.ranges()
    assert (ranges[0].lowerValue(), ranges[0].upperValue()) == (0, 0)
    for feature in layer.getFeatures():
        found = [r for r in ranges if r.lowerValue() <= feature["len_roads"] <= r.upperValue()]
        assert found, feature["len_roads"]
        assert (found[0] is ranges[0]) == (feature["len_roads"] == 0)
    assert ranges[-1].label().endswith(" m of streets") and "entropy" in layer.mapTipTemplate()


def test_points_and_tables_are_refused_in_a_sentence(run, layers):
    from qgis.core import QgsProcessingException

    cells, _ = layers
    points = memory("Point", [QgsGeometry.fromWkt("Point(0 0)")], cells.crs().authid(), "&field=id:integer")
    with pytest.raises(QgsProcessingException, match=r"holds no lines\. Streets are a layer of lines"):
        run("cellvariables", CELLS=cells, STREETS=points, OUTPUT="TEMPORARY_OUTPUT")
