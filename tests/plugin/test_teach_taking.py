import pytest
from qgis.core import (
    QgsCategorizedSymbolRenderer,
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFillSymbol,
    QgsGeometry,
    QgsMapRendererSequentialJob,
    QgsMapSettings,
    QgsMarkerSymbol,
    QgsProject,
    QgsRendererCategory,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QSize
from qgis.PyQt.QtGui import QColor
from quadrat.core.errors import BadInput, Unwritable
from quadrat.plugin.teach.classes import ClassList
from quadrat.plugin.teach.labels import LabelLayer
from quadrat.plugin.teach.labelstyle import EARLIER
from quadrat.plugin.teach.taking import AT_ONCE, Taking

from .labelwork import CRS, on_disk, point, square


@pytest.fixture
def labels(qgis_new_project, tmp_path):
    made = LabelLayer.create(str(tmp_path / "labels.gpkg"), QgsCoordinateReferenceSystem(CRS))
    made.show()
    yield made
    made.close()


def layer_of(kind, rows, fields="field=kind:string&field=height:double", crs="EPSG:4326"):
    """A layer of the project with these rows: geometry as WKT and attributes."""
    layer = QgsVectorLayer(f"{kind}?crs={crs}&{fields}", "others", "memory")
    features = []
    for wkt, *attributes in rows:
        feature = QgsFeature(layer.fields())
        feature.setGeometry(QgsGeometry.fromWkt(wkt))
        feature.setAttributes(attributes)
        features.append(feature)
    assert layer.dataProvider().addFeatures(features)[0]
    QgsProject.instance().addMapLayer(layer)
    return layer


BOW = "Polygon((-63 -9, -62.99 -9.01, -62.99 -9, -63 -9.01, -63 -9))"
PAIR = "MultiPolygon(((-63 -9, -62.99 -9, -62.99 -9.01, -63 -9)),((-62 -9, -61.99 -9, -61.99 -9.01, -62 -9)))"


def test_selected_features_become_labels(labels):
    layer = layer_of("MultiPolygon", [(BOW, "water", 1), (PAIR, "forest", 2), (PAIR, "not selected", 3)])
    layer.selectByIds([1, 2])
    taken = Taking(layer, labels, "village").read()
    assert taken.sentence == "" and len(taken.items) == 2
    assert {(y, made) for _, y, made in taken.items} == {("village", "layer")}
    ids = labels.add(taken.items)
    assert len(ids) == 4, "one for each part; the bow was repaired into two"
    rows = on_disk(labels.path)
    assert {row[1] for row in rows} == {"village"}
    for _, shape, _ in labels.labels():
        assert shape.isGeosValid()
        assert 400_000 < shape.centroid().asPoint().x() < 700_000, "in metres of the label layer"


def test_the_class_may_stand_in_a_field(labels):
    layer = layer_of(
        "Point", [("Point(-63 -9)", " water ", 1), ("Point(-63 -9.1)", None, 2), ("Point(-63 -9.2)", "", 3)]
    )
    layer.selectAll()
    taken = Taking(layer, labels, field="kind").read()
    assert [y for _, y, _ in taken.items] == ["water"]
    assert taken.sentence == "2 were left out: Its field is empty."
    numbers = Taking(layer, labels, field="height", selected=False).read()
    assert [y for _, y, _ in numbers.items] == ["1", "2", "3"]


def test_what_cannot_be_a_label_is_said_in_a_sentence(labels):
    lines = layer_of("LineString", [("LineString(-63 -9, -62.9 -9)", "a", 1), ("LineString EMPTY", "b", 2)])
    lines.selectAll()
    taken = Taking(lines, labels, "water").read()
    assert taken.items == []
    assert "One was left out: Lines are no labels" in taken.sentence and "Buffer" in taken.sentence
    assert "empty" in taken.sentence
    beyond = layer_of("Point", [("Point(-63 95)", "a", 1)])
    beyond.selectAll()
    assert "does not reach" in Taking(beyond, labels, "water").read().sentence
    beyond.removeSelection()
    with pytest.raises(BadInput, match="Nothing is selected in 'others'"):
        Taking(beyond, labels, "water")
    with pytest.raises(BadInput, match="'colour'"):
        Taking(beyond, labels, field="colour", selected=False)


def test_many_features_are_read_in_the_background(labels, qtbot):
    layer = layer_of("Point", [(f"Point(-63 {-9 - n / 1e4})", "a", n) for n in range(AT_ONCE + 1)])
    heard = []
    taking = Taking(layer, labels, field="kind", selected=False)
    taking.run(lambda taken, error: heard.append((taken, error)))
    assert heard == []
    QgsProject.instance().removeMapLayer(layer.id())  # while it is read
    qtbot.waitUntil(lambda: bool(heard), timeout=10_000)
    ((taken, error),) = heard
    assert error is None and len(taken.items) == AT_ONCE + 1
    assert len(labels.add(taken.items)) == AT_ONCE + 1


def test_values_are_taken_and_kept_as_numbers(qgis_new_project, tmp_path):
    values = LabelLayer.create(str(tmp_path / "values.gpkg"), QgsCoordinateReferenceSystem(CRS), "value")
    values.show()
    layer = layer_of("Point", [("Point(-63 -9)", "12.5", 1.5), ("Point(-63 -9.1)", "tall", None)])
    layer.selectAll()
    taken = Taking(layer, values, field="height").read()
    assert [y for _, y, _ in taken.items] == [1.5]
    assert taken.sentence == "One was left out: Its field is empty."
    assert Taking(layer, values, field="kind").read().sentence == "One was left out: Its value is no number."
    values.add([*taken.items, (point(0), 7, "click"), (square(3), -2.25, "polygon")])
    assert sorted(row[1] for row in on_disk(values.path)) == [-2.25, 1.5, 7.0]
    assert sorted(y for _, _, y in values.labels()) == [-2.25, 1.5, 7.0]
    with pytest.raises(BadInput, match="'value'"):
        values.add([(point(0), "tall", "click")])
    path = values.path
    values.close()
    with pytest.raises(BadInput, match="no field 'class'"):
        LabelLayer.open_or_create(path, QgsCoordinateReferenceSystem(CRS))
    QgsProject.instance().clear()


# Layers of others --------------------------------------------------------------------------------------------------


def test_any_layer_with_a_field_can_hold_labels(qgis_new_project):
    layer = layer_of("Polygon", [(BOW, 5, "water", 1)], "field=fid:int&field=Class:string&field=n:int")
    labels = LabelLayer.of(layer)
    assert labels.field == "Class" and labels.source == layer.id()
    shape = labels.brought(QgsGeometry.fromWkt("Polygon((-63 -9, -62 -9, -62 -8, -63 -9))"), labels.crs)
    (new,) = labels.add([(shape, "forest", "polygon")])
    assert labels.counts() == {"water": 1, "forest": 1}
    with pytest.raises(BadInput, match="does not take points"):
        labels.add([(QgsGeometry.fromWkt("Point(-63 -9)"), "forest", "click")])
    labels.erase([new])
    assert layer.featureCount() == 1
    labels.close()


def test_classes_that_are_numbers_stay_numbers(qgis_new_project):
    layer = layer_of("Point", [("Point(0 0)", 3, 1)], "field=label:int&field=other:double")
    labels = LabelLayer.of(layer)
    assert [y for _, _, y in labels.labels()] == ["3"]
    labels.add([(QgsGeometry.fromWkt("Point(1 1)"), "7", "click")])
    assert sorted(f["label"] for f in layer.getFeatures()) == [3, 7]
    with pytest.raises(BadInput, match="'label' of 'others' holds numbers"):
        labels.add([(QgsGeometry.fromWkt("Point(1 1)"), "water", "click")])
    labels.close()
    assert LabelLayer.of(layer, "value").field == "label"
    assert LabelLayer.of(layer, "value", "other").field == "other"


def test_layers_that_cannot_hold_labels_are_refused(qgis_new_project, tmp_path):
    project = QgsProject.instance()
    table = QgsVectorLayer("None?field=class:string", "table", "memory")
    bare = QgsVectorLayer("Point?crs=EPSG:4326&field=fid:int", "bare", "memory")
    project.addMapLayers([table, bare])
    with pytest.raises(BadInput, match="'table' has no places"):
        LabelLayer.of(table)
    with pytest.raises(BadInput, match="no field for labels"):
        LabelLayer.of(bare)
    with pytest.raises(BadInput, match="no field 'class'"):
        LabelLayer.of(bare, field="class")
    (tmp_path / "text.gpkg").write_text("no labels at all")
    with pytest.raises(BadInput, match="no file of labels"):
        LabelLayer.open_or_create(str(tmp_path / "text.gpkg"), QgsCoordinateReferenceSystem(CRS))
    with pytest.raises(Unwritable, match="cannot be written"):
        LabelLayer.create(str(tmp_path / "no folder" / "a.gpkg"), QgsCoordinateReferenceSystem(CRS))
    with pytest.raises(BadInput, match="already"):
        LabelLayer.create(str(tmp_path / "text.gpkg"), QgsCoordinateReferenceSystem(CRS))


# Looks -------------------------------------------------------------------------------------------------------------


def classes_of(*pairs):
    classes = ClassList()
    for name, colour in pairs:
        classes.add(name, colour)
    return classes


def seen(layers, centre, metres=100, size=100):
    """Colour in the middle of a picture of these layers on black."""
    settings = QgsMapSettings()
    settings.setLayers(layers)
    settings.setDestinationCrs(layers[0].crs())
    settings.setOutputSize(QSize(size, size))
    settings.setBackgroundColor(QColor("black"))
    settings.setExtent(centre.boundingBox().buffered(metres / 2))
    job = QgsMapRendererSequentialJob(settings)
    job.start()
    job.waitForFinished()
    image = job.renderedImage()
    return lambda x=0, y=0: image.pixelColor(size // 2 + x, size // 2 - y).name()


def test_labels_are_drawn_in_the_colour_of_their_class_with_a_halo(labels):
    classes = classes_of(("water", "#4477aa"), ("forest", "#228833"))
    labels.follow(classes)
    labels.add([(point(0), "water", "click"), (point(1000), "unheard of", "click")])
    labels.add([(square(2000, 50), "forest", "polygon")])
    assert seen(labels.layers(), point(0))() == "#4477aa"
    assert seen(labels.layers(), point(1000))() == "#9aa5b1"
    area = seen(labels.layers(), point(2000))
    assert area(25, 0) == "#228833"
    assert area(0, 0) == "#000000", "what lies in an area stays visible"
    assert "#ffffff" in {seen(labels.layers(), point(0))(x, 0) for x in range(12)}, "a halo"
    classes.recolour("water", "#ff0000")
    classes.rename("forest", "wood")
    assert seen(labels.layers(), point(0))() == "#ff0000"
    assert seen(labels.layers(), point(2000))(25, 0) == "#9aa5b1"


def test_values_are_drawn_along_a_ramp(qgis_new_project, tmp_path):
    values = LabelLayer.create(str(tmp_path / "values.gpkg"), QgsCoordinateReferenceSystem(CRS), "value")
    values.show()
    values.follow(ClassList())
    values.add([(point(0), 1.0, "click")])
    assert seen(values.layers(), point(0))() == "#21918c", "one value is in the middle"
    values.add([(point(1000), 3.0, "click"), (square(2000, 50), 2.0, "polygon")])
    assert seen(values.layers(), point(0))() == "#440154"
    assert seen(values.layers(), point(1000))() == "#fde725"
    assert seen(values.layers(), point(2000))(25, 0) == "#21918c"
    values.close()
    QgsProject.instance().clear()


def test_a_style_of_the_user_is_left_alone_and_only_gets_what_it_lacks(labels):
    classes = classes_of(("water", "#4477aa"))
    labels.follow(classes)
    points, areas = labels.layers()
    own = QgsMarkerSymbol.createSimple({"color": "#123456", "size": "8"})
    points.setRenderer(QgsCategorizedSymbolRenderer("class", [QgsRendererCategory("water", own, "my water")]))
    areas.setRenderer(QgsSingleSymbolRenderer(QgsFillSymbol.createSimple({"color": "#654321"})))
    classes.add("forest", "#228833")
    classes.recolour("water", "#ff0000")
    categories = {one.value(): (one.label(), one.symbol().color().name()) for one in points.renderer().categories()}
    assert categories["water"] == ("my water", "#123456")
    assert categories["forest"][0] == "forest"
    assert isinstance(areas.renderer(), QgsSingleSymbolRenderer)
    assert areas.renderer().symbol().color().name() == "#654321"


def test_the_style_of_an_adopted_layer_is_kept_under_a_name(qgis_new_project):
    layer = layer_of("Point", [("Point(0 0)", "water", 1)])
    layer.renderer().symbol().setColor(QColor("#123456"))
    labels = LabelLayer.of(layer, field="kind")
    labels.follow(classes_of(("water", "#4477aa")))
    assert isinstance(layer.renderer(), QgsCategorizedSymbolRenderer)
    assert EARLIER in layer.styleManager().styles()
    layer.styleManager().setCurrentStyle(EARLIER)
    assert layer.renderer().symbol().color().name() == "#123456"
    labels.close()


def test_forms_of_qgis_offer_the_classes(labels):
    classes = classes_of(("water", "#4477aa"), ("forest", "#228833"))
    labels.follow(classes)
    layer = labels.layer
    setup = layer.editorWidgetSetup(layer.fields().indexOf("class"))
    assert setup.type() == "ValueMap"
    assert setup.config()["map"] == [{"water": "water"}, {"forest": "forest"}]
    made = layer.fields().indexOf("made")
    assert layer.defaultValueDefinition(made).expression() == "'click'"
