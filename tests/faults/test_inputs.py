"""Inputs that go away or change while a job runs: it says which, and pixels of two files never meet in one result."""

import os
import shutil
from pathlib import Path

import pytest
from quadrat.core.errors import BadInput, Stale
from quadrat.tests.faults import hurting, jobs

SLOWLY = {"slow_s": 0.006}


@pytest.fixture
def own(ward, known, tmp_path):
    """The exact job with a scene of its own in a fresh folder, to be spoilt."""
    job = known("exact").again(tmp_path)
    shutil.copy(job["input"], tmp_path / "scene.tif")
    job["input"] = str(tmp_path / "scene.tif")
    return job


def stop_in_the_middle(ward, job, do, line=12):
    """Run, and do something to the input when some blocks are finished."""
    ran = ward.run(job, SLOWLY, meanwhile=hurting.at_line(job["output"], line, do))
    assert not Path(job["output"]).exists()
    return ran


def goes_on(ward, known, job):
    ran = ward.run(job)
    assert ran.error is None
    assert ran.resumed[0] >= 5
    assert known("exact").made(job)


def test_cut_while_it_is_read(ward, known, own):
    whole = Path(own["input"]).read_bytes()
    ran = stop_in_the_middle(ward, own, lambda: os.truncate(own["input"], len(whole) // 3))
    assert isinstance(ran.error, (BadInput, Stale))
    assert own["input"] in str(ran.error)
    Path(own["input"]).write_bytes(whole)
    goes_on(ward, known, own)


def test_spoilt_bytes_while_it_is_read(ward, known, own):
    whole = Path(own["input"]).read_bytes()

    def spoil():
        content = bytearray(whole)
        content[len(content) // 2 :: 50] = bytes(len(content[len(content) // 2 :: 50]))
        with open(own["input"], "r+b") as file:
            file.write(content)

    ran = stop_in_the_middle(ward, own, spoil)
    assert isinstance(ran.error, (BadInput, Stale))
    assert own["input"] in str(ran.error)
    Path(own["input"]).write_bytes(whole)
    goes_on(ward, known, own)


def test_removed_while_it_is_read(ward, known, own):
    """On Linux an open file stays: the run may end well, with the pixels of the file that it was asked for."""
    away = own["input"] + ".away"
    ran = ward.run(own, SLOWLY, meanwhile=hurting.at_line(own["output"], 9, lambda: os.rename(own["input"], away)))
    if ran.error is None:
        assert known("exact").made(own)
    else:
        assert own["input"] in str(ran.error)
        assert not Path(own["output"]).exists()
        os.rename(away, own["input"])
        goes_on(ward, known, own)


@pytest.fixture(scope="module")
def other(ward, known, tmp_path_factory):
    """Another scene of the same shape, and what comes of it."""
    folder = tmp_path_factory.mktemp("other")
    scene = jobs.write_scene(folder / "other.tif", 290, 2100, seed=7)
    job = known("exact").again(folder, input=scene)
    assert ward.run(job).error is None
    return scene, hurting.digest(job["output"])


@pytest.mark.parametrize("way", ["renamed over", "written over"])
def test_another_in_its_place_while_it_is_read(ward, own, other, tmp_path, way):
    scene, made = other
    change = os.replace if way == "renamed over" else shutil.copyfile
    keep = shutil.copy(scene, tmp_path / "copy.tif")
    ran = stop_in_the_middle(ward, own, lambda: change(keep, own["input"]))
    assert isinstance(ran.error, (Stale, BadInput))
    assert "changed" in str(ran.error) or "cannot be read" in str(ran.error)
    assert own["input"] in str(ran.error)
    again = ward.run(own)
    assert again.error is None
    assert again.resumed == (0, 0)
    assert hurting.digest(own["output"]) == made


def test_touched_while_it_is_read(ward, known, own):
    """Another time stamp is no other content."""
    ran = ward.run(own, SLOWLY, meanwhile=hurting.at_line(own["output"], 5, lambda: os.utime(own["input"], (1, 1))))
    assert ran.error is None
    assert known("exact").made(own)


def test_a_source_of_a_virtual_raster_is_missing(ward, known, own, tmp_path):
    from quadrat.tests.faults.jobs import write_mosaic

    source, own["input"] = Path(own["input"]), write_mosaic(tmp_path / "mosaic.vrt", own["input"])
    assert ward.run({**own, "output": str(tmp_path / "whole.tif")}).error is None
    away = source.rename(tmp_path / "away.tif")
    ran = ward.run(own)
    assert isinstance(ran.error, BadInput)
    assert "mosaic.vrt" in str(ran.error)
    assert "scene.tif" in str(ran.error)
    assert not Path(own["output"]).exists()
    away.rename(source)
    assert ward.run(own).error is None
    assert hurting.digest(own["output"]) == hurting.digest(tmp_path / "whole.tif")


def test_a_spoilt_tile(ward, known, own):
    """Bytes that do not unpack: the file and the place are named, and once repaired the job does not mix."""
    whole = Path(own["input"]).read_bytes()
    Path(own["input"]).write_bytes(whole[: len(whole) // 2] + b"\xff" * 2000 + whole[len(whole) // 2 + 2000 :])
    ran = ward.run(own)
    assert isinstance(ran.error, BadInput)
    assert own["input"] in str(ran.error)
    assert "row" in str(ran.error)
    assert hurting.beside(own["output"]) in ([], ["again.tif.part", "again.tif.part.journal"])
    Path(own["input"]).write_bytes(whole)
    assert ward.run(own).error is None
    assert known("exact").made(own)
