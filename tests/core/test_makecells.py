"""Make cells: where they lie, in which coordinate system, in which zone."""

# ruff: noqa: F811 - fixtures come from beside
import re

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS
from quadrat.core.errors import BadInput, BadJob
from quadrat.tests.core.cellwork import NORTH, UTM, WEST, city, layer, make, raster  # noqa: F401
from rasterio.transform import Affine

pytestmark = pytest.mark.same_without_torch


class TestWhere:
    def test_aligned_to_a_raster(self, make, raster):
        cells, facts, _ = make(raster=raster())
        assert cells.crs.to_epsg() == 32723
        assert list(cells.columns) == ["cell", "row", "col", "zone", "label", "status", "geometry"]
        assert cells["cell"].tolist() == list(range(1, 21))
        assert cells["row"].tolist() == np.repeat(range(4), 5).tolist()
        west, south, east, north = cells.bounds.to_numpy().T
        np.testing.assert_array_equal(west, WEST + 150 * cells["col"])
        np.testing.assert_array_equal(north, NORTH - 150 * cells["row"])
        np.testing.assert_array_equal(east - west, 150)
        np.testing.assert_array_equal(north - south, 150)
        assert facts["cells"] == 20 and facts["side_m"] == 150

    def test_cells_with_nodata_are_dropped_or_kept(self, make, raster):
        holes = np.zeros((60, 75), bool)
        holes[0, 0] = holes[44, 74] = True
        path = raster(missing="nodata", holes=holes)
        cells, _, log = make(raster=path)
        assert sorted(set(zip(cells["row"], cells["col"], strict=True))) == sorted(
            {(r, c) for r in range(4) for c in range(5)} - {(0, 0), (2, 4)}
        )
        assert "2 of 20 cells hold nodata" in log and cells["cell"].tolist() == list(range(1, 19))
        cells, facts, _ = make(raster=path, nodata="keep")
        assert cells.set_index(["row", "col"])["status"].eq("nodata").sum() == 2 == facts["statuses"]["nodata"]

    def test_pixels_that_are_zero_in_all_bands_count_as_nodata_where_none_is_declared(self, make, raster):
        values = np.ones((3, 60, 75))
        values[:, 0, 0] = 0
        values[0, 30, 30] = 0
        cells, _, log = make(raster=raster(values=values))
        assert len(cells) == 19 and "does not declare nodata" in log

    def test_a_size_that_is_no_whole_number_of_pixels(self, make, raster):
        path = raster(transform=Affine(30.5, 0, WEST, 0, -30.5, NORTH))
        cells, _, log = make(raster=path)
        assert "150 m are 4.918 pixels of 30.5 m" in log and "would make cells of 152.5 m" in log
        assert len(cells) == 12 * 15
        cells, facts, log = make(raster=path, snap=True)
        assert "rounded to 5 by 5 whole pixels: 152.5 m" in log
        assert len(cells) == 12 * 15 and facts["side_m"] == 152.5

    def test_extents_begin_at_their_corner(self, make):
        cells, _, log = make(extent=f"{WEST + 7},{WEST + 607},{NORTH - 460},{NORTH - 7} [{UTM}]")
        assert len(cells) == 4 * 3 and cells.total_bounds[0] == WEST + 7 and cells.total_bounds[3] == NORTH - 7
        assert "as the extent" in log
        cells, _, log = make(extent="-43.2,-43.19,-22.91,-22.9 [EPSG:4326]")
        assert cells.crs.to_epsg() == 32723 and "does not measure in metres" in log
        assert len(cells) == 6 * 7

    def test_what_several_cover_counts(self, make, raster, layer):
        path, half = raster(), layer("half", [(100, -600, 1000, 0)])
        cells, _, _ = make(raster=path, boundary=half, extent=f"{WEST},{WEST + 600},{NORTH - 300},{NORTH} [{UTM}]")
        assert sorted(zip(cells["row"], cells["col"], strict=True)) == [(r, c) for r in (0, 1) for c in (1, 2, 3)]
        with pytest.raises(BadInput, match="boundary and raster do not overlap"):
            make(raster=path, boundary=layer("far", [(5000, 0, 6000, 1000)]))

    def test_boundaries_of_neighbours_fit(self, make, layer):
        one, _, _ = make(boundary=layer("one", [(13, -700, 800, -20)]), partial="cut")
        other, _, _ = make(boundary=layer("other", [(800, -700, 1500, -20)]), partial="centre")
        assert (other.bounds[["minx", "maxy"]] % 150 == 0).all(axis=None)
        corner = one[np.isclose(one.area, 150**2)].bounds[["minx", "maxy"]]
        assert len(corner) and (corner % 150 == 0).all(axis=None)
        assert one.area.sum() == pytest.approx(787 * 680)

    def test_the_same_cells_whatever_the_order_of_polygons(self, make, layer, tmp_path):
        boxes = [(0, -450, 450, 0), (600, -900, 1200, -300), (300, -600, 750, -300)]
        favelas = layer("favelas", [(k * 130, -400, k * 130 + 200, -50) for k in range(6)])
        make("a.gpkg", boundary=layer("a1", boxes), favelas=favelas)
        turned = layer("turned", [(k * 130, -400, k * 130 + 200, -50) for k in reversed(range(6))])
        make("b.gpkg", boundary=layer("b1", boxes[::-1]), favelas=turned)
        a, b = (gpd.read_file(tmp_path / f"{name}.gpkg") for name in "ab")
        assert a.equals(b) and len(a)


