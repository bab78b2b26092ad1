"""Layers of places open ready to be labelled: numbered, coloured by class, the class picked from a list."""

import json
from pathlib import Path

import pytest
from osgeo import ogr, osr
from qgis.core import (
    NULL,
    QgsExpressionContext,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsRenderContext,
    QgsSymbolLayer,
    QgsValueMapFieldFormatter,
    QgsVectorLayer,
)
from quadrat.processing.styles import credits_of, new_styler, save_style, style_path, with_classes
from quadrat.processing.vectorstyles import DRESSERS, WAITING, classes_of, dress

OUTPUT_OF = {"cloud": "output_points"}
CLASSES = [{"value": 1, "name": "água", "colour": "#4477aa"}, {"value": 2, "name": "it's wood", "colour": "#228833"}]


@pytest.fixture
def points(tmp_path, qgis_app):
    """`points(facts, field)`: a GeoPackage as the engine writes it, with its sidecar."""

    def points(facts, field="class", kind="places", job="suggestlabels", name="places.gpkg"):
        path = str(tmp_path / name)
        system = osr.SpatialReference()
        system.ImportFromEPSG(32633)
        source = ogr.GetDriverByName("GPKG").CreateDataSource(path)
        shape = ogr.wkbLineString if kind == "links" else ogr.wkbPoint
        layer = source.CreateLayer(Path(path).stem, system, shape)
        columns = [("rank", ogr.OFTInteger64), (field, ogr.OFTString), ("reason", ogr.OFTString)]
        columns += [("confidence", ogr.OFTReal), ("colour", ogr.OFTString)]
        for column, what in columns:
            layer.CreateField(ogr.FieldDefn(column, what))
        for rank in range(1, 4):
            feature = ogr.Feature(layer.GetLayerDefn())
            feature["rank"], feature["reason"], feature["colour"] = rank, f"why {rank}", "#ff0000"
            text = "LINESTRING(0 0, 10 10)" if kind == "links" else f"POINT({500_000 + 100 * rank} 5400000)"
            feature.SetGeometry(ogr.CreateGeometryFromWkt(text))
            if rank == 3:
                feature[field] = "água"
            layer.CreateFeature(feature)
        source = None
        sidecar = {"facts": {"result": kind, **facts}, "job": {"job": job, OUTPUT_OF.get(kind, "output"): path}}
        Path(path + ".quadrat.json").write_text(json.dumps(sidecar), encoding="utf-8")
        return path

    return points


def loaded(path):
    layer = QgsVectorLayer(path, "places", "ogr")
    assert layer.isValid()
    return layer


def colour_at(layer, rank):
    """Fill of the symbol that QGIS takes for the feature of this rank."""
    context = QgsRenderContext()
    context.setExpressionContext(QgsExpressionContext())
    feature = next(f for f in layer.getFeatures() if f["rank"] == rank)
    context.expressionContext().setFeature(feature)
    context.expressionContext().setFields(layer.fields())
    renderer = layer.renderer().clone()
    renderer.startRender(context, layer.fields())
    symbol = renderer.symbolForFeature(feature, context)
    found = symbol.color().name() if symbol else None
    renderer.stopRender(context)
    return found


def dressed_by_file(path):
    assert save_style(path)
    return loaded(path)


def dressed_by_processing(path):
    layer = loaded(path)
    new_styler().postProcessLayer(layer, QgsProcessingContext(), QgsProcessingFeedback(False))
    return layer


@pytest.mark.parametrize("how", [dressed_by_file, dressed_by_processing])
def test_places_wait_for_their_class(points, how):
    layer = how(points({"classes": CLASSES, "class_field": "class"}))
    assert colour_at(layer, 1) == WAITING
    assert colour_at(layer, 3) == "#4477aa"
    assert layer.labelsEnabled()
    assert layer.labeling().settings().fieldName == "rank"
    assert "reason" in layer.mapTipTemplate()
    widget = layer.editorWidgetSetup(layer.fields().indexOf("class"))
    assert widget.type() == "ValueMap"
    choices = {name: value for entry in widget.config()["map"] for name, value in entry.items()}
    assert choices.pop("(to be labelled)") == QgsValueMapFieldFormatter.NULL_VALUE
    assert choices == {"água": "água", "it's wood": "it's wood"}
    form = layer.editFormConfig()
    assert form.readOnly(layer.fields().indexOf("rank"))
    assert not form.readOnly(layer.fields().indexOf("class"))


