"""Vectors of each date by a backbone: learnt from in 'Train indicator', and made again in the same way by its maps."""

import importlib.util
import sys
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pytest
import quadrat.core.heads.storage  # noqa: F401 - skops asks for torch when it is imported
import rasterio
from quadrat.core.errors import BadInput, BadJob, Cancelled, Stale
from quadrat.core.jobs.embedcells import EmbedCells
from quadrat.core.jobs.poverty.embedding import DatedEmbedding, embed_job
from quadrat.core.jobs.poverty.map import MapChange, MapIndicator
from quadrat.core.jobs.poverty.train import TrainSeries
from quadrat.core.pipelines import embedcells
from quadrat.core.pipelines.registry import run_job
from quadrat.core.poverty.indicator import mapping
from quadrat.core.poverty.indicator.ensemble import load_ensemble
from quadrat.core.poverty.indicator.mapping import by_vectors, embedder_of, series_for
from quadrat.core.poverty.series.stack import read_series
from quadrat.core.poverty.teaching import columns, embedded, reduced
from quadrat.core.poverty.teaching.bags import Samples
from quadrat.core.poverty.teaching.chipstore import all_squares
from quadrat.core.poverty.teaching.lesson import boxes_of
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.core.vector import read_vector
from quadrat.models import registry
from quadrat.models.card import Inputs
from quadrat.tests.core import nets
from quadrat.tests.core import test_trainseries as work

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


@pytest.fixture(scope="module")
def learnt(textured, tmp_path_factory):
    """The folder of a model on 16 random features, and the job that made it."""
    folder = tmp_path_factory.mktemp("learnt")
    job = asked(folder, textured[0], proxy=textured[1], dimensions=16)
    run_job(job, Progress())
    return folder, job


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