class TestSystems:
    @pytest.mark.parametrize("crs", [4326, 3857, 2263])
    def test_what_is_not_in_true_metres_becomes_utm(self, make, layer, crs):
        cells, _, log = make(boundary=layer("b", [(0, -1200, 1500, 0)], crs=f"EPSG:{crs}"), partial="centre")
        assert cells.crs.to_epsg() == 32723 and "WGS 84 / UTM zone 23S (EPSG:32723), because" in log
        assert len(cells) == pytest.approx(80, abs=9)

    def test_a_projected_boundary_keeps_its_own(self, make, layer):
        cells, _, log = make(boundary=layer("b", [(0, -1200, 1500, 0)], crs="EPSG:31983"))
        assert cells.crs.to_epsg() == 31983 and "as the boundary" in log

    def test_one_can_be_chosen(self, make, city):
        assert make(boundary=city, crs="EPSG:31983")[0].crs.to_epsg() == 31983
        assert make(boundary=city, crs=CRS.from_epsg(31983).to_wkt())[0].crs.to_epsg() == 31983
        with pytest.raises(BadInput, match=r"does not measure in metres.*WGS 84 / UTM zone 23S"):
            make(boundary=city, crs="EPSG:4326")
        with pytest.raises(BadInput, match="is no coordinate system"):
            make(boundary=city, crs="EPSG:0")
        _, _, log = make(boundary=city, crs="EPSG:3857")
        assert "cells of 150 m are 138 m wide" in log

    def test_a_country_is_too_wide_for_one_utm_zone(self, make, tmp_path):
        path = str(tmp_path / "wide.gpkg")
        gpd.GeoDataFrame(geometry=[shapely.box(-70, -25, -40, -5)], crs="EPSG:4326").to_file(path)
        _, _, log = make(boundary=path, cell_size_m=200_000)
        assert re.search(r"cells of 200,?000 m are 19\d,\d{3} to 200,0\d\d m wide", log)
        assert "metres on the ground" not in make(boundary=path, cell_size_m=200_000, crs="ESRI:54034")[2]

    def test_rasters_in_degrees_give_corner_but_no_pixels(self, make, make_raster):
        path = make_raster(
            "d.tif", np.ones((1, 50, 60)), crs="EPSG:4326", transform=Affine(2e-4, 0, -43.2, 0, -2e-4, -22.9)
        )
        cells, _, log = make(raster=path)
        assert cells.crs.to_epsg() == 32723 and "cannot follow its pixels" in log
        assert 40 < len(cells) < 7 * 8
        with pytest.raises(BadInput, match="cannot be rounded to whole pixels"):
            make(raster=path, snap=True)

    def test_turned_rasters_are_refused(self, make, raster):
        with pytest.raises(BadInput, match="is turned"):
            make(raster=raster(transform=Affine(10, 1, WEST, 1, -10, NORTH)))

    def test_on_both_sides_of_the_180th_meridian(self, make, tmp_path):
        """Taveuni, Fiji, as it is stored: one part at +180, the other at -180 degrees."""
        path = str(tmp_path / "fiji.gpkg")
        parts = [shapely.box(179.98, -16.9, 180, -16.88), shapely.box(-180, -16.9, -179.98, -16.88)]
        gpd.GeoDataFrame(geometry=parts, crs="EPSG:4326").to_file(path)
        cells, _, _ = make(boundary=path, partial="centre")
        assert cells.crs.to_epsg() in (32760, 32701)
        side = 2 * np.radians(0.02) * 6_378_137 * np.cos(np.radians(16.89)) * np.radians(0.02) * 6_356_000
        assert cells.area.sum() == pytest.approx(side, rel=0.1)

    def test_layers_in_other_systems_fall_into_place(self, make, city, layer):
        box = [(400, -700, 900, -200)]
        here = make(boundary=city, favelas=layer("f", box))[0]["p_favelas"]
        for crs in ("EPSG:4326", "EPSG:3857", "ESRI:54009"):
            there = make(boundary=city, favelas=layer(f"f{crs[-5:]}", box, crs=crs))[0]["p_favelas"]
            np.testing.assert_allclose(there, here, atol=2e-5)


