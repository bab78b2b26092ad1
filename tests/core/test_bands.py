"""Which band is what: names, wavelengths, orders, colours, and the traps between satellites."""

import re
from dataclasses import replace

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.bands.known import CONVENTION, GUESSED, STATED, UNKNOWN
from quadrat.core.bands.products import PRODUCTS, code_of
from quadrat.core.bands.recognise import recognise
from quadrat.core.raster import open_raster
from quadrat.models.spectrum import RADAR, ROLES, agrees, role_at
from quadrat.tests.core.bandwork import S2_12, S2_13, SAMPLE, known_of, real

pytestmark = pytest.mark.same_without_torch


def roles(names, path="image.tif", **more):
    return [band.role for band in known_of(names, path, **more).bands]


@pytest.mark.parametrize("product", PRODUCTS.values(), ids=PRODUCTS)
def test_products_are_whole(product):
    codes = [band.code for band in product.bands]
    assert len(set(codes)) == len(codes)
    for band in product.bands:
        assert band.role in ROLES or (not band.role and band.title)
        assert band.role in RADAR or not band.role or agrees(band.role, band.nm)
    for count, order in product.orders.items():
        assert len(order) == count == len(set(order)) and set(order) <= set(codes)
    for pattern in product.files:
        re.compile(pattern)


@pytest.mark.parametrize("role", [role for role in ROLES.values() if role.typical_nm], ids=lambda role: role.name)
def test_roles_lie_where_they_should(role):
    assert role_at(role.typical_nm) == role.name
    assert role.nm[0] < role.nm[1]


def test_codes_for_sentences():
    assert code_of("nir_narrow") == "B8A" and code_of("thermal") == ""


@pytest.mark.parametrize(
    ("path", "product", "fifth"),
    [
        ("LT05_L1TP_224063_19880814.tif", "landsat-tm", "swir1"),
        ("LT52240631988227CUB02.tif", "landsat-tm", "swir1"),
        ("lt5_1988227_7band_dn.tif", "landsat-tm", "swir1"),
        ("LE07_L2SP_224063.tif", "landsat-etm", "swir1"),
        ("LC08_L2SP_224063_20210814.tif", "landsat-oli", "nir"),
        ("LC09_L2SP_224063.tif", "landsat-oli", "nir"),
        ("HLS.L30.T22MFA.2021.tif", "hls-l30", "nir"),
        ("S2A_MSIL2A_20210814.tif", "sentinel-2", "rededge1"),
        ("HLS.S30.T22MFA.2021.tif", "hls-s30", "rededge1"),
    ],
)
def test_band_5_depends_on_the_satellite(path, product, fifth):
    known = known_of([f"B{n}" for n in range(1, 8)], path, pixel_m=30.0)
    assert (known.product, known.bands[4].role, known.confidence) == (product, fifth, STATED)


def test_band_5_of_an_unknown_landsat_is_asked_for():
    known = known_of([f"B{n}" for n in range(1, 8)], pixel_m=30.0)
    assert known.confidence == GUESSED and known.bands[4].role == "nir"
    assert any("Landsat 4-5 TM" in text and "Check" in text for text in known.sentences)
    assert roles([f"B{n}" for n in range(1, 8)], pixel_m=30.0, dtype="uint8")[4] == "swir1"


@pytest.mark.parametrize(
    ("names", "product", "expected"),
    [
        (["SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7", "ST_B10", "QA_PIXEL", "SR_QA_AEROSOL"],
         "landsat-oli", ["coastal", "blue", "green", "red", "nir", "swir1", "swir2", "thermal", "", ""]),
        (["SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B7", "ST_B6", "QA_PIXEL"], "landsat-tm",
         ["blue", "green", "red", "nir", "swir1", "swir2", "thermal", ""]),
        (["B1", "B2", "B3", "B4", "B5", "B7"], "landsat-tm", ["blue", "green", "red", "nir", "swir1", "swir2"]),
        (["B1", "B2", "B3", "B4", "B5", "B6_VCID_1", "B7", "B8"], "landsat-etm",
         ["blue", "green", "red", "nir", "swir1", "thermal", "swir2", ""]),
    ],
)  # fmt: skip
def test_landsat_names_without_a_file_name(names, product, expected):
    known = known_of(names, pixel_m=30.0)
    assert known.product == product
    assert [band.role for band in known.bands] == expected
    assert known.confidence in (STATED, CONVENTION)


