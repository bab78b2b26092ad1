"""The same job again, and almost the same: what is there is known, and what is not is made."""

from pathlib import Path

import pytest
from quadrat.tests.faults import hurting

JOBS = ("exact", "blended", "cells", "mapped")


@pytest.mark.parametrize("kind", JOBS)
def test_the_same_again_is_there_at_once(ward, known, kind):
    job = known(kind).job
    stamp = Path(job["output"]).stat().st_mtime_ns
    with ward.pool() as pool:
        pid = hurting.run(pool, job).pid
        before = hurting.cpu_s(pid)
        ran = hurting.run(pool, job)
        took = hurting.cpu_s(pid) - before
    assert ran.error is None
    assert "up to date" in ran.text
    assert took < 1
    assert Path(job["output"]).stat().st_mtime_ns == stamp
    told = {name: value for name, value in ran.result["facts"].items() if name != "seconds"}
    assert told == {name: value for name, value in known(kind).result["facts"].items() if name != "seconds"}


def test_an_input_of_which_one_byte_differs(ward, known, tmp_path):
    job = known("exact").again(tmp_path)
    content = Path(job["input"]).read_bytes()
    job["input"] = str(tmp_path / "scene.tif")
    Path(job["input"]).write_bytes(content)
    assert ward.run(job).error is None
    Path(job["input"]).write_bytes(content + b"\0")  # behind all that GDAL reads
    ran = ward.run(job)
    assert ran.error is None
    assert "up to date" not in ran.text
    assert "up to date" in ward.run(job).text


@pytest.mark.parametrize(
    ("kind", "change"),
    [("exact", {"storage": "float32"}), ("mapped", {"unsure": True})],
)
def test_another_parameter_is_another_job(ward, known, tmp_path, kind, change):
    name = f"again{Path(known(kind).job['output']).suffix}"
    job = known(kind).again(tmp_path, name)
    assert ward.run({**job, **change}).error is None
    other = hurting.looked_at(job["output"])
    ran = ward.run(job)
    assert ran.error is None
    assert "up to date" not in ran.text
    assert known(kind).made(job)
    again = ward.run({**job, **change})
    assert "up to date" not in again.text
    assert hurting.looked_at(job["output"]) == other


def test_what_another_job_left_is_not_mixed_in(ward, known, tmp_path):
    job = known("exact").again(tmp_path)
    left = ward.run({**job, "seed": 5}, meanwhile=hurting.at_line(job["output"], 25))
    assert left.killed
    ran = ward.run(job)
    assert ran.error is None
    assert ran.resumed == (0, 0)
    assert known("exact").made(job)


def test_a_client_that_dies_takes_its_worker_along(ward, known, tmp_path):
    """As when QGIS crashes: stdin closes, the worker ends at once, the next one goes on."""
    job = known("exact").again(tmp_path)
    with ward.pool({"slow_s": 0.01}) as pool:
        ran = hurting.run(pool, job, hurting.at_line(job["output"], 10, lambda: pool._busy[0]._process.stdin.close()))
    assert ran.killed
    assert ran.seconds < 5
    again = ward.run(job)
    assert again.error is None
    assert again.resumed[0] >= 9
    assert known("exact").made(job)
