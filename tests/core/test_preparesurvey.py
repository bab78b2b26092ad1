"""Prepare survey points: what is found, what is left out and said, and where clusters may lie."""

# ruff: noqa: F811 - fixtures come from beside
import json
import os
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.poverty.survey.layer import read_survey
from quadrat.tests.core.surveywork import (  # noqa: F401
    area_m2,
    clusters,
    corner_distances,
    polygons,
    prepare,
    table,
)

pytestmark = pytest.mark.same_without_torch
FIELDS = ["cluster", "year", "urban", "value", "weight", "households", "radius_m", "likely_m", "region", "published_x",
          "published_y", "geometry"]  # fmt: skip


def data(name):
    """A file of the real data, or a visible skip."""
    path = Path(os.environ.get("QUADRAT_DATA", "/nonexistent")) / "poverty" / name
    if not path.exists():
        pytest.skip(f"{name} is not in the folder that QUADRAT_DATA names")
    return path


def by_cluster(layer):
    return layer.set_index("cluster")


class TestClusters:
    def test_a_table_with_an_indicator(self, prepare, clusters):
        layer, facts, log = prepare(clusters(), value_field="wealth")
        assert list(layer.columns) == FIELDS and layer.crs.to_epsg() == 4326
        assert layer["cluster"].tolist() == ["1", "2", "3", "4"] and layer["year"].tolist() == [2014] * 4
        assert layer["urban"].tolist() == ["urban", "rural", "rural", "urban"]
        assert layer["value"].tolist() == [3.0, 1.0, 2.0, 4.0] and layer["weight"].tolist() == [1.0] * 4
        assert layer["households"].isna().all() and layer["region"].tolist() == [""] * 4
        assert layer["radius_m"].tolist() == [2000, 10_000, 10_000, 2000]
        assert layer["likely_m"].tolist() == [2000, 5000, 5000, 2000]
        assert set(layer.geom_type) <= {"Polygon", "MultiPolygon"}, "never a point"
        assert facts["result"] == "survey" and facts["indicator"] == "wealth" and facts["clusters"] == 4
        assert facts["years"] == {"2014": 4} and facts["urban"] == {"urban": 2, "rural": 2} and not facts["warnings"]
        assert "4 clusters: urban: 2, rural: 2; 2014: 4." in log and "Circles are whole" in log

    def test_discs_are_true_on_the_ground_also_far_north(self, prepare, clusters):
        layer, _, _ = prepare(clusters(latitude=[6.2, 78.2, -54.8, 0.001]), value_field="wealth")
        for row, distances in zip(layer.itertuples(), corner_distances(layer), strict=True):
            np.testing.assert_allclose(distances, row.radius_m, rtol=1e-6)
            assert area_m2(row.geometry) == pytest.approx(np.pi * row.radius_m**2, rel=1e-3)

    def test_on_both_sides_of_the_180th_meridian(self, prepare, clusters):
        """Fiji."""
        path = clusters(longitude=[179.99, -179.95, 180, -180], latitude=[-16.8, -16.9, -17, -17.2])
        layer, _, _ = prepare(path, value_field="wealth")
        west, _, east, _ = layer.total_bounds
        assert west >= -180 and east <= 180
        for row in layer.itertuples():
            assert row.geometry.geom_type == "MultiPolygon" and len(row.geometry.geoms) == 2
            assert row.geometry.is_valid and max(part.bounds[2] - part.bounds[0] for part in row.geometry.geoms) < 0.2
            assert area_m2(row.geometry) == pytest.approx(np.pi * row.radius_m**2, rel=1e-3)

    def test_names_of_dhs(self, prepare, table):
        path = table(
            DHSCC="TG", DHSYEAR=2013, DHSCLUST=[1.0, 2.0], URBAN_RURA=["U", "R"], LATNUM=[6.1, 6.2],
            LONGNUM=[1.2, 1.3], wealth=[1, 2],
        )  # fmt: skip
        layer, _, log = prepare(path, value_field="wealth")
        assert layer["cluster"].tolist() == ["1", "2"] and layer["region"].tolist() == ["TG", "TG"]
        assert layer["year"].tolist() == [2013] * 2 and layer["urban"].tolist() == ["urban", "rural"]
        assert layer["published_x"].tolist() == [1.2, 1.3] and "position LONGNUM, LATNUM" in log

    @pytest.mark.parametrize("crs", [4326, 3857, 32631])
    @pytest.mark.parametrize("shape", [shapely.Point, lambda x, y: shapely.MultiPoint([(x, y)])])
    def test_points_of_any_coordinate_system(self, prepare, tmp_path, crs, shape):
        path = str(tmp_path / "points.gpkg")
        shapes = [shape(1.2, 6.2), shape(1.3, 6.3)]
        points = gpd.GeoDataFrame({"v": [1.0, 2.0], "DHSYEAR": 2010}, geometry=shapes, crs=4326)
        points.to_crs(crs).to_file(path)
        layer, _, _ = prepare(path, value_field="v")
        np.testing.assert_allclose(layer[["published_x", "published_y"]], [[1.2, 6.2], [1.3, 6.3]], atol=1e-8)

    @pytest.mark.filterwarnings("ignore:'crs' was not provided")
    def test_layers_that_do_not_say_where_they_lie(self, prepare, tmp_path):
        path = str(tmp_path / "points.gpkg")
        gpd.GeoDataFrame({"v": [1.0], "year": 2010}, geometry=[shapely.Point(1.2, 6.2)]).to_file(path)
        with pytest.raises(BadInput, match="has no coordinate system"):
            prepare(path, value_field="v")
        assert prepare(path, "b.gpkg", value_field="v", crs="EPSG:4326")[0]["published_y"].tolist() == [6.2]
        with pytest.raises(BadInput, match="is no coordinate system"):
            prepare(path, value_field="v", crs="here")

    def test_fields_in_a_plane_need_their_system(self, prepare, clusters):
        path = clusters(longitude=[300_000, 301_000, 302_000, 303_000], latitude=[680_000] * 4)
        with pytest.raises(BadInput, match="hold no degrees"):
            prepare(path, value_field="wealth")
        layer, _, _ = prepare(path, value_field="wealth", crs="EPSG:32631")
        assert layer["published_x"].between(1.19, 1.23).all() and layer["published_y"].between(6.1, 6.2).all()

    def test_fields_that_are_chosen(self, prepare, table):
        path = table(b=[6.0, 6.1], a=[1.0, 1.1], jahr=[2001, 2002], ort=["x", "y"], stadt=["Stadt", "Land"], g=[2, 3],
                     land=["A", "B"], w=[1, 2])  # fmt: skip
        layer, _, _ = prepare(
            path, value_field="w", longitude_field="a", latitude_field="b", year_field="jahr", cluster_field="ort",
            urban_field="stadt", weight_field="g", region_field="land", urban_codes="stadt", rural_codes="Land",
        )  # fmt: skip
        assert layer["cluster"].tolist() == ["x", "y"] and layer["year"].tolist() == [2001, 2002]
        assert layer["urban"].tolist() == ["urban", "rural"] and layer["weight"].tolist() == [2, 3]
        assert layer["region"].tolist() == ["A", "B"]
        with pytest.raises(BadInput, match=r"no field 'jhr'\. Did you mean 'jahr'"):
            prepare(path, value_field="w", year_field="jhr")

    def test_fields_whose_names_mislead(self, prepare, clusters):
        path = clusters(year="2013/14", households="many")
        layer, _, log = prepare(path, value_field="wealth", year=2013)
        assert layer["year"].tolist() == [2013] * 4 and layer["households"].isna().all() and "year 2013" in log
        assert prepare(clusters(households=[-3, 1e12, 20, 20.4]), "b.gpkg", value_field="wealth")[0][
            "households"
        ].tolist()[2:] == [20, 20]

    def test_one_year_for_all(self, prepare, clusters):
        path = clusters(year=None)
        with pytest.raises(BadInput, match=r"tells the year\. Give the year"):
            prepare(path, value_field="wealth")
        assert prepare(path, value_field="wealth", year=2012)[0]["year"].tolist() == [2012] * 4

    def test_other_displacements(self, prepare, clusters):
        layer, facts, _ = prepare(clusters(), value_field="wealth", urban_m=500, rural_m=1000, far_percent=0)
        assert layer["radius_m"].tolist() == [500, 1000, 1000, 500] == layer["likely_m"].tolist()
        assert facts["displacement"]["far_share"] == 0
        with pytest.raises(BadJob, match="cannot be moved less"):
            prepare(clusters(), value_field="wealth", rural_m=20_000)


