"""Prepare survey points from households: the wealth index, its recoding table, and coordinates of a second file."""

# ruff: noqa: F811 - fixtures come from beside
import numpy as np
import pandas as pd
import pytest
from quadrat.core.errors import BadInput
from quadrat.core.poverty.survey.fields import codes_of
from quadrat.core.poverty.survey.recoding import SHIPPED
from quadrat.tests.core.surveywork import POOR, RICH, clusters, prepare, table  # noqa: F401

pytestmark = pytest.mark.same_without_torch


def households(table, name="hr.csv", **columns):
    """Two clusters with two households each, one rich and one poor, without coordinates."""
    rows = pd.DataFrame([RICH, POOR, RICH, POOR])
    own = {"hhid": ["a", "b", "c", "d"], "hv001": [1, 1, 2, 2], "hv002": [1, 2, 1, 2], "hv005": [1e6, 3e6, 2e6, 2e6],
           "hv007": 2013, "hv025": [1, 1, 2, 2]}  # fmt: skip
    return table(name, **{key: value for key, value in {**own, **rows, **columns}.items() if value is not None})


@pytest.fixture
def gps(table):
    """The GPS file of three clusters."""

    def go(**columns):
        own = {"DHSCC": "TG", "DHSYEAR": 2013, "DHSCLUST": [1, 2, 3], "URBAN_RURA": ["U", "R", "R"],
               "LATNUM": [6.2, 6.3, 6.4], "LONGNUM": [1.2, 1.3, 1.4]}  # fmt: skip
        return table("gps.csv", **{key: value for key, value in {**own, **columns}.items() if value is not None})

    return go


class TestHouseholds:
    def test_wealth_index_by_cluster_with_coordinates_of_a_gps_file(self, prepare, table, gps):
        layer, facts, log = prepare(households(table), coordinates=gps())
        np.testing.assert_allclose(layer["value"], [25, 50], atol=1e-5)  # by weights 1 to 3 and 1 to 1
        assert layer["households"].tolist() == [2, 2] and layer["weight"].tolist() == [4e6, 4e6]
        assert layer["region"].tolist() == ["TG", "TG"] and layer["published_x"].tolist() == [1.2, 1.3]
        assert facts["indicator"] == "International Wealth Index" and facts["wealth_index"] and facts["households"] == 4
        assert "2 clusters of 4 households" in log and "Codes differ between surveys" in log

    def test_an_indicator_of_households(self, prepare, table, gps):
        layer, facts, _ = prepare(households(table, hv271=[10, 20, 30, 50]), coordinates=gps(), value_field="hv271")
        assert layer["value"].tolist() == [17.5, 40] and facts["indicator"] == "hv271"
        layer, _, log = prepare(
            households(table, hv271=[10, 20, 30, 50], hhid=None, hv002=None), coordinates=gps(), value_field="hv271"
        )
        assert (
            layer["value"].tolist() == [17.5, 40] and layer["households"].isna().all() and "Are rows households?" in log
        )
        layer, _, _ = prepare(
            households(table, hv271=[10, 20, 30, 50], hhid=None, hv002=None), coordinates=gps(), value_field="hv271",
            rows="households", indicator="Wealth",
        )  # fmt: skip
        assert layer["households"].tolist() == [2, 2]

    def test_more_than_one_unknown_item_leaves_a_household_out(self, prepare, table, gps):
        path = households(table, hv201=[11, 43, 99, 43], hv205=[11, 31, 99, 99])
        layer, facts, log = prepare(path, coordinates=gps())
        np.testing.assert_allclose(layer["value"], [25, 0], atol=1e-5)
        assert layer["households"].tolist() == [2, 1] and facts["left_out"] == {"value": 1}
        assert "Left out: 1 row with more than one unknown item of the wealth index." in log

    def test_codes_that_are_not_listed_are_named(self, prepare, table, gps, tmp_path):
        codes = str(tmp_path / "codes.csv")
        _, _, log = prepare(households(table, hv201=[11, 77, 77, 43]), coordinates=gps(), codes=codes)
        assert "count as unknown: hv201 77 (2)" in log
        told = pd.read_csv(codes, dtype=str, keep_default_na=False).set_index(["item", "field", "code"])
        assert (
            told.loc[("water", "hv201", "77"), "level"] == "" and told.loc[("water", "hv201", "11"), "level"] == "high"
        )
        assert told.loc[("water", "hv201", "77"), "households"] == "2"

    def test_codes_that_occur_can_be_edited_and_given_back(self, prepare, table, gps, tmp_path):
        codes, path = str(tmp_path / "codes.csv"), households(table, hv201=[77, 43, 11, 43])
        before, _, _ = prepare(path, coordinates=gps(), codes=codes)
        told = pd.read_csv(codes, dtype=str, keep_default_na=False)
        told.loc[told["code"] == "77", "level"] = "low"
        told.to_csv(codes, index=False)
        after, _, log = prepare(path, "b.gpkg", coordinates=gps(), recoding=codes)
        low = 100 + 1e-6 - 7.952443 - 6.306477
        np.testing.assert_allclose(before["value"], [25, 50], atol=1e-4)
        np.testing.assert_allclose(after["value"], [low / 4, 50], atol=1e-4)
        assert "Codes differ" not in log and "not list" not in log

    def test_a_survey_without_assets_says_what_it_lacks(self, prepare, clusters, table, gps):
        with pytest.raises(BadInput, match=r"no field for television \(hv208\).*Choose an indicator"):
            prepare(clusters())
        layer, _, log = prepare(households(table, hv216=None), coordinates=gps())
        assert "No field tells 'rooms'" in log
        np.testing.assert_allclose(layer["value"], [25, 50], atol=1e-5)

    def test_clusters_that_the_gps_file_lacks(self, prepare, table, gps):
        layer, facts, log = prepare(households(table, hv001=[1, 1, 9, 9]), coordinates=gps())
        assert layer["cluster"].tolist() == ["1"] and facts["left_out"] == {"no position": 2}
        assert "that are not in the file of coordinates: 1." in log
        assert "Left out: 2 rows of 1 cluster without a position." in log
        with pytest.raises(BadInput, match=r"No cluster of .* Are they of the same survey\?"):
            prepare(households(table, hv001=[7, 7, 9, 9]), coordinates=gps())

    def test_interviews_over_the_turn_of_the_year_are_of_the_year_of_the_gps_file(self, prepare, table, gps):
        path = households(table, hv007=[2013, 2014, 2013, 2014])
        assert prepare(path, coordinates=gps())[0]["year"].tolist() == [2013, 2013]
        layer, _, log = prepare(path, coordinates=gps(DHSYEAR=None))
        assert layer["year"].tolist() == [2013, 2014] * 2 and "over the turn of the year, give its year" in log
        assert prepare(path, coordinates=gps(DHSYEAR=None), year=2013)[0]["year"].tolist() == [2013, 2013]

    def test_a_gps_file_of_several_surveys_is_told_apart_by_year(self, prepare, table, gps):
        several = gps(DHSYEAR=[2013, 2013, 1998], DHSCLUST=[1, 2, 1], LONGNUM=[1.2, 1.3, 1.4])
        layer, _, _ = prepare(households(table), coordinates=several)
        assert layer["published_x"].tolist() == [1.2, 1.3]
        layer, _, _ = prepare(households(table, hv001=1, hv007=None), coordinates=several, year=1998)
        assert layer["published_x"].tolist() == [1.4]
        with pytest.raises(BadInput, match="cluster 1 at several places"):
            prepare(households(table), coordinates=gps(DHSYEAR=2013, DHSCLUST=[1, 2, 1]))

    def test_a_cluster_that_is_listed_without_and_with_its_position(self, prepare, table, gps):
        twice = gps(DHSCLUST=[1, 1, 2], LONGNUM=[0, 1.3, 0], LATNUM=[0, 6.3, 0])
        layer, facts, _ = prepare(households(table), coordinates=twice)
        assert layer["published_x"].tolist() == [1.3] and facts["left_out"] == {"position 0, 0": 2}
        with pytest.raises(BadInput, match="has a number of a cluster"):
            prepare(households(table), coordinates=gps(DHSCLUST=["", "", ""]))

    def test_households_without_clusters(self, prepare, table, gps):
        path = households(table, hv001=None, longitude=[1.2, 1.3, 1.4, 1.5], latitude=6.2)
        with pytest.raises(BadInput, match="which household belongs to which cluster"):
            prepare(path)
        with pytest.raises(BadInput, match="coordinates cannot be joined"):
            prepare(path, coordinates=gps())


