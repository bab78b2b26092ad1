"""Two rasters as one: the second lands on the grid of the first, and is valid only where both are."""

import numpy as np
import pytest
import rasterio
from quadrat.core.errors import BadInput
from quadrat.core.grid import Window
from quadrat.core.pair import open_pair
from quadrat.core.sidecar import read_sidecar
from rasterio.transform import from_origin

UTM = "EPSG:32633"


def write(path, values, west=500_000, north=5_400_000, pixel=10.0, crs=UTM, nodata=None, names=()):
    values = np.asarray(values)
    profile = {
        "driver": "GTiff", "count": len(values), "height": values.shape[1], "width": values.shape[2],
        "dtype": values.dtype, "crs": crs, "transform": from_origin(west, north, pixel, pixel), "nodata": nodata,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(values)
        for number, name in enumerate(names, 1):
            dataset.set_band_description(number, name)
    return str(path)


def plane(height, width, west, north, pixel):
    """Values that are a linear function of where a pixel lies, in metres: (1, height, width) float32."""
    rows, cols = np.mgrid[:height, :width] + 0.5
    return ((west + cols * pixel - 500_000) + 3 * (5_400_000 - north + rows * pixel))[None].astype(np.float32)


def read(pair, window=None):
    with pair as both:
        return both.read(window or both.grid.whole)


@pytest.fixture
def optical(tmp_path):
    values = np.stack([np.full((40, 50), 7, np.uint16), plane(40, 50, 500_000, 5_400_000, 10)[0].astype(np.uint16)])
    return write(tmp_path / "optical é.tif", values, names=("B2", "B3"))


@pytest.mark.parametrize("pixel", [10.0, 20.0, 4.0])
def test_the_second_lands_where_it_lies(pixel, optical, tmp_path):
    """A plane stays the same plane, to a tenth of a pixel, away from the edges."""
    side = round(700 / pixel)
    second = write(
        tmp_path / "radar.tif", plane(side, side, 499_900, 5_400_100, pixel), 499_900, 5_400_100, pixel, names=("VV",)
    )
    values, valid = read(open_pair(optical, (2,), second, ()))
    assert values.shape == (2, 40, 50) and valid.all()
    np.testing.assert_allclose(values[1][2:-2, 2:-2], plane(40, 50, 500_000, 5_400_000, 10)[0][2:-2, 2:-2], atol=0.9)


def test_the_same_grid_is_taken_as_it_is(optical, tmp_path):
    radar = np.random.default_rng(0).normal(size=(2, 40, 50)).astype(np.float32)
    second = write(tmp_path / "radar.tif", radar, names=("VV", "VH"))
    with open_pair(optical, (), second, (2, 1)) as pair:
        assert pair.bands == (1, 2, 3, 4)
        assert pair.band_names == ("B2", "B3", "VH", "VV")
        assert pair.dtype == "float32"
        values, valid = pair.read(Window(-5, -5, 20, 20))
    np.testing.assert_array_equal(values[2:, 5:, 5:], radar[::-1, :15, :15])
    assert not valid[:5].any() and valid[5:, 5:].all()


@pytest.mark.parametrize("nodata", [None, -9999.0])
def test_beyond_the_second_nothing_is_valid(nodata, optical, tmp_path):
    second = write(tmp_path / "radar.tif", np.ones((1, 10, 10), np.float32), 500_100, 5_399_900, nodata=nodata)
    values, valid = read(open_pair(optical, (), second, ()))
    assert valid[10:20, 10:20].all()
    assert valid.sum() <= 12 * 12
    assert (values[:, ~valid] == 0).all()


def test_holes_of_the_second_stay_holes(optical, tmp_path):
    radar = np.ones((1, 80, 100), np.float32)
    radar[0, 20:40, 20:40] = -9999
    second = write(tmp_path / "radar.tif", radar, pixel=5.0, nodata=-9999.0)
    values, valid = read(open_pair(optical, (), second, ()))
    assert not valid[11:19, 11:19].any() and valid[25:, 25:].all()
    assert (values[2][valid] == 1).all()


def test_another_system_is_brought_over(optical, tmp_path):
    second = write(tmp_path / "radar.tif", np.full((1, 60, 60), 5, np.float32), 14.98, 48.76, 0.0005, crs="EPSG:4326")
    values, valid = read(open_pair(optical, (), second, ()))
    assert valid.any()
    assert (values[2][valid] == 5).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [({"west": 900_000}, "do not overlap"), ({"crs": None, "pixel": 5.0}, "has no coordinate system")],
)
def test_what_cannot_be_brought_together_is_a_sentence(options, words, optical, tmp_path):
    second = write(tmp_path / "radar.tif", np.ones((1, 10, 10), np.float32), **options)
    with pytest.raises(BadInput, match=words):
        open_pair(optical, (), second, ())


def test_a_missing_second_is_named(optical, tmp_path):
    with pytest.raises(BadInput, match="There is no file"):
        open_pair(optical, (), str(tmp_path / "none.tif"), ())


def test_a_pair_is_embedded_and_taken_over(embed, optical, tmp_path):
    rng = np.random.default_rng(0)
    radar = write(tmp_path / "radar.tif", rng.normal(size=(2, 25, 30)).astype(np.float32), pixel=20.0)
    one = embed(optical, "one.tif", backbone="raw", second=radar, storage="float32")
    assert one.values.shape[0] == 4 and one.valid.any()
    space = read_sidecar(one.path)["facts"]["space"]
    assert space["bands"] == [1, 2] and space["second_bands"] == [1, 2]
    again = embed(optical, "two.tif", backbone="raw", second=radar, storage="float32", like=one.path)
    np.testing.assert_array_equal(again.values, one.values)
    part = embed(optical, "part.tif", backbone="raw", bands=(2,), second=radar, second_bands=(2,), storage="float32")
    np.testing.assert_array_equal(part.values, one.values[[1, 3]])
    with pytest.raises(BadInput, match="made from two rasters"):
        embed(optical, "three.tif", backbone="raw", like=one.path)
    with pytest.raises(BadInput, match="2 bands, but 1"):
        embed(optical, "four.tif", backbone="raw", like=one.path, second=radar, second_bands=(1,))


def test_another_second_is_another_result(embed, optical, tmp_path):
    radar = write(tmp_path / "radar.tif", np.ones((1, 40, 50), np.float32) * np.arange(50, dtype=np.float32))
    embed(optical, "one.tif", backbone="raw", second=radar, storage="float32")
    write(tmp_path / "radar.tif", np.ones((1, 40, 50), np.float32) * np.arange(50, 0, -1, dtype=np.float32))
    again = embed(optical, "one.tif", backbone="raw", second=radar, storage="float32")
    assert "up to date" not in again.text
    assert again.values[2, 0, 0] > again.values[2, 0, -1]


def test_a_mask_that_is_not_in_the_file_is_not_told_of(optical, tmp_path):
    second = write(tmp_path / "radar.tif", np.ones((2, 10, 10), np.float32), 500_100, 5_399_900)
    with open_pair(optical, (), second, ()) as pair:
        assert pair.notes == ()
