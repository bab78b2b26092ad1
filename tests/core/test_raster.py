from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from quadrat.core.errors import BadInput
from quadrat.core.grid import Window
from quadrat.core.raster import open_raster
from quadrat.tests.conftest import MISSING
from rasterio.transform import Affine


def holes_of(height=40, width=50):
    holes = np.zeros((height, width), bool)
    holes[:7, 10:20] = holes[30:, 44:] = True
    return holes


@pytest.mark.parametrize("missing", MISSING)
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "float32", "float64"])
@pytest.mark.parametrize("crs", ["EPSG:32722", "EPSG:4326", None])
def test_what_is_missing_is_invalid_and_zero(make_raster, missing, dtype, crs):
    if missing == "nan" and not dtype.startswith("float"):
        pytest.skip("integers have no NaN")
    holes = holes_of()
    path = make_raster(dtype=dtype, missing=missing, holes=holes, crs=crs)
    with open_raster(path) as reader, rasterio.open(path) as file:
        values, valid = reader.read(reader.grid.whole)
        assert reader.bands == (1, 2, 3)
        assert reader.dtype == dtype
        assert bool(reader.grid.crs) == (crs is not None)
        expected = np.ones((40, 50), bool) if missing == "none" else ~holes
        assert (valid == expected).all()
        assert values.dtype == np.float32
        assert (values[:, ~valid] == 0).all()
        assert (values[:, valid] == file.read([1, 2, 3])[:, valid].astype("float32")).all()


def test_windows_may_reach_beyond(make_raster):
    path = make_raster()
    with open_raster(path) as reader:
        whole, _ = reader.read(reader.grid.whole)
        values, valid = reader.read(Window(-3, 45, 10, 20))
        assert valid.sum() == 7 * 5
        assert (values[:, 3:, :5] == whole[:, :7, 45:]).all()
        assert not values[:, :3].any()
        assert not values[:, :, 5:].any()
        nothing, none_valid = reader.read(Window(100, 100, 4, 4))
        assert nothing.shape == (3, 4, 4)
        assert not none_valid.any()


def test_one_band_missing_makes_the_pixel_invalid(make_raster):
    values = np.full((3, 8, 8), 7.0)
    values[1, 2, 3] = np.inf
    values[2, 4, 4] = np.nan
    path = make_raster(values=values, dtype="float32")
    with open_raster(path) as reader:
        _, valid = reader.read(reader.grid.whole)
        assert np.argwhere(~valid).tolist() == [[2, 3], [4, 4]]
    with open_raster(path, [1]) as reader:
        assert reader.read(reader.grid.whole)[1].all()


def test_float64_beyond_float32_is_invalid_not_infinite(make_raster):
    values = np.ones((1, 4, 4))
    values[0, 0, 0] = 1e300
    with open_raster(make_raster(values=values, dtype="float64")) as reader:
        read, valid = reader.read(reader.grid.whole)
        assert np.isfinite(read).all()
        assert valid.sum() == 15


@pytest.mark.parametrize("nodata", [-3.4028234663852886e38, -9999.0, -99.0])
def test_float_nodata(make_raster, nodata):
    path = make_raster(dtype="float32", missing="nodata", nodata=nodata, holes=holes_of())
    with open_raster(path) as reader:
        assert (reader.read(reader.grid.whole)[1] == ~holes_of()).all()


def test_scale_and_offset(make_raster):
    path = make_raster(dtype="uint16", scales=(0.1, 1.0, 2.0), offsets=(-5.0, 0.0, 1.0), missing="nodata",
                       holes=holes_of(), nodata=0)  # fmt: skip
    with open_raster(path) as reader, rasterio.open(path) as file:
        values, valid = reader.read(reader.grid.whole)
        expected = file.read() * np.array([0.1, 1, 2])[:, None, None] + np.array([-5, 0, 1.0])[:, None, None]
        np.testing.assert_allclose(values[:, valid], expected[:, valid], rtol=1e-6)
        assert (valid == ~holes_of()).all()


def test_alpha_chosen_by_number_is_data(make_raster):
    path = make_raster(missing="alpha", holes=holes_of())
    with open_raster(path) as reader:
        assert reader.bands == (1, 2, 3)
        assert "alpha" in reader.notes[0]
    with open_raster(path, [4]) as reader:
        assert reader.read(reader.grid.whole)[1].all()


