"""Formulas, aggregation, turning and the registry of published embeddings."""

import dataclasses
import re
import urllib.parse

import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from quadrat.core.grid import Grid, Window
from quadrat.core.published import formulas
from quadrat.core.published.cells import TOGETHER_PX, CellReader, in_read_order
from quadrat.core.published.registry import OTHER, PRODUCTS
from quadrat.core.published.sources import Upright

CODES = hnp.arrays(np.int8, hnp.array_shapes(min_dims=1, max_dims=3, max_side=5), elements=st.integers(-127, 127))


@given(CODES)
def test_square_is_the_published_formula(codes):
    values = formulas.square(codes.astype(np.float32))
    q = codes.astype(np.float64)
    np.testing.assert_allclose(values, np.sign(q) * (np.abs(q) / 127.5) ** 2, rtol=2e-6)
    assert values.dtype == np.float32


def test_square_of_known_codes():
    got = formulas.square(np.array([-127, -51, 0, 1, 127], np.float32))
    np.testing.assert_allclose(got, [-0.992172, -0.16, 0.0, 6.1515e-5, 0.992172], rtol=1e-5)


@given(CODES)
def test_square_is_odd_and_keeps_order(codes):
    q = codes.astype(np.float32)
    np.testing.assert_array_equal(formulas.square(-q), -formulas.square(q))
    order = np.argsort(q, axis=None, kind="stable")
    assert (np.diff(formulas.square(q).ravel()[order]) >= 0).all()


def test_scaled_takes_a_scale_for_each_pixel_or_each_number():
    codes = np.arange(-12, 12, dtype=np.float32).reshape(2, 3, 4)
    scales = np.linspace(0.1, 2, 12).reshape(3, 4).astype(np.float32)
    np.testing.assert_allclose(formulas.scaled(codes, scales)[1, 2, 3], codes[1, 2, 3] * 2.0)
    own = np.stack([scales, 3 * scales])
    np.testing.assert_allclose(formulas.scaled(codes, own)[1], 3 * codes[1] * scales, rtol=1e-6)


def test_linear():
    np.testing.assert_allclose(formulas.linear(np.array([0.0, 10.0], np.float32), 0.5, -1.0), [-1.0, 4.0])


@st.composite
def fields(draw):
    factor, rows, cols, depth = (draw(st.integers(1, 4)) for _ in range(4))
    shape = (depth, rows * factor, cols * factor)
    values = draw(hnp.arrays(np.float32, shape, elements=st.floats(-2, 2, width=16)))
    valid = draw(hnp.arrays(np.bool_, shape[1:]))
    return values * valid, valid, factor


@given(fields(), st.booleans())
def test_cell_means_are_the_means_of_valid_pixels(field, unit):
    values, valid, factor = field
    means, counts = formulas.cell_means(values, valid, factor, unit)
    for row in range(means.shape[1]):
        for col in range(means.shape[2]):
            box = np.s_[row * factor : (row + 1) * factor, col * factor : (col + 1) * factor]
            inside = values[(slice(None), *box)][:, valid[box]].astype(np.float64)
            plain = inside.mean(axis=1) if inside.shape[1] else np.zeros(len(values))
            length = np.linalg.norm(plain)
            if not unit:
                np.testing.assert_allclose(means[:, row, col], plain, atol=1e-6)
                assert counts[row, col] == inside.shape[1]
            elif length > formulas.LOWEST_LENGTH:
                np.testing.assert_allclose(means[:, row, col], plain / length, atol=1e-5)
            else:
                assert counts[row, col] == 0 and not means[:, row, col].any()


def test_mean_of_values_is_not_value_of_mean_of_codes():
    codes = np.array([[[10.0, 120.0]], [[120.0, 10.0]], [[5.0, 5.0]]], np.float32)
    codes = np.repeat(codes, 2, axis=1)
    right, _ = formulas.cell_means(formulas.square(codes), np.ones((2, 2), bool), 2, False)
    wrong = formulas.square(codes.mean(axis=(1, 2)))
    assert abs(right[0, 0, 0] - wrong[0]) > 0.15


class Plain:
    """A source that counts: value = number of the stored row * 100 + stored column."""

    band_names = ("one", "two")

    def __init__(self, transform, height=7, width=5):
        self.grid = Grid(transform, "", height, width)
        rows, cols = np.mgrid[:height, :width]
        self.values = np.stack([rows * 100.0 + cols, np.ones((height, width))]).astype(np.float32)
        self.asked = []

    def read(self, window):
        self.asked.append(window)
        values = np.zeros((2, window.height, window.width), np.float32)
        valid = np.zeros((window.height, window.width), bool)
        inside = window.intersection(self.grid.whole)
        if inside is not None:
            place = inside.slices_in(window)
            values[(slice(None), *place)] = self.values[(slice(None), *inside.slices_in(self.grid.whole))]
            valid[place] = True
        return values, valid


