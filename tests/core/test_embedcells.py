"""One vector for each polygon: what is seen, what is kept, what is said."""

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from quadrat.core.errors import BadInput, BadJob, Cancelled, Stale
from quadrat.core.jobs.embedcells import EmbedCells
from quadrat.core.pipelines.embedcells import run
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.core.sidecar import read_sidecar
from quadrat.tests.core import nets

pytestmark = pytest.mark.same_without_torch


@pytest.fixture
def cells(tmp_path):
    """A layer of squares of `size` pixels over a raster, `name` and a field each."""

    def make(raster, size=6, name="células.gpkg", skip=0, shift=0.0, crs=None):
        with open_raster(raster) as reader:
            grid = reader.grid
        shapes, rows = [], []
        for row in range(0, grid.height - size + 1, size):
            for col in range(0, grid.width - size + 1, size):
                corners = [(col, row), (col + size, row), (col + size, row + size), (col, row + size)]
                shapes.append(shapely.Polygon([grid.transform @ (x + shift, y + shift) for x, y in corners]))
                rows.append(row)
        frame = gpd.GeoDataFrame({"row": rows, "emb_99": 1.0}, geometry=shapes, crs=grid.crs)[skip:]
        path = tmp_path / name
        (frame if crs is None else frame.to_crs(crs)).to_file(path)
        return str(path)

    return make


@pytest.fixture
def embed(tmp_path, monkeypatch):
    nets.install(monkeypatch)

    def go(raster, layer, name="out.gpkg", progress=None, **values):
        log = []
        progress = progress or Progress(log=lambda level, text: log.append((level, text)))
        own = {} if "like" in values else {"backbone": "localnet"}
        job = EmbedCells(**{"input": raster, "cells": layer, **own, "output": str(tmp_path / name), **values})
        result = run(job, progress)
        table = gpd.read_file(job.output)
        names = [column for column in table if column.startswith("emb_")]
        go.log, go.facts, go.path = [text for _, text in log], result.facts, job.output
        return table, table[names].to_numpy()

    return go


def pixels(raster):
    with open_raster(raster) as reader:
        return reader.read(reader.grid.whole)


