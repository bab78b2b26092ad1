"""From a series of images and a survey or proxy to models, each tested on places that it had not seen."""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import quadrat.core.heads.storage  # noqa: F401 - skops asks for torch when it is imported
import rasterio
from pyproj import Transformer
from quadrat.core.errors import BadInput, BadJob, Cancelled
from quadrat.core.jobs.poverty.survey import PrepareSurvey
from quadrat.core.jobs.poverty.train import TrainSeries
from quadrat.core.pipelines.registry import run_job
from quadrat.core.poverty.indicator import tested
from quadrat.core.poverty.indicator.ensemble import load_ensemble
from quadrat.core.poverty.series.stack import read_series
from quadrat.core.poverty.teaching import turns
from quadrat.core.poverty.teaching.chipstore import all_squares, chips_on_disk
from quadrat.core.poverty.teaching.teaching import recipe_of
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from rasterio.transform import from_origin

YEARS = (2010, 2011, 2012, 2013)
SIDE, CELL, PIXEL_M = 96, 4, 250.0
WEST, NORTH = 500_000.0, 9_200_000.0
CRS = "EPSG:32736"


def images(folder, seed=0, missing=()):
    """Two bands a year of 24 x 24 cells whose brightness follows a light that grows; and that light as a proxy."""
    rng = np.random.default_rng(seed)
    cells = SIDE // CELL
    base = rng.gamma(1.0, 20.0, (cells, cells))
    trend = rng.uniform(0, 8, (cells, cells))
    bands, names, light = [], [], []
    for number, year in enumerate(YEARS):
        if year in missing:
            continue
        now = base + number * trend
        big = np.kron(now, np.ones((CELL, CELL)))
        bands += [np.clip(20 + big + rng.normal(0, 3, big.shape), 1, 255), rng.integers(1, 255, big.shape)]
        names += [f"red_{year}", f"nir_{year}"]
        light.append(now)
    series, proxy = str(folder / "series.tif"), str(folder / "light.tif")
    write(series, np.array(bands).astype(np.uint8), names, PIXEL_M)
    years = [year for year in YEARS if year not in missing]
    write(proxy, np.array(light, np.float32), [f"light_{year}" for year in years], PIXEL_M * CELL)
    return series, proxy, np.array(light)


def write(path, data, names, pixel_m):
    kind = {"driver": "GTiff", "crs": CRS, "transform": from_origin(WEST, NORTH, pixel_m, pixel_m), "dtype": data.dtype}
    count, height, width = data.shape
    nodata = 0 if data.dtype == np.uint8 else -1
    with rasterio.open(path, "w", count=count, height=height, width=width, nodata=nodata, **kind) as file:
        file.write(data)
        file.descriptions = names


def asked(folder, series, **more):
    given = {"series": series, "cell_px": CELL, "block_size_m": 4000.0, "threads": 1, "models": 5,
             "output": str(folder / "m.qseries"), "method": "ridge-log", "beside_random": "no"}  # fmt: skip
    return TrainSeries.from_dict({**given, **more})


@pytest.fixture(scope="module")
def shown(tmp_path_factory):
    """A folder with images and their light, and that light."""
    folder = tmp_path_factory.mktemp("shown")
    return (folder, *images(folder))


@pytest.fixture(scope="module")
def learnt(shown):
    """Facts and file of a model of the light."""
    folder, series, proxy, _ = shown
    return run_job(asked(folder, series, proxy=proxy), Progress()).facts, folder / "m.qseries"


