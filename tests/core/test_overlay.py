"""Shares of polygons in cells against a plain loop of unions."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.settlement import overlay
from quadrat.core.settlement.overlay import overlapping, shares, split

pytestmark = pytest.mark.same_without_torch


def cells_of(rows=4, cols=4, side=10.0):
    return np.array([shapely.box(c * side, r * side, (c + 1) * side, (r + 1) * side) for r in range(rows)
                     for c in range(cols)])  # fmt: skip


def plain(cells, polygons):
    """Union of everything, then each cell by itself."""
    whole = shapely.union_all(polygons)
    return np.array([cell.intersection(whole).area / cell.area for cell in cells])


@st.composite
def polygons(draw):
    """Overlapping boxes, discs and rings, of one or two parts."""
    made = []
    for _ in range(draw(st.integers(1, 9))):
        x, y, r = draw(st.floats(-5, 45)), draw(st.floats(-5, 45)), draw(st.floats(0.1, 12))
        disc = shapely.Point(x, y).buffer(r, quad_segs=draw(st.sampled_from((2, 8, 90))))
        kind = draw(st.sampled_from(("disc", "box", "ring", "two")))
        if kind == "box":
            made.append(shapely.box(round(x), round(y), round(x) + 7, round(y) + 4))
        elif kind == "ring":
            made.append(disc.difference(shapely.Point(x, y).buffer(r / 2)))
        elif kind == "two":
            made.append(shapely.MultiPolygon([disc, shapely.Point(x + 3 * r, y).buffer(r)]))
        else:
            made.append(disc)
    return np.array(made, dtype=object)


@settings(max_examples=80, deadline=None)
@given(polygons())
def test_shares_are_those_of_the_union(some):
    cells = cells_of()
    found = shares(cells, some)
    np.testing.assert_allclose(found, plain(cells, some), atol=1.1e-6)
    assert found.min() >= 0 and found.max() <= 1


@settings(max_examples=40, deadline=None)
@given(polygons(), st.randoms())
def test_the_order_of_polygons_and_cells_does_not_matter(some, random):
    cells = cells_of()
    turned, order = list(some), list(range(len(cells)))
    random.shuffle(turned)
    random.shuffle(order)
    mixed = shares(cells[order], np.array(turned, dtype=object))
    np.testing.assert_allclose(mixed, shares(cells, some)[order], atol=1.1e-6)


def test_ground_covered_twice_counts_once():
    favela = shapely.box(0, 0, 10, 7)
    found = shares(cells_of(1, 1), np.array([favela, favela, shapely.box(0, 5, 10, 8)]))
    assert found.tolist() == [0.8]


def test_many_cells_at_once_are_many_times_few(monkeypatch):
    rng = np.random.default_rng(0)
    some = shapely.buffer(shapely.points(rng.uniform(0, 200, (300, 2))), rng.uniform(1, 9, 300))
    cells = cells_of(20, 20)
    whole = shares(cells, some)
    monkeypatch.setattr(overlay, "CELLS_AT_ONCE", 7)
    np.testing.assert_array_equal(shares(cells, some), whole)


def test_mere_contact_is_no_share():
    beside = np.array([shapely.box(10, 0, 20, 10), shapely.box(-5, -5, 0, 0)])
    assert shares(cells_of(1, 1), beside).tolist() == [0.0]


def test_no_polygon_in_reach():
    assert shares(cells_of(), np.zeros(0, object)).tolist() == [0.0] * 16
    assert shares(cells_of(), np.array([shapely.box(900, 900, 901, 901)])).tolist() == [0.0] * 16


def test_large_polygons_are_split_into_the_same_ground():
    coast = shapely.Point(0, 0).buffer(100, quad_segs=3000).difference(shapely.Point(30, 0).buffer(20, quad_segs=900))
    pieces, owner = split(np.array([coast, shapely.box(500, 500, 501, 501)]))
    assert shapely.get_num_coordinates(pieces).max() <= overlay.MOST_CORNERS
    assert shapely.area(pieces[owner == 0]).sum() == pytest.approx(coast.area)
    assert shapely.union_all(pieces[owner == 0]).symmetric_difference(coast).area < 1e-6
    assert (owner == 1).sum() == 1


def test_which_polygons_share_ground():
    some = np.array([
        shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10), shapely.box(18, 8, 30, 20), shapely.box(50, 0, 60, 10),
        shapely.box(52, 2, 53, 3),
    ])  # fmt: skip
    assert overlapping(*split(some)).tolist() == [False, True, True, True, True]
