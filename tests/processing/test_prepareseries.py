"""Prepare series in QGIS: layers of a form, temporary results, the virtual raster as QGIS reads and shows it."""

import os

import numpy as np
import pytest
from osgeo import gdal
from qgis.core import (
    QgsMultiBandColorRenderer,
    QgsProcessing,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingOutputLayerDefinition,
    QgsProject,
    QgsRasterLayer,
    QgsSingleBandPseudoColorRenderer,
)
from quadrat.core.errors import BadInput, BadJob
from quadrat.processing.parameters import OwnFormat, definitions
from quadrat.processing.styles import new_styler


@pytest.fixture
def years(make_raster):
    """Three years of three bands each, with names in the files; gives their paths."""
    paths = []
    for year in (2018, 2019, 2020):
        path = make_raster(f"s2_{year}.tif", seed=year)
        dataset = gdal.Open(path, gdal.GA_Update)
        for band, name in enumerate(("blue", "green", "red"), 1):
            dataset.GetRasterBand(band).SetDescription(name)
        dataset = None  # closes the file
        paths.append(path)
    return paths


def array(path):
    dataset = gdal.Open(path)
    assert dataset is not None
    return dataset.ReadAsArray()


def test_the_virtual_raster_reads_as_its_sources_do_in_the_gdal_of_qgis(run, years, tmp_path):
    path = str(tmp_path / "série.vrt")
    run("prepareseries", RASTERS=years, OUTPUT=path)
    made = array(path)
    assert made.shape == (9, 48, 64)
    np.testing.assert_array_equal(made, np.concatenate([array(year) for year in years]))
    layer = QgsRasterLayer(path, "series")
    assert layer.isValid() and layer.crs().authid() == "EPSG:32633" and layer.bandCount() == 9
    assert layer.bandName(9) == "Band 9: red_2020"


def test_parts_on_one_lattice_with_a_hole_between(run, years, tmp_path):
    """A file of one date that covers less: nodata around it, of a type that has room for it."""
    gdal.Translate(str(tmp_path / "s2_2021.tif"), years[0], srcWin=[10, 20, 30, 15])
    path = str(tmp_path / "a.vrt")
    run("prepareseries", FOLDER=str(tmp_path), PATTERN="s2_202?.tif", OUTPUT=path)
    layer = QgsRasterLayer(path, "series")
    provider = layer.dataProvider()
    assert layer.bandCount() == 6 and provider.sourceHasNoDataValue(4)
    block = provider.block(4, layer.extent(), 64, 48)
    valid = np.array([[not block.isNoData(row, col) for col in range(64)] for row in range(48)])
    assert valid[20:35, 10:40].all() and valid.sum() == 15 * 30
    np.testing.assert_array_equal(array(path)[3:, 20:35, 10:40], array(years[0])[:, 20:35, 10:40])


def test_it_opens_as_a_picture_of_the_last_date(run, years, tmp_path, context, feedback):
    path = str(tmp_path / "a.vrt")
    run("prepareseries", RASTERS=years, OUTPUT=path, context=context, feedback=feedback)
    for layer in (QgsRasterLayer(path, "beside its style"), QgsRasterLayer(path, "by the styler")):
        new_styler().postProcessLayer(layer, context, feedback) if layer.name() == "by the styler" else None
        renderer = layer.renderer()
        assert isinstance(renderer, QgsMultiBandColorRenderer)
        assert (renderer.redBand(), renderer.greenBand(), renderer.blueBand()) == (9, 8, 7)
        stretch = renderer.redContrastEnhancement()
        low, high = np.percentile(array(years[2])[2], (1, 99))
        assert (stretch.minimumValue(), stretch.maximumValue()) == pytest.approx((low, high), abs=1)
    assert "3 dates from 2018 to 2020, yearly; 3 files; bands blue, green and red" in feedback.textLog()


def test_converted_numbers_are_shown_in_their_unit(run, make_raster, tmp_path):
    """Scale and offset lie in the virtual raster: QGIS reads reflectance, and the style is stretched to it."""
    for year, times in ((2018, 40), (2019, 40), (2020, 0.004)):
        source = make_raster(f"bytes_{year}.tif", seed=year)
        kind = gdal.GDT_UInt16 if times > 1 else gdal.GDT_Float32
        dataset = gdal.GetDriverByName("GTiff").Create(str(tmp_path / f"s2_{year}.tif"), 64, 48, 3, kind)
        dataset.SetGeoTransform(gdal.Open(source).GetGeoTransform())
        dataset.SetProjection(gdal.Open(source).GetProjection())
        for band, name in enumerate(("blue", "green", "red")):
            dataset.GetRasterBand(band + 1).SetDescription(name)
            dataset.GetRasterBand(band + 1).WriteArray(array(source)[band].astype(float) * times)
        dataset = None  # closes the file
    path = str(tmp_path / "a.vrt")
    run("prepareseries", FOLDER=str(tmp_path), PATTERN="s2_*.tif", SCALE_CHANGE="convert", OUTPUT=path)
    layer = QgsRasterLayer(path, "series")
    block = layer.dataProvider().block(3, layer.extent(), 64, 48)
    assert block.value(5, 7) == pytest.approx(array(str(tmp_path / "s2_2018.tif"))[2, 5, 7] * 1e-4)
    stretch = layer.renderer().redContrastEnhancement()
    assert 0.2 < stretch.minimumValue() < stretch.maximumValue() < 1


