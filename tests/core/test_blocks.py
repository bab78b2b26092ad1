"""Cells drawn for statistics, blocks filled one by one, footing, and places."""

import threading

import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core import blocks
from quadrat.core.blocks import draw_cells, fill
from quadrat.core.errors import BadInput, Cancelled
from quadrat.core.footing import Footing, unit
from quadrat.core.grid import Grid
from quadrat.core.places import cell_area, centres, ground, need_some, read_places
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.core.region import PolygonMask
from quadrat.core.writing import Band, BlockWriter

pytestmark = pytest.mark.same_without_torch

HOLES = np.zeros((300, 290), bool)
HOLES[:200, :100] = True


@pytest.fixture
def holed(make_raster):
    return make_raster("holed.tif", height=300, width=290, dtype="float32", missing="nan", holes=HOLES)


class TestDraw:
    def test_cells_are_valid_distinct_and_theirs(self, holed):
        with open_raster(holed) as reader:
            sample = draw_cells(reader, 500, 3, Progress())
            values, valid = reader.read(reader.grid.whole)
        rows, columns = sample.cells.T
        assert valid[rows, columns].all()
        assert len(np.unique(sample.cells, axis=0)) == 500
        np.testing.assert_array_equal(sample.X, values[:, rows, columns].T)
        assert sample.whole
        assert sample.share == pytest.approx(1 - HOLES.mean())

    def test_even_over_the_valid_cells(self, holed):
        with open_raster(holed) as reader:
            sample = draw_cells(reader, 4000, 0, Progress())
        below = (sample.cells[:, 0] >= 200).mean()
        expected = 100 * 290 / (~HOLES).sum()
        assert abs(below - expected) < 4 * np.sqrt(expected * (1 - expected) / 4000)

    def test_seeds(self, holed):
        with open_raster(holed) as reader:
            first, again, other = (draw_cells(reader, 50, seed, Progress()).cells for seed in (1, 1, 2))
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_a_large_raster_is_not_read_whole(self, holed, monkeypatch):
        monkeypatch.setattr(blocks, "MOST_BLOCKS", 3)
        monkeypatch.setattr(blocks, "SAMPLE_BLOCK", 32)
        with open_raster(holed) as reader:
            seen = []
            read = reader.read
            monkeypatch.setattr(reader, "read", lambda window: seen.append(window) or read(window))
            sample = draw_cells(reader, 10, 5, Progress())
        assert len(seen) < 20
        assert not sample.whole
        assert len(sample.cells) == 10

    def test_all_there_is_when_little_is_valid(self, make_raster):
        holes = np.ones((40, 50), bool)
        holes[5, 7] = False
        path = make_raster(dtype="float32", missing="nan", holes=holes)
        with open_raster(path) as reader:
            assert draw_cells(reader, 100, 0, Progress()).cells.tolist() == [[5, 7]]

    def test_nothing_valid(self, make_raster):
        path = make_raster(dtype="float32", missing="nan", holes=np.ones((40, 50), bool))
        with open_raster(path) as reader, pytest.raises(BadInput, match="no valid cell"):
            draw_cells(reader, 10, 0, Progress())

    def test_mask(self, holed, make_polygons):
        polygons = make_polygons([(600_500, 8_997_500, 601_000, 8_997_800)])
        with open_raster(holed) as reader:
            mask = PolygonMask(polygons, reader.grid)
            cells = draw_cells(reader, 10_000, 0, Progress(), mask).cells
        assert len(cells) == 50 * 30
        assert cells.min(axis=0).tolist() == [220, 50]
        away = make_polygons([(0, 0, 10, 10)], name="away.gpkg")
        with open_raster(holed) as reader, pytest.raises(BadInput, match="inside the polygons"):
            draw_cells(reader, 10, 0, Progress(), PolygonMask(away, reader.grid))


def test_fill_goes_on_after_a_stop_and_gives_the_same_bytes(holed, tmp_path):
    def write(path, progress, numbers):
        with (
            open_raster(holed) as reader,
            BlockWriter(
                path, reader.grid, (Band("sum"),), "float32", nodata=float("nan"), signature={"a": 1}, block=64
            ) as writer,
        ):
            fill(reader, writer, numbers, progress)

    calls = []
    stop = threading.Event()

    def slow(X):
        calls.append(len(X))
        if len(calls) == 5:
            stop.set()
        return X.sum(axis=1, dtype=np.float32)[None]

    whole, parts = tmp_path / "whole.tif", tmp_path / "parts.tif"
    write(whole, Progress(), lambda X: X.sum(axis=1, dtype=np.float32)[None])
    with pytest.raises(Cancelled):
        write(parts, Progress(cancelled=stop), slow)
    assert not parts.exists()
    stop.clear()
    told = []
    write(parts, Progress(log=lambda level, text: told.append(text)), slow)
    assert any("Going on" in text for text in told)
    with open_raster(str(whole)) as a, open_raster(str(parts)) as b, open_raster(holed) as source:
        values, valid = a.read(a.grid.whole)
        again, _ = b.read(b.grid.whole)
        truth, there = source.read(source.grid.whole)
    np.testing.assert_array_equal(values, again)
    np.testing.assert_array_equal(valid, there)
    np.testing.assert_allclose(values[0][valid], truth.sum(axis=0)[valid], rtol=1e-6)
    finished = [count for count in calls if count]
    assert sum(finished) <= valid.sum() + 2 * 64 * 64


