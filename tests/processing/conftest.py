"""Fixtures of the Processing side: a real QGIS, a real engine, small real files."""

import os
from pathlib import Path

import pytest

SAMPLE = Path(__file__).resolve().parents[2] / "resources" / "sample"


@pytest.fixture(scope="session")
def engine():
    """The engine that the tests run with; without one nothing here can be tested."""
    from quadrat.core.errors import EngineMissing
    from quadrat.processing.environment import find_engine

    try:
        return find_engine()
    except EngineMissing as error:
        pytest.fail(f"These tests need an engine: run `make setup`, or name its Python in QUADRAT_PYTHON. {error}")


@pytest.fixture(scope="module")
def provider(engine, qgis_processing):
    """Quadrat in the toolbox, for one file: the plugin's own tests load it by themselves."""
    from qgis.core import QgsApplication
    from quadrat.processing.provider import QuadratProvider

    registry = QgsApplication.processingRegistry()
    provider = QuadratProvider()
    registry.addProvider(provider)
    yield provider
    registry.removeProvider(provider)


@pytest.fixture
def run(provider):
    """`run(id, **parameters)` as a script does it; `OUTPUT` and the like are temporary unless given."""
    import processing

    def run(algorithm, *, feedback=None, context=None, **parameters):
        return processing.run(f"quadrat:{algorithm}", parameters, feedback=feedback, context=context)

    return run


@pytest.fixture
def feedback():
    """Collects what a run says."""
    from qgis.core import QgsProcessingFeedback

    return QgsProcessingFeedback(False)


@pytest.fixture(scope="session")
def sample_raster():
    return str(SAMPLE / "sen2_l2a_12band.tif")


@pytest.fixture(scope="session")
def sample_labels():
    return str(SAMPLE / "training_polygons.geojson")


@pytest.fixture
def make_raster(tmp_path):
    """`make_raster(name, bands, height, width)`: a GeoTIFF in UTM with two kinds of ground, left and right."""
    import numpy as np
    from osgeo import gdal, osr

    def make(name="raster.tif", bands=3, height=48, width=64, epsg=32633, seed=0):
        path = str(tmp_path / name)
        values = np.random.default_rng(seed).integers(80, 120, (bands, height, width)).astype("uint8")
        values[:, :, width // 2 :] += 90
        dataset = gdal.GetDriverByName("GTiff").Create(path, width, height, bands, gdal.GDT_Byte)
        dataset.SetGeoTransform((500_000, 10, 0, 5_400_000, 0, -10))
        if epsg:
            system = osr.SpatialReference()
            system.ImportFromEPSG(epsg)
            dataset.SetProjection(system.ExportToWkt())
        for band in range(bands):
            dataset.GetRasterBand(band + 1).WriteArray(values[band])
        dataset = None  # closes the file
        return path

    return make


@pytest.fixture
def long_raster(tmp_path_factory):
    """A raster that keeps the engine busy for half a minute."""
    import numpy as np
    from osgeo import gdal

    path = str(tmp_path_factory.mktemp("long") / "large.tif")
    dataset = gdal.GetDriverByName("GTiff").Create(path, 4096, 4096, 4, gdal.GDT_Byte, ["TILED=YES"])
    dataset.SetGeoTransform((500_000, 10, 0, 5_400_000, 0, -10))
    for band in range(4):
        noise = np.random.default_rng(band).integers(1, 255, (4096, 4096), dtype="uint8")
        dataset.GetRasterBand(band + 1).WriteArray(noise)
    dataset = None
    return path


@pytest.fixture
def label_layer(qgis_new_project):
    """A memory layer with points of two classes on the raster of `make_raster`, in lat/lon, added to the project."""
    from qgis.core import (
        QgsCoordinateReferenceSystem,
        QgsCoordinateTransform,
        QgsFeature,
        QgsGeometry,
        QgsPointXY,
        QgsProject,
        QgsVectorLayer,
    )

    project = QgsProject.instance()
    layer = QgsVectorLayer(
        "Point?crs=EPSG:4326&field=fid:integer&field=kind:string&field=site:integer", "my labels", "memory"
    )
    to_degrees = QgsCoordinateTransform(
        QgsCoordinateReferenceSystem("EPSG:32633"), QgsCoordinateReferenceSystem("EPSG:4326"), project
    )
    features = []
    for number in range(24):
        kind = "left" if number % 2 else "right"
        x = 500_000 + (60 if kind == "left" else 380) + 20 * (number % 8)
        y = 5_400_000 - 30 - 15 * number
        feature = QgsFeature(layer.fields())
        feature.setAttributes([1, kind, number // 4])  # a column `fid` with repeated values, as users have them
        feature.setGeometry(QgsGeometry.fromPointXY(to_degrees.transform(QgsPointXY(x, y))))
        features.append(feature)
    layer.dataProvider().addFeatures(features)
    project.addMapLayer(layer)
    return layer


def children_of(pid):
    """Process ids of the living children of a process, zombies left out (Linux)."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                status = Path("/proc", entry, "stat").read_text()
            except OSError:
                continue
            state, parent = status.rpartition(")")[2].split()[:2]
            if int(parent) == pid and state != "Z":
                found.append(int(entry))
    return found


@pytest.fixture
def workers():
    """`workers()`: process ids of the workers that live now."""

    def workers():
        return [pid for pid in children_of(os.getpid()) if b"boot.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    return workers


@pytest.fixture
def context(qgis_new_project):
    """A Processing context on an empty project."""
    from qgis.core import QgsProcessingContext, QgsProject

    context = QgsProcessingContext()
    context.setProject(QgsProject.instance())
    yield context
    context.temporaryLayerStore().removeAllMapLayers()  # its layers must not outlive QGIS, which pytest-qgis ends


@pytest.fixture
def request_of(provider, context):
    """`request_of(id, **values)`: the job and copies that the values stand for."""
    from quadrat.processing.values import Reader, with_outputs

    def request_of(algorithm, **values):
        copy = provider.algorithm(algorithm).create()
        request = Reader(copy, copy.JOB, values, context).request()
        request.job = with_outputs(request.job, copy, values, context)
        return request

    return request_of


@pytest.fixture
def open_form(provider, engine, qgis_iface, qtbot, qgis_new_project, tmp_path, monkeypatch):
    """`open_form(algorithm, **values)`: the form as menu, toolbox and history open it."""
    from qgis.PyQt import sip
    from quadrat.processing import background
    from quadrat.processing.environment import Engine
    from quadrat.processing.forms import fits

    import processing

    monkeypatch.setattr(qgis_iface, "browserModel", lambda: None, raising=False)  # else a mock, which QGIS refuses
    monkeypatch.setenv("QUADRAT_PYTHON", str(engine.python))
    monkeypatch.setenv("QUADRAT_HOME", str(tmp_path / "home"))  # with no weights in it
    monkeypatch.setattr(fits, "find_engine", lambda: Engine(None, None, "full", ""))  # whichever runs the tests
    fits._kept.clear()
    made = []

    def open_form(algorithm="embedraster", **values):
        form = processing.createAlgorithmDialog(f"quadrat:{algorithm}", values)
        made.append(form)
        form.show()
        return form

    yield open_form
    for form in made:
        if not sip.isdeleted(form):
            sip.delete(form)
    qtbot.waitUntil(lambda: not background._alive, timeout=20_000)