def test_a_band_five_without_a_sixth_is_of_older_landsats():
    assert known_of(["SR_B4", "SR_B5", "SR_B7"], pixel_m=30.0).confidence == CONVENTION
    assert known_of(["SR_B4", "SR_B5"], pixel_m=30.0).confidence == GUESSED


def test_tags_name_the_satellite():
    known = known_of(["B3", "B4", "B5"], pixel_m=30.0, tags={"SPACECRAFT_ID": "LANDSAT_5"})
    assert known.product == "landsat-tm" and [band.role for band in known.bands] == ["red", "nir", "swir1"]


def test_b8_and_b8a_differ():
    assert roles(["B8", "B8A"]) == ["nir", "nir_narrow"]
    assert roles(["B02", "B03", "B04", "B8A"]) == ["blue", "green", "red", "nir_narrow"]
    assert roles(["B2", "B3", "B4", "B8"]) == ["blue", "green", "red", "nir"]


def test_a_file_name_that_the_bands_deny():
    known = known_of(["B2", "B8A"], "landsat5.tif")
    assert known.product == "sentinel-2" and any("landsat5.tif" in text for text in known.sentences)


def test_codes_that_no_satellite_has():
    known = known_of(["B1", "B77"])
    assert known.confidence == UNKNOWN and any("B77" in text for text in known.sentences)


@pytest.mark.parametrize(
    ("names", "path", "sure"),
    [
        (["B1", "B2", "B3"], "image.tif", GUESSED),
        ([f"B{n}" for n in range(1, 13)], "image.tif", GUESSED),
        ([f"B{n}" for n in range(1, 13)], "S2A_MSIL2A.tif", GUESSED),  # B8A is missing among twelve
        (["B1", "B2", "B3"], "S2A_MSIL2A.tif", STATED),
        (["B01", "B02", "B03"], "image.tif", CONVENTION),
        (["B2", "B3", "B4"], "image.tif", CONVENTION),
    ],
)
def test_names_that_may_be_mere_numbers(names, path, sure):
    known = known_of(names, path)
    assert known.confidence == sure and known.product == "sentinel-2"
    assert any("mere numbers" in text for text in known.sentences) == (sure == GUESSED)


def test_a_wide_word_is_made_exact_by_code_or_wavelength():
    names = ["Band 5 - Vegetation red edge", "Band 7 - Vegetation red edge", "B8 NIR", "Band 8A - Vegetation red edge"]
    known = known_of(names)
    assert [band.role for band in known.bands] == ["rededge1", "rededge3", "nir", "nir_narrow"]
    assert known.sentences == () and known.bands[1].nm == 783
    assert roles(["Red edge-740", "Red edge-783"]) == ["rededge2", "rededge3"]
    assert roles(["red edge", "x"], wavelengths_nm=(740.0, 0.0)) == ["rededge2", ""]


def test_what_was_computed_from_bands_is_no_band():
    assert roles(["B02_mean", "B02_std", "Tessera_Band_1", "pca_2"]) == ["blue", "", "", ""]


def test_flags_alone():
    assert known_of(["SCL"]).sentences == ("The raster holds nothing but masks and flags.",)


@pytest.mark.parametrize(("count", "expected"), [(13, S2_13), (12, S2_12), (10, [*S2_12[1:9], "swir1", "swir2"])])
def test_stacks_without_names_are_guessed_and_said_to_be(count, expected):
    known = known_of(count)
    assert [band.role for band in known.bands] == expected
    assert known.confidence == GUESSED and {band.sure for band in known.bands} == {GUESSED}
    assert any("no names" in text and "suggests Sentinel-2" in text for text in known.sentences)


def test_a_file_name_makes_a_convention_of_a_guess():
    known = known_of(12, "S2B_MSIL2A_20230811.tif")
    assert known.confidence == CONVENTION and known.sentences
    assert known_of(12, "S1_S2_stack.tif").product == "sentinel-2"


