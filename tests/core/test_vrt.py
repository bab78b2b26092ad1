"""Virtual rasters against arrays put together by hand, whatever lies where."""

import tempfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.grid import Grid
from quadrat.core.poverty.series.vrt import Source, VirtualBand, roomy, write_vrt
from quadrat.core.raster import open_raster
from rasterio.transform import Affine

pytestmark = pytest.mark.same_without_torch

HEIGHT, WIDTH = 11, 13
DTYPES = ("uint8", "int16", "uint16", "int32", "float32", "float64")


@st.composite
def tiles(draw):
    """Tiles of one band: where they lie, their type, and whether they declare nodata."""
    dtype = draw(st.sampled_from(DTYPES))
    nodata = draw(st.sampled_from([None, 0, 7]))
    boxes = []
    for _ in range(draw(st.integers(1, 4))):
        row, col = draw(st.integers(0, HEIGHT - 1)), draw(st.integers(0, WIDTH - 1))
        boxes.append((row, col, draw(st.integers(1, HEIGHT - row)), draw(st.integers(1, WIDTH - col))))
    return dtype, nodata, boxes, draw(st.integers(0, 2**32 - 1))


def written(folder, name, values, nodata):
    path = str(folder / name)
    profile = {"driver": "GTiff", "count": 1, "height": values.shape[0], "width": values.shape[1], "nodata": nodata}
    with rasterio.open(path, "w", dtype=values.dtype, transform=Affine(1, 0, 5, 0, -1, 0), **profile) as file:
        file.write(values, 1)
    return path


@settings(max_examples=60, deadline=None)
@given(tiles())
def test_tiles_are_laid_over_one_another_and_holes_stay_holes(drawn):
    dtype, nodata, boxes, seed = drawn
    rng = np.random.default_rng(seed)
    top = {"uint8": 255, "int16": 2**15 - 1, "uint16": 2**16 - 1, "int32": 2**31 - 1}.get(dtype, 2**20)
    expected, known = np.zeros((HEIGHT, WIDTH)), np.zeros((HEIGHT, WIDTH), bool)
    sources = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, (row, col, height, width) in enumerate(boxes):
            values = rng.choice([0, 7, 1, top, top // 3], (height, width)).astype(dtype)
            path = written(folder, f"{number}.tif", values, nodata)
            sources.append(Source(path, 1, col, row, width, height, dtype, nodata))
            place = (slice(row, row + height), slice(col, col + width))
            seen = np.ones(values.shape, bool) if nodata is None else values != nodata
            expected[place] = np.where(seen, values, expected[place])
            known[place] |= seen
        wide, hole = (dtype, nodata) if nodata is not None else roomy(dtype)
        output = folder / "sub" / "a.vrt"
        output.parent.mkdir()
        grid = Grid(Affine(1, 0, 5, 0, -1, 0), "", HEIGHT, WIDTH)
        write_vrt(str(output), grid, [VirtualBand("x_2001", tuple(sources), wide, hole)])
        with open_raster(str(output)) as reader:
            valid = reader.read_each(reader.grid.whole)[1]
            assert reader.band_names == ("x_2001",)
        with rasterio.open(output) as file:
            values = file.read(1)
        text = output.read_text(encoding="utf-8")
        assert text.count('relativeToVRT="1"') == len(sources) and "../0.tif" in text
    np.testing.assert_array_equal(valid[0], known)
    np.testing.assert_array_equal(values[known], expected[known])


@pytest.mark.parametrize("dtype", [*DTYPES, "int8", "uint32"])
def test_a_roomy_type_holds_all_numbers_and_one_more(dtype):
    wide, hole = roomy(dtype)
    assert np.can_cast(dtype, wide)
    if np.dtype(dtype).kind in "iu":
        info = np.iinfo(dtype)
        assert np.isnan(hole) or not info.min <= hole <= info.max
    else:
        assert np.isnan(hole)


def test_scale_offset_and_tags(tmp_path):
    path = written(tmp_path, "a.tif", np.full((HEIGHT, WIDTH), 40, "uint8"), None)
    source = Source(path, 1, 0, 0, WIDTH, HEIGHT, "uint8")
    band = VirtualBand(
        "a <&> b_2001", (source,), "uint8", scale=0.5, offset=-3, tags=(("DATE", "2001"), ("BAND", "<b>"))
    )
    write_vrt(str(tmp_path / "b.vrt"), Grid(Affine(1, 0, 5, 0, -1, 0), "", HEIGHT, WIDTH), [band])
    with open_raster(str(tmp_path / "b.vrt")) as reader:
        assert reader.band_names == ("a <&> b_2001",) and reader.nodata == (None,)
        assert (reader.read(reader.grid.whole)[0] == 17).all()
    with rasterio.open(tmp_path / "b.vrt") as file:
        assert file.tags(1) == {"DATE": "2001", "BAND": "<b>"}
