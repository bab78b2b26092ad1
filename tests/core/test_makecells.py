"""Make cells from end to end: where cells lie, what is in them, what becomes of them."""

import re
import sqlite3
import threading

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS
from quadrat.core.errors import BadInput, BadJob, Cancelled
from quadrat.core.jobs.settlement.cells import MakeCells
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.sidecar import read_sidecar
from rasterio.transform import Affine

pytestmark = pytest.mark.same_without_torch

WEST, NORTH = 686_000.0, 7_466_000.0
"""In Rio de Janeiro, UTM zone 23S."""
UTM = "EPSG:32723"


@pytest.fixture
def make(tmp_path):
    """Run the job; gives the layer, the facts and the log."""

    def go(name="célula.gpkg", progress=None, **values):
        log, path = [], str(tmp_path / name)
        job = MakeCells.from_dict(
            {"output": path} | {k: str(v) if k in ("boundary",) else v for k, v in values.items()}
        )
        result = run_job(job, progress or Progress(log=lambda level, text: log.append(text)))
        return gpd.read_file(path), result.facts, " ".join(log)

    return go


@pytest.fixture
def layer(tmp_path):
    """Write shapes as a layer; bounds (west, south, east, north) from the corner of the city count as boxes."""

    def go(file, shapes, crs=UTM, **columns):
        given = [one is None or isinstance(one, shapely.Geometry) for one in shapes]
        boxes = [None if known else shapely.box(WEST + one[0], NORTH + one[1], WEST + one[2], NORTH + one[3])
                 for one, known in zip(shapes, given, strict=True)]  # fmt: skip
        made = [one if known else box for one, box, known in zip(shapes, boxes, given, strict=True)]
        path = str(tmp_path / f"{file}.gpkg")
        gpd.GeoDataFrame(columns, geometry=made, crs=UTM).to_crs(crs).to_file(path)
        return path

    return go


@pytest.fixture
def city(layer):
    """A boundary of 10 by 8 cells that begins at a whole multiple of 150 m."""
    west, north = np.ceil(WEST / 150) * 150 - WEST, np.floor(NORTH / 150) * 150 - NORTH
    return layer("city", [(west, north - 1200, west + 1500, north)])


@pytest.fixture
def raster(make_raster):
    """60 by 75 pixels of 10 m: 4 by 5 cells."""

    def go(name="city.tif", values=None, **facts):
        values = np.ones((1, 60, 75)) if values is None else values
        facts = {"crs": UTM, "transform": Affine(10, 0, WEST, 0, -10, NORTH), **facts}
        return make_raster(name, values, **facts)

    return go


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


