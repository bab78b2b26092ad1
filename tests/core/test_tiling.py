import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from quadrat.core import tiling
from quadrat.core.grid import Grid, Window
from quadrat.core.quantise import Quantiser, fit
from quadrat.core.stitching import LaneStitcher
from quadrat.core.tiling import block_side, make_plan, spread, starts_of, tile_sides, weights_of

sizes = st.integers(1, 200)


@st.composite
def tilings(draw):
    tile = draw(st.integers(1, 40))
    return draw(sizes), tile, draw(st.integers(0, tile - 1))


@given(tilings())
def test_tiles_cover_every_cell_and_end_at_the_edge(case):
    length, tile, overlap = case
    starts = starts_of(length, tile, overlap)
    covered = np.zeros(max(length, tile), int)
    for start in starts:
        covered[start : start + tile] += 1
    assert covered.min() >= 1
    assert starts[-1] + tile == max(length, tile)
    assert starts == sorted(set(starts))


@given(tilings())
def test_weights_are_positive_and_sum_to_one(case):
    length, tile, overlap = case
    starts = starts_of(length, tile, overlap)
    weights = weights_of(starts, tile, overlap)
    total = np.zeros(max(length, tile))
    for start, weight in zip(starts, weights, strict=True):
        total[start : start + tile] += weight
    assert (weights > 0).all()
    np.testing.assert_allclose(total, 1, rtol=1e-6)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_tiles_put_together_give_the_picture_back(data):
    """Cut an array into the plan's tiles, stitch them: the same array, each block put once, in order within a lane."""
    sides = st.integers(1, 120)
    height, width, (_, tile, overlap) = data.draw(sides), data.draw(sides), data.draw(tilings())
    exact, batch = data.draw(st.booleans()), data.draw(st.integers(1, 5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiling, "LANE_BYTES", data.draw(st.sampled_from([1, 20_000, 10**9])))
        patch.setattr(tiling, "BLOCK_BYTES", data.draw(st.sampled_from([1, 10_000, 10**6])))
        plan = make_plan(height, width, tile=tile, overlap=overlap, exact=exact, batch=batch, dimensions=2, itemsize=4)
    blocks = Grid(None, "", height, width).blocks(plan.block)
    rng = np.random.default_rng(0)
    padded = rng.normal(size=(2, height + tile, width + tile)).astype(np.float32)
    cells = rng.random((height + tile, width + tile)) < 0.8
    done = frozenset(i for i in range(len(blocks)) if data.draw(st.booleans()))
    result, put = np.full((2, height, width), 7, np.float32), []

    def take(index, values):
        put.append(index)
        result[(slice(None), *blocks[index].slices_in(Window(0, 0, height, width)))] = values

    for lane in range(len(plan.lanes)):
        stitcher = LaneStitcher(plan, lane, 2, None, done, take)
        for made in plan.batches:
            for window in made.tiles if made.lane == lane else ():
                place = window.slices_in(Window(0, 0, 0, 0))
                stitcher.advance(window.row)
                stitcher.add(window, padded[(slice(None), *place)], cells[place])
        stitcher.advance(height)
    assert sorted(put) == [i for i in range(len(blocks)) if i not in done]
    for index in put:
        place = (slice(None), *blocks[index].slices_in(Window(0, 0, height, width)))
        expected = np.where(cells[place[1:]], padded[place], np.nan)
        np.testing.assert_allclose(result[place], expected, rtol=1e-5, atol=1e-6)


@given(sizes, sizes, st.integers(1, 9), st.booleans())
def test_batches_hold_every_tile_once_a_lane_and_one_shape(height, width, batch, exact):
    plan = make_plan(height, width, tile=14, overlap=2, exact=exact, batch=batch, dimensions=3, itemsize=1)
    assert [made.number for made in plan.batches] == list(range(len(plan.batches)))
    for made in plan.batches:
        assert 1 <= len(made.tiles) <= batch
        assert len({tile[2:] for tile in made.tiles}) == 1
    everything = [(made.lane, tile) for made in plan.batches for tile in made.tiles]
    assert len(everything) == len(set(everything))


def test_memory_of_a_lane_is_bounded_whatever_the_width():
    for dimensions, tile in ((64, 128), (384, 14), (1536, 37)):
        plan = make_plan(50, 60_000, tile=tile, overlap=1, exact=False, batch=1, dimensions=dimensions, itemsize=1)
        width = max(width for _, width in plan.lanes)
        assert len(plan.lanes) > 1
        assert width * dimensions * (plan.block + 4 * tile) <= max(tiling.LANE_BYTES, plan.block * dimensions * 4 * 200)
        assert sum(width for _, width in plan.lanes) == 60_000


def test_overlap_must_be_below_the_tile():
    with pytest.raises(ValueError, match="overlap"):
        make_plan(10, 10, tile=4, overlap=4, exact=False, batch=1, dimensions=1, itemsize=1)


@given(sizes, sizes, st.integers(1, 9000), st.sampled_from([1, 4]))
def test_blocks_are_what_a_tiff_can_hold(height, width, dimensions, itemsize):
    side = block_side(height, width, dimensions, itemsize)
    assert side % 16 == 0
    assert 16 <= side <= 128


@given(st.integers(1, 500))
def test_every_beginning_of_the_order_is_spread(count):
    order = spread(count)
    assert sorted(order) == list(range(count))
    if count >= 50:
        gaps = np.diff(np.sort([0, *order[:10], count]))
        assert gaps.max() <= 0.3 * count


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.floats(-1e4, 1e4), st.floats(1e-3, 1e4))
def test_bytes_keep_values_to_half_a_step(seed, centre, spread_):
    values = np.random.default_rng(seed).normal(centre, spread_, (500, 3)).astype(np.float32)
    quantiser = fit(values)
    inside = values.T[:, :, None]
    decoded = quantiser.decode(quantiser.encode(inside, np.ones((500, 1), bool)))
    # float32 itself is that coarse next to a large centre
    tolerance = 0.51 * quantiser.scale + 4e-6 * abs(centre) + 2e-5 * spread_
    assert (np.abs(decoded - inside).max(axis=(1, 2)) <= tolerance).all()


def test_constant_bands_and_holes():
    sample = np.array([[0.0, 5.0, -1e6]] * 10, np.float32)
    quantiser = fit(sample)
    assert isinstance(quantiser, Quantiser)
    valid = np.array([[True, False]])
    codes = quantiser.encode(np.repeat(sample[0][:, None, None], 2, axis=2), valid)
    assert codes[:, 0, 0].tolist() == [128, 128, 128]
    assert codes[:, 0, 1].tolist() == [0, 0, 0]
    np.testing.assert_allclose(quantiser.decode(codes)[:, 0, 0], sample[0], rtol=1e-5, atol=1e-5)
    far = np.array([1e30, -1e30, 1e30], np.float32)[:, None, None]
    assert quantiser.encode(far, np.ones((1, 1), bool)).ravel().tolist() == [255, 1, 255]


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize(("height", "width"), [(5, 7), (300, 411), (129, 2600)])
def test_sides_of_tiles_are_those_of_the_plan(exact, height, width):
    asked = {"tile": 64, "overlap": 7, "exact": exact, "dimensions": 3000, "itemsize": 4}
    plan = make_plan(height, width, batch=3, **asked)
    assert len(plan.lanes) > (width > 2000), "several lanes are tried"
    rows, cols = tile_sides(height, width, **asked)
    tiles = [tile for batch in plan.batches for tile in batch.tiles]
    assert len(rows) * len(cols) == len(tiles)
    assert sum(rows) * sum(cols) == sum(tile.height * tile.width for tile in tiles)
