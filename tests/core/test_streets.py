"""The graph of streets on drawings small enough to count by hand, and streets in cells."""

import math

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.settlement.streetcells import NUDGE_M, length_in, nodes_in
from quadrat.core.settlement.streets import street_graph
from scipy.spatial import cKDTree

pytestmark = pytest.mark.same_without_torch


def graph(*lines, **options):
    """Nodes with their degrees, in metres from the south-west, and the graph."""
    made = street_graph(np.array([shapely.LineString(line) if isinstance(line, list) else line for line in lines]),
                        **options)  # fmt: skip
    return {tuple(xy): int(d) for xy, d in zip(made.nodes.tolist(), made.degree, strict=True)}, made


def rounded(nodes):
    return {tuple(np.round(place, 4) + 0.0): degree for place, degree in nodes.items()}


ACROSS, UPWARD = [(0, 50), (100, 50)], [(50, 0), (50, 100)]
FOUR_ENDS = {(0, 50): 1, (100, 50): 1, (50, 0): 1, (50, 100): 1}


def test_lines_that_cross_without_a_vertex_are_a_bridge():
    assert graph(ACROSS, UPWARD)[0] == FOUR_ENDS


def test_unless_crossings_are_to_be_nodes():
    nodes, made = graph(ACROSS, UPWARD, at_crossings=True)
    assert nodes == {**FOUR_ENDS, (50, 50): 4}
    assert made.length_m == pytest.approx(200) and len(made.segments) == 4


@pytest.mark.parametrize("at_crossings", [False, True])
@pytest.mark.parametrize("tolerance_m", [0, 0.5])
def test_lines_that_share_a_vertex_meet(tolerance_m, at_crossings):
    options = {"tolerance_m": tolerance_m, "at_crossings": at_crossings}
    assert graph([(0, 50), (50, 50), (100, 50)], [(50, 0), (50, 50), (50, 100)], **options)[0] == {
        **FOUR_ENDS,
        (50, 50): 4,
    }


def test_a_side_street_meets_at_an_interior_vertex():
    assert graph([(0, 0), (50, 0), (100, 0)], [(50, 0), (50, 60)])[0] == {
        (0, 0): 1, (100, 0): 1, (50, 60): 1, (50, 0): 3,
    }  # fmt: skip


@pytest.mark.parametrize("gap", [-0.3, 0.0, 0.3])
def test_an_end_on_or_very_near_a_street_without_a_vertex_meets_it(gap):
    """Also when it is drawn a little too long: the stub over the street is shorter than the tolerance."""
    nodes, made = graph([(0, 0), (100, 0)], [(50, gap), (50, 60)])
    assert sorted(nodes.values()) == [1, 1, 1, 3]
    assert made.length_m == pytest.approx(160, abs=0.4)
    assert sorted(graph([(0, 0), (100, 0)], [(50, 0.3), (50, 60)], tolerance_m=0)[0].values()) == [1, 1, 1, 1]
    assert sorted(graph([(0, 0), (100, 0)], [(50, 0.6), (50, 60)])[0].values()) == [1, 1, 1, 1]


def test_ends_that_nearly_touch_are_one_street():
    assert graph([(0, 0), (50, 0)], [(50.2, 0.1), (100, 0)])[0] == {(0, 0): 1, (100, 0): 1}


def test_vertices_and_pieces_are_no_nodes():
    bent = [(0, 0), (10, 5), (20, 0), (30, 5), (40, 0)]
    pieces = [[a, b] for a, b in zip(bent, bent[1:], strict=False)]
    assert graph(bent)[0] == graph(*pieces)[0] == {(0, 0): 1, (40, 0): 1}


def circle(count=12, radius=20.0, closed=True):
    angles = [2 * math.pi * k / count for k in range(count)]
    ring = [(100 + radius * math.cos(a), 100 + radius * math.sin(a)) for a in angles]
    return [*ring, ring[0]] if closed else ring


def test_a_roundabout_has_a_node_at_each_arm():
    ring = circle()
    arms = [[ring[k], (100 + 3 * (ring[k][0] - 100), 100 + 3 * (ring[k][1] - 100))] for k in (0, 3, 6, 9)]
    nodes, _ = graph(ring, *arms)
    assert sorted(nodes.values()) == [1, 1, 1, 1, 3, 3, 3, 3]


def test_a_closed_street_of_its_own_has_no_node_and_its_length():
    nodes, made = graph(circle())
    assert nodes == {} and made.length_m == pytest.approx(12 * 40 * math.sin(math.pi / 12))


def test_a_street_that_ends_where_it_begins_counts_twice_there():
    loop = [(0, 0), (10, 10), (20, 0), (10, -10), (0, 0)]
    assert graph([(-50, 0), (0, 0)], loop)[0] == {(-50, 0): 1, (0, 0): 3}


def test_a_line_that_comes_back_upon_itself():
    lasso = [(-50, 0), (0, 0), (10, 10), (20, 0), (10, -10), (0, 0)]
    assert graph(lasso)[0] == {(-50, 0): 1, (0, 0): 3}


def test_parts_of_a_multipart_line_are_lines():
    both = shapely.MultiLineString([[(0, 0), (50, 0)], [(50, 0), (50, 60)]])
    assert graph(both, [(50, 0), (100, 0)])[0] == {(0, 0): 1, (50, 60): 1, (100, 0): 1, (50, 0): 3}