class TestWhatIsWrong:
    def test_missing_positions(self, prepare, clusters):
        path = clusters(longitude=[0, 1.25, None, 1.4], latitude=[0, 6.3, 6.4, 6.5])
        layer, facts, log = prepare(path, value_field="wealth")
        assert layer["cluster"].tolist() == ["2", "4"]
        assert facts["left_out"] == {"no position": 1, "position 0, 0": 1}
        assert "Left out: 1 row at the position 0, 0, which stands for a missing one." in log

    def test_missing_values_weights_and_years(self, prepare, clusters):
        path = clusters(wealth=[None, 1, 2, 4], weight=[1, 0, 2, 3], year=[2014, 2014, None, 14])
        layer, facts, log = prepare(path, value_field="wealth")
        assert layer["cluster"].tolist() == ["4"] and layer["year"].tolist() == [2014]
        assert facts["left_out"] == {"value": 1, "weight": 1, "no year": 1}
        assert "Years of two digits, taken for 2014 to 2014: 1 row." in log and "a weight of zero or less" in log

    def test_nothing_left(self, prepare, clusters):
        with pytest.raises(BadInput, match=r"Nothing is left of .* 4 rows with a weight of zero or less"):
            prepare(clusters(weight=-1), value_field="wealth")
        with pytest.raises(BadInput, match="does not hold numbers"):
            prepare(clusters(wealth="rich"), value_field="wealth")

    def test_years_of_other_calendars(self, prepare, clusters):
        """Nepal counts 57 years more."""
        layer, facts, log = prepare(clusters(year=[2068, 2011, 2011, 2011]), value_field="wealth")
        assert len(layer) == 3 and facts["left_out"] == {"year": 1} and "another: give the year of the survey" in log

    def test_unknown_urban_codes_get_the_larger_circle(self, prepare, clusters):
        layer, _, log = prepare(clusters(urban_rural=["U", "peri", None, "R"]), value_field="wealth")
        assert layer["urban"].tolist() == ["urban", "", "", "rural"]
        assert layer["radius_m"].tolist() == [2000, 10_000, 10_000, 10_000]
        assert "'' (1 rows), 'peri' (1 rows)" in log
        assert "No field tells urban from rural" in prepare(clusters(urban_rural=None), value_field="wealth")[2]

    def test_duplicates_of_a_cluster_in_a_year(self, prepare, clusters):
        again = {
            "cluster": [1, 1, 3, 3],
            "households": 20,
            "longitude": [1.2, 1.2, 1.3, 1.3],
            "latitude": [6.2, 6.2, 6.4, 6.4],
        }
        layer, _, log = prepare(clusters(**again, wealth=[3, 3, 2, 5], weight=[1, 1, 1, 3]), value_field="wealth")
        assert layer["value"].tolist() == [3, 4.25] and layer["weight"].tolist() == [1, 2]
        assert layer["households"].tolist() == [20, 20]
        assert "more than once in a year: 2; they were averaged by weight" in log
        log = prepare(clusters(**again, wealth=[3, 3, 2, 2]), value_field="wealth")[2]
        assert "more than once in a year: 2; they count once." in log
        layer, _, log = prepare(clusters(**again, year=[2010, 2014, 2010, 2014]), value_field="wealth")
        assert len(layer) == 4 and "more than once" not in log, "a panel is no duplicate"

    def test_one_number_at_several_places(self, prepare, clusters):
        layer, _, log = prepare(clusters(cluster=[1, 2, 1, 2]), value_field="wealth")
        assert (
            len(layer) == 4 and "at several places in one year: 2" in log and "choose 'Country or region field'" in log
        )
        path = clusters(cluster=[1, 2, 1, 2], country=["A", "A", "B", "B"])
        assert "at several places" not in prepare(path, value_field="wealth")[2]

    def test_exchanged_coordinates_are_put_right(self, prepare, clusters, polygons):
        path = clusters(longitude=[40.1, 40.2, 40.3, 40.4], latitude=[-101, -102, -103, -104.0])
        layer, _, log = prepare(path, value_field="wealth")
        assert layer["published_x"].tolist() == [-101, -102, -103, -104] and "were exchanged" in log
        path = clusters(longitude=[6.2, 1.25, 1.3, 1.4], latitude=[1.2, 6.3, 6.4, 6.5])
        layer, _, log = prepare(path, value_field="wealth", areas=polygons((1, 6, 2, 7)))
        assert layer["published_x"].tolist() == [1.2, 1.25, 1.3, 1.4]
        assert "only with longitude and latitude exchanged, which was done: 1 (1)." in log

    def test_positions_off_the_earth_and_at_a_pole(self, prepare, clusters):
        path = clusters(longitude=[200, 1.25, 1.3, 100], latitude=[6, 95, 6.4, 89.99])
        layer, facts, _ = prepare(path, value_field="wealth")
        assert layer["cluster"].tolist() == ["3"] and facts["left_out"] == {"off the Earth": 2, "pole": 1}

    def test_without_numbers_places_are_clusters(self, prepare, clusters):
        path = clusters(
            cluster=None, longitude=[1.2, 1.2, 1.3, 1.4], latitude=[6.2, 6.2, 6.4, 6.5], year=[1999, 2000, 2000, 2000]
        )
        layer, _, log = prepare(path, value_field="wealth")
        assert layer["cluster"].tolist() == ["1", "1", "2", "3"] and "No field numbers clusters" in log

    def test_a_few_positions_that_are_none_do_not_spoil_the_rest(self, prepare, clusters):
        path = clusters(longitude=[1e7, 1.25, 1.3, 1.4], wealth=[1, 1e308, 2, 3])
        layer, facts, _ = prepare(path, value_field="wealth")
        assert layer["cluster"].tolist() == ["3", "4"] and facts["left_out"] == {"off the Earth": 1, "value": 1}

    def test_an_empty_table(self, prepare, clusters):
        path = clusters(cluster=[], longitude=[], latitude=[], urban_rural=[], year=[], wealth=[])
        with pytest.raises(BadInput, match="holds no rows"):
            prepare(path, value_field="wealth")

    def test_jobs_that_do_not_go_together(self, prepare, clusters, tmp_path):
        with pytest.raises(BadJob, match="no assets are recoded"):
            prepare(clusters(), value_field="wealth", codes=str(tmp_path / "c.csv"))
        with pytest.raises(BadJob, match="give both or neither"):
            prepare(clusters(), value_field="wealth", longitude_field="longitude")
        with pytest.raises(BadJob, match=r"must be a \.gpkg"):
            prepare(clusters(), value_field="wealth", name="a.csv")
        with pytest.raises(BadJob, match="Choose another file"):
            prepare(tmp_path / "a.gpkg", value_field="wealth", name="a.gpkg")
        with pytest.raises(BadInput, match="neither points nor fields"):
            prepare(clusters(latitude=None), value_field="wealth")


