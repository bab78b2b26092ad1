"""Dates in names of files and bands, the frequency of a series, and what is missing in it."""

import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.errors import BadInput
from quadrat.core.poverty.series.dates import (
    candidates,
    cut,
    dates_in_names,
    frequency_of,
    gaps_of,
    parse,
    runs_of,
    text_of,
)

pytestmark = pytest.mark.same_without_torch

DAYS = st.dates(datetime.date(1960, 1, 1), datetime.date(2090, 12, 31))


class TestDates:
    @given(DAYS, st.sampled_from([1, 2, 3]), st.sampled_from(["", "-", "_", "."]))
    def test_a_date_in_a_name_is_found_however_it_is_written(self, day, length, mark):
        parts = (day.year, day.month, day.day)[:length]
        text = mark.join(f"{part:02d}" for part in parts)
        assert candidates(f"composite_{text}_mean") == [parts]
        assert parse(text_of(parts)) == parts

    @pytest.mark.parametrize(
        ("stem", "found"),
        [
            ("F182013.v4c_web.stable_lights.avg_vis", [(2013,)]),
            ("F101992.v4b", [(1992,)]),
            ("VNL_v21_npp_2013_global_vcmcfg_c202205302300.average", [(2013,)]),
            ("SVDNB_npp_20150101-20150131_75N060W_vcmcfg", [(2015, 1, 1), (2015, 1, 31)]),
            ("MOD13Q1.A2019001.h12v10", [(2019, 1, 1)]),
            ("MOD13Q1.A2020366.h12v10", [(2020, 12, 31)]),
            ("ndvi_2019m07", [(2019, 7)]),
            ("composite_2019-0000000000-0000001536", [(2019,)]),
            ("tile_12345_20199", []),
        ],
    )
    def test_names_of_products(self, stem, found):
        assert candidates(stem) == found

    def test_of_several_dates_the_one_counts_that_differs(self):
        paths = [f"/a/GHS_R2023_E{year}_v2.tif" for year in (1990, 1995, 2000)]
        names = [path.replace("E1", "1").replace("E2", "2") for path in paths]
        assert [dates_in_names(names, {})[path] for path in names] == [(1990,), (1995,), (2000,)]
        month = {"/a/SVDNB_npp_20150101-20150131_x.tif": {}, "/a/SVDNB_npp_20150201-20150228_x.tif": {}}
        assert list(dates_in_names(list(month), month).values()) == [(2015, 1), (2015, 2)]
        span = ["/a/landsat_2009_2011.tif", "/a/landsat_2012_2014.tif"]
        assert list(dates_in_names(span, {}).values()) == [(), ()], "two years are no date"
        tagged = dates_in_names(["/a/x.tif"], {"/a/x.tif": {"ACQUISITIONDATETIME": "2021-05-03T10:00:00"}})
        assert tagged == {"/a/x.tif": (2021, 5, 3)}
        assert dates_in_names(["/a/x.tif"], {"/a/x.tif": {"Year": "2004"}}) == {"/a/x.tif": (2004,)}
        written = {"TIFFTAG_DATETIME": "2021:05:03 10:00:00"}
        assert dates_in_names(["/a/x.tif"], {"/a/x.tif": written}) == {"/a/x.tif": ()}, "when the file was written"

    def test_frequency_follows_the_dates(self):
        years, months = [(2019,), (2020,)], [(2019, 5), (2019, 7)]
        assert frequency_of(years, "auto") == "yearly"
        assert frequency_of(months, "auto") == "monthly"
        assert frequency_of([(2018, 7, 3), (2019, 6, 25), (2020, 7, 9)], "auto") == "yearly"
        assert frequency_of([(2020, 12), (2021, 1)], "auto") == "monthly", "a winter is no two years"
        assert frequency_of([(2019, 5, 1), (2019, 5, 17)], "auto") == "daily"
        with pytest.raises(BadInput, match="whether the series is yearly or monthly"):
            frequency_of([(2019,), (2020, 5)], "auto")
        with pytest.raises(BadInput, match="to be monthly, but a date is told only as 2019"):
            frequency_of(years, "monthly")
        assert cut((2019, 5, 17), "monthly") == (2019, 5)

    @given(st.sets(st.integers(1990, 2030), min_size=2))
    def test_years_and_gaps_are_all_years(self, years):
        dates = [str(year) for year in sorted(years)]
        gaps = gaps_of(dates, "yearly")
        assert sorted([*dates, *gaps]) == [str(year) for year in range(min(years), max(years) + 1)]

    @given(st.sets(st.integers(0, 60), min_size=2))
    def test_months_and_gaps_are_all_months(self, months):
        dates = [f"{2019 + month // 12}-{month % 12 + 1:02d}" for month in sorted(months)]
        found = sorted({*dates, *gaps_of(dates, "monthly")})
        assert len(found) == max(months) - min(months) + 1
        assert (found[0], found[-1]) == (dates[0], dates[-1])

    def test_runs_are_told_as_such(self):
        years = [str(year) for year in range(2000, 2021)]
        assert runs_of(["2003", "2004", "2005", "2011"], years) == "2003 to 2005 and 2011"
        assert runs_of(["2003", "2004"], years) == "2003 and 2004"
        assert runs_of(["2003", "2004", "2006"], years) == "2003, 2004 and 2006"
        assert runs_of(years[::2], years).endswith("and 5 others")
