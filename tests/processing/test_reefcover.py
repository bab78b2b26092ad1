"""Cover of a photo survey in QGIS: run from the toolbox, and a pie for each site."""

import csv

from qgis.core import QgsFeature, QgsPieDiagram, QgsVectorLayer
from quadrat.processing.reefstyles import DRESSERS


def test_cover_from_the_toolbox(run, tmp_path, context, feedback):
    points = [f"p{photo}.jpg,{row},1,{'Coral' if row < photo else 'Sand'}" for photo in range(1, 4) for row in range(4)]
    (tmp_path / "a.csv").write_text("\n".join(["Name,Row,Column,Label", *points]))
    survey, table, page = (str(tmp_path / name) for name in ("s.gpkg", "cover.csv", "cover.html"))
    run("importreef", ANNOTATIONS=[str(tmp_path / "a.csv")], OUTPUT=survey, context=context, feedback=feedback)
    results = run("reefcover", SURVEY=survey, OUTPUT=table, REPORT=page, context=context, feedback=feedback)
    assert results["OUTPUT"] == table and results["REPORT"] == page
    with open(table, encoding="utf-8", newline="") as file:
        found = {(row["per"], row["photo"], row["label"]): float(row["cover"]) for row in csv.DictReader(file)}
    assert found["survey", "", "Coral"] == 0.5
    assert found["photo", "p3.jpg", "Coral"] == 0.75


def test_each_site_is_a_pie_of_its_labels(qgis_app):
    fields = ("site:string", "date:string", "cover_1:double", "cover_2:double")
    layer = QgsVectorLayer("Point?" + "&".join(f"field={field}" for field in fields), "s", "memory")
    feature = QgsFeature(layer.fields())
    feature.setAttributes(["A", "", 0.4, 0.6])
    layer.dataProvider().addFeature(feature)
    names = {"Coral": "#ee8866", "Sand": "#ccbb44"}
    classes = [
        {"field": f"cover_{number}", "label": label, "colour": colour}
        for number, (label, colour) in enumerate(names.items(), 1)
    ]
    DRESSERS["reefcover"](layer, {"classes": classes})
    renderer = layer.diagramRenderer()
    assert renderer.diagram().diagramName() == QgsPieDiagram().diagramName()
    settings = renderer.diagramSettings()[0]
    assert list(settings.categoryLabels) == list(names)
    assert [colour.name() for colour in settings.categoryColors] == list(names.values())
    assert '"cover_2"' in layer.mapTipTemplate()
    assert layer.labelsEnabled() and '"site"' in layer.labeling().settings().fieldName
