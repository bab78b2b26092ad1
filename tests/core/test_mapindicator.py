"""Maps of an indicator and its change: where cells lie, what is said of missing dates, and what errors promise."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import quadrat.core.heads.storage  # noqa: F401 - skops asks for torch when it is imported
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from quadrat.core.errors import BadInput, BadJob, Cancelled
from quadrat.core.jobs.poverty.map import MapChange, MapIndicator
from quadrat.core.pipelines.mapchange import FALL, NONE, RISE, classified
from quadrat.core.pipelines.registry import run_job
from quadrat.core.poverty.indicator import mapping
from quadrat.core.poverty.indicator.ensemble import Ensemble, Held, load_ensemble
from quadrat.core.poverty.indicator.margins import margin, of_changes, of_levels, pooled_quantile
from quadrat.core.progress import Progress
from quadrat.core.vector import read_vector

from .test_trainseries import CELL, PIXEL_M, SIDE, YEARS, asked, images, network, survey_of


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lesson")
    series, proxy, light = images(folder)
    run_job(asked(folder, series, proxy=proxy), Progress())
    return folder, series, light


def mapped(folder, series, tmp_path, **more):
    given = {"model": str(folder / "m.qseries"), "series": series, "output": str(tmp_path / "map.tif"), "threads": 1}
    return MapIndicator.from_dict({**given, **more})


def changed(folder, series, tmp_path, **more):
    given = {"model": str(folder / "m.qseries"), "series": series, "output": str(tmp_path / "change.tif"), "threads": 1,
             "classes": str(tmp_path / "class.tif"), "error": str(tmp_path / "change_error.tif")}  # fmt: skip
    return MapChange.from_dict({**given, **more})


def read(path):
    """Values, and what the file says of itself."""
    with rasterio.open(path) as file:
        told = {name: getattr(file, name) for name in ("descriptions", "res", "bounds", "nodata", "transform")}
        return file.read(), SimpleNamespace(**told)


def test_every_cell_at_every_date_with_its_error(lesson, tmp_path):
    folder, series, light = lesson
    job = mapped(folder, series, tmp_path, error=str(tmp_path / "e.tif"), cells=str(tmp_path / "c.gpkg"))
    facts = run_job(job, Progress()).facts
    data, file = read(tmp_path / "map.tif")
    assert data.shape == (4, SIDE // CELL, SIDE // CELL)
    assert file.descriptions == tuple(f"light_{year}" for year in YEARS)
    assert file.res == (PIXEL_M * CELL, PIXEL_M * CELL)
    with rasterio.open(series) as source:
        assert file.bounds == source.bounds
    assert np.corrcoef(data.ravel(), light.ravel())[0, 1] > 0.95
    error, _ = read(tmp_path / "e.tif")
    assert (np.abs(data - light) <= error).mean() > 0.85  # 90 % of places that were not seen
    cells = read_vector(str(tmp_path / "c.gpkg"))
    assert len(cells) == 576
    assert {"value_2010", "error_2010", "models_sd_2010"} <= set(cells.columns)
    for number in (0, 100, 575):
        middle = cells.geometry.iloc[number].centroid
        row, col = rasterio.transform.rowcol(file.transform, middle.x, middle.y)
        assert cells["value_2013"].iloc[number] == pytest.approx(data[3, row, col], rel=1e-5)
    assert facts["predicted"] == "proxy"
    sidecar = json.loads((tmp_path / "map.tif.quadrat.json").read_text())
    assert sidecar["facts"]["indicator"] == "light"


def test_an_extent_is_cut_from_the_whole(lesson, tmp_path):
    folder, series, _ = lesson
    run_job(mapped(folder, series, tmp_path), Progress())
    whole, file = read(tmp_path / "map.tif")
    left, bottom, right, top = file.bounds
    step = PIXEL_M * CELL
    extent = f"{left + 2.5 * step},{right},{bottom},{top - 4 * step}"
    run_job(mapped(folder, series, tmp_path, extent=extent, output=str(tmp_path / "part.tif")), Progress())
    part, cut = read(tmp_path / "part.tif")
    row, col = (round(value) for value in ((top - cut.bounds.top) / step, (cut.bounds.left - left) / step))
    assert (row, col) == (4, 3)
    np.testing.assert_array_equal(part, whole[:, row:, col:])


def test_pieces_make_the_same_map(lesson, tmp_path, monkeypatch):
    folder, series, _ = lesson
    run_job(mapped(folder, series, tmp_path), Progress())
    monkeypatch.setattr(mapping, "AT_ONCE", 100)
    fractions = []
    progress = Progress(report=lambda fraction, remaining_s, text: fractions.append(fraction))
    run_job(mapped(folder, series, tmp_path, output=str(tmp_path / "pieces.tif")), progress)
    np.testing.assert_array_equal(read(tmp_path / "pieces.tif")[0], read(tmp_path / "map.tif")[0])
    assert fractions == sorted(fractions)


def test_a_series_that_shows_nothing_is_refused(lesson, tmp_path):
    folder, _, _ = lesson
    series, _, _ = images(tmp_path)
    with rasterio.open(series, "r+") as file:
        file.write(np.zeros((8, SIDE, SIDE), np.uint8))
    with pytest.raises(BadInput, match="shows none of the 576 cells at any date"):
        run_job(mapped(folder, series, tmp_path), Progress())


def test_a_date_that_shows_nothing_stays_empty(lesson, tmp_path):
    folder, _, _ = lesson
    series, _, _ = images(tmp_path)
    with rasterio.open(series, "r+") as file:
        file.write(np.zeros((SIDE, SIDE), np.uint8), 3)
    run_job(mapped(folder, series, tmp_path), Progress())
    data, _ = read(tmp_path / "map.tif")
    assert np.isnan(data[1]).all()
    assert np.isfinite(data[[0, 2, 3]]).all()
    with pytest.raises(BadInput, match="shows no cell at 2011"):
        run_job(changed(folder, series, tmp_path, first="2011"), Progress())


def test_change_is_the_difference_of_dates_and_is_called_beyond_its_error(lesson, tmp_path):
    folder, series, light = lesson
    facts = run_job(changed(folder, series, tmp_path), Progress()).facts
    run_job(mapped(folder, series, tmp_path), Progress())
    data, _ = read(tmp_path / "map.tif")
    change, file = read(tmp_path / "change.tif")
    np.testing.assert_allclose(change[0], data[3] - data[0], atol=1e-4)
    assert file.descriptions == ("change_2010_2013",)
    error, _ = read(tmp_path / "change_error.tif")
    classes, painted = read(tmp_path / "class.tif")
    assert painted.nodata == 0
    np.testing.assert_array_equal(classes[0], classified(change.ravel(), error.ravel()).reshape(change[0].shape))
    truth = light[3] - light[0]
    assert truth[classes[0] == RISE].mean() > truth[classes[0] == NONE].mean() + 5
    assert facts["error_from"] == "same"
    assert sum(facts["counts"].values()) == 576


def test_rise_fall_and_what_is_not_known():
    change, error = np.array([3.0, -3.0, 1.0, 2.0, np.nan, 5.0]), np.array([2.0, 2.0, 2.0, 2.0, 2.0, np.nan])
    np.testing.assert_array_equal(classified(change, error), [RISE, FALL, NONE, NONE, 0, 0])


def test_a_survey_of_single_years_takes_errors_of_levels(tmp_path):
    series, _, light = images(tmp_path)
    survey = survey_of(tmp_path, light, years=(2011,), count=200)
    run_job(asked(tmp_path, series, survey=survey, displacement="off"), Progress())
    lines = []
    facts = run_job(changed(tmp_path, series, tmp_path), Progress(log=lambda level, text: lines.append(text))).facts
    assert facts["error_from"] == "levels"
    assert any("no place was kept apart at two dates" in line for line in lines)


def test_too_few_squares_give_no_error_and_say_so(tmp_path):
    series, proxy, _ = images(tmp_path)
    run_job(asked(tmp_path, series, proxy=proxy, block_size_m=8000.0), Progress())
    lines = []
    job = mapped(tmp_path, series, tmp_path, level=0.99, error=str(tmp_path / "e.tif"))
    run_job(job, Progress(log=lambda level, text: lines.append(text)))
    assert any("takes 99 at least" in line for line in lines)
    assert np.isnan(read(tmp_path / "e.tif")[0]).all()


@pytest.mark.parametrize(
    ("more", "error", "sentence"),
    [
        ({"first": "1999"}, BadJob, "has no date '1999'. It has: 2010"),
        ({"first": "2013", "last": "2010"}, BadJob, "must be earlier"),
        ({"first": "2011", "last": "2011"}, BadJob, "must be earlier"),
        ({"extent": "0,1,0,1"}, BadInput, "lies beside the raster"),
        ({"model": "series"}, BadInput, "is not a model for series"),
        ({"model": "none.qseries"}, BadInput, "There is no file"),
    ],
)
def test_what_does_not_fit_gets_a_sentence(lesson, tmp_path, more, error, sentence):
    folder, series, _ = lesson
    more = {**more, **({"model": series} if more.get("model") == "series" else {})}
    with pytest.raises(error, match=sentence):
        run_job(changed(folder, series, tmp_path, **more), Progress())
    assert not list(tmp_path.glob("*.tif"))


def test_other_bands_are_refused(lesson, tmp_path):
    folder, _, _ = lesson
    series, _, _ = images(tmp_path)
    with rasterio.open(series, "r+") as file:
        file.descriptions = [f"b{number % 2}_{YEARS[number // 2]}" for number in range(8)]
    with pytest.raises(BadInput, match="has no band red or nir"):
        run_job(mapped(folder, series, tmp_path), Progress())


def test_transformers_map_too_and_ask_for_as_many_dates(tmp_path):
    pytest.importorskip("torch")
    series, proxy, _ = images(tmp_path)
    run_job(network(tmp_path, series, proxy=proxy), Progress())
    run_job(mapped(tmp_path, series, tmp_path), Progress())
    assert np.isfinite(read(tmp_path / "map.tif")[0]).all()
    (tmp_path / "short").mkdir()
    short, _, _ = images(tmp_path / "short", missing=(2013,))
    with pytest.raises(BadInput, match="reads 4 dates as a whole"):
        run_job(mapped(tmp_path, short, tmp_path, output=str(tmp_path / "n.tif")), Progress())


@given(st.integers(0, 1000), st.sampled_from([0.5, 0.8, 0.9]))
def test_pooled_quantile_is_that_of_the_mean_distribution(seed, confidence):
    rng = np.random.default_rng(seed)
    blocks = [rng.gamma(2, 1, rng.integers(1, 9)) for _ in range(20)]
    scores, block = np.concatenate(blocks), np.repeat(np.arange(20), [len(one) for one in blocks])
    found = pooled_quantile(scores, block, confidence)
    reached = sum((one <= found).mean() for one in blocks) / 21
    below = sum((one < found).mean() for one in blocks) / 21
    assert reached >= confidence - 1e-9 > below - 2e-9


def test_a_margin_holds_what_it_promises_and_grows_with_the_level():
    """Errors are alike within squares and grow with the level: 90 % of the places of new squares lie within."""
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(60):
        squares = rng.normal(0, 0.7, 60)
        block = np.repeat(np.arange(60), 10)
        level = rng.uniform(1, 10, 600)
        off = level * (squares[block] + rng.normal(0, 0.3, 600))
        known = block < 40
        found = margin(off[known], level[known], block[known], 0.9)
        inside.append((np.abs(off) <= found.around(level))[~known].mean())
        assert found.around(np.array([9.0]))[0] > 3 * found.around(np.array([2.0]))[0]
    assert 0.88 < np.mean(inside) < 0.95


def test_errors_of_changes_come_from_dates_as_far_apart():
    """A place's error that stays is no error of its change."""
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(300, 3))
    said = truth + rng.normal(0, 2, (300, 1)) + rng.normal(0, 0.1, (300, 3))
    where = np.full((300, 2), np.nan), np.full(300, -1)
    held = Held(truth, said, np.zeros(300, np.int64), np.arange(300) // 5, *where)
    levels, change = of_levels(held, 0.9), of_changes(held, [2000.0, 2001.0, 2005.0], 5.0, 0.9)
    assert change.how == "same"
    assert change.margin.around(np.array([0.0]))[0] < levels.around(np.array([0.0]))[0] / 4
    assert of_changes(held, [2000.0, 2001.0, 2005.0], 3.0, 0.9).how == "others"
    single = Held(np.where(np.arange(3) == 1, truth, np.nan), said, held.turn, held.block, *where)
    assert of_changes(single, [2000.0, 2001.0, 2005.0], 5.0, 0.9).how == "levels"


def test_the_file_holds_what_was_kept_apart(lesson):
    folder, _, _ = lesson
    held = load_ensemble(str(folder / "m.qseries")).held
    assert np.isnan(held.said[held.turn < 0]).all()


def test_a_map_from_pixels_that_was_stopped_goes_on_and_leaves_nothing(lesson, tmp_path, monkeypatch):
    folder, series, _ = lesson
    run_job(mapped(folder, series, tmp_path), Progress())
    monkeypatch.setattr(mapping, "AT_ONCE", 200)
    predict, done = Ensemble.predict, []

    def stopping(self, *given):
        if len(done) == 1:
            raise Cancelled("Stopped.")
        done.append(1)
        return predict(self, *given)

    job = mapped(folder, series, tmp_path, output=str(tmp_path / "pieces.tif"))
    with monkeypatch.context() as patch:
        patch.setattr(Ensemble, "predict", stopping)
        with pytest.raises(Cancelled):
            run_job(job, Progress())
    assert (tmp_path / "pieces.tif.part").exists() and not list(tmp_path.glob(".quadrat-chips*"))
    lines = []
    run_job(job, Progress(log=lambda level, text: lines.append(text)))
    assert any("1 of 3 parts of the map are there" in line for line in lines)
    np.testing.assert_array_equal(read(tmp_path / "pieces.tif")[0], read(tmp_path / "map.tif")[0])
    assert not list(tmp_path.glob("*.part*"))
