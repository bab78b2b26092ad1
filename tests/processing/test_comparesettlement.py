"""Compare favela methods in QGIS: the form, the worker, the report beside its table, and the map of errors."""

import csv
import json
import random

import pytest
from qgis.core import QgsExpression, QgsExpressionContext, QgsFeature, QgsGeometry, QgsRectangle, QgsVectorLayer
from quadrat.processing.vectorstyles import dress, stand_in

SIDE = 150.0


@pytest.fixture
def city(qgis_app):
    """A memory layer of 12 x 12 cells: favela in a chequer of squares of nine cells, told by two noisy variables."""
    names = "field=label:string&field=row:int&field=col:int&field=zone:string&field=slope:double&field=p_vegeta:double"
    layer = QgsVectorLayer(f"Polygon?crs=EPSG:32723&{names}", "cidade", "memory")
    rng, features = random.Random(0), []
    for row in range(12):
        for col in range(12):
            favela = (row // 3 + col // 3) % 3 == 0
            feature = QgsFeature(layer.fields())
            left, top = 600_000 + SIDE * col, 7_460_000 - SIDE * row
            feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(left, top - SIDE, left + SIDE, top)))
            numbers = [rng.gauss(2.0 * favela, 1), rng.gauss(-1.0 * favela, 1)]
            label = "favela" if favela else "residential"
            feature.setAttributes([label, row, col, "leste" if col > 5 else "oeste", *numbers])
            features.append(feature)
    layer.dataProvider().addFeatures(features)
    return layer


def test_from_a_form_to_a_report_and_a_styled_map(run, city, feedback, context, tmp_path):
    report, errors = tmp_path / "comparação.html", str(tmp_path / "errors.gpkg")
    found = run(
        "comparesettlement", CELLS=city, METHODS=["forest-variables", "forest-features"], FOLDS=2, REPEATS=1,
        INNER_FOLDS=2, BLOCK_SIZE_M=450, OUTPUT=str(report), ERRORS=errors, feedback=feedback, context=context,
    )  # fmt: skip
    assert found["OUTPUT"] == str(report) and "<title>Which method" in report.read_text(encoding="utf-8")
    numbers = json.loads(report.with_suffix(".json").read_text(encoding="utf-8"))
    assert [one["name"] for one in numbers["schemes"]] == ["random", "blocks", "zones"]
    with report.with_suffix(".csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["zone"] for row in rows} == {"", "leste", "oeste"}
    log = feedback.textLog()
    assert "Left out: Forest on features needs an embedding" in log and "IoU" in log
    layer = QgsVectorLayer(errors, "errors", "ogr")
    assert layer.featureCount() == 144 and layer.renderer().type() == "categorizedSymbol"
    values = {str(category.value()) for category in layer.renderer().categories()}
    for feature in layer.getFeatures():
        here = QgsExpressionContext()
        here.setFields(layer.fields())
        here.setFeature(feature)
        value = QgsExpression(layer.renderer().classAttribute()).evaluate(here)
        assert str(value) in values
        assert (value in (0, 1, 2)) == (feature["label"] == "favela")
        assert (value in (0, 3)) == (feature["right_mean"] >= 0.5)


def test_maps_of_errors_have_a_colour_for_each_kind(qgis_app):
    layer = stand_in("methoderrors", {})
    assert dress(layer, "methoderrors", {})
    categories = layer.renderer().categories()
    assert len({c.symbol().color().name() for c in categories}) == len(categories) == 7
