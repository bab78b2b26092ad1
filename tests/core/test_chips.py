"""Windows of cells: their pixels, their order, their size."""

import numpy as np
import pytest
import shapely
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.chips import UNIT, Piece, chips_of, lattice, own_pixels, places_of, read_units, units_of
from quadrat.core.grid import Grid, Window
from quadrat.core.resizing import resized, weights

pytestmark = pytest.mark.same_without_torch

GRID = Grid(Affine(10.0, 0.0, 500.0, 0.0, -10.0, 9000.0), "", 100, 120)


class Numbered:
    """A reader whose pixel says where it lies; nothing is valid beyond."""

    bands = (1,)

    def __init__(self):
        self.reads = 0

    def read(self, window: Window):
        self.reads += 1
        rows, cols = (np.arange(start, start + size) for start, size in zip(window[:2], window[2:], strict=True))
        values = (rows[:, None] * 1000 + cols[None, :]).astype(np.float32)
        valid = ((rows >= 0) & (rows < 100))[:, None] & ((cols >= 0) & (cols < 120))[None, :]
        return (values * valid)[None], valid


def cell(row, col, size=15, shift=0.0):
    """A square of pixels as a polygon on the ground."""
    left, top = 500 + 10 * (col + shift), 9000 - 10 * (row + shift)
    return shapely.box(left, top - 10 * size, left + 10 * size, top)


def all_chips(reader, places):
    """Chips of all cells, unit by unit."""
    units = units_of(places)
    for piece in read_units(reader, places, units, range(len(units))):
        yield from chips_of(places, piece)


def test_aligned_cells_are_their_pixels():
    places = places_of(np.array([cell(0, 0), cell(15, 30)]), GRID)
    assert places.inside.tolist() == [[0, 0, 15, 15], [15, 30, 15, 15]] == places.outside.tolist()
    assert places.shapes.tolist() == [None, None]


@given(st.floats(-0.49, 0.49), st.integers(1, 20))
def test_cells_off_the_pixels_keep_their_size_and_move_least(shift, size):
    places = places_of(np.array([cell(20, 40, size, shift)]), GRID)
    assert places.inside.tolist() == [[20, 40, size, size]]


@pytest.mark.parametrize(("size", "window"), [(15, 120), (15, 16), (16, 33), (40, 20)])
def test_windows_are_centred_and_hold_the_cell(size, window):
    places = places_of(np.array([cell(50, 60, size)]), GRID, window)
    inside, outside = places.inside[0], places.outside[0]
    assert outside[2] == max(size, window) and (outside[:2] <= inside[:2]).all()
    assert (outside[:2] + outside[2:] >= inside[:2] + inside[2:]).all()
    assert np.abs((outside[:2] + outside[2:] / 2) - (inside[:2] + inside[2:] / 2)).max() <= 0.5


def test_a_rotated_raster():
    turned = Grid(Affine.translation(500, 9000) @ Affine.rotation(30) @ Affine.scale(10, -10), "", 100, 120)
    corners = [turned.transform @ corner for corner in ((30, 20), (45, 20), (45, 35), (30, 35))]
    places = places_of(np.array([shapely.Polygon(corners)]), turned)
    assert places.inside.tolist() == [[20, 30, 15, 15]] and places.shapes[0] is None


def test_a_triangle_has_half_of_its_box():
    triangle = shapely.Polygon([(500, 9000), (700, 9000), (500, 8800)])
    places = places_of(np.array([triangle]), GRID)
    own = own_pixels(places, 0)
    assert own.shape == (20, 20) and own[0, 0] and not own[-1, -1] and 0.4 < own.mean() < 0.6


def test_a_sliver_gets_its_box():
    places = places_of(np.array([shapely.Polygon([(500, 9000), (650, 8999), (650, 8998.9)])]), GRID)
    assert own_pixels(places, 0).all()


def test_units_hold_every_cell_once_whatever_the_order():
    cells = np.array([cell(r, c, 3) for r in range(0, 60, 3) for c in range(0, 60, 3)])
    places = places_of(cells, GRID)
    units = units_of(places)
    assert sorted(np.concatenate(units).tolist()) == list(range(400)) and max(map(len, units)) <= UNIT
    order = np.random.default_rng(0).permutation(400)
    again = units_of(places_of(cells[order], GRID))
    assert [order[unit].tolist() for unit in again] == [unit.tolist() for unit in units]


def test_chips_hold_the_pixels_of_their_windows():
    cells = np.array([cell(r, c) for r in (0, 30, 85) for c in (0, 45, 105)] + [cell(40, 80, 7)])
    places = places_of(cells, GRID, 21)
    reader = Numbered()
    seen = []
    for chips in all_chips(reader, places):
        for index, values, valid in zip(chips.at, chips.values, chips.valid, strict=True):
            row, col, height, width = places.outside[index]
            assert valid.shape == (height, width)
            expected = np.arange(row, row + height)[:, None] * 1000 + np.arange(col, col + width)
            assert (values[0] == expected * valid).all()
            seen.append(int(index))
        assert chips.enough.all()
    assert sorted(seen) == list(range(10)) and reader.reads == 1


def test_a_lattice_is_of_one_size_and_one_phase():
    assert lattice(places_of(np.array([cell(3, 4), cell(18, 34)]), GRID)) == 15
    assert lattice(places_of(np.array([cell(3, 4), cell(17, 34)]), GRID)) == 0
    assert lattice(places_of(np.array([cell(3, 4), cell(18, 34, 14)]), GRID)) == 0


def test_a_cell_mostly_beyond_the_raster_has_not_enough():
    places = places_of(np.array([cell(-10, 0), cell(-5, 0)]), GRID)
    found = {}
    for chips in all_chips(Numbered(), places):
        found |= dict(zip(chips.at.tolist(), chips.enough.tolist(), strict=True))
    assert found == {0: False, 1: True}


@given(st.integers(1, 60), st.integers(1, 60))
def test_weights_sum_to_one(size, wanted):
    assert weights(size, wanted).sum(axis=1) == pytest.approx(np.ones(wanted), abs=1e-5)


def test_invalid_pixels_do_not_count():
    values = np.full((1, 1, 4, 4), 7.0, np.float32)
    valid = np.ones((1, 4, 4), bool)
    valid[0, :, :2] = False
    values[0, 0, :, :2] = 0
    made, known = resized(values, valid, 8, 8)
    assert known[0, :, 4:].all() and not known[0, :, :3].any()
    assert made[0, 0][known[0]] == pytest.approx(7.0, abs=1e-5)


def test_a_piece_alone_does_not_hold_the_block_that_it_was_cut_from():
    block = np.arange(2 * 30 * 40, dtype=np.float32).reshape(2, 30, 40)
    cut = Piece(3, np.array([7]), Window(4, 5, 6, 8), block[:, 4:10, 5:13], np.ones((30, 40), bool)[4:10, 5:13])
    alone = cut.alone()
    assert alone.values.base is None and alone.valid.base is None and alone.values.flags.c_contiguous
    assert (alone.unit, alone.window) == (3, cut.window) and np.array_equal(alone.values, cut.values)
    assert alone.alone().values is alone.values