@pytest.mark.parametrize(("method", "models"), [("ridge-log", 5), ("boosting", 2)])
def test_a_proxy_is_learnt_and_tested_elsewhere(shown, learnt, tmp_path, method, models):
    _, series, proxy, light = shown
    facts, path = learnt
    if method != "ridge-log":
        path = tmp_path / "m.qseries"
        facts = run_job(asked(tmp_path, series, proxy=proxy, method=method, models=models), Progress()).facts
    assert facts["predicted"] == "proxy"
    assert facts["indicator"] == "light"
    assert (facts["places"], facts["values"], facts["models"]) == (576, 2304, models)
    assert facts["headline"] == "blocks"
    scores = facts["tests"]["blocks"]
    assert scores["r2"] > 0.8
    assert scores["mae"] < scores["baselines"]["mean"]["mae"] / 2
    assert "a proxy, no survey" in facts["sentences"][0]
    model = load_ensemble(str(path))
    np.testing.assert_allclose(np.sort(model.held.truth.ravel()), np.sort(light.ravel()), rtol=1e-5)
    # Every place but those that choose was told once, by a model whose lesson held nothing of its square.
    assert set(np.unique(model.held.turn)) == {-1, *range(models)}
    for block in np.unique(model.held.block):
        assert len(np.unique(model.held.turn[model.held.block == block])) == 1
    sidecar = json.loads((path.parent / "m.qseries.quadrat.json").read_text())
    assert sidecar["facts"]["result"] == "model"


def test_scores_are_those_of_what_was_held_apart(learnt):
    facts, path = learnt
    held = load_ensemble(str(path)).held
    there = held.turn >= 0
    truth, said = held.truth[there], held.said[there]
    scores = facts["tests"]["blocks"]
    assert scores["mae"] == pytest.approx(np.abs(truth - said).mean())
    assert facts["tests"] == tested.all_tested({"blocks": held}, [str(year) for year in YEARS])
    matrix = scores["matrix"]["all"]
    assert matrix[1][0] is None
    assert len(matrix) == 4
    assert set(scores["differences"]) == {"1"}


def test_same_seed_same_file_and_models_that_differ(tmp_path):
    series, proxy, _ = images(tmp_path)
    files = []
    for _ in range(2):
        run_job(asked(tmp_path, series, proxy=proxy, models=2), Progress())
        files.append((tmp_path / "m.qseries").read_bytes())
    assert files[0] == files[1]
    first, second = load_ensemble(str(tmp_path / "m.qseries")).members
    assert (first[-1].coef_ != second[-1].coef_).any()


def survey_of(folder, light, seed=1, years=(2010, 2013), count=60, regions=False, urban="U"):
    """Villages with the light of their cell as wealth, published without displacement; the west is richer, if asked."""
    rng = np.random.default_rng(seed)
    cells = rng.permutation(light.shape[1] * light.shape[2])[:count]
    row, col = np.divmod(cells, light.shape[2])
    x, y = WEST + (col + 0.5) * PIXEL_M * CELL, NORTH - (row + 0.5) * PIXEL_M * CELL
    lon, lat = Transformer.from_crs(CRS, 4326, always_xy=True).transform(x, y)
    west = col < light.shape[2] // 2
    tables = [
        pd.DataFrame(
            {"cluster": np.arange(count), "year": year, "latitude": lat, "longitude": lon, "urban": urban,
             "wealth": light[YEARS.index(year) if year in YEARS else 0, row, col] + 50.0 * (west & regions),
             "region": np.where(west, "west", "east") if regions else ""}
        )
        for year in years
    ]  # fmt: skip
    pd.concat(tables).to_csv(folder / "survey.csv", index=False)
    output = str(folder / "survey.gpkg")
    given = {"survey": str(folder / "survey.csv"), "value_field": "wealth", "output": output, "urban_m": 300.0}
    run_job(PrepareSurvey.from_dict(given), Progress())
    return output


@pytest.mark.parametrize("how", ["off", "mean", "draws"])
def test_a_survey_teaches_at_the_years_that_it_has(tmp_path, how):
    series, _, light = images(tmp_path)
    survey = survey_of(tmp_path, light, years=(2010, 2013, 2019))
    lines = []
    job = asked(tmp_path, series, survey=survey, displacement=how, models=2)
    facts = run_job(job, Progress(log=lambda level, text: lines.append(text))).facts
    assert (facts["places"], facts["values"]) == (60, 120)
    assert facts["predicted"] == "survey"
    assert facts["indicator"] == "wealth"
    assert any("60 rows have no value, or one of a year that the series" in line for line in lines)
    held = load_ensemble(str(tmp_path / "m.qseries")).held
    np.testing.assert_array_equal(np.isfinite(held.truth).any(axis=0), [True, False, False, True])
    assert facts["tests"]["blocks"]["r2"] > 0.5


