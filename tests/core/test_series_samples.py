"""What transformers for series learn from: pixels on disk, bags of squares, rows of places and of images."""

import numpy as np
import pytest
import shapely
from quadrat.core.errors import BadInput, BadJob
from quadrat.core.poverty.teaching.bags import HIGHEST, MEAN, SELECT, Rows, Samples, lit_and_some_dark, shares
from quadrat.core.poverty.teaching.chipstore import all_squares, band_statistics, chips_on_disk, squares
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.tests.core.seriescells import CELL, C, T, cells

pytestmark = pytest.mark.same_without_torch

# Pixels on disk


def test_pixels_lie_on_disk_as_they_are_stored_and_go_away(make_raster, tmp_path):
    values = np.random.default_rng(0).integers(1, 255, (T * C, 10, 13))
    path, folder = make_raster(values=values, nodata=0), tmp_path / "room"
    folder.mkdir()
    bands = np.arange(1, T * C + 1).reshape(T, C)
    with open_raster(path) as reader:
        places = all_squares(reader.grid, CELL)
    with chips_on_disk(path, bands[::-1], places, folder, Progress()) as store:
        assert store.values.dtype == np.uint8 and store.values.shape == (2 * 3, T, C, CELL, CELL)
        assert store.seen.all() and len(list(folder.rglob("*"))) == 2
        for (row, col, *_), found in zip(places.inside, store.values, strict=True):
            cut = values[:, row : row + CELL, col : col + CELL].reshape(T, C, CELL, CELL)
            np.testing.assert_array_equal(found, cut[::-1])
    assert not list(folder.iterdir()) and not len(store.values)


@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_a_date_with_less_than_half_of_its_pixels_is_not_seen(make_raster, tmp_path, dtype):
    values = np.full((T * C, CELL, 2 * CELL), 40.0)
    values[:, :, CELL:] = 90
    values[2, :2, :CELL] = 0  # one band of the second date: half of the first cell
    values[3, 0, :CELL] = 50
    values[4, :3, :CELL] = 0  # of the third date: more than half
    path = make_raster(values=values, dtype=dtype, nodata=0)
    with open_raster(path) as reader:
        places = all_squares(reader.grid, CELL)
    with chips_on_disk(path, np.arange(1, 7).reshape(T, C), places, tmp_path, Progress()) as store:
        assert store.seen.tolist() == [[True, True, False], [True, True, True]]
        assert (store.values[0, 1] == 40).all()  # missing pixels are the mean of the others of that band
        assert (store.values[0, 2] == 0).all() and (store.values[1] == 90).all()
        mean, spread = band_statistics(store, np.arange(2))
        assert mean == pytest.approx([70.0, 70.0]) and spread == pytest.approx([np.sqrt(600)] * 2)


def test_a_date_without_all_bands_is_seen_nowhere(make_raster, tmp_path):
    path = make_raster(count=4, height=CELL, width=CELL)
    with open_raster(path) as reader:
        places = all_squares(reader.grid, CELL)
    with chips_on_disk(path, np.array([[1, 2], [0, 3], [3, 4]]), places, tmp_path, Progress()) as store:
        assert store.seen.tolist() == [[True, False, True]]
    with pytest.raises(BadJob, match="no date has all bands"):
        next(iter(chips_on_disk(path, np.zeros((3, 2), int), places, tmp_path, Progress()).__enter__()))


def test_squares_are_centred_and_cells_of_the_lattice_whole(make_raster):
    with open_raster(make_raster(count=1, height=13, width=9)) as reader:
        grid = reader.grid
    shapes = np.array([shapely.Point(600_045, 8_999_935), shapely.box(600_000, 8_999_960, 600_040, 9_000_000)])
    assert squares(shapes, grid, 4).inside.tolist() == [[4, 2, 4, 4], [0, 0, 4, 4]]
    assert all_squares(grid, 4).inside[:, :2].tolist() == [[r, c] for r in (0, 4, 8) for c in (0, 4)]
    assert all_squares(grid, 4, grid.crop(grid.whole).whole._replace(row=1, height=8)).inside[:, 0].tolist() == [4, 4]


# Samples


