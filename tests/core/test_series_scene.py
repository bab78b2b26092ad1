"""Series through the job: gaps of single dates, two rasters joined, the same space again, the ONNX twin."""

import geopandas as gpd
import numpy as np
import pytest
import shapely
from quadrat.core.bands.eras import radiometry_of_dates
from quadrat.core.bands.radiometry import PLAIN
from quadrat.core.bands.recognise import recognise
from quadrat.core.errors import BadInput
from quadrat.core.grid import Window
from quadrat.core.jobs.embed import EmbedRaster
from quadrat.core.jobs.embedcells import EmbedCells
from quadrat.core.jobs.export import ExportOnnx
from quadrat.core.measured import Looks
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.core.sidecar import read_sidecar

from .test_pair import write

TEN = ("B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B11", "B12")
RADAR = ("VV", "VH")
SIDE = 32
DATES = ("2021-04", "2021-06", "2021-09")


def named(bands, dates=DATES):
    return [f"{band}_{date}" for date in dates for band in bands]


def optical(dates=3, seed=0):
    """Reflectance x 10000 of several dates, with dark water; no zeros."""
    values = np.random.default_rng(seed).uniform(200, 4000, (dates * 10, SIDE, SIDE))
    values[:, :4] = np.random.default_rng(seed + 1).uniform(5, 300, (dates * 10, 4, SIDE))
    return values.astype(np.uint16)


def radar(dates=3, seed=0):
    return np.random.default_rng(seed).normal(-12, 3, (dates * 2, SIDE, SIDE)).astype(np.float32)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    torch = pytest.importorskip("torch")
    from quadrat.tests.models.test_galileo import official

    path = tmp_path_factory.mktemp("weights") / "encoder.pt"
    torch.save(official("nano"), path)
    return str(path)


@pytest.fixture(params=[0, 16], ids=["alone", "windows"])
def go(embed, weights, monkeypatch, request):
    from quadrat.models.definitions import galileo
    from quadrat.tests.models.test_galileo import TINY

    for size, numbers in TINY.items():
        monkeypatch.setitem(galileo.SIZES, size, numbers)

    def run(path, name="out.tif", **options):
        given = {"backbone": "galileo-nano", "weights": weights, "storage": "float32", "overlap_px": 0, **options}
        return embed(path, name, **{"tile_size_px": request.param, **given})

    return run


@pytest.fixture
def series(tmp_path):
    return write(tmp_path / "s2 é.tif", optical(), names=named(TEN), nodata=0)