@pytest.mark.parametrize(
    ("count", "path", "pixel", "dtype", "expected", "sure"),
    [
        (4, "m_4709963_se_14_1_20100629.tif", 0.6, "uint8", ["red", "green", "blue", "nir"], CONVENTION),
        (4, "20210101_3B_AnalyticMS_SR.tif", 3.0, "uint16", ["blue", "green", "red", "nir"], CONVENTION),
        (8, "20210101_3B_AnalyticMS_SR_8b.tif", 3.0, "uint16",
         ["coastal", "blue", "", "green", "", "red", "rededge1", "nir"], CONVENTION),
        (4, "x.tif", 3.0, "uint16", ["blue", "green", "red", "nir"], GUESSED),
        (2, "S1A_IW_GRDH_1SDV.tif", 10.0, "float32", ["vv", "vh"], CONVENTION),
        (6, "L7_ETMs.tif", 28.5, "uint8", ["blue", "green", "red", "nir", "swir1", "swir2"], CONVENTION),
        (6, "x.tif", 30.0, "uint16", ["blue", "green", "red", "nir", "swir1", "swir2"], GUESSED),
        (7, "x.tif", 30.0, "uint8", ["blue", "green", "red", "nir", "swir1", "thermal", "swir2"], GUESSED),
        (3, "x.tif", 0.1, "uint8", ["red", "green", "blue"], GUESSED),
        (11, "x.tif", 10.0, "uint8", [""] * 11, UNKNOWN),
        (2, "x.tif", 10.0, "float32", ["", ""], UNKNOWN),
        (5, "S2A_MSIL2A.tif", 10.0, "uint16", [""] * 5, UNKNOWN),
    ],
)  # fmt: skip
def test_orders(count, path, pixel, dtype, expected, sure):
    known = known_of(count, path, pixel_m=pixel, dtype=dtype)
    assert [band.role for band in known.bands] == expected
    assert known.confidence == sure and known.sentences


@pytest.mark.parametrize(
    ("count", "end"),
    [(1, "band 2 (PC1) measures."), (6, "and band 7 (PC6) measure."), (7, "band 7 (PC6) and others measure.")],
)
def test_unknown_bands_are_listed(count, end):
    known = known_of(["red", *(f"PC{n}" for n in range(1, count + 1))])
    assert known.sentences[-1].endswith(end)


def test_names_that_nobody_knows_speak_against_a_guess():
    known = known_of([f"PC{n}" for n in range(1, 13)])
    assert known.confidence == UNKNOWN and any("not known" in text for text in known.sentences)


@pytest.mark.parametrize(
    ("path", "role"),
    [
        ("T29UMV_20170918T114351_B8A_20m.jp2", "nir_narrow"), ("T29UMV_20170918T114351_B04.jp2", "red"),
        ("LC08_L2SP_224063_20210814_20210821_02_T1_SR_B5.TIF", "nir"),
        ("LT05_L2SP_224063_19880814_02_T1_SR_B5.TIF", "swir1"),
        ("HLS.L30.T22MFA.2021123T1.v2.0.B05.tif", "nir"), ("S1A__IW___A_20150309T173017_VV_grd.tif", "vv"),
        ("SENTINEL-2_MSI_20LKP_B8A_2018-07-12.jp2", "nir_narrow"), ("TERRA_MODIS_012010_NDVI_2013-09-14.jp2", ""),
        ("srtm_dem.tif", ""), ("LC08_L2SP_224063_20210814_20210821_02_T1_QA_PIXEL.TIF", ""),
    ],
)  # fmt: skip
def test_one_band_to_a_file(path, role):
    assert roles(1, path) == [role]


def test_colours():
    colours = ("red", "green", "blue", "undefined")
    known = known_of(4, dtype="uint8", pixel_m=0.05, colours=colours)
    assert [band.role for band in known.bands] == ["red", "green", "blue", "nir"]
    assert known.bands[3].sure == GUESSED and any("near infrared" in text for text in known.sentences)
    alpha = known_of(4, dtype="uint8", pixel_m=0.05, colours=(*colours[:3], "alpha"), count=3)
    assert [band.role for band in alpha.bands] == ["red", "green", "blue", ""] and alpha.bands[3].kind == "quality"
    swapped = known_of(3, dtype="uint8", colours=("blue", "green", "red"))
    assert [band.role for band in swapped.bands] == ["blue", "green", "red"]


def test_plain_codes_of_a_drone_are_its_colours():
    colours = ("red", "green", "blue")
    assert roles(["B1", "B2", "B3"], dtype="uint8", pixel_m=0.05, colours=colours) == list(colours)


def test_wavelengths_win_over_names_and_it_is_said():
    known = known_of(["blue", "red"], wavelengths_nm=(665.0, 660.0))
    assert [band.role for band in known.bands] == ["red", "red"] and known.bands[0].sure == GUESSED
    assert any("named blue" in text and "665 nm" in text for text in known.sentences)
    assert known.best("red").number == 2  # what nothing contradicts


