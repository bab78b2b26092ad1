import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from quadrat.core.components import picture
from quadrat.core.errors import BadInput
from quadrat.core.grid import Window
from quadrat.core.raster import open_raster
from quadrat.core.sampling import MOST_WINDOWS, WINDOW_PX, WindowSample

pytestmark = pytest.mark.same_without_torch


def draw(path, region=None, **options):
    with open_raster(path) as reader:
        sample = WindowSample(reader, region or reader.grid.whole, options.pop("seed", 0), **options)
        return list(sample()), list(sample()), sample._windows


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 700), st.integers(1, 700), st.integers(1, 40), st.integers(0, 5))
def test_windows_lie_inside_are_small_few_and_always_the_same(make_raster, height, width, align, seed):
    path = make_raster(height=height, width=width, count=1)
    first, second, windows = draw(path, align_px=align, seed=seed)
    assert 1 <= len(first) <= MOST_WINDOWS
    for (a, valid), (b, _), window in zip(first, second, windows, strict=True):
        assert (a == b).all()
        assert valid.all()
        assert window.height <= WINDOW_PX
        assert window.width <= WINDOW_PX
        assert window.row >= 0
        assert window.row + window.height <= height
        assert window.col + window.width <= width
        assert window.row % align == 0


def test_windows_are_spread(make_raster):
    _, _, windows = draw(make_raster(height=2000, width=1500, count=1))
    assert len(windows) == MOST_WINDOWS
    counts = np.histogram2d([w.row for w in windows], [w.col for w in windows], bins=4)[0]
    assert counts.min() >= 1


def test_a_layer_that_is_mostly_missing_is_searched(make_raster):
    holes = np.ones((3000, 3000), bool)
    holes[1700:1900, 2300:2420] = False
    path = make_raster(height=3000, width=3000, count=1, missing="nodata", holes=holes)
    first, _, _ = draw(path)
    assert sum(int(valid.sum()) for _, valid in first) > 5000
    assert all((values[:, ~valid] == 0).all() for values, valid in first)


def test_region_and_emptiness(make_raster):
    path = make_raster(height=300, width=300, missing="nodata", holes=np.arange(300)[:, None] + np.zeros(300) < 150)
    _, _, windows = draw(path, Window(200, 100, 60, 50))
    assert all(w.intersection(Window(200, 100, 60, 50)) == w for w in windows)
    with pytest.raises(BadInput, match="no valid pixel"):
        draw(path, Window(0, 0, 100, 100))


def test_picture_takes_bands_that_tell_different_things():
    rng = np.random.default_rng(0)
    signals = rng.normal(0, 1, (5000, 3)) * [1, 1, 1]
    sample = np.concatenate([signals[:, [0] * 6 + [1] * 4 + [2] * 3], np.zeros((5000, 1))], axis=1).astype(np.float32)
    sample[:, :13] += rng.normal(0, 0.1, (5000, 13))
    shown = picture(sample, ordered=False)
    groups = [0 if band <= 6 else 1 if band <= 10 else 2 for band in shown["bands"]]
    assert sorted(groups) == [0, 1, 2]
    assert all(low < high for low, high in shown["ranges"])
    assert picture(sample, ordered=True)["bands"] == [1, 2, 3]
    assert picture(sample[:, :1], ordered=False)["bands"] == [1, 1, 1]
    assert picture(np.zeros((5, 2), np.float32), ordered=False)["ranges"] == [[0, 1]] * 3