class TestShares:
    def test_of_everything_against_brute_force(self, make, raster, layer):
        rng = np.random.default_rng(1)
        red, nir = rng.uniform(0.02, 0.2, (2, 60, 75))
        nir[:, :40] += 0.4
        optical = raster("s2.tif", np.stack([red, nir]), dtype="float32", names=("red", "nir"), nodata=-1)
        built = rng.integers(0, 101, (60, 75)).astype("uint8")
        built[0] = 100
        boxes = [(k * 70.0, -330, k * 70 + 55.0, -90) for k in range(8)]
        favelas = layer("f", [*boxes, (100, -250, 300, -200)])
        cells, _, log = make(
            raster=optical, favelas=favelas, residential=layer("r", [(0, -600, 700, -300)]), optical=optical,
            built_up=raster("b.tif", built[None], dtype="uint8"), excluded=layer("x", [(610, -600, 750, 0)]),
        )  # fmt: skip
        assert list(cells.columns[4:-1]) == ["p_favelas", "res", "p_vegeta", "ghsl", "zi", "label", "status"]
        ndvi = (nir - red) / (nir + red)
        for at, (r, c) in enumerate(zip(cells["row"], cells["col"], strict=True)):
            window = np.s_[15 * r : 15 * r + 15, 15 * c : 15 * c + 15]
            row = cells.iloc[at]
            assert row["p_vegeta"] == pytest.approx((ndvi[window] > 0.4).mean(), abs=1e-6)
            assert row["ghsl"] == pytest.approx(built[window].mean() / 100, abs=1e-6)
            union = shapely.union_all(gpd.read_file(favelas).geometry)
            assert row["p_favelas"] == pytest.approx(row.geometry.intersection(union).area / 22500, abs=1e-6)
        assert cells["zi"].tolist() == pytest.approx([0, 0, 0, 0, 140 / 150] * 4)
        assert "NDVI of band 1 (red) and band 2 (nir)" in log and "per cent" in log

    def test_missing_sources_are_said_and_left_out(self, make, city, layer):
        cells, _, log = make(boundary=city)
        assert set(cells["status"]) == {"to be mapped"} and cells["label"].isna().all()
        assert "No source was given of: favelas, so no cell is labelled; vegetation" in log
        cells, _, log = make(boundary=city, favelas=layer("f", [(400, -700, 900, -200)]))
        assert {"favela", "mixed", "residential"} == set(cells["status"])
        assert "be it field, forest or water" in log
        assert cells["label"].isna().tolist() == (cells["status"] == "mixed").tolist()

    def test_built_up_numbers(self, make, raster):
        def share(values, told="auto", **facts):
            path = raster("b.tif", np.full((1, 60, 75), 0.0) + values, **facts)
            cells, _, log = make(raster=raster(), built_up=path, built_up_values=told)
            return cells["ghsl"].iloc[0], log

        half = np.zeros((60, 75))
        half[:, ::2] = 1
        assert share(half, dtype="uint8")[0] == pytest.approx(half[:15, :15].mean(), abs=1e-6)
        assert share(half * 40, dtype="uint8")[0] == pytest.approx(0.4 * half[:15, :15].mean(), abs=1e-6)
        pixel = Affine(25, 0, WEST - 100, 0, -25, NORTH + 100)
        value, log = share(half * 400, dtype="uint16", transform=pixel)
        assert "square metres" in log and value == pytest.approx(0.64 * 0.5, abs=0.06)
        assert share(half * 60, "square-metres", dtype="uint16")[0] == pytest.approx(
            0.6 * half[:15, :15].mean(), abs=1e-6
        )
        for values, told, dtype, problem in (
            (half * 255, "auto", "uint8", "bytes up to 255"),
            (half * 65535, "auto", "uint16", "up to 65535, more than the 100 square"),
            (half * 90, "share", "uint8", "as share it can be 1 at most"),
            (half - 9, "auto", "int16", "negative"),
        ):
            with pytest.raises(BadInput, match=problem):
                share(values, told, dtype=dtype)

    def test_square_metres_in_degrees(self, make, make_raster):
        """GHS-BUILT-S in WGS 84: a pixel of 3 arc seconds is some 93 by 86 m in Rio."""
        step = 3 / 3600
        whole = 92.3 * 85.6
        path = make_raster("ghs_built_s.tif", np.full((1, 30, 30), 0.25 * whole), dtype="float32", crs="EPSG:4326",
                           transform=Affine(step, 0, -43.21, 0, -step, -22.89))  # fmt: skip
        cells, _, log = make(extent="-43.2,-43.19,-22.91,-22.9 [EPSG:4326]", built_up=path)
        assert cells["ghsl"].tolist() == pytest.approx([0.25] * len(cells), rel=0.01)
        assert "European Commission, Joint Research Centre (CC BY 4.0)" in log

    def test_places_where_a_raster_ends(self, make, raster, layer):
        path = raster("ndvi.tif", np.full((1, 60, 75), 0.2), dtype="float32")
        cells, _, log = make(boundary=layer("wide", [(0, -600, 3000, 0)]), optical=path)
        assert {"outside sources", "to be mapped"} == set(cells["status"])
        assert (
            cells.loc[cells["status"] == "outside sources", "p_vegeta"].isna().all()
            and "covers less than half of" in log
        )
        assert ((cells["status"] == "to be mapped") == (cells.centroid.x < WEST + 750)).all()
        with pytest.raises(BadInput, match="has no value in any cell"):
            make(boundary=layer("far", [(9000, -600, 9900, 0)]), optical=path)

    @pytest.mark.parametrize(
        ("values", "facts", "roles", "problem"),
        [
            (np.full((1, 60, 75), 40), {"dtype": "uint8"}, "", "which is no NDVI"),
            (np.full((2, 60, 75), 40), {"dtype": "uint8"}, "", "red and which is near infrared is not known"),
            (np.full((2, 60, 75), 40), {"dtype": "uint8"}, "red=1 nir=3", "has 2 bands"),
            (np.full((3, 60, 75), 40), {"dtype": "uint8"}, "1 2 3", "near infrared alone"),
        ],
    )
    def test_no_ndvi(self, make, raster, values, facts, roles, problem):
        path = raster("x.tif", values, **facts)
        with pytest.raises((BadInput, BadJob), match=problem):
            make(raster=path, optical=path, band_roles=roles)

    def test_bands_can_be_told_and_ndvi_be_whole_numbers(self, make, raster):
        bands = np.stack([np.full((60, 75), 0.5), np.full((60, 75), 0.1)])
        bands[0, :, :30] = 0.05
        path = raster("x.tif", bands, dtype="float32", nodata=-9)
        cells, *_ = make(raster=path, optical=path, band_roles="red=2 nir=1")
        assert cells["p_vegeta"].tolist() == [0, 0, 1, 1, 1] * 4
        ndvi = raster("n.tif", (bands[:1] - 0.1) * 20000, dtype="int16", nodata=-30000)
        cells, _, log = make(raster=path, optical=ndvi)
        assert cells["p_vegeta"].tolist() == [0, 0, 1, 1, 1] * 4 and "NDVI x 10,000" in log


