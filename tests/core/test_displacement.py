"""Where a displaced cluster may truly be: limits, areas, weights and distributions of lattices and draws."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.poverty.survey.areas import areas_of
from quadrat.core.poverty.survey.displacement import Displacement, candidates
from quadrat.core.poverty.survey.plane import discs, from_plane, to_plane, wrapped
from quadrat.core.settlement.polygons import Polygons
from quadrat.tests.core.surveywork import GEOD
from scipy.stats import kstest

pytestmark = pytest.mark.same_without_torch
DHS = Displacement()
LONGITUDE, LATITUDE = st.floats(-180, 180), st.floats(-80, 80)


def whole(published, urban):
    return wrapped(discs(np.array(published, float), DHS.largest_m(urban)))


def find(how, published=((1.2, 6.2),), urban=("urban",), area=None, **values):
    published, urban = np.array(published, float), list(urban)
    return candidates(published, urban, whole(published, urban) if area is None else area, how, **values)


def distance(found, published):
    at = np.array(published, float)[found.place]
    return np.asarray(GEOD.inv(at[:, 0], at[:, 1], found.xy[:, 0], found.xy[:, 1])[2])


class TestPlane:
    @given(LONGITUDE, LATITUDE, st.floats(-20_000, 20_000), st.floats(-20_000, 20_000))
    def test_there_and_back(self, lon, lat, x, y):
        centre, xy = np.array([[lon, lat]]), np.array([[x, y]])
        np.testing.assert_allclose(to_plane(centre, from_plane(centre, xy)), xy, atol=1e-5)

    @given(LONGITUDE, LATITUDE, st.floats(50, 20_000))
    def test_discs_are_round_on_the_ground(self, lon, lat, radius):
        disc = wrapped(discs(np.array([[lon, lat]]), np.array([radius])))[0]
        west, south, east, north = disc.bounds
        assert west >= -180 and east <= 180 and -90 < south < north < 90
        corners = shapely.get_coordinates(disc)
        metres = np.asarray(GEOD.inv(np.full(len(corners), lon), np.full(len(corners), lat), *corners.T)[2])
        assert metres.max() == pytest.approx(radius, rel=1e-6)
        # Where it is cut in two at 180 degrees, edges of the cut run through it.
        assert disc.geom_type == "MultiPolygon" or metres.min() == pytest.approx(radius, rel=1e-6)
        area = abs(GEOD.geometry_area_perimeter(shapely.orient_polygons(disc))[0])
        assert area == pytest.approx(np.pi * radius**2, rel=2e-3)


class TestOff:
    def test_the_published_point(self):
        published = [(1.2, 6.2), (-179.99, -17.0)]
        found = find("off", published, ["urban", ""])
        np.testing.assert_allclose(found.xy, published, atol=1e-12)
        assert found.place.tolist() == [0, 1] and found.weight.tolist() == [1, 1]

    def test_in_any_coordinate_system(self):
        found = find("off", crs="EPSG:32631")
        wanted = Transformer.from_crs(4326, 32631, always_xy=True).transform(1.2, 6.2)
        np.testing.assert_allclose(found.xy, [wanted])


class TestLattice:
    @settings(max_examples=30, deadline=None)
    @given(
        st.lists(st.tuples(LONGITUDE, LATITUDE, st.sampled_from(["urban", "rural", ""])), min_size=1, max_size=4),
        st.floats(300, 12_000), st.booleans(),
    )  # fmt: skip
    def test_weights_sum_to_one_and_nothing_lies_too_far(self, places, cell, far):
        published, urban = [place[:2] for place in places], [place[2] for place in places]
        found = find("mean", published, urban, cell_m=cell, far=far)
        np.testing.assert_allclose(np.bincount(found.place, found.weight), 1)
        assert (np.diff(found.place) >= 0).all() and set(found.place) == set(range(len(places)))
        assert (found.weight > 0).all()
        reach = np.array([max(radius for radius, _ in DHS.mixture(one, far)) for one in urban])
        assert (distance(found, published) <= reach[found.place] * (1 + 1e-6)).all()

    def test_cells_are_as_far_apart_as_asked_and_one_is_at_the_published_point(self):
        found = find("mean", cell_m=500)
        plane = to_plane(np.repeat([[1.2, 6.2]], len(found.xy), axis=0), found.xy)
        middle = np.abs(plane).max(axis=1) < 1100
        np.testing.assert_allclose(plane[middle] / 500, np.round(plane[middle] / 500), atol=1e-6)
        assert middle.sum() == 25 and 50 < len(plane) <= 81

    def test_weights_follow_the_density_of_a_uniform_distance(self):
        """Within a square of side s around the middle lies a share of s / R * 2 ln(1 + sqrt 2) / pi."""
        found = find("mean", cell_m=400)
        share = 400 / 2000 * 2 * np.log(1 + np.sqrt(2)) / np.pi
        middle = np.argmin(distance(found, [(1.2, 6.2)]))
        assert found.weight[middle] == pytest.approx(share, rel=0.02)
        far, near = (np.argmin(np.abs(distance(found, [(1.2, 6.2)]) - d)) for d in (1600, 800))
        assert found.weight[near] / found.weight[far] == pytest.approx(2, rel=0.1), "density falls with 1 / r"

    def test_the_far_few_are_one_per_cent(self):
        near, all_of_them = (find("mean", urban=["rural"], cell_m=250, far=far) for far in (False, True))
        assert distance(near, [(1.2, 6.2)]).max() <= 5000 < distance(all_of_them, [(1.2, 6.2)]).max()
        # Of the cells on the line of 5 km most belongs to the many within.
        beyond = all_of_them.weight[distance(all_of_them, [(1.2, 6.2)]) > 5200].sum()
        assert beyond == pytest.approx(0.0048, rel=0.05)

    def test_instances_are_the_cells_of_the_lattice(self):
        one, other = find("mean", urban=["rural"]), find("instances", urban=["rural"])
        np.testing.assert_array_equal(one.xy, other.xy)

    def test_a_cell_wider_than_the_disc_leaves_the_middle(self):
        assert find("mean", cell_m=9000).weight.tolist() == [1]

    def test_lattices_too_fine_are_refused(self):
        with pytest.raises(BadJob, match="Choose larger cells"):
            find("mean", urban=["rural"], cell_m=5)

    def test_inside_an_area(self):
        """A border 300 m east of the published point."""
        east = from_plane(np.array([[1.2, 6.2]]), np.array([[300.0, 0.0]]))[0, 0]
        admin = shapely.box(0.5, 5, east, 7)
        area = np.array([whole([(1.2, 6.2)], ["urban"])[0] & admin])
        found = find("mean", area=area, cell_m=500)
        assert shapely.contains_xy(admin, found.xy).all() and found.weight.sum() == pytest.approx(1)
        whole_disc = find("mean", cell_m=500)
        assert len(found.weight) < len(whole_disc.weight)
        assert found.weight.max() > whole_disc.weight.max(), "what is left out makes the rest more probable"

    def test_whole_discs_and_barely_cut_ones_agree(self):
        disc = whole([(1.2, 6.2)], ["urban"])
        cut = np.array([shapely.difference(disc[0], shapely.Point(1.2179, 6.2).buffer(0.001))])
        one, other = find("mean", cell_m=800), find("mean", cell_m=800, area=cut)
        np.testing.assert_allclose(other.weight, one.weight, atol=0.01)

    def test_on_both_sides_of_the_180th_meridian(self):
        found = find("mean", [(179.999, -17.0)], cell_m=500)
        assert len(set(np.sign(found.xy[:, 0]))) == 2
        assert distance(found, [(179.999, -17.0)]).max() <= 2000 and len(found.weight) == len(
            find("mean", cell_m=500).weight
        )


class TestDraws:
    def test_distances_are_uniform_and_so_are_angles(self):
        found = find("draws", count=4000, seed=7)
        plane = to_plane(np.repeat([[1.2, 6.2]], 4000, axis=0), found.xy)
        assert kstest(np.hypot(*plane.T) / 2000, "uniform").pvalue > 0.05
        assert kstest(np.arctan2(*plane.T) / (2 * np.pi) + 0.5, "uniform").pvalue > 0.05
        assert found.weight.tolist() == [1 / 4000] * 4000

    def test_rural_ones_are_the_published_mixture(self):
        """One in a hundred from 0 to 10 km, so one in two hundred beyond 5 km."""
        found = find("draws", urban=["rural"], count=100_000, seed=7)
        metres = distance(found, [(1.2, 6.2)])
        assert metres.max() <= 10_000 and (metres > 5000).mean() == pytest.approx(0.005, abs=0.001)

        def mixed(r):
            return 0.99 * np.clip(r / 5000, 0, 1) + 0.01 * np.clip(r / 10_000, 0, 1)

        assert kstest(metres, mixed).pvalue > 0.05

    @settings(max_examples=25, deadline=None)
    @given(LONGITUDE, LATITUDE, st.sampled_from(["urban", "rural"]), st.floats(-0.5, 0.5), st.integers(0, 99))
    def test_inside_limits_and_areas(self, lon, lat, urban, border, seed):
        """An area that ends beside the published point, which lies in it."""
        published = np.array([[lon, lat]])
        turn = border * 0.01
        admin = shapely.box(lon - 5, lat - 5, lon + abs(turn), lat + 5)
        layer = Polygons(np.array([admin]), None, None, "admin")
        areas = areas_of(published, DHS.largest_m([urban]), DHS.likely_m([urban]), layer)
        found = candidates(published, [urban], areas.shapes, "draws", count=30, seed=seed)
        assert len(found.xy) == 30 and (distance(found, published) <= DHS.largest_m([urban])[0] * (1 + 1e-9)).all()
        # In metres, where no meridian cuts the area in two; the hair is a border that is drawn by straight edges.
        ways = to_plane(np.repeat(published, 30, axis=0), found.xy)
        edge = to_plane(published, published + np.array([[abs(turn), 0.0]]))[0, 0]
        assert (ways[:, 0] <= edge + 30).all()

    def test_the_same_seed_gives_the_same_places_whoever_else_is_there(self):
        three, urban = [(1.2, 6.2), (1.3, 6.3), (1.4, 6.4)], ["urban", "rural", "urban"]
        one, again = (find("draws", three, urban, seed=5, names=["a", "b", "c"]) for _ in range(2))
        np.testing.assert_array_equal(one.xy, again.xy)
        alone = find("draws", three[2:], urban[2:], seed=5, names=["c"])
        np.testing.assert_array_equal(one.xy[one.place == 2], alone.xy)
        assert not np.array_equal(one.xy, find("draws", three, urban, seed=6, names=["a", "b", "c"]).xy)

    def test_other_displacements(self):
        moved = Displacement(100, 300, 600, 0.5)
        found = find("draws", urban=["rural"], moved=moved, count=2000)
        metres = distance(found, [(1.2, 6.2)])
        assert metres.max() <= 600 and (metres > 300).mean() == pytest.approx(0.25, abs=0.04)
        assert moved.largest_m(["urban", "rural", ""]).tolist() == [100, 600, 600]
        assert moved.likely_m(["urban", "rural", ""]).tolist() == [100, 300, 300]

    def test_an_area_out_of_reach_is_told_with_the_name(self):
        far = np.array([shapely.box(3, 3, 4, 4)])
        for how in ("draws", "mean"):
            with pytest.raises(BadInput, match=r"Cluster 17 .*Check its\s+coordinates"):
                find(how, area=far, names=["17"])


def test_ways_that_are_none_are_refused():
    with pytest.raises(BadJob, match=r"no way 'buffer'.*There are: off, mean, draws, instances"):
        find("buffer")


def test_no_places_give_no_candidates():
    for how in ("off", "mean", "draws", "instances"):
        found = candidates(np.zeros((0, 2)), [], np.zeros(0, object), how)
        assert found.xy.shape == (0, 2) and len(found.place) == len(found.weight) == 0
