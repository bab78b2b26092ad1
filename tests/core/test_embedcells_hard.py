"""Cells as they come: of all sizes, cut, killed in the middle, with fields of every name; networks of every width."""

import shutil

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
from quadrat.core import cellrun, cellvectors, chips, spool
from quadrat.core.cellvectors import View, vectors_of
from quadrat.core.errors import BadInput, BadJob, Stale, Unwritable
from quadrat.core.jobs.embedcells import EmbedCells
from quadrat.core.pipelines.embedcells import run
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.core.sidecar import read_sidecar
from quadrat.models.crew import Crew
from quadrat.models.definitions.raw import RawBands
from quadrat.tests.core import nets

MIXED = [(0, 0, 1, 1), (3, 3, 15, 15), (4, 4, 9, 3), (0, 0, 40, 50), (20, 5, 17, 33)]
"""Row, column, height, width: a pixel, squares and not, all of the raster, more than a network's window."""


class Stop(Progress):
    """Stops after the first unit."""

    def checkpoint(self, fraction=None, text=""):
        if text == "Seeing cells" and fraction > 0:
            raise Stale("stop")

    def part(self, low, high):
        return self


@pytest.fixture
def embed(tmp_path, monkeypatch):
    """`embed(raster, shapes)`, shapes in pixels: rows, columns, heights, widths, or polygons of (column, row)."""
    nets.install(monkeypatch)

    def go(raster, shapes, name="out.gpkg", fields=None, progress=None, **values):
        with open_raster(raster) as reader:
            grid = reader.grid
        polygons = [shapely.box(s[1], s[0], s[1] + s[3], s[0] + s[2]) if isinstance(s, tuple) else s for s in shapes]
        to_ground = lambda xy: np.stack(grid.transform @ tuple(xy.T), 1)  # noqa: E731
        frame = gpd.GeoDataFrame(fields or {}, geometry=shapely.transform(polygons, to_ground), crs=grid.crs)
        layer = str(tmp_path / "cells.geojson")
        frame.to_file(layer, driver="GeoJSON")
        log = []
        own = {} if "like" in values else {"backbone": "raw"}
        job = EmbedCells(**{"input": raster, "cells": layer, **own, "output": str(tmp_path / name), **values})
        go.facts = run(job, progress or Progress(log=lambda level, text: log.append(text))).facts
        go.text, go.path = " ".join(log), job.output
        go.table = pd.read_csv(job.output) if name.endswith(".csv") else gpd.read_file(job.output)
        return go.table[[column for column in go.table if column.startswith("emb_")]].to_numpy()

    return go


def read(raster):
    with open_raster(raster) as reader:
        return reader.read(reader.grid.whole)


@pytest.mark.parametrize(
    ("backbone", "context"),
    [("raw", "window"), ("localnet", "cell"), ("localnet", "window"), ("tilenet", "cell"), ("tilenet", "window"),
     ("tilenet", "centre"), ("spectral-textural", "centre")],
)  # fmt: skip
def test_cells_of_all_sizes(make_raster, embed, backbone, context):
    found = embed(make_raster(), MIXED, backbone=backbone, context=context)
    assert len(found) == 5 and np.isfinite(found).all()


def test_means_of_cells_of_all_sizes(make_raster, embed):
    raster = make_raster()
    values, _ = read(raster)
    expected = [values[:, r : r + h, c : c + w].mean(axis=(1, 2)) for r, c, h, w in MIXED]
    assert embed(raster, MIXED) == pytest.approx(np.array(expected), rel=1e-5)


def test_holes_and_parts_are_of_the_polygon(make_raster, embed):
    ring = shapely.box(5, 5, 15, 15).difference(shapely.box(8, 8, 12, 12))
    parts = shapely.MultiPolygon([shapely.box(20, 20, 23, 23), shapely.box(30, 26, 33, 29)])
    raster = make_raster()
    values, _ = read(raster)
    mask = np.ones((10, 10), bool)
    mask[3:7, 3:7] = False
    two = np.concatenate([values[:, 20:23, 20:23], values[:, 26:29, 30:33]], axis=1).mean(axis=(1, 2))
    expected = np.array([values[:, 5:15, 5:15][:, mask].mean(axis=1), two])
    for context in ("cell", "centre"):
        assert embed(raster, [ring, parts], context=context) == pytest.approx(expected, rel=1e-5)


