"""Reduce and cluster embeddings: from end to end; and colours."""

import builtins
import importlib.util
import sys
import threading

import geopandas as gpd
import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from quadrat.core.clustering import Clusters
from quadrat.core.colouring import Palette, cluster_colours, from_oklab, hexed
from quadrat.core.errors import BadInput, BadJob, Cancelled, EngineTooSmall
from quadrat.core.jobs.embed import EmbedRaster
from quadrat.core.jobs.explore import ClusterEmbedding, ReduceEmbedding
from quadrat.core.pipelines.registry import run_job
from quadrat.core.progress import Progress
from quadrat.core.raster import open_raster
from quadrat.core.reduction import reduce
from quadrat.core.sidecar import read_sidecar
from quadrat.tests.core import fields

with_umap = pytest.mark.skipif(not importlib.util.find_spec("umap"), reason="the light engine has no UMAP")
umap, in_umap = pytest.param("umap", marks=with_umap), pytest.param("umap", 3, marks=with_umap)
METHODS = pytest.mark.parametrize("method", ["pca", umap, "tsne"])


@pytest.fixture(scope="module", autouse=True)
def little_compiled():
    """UMAP compiles itself for a minute when it is first used; here it compiles its long loop only.

    What it needs for more than 4096 cells (pynndescent) is not used here, and the rest runs as plain Python.
    """
    if not importlib.util.find_spec("umap"):
        yield
        return
    import numba

    with pytest.MonkeyPatch.context() as patch:
        if "umap" not in sys.modules:
            with patch.context() as off:
                off.setattr(numba.config, "DISABLE_JIT", True)
                importlib.import_module("pynndescent")
        library = importlib.import_module("umap.umap_")
        for name in ("fast_knn_indices", "smooth_knn_dist", "compute_membership_strengths"):
            patch.setattr(library, name, getattr(library, name).py_func)
        yield


@pytest.fixture
def raster(make_raster):
    return make_raster("scène 場.tif", fields.scene(), dtype="float32", names=("f", "l", "w", "n"))


@pytest.fixture
def go(raster, tmp_path):
    """Run a job on the scene; gives result and log."""

    def run(job, progress=None, **values):
        log = []
        job = job.from_dict({"embedding": raster} | values)
        return run_job(job, progress or Progress(log=lambda level, text: log.append(text))), log

    return run


def read(path):
    with rasterio.open(path) as file:
        return file.read(), file


def apart(colours, classes):
    """Distance of the mean colours of classes, over the spread within them."""
    flat = colours.reshape(3, -1).T.astype(float)
    means = np.array([flat[classes.ravel() == value].mean(axis=0) for value in (1, 2, 3)])
    within = np.mean([flat[classes.ravel() == value].std(axis=0).mean() for value in (1, 2, 3)])
    return min(np.linalg.norm(means[a] - means[b]) for a, b in ((0, 1), (0, 2), (1, 2))) / within


