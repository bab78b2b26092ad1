import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quadrat.core import spool, tiff, writing
from quadrat.core.errors import Unwritable
from quadrat.core.grid import Grid
from quadrat.core.writing import Band, BlockWriter, kept
from rasterio.crs import CRS
from rasterio.transform import Affine

pytestmark = pytest.mark.same_without_torch

ROOT = Path(__file__).parents[2]


def make_grid(height, width, epsg=32722):
    wkt = CRS.from_epsg(epsg).to_wkt() if epsg else ""
    return Grid(Affine(10.5, 0, 600_000.25, 0, -10.5, 9_000_000), wkt, height, width)


def make_values(count, height, width, dtype="uint8", seed=0):
    rng = np.random.default_rng(seed)
    if dtype == "float32":
        return rng.normal(0, 3, (count, height, width)).astype(dtype)
    return rng.integers(1, 200, (count, height, width)).astype(dtype)


def write(path, values, *, stop=None, signature=None, grid=None, nodata=0, **options):
    """Write, or stop before block `stop` as a cancel would."""
    count, height, width = values.shape
    bands = [Band(f"número {i}", 0.01 * (i + 1), -i) for i in range(count)]
    grid = grid or make_grid(height, width)
    with BlockWriter(path, grid, bands, str(values.dtype), nodata=nodata, signature=signature or {"a": 1},
                     **options) as writer:  # fmt: skip
        skipped = len(writer.done)
        for index, w in enumerate(writer.windows):
            if index == stop:
                return skipped
            if index not in writer.done:
                writer.put(index, values[:, w.row : w.row + w.height, w.col : w.col + w.width].copy())
        writer.finish()
    return skipped


def digest(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    height=st.integers(1, 90), width=st.integers(1, 90), count=st.integers(1, 5), block=st.sampled_from([0, 16, 32]),
    dtype=st.sampled_from(["uint8", "uint16", "int16", "float32"]), big=st.booleans(), epsg=st.sampled_from([32722, 0]),
)  # fmt: skip
def test_what_is_put_is_read(tmp_path, height, width, count, block, dtype, big, epsg):
    values = make_values(count, height, width, dtype)
    nodata = float("nan") if dtype == "float32" else 0
    grid, path = make_grid(height, width, epsg), tmp_path / "out.tif"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiff, "CLASSIC_LIMIT", 0 if big else 2**32)
        write(path, values, grid=grid, block=block, nodata=nodata, tags={"x": 'é"<&'})
    assert path.read_bytes()[2] == (43 if big else 42)
    with rasterio.open(path) as file:
        assert (file.read() == values).all()
        assert file.transform == grid.transform
        assert (file.crs.to_epsg() if file.crs else 0) == epsg
        assert file.descriptions == tuple(f"número {i}" for i in range(count))
        assert file.scales == tuple(pytest.approx(0.01 * (i + 1)) for i in range(count))
        assert file.offsets == tuple(-i for i in range(count))
        assert np.isnan(file.nodata) if dtype == "float32" else file.nodata == 0
        assert file.tags(ns="QUADRAT") == {"x": 'é"<&'}
        assert file.compression.name == "zstd"


@pytest.mark.parametrize(("big", "dtype"), [(False, "float32"), (True, "uint8")])
def test_the_gdal_of_qgis_reads_it(tmp_path, monkeypatch, big, dtype):
    python = shutil.which("python3", path="/usr/bin")
    if not python:
        pytest.skip("no system Python")
    monkeypatch.setattr(tiff, "CLASSIC_LIMIT", 0 if big else 2**32)
    values = make_values(5, 70, 2100, dtype)
    write(tmp_path / "out.tif", values, nodata=float("nan") if dtype == "float32" else 0, tags={"identity": "abc"})
    np.save(tmp_path / "values.npy", values)
    script = """
        import sys, json
        try:
            import numpy as np
            from osgeo import gdal, gdal_array
        except ImportError:
            sys.exit(7)
        gdal.UseExceptions()
        d = gdal.Open(sys.argv[1])
        b = d.GetRasterBand(3)
        print(json.dumps([bool((d.ReadAsArray() == np.load(sys.argv[2])).all()), b.GetDescription(), b.GetScale(),
              b.GetOffset(), d.GetMetadata("QUADRAT"), d.GetGeoTransform(), d.GetSpatialRef().GetAuthorityCode(None),
              [o.ReadAsArray().tolist() for o in map(b.GetOverview, range(b.GetOverviewCount()))], b.GetBlockSize()]))
    """
    answer = subprocess.run([python, "-c", textwrap.dedent(script), tmp_path / "out.tif", tmp_path / "values.npy"],
                            capture_output=True, text=True)  # fmt: skip
    if answer.returncode == 7:
        pytest.skip("the system Python has no GDAL")
    assert not answer.returncode, answer.stderr
    equal, name, scale, offset, tags, transform, epsg, overviews, size = json.loads(answer.stdout)
    assert equal
    assert (name, scale, offset, tags) == ("número 2", pytest.approx(0.03), -2, {"identity": "abc"})
    assert (transform, epsg) == ([600_000.25, 10.5, 0, 9_000_000, 0, -10.5], "32722")
    for level, seen in enumerate(overviews):
        with rasterio.open(tmp_path / "out.tif", overview_level=level) as file:
            assert np.array_equal(file.read(3), seen)
    assert len(overviews) == 2
    assert size == [128, 128]


