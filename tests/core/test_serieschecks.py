"""What speaks against a series: empty dates, copies, clouds, jumps, mixed sensors."""

# ruff: noqa: F811 - fixtures come from beside
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.errors import BadInput
from quadrat.core.grid import Grid
from quadrat.core.poverty.series import pixels as stackpixels
from quadrat.core.poverty.series.checks import _jumps
from quadrat.core.poverty.series.pixels import Look, windows_of
from quadrat.core.poverty.series.sensors import DMSP, VIIRS, is_harmonised, sensor_of
from quadrat.core.poverty.series.stack import read_series
from quadrat.tests.core.serieswork import HEIGHT, WIDTH, ground, place, prepare, yearly  # noqa: F401

pytestmark = pytest.mark.same_without_torch

YEARS = tuple(range(2010, 2020))


def lights(year, *, fractions=False, level=1.0):
    """Night lights: dark ground and one town, brighter every year."""
    rows, cols = np.mgrid[:HEIGHT, :WIDTH]
    town = 55 * np.exp(-((rows - 20) ** 2 + (cols - 25) ** 2) / 80) + 0.3 * (year - 2010)
    values = np.where(town < 1, 0, town)[None] * level
    return values if fractions else np.round(values)


class TestEmpty:
    @pytest.mark.parametrize(("fill", "what"), [(0, "all nodata"), (500, "one number everywhere")])
    def test_dates_that_hold_nothing(self, prepare, yearly, fill, what):
        def values_of(year):
            return np.full((3, HEIGHT, WIDTH), fill) if year in (2012, 2013) else ground(year, 3)

        made = prepare(yearly(YEARS, values_of, nodata=0))
        assert made.facts["empty"] == ["2012", "2013"]
        assert f"2012 and 2013 are {what}" in made.warnings and "same" not in made.warnings
        series = read_series(made.path)
        assert series.seen == tuple(year not in (2012, 2013) for year in YEARS)

    def test_one_band_that_holds_nothing(self, prepare, yearly):
        def values_of(year):
            return ground(year, 3) * (np.array([1, 0, 1])[:, None, None] if year == 2012 else 1)

        made = prepare(yearly(YEARS, values_of, nodata=0))
        assert (
            made.facts["empty"] == [] and "B3 is all nodata or one number at 2012, other bands are not" in made.warnings
        )

    def test_data_coarser_than_the_place_are_kept(self, prepare, yearly):
        made = prepare(yearly(YEARS, lambda year: np.full((1, HEIGHT, WIDTH), year), "in/w_{}.tif", ("precip",)))
        assert made.facts["empty"] == [] and not made.warnings and "coarser than the place" in made.text
        nothing = prepare(
            yearly(YEARS, lambda year: np.zeros((1, HEIGHT, WIDTH)), "in/w_{}.tif", ("precip",), nodata=0)
        )
        assert nothing.facts["empty"] == [str(year) for year in YEARS]

    def test_mostly_nodata(self, prepare, yearly):
        def values_of(year):
            return ground(year, 3) * (np.arange(WIDTH) < 15 if year == 2015 else 1)

        made = prepare(yearly(YEARS, values_of, nodata=0))
        assert "Less than half of the pixels are valid at 2015 (30 %)." in made.warnings
        assert made.facts["valid"]["2015"] == 0.3

    def test_an_empty_date_was_read_whole_before_it_is_called_so(self, prepare, make_raster, tmp_path, monkeypatch):
        monkeypatch.setattr(stackpixels, "MOST_PIXELS", 64 * 64)
        monkeypatch.setattr(stackpixels, "WINDOW_PX", 16)
        monkeypatch.setattr(stackpixels, "BLOCK_PX", 64)
        speck, nothing = np.zeros((1, 300, 300)), np.zeros((1, 300, 300))
        speck[0, 297:, 298:] = [[3, 4], [5, 6], [7, 8]]
        for year, values in ((2001, ground(1, 1, 300, 300)), (2002, speck), (2003, nothing)):
            make_raster(f"in/a_{year}.tif", values, dtype="float32", names=("ndvi",), nodata=0)
        made = prepare(tmp_path / "in", scale_change="warn")
        assert made.facts["empty"] == ["2003"] and "Checked on" in made.text and "% )" not in made.text
        assert "2002 (0 %)" in made.warnings