@pytest.mark.parametrize("how", [dressed_by_file, dressed_by_processing])
def test_the_class_field_may_be_called_otherwise(points, how):
    layer = how(points({"classes": ["água", "mata"], "class_field": 'Klasse "x"'}, field='Klasse "x"'))
    place = layer.fields().indexOf('Klasse "x"')
    assert layer.editorWidgetSetup(place).type() == "ValueMap"
    assert colour_at(layer, 3) != WAITING == colour_at(layer, 2)


@pytest.mark.parametrize("how", [dressed_by_file, dressed_by_processing])
@pytest.mark.parametrize("field", ["class", 'Klasse "x"'])
def test_unknown_classes_are_typed_and_remembered(points, how, field):
    layer = how(points({"class_field": field}, field=field))
    widget = layer.editorWidgetSetup(layer.fields().indexOf(field))
    assert (widget.type(), widget.config().get("Editable")) == ("UniqueValues", True)
    assert colour_at(layer, 1) == WAITING != colour_at(layer, 3)


def test_labelling_a_place_changes_its_colour_and_reaches_the_file(points):
    path = points({"classes": CLASSES, "class_field": "class"})
    layer = dressed_by_file(path)
    assert layer.startEditing()
    feature = next(f for f in layer.getFeatures() if f["rank"] == 1)
    layer.changeAttributeValue(feature.id(), layer.fields().indexOf("class"), "it's wood")
    assert layer.commitChanges()
    assert colour_at(layer, 1) == "#228833"
    assert [f["class"] for f in loaded(path).getFeatures()] == ["it's wood", NULL, "água"]


def test_links_are_lines_of_their_class(points):
    layer = dressed_by_file(points({"classes": ["água", "mata"]}, kind="links", job="explainplaces"))
    assert colour_at(layer, 3) == "#4477aa"
    assert colour_at(layer, 1) is None, "an example always has a class"


def test_points_of_a_picture_have_its_colours(points):
    layer = dressed_by_file(points({}, kind="cloud", job="reduceembedding"))
    symbol = layer.renderer().symbol().clone()
    fill = symbol.symbolLayer(0).dataDefinedProperties().property(QgsSymbolLayer.Property.PropertyFillColor)
    assert (fill.isActive(), fill.field()) == (True, "colour")


@pytest.mark.parametrize("kind", DRESSERS)
@pytest.mark.parametrize(
    "facts", [{}, {"classes": None, "class_field": None}, {"classes": [{}], "class_field": "gone"}]
)
def test_missing_facts_still_give_a_style(points, kind, facts):
    layer = dressed_by_processing(points(facts, kind=kind))
    assert layer.renderer() is not None
    assert dress(QgsVectorLayer("None?field=a:string", "t", "memory"), kind, facts) is False
    assert dress(layer, "nothing known", facts) is False


def test_tables_in_text_files_get_no_style_file(points, tmp_path):
    path = points({}, kind="cloud", job="reduceembedding")
    Path(f"{tmp_path}/points.csv").write_text("a,b\n1,2\n")
    Path(f"{tmp_path}/points.csv.quadrat.json").write_text(Path(f"{path}.quadrat.json").read_text())
    assert not save_style(f"{tmp_path}/points.csv")
    assert not Path(style_path(f"{tmp_path}/points.csv")).exists()


def test_a_style_file_does_not_touch_the_layer(points):
    path = points({"classes": CLASSES, "class_field": "class"})
    before = Path(path).read_bytes()
    assert save_style(path)
    assert Path(path).read_bytes() == before