@pytest.mark.parametrize("backbone", ["mosaiks", "spectral-textural"])
def test_maps_say_of_a_cell_what_training_said(textured, learnt, tmp_path, backbone):
    series, proxy = textured
    path = str((learnt[0] if backbone == "mosaiks" else tmp_path) / "m.qseries")
    if backbone != "mosaiks":
        run_job(asked(tmp_path, series, proxy=proxy, backbone=backbone, dimensions=16), Progress())
    model = load_ensemble(path)
    with open_raster(series) as reader:
        places = all_squares(reader.grid, CELL)
    job = MapIndicator(model=path, series=series, threads=1)
    embedder = embedder_of(model, series_for(model, series), job, places, Progress())
    said = by_vectors(model, embedder, places, Progress())
    for turn in range(2):
        mine = model.held.turn == turn
        np.testing.assert_allclose(said[turn][mine], model.held.said[mine], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(mapped(tmp_path, series, model=path).reshape(3, -1).T, said.mean(axis=0), rtol=1e-5)
    output = str(tmp_path / "change.tif")
    run_job(MapChange(model=job.model, series=series, level=0.5, threads=1, output=output), Progress())
    with rasterio.open(output) as file:
        change = said.mean(axis=0)[:, 2] - said.mean(axis=0)[:, 0]
        np.testing.assert_allclose(file.read(1).ravel(), change, rtol=1e-4, atol=1e-4)


@pytest.fixture
def gaps(tmp_path):
    """Three bands at three dates; the second is nodata throughout, the third has a hole."""
    rng = np.random.default_rng(3)
    data = rng.uniform(100, 4000, (9, SIDE, SIDE)).astype(np.float32)
    data[3:6] = -1
    data[6, :20, :20] = -1
    names = [f"{band}_{year}" for year in YEARS for band in ("blue", "green", "red")]
    work.write(str(tmp_path / "gaps.tif"), data, names, 10.0)
    for at in (0, 2):
        work.write(str(tmp_path / f"{at}.tif"), data[3 * at : 3 * at + 3], ["blue", "green", "red"], 10.0)
    return tmp_path


def embedder_on(path, backbone, cell=CELL, **more):
    series = read_series(str(path))
    with open_raster(series.path) as reader:
        places = all_squares(reader.grid, cell)
    wish = DatedEmbedding(series=series.path, backbone=backbone, **more)
    return embedded.embedder_for(wish, embed_job(wish, "cpu", 1), series, places, None, Progress()), places, series


@pytest.mark.parametrize(("backbone", "context"), [("raw", "auto"), ("tilenet", "auto"), ("tilenet", "centre")])
def test_a_vector_is_that_of_embed_cells_on_the_same_date(gaps, monkeypatch, backbone, context):
    nets.install(monkeypatch)
    embedder, places, series = embedder_on(gaps / "gaps.tif", backbone, context=context)
    with open_raster(series.path) as reader:
        cells = gpd.GeoDataFrame(geometry=boxes_of(places, reader.grid), crs=reader.grid.crs)
    cells.to_file(gaps / "cells.gpkg")
    for at in (0, 2):
        found = np.full((len(places), embedder.width), np.nan, np.float32)
        for some, vectors in embedder.vectors(places, at, Progress()):
            found[some] = vectors
        output = str(gaps / f"{at}.gpkg")
        job = EmbedCells(
            input=str(gaps / f"{at}.tif"), cells=str(gaps / "cells.gpkg"), backbone=backbone, context=context,
            output=output, threads=1,
        )  # fmt: skip
        embedcells.run(job, Progress())
        table = read_vector(output)
        wanted = table[[name for name in table.columns if name.startswith("emb_")]].to_numpy(np.float32)
        np.testing.assert_allclose(found, wanted, rtol=1e-5)
    assert np.isnan(found).any()
    assert not list(embedder.vectors(places, 1, Progress())), "nothing is invented at a date that is not seen"


def test_a_displaced_place_has_the_mean_of_its_squares_that_are_seen(gaps, monkeypatch):
    embedder, places, _ = embedder_on(gaps / "gaps.tif", "raw")
    monkeypatch.setattr(columns, "PIECE_BYTES", 4 * embedder.width * 2 * 3)  # three places of two draws
    rng = np.random.default_rng(0)
    chip, place = rng.permutation(len(places))[:20], np.repeat(np.arange(10), 2)
    some = Samples(np.ones((10, 3)), np.ones(10), place, chip, rng.uniform(0.1, 1, 20))
    other = Samples(np.ones((10, 3)), np.ones(10), np.arange(10), chip[::2], np.ones(10))
    each = np.full((len(places), 3, embedder.width), np.nan)
    for at in range(3):
        for cells, vectors in embedder.vectors(places, at, Progress()):
            each[cells, at] = vectors
    output, request = str(gaps / "m.qseries"), {"of": "a test"}
    with columns.vectors_on_disk(embedder, places, [some, other, some], output, request, Progress()) as found:
        assert found[0] is found[2]
        assert len(found[0].starts) == 4
        at = np.stack(np.meshgrid(np.arange(10), np.arange(3), indexing="ij"), -1).reshape(-1, 2)
        for one, samples in zip(found, (some, other), strict=False):
            rows = one.rows(*at.T).reshape(10, 3, -1)
            share = np.where(np.isfinite(each[samples.chip, :, :1]), samples.share[:, None, None], 0)
            sums, total = np.zeros_like(rows, dtype=float), np.zeros((10, 3, 1))
            np.add.at(sums, samples.place, np.nan_to_num(each[samples.chip]) * share)
            np.add.at(total, samples.place, share)
            with np.errstate(invalid="ignore"):
                np.testing.assert_allclose(rows, sums / total, rtol=1e-5)
            np.testing.assert_array_equal(one.known, total[..., 0] > 0)
            assert not one.known[:, 1].any()
    columns.forget_vectors(output)
    assert not list(gaps.glob("m.qseries*"))


def test_a_run_that_was_stopped_goes_on_and_ends_alike(learnt):
    folder, job = learnt
    whole = (folder / "m.qseries").read_bytes()
    (folder / "m.qseries").unlink()

    def stop(fraction, remaining_s, text):
        if text == "Embedding 2012":
            raise Cancelled("Stopped.")

    try:
        with pytest.raises(Cancelled):
            run_job(job, Progress(report=stop))
        assert (folder / "m.qseries.part").exists()
        lines = []
        run_job(job, Progress(log=lambda level, text: lines.append(text)))
        assert any("2 of 3 parts of the vectors are there" in line for line in lines)
        assert (folder / "m.qseries").read_bytes() == whole
        assert not (folder / "m.qseries.part").exists()
    finally:
        (folder / "m.qseries").write_bytes(whole)


def test_a_map_that_was_stopped_goes_on_and_ends_alike(textured, learnt, tmp_path, monkeypatch):
    series, model = textured[0], str(learnt[0] / "m.qseries")
    whole = mapped(tmp_path, series, model=model)
    monkeypatch.setattr(mapping, "AT_ONCE_SLOWLY", 60)
    seen = []

    def stop(fraction, remaining_s, text):
        seen.append(text)
        if seen.count("Embedding 2010") == 2:
            raise Cancelled("Stopped.")

    job = MapIndicator(model=model, series=series, output=str(tmp_path / "map.tif"), level=0.5, threads=1)
    with pytest.raises(Cancelled):
        run_job(job, Progress(report=stop))
    lines = []
    run_job(job, Progress(log=lambda level, text: lines.append(text)))
    assert any("1 of 3 parts of the map are there" in line for line in lines)
    with rasterio.open(job.output) as file:
        np.testing.assert_allclose(file.read(), whole, rtol=1e-6)
    assert not list(tmp_path.glob("*.part*"))


def test_wide_vectors_become_components_of_the_places_that_teach(textured, tmp_path, monkeypatch):
    series, proxy = textured
    monkeypatch.setattr(reduced, "MOST_OF_RIDGE", 8)
    lines = []
    job = asked(tmp_path, series, proxy=proxy, dimensions=32)
    facts = run_job(job, Progress(log=lambda level, text: lines.append(text))).facts
    assert any("the first 8 principal components" in line for line in lines)
    assert facts["tests"]["blocks"]["r2"] > 0.2
    first, second = load_ensemble(job.output).members
    assert first[0].n_components_ == 8
    assert not np.array_equal(first[0].mean_, second[0].mean_), "each model tells them from its own places"
    assert np.isfinite(mapped(tmp_path, series)).all()


@pytest.mark.parametrize(
    ("method", "width", "ordered", "asked_for", "plan"),
    [
        ("ridge", 1024, False, 0, ("ridge", 0)),
        ("ridge", 4096, False, 0, ("linear", 2048)),
        ("ridge", 64, True, 0, ("linear", 0)),
        ("ridge-log", 1024, False, 100, ("linear-log", 100)),
        ("auto", 1024, False, 0, ("auto", 128)),
        ("forest", 64, True, 0, ("forest", 0)),
        ("ridge", 12, False, 3, ("linear", 3)),
        ("ridge", 12, False, 40, ("ridge", 0)),
    ],
)
def test_heads_that_suit_vectors(method, width, ordered, asked_for, plan):
    found = reduced.plan_of_vectors(method, width, ordered, asked_for)
    assert (found.head, found.components) == plan
    assert not found.own_units


def test_a_network_of_timm_tells_each_date(textured, tmp_path):
    if importlib.util.find_spec("timm") is None:
        pytest.skip("timm is not installed")
    import torch
    from quadrat.models.torch_tools import import_timm

    name = "test_vit"
    weights = str(tmp_path / "weights.pth")
    torch.manual_seed(0)
    torch.save(import_timm().create_model(name, pretrained=False, num_classes=0).state_dict(), weights)
    series, proxy = textured
    job = asked(tmp_path, series, proxy=proxy, backbone="timm", model=name, weights=weights, dimensions=0, models=1,
                device="cpu", context="cell", cell_px=2 * CELL)  # fmt: skip
    facts = run_job(job, Progress()).facts
    assert facts["title"] == "Ridge on test_vit"
    held = load_ensemble(job.output).held
    values = mapped(tmp_path, series, device="cpu").reshape(3, -1).T
    mine = held.turn == 0
    np.testing.assert_allclose(values[mine], held.said[mine], rtol=1e-4)
    (tmp_path / "weights.pth").rename(tmp_path / "moved.pth")
    np.testing.assert_array_equal(
        mapped(tmp_path, series, device="cpu", weights=str(tmp_path / "moved.pth")).reshape(3, -1).T, values
    )
    torch.save(import_timm().create_model(name, pretrained=False, num_classes=0).state_dict(), weights)
    with pytest.raises(Stale, match="is not the one"):
        mapped(tmp_path, series, device="cpu")


def test_croma_gets_the_bands_of_each_date_as_reflectance(tmp_path, monkeypatch):
    torch = pytest.importorskip("torch")
    from quadrat.models.definitions import croma
    from quadrat.tests.models import test_croma

    monkeypatch.setitem(croma.SIZES, "base", test_croma.TINY["base"])
    weights = str(tmp_path / "croma.pt")
    torch.save(test_croma.official(), weights)
    rng = np.random.default_rng(0)
    codes = ("B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B8A", "B9", "B11", "B12")
    level = np.kron(rng.uniform(300, 2500, (2, 4, 4)), np.ones((1, 8, 8)))
    data = level.repeat(12, axis=0) * rng.uniform(0.5, 1.5, (24, 1, 1)) + rng.uniform(0, 50, (24, 32, 32))
    names = [f"{code}_{year}" for year in (2019, 2020) for code in reversed(codes)]
    work.write(str(tmp_path / "s2.tif"), data.astype(np.float32), names, 10.0)
    embedder, places, _ = embedder_on(tmp_path / "s2.tif", "croma-base", weights=weights)
    assert embedder.series.bands[:3] == ("B1", "B2", "B3")
    assert embedder.series.scenes[1].bands == tuple(range(24, 12, -1))
    assert set(embedder.series.units) == {"reflectance"}
    assert embedder.view.context == "cell"
    found = [np.concatenate([v for _, v in embedder.vectors(places, at, Progress())]) for at in (0, 1)]
    assert found[0].shape == (16, 16)
    assert found[0].std(axis=0).max() > 1e-4
    assert (found[0] != found[1]).any()


@pytest.fixture
def measured(monkeypatch):
    """A network of three colours that wants reflectance."""
    nets.install(monkeypatch)
    card = replace(
        registry.BACKBONES["tilenet"], name="colours", title="Colours", measured=True,
        inputs=(Inputs("test", ("red", "green", "blue")),),
    )  # fmt: skip
    monkeypatch.setitem(registry.BACKBONES, "colours", card)
    monkeypatch.setitem(sys.modules, nets.MODULE, nets)


def test_bands_are_told_by_name_and_numbers_by_their_meaning(gaps, measured):
    embedder, places, _ = embedder_on(gaps / "gaps.tif", "colours")
    assert embedder.series.bands == ("red", "green", "blue")
    assert not list(embedder.vectors(places, 1, Progress()))
    assert embedder.series.scenes[2].bands == (9, 8, 7)
    assert set(embedder.series.units) == {"reflectance"}
    given, _, _ = embedder_on(gaps / "gaps.tif", "colours", band_roles="red=7 blue=9")
    assert given.series.bands == ("blue", "green", "red"), "the bands of one date say which they are at all dates"
    with rasterio.open(gaps / "gaps.tif") as file:
        data, profile = file.read(), file.profile
        names = file.descriptions
    with rasterio.open(gaps / "raw.tif", "w", **profile) as file:
        file.write(np.where(data < 0, data, data * 12))
        file.descriptions = names
    stored, job = embedder.to_json(), embed_job(DatedEmbedding(series=str(gaps / "raw.tif"), backbone="colours"))
    with pytest.raises(BadInput, match="it is not known what they mean"):
        embedded.embedder_as(stored, "m.qseries", job, read_series(str(gaps / "raw.tif")), places, Progress())
    with pytest.raises(BadInput, match="it is not known what they mean"):
        embedder_on(gaps / "raw.tif", "colours")
    counts = replace(job, values="counts")
    with pytest.raises(BadInput, match="held reflectance, but here it holds counts"):
        embedded.embedder_as(stored, "m.qseries", counts, read_series(str(gaps / "raw.tif")), places, Progress())


@pytest.mark.parametrize(
    ("more", "error", "sentence"),
    [
        ({"backbone": "galileo-nano", "dimensions": 0}, BadJob, "takes several dates as one"),
        ({"method": "st"}, BadJob, "sees the pixels: leave 'What tells each date'"),
        ({"backbone": "statistics"}, BadJob, "'Dimensions of the vectors' is given, but no backbone"),
        ({"backbone": "timm"}, BadJob, "needs a model: give its name or file in 'Model of the backbone'"),
        ({"band_roles": "red=1"}, BadJob, "takes any bands"),
        ({"backbone": "croma-base", "band_roles": "red=x"}, BadJob, "no band number"),
        ({"backbone": "croma-base"}, BadInput, "CROMA .* needs the .* bands"),
        ({"backbone": "croma-base", "band_roles": "date=2010"}, BadInput, "All dates are told"),
        ({"backbone": "croma-base", "band_roles": "red=99"}, BadInput, "Band 99"),
    ],
)
def test_what_does_not_fit_gets_a_sentence(textured, tmp_path, more, error, sentence):
    series, proxy = textured
    with pytest.raises(error, match=sentence):
        run_job(asked(tmp_path, series, proxy=proxy, **more), Progress())
    assert not list(tmp_path.iterdir())


def test_places_of_the_held_out_region_are_not_looked_at_before(gaps):
    """Statistics of the backbone come from windows around the places that it is given."""
    embedder, places, _ = embedder_on(gaps / "gaps.tif", "raw")
    few = places.some(np.arange(5))
    windows = embedded.DatedSample(embedder.series, few, 0)._choose()
    corners = np.array([[window.row + 64, window.col + 64] for _, window in windows])
    assert {tuple(corner) for corner in corners} <= {tuple(one + CELL // 2) for one in few.inside[:, :2]}
    assert {at for at, _ in windows} == {0, 2}