def test_a_year_that_is_missing_is_not_invented(tmp_path):
    series, proxy, _ = images(tmp_path, missing=(2012,))
    facts = run_job(asked(tmp_path, series, proxy=proxy, models=1), Progress()).facts
    assert facts["dates"] == ["2010", "2011", "2013"]


def test_dates_that_are_empty_are_never_told(tmp_path):
    series, proxy, _ = images(tmp_path)
    with rasterio.open(series, "r+") as file:
        empty = np.zeros((SIDE, SIDE), np.uint8)
        file.write(empty, 3)
    run_job(asked(tmp_path, series, proxy=proxy, models=1), Progress())
    held = load_ensemble(str(tmp_path / "m.qseries")).held
    assert np.isnan(held.said[:, 1]).all()
    assert np.isfinite(held.said[held.turn == 0][:, [0, 2, 3]]).all()


@pytest.mark.parametrize(
    ("more", "error", "sentence"),
    [
        ({}, BadJob, "either from a survey or from a proxy"),
        ({"proxy": "P", "survey": "S"}, BadJob, "either from a survey or from a proxy"),
        ({"proxy": "P", "start_from": "x.qseries"}, BadJob, "starts from nothing"),
        ({"survey": "S", "displacement": "instances"}, BadJob, "cannot choose among cells"),
        ({"proxy": "P", "patch_px": 3}, BadJob, "not a whole number of patches"),
        ({"proxy": "P", "block_size_m": 1e6}, BadInput, "six are needed to train"),
        ({"proxy": "P", "bands": "blue"}, BadInput, "has no band blue"),
        ({"proxy": "S"}, BadInput, ""),
        ({"proxy": "P", "extent": "0,1,0,1"}, BadInput, "lies beside the raster"),
        ({"proxy": "P", "output": "m.zip"}, BadJob, "must be a .qseries file"),
        ({"proxy": "P", "cell_px": 96}, BadInput, "12 are needed"),
    ],
)
def test_what_does_not_fit_gets_a_sentence(shown, tmp_path, more, error, sentence):
    _, series, proxy, _ = shown
    paths = {"P": proxy, "S": str(tmp_path / "none.gpkg")}
    given = {name: paths.get(value, value) if isinstance(value, str) else value for name, value in more.items()}
    with pytest.raises(error, match=sentence or "none.gpkg"):
        run_job(asked(tmp_path, series, **given), Progress())
    assert not (tmp_path / "m.qseries").exists()


def test_a_survey_elsewhere_is_told(tmp_path):
    series, _, light = images(tmp_path)
    survey = survey_of(tmp_path, light)
    with rasterio.open(series, "r+") as file:
        file.transform = from_origin(WEST + 1e6, NORTH, PIXEL_M, PIXEL_M)
    with pytest.raises(BadInput, match="places lie beside the series"):
        run_job(asked(tmp_path, series, survey=survey), Progress())


def test_blocks_are_whole_in_each_turn():
    rng = np.random.default_rng(0)
    xy = rng.uniform(0, 100_000, (300, 2))
    found = turns.spatial_turns(xy, rng.normal(size=300), 10_000, 0, np.arange(300))
    assert len(found.turns) == 5
    for turn in found.turns:
        parts = [set(found.blocks[part]) for part in (turn.training, turn.validation, turn.test)]
        assert not (parts[0] & parts[1] or parts[0] & parts[2] or parts[1] & parts[2])
        assert sum(len(part) for part in (turn.training, turn.validation, turn.test)) == 300


def network(folder, series, **more):
    few = {"method": "st", "epochs": 3, "models": 2, "dark_cells": -1, "cell_px": 2 * CELL, "patch_px": CELL}
    return asked(folder, series, **{**few, **more})


