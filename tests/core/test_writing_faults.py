"""A disk that fills up at any byte, a name that cannot be taken: a sentence, then the same bytes as undisturbed.

What cannot be tried here: Windows, where a file that another program has open is neither renamed nor removed. The
spool closes its files before it renames, and takes a journal that cannot be removed for nothing to go on with.
"""

import errno
import io
import os
from itertools import groupby

import numpy as np
import pytest
import rasterio
from quadrat.core import overviews, rawfiles
from quadrat.core.errors import Unwritable
from quadrat.core.packing import Packer
from quadrat.core.spool import journal_path, part_path, unwritable
from quadrat.tests.core.test_writing import digest, make_values, write

pytestmark = pytest.mark.same_without_torch

VALUES = make_values(4, 72, 64)


@pytest.fixture(autouse=True)
def with_overviews(monkeypatch):
    monkeypatch.setattr(overviews, "OVERVIEWS_ABOVE_CELLS", 64)
    monkeypatch.setattr(overviews, "SMALLEST_OVERVIEW_CELLS", 8)


class Disk:
    """Takes so many bytes; `once`: somebody makes room right after the first refusal."""

    def __init__(self, left=2**40, once=False):
        self.left, self.once, self.sizes, self.refused = left, once, [], 0

    def open(self, path, flags=0):
        disk = self

        class File(io.FileIO):
            def write(self, data):
                disk.sizes.append(len(data))
                if disk.refused and disk.once:
                    return super().write(data)
                taken = min(len(data), disk.left)
                if not taken and len(data):
                    disk.refused += 1
                    raise OSError(errno.ENOSPC, "No space left on device")
                disk.left -= taken
                return super().write(data[:taken])

        return File(os.open(path, os.O_RDWR | os.O_CREAT | flags, 0o666), "r+b")


def on(monkeypatch, path, disk):
    with monkeypatch.context() as patch:
        patch.setattr(rawfiles, "open_raw", disk.open)
        return write(path, VALUES, block=16)


@pytest.mark.parametrize("once", [False, True])
def test_a_disk_that_is_full_in_the_midst_of_any_write(tmp_path, monkeypatch, once):
    """In a block, in its line, in an overview, in a directory, in the header."""
    path, whole = tmp_path / "b.tif", Disk()
    on(monkeypatch, path, whole)
    wanted = digest(path)
    with rasterio.open(path) as file:
        assert file.overviews(1) == [4]
    ends = np.cumsum(whole.sizes)
    assert len(ends) > 2 * (20 + 2) + 10
    for end, size in list(zip(ends, whole.sizes, strict=True))[:: 3 if once else 1]:
        path.unlink()
        with pytest.raises(Unwritable, match=r"disk of .* is full\. Make room and run the same job again"):
            on(monkeypatch, path, Disk(int(end) - (size + 1) // 2, once))
        assert not path.exists()
        write(path, VALUES, block=16)
        assert digest(path) == wanted
        assert [p.name for p in tmp_path.iterdir()] == ["b.tif"]


def test_a_system_that_takes_less_than_it_is_given(tmp_path, monkeypatch):
    """Not an error: the rest has to be given again."""

    class Half(io.FileIO):
        def write(self, data):
            return super().write(data[: (len(data) + 1) // 2])

    write(tmp_path / "a.tif", VALUES, block=16)
    flags = os.O_RDWR | os.O_CREAT
    monkeypatch.setattr(rawfiles, "open_raw", lambda path, own=0: Half(os.open(path, flags | own, 0o666), "r+b"))
    write(tmp_path / "b.tif", VALUES, block=16)
    assert digest(tmp_path / "a.tif") == digest(tmp_path / "b.tif")


@pytest.mark.parametrize(("call", "number"), [("fsync", errno.ENOSPC), ("replace", errno.EACCES)])
def test_what_fails_at_the_very_end(tmp_path, monkeypatch, call, number):
    """Network file systems tell of a full disk when the file is synced; Windows refuses to replace an open file."""
    path = tmp_path / "b.tif"
    write(path, VALUES, block=16)
    wanted = digest(path)
    path.write_bytes(b"an older raster")

    def fail(*given):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, fail)
        with pytest.raises(Unwritable, match="full" if number == errno.ENOSPC else "another program has the file open"):
            write(path, VALUES, block=16)
    assert path.read_bytes() == b"an older raster"
    assert write(path, VALUES, block=16) == 20, "nothing is packed twice"
    assert digest(path) == wanted


def test_bytes_reach_the_disk_before_the_name_does(tmp_path, monkeypatch):
    path, told, real = tmp_path / "b.tif", [], {name: getattr(os, name) for name in ("fsync", "replace")}

    def fsync(number):
        told.append("folder" if os.path.samestat(os.fstat(number), os.stat(tmp_path)) else "file")
        assert told != ["file"] or os.fstat(number).st_size == part_path(path).stat().st_size > 16
        real["fsync"](number)

    def replace(source, target):
        told.append("name")
        assert journal_path(path).exists()
        real["replace"](source, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(os, "replace", replace)
    write(path, VALUES, block=16)
    assert [one for one, _ in groupby(told)] == ["file", "name", "folder"]


def test_a_file_system_for_small_files_is_told_as_such(tmp_path):
    assert "FAT32: 4 GB" in str(unwritable(OSError(errno.EFBIG, "File too large"), tmp_path / "b.tif"))


def test_no_block_takes_the_place_of_one_that_failed(tmp_path, monkeypatch):
    path, real, failed = tmp_path / "b.tif", Packer.pack, []
    write(path, VALUES, block=16)
    wanted = digest(path)

    def pack(packer, values):
        if not failed and (values[:, 0, 0] == VALUES[:, 16, 16]).all():
            failed.append(1)
            raise MemoryError
        return real(packer, values)

    with monkeypatch.context() as patch:
        patch.setattr(Packer, "pack", pack)
        with pytest.raises(MemoryError):
            write(path, VALUES, block=16, threads=4)
    assert write(path, VALUES, block=16) == 5
    assert digest(path) == wanted


def test_pieces_that_cannot_be_read_back_are_told(tmp_path, monkeypatch):
    """A network file system lost what was written."""
    path = tmp_path / "b.tif"
    monkeypatch.setattr(overviews, "OPEN_BYTES", 0)
    with monkeypatch.context() as patch:
        patch.setattr("quadrat.core.writing.open", lambda *given: io.BytesIO(b"x" * 500), raising=False)
        with pytest.raises(Unwritable, match="cannot be read back"):
            write(path, VALUES, block=16)
    assert write(path, VALUES, block=16) > 0
    assert path.exists()