class TestFills:
    @pytest.mark.parametrize("fill", [0, 65535])
    def test_numbers_that_usually_mean_nothing_are_named(self, prepare, yearly, fill):
        def values_of(year):
            return np.where((np.arange(WIDTH) < 4) & (year > 2011), fill, ground(year, 3))

        folder = yearly(YEARS, values_of)
        made = prepare(folder, scale_change="warn")
        assert f"Up to 8 % of the pixels at 2012 to 2019 are {fill} in all bands" in made.warnings
        told = prepare(folder, nodata=str(fill))
        assert "declares as nodata" not in told.warnings and told.facts["valid"]["2015"] == 0.92

    def test_dark_places_of_night_lights_are_no_fill(self, prepare, make_raster, tmp_path):
        for year in (2015, 2016):
            make_raster(f"in/VNL_npp_{year}.tif", lights(year, fractions=True), dtype="float32")
        assert not prepare(tmp_path / "in").warnings
        for year in (2015, 2016):
            make_raster(f"in/VNL_npp_{year}.tif", lights(year, fractions=True) - 1e4 * (year > 2015), dtype="float32")
        assert "-10000" not in prepare(tmp_path / "in", scale_change="warn").warnings


class TestCopies:
    def test_one_file_under_two_dates(self, prepare, yearly):
        made = prepare(yearly(YEARS, lambda year: ground(2013 if year == 2016 else year, 3)))
        assert made.facts["copies"] == [["2013", "2016"]]
        assert "2013 and 2016 are the same in all pixels (s2_2013.tif and s2_2016.tif)" in made.warnings

    def test_one_pixel_makes_another_picture(self, prepare, yearly):
        def values_of(year):
            values = ground(2013, 3)
            values[2, 39, 49] += year
            return values

        assert prepare(yearly(YEARS, values_of)).facts["copies"] == []


class TestClouds:
    def test_dates_under_cloud_are_named_with_their_share(self, prepare, yearly):
        def values_of(year):
            return ground(year, 3) + 4000 * (np.arange(WIDTH) < 20 if year == 2014 else 0)

        made = prepare(yearly(YEARS, values_of))
        assert made.facts["clouded"]["2014"] == 0.4 and made.facts["clouded"]["2015"] == 0
        assert "clouds, haze or snow: 2014 (40 %)" in made.warnings
        assert "40 %" in Path(made.report).read_text(encoding="utf-8")

    def test_nothing_is_said_without_reflectance(self, prepare, yearly):
        made = prepare(yearly(YEARS, lambda year: ground(year, 3) / 4, dtype="uint8"))
        assert made.facts["clouded"] == {}


class TestSensors:
    @pytest.mark.parametrize(
        ("name", "sensor"),
        [
            ("F182013.v4c_web.stable_lights.avg_vis.tif", DMSP),
            ("DMSP_OLS_2005.tif", DMSP),
            ("VNL_v21_npp_2013_global_vcmcfg.tif", VIIRS),
            ("SVDNB_npp_20150101-20150131_75N060W.tif", VIIRS),
            ("Harmonized_DN_NTL_2013_calDMSP.tif", DMSP),
            ("Harmonized_DN_NTL_2014_simVIIRS.tif", VIIRS),
            ("LC08_2019.tif", "Landsat 8-9"),
            ("lights_2013.tif", ""),
        ],
    )
    def test_names(self, name, sensor):
        assert sensor_of(f"/a/{name}", "", {}).replace(" OLI", "")[: len(sensor) or 99] == sensor
        assert is_harmonised(name) == name.startswith("Harmonized")

    def night(self, make_raster, years, name):
        for year in years:
            make_raster(name(year), lights(year, fractions=year > 2013), dtype="float32")

    def test_dmsp_and_viirs_are_refused_by_their_names(self, prepare, make_raster, tmp_path):
        self.night(make_raster, range(2009, 2018), lambda y: f"in/{'F18' if y <= 2013 else 'VNL_v21_npp_'}{y}.tif")
        with pytest.raises(BadInput, match=r"DMSP-OLS at 2009 to 2013 and VIIRS-DNB at 2014 to 2017\. They measure in"):
            prepare(tmp_path / "in")
        made = prepare(tmp_path / "in", sensor_change="warn")
        assert "one of sensors, not of lights" in made.warnings and made.facts["sensors"]["2013"] == DMSP
        assert "VIIRS-DNB" in Path(made.report).read_text(encoding="utf-8")

    def test_or_by_their_numbers(self, prepare, make_raster, tmp_path):
        self.night(make_raster, range(2009, 2018), lambda y: f"in/ntl_{y}.tif")
        with pytest.raises(
            BadInput, match=r"lights holds whole numbers up to \d+ at 2009 to 2013 and fractions at 2014"
        ):
            prepare(tmp_path / "in")
        assert "as DMSP-OLS and VIIRS-DNB do" in prepare(tmp_path / "in", sensor_change="warn").warnings

    def test_across_2012_it_is_never_passed_over(self, prepare, make_raster, tmp_path):
        for year in range(2009, 2018):
            make_raster(f"in/ntl_{year}.tif", lights(year), dtype="uint8")
        made = prepare(tmp_path / "in")
        assert "lights seems to hold night lights from 2009 to 2017, but no name says of which" in made.warnings
        assert "no name says" not in prepare(tmp_path / "in", pattern="*2009*;*201[01].tif").warnings

    def test_each_sensor_in_a_band_of_its_own_is_no_mixture(self, prepare, make_raster, tmp_path):
        """As Yeh et al. 2020 have them."""
        for year in range(2011, 2016):
            name = f"in/DMSP_{year}.tif" if year <= 2013 else f"in/VIIRS_{year}.tif"
            names = ("NL_DMSP" if year <= 2013 else "NL_VIIRS",)
            make_raster(name, lights(year, fractions=year > 2013), dtype="float32", names=names)
        made = prepare(tmp_path / "in")
        assert made.facts["bands"] == ["NL_DMSP", "NL_VIIRS"]
        assert "There is no NL_VIIRS at 2011 to 2013" in made.warnings and "one of sensors" not in made.warnings

    def test_harmonised_products_are_taken_with_a_word(self, prepare, make_raster, tmp_path):
        for year in range(2009, 2018):
            sensor = "calDMSP" if year <= 2013 else "simVIIRS"
            make_raster(f"in/Harmonized_DN_NTL_{year}_{sensor}.tif", lights(year), dtype="uint8")
        made = prepare(tmp_path / "in")
        assert "they were harmonised, which leaves a break in 2012-13" in made.warnings
        assert made.facts["bands"] == ["lights"]


