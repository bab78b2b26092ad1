"""Numbers of a series that change their meaning from date to date: refused, converted, or only named."""

# ruff: noqa: F811 - fixtures come from beside
import numpy as np
import pytest
from quadrat.core.errors import BadInput
from quadrat.tests.core.serieswork import ground, prepare, yearly  # noqa: F401

pytestmark = pytest.mark.same_without_torch

YEARS = tuple(range(2010, 2020))


class TestScale:
    def fractions(self, year):
        return ground(year, 3) * (1 if year < 2015 else 1e-4)

    def test_0_to_1_beside_0_to_10000_is_refused(self, prepare, yearly):
        folder = yearly(YEARS, self.fractions, dtype="float32")
        with pytest.raises(
            BadInput,
            match=r"reflectance x 10000 at 2010 to 2014 and reflectance from 0 to 1 at 2015 to 2019.*'convert'",
        ):
            prepare(folder)

    def test_or_read_as_reflectance_throughout(self, prepare, yearly):
        made = prepare(
            yearly(YEARS, self.fractions, dtype=lambda y: "uint16" if y < 2015 else "float32"), scale_change="convert"
        )
        assert set(made.facts["scale"].values()) == {"reflectance"} and "All dates read as reflectance" in made.warnings
        names, values, valid = made.read()
        assert valid.all() and values.max() < 0.2
        place_of = names.index("B3_2012")
        np.testing.assert_allclose(values[place_of], ground(2012, 3)[1].astype("uint16") * 1e-4, rtol=1e-5)
        np.testing.assert_allclose(values[names.index("B3_2016")], ground(2016, 3)[1] * 1e-4, rtol=1e-5)
        assert not made.facts["jumps"]

    def test_or_only_said(self, prepare, yearly):
        made = prepare(yearly(YEARS, self.fractions, dtype="float32"), scale_change="warn")
        assert "Nothing was done about it" in made.warnings and made.facts["scale"] == dict.fromkeys(
            ("B2", "B3", "B4"), ""
        )

    def test_the_added_1000_of_sentinel_2(self, prepare, yearly):
        folder = yearly(
            range(2019, 2025), lambda year: ground(year, 3) + (1000 if year >= 2022 else 0), "in/s2_{}-07.tif"
        )
        with pytest.raises(BadInput, match=r"x 10000 at 2019 to 2021 and .*\+ 1000 .* at 2022 to 2024"):
            prepare(folder)
        made = prepare(folder, scale_change="convert")
        names, values, _ = made.read()
        levels = [float(np.median(values[names.index(f"B4_{year}")])) for year in range(2019, 2025)]
        assert max(levels) - min(levels) < 0.002

    def test_what_the_user_says_they_are_is_no_change(self, prepare, yearly):
        folder = yearly(
            range(2019, 2025), lambda year: ground(year, 3) + (1000 if year >= 2022 else 0), "in/s2_{}-07.tif"
        )
        assert set(prepare(folder, values="x10000").facts["scale"].values()) == {"x10000"}

    def test_but_not_where_they_cannot_be_that(self, prepare, yearly):
        folder = yearly(YEARS, self.fractions, dtype="float32")
        with pytest.raises(BadInput, match="they are not on one scale"):
            prepare(folder, values="x10000")

    def test_bright_dates_do_not_follow_those_of_another_size(self, prepare, yearly):
        """Sentinel-2 without a dark pixel may have 1000 added or not; reflectance from 0 to 1 it is not."""

        def values_of(year):
            return (ground(year, 3) + 3000) * (1 if year < 2015 else 1e-4)

        folder = yearly(YEARS, values_of, dtype="float32")
        with pytest.raises(BadInput, match=r"x 10000 at 2010 to 2014 and reflectance from 0 to 1 at 2015 to 2019"):
            prepare(folder)
        made = prepare(folder, scale_change="convert")
        names, values, _ = made.read()
        for year in (2010, 2019):
            found = values[names.index(f"B2_{year}")]
            np.testing.assert_allclose(found, (ground(year, 3)[0] + 3000) * 1e-4, rtol=1e-5)
        assert "Sentinel-2 of 2010 holds no dark pixels" in made.text and set(made.facts["scale"].values()) == {
            "reflectance"
        }
        rows = [row["median"] for row in made.numbers["rows"] if row["band"] == "B2"]
        assert max(rows) < 0.4 and min(rows) > 0.3, "the page is in the unit in which the series reads"

    def test_other_bands_beside_do_not_matter(self, prepare, yearly):
        """A temperature of 300 K is no light."""

        def values_of(year):
            light = (ground(year, 2) + 3000) * (1 if year < 2015 else 1e-4)
            return np.concatenate([light, ground(year) + 280])

        folder = yearly(YEARS, values_of, names=("B2", "B3", "tmean"), dtype="float32")
        with pytest.raises(BadInput, match=r"x 10000 at 2010 to 2014 and reflectance from 0 to 1 at 2015 to 2019"):
            prepare(folder)

    def test_bytes_cannot_be_converted(self, prepare, yearly):
        folder = yearly(
            YEARS, lambda y: ground(y, 3) / (4 if y < 2015 else 1), dtype=lambda y: "uint8" if y < 2015 else "uint16"
        )
        with pytest.raises(BadInput, match="bytes of a picture at 2010 to 2014"):
            prepare(folder)
        with pytest.raises(BadInput, match="which no factor turns into the unit of the others"):
            prepare(folder, scale_change="convert")
        warned = prepare(folder, scale_change="warn")
        assert "8 bits at 2010 to 2014 and more than 8 bits at 2015 to 2019" in warned.warnings

    def test_numbers_of_which_nothing_is_known_are_told_by_their_size(self, prepare, yearly):
        folder = yearly(
            YEARS, lambda y: ground(y) * (1 if y < 2018 else 1e-4), "in/pop_{}.tif", ("pop",), dtype="float32"
        )
        with pytest.raises(BadInput, match=r"pop reach [\d.]+ at 2010 to 2017, but only 0\.0\d+ at 2018 and 2019"):
            prepare(folder)
        assert "they are not on one scale" in prepare(folder, scale_change="warn").warnings
