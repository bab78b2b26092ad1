import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core.cluster import pieces
from quadrat.core.cluster.pieces import Size, made_twice, pieces_of, size_of_pieces
from quadrat.core.tiling import make_plan

pytestmark = pytest.mark.same_without_torch

PLANS = st.builds(
    make_plan,
    height=st.integers(1, 700), width=st.integers(1, 700), tile=st.integers(3, 60), overlap=st.integers(0, 2),
    exact=st.booleans(), batch=st.integers(1, 9), dimensions=st.sampled_from([1, 40, 700, 4000]),
    itemsize=st.sampled_from([1, 4]),
)  # fmt: skip


def needed(plan, blocks):
    return sum(
        len(batch.tiles) for batch in plan.batches
        if any(index in blocks for tile in batch.tiles for index in plan.blocks_of(tile, batch.lane))
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(PLANS, st.integers(1, 9), st.integers(1, 9))
def test_each_block_belongs_to_one_piece(plan, rows, cols):
    blocks = [index for piece in pieces_of(plan, Size(rows, cols)) for index in piece.blocks(plan)]
    across, down = -(-plan.width // plan.block), -(-plan.height // plan.block)
    assert sorted(blocks) == list(range(across * down))


@settings(max_examples=40, deadline=None)
@given(PLANS, st.integers(1, 9))
def test_tiles_are_counted_as_the_loop_makes_them(plan, rows):
    size = Size(rows, 10**6)
    made = sum(needed(plan, piece.blocks(plan)) for piece in pieces_of(plan, size))
    assert made_twice(plan, size) == pytest.approx(made / sum(len(batch.tiles) for batch in plan.batches) - 1)


@settings(max_examples=40, deadline=None)
@given(PLANS, st.sampled_from([1, 2, 7, 100]))
def test_sizes_fit_the_memory_and_leave_work_for_all(plan, workers):
    size = size_of_pieces(plan, workers, 1)
    assert size.rows >= 1 and size.cols >= 1
    assert size.rows == 1 or size.rows * size.cols * plan.block**2 * plan.dimensions <= pieces.MOST_BYTES
    rows = -(-plan.height // plan.block)
    assert len(pieces_of(plan, size)) >= min(workers, rows) // 2


VIT = {"tile": 14, "overlap": 2, "exact": False, "batch": 16, "dimensions": 384, "itemsize": 1}
FILTERS = {"tile": 128, "overlap": 0, "exact": True, "batch": 1, "dimensions": 512, "itemsize": 1}


@pytest.mark.parametrize(("side", "kind", "workers", "most"), [(2500, VIT, 2, 0.06), (4000, FILTERS, 8, 0.01)])
def test_little_is_made_twice(side, kind, workers, most):
    plan = make_plan(side, side, **kind)
    assert made_twice(plan, size_of_pieces(plan, workers, 1)) <= most