class TestJumps:
    def test_a_level_shift_of_the_whole_scene_is_named(self, prepare, yearly):
        made = prepare(yearly(YEARS, lambda year: ground(year, 3) + 300 * (year >= 2016)))
        assert [(jump["from"], jump["to"]) for jump in made.facts["jumps"]] == [("2015", "2016")]
        assert "From 2015 to 2016 the level of the whole scene jumps: B2 by +298 (usual: 0.5)" in made.warnings
        assert "stroke-dasharray" in Path(made.report).read_text(encoding="utf-8")

    def rate(self, dates, noise, jump=0.0, trend=0.0, tries=50):
        """How often something is named in series of noise and trend, with a jump in the middle."""
        rng = np.random.default_rng(dates)
        scene, found = rng.normal(0, 150, 80), 0  # its median absolute deviation is 100
        for _ in range(tries):
            levels = rng.normal(0, noise, dates) + trend * np.arange(dates) + jump * (np.arange(dates) >= dates // 2)
            found += bool(_jumps(look_of((scene + levels[:, None])[:, None]), 0, range(dates)))
        return found / tries

    @pytest.mark.parametrize("dates", [5, 21])
    @pytest.mark.parametrize("noise", [5, 25])
    def test_noise_and_a_steady_trend_are_seldom_called_a_jump(self, dates, noise):
        assert self.rate(dates, noise) <= 0.06
        assert self.rate(dates, noise, trend=noise / 4) <= 0.06

    @pytest.mark.parametrize(
        ("dates", "jump", "least"), [(12, 100, 0.5), (21, 100, 0.5), (9, 200, 0.9), (21, 200, 0.9)]
    )
    def test_jumps_beyond_the_noise_are_mostly_found(self, dates, jump, least):
        assert self.rate(dates, 12, jump) >= least

    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 10_000), st.integers(6, 14), st.data(), st.sampled_from([-1, 1]))
    def test_a_jump_of_twice_the_contrast_is_found_where_it_is(self, seed, dates, data, sign):
        at = data.draw(st.integers(2, dates - 2))
        rng = np.random.default_rng(seed)
        levels = rng.normal(0, 5, dates) + 400 * sign * (np.arange(dates) >= at)
        paired = np.stack([ground(seed + n)[0].ravel() + level for n, level in enumerate(levels)])[:, None]
        found = _jumps(look_of(paired), 0, range(dates))
        assert [(before, after) for before, after, _, _ in found] == [(at - 1, at)]
        assert found[0][2] * sign > 300

    def test_one_odd_date_is_no_new_level(self):
        levels = [0, 3, -2, 400, 1, 0, 2, -1]
        paired = np.stack([ground(n)[0].ravel() + level for n, level in enumerate(levels)])[:, None]
        assert _jumps(look_of(paired), 0, range(8)) == []

    def test_a_last_date_under_clouds_is_no_jump(self, prepare, yearly):
        made = prepare(yearly(YEARS, lambda year: ground(year, 3) + 4000 * (year == 2019)))
        assert made.facts["jumps"] == [] and "clouds, haze or snow: 2019 (100 %)" in made.warnings

    def test_one_band_of_several_is_no_sensor(self, prepare, yearly):
        one = np.array([0, 0, 1])[:, None, None]
        made = prepare(yearly(YEARS, lambda year: ground(year, 3) + 300 * one * (year >= 2016)))
        assert made.facts["jumps"] == []

    def test_clouds_and_dates_that_cover_less_are_no_jump(self, prepare, yearly):
        def values_of(year):
            values = ground(year, 3) + 4000 * (np.arange(WIDTH) < 20 if year == 2014 else 0)
            return values * (np.arange(WIDTH) < 15 if year == 2012 else 1) + 600 * (year >= 2017)

        made = prepare(yearly(YEARS, values_of, nodata=0))
        assert [jump["to"] for jump in made.facts["jumps"]] == ["2017"]

    def test_dark_ground_hides_no_jump_of_lights(self, prepare, make_raster, tmp_path):
        """Most pixels are dark at all dates: the level is that of pixels that change at all."""
        for year in YEARS:
            level = 1.0 if year < 2014 else 0.4
            make_raster(f"in/ntl_{year}.tif", lights(2010 + year % 3, fractions=True, level=level), dtype="float32")
        made = prepare(tmp_path / "in", sensor_change="warn")
        assert [jump["to"] for jump in made.facts["jumps"]] == ["2014"]
        assert "DMSP gave way to VIIRS in 2012-13" in made.warnings


