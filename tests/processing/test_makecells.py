"""Make cells in QGIS: coordinate systems and extents of forms, the worker, the layer and its looks."""

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsGeometry,
    QgsProject,
    QgsRectangle,
    QgsReferencedRectangle,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import NULL
from quadrat.core.errors import BadInput
from quadrat.core.settlement.statuses import STATUSES
from quadrat.processing.settlementstyles import FIELDS
from quadrat.processing.styles import new_styler, save_style
from quadrat.processing.vectorstyles import dress, stand_in

EXTENT = "500000,500600,5399700,5400000 [EPSG:32633]"


@pytest.fixture
def slums(qgis_new_project):
    """A memory layer: one settlement that covers the first cell, and half of the second."""
    layer = QgsVectorLayer("Polygon?crs=EPSG:32633&field=osm_id:string", "vilas", "memory")
    feature = QgsFeature(layer.fields())
    feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(500_000, 5_399_850, 500_225, 5_400_000)))
    layer.dataProvider().addFeatures([feature])
    QgsProject.instance().addMapLayer(layer)
    return layer


def job_of(request_of, tmp_path, **values):
    return request_of("makecells", OUTPUT=str(tmp_path / "c.gpkg"), **values).job


def test_coordinate_systems_of_forms(request_of, tmp_path):
    for value in ("EPSG:32633", QgsCoordinateReferenceSystem("EPSG:32633")):
        assert job_of(request_of, tmp_path, EXTENT=EXTENT, CRS=value).crs == "EPSG:32633"
    for empty in (None, NULL, "", QgsCoordinateReferenceSystem()):
        assert job_of(request_of, tmp_path, EXTENT=EXTENT, CRS=empty).crs == ""
    with pytest.raises(BadInput, match="'nonsense' is no coordinate system"):
        job_of(request_of, tmp_path, EXTENT=EXTENT, CRS="nonsense")


def test_coordinate_systems_without_a_code_go_as_text(request_of, tmp_path):
    own = QgsCoordinateReferenceSystem.fromProj("+proj=tmerc +lon_0=-43.2 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m")
    text = job_of(request_of, tmp_path, EXTENT=EXTENT, CRS=own).crs
    assert text.startswith(("PROJCRS", "BOUNDCRS")) and "\n" not in text


def test_extents_without_a_raster_name_their_system(request_of, tmp_path):
    box, crs = QgsRectangle(-43.3, -23, -43.1, -22.9), QgsCoordinateReferenceSystem("EPSG:4326")
    for value in (QgsReferencedRectangle(box, crs), "-43.3,-43.1,-23,-22.9 [EPSG:4326]"):
        assert job_of(request_of, tmp_path, EXTENT=value).extent == "-43.3,-43.1,-23.0,-22.9 [EPSG:4326]"
    QgsProject.instance().setCrs(crs)
    assert job_of(request_of, tmp_path, EXTENT=box).extent.endswith("[EPSG:4326]"), "a plain box is the project's"
    QgsProject.instance().setCrs(QgsCoordinateReferenceSystem())
    with pytest.raises(BadInput, match="in which coordinate system"):
        job_of(request_of, tmp_path, EXTENT=box)
    with pytest.raises(BadInput, match="is not an extent"):
        job_of(request_of, tmp_path, EXTENT="somewhere")


def test_from_a_form_to_a_styled_layer(run, slums, context, feedback, tmp_path):
    path = str(tmp_path / "cells.gpkg")
    run("makecells", EXTENT=EXTENT, FAVELAS=slums, OUTPUT=path, context=context, feedback=feedback)
    layer = QgsVectorLayer(path, "cells", "ogr")
    found = {(f["row"], f["col"]): f["status"] for f in layer.getFeatures()}
    assert len(found) == 8 and found[0, 0] == "favela" and found[0, 1] == "mixed" and found[1, 3] == "residential"
    assert layer.crs().authid() == "EPSG:32633"
    assert [c.value() for c in layer.renderer().categories()] == ["favela", "residential", "mixed"]
    assert "OpenStreetMap" in layer.metadata().abstract(), "the file itself says whose data it is"
    log = feedback.textLog()
    assert "offer the layer under the ODbL" in log and "Nothing says where people live" in log
    new_styler().postProcessLayer(layer, context, feedback)
    assert layer.metadata().rights() == ["© OpenStreetMap contributors (ODbL)"]
    again = str(tmp_path / "again.gpkg")
    run("makecells", CELLS=layer, FAVELA_LEAST=0.5, OUTPUT=again, context=context, feedback=feedback)
    statuses = [f["status"] for f in QgsVectorLayer(again, "again", "ogr").getFeatures()]
    assert statuses.count("favela") == 2 and statuses.count("mixed") == 0


def test_every_status_has_a_colour_of_its_own_and_words(qgis_app):
    layer = stand_in("cells", {})
    assert dress(layer, "cells", {}) and "status" in FIELDS
    categories = layer.renderer().categories()
    assert [c.value() for c in categories] == list(STATUSES)
    assert [c.label() for c in categories] == [status.title for status in STATUSES.values()]
    assert len({c.symbol().color().name() for c in categories}) == len(STATUSES)
    pale = [c.symbol().color().lightnessF() for c in categories if STATUSES[c.value()].discarded]
    full = [c.symbol().color().lightnessF() for c in categories if not STATUSES[c.value()].discarded]
    assert min(pale) > max(full)


def test_the_style_lies_beside_the_file(qgis_app, run, slums, tmp_path):
    path = str(tmp_path / "cells.gpkg")
    run("makecells", EXTENT=EXTENT, FAVELAS=slums, OUTPUT=path)
    (tmp_path / "cells.qml").unlink()
    assert save_style(path)
    assert QgsVectorLayer(path, "cells", "ogr").renderer().type() == "categorizedSymbol"
