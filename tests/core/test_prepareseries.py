"""Prepare series: which file is of which date, how bands and tiles are joined, what is refused, what is written."""

# ruff: noqa: F811 - fixtures come from beside
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.poverty.series.stack import read_series
from quadrat.core.raster import open_raster
from quadrat.core.sidecar import fingerprint
from quadrat.tests.core.bandwork import real
from quadrat.tests.core.serieswork import HEIGHT, WIDTH, ground, place, prepare, yearly  # noqa: F401
from rasterio.transform import Affine

pytestmark = pytest.mark.same_without_torch


class TestJoining:
    def test_a_folder_of_years(self, prepare, yearly):
        made = prepare(yearly())
        names, values, valid = made.read()
        assert names == [f"{band}_{year}" for year in (2017, 2018, 2019) for band in ("B2", "B3", "B4")]
        assert valid.all()
        for number, year in enumerate((2017, 2018, 2019)):
            np.testing.assert_array_equal(values[3 * number : 3 * number + 3], ground(year, 3).astype("uint16"))
        facts = made.sidecar["facts"]
        assert facts["dates"] == ["2017", "2018", "2019"] and facts["bands"] == ["B2", "B3", "B4"]
        assert facts["frequency"] == "yearly" and facts["gaps"] == [] == facts["empty"] == facts["warnings"]
        assert facts["scale"] == dict.fromkeys(("B2", "B3", "B4"), "x10000")
        assert facts["picture"]["bands"] == [9, 8, 7], "the last date in natural colours"
        assert Path(made.report).is_file() and "Nothing was found" in Path(made.report).read_text(encoding="utf-8")

    def test_the_folder_can_be_moved_with_what_is_in_it(self, prepare, yearly, tmp_path):
        yearly()
        made = prepare(tmp_path / "in", name="out/a.vrt")
        (tmp_path / "deep").mkdir()
        shutil.move(tmp_path / "in", tmp_path / "deep/in")
        shutil.move(tmp_path / "out", tmp_path / "deep/out")
        with open_raster(str(tmp_path / "deep/out/a.vrt")) as reader:
            assert reader.read(reader.grid.whole)[1].all()
        assert 'relativeToVRT="1">../in/' in (tmp_path / "deep/out/a.vrt").read_text(encoding="utf-8")
        assert made.facts["dates"]

    def test_months_in_any_order_and_gaps(self, prepare, make_raster, tmp_path):
        paths = [
            make_raster(f"m/s2_{month}.tif", ground(7, 1), dtype="uint16", names=("B8",))
            for month in ("2020-03", "2019-11", "2020-01")
        ]
        made = prepare(rasters=paths)
        assert made.facts["dates"] == ["2019-11", "2020-01", "2020-03"] and made.facts["frequency"] == "monthly"
        assert made.facts["gaps"] == ["2019-12", "2020-02"]
        assert "2 months are missing between 2019-11 and 2020-03: 2019-12 and 2020-02" in made.warnings

    def test_one_stack_of_all_dates(self, prepare, make_raster):
        names = ["red_2001", "nir_2001", "nir_2000", "red_2000", "slope"]
        path = make_raster("stack.tif", ground(1, 5), dtype="uint16", names=names)
        made = prepare(rasters=[path])
        assert made.read()[0] == ["red_2000", "nir_2000", "red_2001", "nir_2001"]
        with open_raster(path, [4, 3, 1, 2]) as reader:
            np.testing.assert_array_equal(made.read()[1], reader.read(reader.grid.whole)[0])
        assert "they have no date: band 5 (slope)" in made.text
        again = prepare(rasters=[made.path], name="out/again.vrt")
        assert again.read()[0] == made.read()[0], "an existing virtual raster"

    def test_files_with_different_bands_of_one_date_are_joined(self, prepare, make_raster, tmp_path):
        for year in (2019, 2020):
            for band in ("B04", "B08"):
                make_raster(f"in/S2_{band}_{year}.tif", ground(year), dtype="uint16")
        made = prepare(tmp_path / "in")
        assert made.read()[0] == ["red_2019", "nir_2019", "red_2020", "nir_2020"]

    def test_bands_are_told_apart_by_the_names_of_files_where_nothing_else_tells(self, prepare, make_raster, tmp_path):
        for year in (2019, 2020):
            for word in ("roofs", "roads"):
                make_raster(f"in/city_{word}_{year}_v1.tif", ground(year), dtype="float32")
        assert prepare(tmp_path / "in").read()[0] == ["roads_2019", "roofs_2019", "roads_2020", "roofs_2020"]

    def test_two_files_of_one_date_and_band_are_refused(self, prepare, yearly, make_raster, tmp_path):
        yearly()
        make_raster("in/old_2018.tif", ground(3, 3), dtype="uint16", names=("B2", "B3", "B4"))
        with pytest.raises(BadInput, match=r"B2 of 2018 is there twice, in .*old_2018\.tif and .*s2_2018\.tif"):
            prepare(tmp_path / "in")
        assert not (tmp_path / "out/series é.vrt").exists()
        made = prepare(tmp_path / "in", pattern="s2_*.tif")
        assert made.facts["dates"] == ["2017", "2018", "2019"]

    def test_a_second_file_of_one_date_makes_no_band_of_its_own(self, prepare, make_raster, tmp_path):
        for name in ("VNL_npp_2018", "VNL_npp_2019", "VNL_npp_2019_old"):
            make_raster(f"in/{name}.tif", ground(1), dtype="float32")
        with pytest.raises(BadInput, match=r"lights of 2019 is there twice.*2019\.tif and .*2019_old\.tif"):
            prepare(tmp_path / "in")

    def test_two_days_of_one_month_are_refused_with_both_named(self, prepare, make_raster, tmp_path):
        for day in ("2019-05-01", "2019-05-17", "2019-06-02"):
            make_raster(f"in/s2_{day}.tif", ground(1), dtype="uint16", names=("B8",))
        with pytest.raises(BadInput, match="of 2019-05-01 and 2019-05-17: make a composite"):
            prepare(tmp_path / "in", frequency="monthly")
        assert prepare(tmp_path / "in").facts["frequency"] == "daily"

    def test_tiles_of_one_date_are_joined_and_what_none_covers_is_nodata(self, prepare, make_raster, tmp_path):
        whole = ground(5, 2, 60, 80)
        for year in (2019, 2020):
            for name, rows, cols in (("a", slice(0, 30), slice(0, 50)), ("b", slice(25, 60), slice(40, 80))):
                make_raster(
                    f"in/{name}_{year}.tif", whole[:, rows, cols] + year, dtype="uint16", names=("B3", "B8"),
                    transform=place(cols.start, rows.start),
                )  # fmt: skip
        made = prepare(tmp_path / "in")
        names, values, valid = made.read()
        assert names == ["B3_2019", "B8_2019", "B3_2020", "B8_2020"] and values.shape[1:] == (60, 80)
        covered = np.zeros((60, 80), bool)
        covered[:30, :50] = covered[25:, 40:] = True
        assert (valid == covered).all()
        np.testing.assert_array_equal(values[2:, covered], (whole + 2020).astype("uint16")[:, covered])
        assert "Tiles overlap at 2019 and 2020" in made.text

    @pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
    def test_other_extents_on_one_lattice_are_padded(self, prepare, make_raster, tmp_path, dtype):
        values = {2019: ground(1) / 4, 2020: ground(2, 1, 20, 30) / 4}
        make_raster("in/a_2019.tif", values[2019], dtype=dtype, names=("ndvi",))
        make_raster("in/a_2020.tif", values[2020], dtype=dtype, names=("ndvi",), transform=place(-4, 30))
        names, found, valid = prepare(tmp_path / "in").read()
        assert names == ["ndvi_2019", "ndvi_2020"] and found.shape[1:] == (50, 54)
        assert valid[0].sum() == HEIGHT * WIDTH and valid[1].sum() == 600
        np.testing.assert_array_equal(found[0, :40, 4:], values[2019][0].astype(dtype))
        np.testing.assert_array_equal(found[1, 30:, :30], values[2020][0].astype(dtype))

    @pytest.mark.parametrize("missing", ["nodata", "nan", "alpha", "msk"])
    def test_holes_stay_holes_in_whatever_way_they_are_told(self, prepare, yearly, missing):
        holes = np.zeros((HEIGHT, WIDTH), bool)
        holes[3:9, 5:30] = True
        dtype = "float32" if missing == "nan" else "uint16"
        made = prepare(yearly((2019,), missing=missing, holes=holes, dtype=dtype))
        names, values, valid = made.read()
        assert len(names) == 3 and (valid == ~holes).all()
        np.testing.assert_array_equal(values[2, ~holes], ground(2019, 3).astype(dtype)[2, ~holes])

    def test_nodata_of_files_that_declare_none(self, prepare, yearly):
        def values_of(year):
            return np.where(np.arange(WIDTH) < 5, 0, ground(year, 3))

        folder = yearly((2019,), values_of=values_of)
        assert prepare(folder).read()[2].all()
        valid = prepare(folder, nodata="0").read()[2]
        assert not valid[:, :, :5].any() and valid[:, :, 5:].all()

    def test_scales_that_files_declare_are_kept(self, prepare, yearly):
        made = prepare(yearly((2017, 2018), scales=(1e-4,) * 3, offsets=(-0.1,) * 3))
        _, values, _ = made.read()
        np.testing.assert_allclose(values[:3], ground(2017, 3).astype("uint16") * 1e-4 - 0.1, rtol=1e-5)

    def test_a_band_that_a_date_lacks(self, prepare, yearly, make_raster, tmp_path):
        yearly()
        make_raster("in/s2_2020.tif", ground(9, 2), dtype="uint16", names=("B2", "B4"))
        made = prepare(tmp_path / "in")
        assert made.facts["lacking"] == {"2020": ["B3"]} and "There is no B3 at 2020." in made.warnings
        series = read_series(made.path)
        assert series.index[3] == (10, None, 11) and not series.whole
        assert "–" in Path(made.report).read_text(encoding="utf-8")

    def test_masks_and_flags_are_left_out_unless_asked_for(self, prepare, yearly):
        folder = yearly((2019,), names=("B2", "SCL", "B4"))
        made = prepare(folder)
        assert made.facts["bands"] == ["B2", "B4"] and "SCL" in made.text
        assert prepare(folder, bands="scl b4").facts["bands"] == ["SCL", "B4"]
        assert prepare(folder, bands="red, blue").facts["bands"] == ["B4", "B2"], "by what they are"
        with pytest.raises(BadInput, match=r"names B9, which no raster has\. There are: B2, SCL, B4"):
            prepare(folder, bands="B4 B9")

    def test_one_name_that_means_two_things_goes_by_what_it_is(self, prepare, make_raster, tmp_path):
        """B4 of Landsat 5 is near infrared, B4 of Landsat 8 is red."""
        five, eight = ("SR_B1", "SR_B2", "SR_B3", "SR_B4"), ("SR_B2", "SR_B3", "SR_B4", "SR_B5")
        for year, product, names in ((2010, "LT05", five), (2014, "LC08", eight)):
            make_raster(f"in/{product}_{year}.tif", ground(year, 4), dtype="uint16", names=names)
        made = prepare(tmp_path / "in", scale_change="warn")
        assert made.facts["bands"] == ["blue", "green", "red", "nir"]
        with open_raster(str(tmp_path / "in/LC08_2014.tif"), [3]) as reader:
            red = reader.read(reader.grid.whole)[0][0]
        names, values, _ = made.read()
        np.testing.assert_array_equal(values[names.index("red_2014")], red)
        assert "one name means several bands" in made.text and made.facts["sensors"]["2010"].startswith("Landsat")

    def test_bands_without_names(self, prepare, yearly):
        folder = yearly((2017,), names=(), dtype="float32")
        assert prepare(folder).facts["bands"] == ["layer1", "layer2", "layer3"]
        made = prepare(folder, band_names="blue, green, red")
        assert made.facts["bands"] == ["blue", "green", "red"]
        with pytest.raises(BadInput, match=r"has 3 bands of 2017, but 'Names of the bands' gives 2"):
            prepare(folder, band_names="blue green")

    def test_a_single_date_is_a_series_too(self, prepare, yearly):
        made = prepare(yearly((2019,)))
        assert made.facts["dates"] == ["2019"] and read_series(made.path).dates == ("2019",)

    def test_its_own_result_in_the_folder_is_no_source(self, prepare, yearly, tmp_path):
        folder = yearly((2017, 2018))
        prepare(folder, name="in/first.vrt")
        made = prepare(folder, name="in/second.vrt")
        assert made.facts["dates"] == ["2017", "2018"] and "first.vrt" in made.text
        assert prepare(folder, name="in/second.vrt").facts == made.facts