def test_rows_are_places_or_pairs_with_a_target_that_is_seen():
    store, Y = cells(6)
    store.seen[1] = False
    store.seen[2, 0] = False
    Y[3] = np.nan
    Y[4, 1:] = np.nan
    samples = Samples.cells(Y, np.array([1, 1, 1, 1, 2.0, 0]))
    assert Rows(store, samples, np.arange(6), False).place.tolist() == [0, 2, 4]
    rows = Rows(store, samples, np.arange(6), True)
    assert list(zip(rows.place, rows.date, strict=True)) == [(0, 0), (0, 1), (0, 2), (2, 1), (2, 2), (4, 0)]
    batch = rows.batch(np.array([5, 3]))
    assert batch.chip.tolist() == [4, 2] and batch.date.tolist() == [0, 1]
    np.testing.assert_array_equal(batch.target, np.array([[Y[4, 0]], [Y[2, 1]]], np.float32))
    np.testing.assert_array_equal(batch.weight, [[2], [1]])
    np.testing.assert_array_equal(batch.pixels(store)[1, 0], store.values[2, 1])


def bags():
    store, _ = cells(6)
    store.seen[4, 0] = False
    Y = np.array([[1.0, 1.0, np.nan], [5.0, np.nan, np.nan]])
    samples = Samples(Y, np.ones(2), np.array([0, 0, 0, 1, 1]), np.array([5, 0, 1, 3, 4]), np.array([1, 1, 2.0, 1, 1]))
    return store, samples, Rows(store, samples, np.arange(2), False).batch(np.arange(2))


def test_squares_of_a_sample_become_one_by_mean_highest_or_best():
    _, _, batch = bags()
    said = np.array([[0, 0, 9], [1.1, 1.1, 0], [3, 3, 3], [9, 0, 0], [5, 8, 8.0]])
    np.testing.assert_allclose(shares(said, batch, MEAN)[:, 0], [0.25, 0.25, 0.5, 1, 0])
    np.testing.assert_allclose(shares(said, batch, MEAN)[3:, 1], [0.5, 0.5])
    # Highest mean over dates, ties share; of the dates of the last square, the first is not seen.
    np.testing.assert_allclose(shares(said, batch, HIGHEST)[:, 1], [0.5, 0, 0.5, 0, 1])
    # Least error where targets are known: the last square does not see the only one of its place.
    np.testing.assert_allclose(shares(said, batch, SELECT)[:, 0], [0, 1, 0, 1, 0])
    assert len(batch.pieces(1)) == 2 and len(batch.pieces(5)) == 1
    assert [part.chip.tolist() for part in batch.pieces(4)] == [[5, 0, 1], [3, 4]]


def test_images_of_a_date_keep_the_squares_that_see_it():
    store, samples, _ = bags()
    rows = Rows(store, samples, np.arange(2), True)
    assert list(zip(rows.place, rows.date, strict=True)) == [(0, 0), (0, 1), (1, 0)]
    batch = rows.batch(np.array([2, 1]))
    assert batch.chip.tolist() == [3, 5, 0, 1] and batch.date.tolist() == [0, 1, 1, 1]
    assert batch.bag.tolist() == [0, 1, 1, 1] and batch.target.tolist() == [[5], [1]]
    np.testing.assert_array_equal(rows.means(), [3, 1, 7 / 3])


def test_samples_that_do_not_fit_together_are_refused():
    one, nan = np.ones(2), np.full((2, T), np.nan)
    for wrong in ((nan, one, np.array([0, 0])), (nan, one, np.array([1, 0])), (nan, one[:1], np.array([0, 1]))):
        with pytest.raises(BadJob):
            Samples(*wrong, np.arange(2), one)
    with pytest.raises(BadJob, match="shares"):
        Samples(nan, one, np.arange(2), np.arange(2), np.array([1.0, 0.0]))


def test_all_lit_and_some_dark_places_stay_in_the_lesson():
    Y = np.zeros((30, T))
    Y[::3, 1] = 0.2
    Y[4] = np.nan
    kept = lit_and_some_dark(Samples.cells(Y), np.arange(28), 5, 0)
    assert set(range(0, 28, 3)) <= set(kept.tolist()) and len(kept) == 15 and 4 not in kept
    assert kept.tolist() == lit_and_some_dark(Samples.cells(Y), np.arange(28), 5, 0).tolist()
    with pytest.raises(BadInput, match="above 0"):
        lit_and_some_dark(Samples.cells(Y * 0), np.arange(28), 5, 0)
