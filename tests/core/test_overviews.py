"""Overviews made of the blocks: equal to GDAL's, in bounded memory, the same whatever happened on the way."""

import numpy as np
import pytest
import rasterio
from quadrat.core import overviews, writing
from quadrat.core.overviews import levels_of
from quadrat.core.packing import Packer
from quadrat.core.spool import part_path
from quadrat.core.writing import BlockWriter
from quadrat.tests.core.test_writing import digest, make_grid, make_values, write
from rasterio.enums import Resampling

pytestmark = pytest.mark.same_without_torch


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Rasters of some hundred cells have several levels."""
    monkeypatch.setattr(overviews, "OVERVIEWS_ABOVE_CELLS", 64)
    monkeypatch.setattr(overviews, "SMALLEST_OVERVIEW_CELLS", 8)


def make_scene(count, height, width, dtype, nodata):
    """Smooth numbers with a hole, a slope of holes and single holes."""
    rows, cols = np.mgrid[:height, :width]
    values = make_values(count, height, width, dtype) * 0.2 + 40 + 30 * np.sin(rows / 9 + cols / 7)
    values = values.astype(dtype)
    values[:, 20:90, 30:60] = nodata
    values[:, cols > 2 * rows + 60] = nodata
    values[:, ::5, ::3] = nodata
    return values


def overview(path, level):
    with rasterio.open(path, overview_level=level) as file:
        return file.read(masked=True)


@pytest.mark.parametrize(
    ("count", "dtype", "nodata"),
    [(2, "uint8", 0), (5, "uint8", 0), (1, "int16", -99), (4, "uint16", 9), (1, "float32", float("nan")),
     (5, "float32", -1.5)],
)  # fmt: skip
def test_means_are_those_of_gdal(tmp_path, count, dtype, nodata):
    """GDAL 3.10 rounds bytes down or up by one where floating point is short of a half; nothing else may differ."""
    values = make_scene(count, 256, 192, dtype, nodata)
    write(tmp_path / "own.tif", values, block=16, nodata=nodata)
    with rasterio.open(tmp_path / "own.tif") as file:
        profile, factors = file.profile, file.overviews(1)
    assert factors == ([2, 4, 8, 16] if count <= 3 else [4, 16])
    with rasterio.open(tmp_path / "gdal.tif", "w", **profile) as file:
        file.write(values)
    with rasterio.open(tmp_path / "gdal.tif", "r+") as file:
        file.build_overviews(factors, Resampling.average)
    for level in range(len(factors)):
        own, gdal = overview(tmp_path / "own.tif", level), overview(tmp_path / "gdal.tif", level)
        assert own.shape == gdal.shape and (own.mask == gdal.mask).all()
        assert np.allclose(own.filled(0), gdal.filled(0), rtol=1e-5, atol=0 if dtype == "float32" else 1)
        assert (own.filled(0) == gdal.filled(0)).mean() > 0.9 or dtype == "float32"


def test_sides_that_no_step_divides(tmp_path):
    """The last cell of a row is the mean of what there is."""
    values = make_scene(4, 203, 150, "uint8", 0)
    write(tmp_path / "own.tif", values, block=32)
    padded = np.pad(values, ((0, 0), (0, 1), (0, 2))).reshape(4, 51, 4, 38, 4).astype(int)
    count = (padded > 0).sum((2, 4))
    wanted = (padded.sum((2, 4)) + count // 2) // np.maximum(count, 1)
    assert (overview(tmp_path / "own.tif", 0).data == wanted).all()


def test_classes_are_the_commonest_and_keep_their_colours(tmp_path):
    values = np.zeros((1, 96, 80), np.uint8)
    values[0, ::2] = 7
    values[0, 1::4, ::2] = 3
    colours = {0: (0, 0, 0, 0), 3: (255, 0, 0, 255), 7: (0, 128, 0, 255)}
    write(tmp_path / "c.tif", values, block=16, colours=colours)
    first = overview(tmp_path / "c.tif", 0)
    assert (first.data[0] == np.where(np.arange(48) % 2, 7, 7)[:, None]).all() and not first.mask.any()
    with rasterio.open(tmp_path / "c.tif", overview_level=1) as file:
        assert file.colormap(1)[3] == (255, 0, 0, 255) and file.nodata == 0


def test_the_commonest_of_equals_is_the_upper_left_one():
    packer = Packer(16, "uint8", 0, 1, 1, 2, categorical=True)
    blocks = np.array([[[5, 2, 0, 0, 0, 4], [2, 5, 0, 0, 4, 4], [1, 3, 0, 8, 9, 9]]], np.uint8)
    assert packer.reduce(blocks).tolist() == [[[5, 0, 4], [1, 8, 9]]]


def test_a_mean_is_never_nodata():
    values = np.array([[[8, 10, 255, 255], [8, 10, 254, 255]]], np.uint8)
    assert Packer(16, "uint8", 9, 1, 1, 2).reduce(values).tolist() == [[[10, 255]]]
    assert Packer(16, "uint8", 255, 1, 1, 2).reduce(values).tolist() == [[[9, 254]]]
    assert Packer(16, "uint8", None, 1, 1, 2).reduce(values[:, :, :3]).tolist() == [[[9, 255]]]


@pytest.mark.parametrize("open_bytes", [0, 5_000, 2**20])
def test_pieces_that_had_to_go_are_made_again(tmp_path, monkeypatch, open_bytes):
    """Blocks come column by column, so that all tiles of a column wait for the next ones."""
    values = make_scene(5, 256, 192, "uint8", 0)
    write(tmp_path / "a.tif", values, block=16)
    monkeypatch.setattr(overviews, "OPEN_BYTES", open_bytes)
    bands = [writing.Band(f"número {i}", 0.01 * (i + 1), -i) for i in range(5)]
    with BlockWriter(tmp_path / "b.tif", make_grid(256, 192), bands, "uint8", nodata=0, signature={}, block=16) as out:
        for index, w in sorted(enumerate(out.windows), key=lambda one: one[1].col):
            out.put(index, values[:, w.row : w.row + w.height, w.col : w.col + w.width])
        out.finish()
    for level in range(2):
        assert (overview(tmp_path / "a.tif", level).data == overview(tmp_path / "b.tif", level).data).all()


@pytest.mark.parametrize("lines", [0, 3, 41, 42, 43, 101, 102, 103, 104])
def test_a_stop_between_any_two_lines_changes_no_byte(tmp_path, monkeypatch, lines):
    """Also right behind the last block of an overview tile, and between the tiles of two levels."""
    values = make_scene(4, 128, 192, "uint8", 0)
    write(tmp_path / "a.tif", values, block=16)
    with monkeypatch.context() as patch:
        patch.setattr(BlockWriter, "finish", lambda writer: None)
        write(tmp_path / "b.tif", values, block=16)
    journal = tmp_path / "b.tif.part.journal"
    whole = journal.read_bytes().splitlines(keepends=True)
    assert len(whole) == 1 + 96 + 6 + 1
    journal.write_bytes(b"".join(whole[:lines]))
    assert write(tmp_path / "b.tif", values, block=16) <= lines
    assert digest(tmp_path / "a.tif") == digest(tmp_path / "b.tif")


def test_blocks_of_workers_in_any_order(tmp_path):
    """Some send their reduced piece, some do not; what is told of them is the same as at home."""
    values = make_scene(5, 256, 192, "uint8", 0)
    write(tmp_path / "a.tif", values, block=16)
    bands = [writing.Band(f"número {i}", 0.01 * (i + 1), -i) for i in range(5)]
    with BlockWriter(tmp_path / "b.tif", make_grid(256, 192), bands, "uint8", nodata=0, signature={}, block=16) as out:
        order = np.random.default_rng(0).permutation(len(out.windows)).tolist()
        for group in range(0, len(order), 8):
            claims = []
            for index in order[group : group + 8]:
                w = out.windows[index]
                packed = out.packer.pack(values[:, w.row : w.row + w.height, w.col : w.col + w.width])
                claims.append((index, packed, out.reserve(index, packed.lengths, packed.checksum)))
            for index, packed, offset in reversed(claims):
                with open(part_path(out.path), "r+b") as file:
                    file.seek(offset)
                    file.write(b"".join(packed.segments))
                out.written(index, packed.reduced if index % 3 else None)
        out.finish()
    with rasterio.open(tmp_path / "a.tif") as a, rasterio.open(tmp_path / "b.tif") as b:
        assert (a.read() == b.read()).all()
    for level in range(2):
        assert (overview(tmp_path / "a.tif", level).data == overview(tmp_path / "b.tif", level).data).all()


def test_small_rasters_have_none_and_large_ones_end_small():
    assert len(levels_of(3000, 100, 128, 0)) == 1
    assert [level.width for level in levels_of(10, 300, 16, 4)] == [300, 75, 19]
    assert [level.first for level in levels_of(10, 300, 16, 4)] == [0, 19, 24]
