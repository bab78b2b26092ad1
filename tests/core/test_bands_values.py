"""What the numbers of a raster mean: reflectance and its codings, Sentinel-2's offset, radar, pictures."""

import numpy as np
import pytest
import rasterio
from quadrat.core.bands.offset import Hints, by_values, has_offset, hints_of
from quadrat.core.bands.radiometry import PLAIN, radiometry
from quadrat.core.bands.recognise import recognise
from quadrat.core.bands.values import AUTO, CHOICES, CODINGS, PARAMETER
from quadrat.core.raster import open_raster
from quadrat.tests.core.bandwork import SAMPLE, real

pytestmark = pytest.mark.same_without_torch
S2 = ["B2", "B3", "B4", "B8A", "B12"]
DARK = (300.0, 400.0, 350.0, 250.0, 100.0)
"""Sentinel-2 x 10000 over water and shade, by band."""


def values_of(path, bands=(), values=AUTO, roles=()):
    with open_raster(path) as reader:
        known = recognise(reader)
    return radiometry(known, bands, values, roles)


def scene(low, high=4000.0, height=60, width=70):
    """(C, height, width): from `low` of each band up to `high`."""
    ramp = np.linspace(0, 1, height * width).reshape(height, width)
    return np.stack([one + ramp * (high - one) for one in low])


@pytest.fixture
def write(make_raster):
    """A raster with names, tags and values; gives its path."""

    def go(values, names, name="in.tif", dtype="uint16", tags=None, **more):
        path = make_raster(name, values, names=names, dtype=dtype, **more)
        if tags:
            with rasterio.open(path, "r+") as file:
                file.update_tags(**tags)
        return path

    return go


def light(path, **more):
    return values_of(path, **more).parts[0]


def test_times_10000(write):
    found = values_of(write(scene(DARK), S2))
    part = found.parts[0]
    assert (part.name, part.scale, part.offset, part.unit, part.how) == (
        "x10000",
        1e-4,
        0.0,
        "reflectance",
        "by convention",
    )
    assert len(found.parts) == 5 and found.sentences == () and not found.undecided


def test_the_offset_is_seen_in_dark_pixels(write):
    part = light(write(scene(np.add(DARK, 1000)), S2))
    assert (part.name, part.scale, part.offset) == ("x10000+1000", 1e-4, pytest.approx(-0.1))
    assert "begin at 11" in part.sentences[0]


def test_offset_and_none_give_the_same_reflectance(write):
    values = np.round(scene(DARK))
    plain, moved = write(values, S2, "a.tif"), write(values + 1000, S2, "b.tif")
    made = []
    for path in (plain, moved):
        with open_raster(path) as reader:
            made.append(values_of(path).apply(reader.read(reader.grid.whole)[0]))
    np.testing.assert_allclose(made[0], made[1], atol=2e-6)
    assert made[0].dtype == np.float32 and made[0].min() > 0 and made[0].max() < 1


def test_zeros_at_the_edge_are_no_dark_pixels(write):
    values = scene(np.add(DARK, 1000))
    values[:, :, :20] = 0
    values[2, 30:40, 25:35] = 0  # a saturated or lost band here and there
    assert light(write(values, S2)).name == "x10000+1000"


def test_without_dark_pixels_it_is_asked(write):
    found = values_of(write(scene([3000.0] * 5, 9000), S2, "desert.tif"))
    assert found.undecided and found.parts[0].unit == "unknown"
    assert PARAMETER in found.sentences[0] and "x10000+1000 (" in found.sentences[0]
    assert values_of(write(scene([3000.0] * 5, 9000), S2, "d.tif"), values="x10000+1000").parts[
        0
    ].offset == pytest.approx(-0.1)