def test_bands_in_the_order_asked_for(make_raster):
    path = make_raster(names=("blue", "green", ""))
    with open_raster(path, [3, 1]) as reader, rasterio.open(path) as file:
        assert reader.band_names == ("band 3", "blue")
        assert (reader.read(reader.grid.whole)[0] == file.read([3, 1])).all()


def test_wavelengths(make_raster):
    path = make_raster()
    with rasterio.open(path, "r+") as file:
        file.update_tags(1, wavelength="490", wavelength_units="Nanometers")
        file.update_tags(2, ns="IMAGERY", CENTRAL_WAVELENGTH_UM="0.56")
    with open_raster(path) as reader:
        assert reader.wavelengths_um == (pytest.approx(0.49), pytest.approx(0.56), None)


def test_rotated_and_oblong_grids_are_kept(make_raster):
    transform = Affine.translation(5e5, 5e6) @ Affine.rotation(20) @ Affine.scale(10, -4)
    with open_raster(make_raster(transform=transform)) as reader:
        assert reader.grid.transform.almost_equals(transform, 1e-6)


def test_virtual_raster(make_raster, tmp_path):
    source = make_raster("a.tif")
    virtual = tmp_path / "v.vrt"
    rasterio.shutil.copy(source, virtual, driver="VRT")
    with open_raster(source) as a, open_raster(str(virtual)) as b:
        assert (a.read(a.grid.whole)[0] == b.read(b.grid.whole)[0]).all()


def test_path_with_spaces_and_other_letters(make_raster):
    with open_raster(make_raster("mein Ordner/été 東京/карта.tif")) as reader:
        assert reader.read(Window(0, 0, 2, 2))[1].all()


def test_sentences(make_raster, tmp_path):
    path = make_raster()
    broken = tmp_path / "broken.tif"
    broken.write_bytes(b"II*\0 this is no raster at all")
    half = tmp_path / "half.tif"
    half.write_bytes(Path(make_raster("whole.tif", height=300, width=300)).read_bytes()[:60_000])
    for name, bands, words in (
        ("nowhere.tif", (), "There is no file"), (str(broken), (), "cannot be read as a raster"),
        (path, (4,), "no band 4"), (path, (0,), "no band 0"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=words):
            open_raster(name, bands)
    with open_raster(str(half)) as reader, pytest.raises(BadInput, match="cannot be read at row") as caught:
        reader.read(reader.grid.whole)
    assert "previous exception" not in str(caught.value)
    assert ".." not in str(caught.value)


def test_complex_numbers_are_refused(tmp_path):
    path = tmp_path / "complex.tif"
    with rasterio.open(path, "w", driver="GTiff", count=1, height=4, width=4, dtype="complex64") as file:
        file.write(np.ones((1, 4, 4), "complex64"))
    with pytest.raises(BadInput, match="complex"):
        open_raster(str(path))


def test_a_folder_is_named_as_such(tmp_path):
    with pytest.raises(BadInput, match=r"is a folder\. Choose a raster in it"):
        open_raster(str(tmp_path))


def test_rows_of_a_striped_file_are_kept_for_the_next_window(make_raster, monkeypatch):
    from quadrat.core import raster, striprows
    from rasterio.env import getenv

    monkeypatch.setattr(raster, "CACHE_BYTES", 2**20)
    path = make_raster(count=2, height=200, width=4096, dtype="uint16", blockysize=1, interleave="pixel")
    tiled = make_raster("tiled.tif", count=2, height=200, width=4096, dtype="uint16", tiled=True)
    with raster.environment():
        for file, kept in ((path, 128 * 4096 * 2 * 2 + 2**18), (tiled, 2**20)):
            with raster.open_raster(file) as reader:
                reader.read(Window(0, 0, 128, 128))
                assert getenv()["GDAL_CACHEMAX"] == kept and not reader.notes
            assert getenv()["GDAL_CACHEMAX"] == 2**20
    monkeypatch.setattr(striprows, "MOST_BYTES", 2**20)
    with raster.open_raster(path) as reader:
        assert "whole rows of 4,096 pixels" in reader.notes[0] and "TILED=YES" in reader.notes[0]