def test_one_band_is_shown_on_a_scale_of_colours(run, make_raster, tmp_path, context, feedback):
    paths = [make_raster(f"ntl_{year}.tif", bands=1, seed=year) for year in (2014, 2015)]
    path = str(tmp_path / "a.vrt")
    run("prepareseries", RASTERS=paths, OUTPUT=path)
    layer = QgsRasterLayer(path, "lights")  # owns its renderer
    renderer = layer.renderer()
    assert isinstance(renderer, QgsSingleBandPseudoColorRenderer)
    assert renderer.usesBands() == [2] and renderer.classificationMax() > renderer.classificationMin()


def test_a_temporary_result_is_a_virtual_raster_too(run, years, context):
    results = run(
        "prepareseries", RASTERS=years, OUTPUT=QgsProcessing.TEMPORARY_OUTPUT, REPORT=QgsProcessing.TEMPORARY_OUTPUT
    )
    assert results["OUTPUT"].endswith(".vrt") and array(results["OUTPUT"]).shape[0] == 9
    assert results["REPORT"].endswith(".html") and os.path.isfile(results["REPORT"])


def test_it_is_loaded_by_the_form(run, years, context):
    definition = QgsProcessingOutputLayerDefinition(QgsProcessing.TEMPORARY_OUTPUT, QgsProject.instance())
    results = run("prepareseries", RASTERS=years, OUTPUT=definition, context=context)
    details = context.layersToLoadOnCompletion()
    assert list(details) == [results["OUTPUT"]] and details[results["OUTPUT"]].name == "Series of s2_2020"


def test_other_formats_are_refused(request_of, years, tmp_path):
    with pytest.raises(BadJob, match=r"Series is written as \.vrt"):
        request_of("prepareseries", RASTERS=years, OUTPUT=str(tmp_path / "a.tif"))


def test_layers_of_the_project_and_files(request_of, years, tmp_path, qgis_new_project):
    layer = QgsRasterLayer(years[0], "the first")
    QgsProject.instance().addMapLayer(layer)
    output = str(tmp_path / "a.vrt")
    for value in ([layer, years[1]], [layer.id(), years[1]], f"{years[0]};{years[1]}"):
        assert request_of("prepareseries", RASTERS=value, OUTPUT=output).job.rasters == (years[0], years[1])
    with pytest.raises(BadInput, match="Raster layers: 'nothing' cannot be opened as a raster"):
        request_of("prepareseries", RASTERS=["nothing"], OUTPUT=output)
    with pytest.raises(BadJob, match="needs a folder, raster layers, or a table"):
        request_of("prepareseries", OUTPUT=output)


def test_the_result_must_be_no_input(request_of, years, run, tmp_path):
    path = str(tmp_path / "a.vrt")
    run("prepareseries", RASTERS=years, OUTPUT=path)
    with pytest.raises(BadJob, match="would overwrite"):
        request_of("prepareseries", RASTERS=[path], OUTPUT=path)


@pytest.mark.parametrize("kept", [True, False])
def test_in_a_model_its_result_feeds_the_next_step(provider, years, tmp_path, context, feedback, kept):
    """Results of models are made by copies of the parameter, results between steps by the parameter itself."""
    model = QgsProcessingModelAlgorithm("series")
    again = str(tmp_path / "again.vrt")
    source = QgsProcessingModelChildParameterSource
    for name, values in (
        ("first", {"RASTERS": source.fromStaticValue(years)}),
        ("second", {"RASTERS": source.fromChildOutput("first", "OUTPUT"), "OUTPUT": source.fromStaticValue(again)}),
    ):
        child = QgsProcessingModelChildAlgorithm("quadrat:prepareseries")
        child.setChildId(name)
        for key, value in values.items():
            child.addParameterSources(key, [value])
        if kept and name == "first":
            output = QgsProcessingModelOutput("Kept", "Kept")
            output.setChildOutputName("OUTPUT")
            output.setChildId(name)
            child.setModelOutputs({"Kept": output})
        model.addChildAlgorithm(child)
    values = {"first:Kept": QgsProcessing.TEMPORARY_OUTPUT} if kept else {}
    results, ok = model.run(values, context, feedback)
    assert ok, feedback.textLog()
    assert array(again).shape == (9, 48, 64)
    if kept:
        assert next(path for path in results.values() if isinstance(path, str) and path.endswith(".vrt"))


def test_the_ending_outlives_copies_of_the_parameter(provider, context):
    from quadrat.core.jobs.poverty.series import PrepareSeries

    output = next(d for d in definitions(PrepareSeries) if d.name() == "OUTPUT")
    algorithm = provider.algorithm("prepareseries").create()  # owns its parameters
    for one in (output, output.clone(), algorithm.parameterDefinition("OUTPUT")):
        assert isinstance(one, OwnFormat) and one.defaultFileExtension() == "vrt"
        assert one.createFileFilter().startswith("Series (*.vrt)")
        assert one.generateTemporaryDestination().endswith(".vrt")
        assert one.isSupportedOutputValue("/a/b.vrt", context)[0], "QGIS's form asks before it runs anything"
        assert one.description() == "Series" and not one.flags() & one.Flag.FlagOptional