class TestTable:
    def test_it_tells_dates_and_leaves_others_out(self, prepare, make_raster, tmp_path):
        for name in ("alpha", "beta", "gamma"):
            make_raster(f"in/{name}.tif", ground(len(name), 1), dtype="float32", names=("ndvi",))
        table = tmp_path / "dates.csv"
        table.write_text("\ufefffile;date;sensor\nbeta.tif;2001;TM\nalpha;1999-00;\n", encoding="utf-8")
        with pytest.raises(BadInput, match=r"Row 3 .*'1999-00' is no date"):
            prepare(tmp_path / "in", date_table=str(table))
        table.write_text("\ufefffile;date;sensor\nbeta.tif;2001;TM\nalpha;1999;\n", encoding="utf-8")
        made = prepare(tmp_path / "in", date_table=str(table))
        assert made.read()[0] == ["ndvi_1999", "ndvi_2001"] and made.facts["sensors"] == {"2001": "TM"}
        assert "not in the table of dates and left out: gamma.tif" in made.text

    def test_it_can_name_the_files_itself(self, prepare, make_raster, tmp_path):
        make_raster("in/a.tif", ground(1, 2), dtype="float32", names=("", ""))
        table = tmp_path / "in/dates.csv"
        table.write_text("file,band,date,name\na.tif,1,2001-07,pop\na.tif,2,2002-07,pop\n", encoding="utf-8")
        made = prepare(date_table=str(table))
        assert made.read()[0] == ["pop_2001", "pop_2002"] and made.facts["frequency"] == "yearly"

    def test_year_and_month_in_two_columns(self, prepare, make_raster, tmp_path):
        paths = [make_raster(f"in/{name}.tif", ground(1), dtype="float32", names=("ndvi",)) for name in "ab"]
        (tmp_path / "t.tsv").write_text("File\tYear\tMonth\na.tif\t2001\t7\nb.tif\t2001\t11\n", encoding="utf-8")
        assert prepare(rasters=paths, date_table=str(tmp_path / "t.tsv")).facts["dates"] == ["2001-07", "2001-11"]

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            ("file,when\na.tif,2001\n", "needs the columns file and date; it has: file, when"),
            ("file,date\nb.tif,2001\n", "'b.tif' in the table .* is no raster that was given"),
            ("file,date,band\na.tif,2001,x\n", "'x' is no band number"),
            ("file,date,band\na.tif,2001,7\n", "names band 7 of .*a.tif, which has 1 bands?"),
        ],
    )
    def test_what_is_wrong_with_it_is_said(self, prepare, make_raster, tmp_path, text, why):
        path = make_raster("in/a.tif", ground(1), dtype="float32")
        (tmp_path / "t.csv").write_text(text, encoding="utf-8")
        with pytest.raises(BadInput, match=why):
            prepare(rasters=[path], date_table=str(tmp_path / "t.csv"))


