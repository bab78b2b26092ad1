"""Indicators assessed: what is kept apart, what they are compared with, and what the page says."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import quadrat.core.heads.storage  # noqa: F401 - skops asks for torch when it is imported
from quadrat.core.folds import Folds
from quadrat.core.jobs.poverty.assess import AssessSeries
from quadrat.core.pipelines.registry import run_job
from quadrat.core.poverty.learning import scores, trials
from quadrat.core.poverty.learning.changes import as_samples, pairs_of
from quadrat.core.poverty.learning.dealt import of_pairs
from quadrat.core.poverty.learning.rows import read_rows, with_context
from quadrat.core.poverty.learning.trials import MEAN, REGION_MEAN, Wish
from quadrat.core.progress import Progress
from quadrat.core.vector import read_vector

from .indicator import COLUMNS, job, numbers_of, scheme_of, survey
from .lsms import changes, levels

pytestmark = pytest.mark.same_without_torch


def test_page_numbers_and_errors(tmp_path):
    survey(tmp_path / "s.csv")
    result = run_job(job(tmp_path, errors=str(tmp_path / "e.gpkg"), fold_field="fold", urban_field="kind"), Progress())
    numbers = json.loads((tmp_path / "page.json").read_text())
    assert [one["name"] for one in numbers["schemes"]] == ["given", "blocks", "regions", "random"]
    assert numbers["headline"] == {"scheme": "given", "honest": True, "best": "ridge-log", "trivial": "region-mean"}
    given = numbers["schemes"][0]["methods"]
    assert given["ridge-log"]["scores"]["r2"] > given["region-mean"]["scores"]["r2"] > given["mean"]["scores"]["r2"]
    assert set(given["ridge-log"]["regions"]) == {"A", "B", "C"}
    assert set(given["ridge-log"]["urban"]) == {"urban", "rural"}
    assert set(given["ridge-log"]["year"]) == {"2010", "2015"}
    assert numbers["pairs"] == 48
    assert "mean of each country or region alone has R2" in numbers["sentences"][0]
    text = (tmp_path / "page.html").read_text()
    for title in ("The table", "Within countries or regions", "Fold by fold", "Year by year", "Changes"):
        assert f"<h2>{title}</h2>" in text
    errors = read_vector(str(tmp_path / "e.gpkg"))
    assert np.isfinite(errors["estimated"]).all()
    np.testing.assert_allclose(errors["off"], errors["estimated"] - errors["wealth"])
    assert not set(COLUMNS) & set(errors.columns)
    assert result.facts["rows"] == 96
    table = pd.read_csv(tmp_path / "page.csv")
    assert {"level", "change"} == set(table["task"])
    assert {"fold:0", "region:A", "urban:rural", "year:2010"} <= set(table["part"].dropna())


@pytest.fixture(scope="module")
def countries(tmp_path_factory):
    """What is told where countries alone differ: numbers and page."""
    folder = tmp_path_factory.mktemp("countries")
    survey(folder / "s.csv", spread=3.0)
    numbers = numbers_of(folder, fold_field="fold", feature_fields=["noise"], methods=["ridge"])
    return numbers, (folder / "page.html").read_text()


def test_score_within_countries_is_not_that_of_their_means(countries):
    """Where countries alone differ, the score over all is high and that within them next to nothing."""
    numbers, _ = countries
    found = scheme_of(numbers, "given")["methods"]["ridge"]
    assert found["scores"]["r2"] > 0.9
    assert found["within_r2"] < 0.2
    assert "No method does better than the trivial answer" in numbers["sentences"][0]


def test_places_are_kept_whole_and_trivial_answers_know_training_only(tmp_path):
    survey(tmp_path / "s.csv")
    rows = read_rows(job(tmp_path, fold_field="fold"))
    assert len(np.unique(rows.samples.groups)) == 48
    tested, _ = trials.test_all(
        with_context(rows, True), rows.folds, None, Wish(("ridge",), 3, 2, 0.0, 0, 1), Progress()
    )
    assert {one.scheme.name for one in tested} == {"given", "blocks", "regions", "random"}
    of = rows.regions.of
    for one in tested:
        for turn in one.rounds:
            for at in range(len(rows)):
                training = turn.fold != turn.fold[at]
                assert turn.said[MEAN][at] == pytest.approx(rows.samples.y[training].mean())
                if one.scheme.name == "regions":
                    assert REGION_MEAN not in turn.said  # no mean of a region that was never seen
                    continue
                same = training & (of == of[at])
                expected = rows.samples.y[same].mean() if same.any() else rows.samples.y[training].mean()
                assert turn.said[REGION_MEAN][at] == pytest.approx(expected)
            if one.scheme.honest:
                for group in np.unique(rows.samples.groups):
                    assert len(np.unique(turn.fold[rows.samples.groups == group])) == 1


def test_pairs_are_those_of_a_plain_loop(tmp_path):
    survey(tmp_path / "s.csv", places=12, years=(2010, 2013, 2015))
    rows = read_rows(job(tmp_path))
    pairs = pairs_of(rows)
    groups, year = rows.samples.groups, rows.year
    expected = {
        (i, j) for i in range(len(rows)) for j in range(len(rows)) if groups[i] == groups[j] and year[i] < year[j]
    }
    assert set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True)) == expected
    assert len(pairs) == 36
    np.testing.assert_array_equal(pairs.years, year[pairs.second] - year[pairs.first])


def test_survey_layer_needs_no_field_named_and_is_tested_in_wide_squares(tmp_path):
    """Published places are displaced: neighbours may be one place."""
    table = survey(tmp_path / "s.csv")
    areas = gpd.points_from_xy(table["lon"], table["lat"]).buffer(0.02)
    fields = {"value": table["wealth"], "urban": table["kind"], "region": table["country"], "cluster": 1}
    layer = table.drop(columns=["wealth", "kind", "country", "lon", "lat"]).assign(
        **fields, published_x=table["lon"], published_y=table["lat"]
    )
    gpd.GeoDataFrame(layer, geometry=areas, crs=4326).to_file(tmp_path / "s.gpkg")
    asked = job(
        tmp_path, samples=str(tmp_path / "s.gpkg"), value_field="", methods=["ridge"], errors=str(tmp_path / "e.gpkg")
    )
    rows = read_rows(asked)
    assert rows.value == "value"
    assert rows.regions.names == ("A", "B", "C")
    assert len(np.unique(rows.samples.groups)) == 48
    run_job(asked, Progress())
    sidecar = json.loads((tmp_path / "e.gpkg.quadrat.json").read_text())
    assert sidecar["facts"]["result"] == "indicatorerrors"
    assert sidecar["facts"]["shape"] == "Polygon"
    blocks = json.loads((tmp_path / "page.json").read_text())["schemes"][0]
    assert blocks["name"] == "blocks"
    assert blocks["block_m"] >= 20_000


def test_changes_are_tested_in_the_folds_of_levels_and_never_at_random(tmp_path):
    survey(tmp_path / "s.csv", years=(2010, 2013, 2015))
    rows = read_rows(job(tmp_path, fold_field="fold"))
    pairs, wish = pairs_of(rows), Wish(("ridge",), 3, 2, 0.0, 0, 1)
    levels_, _ = trials.test_all(with_context(rows, True), rows.folds, None, wish, Progress())
    tested = trials.test_pairs(as_samples(rows, pairs, True), pairs, levels_, wish, Progress())
    assert [one.scheme.name for one in tested] == ["given", "blocks", "regions"]
    for mine, level in zip(tested, levels_, strict=False):
        assert len(mine.rounds) == len(level.rounds)
        for turn, of_level in zip(mine.rounds, level.rounds, strict=True):
            np.testing.assert_array_equal(turn.fold, of_level.fold[pairs.first])
            np.testing.assert_array_equal(turn.fold, of_level.fold[pairs.second])


def test_pair_is_not_learnt_from_beside_one_of_its_rows():
    """Rows 0 and 1 are of one place in two folds, and row 4 is left out of the first fold."""
    folds = Folds(np.array([0, 1, 0, 1, 1]), 2, left_out=(np.array([4]), np.array([], int)))
    found = of_pairs(folds, np.array([0, 2, 3]), np.array([1, 2, 4]))
    np.testing.assert_array_equal(found.fold, [0, 0, 1])
    (learnt_0, tested_0), (learnt_1, tested_1) = found.parts()
    assert (tested_0.tolist(), learnt_0.tolist()) == ([0, 1], [])
    assert (tested_1.tolist(), learnt_1.tolist()) == ([2], [1])


def test_one_answer_for_all_has_no_correlation(countries):
    """The mean of what was learnt from falls where that of the test rises: their correlation says nothing."""
    numbers, text = countries
    given = scheme_of(numbers, "given")["methods"]
    assert given["mean"]["scores"]["pearson_r2"] is None
    assert given["mean"]["scores"]["r2"] < 0
    assert given["region-mean"]["scores"]["pearson_r2"] > 0.5
    assert given["region-mean"]["regions"]["A"]["pearson_r2"] is None
    assert {one["pearson_r2"] for one in given["mean"]["by_fold"]} == {None}
    assert REGION_MEAN not in scheme_of(numbers, "regions")["methods"]
    assert "nan" not in text.lower().replace("finance", "")


def test_method_that_says_the_same_of_all_explains_nothing():
    fold, y = np.array([0, 0, 1, 1]), np.array([1.0, 2.0, 3.0, 4.0])
    flat = np.array([3.5, 3.5, 1.5, 1.5])
    assert scores._scores("ridge", y, flat, fold)["pearson_r2"] == 0
    assert np.isnan(scores._scores("mean", y, flat, fold)["pearson_r2"])
    assert scores._scores("ridge", y, y[::-1].copy(), fold)["pearson_r2"] == pytest.approx(1)


@pytest.fixture
def assessed(tmp_path, monkeypatch):
    """What boosting and the trivial answers score in the folds that the table gives; other folds would take minutes."""
    schemes = trials._schemes
    monkeypatch.setattr(trials, "_schemes", lambda *given: (schemes(*given)[0][:1], []))

    def go(table, features, value):
        table.join(features).to_csv(tmp_path / "s.csv", index=False)
        asked = {"samples": str(tmp_path / "s.csv"), "feature_fields": list(features.columns), "value_field": value,
                 "fold_field": "fold", "methods": ["boosting"], "repeats": 1, "folds": 2,
                 "output": str(tmp_path / "page.html")}  # fmt: skip
        run_job(AssessSeries.from_dict(asked), Progress())
        return scheme_of(json.loads((tmp_path / "page.json").read_text()), "given")["methods"]

    return go


@pytest.mark.data
def test_village_wealth_beyond_the_published_ridge_and_the_means_of_countries(assessed):
    """Ridge on histograms has r2 0.52 on these four folds, the mean of each country 0.495."""
    places, statistics, _ = levels()
    found = assessed(places.drop(columns=["row", "year"]), statistics, "wealth")
    assert found["region-mean"]["scores"]["pearson_r2"] == pytest.approx(0.495, abs=0.001)
    assert found["boosting"]["scores"]["pearson_r2"] > 0.72
    assert found["boosting"]["within_r2"] > 0.38


@pytest.mark.data
def test_changes_beyond_the_mean_change_of_countries(assessed):
    """Published: r2 0.105 at most, both ways pooled; the mean change of each country alone has 0.268."""
    table, columns = changes()
    found = assessed(table, columns, "change")
    assert found["region-mean"]["scores"]["pearson_r2"] == pytest.approx(0.268, abs=0.001)
    assert found["boosting"]["scores"]["pearson_r2"] > 0.36