class TestAreas:
    def test_circles_are_cut_to_the_area_of_the_published_point(self, prepare, clusters, polygons):
        """A border at 1.21 degrees, 1.1 km east of the first cluster."""
        path = polygons((1.0, 6.0, 1.21, 7.0), (1.21, 6.0, 2.0, 7.0))
        layer, facts, log = prepare(clusters(), value_field="wealth", areas=path)
        whole, _, _ = prepare(clusters(), value_field="wealth", name="whole.gpkg")
        west, east = shapely.box(1.0, 6.0, 1.21, 7.0), shapely.box(1.21, 6.0, 2.0, 7.0)
        for one, other, admin in zip(layer.geometry, whole.geometry, (west, east, east, east), strict=True):
            assert one.symmetric_difference(other & admin).area < 1e-9
        assert facts["displacement"]["clipped"] and "3 circles were cut" in log
        cut = [one.area < other.area for one, other in zip(layer.geometry, whole.geometry, strict=True)]
        assert cut == [True, True, True, False]

    def test_areas_in_another_system(self, prepare, clusters, polygons):
        boxes = (1.0, 6.0, 1.21, 7.0), (1.21, 6.0, 2.0, 7.0)
        degrees, _, _ = prepare(clusters(), value_field="wealth", areas=polygons(*boxes))
        utm, _, _ = prepare(
            clusters(), "b.gpkg", value_field="wealth", areas=polygons(*boxes, name="u.gpkg", crs=32631)
        )
        for one, other in zip(degrees.geometry, utm.geometry, strict=True):
            # A border of 100 km that is straight in one system is bent in the other.
            assert one.symmetric_difference(other).area < 5e-3 * one.area

    def test_outside_all_areas(self, prepare, clusters, polygons):
        """500 m beside the area, as with a coarse coast; and far away."""
        path = clusters(longitude=[1.2, 1.25, 1.3, 5.0], urban_rural="R")
        layer, _, log = prepare(path, value_field="wealth", areas=polygons((1.0, 6.0, 1.2955, 7.0)))
        near, far = by_cluster(layer).geometry[["3", "4"]]
        assert near.bounds[2] <= 1.2955 + 1e-9 and area_m2(far) == pytest.approx(np.pi * 1e8, rel=1e-3)
        assert "near one that is drawn coarsely: 1 (3). They count to it." in log
        assert "in no administrative area nor near one: 1 (4)." in log

    def test_of_several_areas_the_smallest_counts(self, prepare, clusters, polygons):
        layer, _, log = prepare(
            clusters(), value_field="wealth", areas=polygons((1.19, 6.1, 1.21, 6.3), (0.0, 5.0, 3.0, 8.0))
        )
        assert (
            by_cluster(layer).geometry["1"].bounds[2] <= 1.21 + 1e-9
            and "in several administrative areas: 1. The smallest counts." in log
        )

    def test_an_area_on_both_sides_of_the_180th_meridian(self, prepare, clusters, polygons):
        land = shapely.MultiPolygon([shapely.box(179, -17, 180, -16.8), shapely.box(-180, -17, -179.5, -16.8)])
        path = clusters(longitude=[179.99, -179.99, 179.95, -179.95], latitude=-16.81, urban_rural="U")
        layer, _, _ = prepare(path, value_field="wealth", areas=polygons(land))
        for row in layer.itertuples():
            assert row.geometry.bounds[3] <= -16.8 + 1e-9 and 0.6 < area_m2(row.geometry) / (np.pi * 4e6) < 0.9

    def test_a_layer_without_polygons_is_refused(self, prepare, clusters, tmp_path):
        with pytest.raises(BadInput, match="a layer of polygons is needed"):
            prepare(clusters(), value_field="wealth", areas=clusters("b.csv"))


