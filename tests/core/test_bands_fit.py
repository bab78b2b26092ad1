"""Which backbones a raster suits, with which bands in which order, and the sentences where it does not."""

import ast
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.bands.choosing import default_for, suitable
from quadrat.core.bands.fitting import fit
from quadrat.core.bands.recognise import recognise
from quadrat.core.bands.wish import Wish, parse_wish, problem
from quadrat.core.errors import BadJob
from quadrat.core.raster import open_raster
from quadrat.models.card import Card, Inputs
from quadrat.models.registry import BACKBONES, DEFAULT_BACKBONE
from quadrat.models.spectrum import ROLES
from quadrat.tests.core.bandwork import S2_12, SAMPLE, known_of, real

pytestmark = pytest.mark.same_without_torch


def card(name, inputs, **more):
    return Card(
        name=name, title=name.upper(), builder="x:build", summary="", needs_torch=True, needs_model=False,
        free_patch=False, default_dimensions=0, licence="", source="", inputs=tuple(inputs), **more,
    )  # fmt: skip


S2, S1 = Inputs("Sentinel-2", tuple(S2_12)), Inputs("Sentinel-1", ("vv", "vh"))
CROMA = card("croma", [Inputs("both", (*S2.roles, *S1.roles)), S2, S1], resolution_m=(10.0, 10.0))
SMARTIES = card("smarties", [Inputs("any", (*S2.roles, *S1.roles))], any_bands=True)
DINO = card("dino", [Inputs("photographs", ("red", "green", "blue"))], resolution_m=(0.1, 1.0))
RGBN = card("rgbn", [Inputs("RGBN", ("red", "green", "blue", "nir"))])
RAW = card("raw", [])
CARDS = (RAW, DINO, SMARTIES, RGBN, CROMA)


B = ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12"]


def test_bands_come_in_the_order_of_the_network():
    found = fit(CROMA, known_of(["VH", "VV", *reversed(B)]))
    assert found.fits and found.inputs == "both" and found.roles == CROMA.inputs[0].roles
    assert found.bands == (15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 4, 3, 2, 1)
    assert found.wavelengths_nm == (443, 492, 560, 665, 704, 741, 783, 833, 865, 945, 1614, 2202, 0, 0)
    assert found.left_out == (5,) and found.why == "" and found.warnings == ()


def test_a_set_can_be_asked_for():
    both = known_of([*B, "VV", "VH"])
    assert fit(CROMA, both, inputs="Sentinel-1").bands == (14, 15)
    assert "no set of bands 'x'" in fit(CROMA, both, inputs="x").why


def test_missing_bands_are_named():
    found = fit(CROMA, known_of([name for name in B if name != "B1"]))
    assert not found.fits and found.bands == () and found.missing == ("coastal",) and found.inputs == "Sentinel-2"
    assert found.why.startswith(
        "CROMA needs the coastal aerosol band (B1), which this raster lacks. It has blue, green"
    )
    one = fit(CROMA, known_of(1, "S1A_x_VV_y.tif"))
    assert one.why == "CROMA needs the radar VH band, which this raster lacks. It has radar VV."


def test_unknown_bands_are_asked_for():
    found = fit(DINO, known_of(["PC1", "PC2", "PC3"]))
    assert found.why == (
        "DINO needs the red, green and blue bands. It is not known what its bands are. If you know it, give the bands "
        "as in 'red=1 green=2 blue=3'."
    )
    assert "SMARTIES takes bands such as coastal aerosol" in fit(SMARTIES, known_of(["PC1"])).why


def test_what_is_there_instead_is_named():
    assert fit(DINO, known_of(1, "srtm_dem.tif")).why == "DINO needs the red, green and blue bands. It has DEM."


def test_two_rasters_together():
    found = fit(CROMA, known_of(B), also=known_of(["VH", "VV"]))
    assert found.inputs == "both" and found.layers == (0,) * 12 + (1,) * 2
    assert found.of_layer(0) == (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13) and found.of_layer(1) == (2, 1)
    lacking = fit(CROMA, known_of(["B2", "B8A"]), also=known_of(["VV", "VH"]))
    assert not lacking.fits and lacking.inputs == "Sentinel-1", "what Run would refuse does not fit"
    assert lacking.why.endswith("To embed Sentinel-1 alone, leave image.tif out.") and "red edge 1" in lacking.why
    alone = fit(CROMA, known_of(["B2", "B8A"]), also=known_of(["VV", "VH"]), inputs="Sentinel-1")
    assert alone.fits and alone.layers == (1, 1)
    colours = card("colours", [Inputs("colour picture", ("red", "green", "blue"))])
    assert fit(colours, known_of(B), also=known_of(["VV"])).why.startswith("All that COLOURS takes is in image.tif.")
    assert "these rasters lack" in fit(CROMA, known_of(["B2", "B8A"]), also=known_of(["VV"])).why