@pytest.mark.parametrize(
    ("name", "tags", "low", "coding", "how"),
    [
        ("S2A_MSIL2A_20230108T101_N0509_R022.tif", {}, 1200, "x10000+1000", "stated"),
        ("S2A_MSIL2A_20230108T101_N0509_R022.tif", {}, 3000, "x10000+1000", "stated"),
        ("S2A_MSIL2A_20210108T101_N0214_R022.tif", {}, 3000, "x10000", "stated"),
        ("S2A_MSIL2A_20210108T101_N0214_R022.tif", {}, 200, "x10000", "stated"),
        ("S2A_MSIL2A_20230108T101_N0509_R022.tif", {}, 200, "x10000", "by convention"),
        ("S2_20210108.tif", {}, 3000, "x10000", "by convention"),
        ("S2_2023-01-08.tif", {}, 3000, "x10000+1000", "by convention"),
        ("S2_2022-01-24.tif", {}, 3000, "x10000", "by convention"),
        ("S2_2022-01-25.tif", {}, 3000, "x10000+1000", "by convention"),
        ("S2_2023-01-08.tif", {}, 200, "x10000", "by convention"),
        ("S2_2021-01-08.tif", {}, 1200, "x10000+1000", "by convention"),  # reprocessed
        ("x.tif", {"PROCESSING_BASELINE": "05.10"}, 3000, "x10000+1000", "stated"),
        ("x.tif", {"PROCESSING_BASELINE": "04.00"}, 3000, "x10000+1000", "stated"),
        ("S2A_MSIL2A_20220125T1_N0400_R022.tif", {}, 3000, "x10000+1000", "stated"),
        ("x.tif", {"PROCESSING_BASELINE": "02.14"}, 3000, "x10000", "stated"),
        ("x.tif", {"PROCESSING_BASELINE": "new", "VERSION": "05.10"}, 3000, "", "unknown"),
        ("x.tif", {"BOA_ADD_OFFSET": "-1000"}, 3000, "x10000+1000", "stated"),
        ("x.tif", {"RADIO_ADD_OFFSET": "0"}, 3000, "x10000", "stated"),
        ("S2_SR_HARMONIZED_20230108.tif", {}, 3000, "x10000", "stated"),
        ("S2A_MSIL2A_20210108T101_N0214_R022.tif", {}, 1100, "", "unknown"),  # file and pixels disagree
    ],
)
def test_what_file_and_tags_say_of_the_offset(write, name, tags, low, coding, how):
    part = light(write(scene([low] * 5, 9000), S2, name, tags=tags))
    assert (part.name, part.how) == (coding, how)
    assert part.sentences or how == "stated" or (coding == "x10000" and low == 200 and "N0509" not in name)


def test_safe_folders_tell_their_baseline(write):
    path = write(scene([3000.0] * 5, 9000), S2, "S2A_MSIL2A_20230108T1_N0509_R022.SAFE/stack.tif")
    with open_raster(path) as reader:
        hints = hints_of(reader)
    assert (hints.offset, hints.date) == (True, "20230108") and "05.09" in hints.told_by


@pytest.mark.parametrize(
    ("low", "offset"),
    [
        ((1050, 1100, 1200), True), ((1300, 1300, 1450), True), ((900, 900, 900), True),
        ((100, 2000, 3000), False), ((899, 1000, 1000), False), ((1000, 3000, 3000), None),
        ((1400, 1400, 1400), None), ((), None),
    ],
)  # fmt: skip
def test_by_values(low, offset):
    assert by_values(np.array(low, float)) is offset


def test_nothing_to_tell_by():
    found = has_offset("a.tif", Hints(), np.zeros((3, 0)))
    assert found.offset is None and "cannot be told" in found.sentence


def test_fractions(write):
    part = light(write(scene(DARK) / 1e4, S2, dtype="float32"))
    assert (part.name, part.scale, part.offset) == ("reflectance", 1.0, 0.0)
    left_in = light(write(scene(np.add(DARK, 1000)) / 1e4, S2, "b.tif", dtype="float32"))
    assert left_in.name == "reflectance+0.1" and "left in" in left_in.sentences[0]
    scaled = light(write(scene(DARK), S2, "c.tif", scales=[1e-4] * 5, offsets=[0.0] * 5))
    assert (scaled.name, scaled.how) == ("reflectance", "stated")  # the reader has applied it