def test_the_layer_is_read_as_it_was_written(prepare, clusters, polygons, tmp_path):
    layer, _, _ = prepare(clusters(households=[20, 21, 22, 23]), value_field="wealth", urban_m=1500)
    survey = read_survey(str(tmp_path / "clústers.gpkg"))
    assert len(survey) == 4 and survey.indicator == "wealth" and survey.moved.urban_m == 1500
    assert survey.households.tolist() == [20, 21, 22, 23] and survey.urban.tolist() == layer["urban"].tolist()
    assert shapely.equals_exact(survey.area, layer.geometry.to_numpy(), 1e-12, normalize=True).all()
    found = survey.candidates("draws", count=5, seed=3)
    assert np.bincount(found.place).tolist() == [5] * 4
    with pytest.raises(BadInput, match="no layer of 'Prepare survey points': it lacks the fields"):
        read_survey(polygons((0, 0, 1, 1)))


def test_everything_is_in_the_sidecar(prepare, clusters, tmp_path):
    prepare(clusters(), value_field="wealth")
    content = json.loads((tmp_path / "clústers.gpkg.quadrat.json").read_text(encoding="utf-8"))
    facts = content["facts"]
    assert facts["result"] == "survey" and facts["indicator"] == "wealth"
    assert facts["displacement"] == {
        "urban_m": 2000,
        "rural_m": 5000,
        "far_m": 10_000,
        "far_share": 0.01,
        "clipped": False,
    }
    assert facts["breaks"][0] <= 1 and facts["breaks"][-1] >= 4 and facts["breaks"] == sorted(set(facts["breaks"]))


