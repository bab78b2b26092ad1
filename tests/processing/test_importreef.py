"""Surveys of reef photos in QGIS: imported, shown by state, given points through the layer that is open."""

import struct
import zlib

import pytest
from qgis.core import (
    QgsExpression,
    QgsExpressionContext,
    QgsExpressionContextUtils,
    QgsProject,
    QgsVectorLayer,
)
from quadrat.core.reef.schema import PHOTO_STATES
from quadrat.core.reef.survey import Survey
from quadrat.processing.reefstyles import COLOURS
from quadrat.processing.styles import new_styler

PNG = b"\x89PNG\r\n\x1a\n"


def chunk(kind, content):
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))


@pytest.fixture
def folder(tmp_path):
    """Two photos of 12 x 10 pixels, and a table with the position of the first."""
    photos = tmp_path / "photos"
    photos.mkdir()
    pixels = zlib.compress((b"\x00" + b"\x50\x60\x70" * 12) * 10)
    content = PNG + chunk(b"IHDR", struct.pack(">2L5B", 12, 10, 8, 2, 0, 0, 0)) + chunk(b"IDAT", pixels)
    for name in ("a b.png", "c.png"):
        (photos / name).write_bytes(content + chunk(b"IEND", b""))
    (tmp_path / "t.csv").write_text("name,lon,lat,site\na b.png,10,20,North\n")
    return photos


@pytest.fixture
def survey(run, folder, tmp_path, context, feedback, qgis_new_project):
    path = str(tmp_path / "survey.gpkg")
    run(
        "importreef", FOLDER=str(folder), TABLE=str(tmp_path / "t.csv"), OUTPUT=path, context=context, feedback=feedback
    )
    return path


def test_photos_open_coloured_by_state_with_the_photo_in_the_tip(survey, folder, context, feedback):
    layer = QgsVectorLayer(f"{survey}|layername=photos", "photos", "ogr")
    QgsProject.instance().addMapLayer(layer)
    new_styler().postProcessLayer(layer, context, feedback)
    assert [c.value() for c in layer.renderer().categories()] == list(COLOURS) == list(PHOTO_STATES)
    (feature,) = (f for f in layer.getFeatures() if f["name"] == "a b.png")
    scope = QgsExpressionContext(QgsExpressionContextUtils.globalProjectLayerScopes(layer))
    scope.setFeature(feature)
    tip = QgsExpression.replaceExpressionText(layer.mapTipTemplate(), scope)
    assert f'src="file:///{str(folder).lstrip("/")}/a b.png"' in tip
    assert "<br>North<br>0 / 0" in tip
    assert feature.geometry().asPoint().x() == 10.0 and "not name: 1 (c.png)" in feedback.textLog()


def test_the_style_beside_the_file_is_that_of_photos(survey):
    layer = QgsVectorLayer(f"{survey}|layername=photos", "photos", "ogr")
    assert layer.loadDefaultStyle()[1] and layer.renderer().classAttribute() == "state"


@pytest.mark.parametrize(("name", "count"), [("points", 2), ("quadrats", 2)])
def test_points_and_quadrats_have_looks_of_their_own(survey, name, count):
    layer = QgsVectorLayer(f"{survey}|layername={name}", name, "ogr")
    assert layer.loadDefaultStyle()[1] and layer.renderer().type() == "singleSymbol"
    symbol = layer.renderer().symbol()
    assert symbol.symbolLayerCount() == count and symbol.symbolLayer(1).strokeColor().name() == "#fffdf5"


def test_points_go_into_the_survey_that_is_open(run, survey, context, feedback):
    layer = QgsVectorLayer(f"{survey}|layername=photos", "photos", "ogr")
    QgsProject.instance().addMapLayer(layer)
    results = run("placepoints", SURVEY=layer, POINTS=7, context=context, feedback=feedback)
    assert results["OUTPUT"] == survey
    with Survey(survey) as opened:
        assert [photo.points for photo in opened.photos()] == [7, 7]
    layer.dataProvider().reloadData()
    assert {f["state"] for f in layer.getFeatures()} == {"waiting"}


def test_a_survey_being_edited_is_not_copied(run, survey, context, feedback):
    from qgis.core import QgsProcessingException

    layer = QgsVectorLayer(f"{survey}|layername=photos", "photos", "ogr")
    QgsProject.instance().addMapLayer(layer)
    layer.startEditing()
    layer.changeAttributeValue(1, layer.fields().indexOf("site"), "South")
    with pytest.raises(QgsProcessingException, match="Save its edits"):
        run("placepoints", SURVEY=layer, POINTS=7, context=context, feedback=feedback)
    layer.rollBack()