class TestRefused:
    def test_nothing_to_join(self, prepare, tmp_path):
        with pytest.raises(BadJob, match="needs a folder, raster layers, or a table"):
            prepare()
        (tmp_path / "in").mkdir()
        with pytest.raises(BadInput, match="holds no raster"):
            prepare(tmp_path / "in")
        with pytest.raises(BadJob, match="Nodata must be a number, not 'none'"):
            prepare(tmp_path / "in", nodata="none")

    def test_a_name_without_a_date(self, prepare, make_raster):
        with pytest.raises(BadInput, match=r"It is not known of which date .*in\.tif is.*table of dates"):
            prepare(rasters=[make_raster()])

    @pytest.mark.parametrize(
        ("profile", "why"),
        [
            ({"crs": "EPSG:32721"}, r"its coordinate system is EPSG:32721 instead of EPSG:32722"),
            ({"transform": place(pixel=20)}, "its pixels measure 20 instead of 10"),
            ({"transform": place(0.4, 0.25)}, "its pixels are shifted by 0.40 columns and 0.25 rows"),
            ({"crs": None}, "its coordinate system is none instead of EPSG:32722"),
        ],
    )
    def test_other_grids(self, prepare, yearly, make_raster, tmp_path, profile, why):
        yearly((2017,))
        make_raster("in/s2_2020.tif", ground(1, 3), dtype="uint16", names=("B2", "B3", "B4"), **profile)
        with pytest.raises(
            BadInput, match=rf"Not all of the 2 rasters .* grid of s2_2017\.tif\. s2_2020\.tif: {why}.*Warp"
        ):
            prepare(tmp_path / "in")

    def test_first_brings_them_onto_the_grid_of_the_earliest(self, prepare, yearly, make_raster, tmp_path):
        yearly((2017,), values_of=lambda year: ground(0, 3, noise=0))
        fine = np.repeat(np.repeat(ground(0, 3, noise=0), 2, axis=1), 2, axis=2)
        make_raster("in/s2_2018.tif", fine, dtype="uint16", names=("B2", "B3", "B4"), transform=place(pixel=5))
        made = prepare(tmp_path / "in", align="first", resampling="average")
        names, values, valid = made.read()
        assert names[3:] == ["B2_2018", "B3_2018", "B4_2018"] and valid.all()
        np.testing.assert_array_equal(values[3:], values[:3])
        assert "its pixels measure 5 instead of 10" in made.warnings
        assert len(list((tmp_path / "out/series é_aligned").glob("*.vrt"))) == 1
        before = fingerprint(made.path)
        make_raster("in/s2_2018.tif", fine + 1, dtype="uint16", names=("B2", "B3", "B4"), transform=place(pixel=5))
        assert fingerprint(made.path) != before, "a file beneath the aligned one counts too"

    def test_run_again_with_its_result_among_the_files(self, prepare, yearly, make_raster, tmp_path):
        folder = yearly((2017,), values_of=lambda year: ground(0, 3, noise=0))
        fine = np.repeat(np.repeat(ground(0, 3, noise=0), 2, axis=1), 2, axis=2)
        make_raster("in/s2_2018.tif", fine, dtype="uint16", names=("B2", "B3", "B4"), transform=place(pixel=5))
        first = prepare(folder, name="in/a.vrt", align="first", subfolders=True)
        again = prepare(folder, name="in/a.vrt", align="first", subfolders=True)
        assert again.facts["dates"] == first.facts["dates"] == ["2017", "2018"]
        prepare(folder, name="in/b.vrt", align="first", subfolders=True)

    def test_another_coordinate_system_is_warped_and_its_outside_is_nodata(
        self, prepare, yearly, make_raster, tmp_path
    ):
        from rasterio.warp import Resampling, calculate_default_transform, reproject

        yearly((2017,), values_of=lambda year: ground(0, 3, noise=0))
        box = (600_000, 8_999_600, 600_500, 9_000_000)
        transform, width, height = calculate_default_transform("EPSG:32722", "EPSG:4326", WIDTH, HEIGHT, *box)
        turned = np.zeros((3, height, width), "float32")
        reproject(
            ground(0, 3, noise=0).astype("float32"), turned, src_transform=place(), src_crs="EPSG:32722",
            dst_transform=transform, dst_crs="EPSG:4326", resampling=Resampling.bilinear, dst_nodata=0,
        )  # fmt: skip
        small = turned[:, 6:-6, 6:-6]
        moved = transform @ Affine.translation(6, 6)
        make_raster("in/s2_2018.tif", small, dtype="uint16", names=("B2", "B3", "B4"), crs="EPSG:4326", transform=moved)
        _, values, valid = prepare(tmp_path / "in", align="first").read()
        assert not valid[3:, 0].any() and valid[3:, 12:-12, 12:-12].all() and valid[:3].all()
        inside = (slice(None), slice(12, -12), slice(12, -12))
        assert np.abs(values[3:][inside] - values[:3][inside]).max() < 15

    def test_tiles_on_another_grid_stay_tiles(self, prepare, yearly, make_raster, tmp_path):
        yearly((2017,))
        whole = ground(3, 3, noise=0)
        for name, cols in (("a", slice(0, 26)), ("b", slice(24, 50))):
            fine = np.repeat(np.repeat(whole[:, :, cols], 2, axis=1), 2, axis=2)
            where = Affine(5, 0, 600_000 + 10 * cols.start, 0, -5, 9_000_000)
            make_raster(f"in/{name}_2018.tif", fine, dtype="uint16", names=("B2", "B3", "B4"), transform=where)
        _, values, valid = prepare(tmp_path / "in", align="first", resampling="average").read()
        assert valid.all()
        np.testing.assert_allclose(values[3:], whole.astype("uint16"), atol=1)

    def test_a_place_elsewhere_is_no_date_of_the_series(self, prepare, yearly, make_raster, tmp_path):
        yearly((2017,))
        make_raster("in/s2_2018.tif", ground(1, 3), dtype="uint16", names=("B2", "B3", "B4"), crs="EPSG:32721")
        with pytest.raises(BadInput, match=r"s2_2018\.tif lies elsewhere"):
            prepare(tmp_path / "in", align="first")

    def test_outputs_of_other_kinds(self, prepare, yearly):
        with pytest.raises(BadJob, match=r"must be a \.vrt file"):
            prepare(yearly(), name="out/a.tif")


