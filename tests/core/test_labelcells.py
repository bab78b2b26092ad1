"""Make cells: what lies in them, what they teach, whose data it is; and what is refused."""

# ruff: noqa: F811 - fixtures come from beside
import sqlite3
import threading

import geopandas as gpd
import numpy as np
import pytest
import shapely
from quadrat.core.errors import BadInput, BadJob, Cancelled
from quadrat.core.jobs.settlement.cells import MakeCells
from quadrat.core.progress import Progress
from quadrat.core.sidecar import read_sidecar
from quadrat.tests.core.cellwork import NORTH, UTM, WEST, city, layer, make, raster  # noqa: F401
from rasterio.transform import Affine

pytestmark = pytest.mark.same_without_torch


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

    def test_nodata_and_sources_are_not_forgotten(self, make, raster, layer, tmp_path):
        holes = np.zeros((60, 75), bool)
        holes[0, 0] = True
        favelas = layer("f", [(0, -600, 750, 0)])
        make(raster=raster(missing="nodata", holes=holes), nodata="keep", favelas=favelas, sources="© Prefeitura")
        again, _, log = make("again.gpkg", cells=str(tmp_path / "célula.gpkg"), favela_least=0.9)
        assert again["status"].tolist() == ["nodata"] + ["favela"] * 19
        assert again["label"].isna().tolist() == [True] + [False] * 19
        assert "Sources: © Prefeitura." in log
        assert read_sidecar(str(tmp_path / "again.gpkg"))["facts"]["credits"] == ["© Prefeitura"]

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