class TestFooting:
    def test_own_units_do_not_matter_where_bands_have_units(self):
        X = np.random.default_rng(0).normal(0, 1, (200, 5)).astype(np.float32)
        scaled = X * np.array([1, 10, 1e3, 1e-3, 5], np.float32) + 7
        np.testing.assert_allclose(Footing.fit(X, True)(X), Footing.fit(scaled, True)(scaled), atol=1e-3)

    def test_one_scale_for_an_embedding(self):
        X = np.random.default_rng(0).normal(0, [5, 1], (500, 2)).astype(np.float32)
        spread = Footing.fit(X, False)(X).std(axis=0)
        assert spread[0] / spread[1] == pytest.approx(X[:, 0].std() / X[:, 1].std(), rel=1e-4)

    @given(st.integers(1, 8), st.integers(1, 10), st.booleans())
    @settings(max_examples=30, deadline=None)
    def test_components(self, D, most, own_units):
        X = np.random.default_rng(D).normal(0, np.arange(1, D + 1), (60, D)).astype(np.float32)
        footing = Footing.fit(X, own_units, most, turned=True)
        Z = footing(X)
        assert Z.shape == (60, min(D, most))
        assert 0 < footing.explained <= 1
        if most >= D:  # a turn keeps distances
            plain = Footing.fit(X, own_units)(X)
            assert footing.explained == pytest.approx(1, abs=1e-4)
            np.testing.assert_allclose(np.linalg.norm(Z[0] - Z[1:], axis=1),
                                       np.linalg.norm(plain[0] - plain[1:], axis=1), rtol=1e-3, atol=1e-3)  # fmt: skip
        off = np.cov(Z.T) - np.diag(np.diag(np.cov(Z.T))) if Z.shape[1] > 1 else np.zeros(1)
        assert np.abs(off).max() < 1e-3

    def test_constant_vectors(self):
        X = np.full((20, 3), 4.0, np.float32)
        for own_units in (True, False):
            assert np.isfinite(Footing.fit(X, own_units, 2, turned=True)(X)).all()
        assert unit(np.zeros((2, 3), np.float32)).tolist() == [[0, 0, 0], [0, 0, 0]]


class TestPlaces:
    def test_points_and_polygons_in_another_crs(self, holed, tmp_path):
        shapes = [shapely.Point(602_005, 8_997_995), shapely.box(602_000, 8_997_900, 602_030, 8_997_920), None]
        frame = gpd.GeoDataFrame({"a": [1, 2, 3]}, geometry=shapes, crs="EPSG:32722").to_crs("EPSG:4326")
        frame.to_file(tmp_path / "p.gpkg")
        with open_raster(holed) as reader:
            places = read_places(str(tmp_path / "p.gpkg"), reader, 0, 0, Progress())
            middle = read_places(str(tmp_path / "p.gpkg"), reader, 0, 0, Progress(), middles=True)
        assert places.cells[places.feature == 0].tolist() == [[200, 200]]
        assert len(places.cells[places.feature == 1]) == 6
        assert np.bincount(middle.feature).tolist() == [1, 1]
        assert places.report.without_geometry == 1
        assert len(places.thinned(3).cells) == 4

    def test_none_on_the_raster(self, holed, tmp_path):
        shapes = [shapely.Point(0, 0), shapely.Point(600_005, 8_999_995)]  # beside it, and on a hole
        gpd.GeoDataFrame(geometry=shapes, crs="EPSG:32722").to_file(tmp_path / "p.gpkg")
        with open_raster(holed) as reader:
            places = read_places(str(tmp_path / "p.gpkg"), reader, 0, 0, Progress())
        with pytest.raises(BadInput, match=r"1 lie outside.*1 labelled cells lie on nodata"):
            need_some(places, "p.gpkg", "places")

    def test_ground_in_metres(self):
        cells = np.array([[0, 0], [0, 100], [100, 0]])
        utm = Grid(Affine(10, 0, 6e5, 0, -10, 9e6), "EPSG:32722", 200, 200)
        degrees = Grid(Affine(1e-4, 0, -50, 0, -1e-4, 60), "EPSG:4326", 200, 200)
        from pyproj import CRS

        for grid, across, down in ((utm, 1000, 1000), (degrees, 0.01 * 111_195 * 0.5, 0.01 * 111_195)):
            grid = Grid(grid.transform, CRS.from_user_input(grid.crs).to_wkt(), grid.height, grid.width)
            there = ground(grid, cells)
            assert np.linalg.norm(there[1] - there[0]) == pytest.approx(across, rel=2e-3)
            assert np.linalg.norm(there[2] - there[0]) == pytest.approx(down, rel=2e-3)
            assert cell_area(grid) == pytest.approx(across * down / 1e4, rel=5e-3)
        assert centres(utm, cells[:1]).tolist() == [[600_005, 8_999_995]]
        feet = Grid(utm.transform, CRS.from_epsg(2263).to_wkt(), 200, 200)
        assert cell_area(feet) == pytest.approx(100 * 0.3048006**2, rel=1e-5)
        bare = Grid(utm.transform, "", 200, 200)
        assert cell_area(bare) == pytest.approx(100)
