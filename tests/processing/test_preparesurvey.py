"""Prepare survey points in QGIS: from a form to circles, their colours, legend and map tips."""

import csv

import pytest
from qgis.core import (
    QgsExpression,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsFeature,
    QgsGeometry,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsPointXY,
    QgsProject,
    QgsRectangle,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QSize
from quadrat.processing.styles import layer_name, new_styler, read_facts, save_style
from quadrat.processing.surveystyles import FIELDS, LIKELY
from quadrat.processing.vectorstyles import dress, stand_in

TOLD = {
    "breaks": [0, 1, 2],
    "indicator": "wealth",
    "displacement": {"rural_m": 5000, "far_m": 10_000, "far_share": 0.01},
}


@pytest.fixture
def gps(qgis_new_project):
    """A memory layer as a DHS GPS file is: one urban cluster, one rural, and one whose position is missing."""
    layer = QgsVectorLayer(
        "Point?crs=EPSG:4326&field=DHSCLUST:double&field=URBAN_RURA:string&field=DHSYEAR:integer&field=wealth:double",
        "TGGE61FL", "memory",
    )  # fmt: skip
    features = []
    for number, (x, y, urban, value) in enumerate([(1.2, 6.2, "U", 2.0), (1.5, 6.5, "R", -1.0), (0, 0, "R", 0.0)], 1):
        feature = QgsFeature(layer.fields())
        feature.setAttributes([float(number), urban, 2013, value])
        feature.setGeometry(QgsGeometry.fromPointXY(QgsPointXY(x, y)))
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    QgsProject.instance().addMapLayer(layer)
    return layer


@pytest.fixture
def prepared(run, gps, tmp_path, context, feedback):
    path = str(tmp_path / "survey.gpkg")
    run("preparesurvey", SURVEY=gps, VALUE_FIELD="wealth", OUTPUT=path, context=context, feedback=feedback)
    layer = QgsVectorLayer(path, "survey", "ogr")
    new_styler().postProcessLayer(layer, context, feedback)
    return layer


def evaluated(layer, feature, text):
    context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    context.setFeature(feature)
    return QgsExpression.replaceExpressionText(text, context)


def test_a_gps_file_and_an_indicator_are_enough(prepared, feedback):
    layer = prepared
    assert layer.geometryType() == QgsWkbTypes.GeometryType.PolygonGeometry and layer.crs().authid() == "EPSG:4326"
    found = {f["cluster"]: (f["urban"], f["value"], f["radius_m"], f["year"]) for f in layer.getFeatures()}
    assert found == {"1": ("urban", 2.0, 2000, 2013), "2": ("rural", -1.0, 10_000, 2013)}
    assert "Left out: 1 row at the position 0, 0" in feedback.textLog()
    assert set(FIELDS) <= set(layer.fields().names())


def test_the_legend_says_what_a_circle_means(prepared):
    rules = prepared.renderer().rootRule().children()
    labels = [rule.label() for rule in rules]
    assert labels[0] == "wealth" and " ".join(labels[-3:-1]) == "The true place lies somewhere in the circle"
    assert "1 % of rural" in labels[-1] and all(" to " in label for label in labels[1:-3])
    drawn = [rule for rule in rules if rule.symbol() is not None]
    assert len(drawn) == len(labels) - 4
    for feature in prepared.getFeatures():
        context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(prepared))
        context.setFeature(feature)
        assert sum(bool(QgsExpression(rule.filterExpression()).evaluate(context)) for rule in drawn) == 1


def test_map_tips_tell_value_households_and_year(prepared):
    tips = {f["cluster"]: evaluated(prepared, f, prepared.mapTipTemplate()) for f in prepared.getFeatures()}
    assert "wealth: 2</b> (2013)" in tips["1"] and "1, urban" in tips["1"] and "within 2 km" in tips["1"]
    assert "within 10 km" in tips["2"] and "households" not in tips["2"], "not known here"