@pytest.mark.data
class TestReal:
    def test_months_of_belgium(self, prepare):
        folder = real("s1s2_belgium_monthly")
        made = prepare(folder, pattern="s2_*.tif")
        facts = made.facts
        assert facts["dates"][0] == "2020-11" and len(facts["dates"]) == 12 and facts["frequency"] == "monthly"
        assert facts["empty"] == ["2020-12", "2021-01"] and facts["gaps"] == []
        assert set(facts["scale"].values()) == {"x10000"}, "no 1000 is added before 2022, and none is seen"
        assert facts["picture"]["date"] == "2021-10" and facts["jumps"] == []
        seen = read_series(made.path).seen
        assert [date for date, is_seen in zip(facts["dates"], seen, strict=True) if not is_seen] == facts["empty"]
        with open_raster(f"{folder}/s2_l2a_2021-07.tif") as reader, open_raster(made.path) as series:
            numbers = read_series(made.path).numbers("2021-07")
            expected = reader.read_each(reader.grid.whole)
        with open_raster(made.path, numbers) as series:
            found = series.read_each(series.grid.whole)
        np.testing.assert_array_equal(found[0], expected[0])
        np.testing.assert_array_equal(found[1], expected[1])

    def test_radar_and_light_beside_one_another(self, prepare):
        folder = real("s1s2_belgium_monthly")
        made = prepare(folder, pattern="s2_l2a_2021-07.tif; s1_*.tif")
        assert len(made.facts["bands"]) == 11 and made.facts["scale"]["VV"] == "amplitude"

    def test_the_whole_folder_is_joined_or_told_why_not(self, prepare):
        with pytest.raises(BadInput, match="cop_dem_elevation_slope"):
            prepare(real("s1s2_belgium_monthly"))

    def test_ndvi_of_sinop_in_a_system_without_a_code(self, prepare):
        made = prepare(real("modis_sinop_series"))
        assert made.facts["dates"] == [
            *(f"2013-{month:02d}" for month in range(9, 13)), *(f"2014-{month:02d}" for month in range(1, 9))
        ]  # fmt: skip
        assert made.facts["bands"] == ["NDVI"] and not made.facts["jumps"] and not made.warnings
        with open_raster(made.path) as reader:
            assert re.search("inusoidal", reader.grid.crs)