class TestExistingCells:
    def test_other_thresholds_need_no_sources(self, make, city, layer, tmp_path):
        first, _, _ = make(boundary=city, favelas=layer("f", [(400, -700, 960, -240)]))
        again, _, log = make("again.gpkg", cells=str(tmp_path / "célula.gpkg"), favela_least=0.3)
        assert "Taken as the cells have them: p_favelas" in log
        assert again["cell"].equals(first["cell"]) and again.geometry.equals(first.geometry)
        assert (again["label"] == "favela").tolist() == (first["p_favelas"] >= 0.3).tolist()
        assert list(again.columns) == list(first.columns)

    def test_columns_stay_and_labels_are_not_wiped_out(self, make, layer):
        boxes = [(k * 100, -100, k * 100 + 100, 0) for k in range(3)]
        path = layer("mine", boxes, label=["favela", None, "x"], slope=[1.5, 2, 3])
        cells, _, _ = make(cells=path)
        assert cells["cell"].tolist() == [1, 2, 3] and cells["slope"].tolist() == [1.5, 2, 3]
        assert cells["label"].tolist()[::2] == ["favela", "x"] and set(cells["status"]) == {"to be mapped"}

    def test_in_degrees(self, make, layer):
        path = layer("deg", [(0, -150, 150, 0), (150, -150, 300, 0)], crs="EPSG:4326")
        cells, facts, _ = make(cells=path, favelas=layer("f", [(0, -75, 150, 0)]))
        assert cells.crs.to_epsg() == 4326 and facts["side_m"] == pytest.approx(150, abs=0.1)
        assert cells["p_favelas"].tolist() == pytest.approx([0.5, 0], abs=1e-5)

    def test_shares_that_are_none_are_refused(self, make, layer):
        with pytest.raises(BadInput, match="field 'p_favelas' of the cells holds numbers that are no shares"):
            make(cells=layer("m", [(0, -150, 150, 0)], p_favelas=[70]))


