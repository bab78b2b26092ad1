"""Series as they are read: from any raster with dated bands; and proxies, on whatever grid they lie."""

# ruff: noqa: F811 - fixtures come from beside
import geopandas as gpd
import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.errors import BadInput
from quadrat.core.poverty.series.stack import Series, check_proxy, proxy_means, read_series
from quadrat.core.raster import open_raster
from quadrat.core.settlement.zonal import zonal_means
from quadrat.tests.core.serieswork import ground, place, prepare, yearly  # noqa: F401

pytestmark = pytest.mark.same_without_torch


class TestReading:
    @pytest.mark.parametrize(
        ("names", "dates", "bands", "index"),
        [
            (["B2_2020", "B3_2020", "B2_2019", "B3_2019"], ("2019", "2020"), ("B2", "B3"), ((3, 4), (1, 2))),
            (["20190701T103021_B2", "20200703T103021_B2"], ("2019-07-01", "2020-07-03"), ("B2",), ((1,), (2,))),
            (["layer1_2019-01", "layer1_2019-02"], ("2019-01", "2019-02"), ("layer1",), ((1,), (2,))),
            (["pop_2000"], ("2000",), ("pop",), ((1,),)),
            (["red_2001", "nir_2001", "red_2002"], ("2001", "2002"), ("red", "nir"), ((1, 2), (3, None))),
            (["red_2001", "SCL_2001", "slope", "red_2002"], ("2001", "2002"), ("red",), ((1,), (4,))),
        ],
    )
    def test_any_raster_with_dated_bands(self, make_raster, names, dates, bands, index):
        series = read_series(make_raster(values=ground(1, len(names)), dtype="float32", names=names))
        assert (series.dates, series.bands, series.index) == (dates, bands, index)
        assert all(series.seen) and series.scale == ()

    @pytest.mark.parametrize("names", [["red", "nir"], ["red_a", "nir_b"], []])
    def test_others_are_refused_with_the_way_out(self, make_raster, names):
        with pytest.raises(BadInput, match=r"bear no dates.*Prepare series"):
            read_series(make_raster(values=ground(1, 2), dtype="float32", names=names))

    def test_a_band_twice(self, make_raster):
        names = ["red_2019", "nir_2019", "red_2020", "red_2019"]
        with pytest.raises(BadInput, match="holds red of 2019 twice: bands 1 and 4"):
            read_series(make_raster(values=ground(1, 4), dtype="float32", names=names))

    def test_what_the_record_says_of_our_own(self, prepare, yearly):
        made = prepare(yearly((2001, 2002, 2003), lambda year: ground(year, 3) * (year != 2002), nodata=0))
        series = read_series(made.path)
        assert series.seen == (True, False, True) and series.scale == ("x10000",) * 3
        np.testing.assert_array_equal(series.table, [[1, 2, 3], [0, 0, 0], [7, 8, 9]])
        assert series.picked(dates=["2001", "2002"], bands=["B4"]) == Series(
            made.path, ("2001", "2002"), ("B4",), ((3,), (6,)), ("2002",), ("x10000",)
        )
        with pytest.raises(BadInput, match=r"has no date 2009\. It has: 2001, 2002, 2003"):
            series.picked(dates=["2009"])

    @given(st.sets(st.integers(0, 5), min_size=1), st.permutations(["a", "b", "c"]))
    def test_picking_keeps_what_belongs_together(self, rows, bands):
        dates = tuple(str(2000 + at) for at in range(6))
        index = tuple(tuple(10 * at + col if (at + col) % 4 else None for col in range(3)) for at in range(6))
        series = Series("x", dates, ("a", "b", "c"), index)
        picked = series.picked([dates[at] for at in rows], bands[:2])
        assert picked.dates == tuple(dates[at] for at in sorted(rows)) and picked.bands == tuple(bands[:2])
        for at, row in zip(sorted(rows), picked.index, strict=True):
            assert row == tuple(index[at]["abc".index(band)] for band in bands[:2])


