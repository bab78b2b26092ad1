"""The same algorithms from QGIS's own command line: results, exit status, JSON that stays JSON, Ctrl-C."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def qgis_process(engine, tmp_path):
    """`qgis_process(*arguments)`: a started process, in a profile of its own in which the plugin is switched on."""
    from quadrat.processing.doctor import find_qgis_process

    program = find_qgis_process()
    assert program, "QGIS is here, so its qgis_process must be too"
    profile = tmp_path / "profile" / "profiles" / "default"
    (profile / "python" / "plugins").mkdir(parents=True)
    (profile / "QGIS").mkdir()
    (profile / "python" / "plugins" / "quadrat").symlink_to(ROOT)
    for name in ("QGIS3.ini", "QGIS4.ini"):
        (profile / "QGIS" / name).write_text("[PythonPlugins]\nquadrat=true\n")
    (tmp_path / "run").mkdir(mode=0o700)
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }
    environment.update(
        QGIS_CUSTOM_CONFIG_PATH=str(tmp_path / "profile"), HOME=str(tmp_path), QT_QPA_PLATFORM="offscreen",
        XDG_RUNTIME_DIR=str(tmp_path / "run"), PYTHONDONTWRITEBYTECODE="1",
        PATH=os.pathsep.join(["/usr/bin", "/bin", environment.get("PATH", "")]),
    )  # fmt: skip
    started = []

    def start(*arguments):
        process = subprocess.Popen(
            [program, *arguments], env=environment, cwd=tmp_path, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def embed(raster, output, *more):
    return ["run", "quadrat:embedraster", "--", f"INPUT={raster}", f"OUTPUT={output}", *more]


def worker_of(process):
    """Process id of the worker below a qgis_process, or None."""
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == process.pid and b"boot.py" in (entry / "cmdline").read_bytes():
                return int(entry.name)
        except OSError:
            continue
    return None


def gone(pid):
    """True when the process has ended; who reaps it is the system's matter."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def wait_for(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_text_and_relative_paths(qgis_process, make_raster, tmp_path):
    make_raster("in.tif")
    process = qgis_process(*embed("in.tif", "out.tif", "BACKBONE=raw", "BANDS=3", "BANDS=1"))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert f"OUTPUT:\t{tmp_path / 'out.tif'}" in out
    job = json.loads(Path(f"{tmp_path / 'out.tif'}.quadrat.json").read_text(encoding="utf-8"))["job"]
    assert (job["backbone"], job["bands"]) == ("raw", [3, 1])


def test_json_stays_json(qgis_process, make_raster, tmp_path):
    process = qgis_process("--json", *embed(make_raster(), tmp_path / "out.tif", "BACKBONE=raw"))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["results"] == {"OUTPUT": str(tmp_path / "out.tif")}


@pytest.fixture
def tile(tmp_path):
    """A TESSERA tile with its scales and land mask, as they are loaded down; gives the path of the tile."""
    import numpy as np
    from osgeo import gdal, osr

    rng = np.random.default_rng(0)
    np.save(tmp_path / "grid_0.15_52.05.npy", rng.integers(-128, 128, (20, 24, 128)).astype("int8"))
    np.save(tmp_path / "grid_0.15_52.05_scales.npy", rng.uniform(0.01, 0.05, (20, 24)).astype("float32"))
    system = osr.SpatialReference()
    system.ImportFromEPSG(32631)
    mask = gdal.GetDriverByName("GTiff").Create(str(tmp_path / "grid_0.15_52.05.tiff"), 24, 20, 1, gdal.GDT_Byte)
    mask.SetGeoTransform((300_000, 10, 0, 5_770_000, 0, -10))
    mask.SetProjection(system.ExportToWkt())
    mask = None
    return "grid_0.15_52.05.npy"


def test_a_tile_that_gdal_cannot_open_goes_through_the_raster_parameter(qgis_process, tile, tmp_path):
    asked = ["run", "quadrat:openembedding", "--", f"INPUT={tile}", "PRODUCT=tessera-v1", "OUTPUT=out.tif"]
    process = qgis_process("--json", *asked)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["results"] == {"OUTPUT": str(tmp_path / "out.tif")}
    facts = json.loads((tmp_path / "out.tif.quadrat.json").read_text(encoding="utf-8"))["facts"]
    assert (facts["backbone"], facts["width"], facts["height"]) == ("tessera-v1", 24, 20)
    process = qgis_process(*asked, "EXTENT=0,1,0,1")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "for rasters only" in err


