"""Indicators assessed: what is read of a table, held-out regions, and what is refused with a sentence."""

import warnings

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import quadrat.core.heads.storage  # noqa: F401 - skops asks for torch when it is imported
import shapely
from pyproj import Geod
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.jobs.poverty.assess import AssessSeries
from quadrat.core.pipelines.registry import run_job
from quadrat.core.poverty.learning import words
from quadrat.core.poverty.learning.changes import pairs_of
from quadrat.core.poverty.learning.held import held_scheme
from quadrat.core.poverty.learning.rows import read_rows, with_context
from quadrat.core.poverty.learning.whereabouts import years_of
from quadrat.core.progress import Progress
from quadrat.core.vector import read_vector

from .indicator import job, numbers_of, scheme_of, survey

pytestmark = pytest.mark.same_without_torch


def test_a_row_that_lacks_a_number_is_left_out_and_so_is_a_mark_for_missing(tmp_path):
    table = survey(tmp_path / "s.csv")
    table.iloc[0, table.columns.get_loc("light")] = np.nan
    table.iloc[1, table.columns.get_loc("light")] = 1.335e38  # as a mean over nodata in published tables
    table.to_csv(tmp_path / "s.csv", index=False)
    rows = read_rows(job(tmp_path))
    assert len(rows) == 94
    assert len(rows.table) == 94
    np.testing.assert_allclose(rows.table["wealth"], rows.samples.y)


def test_columns_by_pattern(tmp_path):
    survey(tmp_path / "s.csv")
    assert read_rows(job(tmp_path, feature_fields=["l?ght", "no*"])).names == ("light", "noise")


def test_held_out_extent_is_tested_from_afar(tmp_path):
    table = survey(tmp_path / "s.csv", places=144).reset_index(drop=True)
    table[["lon", "lat"]] /= 4
    table.to_csv(tmp_path / "s.csv", index=False)
    rows = read_rows(job(tmp_path))
    inside = (table["lon"].between(0, 1) & table["lat"].between(0, 0.5)).to_numpy()
    scheme = held_scheme(job(tmp_path, held_extent="0,1,0,0.5 [EPSG:4326]"), rows.samples)
    _, folds = scheme.split(rows.samples, 5, 0, 0)
    ((learnt, tested),) = folds.parts()
    np.testing.assert_array_equal(tested, np.flatnonzero(inside))
    geod = Geod(a=6_371_000, b=6_371_000)
    place = table[["lon", "lat"]].to_numpy()
    expected = [
        at for at in np.flatnonzero(~inside)
        if min(geod.inv(*place[at], *place[other])[2] for other in tested) >= 20_000
    ]  # fmt: skip
    np.testing.assert_array_equal(learnt, expected)
    assert 0 < len(learnt) < (~inside).sum()
    assert scheme.split(rows.samples, 5, 0, 1) is None  # nothing to draw again


def test_held_out_region_in_all_tables(tmp_path):
    survey(tmp_path / "s.csv")
    box = gpd.GeoDataFrame(geometry=[shapely.box(-7, -1, -1, 5)], crs=4326).to_crs(3857)
    box.to_file(tmp_path / "area of trial é.gpkg")
    numbers = numbers_of(tmp_path, methods=["ridge"], held_area=str(tmp_path / "area of trial é.gpkg"))
    assert [one["name"] for one in numbers["schemes"]] == ["blocks", "regions", "held", "random"]
    held = scheme_of(numbers, "held")
    assert held["tested"] == 32  # country C twice
    assert set(held["methods"]) == {"mean", "ridge"}  # no mean of a country that nobody saw
    assert [one["name"] for one in numbers["changes"]] == ["blocks", "regions", "held"]
    assert any("In the held-out region (32 rows)" in one for one in words.sentences(numbers))
    assert "Held-out region" in (tmp_path / "page.html").read_text()
    assert "level,held,ridge" in (tmp_path / "page.csv").read_text()
    same = numbers_of(tmp_path, methods=["ridge"], held_extent="-7,-1,-1,5")
    assert scheme_of(same, "held")["methods"] == held["methods"]