class TestProxy:
    def proxy(self, years=("2001", "2002", "2003"), bands=("lights",), empty=()):
        index = tuple(tuple(len(bands) * at + col + 1 for col in range(len(bands))) for at in range(len(years)))
        return Series("ntl.vrt", tuple(years), tuple(bands), index, tuple(empty))

    def test_dates_that_both_have(self):
        found = check_proxy(self.proxy(empty=("2003",)), ("2000", "2001", "2002", "2003"))
        assert found.dates == ("2001", "2002") and found.index == ((1,), (2,))

    def test_none_in_common(self):
        with pytest.raises(
            BadInput, match=r"none of the dates of the images: it is of 2001 to 2003, they are of 2010 and"
        ):
            check_proxy(self.proxy(), ("2010", "2011"))
        with pytest.raises(BadInput, match="One tells months, the other years"):
            check_proxy(self.proxy(), ("2001-01", "2001-02"))

    def test_several_bands(self):
        both = self.proxy(bands=("lights", "clouds"))
        with pytest.raises(BadInput, match=r"several bands \(lights, clouds\), and one is to be learnt"):
            check_proxy(both, ("2001",))
        assert check_proxy(both, ("2002",), "clouds").index == ((4,),)

    def test_means_in_cells_on_another_grid_and_system(self, make_raster):
        """Pixels of 30 m under cells of 100 m: each cell holds 3 1/3 by 3 1/3 pixels, a plane has exact means."""
        cols = np.arange(20) * 30 + 15
        plane = np.stack([np.tile(cols, (20, 1)) + 1000 * at for at in range(3)]).astype("float64")
        plane[1, :, :] = np.where(cols < 120, np.nan, plane[1])
        names = ["lights_2001", "lights_2002", "lights_2003"]
        proxy = read_series(make_raster(values=plane, dtype="float32", names=names, transform=place(pixel=30)))
        x = 600_000 + 100.0 * np.arange(6)
        cells = gpd.GeoDataFrame(geometry=shapely.box(x, 8_999_600, x + 100, 8_999_700), crs="EPSG:32722")
        for some in (cells, cells.to_crs("EPSG:4326")):
            means, covered = proxy_means(proxy, some, ("2000", "2001", "2002", "2003"))
            assert np.isnan(means[:, 0]).all() and not covered[:, 0].any()
            np.testing.assert_allclose(covered[:, 1], 1, atol=1e-4)
            np.testing.assert_allclose(means[2:5, 3] - means[2:5, 1], 2000, rtol=1e-6)
            inside = 100 * np.arange(6) + 50
            np.testing.assert_allclose(means[1:5, 1], inside[1:5], atol=4)
            assert np.isnan(means[0, 2]) and covered[0, 2] == 0 and 0.7 < covered[1, 2] < 0.9

    def test_all_dates_at_once_are_as_each_by_itself(self, make_raster):
        """Eight dates, each with holes of its own, and cells that reach beyond the raster."""
        rng = np.random.default_rng(4)
        values = rng.normal(0, 50, (8, 40, 50))
        values[rng.random(values.shape) < 0.3] = np.nan
        values[5, :, :25] = np.nan
        names = [f"lights_{2001 + at}" for at in range(8)]
        proxy = read_series(make_raster(values=values, dtype="float32", names=names))
        corners = rng.uniform((599_900, 8_999_550), (600_480, 8_999_980), (60, 2))
        boxes = shapely.box(*corners.T, *(corners + rng.uniform(3, 90, (60, 2))).T)
        cells = gpd.GeoDataFrame(geometry=boxes, crs="EPSG:32722")
        means, covered = proxy_means(proxy, cells, proxy.dates)
        for at in range(8):
            with open_raster(proxy.path, [at + 1]) as reader:
                alone = zonal_means(reader, cells)
            np.testing.assert_allclose(means[:, at], alone.means[:, 0], rtol=1e-9, atol=1e-9)
            np.testing.assert_allclose(covered[:, at], alone.covered, atol=1e-9)
        assert np.isnan(means).any() and np.isfinite(means).any()
