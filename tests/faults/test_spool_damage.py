"""What a stopped run left is damaged: what is sound is gone on with, and the result is the undisturbed one."""

import shutil
from pathlib import Path

import pytest
from quadrat.tests.faults import hurting


@pytest.fixture(scope="module")
def stopped(ward, known, tmp_path_factory):
    """A folder with a job that was killed in the middle."""
    folder = tmp_path_factory.mktemp("stopped")
    job = known("exact").again(folder)
    ran = ward.run(job, {"slow_s": 0.002}, meanwhile=hurting.at_line(job["output"], 30))
    assert ran.killed
    return folder


def flip(path, share):
    content = bytearray(path.read_bytes())
    at = int(len(content) * share)
    content[at : at + 3] = bytes(255 - byte for byte in content[at : at + 3])
    path.write_bytes(content)


def cut(path, share):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def swap(journal):
    rows = journal.read_bytes().splitlines(keepends=True)
    rows[10], rows[11] = rows[11], rows[10]
    journal.write_bytes(b"".join(rows))


def zero_tail(path, share):
    content = path.read_bytes()
    start = int(len(content) * share)
    path.write_bytes(content[:start] + bytes(len(content) - start))


def repeat(journal):
    rows = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*rows, *rows[5:]]))


DAMAGE = {
    "bytes of blocks": (lambda part, journal: flip(part, 0.6), 10),
    "blocks cut": (lambda part, journal: cut(part, 0.6), 10),
    "journal cut in a line": (lambda part, journal: cut(journal, 0.9), 5),
    "lines swapped": (lambda part, journal: swap(journal), 9),
    "lines twice": (lambda part, journal: repeat(journal), 20),
    "zeros at the end of both": (lambda part, journal: (zero_tail(part, 0.7), zero_tail(journal, 0.95)), 5),
    "first line of the journal": (lambda part, journal: flip(journal, 0.01), 0),
    "journal lost": (lambda part, journal: journal.unlink(), 0),
    "blocks lost": (lambda part, journal: part.unlink(), 0),
    "both rubbish": (lambda part, journal: [one.write_bytes(b"\xff\x00\n" * 5000) for one in (part, journal)], 0),
}  # fmt: skip


@pytest.mark.parametrize("damage", list(DAMAGE))
def test_a_damaged_spool(ward, known, stopped, tmp_path, damage):
    shutil.copytree(stopped, tmp_path, dirs_exist_ok=True)
    job = known("exact").again(tmp_path)
    do, sound = DAMAGE[damage]
    do(Path(f"{job['output']}.part"), Path(f"{job['output']}.part.journal"))
    ran = ward.run(job)
    assert ran.error is None
    assert ran.resumed[0] >= sound
    assert known("exact").made(job)
    assert hurting.beside(job["output"]) == ["again.tif", "again.tif.quadrat.json"]