def test_held_out_region_whose_places_are_near_all_others(tmp_path):
    table = survey(tmp_path / "s.csv")
    table[["lon", "lat"]] /= 200
    table.to_csv(tmp_path / "s.csv", index=False)
    numbers = numbers_of(tmp_path, methods=["ridge"], held_extent="0,0.01,0,1", block_size_m=500.0)
    assert "held" not in [one["name"] for one in numbers["schemes"]]
    assert any("The held-out region could not be tested" in one for one in words.sentences(numbers))


def test_held_out_extent_across_the_date_line(tmp_path):
    table = survey(tmp_path / "s.csv")
    table["lon"] = (table["lon"] + 178 + 180) % 360 - 180
    table.to_csv(tmp_path / "s.csv", index=False)
    rows = read_rows(job(tmp_path))
    scheme = held_scheme(job(tmp_path, held_extent="178,182,-1,5 [EPSG:4326]"), rows.samples)
    assert (scheme.dealt[0][1].fold == 0).sum() == 32


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"held_extent": "50,60,0,1 [EPSG:4326]"}, "No place lies inside the held-out extent"),
        ({"held_extent": "-50,60,-10,10 [EPSG:4326]"}, "nothing is left to learn from"),
        ({"held_extent": "5,4,0,1"}, "minimum is above its maximum"),
        ({"held_extent": "0,4,0,1 [EPSG:0]"}, "is no coordinate system"),
        ({"held_area": "none.gpkg"}, "There is no file"),
        ({"held_area": "s.csv"}, "has no geometry"),
    ],
)
def test_held_out_region_that_does_not_fit(tmp_path, monkeypatch, more, sentence):
    survey(tmp_path / "s.csv", places=12)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=sentence):
        run_job(job(tmp_path, **more), Progress())
    assert not (tmp_path / "page.html").exists()


def test_years_as_text_dates_and_joined(tmp_path):
    found = years_of(pd.Series(["2010", " 2013-07", "2015-01-02", "201607", "20170102", "x", None, 2018.0]))
    np.testing.assert_array_equal(found, [2010, 2013, 2015, 2016, 2017, np.nan, np.nan, 2018])
    np.testing.assert_array_equal(years_of(pd.to_datetime(pd.Series(["2011-05-01", None]))), [2011, np.nan])
    table = survey(tmp_path / "s.csv")
    table["year"] = table["year"].astype(str) + "-06-01"
    table.to_csv(tmp_path / "s.csv", index=False)
    rows = read_rows(job(tmp_path))
    assert len(pairs_of(rows)) == 48
    assert set(rows.year) == {2010, 2015}


def test_row_without_a_year_takes_no_part_in_changes(tmp_path):
    table = survey(tmp_path / "s.csv").reset_index(drop=True)
    table["year"] = table["year"].where(table.index > 0)
    table.to_csv(tmp_path / "s.csv", index=False)
    rows = read_rows(job(tmp_path))
    assert len(pairs_of(rows)) == 47
    assert with_context(rows, False).X.shape[1] == 3
    assert any("Rows without a year: 1." in one for one in rows.samples.report.notes)


def test_rows_of_one_year_and_numbers_that_two_surveys_share_are_no_pairs(tmp_path):
    table = survey(tmp_path / "s.csv", places=12).reset_index(drop=True)
    table["village"] = table.groupby("year").cumcount()  # numbered again in each survey
    twice = pd.concat([table, table])
    twice.to_csv(tmp_path / "s.csv", index=False)
    assert len(pairs_of(read_rows(job(tmp_path)))) == 4 * 12
    rows = read_rows(job(tmp_path, group_field="village"))
    pairs = pairs_of(rows)
    place = rows.table[["lon", "lat"]].to_numpy()
    far = np.abs(place[pairs.first] - place[pairs.second]).max(axis=1, initial=0)
    assert (far < 0.2).all()
    assert len(pairs) < 4 * 12