def test_a_rotated_raster_is_seen_along_its_rows(make_raster, embed):
    turned = (
        rasterio.Affine.translation(500000, 9000000) @ rasterio.Affine.rotation(30) @ rasterio.Affine.scale(10, -10)
    )
    raster = make_raster(transform=turned)
    values, _ = read(raster)
    expected = values[:, 12:18, 7:13].mean(axis=(1, 2))
    assert embed(raster, [(12, 7, 6, 6)])[0] == pytest.approx(expected, rel=1e-5)


def test_large_windows_of_exact_backbones_are_seen_in_tiles(monkeypatch):
    """A tile at a time gives the mean of all, whatever is missing."""
    rng = np.random.default_rng(0)
    options = {"patch_size_px": 4, "halo_px": 0, "ordered": False, "identity": "", "crew": Crew(1)}
    small, large = (RawBands(2, ("a", "b"), tile_size_px=side, **options) for side in (8, 512))
    values = rng.normal(size=(2, 2, 30, 41)).astype(np.float32)
    valid = rng.random((2, 30, 41)) > 0.3
    one = chips.Chips(np.arange(2), values * valid[:, None], valid, np.ones_like(valid))
    view = View.of(small, "cell", 0, 30, any_size=False, on_lattice=False)
    tiled, whole = vectors_of(small, view, one), vectors_of(large, view, one)
    expected = [[band[seen].mean() for band in bands] for bands, seen in zip(values, valid, strict=True)]
    assert tiled == pytest.approx(np.array(expected), abs=1e-5) and whole == pytest.approx(tiled, abs=1e-5)


@pytest.mark.parametrize("backbone", ["localnet", "spectral-textural"])
def test_crowded_cells_are_seen_in_one_map_and_get_the_same(make_raster, embed, monkeypatch, backbone):
    holes = np.zeros((40, 50), bool)
    holes[8:18, 9:30] = True
    raster = make_raster(missing="nodata", holes=holes)
    cells = [(r, c, 6, 7) for r in range(-3, 40, 6) for c in range(-3, 50, 6)]
    cells += [shapely.Point(20 + 3 * number, 25).buffer(3.5) for number in range(4)]
    maps = []
    plain = cellvectors._from_map
    monkeypatch.setattr(cellvectors, "_from_map", lambda *given: (maps.append(1), plain(*given))[1])
    together = embed(raster, cells, backbone=backbone)
    assert maps
    monkeypatch.setattr(cellvectors, "_crowded", lambda *given: False)
    alone = embed(raster, cells, "b.gpkg", backbone=backbone)
    assert np.isnan(alone).any() and np.isfinite(alone).any()
    assert together == pytest.approx(alone, abs=1e-4, nan_ok=True)


def test_a_raster_that_changed_after_a_stop_is_begun_anew(make_raster, embed, monkeypatch):
    monkeypatch.setattr(chips, "UNIT", 2)
    with pytest.raises(Stale):
        embed(make_raster(), MIXED, backbone="tilenet", progress=Stop())
    changed = make_raster(seed=9)
    found = embed(changed, MIXED, backbone="tilenet")
    assert "Going on" not in embed.text and (embed(changed, MIXED, "b.gpkg", backbone="tilenet") == found).all()


def test_two_runs_at_once(make_raster, embed, tmp_path):
    """The second is told; it does not spoil what the first writes."""
    raster, held = make_raster(), []

    class Second(Progress):
        def checkpoint(self, fraction=None, text=""):
            if text == "Seeing cells" and not held:
                held.append(1)
                with pytest.raises(Unwritable, match="Another run of Quadrat is writing"):
                    embed(raster, MIXED, backbone="tilenet")

        def part(self, low, high):
            return self

    found = embed(raster, MIXED, backbone="tilenet", progress=Second())
    assert held and (embed(raster, MIXED, "b.gpkg", backbone="tilenet") == found).all()


def test_little_memory_makes_no_difference(make_raster, embed, monkeypatch):
    raster = make_raster()
    cells = [(r, c, 6, 6) for r in range(0, 36, 6) for c in range(0, 48, 6)] + [(1, 1, 5, 7)]
    calm = embed(raster, cells, backbone="tilenet")
    monkeypatch.setattr(chips, "MOST_NUMBERS", 500)
    monkeypatch.setattr(chips, "CHIP_NUMBERS", 200)
    assert (embed(raster, cells, "b.gpkg", backbone="tilenet") == calm).all()