def test_any_bands_takes_what_is_there():
    found = fit(SMARTIES, known_of(["B4", "elevation", "B8A", "B2", "QA60", "B10"]))
    assert found.fits and found.roles == ("blue", "red", "nir_narrow") and found.bands == (4, 1, 3)
    assert found.left_out == (2, 5, 6)
    assert found.warnings == ("SMARTIES does not use band 2 (elevation) and band 6 (B10).",)


def test_any_bands_takes_the_set_of_which_most_is_there():
    two = card("two", [S1, S2], any_bands=True)
    assert fit(two, known_of(["B4", "VV", "B3"])).roles == ("green", "red")


def test_cards_for_anything_leave_out_flags_only():
    found = fit(RAW, known_of(["PC1", "QA60", "PC2"]))
    assert (found.fits, found.bands, found.roles) == (True, (1, 3), ("", ""))
    assert found.warnings == ("Left out as masks or flags: band 2 (QA60).",)
    many = fit(RAW, known_of([*(f"QA{n}_mask" for n in range(8)), "x"]))
    assert "band 5 (QA4_mask) and 3 others." in many.warnings[0]
    six = fit(RAW, known_of([*(f"QA{n}_mask" for n in range(6)), "x"]))
    assert "band 5 (QA4_mask) and band 6 (QA5_mask)." in six.warnings[0]
    assert "nothing but masks" in fit(RAW, known_of(["QA60"])).why


def test_one_infrared_stands_in_for_the_other():
    found = fit(RGBN, known_of(["B2", "B3", "B4", "B8A"]))
    assert found.bands == (3, 2, 1, 4) and found.roles == RGBN.inputs[0].roles and found.wavelengths_nm[3] == 865
    assert found.warnings == ("Band 4 (B8A), narrow near infrared, stands in for near infrared.",)
    assert fit(RGBN, known_of(["B2", "B3", "B4", "B8A", "B8"])).bands == (3, 2, 1, 5)
    assert fit(CROMA, known_of([name for name in B if name != "B8A"])).missing == ("nir_narrow",)


@pytest.mark.parametrize(
    ("pixel", "warned"), [(10.0, False), (9.2, False), (11.0, False), (20.0, True), (5.0, True), (0.0, True)]
)
def test_pixels_of_another_size(pixel, warned):
    found = fit(CROMA, known_of(B, pixel_m=pixel) if pixel != 5 else known_of(["VV", "VH"], pixel_m=5.0))
    assert found.fits and bool(found.warnings) == warned and found.pixels_differ == (warned and pixel > 0)
    assert not warned or "pixels of 10 m" in found.warnings[0]


def test_a_guess_is_said_until_the_user_confirms_it():
    guessed = known_of(12)
    assert any("is a guess: coastal=1, blue=2" in text for text in fit(CROMA, guessed).warnings)
    assert any("is a guess" in text for text in fit(DINO, guessed).warnings)
    assert fit(CROMA, guessed, "1 2 3 4 5 6 7 8 9 10 11 12").warnings == ()
    assert not any("guess" in text for text in fit(DINO, guessed, "blue=2 green=3 red=4").warnings)


def test_the_user_corrects_roles():
    found = fit(DINO, known_of(["red", "green", "blue", "x"]), "red=3 blue=1")
    assert found.bands == (3, 2, 1)
    swapped = fit(SMARTIES, known_of(["B2", "B8A"]), "nir=1")
    assert dict(zip(swapped.roles, swapped.bands, strict=True)) == {"nir": 1, "nir_narrow": 2}
    lost = fit(DINO, known_of(["red", "green", "blue"]), "nir=1")
    assert not lost.fits and lost.missing == ("red",)


def test_the_user_numbers_bands():
    found = fit(DINO, known_of(["B2", "B3", "B4", "B8A"]), "4 2 1")
    assert found.bands == (4, 2, 1) and found.roles == ("red", "green", "blue")
    assert found.wavelengths_nm == (665, 560, 492)
    assert found.warnings[0] == "Band 4 (B8A) is given as red, but seems to be narrow near infrared."
    assert fit(DINO, known_of(["B2", "B3", "B4", "B8A"]), "3 2 1").warnings[0].startswith("DINO was made for pixels")
    assert fit(RGBN, known_of(["B2", "B3", "B4", "B8A"]), "3 2 1 4").warnings == ()  # one near infrared for the other
    assert fit(CROMA, known_of(["PC1", "PC2"]), "2,1").inputs == "Sentinel-1"
    assert (
        fit(CROMA, known_of(20), "3 2 1").why
        == "CROMA takes 14 (both), 12 (Sentinel-2) or 2 (Sentinel-1) bands, not 3."
    )
    assert fit(SMARTIES, known_of(["B4", "B8A"]), "2").roles == ("nir_narrow",)
    assert "band 1 (PC1) is not known to it" in fit(SMARTIES, known_of(["PC1"]), "1").why
    assert fit(RAW, known_of(["PC1", "QA60"]), "2").bands == (2,)
    assert "one raster only" in fit(CROMA, known_of(B), "1 2", also=known_of(["VV"])).why