@pytest.mark.parametrize("e", [-2.0, 2.0])
@pytest.mark.parametrize("a", [3.0, -3.0])
@given(row=st.integers(-3, 8), col=st.integers(-3, 8), height=st.integers(1, 6), width=st.integers(1, 6))
def test_each_pixel_keeps_its_place(a, e, row, col, height, width):
    """The value at a place on Earth is the same whether asked of the stored file or of the turned one."""
    stored = Plain(Affine(a, 0, 50.0, 0, e, 80.0))
    turned = Upright(stored)
    assert turned.grid.transform.a > 0 and turned.grid.transform.e < 0
    values, valid = turned.read(Window(row, col, height, width))
    for i in range(height):
        for j in range(width):
            x, y = turned.grid.transform @ (col + j + 0.5, row + i + 0.5)
            at_col, at_row = ~stored.grid.transform @ (x, y)
            inside = 0 <= at_row < 7 and 0 <= at_col < 5
            assert valid[i, j] == inside
            if inside:
                assert values[0, i, j] == int(at_row) * 100 + int(at_col)


def test_rotated_grids_are_left_alone():
    stored = Plain(Affine(3, 1, 50, 1, 2, 80))
    assert not Upright(stored).turned and Upright(stored).grid == stored.grid


def test_pieces_make_the_whole(monkeypatch):
    monkeypatch.setattr("quadrat.core.published.cells.READ_BYTES", 4 * 2 * 3 * 3)
    source = Plain(Affine(1, 0, 0, 0, -1, 0))
    cells = CellReader(Upright(source), source.grid.whole, 2, False, None)
    window = Window(0, 0, 4, 3)
    whole, valid = cells.read(window)
    pieces = np.full_like(whole, -1)
    asked = len(source.asked)
    for part, values, _ in cells.parts(window):
        pieces[(slice(None), *part.slices_in(window))] = values
    np.testing.assert_array_equal(pieces, whole)
    assert len(source.asked) - asked == 12 and all(w.height * w.width <= 9 for w in source.asked[asked:])
    assert valid.all()  # the last row and column have their half of the pixels inside the raster


def test_cells_with_less_than_half_of_their_pixels_are_nothing():
    source = Plain(Affine(1, 0, 0, 0, -1, 0), 4, 4)
    read = source.read

    def holes(window):
        values, valid = read(window)
        keep = np.array([[1, 0, 1, 1], [0, 0, 1, 0], [1, 1, 0, 0], [0, 0, 0, 0]], bool)
        return values * keep, valid & keep

    source.read = holes
    _, valid = CellReader(Upright(source), source.grid.whole, 2, False, None).read(Window(0, 0, 2, 2))
    assert valid.tolist() == [[False, True], [True, False]]


def test_order_of_reading_visits_each_block_once_and_stays_within_a_tile():
    windows = Grid(Affine.identity(), "", 3 * TOGETHER_PX, 2 * TOGETHER_PX).blocks(128)
    order = in_read_order(windows, 1)
    assert sorted(order) == list(range(len(windows)))
    tiles = [(windows[i].row // TOGETHER_PX, windows[i].col // TOGETHER_PX) for i in order]
    changes = sum(a != b for a, b in zip(tiles, tiles[1:], strict=False))
    assert changes == 5


@pytest.mark.parametrize("card", PRODUCTS.values(), ids=PRODUCTS)
def test_every_card_is_whole(card):
    assert re.fullmatch(r"[a-z0-9.-]+", card.name) and card.title
    assert card.formula in formulas.FORMULAS
    assert card.needs_variant == (not card.variant)
    if card.name == OTHER:
        return
    assert card.dimensions and card.band_name.format(0) != card.band_name.format(1)
    assert card.licence and card.credit.endswith(".")
    assert urllib.parse.urlsplit(card.source).scheme == "https"
    assert not (card.unit_length and card.own_units)  # vectors of length 1 are compared as they are


def test_no_two_cards_are_one_space():
    facts = [(c.family, c.version) for c in PRODUCTS.values()]
    assert len(set(facts)) == len(facts)
    assert all(dataclasses.is_dataclass(card) for card in PRODUCTS.values())


def test_alphaearth_asks_for_its_credit_word_by_word():
    text = "The AlphaEarth Foundations Satellite Embedding dataset is produced by Google and Google DeepMind."
    assert PRODUCTS["alphaearth"].credit == text