def look_of(paired):
    """A look of which only pixels that are paired are asked for."""
    nothing = np.zeros(paired.shape[:2])
    flags = np.zeros(paired.shape[:2], bool)
    return Look(
        nothing, nothing[:, 0], nothing, nothing, nothing, flags, flags, (), paired.astype("float32"), (), 1, 1.0
    )


class TestSample:
    @given(st.integers(1, 4000), st.integers(1, 4000), st.integers(2**12, 2**18))
    def test_windows_lie_within_and_are_no_more_than_asked_for(self, height, width, most):
        grid = Grid(place(), "", height, width)
        windows = windows_of(grid, most)
        pixels = sum(window.height * window.width for window in windows)
        for window in windows:
            assert window.intersection(grid.whole) == window
        if height * width <= most:
            assert pixels == height * width
        else:
            assert 0 < pixels <= max(most, 128 * 128)
            apart = [one.intersection(other) is None for at, one in enumerate(windows) for other in windows[:at]]
            assert all(apart)

    def test_a_large_raster_is_sampled_and_that_is_said(self, prepare, make_raster, tmp_path, monkeypatch):
        monkeypatch.setattr(stackpixels, "MOST_PIXELS", 2**14)
        for year in (2001, 2002, 2003):
            make_raster(f"in/a_{year}.tif", ground(year, 1, 400, 500), dtype="uint16", names=("ndvi",))
        made = prepare(tmp_path / "in")
        assert "Checked on 16,384 pixels of each band (8.2 %)" in made.text
        truth = np.median(ground(2002, 1, 400, 500))
        row = next(row for row in made.numbers["rows"] if row["date"] == "2002")
        assert abs(row["median"] - truth) < 40 and row["valid"] == 1

    def test_long_monthly_series_are_shown_as_a_calendar(self, prepare, make_raster, tmp_path):
        months = [f"{2001 + month // 12}-{month % 12 + 1:02d}" for month in range(48) if month != 17]
        for number, month in enumerate(months):
            make_raster(f"in/a_{month}.tif", ground(number, 1, 8, 9), dtype="uint16", names=("ndvi",))
        html = Path(prepare(tmp_path / "in").report).read_text(encoding="utf-8")
        calendar = html[html.index("<th>Jan</th>") : html.index("<details>")]
        assert calendar.count("100 %") == 47 and calendar.count("–</td>") == 1 and "All 47 dates" in html

    def test_numbers_beside_the_page(self, prepare, yearly):
        made = prepare(yearly())
        rows = made.numbers["rows"]
        assert len(rows) == 9 and rows[0]["date"] == "2017" and rows[0]["files"][0].endswith("s2_2017.tif")
        assert rows[4]["median"] == np.median(ground(2018, 3).astype("uint16")[1])
        lines = Path(made.report).with_suffix(".csv").read_text(encoding="utf-8").splitlines()
        assert lines[0] == "date,band,valid,low,median,high" and len(lines) == 10
        html = Path(made.report).read_text(encoding="utf-8")
        assert "<script" not in html and "http" not in html.replace("http-equiv", "")

    def test_a_failed_run_leaves_an_earlier_series_alone(self, prepare, yearly, tmp_path):
        made = prepare(yearly())
        before = Path(made.path).read_bytes()
        yearly((2020,), lambda year: ground(year, 3) * 1e-4, dtype="float32")
        with pytest.raises(BadInput, match="change their meaning"):
            prepare(tmp_path / "in")
        assert Path(made.path).read_bytes() == before
        assert not [path for path in (tmp_path / "out").iterdir() if "checking" in path.name or ".part" in path.name]