class TestReduce:
    @pytest.mark.parametrize(("method", "dimensions"), [("pca", 2), ("pca", 3), in_umap, ("tsne", 2)])
    def test_like_places_have_like_colours(self, go, tmp_path, method, dimensions):
        out, points = str(tmp_path / "p.tif"), str(tmp_path / "p.gpkg")
        result, log = go(
            ReduceEmbedding, method=method, dimensions=dimensions, cells=200, output=out, output_points=points
        )
        picture, file = read(out)
        assert picture.shape == (3, fields.HEIGHT, fields.WIDTH)
        assert picture.dtype == np.uint8
        assert file.nodata == 0
        assert picture.min() >= 1
        assert apart(picture, fields.truth()) > 2
        cloud = gpd.read_file(points)
        assert len(cloud) == 200
        axes = [f"d{axis + 1}" for axis in range(dimensions)]
        assert list(cloud.columns) == [*axes, "colour", "geometry"]
        assert np.isfinite(cloud[axes].to_numpy()).all()
        rows = ((fields.NORTH - cloud.geometry.y) // 10).astype(int)
        columns = ((cloud.geometry.x - fields.WEST) // 10).astype(int)
        shown = picture[:, rows, columns].T
        said = np.array([[int(text[k : k + 2], 16) for k in (1, 3, 5)] for text in cloud["colour"]])
        assert np.abs(shown.astype(int) - said).max() <= (0 if method == "pca" else 3)
        assert read_sidecar(out)["facts"]["result"] == "picture"
        assert read_sidecar(points)["facts"]["result"] == "cloud"
        assert result.facts["method"] == method
        assert any("nearest neighbours" in text for text in log) == (method != "pca")

    @METHODS
    def test_same_seed_same_bytes(self, go, tmp_path, method):
        made = []
        for _ in range(2):
            go(ReduceEmbedding, method=method, cells=60, output=str(tmp_path / "p.tif"))
            made.append((tmp_path / "p.tif").read_bytes())
        assert made[0] == made[1]

    def test_pca_is_that_of_the_library(self, raster):
        from sklearn.decomposition import PCA

        with open_raster(raster) as reader:
            values, _ = reader.read(reader.grid.whole)
        X = values.reshape(4, -1).T
        mine = reduce(X, False, "pca", 3, 30, 0).coordinates
        theirs = PCA(3).fit_transform(X - X.mean(axis=0)) / np.sqrt(X.var(axis=0).mean())
        np.testing.assert_allclose(np.abs(mine), np.abs(theirs), atol=2e-3)

    def test_classes_of_labels_join_the_points(self, go, tmp_path):
        fields.labels().to_crs(4326).to_file(tmp_path / "l.gpkg")
        points = str(tmp_path / "p.gpkg")
        go(ReduceEmbedding, cells=200, labels=str(tmp_path / "l.gpkg"), field="kind", output_points=points)
        cloud = gpd.read_file(points)
        assert cloud["class"].value_counts().to_dict() == dict.fromkeys(fields.NAMES, 80)
        assert 400 <= len(cloud) <= 440
        assert not cloud.geometry.duplicated().any()

    @METHODS
    @pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2, 2), (2, 3, 3), (1, 10, 10)])
    def test_tiny_rasters_and_few_bands(self, go, make_raster, tmp_path, method, shape):
        path = make_raster("t.tif", np.arange(np.prod(shape)).reshape(shape), dtype="float32")
        go(ReduceEmbedding, embedding=path, method=method, output=str(tmp_path / "p.tif"))
        picture, _ = read(tmp_path / "p.tif")
        assert picture.shape == (3, *shape[1:])
        assert picture.min() >= 1

    def test_constant_raster_nodata_and_bytes(self, go, make_raster, raster, tmp_path):
        holes = np.zeros((30, 30), bool)
        holes[:, :7] = True
        path = make_raster("c.tif", np.full((3, 30, 30), 9.0), dtype="float32", missing="nan", holes=holes)
        out = str(tmp_path / "p.tif")
        go(ReduceEmbedding, embedding=path, output=out)
        picture, _ = read(out)
        assert ((picture == 0).all(axis=0) == holes).all()
        assert ((picture == 0).any(axis=0) == holes).all()
        run_job(EmbedRaster(input=raster, output=str(tmp_path / "e.tif"), dimensions=8), Progress())
        go(ReduceEmbedding, embedding=str(tmp_path / "e.tif"), output=out)
        assert apart(read(out)[0], fields.truth()) > 1

    def test_umap_is_asked_for_before_the_work(self, go, tmp_path, monkeypatch):
        plain = builtins.__import__

        def refuse(name, *arguments, **keywords):
            if name == "umap":
                raise ModuleNotFoundError("No module named 'umap'", name="umap")
            return plain(name, *arguments, **keywords)

        monkeypatch.setattr(builtins, "__import__", refuse)
        with pytest.raises(EngineTooSmall, match=r"full engine.*pca or tsne"):
            go(ReduceEmbedding, method="umap", output=str(tmp_path / "p.tif"))

    def test_a_cancel_is_heard_and_nothing_half_made_stays(self, go, tmp_path):
        stop = threading.Event()
        with pytest.raises(Cancelled):
            go(ReduceEmbedding, progress=Progress(lambda *news: stop.set(), cancelled=stop), method="tsne",
               output=str(tmp_path / "p.tif"))  # fmt: skip
        assert not (tmp_path / "p.tif").exists()

    @pytest.mark.parametrize(
        ("values", "match"),
        [({}, "asked for nothing"), ({"output": "a.tif", "labels": "a"}, "together"), ({"output": "a.png"}, "tif")],
    )
    def test_refusals(self, go, values, match):
        with pytest.raises(BadJob, match=match):
            go(ReduceEmbedding, **values)