def test_classes_are_read_from_names_and_entries():
    assert [name for name, _ in classes_of({"classes": ["a", {"name": "b"}, {"name": ""}, None]})] == ["a", "b"]
    assert len({colour for _, colour in classes_of({"classes": list("abcdefgh")})}) == 8


def test_a_drawn_sample_is_numbered_by_its_order_and_offers_the_classes_of_its_map(points, tmp_path):
    told = {"classes": [*CLASSES, {"value": 3, "name": "unsure", "colour": "#9e9e9e"}], "unsure": {"coverage": 0.9}}
    Path(f"{tmp_path}/map.tif.quadrat.json").write_text(json.dumps({"facts": told, "job": {}}))
    path = points({"label_field": "reference"}, field="reference", job="drawsample")
    content = json.loads(Path(f"{path}.quadrat.json").read_text())
    content["job"]["map"] = f"{tmp_path}/map.tif"
    Path(f"{path}.quadrat.json").write_text(json.dumps(content))
    source = ogr.Open(path, 1)
    source.ExecuteSQL('ALTER TABLE "places" RENAME COLUMN rank TO "order"')
    source = None
    for layer in (dressed_by_file(path), dressed_by_processing(path)):
        assert layer.labeling().settings().fieldName == "order"
        widget = layer.editorWidgetSetup(layer.fields().indexOf("reference"))
        names = [name for entry in widget.config()["map"] for name in entry]
        assert names == ["(to be labelled)", "água", "it's wood"], "nothing on the ground is unsure"


def test_a_class_called_unsure_may_be_chosen_and_the_open_places_beside_it_may_not(tmp_path):
    told = {"classes": [{"name": "unsure"}, {"name": "unsure?"}], "unsure": {"coverage": 0.9}}
    Path(f"{tmp_path}/map.tif.quadrat.json").write_text(json.dumps({"facts": told, "job": {}}))
    assert with_classes({}, {"map": f"{tmp_path}/map.tif"}) == {"classes": [{"name": "unsure"}]}


def test_units_that_are_areas_are_framed_so_that_they_can_be_looked_at(qgis_app):
    layer = QgsVectorLayer("Polygon?field=order:integer&field=reference:string", "units", "memory")
    assert dress(layer, "places", {"label_field": "reference", "classes": CLASSES})
    categories = layer.renderer().categories()
    assert [type(c.symbol()).__name__ for c in categories] == ["QgsFillSymbol"] * 3
    drawn = [one.properties()["style"] for c in categories for one in c.symbol().symbolLayers()]
    assert drawn == ["no"] * 6, "nothing covers the picture"
    assert categories[1].symbol().symbolLayer(1).strokeColor().name() == CLASSES[0]["colour"]


def test_shares_are_shown_in_per_cent_and_other_variables_by_their_breaks(qgis_app):
    layer = QgsVectorLayer("Polygon?field=p_vegeta:double&field=len_roads:double", "cells", "memory")

    def legend(**facts):
        assert dress(layer, "variables", facts)
        return [one.label() for one in layer.renderer().ranges()]

    green = legend(shown="p_vegeta", shown_zeros=True, shown_breaks=[0, 0.898, 1])
    assert green[:2] == ["0 % vegetated", "0 - 20 % vegetated"] and green[-1] == "80 - 100 % vegetated"
    assert legend(shown="len_roads", shown_breaks=[0, 12.5, 400]) == [
        "0 - 12.5 m of streets",
        "12.5 - 400 m of streets",
    ]


def test_credits_stand_in_the_properties_of_the_layer(points):
    path = points({"credits": ["Made by somebody. (CC-BY-4.0)"], "class_field": "class"})
    assert credits_of({}) == []
    layer = dressed_by_processing(path)
    assert layer.metadata().rights() == ["Made by somebody. (CC-BY-4.0)"]
    assert "Made by somebody." in layer.metadata().abstract()
