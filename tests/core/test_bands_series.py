"""Series for backbones that take several dates as one: which bands at which date, months, two rasters joined."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.bands.choosing import default_for, suitable
from quadrat.core.bands.fitting import fit
from quadrat.core.bands.series import month_of, taken_on
from quadrat.core.bands.wish import months_problem, parse_months
from quadrat.core.errors import BadJob
from quadrat.models.card import Card, Inputs
from quadrat.models.registry import BACKBONES, DEFAULT_BACKBONE
from quadrat.tests.core.bandwork import S2_13, known_of

pytestmark = pytest.mark.same_without_torch
GALILEO = BACKBONES["galileo-nano"]
B = ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B10", "B11", "B12"]
TEN = ("blue", "green", "red", "rededge1", "rededge2", "rededge3", "nir", "nir_narrow", "swir1", "swir2")


def dated(bands, *dates):
    return [f"{band}_{date}" for date in dates for band in bands]


def test_all_dates_are_taken_in_order():
    found = fit(GALILEO, known_of(dated(B, "2021-05", "2020-11")))
    assert found.fits and found.inputs == "Sentinel-2" and found.warnings == ()
    assert found.dates == ("2020-11",) * 10 + ("2021-05",) * 10 and found.months == (11,) * 10 + (5,) * 10
    assert found.roles == TEN * 2
    assert found.bands[:3] == (15, 16, 17) and found.bands[10:13] == (2, 3, 4)


def test_dates_are_chosen_one_by_one():
    known = known_of(dated(("VV", "VH"), "2021-05", "2021-06", "2021-07"))
    assert fit(GALILEO, known, "date=2021-07 date=2021-05").bands == (1, 2, 5, 6)
    assert "Its dates are: 2021-05, 2021-06" in fit(GALILEO, known, "date=2021-08").why
    croma = BACKBONES["croma-base"]
    assert "takes one date. Give one, as in 'date=2021-07'" in fit(croma, known, "date=2021-07 date=2021-05").why
    assert fit(croma, known).bands == (1, 2) and fit(croma, known).dates == ()


def test_a_group_counts_as_a_whole_at_each_date():
    some = [*dated(("B2", "B3", "B4", "B8"), "2021-05"), *dated(("B2", "B4", "B8"), "2021-06"), "B2_2021-07"]
    found = fit(GALILEO, known_of(some))
    assert list(zip(found.roles, found.dates, strict=True)) == [
        ("blue", "2021-05"), ("green", "2021-05"), ("red", "2021-05"), ("nir", "2021-05"), ("nir", "2021-06"),
    ]  # fmt: skip
    assert "gets nothing of 2021-07: no group of bands is whole there" in found.warnings[0]
    assert "only together with green, which are missing at 2021-06" in found.warnings[1]
    none = fit(GALILEO, known_of(["B2", "B4", "elevation"]))
    assert not none.fits and "takes groups of bands as a whole: blue, green and red" in none.why


def test_counters_leave_the_months_to_be_asked_for():
    known = known_of(["VV", "VH", "elevation", *dated(("VV", "VH"), "1", "2")])
    found = fit(GALILEO, known)
    assert (
        found.bands == (1, 2, 4, 5, 6, 7) and found.dates == ("", "", "1", "1", "2", "2") and set(found.months) == {0}
    )
    assert "must know the month of each of the 3 dates, which is not told for the first, 1 and 2" in found.warnings[0]
    given_ = fit(GALILEO, known, months=(11, 12, 1))
    assert given_.months == (11, 11, 12, 12, 1, 1) and given_.warnings == ()
    assert "'Months' holds 2, but there are 3 dates" in fit(GALILEO, known, months=(1, 2)).why


def test_another_date_than_the_first_has_its_own_bands():
    known = known_of(["VV", "VH", *dated(("VV", "VH"), "1", "2")])
    assert fit(BACKBONES["croma-base"], known, "date=2").bands == (5, 6)


def test_one_scene_needs_its_month():
    alone = known_of(B)
    found = fit(GALILEO, alone)
    assert found.fits and found.dates == ("",) * 10 and "Give it under 'Months', as in 6 for June" in found.warnings[0]
    assert fit(GALILEO, alone, months=(6,)).months == (6,) * 10
    assert fit(GALILEO, known_of(dated(B, "2021-05"))).months == (5,) * 10
    named = fit(GALILEO, known_of(B, "s2_l1c_2017-09-18.tif"))
    assert (set(named.dates), set(named.months), named.warnings) == ({"2017-09-18"}, {9}, ())


@pytest.mark.parametrize(
    ("name", "tags", "taken"),
    [
        ("s2_l1c_2017-09-18", {}, "2017-09-18"),
        ("t29umv_20170918t114351_b02", {}, "2017-09-18"),
        ("s2a_msil2a_20230108t105421_n0509_r051_t31ufs_20230109t151800", {}, "2023-01-08"),
        ("mosaic_2021-06", {}, "2021-06"),
        ("98-togo_2019-02-06_2020-02-01", {}, ""),
        ("two_2021-06-01_2021-06-20", {}, "2021-06"),
        ("scene_2021", {}, ""),
        ("scene_20213344", {}, ""),
        ("scene", {"DATE_ACQUIRED": "2019-05-02"}, "2019-05-02"),
        ("scene", {"PROCESSING_DATE": "2019-05-02"}, ""),
        ("scene_2020-01-05", {"DATE_ACQUIRED": "2019-05-02"}, "2020-01-05"),
    ],
)
def test_when_a_file_was_taken(name, tags, taken):
    assert taken_on(["B2", "B3"], name, tags) == taken
    assert taken_on(["B2_2021-05", "B3_2021-05"], name, tags) == "2021-05"


@pytest.mark.parametrize(("date", "month"), [("2021-05", 5), ("20210512T101010", 5), ("2021", 0), ("t3", 0), ("", 0)])
def test_month_of_a_date(date, month):
    assert month_of(date) == month


def test_two_rasters_are_joined_by_date_or_month():
    s2 = known_of(dated(("B8",), "2021-04-03", "2021-05-08"))
    exact = fit(GALILEO, s2, also=known_of(dated(("VV", "VH"), "20210403", "20210508")))
    assert exact.layers == (0, 1, 1, 0, 1, 1) and exact.bands == (1, 1, 2, 2, 3, 4)
    assert exact.dates == ("2021-04-03",) * 3 + ("2021-05-08",) * 3
    monthly = fit(GALILEO, s2, also=known_of(dated(("VV", "VH"), "2021-03", "2021-05", "2021-06")))
    assert monthly.dates == ("2021-03",) * 2 + ("2021-04-03",) + ("2021-05-08",) * 3 + ("2021-06",) * 2
    assert monthly.months == (3, 3, 4, 5, 5, 5, 6, 6)
    often = known_of(dated(("VV", "VH"), "2021-05-01", "2021-05-13"))
    assert "not one of each month, so it is not known which belong together" in fit(GALILEO, s2, also=often).why
    chosen = fit(GALILEO, s2, also=often, also_wish="date=2021-05-13")
    assert chosen.dates == ("2021-04-03", *("2021-05-08",) * 3)
    counted = known_of(["VV", "VH", "VV_1", "VH_1"])
    assert "which belong together" in fit(GALILEO, s2, also=counted).why
    idle = fit(GALILEO, s2, also=known_of(["elevation"]))
    assert not idle.fits and "leave image.tif out" in idle.why


def test_two_single_scenes_are_one_date():
    s2, s1 = known_of(["B8"], "s2_2021-04-03.tif"), known_of(["VV", "VH"])
    found = fit(GALILEO, s2, also=s1)
    assert found.dates == ("2021-04-03",) * 3 and found.layers == (0, 1, 1)
    turned = fit(GALILEO, s1, also=s2)
    assert turned.dates == ("2021-04-03",) * 3 and set(turned.months) == {4}
    later = fit(GALILEO, s2, also=known_of(["VV", "VH"], "s1_2021-06.tif"))
    assert later.dates == ("2021-04-03", "2021-06", "2021-06")


def test_too_many_dates():
    names = dated(("B8",), *(f"{year}-{month:02}" for year in (2019, 2020, 2021) for month in range(1, 13)))
    why = fit(GALILEO, known_of(names)).why
    assert "takes 24 dates at most, but there are 36, up to 2021-12" in why
    assert "Choose some, as in 'date=2019-01 date=2021-12'" in why


def test_roles_are_corrected_at_their_date():
    names = [*dated(("B8", "B8A"), "2021-05"), *dated(("B8", "B8A"), "2021-06")]
    found = fit(GALILEO, known_of(names), "nir=2 nir_narrow=1")
    assert found.bands == (2, 1, 3, 4) and found.roles == ("nir", "nir_narrow") * 2


def test_bands_are_numbered():
    known = known_of(dated(("B8", "B8A"), "2021-05", "2021-06"))
    assert fit(GALILEO, known, "3 1").bands == (1, 3)
    assert "not known to it" in fit(GALILEO, known_of(["PC1"]), "1").why


@pytest.mark.parametrize(
    "names", [dated((*B, "VV", "VH"), "2021-05", "2021-06"), [*B], ["VV", "VH", "VV_1", "VH_1", "elevation"]]
)
def test_a_proposal_says_what_was_proposed(names):
    found = fit(GALILEO, known_of(names))
    again = fit(GALILEO, known_of(names), found.proposal)
    assert found.proposal and (again.bands, again.dates) == (found.bands, found.dates)


def test_order_of_backbones():
    series, alone = known_of(dated(B, "2021-05", "2021-06")), known_of(B, "s2_2021-05.tif")
    names = [card.name for card, found in suitable(BACKBONES.values(), series) if found.fits]
    assert names.index("croma-base") < names.index("galileo-nano") < names.index("smarties-base")
    names = [card.name for card, found in suitable(BACKBONES.values(), alone) if found.fits]
    assert names.index("smarties-base") < names.index("galileo-nano")
    assert default_for(series, at_hand=["galileo-nano"]) == "galileo-nano"
    assert default_for(known_of(B), at_hand=["galileo-nano"]) == DEFAULT_BACKBONE  # the month would have to be asked
    assert default_for(known_of(B), at_hand=[]) == DEFAULT_BACKBONE


def test_a_card_without_groups_takes_single_bands():
    plain = replace(GALILEO, together=(), inputs=(Inputs("all", tuple(S2_13)),))
    assert fit(plain, known_of(["B2_2021-05", "B3_2021-05", "B2_2021-06"])).roles == ("blue", "green", "blue")
    assert isinstance(plain, Card)


@pytest.mark.parametrize(
    ("text", "months"),
    [("", ()), ("4 5, 6", (4, 5, 6)), ("1-12", tuple(range(1, 13))), ("11 - 2", (11, 12, 1, 2)), ("6-6; 6", (6, 6))],
)
def test_months(text, months):
    assert parse_months(text) == months and months_problem(text) == ""


@given(st.lists(st.integers(1, 12), max_size=24))
def test_months_are_read_as_written(months):
    assert parse_months(" ".join(map(str, months))) == tuple(months)


@pytest.mark.parametrize("text", ["13", "0", "Jan", "1-2-3", "-3", "4.5", "³"])
def test_what_is_no_month(text):
    with pytest.raises(BadJob, match="is no month from 1 to 12"):
        parse_months(text)
    assert "no month" in months_problem(text)