@pytest.mark.parametrize(
    ("name", "names", "low", "high", "dtype", "coding"),
    [
        ("LC08_L2SP_224063_02_T1.tif", ["SR_B2", "SR_B3", "SR_B5", "SR_B6"], 7600, 20000, "uint16", "landsat-c2"),
        ("x.tif", ["SR_B2", "SR_B3", "SR_B5", "SR_B6"], 7600, 20000, "uint16", "landsat-c2"),
        ("LC08_x.tif", ["SR_B2", "SR_B3", "SR_B5", "SR_B6"], 150, 4000, "int16", "x10000"),
        ("LC08_L1TP_224063_02_T1.tif", ["B2", "B3", "B5", "B6"], 5600, 30000, "uint16", "landsat-l1"),
        ("LT05_L1TP_224063_01_T1.tif", ["B2", "B3", "B5", "B7"], 5600, 30000, "uint16", "counts"),
        ("LC08_x.tif", ["B2", "B3", "B5", "B6"], 7600, 20000, "uint16", ""),
        ("lt5_1988.tif", ["B2", "B3", "B5", "B7"], 10, 200, "uint8", "counts"),
        ("HLS.L30.T22MFA.tif", ["B02", "B03", "B05", "B06"], 100, 4000, "int16", "x10000"),
        ("photo.tif", ["red", "green", "blue", "nir"], 5, 250, "uint8", "bytes"),
        ("any.tif", ["red", "green", "blue", "nir"], 200, 4000, "uint16", "x10000"),
        ("any.tif", ["red", "green", "blue", "nir"], 1100, 4000, "uint16", ""),
        ("any.tif", ["red", "green", "blue", "nir"], 1, 90, "float32", ""),
        ("any.tif", ["red", "green", "blue", "nir"], 300, 60000, "uint16", ""),
        ("x_3B_AnalyticMS_SR.tif", ["blue", "green", "red", "nir"], 200, 4000, "uint16", "x10000"),
        ("x_3B_AnalyticMS.tif", ["blue", "green", "red", "nir"], 200, 4000, "uint16", ""),
    ],
)  # fmt: skip
def test_other_codings(write, name, names, low, high, dtype, coding):
    found = values_of(write(scene([low] * 4, high), names, name, dtype))
    assert {part.name for part in found.parts} == {coding}
    assert found.undecided == (not coding)
    assert not found.undecided or PARAMETER in found.sentences[0]


@pytest.mark.parametrize(
    ("low", "high", "dtype", "coding", "db"),
    [
        (-25.0, -3.0, "float32", "db", -25.0), (0.001, 0.5, "float32", "power", -30.0),
        (700, 9000, "uint16", "amplitude", -26.1), (20, 300, "uint16", "", 20.0), (-2000, -300, "int16", "", -2000.0),
    ],
)  # fmt: skip
def test_radar(write, low, high, dtype, coding, db):
    path = write(scene([low] * 2, high), ["VV", "VH"], dtype=dtype)
    found = values_of(path)
    assert {part.name for part in found.parts} == {coding} and found.undecided == (not coding)
    with open_raster(path) as reader:
        values = found.apply(reader.read(reader.grid.whole)[0])
    assert np.isfinite(values).all() and values.min() == pytest.approx(db, abs=0.1)


def test_radar_without_power_is_no_infinity(write):
    part = light(write(scene([0.0] * 2, 0.5), ["VV", "VH"], dtype="float32"))
    assert np.isfinite(part.apply(np.zeros(3, np.float32))).all()


