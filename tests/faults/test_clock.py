"""A clock that is wrong, jumps, or was set back between two runs: nothing is decided by the time of day."""

import os

import pytest
from quadrat.tests.faults import hurting

YEAR = 365 * 86_400.0
CLOCKS = {
    "ten years back": {"wrong_s": -10 * YEAR},
    "ten years ahead": {"wrong_s": 10 * YEAR},
    "jumping": {"jump_s": 7200.0},
}


@pytest.mark.parametrize(
    ("kind", "clock"),
    [("exact", "ten years back"), ("exact", "ten years ahead"), ("exact", "jumping"), ("cells", "jumping")],
)
def test_a_clock_that_is_wrong(ward, known, tmp_path, kind, clock):
    name = "again" + os.path.splitext(known(kind).job["output"])[1]
    job = known(kind).again(tmp_path, name)
    first = ward.run(job, {"clock": CLOCKS[clock]}, meanwhile=hurting.at_line(job["output"], 20))
    assert first.killed or first.error is None
    for path in tmp_path.iterdir():
        os.utime(path, (1, 1))
    ran = ward.run(job, {"clock": CLOCKS[clock], "slow_s": 0.003})
    assert ran.error is None
    assert known(kind).made(job)
    assert [fraction for fraction, _, _ in ran.progress] == sorted(fraction for fraction, _, _ in ran.progress)
    assert all(left is None or 0 <= left < 60 for _, left, _ in ran.progress)
    os.utime(job["output"], (2**32, 2**32))
    again = ward.run(job)
    assert "up to date" in again.text
    assert hurting.beside(job["output"]) == [name, f"{name}.quadrat.json"]