def test_a_cell_that_would_fill_the_memory_is_refused(make_raster, embed, monkeypatch):
    monkeypatch.setattr("quadrat.core.pipelines.embedcells.MOST_NUMBERS", 3 * 35 * 35)
    with pytest.raises(BadInput, match=r"largest cell of .* takes 50 x 40 px of 3 bands"):
        embed(make_raster(), MIXED)


def test_components_of_few_and_scattered_cells(make_raster, embed, monkeypatch):
    raster = make_raster()
    apart = [(r, c, 2, 2) for r in range(0, 40, 13) for c in range(0, 50, 13)]
    monkeypatch.setattr(cellrun, "MOST_JUDGED", 10)
    found = embed(raster, apart, backbone="tilenet", context="cell", dimensions=2)
    assert found.shape == (16, 2) and "first 2 principal components" in embed.text
    assert embed(raster, apart[:3], "b.gpkg", backbone="tilenet", dimensions=4).shape == (3, 2)
    assert "3 cells have no more than 2 components; 4 were asked for" in embed.text
    with pytest.raises(BadInput, match="from several cells only"):
        embed(raster, apart[:1], "c.gpkg", backbone="tilenet", dimensions=2)
    assert embed(raster, apart, "d.gpkg", backbone="tilenet", dimensions=99).shape == (16, 5)
    assert "gives 5 dimensions; 99 were asked for" in embed.text


def test_components_are_taken_from_cells_that_have_vectors(make_raster, embed, monkeypatch):
    """Units of nodata at the start of the order do not leave the dimensions unreduced."""
    holes = np.zeros((40, 50), bool)
    holes[:, :40] = True
    raster = make_raster(missing="nodata", holes=holes)
    monkeypatch.setattr(cellrun, "MOST_JUDGED", 4)
    monkeypatch.setattr(chips, "UNIT", 2)
    cells = [(r, c, 5, 5) for r in range(0, 40, 5) for c in range(0, 50, 5)]
    found = embed(raster, cells, backbone="tilenet", dimensions=2)
    assert found.shape == (80, 2) and np.isfinite(found).all(axis=1).sum() == 16


def test_what_components_are_taken_from_is_not_made_twice(make_raster, embed, monkeypatch):
    made = []
    plain = nets.TileNet.pooled
    monkeypatch.setattr(nets.TileNet, "pooled", lambda net, v, k: (made.append(len(v)), plain(net, v, k))[1])
    cells = [(r, c, 5, 5) for r in range(0, 40, 5) for c in range(0, 50, 5)]
    embed(make_raster(), cells, backbone="tilenet", dimensions=2)
    assert sum(made) == 80


def test_a_network_whose_pooled_vector_is_wider_than_its_map(make_raster, embed, monkeypatch):
    """As MobileNetV3 of timm, which has one more layer between map and classifier."""
    plain = nets.TileNet.pooled
    monkeypatch.setattr(nets.TileNet, "pooled_dim", 7, raising=False)
    monkeypatch.setattr(nets.TileNet, "pooled", lambda net, v, k: np.repeat(plain(net, v, k)[:, :1], 7, axis=1))
    raster = make_raster()
    cells = [(r, 0, 5, 5) for r in range(0, 40, 5)]
    assert embed(raster, cells, backbone="tilenet").shape == (8, 7)
    assert embed(raster, cells, "b.gpkg", backbone="tilenet", dimensions=3).shape == (8, 3)
    assert embed(raster, cells, "c.gpkg", like=embed.path).shape == (8, 3)
    assert embed(raster, cells, "d.gpkg", backbone="tilenet", context="centre").shape == (8, 5)


def test_fields_of_every_name_are_kept(make_raster, embed):
    raster = make_raster()
    fields = {"EMB_1": [1.0], "Emb_7": ["x"], "emb_x": [5], "FID": ["a"], "geom": [2.0], "Name": [3], "name": [4]}
    embed(raster, [(0, 0, 5, 5)], fields=fields)
    table = embed.table
    assert "2 fields of an earlier embedding" in embed.text and "Emb_7" not in table and "EMB_1" not in table
    assert [table[name][0] for name in ("emb_x", "FID", "geom", "Name", "name_2")] == [5, "a", 2.0, 3, 4]
    values = embed(raster, [(0, 0, 5, 5)], "out.csv", fields=fields)
    assert list(embed.table["name"]) == [4] and values.shape == (1, 4)  # emb_x, and three bands