def test_class_map_has_colours_and_names(tmp_path):
    values = make_values(1, 40, 40) % 3
    colours = {0: (0, 0, 0, 0), 1: (255, 0, 0, 255), 2: (0, 128, 0, 255)}
    with BlockWriter(tmp_path / "c.tif", make_grid(40, 40), [Band("class")], "uint8", nodata=0, signature={},
                     colours=colours, category_names=["", "town", "forêt"]) as writer:  # fmt: skip
        writer.put(0, values[0])
        writer.finish()
    with rasterio.open(tmp_path / "c.tif") as file:
        assert {code: file.colormap(1)[code] for code in (1, 2)} == {1: (255, 0, 0, 255), 2: (0, 128, 0, 255)}
        assert json.loads(file.tags(ns="QUADRAT")["category_names"]) == ["", "town", "forêt"]
        assert (file.read() == values).all()


def test_overviews_leave_nodata_out(tmp_path):
    values = np.full((1, 40, 2600), 200, np.uint8)
    values[:, :, 1::2] = 0
    write(tmp_path / "out.tif", values)
    with rasterio.open(tmp_path / "out.tif") as file:
        assert file.overviews(1) == [2, 4, 8, 16]
        assert set(np.unique(file.read(1, out_shape=(20, 1300)))) == {200}


def test_overviews_of_classes_hold_classes_only(tmp_path):
    values = np.full((1, 40, 2600), 1, np.uint8)
    values[:, ::3] = 9
    write(tmp_path / "out.tif", values, categorical=True)
    with rasterio.open(tmp_path / "out.tif") as file:
        assert set(np.unique(file.read(1, out_shape=(20, 1300)))) <= {1, 9}


@pytest.mark.parametrize("stop", [0, 1, 5, 11])
def test_a_stopped_run_goes_on_to_the_same_bytes(tmp_path, stop):
    values = make_values(3, 60, 50)
    write(tmp_path / "a.tif", values, block=16)
    assert write(tmp_path / "b.tif", values, block=16, stop=stop) == 0
    assert not (tmp_path / "b.tif").exists()
    assert write(tmp_path / "b.tif", values, block=16) == stop
    assert digest(tmp_path / "a.tif") == digest(tmp_path / "b.tif")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tif", "b.tif"]


def test_another_signature_or_layout_starts_anew(tmp_path):
    values = make_values(3, 60, 50)
    for options in ({"signature": {"a": 2}}, {"block": 32}, {"tags": {"x": "y"}}):
        write(tmp_path / "b.tif", values, **{"block": 16, **{"stop": 5}})
        assert write(tmp_path / "b.tif", values, **{"block": 16, **options}) == 0
        with rasterio.open(tmp_path / "b.tif") as file:
            assert (file.read() == values).all()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damage_anywhere_is_noticed(tmp_path, data):
    """Cut or flip bytes of spool and journal: whatever is gone on with, the result is right."""
    values = make_values(2, 60, 50)
    path = tmp_path / "b.tif"
    write(path, values, block=16, stop=8)
    for file in (spool.part_path(path), spool.journal_path(path)):
        content = bytearray(file.read_bytes())
        kind = data.draw(st.sampled_from(["none", "cut", "flip", "garbage"]))
        at = data.draw(st.integers(0, len(content) - 1))
        if kind == "cut":
            content = content[:at]
        elif kind == "flip":
            content[at] ^= 0x5A
        elif kind == "garbage":
            content += bytes(data.draw(st.binary(max_size=40)))
        file.write_bytes(content)
    write(path, values, block=16)
    with rasterio.open(path) as file:
        assert (file.read() == values).all()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.tif"]


