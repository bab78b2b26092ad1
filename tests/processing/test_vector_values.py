"""Vector layers of forms and scripts as files that the engine can read: copies, filters, selections, tables."""

from pathlib import Path

import pytest
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsField,
    QgsProcessingFeatureSourceDefinition,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QVariant
from quadrat.core.errors import BadInput
from quadrat.processing.sources import Wanted


def read_back(request):
    """The layer that a job's `labels` names, written first if it has to be."""
    for copy in request.copies:
        copy.write(lambda: False)
    layer = QgsVectorLayer(request.job.labels, "read", "ogr")
    assert layer.isValid(), request.job.labels
    return layer


def train_of(request_of, labels, raster, tmp_path):
    return request_of("trainhead", LABELS=labels, FIELD="kind", EMBEDDING=raster, OUTPUT=str(tmp_path / "a.qhead"))


def test_file_goes_through_as_it_is(request_of, sample_labels, make_raster, tmp_path):
    request = train_of(request_of, sample_labels, make_raster(), tmp_path)
    assert request.job.labels == sample_labels
    assert request.copies == []


def test_layer_of_a_geopackage_keeps_its_name(request_of, label_layer, make_raster, tmp_path):
    import processing

    path = str(tmp_path / "labels.gpkg")
    plain = processing.run("native:deletecolumn", {"INPUT": label_layer, "COLUMN": ["fid"], "OUTPUT": "memory:"})
    processing.run("native:savefeatures", {"INPUT": plain["OUTPUT"], "OUTPUT": path, "LAYER_NAME": "mine"})
    assert (
        train_of(request_of, f"{path}|layername=mine", make_raster(), tmp_path).job.labels == f"{path}|layername=mine"
    )


def test_memory_layer_is_copied(request_of, label_layer, make_raster, tmp_path):
    request = train_of(request_of, label_layer, make_raster(), tmp_path)
    copy = read_back(request)
    assert copy.featureCount() == 24
    assert copy.crs() == label_layer.crs()
    assert {f["kind"] for f in copy.getFeatures()} == {"left", "right"}
    assert {f["fid"] for f in copy.getFeatures()} == {1}
    assert "my_labels" in request.job.labels


def test_filtered_layer_gives_what_the_filter_leaves(request_of, label_layer, make_raster, tmp_path):
    import processing

    path = str(tmp_path / "labels.gpkg")
    processing.run("native:deletecolumn", {"INPUT": label_layer, "COLUMN": ["fid"], "OUTPUT": path})
    layer = QgsVectorLayer(path, "filtered")
    assert layer.setSubsetString("kind = 'left'")
    copy = read_back(train_of(request_of, layer, make_raster(), tmp_path))
    assert {f["kind"] for f in copy.getFeatures()} == {"left"}


def test_selected_features_only(request_of, label_layer, make_raster, tmp_path):
    label_layer.selectByExpression("site = 2")
    value = QgsProcessingFeatureSourceDefinition(label_layer.id(), True)
    assert read_back(train_of(request_of, value, make_raster(), tmp_path)).featureCount() == 4
    label_layer.removeSelection()
    with pytest.raises(BadInput, match="no feature of the layer 'my labels' is selected"):
        train_of(request_of, value, make_raster(), tmp_path)


def test_which_features_are_wanted(label_layer):
    def sites(wanted):
        return sorted(f["site"] for f in label_layer.getFeatures(wanted.request()))

    ids = sorted(label_layer.allFeatureIds())[:12]  # sites 0 to 2
    assert len(sites(Wanted())) == 24
    assert len(sites(Wanted(limit=5))) == 5
    assert sites(Wanted(ids)) == [0] * 4 + [1] * 4 + [2] * 4
    assert sites(Wanted(expression="site > 1")) == [2] * 4 + [3] * 4 + [4] * 4 + [5] * 4
    assert sites(Wanted(ids, expression="site > 1")) == [2] * 4
    assert sites(Wanted(ids, limit=3, expression="site = 0 OR site = 1")) == [0] * 3
    assert Wanted().everything
    assert not Wanted(ids).everything and not Wanted(limit=1).everything and not Wanted(expression="true").everything