def means(values, valid, size):
    """(cells, C) mean over the valid pixels of each square."""
    height, width = (side // size * size for side in valid.shape)
    cut = lambda a: a[..., :height, :width].reshape(*a.shape[:-2], height // size, size, width // size, size)  # noqa: E731
    total, count = cut(values * valid).sum(axis=(-3, -1)), cut(valid.astype(float)).sum(axis=(-3, -1))
    return (total / np.maximum(count, 1)).reshape(len(values), -1).T


def test_plain_bands_are_means_of_the_cells(make_raster, cells, embed):
    raster = make_raster()
    table, found = embed(raster, cells(raster), backbone="raw")
    values, valid = pixels(raster)
    assert found == pytest.approx(means(values, valid, 6), rel=1e-5)
    assert "row" in table and list(table.columns).count("emb_1") == 1 and "emb_99" not in table
    assert any("replaced" in line for line in embed.log)


def test_cells_off_a_lattice_are_seen_one_by_one_and_get_the_same(make_raster, cells, embed):
    raster = make_raster()
    layer = cells(raster)
    _, together = embed(raster, layer, backbone="raw")
    table = gpd.read_file(layer)
    odd = table.iloc[:1].assign(geometry=table.geometry.iloc[:1].scale(0.5, 0.5))
    gpd.GeoDataFrame(pd.concat([table, odd]), crs=table.crs).to_file(layer)
    _, alone = embed(raster, layer, "b.gpkg", backbone="raw")
    assert alone[:-1] == pytest.approx(together, rel=1e-5)


def test_order_and_coordinate_system_of_the_layer_do_not_matter(make_raster, cells, embed):
    raster = make_raster(crs="EPSG:32622")
    _, one = embed(raster, cells(raster), backbone="raw")
    _, other = embed(raster, cells(raster, name="deg.gpkg", crs="EPSG:4326"), "b.gpkg", backbone="raw")
    assert other == pytest.approx(one, rel=1e-3, abs=1e-3)


def test_centre_of_an_exact_backbone_sees_beyond_the_cell(make_raster, cells, embed):
    raster = make_raster()
    layer = cells(raster)
    _, alone = embed(raster, layer, context="cell")
    _, seen = embed(raster, layer, "b.gpkg", context="centre")
    assert alone.shape == seen.shape and np.abs(alone - seen).max() > 0
    assert np.abs(seen - means(*pixels(raster), 6)).mean() < np.abs(seen).mean()


@pytest.mark.parametrize("context", ["cell", "window", "centre"])
def test_a_network_sees_what_was_asked_for(make_raster, cells, embed, context):
    raster = make_raster()
    _, found = embed(raster, cells(raster), backbone="tilenet", context=context)
    expected = means(*pixels(raster), 6)
    bands = found[:, : expected.shape[1]]
    error = np.abs(bands - expected).mean() / np.abs(expected).mean()
    if context == "cell":
        assert error < 0.02, "the cell alone, resized"
    elif context == "centre":
        assert error < 0.25, "patches over the cell, at most one beside it"
    else:
        assert bands.std(axis=0).mean() < expected.std(axis=0).mean(), "windows of neighbours overlap"
    assert embed.facts["window_px"] == (0 if context == "cell" else 32)


def test_cells_with_too_few_pixels_get_nothing_and_that_is_said(make_raster, cells, embed):
    holes = np.zeros((40, 50), bool)
    holes[:16, :20] = True
    raster = make_raster(missing="nodata", holes=holes)
    _, found = embed(raster, cells(raster), backbone="raw")
    gaps = np.isnan(found).all(axis=1)
    _, valid = pixels(raster)
    share = means(valid[None].astype(float), np.ones_like(valid), 6)[:, 0]
    assert (gaps == (share < 0.5)).all() and gaps.any() and embed.facts["cells_missing"] == gaps.sum()
    assert any("got no vector" in line for line in embed.log)


def test_the_same_job_returns_at_once_and_a_changed_table_does_not(make_raster, cells, embed):
    raster = make_raster()
    layer = cells(raster)
    _, first = embed(raster, layer)
    embed(raster, layer)
    assert any("up to date" in line for line in embed.log)
    table = gpd.read_file(embed.path)
    table["emb_1"] = 0.0
    table.to_file(embed.path)
    _, again = embed(raster, layer)
    assert not any("up to date" in line for line in embed.log) and (again == first).all()


def test_a_stopped_run_goes_on_and_ends_the_same(make_raster, cells, embed, monkeypatch, tmp_path):
    monkeypatch.setattr("quadrat.core.chips.UNIT", 3)
    raster = make_raster()
    layer = cells(raster)
    _, whole = embed(raster, layer)

    class Stop(Progress):
        def checkpoint(self, fraction=None, text=""):
            if text == "Seeing cells" and fraction > 0.4:
                raise Cancelled("stopped")

        def part(self, low, high):
            return self

    with pytest.raises(Cancelled):
        embed(raster, layer, "b.gpkg", progress=Stop())
    assert (tmp_path / "b.gpkg.part").exists() and not (tmp_path / "b.gpkg").exists()
    _, again = embed(raster, layer, "b.gpkg")
    assert any("Going on" in line for line in embed.log) and (again == whole).all()
    assert not (tmp_path / "b.gpkg.part").exists() and not (tmp_path / "b.gpkg.part.journal").exists()


def test_another_place_in_the_same_space(make_raster, cells, embed):
    one, other = make_raster("one.tif"), make_raster("other.tif", seed=5)
    _, first = embed(one, cells(one), backbone="tilenet", context="centre", dimensions=3)
    like = embed.path
    _, back = embed(one, cells(one), "again.gpkg", like=like)
    assert back == pytest.approx(first, abs=1e-5)
    here = read_sidecar(like)["facts"]["space_identity"]
    _, second = embed(other, cells(other, name="b.gpkg"), "other.gpkg", like=like)
    assert second.shape[1] == 3 and read_sidecar(embed.path)["facts"]["space_identity"] == here
    _, own = embed(other, cells(other, name="b.gpkg"), "own.gpkg", backbone="tilenet", context="centre", dimensions=3)
    assert np.abs(own - second).max() > 0.01


def test_like_must_be_whole_and_not_contradicted(make_raster, cells, embed, tmp_path):
    raster = make_raster()
    layer = cells(raster)
    embed(raster, layer)
    like = embed.path
    with pytest.raises(BadJob, match="Dimensions"):
        embed(raster, layer, "b.gpkg", like=like, dimensions=2)
    with pytest.raises(BadInput, match="how it was made"):
        embed(raster, layer, "b.gpkg", like=layer)
    text = json.loads((tmp_path / "out.gpkg.quadrat.json").read_text())
    text["facts"]["content"] = "0" * 32
    (tmp_path / "out.gpkg.quadrat.json").write_text(json.dumps(text))
    with pytest.raises(Stale):
        embed(raster, layer, "b.gpkg", like=like)


def test_out_of_memory_halves_the_batch(make_raster, cells, embed):
    raster = make_raster()
    _, calm = embed(raster, cells(raster))
    _, greedy = embed(raster, cells(raster), "b.gpkg", backbone="greedynet", context="cell")
    assert np.isfinite(greedy).all() and len(greedy) == len(calm)
    assert any("Memory ran out" in line for line in embed.log)


def test_bad_layers_are_sentences(make_raster, cells, embed, tmp_path):
    raster = make_raster()
    points = gpd.GeoDataFrame(geometry=[shapely.Point(1, 2)], crs="EPSG:32622")
    points.to_file(tmp_path / "points.gpkg")
    with pytest.raises(BadInput, match="no polygons"):
        embed(raster, str(tmp_path / "points.gpkg"))
    far = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 60, 60)], crs="EPSG:32622")
    far.to_file(tmp_path / "far.gpkg")
    with pytest.raises(BadInput, match="beside"):
        embed(raster, str(tmp_path / "far.gpkg"))
    with pytest.raises(BadJob, match="window"):
        EmbedCells.from_dict({"input": raster, "cells": "a", "output": "b.gpkg", "window_px": 16})
    with pytest.raises(BadJob, match="written as"):
        embed(raster, cells(raster), "out.shp")