class TestCluster:
    @pytest.mark.parametrize("values", [{"clusters": 3}, {"clusters": 0, "cells": 600}, {"method": "hdbscan"}])
    def test_three_kinds_of_cells_are_three_clusters(self, go, make_raster, tmp_path, values):
        path = make_raster("calm.tif", fields.scene(noise=0.5), dtype="float32")
        out = str(tmp_path / "c.tif")
        result, log = go(ClusterEmbedding, embedding=path, output=out, **values)
        shown, file = read(out)
        clusters = [entry for entry in result.facts["classes"] if entry["name"].startswith("cluster")]
        assert [entry["name"] for entry in clusters] == ["cluster 1", "cluster 2", "cluster 3"]
        for value in (1, 2, 3):
            counts = np.bincount(shown[0][fields.truth() == value], minlength=6)
            assert counts.max() > 0.75 * counts.sum()
        assert sum(entry["cells"] for entry in result.facts["classes"]) == shown.size
        for entry in result.facts["classes"]:
            assert entry["cells"] == (shown == entry["value"]).sum()
        assert result.facts["silhouette"] > 0.5
        assert result.facts["result"] == read_sidecar(out)["facts"]["result"] == "classmap"
        assert any("Silhouette" in text for text in log)
        assert file.nodata == 0
        assert len({entry["colour"] for entry in result.facts["classes"]}) == len(result.facts["classes"])

    def test_larger_clusters_come_first(self, go, make_raster, tmp_path):
        values = np.zeros((2, 60, 60))
        values[0, :10], values[1, 50:] = 9, 9
        path = make_raster("s.tif", values + np.random.default_rng(0).normal(0, 0.3, values.shape), dtype="float32")
        result, _ = go(ClusterEmbedding, embedding=path, clusters=3, output=str(tmp_path / "c.tif"))
        assert [entry["cells"] for entry in result.facts["classes"]] == [2400, 600, 600]

    def test_what_belongs_to_no_dense_group_is_told_apart(self, go, make_raster, tmp_path):
        rng = np.random.default_rng(0)
        values = rng.normal(0, 0.2, (2, 60, 60))
        values[:, :, 25:] += 8
        values[:, :12] = rng.uniform(-60, 60, (2, 12, 60))
        path = make_raster("n.tif", values, dtype="float32")
        result, log = go(ClusterEmbedding, embedding=path, method="hdbscan", smallest_percent=5.0,
                         output=str(tmp_path / "c.tif"))  # fmt: skip
        assert [entry["name"] for entry in result.facts["classes"]] == ["cluster 1", "cluster 2", "none of them"]
        shown, _ = read(tmp_path / "c.tif")
        assert (shown[0, :12] == 3).mean() > 0.5
        assert (shown[0, 12:] == 3).mean() < 0.05
        assert any("none of them" in text for text in log)

    @pytest.mark.parametrize("shape", [(1, 1, 1), (2, 3, 3)])
    def test_tiny_and_constant_rasters(self, go, make_raster, tmp_path, shape):
        out = str(tmp_path / "c.tif")
        for values in (np.full(shape, 4.0), np.arange(np.prod(shape)).reshape(shape)):
            path = make_raster("t.tif", values, dtype="float32")
            result, _ = go(ClusterEmbedding, embedding=path, output=out)
            assert sum(entry["cells"] for entry in result.facts["classes"]) == shape[1] * shape[2]
            with pytest.raises(BadInput, match="denser"):
                go(ClusterEmbedding, embedding=path, method="hdbscan", output=out)

    def test_goes_on_after_a_stop_with_the_same_map(self, go, make_raster, tmp_path, monkeypatch):
        path = make_raster("big.tif", count=2, height=300, width=300, dtype="float32")
        stop, calls = threading.Event(), []
        plain = Clusters.joiner

        def slow(self, threads):
            join = plain(self, threads)

            def counted(X):
                calls.append(1)
                if len(calls) == 4:
                    stop.set()
                return join(X)

            return counted

        monkeypatch.setattr(Clusters, "joiner", slow)
        out = str(tmp_path / "a.tif")
        with pytest.raises(Cancelled):
            go(ClusterEmbedding, Progress(cancelled=stop), embedding=path, output=out, clusters=4)
        stop.clear()
        _, log = go(ClusterEmbedding, embedding=path, output=out, clusters=4)
        assert any("Going on" in text for text in log)
        go(ClusterEmbedding, embedding=path, output=str(tmp_path / "b.tif"), clusters=4)
        np.testing.assert_array_equal(read(out)[0], read(tmp_path / "b.tif")[0])

    def test_nodata(self, go, make_raster, tmp_path):
        holes = np.zeros((40, 50), bool)
        holes[:9] = True
        path = make_raster(dtype="float32", missing="nan", holes=holes)
        result, _ = go(ClusterEmbedding, embedding=path, output=str(tmp_path / "c.tif"))
        shown, _ = read(tmp_path / "c.tif")
        assert ((shown[0] == 0) == holes).all()
        assert result.facts["cells_nodata"] == holes.sum()
        empty = make_raster("e.tif", dtype="float32", missing="nan", holes=np.ones((40, 50), bool))
        with pytest.raises(BadInput, match="no valid cell"):
            go(ClusterEmbedding, embedding=empty, output=str(tmp_path / "d.tif"))