def test_clusters_then_a_sample_of_them(qgis_process, make_raster, tmp_path):
    make_raster("in.tif")
    for algorithm, *values in (
        ("clusterembedding", "EMBEDDING=in.tif", "CLUSTERS=2", "OUTPUT=clusters.tif"),
        ("drawsample", "MAP=clusters.tif", "SIZE=24", "MINIMUM=5", "OUTPUT=sample.gpkg"),
    ):
        process = qgis_process("run", f"quadrat:{algorithm}", "--", *values)
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    facts = json.loads((tmp_path / "sample.gpkg.quadrat.json").read_text(encoding="utf-8"))["facts"]
    assert facts["places"] == 24
    assert (tmp_path / "clusters.qml").is_file() and (tmp_path / "sample.qml").is_file()


def test_errors_end_with_a_status_and_a_sentence(qgis_process, make_raster, tmp_path):
    process = qgis_process(*embed(make_raster(), tmp_path / "out.tif", "BACKBONE=mosaic"))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "must be one of: spectral-textural" in err
    process = qgis_process(*embed(make_raster(), tmp_path / "out.tif", "BACKBONE=timm"))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in err
    assert "odel" in err


@pytest.mark.parametrize("json_output", [False, True], ids=["text", "json"])
def test_ctrl_c_stops_it_and_its_worker_soon(qgis_process, long_raster, tmp_path, json_output):
    process = qgis_process(*(["--json"] if json_output else []), *embed(long_raster, tmp_path / "out.tif"))
    assert wait_for(lambda: worker_of(process), 30)
    worker = worker_of(process)
    time.sleep(1.5)  # into the middle of the work
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    process.communicate(timeout=10)
    assert time.monotonic() - begun < 8, "a second for the cancel, the rest for QGIS to quit beside much else"
    assert process.returncode == 1
    assert wait_for(lambda: gone(worker), 2)
    assert not (tmp_path / "out.tif").exists()


def test_worker_ends_when_qgis_is_killed(qgis_process, long_raster, tmp_path):
    process = qgis_process(*embed(long_raster, tmp_path / "out.tif"))
    assert wait_for(lambda: worker_of(process), 30)
    worker = worker_of(process)
    time.sleep(1.0)
    process.kill()
    assert wait_for(lambda: gone(worker), 3)


def test_extents_and_coordinate_systems_on_the_command_line(qgis_process, tmp_path):
    output = tmp_path / "cells.gpkg"
    asked = ["run", "quadrat:makecells", "--", "EXTENT=-43.2,-43.19,-22.91,-22.9 [EPSG:4326]", f"OUTPUT={output}"]
    process = qgis_process(*asked, "CRS=EPSG:31983")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    job = json.loads(Path(f"{output}.quadrat.json").read_text(encoding="utf-8"))["job"]
    assert job["crs"] == "EPSG:31983" and job["extent"] == "-43.2,-43.19,-22.91,-22.9 [EPSG:4326]"


def test_the_shipped_model_maps_a_village_from_layers(qgis_process, tmp_path):
    """Houses stand in for favelas; all optional layers are left out."""
    sample = ROOT / "resources" / "sample"
    whole = json.loads((sample / "training_polygons.geojson").read_text(encoding="utf-8"))
    for name, houses in (("houses", True), ("others", False)):
        some = [one for one in whole["features"] if (one["properties"]["class"] == "village") == houses]
        (tmp_path / f"{name}.geojson").write_text(json.dumps({**whole, "features": some}), encoding="utf-8")
    process = qgis_process(
        "--json", "run", "quadrat:favela", "--", f"SENTINEL2={sample / 'sen2_l2a_12band.tif'}",
        "FAVELAS=houses.geojson", "RESIDENTIAL=others.geojson", "CELL_SIZE_M=60", "BACKBONE=raw",
        "METHODS=forest-variables", "METHODS=forest-features", "mapsettlement:map=map.gpkg",
        "trainsettlement:methods=village.qmethods", "embedcells:cells=cells.gpkg",
    )  # fmt: skip
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    assert json.loads(out)["results"]["mapsettlement:map"] == str(tmp_path / "map.gpkg")
    facts = json.loads((tmp_path / "map.gpkg.quadrat.json").read_text(encoding="utf-8"))["facts"]
    assert facts["counts"]["favela"] > 25 and facts["discarded"] > 700, "forest is vegetation"
    assert (tmp_path / "village.qmethods").is_file() and (tmp_path / "map.qml").is_file()