def test_unsaved_edits_virtual_fields_and_own_crs_are_seen(
    request_of, label_layer, sample_labels, make_raster, tmp_path
):
    layer = QgsVectorLayer(sample_labels, "edited")
    layer.addExpressionField("'k' || \"class\"", QgsField("kind", QVariant.String))
    copy = read_back(train_of(request_of, layer, make_raster(), tmp_path))
    assert {f["kind"] for f in copy.getFeatures()} == {"kvillage", "kforest", "kwater", "kdryout"}

    moved = QgsVectorLayer(sample_labels, "moved")
    moved.setCrs(QgsCoordinateReferenceSystem("EPSG:32633"))
    assert read_back(train_of(request_of, moved, make_raster(), tmp_path)).crs().authid() == "EPSG:32633"

    label_layer.startEditing()
    label_layer.addFeature(QgsFeature(label_layer.fields()))
    assert read_back(train_of(request_of, label_layer, make_raster(), tmp_path)).featureCount() == 25
    label_layer.rollBack()


def test_snapshot_does_not_see_later_changes(request_of, label_layer, make_raster, tmp_path):
    request = train_of(request_of, label_layer, make_raster(), tmp_path)
    label_layer.dataProvider().truncate()
    assert read_back(request).featureCount() == 24


def test_table_without_geometry(request_of, make_raster, tmp_path):
    (tmp_path / "table.csv").write_text("kind,b1\nleft,1\nright,2\n")
    assert train_of(request_of, str(tmp_path / "table.csv"), make_raster(), tmp_path).job.labels.endswith("table.csv")
    uri = f"{Path(tmp_path / 'table.csv').as_uri()}?delimiter=,"
    copy = read_back(train_of(request_of, QgsVectorLayer(uri, "text", "delimitedtext"), make_raster(), tmp_path))
    assert copy.featureCount() == 2


def test_table_that_only_the_engine_reads_goes_through(request_of, make_raster, tmp_path):
    path = tmp_path / "table.parquet"
    path.write_bytes(b"PAR1")
    assert train_of(request_of, str(path), make_raster(), tmp_path).job.labels == str(path)


def test_missing_layer_is_refused(request_of, make_raster, tmp_path):
    with pytest.raises(BadInput, match="there is no vector layer or table"):
        train_of(request_of, str(tmp_path / "none.gpkg"), make_raster(), tmp_path)


def test_a_drawn_sample_counts_as_a_whole_and_as_saved(request_of, label_layer, context, tmp_path):
    """A copy of some of its features would have lost how they were drawn."""
    from qgis.core import QgsProject

    import processing

    path = str(tmp_path / "sample.gpkg")
    plain = processing.run("native:deletecolumn", {"INPUT": label_layer, "COLUMN": ["fid"], "OUTPUT": "memory:"})
    processing.run("native:savefeatures", {"INPUT": plain["OUTPUT"], "OUTPUT": path})
    layer = QgsVectorLayer(path, "my sample", "ogr")
    QgsProject.instance().addMapLayer(layer)
    values = {"FIELD": "kind", "OUTPUT": str(tmp_path / "area.html")}
    some = QgsProcessingFeatureSourceDefinition(layer.id(), True)
    layer.selectByIds([1, 2])
    assert len(request_of("estimatearea", SAMPLE=some, **values).copies) == 1, "any table will do when it has no record"
    Path(f"{path}.quadrat.json").write_text("{}")
    with pytest.raises(BadInput, match="'my sample' counts as a whole"):
        request_of("estimatearea", SAMPLE=some, **values)
    assert request_of("estimatearea", SAMPLE=layer, **values).job.sample.startswith(path)
    layer.startEditing()
    layer.changeAttributeValue(1, layer.fields().indexOf("kind"), "left")
    with pytest.raises(BadInput, match="Save its edits"):
        request_of("estimatearea", SAMPLE=layer, **values)
    layer.rollBack()
