"""How blocks are packed, told by a sample."""

import numpy as np
import pytest
import rasterio
from quadrat.core import quantise
from quadrat.core.embedding import Made, Sample
from quadrat.core.grid import Grid
from quadrat.core.trialblock import differences_pay, packed
from quadrat.core.writing import Band, BlockWriter

pytestmark = pytest.mark.same_without_torch


def sample(values):
    """Of one tile (D, h, w) in which all cells count."""
    made = Made(None, (), np.ones((1, *values.shape[1:]), bool), values[None].astype(np.float32))
    return Sample(values.reshape(len(values), -1).T.astype(np.float32), {0: made})


def smooth(count=3, side=64):
    rows, cols = np.mgrid[:side, :side]
    return np.stack([np.sin(rows / (9 + band)) * cols for band in range(count)])


def equal(count=3, side=64):
    """Mostly one number, in between any, as a rectified random feature gives."""
    rng = np.random.default_rng(0)
    return np.maximum(rng.normal(-1, 1, (count, side, side)), 0)


@pytest.mark.parametrize(("values", "pay"), [(smooth(), True), (equal(), False), (equal(200, 32), False)])
def test_the_smaller_way_is_taken(values, pay):
    drawn = sample(values)
    assert differences_pay(drawn, quantise.fit(drawn.vectors), 64) is pay


def test_a_narrow_tile_of_the_edge_may_come_first():
    whole = sample(equal())
    drawn = Sample(whole.vectors, {1: sample(equal(side=20)).made[0], **whole.made})
    assert not differences_pay(drawn, quantise.fit(drawn.vectors), 64)


def test_floats_and_an_empty_sample_are_left_to_the_rule():
    assert differences_pay(sample(equal()), None, 64)
    assert differences_pay(Sample(), quantise.fit(sample(equal()).vectors), 64)


@pytest.mark.parametrize("differences", [True, False])
def test_a_file_is_read_back_however_it_is_packed(tmp_path, differences):
    codes = np.random.default_rng(1).integers(0, 256, (3, 64, 80), dtype=np.uint8)
    grid = Grid(rasterio.Affine(10, 0, 0, 0, -10, 0), "EPSG:32721", 64, 80)
    bands = [Band(name) for name in "abc"]
    with BlockWriter(
        tmp_path / "x.tif", grid, bands, "uint8", nodata=0, signature={}, block=32, differences=differences
    ) as writer:
        for index, window in enumerate(writer.windows):
            writer.put(index, codes[(slice(None), *window.slices_in(window.__class__(0, 0, 0, 0)))])
        writer.finish()
    with rasterio.open(tmp_path / "x.tif") as file:
        np.testing.assert_array_equal(file.read(), codes)
        assert file.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR") == ("2" if differences else None)


def test_a_trial_tells_what_the_writer_takes(tmp_path):
    drawn = sample(smooth(side=64))
    quantiser = quantise.fit(drawn.vectors)
    grid, bands = Grid(rasterio.Affine(10, 0, 0, 0, -10, 0), "", 64, 64), [Band(name) for name in "abc"]
    codes = quantiser.encode(smooth().astype(np.float32), np.ones((64, 64), bool))
    with BlockWriter(tmp_path / "x.tif", grid, bands, "uint8", nodata=0, signature={}, block=64) as writer:
        told = packed(drawn, quantiser, writer.packer, iter((1.0, 3.0)).__next__)
        stored = sum(writer.packer.pack(codes).lengths)
    assert told.share == pytest.approx(stored / codes.nbytes)
    assert told.cell_bytes == pytest.approx(stored / 64**2)
    assert told.seconds == pytest.approx(2.0 / 64**2)