class TestZones:
    def test_numbers_of_cells_tell_the_zone(self, make, city, layer):
        zones = layer("z", [(-500, -3000, 800, 500), (800, -3000, 9000, 500)], number=[4, 2])
        cells, _, _ = make(boundary=city, zones=zones, zone_field="number")
        assert set(cells["zone"]) == {2, 4}
        np.testing.assert_array_equal(cells["cell"] // 100_000, cells["zone"])
        for _, part in cells.groupby("zone"):
            assert (part["cell"] % 100_000).tolist() == list(range(1, len(part) + 1))
        assert (cells.loc[cells.centroid.x < WEST + 800, "zone"] == 4).all()

    def test_names_are_numbered_and_kept(self, make, city, layer):
        zones = layer("z", [(-500, -3000, 800, 500), (800, -3000, 1100, 500), None], name=["Sul", "Norte", "Leste"])
        cells, _, log = make(boundary=city, zones=zones, zone_field="name")
        named = cells[["zone", "zone_name"]].drop_duplicates().sort_values("zone")
        assert named["zone"].tolist() == [0, 1, 2]
        assert named["zone_name"].tolist()[1:] == ["Norte", "Sul"]
        assert "lies in no zone" in log and "1 Norte, 2 Sul" in log

    def test_zones_alone_are_ground_and_need_their_field(self, make, layer):
        zones = layer("z", [(0, -700, 800, 0)], number=[1], empty=[None])
        assert (make(zones=zones, zone_field="number")[0]["zone"] == 1).all()
        for values, problem in (({}, "both or neither"), ({"zone_field": "nr"}, "no field 'nr'"),
                                ({"zone_field": "empty"}, "is empty")):  # fmt: skip
            with pytest.raises((BadJob, BadInput), match=problem):
                make(zones=zones, **values)


def test_equal_jobs_are_equal_files(make, city, layer, tmp_path):
    favelas = layer("f", [(0, -500, 500, 0)])
    make(boundary=city, favelas=favelas)
    before = (tmp_path / "célula.gpkg").read_bytes()
    make(boundary=city, favelas=favelas)
    assert (tmp_path / "célula.gpkg").read_bytes() == before