def test_names_whose_word_and_code_differ():
    known = known_of(["B8A", "B4 blue"])
    assert known.bands[1].role == "blue" and any("B4 of Sentinel-2 is red" in text for text in known.sentences)


def test_light_that_no_role_stands_for():
    known = known_of(["x", "blue"], wavelengths_nm=(610.0, 610.0))
    assert [(band.role, band.title) for band in known.bands] == [("", "light of 610 nm")] * 2
    assert any("is 610 nm (no band known here)" in text for text in known.sentences)


def test_alpha_behind_a_known_order():
    known = known_of(5, "m_4709963_se_14_1_2010.tif", count=4, colours=("gray", *["undefined"] * 3, "alpha"))
    assert [band.role for band in known.bands] == ["red", "green", "blue", "nir", ""] and known.bands[
        4
    ].kind == "quality"


def test_a_lone_infrared_is_the_near_infrared():
    assert roles(3, wavelengths_nm=(560.0, 660.0, 865.0)) == ["green", "red", "nir"]
    assert roles(3, wavelengths_nm=(660.0, 833.0, 865.0)) == ["red", "nir", "nir_narrow"]
    assert roles(["red", "B8A 865 nm"])[1] == "nir_narrow"


def test_hyperspectral_takes_the_nearest():
    waves = tuple(float(nm) for nm in range(400, 1000, 10))
    known = known_of(len(waves), wavelengths_nm=waves)
    assert known.best("red").nm in (660, 670) and known.best("blue").nm == 490
    assert sum("several bands each" in text for text in known.sentences) == 1


def test_wavelengths_tell_satellites_apart():
    names = [f"B{n}" for n in range(1, 8)]
    tm, oli = (PRODUCTS[name] for name in ("landsat-tm", "landsat-oli"))
    for product in (tm, oli):
        waves = tuple(product.band(name).nm for name in names)
        known = known_of(names, pixel_m=30.0, wavelengths_nm=waves)
        assert known.product in (product.name, "landsat-etm", "hls-l30") and known.sentences == ()
    assert known_of(["B4, central wavelength 665 nm", "B8, central wavelength 833 nm"]).product == "sentinel-2"


def test_numbers_beside_wavelengths_are_no_codes():
    known = known_of([f"Band {n} ({400 + 30 * n}.0 Nanometers)" for n in range(1, 20)])
    assert known.product == "" and known.confidence == STATED
    assert not any("satellite" in text or "named" in text for text in known.sentences)


def test_codes_that_wavelengths_contradict():
    known = known_of(["B2", "B8A"], wavelengths_nm=(865.0, 492.0))
    assert [band.role for band in known.bands] == ["nir", "blue"]
    assert sum("The wavelength counts" in text for text in known.sentences) == 2 and known.confidence == GUESSED


def test_doubles_are_said():
    known = known_of(["red", "green", "Red"])
    assert known.best("red").number == 1
    assert any("band 1 (red) and band 3 (Red)" in text for text in known.sentences)


def test_one_date_in_all_names_is_no_series():
    known = known_of(["B02_2021-01", "B8A_2021-01"])
    assert known.dates == () and [band.role for band in known.bands] == ["blue", "nir_narrow"]