def test_what_is_drawn_twice_counts_once_also_backwards_and_in_other_pieces():
    line = [(0, 0), (50, 0), (100, 20)]
    nodes, made = graph(line, line, line[::-1], [(0, 0), (50, 0)])
    assert nodes == {(0, 0): 1, (100, 20): 1}
    assert made.repeated == 5 and made.length_m == pytest.approx(50 + math.hypot(50, 20))
    overlapping, made = graph([(0, 0), (100, 0)], [(30, 0), (60, 0)])
    assert overlapping == {(0, 0): 1, (100, 0): 1} and made.length_m == pytest.approx(100)


def test_a_third_dimension_and_missing_lines_do_no_harm():
    high = shapely.LineString([(0, 0, 5), (50, 0, 9)])
    assert graph(high, shapely.LineString(), None, [(50, 0), (90, 0)])[0] == {(0, 0): 1, (90, 0): 1}
    nodes, made = graph(None)
    assert nodes == {} and made.length_m == 0 and made.segments.shape == (0, 2, 2)
    assert length_in(made, CELLS).tolist() == [0, 0, 0, 0]
    assert [part.tolist() for part in nodes_in(made, CELLS)] == [[0] * 4] * 4


CELLS = shapely.box([0, 100, 0, 100], [0, 0, 100, 100], [100, 200, 100, 200], [100, 100, 200, 200])
"""West, east, north-west, north-east."""


def test_streets_are_cut_at_cells_and_counted_in_one_cell_along_a_border():
    _, made = graph([(50, 50), (150, 50)])
    assert length_in(made, CELLS).tolist() == pytest.approx([50, 50, 0, 0], abs=1e-5)
    _, made = graph([(100, 10), (100, 90)])
    assert length_in(made, CELLS).tolist() == pytest.approx([0, 80, 0, 0], abs=1e-5)
    _, made = graph([(10, 100), (90, 100)])
    assert length_in(made, CELLS).tolist() == pytest.approx([0, 0, 80, 0], abs=1e-5)


def test_nodes_in_cells():
    cross = [[(0, 50), (50, 50), (100, 50)], [(50, 0), (50, 50), (50, 99)], [(100, 100), (150, 150)]]
    _, made = graph(*cross)
    number, least, mean, most = nodes_in(made, CELLS)
    assert number.tolist() == [4, 1, 0, 2], "a node in the corner of four cells counts in one"
    assert least.tolist() == [1, 1, 0, 1] and most.tolist() == [4, 1, 0, 1]
    assert mean.tolist() == [7 / 4, 1, 0, 1]
    number, least, mean, most = nodes_in(made, CELLS, dead_ends=False)
    assert number.tolist() == [1, 0, 0, 0] and least.tolist() == most.tolist() == [4, 0, 0, 0]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_lengths_in_cells_add_up_and_do_not_depend_on_how_lines_are_drawn(seed, at_crossings):
    rng = np.random.default_rng(seed)
    # On a lattice of 25 m, so that many ends, vertices and borders of cells coincide.
    lines = [(rng.integers(0, 9, (rng.integers(2, 6), 2)) * 25.0).tolist() for _ in range(rng.integers(1, 9))]
    lines = [line for line in lines if len({tuple(p) for p in line}) > 1] or [[[0.0, 0.0], [25.0, 0.0]]]
    made = graph(*lines, at_crossings=at_crossings)[1]
    inside, moved = shapely.box(0, 0, 200, 200), shapely.linestrings(made.segments + np.array(NUDGE_M))
    whole = shapely.length(shapely.intersection(moved, inside)).sum()
    assert length_in(made, CELLS).sum() == pytest.approx(whole, abs=1e-4)
    single = [[a, b][:: rng.choice([-1, 1])] for line in lines for a, b in zip(line, line[1:], strict=False) if a != b]
    if at_crossings:
        nodes, exact = graph(*lines, at_crossings=True, tolerance_m=0)
        again, _ = graph(*[single[k] for k in rng.permutation(len(single))], at_crossings=True, tolerance_m=0)
        assert rounded(again) == rounded(nodes)
        union = shapely.union_all([shapely.LineString(line) for line in single])
        assert exact.length_m == pytest.approx(union.length, rel=1e-6)
        assert made.length_m <= exact.length_m + 1e-6, "what runs within the tolerance of another is drawn twice"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_nodes_are_those_of_lines_noded_by_geos(seed):
    rng = np.random.default_rng(seed)
    lines = [rng.uniform(0, 100, (2, 2)).tolist() for _ in range(rng.integers(2, 12))]
    nodes, made = graph(*lines, at_crossings=True, tolerance_m=0)
    pieces = shapely.get_parts(shapely.node(shapely.MultiLineString(lines)))
    ends = np.array([piece.coords[k] for piece in pieces for k in (0, -1)])
    alike = cKDTree(ends).query_ball_point(list(nodes), 1e-4)
    assert [len(some) for some in alike] == list(nodes.values())
    elsewhere = np.delete(ends, np.concatenate(alike).astype(int), axis=0)
    assert all(len(some) == 2 for some in cKDTree(elsewhere).query_ball_point(elsewhere, 1e-4)) if len(elsewhere) else 1
    assert len(made.segments) == len(pieces)