KILLED = """
    import sys, time
    sys.path.insert(0, sys.argv[2])
    import conftest
    import numpy as np
    from quadrat.tests.core.test_writing import make_grid, make_values
    from quadrat.core.writing import Band, BlockWriter
    values = make_values(8, 600, 600)
    with BlockWriter(sys.argv[1], make_grid(600, 600), [Band(f"número {i}", 0.01 * (i + 1), -i) for i in range(8)],
                     "uint8", nodata=0, signature={"a": 1}, block=32) as writer:
        print("open", flush=True)
        for i, w in enumerate(writer.windows):
            if i not in writer.done:
                writer.put(i, values[:, w.row:w.row + w.height, w.col:w.col + w.width])
                time.sleep(0.01)
        writer.finish()
"""


def test_kill_minus_nine_then_go_on(tmp_path):
    """Killed near the beginning; gone on with; the same bytes. And no two processes write one file."""
    values, lines = make_values(8, 600, 600), 60
    write(tmp_path / "a.tif", values, block=32)
    process = start(KILLED, tmp_path / "b.tif")
    try:
        while spool.journal_path(tmp_path / "b.tif").read_bytes().count(b"\n") <= lines:
            time.sleep(0.002)
        if hasattr(signal, "SIGSTOP"):
            process.send_signal(signal.SIGSTOP)
        with pytest.raises(Unwritable, match="Another run of Quadrat is writing"):
            write(tmp_path / "b.tif", values, block=32)
    finally:
        process.kill()
        process.wait()
    assert not (tmp_path / "b.tif").exists()
    done = write(tmp_path / "b.tif", values, block=32)
    assert lines <= done < 361
    assert digest(tmp_path / "a.tif") == digest(tmp_path / "b.tif")


def start(script, path):
    """The script as a process that has its spool open."""
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), path, ROOT], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"open\n"
    return process


def test_what_is_kept_comes_back(tmp_path):
    values = make_values(2, 60, 50)
    assert kept(tmp_path / "b.tif", {"a": 1}) is None
    write(tmp_path / "b.tif", values, stop=0, keep={"ranges": [1.5]})
    assert kept(tmp_path / "b.tif", {"a": 1}) == {"ranges": [1.5]}
    assert kept(tmp_path / "b.tif", {"a": 2}) is None


def test_sentences_for_folders(tmp_path):
    values = make_values(1, 8, 8)
    with pytest.raises(Unwritable, match="There is no folder"):
        write(tmp_path / "nowhere" / "b.tif", values)
    if not hasattr(os, "seteuid"):
        pytest.skip("folders cannot be made read-only here")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    user = os.geteuid()
    try:
        if user == 0:  # root may write anywhere
            os.seteuid(65534)
        with pytest.raises(Unwritable, match="read-only"):
            write(folder / "b.tif", values)
    finally:
        os.seteuid(user)
        folder.rmdir()


def test_full_disk(tmp_path, monkeypatch):
    values = make_values(4, 300, 300)
    usage = shutil._ntuple_diskusage(10**9, 10**9, 1000)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda folder: usage)
        with pytest.raises(Unwritable, match=r"needs about 0\.2 MB.* 0\.0 MB left\. Make room"):
            write(tmp_path / "b.tif", values, foreseen_ratio=0.5)
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_disk_that_fills_up_while_writing(tmp_path, monkeypatch):
    with BlockWriter(tmp_path / "b.tif", make_grid(64, 64), [Band("x")], "uint8", nodata=0, signature={},
                     block=16) as writer:  # fmt: skip
        writer.put(0, make_values(1, 16, 16))
        writer._drain(0)
        part = writer._spool._part
        writer.put(1, make_values(1, 16, 16))
        with open("/dev/full", "r+b", buffering=0) as full:
            writer._spool._part = full
            with pytest.raises(Unwritable, match=r"disk of .* is full"):
                writer._drain(0)
        writer._spool._part = part
        writer._waiting.clear()
    assert write(tmp_path / "b.tif", make_values(1, 64, 64), block=16, signature={"other": 1}) == 0


def test_stale_companions_go_with_the_old_file(tmp_path):
    for suffix in writing.STALE_COMPANIONS:
        (tmp_path / f"b.tif{suffix}").write_text("of an older raster")
    write(tmp_path / "b.tif", make_values(1, 8, 8))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["b.tif"]


def test_wrong_blocks_are_refused(tmp_path):
    with BlockWriter(tmp_path / "b.tif", make_grid(20, 20), [Band("x")], "uint8", nodata=0, signature={}) as writer:
        with pytest.raises(ValueError, match="must be"):
            writer.put(0, np.zeros((2, 20, 20), np.uint8))
        with pytest.raises(ValueError, match="must be"):
            writer.put(0, np.zeros((1, 20, 20), np.float32))
        with pytest.raises(ValueError, match="never put"):
            writer.finish()