def test_rows_without_coordinates_are_left_out_with_a_word(tmp_path):
    table = survey(tmp_path / "s.csv").reset_index(drop=True)
    table.loc[0, "lat"] = np.nan
    table.loc[1, ["lon", "lat"]] = 0.0
    table.to_csv(tmp_path / "s.csv", index=False)
    rows = read_rows(job(tmp_path))
    assert len(rows) == 94
    assert rows.samples.xy is not None
    assert any("without coordinates, which were left out: 2." in one for one in rows.samples.report.notes)
    table.assign(lat=table["lat"].where(table.index % 3 == 0)).to_csv(tmp_path / "s.csv", index=False)
    assert not read_rows(job(tmp_path)).samples.grouped  # of most rows nothing tells which are of one place
    table.drop(columns=["lon", "lat"]).to_csv(tmp_path / "s.csv", index=False)
    numbers = numbers_of(tmp_path, methods=["ridge"])
    assert [one["name"] for one in numbers["schemes"]] == ["regions", "random"]
    assert "It is not known where the samples lie." in [one["reason"] for one in numbers["left_out"]]
    assert numbers["headline"]["trivial"] == "mean"
    with pytest.raises(BadInput, match="It is not known where the rows"):
        run_job(job(tmp_path, held_extent="0,1,0,1"), Progress())


def test_city_is_too_small_for_squares_of_displaced_places(tmp_path):
    table = survey(tmp_path / "s.csv")
    table[["lon", "lat"]] = table[["lon", "lat"]] / 1000
    table.drop(columns="country").to_csv(tmp_path / "s.csv", index=False)
    numbers = numbers_of(tmp_path, methods=["ridge"])
    assert [one["name"] for one in numbers["schemes"]] == ["random"]
    assert "Only rows drawn at random could be tested" in words.sentences(numbers)[0]
    assert "give a smaller 'Spatial block'" in numbers["left_out"][0]["reason"]
    assert numbers["changes"] == []
    assert scheme_of(numbers_of(tmp_path, methods=["ridge"], block_size_m=200.0), "blocks")["block_m"] == 200


def test_many_regions_are_bundled(tmp_path):
    table = survey(tmp_path / "s.csv", places=96).sort_values("lon")
    table["region"] = np.arange(len(table)) // 4
    table.to_csv(tmp_path / "s.csv", index=False)
    numbers = numbers_of(tmp_path, region_field="region", methods=["ridge"])
    regions = scheme_of(numbers, "regions")
    assert regions["folds"] == 3
    assert "The 48 regions are bundled into 3" in regions["sentence"]
    with pytest.raises(BadInput, match="from 2 to 50 folds can be tested"):
        read_rows(job(tmp_path, fold_field="roads", feature_fields=["noise"]))


def test_one_region_is_none(tmp_path):
    survey(tmp_path / "s.csv").assign(country="A").to_csv(tmp_path / "s.csv", index=False)
    numbers = numbers_of(tmp_path, methods=["ridge"])
    assert numbers["data"]["regions"] == {}
    assert "'country' holds only 'A', so no country" in (tmp_path / "page.html").read_text().replace("&#x27;", "'")


def test_wide_table_is_read_without_a_warning(tmp_path):
    table = survey(tmp_path / "s.csv")
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(len(table), 300)), table.index).add_prefix("emb_")
    points = gpd.points_from_xy(table["lon"], table["lat"], crs=4326)
    gpd.GeoDataFrame(table.join(wide), geometry=points).to_file(tmp_path / "s.gpkg")
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.PerformanceWarning)
        asked = job(tmp_path, samples=str(tmp_path / "s.gpkg"), feature_fields=["emb_*"], methods=["ridge"])
        run_job(AssessSeries.from_dict({**asked.to_dict(), "errors": str(tmp_path / "e.gpkg")}), Progress())
    assert len(read_vector(str(tmp_path / "e.gpkg")).columns) == 13


