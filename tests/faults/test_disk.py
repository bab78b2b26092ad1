"""Full disks: the message names the disk, what was done is kept, and with room the job goes on."""

from pathlib import Path

import pytest
from quadrat.core.errors import Unwritable
from quadrat.tests.faults import hurting

ENOSPC = 28


def test_full_in_the_middle(ward, known, small_disk, remount):
    size = Path(known("exact").job["output"]).stat().st_size // 1024
    disk = small_disk(size * 2 // 3)
    job = known("exact").again(disk)
    ran = ward.run(job)
    assert isinstance(ran.error, Unwritable)
    assert f"The disk of {job['output']} is full" in str(ran.error)
    assert hurting.beside(job["output"]) == ["again.tif.part", "again.tif.part.journal"]
    again = ward.run(job)
    assert isinstance(again.error, Unwritable)
    assert again.resumed[0] > 10
    remount(disk, f"size={2 * size}k")
    last = ward.run(job)
    assert last.error is None
    assert last.resumed[0] >= again.resumed[0]
    assert known("exact").made(job)


def test_too_small_from_the_start(ward, known, small_disk):
    job = known("exact").again(small_disk(100))
    ran = ward.run(job)
    assert isinstance(ran.error, Unwritable)
    assert "the disk has 0.1 MB left" in str(ran.error)


@pytest.mark.parametrize("kind", ["exact", "cells", "mapped"])
def test_full_at_any_file(ward, known, tmp_path, kind):
    """Whatever file cannot be made any more: a sentence, nothing half, and then the same result."""
    job = known(kind).again(tmp_path, Path(known(kind).job["output"]).name)
    told = tmp_path / "events"
    assert ward.run(job, {"events": {"folder": str(tmp_path), "told": str(told)}}).error is None
    events = told.read_text().splitlines()
    for path in tmp_path.iterdir():
        path.unlink()
    # The last files are what is written about the result, and its name.
    for number in range(max(len(events) - 3, 1), len(events) + 1):
        failing = {"folder": str(tmp_path), "fail_at": number, "errno": ENOSPC}
        ran = ward.run(job, {"events": failing})
        if ran.error is not None:
            assert isinstance(ran.error, Unwritable), (events[number - 1], ran.error)
            assert "full" in str(ran.error), (events[number - 1], ran.error)
        assert not Path(job["output"]).exists() or known(kind).made(job), events[number - 1]
    assert ward.run(job).error is None
    assert known(kind).made(job)


@pytest.mark.parametrize("variable", ["QUADRAT_HOME", "TMPDIR"])
def test_other_disks_are_full(ward, known, small_disk, tmp_path, variable):
    """Quadrat's own folder and that for temporary files, neither of which is the disk of the result."""
    disk = small_disk(16)
    (disk / "filler").write_bytes(bytes(16 * 1024))
    job = known("exact").again(tmp_path)
    ran = ward.run(job, **{variable: str(disk)})
    assert ran.error is None
    assert known("exact").made(job)
