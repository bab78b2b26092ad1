"""Where a result cannot be written, or is hard to: said before the work, and never half."""

import os
import shutil
import threading
from pathlib import Path

import pytest
from quadrat.core.errors import Unwritable
from quadrat.tests.faults import hurting

NAMES = ("嵌入 موجز é 🛰.tif", "-line\nbreak.tif", "quo'te\"s & <b> %20 #.tif")


@pytest.mark.parametrize("name", NAMES)
def test_names(ward, known, tmp_path, name):
    folder = tmp_path / f"of {name}"
    folder.mkdir()
    job = known("exact").again(folder, name)
    ran = ward.run(job, meanwhile=hurting.at_line(job["output"], 20))
    assert ran.killed or ran.error is None
    assert ward.run(job).error is None
    assert known("exact").made(job)
    assert sorted(os.listdir(folder)) == sorted([name, f"{name}.quadrat.json"])


@pytest.mark.parametrize(("kind", "length"), [("exact", 224), ("cells", 224), ("exact", 238), ("mapped", 251)])
def test_names_too_long_are_refused_before_the_work(ward, tmp_path, known, kind, length):
    job = known(kind).job
    suffix = Path(job["output"]).suffix
    job = {**job, "output": str(tmp_path / ("x" * (length - len(suffix)) + suffix))}
    ran = ward.run(job)
    if length < 225:
        assert ran.error is None
        assert known(kind).made(job)
    else:
        assert isinstance(ran.error, Unwritable)
        assert "shorter" in str(ran.error)
        assert not os.listdir(tmp_path)


@pytest.mark.parametrize("kind", ["exact", "cells", "mapped"])
def test_a_folder_in_place_of_the_output(ward, known, tmp_path, kind):
    job = known(kind).again(tmp_path, Path(known(kind).job["output"]).name)
    Path(job["output"]).mkdir()
    ran = ward.run(job)
    assert isinstance(ran.error, Unwritable)
    assert "is a folder" in str(ran.error)
    assert os.listdir(tmp_path) == [Path(job["output"]).name]


@pytest.mark.parametrize("kind", ["exact", "mapped"])
def test_no_folder(ward, known, tmp_path, kind):
    job = known(kind).again(tmp_path / "nowhere", Path(known(kind).job["output"]).name)
    ran = ward.run(job)
    assert isinstance(ran.error, Unwritable)
    assert str(tmp_path / "nowhere") in str(ran.error)
    assert "no folder" in str(ran.error)


@pytest.mark.parametrize("kind", ["exact", "cells"])
def test_a_disk_that_cannot_be_written(ward, known, small_disk, remount, kind):
    disk = small_disk(8000)
    job = known(kind).again(disk, Path(known(kind).job["output"]).name)
    remount(disk, "ro")
    ran = ward.run(job)
    assert isinstance(ran.error, Unwritable)
    assert "read-only" in str(ran.error)
    remount(disk, "rw")
    assert ward.run(job).error is None
    assert known(kind).made(job)


def test_a_disk_that_becomes_read_only(ward, known, small_disk, remount):
    """As when the file system finds an error."""
    disk = small_disk(8000)
    job = known("exact").again(disk)
    ran = ward.run(job, {"slow_s": 0.005, "events": {"folder": str(disk), "fail_at": 5, "errno": 30}})
    assert isinstance(ran.error, Unwritable)
    assert "read-only" in str(ran.error)
    assert not Path(job["output"]).exists()
    again = ward.run(job)
    assert again.error is None
    assert known("exact").made(job)


def test_the_folder_goes_away(ward, known, tmp_path):
    folder = tmp_path / "gone"
    folder.mkdir()
    job = known("exact").again(folder)
    ran = ward.run(job, {"slow_s": 0.01}, meanwhile=hurting.at_line(job["output"], 5, lambda: shutil.rmtree(folder)))
    assert isinstance(ran.error, Unwritable)
    assert str(folder) in str(ran.error)
    assert ran.progress[-1][0] < 0.9, "the work went on for nothing"
    folder.mkdir()
    assert ward.run(job).error is None
    assert known("exact").made(job)


def test_two_at_once(ward, known, tmp_path):
    """The second is refused at once, the first is not disturbed."""
    job = known("exact").again(tmp_path)
    second = []
    ran = ward.run(
        job, {"slow_s": 0.01}, meanwhile=hurting.at_line(job["output"], 5, lambda: second.append(ward.run(job)))
    )
    assert ran.error is None
    assert known("exact").made(job)
    assert isinstance(second[0].error, Unwritable)
    assert "Another run" in str(second[0].error)


def test_many_at_once(ward, known, tmp_path):
    """Started in the same moment: one makes it, the others are refused or find it made."""
    job = known("exact").again(tmp_path)
    runs = []
    with ward.pool() as pool:
        threads = [threading.Thread(target=lambda: runs.append(hurting.run(pool, job))) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert any(ran.error is None for ran in runs)
    assert all(isinstance(ran.error, Unwritable) for ran in runs if ran.error)
    assert known("exact").made(job)
    assert hurting.beside(job["output"]) == ["again.tif", "again.tif.quadrat.json"]