def test_column_that_is_the_answer_in_another_form_is_named(tmp_path):
    table = survey(tmp_path / "s.csv")
    table.assign(light=2 * table["wealth"] + 1).to_csv(tmp_path / "s.csv", index=False)
    assert any(
        "'light' follows 'wealth' nearly exactly" in one for one in read_rows(job(tmp_path)).samples.report.notes
    )
    assert not any("nearly" in one for one in read_rows(job(tmp_path, feature_fields=["noise"])).samples.report.notes)


def test_table_with_longitude_and_latitude_makes_a_map_of_points(tmp_path):
    survey(tmp_path / "s.csv")
    run_job(job(tmp_path, methods=["ridge"], errors=str(tmp_path / "e.gpkg")), Progress())
    errors = read_vector(str(tmp_path / "e.gpkg"))
    assert set(errors.geom_type) == {"Point"}
    np.testing.assert_allclose(errors.geometry.x, errors["lon"])


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"light": np.nan}, "No row of .* has a number in 'light'"),
        ({"light": "much"}, "'light' of .* does not hold numbers"),
        ({"wealth": "rich"}, "holds 'rich', which is not a number"),
        ({"wealth": 1.0}, "only the value 1"),
        ({"lat": 100.0}, "lie nowhere on Earth, such as longitude"),
        ({"fold": 1}, "'fold' of .* has 1 different entries"),
        ({"wealth": np.nan}, "No label is left to learn from"),
    ],
)
def test_tables_that_cannot_be_learnt_from(tmp_path, change, sentence):
    survey(tmp_path / "s.csv", places=12).assign(**change).to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(BadInput, match=sentence):
        run_job(job(tmp_path, fold_field="fold"), Progress())
    assert not (tmp_path / "page.html").exists()


def test_few_places_and_scores_below_the_mean_are_told_so(tmp_path):
    table = survey(tmp_path / "s.csv")
    table[table["country"] == "A"].to_csv(tmp_path / "s.csv", index=False)
    said = words.sentences(numbers_of(tmp_path, feature_fields=["noise"], methods=["ridge"]))
    assert "only 16 places" in said[1]
    assert said[0].startswith(("No method does better than the trivial answer, the same", "Levels cannot be told of"))


@pytest.mark.parametrize("change", [{"light": 1.0, "noise": 0.0, "roads": 5.0}, {"lon": 1.0, "lat": 1.0}])
def test_columns_or_places_that_are_all_the_same(tmp_path, change):
    survey(tmp_path / "s.csv", places=24).assign(**change).to_csv(tmp_path / "s.csv", index=False)
    numbers = numbers_of(tmp_path, methods=["ridge", "ridge-log", "boosting"])
    assert numbers["schemes"]


@pytest.mark.parametrize(
    ("more", "error", "sentence"),
    [
        ({"value_field": "welth"}, BadInput, "Choose the field with the indicator among"),
        ({"feature_fields": ["light", "year"]}, BadInput, "'year' is a field of its own here"),
        ({"feature_fields": ["ligth"]}, BadInput, "Did you mean 'light'?"),
        ({"feature_fields": ["country"]}, BadInput, "'country' is a field of its own here"),
        ({"region_field": "land"}, BadInput, "has no field 'land'"),
        ({"output": "x.txt"}, BadJob, "must be a .html file"),
        ({"year_field": "kind"}, BadInput, "holds no year that can be read"),
        ({"held_extent": "0,1,0,1", "held_area": "a.gpkg"}, BadJob, "not both"),
        ({"methods": []}, BadJob, "Choose at least one method"),
        ({"methods": ["rigde"]}, BadJob, "Did you mean 'ridge'?"),
    ],
)
def test_what_does_not_fit_gets_a_sentence(tmp_path, more, error, sentence):
    survey(tmp_path / "s.csv", places=12)
    with pytest.raises(error, match=sentence.replace("?", r"\?")):
        run_job(job(tmp_path, **more), Progress())


def test_two_places_are_too_few(tmp_path):
    survey(tmp_path / "s.csv", places=3).iloc[:1].to_csv(tmp_path / "s.csv", index=False)
    with pytest.raises(BadInput):
        run_job(job(tmp_path), Progress())
