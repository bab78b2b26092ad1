"""Vectors of each date by a backbone: learnt from in 'Train indicator', and made again in the same way by its maps."""

import json

import geopandas as gpd
import numpy as np
import pytest
import quadrat.core.heads.storage  # noqa: F401 - skops asks for torch when it is imported
import rasterio
import shapely
from quadrat.core.errors import BadInput, BadJob, Cancelled, Stale
from quadrat.core.jobs.embedcells import EmbedCells
from quadrat.core.jobs.poverty.map import MapChange, MapIndicator
from quadrat.core.jobs.poverty.train import TrainSeries
from quadrat.core.pipelines.registry import run_job
from quadrat.core.poverty.indicator.ensemble import load_ensemble
from quadrat.core.poverty.teaching import columns
from quadrat.core.progress import Progress
from quadrat.core.vector import read_vector
from quadrat.tests.core import test_trainseries as work
from rasterio.transform import from_origin

YEARS = (2010, 2011, 2012)
CELLS, CELL = 12, 8
SIDE = CELLS * CELL


@pytest.fixture(scope="module")
def textured(tmp_path_factory):
    """Two bands a year whose mean says nothing, and whose stripes are the stronger the more light there is."""
    folder = tmp_path_factory.mktemp("textured")
    rng = np.random.default_rng(0)
    light = rng.uniform(5, 60, (CELLS, CELLS)) + np.arange(len(YEARS))[:, None, None] * rng.uniform(
        0, 8, (CELLS, CELLS)
    )
    stripes = np.where(np.arange(SIDE) % 4 < 2, 1, -1)
    bands, names = [], []
    for year, now in zip(YEARS, light, strict=True):
        big = np.kron(now, np.ones((CELL, CELL)))
        bands += [128 + big * stripes / 2 + rng.normal(0, 3, big.shape), rng.integers(1, 255, big.shape)]
        names += [f"red_{year}", f"nir_{year}"]
    series, proxy = str(folder / "series.tif"), str(folder / "light.tif")
    work.write(series, np.clip(bands, 1, 255).astype(np.uint8), names, 100.0)
    work.write(proxy, light.astype(np.float32), [f"light_{year}" for year in YEARS], 100.0 * CELL)
    return series, proxy


def asked(folder, series, **more):
    given = {"series": series, "cell_px": CELL, "block_size_m": 2000.0, "threads": 1, "models": 2, "method": "ridge",
             "backbone": "mosaiks", "dimensions": 64, "beside_random": "no",
             "output": str(folder / "m.qseries")}  # fmt: skip
    return TrainSeries.from_dict({**given, **more})


def mapped(folder, series, level=0.5, **more):
    output = str(folder / "map.tif")
    given = {"model": str(folder / "m.qseries"), "series": series, "output": output, "level": level, "threads": 1}
    run_job(MapIndicator.from_dict({**given, **more}), Progress())
    with rasterio.open(output) as file:
        return file.read()


def test_ridge_on_random_features_sees_texture_that_bands_average_out(textured, tmp_path):
    series, proxy = textured
    lines = []
    facts = run_job(asked(tmp_path, series, proxy=proxy), Progress(log=lambda level, text: lines.append(text))).facts
    scores = facts["tests"]["blocks"]
    assert scores["r2"] > 0.8
    assert facts["title"] == "Ridge on MOSAIKS random convolutional features"
    assert facts["embedding"]["dimensions"] == 64
    assert "space" not in facts["embedding"], "arrays belong into the model and not into the log"
    assert any("64 numbers" in line for line in lines)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["m.qseries", "m.qseries.quadrat.json"]
    run_job(asked(tmp_path, series, proxy=proxy, method="boosting", backbone="mosaiks", dimensions=64), Progress())


@pytest.mark.parametrize(
    ("backbone", "context"), [("mosaiks", "auto"), ("spectral-textural", "auto"), ("mosaiks", "cell")]
)
def test_maps_say_of_a_cell_what_training_said(textured, tmp_path, backbone, context):
    series, proxy = textured
    job = asked(tmp_path, series, proxy=proxy, backbone=backbone, context=context, dimensions=16)
    run_job(job, Progress())
    model = load_ensemble(str(tmp_path / "m.qseries"))
    values = mapped(tmp_path, series)
    assert values.shape == (3, CELLS, CELLS)
    from quadrat.core.poverty.indicator.mapping import by_vectors, embedder_of, series_for
    from quadrat.core.poverty.teaching.chipstore import all_squares
    from quadrat.core.raster import open_raster

    with open_raster(series) as reader:
        places = all_squares(reader.grid, CELL)
    map_job = MapIndicator(model=str(tmp_path / "m.qseries"), series=series, threads=1)
    said = by_vectors(
        model, embedder_of(model, series_for(model, series), map_job, places, Progress()), places, Progress()
    )
    for turn in range(2):
        mine = model.held.turn == turn
        np.testing.assert_allclose(said[turn][mine], model.held.said[mine], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(values.reshape(3, -1).T, said.mean(axis=0), rtol=1e-5)
