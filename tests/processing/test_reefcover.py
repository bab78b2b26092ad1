"""The map of sites in QGIS: a pie for each."""

from qgis.core import QgsFeature, QgsPieDiagram, QgsVectorLayer
from quadrat.processing.reefstyles import DRESSERS


def test_each_site_is_a_pie_of_its_labels(qgis_app):
    layer = QgsVectorLayer(
        "Point?field=site:string&field=date:string&field=cover_1:double&field=cover_2:double", "s", "memory"
    )
    feature = QgsFeature(layer.fields())
    feature.setAttributes(["A", "", 0.4, 0.6])
    layer.dataProvider().addFeature(feature)
    classes = [
        {"field": "cover_1", "label": "Coral", "colour": "#ee8866"},
        {"field": "cover_2", "label": "Sand", "colour": "#ccbb44"},
    ]
    DRESSERS["reefcover"](layer, {"classes": classes})
    renderer = layer.diagramRenderer()
    assert renderer.diagram().diagramName() == QgsPieDiagram().diagramName()
    settings = renderer.diagramSettings()[0]
    assert list(settings.categoryLabels) == ["Coral", "Sand"]
    assert [colour.name() for colour in settings.categoryColors] == ["#ee8866", "#ccbb44"]
    assert '"cover_2"' in layer.mapTipTemplate()