@pytest.mark.parametrize("one", CARDS, ids=lambda one: one.name)
@pytest.mark.parametrize(
    "names", [[*B, "VV", "VH"], ["B2", "B3", "B4", "B8A", "QA60"], 12, ["VV_1", "VH_1", "VV_2", "VH_2"]]
)
def test_a_proposal_says_what_was_proposed(one, names):
    found = fit(one, known_of(names))
    again = fit(one, known_of(names), found.proposal)
    assert (again.fits, again.bands, again.inputs) == (found.fits, found.bands, found.inputs)


def test_series():
    series = known_of(["VV_2020-11", "VH_2020-11", "VV_2020-12", "VH_2020-12"])
    assert fit(CROMA, series).bands == (1, 2)
    assert fit(CROMA, series, "date=2020-12").bands == (3, 4)
    assert fit(CROMA, series, "vv=3").bands == (3, 4)  # the date of the band that was named
    assert "Its dates are: 2020-11, 2020-12" in fit(CROMA, series, "date=2021").why
    assert "bear no dates" in fit(CROMA, known_of(B), "date=2021").why


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("", Wish()), ("  ", Wish()), ("4 3 2", Wish(numbers=(4, 3, 2))), ("4, 3;2", Wish(numbers=(4, 3, 2))),
        ("blue=2 green=3 red=4", Wish({"blue": 2, "green": 3, "red": 4})), ("NIR-narrow = 9", Wish({"nir_narrow": 9})),
        ("date=2021-03 red=4", Wish({"red": 4}, dates=("2021-03",))),
    ],
)  # fmt: skip
def test_wishes(text, wish):
    assert parse_wish(text, 20) == wish and problem(text, 20) == ""
    assert bool(parse_wish(text)) == bool(text.strip())


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("blau=2", r"'blau' is no role of a band\. Did you mean blue\? Roles are: coastal, blue, "),
        ("B8A=2", r"If you mean Sentinel-2's B8A, write nir_narrow="),
        ("b08=2", r"write nir="),
        ("red=x", r"'red=x' has no band number"),
        ("red=", r"'red=' has no band number"),
        ("red=0", r"'red=0': bands are counted from 1"),
        ("red=-1", r"'red=-1' has no band number"),
        ("red=5", r"'red=5': the raster has 4 bands"),
        ("red=1 red=2", r"red is given twice"),
        ("red=1 nir=1", r"band 1 is given as red and nir"),
        ("1 1", r"band 1 is given twice"),
        ("1 red=2", r"'1' has no role, but others have one"),
        ("1.5", r"'1.5' has no band number"),
        ("red", r"'red' has no band number"),
        ("date=", r"Give each date once"),
    ],
)
def test_wrong_wishes(text, sentence):
    with pytest.raises(BadJob, match=sentence):
        parse_wish(text, 4)
    assert re.search(sentence, problem(text, 4))
    assert re.search(
        sentence.replace("4 bands", "4"), fit(RGBN, known_of(["red", "green", "blue", "nir"]), text).why
    ) or (text == "red=5")


def test_a_band_that_is_not_there():
    found = fit(RGBN, known_of(["red", "green", "blue", "nir"]), "red=5")
    assert found.why == "There is no band 5 in image.tif, which has 4."


@given(st.text(max_size=20))
def test_any_wish_is_read_or_refused_with_a_sentence(text):
    said = problem(text, 4)
    assert said == "" or said.endswith(".")


@given(st.permutations([*B, "VV", "VH"]))
def test_order_of_the_raster_makes_no_difference(names):
    for one in (CROMA, DINO, RGBN):
        found = fit(one, known_of(names))
        assert tuple(recognised_role(names[band - 1]) for band in found.bands) == found.roles


def recognised_role(name):
    return (
        name.lower() if name.startswith("V") else dict(zip(B, [*S2_12[:10], "cirrus", *S2_12[10:]], strict=True))[name]
    )


def test_suitable_puts_the_best_first_and_says_why_not():
    judged = suitable(CARDS, known_of([*B, "VV", "VH"]))
    assert [one.name for one, _ in judged] == ["croma", "rgbn", "smarties", "dino", "raw"]
    judged = suitable(CARDS, known_of(["red", "green", "blue"], pixel_m=0.3))
    assert [one.name for one, _ in judged] == ["dino", "smarties", "raw", "rgbn", "croma"]
    assert all(found.fits or found.why for _, found in judged)


