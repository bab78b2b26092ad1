import os
import shutil
import sqlite3

import geopandas as gpd
import numpy as np
import pytest
import rasterio.shutil
import shapely
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from quadrat.core import sidecar
from quadrat.core.atomic import replacing
from quadrat.core.errors import BadInput, Unwritable
from quadrat.core.jobs.embed import EmbedRaster
from quadrat.core.jobs.registry import job_from_dict
from quadrat.core.sidecar import (
    decode_arrays,
    encode_arrays,
    fingerprint,
    inputs_unchanged,
    read_sidecar,
    write_sidecar,
)


@given(arrays(st.sampled_from(["f4", "f8", "i8", "u1", "?"]), array_shapes(min_dims=0, max_dims=3, min_side=0)))
def test_arrays_come_back(array):
    back = decode_arrays(encode_arrays({"x": array}))["x"]
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


def test_damaged_arrays_and_pickles_are_refused():
    good = encode_arrays({"x": np.arange(5)})["x"]
    for text in (good[:-8], "%%%", "", "AAAA"):
        with pytest.raises(BadInput, match="damaged"):
            decode_arrays({"x": text})
    with pytest.raises(ValueError, match="pickle"):
        encode_arrays({"x": np.array([{}], object)})


def test_what_is_written_is_read(tmp_path, make_raster):
    path, output = make_raster(), str(tmp_path / "ébène.tif")
    job = EmbedRaster(input=path, output=output, bands=(2, 1))
    write_sidecar(output, job, {"n": 1, "é": [1.5]}, inputs={"input": path})
    content = read_sidecar(output)
    assert job_from_dict(content["job"]) == job
    assert content["facts"] == {"n": 1, "é": [1.5]}
    assert inputs_unchanged(content, {"input": path})
    assert not inputs_unchanged(content, {"input": path, "mask": path})
    make_raster(seed=3)
    assert not inputs_unchanged(content, {"input": path})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.tif", "ébène.tif.quadrat.json"]


def test_missing_or_damaged_sidecar_is_none(tmp_path):
    output = str(tmp_path / "a.tif")
    assert read_sidecar(output) is None
    for text in ("", "{", "[]", '{"facts": 3}'):
        sidecar.sidecar_path(output).write_text(text)
        assert read_sidecar(output) is None


def test_unwritable_place(tmp_path, make_raster):
    job = EmbedRaster(input="a", output="b")
    with pytest.raises(Unwritable, match="cannot be written"):
        write_sidecar(str(tmp_path / "no" / "a.tif"), job, {}, inputs={})


def test_fingerprint_is_of_the_content_alone(tmp_path, make_raster):
    path = make_raster("a.tif")
    (tmp_path / "sub").mkdir()
    copy = str(shutil.copy(path, tmp_path / "sub" / "b.tif"))
    os.utime(copy, (0, 0))
    assert fingerprint(path) == fingerprint(copy)
    assert fingerprint(path) != fingerprint(make_raster("c.tif", seed=1))
    with pytest.raises(BadInput, match="cannot be read"):
        fingerprint("nowhere.tif")


def test_large_files_are_sampled_to_their_end(tmp_path, monkeypatch):
    monkeypatch.setattr(sidecar, "WHOLE_BELOW_BYTES", 1000)
    content = bytearray(np.random.default_rng(0).bytes(3 * 2**20 + 17))
    path = tmp_path / "big.bin"
    prints = []
    for place in (None, 5, 2**20 + 9, len(content) - 1):
        if place is not None:
            content[place] ^= 1
        path.write_bytes(content)
        prints.append(fingerprint(str(path)))
    assert len(set(prints)) == 4


def test_virtual_raster_counts_with_its_sources(tmp_path, make_raster):
    rasterio.shutil.copy(make_raster("a.tif"), tmp_path / "v.vrt", driver="VRT")
    before = fingerprint(str(tmp_path / "v.vrt"))
    make_raster("a.tif", seed=8)
    assert fingerprint(str(tmp_path / "v.vrt")) != before


def test_opening_a_geopackage_changes_nothing_but_editing_does(tmp_path):
    path = tmp_path / "a.gpkg"
    gpd.GeoDataFrame({"k": [1, 2]}, geometry=[shapely.Point(0, 0)] * 2, crs=4326).to_file(path, layer="t")
    before = fingerprint(f"{path}|layername=t")
    with sqlite3.connect(path) as connection:  # what QGIS does when it opens a layer
        connection.execute("PRAGMA journal_mode=wal")
    connection.close()
    assert fingerprint(str(path)) == before
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE x (a)")
    connection.close()
    assert fingerprint(str(path)) != before


def test_two_runs_that_write_one_result_use_different_temporary_names(tmp_path, monkeypatch):
    target = tmp_path / "a.txt"
    old = tmp_path / "a.part77.txt"
    old.write_text("left by a run that was killed")
    os.utime(old, (0, 0))
    with replacing(target) as mine:
        monkeypatch.setattr(os, "getpid", lambda: 12345)
        with replacing(target) as theirs:
            assert mine != theirs
            theirs.write_text("theirs")
        mine.write_text("mine")
    assert target.read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
