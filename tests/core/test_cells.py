"""Cells of a city: they tile, they are numbered, they lie in metres."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS, Transformer
from quadrat.core.errors import BadInput
from quadrat.core.grid import Window
from quadrat.core.settlement.cells import CENTRE, CUT, DROP, Lattice, fill, numbered
from quadrat.core.settlement.metric import in_metres, is_true, middle, stretch, utm_of

pytestmark = pytest.mark.same_without_torch

MOST = 100_000
sizes = st.floats(0.5, 400)
origins = st.floats(-1e6, 1e7)


@st.composite
def regions(draw):
    """Up to four rectangles and discs near the origin of a lattice, some with a hole, as one region."""
    shapes = []
    for _ in range(draw(st.integers(1, 4))):
        x, y = draw(st.floats(-20, 20)), draw(st.floats(-20, 20))
        wide, high = draw(st.floats(0.2, 18)), draw(st.floats(0.2, 18))
        shape = shapely.box(x, y, x + wide, y + high) if draw(st.booleans()) else shapely.Point(x, y).buffer(wide)
        shapes.append(shape.difference(shapely.Point(x + 1, y + 1).buffer(wide / 3)) if draw(st.booleans()) else shape)
    return shapely.union_all(shapes)


def placed(lattice, region):
    """A region in units of cells, brought to the lattice."""
    return shapely.transform(region, lambda xy: xy * (lattice.width, lattice.height) + (lattice.x, lattice.y))


class TestFill:
    @settings(max_examples=15, deadline=None)
    @given(regions(), origins, origins, sizes, st.sampled_from((DROP, CENTRE, CUT)))
    def test_cells_tile_without_gap_or_overlap(self, region, x, y, size, partial):
        lattice = Lattice(x, y, size, size)
        region = placed(lattice, region)
        try:
            cells = fill(lattice, region, partial, MOST)
        except BadInput:
            assert shapely.area(region) < 4 * size**2 or partial == DROP
            return
        area = shapely.area(cells.shapes)
        assert shapely.area(shapely.union_all(cells.shapes)) == pytest.approx(area.sum(), rel=1e-6)
        assert len(set(zip(cells.row.tolist(), cells.col.tolist(), strict=True))) == len(cells.row)
        assert (np.lexsort((cells.col, cells.row)) == np.arange(len(cells.row))).all()
        boxes = lattice.boxes(cells.row, cells.col)
        inside = shapely.area(shapely.intersection(boxes, region)) / size**2
        if partial == DROP:
            assert (inside > 1 - 2e-6).all()
        elif partial == CENTRE:
            assert shapely.dwithin(shapely.centroid(boxes), region, 1e-6 * size).all()
        else:
            assert area.sum() == pytest.approx(region.area, rel=1e-4, abs=1e-4 * size**2)
        if partial != CUT:
            assert shapely.equals_exact(cells.shapes, boxes).all()

    @settings(max_examples=15, deadline=None)
    @given(regions(), st.sampled_from((DROP, CENTRE, CUT)))
    def test_no_cell_is_forgotten(self, region, partial):
        lattice = Lattice(0.0, 0.0, 1.0, 1.0)
        rows, cols = (axis.ravel() for axis in np.meshgrid(np.arange(-40, 40), np.arange(-40, 40), indexing="ij"))
        boxes = lattice.boxes(rows, cols)
        shapely.prepare(region)
        share = shapely.area(shapely.intersection(boxes, region))
        sure = {DROP: share > 1 - 1e-9, CENTRE: shapely.contains(region, shapely.centroid(boxes)), CUT: share > 1e-5}
        wanted = set(zip(rows[sure[partial]].tolist(), cols[sure[partial]].tolist(), strict=True))
        if wanted:
            cells = fill(lattice, region, partial, MOST)
            assert wanted <= set(zip(cells.row.tolist(), cells.col.tolist(), strict=True))

    def test_a_rectangle_of_whole_cells_in_coordinates_that_were_rounded(self):
        lattice = Lattice(686_400.1, 7_454_000.3, 150.0, 150.0)
        cells = fill(lattice, shapely.box(686_400.1, 7_454_000.3 - 1500, 686_400.1 + 3000, 7_454_000.3), DROP, MOST)
        assert len(cells.row) == 200
        assert cells.row.max() == 9 and cells.col.max() == 19 and cells.row.min() == cells.col.min() == 0

    def test_row_0_is_in_the_north(self):
        cells = fill(Lattice(0, 0, 10, 10), shapely.box(0, -30, 20, 0), DROP, MOST)
        assert cells.row.tolist() == [0, 0, 1, 1, 2, 2] and cells.col.tolist() == [0, 1] * 3
        assert shapely.bounds(cells.shapes[1]).tolist() == [10, -10, 20, 0]

    def test_a_hole_smaller_than_a_window_is_found(self):
        hole = shapely.box(101, -102, 102, -101)
        cells = fill(Lattice(0, 0, 1, 1), shapely.box(0, -200, 200, 0).difference(hole), DROP, MOST)
        assert len(cells.row) == 40_000 - 1

    def test_a_boundary_smaller_than_a_cell(self):
        lattice, region = Lattice(0, 0, 150, 150), shapely.box(20, -60, 60, -20)
        with pytest.raises(BadInput, match=r"holds no whole cell\. Choose smaller cells, or 'cut'"):
            fill(lattice, region, DROP, MOST)
        with pytest.raises(BadInput, match="holds the centre of no cell"):
            fill(lattice, region, CENTRE, MOST)
        assert fill(lattice, region, CUT, MOST).shapes[0].equals(region)

    def test_too_many_cells_are_a_question_at_once(self):
        with pytest.raises(BadInput, match="about 100,000,000 cells; at most 5,000,000 are made"):
            fill(Lattice(0, 0, 1, 1), shapely.box(0, 0, 10_000, 10_000), DROP, 5_000_000)
        with pytest.raises(BadInput, match="more than"):  # of a thread the area tells nothing
            fill(Lattice(0, 0, 1, 1), shapely.box(0, 0.1, 10_000, 0.2), CUT, 1_000)

    def test_cutting_along_an_edge_leaves_polygons_only(self):
        comb = shapely.union_all([shapely.box(0, -10, 10, -5), shapely.box(2, -5, 3, 5), shapely.box(6, -5, 7, 5)])
        cells = fill(Lattice(0, 0, 10, 10), comb, CUT, MOST)
        assert (shapely.get_dimensions(cells.shapes) == 2).all()
        assert set(shapely.get_type_id(cells.shapes)) <= {3, 6}
        assert shapely.area(cells.shapes).sum() == pytest.approx(comb.area)

    @settings(max_examples=30, deadline=None)
    @given(st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 20), st.integers(1, 20), origins, origins, sizes)
    def test_windows_and_boxes_undo_each_other(self, row, col, height, width, x, y, size):
        lattice, window = Lattice(x, y, size, size), Window(row, col, height, width)
        assert lattice.window_of(shapely.bounds(lattice.box(window))) == window


class TestNumbers:
    @settings(max_examples=30, deadline=None)
    @given(st.lists(st.integers(0, 9), min_size=1, max_size=200))
    def test_unique_running_and_by_zone(self, zones):
        zone = np.array(zones)
        made = numbered(zone)
        assert len(set(made.cell.tolist())) == len(zones)
        np.testing.assert_array_equal(made.cell // made.step, zone)
        for one in set(zones):
            assert (made.cell[zone == one] % made.step).tolist() == list(range(1, zones.count(one) + 1))

    def test_a_zone_of_more_cells_than_numbers_gets_longer_ones(self):
        made = numbered(np.repeat([1, 2], [100_000, 5]))
        assert made.step == 1_000_000
        assert len(set(made.cell.tolist())) == 100_005

    def test_without_zones_numbers_run_on(self):
        made = numbered(np.zeros(250_000, np.int64))
        assert (made.cell == np.arange(1, 250_001)).all() and made.step == 100_000


class TestMetric:
    @pytest.mark.parametrize(
        ("code", "metres"), [(32723, True), (4326, False), (3857, True), (2263, False), (4978, False), (5880, True)]
    )
    def test_what_measures_in_metres(self, code, metres):
        assert in_metres(CRS.from_epsg(code)) is metres

    def test_web_mercator_is_not_taken_for_true(self):
        rio = (-43.2, -22.9)
        assert stretch(CRS.from_epsg(3857), rio)[0] == pytest.approx(1 / np.cos(np.radians(22.9)), rel=5e-3)
        assert not is_true(CRS.from_epsg(3857), rio)
        assert is_true(CRS.from_epsg(32723), rio)

    @settings(max_examples=25, deadline=None)
    @given(st.floats(-180, 180), st.floats(-79, 83))
    def test_a_utm_zone_is_true_in_its_middle(self, longitude, latitude):
        crs = utm_of((longitude, latitude))
        assert is_true(crs, (longitude, latitude))
        assert crs.to_epsg() // 100 == (326 if latitude >= 0 else 327)

    def test_poles(self):
        assert utm_of((0, 88)).to_epsg() == 32661
        assert utm_of((0, -85)).to_epsg() == 32761

    def test_the_middle_of_fiji_is_not_greenwich(self):
        xy = np.array([[179.2, -16.0], [-179.8, -17.0], [178.0, -18.0]])
        longitude, latitude = middle(xy, CRS.from_epsg(4326))
        assert longitude == pytest.approx(179.1) and latitude == pytest.approx(-17)

    @settings(max_examples=25, deadline=None)
    @given(st.floats(-179, 179), st.floats(-60, 60), st.floats(0.01, 5))
    def test_middle_of_a_box(self, longitude, latitude, side):
        corners = np.array([(longitude + dx, latitude + dy) for dx in (-side, side) for dy in (-side, side)])
        found = middle(corners, CRS.from_epsg(4326))
        assert (found[0] - longitude + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)
        assert found[1] == pytest.approx(latitude)

    def test_coordinates_that_lie_nowhere_are_told(self):
        with pytest.raises(BadInput, match="lie nowhere on Earth in WGS 84"):
            middle(np.array([[500_000.0, 7_400_000.0]]), CRS.from_epsg(4326))

    def test_middle_in_metres(self):
        to_utm = Transformer.from_crs(4326, 32723, always_xy=True)
        xy = np.column_stack(to_utm.transform([-43.3, -43.1], [-22.9, -22.9]))
        assert middle(xy, CRS.from_epsg(32723)) == pytest.approx((-43.2, -22.9), abs=1e-6)