@pytest.mark.data
class TestRealSurveys:
    def test_dhs_togo(self, prepare, tmp_path):
        source = data("satellite_ts_togo/togo2013_clusters_shared.csv.gz")
        layer, facts, _ = prepare(source, value_field="wealthpooled")
        raw = pd.read_csv(source)
        assert len(layer) == 211 and facts["urban"] == {"rural": 113, "urban": 98} and not facts["warnings"]
        assert layer["households"].tolist() == raw["households"].tolist()
        np.testing.assert_allclose(layer["value"], raw["wealthpooled"])
        for row, distances in zip(layer.itertuples(), corner_distances(layer), strict=True):
            np.testing.assert_allclose(distances, row.radius_m, rtol=1e-6)
        found = read_survey(str(tmp_path / "clústers.gpkg")).candidates("mean", "EPSG:32631", cell_m=1000)
        np.testing.assert_allclose(np.bincount(found.place, found.weight), 1)

    def test_lsms(self, prepare, table):
        with np.load(data("lsms_hists/lsms_folds_ABCD.npz")) as file:
            columns = {"lat": file["locs"][:, 0], "lon": file["locs"][:, 1], "year": file["years"],
                       "country": file["country"], "wealth": file["labels"]}  # fmt: skip
        layer, facts, log = prepare(table(**columns), value_field="wealth")
        assert len(layer) == 2416 and set(layer["region"]) == {"ethiopia", "malawi", "nigeria", "tanzania", "uganda"}
        assert "No field tells urban from rural" in log and sum(facts["years"].values()) == 2416
        assert layer.groupby("cluster")["year"].nunique().max() > 1, "places of a panel keep their number"