def test_light_and_radar_in_one_raster(write):
    values = np.concatenate([scene([-25.0], -3), scene(DARK), scene([290.0, 280.0], 300)])
    path = write(values, ["VV", *S2, "B10", "temperature_2m"], dtype="float32")
    found = values_of(path, bands=(2, 1, 8))
    assert [part.name for part in found.parts] == ["x10000", "db", ""] and found.parts[2] is PLAIN
    assert not found.undecided and found.bands == (2, 1, 8)
    given = values_of(path, bands=(2, 1), values="power")
    assert [part.name for part in given.parts] == ["x10000", "power"]


def test_a_bright_band_alone_is_told_by_the_others(write):
    path = write(scene([5000.0, 6000.0, *DARK[2:]], 9000), S2)
    assert values_of(path, bands=(1, 2)).parts[0].name == "x10000"


def test_an_empty_band_beside_those_in_use(write):
    values = scene(DARK)
    values[3] = 0
    assert values_of(write(values, S2, nodata=0), bands=(1, 2, 3)).parts[0].name == "x10000"


def test_roles_that_the_user_gave_count(write):
    path = write(scene([200.0, 300.0], 4000), ["one", "two"])
    assert values_of(path, (1, 2)).parts == (PLAIN, PLAIN)
    assert values_of(path, (1, 2), roles=("red", "nir")).parts[0].name == "x10000"
    assert values_of(path, (1, 2), values="x10000+1000", roles=("red", "")).parts[1] is PLAIN


def test_thermal_bands_reflect_nothing(write):
    path = write(scene([7600.0, 7600.0, 44000.0], 20000), ["SR_B2", "SR_B5", "ST_B10"], "LC08_L2SP.tif")
    assert [part.name for part in values_of(path).parts] == ["landsat-c2", "landsat-c2", ""]


def test_no_valid_pixel(write):
    found = values_of(write(np.zeros((5, 20, 20)), S2, nodata=0))
    assert found.undecided and "no valid pixel" in found.sentences[0]


def test_choices_are_whole():
    assert CHOICES[0] == AUTO and set(CHOICES[1:]) == set(CODINGS)
    assert all(coding.title and coding.scale > 0 for coding in CODINGS.values())


def test_the_sample_that_is_shipped():
    assert light(str(SAMPLE)).name == "x10000+1000"


@pytest.mark.data
@pytest.mark.parametrize(
    ("place", "codings", "undecided"),
    [
        ("s2_amazon_village/sen2_l2a_12band.tif", {"x10000+1000"}, False),
        ("s2_lahinch_series/s2_l1c_2017-09-18.tif", {"x10000", ""}, False),
        ("s2_lahinch_series/s2_l1c_2017-10-18.tif", {"x10000", ""}, False),  # all cloud
        ("s1s2_belgium_monthly/s2_l2a_2021-05.tif", {"x10000"}, False),
        ("s1s2_belgium_monthly/s2_l2a_2020-12.tif", {""}, True),  # all nodata
        ("s1s2_belgium_monthly/s1_vv_vh_12months.tif", {"amplitude"}, False),
        ("presto_chip_togo/98-togo_2019-02-06_2020-02-01.tif", {"x10000", "db", ""}, False),
        ("s1_camargue_vv/S1A__IW___A_20150309T173017_VV_grd_mli_geo_norm_db.tif", {"db"}, False),
        ("landsat5_para_1988/lt5_1988227_7band_dn.tif", {"counts", ""}, False),
        ("landsat7_olinda/L7_ETMs.tif", {"counts"}, False),
        ("naip_wetland/m_4709963_se_14_1_20170827.tif", {"bytes"}, False),
        ("drone_ortho/pix4d_alpha_nodata.tif", {"bytes"}, False),
        ("modis_sinop_series/TERRA_MODIS_012010_NDVI_2013-09-14.jp2", {""}, False),
    ],
)
def test_real_rasters(place, codings, undecided):
    found = values_of(real(place))
    assert {part.name for part in found.parts} == codings and found.undecided == undecided
