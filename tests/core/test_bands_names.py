"""What the name of one band says, and what it does not."""

import pytest
from quadrat.core.bands.names import names_nothing, read_name
from quadrat.core.bands.series import dates_of
from quadrat.tests.core.bandwork import known_of

pytestmark = pytest.mark.same_without_torch


@pytest.mark.parametrize(
    ("text", "role"),
    [
        ("nir", "nir"), ("Near Infrared", "nir"), ("NIR_BROAD", "nir"), ("nir_narrow", "nir_narrow"),
        ("Narrow NIR", "nir_narrow"), ("nir08", "nir_narrow"), ("blue (490 nm)", "blue"), ("Red Edge 1", "rededge1"),
        ("rededge", "rededge1"), ("RE2", "rededge2"), ("Vegetation red edge 3", "rededge3"), ("SWIR_1", "swir1"),
        ("swir22", "swir2"), ("Short-wave infrared 2", "swir2"),
        ("COASTAL_AEROSOL", "coastal"), ("Water vapor", "water_vapour"), ("cirrus", "cirrus"), ("lwir11", "thermal"),
        ("VV", "vv"), ("Sigma0_VH_db", "vh"), ("gamma0 VV", "vv"), ("R", "red"), ("THERMAL_INFRARED_1", "thermal"),
        ("Band 4 - Red", "red"), ("SR red", "red"),
    ],
)  # fmt: skip
def test_words(text, role):
    assert read_name(text).role == role


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("B8A", "B8A"), ("B08", "B8"), ("S2_B02", "B2"), ("SR_B4", "B4"), ("ST_B10", "B10"), ("B1_dn", "B1"),
        ("Band 8A", "B8A"), ("band_3", "B3"), ("sur_refl_b01", "B1"), ("B05_20m", "B5"), ("B6_VCID_1", "B6"),
        ("B4, central wavelength 665 nm", "B4"),
    ],
)  # fmt: skip
def test_codes(text, code):
    assert read_name(text).code == code


@pytest.mark.parametrize(
    ("text", "nm"),
    [("490 nm", 490), ("0.865 um", 865), ("10.9µm", 10900), ("665.0 Nanometers", 665), ("842.5", 842.5),
     ("nir842", 842), ("temperature_2m", 0), ("2020", 0), ("12", 0), ("B2 10m", 0)],
)  # fmt: skip
def test_wavelengths_in_names(text, nm):
    assert read_name(text).nm == pytest.approx(nm)


@pytest.mark.parametrize(
    "text", ["QA60", "SCL", "Fmask", "QA_PIXEL", "SR_QA_AEROSOL", "probability", "cloud_mask", "UDM2"]
)
def test_flags_are_no_light(text):
    named = read_name(text)
    assert (named.kind, named.role) == ("quality", "")


@pytest.mark.parametrize("text", ["NDVI", "temperature_2m", "elevation", "slope", "WVP"])
def test_other_bands_are_no_light(text):
    named = read_name(text)
    assert (named.kind, named.role, named.code) == ("other", "", "")


@pytest.mark.parametrize("text", ["PC1", "mystery", "infra-structure", "credit", "bluefin"])
def test_names_that_say_nothing(text):
    assert not read_name(text).says


def test_default_names_say_nothing():
    assert names_nothing("band 3", 3) and names_nothing("Band 03", 3) and names_nothing("", 1) and names_nothing("7", 7)
    assert not names_nothing("band 4", 3) and not names_nothing("B3", 3)


@pytest.mark.parametrize(
    ("names", "dates"),
    [
        (["B02_2021-01", "B03_2021-01", "B02_2021-02", "B03_2021-02"], ("2021-01", "2021-02")),
        (["20210114_B2", "20210114_B3", "20210301_B2", "20210301_B3"], ("20210114", "20210301")),
        (["20170918T114351_20170918T114352_T29UMV_B1", "20170921T114351_20170921T114352_T29UMV_B1"],
         ("20170918T114351", "20170921T114351")),
        (["VV", "VH", "VV_1", "VH_1", "VV_2", "VH_2"], ("", "1", "2")),
        (["0_B2", "0_B8A", "10_B2", "10_B8A", "9_B2", "9_B8A"], ("0", "9", "10")),
    ],
)  # fmt: skip
def test_series(names, dates):
    known = known_of(names)
    assert known.dates == dates and any("series" in text for text in known.sentences)
    assert {band.role for band in known.of_date(dates[1])} == {band.role for band in known.of_date()}
    assert all(known.best(role).date == dates[0] for role in known.roles())


@pytest.mark.parametrize(
    "names",
    [
        ["swir_1", "swir_2"],
        ["band_1", "band_2"],
        ["red_edge_1", "red_edge_2"],
        ["B_1", "B_2"],
        ["PC_1", "PC_2"],
        ["emb_1", "emb_2"],
    ],
)
def test_no_series(names):
    assert dates_of(names) == (names, ["", ""])