def test_wider_circles_are_paler_and_all_are_translucent(prepared):
    """One colour, so that only the width of the circle differs; a white map behind."""
    dress(prepared, "survey", {**TOLD, "breaks": [-5, 5]})
    colours = {}
    for feature in prepared.getFeatures():
        x, y = feature["published_x"], feature["published_y"]
        settings = QgsMapSettings()
        settings.setLayers([prepared])
        settings.setDestinationCrs(prepared.crs())
        settings.setExtent(QgsRectangle(x - 0.1, y - 0.1, x + 0.1, y + 0.1))
        settings.setOutputSize(QSize(200, 200))
        job = QgsMapRendererSequentialJob(settings)
        job.start()
        job.waitForFinished()
        image = job.renderedImage()
        # The middle, 2.8 km and 7.5 km east of it.
        colours[feature["cluster"]] = [image.pixelColor(100 + east, 100).lightnessF() for east in (0, 25, 68)]
    urban, rural = colours["1"], colours["2"]
    assert urban[0] < rural[0] < rural[2] < 1, "paler where wider, palest where only the few lie"
    assert rural[0] == rural[1] and urban[1] == 1


def test_the_inner_circle_is_as_wide_as_most_are_moved(prepared):
    for feature in prepared.getFeatures():
        context = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(prepared))
        context.setFeature(feature)
        inner = QgsExpression(LIKELY).evaluate(context)
        share = inner.area() / feature.geometry().area()
        assert share == pytest.approx((feature["likely_m"] / feature["radius_m"]) ** 2, rel=0.01)


def test_circles_of_one_width_and_values_without_classes(qgis_app):
    layer = stand_in("survey", TOLD)
    assert dress(layer, "survey", {**TOLD, "displacement": {"rural_m": 5000, "far_m": 10_000, "far_share": 0}})
    assert layer.renderer().rootRule().children()[-1].label() == "somewhere in the circle"
    assert dress(layer, "survey", {}) and layer.renderer().rootRule().children()[0].label() == "value"


def test_the_style_lies_beside_the_file_and_the_layer_is_named_after_the_survey(prepared, tmp_path):
    path = str(tmp_path / "survey.gpkg")
    (tmp_path / "survey.qml").unlink()
    assert save_style(path)
    assert QgsVectorLayer(path, "again", "ogr").renderer().type() == "RuleRenderer"
    assert layer_name("Survey areas", read_facts(path)[1]) == "Survey areas of TGGE61FL"


def test_households_with_a_gps_file_and_areas(run, gps, tmp_path, context, feedback):
    """The wealth index of two households; circles cut at a border that runs through the urban cluster."""
    rich = {"hv208": 1, "hv209": 1, "hv221": 1, "hv212": 1, "hv210": 1, "hv206": 1, "hv207": 1, "hv211": 1, "hv201": 11,
            "hv205": 11, "hv213": 33, "hv216": 5}  # fmt: skip
    poor = {**dict.fromkeys(rich, 0), "hv201": 43, "hv205": 31, "hv213": 11, "hv216": 1}
    source = tmp_path / "hr.csv"
    with open(source, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["hv001", "hv002", "hv005", *rich])
        writer.writeheader()
        writer.writerows(
            [{"hv001": 1, "hv002": k, "hv005": w, **row} for k, (w, row) in enumerate([(1, rich), (3, poor)])]
        )
    admin = QgsVectorLayer("Polygon?crs=EPSG:4326", "admin", "memory")
    feature = QgsFeature()
    feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(1.2, 6.0, 2.0, 7.0)))
    admin.dataProvider().addFeatures([feature])
    QgsProject.instance().addMapLayer(admin)
    table = QgsVectorLayer(str(source), "hr", "ogr")
    QgsProject.instance().addMapLayer(table)
    path, codes = str(tmp_path / "iwi.gpkg"), tmp_path / "codes.csv"
    run(
        "preparesurvey", SURVEY=table, COORDINATES=gps, AREAS=admin, OUTPUT=path, CODES=str(codes), context=context,
        feedback=feedback,
    )  # fmt: skip
    (row,) = QgsVectorLayer(path, "iwi", "ogr").getFeatures()
    assert row["value"] == pytest.approx(25, abs=1e-4) and row["households"] == 2 and row["year"] == 2013
    assert row.geometry().boundingBox().xMinimum() == pytest.approx(1.2)
    assert "piped into dwelling" in codes.read_text(encoding="utf-8")
    layer = QgsVectorLayer(path, "iwi", "ogr")
    dress(layer, "survey", read_facts(path)[0])
    assert ", 2 households" in evaluated(layer, row, layer.mapTipTemplate())