@pytest.mark.parametrize("go", [0], indirect=True)
def test_all_dates_make_one_embedding(go, series):
    made = go(series)
    assert made.values.shape == (16, SIDE // 4, SIDE // 4) and made.valid.all()
    space = read_sidecar(made.path)["facts"]["space"]
    assert space["months"] == [4] * 10 + [6] * 10 + [9] * 10 and space["dates"][::10] == list(DATES)
    assert space["pixel_m"] == pytest.approx(10, rel=1e-3)
    assert "10 dates" not in made.text and "3 dates: 2021-04 (Apr), 2021-06 (Jun), 2021-09 (Sep)" in made.text
    assert not np.allclose(made.values, go(series, "b.tif", band_roles="date=2021-04 date=2021-06").values)


@pytest.mark.parametrize("go", [16], indirect=True)
def test_a_date_without_pixels_is_as_if_it_were_not_there(go, series, tmp_path):
    """Save for its place in the series, which a last date does not shift."""
    values = optical()
    values[20:] = 0
    gone = write(tmp_path / "gone.tif", values, names=named(TEN), nodata=0)
    there = write(tmp_path / "there.tif", values[:20], names=named(TEN, DATES[:2]), nodata=0)
    first, second = go(gone, "a.tif"), go(there, "b.tif")
    assert first.valid.all()
    np.testing.assert_allclose(first.values, second.values, atol=1e-5)
    assert "what the numbers of 2021-09 mean is taken as told by the other dates" in first.text


def test_a_cloud_in_one_date_leaves_the_others(go, tmp_path):
    values = optical()
    values[:10, 8:16, 8:16] = 0
    cloudy = write(tmp_path / "cloudy.tif", values, names=named(TEN), nodata=0)
    worse = values.copy()
    worse[10:, 8:12, 8:12] = 0
    worse[10:20, 16:20, 17:20] = 0
    made, full = go(cloudy, "a.tif"), go(write(tmp_path / "w.tif", worse, names=named(TEN), nodata=0), "b.tif")
    assert made.valid.all() and np.isfinite(made.values).all()
    assert not full.valid[2, 2] and full.valid.sum() == full.valid.size - 1
    alone = write(tmp_path / "x.tif", worse[10:20], names=named(TEN, DATES[:1]), nodata=0)
    assert not go(alone, "c.tif").valid[4, 4]


@pytest.mark.parametrize("go", [16], indirect=True)
def test_what_stands_under_a_cloud_has_no_influence(go, tmp_path):
    values = optical().astype(np.float32)
    cloud = values.copy()
    cloud[10:20, 4:11, 5:22] = np.nan
    other = values.copy()
    other[10:20, 4:11, 5:22] = -9999
    one = go(write(tmp_path / "nan.tif", cloud, names=named(TEN)), "a.tif")
    two = go(write(tmp_path / "nodata.tif", other, names=named(TEN), nodata=-9999), "b.tif")
    np.testing.assert_array_equal(one.values, two.values)


def test_two_sensors_have_gaps_of_their_own(go, series, tmp_path):
    bare = write(tmp_path / "s1.tif", radar(), names=named(RADAR))
    both = go(series, "a.tif", second=bare)
    one = write(
        tmp_path / "one.tif", np.concatenate([radar(), optical().astype(np.float32)]),
        names=[*named(RADAR), *named(TEN)], nodata=0,
    )  # fmt: skip
    np.testing.assert_allclose(go(one, "b.tif").values, both.values, atol=1e-5)
    values = optical()
    values[:, 12:20] = 0
    holes = write(tmp_path / "holes.tif", values, names=named(TEN), nodata=0)
    made, alone = go(holes, "c.tif", second=bare), go(bare, "d.tif")
    assert made.valid.all() and not go(holes, "e.tif").valid[3:5].any()
    assert not np.allclose(made.values[:, :3], alone.values[:, :3])


@pytest.mark.parametrize("go", [16], indirect=True)
def test_the_second_on_another_grid_keeps_its_gaps(go, series, tmp_path):
    coarse = radar()[:, ::2, ::2].copy()
    coarse[:2, :8] = -9999
    second = write(tmp_path / "s1.tif", coarse, names=named(RADAR), nodata=-9999, pixel=20.0)
    values = optical()
    values[:, :16] = 0
    made = go(write(tmp_path / "s2.tif", values, names=named(TEN), nodata=0), second=second)
    assert made.valid.all()
    single = go(second, "b.tif", band_roles="date=2021-04", patch_size_px=2)
    assert not single.valid[:4].any() and single.valid[4:].all()


@pytest.mark.parametrize("go", [0], indirect=True)
def test_months_are_asked_for(go, tmp_path):
    plain = write(tmp_path / "plain.tif", optical(1), names=TEN)
    with pytest.raises(BadInput, match=r"must know the month in which it was taken. Give it under 'Months'"):
        go(plain)
    june, december = go(plain, "a.tif", months="6"), go(plain, "b.tif", months="12")
    assert not np.allclose(june.values, december.values)
    dated = write(tmp_path / "s2_2021-06-09.tif", optical(1), names=TEN)
    np.testing.assert_array_equal(go(dated, "c.tif").values, june.values)
    with pytest.raises(BadInput, match="'Months' holds 2, but there are 1 dates"):
        go(dated, "d.tif", months="6 7")


def test_months_are_checked_in_the_form():
    job = EmbedRaster(input="a.tif", output="b.tif", backbone="galileo-nano", months="13")
    assert "'13' is no month from 1 to 12" in job.problem()
    job = EmbedRaster(input="a.tif", output="b.tif", backbone="croma-base", months="6")
    assert "does not ask for months" in job.problem()
    assert EmbedRaster(input="a.tif", output="b.tif", backbone="galileo-nano", months="1-12").problem() == ""


@pytest.mark.parametrize("go", [0], indirect=True)
def test_the_same_space_for_other_months(go, series, tmp_path):
    first = go(series, "a.tif")
    later = write(
        tmp_path / "later.tif", optical(seed=5), names=named(TEN, ("2022-05", "2022-07", "2022-10")), nodata=0
    )
    again = go(later, "b.tif", like=first.path)
    assert again.facts["identity"] == first.facts["identity"]
    np.testing.assert_array_equal(again.values, go(later, "c.tif").values)
    fewer = write(tmp_path / "fewer.tif", optical(2), names=named(TEN, DATES[:2]), nodata=0)
    with pytest.raises(BadInput, match=r"was made from 3 dates; here are 2 dates. Choose as many"):
        go(fewer, "d.tif", like=first.path)
    colours = write(tmp_path / "colours.tif", optical()[:9], names=named(TEN[:3]), nodata=0)
    with pytest.raises(BadInput, match="was made with the band rededge1 at its date 2021-04"):
        go(colours, "e.tif", like=first.path)
    own = go(colours, "f.tif")
    assert own.facts["identity"] != first.facts["identity"]
    part = go(series, "g.tif", like=own.path)
    assert read_sidecar(part.path)["facts"]["space"]["roles"] == ["blue", "green", "red"] * 3


@pytest.mark.parametrize("go", [0], indirect=True)
def test_a_stopped_run_is_built_again(go, series):
    from quadrat.core.space import Space, restore

    made = go(series)
    space = Space.from_json(read_sidecar(made.path)["facts"]["space"])
    backbone = restore(space, lambda text: None)
    assert backbone.identity == made.facts["identity"]


@pytest.mark.parametrize("go", [16], indirect=True)
def test_the_twin_takes_the_series_with_its_gaps(go, series, embed, tmp_path):
    pytest.importorskip("onnx")
    values = optical()
    values[:10, 8:18, 8:17] = 0
    cloudy = write(tmp_path / "cloudy.tif", values, names=named(TEN), nodata=0)
    first = go(cloudy, "a.tif")
    twin = str(tmp_path / "galileo.onnx")
    run_job(ExportOnnx(embedding=first.path, output=twin), Progress())
    options = {"backbone": "onnx", "model": twin, "storage": "float32", "overlap_px": 0}
    again = embed(cloudy, "b.tif", **options)
    np.testing.assert_allclose(again.values, first.values, atol=1e-4)
    assert again.valid.all()
    other = write(tmp_path / "other.tif", optical(), names=named(TEN, ("2021-05", "2021-06", "2021-09")), nodata=0)
    with pytest.raises(BadInput, match="was made for the months Apr Jun Sep; here are May Jun Sep"):
        embed(other, "c.tif", **options)
    late = embed(cloudy, "d.tif", like=again.path, **options)
    np.testing.assert_array_equal(late.values, again.values)


def test_a_pixel_is_valid_where_one_look_is(tmp_path):
    values = np.ones((4, 4, 4), np.float32)
    values[1, 0, 0] = values[2, 1, 1] = np.nan
    values[0, 3, 3] = values[3, 3, 3] = np.nan
    path = write(tmp_path / "a.tif", values)
    with Looks(open_raster(path), (PLAIN,) * 4, (0, 0, 1, 1)) as reader:
        found, valid = reader.read(Window(-1, -1, 6, 6))
    assert valid[1:5, 1:5].sum() == 15 and not valid[4, 4] and not valid[0].any()
    assert np.isnan(found[:2, 1, 1]).all() and (found[2:, 1, 1] == 1).all()
    assert np.isnan(found[2:, 2, 2]).all() and (found[:2, 2, 2] == 1).all()
    assert np.isnan(found[:, 0]).all()


def test_bands_by_themselves_are_read_as_together(make_raster):
    rng = np.random.default_rng(0)
    values = rng.integers(0, 5, (3, 20, 30)).astype(np.uint8)
    path = make_raster("a.tif", values, nodata=0)
    with open_raster(path) as reader:
        for window in (reader.grid.whole, Window(-3, 5, 40, 9), Window(50, 50, 2, 2)):
            (one, each), (two, valid) = reader.read_each(window), reader.read(window)
            np.testing.assert_array_equal(each.all(axis=0), valid)
            np.testing.assert_array_equal(one * valid, two)
            assert (one[~each] == 0).all()


def told(path, dates, values="auto"):
    with open_raster(path) as reader:
        known = recognise(reader)
    bands = [band.number for band in known.bands]
    found = radiometry_of_dates(known, bands, values, [band.role for band in known.bands])
    return {date: {part.name for part, band in zip(found.parts, known.bands, strict=True) if band.date == date}
            for date in dates}, found.sentences  # fmt: skip


def test_clouds_do_not_look_like_an_added_thousand(tmp_path):
    values = optical().astype(np.uint16)
    values[10:20] = np.random.default_rng(1).uniform(1050, 6000, (10, SIDE, SIDE))
    values[10:20, 0, 0] = 1000
    names, sentences = told(write(tmp_path / "a.tif", values, names=named(TEN), nodata=0), DATES)
    assert names == {date: {"x10000"} for date in DATES}
    assert any("2021-06" in text and "taken as told by the other dates" in text for text in sentences)


def test_the_thousand_comes_with_its_era(tmp_path):
    dates = ("2021-12", "2022-06", "2022-07")
    values = optical()
    values[10:] += 1000
    names, _ = told(write(tmp_path / "a.tif", values, names=named(TEN, dates), nodata=0), dates)
    assert names == {"2021-12": {"x10000"}, "2022-06": {"x10000+1000"}, "2022-07": {"x10000+1000"}}


@pytest.mark.parametrize("go", [0], indirect=True)
@pytest.mark.parametrize("size", [(32, 30), (31, 33), (7, 2)])
def test_edges_and_tiles_make_no_difference(go, tmp_path, size):
    """A cell at the edge is made of its own pixels alone; half of those that lie inside must be there."""
    height, width = size
    values = np.full((20, SIDE + 8, SIDE + 8), 900, np.uint16)
    values[:, :32, :32] = optical(2)
    cut = write(tmp_path / "cut.tif", values[:, :height, :width], names=named(TEN, DATES[:2]), nodata=0)
    made, whole = (
        go(cut, "a.tif"),
        go(write(tmp_path / "whole.tif", values, names=named(TEN, DATES[:2]), nodata=0), "b.tif"),
    )
    assert made.valid.all() and made.values.shape[1:] == (-(-height // 4), -(-width // 4))
    rows, cols = height // 4, width // 4
    np.testing.assert_allclose(made.values[:, :rows, :cols], whole.values[:, :rows, :cols], atol=1e-5)


@pytest.mark.parametrize(("go", "contexts", "size"), [(0, ("cell",), 6), (16, ("cell", "centre"), 8)], indirect=["go"])
def test_the_twin_sees_cells_as_the_network_does(go, series, tmp_path, weights, size, contexts, request):
    """A file takes windows of one size: cells are filled up with gaps, and not stretched."""
    pytest.importorskip("onnx")
    window = request.node.callspec.params["go"]
    twin = str(tmp_path / "galileo.onnx")
    run_job(ExportOnnx(embedding=go(series, "a.tif", patch_size_px=size).path, output=twin), Progress())
    with open_raster(series) as reader:
        grid = reader.grid
    boxes = [shapely.box(c, r, c + size, r + size) for r in range(0, 24, 8) for c in range(0, 24, 8)]
    layer = str(tmp_path / "cells.gpkg")
    to_ground = lambda xy: np.stack(grid.transform @ tuple(xy.T), 1)  # noqa: E731
    gpd.GeoDataFrame(geometry=shapely.transform(boxes, to_ground), crs=grid.crs).to_file(layer)

    def vectors(context, **options):
        output = str(tmp_path / "vectors.gpkg")
        run_job(EmbedCells(input=series, cells=layer, output=output, context=context, **options), Progress())
        table = gpd.read_file(output)
        return table[[column for column in table if column.startswith("emb_")]].to_numpy()

    for context in contexts:
        found = vectors(context, backbone="onnx", model=twin)
        assert found.shape == (9, 16) and np.isfinite(found).all()
        if context == "cell":  # the parts of a centre lie otherwise in windows of other sizes
            own = vectors(context, backbone="galileo-nano", weights=weights, tile_size_px=window)
            np.testing.assert_allclose(found, own, atol=1e-5)


@pytest.mark.parametrize("go", [0], indirect=True)
def test_a_cell_that_holds_no_patch_of_a_series_gets_no_vector(series, tmp_path, weights, go):
    with open_raster(series) as reader:
        grid = reader.grid
    boxes = [shapely.box(c, r, c + 6, r + 6) for r in range(0, 24, 6) for c in range(0, 30, 6)]
    boxes += [shapely.box(30, 30, 31, 31), shapely.box(25, 26, 28, 32)]
    layer, output = str(tmp_path / "cells.gpkg"), str(tmp_path / "o.gpkg")
    to_ground = lambda xy: np.stack(grid.transform @ tuple(xy.T), 1)  # noqa: E731
    gpd.GeoDataFrame(geometry=shapely.transform(boxes, to_ground), crs=grid.crs).to_file(layer)
    options = {"backbone": "galileo-nano", "weights": weights, "context": "cell"}
    run_job(EmbedCells(input=series, cells=layer, output=output, **options), Progress())
    there = gpd.read_file(output)["emb_1"].notna().to_numpy()
    assert there[:20].all() and there[20:].tolist() == [False, True]