def test_more_columns_than_a_geopackage_holds(make_raster, embed, tmp_path):
    raster = make_raster()
    many = {f"f{number}": [1] for number in range(1996)}
    with pytest.raises(BadJob, match="has room for 2 dimensions beside the fields"):
        embed(raster, [(0, 0, 5, 5)], fields=many, dimensions=3)
    with pytest.raises(BadJob, match="room for 1997 dimensions beside the fields of this layer, not for 2500"):
        embed(raster, [(0, 0, 5, 5)], fields={"a": [1]}, dimensions=2500)
    cells = [(r, 0, 5, 5) for r in range(0, 40, 5)]
    found = embed(raster, cells, fields={name: value * 8 for name, value in many.items()})
    assert found.shape == (8, 2) and "first 2 principal components" in embed.text
    assert len(embed.table.columns) == 1999  # 2000 with the number of each feature


def test_a_layer_without_a_coordinate_system_is_refused(make_raster, embed, tmp_path):
    raster = make_raster()
    gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1)]).to_file(tmp_path / "none.shp")
    job = EmbedCells(input=raster, cells=str(tmp_path / "none.shp"), backbone="raw", output=str(tmp_path / "o.gpkg"))
    with pytest.raises(BadInput, match="layer of cells has no coordinate system"):
        run(job, Progress())


def test_the_space_of_a_raster_is_none_for_cells(make_raster, embed, tmp_path):
    from quadrat.core.jobs.embed import EmbedRaster
    from quadrat.core.pipelines.registry import run_job

    raster, made = make_raster(), str(tmp_path / "made.tif")
    run_job(EmbedRaster(input=raster, backbone="raw", output=made), Progress())
    with pytest.raises(BadJob, match="no layer of embedded cells"):
        embed(raster, MIXED, like=made)


def test_all_missing_leaves_nothing_behind(make_raster, embed, tmp_path):
    holes = np.zeros((40, 50), bool)
    holes[:, :20] = True
    raster = make_raster(missing="nodata", holes=holes)
    with pytest.raises(BadInput, match="No cell has enough valid pixels"):
        embed(raster, [(0, 0, 40, 39), (3, 3, 4, 4)])
    assert not list(tmp_path.glob("out.gpkg*"))


def test_another_size_of_tile_is_another_space(make_raster, embed):
    raster = make_raster()
    spaces = []
    for number, tile in enumerate((0, 32, 64)):
        embed(raster, MIXED, f"{number}.gpkg", backbone="tilenet", tile_size_px=tile)
        spaces.append(read_sidecar(embed.path)["facts"]["space_identity"])
    assert spaces[0] == spaces[1] != spaces[2]


def test_killed_and_asked_again(make_raster, embed, monkeypatch, tmp_path):
    """What is on the disk in the middle of a run is all that a kill leaves."""
    monkeypatch.setattr(chips, "UNIT", 3)
    raster, cells = make_raster(), [(r, c, 5, 5) for r in range(0, 40, 8) for c in range(0, 50, 10)]
    options = {"backbone": "tilenet", "dimensions": 2, "batch_size": 2}
    journal, copied = spool.journal_path(tmp_path / "b.gpkg"), []

    class Copies(Stop):
        def checkpoint(self, fraction=None, text=""):
            if text == "Seeing cells" and 0.4 < fraction < 0.8:
                copied.append(fraction)
                for path in tmp_path.glob("a.gpkg.part*"):
                    shutil.copyfile(path, tmp_path / f"b{path.name[1:]}")

    undisturbed = embed(raster, cells, "a.gpkg", progress=Copies(), **options)
    assert copied and journal.read_bytes().count(b"\n") > 3
    assert (embed(raster, cells, "b.gpkg", **options) == undisturbed).all() and "Going on" in embed.text
    assert not journal.exists()


def test_weights_that_changed_begin_anew(make_raster, embed, monkeypatch, tmp_path):
    raster = make_raster()
    monkeypatch.setattr(chips, "UNIT", 2)
    with pytest.raises(Stale):
        embed(raster, MIXED, backbone="tilenet", progress=Stop())
    assert (tmp_path / "out.gpkg.part").exists()
    plain = nets.build_tile
    changed = lambda request: nets.TileNet(request.in_chans, patch=8, state=plain(request).state())  # noqa: E731
    monkeypatch.setattr(nets, "build_tile", changed)
    found = embed(raster, MIXED, backbone="tilenet")
    assert "starting anew" in embed.text and "Going on" not in embed.text
    assert (embed(raster, MIXED, "b.gpkg", backbone="tilenet") == found).all()
