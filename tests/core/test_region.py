import geopandas as gpd
import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.errors import BadInput
from quadrat.core.grid import Grid, Window
from quadrat.core.region import PolygonMask, window_of
from rasterio.crs import CRS

UTM = CRS.from_epsg(32722).to_wkt()
GRID = Grid(Affine(10, 0, 600_000, 0, -10, 9_000_000), UTM, 80, 100)


@given(st.integers(0, 99), st.integers(0, 79), st.data())
def test_extent_on_cell_borders_is_exact(col, row, data):
    width, height = data.draw(st.integers(1, 100 - col)), data.draw(st.integers(1, 80 - row))
    west, north = 600_000 + col * 10, 9_000_000 - row * 10
    extent = f"{west},{west + width * 10},{north - height * 10},{north}"
    assert window_of(GRID, extent) == Window(row, col, height, width)
    nearly = f"{west + 1e-6},{west + width * 10 - 1e-6},{north - height * 10 + 1e-6} , {north - 1e-6} [EPSG:32722]"
    assert window_of(GRID, nearly) == Window(row, col, height, width)


def test_extent_takes_every_cell_it_touches_and_is_cut():
    assert window_of(GRID, "") == GRID.whole
    assert window_of(GRID, "600005,600012,8999985,8999992") == Window(0, 0, 2, 2)
    assert window_of(GRID, "0,1e7,0,1e8") == GRID.whole


def test_extent_in_another_crs_and_on_a_rotated_grid():
    window = window_of(GRID, "-50.09,-50.0855,-9.0459,-9.0455 [EPSG:4326]")
    assert 0 < window.height <= 10
    assert window.width < 100
    rotated = Grid(GRID.transform @ Affine.rotation(30), UTM, 80, 100)
    x, y = rotated.transform @ (50.5, 40.5)
    found = window_of(rotated, f"{x - 1},{x + 1},{y - 1},{y + 1}")
    assert Window(40, 50, 1, 1).intersection(found) == Window(40, 50, 1, 1)
    assert found.height * found.width <= 9


@pytest.mark.parametrize(
    ("extent", "words"),
    [
        ("1,2,3", "not an extent"), ("a,b,c,d", "not an extent"), ("nan,1,2,3", "not an extent"),
        ("5,1,0,3", "minimum is above"), ("0,1,0,1", "beside the raster"), ("0,1,0,1 [EPSG:x]", "cannot be brought"),
    ],
)  # fmt: skip
def test_extent_sentences(extent, words):
    with pytest.raises(BadInput, match=words):
        window_of(GRID, extent)


def test_polygon_mask_takes_centres(make_polygons):
    path = make_polygons([(600_006, 8_999_950, 600_054, 8_999_996), (600_900, 8_999_000, 600_960, 8_999_290)])
    mask = PolygonMask(f"{path}|layername=polygons", GRID)
    cells = mask.cells(GRID.whole)
    rows, cols = np.nonzero(cells[:20, :20])
    assert (rows.min(), rows.max(), cols.min(), cols.max()) == (0, 4, 1, 4)
    pieces = np.block([[mask.cells(Window(r, c, 40, 50)) for c in (0, 50)] for r in (0, 40)])
    assert (pieces == cells).all()
    assert not mask.cells(Window(40, 0, 5, 5)).any()
    assert not mask.cells(Window(-10, -10, 5, 5)).any()


def test_polygon_mask_in_another_crs(tmp_path, make_polygons):
    box = shapely.box(600_100, 8_999_700, 600_300, 8_999_900)
    gpd.GeoDataFrame(geometry=[box], crs=32722).to_crs(4326).to_file(tmp_path / "ll.gpkg")
    here = PolygonMask(make_polygons([box.bounds]), GRID).cells(GRID.whole)
    there = PolygonMask(str(tmp_path / "ll.gpkg"), GRID).cells(GRID.whole)
    assert here.sum() == 400
    assert (here != there).sum() <= 40


def test_mask_sentences(tmp_path, make_polygons):
    gpd.GeoDataFrame(geometry=[shapely.Point(0, 0), None], crs=32722).to_file(tmp_path / "points.gpkg")
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    for name, words in (("points.gpkg", "no polygons"), ("table.csv", "no geometry"), ("none.gpkg", "There is no")):
        with pytest.raises(BadInput, match=words):
            PolygonMask(str(tmp_path / name), GRID)
