from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.grid import Grid, Window

sides = st.integers(1, 300)
windows = st.builds(Window, st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 60), st.integers(1, 60))
GRID = Affine.translation(500, 4000) @ Affine.rotation(12) @ Affine.scale(10, -7)


@given(sides, sides, sides)
def test_blocks_cover_the_grid_once(height, width, size):
    blocks = Grid(GRID, "", height, width).blocks(size)
    assert sum(block.height * block.width for block in blocks) == height * width
    assert blocks[-1].row + blocks[-1].height == height
    assert all(a.intersection(b) is None for a, b in zip(blocks, blocks[1:], strict=False))


@given(windows, windows)
def test_intersection_is_what_both_share(a, b):
    cells = lambda w: {(r, c) for r in range(w.row, w.row + w.height) for c in range(w.col, w.col + w.width)}  # noqa: E731
    shared = a.intersection(b)
    assert (cells(shared) if shared else set()) == cells(a) & cells(b)
    assert shared == b.intersection(a)


@given(sides, sides, st.integers(1, 20))
def test_coarser_grid_keeps_origin_and_covers(height, width, factor):
    grid = Grid(GRID, "", height, width)
    coarse = grid.coarser(factor)
    assert (coarse.transform @ (0, 0)) == (grid.transform @ (0, 0))
    assert 0 <= coarse.height * factor - height < factor
    assert 0 <= coarse.width * factor - width < factor
    x, y = coarse.transform @ (1, 1)
    assert abs(x - (grid.transform @ (factor, factor))[0]) < 1e-6
    assert abs(y - (grid.transform @ (factor, factor))[1]) < 1e-6


@given(windows)
def test_crop_moves_the_origin(window):
    grid = Grid(GRID, "", 100, 100)
    cropped = grid.crop(window)
    assert cropped.transform.almost_equals(GRID @ Affine.translation(window.col, window.row), 1e-9)
    assert (cropped.height, cropped.width) == (window.height, window.width)