class TestColours:
    def test_known_colours(self):
        """Values of the author's page: white, red, green, blue."""
        lab = [
            [1, 0, 0],
            [0.627955, 0.224863, 0.125846],
            [0.866440, -0.233888, 0.179498],
            [0.452014, -0.032457, -0.311528],
        ]
        assert from_oklab(np.array(lab)).tolist() == [[255, 255, 255], [255, 1, 1], [1, 255, 1], [1, 1, 255]]

    @given(arrays(np.float32, (20, 3), elements=st.floats(-1e3, 1e3, width=32)), st.sampled_from([2, 3]))
    @settings(max_examples=40, deadline=None)
    def test_any_coordinates_give_bytes_that_are_not_nodata(self, coordinates, d):
        colours = Palette.fit(coordinates[:, :d])(coordinates[:, :d])
        assert colours.dtype == np.uint8
        assert colours.min() >= 1

    def test_near_is_like_and_far_is_unlike(self):
        rng = np.random.default_rng(0)
        centres = rng.normal(0, 5, (4, 3))
        y = np.repeat(np.arange(4), 50)
        colours = Palette.fit(centres[y])(centres[y] + rng.normal(0, 0.1, (200, 3))).astype(float)
        means = np.array([colours[y == value].mean(axis=0) for value in range(4)])
        assert min(np.linalg.norm(means[a] - means[b]) for a in range(4) for b in range(a)) > 40
        assert max(colours[y == value].std(axis=0).max() for value in range(4)) < 10

    @pytest.mark.parametrize("count", [1, 2, 3, 8, 15])
    def test_clusters_are_told_apart(self, count):
        centres = np.random.default_rng(count).normal(size=(count, 6))
        colours = cluster_colours(centres)
        rgb = np.array([[int(text[k : k + 2], 16) for k in (1, 3, 5)] for text in colours], float)
        gaps = np.linalg.norm(rgb[:, None] - rgb[None], axis=2) + np.eye(count) * 999
        assert gaps.min() > (20 if count > 8 else 45)
        assert colours == cluster_colours(centres)
        assert all(len(text) == 7 for text in hexed(np.array([[1, 2, 255]], np.uint8)))

    def test_like_clusters_have_like_colours(self):
        centres = np.array([[10, 0], [10, 1], [-10, 0.5], [-10, -1]], float)
        rgb = np.array([[int(text[k : k + 2], 16) for k in (1, 3, 5)] for text in cluster_colours(centres)], float)
        gaps = np.linalg.norm(rgb[:, None] - rgb[None], axis=2)
        assert gaps[0, 1] < gaps[0, 2]
