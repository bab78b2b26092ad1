"""Blocks that others write: room in order, bytes in any order, and a journal without gaps."""

import os
import pickle

import numpy as np
import pytest
import rasterio
from quadrat.core import spool
from quadrat.core.spool import Spool, journal_path, part_path
from quadrat.core.writing import Band, BlockWriter
from quadrat.tests.core.test_writing import make_grid, make_values, write

pytestmark = pytest.mark.same_without_torch


def open_spool(path):
    return Spool(path, {"a": 1}, "layout", {})


def lines(path):
    return journal_path(path).read_bytes().count(b"\n") - 1


def write_at(path, offset, body):
    """As another machine would."""
    with open(part_path(path), "r+b", buffering=0) as file:
        os.pwrite(file.fileno(), body, offset)
        os.fsync(file.fileno())


def test_lines_wait_for_what_was_reserved_before(tmp_path):
    path, bodies = tmp_path / "b.tif", [b"first", b"second one", b"3"]
    blocks = open_spool(path)
    places = [blocks.reserve(at, [2, len(body) - 2] if at < 2 else [1], spool.zlib.crc32(body))
              for at, body in enumerate(bodies)]  # fmt: skip
    assert places == [16, 21, 31]
    for at in (2, 1):
        write_at(path, places[at], bodies[at])
        blocks.written(at)
        assert lines(path) == 0 and not blocks.blocks
    write_at(path, places[0], bodies[0])
    blocks.written(0)
    assert lines(path) == 3
    blocks.close()
    again = open_spool(path)
    assert {at: (one.offset, list(one.lengths)) for at, one in again.blocks.items()} == {
        0: (16, [2, 3]), 1: (21, [2, 8]), 2: (31, [1]),
    }  # fmt: skip
    again.close()


def test_a_block_that_never_comes_costs_only_what_is_behind_it(tmp_path):
    path = tmp_path / "b.tif"
    blocks = open_spool(path)
    blocks.append(0, [b"home"])
    blocks.reserve(1, [4], 7)
    blocks.append(2, [b"behind"])
    blocks.close()
    again = open_spool(path)
    assert set(again.blocks) == {0} and again.end == 20 == part_path(path).stat().st_size
    again.close()


def test_another_writer_takes_over(tmp_path):
    path = tmp_path / "b.tif"
    blocks = open_spool(path)
    crc = spool.zlib.crc32
    first = blocks.reserve(0, [4], crc(b"lost"))
    blocks.append(1, [b"behind"])
    assert blocks.reserve(0, [4], crc(b"lost")) == first, "the same bytes fill the same room"
    other = blocks.reserve(0, [5], crc(b"other"))
    assert other > first, "the lost writer may still wake up and write into its room"
    write_at(path, other, b"other")
    blocks.written(0)
    write_at(path, first, b"lost")
    with pytest.raises(ValueError, match="there already"):
        blocks.reserve(0, [5], crc(b"other"))
    with pytest.raises(KeyError):
        blocks.written(5)
    blocks.close()
    again = open_spool(path)
    assert set(again.blocks) == {0, 1} and again.end == other + 5
    again.close()


def test_bytes_that_did_not_arrive_are_noticed(tmp_path):
    """A machine lost power: the file has its length, but zeros in place of the last blocks."""
    path = tmp_path / "b.tif"
    blocks = open_spool(path)
    for at in range(4):
        blocks.append(at, [bytes([at + 1]) * 100])
    blocks.close()
    with open(part_path(path), "r+b") as file:
        file.seek(16 + 250)
        file.write(bytes(150))
    with open(journal_path(path), "ab") as file:
        file.write(bytes(64))
    again = open_spool(path)
    assert set(again.blocks) == {0, 1} and part_path(path).stat().st_size == again.end == 216
    again.close()


def test_a_raster_whose_blocks_are_packed_elsewhere(tmp_path):
    values = make_values(3, 60, 50)
    write(tmp_path / "a.tif", values, block=16)
    bands = [Band(f"número {i}", 0.01 * (i + 1), -i) for i in range(3)]
    with BlockWriter(tmp_path / "b.tif", make_grid(60, 50), bands, "uint8", nodata=0, signature={}, block=16) as writer:
        packer = pickle.loads(pickle.dumps(writer.packer))
        for index, w in reversed(list(enumerate(writer.windows))):
            block = values[:, w.row : w.row + w.height, w.col : w.col + w.width]
            if index % 3 == 0:
                writer.put(index, block)
                continue
            packed = packer.pack(block)
            write_at(writer.path, writer.reserve(index, packed.lengths, packed.checksum), b"".join(packed.segments))
            writer.written(index, packed.reduced)
        with pytest.raises(ValueError, match="has no block"):
            writer.reserve(len(writer.windows), [1, 2, 3], 0)
        writer.finish()
    with rasterio.open(tmp_path / "a.tif") as a, rasterio.open(tmp_path / "b.tif") as b:
        assert np.array_equal(a.read(), b.read()) and a.profile == b.profile