def test_three_colours_of_many_come_behind_any_bands():
    photographs = card("photographs", [Inputs("RGB", ("red", "green", "blue"))])
    names = [one.name for one, _ in suitable([photographs, SMARTIES], known_of(B))]
    assert names == ["smarties", "photographs"]
    names = [one.name for one, _ in suitable([SMARTIES, photographs], known_of(["B2", "B3", "B4", "B8"]))]
    assert names == ["photographs", "smarties"]


def test_default():
    everything = [one.name for one in CARDS]
    assert default_for(known_of(B)) == DEFAULT_BACKBONE
    assert default_for(known_of(B), CARDS) == DEFAULT_BACKBONE  # no weights at hand
    assert default_for(known_of(B), CARDS, everything) == "croma"
    assert default_for(known_of(B), CARDS, ["dino"]) == DEFAULT_BACKBONE  # three of thirteen bands
    assert default_for(known_of(["red", "green", "blue"], pixel_m=0.3), CARDS, everything) == "dino"
    assert default_for(known_of(["red", "green", "blue"], pixel_m=10.0), [DINO], everything) == DEFAULT_BACKBONE
    assert default_for(known_of(12), CARDS, everything) == DEFAULT_BACKBONE  # a guess
    assert default_for(known_of(["VV", "VH"]), CARDS, everything) == "croma"


@pytest.mark.parametrize("one", [one for one in BACKBONES.values() if one.inputs], ids=lambda one: one.name)
def test_cards_ask_for_roles_that_exist(one):
    for inputs in one.inputs:
        assert set(inputs.roles) <= set(ROLES) and len(set(inputs.roles)) == len(inputs.roles)


@pytest.mark.parametrize(
    "place", ["core/bands/wish.py", "core/bands/values.py", "core/bands/products.py", "models/spectrum.py"]
)
def test_what_forms_import_is_standard_library_only(place):
    """QGIS's own Python imports these, and has neither numpy of ours nor rasterio."""
    allowed = {"bands.products", "products", "models.spectrum", "errors"}
    for node in ast.walk(ast.parse((Path(__file__).parents[2] / place).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert {name.name for name in node.names} <= sys.stdlib_module_names
        if isinstance(node, ast.ImportFrom):
            assert node.module in (allowed if node.level else sys.stdlib_module_names)


def test_the_sample_that_is_shipped():
    with open_raster(str(SAMPLE)) as reader:
        found = fit(CROMA, recognise(reader))
    assert found.bands == tuple(range(1, 13)) and found.warnings == ()


@pytest.mark.data
@pytest.mark.parametrize(
    ("place", "one", "inputs", "bands"),
    [
        ("presto_chip_togo/98-togo_2019-02-06_2020-02-01.tif", CROMA, "both",
         (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 15, 1, 2)),
        ("s1s2_belgium_monthly/s1_vv_vh_12months.tif", CROMA, "Sentinel-1", (1, 2)),
        ("s2_amazon_village/sen2_l2a_12band.tif", CROMA, "Sentinel-2", tuple(range(1, 13))),
        ("s2_lahinch_series/s2_l1c_2017-09-18.tif", CROMA, "Sentinel-2", (*range(1, 11), 12, 13)),
        ("naip_wetland/m_4709963_se_14_1_20170827.tif", RGBN, "RGBN", (1, 2, 3, 4)),
        ("drone_ortho/pix4d_alpha_nodata.tif", DINO, "photographs", (1, 2, 3)),
        ("landsat5_para_1988/lt5_1988227_7band_dn.tif", RGBN, "RGBN", (3, 2, 1, 4)),
        ("s1_camargue_vv/S1A__IW___A_20150309T173017_VV_grd_mli_geo_norm_db.tif", SMARTIES, "any", (1,)),
    ],
)  # fmt: skip
def test_real_rasters(place, one, inputs, bands):
    with open_raster(real(place)) as reader:
        found = fit(one, recognise(reader))
    assert (found.fits, found.inputs, found.bands) == (True, inputs, bands)


@pytest.mark.data
def test_belgium_lacks_three_bands():
    with open_raster(real("s1s2_belgium_monthly/s2_l2a_2020-11.tif")) as reader:
        found = fit(CROMA, recognise(reader))
    assert found.missing == ("coastal", "nir_narrow", "water_vapour")
    assert found.why == (
        "CROMA needs the coastal aerosol (B1), narrow near infrared (B8A) and water vapour (B9) bands, which this "
        "raster lacks. It has blue, green, red, red edge 1, red edge 2, red edge 3, near infrared, shortwave infrared "
        "1 and shortwave infrared 2."
    )