@pytest.mark.parametrize("method", ["st", "s", "tsvit"])
def test_transformers_learn_save_and_say_the_same_again(tmp_path, method):
    pytest.importorskip("torch")
    series, proxy, _ = images(tmp_path)
    facts = run_job(network(tmp_path, series, proxy=proxy, method=method, epochs=2), Progress()).facts
    assert [len(one) for one in facts["losses"]] == [2, 2]
    assert facts["tests"]["blocks"]["mae"] > 0
    assert not list(tmp_path.glob(".m.qseries*"))
    model = load_ensemble(str(tmp_path / "m.qseries"))
    read = read_series(series)
    with open_raster(series) as reader:
        grid = reader.grid
    with chips_on_disk(series, read.table, all_squares(grid, 2 * CELL), tmp_path, Progress()) as store:
        said = model.predict(store, Progress(), "cpu", 1)
    assert said.shape == (2, 144, 4)
    for turn in range(2):
        mine = model.held.turn == turn
        np.testing.assert_allclose(said[turn][mine], model.held.said[mine], rtol=1e-4, atol=1e-4)


def test_what_learnt_a_proxy_learns_a_survey(tmp_path):
    """Transfer: the encoder stays as it was, the last layer alone learns."""
    pytest.importorskip("torch")
    series, proxy, light = images(tmp_path)
    few = {"models": 1, "epochs": 1}
    run_job(network(tmp_path, series, proxy=proxy, output=str(tmp_path / "proxy.qseries"), **few), Progress())
    survey, start = survey_of(tmp_path, light), str(tmp_path / "proxy.qseries")
    for transfer in ("head", "all"):
        job = network(tmp_path, series, survey=survey, start_from=start, transfer=transfer, **few)
        run_job(job, Progress())
        before = load_ensemble(str(tmp_path / "proxy.qseries")).members[0].network.state_dict()
        after = load_ensemble(str(tmp_path / "m.qseries")).members[0].network.state_dict()
        same = [
            name for name in before if before[name].shape == after[name].shape and (before[name] == after[name]).all()
        ]
        encoder = [name for name in before if not name.startswith("head")]
        assert set(encoder) <= set(same) if transfer == "head" else not set(encoder) <= set(same)
        facts = load_ensemble(str(tmp_path / "m.qseries")).facts
        assert facts["predicted"] == "survey"


def test_a_run_that_was_stopped_goes_on(tmp_path):
    pytest.importorskip("torch")
    series, proxy, _ = images(tmp_path)
    job = network(tmp_path, series, proxy=proxy, epochs=2)
    run_job(job, Progress())
    whole = (tmp_path / "m.qseries").read_bytes()
    (tmp_path / "m.qseries").unlink()

    def log(level, text):
        if "Model 2 of 2. Epoch 1" in text:
            raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        run_job(job, Progress(log=log))
    assert list(tmp_path.glob(".m.qseries.turn*"))
    assert not (tmp_path / "m.qseries").exists()
    run_job(job, Progress())
    (tmp_path / "whole.qseries").write_bytes(whole)
    first, again = (load_ensemble(str(tmp_path / name)).members for name in ("whole.qseries", "m.qseries"))
    for one, other in zip(first, again, strict=True):
        state = other.network.state_dict()
        assert all((value == state[name]).all() for name, value in one.network.state_dict().items())


@pytest.mark.parametrize(
    ("pooling", "least", "units"),
    [("token-mean-over-dim", 0.0, "raw"), ("mean-over-tokens", 0.0, "standard"), ("mean-over-tokens", -1.0, "standard"),
     ("token-mean-over-dim", -1.0, "standard")],
)  # fmt: skip
def test_values_are_measured_by_their_spread_but_as_published(tmp_path, pooling, least, units):
    """A network that is off by 1 at the start loses a ReLU for values of 0 to 1 in its first steps."""
    targets = np.array([[least, 0.5], [0.2, 0.9]])
    ground = SimpleNamespace(targets=targets, apart=np.zeros(2, bool), predicted="proxy")
    job = asked(tmp_path, "series.tif", proxy="light.tif", method="st", pooling=pooling)
    recipe = recipe_of(job, ground, "uint16")
    assert (recipe.values, recipe.output) == (units, "linear" if least < 0 else "relu")