def test_the_shipped_table_is_not_taken_for_the_users(prepare, table, gps):
    """The result names the content of the table that was used, whichever it was."""
    _, facts, _ = prepare(households(table), coordinates=gps())
    _, again, _ = prepare(households(table), "b.gpkg", coordinates=gps(), recoding=str(SHIPPED))
    assert facts["recoding"] == again["recoding"]


def test_stata_files_as_dhs_gives_them(prepare, table, gps, tmp_path):
    """Of the thousands of columns only those are read that may say something."""
    rows = pd.read_csv(households(table)).assign(**{f"hv1{k:02d}_01": 1.5 for k in range(50)}, own=[1.0, 2.0, 3.0, 5.0])
    path = str(tmp_path / "TGHR61FL.DTA")
    rows.to_stata(path, write_index=False)
    layer, facts, _ = prepare(path, coordinates=gps())
    np.testing.assert_allclose(layer["value"], [25, 50], atol=1e-5)
    assert facts["households"] == 4 and layer["weight"].tolist() == [4e6, 4e6]
    assert prepare(path, "b.gpkg", coordinates=gps(), value_field="own")[0]["value"].tolist() == [1.75, 4]
    broken = tmp_path / "broken.dta"
    broken.write_bytes(b"no Stata file")
    with pytest.raises(BadInput, match="cannot be read as a Stata file"):
        prepare(str(broken), coordinates=gps())


def test_codes_are_one_whatever_their_type():
    columns = [
        [1, 2, None],
        [1.0, 2.0, np.nan],
        ["1", " 2 ", None],
        ["1.0", "2", ""],
        pd.array([1, 2, None], dtype="Int8"),
    ]
    for column in columns:
        assert codes_of(pd.Series(column)).tolist() == ["1", "2", ""]
    assert codes_of(pd.Series(["A b", "1e3", "inf", 2.5])).tolist() == ["a b", "1000", "inf", "2.5"]
    assert codes_of(pd.Series(["A b"]), lower=False).tolist() == ["A b"] and not len(
        codes_of(pd.Series([], dtype=object))
    )