NAMES = st.sampled_from(
    [
        [f"B{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, "8A", 9, 10, 11, 12)],
        ["B02", "B03", "B04", "B05", "B06", "B07", "B08", "B11", "B12"],
        ["SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B7", "ST_B6", "QA_PIXEL"],
        ["SR_B1", "SR_B2", "SR_B3", "SR_B4", "SR_B5", "SR_B6", "SR_B7", "ST_B10"],
        ["B1_dn", "B2_dn", "B3_dn", "B4_dn", "B5_dn", "B6_dn", "B7_dn"],
        ["blue (490 nm)", "green", "Red", "Near Infrared", "elevation", "QA60", "mystery"],
        ["VV", "VH", "B8A", "B4", "VV_1", "VH_1", "B8A_1", "B4_1"],
        ["VV_2020-11", "VH_2020-11", "VV_2020-12", "VH_2020-12"],
        ["490", "560.5", "665", "842", "865"],
    ]
)


@settings(deadline=None)
@given(st.data(), NAMES, st.sampled_from([5.0, 10.0, 30.0]), st.sampled_from(["uint8", "uint16"]))
def test_order_of_named_bands_makes_no_difference(data, names, pixel, dtype):
    mixed = data.draw(st.permutations(names))
    first, second = (known_of(list(n), pixel_m=pixel, dtype=dtype) for n in (names, mixed))

    def meaning(known):
        return {band.name: (band.role, band.nm, band.how, band.sure, band.kind, band.date) for band in known.bands}

    assert meaning(first) == meaning(second)
    assert (first.product, first.confidence, first.dates) == (second.product, second.confidence, second.dates)


@given(st.lists(st.text(max_size=12), min_size=1, max_size=6))
def test_any_names_are_answered(names):
    known = known_of(names)
    assert [band.number for band in known.bands] == list(range(1, len(names) + 1))
    assert all(band.role in ROLES or not band.role for band in known.bands)


def test_facts_come_from_the_file(make_raster):
    path = make_raster(names=["B4", "", "B8A"], dtype="uint16", crs="EPSG:4326",
                       transform=rasterio.Affine(1e-4, 0, 10, 0, -1e-4, 60))  # fmt: skip
    with rasterio.open(path, "r+") as file:
        file.update_tags(2, ns="IMAGERY", CENTRAL_WAVELENGTH_UM="0.49")
    with open_raster(path) as reader:
        known = recognise(reader)
    assert [band.role for band in known.bands] == ["red", "blue", "nir_narrow"]
    assert known.bands[1].how == "wavelength 490 nm" and known.confidence == STATED
    assert known.pixel_m == pytest.approx(11.1 * np.sqrt(0.5), rel=0.01)  # at 60 degrees north a degree is half as wide
    with open_raster(path, [3, 1]) as reader:
        assert [(b.number, b.role) for b in recognise(reader).bands] == [(3, "nir_narrow"), (1, "red")]
    assert replace(known).to_json()["bands"][0]["role"] == "red"


def test_no_coordinate_system_no_pixel_size(make_raster):
    with open_raster(make_raster(crs=None)) as reader:
        assert recognise(reader).pixel_m == 0


def test_the_sample_that_is_shipped():
    with open_raster(str(SAMPLE)) as reader:
        known = recognise(reader)
    assert (known.product, known.confidence, known.sentences) == ("sentinel-2", STATED, ())
    assert [band.role for band in known.bands] == S2_12
    assert known.pixel_m == pytest.approx(10, abs=0.1)


@pytest.mark.data
@pytest.mark.parametrize(
    ("place", "product", "confidence", "expected"),
    [
        ("landsat5_para_1988/lt5_1988227_7band_dn.tif", "landsat-tm", STATED,
         ["blue", "green", "red", "nir", "swir1", "thermal", "swir2"]),
        ("landsat7_olinda/L7_ETMs.tif", "landsat-etm", CONVENTION, ["blue", "green", "red", "nir", "swir1", "swir2"]),
        ("naip_wetland/m_4709963_se_14_1_20100629.tif", "naip", CONVENTION, ["red", "green", "blue", "nir"]),
        ("drone_ortho/pix4d_alpha_nodata.tif", "", CONVENTION, ["red", "green", "blue"]),
        ("s1_camargue_vv/S1A__IW___A_20150309T173017_VV_grd_mli_geo_norm_db.tif", "sentinel-1", STATED, ["vv"]),
        ("s2_amazon_village/sen2_l2a_12band.tif", "sentinel-2", STATED, S2_12),
        ("s2_lahinch_series/s2_l1c_2017-09-18.tif", "sentinel-2", STATED, [*S2_13, "", ""]),
        ("s1s2_belgium_monthly/s2_l2a_2020-11.tif", "sentinel-2", STATED,
         ["blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "swir1", "swir2"]),
        ("s1s2_belgium_monthly/s1_vv_vh_12months.tif", "sentinel-1", STATED, ["vv", "vh"] * 12),
        ("modis_sinop_series/TERRA_MODIS_012010_NDVI_2013-09-14.jp2", "modis", UNKNOWN, [""]),
        ("iamap_demo/test.tif", "", UNKNOWN, [""] * 11),
        ("presto_chip_togo/98-togo_2019-02-06_2020-02-01.tif", "sentinel-2", STATED,
         [*["vv", "vh", *S2_13, "", ""] * 12, "", ""]),
    ],
)  # fmt: skip
def test_real_rasters(place, product, confidence, expected):
    with open_raster(real(place)) as reader:
        known = recognise(reader)
    assert (known.product, known.confidence) == (product, confidence)
    assert [band.role for band in known.bands] == expected
    assert known.sentences or confidence == STATED or known.bands[0].how == "colour in the file"
