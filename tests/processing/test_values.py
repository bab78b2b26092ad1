"""Values of forms and scripts as jobs: golden jobs, layers with and without a file, extents, refusals."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from osgeo import gdal
from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsProcessing,
    QgsProcessingOutputLayerDefinition,
    QgsProject,
    QgsProperty,
    QgsRasterLayer,
    QgsRectangle,
    QgsReferencedRectangle,
)
from qgis.PyQt.QtCore import NULL
from quadrat.core.errors import BadInput, BadJob

SERVER = str(Path(__file__).parents[1] / "core" / "rasterserver.py")

# Golden jobs: what is written here is what old scripts, models and sidecars rely on ----------------------------------


def test_golden_embedraster(request_of, make_raster, tmp_path):
    raster, output = make_raster(), str(tmp_path / "embedding.tif")
    job = request_of(
        "embedraster", INPUT=raster, BACKBONE="mosaiks", BANDS=[3, 1],
        EXTENT="500100,500200,5399800,5399900 [EPSG:32633]", DIMENSIONS=16, PATCH_SIZE_PX=2,
        STORAGE="float32", SEED=7, OUTPUT=output,
    ).job  # fmt: skip
    assert job.to_dict() == {
        "job": "embedraster", "input": raster, "backbone": "mosaiks", "model": "", "bands": [3, 1],
        "band_roles": "", "second": "", "second_bands": [], "second_band_roles": "", "months": "", "values": "auto",
        "extent": "500100.0,500200.0,5399800.0,5399900.0 [EPSG:32633]", "mask": "", "like": "", "dimensions": 16,
        "patch_size_px": 2, "storage": "float32", "scaling": "auto", "tile_size_px": 0, "overlap_px": 32, "weights": "",
        "download": False, "device": "auto", "precision": "float32", "batch_size": 0, "threads": 0, "seed": 7,
        "scheduler": "", "store": "", "output": output,
    }  # fmt: skip


def test_golden_trainhead(request_of, make_raster, sample_labels, tmp_path):
    raster, output = make_raster(), str(tmp_path / "a.qhead")
    job = request_of(
        "trainhead", LABELS=sample_labels, FIELD="class", EMBEDDING=raster, FEATURE_FIELDS=["a", "b"], TARGET="value",
        HEAD="forest", GROUP_FIELD="site", BALANCE=False, MAX_CELLS=20, OUTPUT=output,
    ).job  # fmt: skip
    assert job.to_dict() == {
        "job": "trainhead", "labels": sample_labels, "field": "class", "embedding": raster,
        "feature_fields": ["a", "b"], "target": "value",
        "head": "forest", "group_field": "site", "balance": False, "calibration": "auto", "ensemble": "none",
        "members": 10, "combine": "mean", "all_touched": False, "max_cells": 20, "threads": 0, "seed": 0,
        "coverage": 0.9, "output": output,
    }  # fmt: skip


def test_golden_applyhead(request_of, make_raster, tmp_path):
    head = tmp_path / "a.qhead"
    head.write_bytes(b"")
    raster, output, confidence = make_raster(), str(tmp_path / "map.tif"), str(tmp_path / "confidence.tif")
    job = request_of("applyhead", HEAD=str(head), EMBEDDING=raster, OUTPUT=output, CONFIDENCE=confidence).job
    assert job.to_dict() == {
        "job": "applyhead", "head": str(head), "embedding": raster, "table": "", "extent": "", "threads": 0,
        "unsure": False, "prevalence": "", "output": output, "confidence": confidence, "probabilities": "",
        "applicability": "", "output_table": "",
    }  # fmt: skip


def test_golden_assesshead(request_of, make_raster, sample_labels, tmp_path):
    raster, output = make_raster(), str(tmp_path / "report.html")
    job = request_of(
        "assesshead", LABELS=sample_labels, FIELD="class", EMBEDDING=raster, FOLDS=3, REPEATS=2, BLOCK_SIZE_M=250.5,
        OUTPUT=output,
    ).job  # fmt: skip
    assert job.to_dict() == {
        "job": "assesshead", "labels": sample_labels, "field": "class", "embedding": raster, "feature_fields": [],
        "target": "class", "head": "linear", "group_field": "", "balance": True, "calibration": "auto",
        "ensemble": "none", "members": 10, "combine": "mean", "all_touched": False, "max_cells": 500, "threads": 0,
        "seed": 0, "folds": 3, "repeats": 2, "block_size_m": 250.5, "region_field": "", "curve_draws": 10,
        "guard_m": 0.0, "prevalence": "", "coverage": 0.9, "output": output,
    }  # fmt: skip


def test_golden_openembedding(request_of, make_raster, tmp_path):
    tile, output = tmp_path / "grid_0.15_52.05.npy", str(tmp_path / "embedding.tif")
    tile.write_bytes(b"")
    job = request_of("openembedding", INPUT=str(tile), PRODUCT="tessera-v2", SPACE="2B-L", OUTPUT=output).job
    assert job.to_dict() == {
        "job": "openembedding", "input": str(tile), "product": "tessera-v2", "space": "2B-L", "bands": [], "extent": "",
        "mask": "", "cell_size_px": 1, "place": "", "scale": 1.0, "offset": 0.0, "nodata": "", "unit_length": False,
        "storage": "bytes", "output": output,
    }  # fmt: skip
    assert request_of("openembedding", INPUT=make_raster(), OUTPUT=output).job.product == "auto"


def test_a_file_of_another_kind_is_no_raster(request_of, tmp_path):
    """Only where a job says so are files taken that GDAL cannot open."""
    tile = tmp_path / "grid.npy"
    tile.write_bytes(b"")
    with pytest.raises(BadInput, match="cannot be opened as a raster"):
        request_of("embedraster", INPUT=str(tile), OUTPUT=str(tmp_path / "a.tif"))
    with pytest.raises(BadInput, match="cannot be opened as a raster"):
        request_of("openembedding", INPUT=str(tmp_path / "missing.npy"), OUTPUT=str(tmp_path / "a.tif"))
    with pytest.raises(BadInput, match="for rasters only"):
        request_of("openembedding", INPUT=str(tile), EXTENT="0,1,0,1 [EPSG:4326]", OUTPUT=str(tmp_path / "a.tif"))


def test_golden_setupengine(request_of):
    job = request_of("setupengine", SIZE="full", TORCH="cpu").job
    assert job.to_dict() == {
        "job": "setupengine", "size": "full", "torch": "cpu", "python": "", "wheels": "", "again": False,
    }  # fmt: skip


def test_job_is_plain_json_and_paths_are_absolute(request_of, make_raster, tmp_path, monkeypatch):
    make_raster("relative näme.tif")
    monkeypatch.chdir(tmp_path)
    job = request_of("embedraster", INPUT="relative näme.tif", OUTPUT="out.tif").job
    assert job.input == str(tmp_path / "relative näme.tif")
    assert job.output == str(tmp_path / "out.tif")
    assert type(job).from_dict(json.loads(json.dumps(job.to_dict()))) == job


def test_onnx_file_given_as_model_becomes_absolute(request_of, make_raster, tmp_path, monkeypatch):
    (tmp_path / "net.onnx").write_bytes(b"")
    monkeypatch.chdir(tmp_path)
    values = {"INPUT": make_raster(), "OUTPUT": "a.tif"}
    assert request_of("embedraster", **values, BACKBONE="onnx", MODEL="net.onnx").job.model == str(
        tmp_path / "net.onnx"
    )
    timm = "vit_small_patch14_dinov2.lvd142m"
    assert request_of("embedraster", **values, BACKBONE="timm", MODEL=timm).job.model == timm


def test_temporary_output_has_the_right_ending(request_of, make_raster, sample_labels):
    temporary = QgsProcessing.TEMPORARY_OUTPUT
    raster = make_raster()
    assert request_of("embedraster", INPUT=raster, OUTPUT=temporary).job.output.endswith(".tif")
    values = {"LABELS": sample_labels, "FIELD": "class", "EMBEDDING": raster, "OUTPUT": temporary}
    assert request_of("trainhead", **values).job.output.endswith(".qhead")
    assert request_of("assesshead", **values).job.output.endswith(".html")


def test_expressions_are_evaluated(request_of, make_raster, tmp_path):
    job = request_of(
        "embedraster", INPUT=make_raster(), DIMENSIONS=QgsProperty.fromExpression("4 * 8"),
        BACKBONE=QgsProperty.fromExpression("'r' || 'aw'"), OUTPUT=str(tmp_path / "a.tif"),
    ).job  # fmt: skip
    assert (job.dimensions, job.backbone) == (32, "raw")


def test_empty_controls_of_a_form_are_empty(request_of, make_raster, tmp_path):
    """Forms give NULL for a file that was not chosen, an empty text for a text, an empty list for bands."""
    empty = {"WEIGHTS": NULL, "MODEL": "", "BANDS": [], "EXTENT": None, "LIKE": NULL, "MASK": None}
    job = request_of("embedraster", INPUT=make_raster(), OUTPUT=str(tmp_path / "a.tif"), **empty).job
    assert (job.weights, job.model, job.bands, job.extent, job.like, job.mask) == ("", "", (), "", "", "")
    with pytest.raises(BadJob, match=r"Raster \(INPUT\)"):
        request_of("embedraster", INPUT=NULL, OUTPUT=str(tmp_path / "a.tif"))


# Rasters -------------------------------------------------------------------------------------------------------------


def embed_of(request_of, layer, tmp_path):
    return request_of("embedraster", INPUT=layer, OUTPUT=str(tmp_path / "out.tif"))


def test_layer_of_the_project_by_id_name_and_object(request_of, make_raster, tmp_path):
    path = make_raster()
    layer = QgsRasterLayer(path, "my raster")
    QgsProject.instance().addMapLayer(layer)
    for value in (layer, layer.id(), "my raster"):
        assert embed_of(request_of, value, tmp_path).job.input == path


def test_virtual_raster_and_zip_are_accepted(request_of, make_raster, tmp_path):
    import zipfile

    path = make_raster()
    vrt = str(tmp_path / "virtual.vrt")
    gdal.BuildVRT(vrt, [path]).FlushCache()
    assert embed_of(request_of, vrt, tmp_path).job.input == vrt
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        archive.write(path, "inside.tif")
    inside = f"/vsizip/{tmp_path}/packed.zip/inside.tif"
    assert embed_of(request_of, inside, tmp_path).job.input == inside


@pytest.mark.parametrize(
    "address",
    [
        "https://host.invalid/a/x.tif?sig=a%2Fb",
        "/vsicurl/https://host.invalid/x.tif",
        "/vsis3/bucket/x.tif",
        "s3://b/x.tif",
    ],
)
def test_rasters_on_servers_are_taken_without_asking_for_them(request_of, tmp_path, address):
    asked = {"INPUT": address, "OUTPUT": str(tmp_path / "e.tif")}
    assert request_of("embedraster", **asked).job.input == address
    extents = {"0,1,2,3": "0.0,1.0,2.0,3.0", "5,6,50,51 [EPSG:4326]": "5.0,6.0,50.0,51.0 [EPSG:4326]"}
    for given, understood in extents.items():
        assert request_of("embedraster", **asked, EXTENT=given).job.extent == understood
    box = QgsReferencedRectangle(QgsRectangle(5, 50, 6, 51), QgsCoordinateReferenceSystem("EPSG:4326"))
    assert request_of("embedraster", **asked, EXTENT=box).job.extent == "5.0,6.0,50.0,51.0 [EPSG:4326]"


def test_layer_on_a_server_is_accepted(request_of, make_raster, tmp_path):
    folder = Path(make_raster()).parent
    server = subprocess.Popen([sys.executable, SERVER, str(folder)], stdout=subprocess.PIPE, text=True)
    try:
        address = f"/vsicurl/{server.stdout.readline().strip()}/{next(folder.glob('*.tif')).name}"
        layer = QgsRasterLayer(address, "far away")
        assert layer.isValid()
        assert embed_of(request_of, layer, tmp_path).job.input == address
    finally:
        server.kill()
        server.wait()


def test_subdataset_is_accepted(request_of, make_raster, tmp_path):
    package = str(tmp_path / "two.gpkg")
    for number, extra in enumerate((["RASTER_TABLE=one"], ["RASTER_TABLE=two", "APPEND_SUBDATASET=YES"])):
        gdal.Translate(package, make_raster(f"{number}.tif"), format="GPKG", creationOptions=extra)
    source = f"GPKG:{package}:two"
    assert embed_of(request_of, source, tmp_path).job.input == source


def test_opening_options_are_left_out_with_a_warning(request_of, make_raster, tmp_path):
    path = make_raster()
    layer = QgsRasterLayer(f"{path}|option:NUM_THREADS=2", "with option", "gdal")
    assert layer.isValid()
    request = embed_of(request_of, layer, tmp_path)
    assert request.job.input == path
    assert any("NUM_THREADS" in text for text in request.warnings)


def test_crs_set_by_hand_is_warned_of(request_of, make_raster, tmp_path):
    layer = QgsRasterLayer(make_raster(), "moved")
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:32634"))
    request = embed_of(request_of, layer, tmp_path)
    assert any("EPSG:32634" in text and "EPSG:32633" in text for text in request.warnings)


def test_untouched_layer_gives_no_warning(request_of, make_raster, tmp_path):
    assert embed_of(request_of, QgsRasterLayer(make_raster(), "plain"), tmp_path).warnings == []


def test_layers_without_a_file_are_refused_with_the_way_out(request_of, make_raster, tmp_path):
    tiles = QgsRasterLayer("type=xyz&url=http://localhost/%7Bz%7D/%7Bx%7D/%7By%7D.png&zmax=3&zmin=0", "tiles", "wms")
    assert tiles.isValid()
    with pytest.raises(BadInput, match=r"'tiles' is not a file.*wms.*Export > Save as"):
        embed_of(request_of, tiles, tmp_path)
    gdal.Translate("/vsimem/in_memory.tif", make_raster())
    try:
        with pytest.raises(BadInput, match="memory of QGIS"):
            embed_of(request_of, "/vsimem/in_memory.tif", tmp_path)
    finally:
        gdal.Unlink("/vsimem/in_memory.tif")


def test_missing_and_unreadable_rasters_are_refused(request_of, tmp_path):
    with pytest.raises(BadInput, match=r"Raster: '.*nowhere\.tif' cannot be opened"):
        embed_of(request_of, str(tmp_path / "nowhere.tif"), tmp_path)
    (tmp_path / "text.tif").write_text("not a raster")
    with pytest.raises(BadInput, match="cannot be opened as a raster"):
        embed_of(request_of, str(tmp_path / "text.tif"), tmp_path)


# Extents -------------------------------------------------------------------------------------------------------------


def extent_of(request_of, raster, extent, tmp_path):
    return request_of("embedraster", INPUT=raster, EXTENT=extent, OUTPUT=str(tmp_path / "out.tif")).job.extent


def test_extent_in_another_crs_is_converted(request_of, make_raster, tmp_path):
    text = extent_of(request_of, make_raster(), "15.0,15.003,48.750,48.752 [EPSG:4326]", tmp_path)
    numbers, _, crs = text.partition(" ")
    assert crs == "[EPSG:32633]"
    west, east, south, north = map(float, numbers.split(","))
    assert west == pytest.approx(500_000, abs=1)  # 15 E is the central meridian of zone 33
    assert east - west == pytest.approx(220.6, abs=1)
    assert north - south == pytest.approx(222.4, abs=1)


def test_extent_forms(request_of, make_raster, tmp_path):
    wanted = "500100.0,500200.0,5399800.0,5399900.0 [EPSG:32633]"
    box = QgsRectangle(500_100, 5_399_800, 500_200, 5_399_900)
    crs = QgsCoordinateReferenceSystem("EPSG:32633")
    for value in ("500100,500200,5399800,5399900", box, QgsReferencedRectangle(box, crs)):
        assert extent_of(request_of, make_raster(), value, tmp_path) == wanted


def test_extent_of_raster_without_crs_names_none(request_of, make_raster, tmp_path):
    text = extent_of(request_of, make_raster(epsg=0), "500100,500200,5399800,5399900", tmp_path)
    assert text == "500100.0,500200.0,5399800.0,5399900.0"


def test_extent_on_layer_with_crs_set_by_hand_stays_in_the_files_coordinates(request_of, make_raster, tmp_path):
    layer = QgsRasterLayer(make_raster(), "moved")
    layer.setCrs(QgsCoordinateReferenceSystem("EPSG:32634"))
    text = extent_of(request_of, layer, "500100,500200,5399800,5399900 [EPSG:32634]", tmp_path)
    assert text == "500100.0,500200.0,5399800.0,5399900.0"


def test_empty_extent_is_refused(request_of, make_raster, tmp_path):
    with pytest.raises(BadInput, match="is not an extent"):
        extent_of(request_of, make_raster(), "nonsense", tmp_path)


# Refusals ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"OVERLAP_PX": -1}, "at least 0 px"),
        ({"BACKBONE": "mosaic"}, "must be one of"),
        ({"SEED": "many"}, "must be a number"),
        ({"DIMENSIONS": 2.5}, "whole number"),
        ({"BANDS": [0]}, "counted from 1"),
        ({"OUTPUT": "out.png"}, "written as .tif"),
        ({"OUTPUT": "ogr:dbname='a.gpkg' table=\"x\""}, "written as a file"),
        ({"WEIGHTS": "none.pth"}, "there is no file"),
    ],
)
def test_bad_values_are_refused_early_in_a_sentence(provider, context, make_raster, tmp_path, values, sentence):
    algorithm = provider.algorithm("embedraster")
    parameters = {"INPUT": make_raster(), "OUTPUT": str(tmp_path / "a.tif"), **values}
    fits, why = algorithm.checkParameterValues(parameters, context)
    assert not fits
    assert sentence in why


def test_output_over_input_is_refused(request_of, make_raster):
    path = make_raster()
    with pytest.raises(BadJob, match="would overwrite Raster"):
        request_of("embedraster", INPUT=path, OUTPUT=path)


def test_two_outputs_of_one_name_are_refused(request_of, make_raster, tmp_path):
    head, out = tmp_path / "a.qhead", str(tmp_path / "map.tif")
    head.write_bytes(b"")
    with pytest.raises(BadJob, match="Confidence would overwrite Map"):
        request_of("applyhead", HEAD=str(head), EMBEDDING=make_raster(), OUTPUT=out, CONFIDENCE=out)


def test_checking_reserves_no_output(provider, context, make_raster):
    sink = QgsProcessingOutputLayerDefinition(QgsProcessing.TEMPORARY_OUTPUT, QgsProject.instance())
    assert provider.algorithm("embedraster").checkParameterValues({"INPUT": make_raster(), "OUTPUT": sink}, context)[0]
    assert context.layersToLoadOnCompletion() == {}
    assert os.path.exists(make_raster())