class TestSources:
    def test_they_stay_with_the_layer(self, make, city, layer, tmp_path):
        _, _, log = make(
            boundary=city, favelas=layer("f", [(0, -500, 500, 0)]), sources="IBGE 2010; OpenStreetMap (ODbL)"
        )
        assert "offer the layer under the ODbL" in log
        with sqlite3.connect(tmp_path / "célula.gpkg") as file:
            described = file.execute("SELECT description FROM gpkg_contents").fetchone()[0]
        assert "IBGE 2010; OpenStreetMap (ODbL)" in described and "offer the layer under the ODbL" in described
        assert read_sidecar(str(tmp_path / "célula.gpkg"))["facts"]["credits"] == ["IBGE 2010; OpenStreetMap (ODbL)"]

    def test_fields_and_names_of_files_tell(self, make, city, layer):
        log = make(boundary=city, favelas=layer("f", [(0, -500, 500, 0)], osm_id=["1"]))[2]
        assert "© OpenStreetMap contributors (ODbL)" in log and "offer the layer under the ODbL" in log
        assert "IBGE" in make(boundary=city, favelas=layer("IBGE_2010", [(0, -500, 500, 0)]))[2]
        assert "do not say whose data" in make(boundary=city, favelas=layer("cosmos", [(0, -500, 500, 0)]))[2]


class TestBadInput:
    def test_invalid_and_empty_polygons_are_repaired_or_left_out(self, make, city, layer):
        bow = shapely.Polygon([(WEST + x, NORTH - y) for x, y in ((0, 0), (600, 600), (600, 0), (0, 600))])
        cells, _, log = make(boundary=city, favelas=layer("f", [bow, shapely.Point(WEST, NORTH), None]))
        assert "1 invalid polygons" in log and "2 features" in log
        assert cells["p_favelas"].max() <= 1 and 150**2 * cells["p_favelas"].sum() < 600 * 600 / 2 + 1

    @pytest.mark.parametrize("which", ["boundary", "favelas", "zones"])
    def test_layers_without_polygons(self, make, city, layer, which, tmp_path):
        points = layer("points", [shapely.Point(WEST, NORTH)], number=[1])
        given = {"boundary": city, which: points} | ({"zone_field": "number"} if which == "zones" else {})
        with pytest.raises(BadInput, match="holds no polygons"):
            make(**given)
        lost = str(tmp_path / "lost.gpkg")
        gpd.GeoDataFrame({"number": [1]}, geometry=[shapely.box(0, 0, 1, 1)]).to_file(lost)
        with pytest.raises(BadInput, match="has no coordinate system"):
            make(**{**given, which: lost})

    def test_reference_that_lies_elsewhere_is_said(self, make, city, layer):
        assert "None of" in make(boundary=city, favelas=layer("f", [(90_000, 0, 91_000, 500)]))[2]

    @pytest.mark.parametrize(
        ("values", "problem"),
        [
            ({}, "needs a boundary"),
            ({"cells": "a", "boundary": "b"}, "Existing cells are where they are"),
            ({"cells": "a", "crs": "EPSG:32723"}, "Existing cells are where they are"),
            ({"boundary": "b", "snap": True}, "only where a raster"),
            ({"boundary": "b", "residential_favela_most": 0.7}, "must be below"),
            ({"boundary": "b", "band_roles": "rot=3"}, "is no role"),
        ],
    )
    def test_parameters_that_do_not_go_together(self, values, problem):
        with pytest.raises(BadJob, match=problem):
            MakeCells.from_dict({"output": "o.gpkg"} | values)

    def test_other_formats_and_overwriting(self, make, city):
        with pytest.raises(BadJob, match=r"must be a \.gpkg file"):
            make("cells.csv", boundary=city)
        with pytest.raises(BadJob, match="Choose another file"):
            make("city.gpkg", boundary=city)

    def test_too_many_cells(self, make, city):
        with pytest.raises(BadInput, match="raise 'Most cells' if you mean it"):
            make(boundary=city, cell_size_m=0.1)

    def test_it_can_be_stopped(self, make, city, tmp_path):
        stopped = threading.Event()
        stopped.set()
        with pytest.raises(Cancelled):
            make(boundary=city, progress=Progress(cancelled=stopped))
        assert not (tmp_path / "célula.gpkg").exists()


def test_equal_jobs_are_equal_files(make, city, layer, tmp_path):
    favelas = layer("f", [(0, -500, 500, 0)])
    make(boundary=city, favelas=favelas)
    before = (tmp_path / "célula.gpkg").read_bytes()
    make(boundary=city, favelas=favelas)
    assert (tmp_path / "célula.gpkg").read_bytes() == before
